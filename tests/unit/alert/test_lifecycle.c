#include "lg_test.h"

#include "alert/alert.h"

/* The table as documented: rows from, columns to. */
static const int allowed[LG_ALERT_STATUS_COUNT][LG_ALERT_STATUS_COUNT] = {
        /* open ack inv res fp */
        {1, 1, 1, 1, 1}, /* open */
        {1, 1, 1, 1, 1}, /* acknowledged */
        {1, 1, 1, 1, 1}, /* investigating */
        {1, 1, 1, 1, 0}, /* resolved */
        {1, 1, 1, 0, 1}, /* false_positive */
};

static void test_table(void **state)
{
    (void)state;
    for (int from = 0; from < LG_ALERT_STATUS_COUNT; from++) {
        unsigned set = lg_alert_steps_from((enum lg_alert_status)from);

        assert_int_equal(set >> from & 1, 0);
        for (int to = 0; to < LG_ALERT_STATUS_COUNT; to++) {
            assert_int_equal(
                    lg_alert_step_allowed((enum lg_alert_status)from, (enum lg_alert_status)to),
                    allowed[from][to]);
            if (from != to)
                assert_int_equal(set >> to & 1, allowed[from][to]);
        }
    }
}

static void test_names(void **state)
{
    static const char *const names[] = {
            "open", "acknowledged", "investigating", "resolved", "false_positive"};
    enum lg_alert_status s;
    enum lg_severity sev;
    struct lg_buf b;

    (void)state;
    for (int i = 0; i < LG_ALERT_STATUS_COUNT; i++) {
        assert_string_equal(lg_alert_status_name((enum lg_alert_status)i), names[i]);
        assert_int_equal(lg_alert_status_parse(lg_str_z(names[i]), &s), 0);
        assert_int_equal(s, i);
        assert_int_equal(lg_alert_status_active(s), i < 3);
    }
    assert_int_equal(lg_alert_status_parse(LG_STR("Open"), &s), LG_ENOENT);
    assert_int_equal(lg_alert_status_parse(LG_STR(""), &s), LG_ENOENT);
    assert_int_equal(lg_severity_parse(LG_STR("critical"), &sev), 0);
    assert_int_equal(sev, LG_SEVERITY_CRITICAL);
    assert_int_equal(lg_severity_parse(LG_STR("none"), &sev), LG_ENOENT);
    assert_int_equal(lg_severity_rise(LG_SEVERITY_HIGH, LG_SEVERITY_LOW), LG_SEVERITY_HIGH);
    assert_int_equal(lg_severity_rise(LG_SEVERITY_LOW, LG_SEVERITY_HIGH), LG_SEVERITY_HIGH);
    lg_buf_init(&b, 1000);
    lg_alert_steps_text(lg_alert_steps_from(LG_ALERT_RESOLVED), &b);
    assert_str(lg_buf_str(&b), "open, acknowledged, investigating");
    lg_buf_done(&b);
}

static void test_etag(void **state)
{
    char tag[LG_ALERT_ETAG_MAX];

    (void)state;
    lg_alert_etag(7, tag);
    assert_string_equal(tag, "\"7\"");
    lg_alert_etag(UINT64_MAX, tag);
    assert_string_equal(tag, "\"18446744073709551615\"");
    assert_int_equal(lg_alert_etag_match(LG_STR("\"7\""), 7), 0);
    assert_int_equal(lg_alert_etag_match(LG_STR(" \"3\" , \"7\""), 7), 0);
    assert_int_equal(lg_alert_etag_match(LG_STR("*"), 7), 0);
    assert_int_equal(lg_alert_etag_match(LG_STR("\"8\""), 7), LG_EREFUSED);
    assert_int_equal(lg_alert_etag_match(LG_STR("W/\"7\""), 7), LG_EREFUSED);
    assert_int_equal(lg_alert_etag_match(LG_STR("\"x\""), 7), LG_EREFUSED);
    assert_int_equal(lg_alert_etag_match(LG_STR("7"), 7), LG_EPARSE);
    assert_int_equal(lg_alert_etag_match(LG_STR(""), 7), LG_EPARSE);
    assert_int_equal(lg_alert_etag_match(LG_STR("\""), 7), LG_EPARSE);
}

static void test_tactics(void **state)
{
    (void)state;
    assert_string_equal(lg_alert_tactic(LG_STR("T1003.001")), "Credential Access");
    assert_string_equal(lg_alert_tactic(LG_STR("T1059")), "Execution");
    assert_null(lg_alert_tactic(LG_STR("T9999")));
    assert_null(lg_alert_tactic(LG_STR("T10")));
    assert_true(lg_technique_valid(LG_STR("T1059")));
    assert_true(lg_technique_valid(LG_STR("T1059.001")));
    assert_false(lg_technique_valid(LG_STR("T1059.01")));
    assert_false(lg_technique_valid(LG_STR("t1059")));
    assert_false(lg_technique_valid(LG_STR("T1059x001")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_names),
            cmocka_unit_test(test_etag), cmocka_unit_test(test_tactics)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

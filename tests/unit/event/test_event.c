#include "lg_test.h"

#include "event/event.h"

static void every_name_reads_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LG_EVENT_TYPE_COUNT; i++) {
        enum lg_event_type t;

        assert_int_equal(lg_event_type_parse(lg_str_z(lg_event_type_name(i)), &t), 0);
        assert_int_equal(t, i);
    }
    for (unsigned i = 0; i < LG_SOURCE_COUNT; i++) {
        enum lg_source s;

        assert_int_equal(lg_source_parse(lg_str_z(lg_source_name(i)), &s), 0);
        assert_int_equal(s, i);
    }
    for (unsigned i = 0; i < 2; i++) {
        enum lg_platform p;

        assert_int_equal(lg_platform_parse(lg_str_z(lg_platform_name(i)), &p), 0);
        assert_int_equal(p, i);
    }
    for (unsigned i = 0; i < LG_FIELD_COUNT; i++) {
        enum lg_field f;

        assert_int_equal(strlen(lg_fields[i].name), lg_fields[i].name_n);
        assert_int_equal(lg_field_parse(lg_str_z(lg_fields[i].name), &f), 0);
        assert_int_equal(f, i);
    }
}

static void other_names_are_not_found(void **state)
{
    static const char *const names[] = {"", "Image", "image ", "imag", "process_guidx", "unknown"};
    enum lg_event_type t;
    enum lg_platform p;
    enum lg_source s;
    enum lg_field f;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(lg_field_parse(lg_str_z(names[i]), &f), LG_ENOENT);
        assert_int_equal(lg_event_type_parse(lg_str_z(names[i]), &t), LG_ENOENT);
        assert_int_equal(lg_source_parse(lg_str_z(names[i]), &s), LG_ENOENT);
        assert_int_equal(lg_platform_parse(lg_str_z(names[i]), &p), LG_ENOENT);
    }
    assert_string_equal(lg_event_type_name(LG_EVENT_TYPE_COUNT), "unknown");
    assert_string_equal(lg_source_name(LG_SOURCE_COUNT), "unknown");
    assert_string_equal(lg_event_flag_name(LG_EVF_COUNT), "unknown");
}

/* Numbers are stored in feature schemas: appending is allowed, moving is not. */
static void numbers_stay_where_they_are(void **state)
{
    (void)state;
    assert_int_equal(LG_EVENT_PROCESS_CREATE, 0);
    assert_int_equal(LG_EVENT_FILE_OPEN, 12);
    assert_int_equal(LG_EVENT_REGISTRY_KEY, 26);
    assert_int_equal(LG_EVENT_NETWORK_CONNECT, 34);
    assert_int_equal(LG_EVENT_LOGON, 42);
    assert_int_equal(LG_EVENT_AUDIT_CONFIG, 61);
}

static void fields_are_set_and_cleared(void **state)
{
    static struct lg_event ev;

    (void)state;
    lg_event_clear(&ev);
    assert_str(lg_event_str(&ev, LG_F_IMAGE), "");
    assert_int_equal(lg_event_u64(&ev, LG_F_PROCESS_ID), 0);
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++) {
        assert_false(lg_event_has(&ev, (enum lg_field)f));
        lg_event_set_u64(&ev, (enum lg_field)f, f);
    }
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++) {
        assert_true(lg_event_has(&ev, (enum lg_field)f));
        assert_int_equal(lg_event_u64(&ev, (enum lg_field)f), f);
    }
    lg_event_clear(&ev);
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++)
        assert_false(lg_event_has(&ev, (enum lg_field)f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_name_reads_back),
            cmocka_unit_test(other_names_are_not_found),
            cmocka_unit_test(numbers_stay_where_they_are),
            cmocka_unit_test(fields_are_set_and_cleared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

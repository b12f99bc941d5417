#include "alert_make.h"

#include "alert/suppress.h"

#define S LG_NS_PER_SEC
#define GAP (INT64_C(1800) * S)

static struct maker m;

static int setup(void **state)
{
    (void)state;
    maker_init(&m);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    maker_done(&m);
    return 0;
}

/* Parent chain svchost -> winword -> powershell and a file of its. */
#define CHAIN                                                                                      \
    "[{\"node\":3,\"type\":\"file\",\"name\":\"C:\\\\Temp\\\\d.dmp\",\"first_seen\":1010,"         \
    "\"share\":0.5,\"parent\":2,\"techniques\":[\"T1003.001\"]},"                                  \
    "{\"node\":2,\"type\":\"process\",\"name\":\"C:\\\\x\\\\powershell.exe\",\"pid\":9,"           \
    "\"process_guid\":\"ps\",\"first_seen\":1005,\"share\":0.3,\"parent\":1,\"techniques\":[]},"   \
    "{\"node\":1,\"type\":\"process\",\"name\":\"C:\\\\Office\\\\winword.exe\",\"pid\":8,"         \
    "\"process_guid\":\"word\",\"first_seen\":1001,\"share\":0.1,\"parent\":0,\"techniques\":[]}," \
    "{\"node\":0,\"type\":\"process\",\"name\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\","      \
    "\"pid\":7,\"process_guid\":\"svc\",\"first_seen\":1000,\"share\":0.1,\"parent\":null,"        \
    "\"techniques\":[]}]"

static void test_process(void **state)
{
    struct make_inference mi = {.tenant = "a",
            .endpoint = "hr001",
            .window_end_s = 1200,
            .prob = 0.97,
            .evidence = CHAIN,
            .techniques = "[\"T1003.001\",\"T1059.001\"]"};
    struct lg_inference in = make(&m, &mi);
    struct lg_buf b;

    (void)state;
    assert_str(lg_inference_process(&in)->process_guid, "word");
    lg_buf_init(&b, 4096);
    lg_alert_title(&in, &b);
    assert_str(lg_buf_str(&b), "Credential Access on hr001: winword.exe");
    lg_buf_clear(&b);
    lg_alert_description(&in, &b);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("winword.exe (pid 8)")) >= 0);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("file C:\\Temp\\d.dmp (50 %)")) >= 0);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("Techniques: T1003.001, T1059.001.")) >= 0);
    lg_buf_done(&b);
    mi.evidence = "[{\"node\":1,\"type\":\"process\",\"name\":\"/usr/sbin/sshd\",\"pid\":70,"
                  "\"first_seen\":1,\"share\":1,\"parent\":1,\"techniques\":[]}]";
    in = make(&m, &mi);
    assert_null(lg_inference_process(&in)); /* its own parent, and of the system */
}

static void test_system(void **state)
{
    (void)state;
    assert_true(lg_process_is_system(LG_STR("C:\\Windows\\System32\\svchost.exe"), 900));
    assert_true(lg_process_is_system(LG_STR("C:\\WINDOWS\\Explorer.EXE"), 900));
    assert_true(lg_process_is_system(LG_STR("svchost.exe"), 900));
    assert_false(lg_process_is_system(LG_STR("C:\\Temp\\svchost.exe"), 900));
    assert_false(lg_process_is_system(LG_STR("C:\\Windows\\System32\\cmd.exe"), 900));
    assert_true(lg_process_is_system(LG_STR("/lib/systemd/systemd"), 1));
    assert_true(lg_process_is_system(LG_STR("/usr/sbin/cron"), 77));
    assert_false(lg_process_is_system(LG_STR("/bin/bash"), 77));
    assert_true(lg_process_is_system(LG_STR(""), 77));
}

static void test_keys(void **state)
{
    struct make_inference mi = {.tenant = "a", .endpoint = "e", .window_end_s = 1200, .prob = 0.9};
    struct lg_inference in = make(&m, &mi);
    struct lg_fold_key k1, k2;

    (void)state;
    lg_fold_key_of(&in, &k1);
    assert_int_equal(strlen(k1.text), LG_FOLD_KEY_TEXT);
    /* the same process in another window, with other techniques: the same story */
    mi.window_end_s = 5000;
    mi.techniques = "[\"T1003.001\"]";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k2);
    assert_string_equal(k1.text, k2.text);
    mi.tenant = "b";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k2);
    assert_string_not_equal(k1.text, k2.text);
    mi.tenant = "a";
    mi.endpoint = "f";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k2);
    assert_string_not_equal(k1.text, k2.text);
    /* without a process the techniques are the key */
    mi.endpoint = "e";
    mi.evidence = "[]";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k1);
    mi.techniques = "[\"T1003.001\",\"T1105\"]";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k2);
    assert_string_not_equal(k1.text, k2.text);
    /* without a GUID: pid and image, any case */
    mi.evidence = "[{\"node\":1,\"type\":\"process\",\"name\":\"C:\\\\X\\\\A.exe\",\"pid\":5,"
                  "\"first_seen\":1,\"share\":1,\"parent\":null,\"techniques\":[]}]";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k1);
    mi.evidence = "[{\"node\":9,\"type\":\"process\",\"name\":\"c:\\\\x\\\\a.EXE\",\"pid\":5,"
                  "\"first_seen\":3,\"share\":1,\"parent\":null,\"techniques\":[]}]";
    in = make(&m, &mi);
    lg_fold_key_of(&in, &k2);
    assert_string_equal(k1.text, k2.text);
}

static void test_decide(void **state)
{
    struct make_inference mi = {.tenant = "a", .endpoint = "e", .window_end_s = 10180, .prob = 0.9};
    struct lg_inference in = make(&m, &mi);
    struct lg_alert al = {.status = LG_ALERT_OPEN, .first_seen = 5000 * S, .last_seen = 9000 * S};
    struct lg_fold_decision d;

    (void)state;
    assert_int_equal(lg_fold_decide(NULL, &in, GAP).action, LG_FOLD_NEW);
    assert_false(lg_fold_decide(NULL, &in, GAP).linked);
    for (int s = 0; s < LG_ALERT_STATUS_COUNT; s++) {
        al.status = (enum lg_alert_status)s;
        d = lg_fold_decide(&al, &in, GAP);
        assert_int_equal(d.action, s <= LG_ALERT_INVESTIGATING ? LG_FOLD_JOIN : LG_FOLD_NEW);
        assert_int_equal(d.linked, s > LG_ALERT_INVESTIGATING);
        assert_int_equal(d.recurrence, s == LG_ALERT_FALSE_POSITIVE);
    }
    /* exactly the gap joins, one ns more does not */
    al.status = LG_ALERT_ACKNOWLEDGED;
    al.last_seen = in.window_start - GAP;
    assert_int_equal(lg_fold_decide(&al, &in, GAP).action, LG_FOLD_JOIN);
    al.last_seen--;
    assert_int_equal(lg_fold_decide(&al, &in, GAP).action, LG_FOLD_NEW);
    /* the same backwards */
    al.last_seen = 99999 * S;
    al.first_seen = in.window_end + GAP;
    assert_int_equal(lg_fold_decide(&al, &in, GAP).action, LG_FOLD_JOIN);
    al.first_seen++;
    assert_int_equal(lg_fold_decide(&al, &in, GAP).action, LG_FOLD_NEW);
    mi.prediction = "benign";
    mi.severity = "none";
    in = make(&m, &mi);
    assert_int_equal(lg_fold_decide(&al, &in, GAP).action, LG_FOLD_NONE);
    assert_int_equal(lg_fold_decide(NULL, &in, GAP).action, LG_FOLD_NONE);
}

/* Any order of joins: severity and probability never fall, times only widen, techniques unite. */
static void test_join_properties(void **state)
{
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    static const char *const sets[] = {
            "[]", "[\"T1003.001\"]", "[\"T1059.001\",\"T1105\"]", "[\"T1003.001\",\"T1486\"]"};
    uint64_t rnd = 42;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct lg_fold_key key;
        struct lg_alert al = {0};
        double max = 0;
        unsigned seen = 0;

        for (int i = 0; i < 6; i++) {
            unsigned set = (unsigned)(next_random(&rnd) % 4),
                     sev = (unsigned)(next_random(&rnd) % 4);
            struct make_inference mi = {.tenant = "a",
                    .endpoint = "e",
                    .window_end_s = 1200 + (int64_t)(next_random(&rnd) % 50) * 60,
                    .id = (unsigned)i,
                    .prob = 0.5 + (double)(next_random(&rnd) % 100) / 250,
                    .severity = severities[sev],
                    .techniques = sets[set]};
            struct lg_inference in = make_own(&m, &mi);
            struct lg_alert before = al;

            if (i == 0) {
                lg_fold_key_of(&in, &key);
                assert_int_equal(lg_fold_open(&in, &key, 1, &m.a, &al), 0);
                assert_int_equal(al.status, LG_ALERT_OPEN);
                assert_int_equal(al.version, 1);
            } else {
                assert_int_equal(lg_fold_join(&al, &in, 1 + i, &m.a), 0);
                assert_true(al.severity >= before.severity && al.severity >= in.severity);
                assert_true(al.first_seen <= before.first_seen && al.last_seen >= before.last_seen);
                assert_int_equal(al.version, before.version + 1);
                assert_memory_equal(&al.alert_id, &before.alert_id, sizeof(al.alert_id));
            }
            max = in.attack_prob > max ? in.attack_prob : max;
            assert_true(al.attack_prob == max);
            seen |= 1u << set;
            assert_int_equal(
                    lg_str_find(al.techniques, LG_STR("\"T1105\"")) >= 0, (seen >> 2 & 1) != 0);
            assert_int_equal(lg_str_find(al.techniques, LG_STR("\"T1003.001\"")) >= 0,
                    (seen & (1u << 1 | 1u << 3)) != 0);
        }
        if ((seen & 14) == 14)
            assert_str(al.techniques, "[\"T1003.001\",\"T1059.001\",\"T1105\",\"T1486\"]");
        lg_arena_clear(&m.a);
    }
}

static void test_ids(void **state)
{
    struct make_inference mi = {.tenant = "a", .endpoint = "e", .window_end_s = 1200, .prob = 0.9};
    struct lg_inference in = make(&m, &mi);
    struct lg_fold_key key;
    struct lg_alert a1, a2;
    struct lg_buf b;

    (void)state;
    lg_fold_key_of(&in, &key);
    assert_int_equal(lg_fold_open(&in, &key, 1, &m.a, &a1), 0);
    assert_int_equal(lg_fold_open(&in, &key, 999, &m.a, &a2), 0);
    assert_memory_equal(&a1.alert_id, &a2.alert_id, sizeof(a1.alert_id));
    assert_int_equal(a1.alert_id.b[6] >> 4, 8); /* UUIDv8 */
    lg_buf_init(&b, 1u << 16);
    lg_alert_write(&a1, &b);
    assert_int_equal(b.failed, 0);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("\"previous_alert_id\":null")) >= 0);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("\"ttp_techniques\":[\"T1059.001\"]")) >= 0);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("\"status\":\"open\"")) >= 0);
    lg_buf_done(&b);
}

static void test_reader_refuses(void **state)
{
    static const char *const cuts[][2] = {{"\"tenant_id\":\"a\"", "\"tenant_id\":\"\""},
            {"\"tenant_id\":\"a\"", "\"x\":1"}, {"\"window_end\":1200", "\"window_end\":1020"},
            {"\"window_end\":1200", "\"window_end\":-3"},
            {"\"window_end\":1200", "\"window_end\":1e300"},
            {"\"attack_prob\":0.900000", "\"attack_prob\":1.1"},
            {"\"attack_prob\":0.900000", "\"attack_prob\":null"},
            {"\"prediction\":\"attack\"", "\"prediction\":\"maybe\""},
            {"\"severity\":\"high\"", "\"severity\":\"none\""},
            {"\"ttp_techniques\":[\"T1059.001\"]", "\"ttp_techniques\":[\"T1\"]"},
            {"\"ttp_techniques\":[\"T1059.001\"]", "\"ttp_techniques\":[\"T1105\",\"T1059\"]"},
            {"\"ttp_techniques\":[\"T1059.001\"]", "\"ttp_techniques\":{}"},
            {"\"graph_nodes\":5", "\"graph_nodes\":\"5\""}, {"\"share\":1", "\"share\":2"},
            {"00000000-0000-8000", "zz000000-0000-8000"}};
    struct make_inference mi = {.tenant = "a", .endpoint = "e", .window_end_s = 1200, .prob = 0.9};
    struct lg_buf b, cut;

    (void)state;
    lg_buf_init(&b, 1u << 20);
    lg_buf_init(&cut, 1u << 20);
    make_text(&mi, &b);
    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        ptrdiff_t at = lg_str_find(lg_buf_str(&b), lg_str_z(cuts[i][0]));
        struct lg_inference in;
        struct lg_jval root;
        struct lg_err err = {0};

        assert_true(at >= 0);
        lg_buf_clear(&cut);
        lg_buf_add(&cut, b.p, (size_t)at);
        lg_buf_adds(&cut, lg_str_z(cuts[i][1]));
        lg_buf_adds(&cut, lg_str_sub(lg_buf_str(&b), (size_t)at + strlen(cuts[i][0]), b.n));
        assert_int_equal(lg_json_parse(m.json, lg_buf_str(&cut), false, &root, NULL), 0);
        if (lg_inference_read(root, lg_buf_str(&cut), &m.a, &in, &err) != LG_EPARSE)
            fail_msg("%s was taken", cuts[i][1]);
        assert_int_equal(err.code, LG_EPARSE);
    }
    lg_buf_done(&b);
    lg_buf_done(&cut);
}

static void test_suppress(void **state)
{
    struct make_inference mi = {
            .tenant = "a", .endpoint = "hr001", .window_end_s = 1200, .prob = 0.9};
    struct lg_inference in = make_own(&m, &mi), two;
    struct lg_suppression s = {.tenant_id = LG_STR("a"),
            .owner = LG_STR("anna"),
            .reason = LG_STR("backup job"),
            .expires_at = 100 * S,
            .process = LG_STR("powershell.exe")};
    struct lg_fold_key key;
    struct lg_alert al;
    struct lg_err err;

    (void)state;
    assert_int_equal(lg_suppression_check(&s, 1 * S, &err), 0);
    assert_true(lg_suppression_hides(&s, &in, 99 * S));
    assert_false(lg_suppression_hides(&s, &in, 100 * S)); /* expired */
    s.revoked = true;
    assert_false(lg_suppression_hides(&s, &in, 1));
    s.revoked = false;
    s.tenant_id = LG_STR("b");
    assert_false(lg_suppression_hides(&s, &in, 1));
    s.tenant_id = LG_STR("a");
    s.endpoint_id = LG_STR("HR*");
    assert_true(lg_suppression_hides(&s, &in, 1));
    s.endpoint_id = LG_STR("fin*");
    assert_false(lg_suppression_hides(&s, &in, 1));
    s.endpoint_id = LG_STR("");
    s.hash = LG_STR("AABB");
    assert_true(lg_suppression_hides(&s, &in, 1));
    s.hash = LG_STR("aabc");
    assert_false(lg_suppression_hides(&s, &in, 1));
    s.hash = LG_STR("");
    s.process = LG_STR("*\\v1.0\\*");
    assert_true(lg_suppression_hides(&s, &in, 1));
    s.process = LG_STR("shell.exe");
    assert_false(lg_suppression_hides(&s, &in, 1));
    /* a technique hides only what it covers wholly */
    s.process = LG_STR("");
    s.technique = LG_STR("T1059");
    assert_true(lg_suppression_hides(&s, &in, 1));
    mi.techniques = "[\"T1003.001\",\"T1059.001\"]";
    two = make_own(&m, &mi);
    assert_false(lg_suppression_hides(&s, &two, 1));
    lg_fold_key_of(&two, &key);
    assert_int_equal(lg_fold_open(&two, &key, 1, &m.a, &al), 0);
    assert_false(lg_suppression_would_hide(&s, &al));
    s.technique = LG_STR("T1059.001");
    assert_int_equal(lg_fold_open(&in, &key, 1, &m.a, &al), 0);
    assert_true(lg_suppression_would_hide(&s, &al));
}

static void test_suppress_check(void **state)
{
    const struct lg_suppression good = {.tenant_id = LG_STR("a"),
            .owner = LG_STR("anna"),
            .reason = LG_STR("why"),
            .expires_at = 100 * S,
            .hash = LG_STR("aa")};
    struct lg_suppression s = good;
    struct lg_err err;

    (void)state;
    assert_int_equal(lg_suppression_check(&good, 1, &err), 0);
    s.owner = LG_STR("");
    assert_int_equal(lg_suppression_check(&s, 1, &err), LG_EINVAL);
    s = good;
    s.reason = LG_STR("  ");
    assert_int_equal(lg_suppression_check(&s, 1, &err), LG_EINVAL);
    s = good;
    s.hash = LG_STR("");
    s.endpoint_id = LG_STR("**");
    assert_int_equal(lg_suppression_check(&s, 1, &err), LG_EINVAL);
    s = good;
    s.expires_at = 0;
    assert_int_equal(lg_suppression_check(&s, 1, &err), LG_EINVAL);
    s.permanent = true;
    assert_int_equal(lg_suppression_check(&s, 1, &err), 0);
    s = good;
    s.expires_at = 2 * LG_SUPPRESSION_LIFE_MAX;
    assert_int_equal(lg_suppression_check(&s, 1, &err), LG_EINVAL);
    s = good;
    s.technique = LG_STR("powershell");
    assert_int_equal(lg_suppression_check(&s, 1, &err), LG_EINVAL);
}

static void test_glob(void **state)
{
    (void)state;
    assert_true(lg_glob_match(LG_STR(""), LG_STR("")));
    assert_false(lg_glob_match(LG_STR(""), LG_STR("a")));
    assert_true(lg_glob_match(LG_STR("*"), LG_STR("")));
    assert_true(lg_glob_match(LG_STR("a*b*c"), LG_STR("aXbYc")));
    assert_false(lg_glob_match(LG_STR("a*b*c"), LG_STR("aXcYb")));
    assert_true(lg_glob_match(LG_STR("*ab"), LG_STR("aab")));
    assert_true(lg_glob_match(LG_STR("A*"), LG_STR("abc")));
}

/* Every allocation fails once; nothing leaks or crashes, and the error is told. */
static void test_oom(void **state)
{
    struct make_inference mi = {
            .tenant = "a", .endpoint = "e", .window_end_s = 1200, .prob = 0.9, .evidence = CHAIN};
    struct lg_inference in = make_own(&m, &mi);
    struct lg_fold_key key;

    (void)state;
    lg_fold_key_of(&in, &key);
    for (uint64_t n = 1;; n++) {
        struct lg_alert al;
        struct lg_arena a;
        int rc;

        lg_arena_init(&a, 1u << 20);
        (void)lg_mem_fail_from(n);
        rc = lg_fold_open(&in, &key, 1, &a, &al);
        if (rc == 0)
            rc = lg_fold_join(&al, &in, 2, &a);
        (void)lg_mem_fail_from(0);
        lg_arena_done(&a);
        if (rc == 0)
            break;
        assert_int_equal(rc, LG_ENOMEM);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_process),
            cmocka_unit_test(test_system), cmocka_unit_test(test_keys),
            cmocka_unit_test(test_decide), cmocka_unit_test(test_join_properties),
            cmocka_unit_test(test_ids), cmocka_unit_test(test_reader_refuses),
            cmocka_unit_test(test_suppress), cmocka_unit_test(test_suppress_check),
            cmocka_unit_test(test_glob), cmocka_unit_test(test_oom)};

    return cmocka_run_group_tests(tests, setup, teardown);
}

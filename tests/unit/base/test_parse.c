/* Numbers and times: what is read, what is refused, and that a refusal writes nothing. */
#include "cm.h"

#include "base/parse.h"

static void test_u64(void **state)
{
    static const struct {
        const char *in;
        int rc;
        uint64_t v;
    } rows[] = {
            {"0", 0, 0},
            {"00042", 0, 42},
            {"18446744073709551615", 0, UINT64_MAX},
            {"18446744073709551616", LG_ERANGE, 0},
            {"99999999999999999999999", LG_ERANGE, 0},
            {"", LG_EPARSE, 0},
            {" 1", LG_EPARSE, 0},
            {"1 ", LG_EPARSE, 0},
            {"+1", LG_EPARSE, 0},
            {"-1", LG_EPARSE, 0},
            {"1e3", LG_EPARSE, 0},
            {"0x10", LG_EPARSE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t v = 77;

        assert_int_equal(lg_parse_u64(lg_str_z(rows[i].in), &v), rows[i].rc);
        assert_int_equal(v, rows[i].rc == 0 ? rows[i].v : 77);
    }
}

static void test_i64(void **state)
{
    int64_t v = 77;

    (void)state;
    assert_int_equal(lg_parse_i64(LG_STR("-9223372036854775808"), &v), 0);
    assert_true(v == INT64_MIN);
    assert_int_equal(lg_parse_i64(LG_STR("+9223372036854775807"), &v), 0);
    assert_true(v == INT64_MAX);
    assert_int_equal(lg_parse_i64(LG_STR("-9223372036854775809"), &v), LG_ERANGE);
    assert_int_equal(lg_parse_i64(LG_STR("9223372036854775808"), &v), LG_ERANGE);
    assert_int_equal(lg_parse_i64(LG_STR("-"), &v), LG_EPARSE);
    assert_int_equal(lg_parse_i64(LG_STR("+-1"), &v), LG_EPARSE);
    assert_true(v == INT64_MAX);
}

static void test_hex(void **state)
{
    uint64_t v = 77;

    (void)state;
    assert_int_equal(lg_parse_hex64(LG_STR("0xFFFFffffFFFFffff"), &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(lg_parse_hex64(LG_STR("1fffff"), &v), 0);
    assert_int_equal(v, 0x1fffff);
    assert_int_equal(lg_parse_hex64(LG_STR("10000000000000000"), &v), LG_ERANGE);
    assert_int_equal(lg_parse_hex64(LG_STR("0x"), &v), LG_EPARSE);
    assert_int_equal(lg_parse_hex64(LG_STR("0x1g"), &v), LG_EPARSE);
    assert_int_equal(lg_parse_u64_any(LG_STR("0X1F"), &v), 0);
    assert_int_equal(v, 31);
    assert_int_equal(lg_parse_u64_any(LG_STR("31"), &v), 0);
    assert_int_equal(v, 31);
    assert_int_equal(lg_parse_u64_any(LG_STR("1f"), &v), LG_EPARSE);
}

static void test_double(void **state)
{
    static const char *const bad[] = {"", " 1", "1 ", "nan", "inf", "0x1p3", "1,5", "1.2.3", "--1",
            "e5", "1e", "11111111111111111111111111111111111111111111111111111111111111111111"};
    double v = 77;

    (void)state;
    assert_int_equal(lg_parse_double(LG_STR("-1.25e2"), &v), 0);
    assert_true(v == -125.0);
    assert_int_equal(lg_parse_double(LG_STR("0.1"), &v), 0);
    assert_true(v == 0.1);
    assert_int_equal(lg_parse_double(LG_STR("1e999"), &v), LG_ERANGE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lg_parse_double(lg_str_z(bad[i]), &v), LG_EPARSE);
    assert_true(v == 0.1);
}

static void test_time_iso(void **state)
{
    static const struct {
        const char *in;
        int64_t secs;
        int64_t ns;
    } good[] = {
            {"1970-01-01T00:00:00Z", 0, 0},
            {"2019-06-25 17:38:30.859", 1561484310, 859000000},
            {"2020-02-29t23:59:59.123456789z", 1583020799, 123456789},
            {"2020-02-29T23:59:59.1234567899Z", 1583020799, 123456789},
            {"2021-01-01T00:00:00+01:30", 1609453800, 0},
            {"2021-01-01T00:00:00-0130", 1609464600, 0},
            {"2016-12-31T23:59:60Z", 1483228800, 0},
            {"2000-02-29T00:00:00Z", 951782400, 0},
            {"1970-01-01T00:00:00+02:00", -7200, 0},
    };
    static const char *const bad[] = {"", "2019-06-25", "2019-06-25T17:38:3", "2019-13-01T00:00:00",
            "2019-00-01T00:00:00", "2019-04-31T00:00:00", "2019-02-29T00:00:00",
            "2100-02-29T00:00:00", "2019-06-25T24:00:00", "2019-06-25T00:60:00",
            "2019-06-25T00:00:61", "2019-06-25X00:00:00", "2019/06/25T00:00:00",
            "2019-06-25T00:00:00.", "2019-06-25T00:00:00.Z", "2019-06-25T00:00:00 Z",
            "2019-06-25T00:00:00+1", "2019-06-25T00:00:00+25:00", "2019-06-25T00:00:00+01:00Z",
            "2019-06-25T00:00:00ZZ", "-019-06-25T00:00:00Z"};
    lg_time t = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(lg_parse_time_iso(lg_str_z(good[i].in), &t), 0);
        assert_int_equal(t, good[i].secs * LG_NS_PER_SEC + good[i].ns);
    }
    t = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lg_parse_time_iso(lg_str_z(bad[i]), &t), LG_EPARSE);
    assert_int_equal(lg_parse_time_iso(LG_STR("1969-12-31T23:59:59Z"), &t), LG_ERANGE);
    assert_int_equal(lg_parse_time_iso(LG_STR("2262-01-01T00:00:00Z"), &t), LG_ERANGE);
    assert_int_equal(t, 77);
}

static void test_time_epoch(void **state)
{
    lg_time t = 77;

    (void)state;
    assert_int_equal(lg_parse_time_epoch(LG_STR("1561484310.859"), &t), 0);
    assert_int_equal(t, INT64_C(1561484310859000000));
    assert_int_equal(lg_parse_time_epoch(LG_STR("0"), &t), 0);
    assert_int_equal(t, 0);
    assert_int_equal(lg_parse_time_epoch(LG_STR("1."), &t), LG_EPARSE);
    assert_int_equal(lg_parse_time_epoch(LG_STR(".5"), &t), LG_EPARSE);
    assert_int_equal(lg_parse_time_epoch(LG_STR("-1"), &t), LG_EPARSE);
    assert_int_equal(lg_parse_time_epoch(LG_STR("1.5.5"), &t), LG_EPARSE);
    assert_int_equal(lg_parse_time_epoch(LG_STR("9223372036"), &t), LG_ERANGE);
    assert_int_equal(t, 0);
}

/* What is written is read back as the same time, over the whole range. */
static void test_time_round_trip(void **state)
{
    char text[LG_TIME_ISO_MAX], epoch[LG_TIME_EPOCH_MAX];
    uint64_t x = 42;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        lg_time t, back;

        x = x * 6364136223846793005u + 1442695040888963407u;
        t = (lg_time)(x >> 1) % (INT64_C(9214646400) * LG_NS_PER_SEC);
        assert_int_equal(lg_parse_time_iso(lg_str_of(text, lg_time_iso(t, text)), &back), 0);
        assert_int_equal(back, t / 1000000 * 1000000);
        assert_int_equal(lg_parse_time_epoch(lg_str_of(epoch, lg_time_epoch(t, epoch)), &back), 0);
        assert_int_equal(back, t);
    }
    (void)lg_time_iso(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    (void)lg_time_epoch(INT64_MIN, epoch);
    assert_string_equal(epoch, "-9223372036.854775808");
    (void)lg_time_epoch(INT64_C(1500000000), epoch);
    assert_string_equal(epoch, "1.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_u64),
            cmocka_unit_test(test_i64),
            cmocka_unit_test(test_hex),
            cmocka_unit_test(test_double),
            cmocka_unit_test(test_time_iso),
            cmocka_unit_test(test_time_epoch),
            cmocka_unit_test(test_time_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

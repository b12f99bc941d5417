/* What of the Kafka bus needs no broker: times on the wire, and codes of failures. */
#include "kafka/kafka_int.h"
#include "lg_test.h"

static void check_time(lg_time t, int64_t ms, bool header)
{
    char text[24];
    size_t n;

    assert_int_equal(kf_time_put(t, text, &n), ms);
    assert_int_equal(n > 0, header);
    assert_int_equal(kf_time_get(ms, lg_str_of(text, n)), t);
}

static void test_times(void **state)
{
    uint64_t rnd = 5;

    (void)state;
    check_time(INT64_C(1700000000123000000), INT64_C(1700000000123), false);
    check_time(INT64_C(1700000000123456789), INT64_C(1700000000123), true);
    check_time(1000000, 1, false);
    check_time(999999, 1, true); /* Kafka has no timestamp of 0 */
    check_time(0, 1, true);
    check_time(-1, 1, true);
    check_time(INT64_MIN, 1, true);
    check_time(INT64_MAX, INT64_MAX / 1000000, true);
    for (int i = 0; i < 10000; i++) {
        lg_time t = (lg_time)next_random(&rnd);
        char text[24];
        size_t n;
        int64_t ms = kf_time_put(t, text, &n);

        assert_true(ms > 0);
        assert_int_equal(kf_time_get(ms, lg_str_of(text, n)), t);
    }
}

/* A header that does not agree with the timestamp says nothing; neither does one that is none. */
static void test_forged_times(void **state)
{
    const int64_t ms = INT64_C(1700000000123);

    (void)state;
    assert_int_equal(kf_time_get(ms, LG_STR("1700000000123456789")), INT64_C(1700000000123456789));
    assert_int_equal(kf_time_get(ms, LG_STR("1700000000124000000")), ms * 1000000);
    assert_int_equal(kf_time_get(ms, LG_STR("1700000000122999999")), ms * 1000000);
    assert_int_equal(kf_time_get(ms, LG_STR("4000000000000000000")), ms * 1000000);
    assert_int_equal(kf_time_get(ms, LG_STR("99999999999999999999999")), ms * 1000000);
    assert_int_equal(kf_time_get(ms, LG_STR("-5")), ms * 1000000);
    assert_int_equal(kf_time_get(ms, LG_STR("now")), ms * 1000000);
    assert_int_equal(kf_time_get(ms, LG_STR("")), ms * 1000000);
    assert_int_equal(kf_time_get(-1, LG_STR("")), 0); /* the broker has none */
    assert_int_equal(kf_time_get(0, LG_STR("-5")), 0);
    assert_true(kf_time_get(INT64_MAX, LG_STR("")) > 0);
}

/* Only what waiting may help is tried again; an authorization that failed is never LG_EREFUSED,
 * which would tell a stage to drop what it has. */
static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_NO_ERROR), 0);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT), LG_EAGAIN);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN), LG_EAGAIN);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), LG_EAGAIN);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE), LG_EAGAIN);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR__FATAL), LG_EAGAIN); /* there is a new producer */
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), LG_ELIMIT);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), LG_EIO);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED), LG_EIO);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED), LG_EIO);
    assert_int_equal(kf_rc(RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP), LG_EREFUSED);
}

static int opened(struct lg_kafka_options opt, struct lg_err *err)
{
    struct lg_bus *bus = NULL;
    int rc = lg_kafka_open(&opt, &bus, err);

    if (rc == 0)
        lg_bus_close(bus);
    return rc;
}

/* What cannot be opened says why, in time, and tells no secret. */
static void test_open(void **state)
{
    struct lg_err err = {.text = ""};
    struct lg_kafka_options opt = {.request_timeout_ms = 1000};

    (void)state;
    assert_int_equal(opened(opt, &err), LG_EINVAL);
    opt.brokers = "127.0.0.1:1";
    assert_int_equal(opened(opt, &err), LG_EAGAIN);
    assert_non_null(strstr(err.text, "no broker can be reached"));
    opt.security_protocol = "carrier-pigeon";
    assert_int_equal(opened(opt, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "security.protocol"));
    opt.security_protocol = "sasl_plaintext";
    opt.sasl_mechanism = "OAUTHBEARER";
    assert_int_equal(opened(opt, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "tokens"));
    opt.security_protocol = "ssl";
    opt.sasl_mechanism = NULL;
    opt.cert_file = LG_SOURCE_DIR "/README.md";
    opt.key_file = LG_SOURCE_DIR "/README.md";
    opt.key_password = "hunter2";
    assert_int_equal(opened(opt, &err), LG_EINVAL);
    assert_null(strstr(err.text, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_times),
            cmocka_unit_test(test_forged_times),
            cmocka_unit_test(test_codes),
            cmocka_unit_test(test_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

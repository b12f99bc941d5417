#include "audit_fixture.h"

/* auditbeat, LAUREL, go-libaudit: recognition, hostile shapes, failing allocations. What whole
 * streams become is in test_audit_golden.c. */
static struct audit_out out;

static int setup(void **state)
{
    (void)state;
    audit_open(&out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    audit_close(&out);
    return 0;
}

static void one(const char *line)
{
    audit_clear(&out);
    audit_line(&out, line);
    if (out.n != 1)
        fail_msg("%zu results for\n%s", out.n, line);
}

static void assert_format(const char *line, const char *want)
{
    const struct lg_format *f = lg_format_recognise(out.nz, lg_str_z(line), false);

    if (want == NULL) {
        if (f != NULL)
            fail_msg("%s was taken for %s", line, lg_format_name(f));
        return;
    }
    if (f == NULL)
        fail_msg("nothing takes %s", line);
    assert_string_equal(lg_format_name(f), want);
    assert_int_equal(lg_format_platform(f), LG_PLATFORM_LINUX);
}

static void test_recognition(void **state)
{
    (void)state;
    assert_format("{\"auditd\":{\"sequence\":1,\"data\":{}},\"@timestamp\":\"x\"}", "auditbeat-6");
    assert_format("{\"auditd\":{\"sequence\":1,\"message_type\":\"syscall\"}}", "auditbeat-7");
    assert_format(
            "{\"auditd\":{\"sequence\":1},\"agent\":{\"type\":\"auditbeat\"}}", "auditbeat-7");
    assert_format(
            "{\"auditd\":{\"sequence\":1},\"process\":{\"executable\":\"/x\"}}", "auditbeat-7");
    assert_format("{\"auditd\":{}}", NULL);
    assert_format("{\"auditd\":[]}", NULL);
    assert_format("{\"ID\":\"1.2:3\",\"SYSCALL\":{}}", "laurel");
    assert_format("{\"ID\":\"1.2\",\"SYSCALL\":{}}", NULL);
    assert_format("{\"ID\":17}", NULL);
    assert_format(
            "{\"record_type\":\"syscall\",\"sequence\":1,\"@timestamp\":\"x\"}", "go-libaudit");
    assert_format("{\"event\":{\"record_type\":\"syscall\",\"sequence\":1,\"@timestamp\":\"x\"}}",
            "go-libaudit");
    assert_format("{\"record_type\":1,\"sequence\":1,\"@timestamp\":\"x\"}", NULL);
    assert_format("type=CWD msg=audit(1.000:2): cwd=\"/\"", "auditd");
    assert_format("[1,2]", NULL);
    assert_true(lg_format_stateful(
            lg_format_recognise(out.nz, LG_STR("type=CWD msg=audit(1.000:2): x=y"), false)));
}

/* Members of any type in any place: no crash, one result. */
static void test_wrong_types(void **state)
{
    static const char *const values[] = {"null", "1", "-1", "1.5", "true", "\"\"", "\"x\"", "[]",
            "[[]]", "[{}]", "{}", "{\"a\":[1]}", "18446744073709551615"};
    static const char *const beats[] = {
            "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"auditd\":{\"sequence\":1,\"paths\":%s,"
            "\"data\":{\"syscall\":\"open\",\"arch\":\"x86_64\"}}}",
            "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"auditd\":{\"sequence\":1,\"data\":%s}}",
            "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"auditd\":{\"sequence\":1,\"data\":{"
            "\"syscall\":\"connect\",\"socket\":%s,\"a0\":%s}}}",
            "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"auditd\":{\"sequence\":%s}}",
            "{\"@timestamp\":%s,\"auditd\":{\"sequence\":1}}",
            "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"process\":%s,\"user\":%s,\"auditd\":{"
            "\"sequence\":1,\"data\":{\"syscall\":\"execve\"}},\"host\":%s,\"tags\":%s}",
            "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"process\":{\"args\":%s,\"pid\":%s,"
            "\"title\":%s}"
            ",\"auditd\":{\"sequence\":1,\"data\":{\"syscall\":\"execve\"}}}",
            "{\"ID\":\"1700000000.1:2\",\"SYSCALL\":%s,\"PATH\":%s,\"EXECVE\":%s,\"CWD\":%s}",
            "{\"ID\":\"1700000000.1:2\",\"SYSCALL\":{\"syscall\":%s,\"ARGV\":%s,\"PPID\":%s,"
            "\"exit\":%s}}",
            "{\"ID\":\"1700000000.1:2\",\"SYSCALL\":{\"arch\":\"0xc000003e\",\"syscall\":59},"
            "\"EXECVE\":{\"ARGV\":%s,\"argc\":%s},\"PROCTITLE\":{\"ARGV\":%s}}",
            "{\"ID\":\"1700000000.1:2\",\"USER_LOGIN\":%s,\"OBJ_PID\":%s,\"PARENT_INFO\":%s,"
            "\"CONTAINER_INFO\":%s}",
            "{\"ID\":\"1700000000.1:2\",\"SYSCALL\":{\"arch\":\"0xc000003e\",\"syscall\":42},"
            "\"SOCKADDR\":{\"saddr\":%s},\"OPENAT2\":{\"oflag\":%s},\"KERN_MODULE\":{\"name\":%s}}",
            "{\"ID\":\"1700000000.1:2\",\"PATH\":[{\"item\":%s,\"name\":%s,\"nametype\":%s}]}",
    };
    char line[2048];

    (void)state;
    for (size_t b = 0; b < sizeof(beats) / sizeof(beats[0]); b++) {
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            const char *v = values[i];
            size_t n = 0;

            for (const char *p = beats[b]; *p != 0; p++) {
                if (p[0] == '%' && p[1] == 's') {
                    n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", v);
                    p++;
                } else {
                    line[n++] = *p;
                }
            }
            line[n] = 0;
            one(line);
        }
    }
}

static void test_hosts(void **state)
{
#define BEAT(rest)                                                                                 \
    "{\"@timestamp\":\"2024-01-01T00:00:00Z\",\"auditd\":{\"sequence\":1,\"data\":{\"syscall\":"   \
    "\"fork\",\"exit\":\"7\"}}" rest "}"
    (void)state;
    one(BEAT(""));
    audit_expect(&out, 0, "process_fork 1704067200 host=test1 ", NULL);
    one(BEAT(",\"host\":\"Web1\""));
    audit_expect(&out, 0, "process_fork 1704067200 host=web1 ", NULL);
    one(BEAT(",\"host\":{\"hostname\":\"web2\"},\"agent\":{\"hostname\":\"collector\"}"));
    audit_expect(&out, 0, "process_fork 1704067200 host=web2 ", NULL);
    one(BEAT(",\"beat\":{\"hostname\":\"web3\"}"));
    audit_expect(&out, 0, "process_fork 1704067200 host=web3 ", NULL);
    one("{\"ID\":\"1704067200.000:5\",\"NODE\":\"db1\",\"SYSCALL\":{\"arch\":\"0xc000003e\","
        "\"syscall\":57,\"exit\":7}}");
    audit_expect(&out, 0, "process_fork 1704067200 host=db1 ", "target_process_id=7", NULL);
}

/* The same event, whoever shipped it, has one id: node, time and serial of the kernel. */
static void test_identity(void **state)
{
    char want[64], *id;

    (void)state;
    out.with_ids = true;
    one("{\"ID\":\"1704067200.000:1\",\"SYSCALL\":{\"arch\":\"0xc000003e\",\"syscall\":57,\"exit\":"
        "7}}");
    id = strstr(out.text[0], " id=");
    assert_non_null(id);
    snprintf(want, sizeof(want), "%.*s", LG_UUID_TEXT + 4, id);
    one(BEAT(""));
    assert_non_null(strstr(out.text[0], want));
    one(BEAT(",\"host\":\"test1\"")); /* what it calls itself is no part of it */
    assert_non_null(strstr(out.text[0], want));
    audit_clear(&out);
    audit_feed(&out, "type=SYSCALL msg=audit(1704067200.000:1): arch=c000003e syscall=57 exit=7\n");
    assert_int_equal(out.n, 1);
    assert_non_null(strstr(out.text[0], want));
}

static void test_percent(void **state)
{
    (void)state;
    one("{\"ID\":\"1704067200.000:1\",\"SYSCALL\":{\"arch\":\"0xc000003e\",\"syscall\":87},"
        "\"CWD\":{\"cwd\":\"/"
        "a%20b%\"},\"PATH\":[{\"item\":0,\"name\":\"%25x%2\",\"nametype\":\"DELETE\"}]}");
    audit_expect(
            &out, 0, "file_delete", "current_directory=/a b%", "target_filename=/a b%/%x%2", NULL);
}

static void test_many_arguments(void **state)
{
    char *line = malloc(1u << 20);
    size_t n;

    (void)state;
    assert_non_null(line);
    n = (size_t)sprintf(line,
            "{\"ID\":\"1704067200.000:1\",\"SYSCALL\":{\"arch\":\"0xc000003e\","
            "\"syscall\":59},\"EXECVE\":{\"argc\":9000,\"ARGV\":[\"0\"");
    for (int i = 1; i < 9000; i++)
        n += (size_t)sprintf(line + n, ",\"%d\"", i);
    sprintf(line + n, "]}}");
    one(line);
    audit_expect(&out, 0, "process_create 1704067200 host=test1 incomplete truncated", "argc=9000",
            NULL);
    assert_non_null(strstr(out.text[0], " 4094 4095\n"));
    free(line);
}

static void test_auoms(void **state)
{
    (void)state;
    /* what stands in the free text at the end is no field */
    one("type=AUOMS_EXECVE audit(1704067200.000:9): node=U5 arch=x86_64 syscall=execve success=yes "
        "exit=0 a0=1 ppid=1 pid=2 user=tomcat uid=1001 comm=\"sh\" exe=\"/bin/sh\" key=auoms "
        "cwd=\"/\" path_name=[\"/bin/sh\",\"/lib/ld.so\"] path_nametype=[\"NORMAL\",\"NORMAL\"] "
        "argc=3 cmdline=\"sh -c uid=0 redactors= containerid=evil\" redactors= containerid=4f1c");
    audit_expect(&out, 0, "process_create 1704067200 host=u5 lines=1",
            "command_line=sh -c uid=0 redactors= containerid=evil", "uid=1001", "user=tomcat",
            "container_id=4f1c", "argc=3", "target_filename=/bin/sh", "audit_key=auoms", NULL);
    one("type=AUOMS_EXECVE audit(1704067200.000:9): node=U5 arch=x86_64 syscall=execve success=no "
        "exit=-2 a0=1 ppid=1 pid=2 uid=1001 proctitle=java -Dx cmdline=y redactors= containerid=");
    audit_expect(&out, 0, "process_create 1704067200 host=u5 lines=1",
            "command_line=java -Dx cmdline=y", "!container_id=", "!argc=", NULL);
    one("type=AUOMS_SYSCALL audit(1704067200.000:9): node=U5 arch=x86_64 syscall=getpid pid=2");
    audit_expect(&out, 0, "DEAD unsupported_type \"system call getpid\"", NULL);
    one("type=AUOMS_EXECVE audit(1704067200.000:9): node=U5");
    audit_expect(&out, 0, "DEAD unsupported_type \"record type AUOMS_EXECVE\"", NULL);
    one("{\"TenantId\":\"t\",\"TimeGenerated\":\"2024-01-01T00:00:00Z\",\"Computer\":\"c9\","
        "\"SyslogMessage\":\"type=USER_LOGIN msg=audit(1704067200.000:9): pid=1 msg='op=login id=0 "
        "res=failed'\"}");
    audit_expect(&out, 0, "logon_failed 1704067200 host=c9 lines=1", "account=0", NULL);
}

/* ---- allocations ---- */

static int count_event(void *user, const struct lg_event *ev)
{
    (void)ev;
    (*(size_t *)user)++;
    return 0;
}

static int count_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)dl;
    (*(size_t *)user)++;
    return 0;
}

/* Fails each allocation of a record in turn: one result every time. */
static void sweep(const char *line)
{
    struct lg_norm_stream_options opt = {.endpoint = LG_STR("h")};
    size_t results = 0;
    struct lg_norm_sink sink = {&results, count_event, count_dead, NULL};
    uint64_t made = 1;

    for (uint64_t n = 1; made >= n; n++) {
        struct lg_norm_stream *st = NULL;
        struct lg_normalizer *nz = NULL;

        assert_true(n < 300);
        assert_int_equal(lg_normalizer_new(&nz), 0);
        assert_int_equal(lg_norm_stream_new(&opt, &st), 0);
        results = 0;
        (void)lg_mem_fail_from(n);
        assert_int_equal(lg_normalizer_record(
                                 nz, st, lg_str_z(line), false, (struct lg_position){1, 0}, &sink),
                0);
        made = lg_mem_fail_from(0);
        assert_int_equal(results, 1);
        lg_norm_stream_free(st);
        lg_normalizer_free(nz);
    }
}

static void test_out_of_memory(void **state)
{
    static const char *const files[] = {
            "auditbeat6.ndjson", "auditbeat7.ndjson", "laurel.ndjson", "otrf-auoms.ndjson"};
    char path[1024], *text, *line;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/tests/data/audit/%s", LG_SOURCE_DIR, files[i]);
        text = audit_read_file(path, &n);
        for (line = text; *line != 0;) {
            char *end = strchr(line, '\n');

            if (end != NULL)
                *end = 0;
            sweep(line);
            line = end != NULL ? end + 1 : line + strlen(line);
        }
        free(text);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
            T(test_recognition),
            T(test_wrong_types),
            T(test_hosts),
            T(test_identity),
            T(test_percent),
            T(test_many_arguments),
            T(test_auoms),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The normalizer stage on a real bus: what becomes of raw records, and restarts in between. */
#include "base/mem.h"
#include "services/normalizer.h"

#include "stage_util.h"

/* ------------------------------------------------------------------ what comes out */

struct out {
    char *value;
    char *key;
    char schema[32], reason[32], sequence[24], refused[24], source[32], channel[64], held[4];
    lg_time bus_time;
};

struct outs {
    LG_VEC(struct out) v;
    size_t ticks;
};

static void header_z(const struct lg_bus_record *rec, const char *name, char *out, size_t max)
{
    struct lg_str v = lg_bus_header_get(rec, lg_str_z(name));

    (void)snprintf(out, max, "%.*s", LG_STR_FMT(v));
}

static void take(void *user, const struct lg_bus_record *rec, int32_t partition)
{
    struct outs *os = user;
    struct out o = {.bus_time = rec->bus_time};

    (void)partition;
    header_z(rec, LG_BUS_H_SCHEMA, o.schema, sizeof(o.schema));
    header_z(rec, LG_DEAD_H_REASON, o.reason, sizeof(o.reason));
    header_z(rec, LG_NORM_H_SEQUENCE, o.sequence, sizeof(o.sequence));
    header_z(rec, LG_NORM_H_REFUSED, o.refused, sizeof(o.refused));
    header_z(rec, LG_NORM_H_CHANNEL, o.channel, sizeof(o.channel));
    header_z(rec, LG_NORM_H_HELD, o.held, sizeof(o.held));
    header_z(rec, LG_BUS_H_SOURCE, o.source, sizeof(o.source));
    if (strcmp(o.schema, LG_SCHEMA_TICK) == 0) {
        os->ticks++;
        return;
    }
    o.value = lg_strndup(rec->value.p, rec->value.n);
    o.key = lg_strndup(rec->key.p, rec->key.n);
    assert_int_equal(lg_vec_push(&os->v, o), 0);
}

static struct outs outs_of(struct house *h, enum lg_topic topic)
{
    struct outs os = {0};

    (void)house_each(h, topic, take, &os);
    return os;
}

static void outs_done(struct outs *os)
{
    for (size_t i = 0; i < os->v.n; i++) {
        free(os->v.v[i].value);
        free(os->v.v[i].key);
    }
    lg_vec_done(&os->v);
}

static bool has(const struct out *o, const char *text)
{
    return strstr(o->value, text) != NULL;
}

/* ------------------------------------------------------------------ what goes in */

#define EVENT_1                                                                                    \
    "{\"@timestamp\":\"2023-11-14T22:13:20.000Z\",\"host\":{\"name\":\"WS1.corp.example\"},"       \
    "\"winlog\":{\"channel\":\"Microsoft-Windows-Sysmon/Operational\",\"provider_name\":"          \
    "\"Microsoft-Windows-Sysmon\",\"event_id\":\"%s\",\"record_id\":%d,\"computer_name\":"         \
    "\"%s\",\"api\":\"wineventlog\",\"event_data\":{\"UtcTime\":\"%s\","                           \
    "\"ProcessGuid\":\"{52805FBA-4F6C-1685-48AA-35222B9B0D24}\",\"ProcessId\":\"77\","             \
    "\"Image\":\"C:\\\\a.exe\",\"CommandLine\":\"%s\",\"ParentImage\":\"C:\\\\b.exe\","            \
    "\"ParentProcessId\":\"5\",\"User\":\"CORP\\\\jane\"}}%s}"

static char text[4096];

static const char *sysmon(const char *code, int record, const char *host, const char *utc,
        const char *cmd, const char *more)
{
    (void)snprintf(text, sizeof(text), EVENT_1, code, record, host, utc, cmd, more);
    return text;
}

struct raw {
    const char *tenant, *endpoint, *shift, *key;
    lg_time bus;
};

/* `topic` in the order of lg_raw_topics, which begins with that of enum lg_topic. */
static void put(struct house *h, size_t topic, const struct raw *r, const char *value)
{
    struct lg_bus_output out = {.topic = h->topics.raw[topic], .partition = LG_BUS_BY_KEY};
    struct lg_bus_header hs[4];
    struct lg_err err = {0};
    struct lg_bus_record rec = {.key = lg_str_z(r->key != NULL ? r->key : "default:ws1"),
            .value = lg_str_z(value),
            .headers = hs,
            .bus_time = r->bus > 0 ? r->bus : test_clock};

    hs[rec.n_headers++] = (struct lg_bus_header){LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_RAW)};
    if (r->tenant != NULL)
        hs[rec.n_headers++] = (struct lg_bus_header){LG_STR(LG_BUS_H_TENANT), lg_str_z(r->tenant)};
    if (r->endpoint != NULL)
        hs[rec.n_headers++] =
                (struct lg_bus_header){LG_STR(LG_BUS_H_ENDPOINT), lg_str_z(r->endpoint)};
    if (r->shift != NULL)
        hs[rec.n_headers++] =
                (struct lg_bus_header){LG_STR(LG_BUS_H_TIME_SHIFT), lg_str_z(r->shift)};
    out.rec = rec;
    if (lg_bus_publish(h->bus, &out, 1, 0, &err) < 0)
        fail_msg("publish: %s", err.text);
}

static int told;
static void operational(void *user, enum lg_operational what, struct lg_str tenant,
        struct lg_str endpoint, const char *message)
{
    (void)user;
    (void)tenant;
    (void)endpoint;
    (void)message;
    told |= 1 << what;
}

static void run(struct house *h, unsigned rounds, size_t batch_bytes)
{
    struct lg_normalizer_options no = {
            .bus = h->bus, .config = &h->cfg, .operational = operational};
    struct lg_runner *r = stage_new(h, &lg_normalizer_stage, &no, LG_GROUP_NORMALIZER,
            LG_TOPIC_SYSMON, h->topics.n_raw, batch_bytes);

    stage_run(r, rounds);
    lg_runner_free(r);
}

#define UTC "2023-11-14 22:13:20.123"

/* ------------------------------------------------------------------ tests */

static void test_event(void **state)
{
    const struct raw r = {.tenant = "acme"};
    struct house h;
    struct outs os;

    (void)state;
    house_new(&h);
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 4711, "WS1.corp.example", UTC, "a.exe", ""));
    run(&h, 0, 0);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 1);
    assert_string_equal(os.v.v[0].key, "acme:ws1");
    assert_string_equal(os.v.v[0].schema, LG_SCHEMA_EVENT);
    assert_string_equal(os.v.v[0].source, "sysmon-logs");
    assert_string_equal(os.v.v[0].sequence, "4711");
    assert_string_equal(os.v.v[0].channel, "Microsoft-Windows-Sysmon/Operational");
    assert_string_equal(os.v.v[0].refused, "");
    assert_true(os.v.v[0].bus_time == test_clock);
    assert_true(has(&os.v.v[0], "\"tenant_id\":\"acme\""));
    assert_true(has(&os.v.v[0], "\"hostname\":\"ws1.corp.example\""));
    outs_done(&os);
    os = outs_of(&h, LG_TOPIC_DEAD_LETTER);
    assert_int_equal(os.v.n, 0);
    outs_done(&os);
    house_done(&h);
}

static void test_dead_letters(void **state)
{
    const struct raw r = {.tenant = "acme"};
    struct house h;
    struct outs os;

    (void)state;
    house_new(&h);
    put(&h, LG_TOPIC_SYSMON, &r, "{\"a\":");
    put(&h, LG_TOPIC_SYSMON, &r, "what is this");
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 1, "ws1", UTC, "a.exe", ",\"tenant_id\":\"other\""));
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 2, "ws1", UTC, "a.exe", ",\"tenant_id\":\"acme\""));
    run(&h, 0, 0);
    os = outs_of(&h, LG_TOPIC_DEAD_LETTER);
    assert_int_equal(os.v.n, 3);
    assert_string_equal(os.v.v[0].reason, "bad_json");
    assert_string_equal(os.v.v[0].schema, LG_SCHEMA_DEAD_LETTER);
    assert_true(has(&os.v.v[0], "{\"a\":")); /* the bytes as they came */
    assert_string_equal(os.v.v[1].reason, "unknown_format");
    assert_true(has(&os.v.v[1], "what is this"));
    assert_string_equal(os.v.v[2].reason, "tenant_mismatch");
    outs_done(&os);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 1);
    assert_string_equal(os.v.v[0].refused, "3"); /* the endpoint's next event tells of them */
    outs_done(&os);
    house_done(&h);
}

static void sources(struct house *h, const char *a, const char *b)
{
    struct lg_config_list *list = &h->cfg.bus.kafka.sources;

    h->cfg.bus.type = LG_CONFIG_BUS_KAFKA;
    list->n = b != NULL ? 2 : 1;
    (void)snprintf(list->v[0], sizeof(list->v[0]), "%s", a);
    (void)snprintf(list->v[1], sizeof(list->v[1]), "%s", b != NULL ? b : "");
}

/* Topics that others write to belong to a tenant; what their records claim does not count. */
static void test_foreign_topics(void **state)
{
    const struct raw plain = {.key = NULL}, claim = {.tenant = "other", .shift = "-3600000000000"},
                     shifted = {.shift = "-3600000000000"};
    struct house h;
    struct outs os;

    (void)state;
    house_new(&h);
    house_close(&h);
    sources(&h, "acme-windows=acme:winlogbeat", "linux-auditd-logs=acme:auditd:trusted");
    house_open(&h);
    put(&h, LG_TOPIC_SYSMON, &plain, sysmon("1", 1, "ws1", UTC, "a.exe", ""));
    put(&h, LG_TOPIC_SYSMON, &claim, sysmon("1", 2, "ws1", UTC, "a.exe", ""));
    put(&h, LG_TOPIC_RAW_COUNT, &shifted, sysmon("1", 3, "ws2", UTC, "a.exe", ""));
    put(&h, LG_TOPIC_RAW_COUNT, &plain,
            sysmon("1", 4, "ws2", UTC, "a.exe", ",\"tenant_id\":\"default\""));
    put(&h, LG_TOPIC_AUDITD, &claim, sysmon("1", 5, "ws3", UTC, "a.exe", ""));
    run(&h, 0, 0);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 3);
    for (size_t i = 0; i < os.v.n; i++) {
        const struct out *o = &os.v.v[i];

        if (strcmp(o->key, "default:ws1") == 0) {
            assert_string_equal(o->source, "sysmon-logs");
        } else if (strcmp(o->key, "acme:ws2") == 0) {
            assert_string_equal(o->source, "acme-windows");
            assert_false(has(o, "time_shift"));
        } else {
            assert_string_equal(o->key, "other:ws3");
            assert_true(has(o, "time_shift"));
        }
    }
    outs_done(&os);
    os = outs_of(&h, LG_TOPIC_DEAD_LETTER);
    assert_int_equal(os.v.n, 2);
    assert_string_equal(os.v.v[0].reason, "tenant_mismatch");
    assert_string_equal(os.v.v[1].reason, "tenant_mismatch");
    outs_done(&os);
    house_done(&h);
}

static void test_source_lists(void **state)
{
    struct lg_raw_topic raw[LG_MAX_RAW_TOPICS];
    struct lg_err err = {0};
    struct house h = {0};
    size_t n;

    (void)state;
    lg_config_defaults(&h.cfg);
    assert_int_equal(lg_raw_topics(&h.cfg, raw, &n, &err), 0);
    assert_int_equal(n, LG_TOPIC_RAW_COUNT);
    assert_true(raw[0].trusted);
    sources(&h, "x=acme:windows", NULL);
    assert_int_equal(lg_raw_topics(&h.cfg, raw, &n, &err), 0);
    assert_int_equal(n, LG_TOPIC_RAW_COUNT + 1);
    assert_false(raw[0].trusted);
    assert_string_equal(raw[LG_TOPIC_RAW_COUNT].tenant, "acme");
    sources(&h, "x=acme:windows", "x=beta:windows");
    assert_int_equal(lg_raw_topics(&h.cfg, raw, &n, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "x stands twice"));
    sources(&h, "sysmon-logs=acme:windows", "sysmon-logs=beta:windows");
    assert_int_equal(lg_raw_topics(&h.cfg, raw, &n, &err), LG_EINVAL);
    sources(&h, "x=acme:nonsense", NULL);
    assert_int_equal(lg_raw_topics(&h.cfg, raw, &n, &err), LG_EINVAL);
    sources(&h, "logster-alerts=acme:windows", NULL);
    assert_int_equal(lg_raw_topics(&h.cfg, raw, &n, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "no raw topic"));
}

static void test_future_and_shift(void **state)
{
    const struct raw now = {.bus = test_clock}; /* 22:13:20 */
    const struct raw shifted = {.bus = test_clock, .shift = "-3600000000000"};
    const struct raw bad_shift = {.bus = test_clock, .shift = "soon"};
    struct house h;
    struct outs os;

    (void)state;
    house_new(&h);
    put(&h, LG_TOPIC_SYSMON, &now, sysmon("1", 1, "ws1", "2023-11-14 22:18:20.000", "in time", ""));
    put(&h, LG_TOPIC_SYSMON, &now, sysmon("1", 2, "ws1", "2023-11-14 22:18:20.001", "late", ""));
    put(&h, LG_TOPIC_SYSMON, &now, sysmon("1", 3, "ws1", "2019-01-01 00:00:00.000", "old", ""));
    put(&h, LG_TOPIC_SYSMON, &shifted, sysmon("1", 4, "ws1", UTC, "moved", ""));
    put(&h, LG_TOPIC_SYSMON, &bad_shift, sysmon("1", 4, "ws1", UTC, "moved", ""));
    run(&h, 0, 0);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 5);
    assert_true(has(&os.v.v[0], "\"timestamp\":1700000300,"));
    assert_false(has(&os.v.v[0], "time_clamped"));
    assert_true(has(&os.v.v[1], "\"timestamp\":1700000000,"));
    assert_true(has(&os.v.v[1], "\"claimed_timestamp\":1700000300.001"));
    assert_true(has(&os.v.v[1], "time_clamped"));
    assert_true(has(&os.v.v[2], "\"timestamp\":1546300800,"));
    assert_true(has(&os.v.v[3], "\"timestamp\":1699996400.123,"));
    assert_true(has(&os.v.v[3], "\"time_shift\":-3600000000000"));
    assert_false(has(&os.v.v[4], "time_shift"));
    assert_true(strncmp(os.v.v[3].value, os.v.v[4].value, 55) != 0); /* another event_id */
    outs_done(&os);
    house_done(&h);
}

static void test_id_conflict(void **state)
{
    const struct raw r = {.tenant = NULL};
    struct house h;
    struct outs os;

    (void)state;
    house_new(&h);
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 9, "ws1", UTC, "first", ""));
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 9, "ws1", UTC, "first", "")); /* sent again */
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 9, "ws1", UTC, "other", ""));
    run(&h, 0, 0);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 2);
    assert_string_equal(os.v.v[0].value, os.v.v[1].value);
    outs_done(&os);
    os = outs_of(&h, LG_TOPIC_DEAD_LETTER);
    assert_int_equal(os.v.n, 1);
    assert_string_equal(os.v.v[0].reason, "id_conflict");
    assert_true(has(&os.v.v[0], "other"));
    outs_done(&os);
    house_done(&h);
}

static void test_name_clash(void **state)
{
    const struct raw r = {.tenant = NULL};
    struct house h;

    (void)state;
    house_new(&h);
    told = 0;
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 1, "ws1.corp.example", UTC, "a", ""));
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 2, "WS1.CORP.EXAMPLE", UTC, "a", ""));
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 3, "ws1", UTC, "a", ""));
    run(&h, 0, 0);
    assert_int_equal(told, 0);
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 4, "ws1.corp.example", UTC, "a", ""));
    put(&h, LG_TOPIC_SYSMON, &r, sysmon("1", 5, "ws1.lab.example", UTC, "a", ""));
    run(&h, 0, 0);
    assert_int_equal(told, 1 << LG_OPERATIONAL_NAME_CLASH);
    house_done(&h);
}

/* --- audit: records of a group arrive in different batches and lives --- */

static const char *const audit_lines[] = {
        "type=SYSCALL msg=audit(1700000000.%03d:%d): arch=c000003e syscall=59 success=yes exit=0 "
        "a0=1 a1=2 a2=3 a3=4 items=1 ppid=%d pid=%d auid=1000 uid=1000 gid=1000 euid=1000 "
        "suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=3 comm=\"id\" "
        "exe=\"/usr/bin/id\" key=\"exec\"",
        "type=EXECVE msg=audit(1700000000.%03d:%d): argc=1 a0=\"id\"",
        "type=PATH msg=audit(1700000000.%03d:%d): item=0 name=\"/usr/bin/id\" inode=1 dev=08:01 "
        "mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL",
        "type=PROCTITLE msg=audit(1700000000.%03d:%d): proctitle=\"id\"",
        "type=EOE msg=audit(1700000000.%03d:%d): "};

/* Groups of five lines, each begun before the one before it is over. */
static void put_audit(struct house *h, int groups)
{
    const struct raw r = {.endpoint = "web1", .key = "default:web1"};
    char line[1024];

    for (int step = 0; step < groups + 4; step++)
        for (int k = 4; k >= 0; k--) {
            int g = step - k;

            if (g < 0 || g >= groups)
                continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            (void)snprintf(line, sizeof(line), audit_lines[k], g, 100 + g, 7, 1000 + g);
#pragma GCC diagnostic pop
            put(h, LG_TOPIC_AUDITD, &r, line);
        }
}

static int by_value(const void *a, const void *b)
{
    return strcmp(((const struct out *)a)->value, ((const struct out *)b)->value);
}

static void test_audit_restart(void **state)
{
    struct house whole, split;
    struct outs a, b;

    (void)state;
    house_new(&whole);
    house_new(&split);
    put_audit(&whole, 30);
    put_audit(&split, 30);
    run(&whole, 0, 0);
    for (unsigned k = 0; k < 8; k++) { /* a life of a few small batches each */
        run(&split, 3 + k % 3, 1200);
        test_clock += SEC;
    }
    run(&split, 0, 0);
    a = outs_of(&whole, LG_TOPIC_NORMALIZED);
    b = outs_of(&split, LG_TOPIC_NORMALIZED);
    assert_int_equal(a.v.n, 30);
    /* what came out twice is the same: drop it */
    qsort(a.v.v, a.v.n, sizeof(*a.v.v), by_value);
    qsort(b.v.v, b.v.n, sizeof(*b.v.v), by_value);
    for (size_t i = 1; i < b.v.n;) {
        if (strcmp(b.v.v[i].value, b.v.v[i - 1].value) != 0) {
            i++;
            continue;
        }
        free(b.v.v[i].value);
        free(b.v.v[i].key);
        memmove(&b.v.v[i], &b.v.v[i + 1], (b.v.n - i - 1) * sizeof(b.v.v[i]));
        b.v.n--;
    }
    assert_int_equal(b.v.n, 30);
    for (size_t i = 0; i < 30; i++) {
        assert_string_equal(a.v.v[i].value, b.v.v[i].value);
        assert_false(has(&a.v.v[i], "incomplete"));
    }
    outs_done(&a);
    outs_done(&b);
    a = outs_of(&split, LG_TOPIC_DEAD_LETTER);
    assert_int_equal(a.v.n, 0);
    outs_done(&a);
    house_done(&whole);
    house_done(&split);
}

/* A group whose end never comes goes out when its source is silent; until then its records hold
 * the committed offset. */
static void test_audit_silence(void **state)
{
    const struct raw r = {.endpoint = "web1", .key = "default:web1"};
    struct lg_normalizer_options no;
    struct lg_runner *run1;
    struct house h;
    struct outs os;
    int64_t at = -1;
    int32_t partition;
    char line[1024];

    (void)state;
    house_new(&h);
    no = (struct lg_normalizer_options){.bus = h.bus, .config = &h.cfg};
    (void)snprintf(line, sizeof(line),
            "type=SYSCALL msg=audit(1700000000.000:5): arch=c000003e "
            "syscall=59 success=yes exit=0 items=2 ppid=1 pid=2 uid=0 "
            "comm=\"id\" exe=\"/usr/bin/id\"");
    put(&h, LG_TOPIC_AUDITD, &r, line);
    run1 = stage_new(&h, &lg_normalizer_stage, &no, LG_GROUP_NORMALIZER, LG_TOPIC_SYSMON,
            LG_TOPIC_RAW_COUNT, 0);
    stage_run(run1, 0);
    partition = lg_bus_partition_of(h.bus, h.topics.n[LG_TOPIC_AUDITD], LG_STR("default:web1"));
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 0);
    outs_done(&os);
    assert_true(lg_bus_committed(h.bus, LG_STR(LG_GROUP_NORMALIZER), h.topics.n[LG_TOPIC_AUDITD],
                        partition, &at) == LG_ENOENT ||
            at == 0);
    test_clock += 6 * SEC;
    stage_run(run1, 0);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 1);
    assert_true(has(&os.v.v[0], "incomplete"));
    assert_true(os.ticks > 0); /* and time goes on where nothing comes in */
    outs_done(&os);
    test_clock += 2 * SEC;
    stage_run(run1, 0);
    assert_int_equal(lg_bus_committed(h.bus, LG_STR(LG_GROUP_NORMALIZER),
                             h.topics.n[LG_TOPIC_AUDITD], partition, &at),
            0);
    assert_int_equal(at, 1);
    lg_runner_free(run1);
    house_done(&h);
}

/* Over its rate, an endpoint's records wait, come out in order and say so; others pass. */
static void test_held_back(void **state)
{
    const struct raw flood = {.key = "default:ws1"}, other = {.key = "default:ws2"};
    struct lg_normalizer_options no;
    struct lg_runner *r;
    struct house h;
    struct outs os;
    size_t held = 0, of_other = 0;
    char cmd[32];
    int last = -1;

    (void)state;
    house_new(&h);
    h.cfg.fair_share.enabled = true;
    h.cfg.fair_share.endpoint_rate = 10;
    h.cfg.fair_share.endpoint_burst = 20;
    h.cfg.fair_share.tenant_rate = 0;
    h.cfg.fair_share.spare_rate = 100;
    told = 0;
    no = (struct lg_normalizer_options){.bus = h.bus, .config = &h.cfg, .operational = operational};
    for (int i = 0; i < 60; i++) {
        (void)snprintf(cmd, sizeof(cmd), "n%04d", i);
        put(&h, LG_TOPIC_SYSMON, &flood, sysmon("1", 100 + i, "ws1", UTC, cmd, ""));
    }
    put(&h, LG_TOPIC_SYSMON, &other, sysmon("1", 1, "ws2", UTC, "quiet", ""));
    r = stage_new(&h, &lg_normalizer_stage, &no, LG_GROUP_NORMALIZER, LG_TOPIC_SYSMON,
            LG_TOPIC_RAW_COUNT, 0);
    stage_run(r, 0);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_true(os.v.n < 50);
    for (size_t i = 0; i < os.v.n; i++)
        of_other += has(&os.v.v[i], "quiet");
    assert_int_equal(of_other, 1);
    outs_done(&os);
    assert_true((told & 1 << LG_OPERATIONAL_HELD_BACK) != 0);
    for (int i = 0; i < 30; i++) {
        test_clock += SEC;
        stage_run(r, 0);
    }
    lg_runner_free(r);
    os = outs_of(&h, LG_TOPIC_NORMALIZED);
    assert_int_equal(os.v.n, 61);
    for (size_t i = 0; i < os.v.n; i++) {
        const char *at = strstr(os.v.v[i].value, "\"n00");

        held += os.v.v[i].held[0] == '1';
        if (at == NULL)
            continue;
        assert_true(atoi(at + 2) > last);
        last = atoi(at + 2);
    }
    assert_int_equal(last, 59);
    assert_int_equal(held, 40);
    outs_done(&os);
    house_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_event),
            cmocka_unit_test(test_dead_letters),
            cmocka_unit_test(test_foreign_topics),
            cmocka_unit_test(test_source_lists),
            cmocka_unit_test(test_future_and_shift),
            cmocka_unit_test(test_id_conflict),
            cmocka_unit_test(test_name_clash),
            cmocka_unit_test(test_audit_restart),
            cmocka_unit_test(test_audit_silence),
            cmocka_unit_test(test_held_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

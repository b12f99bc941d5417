/*
 * Fills a data folder with a shift's worth of everything, through the stores' own interfaces, for
 * bench_dashboard.py and test_dashboard_scale.py:
 *
 *   load_world DIR --until SECONDS [--events N] [--alerts N] [--verdicts N] [--endpoints N]
 *              [--days N] [--tree N]
 *
 * Defaults: 1,000,000 events of 1,200 endpoints over the 7 days before SECONDS, 250,000 verdicts, of
 * which as many are attacks as make 10,000 alerts (two thirds of them closed), and a process tree of
 * 10,000 on `busy-host` in the last hour. Events are cut from the captures in tests/data. The same
 * arguments give the same rows. No platform may run on the folder meanwhile.
 */
#include <sys/stat.h>

#include "event_corpus.h"
#include "store/alert_store.h"
#include "json/write.h"

static struct {
    uint64_t events, alerts, verdicts, endpoints, days, tree, until;
} want = {1000000, 10000, 250000, 1200, 7, 10000, 0};
#define TENANT LG_STR("default")
#define BATCH 8192

static lg_time end_ns(void)
{
    return (lg_time)want.until * LG_NS_PER_SEC;
}

static lg_time begin_ns(void)
{
    return end_ns() - (lg_time)want.days * 86400 * LG_NS_PER_SEC;
}

/* The moment of the n-th of `of`, evenly over the days. */
static lg_time moment(uint64_t n, uint64_t of)
{
    return begin_ns() + (lg_time)(((double)n + 0.5) / (double)of * (double)(end_ns() - begin_ns()));
}

/* ---- events ---- */

static void load_events(struct lg_event_store *st)
{
    static const char *const captures[] = {"empire_reg_dump_sam_2019-06-25133822.ndjson.zst",
            "busy_logons_hfdc01_2019-05-18.ndjson.zst",
            "busy_telemetry_workstation6_2020-09-22.ndjson.zst",
            "cmd_lsass_memory_dumpert_syscalls_2020-10-1822561997.ndjson.zst",
            "sysflow_shellshock.ndjson.zst"};
    static struct lg_event_put puts[BATCH];
    static struct lg_event evs[BATCH];
    struct corpus c = {0};
    struct lg_arena a;
    struct lg_buf line;
    struct lg_err err;
    uint64_t done = 0;

    lg_arena_init(&c.a, (size_t)1 << 30);
    for (size_t i = 0; i < sizeof(captures) / sizeof(*captures); i++) {
        char path[4096];

        (void)snprintf(path, sizeof(path), LG_SOURCE_DIR "/tests/data/captures/%s", captures[i]);
        load(&c, path);
    }
    lg_arena_init(&a, (size_t)1 << 30);
    lg_buf_init(&line, 4u << 20);
    while (done < want.events) {
        size_t n = 0;

        for (; n < BATCH && done < want.events; n++, done++) {
            struct lg_str id = lg_str_of((const char *)&done, sizeof(done));
            struct lg_event *ev = &evs[n];

            corpus_event(&c, done, (unsigned)want.endpoints, &a, &line, ev, &puts[n]);
            ev->tenant_id = TENANT;
            ev->hostname = ev->endpoint_id;
            ev->time_ns = ev->claimed_time_ns = moment(done, want.events);
            lg_event_make_id(ev, &id, 1);
            lg_buf_clear(&line);
            lg_event_write(ev, &line);
            puts[n].received_at = ev->time_ns + LG_NS_PER_SEC;
            must(lg_arena_dup(&a, lg_buf_str(&line), &puts[n].json), "memory");
        }
        must(st->ops->write(st, puts, n, NULL, 0, &err), "write events");
        lg_arena_clear(&a);
    }
    lg_buf_done(&line);
    lg_arena_done(&a);
    lg_vec_done(&c.v);
    lg_arena_done(&c.a);
}

/* A build server at work: a process every third of a second, each the child of one before. */
static void load_tree(struct lg_event_store *st)
{
    static const char *const images[] = {"C:\\Windows\\System32\\svchost.exe",
            "C:\\Program Files\\MSBuild\\cl.exe", "C:\\Program Files\\MSBuild\\link.exe",
            "C:\\Windows\\System32\\conhost.exe", "C:\\Windows\\System32\\cmd.exe"};
    struct lg_event_put *puts = lg_calloc(want.tree + 1, sizeof(*puts));
    struct lg_event *evs = lg_calloc(want.tree + 1, sizeof(*evs));
    struct lg_arena a;
    struct lg_buf line;
    struct lg_err err;
    uint64_t rnd = 1;

    if (puts == NULL || evs == NULL)
        must(LG_ENOMEM, "memory");
    lg_arena_init(&a, (size_t)1 << 30);
    lg_buf_init(&line, 1u << 20);
    for (uint64_t i = 0; i < want.tree; i++) {
        struct lg_str id = lg_str_of((const char *)&i, sizeof(i));
        uint64_t parent = i < 3 ? 0 : next_random(&rnd) % (i < 60 ? i : 60);
        struct lg_event *ev = &evs[i];
        char text[128];
        struct lg_str s;

        ev->tenant_id = TENANT;
        ev->endpoint_id = ev->hostname = LG_STR("busy-host");
        ev->type = LG_EVENT_PROCESS_CREATE;
        ev->time_ns = ev->claimed_time_ns = end_ns() - 3600 * LG_NS_PER_SEC +
                (lg_time)(i * UINT64_C(3500) * LG_NS_PER_SEC / want.tree);
        ev->raw = LG_STR("{}");
        (void)snprintf(text, sizeof(text), "{busy-%llu}", (unsigned long long)i);
        must(lg_arena_dup(&a, lg_str_z(text), &s), "memory");
        lg_event_set_str(ev, LG_F_PROCESS_GUID, s);
        lg_event_set_str(ev, LG_F_IMAGE, lg_str_z(images[i == 0 ? 0 : 1 + next_random(&rnd) % 4]));
        (void)snprintf(
                text, sizeof(text), "cl.exe /c /O2 src\\unit%llu.cpp", (unsigned long long)i);
        must(lg_arena_dup(&a, lg_str_z(text), &s), "memory");
        lg_event_set_str(ev, LG_F_COMMAND_LINE, s);
        lg_event_set_str(ev, LG_F_USER, LG_STR("CORP\\build"));
        lg_event_set_u64(ev, LG_F_PROCESS_ID, i + 4);
        if (i > 0) {
            (void)snprintf(text, sizeof(text), "{busy-%llu}", (unsigned long long)parent);
            must(lg_arena_dup(&a, lg_str_z(text), &s), "memory");
            lg_event_set_str(ev, LG_F_PARENT_PROCESS_GUID, s);
        }
        lg_event_make_id(ev, &id, 1);
        lg_buf_clear(&line);
        lg_event_write(ev, &line);
        puts[i] = (struct lg_event_put){.ev = ev, .received_at = ev->time_ns};
        must(lg_arena_dup(&a, lg_buf_str(&line), &puts[i].json), "memory");
    }
    if (want.tree > 0)
        must(st->ops->write(st, puts, want.tree, NULL, 0, &err), "write tree");
    lg_buf_done(&line);
    lg_arena_done(&a);
    lg_free(puts);
    lg_free(evs);
}

/* ---- verdicts and alerts ---- */

static const char *const techniques[] = {"T1003.001", "T1021.002", "T1027", "T1033", "T1047",
        "T1053.005", "T1055", "T1059.001", "T1059.003", "T1070.001", "T1082", "T1105", "T1112",
        "T1218.011", "T1486", "T1543.003", "T1547.001", "T1548.002", "T1562.001", "T1566.001"};
#define N_TECHNIQUES 20

static void put_evidence(struct lg_jw *w, uint64_t no, unsigned first, lg_time at, uint64_t *rnd)
{
    char text[160];

    lg_jw_key(w, LG_STR("evidence"));
    lg_jw_array(w);
    for (unsigned k = 0; k < 3; k++) {
        lg_jw_object(w);
        LG_JW_U64(w, "node", k);
        LG_JW_STR(w, "type", k == 0 ? LG_STR("process") : LG_STR("file"));
        (void)snprintf(text, sizeof(text),
                k == 0 ? "C:\\Users\\u%u\\AppData\\Roaming\\tool%u.exe"
                       : "C:\\Users\\u%u\\AppData\\Local\\Temp\\~df%u.dmp",
                (unsigned)(next_random(rnd) % 400), (unsigned)(next_random(rnd) % 5000));
        LG_JW_STR(w, "name", lg_str_z(text));
        if (k == 0) {
            (void)snprintf(text, sizeof(text), "tool.exe --run %llx --fast",
                    (unsigned long long)next_random(rnd));
            LG_JW_STR(w, "command_line", lg_str_z(text));
            (void)snprintf(text, sizeof(text), "{g-%llu}", (unsigned long long)no);
            LG_JW_STR(w, "process_guid", lg_str_z(text));
            LG_JW_U64(w, "pid", 4242);
            (void)snprintf(text, sizeof(text), "CORP\\user%u", (unsigned)(next_random(rnd) % 400));
            LG_JW_STR(w, "user", lg_str_z(text));
        }
        lg_jw_key(w, LG_STR("first_seen"));
        lg_jw_time(w, at);
        LG_JW_DOUBLE(w, "share", k == 0 ? 0.6 : 0.2);
        lg_jw_key(w, LG_STR("parent"));
        if (k == 0)
            lg_jw_null(w);
        else
            lg_jw_u64(w, 0);
        lg_jw_key(w, LG_STR("techniques"));
        lg_jw_array(w);
        if (k == 0)
            lg_jw_str(w, lg_str_z(techniques[first]));
        lg_jw_array_end(w);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

/* One verdict as it would lie on the topic: by docs/schemas/verdict.schema.json and with its id. */
static void put_verdict(struct lg_buf *out, uint64_t no, bool attack, uint64_t *rnd)
{
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    lg_time end = moment(no, want.verdicts) / (60 * LG_NS_PER_SEC) * (60 * LG_NS_PER_SEC);
    uint64_t r = next_random(rnd);
    bool error = !attack && no % 37 == 0;
    double p = attack ? 0.55 + (double)(r % 4400) / 10001 : (double)(r % 4500) / 10001;
    unsigned first = (unsigned)(r >> 8) % N_TECHNIQUES, host;
    char text[64], uuid[LG_UUID_TEXT + 1];
    struct lg_uuid id;
    struct lg_jw w;

    memcpy(id.b, &no, sizeof(no));
    memcpy(id.b + 8, &r, sizeof(r));
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x80);
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
    lg_uuid_text(&id, uuid);
    host = (unsigned)((r >> 20) % want.endpoints);
    if (host == 0)
        (void)snprintf(text, sizeof(text), "busy-host");
    else
        (void)snprintf(text, sizeof(text), "host-%u", host);
    lg_jw_init(&w, out);
    lg_jw_object(&w);
    LG_JW_STR(&w, "inference_id", lg_str_z(uuid));
    LG_JW_STR(&w, "tenant_id", TENANT);
    LG_JW_STR(&w, "endpoint_id", lg_str_z(text));
    LG_JW_STR(&w, "hostname", lg_str_z(text));
    LG_JW_STR(&w, "platform", host % 5 == 4 ? LG_STR("linux") : LG_STR("windows"));
    lg_jw_key(&w, LG_STR("window_start"));
    lg_jw_time(&w, end - 180 * LG_NS_PER_SEC);
    lg_jw_key(&w, LG_STR("window_end"));
    lg_jw_time(&w, end);
    LG_JW_STR(&w, "prediction",
            attack          ? LG_STR("attack")
                    : error ? LG_STR("error")
                            : LG_STR("benign"));
    if (error) {
        LG_JW_NULL(&w, "attack_prob");
        LG_JW_NULL(&w, "confidence");
        LG_JW_STR(&w, "error", LG_STR("too_few_nodes"));
    } else {
        LG_JW_DOUBLE(&w, "attack_prob", p);
        LG_JW_DOUBLE(&w, "confidence", p > 0.5 ? p : 1 - p);
    }
    LG_JW_STR(&w, "severity", attack ? lg_str_z(severities[(r >> 40) & 3]) : LG_STR("none"));
    LG_JW_U64(&w, "events", error ? 1 : 20 + r % 400);
    LG_JW_U64(&w, "late_events", 0);
    LG_JW_U64(&w, "graph_nodes", error ? 2 : 10 + r % 90);
    LG_JW_U64(&w, "graph_edges", error ? 1 : 12 + r % 200);
    LG_JW_U64(&w, "truncated", 0);
    LG_JW_BOOL(&w, "idle_allowlisted", false);
    LG_JW_DOUBLE(&w, "inference_time_ms", 1 + (double)(r % 90) / 10);
    lg_jw_key(&w, LG_STR("scores"));
    lg_jw_raw(&w,
            attack ? LG_STR("{\"gat\":2.1,\"tokens\":1.7,\"trees\":1.2,\"patterns\":0,"
                            "\"jury\":1.8}")
                   : LG_STR("{\"gat\":-2.1,\"tokens\":-1.7,\"trees\":-1.2,\"patterns\":0,"
                            "\"jury\":-1.8}"));
    if (attack) {
        put_evidence(&w, no, first, end - 90 * LG_NS_PER_SEC, rnd);
    } else {
        lg_jw_key(&w, LG_STR("evidence"));
        lg_jw_raw(&w, LG_STR("[]"));
    }
    lg_jw_key(&w, LG_STR("ttp_techniques"));
    lg_jw_array(&w);
    for (unsigned k = first; attack && k < N_TECHNIQUES && k < first + 1 + (r >> 13) % 3; k++)
        lg_jw_str(&w, lg_str_z(techniques[k]));
    lg_jw_array_end(&w);
    lg_jw_key(&w, LG_STR("model"));
    lg_jw_raw(&w,
            LG_STR("{\"name\":\"windows\",\"version\":\"1.0.0\",\"sha256\":"
                   "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}"));
    lg_jw_object_end(&w);
}

static void load_verdicts(struct lg_event_store *st, struct lg_alert_store *alerts)
{
    static struct lg_inference in[BATCH];
    static struct lg_inference_put puts[BATCH];
    static struct lg_apply items[BATCH];
    struct lg_outbox_row *rows;
    struct lg_json *parser;
    struct lg_arena a;
    struct lg_buf line;
    struct lg_err err;
    uint64_t done = 0, rnd = 11;
    uint32_t got;

    must(lg_json_new(&parser), "memory");
    lg_arena_init(&a, (size_t)1 << 30);
    lg_buf_init(&line, 1u << 20);
    while (done < want.verdicts) {
        size_t n = 0, n_attacks = 0;

        for (; n < BATCH && done < want.verdicts; n++, done++) {
            /* spread evenly: the n-th verdict is an attack where the count of alerts steps */
            bool attack =
                    done * want.alerts / want.verdicts != (done + 1) * want.alerts / want.verdicts;
            struct lg_str own;

            lg_buf_clear(&line);
            put_verdict(&line, done, attack, &rnd);
            must(lg_arena_dup(&a, lg_buf_str(&line), &own), "memory");
            must(lg_inference_load(parser, own, moment(done, want.verdicts), &a, &in[n]),
                    "verdict");
            puts[n] = (struct lg_inference_put){.in = &in[n]};
            if (attack)
                items[n_attacks++] = (struct lg_apply){.in = &in[n]};
        }
        must(st->ops->write(st, NULL, 0, puts, n, &err), "write verdicts");
        must(alerts->ops->apply(
                     alerts, items, n_attacks, 1800 * LG_NS_PER_SEC, in[n - 1].window_end, &err),
                "apply");
        must(alerts->ops->outbox_read(alerts, 0, 1, &a, &rows, &got), "outbox");
        must(alerts->ops->outbox_ack(alerts, UINT64_MAX), "outbox");
        lg_arena_clear(&a);
    }
    lg_buf_done(&line);
    lg_arena_done(&a);
    lg_json_free(parser);
}

/* What people did with them: of the older ones two thirds are closed. */
static void close_alerts(struct lg_alert_store *alerts)
{
    static const enum lg_alert_status to[] = {LG_ALERT_RESOLVED, LG_ALERT_FALSE_POSITIVE,
            LG_ALERT_ACKNOWLEDGED, LG_ALERT_INVESTIGATING};
    struct lg_scope *sc = scope_of(TENANT);
    struct lg_alert_query q = {.tenant = TENANT, .limit = 500, .sort = LG_ALERT_BY_CREATED};
    uint64_t rnd = 3, most = want.alerts * 2 / 3;
    char cursor[512];

    for (uint64_t done = 0; done < most;) {
        struct lg_alert_page p;
        struct lg_arena a;

        lg_arena_init(&a, 256u << 20);
        q.ascending = true;
        must(alerts->ops->alert_list(alerts, sc, &q, &a, &p), "list");
        for (uint32_t i = 0; i < p.n && done < most; i++, done++) {
            uint64_t r = next_random(&rnd);
            struct lg_alert_patch patch = {.has_status = true,
                    .status = to[r % 20 < 12      ? 0
                                    : r % 20 < 17 ? 1
                                                  : 2 + r % 2],
                    .actor = LG_STR("anna"),
                    .now = p.alerts[i].created_at + 3600 * LG_NS_PER_SEC};
            struct lg_alert al;
            unsigned steps;

            must(alerts->ops->alert_patch(
                         alerts, sc, &p.alerts[i].alert_id, &patch, &a, &al, &steps),
                    "patch");
        }
        q.cursor = LG_STR("");
        if (p.next_cursor.n > 0 && p.next_cursor.n < sizeof(cursor)) {
            memcpy(cursor, p.next_cursor.p, p.next_cursor.n);
            q.cursor = lg_str_of(cursor, p.next_cursor.n);
        }
        lg_arena_done(&a);
        if (q.cursor.n == 0)
            break;
    }
    lg_scope_free(sc);
}

static int usage(void)
{
    fprintf(stderr,
            "usage: load_world DIR --until SECONDS [--events N] [--alerts N] [--verdicts N]"
            " [--endpoints N] [--days N] [--tree N]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t *to;
    } options[] = {{"--events", &want.events}, {"--alerts", &want.alerts},
            {"--verdicts", &want.verdicts}, {"--endpoints", &want.endpoints},
            {"--days", &want.days}, {"--tree", &want.tree}, {"--until", &want.until}};
    struct lg_sqlite_event_options opt = {0};
    struct lg_alert_store *alerts;
    struct lg_event_store *events;
    char path[4096];
    struct lg_err err;
    double t0 = now_s();

    for (int at = 2; at < argc; at += 2) {
        size_t k = 0;

        while (k < sizeof(options) / sizeof(*options) && strcmp(argv[at], options[k].name) != 0)
            k++;
        if (k == sizeof(options) / sizeof(*options) || at + 1 == argc ||
                lg_parse_u64(lg_str_z(argv[at + 1]), options[k].to) < 0)
            return usage();
    }
    if (argc < 2 || want.until == 0 || want.endpoints == 0 || want.days == 0 || want.tree > 100000)
        return usage();
    (void)mkdir(argv[1], 0700);
    (void)snprintf(path, sizeof(path), "%s/events", argv[1]);
    opt.dir = path;
    must(lg_sqlite_event_store_open(&opt, &events, &err), err.text);
    load_events(events);
    load_tree(events);
    (void)snprintf(path, sizeof(path), "%s/alerts.db", argv[1]);
    must(lg_sqlite_alert_store_open(path, &alerts, &err), err.text);
    load_verdicts(events, alerts);
    close_alerts(alerts);
    lg_alert_store_close(alerts);
    lg_event_store_close(events);
    print("world_load", now_s() - t0, "s");
    return 0;
}

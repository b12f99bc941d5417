/* The inference stage on a real bus: verdicts, stored graphs, restarts. */
#include "base/mem.h"
#include "services/inference.h"

#include "base/hash.h"
#include "graph/window_live.h"
#include "services/normalizer.h"
#include "stage_util.h"

#define CAPTURES LG_SOURCE_DIR "/tests/data/captures/"

static struct lg_model *models[2];

static int load_models(void **state)
{
    struct lg_err err = {0};

    (void)state;
    if (lg_model_load(LG_SOURCE_DIR "/models/windows", &models[0], &err) < 0 ||
            lg_model_load(LG_SOURCE_DIR "/models/linux", &models[1], &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int free_models(void **state)
{
    (void)state;
    lg_model_free(models[0]);
    lg_model_free(models[1]);
    return 0;
}

/* ------------------------------------------------------------------ a log of events */

struct put {
    struct house *h;
    struct lg_windows *ws; /* the same log without a bus */
    struct lg_buf json;
    lg_time max;
    uint64_t n;
    uint64_t limit;
};

static int put_event(void *user, const struct lg_event *ev)
{
    struct put *p = user;
    struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_EVENT)},
            {LG_STR(LG_BUS_H_TENANT), LG_STR("default")},
            {LG_STR(LG_BUS_H_SOURCE), LG_STR("sysmon-logs")}};
    struct lg_bus_record rec = {.headers = headers, .n_headers = 3};
    char key[300];

    if (p->n >= p->limit)
        return 0;
    p->max = ev->time_ns > p->max ? ev->time_ns : p->max;
    rec.bus_time = p->max;
    lg_buf_clear(&p->json);
    lg_event_write(ev, &p->json);
    rec.value = lg_buf_str(&p->json);
    (void)snprintf(key, sizeof(key), "default:%.*s", LG_STR_FMT(ev->endpoint_id));
    rec.key = lg_str_z(key);
    house_put(p->h, LG_TOPIC_NORMALIZED, 0, &rec);
    if (p->ws != NULL) {
        const struct lg_live_input in = {.source = lg_hash64(&ev->source, sizeof(ev->source), 0),
                .bus_time = p->max,
                .offset = p->n};

        assert_int_equal(lg_windows_push_live(p->ws, ev, &in), 0);
    }
    p->n++;
    return 0;
}

static int ignore_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    (void)dl;
    return 0;
}

static void put_capture(struct put *p, const char *path)
{
    const struct lg_norm_sink sink = {.user = p, .event = put_event, .dead = ignore_dead};
    const struct lg_norm_stream_options so = {.endpoint = LG_STR("host1")};
    struct lg_capture_batch *b;
    struct lg_norm_stream *st;
    struct lg_normalizer *nz;
    struct lg_capture *cap;
    struct lg_err err = {0};

    assert_int_equal(lg_capture_open(path, NULL, &cap, &err), 0);
    assert_int_equal(lg_capture_batch_new(&b), 0);
    assert_int_equal(lg_norm_stream_new(&so, &st), 0);
    assert_int_equal(lg_normalizer_new(&nz), 0);
    while (lg_capture_next(cap, b, &err) > 0)
        for (size_t i = 0; i < b->records.n; i++)
            assert_int_equal(lg_normalizer_record(nz, st, lg_capture_record_str(b, i), true,
                                     b->records.v[i].pos, &sink),
                    0);
    assert_int_equal(lg_normalizer_flush(nz, st, &sink), 0);
    lg_normalizer_free(nz);
    lg_norm_stream_free(st);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
}

static void put_tick(struct house *h, lg_time at)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_TICK)}};
    const struct lg_bus_record rec = {
            .value = LG_STR(""), .headers = headers, .n_headers = 1, .bus_time = at};

    house_put(h, LG_TOPIC_NORMALIZED, 0, &rec);
    house_put(h, LG_TOPIC_NORMALIZED, 1, &rec);
}

/* ------------------------------------------------------------------ results */

struct result {
    char id[40];
    char *json; /* without inference_time_ms */
    char *graph;
};

struct results {
    LG_VEC(struct result) v;
    struct lg_json *j;
    uint64_t repeated, attacks;
};

static struct lg_str member(struct lg_jval root, const char *name)
{
    return lg_jval_get_str(root, lg_str_z(name));
}

/* The text without the one member that differs. */
static char *without_time(struct lg_str s)
{
    ptrdiff_t at = lg_str_find(s, LG_STR("\"inference_time_ms\":"));
    size_t end = (size_t)at;
    char *p = malloc(s.n + 1);

    assert_true(at > 0);
    while (s.p[end] != ',')
        end++;
    memcpy(p, s.p, (size_t)at);
    memcpy(p + at, s.p + end, s.n - end);
    p[(size_t)at + s.n - end] = 0;
    return p;
}

static char *graph_text(struct lg_str context)
{
    struct lg_arena a;
    struct lg_graph g;
    struct lg_buf b;
    struct lg_err err = {0};
    char *p;

    lg_arena_init(&a, 64u << 20);
    if (lg_inference_graph(context, &a, &g, &err) < 0)
        fail_msg("graph: %s", err.text);
    lg_buf_init(&b, 64u << 20);
    lg_graph_write_json(&g, &b);
    assert_int_equal(b.failed, 0);
    p = lg_strndup(b.p, b.n);
    lg_buf_done(&b);
    lg_arena_done(&a);
    return p;
}

static void take_result(void *user, const struct lg_bus_record *rec, int32_t partition)
{
    struct results *rs = user;
    struct lg_jval root, ledger;
    struct result r = {.json = without_time(rec->value)};
    struct lg_str id;

    (void)partition;
    assert_str(lg_bus_header_get(rec, LG_STR(LG_BUS_H_SCHEMA)), LG_SCHEMA_INFERENCE);
    assert_int_equal(lg_json_parse(rs->j, rec->value, false, &root, NULL), 0);
    id = member(root, "inference_id");
    assert_int_equal(id.n, 36);
    memcpy(r.id, id.p, id.n);
    assert_true(lg_jval_get(root, LG_STR("ledger"), &ledger));
    rs->attacks += lg_str_eq(member(root, "prediction"), LG_STR("attack"));
    for (size_t i = 0; i < rs->v.n; i++) {
        if (strcmp(rs->v.v[i].id, r.id) != 0)
            continue;
        assert_string_equal(rs->v.v[i].json, r.json); /* told again: the same bits */
        rs->repeated++;
        free(r.json);
        return;
    }
    r.graph = graph_text(member(root, "context"));
    assert_int_equal(lg_vec_push(&rs->v, r), 0);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct result *)a)->id, ((const struct result *)b)->id);
}

static void results_of(struct house *h, struct results *rs)
{
    memset(rs, 0, sizeof(*rs));
    assert_int_equal(lg_json_new(&rs->j), 0);
    (void)house_each(h, LG_TOPIC_RESULTS, take_result, rs);
    qsort(rs->v.v, rs->v.n, sizeof(*rs->v.v), by_id);
}

static void results_done(struct results *rs)
{
    for (size_t i = 0; i < rs->v.n; i++) {
        free(rs->v.v[i].json);
        free(rs->v.v[i].graph);
    }
    lg_vec_done(&rs->v);
    lg_json_free(rs->j);
}

static void assert_same(const struct results *a, const struct results *b)
{
    assert_int_equal(a->v.n, b->v.n);
    for (size_t i = 0; i < a->v.n; i++) {
        assert_string_equal(a->v.v[i].id, b->v.v[i].id);
        assert_string_equal(a->v.v[i].json, b->v.v[i].json);
        assert_string_equal(a->v.v[i].graph, b->v.v[i].graph);
    }
}

/* ------------------------------------------------------------------ graphs without a stage */

struct graphs {
    LG_VEC(char *) v;
};

static int take_graph(void *user, const struct lg_graph *g)
{
    struct graphs *gs = user;
    struct lg_buf b;

    lg_buf_init(&b, 64u << 20);
    lg_graph_write_json(g, &b);
    assert_int_equal(b.failed, 0);
    assert_int_equal(lg_vec_push(&gs->v, lg_strndup(b.p, b.n)), 0);
    lg_buf_done(&b);
    return 0;
}

static void run_stage(struct house *h, unsigned rounds, size_t batch_bytes, bool die)
{
    struct lg_inference_options io = {
            .bus = h->bus, .config = &h->cfg, .models = {models[0], models[1]}};
    struct lg_runner *r = stage_new(
            h, &lg_inference_stage, &io, LG_GROUP_INFERENCE, LG_TOPIC_NORMALIZED, 1, batch_bytes);

    stage_run(r, rounds);
    if (die)
        _exit(0);
    lg_runner_free(r);
}

/* Runs the stage in a process that ends without a word, again and again, then to the end. */
static void run_killed(struct house *h, unsigned kills)
{
    house_close(h);
    for (unsigned k = 0; k < kills; k++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            house_open(h);
            run_stage(h, 3 + k % 5, 30000, true);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        test_clock += SEC;
    }
    house_open(h);
    run_stage(h, 0, 0, false);
}

/* ------------------------------------------------------------------ tests */

static void check_capture(const char *name, uint64_t limit, unsigned kills)
{
    const struct lg_live_options lo = {.forget_ns = 7 * 24 * 3600 * SEC}; /* as the stage does */
    struct house whole, split, killed;
    struct house *const all[] = {&whole, &split, &killed};
    struct results a, b, c;
    struct graphs gs = {0};
    struct put p;
    size_t found = 0;
    char path[512];

    (void)snprintf(path, sizeof(path), CAPTURES "%s", name);
    for (unsigned i = 0; i < 3; i++) {
        house_new(all[i]);
        all[i]->cfg.inference.checkpoint_interval_ns = 5 * SEC;
        p = (struct put){.h = all[i], .limit = limit};
        lg_buf_init(&p.json, 16u << 20);
        if (i == 0) {
            assert_int_equal(lg_windows_new(&lg_window_defaults, take_graph, &gs, &p.ws), 0);
            assert_int_equal(lg_windows_live(p.ws, &lo), 0);
        }
        put_capture(&p, path);
        assert_true(p.n > 20);
        put_tick(all[i], p.max + 60 * SEC);
        put_tick(all[i], p.max + 121 * SEC);
        if (i == 0) {
            assert_int_equal(lg_windows_tick(p.ws, p.max + 60 * SEC, p.n), 0);
            assert_int_equal(lg_windows_tick(p.ws, p.max + 121 * SEC, p.n + 1), 0);
            lg_windows_free(p.ws);
        }
        lg_buf_done(&p.json);
    }
    run_stage(&whole, 0, 0, false);
    run_stage(&split, 0, 7000, false);
    run_killed(&killed, kills);
    results_of(&whole, &a);
    results_of(&split, &b);
    results_of(&killed, &c);
    assert_true(a.v.n > 0);
    assert_int_equal(a.repeated, 0);
    assert_same(&a, &b);
    assert_same(&a, &c);
    /* each stored graph is one that windows alone give */
    assert_int_equal(a.v.n, gs.v.n);
    for (size_t i = 0; i < a.v.n; i++)
        for (size_t k = 0; k < gs.v.n; k++)
            if (strcmp(a.v.v[i].graph, gs.v.v[k]) == 0) {
                found++;
                break;
            }
    assert_int_equal(found, a.v.n);
    results_done(&a);
    results_done(&b);
    results_done(&c);
    for (size_t k = 0; k < gs.v.n; k++)
        free(gs.v.v[k]);
    lg_vec_done(&gs.v);
    for (unsigned i = 0; i < 3; i++)
        house_done(all[i]);
}

static void test_windows_capture(void **state)
{
    (void)state;
    check_capture("empire_reg_dump_sam_2019-06-25133822.ndjson.zst", 2500, 12);
}

static void test_sysmon_capture(void **state)
{
    (void)state;
    check_capture("omerbenamram_sysmon.ndjson.zst", 1500, 6);
}

static void test_linux_capture(void **state)
{
    (void)state;
    check_capture("sysflow_shellshock.ndjson.zst", 1500, 6);
}

/* Records that are no events, or of a newer kind: dead letters; the rest goes on. */
static void count_reason(void *user, const struct lg_bus_record *rec, int32_t partition)
{
    int *n = user;

    (void)partition;
    n[0] += lg_str_eq(lg_bus_header_get(rec, LG_STR(LG_DEAD_H_REASON)), LG_STR("bad_event"));
    n[1] += lg_str_eq(lg_bus_header_get(rec, LG_STR(LG_DEAD_H_REASON)), LG_STR("newer_schema"));
}

static void test_bad_records(void **state)
{
    struct lg_bus_header schema = {LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_EVENT)};
    struct lg_bus_record rec = {.key = LG_STR("default:x"),
            .value = LG_STR("{"),
            .headers = &schema,
            .n_headers = 1,
            .bus_time = test_clock};
    struct house h;
    int n[2] = {0};

    (void)state;
    house_new(&h);
    house_put(&h, LG_TOPIC_NORMALIZED, 0, &rec);
    rec.value = LG_STR("{\"event_id\":7}");
    house_put(&h, LG_TOPIC_NORMALIZED, 0, &rec);
    schema.value = LG_STR("normalized-event/9");
    house_put(&h, LG_TOPIC_NORMALIZED, 0, &rec);
    run_stage(&h, 0, 0, false);
    assert_int_equal(house_each(&h, LG_TOPIC_DEAD_LETTER, count_reason, n), 3);
    assert_int_equal(n[0], 2);
    assert_int_equal(n[1], 1);
    house_done(&h);
}

static void test_graph_refuses(void **state)
{
    static const char *const bad[] = {"", "!!!!", "AAAA", "KLUv/SAFKQAAAQIDBAU="};
    struct lg_arena a;
    struct lg_graph g;
    struct lg_err err = {0};

    (void)state;
    lg_arena_init(&a, 1u << 20);
    assert_int_equal(lg_inference_graph(lg_str_z(bad[0]), &a, &g, &err), LG_ENOENT);
    for (unsigned i = 1; i < 4; i++) {
        int rc = lg_inference_graph(lg_str_z(bad[i]), &a, &g, &err);

        assert_true(rc == LG_ECORRUPT || rc == LG_EUNSUP);
    }
    lg_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_sysmon_capture),
            cmocka_unit_test(test_windows_capture),
            cmocka_unit_test(test_linux_capture),
            cmocka_unit_test(test_bad_records),
            cmocka_unit_test(test_graph_refuses),
    };

    return cmocka_run_group_tests(tests, load_models, free_models);
}

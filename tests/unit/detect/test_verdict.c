/* The verdict as JSON, and its severity. The shape is held to the schema by the tests of the program. */
#include "detect/graph_builder.h"
#include "detect/model_builder.h"

#include "detect/jury.h"
#include "json/json.h"

static struct gb gb;
static struct lg_model model = {.name = "small", .version = "1.2", .sha256 = "00ff"};

static int teardown(void **state)
{
    (void)state;
    gb_done(&gb);
    return 0;
}

static void test_severity(void **state)
{
    static const struct {
        double floor, prob;
        const char *want;
    } rows[] = {{0, 0.5, "low"}, {0, 0.8999, "low"}, {0, 0.9, "medium"}, {0, 0.9799, "medium"},
            {0, 0.98, "high"}, {0, 1, "high"}, {0.44, 0.5, "high"}, {0.9, 0.9, "high"},
            {0.9, 0.999, "high"}, {0.9499, 0.96, "high"}, {0.95, 0.95, "critical"},
            {0.97, 0.97, "critical"}, {0.97, 1, "critical"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct lg_verdict v = {.prediction = LG_PREDICT_ATTACK};

        v.scores.pattern_floor = rows[i].floor;
        v.scores.prob = rows[i].prob;
        assert_string_equal(lg_verdict_severity(&v), rows[i].want);
        v.prediction = LG_PREDICT_BENIGN;
        assert_string_equal(lg_verdict_severity(&v), "none");
        v.prediction = LG_PREDICT_ERROR;
        assert_string_equal(lg_verdict_severity(&v), "none");
    }
    assert_string_equal(lg_prediction_name(LG_PREDICT_BENIGN), "benign");
    assert_string_equal(lg_prediction_name(LG_PREDICT_ATTACK), "attack");
    assert_string_equal(lg_prediction_name(LG_PREDICT_ERROR), "error");
}

static void make_graph(void)
{
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb.g.tenant_id = LG_STR("acme");
    gb.g.endpoint_id = LG_STR("ws1");
    gb.g.hostname = LG_STR("ws1.corp.example");
    gb.g.start_ns = INT64_C(1600000020) * LG_NS_PER_SEC;
    gb.g.end_ns = gb.g.start_ns + 180 * LG_NS_PER_SEC;
    gb.g.events = 12;
    gb.g.late_events = 3;
    gb.g.nodes_dropped = 4;
    gb.g.edges_dropped = 5;
    gb_line(&gb, "C:\\a.exe :: a.exe \"x y\" @@ user=CORP\\bob =spawn=> C:\\b.exe");
    gb_line(&gb, "C:\\b.exe =write=> C:\\c\x01\x1b[2J\xff\"\\d");
    gb.nodes[0].pid = 4321;
    gb.nodes[0].guid = LG_STR("{g}");
    gb.nodes[0].hash = LG_STR("abcd");
    gb.nodes[0].first_ns = gb.g.start_ns + 1500000000;
    gb.nodes[2].pid = 99; /* not a process: no pid is shown */
}

/* Patterns of one technique that do not stand side by side in the table, and one of another. */
static uint32_t hits_of(struct lg_pattern_hit out[3])
{
    uint32_t n = lg_pattern_count();

    for (uint32_t i = 0; i + 2 < n; i++)
        for (uint32_t k = i + 2; k < n; k++)
            if (strcmp(lg_pattern_get(i)->technique, lg_pattern_get(k)->technique) == 0 &&
                    strcmp(lg_pattern_get(i)->technique, lg_pattern_get(i + 1)->technique) != 0) {
                out[0] = (struct lg_pattern_hit){(uint16_t)i, 0, UINT32_MAX};
                out[1] = (struct lg_pattern_hit){(uint16_t)(i + 1), 1, 0};
                out[2] = (struct lg_pattern_hit){(uint16_t)k, 0, UINT32_MAX};
                return 3;
            }
    fail_msg("the table has no such rows");
    return 0;
}

static struct lg_jval parsed(struct lg_json *j, const struct lg_buf *out)
{
    struct lg_jval root;

    assert_int_equal(out->failed, 0);
    if (lg_json_parse(j, lg_buf_str(out), false, &root, NULL) < 0)
        fail_msg("%s: %.*s", lg_json_reason(j), (int)out->n, out->p);
    return root;
}

static struct lg_jval at(struct lg_jval v, const char *path)
{
    struct lg_jval ret;

    if (!lg_jval_path(v, path, &ret))
        fail_msg("no %s", path);
    return ret;
}

static struct lg_jval item(struct lg_jval array, int i)
{
    struct lg_jiter it = lg_jiter_of(array);
    struct lg_jval v;

    for (; i >= 0; i--)
        assert_true(lg_jiter_item(&it, &v));
    return v;
}

static int length(struct lg_jval array)
{
    struct lg_jiter it = lg_jiter_of(array);
    struct lg_jval v;
    int n = 0;

    while (lg_jiter_item(&it, &v))
        n++;
    return n;
}

static void attack_verdict(struct lg_verdict *v, struct lg_pattern_hit hits[3])
{
    memset(v, 0, sizeof(*v));
    v->prediction = LG_PREDICT_ATTACK;
    v->scores = (struct lg_scores){.learned = true,
            .member = {1.5, -2.25, 3},
            .jury = 0.5,
            .pattern_floor = 0.9,
            .prob = 0.93};
    v->confidence = 0.93;
    v->hits = hits;
    v->n_hits = hits_of(hits);
    v->evidence[0] = (struct lg_evidence){1, UINT32_MAX, 0.75, 3};
    v->evidence[1] = (struct lg_evidence){0, 0, 0.2, 2};
    v->evidence[2] = (struct lg_evidence){2, 0, 0.05, 1};
    v->n_evidence = 3;
    v->time_ms = 1.23456;
}

static void test_an_attack(void **state)
{
    struct lg_pattern_hit hits[3];
    struct lg_verdict v;
    struct lg_json *j;
    struct lg_buf out;
    struct lg_jval root, e, t;

    (void)state;
    make_graph();
    attack_verdict(&v, hits);
    lg_buf_init(&out, 1u << 20);
    assert_int_equal(lg_json_new(&j), 0);
    lg_verdict_write(&v, &gb.g, &model, &out);
    assert_true(memchr(out.p, '\n', out.n) == NULL && memchr(out.p, 0x1b, out.n) == NULL);
    root = parsed(j, &out);
    assert_str(lg_jval_str(at(root, "tenant_id")), "acme");
    assert_str(lg_jval_str(at(root, "hostname")), "ws1.corp.example");
    assert_int_equal(lg_jval_i64(at(root, "window_start")), 1600000020);
    assert_int_equal(lg_jval_i64(at(root, "window_end")), 1600000200);
    assert_str(lg_jval_str(at(root, "prediction")), "attack");
    assert_str(lg_jval_str(at(root, "severity")), "high");
    assert_true(lg_jval_double(at(root, "attack_prob")) == 0.93);
    assert_true(lg_jval_double(at(root, "scores.tokens")) == -2.25);
    assert_true(lg_jval_double(at(root, "scores.patterns")) == 0.9);
    assert_true(lg_jval_double(at(root, "inference_time_ms")) == 1.235);
    assert_int_equal(lg_jval_i64(at(root, "truncated")), 9);
    assert_int_equal(lg_jval_i64(at(root, "late_events")), 3);
    assert_str(lg_jval_str(at(root, "model.sha256")), "00ff");
    assert_false(lg_jval_path(root, "model.experimental", &e));
    assert_false(lg_jval_path(root, "error", &e));

    e = item(at(root, "evidence"), 1);
    assert_str(lg_jval_str(at(e, "name")), "C:\\a.exe");
    assert_str(lg_jval_str(at(e, "command_line")), "a.exe \"x y\"");
    assert_str(lg_jval_str(at(e, "user")), "CORP\\bob");
    assert_str(lg_jval_str(at(e, "process_guid")), "{g}");
    assert_str(lg_jval_str(at(e, "hash")), "abcd");
    assert_int_equal(lg_jval_i64(at(e, "pid")), 4321);
    assert_int_equal(lg_jval_i64(at(e, "parent")), 1);
    assert_true(lg_jval_double(at(e, "first_seen")) == 1600000021.5);
    /* two patterns of one technique and the edge of another's: each technique once, ascending */
    t = at(e, "techniques");
    assert_int_equal(length(t), 2);
    assert_true(lg_str_cmp(lg_jval_str(item(t, 0)), lg_jval_str(item(t, 1))) < 0);
    t = at(root, "ttp_techniques");
    assert_int_equal(length(t), 2);
    assert_true(lg_str_cmp(lg_jval_str(item(t, 0)), lg_jval_str(item(t, 1))) < 0);
    e = item(at(root, "evidence"), 0);
    assert_int_equal(lg_jval_type(at(e, "parent")), LG_JSON_NULL);
    assert_int_equal(length(at(e, "techniques")), 1); /* by its edge */
    assert_false(lg_jval_path(e, "pid", &t));
    e = item(at(root, "evidence"), 2);
    assert_str(lg_jval_str(at(e, "name")), "C:\\c\x01\x1b[2J\xef\xbf\xbd\"\\d");
    assert_int_equal(length(at(e, "techniques")), 0);
    assert_false(lg_jval_path(e, "pid", &t));
    lg_json_free(j);
    lg_buf_done(&out);
}

static void test_what_could_not_be_judged(void **state)
{
    struct lg_verdict v = {.prediction = LG_PREDICT_ERROR, .error = "too_few_nodes"};
    struct lg_json *j;
    struct lg_buf out;
    struct lg_jval root;

    (void)state;
    make_graph();
    model.experimental = true;
    lg_buf_init(&out, 1u << 20);
    assert_int_equal(lg_json_new(&j), 0);
    lg_verdict_write(&v, &gb.g, &model, &out);
    root = parsed(j, &out);
    assert_int_equal(lg_jval_type(at(root, "attack_prob")), LG_JSON_NULL);
    assert_int_equal(lg_jval_type(at(root, "confidence")), LG_JSON_NULL);
    assert_int_equal(lg_jval_type(at(root, "scores.gat")), LG_JSON_NULL);
    assert_int_equal(lg_jval_type(at(root, "scores.jury")), LG_JSON_NULL);
    assert_str(lg_jval_str(at(root, "error")), "too_few_nodes");
    assert_int_equal(length(at(root, "evidence")), 0);
    assert_true(lg_jval_bool(at(root, "model.experimental")));
    model.experimental = false;
    lg_json_free(j);
    lg_buf_done(&out);
}

static void test_out_of_memory_is_told_by_the_buffer(void **state)
{
    struct lg_pattern_hit hits[3];
    struct lg_verdict v;
    struct lg_buf out;
    bool whole = false;

    (void)state;
    make_graph();
    attack_verdict(&v, hits);
    for (uint64_t n = 1; !whole && n < 100; n++) {
        lg_buf_init(&out, 1u << 20);
        (void)lg_mem_fail_from(n);
        lg_verdict_write(&v, &gb.g, &model, &out);
        (void)lg_mem_fail_from(0);
        whole = out.failed == 0;
        assert_true(whole || out.failed == LG_ENOMEM);
        lg_buf_done(&out);
    }
    assert_true(whole);
    lg_buf_init(&out, 200);
    lg_verdict_write(&v, &gb.g, &model, &out);
    assert_int_equal(out.failed, LG_ELIMIT);
    lg_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_severity),
            cmocka_unit_test(test_an_attack),
            cmocka_unit_test(test_what_could_not_be_judged),
            cmocka_unit_test(test_out_of_memory_is_told_by_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

#include "graph_util.h"

#include "graph/copy.h"

/* A copy is the graph it was made of, when that is long gone, and in whatever order sizes come. */

struct copies {
    struct lg_graph_copy all[16];
    uint32_t n;
    struct lg_graph_copy reused;
    LG_VEC(struct lg_buf) json; /* of the reused one, when it was made */
};

static void json_of(const struct lg_graph *g, struct lg_buf *b)
{
    lg_buf_init(b, 16u << 20);
    lg_graph_write_json(g, b);
    assert_int_equal(b->failed, 0);
}

static void look(const struct lg_graph *g, void *user)
{
    struct copies *c = user;
    struct lg_buf b;

    assert_true(c->n < 16);
    assert_int_equal(lg_graph_copy_set(&c->all[c->n++], g), 0);
    assert_int_equal(lg_graph_copy_set(&c->reused, g), 0);
    json_of(&c->reused.g, &b);
    assert_int_equal(lg_vec_push(&c->json, b), 0);
}

/* Windows of many sizes: 40 files in the first minute, 3 in the second, none after. */
static void run(struct graph_log *log, lg_window_fn fn)
{
    struct lg_window_options o = lg_window_defaults;
    struct lg_windows *ws;
    char name[64];

    assert_int_equal(lg_windows_new(&o, fn, log, &ws), 0);
    for (unsigned i = 0; i < 43; i++) {
        lg_time t = T0 + (i < 40 ? (lg_time)i * SEC : (60 + (lg_time)i) * SEC);
        struct lg_event ev = event_at(LG_EVENT_FILE_CREATE, t, 100 + i);

        set_actor(&ev, "g1", 100, "C:\\Temp\\a.exe");
        (void)snprintf(name, sizeof(name), "C:\\Data\\%u\\f.txt", i);
        set_z(&ev, LG_F_TARGET_FILENAME, name);
        assert_int_equal(lg_windows_push(ws, &ev), 0);
    }
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_free(ws);
}

static void test_same_graph(void **state)
{
    static struct copies c;
    struct graph_log log = {.look = look, .user = &c};

    (void)state;
    run(&log, graph_log_add);
    assert_int_equal(c.n, log.json.n);
    assert_true(c.n >= 3);
    for (uint32_t i = 0; i < c.n; i++) {
        struct lg_buf b;

        json_of(&c.all[i].g, &b);
        assert_true(lg_str_eq(lg_buf_str(&b), lg_buf_str(&log.json.v[i])));
        assert_true(lg_str_eq(lg_buf_str(&c.json.v[i]), lg_buf_str(&log.json.v[i])));
        lg_buf_done(&b);
        lg_buf_done(&c.json.v[i]);
        lg_graph_copy_done(&c.all[i]);
    }
    lg_vec_done(&c.json);
    lg_graph_copy_done(&c.reused);
    graph_log_done(&log);
}

static void starve(const struct lg_graph *g, void *user)
{
    struct lg_graph_copy *c = user;

    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_graph_copy_set(c, g), LG_ENOMEM);
    (void)lg_mem_fail_from(0);
    assert_null(c->block);
    assert_int_equal(c->g.n_nodes, 0);
}

static void test_no_memory(void **state)
{
    struct lg_graph_copy c = {.block = NULL};
    struct graph_log log = {.look = starve, .user = &c};

    (void)state;
    run(&log, graph_log_add);
    graph_log_done(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_same_graph),
            cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

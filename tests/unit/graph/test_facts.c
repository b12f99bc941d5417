#include "graph_util.h"

#include <math.h>

#include "graph/features_int.h"

/* What each number of a feature stands for, on a graph small enough to count by hand. */

struct harness {
    void (*check)(struct lg_features *fs, const struct lg_graph *g);
    int windows;
};

static void look(const struct lg_graph *g, void *user)
{
    struct harness *h = user;
    struct lg_features *fs;

    if (h->windows++ > 0)
        return;
    assert_int_equal(lg_features_new(&fs), 0);
    h->check(fs, g);
    lg_features_free(fs);
}

static void with_graph(const struct lg_event *ev, size_t n,
        void (*check)(struct lg_features *, const struct lg_graph *))
{
    struct harness h = {check, 0};
    struct graph_log log = {.look = look, .user = &h};
    struct lg_windows *ws;

    assert_int_equal(lg_windows_new(&lg_window_defaults, graph_log_add, &log, &ws), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(lg_windows_push(ws, &ev[i]), 0);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_true(h.windows > 0);
    lg_windows_free(ws);
    graph_log_done(&log);
}

static struct lg_event access_to(lg_time t, uint64_t id, const char *target, uint64_t mask)
{
    struct lg_event ev = event_at(LG_EVENT_PROCESS_ACCESS, t, id);

    set_actor(&ev, "g2", 200, "C:\\Temp\\tool.exe");
    set_z(&ev, LG_F_TARGET_IMAGE, target);
    lg_event_set_u64(&ev, LG_F_GRANTED_ACCESS, mask);
    return ev;
}

/* explorer starts tool; tool opens lsass three times and notepad twice, and writes a file. */
static size_t story(struct lg_event *ev)
{
    size_t n = 0;

    ev[n] = create_at(T0 + 6 * SEC, 1, "g2", 200, "C:\\Temp\\tool.exe", "tool.exe /abc def");
    set_parent(&ev[n++], "g1", 100, "C:\\Windows\\explorer.exe", NULL);
    for (unsigned i = 0; i < 3; i++, n++)
        ev[n] = access_to(
                T0 + (10 + (lg_time)i) * SEC, 10 + i, "C:\\Windows\\System32\\lsass.exe", 0x1010);
    for (unsigned i = 0; i < 2; i++, n++)
        ev[n] = access_to(T0 + (20 + (lg_time)i) * SEC, 20 + i,
                "C:\\Windows\\System32\\notepad.exe", 0x1fffff);
    ev[n] = event_at(LG_EVENT_FILE_CREATE, T0 + 24 * SEC, 30);
    set_actor(&ev[n], "g2", 200, "C:\\Temp\\tool.exe");
    set_z(&ev[n++], LG_F_TARGET_FILENAME, "C:\\Temp\\out.bin");
    return n;
}

static bool is(float x, double want)
{
    return fabs((double)x - want) < 1e-5;
}

static const float *facts_of(
        const struct lg_node_features *nf, const struct lg_graph *g, const char *base)
{
    for (uint32_t i = 0; i < nf->n_nodes; i++)
        if (lg_str_eq(lg_node_base(&g->nodes[nf->node[i]]), lg_str_z(base)))
            return nf->node_num + (size_t)i * LG_NODE_NUM;
    fail_msg("no node %s", base);
    return NULL;
}

static void near(const float *got, const double *want, unsigned from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!is(got[from + i], want[i]))
            fail_msg("fact %u is %g, not %g", from + i, (double)got[from + i], want[i]);
}

static void check_facts(struct lg_features *fs, const struct lg_graph *g)
{
    /* edges in and out, events in and out; instances; created, known before, named by others */
    const double tool[] = {log1p(1), log1p(3), log1p(1), log1p(6), log1p(1), 1, 0, 0};
    const double lsass[] = {log1p(1), 0, log1p(3), 0, log1p(1), 0, 0, 1};
    const double up[] = {0, log1p(1), 0, log1p(1), log1p(1), 0, 0, 1};
    const double file[] = {log1p(1), 0, log1p(1), 0, log1p(1), 0, 0, 0};
    /* first sight after the view's first, and how long, as shares of 180 s */
    const double tool_times[] = {0, 18.0 / 180}, lsass_times[] = {4.0 / 180, 2.0 / 180};
    const double file_times[] = {18.0 / 180, 0};
    struct lg_node_features nf;

    assert_int_equal(lg_features_nodes(fs, g, &lg_view_default, &nf), 0);
    assert_int_equal(nf.n_nodes, 5);
    assert_int_equal(nf.n_edges, 4);
    near(facts_of(&nf, g, "tool.exe"), tool, 0, 8);
    near(facts_of(&nf, g, "lsass.exe"), lsass, 0, 8);
    near(facts_of(&nf, g, "explorer.exe"), up, 0, 8);
    near(facts_of(&nf, g, "out.bin"), file, 0, 8);
    near(facts_of(&nf, g, "tool.exe"), tool_times, 10, 2);
    near(facts_of(&nf, g, "lsass.exe"), lsass_times, 10, 2);
    near(facts_of(&nf, g, "out.bin"), file_times, 10, 2);
    /* the command line, "tool.exe /abc def", and the entropy of a name */
    assert_true(is(facts_of(&nf, g, "tool.exe")[8], log1p(17) / 8));
    assert_true(is(facts_of(&nf, g, "lsass.exe")[8], 0));
    assert_true(facts_of(&nf, g, "tool.exe")[9] > 0.3f && facts_of(&nf, g, "tool.exe")[9] < 0.7f);
    for (uint32_t i = 0; i < nf.n_edges; i++)
        assert_true(is(nf.edge_num[i], log1p((double)g->edges[nf.edge[i]].count)));
}

static void test_node_facts(void **state)
{
    struct lg_event ev[8];
    size_t n = story(ev);

    (void)state;
    with_graph(ev, n, check_facts);
}

static double count_of(const float *c, const char *name)
{
    for (uint32_t i = 0; i < lg_features_count_n(); i++)
        if (strcmp(lg_features_count_name(i), name) == 0)
            return round(expm1((double)c[i]));
    fail_msg("no count %s", name);
    return 0;
}

static void check_counts(struct lg_features *fs, const struct lg_graph *g)
{
    static const struct {
        const char *name;
        double want;
    } rows[] = {{"nodes", 5}, {"edges", 4}, {"events", 7}, {"processes", 4},
            {"processes_created", 1}, {"lsass_access", 3}, {"lsass_read", 3}, {"lsass_all", 0},
            {"access_read", 3}, {"access_all", 2}, {"access_write", 0}, {"command_sum", 17},
            {"command_max", 17}, {"edges_access", 5}, {"nodes_file", 1}, {"created_medium", 1},
            {"created_high", 0}, {"created_person", 1}};
    float c[1024];

    assert_int_equal(lg_features_counts(fs, g, &lg_view_default, NULL, c), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (count_of(c, rows[i].name) != rows[i].want)
            fail_msg("%s: %g", rows[i].name, count_of(c, rows[i].name));
}

static void test_counts(void **state)
{
    struct lg_event ev[8];
    size_t n = story(ev);

    (void)state;
    with_graph(ev, n, check_counts);
}

static bool shares_token(const uint32_t *a, uint32_t na, const uint32_t *b, uint32_t nb)
{
    for (uint32_t i = 0; i < na; i++)
        for (uint32_t k = 0; k < nb; k++)
            if (a[i] == b[k])
                return true;
    return false;
}

/* An edge's tokens tell what it is, who did it and to whom: each of the three changes some. */
static void check_edge_tokens(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_node nodes[3];
    struct lg_graph small = {.nodes = nodes, .n_nodes = 3};
    struct lg_edge one = {.src = 0, .dst = 1, .type = LG_EDGE_ACCESS}, other;
    uint32_t a[LG_EDGE_TOKENS_MAX], b[LG_EDGE_TOKENS_MAX], na, nb;

    (void)fs;
    nodes[0] = *find_named(g, LG_NODE_PROCESS, "c:\\temp\\tool.exe");
    nodes[1] = *find_named(g, LG_NODE_PROCESS, "c:\\windows\\system32\\lsass.exe");
    nodes[2] = *find_named(g, LG_NODE_PROCESS, "c:\\windows\\system32\\notepad.exe");
    na = lg_graph_edge_tokens(&small, &one, a);
    assert_int_equal(na, 3); /* what, from whom to whom, to which folder */
    other = one;
    other.src = 2; /* another actor: the kind alone is the same */
    nb = lg_graph_edge_tokens(&small, &other, b);
    assert_int_equal(nb, 3);
    assert_int_equal(a[0], b[0]);
    assert_int_not_equal(a[1], b[1]);
    assert_int_not_equal(a[2], b[2]);
    other = one;
    other.dst = 2; /* another target in the same folder */
    nb = lg_graph_edge_tokens(&small, &other, b);
    assert_true(nb == 3 && a[0] == b[0] && a[1] != b[1] && a[2] == b[2]);
    other = one;
    other.type = LG_EDGE_REMOTE_THREAD;
    nb = lg_graph_edge_tokens(&small, &other, b);
    assert_false(shares_token(a, na, b, nb));
    other = one;
    other.attr = LG_ATTR_ACCESS_ALL | LG_ATTR_UNKNOWN_FRAME;
    nb = lg_graph_edge_tokens(&small, &other, b);
    assert_int_equal(nb, 6); /* each attribute, and all of them with the actor */
    other.attr = 0;
    other.src = 1;
    other.dst = 0; /* backwards */
    nb = lg_graph_edge_tokens(&small, &other, b);
    assert_true(nb == 3 && a[0] == b[0] && a[1] != b[1]);
}

static void test_edge_tokens(void **state)
{
    struct lg_event ev[8];
    size_t n = story(ev);

    (void)state;
    with_graph(ev, n, check_edge_tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_node_facts),
            cmocka_unit_test(test_counts),
            cmocka_unit_test(test_edge_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "graph_util.h"

/* The caps of a window's graph: what is kept, what goes, and that it is told. */

static struct lg_event write_at(lg_time t, uint64_t id, const char *actor, const char *file)
{
    struct lg_event ev = event_at(LG_EVENT_FILE_CREATE, t, id);

    set_actor(&ev, NULL, 0, actor);
    set_z(&ev, LG_F_TARGET_FILENAME, file);
    return ev;
}

/* Ten files, the k-th of them written k + 1 times, by a process known by name, which a created
 * one reads; a DNS name asked for once. */
static size_t make_events(struct lg_event *ev, char names[10][32])
{
    size_t n = 0;

    ev[n] = create_at(T0, 1, "g1", 100, "C:\\Temp\\a.exe", "a.exe /x");
    set_parent(&ev[n++], "g0", 50, "C:\\Windows\\explorer.exe", NULL);
    for (unsigned k = 0; k < 10; k++) {
        (void)snprintf(names[k], 32, "C:\\Data\\f%c.txt", 'a' + (int)k);
        for (unsigned i = 0; i <= k; i++, n++)
            ev[n] = write_at(
                    T0 + (lg_time)n * SEC / 2, 100 + n, "C:\\Windows\\System32\\b.exe", names[k]);
    }
    ev[n] = event_at(LG_EVENT_DNS_QUERY, T0 + 40 * SEC, 1000);
    set_actor(&ev[n], "g1", 100, "C:\\Temp\\a.exe");
    set_z(&ev[n++], LG_F_QUERY_NAME, "example.com");
    return n;
}

struct seen {
    uint32_t nodes, edges, nodes_dropped, edges_dropped, files, processes;
    uint64_t events, spawn;
    uint32_t edge_max; /* the largest count of an edge that is left */
    char file[10];     /* letters of the files that are left */
    bool explorer, known, dns;
};

static void look(const struct lg_graph *g, void *user)
{
    struct seen *s = user;

    if (g->end_ns != T0 + 60 * SEC)
        return;
    memset(s, 0, sizeof(*s));
    s->nodes = g->n_nodes;
    s->edges = g->n_edges;
    s->events = g->events;
    s->nodes_dropped = g->nodes_dropped;
    s->edges_dropped = g->edges_dropped;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct lg_node *nd = &g->nodes[i];

        s->processes += nd->type == LG_NODE_PROCESS;
        s->dns |= nd->type == LG_NODE_DNS;
        s->explorer |= lg_str_ends(nd->name, LG_STR("explorer.exe"));
        s->known |= lg_str_ends(nd->name, LG_STR("b.exe"));
        if (nd->type == LG_NODE_FILE)
            s->file[s->files++] = nd->raw.p[nd->raw.n - 5];
    }
    for (uint32_t i = 0; i < g->n_edges; i++) {
        assert_true(g->edges[i].src < g->n_nodes && g->edges[i].dst < g->n_nodes);
        s->spawn += g->edges[i].type == LG_EDGE_SPAWN;
        if (g->edges[i].count > s->edge_max)
            s->edge_max = g->edges[i].count;
    }
}

/* The first window under these caps; the events in order, or backwards. */
static struct seen run(uint32_t max_nodes, uint32_t max_edges, bool backwards)
{
    static struct lg_event ev[80];
    char names[10][32];
    size_t n = make_events(ev, names);
    struct lg_window_options o = lg_window_defaults;
    struct graph_log log = {.fail_at = 0};
    struct lg_windows *ws;
    struct seen s;

    memset(&s, 0, sizeof(s));
    log.look = look;
    log.user = &s;
    o.max_nodes = max_nodes;
    o.max_edges = max_edges;
    o.lateness_ns = o.patience_ns = 100 * SEC;
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(lg_windows_push(ws, &ev[backwards ? n - 1 - i : i]), 0);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(s.events, n);
    lg_windows_free(ws);
    graph_log_done(&log);
    return s;
}

static void same(const struct seen *a, const struct seen *b)
{
    assert_int_equal(a->nodes, b->nodes);
    assert_int_equal(a->edges, b->edges);
    assert_int_equal(a->edges_dropped, b->edges_dropped);
    assert_memory_equal(a->file, b->file, sizeof(a->file));
}

static void test_without_caps(void **state)
{
    struct seen s = run(0, 0, false);

    (void)state;
    assert_int_equal(s.nodes, 14); /* explorer, a, b; ten files; a name */
    assert_int_equal(s.edges, 12);
    assert_int_equal(s.nodes_dropped + s.edges_dropped, 0);
    assert_int_equal(s.edge_max, 10);
    assert_true(s.spawn == 1 && s.files == 10 && s.processes == 3 && s.dns);
    s = run(14, 12, false); /* just as many as there are */
    assert_int_equal(s.nodes, 14);
    assert_int_equal(s.edges, 12);
    assert_int_equal(s.nodes_dropped + s.edges_dropped, 0);
}

/* Processes stay, then the names with the fewest events. */
static void test_node_cap(void **state)
{
    (void)state;
    for (uint32_t max = 5; max < 14; max++) {
        struct seen s = run(max, 0, false), back = run(max, 0, true);

        same(&s, &back);
        assert_int_equal(s.nodes, max);
        assert_int_equal(s.nodes_dropped, 14 - max);
        assert_int_equal(s.edges_dropped, 14 - max); /* each file's one edge */
        assert_int_equal(s.edges, 12 - (14 - max));
        assert_true(s.processes == 3 && s.spawn == 1);
        /* the name and the first file have one event each */
        assert_int_equal(s.files, max - 4);
        assert_true(s.dns);
        for (uint32_t i = 0; i < s.files; i++)
            assert_true(s.file[i] < 'a' + (int)s.files);
    }
}

/* Of too many processes those stay whose start was seen. */
static void test_node_cap_under_the_processes(void **state)
{
    struct seen s = run(1, 0, false);

    (void)state;
    assert_int_equal(s.nodes, 1);
    assert_int_equal(s.processes, 1);
    assert_true(!s.explorer && !s.known);
    assert_int_equal(s.nodes_dropped, 13);
    assert_int_equal(s.edges, 0);
    assert_int_equal(s.edges_dropped, 12);
    s = run(2, 0, false); /* then the one with the fewest events */
    assert_true(s.explorer && !s.known && s.spawn == 1);
    assert_int_equal(s.edges_dropped, 11);
}

/* Creations stay, then the rarest. */
static void test_edge_cap(void **state)
{
    (void)state;
    for (uint32_t max = 1; max < 12; max++) {
        struct seen s = run(0, max, false), back = run(0, max, true);

        same(&s, &back);
        assert_int_equal(s.edges, max);
        assert_int_equal(s.edges_dropped, 12 - max);
        assert_int_equal(s.nodes, 14); /* a node without edges is a node still */
        assert_int_equal(s.nodes_dropped, 0);
        assert_int_equal(s.spawn, 1);
        assert_int_equal(s.edge_max, max < 3 ? 1 : max - 2);
    }
}

/* Both: edges that went with their nodes are not counted against the cap again. */
static void test_both_caps(void **state)
{
    struct seen s = run(8, 4, false), back = run(8, 4, true);

    (void)state;
    same(&s, &back);
    assert_int_equal(s.nodes, 8);
    assert_int_equal(s.edges, 4);
    assert_int_equal(s.nodes_dropped, 6);
    assert_int_equal(s.edges_dropped, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_without_caps),
            cmocka_unit_test(test_node_cap),
            cmocka_unit_test(test_node_cap_under_the_processes),
            cmocka_unit_test(test_edge_cap),
            cmocka_unit_test(test_both_caps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

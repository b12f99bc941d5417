#include "base/limits.h"
#include "graph_util.h"

/* Who is one process and who another, and what parts edges: each rule where it decides alone. */

typedef void check_fn(const struct lg_graph *g);

struct probe {
    check_fn *check;
    lg_time end;
    int found;
};

static void look(const struct lg_graph *g, void *user)
{
    struct probe *p = user;

    if (g->end_ns != p->end)
        return;
    p->found++;
    p->check(g);
}

/* The window that ends at `end`, of these events. */
static void run(const struct lg_event *ev, size_t n, lg_time end, check_fn *check)
{
    struct probe p = {check, end, 0};
    struct graph_log log = {.look = look, .user = &p};
    struct lg_windows *ws;

    assert_int_equal(lg_windows_new(&lg_window_defaults, graph_log_add, &log, &ws), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(lg_windows_push(ws, &ev[i]), 0);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(p.found, 1);
    lg_windows_free(ws);
    graph_log_done(&log);
}

#define END (T0 + 60 * SEC)
#define CMD "c:\\windows\\system32\\cmd.exe"
#define RAW_CMD "C:\\Windows\\System32\\cmd.exe"

static struct lg_event write_by(
        lg_time t, uint64_t id, const char *guid, uint32_t pid, const char *image, const char *file)
{
    struct lg_event ev = event_at(LG_EVENT_FILE_CREATE, t, id);

    set_actor(&ev, guid, pid, image);
    set_z(&ev, LG_F_TARGET_FILENAME, file);
    return ev;
}

/* --- one pid, one program, two starts --- */

static void check_starts(const struct lg_graph *g)
{
    const struct lg_node *sh = find_named(g, LG_NODE_PROCESS, "/bin/sh");

    assert_non_null(sh);
    assert_int_equal(sh->instances, 2);
}

static void check_one_start(const struct lg_graph *g)
{
    assert_int_equal(find_named(g, LG_NODE_PROCESS, "/bin/sh")->instances, 1);
}

static void test_the_start_tells_a_pid_used_again(void **state)
{
    struct lg_event ev[2];

    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        for (unsigned i = 0; i < 2; i++) {
            ev[i] = linux_event(LG_EVENT_FILE_WRITE, T0 + (lg_time)i * SEC, 1 + i);
            set_actor(&ev[i], NULL, 300, "/bin/sh");
            set_z(&ev[i], LG_F_TARGET_FILENAME, "/srv/x");
            lg_event_set_i64(&ev[i], LG_F_PROCESS_START_TIME,
                    T0 - 100 * SEC + (lg_time)i * (apart ? 90 * SEC : SEC));
        }
        run(ev, 2, END, apart ? check_starts : check_one_start);
    }
}

/* --- after its end a process does nothing --- */

static void check_exited(const struct lg_graph *g)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < g->n_edges; i++) {
        const struct lg_edge *ed = &g->edges[i];
        const struct lg_node *src = &g->nodes[ed->src];

        if (ed->type != LG_EDGE_WRITE)
            continue;
        seen++;
        assert_true(lg_str_eq(src->name, LG_STR(CMD)));
        /* "early" is of the one that was created, "late" of another */
        assert_int_equal((src->flags & LG_NODEF_CREATED) != 0,
                lg_str_eq(g->nodes[ed->dst].name, LG_STR("c:\\early")));
    }
    assert_int_equal(seen, 2);
}

static void test_an_exited_process_acts_no_more(void **state)
{
    struct lg_event ev[4];

    (void)state;
    ev[0] = create_at(T0, 1, NULL, 200, RAW_CMD, "cmd");
    ev[1] = write_by(T0 + SEC, 2, NULL, 200, RAW_CMD, "C:\\early");
    ev[2] = event_at(LG_EVENT_PROCESS_TERMINATE, T0 + 2 * SEC, 3);
    set_actor(&ev[2], NULL, 200, RAW_CMD);
    ev[3] = write_by(T0 + 3 * SEC, 4, NULL, 200, RAW_CMD, "C:\\late");
    run(ev, 4, END, check_exited);
}

/* --- what parts processes of one image and command line --- */

static void check_two_nodes(const struct lg_graph *g)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (lg_str_eq(g->nodes[i].name, LG_STR(CMD))) {
            assert_int_equal(g->nodes[i].instances, 1);
            n++;
        }
    assert_int_equal(n, 2);
}

static void check_one_node(const struct lg_graph *g)
{
    assert_int_equal(find_named(g, LG_NODE_PROCESS, CMD)->instances, 2);
}

static void test_user_class_and_integrity_part_processes(void **state)
{
    static const char *const rows[][2] = {{"NT AUTHORITY\\SYSTEM", "Medium"},
            {"CORP\\jane.doe", "High"}, {"CORP\\john.roe", "Medium"}};
    struct lg_event ev[2];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ev[0] = create_at(T0, 1, "g2", 200, RAW_CMD, "cmd.exe /c dir");
        ev[1] = create_at(T0 + SEC, 2, "g3", 201, RAW_CMD, "cmd.exe /c dir");
        set_z(&ev[1], LG_F_USER, rows[i][0]);
        set_z(&ev[1], LG_F_INTEGRITY_LEVEL, rows[i][1]);
        run(ev, 2, END, i < 2 ? check_two_nodes : check_one_node); /* whose name does not */
    }
}

/* --- the table forgets who was silent longest --- */

static void check_remembered(const struct lg_graph *g)
{
    const struct lg_node *kept = find_named(g, LG_NODE_PROCESS, "c:\\temp\\kept.exe");
    const struct lg_node *lost = find_named(g, LG_NODE_PROCESS, "c:\\temp\\lost.exe");

    assert_non_null(kept);
    assert_true(lg_str_eq(kept->cmd_raw, LG_STR("kept.exe /x")));
    assert_non_null(lost);
    assert_int_equal(lost->cmd_raw.n, 0);
}

static void test_the_process_table_is_bounded(void **state)
{
    enum { N = LG_MAX_PROCESS_TABLE + 64 };
    struct lg_event *ev = lg_calloc(N + 4, sizeof(*ev));
    char(*guid)[16] = lg_calloc(N, sizeof(*guid));
    lg_time t = T0;
    size_t n = 0;

    (void)state;
    assert_true(ev != NULL && guid != NULL);
    ev[n++] = create_at(t, 1, "kept", 10, "C:\\Temp\\kept.exe", "kept.exe /x");
    ev[n++] = create_at(t, 2, "lost", 11, "C:\\Temp\\lost.exe", "lost.exe /x");
    for (size_t i = 0; i < N; i++) {
        t += SEC / 100;
        (void)snprintf(guid[i], sizeof(guid[i]), "g%zu", i);
        if (i == LG_MAX_PROCESS_TABLE - 3) /* the last place is about to be taken */
            ev[n++] = write_by(t, 3, "kept", 0, NULL, "C:\\x");
        else
            ev[n++] = create_at(t, 100 + i, guid[i], (uint32_t)(1000 + i), RAW_CMD, "cmd");
    }
    t = T0 + 600 * SEC;
    ev[n++] = write_by(t, 4, "kept", 10, "C:\\Temp\\kept.exe", "C:\\x");
    ev[n++] = write_by(t, 5, "lost", 11, "C:\\Temp\\lost.exe", "C:\\x");
    run(ev, n, t + 60 * SEC, check_remembered);
    lg_free(guid);
    lg_free(ev);
}

/* --- edges --- */

static struct lg_event access_with(uint64_t mask, uint64_t id)
{
    struct lg_event ev = event_at(LG_EVENT_PROCESS_ACCESS, T0 + (lg_time)id * SEC / 4, id);

    set_actor(&ev, "g1", 100, RAW_CMD);
    set_z(&ev, LG_F_TARGET_PROCESS_GUID, "g9");
    set_z(&ev, LG_F_TARGET_IMAGE, "C:\\Windows\\System32\\lsass.exe");
    lg_event_set_u64(&ev, LG_F_GRANTED_ACCESS, mask);
    return ev;
}

static const struct {
    uint64_t mask;
    uint32_t attr;
} masks[] = {
        {0x1fffff, LG_ATTR_ACCESS_ALL},
        {0x1400, LG_ATTR_ACCESS_QUERY_ONLY},
        {0x10, LG_ATTR_ACCESS_VM_READ},
        {0x28, LG_ATTR_ACCESS_VM_WRITE},
        {0x20, 0}, /* writing takes the right to operate, too */
        {0x2, LG_ATTR_ACCESS_THREAD},
        {0x40, LG_ATTR_ACCESS_DUP},
        {0x147a,
                LG_ATTR_ACCESS_THREAD | LG_ATTR_ACCESS_VM_READ | LG_ATTR_ACCESS_VM_WRITE |
                        LG_ATTR_ACCESS_DUP},
};
#define N_MASKS (sizeof(masks) / sizeof(masks[0]))

static void check_masks(const struct lg_graph *g)
{
    assert_int_equal(g->n_nodes, 2);
    assert_int_equal(g->n_edges, N_MASKS);
    for (size_t k = 0; k < N_MASKS; k++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < g->n_edges; i++)
            if (g->edges[i].attr == masks[k].attr) {
                n++;
                assert_int_equal(g->edges[i].count, k == 0 ? 3 : 1);
            }
        assert_int_equal(n, 1);
    }
}

static void test_attributes_part_edges(void **state)
{
    struct lg_event ev[N_MASKS + 2];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < N_MASKS; i++, n++)
        ev[n] = access_with(masks[i].mask, 1 + n);
    ev[n] = access_with(0x1fffff, 1 + n);
    n++;
    ev[n] = access_with(0x1f1fff, 1 + n); /* the same by another number */
    run(ev, n + 1, END, check_masks);
}

static void check_order(const struct lg_graph *g)
{
    assert_true(g->n_nodes >= 10 && g->n_edges >= 15);
    for (uint32_t i = 1; i < g->n_nodes; i++) {
        const struct lg_node *a = &g->nodes[i - 1], *b = &g->nodes[i];

        assert_true(a->type < b->type || (a->type == b->type && a->fold_key < b->fold_key));
    }
    for (uint32_t i = 1; i < g->n_edges; i++) {
        const struct lg_edge *a = &g->edges[i - 1], *b = &g->edges[i];

        assert_true(a->src < b->src ||
                (a->src == b->src &&
                        (a->dst < b->dst ||
                                (a->dst == b->dst &&
                                        (a->type < b->type ||
                                                (a->type == b->type && a->attr < b->attr))))));
    }
}

static void test_nodes_and_edges_stand_in_canonical_order(void **state)
{
    static const char *const files[] = {"C:\\q", "C:\\c", "C:\\x.exe", "C:\\a", "C:\\m", "C:\\b"};
    static const char *const images[] = {"C:\\z.exe", "C:\\k.exe", "C:\\d.exe", "C:\\s.exe"};
    struct lg_event ev[48];

    (void)state;
    for (unsigned i = 0; i < 48; i++) {
        const char *image = images[i * 7 % 4];

        ev[i] = i % 3 == 0
                ? access_with(masks[i * 5 % N_MASKS].mask, 1 + i)
                : write_by(T0 + (lg_time)i * SEC / 4, 1 + i, NULL, 0, image, files[i * 11 % 6]);
        if (i % 3 == 0)
            set_actor(&ev[i], "g1", 0, NULL);
    }
    run(ev, 48, END, check_order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_start_tells_a_pid_used_again),
            cmocka_unit_test(test_an_exited_process_acts_no_more),
            cmocka_unit_test(test_user_class_and_integrity_part_processes),
            cmocka_unit_test(test_the_process_table_is_bounded),
            cmocka_unit_test(test_attributes_part_edges),
            cmocka_unit_test(test_nodes_and_edges_stand_in_canonical_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

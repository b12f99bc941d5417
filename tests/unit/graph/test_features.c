#include "graph_util.h"

#include "graph/features.h"

/* Views, node features, graph tokens, counts. */

struct harness {
    struct lg_features *fs;
    void (*check)(struct lg_features *fs, const struct lg_graph *g);
    int windows;
};

static void look(const struct lg_graph *g, void *user)
{
    struct harness *h = user;

    if (h->windows++ == 0)
        h->check(h->fs, g);
}

/* First window of a few events through the check. */
static void with_graph(const struct lg_event *ev, size_t n,
        void (*check)(struct lg_features *, const struct lg_graph *))
{
    struct harness h = {NULL, check, 0};
    struct graph_log log = {.look = look, .user = &h};
    struct lg_windows *ws;

    assert_int_equal(lg_features_new(&h.fs), 0);
    assert_int_equal(lg_windows_new(&lg_window_defaults, graph_log_add, &log, &ws), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(lg_windows_push(ws, &ev[i]), 0);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_true(h.windows > 0);
    lg_windows_free(ws);
    lg_features_free(h.fs);
    graph_log_done(&log);
}

static size_t attack(struct lg_event ev[8])
{
    size_t n = 0;

    ev[n] = create_at(T0, 1, "g2", 200,
            "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
            "powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA"
            "IABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkALgBEAG8AdwBuAGwAbwBhAGQA");
    set_parent(&ev[n++], "g1", 100, "C:\\Program Files\\Microsoft Office\\WINWORD.EXE", "winword");
    ev[n] = event_at(LG_EVENT_PROCESS_ACCESS, T0 + SEC, 2);
    set_actor(&ev[n], "g2", 200, "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe");
    set_z(&ev[n], LG_F_TARGET_PROCESS_GUID, "g9");
    set_z(&ev[n], LG_F_TARGET_IMAGE, "C:\\Windows\\system32\\lsass.exe");
    set_z(&ev[n], LG_F_CALL_TRACE, "C:\\Windows\\SYSTEM32\\ntdll.dll+9c524|UNKNOWN(00007FF8)");
    lg_event_set_u64(&ev[n++], LG_F_GRANTED_ACCESS, 0x1010);
    ev[n] = event_at(LG_EVENT_IMAGE_LOAD, T0 + 2 * SEC, 3);
    set_actor(&ev[n], "g2", 200, "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe");
    lg_event_set_bool(&ev[n], LG_F_SIGNED, false);
    set_z(&ev[n++], LG_F_IMAGE_LOADED, "C:\\Users\\jane.doe\\AppData\\Local\\Temp\\evil.dll");
    ev[n] = event_at(LG_EVENT_REGISTRY_VALUE_SET, T0 + 3 * SEC, 4);
    set_actor(&ev[n], "g2", 200, "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe");
    set_z(&ev[n], LG_F_TARGET_OBJECT,
            "HKU\\S-1-5-21-1-2-3-500\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x");
    set_z(&ev[n++], LG_F_DETAILS, "C:\\Users\\jane.doe\\evil.exe");
    ev[n] = event_at(LG_EVENT_NETWORK_CONNECT, T0 + 4 * SEC, 5);
    set_actor(&ev[n], "g2", 200, "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe");
    set_z(&ev[n], LG_F_DESTINATION_IP, "8.8.8.8");
    lg_event_set_u64(&ev[n], LG_F_DESTINATION_PORT, 443);
    lg_event_set_bool(&ev[n++], LG_F_INITIATED, true);
    ev[n] = event_at(LG_EVENT_LOGON, T0 + 5 * SEC, 6);
    ev[n].source = LG_SOURCE_WIN_SECURITY;
    set_z(&ev[n], LG_F_TARGET_USER_NAME, "jane.doe");
    lg_event_set_u64(&ev[n], LG_F_LOGON_TYPE, 3);
    set_z(&ev[n++], LG_F_IP_ADDRESS, "10.0.0.9");
    return n;
}

static void check_nodes(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_node_features nf;

    assert_int_equal(lg_features_nodes(fs, g, &lg_view_default, &nf), 0);
    /* word, powershell, lsass, dll, key, network; not the log-on's ends */
    assert_int_equal(nf.n_nodes, 6);
    assert_int_equal(nf.n_edges, 5);
    assert_int_equal(nf.tok_off[0], 0);
    for (uint32_t i = 0; i < nf.n_nodes; i++) {
        assert_int_equal(nf.node_type[i], g->nodes[nf.node[i]].type);
        assert_true(nf.tok_off[i + 1] > nf.tok_off[i] + 3);
        assert_true(nf.tok_off[i + 1] - nf.tok_off[i] <= 96);
        for (uint32_t t = nf.tok_off[i]; t < nf.tok_off[i + 1]; t++) {
            assert_true(nf.tok[t] < LG_TOKEN_VOCAB);
            assert_true(t == nf.tok_off[i] || nf.tok[t - 1] < nf.tok[t]);
        }
        for (uint32_t k = 0; k < LG_NODE_NUM; k++)
            assert_true(
                    nf.node_num[i * LG_NODE_NUM + k] >= 0 && nf.node_num[i * LG_NODE_NUM + k] < 50);
    }
    for (uint32_t e = 0; e < nf.n_edges; e++) {
        assert_true(nf.src[e] < nf.n_nodes && nf.dst[e] < nf.n_nodes);
        assert_int_equal(nf.node[nf.src[e]], g->edges[nf.edge[e]].src);
        assert_int_equal(nf.edge_type[e], g->edges[nf.edge[e]].type);
        assert_true(nf.edge_num[e] > 0.69f && nf.edge_num[e] < 0.70f); /* log1p(1) */
    }
}

static void test_nodes(void **state)
{
    struct lg_event ev[8];
    size_t n = attack(ev);

    (void)state;
    with_graph(ev, n, check_nodes);
}

static float count_of(const float *c, const char *name)
{
    for (uint32_t i = 0; i < lg_features_count_n(); i++)
        if (strcmp(lg_features_count_name(i), name) == 0)
            return c[i];
    fail_msg("no count %s", name);
    return 0;
}

static void check_counts(struct lg_features *fs, const struct lg_graph *g)
{
    const float one = 0.6931472f;
    uint8_t removed[32] = {0};
    float c[512];

    assert_true(lg_features_count_n() < 512);
    assert_int_equal(lg_features_counts(fs, g, &lg_view_default, NULL, c), 0);
    assert_true(count_of(c, "tool_powershell") == one);
    assert_true(count_of(c, "lsass_read") == one);
    assert_true(count_of(c, "lsass_unknown_frame") == one);
    assert_true(count_of(c, "unsigned_modules") == one);
    assert_true(count_of(c, "module_user_path") == one);
    assert_true(count_of(c, "key_run") == one);
    assert_true(count_of(c, "value_path") == one);
    assert_true(count_of(c, "office_spawn") == one);
    assert_true(count_of(c, "public_out") == one);
    assert_true(count_of(c, "web_out") == one);
    assert_true(count_of(c, "powershell_access") == one);
    assert_true(count_of(c, "command_base64") == one);
    assert_true(count_of(c, "edges_spawn") == one);
    assert_true(count_of(c, "edges_logon") == 0);
    assert_true(count_of(c, "created_medium") == one);
    assert_true(count_of(c, "created_person") == one);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        removed[i] = lg_str_ends(g->nodes[i].name, LG_STR("lsass.exe"));
    assert_int_equal(lg_features_counts(fs, g, &lg_view_default, removed, c), 0);
    assert_true(count_of(c, "lsass_access") == 0);
    assert_true(count_of(c, "edges_access") == 0);
    assert_true(count_of(c, "tool_powershell") == one);
}

static void test_counts(void **state)
{
    struct lg_event ev[8];
    size_t n = attack(ev);

    (void)state;
    with_graph(ev, n, check_counts);
}

static void check_graph_tokens(struct lg_features *fs, const struct lg_graph *g)
{
    const uint32_t *t;
    uint32_t n, all;
    uint8_t removed[32] = {0};

    assert_int_equal(lg_features_graph_tokens(fs, g, &lg_view_default, NULL, &t, &all), 0);
    assert_true(all > 60);
    for (uint32_t i = 0; i < all; i++)
        assert_true(t[i] < LG_GRAPH_TOKEN_VOCAB && (i == 0 || t[i - 1] < t[i]));
    removed[0] = 1;
    assert_int_equal(lg_features_graph_tokens(fs, g, &lg_view_default, removed, &t, &n), 0);
    assert_true(n < all);
    memset(removed, 1, sizeof(removed));
    assert_int_equal(lg_features_graph_tokens(fs, g, &lg_view_default, removed, &t, &n), 0);
    assert_int_equal(n, 0);
}

static void test_graph_tokens(void **state)
{
    struct lg_event ev[8];
    size_t n = attack(ev);

    (void)state;
    with_graph(ev, n, check_graph_tokens);
}

/* --- Security stands in for Sysmon where there is none --- */

static struct lg_event security_create(uint64_t id)
{
    struct lg_event ev =
            create_at(T0 + SEC, id, NULL, 300, "C:\\Windows\\System32\\whoami.exe", "whoami");

    ev.source = LG_SOURCE_WIN_SECURITY;
    set_parent(&ev, NULL, 301, "C:\\Windows\\System32\\cmd.exe", NULL);
    return ev;
}

static void check_security_only(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_node_features nf;

    assert_int_equal(lg_features_nodes(fs, g, &lg_view_default, &nf), 0);
    assert_int_equal(nf.n_nodes, 2);
    assert_int_equal(nf.n_edges, 1);
    assert_int_equal(nf.edge_type[0], LG_EDGE_SPAWN);
}

static void check_security_beside_sysmon(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_node_features nf;

    assert_int_equal(lg_features_nodes(fs, g, &lg_view_default, &nf), 0);
    assert_int_equal(nf.n_edges, 1);
    assert_int_equal(nf.edge_type[0], LG_EDGE_LOAD);
    for (uint32_t i = 0; i < nf.n_nodes; i++)
        assert_true(lg_str_find(g->nodes[nf.node[i]].name, LG_STR("whoami")) < 0);
}

static void test_security_stands_in(void **state)
{
    struct lg_event ev[3];

    (void)state;
    ev[0] = security_create(1);
    ev[1] = event_at(LG_EVENT_LOGON, T0, 2);
    ev[1].source = LG_SOURCE_WIN_SECURITY;
    set_z(&ev[1], LG_F_TARGET_USER_NAME, "bob");
    set_z(&ev[1], LG_F_IP_ADDRESS, "10.0.0.9");
    with_graph(ev, 2, check_security_only);
    ev[2] = event_at(LG_EVENT_IMAGE_LOAD, T0 + 2 * SEC, 3);
    set_actor(&ev[2], "g1", 400, "C:\\Windows\\explorer.exe");
    set_z(&ev[2], LG_F_IMAGE_LOADED, "C:\\Windows\\System32\\a.dll");
    with_graph(ev, 3, check_security_beside_sysmon);
}

static void check_cap(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_view view = lg_view_default;
    struct lg_node_features nf;
    bool rare = false;

    view.max_nodes = 5;
    assert_int_equal(lg_features_nodes(fs, g, &view, &nf), 0);
    assert_int_equal(nf.n_nodes, 5);
    for (uint32_t i = 0; i < nf.n_nodes; i++) {
        const struct lg_node *nd = &g->nodes[nf.node[i]];

        assert_true(lg_str_find(nd->name, LG_STR("common")) < 0);
        rare |= lg_str_find(nd->name, LG_STR("rare")) >= 0;
    }
    assert_true(rare);
}

static void test_cap(void **state)
{
    static const char *const files[] = {
            "C:\\rare-a", "C:\\rare-b", "C:\\common-c", "C:\\common-d", "C:\\rare-e"};
    struct lg_event ev[30];
    size_t n = 0;

    (void)state;
    for (unsigned f = 0; f < 5; f++) {
        for (unsigned k = 0; k < (f == 2 || f == 3 ? 5 : 1); k++) {
            ev[n] = event_at(LG_EVENT_FILE_CREATE, T0 + (lg_time)n, n);
            set_actor(&ev[n], n % 2 ? "g1" : "g2", 0,
                    n % 2 ? "C:\\Windows\\explorer.exe" : "C:\\Windows\\notepad.exe");
            set_z(&ev[n++], LG_F_TARGET_FILENAME, files[f]);
        }
    }
    with_graph(ev, n, check_cap);
}

/* Tokens do not tell the host, the user, the source or the format. */
static uint32_t seen_tokens[2][4096];
static uint32_t seen_n[2];
static int seen_which;

static void keep_tokens(struct lg_features *fs, const struct lg_graph *g)
{
    const uint32_t *t;
    uint32_t n;

    assert_int_equal(lg_features_graph_tokens(fs, g, &lg_view_default, NULL, &t, &n), 0);
    assert_true(n < 4096);
    memcpy(seen_tokens[seen_which], t, n * sizeof(*t));
    seen_n[seen_which] = n;
}

static void test_no_names(void **state)
{
    static const char *const hosts[] = {"ws1.corp.example", "laptop-77.other.org"};
    static const char *const users[] = {"CORP\\jane.doe", "OTHER\\bob.smith"};
    static const char *const dirs[] = {"C:\\Users\\jane.doe\\x.exe", "C:\\Users\\bob.smith\\x.exe"};
    static const char *const cmds[] = {"net use \\\\ws1\\c$ /user:jane.doe 8817",
            "net use \\\\laptop-77\\c$ /user:bob.smith 25"};

    (void)state;
    for (seen_which = 0; seen_which < 2; seen_which++) {
        struct lg_event ev = create_at(
                T0, 1, "g1", 10 + (uint32_t)seen_which, dirs[seen_which], cmds[seen_which]);

        set_z(&ev, LG_F_USER, users[seen_which]);
        ev.hostname = lg_str_z(hosts[seen_which]);
        ev.endpoint_id = lg_str_z(hosts[seen_which]);
        set_parent(&ev, "g0", 5, "C:\\Windows\\explorer.exe", NULL);
        with_graph(&ev, 1, keep_tokens);
    }
    assert_int_equal(seen_n[0], seen_n[1]);
    assert_memory_equal(seen_tokens[0], seen_tokens[1], seen_n[0] * sizeof(uint32_t));
}

static void check_out_of_memory(struct lg_features *unused, const struct lg_graph *g)
{
    bool done = false;

    (void)unused;
    for (uint64_t k = 1; !done; k++) {
        struct lg_features *fs = NULL;
        struct lg_node_features nf;
        const uint32_t *t;
        uint32_t n;
        float c[512];
        int r;

        (void)lg_mem_fail_from(k);
        r = lg_features_new(&fs);
        if (r == 0)
            r = lg_features_nodes(fs, g, &lg_view_default, &nf);
        if (r == 0)
            r = lg_features_graph_tokens(fs, g, &lg_view_default, NULL, &t, &n);
        if (r == 0)
            r = lg_features_counts(fs, g, &lg_view_default, NULL, c);
        (void)lg_mem_fail_from(0);
        assert_true(r == 0 || r == LG_ENOMEM);
        done = r == 0;
        lg_features_free(fs);
        assert_true(k < 1000);
    }
}

static void test_out_of_memory(void **state)
{
    struct lg_event ev[8];
    size_t n = attack(ev);

    (void)state;
    with_graph(ev, n, check_out_of_memory);
}

static void test_count_names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < lg_features_count_n(); i++)
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(lg_features_count_name(i), lg_features_count_name(j));
    assert_string_equal(lg_features_count_name(UINT32_MAX), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nodes),
            cmocka_unit_test(test_counts),
            cmocka_unit_test(test_graph_tokens),
            cmocka_unit_test(test_security_stands_in),
            cmocka_unit_test(test_cap),
            cmocka_unit_test(test_no_names),
            cmocka_unit_test(test_out_of_memory),
            cmocka_unit_test(test_count_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Removals one after the other against the features of a graph without those nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "graph/features.h"

#define NODES 60
#define EDGES 150

static uint64_t rng = 42;

static uint32_t below(uint32_t n)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng >> 33) % n;
}

struct world {
    struct lg_graph g;
    struct lg_node nodes[NODES];
    struct lg_edge edges[EDGES];
};

/* Names that many nodes share, so that a token often stays when one of its nodes goes. */
static void world_make(struct world *w)
{
    static const char *const names[] = {"c:\\windows\\system32\\lsass.exe",
            "c:\\windows\\system32\\windowspowershell\\v1.0\\powershell.exe",
            "c:\\users\\<user>\\a.exe", "c:\\windows\\system32\\samlib.dll", "10.0.0.0/8:445:tcp",
            "hklm\\software\\microsoft\\windows\\currentversion\\run\\x", "svcctl",
            "c:\\users\\<user>\\dump.dmp"};
    static const char *const cmds[] = {"", "powershell -enc aaaa", "a.exe -x 1 -y 2 /z"};

    memset(w, 0, sizeof(*w));
    w->g.nodes = w->nodes;
    w->g.n_nodes = 1 + below(NODES);
    w->g.edges = w->edges;
    w->g.n_edges = below(EDGES);
    w->g.platform = LG_PLATFORM_WINDOWS;
    w->g.end_ns = 180 * LG_NS_PER_SEC;
    for (uint32_t i = 0; i < w->g.n_nodes; i++) {
        struct lg_node *nd = &w->nodes[i];

        nd->type = below(3) == 0 ? LG_NODE_PROCESS : (uint8_t)below(LG_NODE_TYPE_COUNT);
        nd->flags = below(1u << 9);
        nd->integrity = (uint8_t)below(LG_IL_SYSTEM + 1);
        nd->instances = 1 + below(3);
        nd->sources = (uint16_t)(1u << (below(4) == 0 ? LG_SOURCE_WIN_SECURITY : LG_SOURCE_SYSMON));
        nd->name = lg_str_z(names[below(8)]);
        nd->cmd = nd->cmd_raw = lg_str_z(cmds[below(3)]);
    }
    for (uint32_t e = 0; e < w->g.n_edges; e++) {
        struct lg_edge *ed = &w->edges[e];

        ed->src = below(w->g.n_nodes);
        ed->dst = below(8) == 0 ? ed->src : below(w->g.n_nodes);
        ed->type = (uint8_t)below(LG_EDGE_TYPE_COUNT);
        ed->attr = below(3) == 0 ? below(1u << 20) : 0;
        ed->count = 1 + below(300);
        ed->sources = (uint16_t)(1u << (below(4) == 0 ? LG_SOURCE_WIN_SECURITY : LG_SOURCE_SYSMON));
    }
}

static void compare(struct lg_features *plain, struct lg_features *fs, const struct lg_graph *g,
        const struct lg_view *view, const uint8_t *removed)
{
    const uint32_t *want_tok, *tok;
    uint32_t want_n, n;
    float want[1024], got[1024];

    assert_true(lg_features_count_n() <= 1024);
    assert_int_equal(lg_features_graph_tokens(plain, g, view, removed, &want_tok, &want_n), 0);
    assert_int_equal(lg_features_counts(plain, g, view, removed, want), 0);
    assert_int_equal(lg_features_ablate(fs, g, removed, &tok, &n, got), 0);
    assert_int_equal(n, want_n);
    if (n > 0)
        assert_memory_equal(tok, want_tok, n * sizeof(*tok));
    assert_memory_equal(got, want, lg_features_count_n() * sizeof(float));
}

static void test_removals_give_what_the_smaller_graph_gives(void **state)
{
    struct lg_view small = lg_view_default;
    static struct world w;
    struct lg_features *plain, *fs;

    (void)state;
    small.max_nodes = 20;
    assert_int_equal(lg_features_new(&plain), 0);
    assert_int_equal(lg_features_new(&fs), 0);
    for (int round = 0; round < 60; round++) {
        const struct lg_view *view = round % 3 == 0 ? &small : &lg_view_default;
        struct lg_node_features nf;
        uint8_t removed[NODES] = {0};
        uint32_t *seen;

        world_make(&w);
        assert_int_equal(lg_features_nodes(fs, &w.g, view, &nf), 0);
        seen = lg_memdup(nf.node, nf.n_nodes * sizeof(*seen) + 1);
        assert_non_null(seen);
        assert_int_equal(lg_features_ablate_begin(fs, &w.g, view), 0);
        compare(plain, fs, &w.g, view, removed); /* nothing */
        for (uint32_t i = 0; i < w.g.n_nodes; i++) {
            removed[i] = 1;
            compare(plain, fs, &w.g, view, removed);
            removed[i] = below(4) == 0; /* some stay removed: several at a time */
        }
        memset(removed, 1, sizeof(removed));
        compare(plain, fs, &w.g, view, removed); /* everything */
        /* the networks' nodes are still there, for evidence goes back and forth between them */
        if (nf.n_nodes > 0)
            assert_memory_equal(nf.node, seen, nf.n_nodes * sizeof(*seen));
        lg_free(seen);
    }
    lg_features_free(plain);
    lg_features_free(fs);
}

static void test_out_of_memory(void **state)
{
    static struct world w;
    bool done = false;

    (void)state;
    do
        world_make(&w);
    while (w.g.n_nodes < 20 || w.g.n_edges < 50);
    for (uint64_t k = 1; !done; k++) {
        struct lg_features *fs = NULL;
        uint8_t removed[NODES] = {1};
        const uint32_t *tok;
        uint32_t n;
        float counts[1024];
        int rc;

        (void)lg_mem_fail_from(k);
        rc = lg_features_new(&fs);
        if (rc == 0)
            rc = lg_features_ablate_begin(fs, &w.g, &lg_view_default);
        if (rc == 0)
            rc = lg_features_ablate(fs, &w.g, removed, &tok, &n, counts);
        (void)lg_mem_fail_from(0);
        assert_true(rc == 0 || rc == LG_ENOMEM);
        done = rc == 0;
        lg_features_free(fs);
        assert_true(k < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_removals_give_what_the_smaller_graph_gives),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

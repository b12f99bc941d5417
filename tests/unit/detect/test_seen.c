/* The networks are not asked again about the same features; any difference is another answer. */
#include "detect/graph_builder.h"
#include "detect/model_builder.h"

#include "detect/jury_int.h"
#include "detect/seen.h"

#define NODES 3
#define EDGES 2
#define NUM 2

static uint8_t node_type[NODES] = {1, 2, 3}, edge_type[EDGES] = {4, 5};
static float node_num[NODES * NUM] = {0, 1, 2, 3, 4, 5}, edge_num[EDGES] = {1, 2};
static uint32_t tok_off[NODES + 1] = {0, 2, 3, 5}, tok[5] = {7, 9, 7, 1, 8};
static uint32_t src[EDGES] = {0, 1}, dst[EDGES] = {1, 2}, edge_attr[EDGES] = {0, 3};

static struct lg_gnn_graph features(void)
{
    return (struct lg_gnn_graph){NODES, EDGES, node_type, node_num, tok_off, tok, src, dst,
            edge_type, edge_attr, edge_num};
}

static bool found(struct lg_seen *s)
{
    struct lg_gnn_graph g = features();
    struct lg_seen_odds o;

    if (!lg_seen_find(s, &g, NUM, &o))
        return false;
    assert_true(o.mean == 1.5 && o.first == -2.5);
    return true;
}

#define CHANGED(lvalue, value)                                                                     \
    do {                                                                                           \
        __typeof__(lvalue) was = (lvalue);                                                         \
        (lvalue) = (__typeof__(lvalue))(value);                                                    \
        if (found(s))                                                                              \
            fail_msg("line %d: a change went unseen", __LINE__);                                   \
        (lvalue) = was;                                                                            \
        assert_true(found(s));                                                                     \
    } while (0)

static void test_every_change_is_seen(void **state)
{
    const struct lg_seen_odds odds = {1.5, -2.5};
    struct lg_seen *s;

    (void)state;
    assert_int_equal(lg_seen_new(&s), 0);
    assert_false(found(s));
    lg_seen_put(s, &odds);
    assert_true(found(s));
    for (int i = 0; i < NODES; i++)
        CHANGED(node_type[i], 0);
    for (int i = 0; i < NODES * NUM; i++)
        CHANGED(node_num[i], 9);
    for (int i = 1; i < NODES; i++)
        CHANGED(tok_off[i], tok_off[i] + 1);
    for (int i = 0; i < 5; i++)
        CHANGED(tok[i], 2);
    for (int i = 0; i < EDGES; i++) {
        CHANGED(src[i], 2);
        CHANGED(dst[i], 0);
        CHANGED(edge_type[i], 0);
        CHANGED(edge_attr[i], 1);
        CHANGED(edge_num[i], 0);
    }
    lg_seen_free(s);
}

/* Two lengths of one content, and sizes that are cut another way. */
static void test_sizes_count(void **state)
{
    const struct lg_seen_odds odds = {1.5, -2.5};
    struct lg_gnn_graph g = features();
    struct lg_seen_odds o;
    struct lg_seen *s;

    (void)state;
    assert_int_equal(lg_seen_new(&s), 0);
    assert_false(lg_seen_find(s, &g, NUM, &o));
    lg_seen_put(s, &odds);
    g.n_edges--;
    assert_false(lg_seen_find(s, &g, NUM, &o));
    g = features();
    g.n_nodes--;
    assert_false(lg_seen_find(s, &g, NUM, &o));
    g = features();
    assert_false(lg_seen_find(s, &g, NUM - 1, &o));
    assert_true(lg_seen_find(s, &g, NUM, &o));
    lg_seen_free(s);
}

/* A full table forgets, and never mixes up. */
static void test_places_are_taken_over(void **state)
{
    struct lg_gnn_graph g = features();
    struct lg_seen_odds o;
    uint32_t kept = 0;
    struct lg_seen *s;

    (void)state;
    assert_int_equal(lg_seen_new(&s), 0);
    for (uint32_t i = 0; i < 4 * LG_SEEN_PLACES; i++) {
        node_num[0] = (float)i;
        assert_false(lg_seen_find(s, &g, NUM, &o));
        o = (struct lg_seen_odds){i, -(double)i};
        lg_seen_put(s, &o);
    }
    for (uint32_t i = 0; i < 4 * LG_SEEN_PLACES; i++) {
        node_num[0] = (float)i;
        if (!lg_seen_find(s, &g, NUM, &o))
            continue;
        assert_true(o.mean == (double)i && o.first == -(double)i);
        kept++;
    }
    node_num[0] = 0;
    assert_in_range(kept, LG_SEEN_PLACES / 2, LG_SEEN_PLACES);
    lg_seen_free(s);
}

/* A window that differs in what no network looks at: its verdict and evidence are those of a jury
 * that has never seen the like, whether evidence is made at once or later. */
static void test_verdicts_do_not_tell(void **state)
{
    struct lg_model *m = mb_new(LG_PLATFORM_WINDOWS, 2);
    static struct gb gb;

    (void)state;
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb, "C:\\Windows\\explorer.exe =spawn=> C:\\Office\\winword.exe :: winword a.docx");
    gb_line(&gb, "C:\\Office\\winword.exe :: winword a.docx =write=> C:\\Users\\bob\\a.docx");
    gb_line(&gb, "C:\\Office\\winword.exe :: winword a.docx =load=> C:\\Windows\\a.dll");
    for (uint32_t i = 0; i < gb.g.n_edges; i++)
        gb.edges[i].sources = (uint16_t)(1u << LG_SOURCE_SYSMON);
    for (uint32_t i = 0; i < gb.g.n_nodes; i++)
        gb.nodes[i].sources = (uint16_t)(1u << LG_SOURCE_SYSMON);
    for (int evidence = 0; evidence < 2; evidence++) {
        const struct lg_jury_options opt = {0, true, evidence == 1};
        struct lg_verdict first, moved, apart;
        struct lg_jury *j, *fresh;

        assert_int_equal(lg_jury_new(m, &opt, &j), 0);
        assert_int_equal(lg_jury_new(m, &opt, &fresh), 0);
        assert_int_equal(lg_jury_judge(j, &gb.g, &first), 0);
        assert_false(j->first_lost && evidence == 0);
        gb.nodes[0].pid++;
        assert_int_equal(lg_jury_judge(j, &gb.g, &moved), 0);
        assert_false(j->told_again);
        assert_int_equal(j->first_lost, evidence == 0);
        assert_int_equal(lg_jury_judge(fresh, &gb.g, &apart), 0);
        assert_int_equal(lg_jury_evidence(j, &gb.g, &moved), 0);
        assert_int_equal(lg_jury_evidence(fresh, &gb.g, &apart), 0);
        assert_memory_equal(&moved.scores, &apart.scores, sizeof(moved.scores));
        assert_true(apart.n_evidence > 0);
        assert_int_equal(moved.n_evidence, apart.n_evidence);
        for (uint32_t i = 0; i < apart.n_evidence; i++) {
            assert_int_equal(moved.evidence[i].node, apart.evidence[i].node);
            assert_true(moved.evidence[i].drop == apart.evidence[i].drop);
        }
        lg_jury_free(j);
        lg_jury_free(fresh);
    }
    gb_done(&gb);
    lg_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_change_is_seen),
            cmocka_unit_test(test_sizes_count),
            cmocka_unit_test(test_places_are_taken_over),
            cmocka_unit_test(test_verdicts_do_not_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

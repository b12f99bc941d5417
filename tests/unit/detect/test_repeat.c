/* A window in which nothing has changed gets its endpoint's last verdict; any change is judged. */
#include "detect/graph_builder.h"
#include "detect/model_builder.h"

#include "detect/jury_int.h"
#include "detect/repeat.h"

static struct gb gb;

static void dump_graph(void)
{
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb, "C:\\Windows\\explorer.exe =spawn=> C:\\Office\\winword.exe :: winword a.docx");
    gb_line(&gb, "C:\\Office\\winword.exe :: winword a.docx =write=> C:\\Users\\bob\\a.docx");
    gb_line(&gb,
            "C:\\Users\\bob\\Downloads\\m.exe @@ flags=user_path =access[access_vm_read]=> "
            "C:\\Windows\\System32\\lsass.exe");
    for (uint32_t i = 0; i < gb.g.n_edges; i++)
        gb.edges[i].sources = (uint16_t)(1u << LG_SOURCE_SYSMON);
    for (uint32_t i = 0; i < gb.g.n_nodes; i++)
        gb.nodes[i].sources = (uint16_t)(1u << LG_SOURCE_SYSMON);
}

static int teardown(void **state)
{
    (void)state;
    gb_done(&gb);
    return 0;
}

static struct lg_repeat *of_this_graph(void)
{
    struct lg_verdict v = {.prediction = LG_PREDICT_ATTACK};
    struct lg_repeat *r;

    assert_int_equal(lg_repeat_new(&r), 0);
    assert_null(lg_repeat_find(r, &gb.g));
    assert_non_null(lg_repeat_put(r, &v));
    assert_non_null(lg_repeat_find(r, &gb.g));
    return r;
}

#define CHANGED(lvalue, value)                                                                     \
    do {                                                                                           \
        __typeof__(lvalue) was = (lvalue);                                                         \
        (lvalue) = (__typeof__(lvalue))(value);                                                    \
        if (lg_repeat_find(r, &gb.g) != NULL)                                                      \
            fail_msg("line %d: a change went unseen", __LINE__);                                   \
        (lvalue) = was;                                                                            \
        assert_non_null(lg_repeat_find(r, &gb.g));                                                 \
    } while (0)

static void test_every_change_is_seen(void **state)
{
    struct lg_repeat *r;
    struct lg_node *nd;
    struct lg_edge *ed;

    (void)state;
    dump_graph();
    r = of_this_graph();
    nd = &gb.nodes[1];
    ed = &gb.edges[1];
    CHANGED(nd->type, nd->type + 1);
    CHANGED(nd->integrity, nd->integrity + 1);
    CHANGED(nd->user_class, nd->user_class + 1);
    CHANGED(nd->sources, nd->sources + 1);
    CHANGED(nd->flags, nd->flags + 1);
    CHANGED(nd->instances, nd->instances + 1);
    CHANGED(nd->pid, nd->pid + 1);
    CHANGED(nd->fold_key, nd->fold_key + 1);
    CHANGED(nd->first_ns, nd->first_ns + 1);
    CHANGED(nd->last_ns, nd->last_ns + 1);
    CHANGED(nd->name, LG_STR("x"));
    CHANGED(nd->raw, LG_STR("x"));
    CHANGED(nd->cmd, LG_STR("x"));
    CHANGED(nd->cmd_raw, LG_STR("x"));
    CHANGED(nd->user, LG_STR("x"));
    CHANGED(nd->guid, LG_STR("x"));
    CHANGED(nd->original, LG_STR("x"));
    CHANGED(nd->hash, LG_STR("x"));
    CHANGED(ed->src, ed->src + 1);
    CHANGED(ed->dst, ed->dst + 1);
    CHANGED(ed->type, ed->type + 1);
    CHANGED(ed->sources, ed->sources + 1);
    CHANGED(ed->attr, ed->attr ^ 1);
    CHANGED(ed->count, ed->count + 1);
    CHANGED(ed->first_ns, ed->first_ns + 1);
    CHANGED(ed->last_ns, ed->last_ns + 1);
    CHANGED(ed->detail, LG_STR("x"));
    CHANGED(gb.g.n_nodes, gb.g.n_nodes - 1);
    CHANGED(gb.g.n_edges, gb.g.n_edges - 1);
    CHANGED(gb.g.end_ns, gb.g.end_ns + 1);
    CHANGED(gb.g.platform, LG_PLATFORM_LINUX);
    CHANGED(gb.g.tenant_id, LG_STR("x"));
    CHANGED(gb.g.endpoint_id, LG_STR("x"));
    CHANGED(gb.g.hostname, LG_STR("x"));
    CHANGED(gb.g.events, gb.g.events + 1);
    CHANGED(gb.g.type_counts[3], gb.g.type_counts[3] + 1);
    CHANGED(gb.g.sources, gb.g.sources + 1);
    CHANGED(gb.g.nodes_dropped, 1);
    CHANGED(gb.g.edges_dropped, 1);
    CHANGED(gb.g.late_events, 1);
    lg_repeat_free(r);
}

/* Two strings side by side are not the same graph as the same bytes cut elsewhere. */
static void test_borders_of_strings_matter(void **state)
{
    struct lg_repeat *r;

    (void)state;
    dump_graph();
    gb.nodes[0].guid = LG_STR("ab");
    gb.nodes[0].original = LG_STR("c");
    r = of_this_graph();
    gb.nodes[0].guid = LG_STR("a");
    gb.nodes[0].original = LG_STR("bc");
    assert_null(lg_repeat_find(r, &gb.g));
    lg_repeat_free(r);
}

static void test_place_in_time_does_not_matter(void **state)
{
    struct lg_repeat *r;

    (void)state;
    dump_graph();
    r = of_this_graph();
    gb.g.start_ns += 60 * LG_NS_PER_SEC;
    gb.g.end_ns += 60 * LG_NS_PER_SEC;
    gb.g.ledger[0] = 7;
    gb.g.received_ns = 1;
    assert_non_null(lg_repeat_find(r, &gb.g));
    lg_repeat_free(r);
}

static void test_too_many_hits_are_not_kept(void **state)
{
    static struct lg_pattern_hit hits[LG_REPEAT_MAX_HITS + 1];
    struct lg_verdict v = {.hits = hits, .n_hits = LG_REPEAT_MAX_HITS};
    struct lg_repeat_entry *e;
    struct lg_repeat *r;

    (void)state;
    dump_graph();
    hits[5].node = 99;
    assert_int_equal(lg_repeat_new(&r), 0);
    assert_null(lg_repeat_put(r, &v)); /* nothing was asked for */
    assert_null(lg_repeat_find(r, &gb.g));
    e = lg_repeat_put(r, &v);
    assert_non_null(e);
    assert_ptr_not_equal(e->v.hits, hits);
    assert_int_equal(e->v.hits[5].node, 99);
    v.n_hits++;
    assert_null(lg_repeat_put(r, &v));
    assert_null(lg_repeat_find(r, &gb.g)); /* nor is what stood there before */
    lg_repeat_free(r);
}

static void same_verdict(const struct lg_verdict *a, const struct lg_verdict *b)
{
    assert_int_equal(a->prediction, b->prediction);
    assert_memory_equal(&a->scores, &b->scores, sizeof(a->scores));
    assert_true(a->confidence == b->confidence);
    assert_int_equal(a->n_hits, b->n_hits);
    for (uint32_t i = 0; i < a->n_hits; i++) {
        assert_int_equal(a->hits[i].pattern, b->hits[i].pattern);
        assert_int_equal(a->hits[i].node, b->hits[i].node);
        assert_int_equal(a->hits[i].edge, b->hits[i].edge);
    }
    assert_int_equal(a->n_evidence, b->n_evidence);
    for (uint32_t i = 0; i < a->n_evidence; i++) {
        assert_int_equal(a->evidence[i].node, b->evidence[i].node);
        assert_int_equal(a->evidence[i].via, b->evidence[i].via);
        assert_true(a->evidence[i].share == b->evidence[i].share);
        assert_true(a->evidence[i].drop == b->evidence[i].drop);
    }
}

/* Told again, with evidence made at once, later, or after another endpoint's window. */
static void test_a_verdict_told_again_is_the_same(void **state)
{
    struct lg_model *m = mb_new(LG_PLATFORM_WINDOWS, 2);

    (void)state;
    for (int evidence = 0; evidence < 2; evidence++)
        for (int other = 0; other < 2; other++) {
            const struct lg_jury_options opt = {0, true, evidence == 1};
            struct lg_verdict first, again, apart;
            struct lg_jury *j, *fresh;

            assert_int_equal(lg_jury_new(m, &opt, &j), 0);
            assert_int_equal(lg_jury_new(m, &opt, &fresh), 0);
            dump_graph();
            assert_int_equal(lg_jury_judge(fresh, &gb.g, &first), 0);
            assert_true(first.n_hits > 0);
            assert_int_equal(lg_jury_evidence(fresh, &gb.g, &first), 0);
            assert_true(first.n_evidence > 0);
            assert_int_equal(lg_jury_judge(j, &gb.g, &again), 0);
            assert_false(j->told_again);
            if (other == 1) {
                struct lg_str was = gb.g.endpoint_id;

                gb.g.endpoint_id = LG_STR("somebody-else");
                gb.g.n_edges--;
                assert_int_equal(lg_jury_judge(j, &gb.g, &apart), 0);
                assert_false(j->told_again);
                gb.g.n_edges++;
                gb.g.endpoint_id = was;
            }
            for (int i = 0; i < 3; i++) {
                gb.g.start_ns += 60 * LG_NS_PER_SEC;
                gb.g.end_ns += 60 * LG_NS_PER_SEC;
                assert_int_equal(lg_jury_judge(j, &gb.g, &again), 0);
                assert_true(j->told_again);
                assert_int_equal(again.n_evidence, evidence == 1 ? first.n_evidence : 0);
                assert_int_equal(lg_jury_evidence(j, &gb.g, &again), 0);
                same_verdict(&again, &first);
            }
            lg_jury_free(j);
            lg_jury_free(fresh);
        }
    lg_model_free(m);
}

static void test_without_memory_nothing_is_kept(void **state)
{
    struct lg_verdict v = {.prediction = LG_PREDICT_BENIGN};
    struct lg_repeat *r = NULL;

    (void)state;
    dump_graph();
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_repeat_new(&r), LG_ENOMEM);
    (void)lg_mem_fail_from(0);
    assert_int_equal(lg_repeat_new(&r), 0);
    (void)lg_mem_fail_from(1);
    assert_null(lg_repeat_find(r, &gb.g));
    assert_null(lg_repeat_put(r, &v));
    (void)lg_mem_fail_from(0);
    assert_null(lg_repeat_find(r, &gb.g));
    (void)lg_mem_fail_from(1);
    assert_null(lg_repeat_put(r, &v));
    (void)lg_mem_fail_from(0);
    assert_null(lg_repeat_find(r, &gb.g));
    assert_non_null(lg_repeat_put(r, &v));
    assert_non_null(lg_repeat_find(r, &gb.g));
    lg_repeat_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_change_is_seen),
            cmocka_unit_test(test_borders_of_strings_matter),
            cmocka_unit_test(test_place_in_time_does_not_matter),
            cmocka_unit_test(test_too_many_hits_are_not_kept),
            cmocka_unit_test(test_a_verdict_told_again_is_the_same),
            cmocka_unit_test(test_without_memory_nothing_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

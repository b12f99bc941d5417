/* How members, patterns and the allow-list become a verdict. */
#include <math.h>

#include "detect/graph_builder.h"
#include "detect/model_builder.h"

#include "detect/jury_int.h"

static struct gb gb;
static struct lg_model *windows, *linux_model;

static int setup(void **state)
{
    (void)state;
    windows = mb_new(LG_PLATFORM_WINDOWS, 2);
    linux_model = mb_new(LG_PLATFORM_LINUX, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_model_free(windows);
    lg_model_free(linux_model);
    gb_done(&gb);
    return 0;
}

/* Everything that the builder makes is told by Sysmon, so that the learned members see it. */
static void seen_by(enum lg_source source)
{
    for (uint32_t i = 0; i < gb.g.n_edges; i++)
        gb.edges[i].sources = (uint16_t)(1u << source);
    for (uint32_t i = 0; i < gb.g.n_nodes; i++)
        gb.nodes[i].sources = (uint16_t)(1u << source);
}

static void office_graph(void)
{
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb, "C:\\Windows\\explorer.exe =spawn=> C:\\Office\\winword.exe :: winword a.docx");
    gb_line(&gb, "C:\\Office\\winword.exe :: winword a.docx =write=> C:\\Users\\bob\\a.docx");
    gb_line(&gb, "C:\\Office\\winword.exe :: winword a.docx =load=> C:\\Windows\\System32\\x.dll");
    gb_line(&gb, "C:\\Windows\\explorer.exe =value_set=> HKU\\S\\Software\\Recent");
    seen_by(LG_SOURCE_SYSMON);
}

static void dump_graph(void)
{
    office_graph();
    gb_line(&gb,
            "C:\\Users\\bob\\Downloads\\m.exe @@ flags=user_path =access[access_vm_read]=> "
            "C:\\Windows\\System32\\lsass.exe");
    seen_by(LG_SOURCE_SYSMON);
}

static struct lg_jury *jury_of(const struct lg_model *m, double threshold, bool idle, bool evidence)
{
    struct lg_jury *j;
    const struct lg_jury_options opt = {threshold, idle, evidence};

    assert_int_equal(lg_jury_new(m, &opt, &j), 0);
    return j;
}

/* --- the combination ------------------------------------------------------------------------------ */

static void test_the_score_is_the_weighted_mean_of_standardised_members(void **state)
{
    struct lg_scores s = {.learned = true, .member = {3, -1, 2}};
    /* weights 0.5 0.25 0.25; means 0 0.1 0.2; deviations 1.5 2.5 3.5 */
    double want = 0.5 * 3 / 1.5 + 0.25 * (-1 - 0.1) / 2.5 + 0.25 * (2 - 0.2) / 3.5;

    (void)state;
    lg_jury_combine(windows, &s);
    assert_true(fabs(s.jury - want) < 1e-12);
    assert_true(fabs(s.prob - 1 / (1 + exp(-(2.5 * want - 0.5)))) < 1e-6);
}

static void test_without_learned_members_only_patterns_speak(void **state)
{
    struct lg_scores s = {.learned = false, .member = {50, 50, 50}, .pattern_floor = 0.44};

    (void)state;
    lg_jury_combine(windows, &s);
    assert_true(s.prob == 0.44 && s.jury == 0);
    s.pattern_floor = 0;
    lg_jury_combine(windows, &s);
    assert_true(s.prob == 0);
}

static void test_the_floor_holds_from_below_only(void **state)
{
    static const double floors[] = {0, 0.44, 0.9, 0.95, 0.97};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        for (double x = -40; x <= 40; x += 0.5) {
            struct lg_scores s = {.learned = true, .member = {x, x, x}};
            double without;

            lg_jury_combine(windows, &s);
            without = s.prob;
            s.pattern_floor = floors[i];
            lg_jury_combine(windows, &s);
            assert_true(s.prob >= floors[i] && s.prob >= without);
            assert_true(s.prob == (without > floors[i] ? without : floors[i]));
        }
}

/* Raising one member never lowers the probability, for any member, place and step. */
static void test_monotone_in_every_member(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct lg_scores a = {.learned = true}, b;
        double p;

        for (int k = 0; k < LG_MEMBER_COUNT; k++)
            a.member[k] = ((double)(next_random(&seed) >> 11) * 0x1p-53 - 0.5) * 60;
        a.pattern_floor = next_random(&seed) % 4 == 0 ? 0.9 : 0;
        b = a;
        b.member[i % LG_MEMBER_COUNT] +=
                (double)(next_random(&seed) >> 11) * 0x1p-53 * (i % 7 == 0 ? 20 : 1e-3);
        lg_jury_combine(windows, &a);
        p = a.prob;
        lg_jury_combine(windows, &b);
        if (b.prob < p)
            fail_msg("%.17g falls to %.17g", p, b.prob);
        assert_true(p >= 0 && p <= 1);
    }
}

static void test_the_curve_rises_everywhere(void **state)
{
    double last = 0;

    (void)state;
    for (int i = -3000000; i <= 3000000; i++) {
        double p = lg_jury_sigmoid(i * 1e-5);

        if (p < last)
            fail_msg("falls at %g: %.17g to %.17g", i * 1e-5, last, p);
        last = p;
    }
    assert_true(lg_jury_sigmoid(0) == 0.5);
    assert_true(lg_jury_sigmoid(1e9) == 1 && lg_jury_sigmoid(-1e9) == 0);
    assert_true(lg_jury_sigmoid(1e300) == 1 && lg_jury_sigmoid(-1e300) == 0);
    for (double x = -80; x <= 80; x += 0.37)
        assert_true(fabs(lg_jury_sigmoid(x) - 1 / (1 + exp(-x))) < 1e-6);
}

/* --- verdicts ------------------------------------------------------------------------------------- */

static void test_the_threshold_decides(void **state)
{
    struct lg_verdict v;
    struct lg_jury *j = jury_of(windows, -1, true, false);
    double p;

    (void)state;
    office_graph();
    assert_true(lg_jury_threshold(j) == 0.75);
    assert_ptr_equal(lg_jury_model(j), windows);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    p = v.scores.prob;
    assert_true(v.scores.learned && p > 0 && p < 1 && v.error == NULL);
    assert_int_equal(v.prediction, p >= 0.75 ? LG_PREDICT_ATTACK : LG_PREDICT_BENIGN);
    assert_true(v.confidence == (p > 0.5 ? p : 1 - p));
    lg_jury_free(j);
    j = jury_of(windows, p, true, false);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(v.prediction, LG_PREDICT_ATTACK); /* from the threshold on */
    lg_jury_free(j);
    j = jury_of(windows, nextafter(p, 2), true, true);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(v.prediction, LG_PREDICT_BENIGN);
    assert_int_equal(v.n_evidence, 0); /* of attacks only */
    lg_jury_free(j);
    lg_jury_free(NULL);
}

/* The networks: mean over all of them of what each says for attack against benign. */
static void test_members_say_what_their_models_say(void **state)
{
    struct lg_jury *j = jury_of(windows, -1, true, false);
    struct lg_gnn_scratch *scratch;
    struct lg_node_features nf;
    struct lg_gnn_graph graph;
    struct lg_features *fs;
    struct lg_verdict v;
    double odds[2], tokens = (double)windows->tokens.bias;
    float counts[1024];
    const uint32_t *tok;
    uint32_t n;

    (void)state;
    office_graph();
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(lg_features_new(&fs), 0);
    assert_int_equal(lg_gnn_scratch_new(&scratch), 0);
    assert_int_equal(lg_features_nodes(fs, &gb.g, &windows->view, &nf), 0);
    lg_jury_gnn_graph(&nf, &graph);
    assert_int_equal(windows->n_gats, 2);
    for (uint32_t i = 0; i < 2; i++) {
        float logits[2];

        assert_int_equal(lg_gnn_scratch_reserve(scratch, lg_gnn_model_config(windows->gat[i]),
                                 nf.n_nodes, nf.n_edges),
                0);
        assert_int_equal(lg_gnn_infer(windows->gat[i], &graph, scratch, logits), 0);
        odds[i] = (double)(logits[1] - logits[0]);
    }
    assert_true(fabs(odds[0] - odds[1]) > 1e-3); /* else this proves nothing */
    assert_true(v.scores.member[LG_MEMBER_GAT] == (odds[0] + odds[1]) / 2);
    assert_int_equal(lg_features_graph_tokens(fs, &gb.g, &windows->view, NULL, &tok, &n), 0);
    assert_true(n > 20);
    for (uint32_t i = 0; i < n; i++)
        tokens += (double)windows->tokens.weight[tok[i]];
    assert_true(fabs(v.scores.member[LG_MEMBER_TOKENS] - tokens) < 1e-4);
    assert_int_equal(lg_features_counts(fs, &gb.g, &windows->view, NULL, counts), 0);
    assert_true(
            v.scores.member[LG_MEMBER_TREES] == (double)lg_forest_score(&windows->trees, counts));
    lg_gnn_scratch_free(scratch);
    lg_features_free(fs);
    lg_jury_free(j);
}

/* A node's drop, counted apart: what the plain members say without it, and how far the first
 * network falls from what it said itself. */
static void test_a_drop_is_the_fall_of_the_score(void **state)
{
    struct lg_jury *j = jury_of(windows, 0, true, true);
    uint8_t removed[GB_MAX] = {0};
    struct lg_gnn_scratch *scratch;
    struct lg_node_features nf;
    struct lg_gnn_graph graph;
    struct lg_features *fs;
    struct lg_verdict v;
    float full[2];

    (void)state;
    office_graph();
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_true(v.n_evidence > 1 && v.n_hits == 0);
    assert_int_equal(lg_features_new(&fs), 0);
    assert_int_equal(lg_gnn_scratch_new(&scratch), 0);
    assert_int_equal(lg_features_nodes(fs, &gb.g, &windows->view, &nf), 0);
    lg_jury_gnn_graph(&nf, &graph);
    assert_int_equal(lg_gnn_scratch_reserve(
                             scratch, lg_gnn_model_config(windows->gat[0]), nf.n_nodes, nf.n_edges),
            0);
    assert_int_equal(lg_gnn_forward(windows->gat[0], &graph, scratch, full), 0);
    for (uint32_t i = 0; i < v.n_evidence; i++) {
        struct lg_scores s = v.scores;
        uint32_t at = 0;
        float left[2];
        double want;

        while (at < nf.n_nodes && nf.node[at] != v.evidence[i].node)
            at++;
        assert_true(at < nf.n_nodes);
        removed[v.evidence[i].node] = 1;
        assert_int_equal(lg_jury_rescore(j, &gb.g, removed, &s), 0);
        removed[v.evidence[i].node] = 0;
        assert_int_equal(lg_gnn_ablate_near(windows->gat[0], &graph, scratch, at, left), 0);
        s.member[LG_MEMBER_GAT] = v.scores.member[LG_MEMBER_GAT] +
                ((double)(left[1] - left[0]) - (double)(full[1] - full[0]));
        lg_jury_combine(windows, &s);
        want = 1.1 * windows->calibration_a * (v.scores.jury - s.jury);
        assert_true(fabs(v.evidence[i].drop - want) < 1e-9 * (1 + fabs(want)));
    }
    lg_gnn_scratch_free(scratch);
    lg_features_free(fs);
    lg_jury_free(j);
}

static void test_confidence_is_that_of_the_side_it_takes(void **state)
{
    static const double b[] = {-30, -3, -0.5, 0, 0.5, 3, 30};
    struct lg_model m = *windows;
    double last = -1;

    (void)state;
    office_graph();
    for (size_t i = 0; i < sizeof(b) / sizeof(*b); i++) {
        struct lg_verdict v;
        struct lg_jury *j;

        m.calibration_b = b[i];
        j = jury_of(&m, -1, true, false);
        assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
        assert_true(v.scores.prob > last);
        last = v.scores.prob;
        assert_true(v.confidence >= 0.5 && v.confidence <= 1);
        assert_true(v.confidence == fmax(v.scores.prob, 1 - v.scores.prob));
        lg_jury_free(j);
    }
}

static void test_fewer_than_three_nodes_are_no_verdict(void **state)
{
    struct lg_jury *j = jury_of(windows, 0, true, true);
    struct lg_verdict v;

    (void)state;
    for (uint32_t n = 0; n <= 3; n++) {
        gb_init(&gb, LG_PLATFORM_WINDOWS);
        if (n == 1)
            gb_line(&gb, "C:\\a.exe");
        if (n >= 2)
            gb_line(&gb, "C:\\a.exe =access[access_all]=> C:\\Windows\\System32\\lsass.exe");
        if (n == 3)
            gb_line(&gb, "C:\\a.exe =write=> C:\\x");
        seen_by(LG_SOURCE_SYSMON);
        assert_int_equal(gb.g.n_nodes, n);
        assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
        if (n < 3) {
            assert_int_equal(v.prediction, LG_PREDICT_ERROR);
            assert_string_equal(v.error, "too_few_nodes");
            assert_true(v.n_hits == 0 && v.n_evidence == 0 && v.scores.prob == 0);
            assert_string_equal(lg_verdict_severity(&v), "none");
        } else {
            assert_int_equal(v.prediction, LG_PREDICT_ATTACK); /* threshold 0 */
            assert_null(v.error);
        }
    }
    lg_jury_free(j);
}

static void test_idle_windows_are_benign_without_the_jury(void **state)
{
    struct lg_verdict v;
    struct lg_jury *j = jury_of(linux_model, 0, true, true),
                   *all = jury_of(linux_model, 0, false, true);

    (void)state;
    gb_init(&gb, LG_PLATFORM_LINUX);
    gb_line(&gb, "/usr/sbin/cron =read=> /etc/crontab");
    gb_line(&gb, "/usr/sbin/rsyslogd =write=> /var/log/syslog");
    seen_by(LG_SOURCE_AUDITD);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_true(v.idle_skipped && v.prediction == LG_PREDICT_BENIGN);
    assert_true(v.scores.prob == 0 && v.confidence == 1 && !v.scores.learned && v.n_hits == 0);
    assert_int_equal(lg_jury_judge(all, &gb.g, &v), 0);
    assert_true(!v.idle_skipped && v.prediction == LG_PREDICT_ATTACK); /* threshold 0 */
    /* one thing that is not idle, and the jury is asked */
    gb_line(&gb, "/usr/sbin/cron =spawn=> /bin/sh :: sh -c id");
    seen_by(LG_SOURCE_AUDITD);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_true(!v.idle_skipped);
    /* the same graph on Windows is nobody's idle window */
    gb_init(&gb, LG_PLATFORM_LINUX);
    gb_line(&gb, "/usr/sbin/cron =read=> /etc/crontab");
    gb_line(&gb, "/usr/sbin/rsyslogd =write=> /var/log/syslog");
    gb.g.platform = LG_PLATFORM_WINDOWS;
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_false(v.idle_skipped);
    lg_jury_free(j);
    lg_jury_free(all);
}

static void test_a_strong_pattern_raises_what_the_members_call_benign(void **state)
{
    struct lg_model m = *windows;
    struct lg_verdict v;
    struct lg_jury *j;

    (void)state;
    m.calibration_b = -50; /* the members never speak up */
    j = jury_of(&m, -1, true, true);
    office_graph();
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(v.prediction, LG_PREDICT_BENIGN);
    assert_true(v.scores.pattern_floor == 0 && v.scores.prob < 1e-9);
    dump_graph();
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(v.prediction, LG_PREDICT_ATTACK);
    assert_true(v.scores.pattern_floor >= 0.9 && v.scores.prob == v.scores.pattern_floor);
    assert_true(v.n_hits > 0 && v.n_evidence > 0);
    /* the nodes that the pattern names come first */
    assert_true(lg_str_eq(gb.nodes[v.evidence[0].node].name,
                        LG_STR("C:\\Users\\bob\\Downloads\\m.exe")) ||
            lg_str_eq(
                    gb.nodes[v.evidence[0].node].name, LG_STR("C:\\Windows\\System32\\lsass.exe")));
    lg_jury_free(j);
}

/* Sources outside the model's view: nothing learned, the patterns still see. */
static void test_an_empty_view_leaves_the_patterns(void **state)
{
    struct lg_model m = *windows;
    struct lg_scores s;
    struct lg_verdict v;
    struct lg_jury *j;

    (void)state;
    m.view.sources = 1u << LG_SOURCE_TETRAGON;
    j = jury_of(&m, -1, true, true);
    dump_graph();
    for (uint32_t i = 0; i < gb.g.n_nodes; i++)
        gb.nodes[i].flags &= ~(uint32_t)LG_NODEF_CREATED;
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_false(v.scores.learned);
    assert_true(v.scores.prob == v.scores.pattern_floor && v.scores.prob >= 0.9);
    assert_int_equal(v.prediction, LG_PREDICT_ATTACK);
    assert_true(v.n_evidence > 0);
    office_graph();
    for (uint32_t i = 0; i < gb.g.n_nodes; i++)
        gb.nodes[i].flags &= ~(uint32_t)LG_NODEF_CREATED;
    assert_int_equal(lg_jury_score(j, &gb.g, NULL, &s), 0);
    assert_true(!s.learned && s.prob == 0);
    lg_jury_free(j);
}

/* --- removing nodes --------------------------------------------------------------------------------- */

static void test_removing_nodes(void **state)
{
    struct lg_jury *j = jury_of(windows, -1, true, false);
    struct lg_scores all, none, without, nothing;
    uint8_t removed[GB_MAX] = {0};

    (void)state;
    dump_graph();
    assert_int_equal(lg_jury_score(j, &gb.g, NULL, &all), 0);
    assert_int_equal(lg_jury_score(j, &gb.g, removed, &none), 0);
    assert_memory_equal(&all, &none, sizeof(all));
    for (uint32_t i = 0; i < gb.g.n_nodes; i++)
        removed[i] = lg_str_ends(gb.nodes[i].name, LG_STR("lsass.exe"));
    assert_int_equal(lg_jury_score(j, &gb.g, removed, &without), 0);
    assert_true(without.pattern_floor < all.pattern_floor);
    assert_true(without.member[LG_MEMBER_GAT] != all.member[LG_MEMBER_GAT]);
    assert_true(without.member[LG_MEMBER_TOKENS] != all.member[LG_MEMBER_TOKENS]);
    memset(removed, 1, sizeof(removed));
    assert_int_equal(lg_jury_score(j, &gb.g, removed, &nothing), 0);
    assert_true(!nothing.learned && nothing.prob == 0);
    /* asking changed nothing */
    assert_int_equal(lg_jury_score(j, &gb.g, NULL, &none), 0);
    assert_memory_equal(&all, &none, sizeof(all));
    lg_jury_free(j);
}

/* --- evidence ----------------------------------------------------------------------------------------- */

static void check_evidence(const struct lg_verdict *v, const struct lg_graph *g)
{
    double sum = 0;

    assert_true(v->n_evidence > 0 && v->n_evidence <= LG_MAX_EVIDENCE);
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        uint32_t at = i, steps = 0;

        assert_true(v->evidence[i].node < g->n_nodes);
        assert_true(v->evidence[i].drop > 0 && v->evidence[i].share > 0);
        assert_true(i == 0 || v->evidence[i].drop <= v->evidence[i - 1].drop);
        for (uint32_t k = 0; k < i; k++)
            assert_true(v->evidence[k].node != v->evidence[i].node);
        for (; at != UINT32_MAX && steps <= v->n_evidence; steps++) {
            assert_true(at < v->n_evidence);
            at = v->evidence[at].via;
        }
        assert_true(at == UINT32_MAX); /* a tree: every chain ends */
        sum += v->evidence[i].share;
    }
    assert_true(fabs(sum - 1) < 1e-9);
}

static void test_evidence_later_is_evidence_at_once(void **state)
{
    struct lg_jury *now = jury_of(windows, 0, true, true),
                   *later = jury_of(windows, 0, true, false);
    struct lg_verdict a, b;

    (void)state;
    dump_graph();
    assert_int_equal(lg_jury_judge(now, &gb.g, &a), 0);
    assert_int_equal(lg_jury_judge(later, &gb.g, &b), 0);
    assert_int_equal(b.n_evidence, 0);
    assert_int_equal(lg_jury_evidence(later, &gb.g, &b), 0);
    assert_int_equal(a.n_evidence, b.n_evidence);
    for (uint32_t i = 0; i < a.n_evidence; i++) {
        assert_int_equal(a.evidence[i].node, b.evidence[i].node);
        assert_int_equal(a.evidence[i].via, b.evidence[i].via);
        assert_true(a.evidence[i].share == b.evidence[i].share);
    }
    check_evidence(&a, &gb.g);
    lg_jury_free(now);
    lg_jury_free(later);
}

/* More nodes than are asked, more than are shown, rings of processes that act on each other. */
static void test_evidence_of_a_large_graph(void **state)
{
    struct lg_model m = *windows;
    struct lg_verdict v;
    struct lg_jury *j;
    char line[256];

    (void)state;
    /* every word speaks for an attack, so that every node is evidence */
    mb_tokens(&m.tokens, 5);
    for (uint32_t i = 0; i < m.tokens.vocab; i++)
        m.tokens.weight[i] += 0.6f;
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        m.scale[i].weight = i == LG_MEMBER_TOKENS;
    j = jury_of(&m, 0, true, true);
    dump_graph();
    for (int i = 0; i < 60; i++) {
        (void)snprintf(line, sizeof(line), "C:\\t\\p%d.exe =access[access_all]=> C:\\t\\p%d.exe", i,
                (i + 1) % 60);
        gb_line(&gb, line);
        (void)snprintf(line, sizeof(line), "C:\\t\\p%d.exe =write=> C:\\t\\f%d.txt", i, i % 5);
        gb_line(&gb, line);
    }
    gb_line(&gb, "C:\\t\\p1.exe =exit=> C:\\t\\p1.exe");
    seen_by(LG_SOURCE_SYSMON);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    check_evidence(&v, &gb.g);
    assert_int_equal(v.n_evidence, LG_MAX_EVIDENCE);
    lg_jury_free(j);
    lg_token_regression_done(&m.tokens);
}

static bool is_evidence(const struct lg_verdict *v, const char *name)
{
    for (uint32_t i = 0; i < v->n_evidence; i++)
        if (lg_str_eq(gb.nodes[v->evidence[i].node].name, lg_str_z(name)))
            return true;
    return false;
}

/* Each of two would do for the floor: that taking one away changes nothing must hide neither. */
static void test_two_causes_are_both_evidence(void **state)
{
    struct lg_model m = *windows;
    struct lg_verdict v;
    struct lg_jury *j;

    (void)state;
    m.view.sources = 1u << LG_SOURCE_TETRAGON; /* nothing learned: the patterns alone */
    j = jury_of(&m, -1, true, true);
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb,
            "C:\\Temp\\a.exe @@ flags=user_path =access[access_vm_read]=> "
            "C:\\Windows\\System32\\lsass.exe");
    gb_line(&gb,
            "C:\\Temp\\b.exe @@ flags=user_path =access[access_vm_read]=> "
            "C:\\Windows\\System32\\lsass.exe#2");
    seen_by(LG_SOURCE_SYSMON);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(v.prediction, LG_PREDICT_ATTACK);
    check_evidence(&v, &gb.g);
    assert_true(is_evidence(&v, "C:\\Temp\\a.exe") && is_evidence(&v, "C:\\Temp\\b.exe"));
    lg_jury_free(j);
}

/* More weak hits than nodes are asked, all before the one that matters. */
static void test_a_flood_of_weak_hits_hides_nothing(void **state)
{
    struct lg_jury *j = jury_of(windows, -1, true, true);
    struct lg_verdict v;
    char line[256];

    (void)state;
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    for (int i = 0; i < 80; i++) {
        (void)snprintf(line, sizeof(line),
                "C:\\Windows\\explorer.exe =spawn=> C:\\Windows\\System32\\cmd.exe#%c :: cmd.exe "
                "/c dir "
                "C:\\d%02d @@ flags=created",
                (char)('0' + i), i);
        gb_line(&gb, line);
    }
    gb_line(&gb,
            "C:\\Temp\\a.exe @@ flags=user_path =access[access_vm_read]=> "
            "C:\\Windows\\System32\\lsass.exe");
    seen_by(LG_SOURCE_SYSMON);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_true(v.n_hits > 40); /* else this proves nothing */
    assert_int_equal(v.prediction, LG_PREDICT_ATTACK);
    assert_true(is_evidence(&v, "C:\\Temp\\a.exe"));
    lg_jury_free(j);
}

static void test_no_evidence_of_what_was_not_judged(void **state)
{
    struct lg_jury *j = jury_of(linux_model, 0, true, false);
    struct lg_verdict v;

    (void)state;
    gb_init(&gb, LG_PLATFORM_LINUX);
    for (int i = 0; i < 50; i++) {
        char line[128];

        (void)snprintf(line, sizeof(line), "/opt/p%d =read=> /opt/f%d", i, i);
        gb_line(&gb, line);
    }
    seen_by(LG_SOURCE_AUDITD);
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0); /* leaves a large graph in the jury */
    gb_init(&gb, LG_PLATFORM_LINUX);
    gb_line(&gb, "/usr/sbin/cron =read=> /etc/crontab");
    gb_line(&gb, "/usr/sbin/rsyslogd =write=> /var/log/syslog");
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_true(v.idle_skipped);
    assert_int_equal(lg_jury_evidence(j, &gb.g, &v), 0);
    assert_int_equal(v.n_evidence, 0);
    gb.g.n_nodes = 2;
    gb.g.n_edges = 0;
    assert_int_equal(lg_jury_judge(j, &gb.g, &v), 0);
    assert_int_equal(lg_jury_evidence(j, &gb.g, &v), 0);
    assert_int_equal(v.n_evidence, 0);
    lg_jury_free(j);
}

/* --- memory and order ------------------------------------------------------------------------------- */

static void test_out_of_memory(void **state)
{
    struct lg_verdict whole, v;
    bool done = false;
    uint64_t n;

    (void)state;
    dump_graph();
    for (n = 1; !done && n < 2000; n++) {
        const struct lg_jury_options opt = {0, true, true};
        struct lg_jury *j = NULL;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_jury_new(windows, &opt, &j);
        if (rc == 0)
            rc = lg_jury_judge(j, &gb.g, &v);
        (void)lg_mem_fail_from(0);
        done = rc == 0;
        if (!done && rc != LG_ENOMEM)
            fail_msg("allocation %llu: %d", (unsigned long long)n, rc);
        if (!done && j != NULL) { /* the jury is as good as before */
            assert_int_equal(lg_jury_judge(j, &gb.g, &whole), 0);
            check_evidence(&whole, &gb.g);
        }
        lg_jury_free(j);
    }
    assert_true(done && n > 30);
    assert_int_equal(whole.n_evidence, v.n_evidence);
    assert_true(whole.scores.prob == v.scores.prob);
    assert_memory_equal(whole.evidence, v.evidence, v.n_evidence * sizeof(*v.evidence));
}

/* One jury over many windows gives what a fresh one gives. */
static void test_nothing_is_left_of_the_window_before(void **state)
{
    struct lg_jury *old = jury_of(windows, 0, true, true);
    struct lg_verdict a, b;

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct lg_jury *fresh = jury_of(windows, 0, true, true);

        if (i % 2 == 0)
            dump_graph();
        else
            office_graph();
        assert_int_equal(lg_jury_judge(old, &gb.g, &a), 0);
        assert_int_equal(lg_jury_judge(fresh, &gb.g, &b), 0);
        assert_memory_equal(&a.scores, &b.scores, sizeof(a.scores));
        assert_int_equal(a.n_evidence, b.n_evidence);
        assert_memory_equal(a.evidence, b.evidence, a.n_evidence * sizeof(*a.evidence));
        lg_jury_free(fresh);
    }
    lg_jury_free(old);
}

/* Weights that the checks of a file let through but that no training gives: a refusal, no NaN. */
static void test_networks_that_explode_are_told(void **state)
{
    struct lg_model m = *windows;
    struct lg_tensors set;
    struct lg_jury *j;
    struct lg_scores s;
    int rc;

    (void)state;
    lg_tensors_init(&set);
    assert_int_equal(lg_gnn_model_to_tensors(m.gat[0], &set, NULL), 0);
    for (size_t i = 0; i < set.n; i++)
        if (set.v[i].dtype == LG_F32 && lg_str_find(lg_str_z(set.v[i].name), LG_STR("idf")) < 0)
            for (uint64_t k = 0; k < set.v[i].n; k++)
                ((float *)set.v[i].data)[k] = (k & 1) != 0 ? 3e38f : -3e38f;
    m.gat[0] = NULL;
    rc = lg_gnn_model_from_tensors(&set, NULL, &m.gat[0], NULL);
    lg_tensors_done(&set);
    assert_int_equal(rc, 0); /* finite: the door lets them in */
    j = jury_of(&m, -1, true, false);
    office_graph();
    assert_int_equal(lg_jury_score(j, &gb.g, NULL, &s), LG_ERANGE);
    lg_jury_free(j);
    lg_gnn_model_free(m.gat[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_score_is_the_weighted_mean_of_standardised_members),
            cmocka_unit_test(test_without_learned_members_only_patterns_speak),
            cmocka_unit_test(test_the_floor_holds_from_below_only),
            cmocka_unit_test(test_monotone_in_every_member),
            cmocka_unit_test(test_the_curve_rises_everywhere),
            cmocka_unit_test(test_the_threshold_decides),
            cmocka_unit_test(test_members_say_what_their_models_say),
            cmocka_unit_test(test_a_drop_is_the_fall_of_the_score),
            cmocka_unit_test(test_confidence_is_that_of_the_side_it_takes),
            cmocka_unit_test(test_fewer_than_three_nodes_are_no_verdict),
            cmocka_unit_test(test_idle_windows_are_benign_without_the_jury),
            cmocka_unit_test(test_a_strong_pattern_raises_what_the_members_call_benign),
            cmocka_unit_test(test_an_empty_view_leaves_the_patterns),
            cmocka_unit_test(test_removing_nodes),
            cmocka_unit_test(test_evidence_later_is_evidence_at_once),
            cmocka_unit_test(test_evidence_of_a_large_graph),
            cmocka_unit_test(test_two_causes_are_both_evidence),
            cmocka_unit_test(test_a_flood_of_weak_hits_hides_nothing),
            cmocka_unit_test(test_no_evidence_of_what_was_not_judged),
            cmocka_unit_test(test_out_of_memory),
            cmocka_unit_test(test_nothing_is_left_of_the_window_before),
            cmocka_unit_test(test_networks_that_explode_are_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

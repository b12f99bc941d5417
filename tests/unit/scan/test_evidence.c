/*
 * Does the evidence carry the verdict? On the attack windows of every bundled recording, by the
 * shipped models: without the three nodes that the evidence shows first the probability falls
 * further than without three drawn at random.
 */
#include <dirent.h>

#include "lg_test.h"

#include "detect/jury.h"
#include "scan/reader.h"

#define DRAWS 9
#define MIN_NODES 6 /* of fewer nodes any three are most of the window */

struct tally {
    struct lg_jury *jury[2];
    uint64_t seed;
    unsigned windows, won;
    unsigned draws, draws_won;
    double fall, fall_random;
    const char *file;
};

static double prob_without(struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed)
{
    struct lg_scores s;

    assert_int_equal(lg_jury_score(j, g, removed, &s), 0);
    return s.prob;
}

static int on_window(void *user, const struct lg_graph *g)
{
    struct tally *t = user;
    struct lg_jury *j = t->jury[g->platform];
    static uint8_t removed[LG_MAX_GRAPH_NODES];
    struct lg_verdict v;
    double p, random = 0;
    uint32_t top;

    assert_int_equal(lg_jury_judge(j, g, &v), 0);
    if (v.prediction != LG_PREDICT_ATTACK)
        return 0;
    assert_true(v.n_evidence > 0);
    if (g->n_nodes < MIN_NODES)
        return 0;
    top = v.n_evidence < 3 ? v.n_evidence : 3;
    memset(removed, 0, g->n_nodes);
    for (uint32_t i = 0; i < top; i++)
        removed[v.evidence[i].node] = 1;
    p = prob_without(j, g, removed);
    for (int d = 0; d < DRAWS; d++) {
        double q;

        memset(removed, 0, g->n_nodes);
        for (uint32_t n = 0; n < top;) {
            uint32_t node = (uint32_t)(next_random(&t->seed) % g->n_nodes);

            n += removed[node] == 0;
            removed[node] = 1;
        }
        q = prob_without(j, g, removed);
        random += q / DRAWS;
        t->draws++;
        t->draws_won += p < q;
    }
    t->windows++;
    t->won += p < random;
    t->fall += v.scores.prob - p;
    t->fall_random += v.scores.prob - random;
    if (!(p < random))
        print_message("%s: %.4f, top %u gone %.4f, random ones %.4f, %u nodes\n", t->file,
                v.scores.prob, top, p, random, g->n_nodes);
    return 0;
}

static void read_folder(struct tally *t, const char *folder)
{
    char dir[512], path[1024];
    struct dirent **names;
    int n;

    (void)snprintf(dir, sizeof(dir), "%s/tests/data/%s", LG_SOURCE_DIR, folder);
    n = scandir(dir, &names, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        struct lg_str name = lg_str_z(names[i]->d_name);
        struct lg_reader_options opt;
        struct lg_reader_stats stats;
        struct lg_err err;

        if (name.p[0] != '.' && !lg_str_ends(name, LG_STR(".md")) &&
                !lg_str_ends(name, LG_STR(".expected")) && !lg_str_ends(name, LG_STR(".sha256"))) {
            (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
            t->file = names[i]->d_name;
            lg_reader_options_default(&opt);
            assert_int_equal(lg_reader_run(path, &opt, on_window, t, &stats, &err), 0);
        }
        free(names[i]);
    }
    free(names);
}

static void test_the_first_three_matter_more_than_any_three(void **state)
{
    static const char *const platforms[2] = {"windows", "linux"};
    struct lg_model *m[2];
    struct tally t = {.seed = 2026};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct lg_jury_options opt = {-1, true, true};
        char dir[512];
        struct lg_err err = {0, ""};

        (void)snprintf(dir, sizeof(dir), "%s/models/%s", LG_SOURCE_DIR, platforms[i]);
        if (lg_model_load(dir, &m[i], &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(lg_jury_new(m[i], &opt, &t.jury[i]), 0);
    }
    read_folder(&t, "captures");
    read_folder(&t, "windows");
    read_folder(&t, "audit");
    read_folder(&t, "ebpf");
    print_message("%u attack windows: %u better than random (%u of %u draws); mean fall %.3f, of "
                  "random ones %.3f\n",
            t.windows, t.won, t.draws_won, t.draws, t.fall / t.windows, t.fall_random / t.windows);
    assert_true(t.windows >= 20);
    assert_true(t.won * 10 >= t.windows * 9);
    assert_true(t.draws_won * 10 >= t.draws * 9);
    for (int i = 0; i < 2; i++) {
        lg_jury_free(t.jury[i]);
        lg_model_free(m[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_first_three_matter_more_than_any_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Scores without a node, one after the other, against those of a jury that was asked only once. */
#include "detect/graph_builder.h"
#include "detect/jury_int.h"

static const char *const lines[] = {
        "C:\\Windows\\explorer.exe =spawn=> C:\\Office16\\WINWORD.EXE :: winword.exe /n a.docm",
        "C:\\Office16\\WINWORD.EXE =spawn=> C:\\W\\powershell.exe :: powershell -nop -enc aQBlAHgA",
        "C:\\W\\powershell.exe =connect_out[addr_public]=> 203.0.113.7:443",
        "C:\\W\\powershell.exe =load=> C:\\Windows\\System32\\samlib.dll",
        "C:\\W\\powershell.exe =access[access_vm_read]=> C:\\Windows\\System32\\lsass.exe",
        "C:\\W\\powershell.exe =write[file_executable]=> C:\\Users\\Public\\a.exe",
        "C:\\Windows\\System32\\services.exe =spawn=> C:\\Windows\\System32\\svchost.exe",
        "C:\\Windows\\System32\\svchost.exe =value_set=> HKLM\\SOFTWARE\\x",
};

static bool same(const struct lg_scores *a, const struct lg_scores *b)
{
    return a->learned == b->learned && memcmp(a->member, b->member, sizeof(a->member)) == 0 &&
            memcmp(&a->jury, &b->jury, sizeof(a->jury)) == 0 &&
            memcmp(&a->prob, &b->prob, sizeof(a->prob)) == 0;
}

static void test_each_removal_counts_for_itself(void **state)
{
    const struct lg_jury_options opt = {.threshold = -1, .evidence = true};
    uint8_t removed[GB_MAX] = {0};
    struct lg_model *model = NULL;
    struct lg_jury *one, *many;
    struct lg_verdict v;
    struct lg_err err = {0, ""};
    static struct gb b;
    int differ = 0;

    (void)state;
    assert_int_equal(lg_model_load(LG_SOURCE_DIR "/models/windows", &model, &err), 0);
    assert_int_equal(lg_jury_new(model, &opt, &one), 0);
    assert_int_equal(lg_jury_new(model, &opt, &many), 0);
    gb_init(&b, LG_PLATFORM_WINDOWS);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        gb_line(&b, lines[i]);
    for (uint32_t i = 0; i < b.g.n_nodes; i++)
        b.nodes[i].sources = 1u << LG_SOURCE_SYSMON;
    for (uint32_t e = 0; e < b.g.n_edges; e++)
        b.edges[e].sources = 1u << LG_SOURCE_SYSMON;
    assert_int_equal(lg_jury_judge(many, &b.g, &v), 0);
    assert_true(v.scores.learned);
    for (uint32_t i = 0; i < b.g.n_nodes; i++) {
        struct lg_scores want, got = v.scores;

        removed[i] = 1;
        assert_int_equal(lg_jury_score(one, &b.g, removed, &want), 0);
        assert_int_equal(lg_jury_rescore(many, &b.g, removed, &got), 0);
        assert_true(same(&want, &got));
        differ += !same(&got, &v.scores);
        removed[i] = 0;
    }
    assert_int_equal(differ, b.g.n_nodes); /* each node had its say */
    lg_jury_free(one);
    lg_jury_free(many);
    lg_model_free(model);
    gb_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_each_removal_counts_for_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

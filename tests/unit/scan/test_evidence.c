/*
 * Does the evidence carry the verdict? On the attack windows of every bundled recording, by the
 * shipped models: see evidence_tally.h. tests/tools/evidence_check.c asks the same of other files.
 */
#include <dirent.h>

#include "lg_test.h"

#include "scan/evidence_tally.h"

static void read_folder(struct et_tally *t, const char *folder)
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
            assert_int_equal(lg_reader_run(path, &opt, et_on_window, t, &stats, &err), 0);
        }
        free(names[i]);
    }
    free(names);
}

static void test_the_first_three_matter_more_than_any_three(void **state)
{
    static const char *const platforms[2] = {"windows", "linux"};
    struct lg_model *m[2];
    struct et_tally t;

    (void)state;
    et_init(&t, 2026);
    t.talk = true;
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
    et_report(&t);
    assert_int_equal(t.silent, 0);
    for (int i = 0; i < 2; i++) {
        assert_true(t.against[i].windows >= 20);
        assert_true(t.against[i].won * 10 >= t.against[i].windows * 9);
        /* single draws: of the same types one of the evidence's own nodes is often among them */
        assert_true(t.against[i].draws_won * 10 >= t.against[i].draws * (i == 0 ? 9 : 8));
    }
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

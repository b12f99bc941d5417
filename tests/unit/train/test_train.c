/* From labelled recordings to a model and back to figures, in small. */
#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lg_test.h"

#include "detect/model.h"
#include "train/train.h"

#define DATA LG_SOURCE_DIR "/tests/data/train"

static char dir[256], dir2[256];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "%s/test-train-XXXXXX", LG_BINARY_DIR);
    (void)snprintf(dir2, sizeof(dir2), "%s/test-train-XXXXXX", LG_BINARY_DIR);
    assert_non_null(mkdtemp(dir));
    assert_non_null(mkdtemp(dir2));
    return 0;
}

static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char name[1024];

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        (void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            assert_int_equal(unlink(name), 0);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(path), 0);
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(dir);
    remove_folder(dir2);
    return 0;
}

static struct lg_train_options options(const char *out)
{
    struct lg_train_options opt;

    lg_train_options_default(&opt);
    opt.data.data_dir = DATA;
    opt.data.split_file = DATA "/tiny.split.tsv";
    opt.cv.seeds = 1;
    opt.cv.epochs = 1;
    opt.cv.baselines = false;
    opt.name = "tiny";
    opt.version = "7";
    opt.out_dir = out;
    return opt;
}

static void trained(const struct lg_train_options *opt)
{
    struct lg_err err = {0, ""};

    if (lg_train_run(opt, &err) != 0)
        fail_msg("%s", err.text);
}

static struct lg_model *loaded(const char *path)
{
    struct lg_model *m = NULL;
    struct lg_err err = {0, ""};

    if (lg_model_load(path, &m, &err) != 0)
        fail_msg("%s", err.text);
    return m;
}

static bool has(struct lg_str s, const char *what)
{
    return lg_str_find(s, lg_str_z(what)) >= 0;
}

static void test_a_model_and_its_figures(void **state)
{
    struct lg_train_options opt = options(dir);
    struct lg_model *m;
    struct lg_str report;
    struct lg_buf out;
    struct lg_err err = {0, ""};
    char path[1024];
    double sum = 0;

    (void)state;
    trained(&opt);
    m = loaded(dir);
    assert_string_equal(m->name, "tiny");
    assert_string_equal(m->version, "7");
    assert_int_equal(m->platform, LG_PLATFORM_WINDOWS);
    assert_int_equal(m->n_gats, 1);
    assert_false(m->experimental);
    assert_true(m->threshold >= 0.5 && m->threshold <= 0.9);
    assert_true(m->calibration_a > 0);
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        sum += m->scale[i].weight;
    assert_true(fabs(sum - 1) < 1e-9);
    /* what it was trained on stands in the manifest: not what no fold holds */
    assert_true(has(lg_str_z(m->training_json), "SchTasksCreation"));
    assert_true(has(lg_str_z(m->training_json), "\"licence\":\"MIT\""));
    assert_false(has(lg_str_z(m->training_json), "dumpert"));
    lg_model_free(m);

    (void)snprintf(path, sizeof(path), "%s/report.md", dir);
    report = read_file(path, 0);
    assert_true(has(report, "6 captures in 2 folds: "));
    assert_true(has(report, "3 windows of captures that no fold holds"));
    assert_true(has(report, "| **jury** |") && has(report, "jury, shipped threshold"));
    assert_false(has(report, "event tokens")); /* no baselines */
    assert_false(has(report, "have no vote"));
    free_file(report);

    lg_buf_init(&out, 1u << 20);
    assert_int_equal(lg_eval_run(&opt.data, dir, &out, &err), 0);
    assert_true(has(lg_buf_str(&out), "| **jury** |"));
    /* three captures with attack windows: eval also counts what no fold holds */
    assert_true(has(lg_buf_str(&out), "| jury, the model's threshold | 3 of 3 |"));
    lg_buf_done(&out);
}

static void test_one_seed_gives_one_model(void **state)
{
    struct lg_train_options opt = options(dir);
    struct lg_model *a, *b;

    (void)state;
    trained(&opt);
    opt.out_dir = dir2;
    opt.cv.threads = 3;
    opt.data.threads = 2;
    trained(&opt);
    a = loaded(dir);
    b = loaded(dir2);
    assert_string_equal(a->sha256, b->sha256);
    lg_model_free(b);
    opt.cv.first_seed = 2;
    trained(&opt);
    b = loaded(dir2);
    assert_string_not_equal(a->sha256, b->sha256);
    lg_model_free(a);
    lg_model_free(b);
}

/* Nothing can be learned: the members must not alert by what is left of the calibration. */
static void test_members_that_learned_nothing_have_no_vote(void **state)
{
    struct lg_train_options opt = options(dir);
    struct lg_model *m;
    struct lg_str report;
    char path[1024];

    (void)state;
    opt.data.split_file = DATA "/void.split.tsv";
    opt.experimental = true;
    trained(&opt);
    m = loaded(dir);
    assert_true(m->experimental);
    for (double z = -100; z <= 100; z += 10) {
        double p = 1 / (1 + exp(-(m->calibration_a * z + m->calibration_b)));

        assert_true(p < 0.1);
    }
    assert_true(m->threshold > 0.85 && m->threshold <= 0.9); /* a strong pattern reaches it */
    lg_model_free(m);
    (void)snprintf(path, sizeof(path), "%s/report.md", dir);
    report = read_file(path, 0);
    assert_true(has(report, "have no vote"));
    free_file(report);
}

static void test_figures_only(void **state)
{
    char path[1024], made[512];
    struct lg_train_options opt;

    (void)state;
    (void)snprintf(made, sizeof(made), "%s/new", dir);
    opt = options(made); /* is made where it does not exist */
    opt.cv.final = false;
    trained(&opt);
    (void)snprintf(path, sizeof(path), "%s/manifest.json", made);
    assert_true(access(path, F_OK) < 0);
    (void)snprintf(path, sizeof(path), "%s/report.md", made);
    assert_int_equal(access(path, F_OK), 0);
    remove_folder(made);
}

static void refused(const struct lg_train_options *opt, int code, const char *says)
{
    struct lg_err err = {0, ""};
    int rc = lg_train_run(opt, &err);

    if (rc != code || strstr(err.text, says) == NULL)
        fail_msg("wanted %d '%s', got %d '%s'", code, says, rc, err.text);
}

static const char *split_text(const char *text)
{
    static char path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/split.tsv", dir2);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void test_what_is_refused(void **state)
{
    struct lg_train_options opt = options(dir);
    struct lg_buf out;
    struct lg_err err = {0, ""};

    (void)state;
    opt.data.split_file = split_text(
            "file\tgroup\tfold\n"
            "../captures/190319-SchTasksCreation-Userland_2022-09-22.ndjson.zst\tg\t0\n");
    refused(&opt, LG_EINVAL, "at least two folds");
    opt.data.split_file = split_text(
            "file\tgroup\tfold\n"
            "../captures/190319-SchTasksCreation-Userland_2022-09-22.ndjson.zst\tg\t0\n"
            "../captures/190319-RunKeysModification-Userland_2022-09-22.ndjson.zst\th\t1\n");
    refused(&opt, LG_EINVAL, "both classes"); /* nothing benign */
    opt = options("/proc/no-such-folder/model");
    refused(&opt, LG_EIO, "/proc/no-such-folder/model");
    lg_buf_init(&out, 1u << 20);
    assert_int_equal(lg_eval_run(&opt.data, dir2, &out, &err), LG_ENOENT);
    assert_non_null(strstr(err.text, "manifest.json"));
    lg_buf_done(&out);
}

static void test_out_of_memory_in_the_caller(void **state)
{
    struct lg_train_options opt = options(dir);
    unsigned failures = 0;
    bool whole = false;

    (void)state;
    opt.data.split_file = DATA "/void.split.tsv"; /* small */
    for (uint64_t n = 1; !whole && n < 100000; n += 1 + n / 8) {
        struct lg_err err = {0, ""};
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_train_run(&opt, &err);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        if (!whole && (rc != LG_ENOMEM || err.text[0] == '\0'))
            fail_msg("allocation %llu: %d %s", (unsigned long long)n, rc, err.text);
        failures += !whole;
    }
    assert_true(whole && failures > 20);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_a_model_and_its_figures),
            T(test_one_seed_gives_one_model),
            T(test_members_that_learned_nothing_have_no_vote),
            T(test_figures_only),
            T(test_what_is_refused),
            T(test_out_of_memory_in_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

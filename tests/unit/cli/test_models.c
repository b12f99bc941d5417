/* Which models a command takes: those named, else those beside the program or in $LOGSTER_MODELS. */
#include "detect/model_builder.h"

#include "cli/models.h"

static char root[512], windows[600], lin[600];

static int setup(void **state)
{
    struct lg_err err = {0, ""};

    (void)state;
    mb_dir(root);
    (void)snprintf(windows, sizeof(windows), "%s/windows", root);
    (void)snprintf(lin, sizeof(lin), "%s/linux", root);
    for (int p = 0; p < 2; p++) {
        struct lg_model *m = mb_new((enum lg_platform)p, 1);

        assert_int_equal(lg_model_save(m, p == 0 ? windows : lin, &err), 0);
        lg_model_free(m);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("LOGSTER_MODELS"), 0);
    mb_dir_remove(windows);
    mb_dir_remove(lin);
    assert_int_equal(rmdir(root), 0);
    return 0;
}

static int load(const char *const *dirs, uint32_t n, struct lg_model *m[2], struct lg_err *err)
{
    m[0] = m[1] = NULL;
    err->text[0] = '\0';
    return lg_models_load(dirs, n, NULL, m, err);
}

static void done(struct lg_model *m[2])
{
    lg_model_free(m[0]);
    lg_model_free(m[1]);
}

static void test_named_folders(void **state)
{
    const char *both[] = {lin, windows}, *one[] = {windows}, *twice[] = {windows, windows};
    const char *bad[] = {windows, "/no/such/model"};
    struct lg_model *m[2];
    struct lg_err err;

    (void)state;
    assert_int_equal(load(both, 2, m, &err), 0);
    assert_true(m[0]->platform == LG_PLATFORM_WINDOWS && m[1]->platform == LG_PLATFORM_LINUX);
    done(m);
    assert_int_equal(load(one, 1, m, &err), 0);
    assert_true(m[0] != NULL && m[1] == NULL); /* nothing shipped is mixed in */
    done(m);
    assert_int_equal(load(twice, 2, m, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "second model"));
    done(m);
    assert_int_equal(load(bad, 2, m, &err), LG_ENOENT);
    done(m);
}

static void test_the_environment_names_the_shipped_ones(void **state)
{
    struct lg_model *m[2];
    struct lg_err err;
    char aside[1200];

    (void)state;
    assert_int_equal(setenv("LOGSTER_MODELS", root, 1), 0);
    assert_int_equal(load(NULL, 0, m, &err), 0);
    assert_true(m[0] != NULL && m[1] != NULL);
    done(m);
    /* a platform that has none stays without */
    (void)snprintf(aside, sizeof(aside), "%s-aside", lin);
    assert_int_equal(rename(lin, aside), 0);
    assert_int_equal(load(NULL, 0, m, &err), 0);
    assert_true(m[0] != NULL && m[1] == NULL);
    done(m);
    assert_int_equal(rename(aside, lin), 0);
    /* one that does not load is an error, not an absence */
    assert_int_equal(truncate(mb_path(lin, "manifest.json"), 10), 0);
    assert_int_equal(load(NULL, 0, m, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "manifest"));
    done(m);
    assert_int_equal(setenv("LOGSTER_MODELS", "/no/such/folder", 1), 0);
    assert_int_equal(load(NULL, 0, m, &err), LG_ENOENT);
    assert_non_null(strstr(err.text, "--model"));
    done(m);
}

/* In the source tree, as after an installation, they stand beside the program. */
static void test_beside_the_program(void **state)
{
    struct lg_model *m[2];
    struct lg_err err;

    (void)state;
    assert_int_equal(setenv("LOGSTER_MODELS", "", 1), 0); /* empty is as good as none */
    if (load(NULL, 0, m, &err) == 0)
        assert_true(m[0] != NULL || m[1] != NULL);
    else
        assert_non_null(strstr(err.text, "--model"));
    done(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_named_folders, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    test_the_environment_names_the_shipped_ones, setup, teardown),
            cmocka_unit_test_setup_teardown(test_beside_the_program, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

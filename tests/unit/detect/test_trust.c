/* Signatures of models: whose count, and what takes them away. */
#include "detect/model_builder.h"

#include "detect/trust.h"

static char dir[512];
static struct lg_sign_key anna, bob;

static int setup(void **state)
{
    (void)state;
    mb_saved(dir, LG_PLATFORM_LINUX, 1);
    lg_sign_make(&anna);
    lg_sign_make(&bob);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mb_dir_remove(dir);
    return 0;
}

static void sign(const struct lg_sign_key *key)
{
    struct lg_model *m = mb_loaded(dir);
    struct lg_err err = {0, ""};

    assert_int_equal(lg_model_sign(m, dir, key, &err), 0);
    lg_model_free(m);
}

/* What is said where `keys` are trusted; the signer's id must be that of `who`. */
static void trusted(const struct lg_sign_public *keys, size_t n, enum lg_model_trust want,
        const struct lg_sign_key *who)
{
    struct lg_model *m = mb_loaded(dir);
    struct lg_err err = {0, ""};
    char id[LG_SIGN_ID_TEXT + 1] = "";

    assert_int_equal(lg_model_check(m, dir, keys, n, &err), 0);
    if (who != NULL)
        lg_sign_id(&who->pub, id);
    assert_string_equal(lg_model_trust_name(m->trust), lg_model_trust_name(want));
    assert_string_equal(m->signer, id);
    lg_model_free(m);
}

static void put_signatures(struct lg_str bytes)
{
    struct lg_err err = {0, ""};

    assert_int_equal(lg_file_write(mb_path(dir, LG_TRUST_FILE), bytes, &err), 0);
}

static void only_trusted_keys_count(void **state)
{
    const struct lg_sign_public both[] = {anna.pub, bob.pub};

    (void)state;
    trusted(NULL, 0, LG_MODEL_NOT_CHECKED, NULL);
    trusted(both, 2, LG_MODEL_UNSIGNED, NULL);
    sign(&bob);
    trusted(NULL, 0, LG_MODEL_NOT_CHECKED, NULL);
    trusted(&anna.pub, 1, LG_MODEL_INVALID, NULL);
    trusted(&bob.pub, 1, LG_MODEL_VALID, &bob);
    trusted(both, 2, LG_MODEL_VALID, &bob);
    sign(&anna); /* a second signature leaves the first */
    trusted(&bob.pub, 1, LG_MODEL_VALID, &bob);
    trusted(both, 2, LG_MODEL_VALID, &anna);
}

static void signing_again_changes_nothing(void **state)
{
    struct lg_str first, again;

    (void)state;
    sign(&anna);
    first = read_file(mb_path(dir, LG_TRUST_FILE), 1);
    sign(&anna);
    again = read_file(mb_path(dir, LG_TRUST_FILE), 1);
    assert_true(lg_str_eq(first, again));
    free_file(first);
    free_file(again);
}

/* Another manifest of the same folder, as whoever may write there could make one. */
static void a_changed_model_is_not_the_signed_one(void **state)
{
    struct lg_err err = {0, ""};
    struct lg_str text;
    char *changed;

    (void)state;
    sign(&anna);
    text = read_file(mb_path(dir, "manifest.json"), 1);
    changed = mb_replace(text.p, "\"folds\":3", "\"folds\":4");
    assert_non_null(changed);
    assert_int_equal(lg_file_write(mb_path(dir, "manifest.json"), lg_str_z(changed), &err), 0);
    trusted(&anna.pub, 1, LG_MODEL_INVALID, NULL);
    free(changed);
    free_file(text);
}

static void a_new_model_has_no_old_signatures(void **state)
{
    struct lg_model *m;
    struct lg_err err = {0, ""};

    (void)state;
    sign(&anna);
    m = mb_new(LG_PLATFORM_LINUX, 2);
    assert_int_equal(lg_model_save(m, dir, &err), 0);
    lg_model_free(m);
    trusted(&anna.pub, 1, LG_MODEL_UNSIGNED, NULL);
}

static void any_bytes_are_no_signature(void **state)
{
    static const char *const texts[] = {"x", "\n\n", "lgs1 ", "lgs1 0123456789abcdef AAAA\n",
            "lgs2 0123456789abcdef AAAA\n", "lgs1 short AAAA\n"};
    struct lg_str good;
    char *bent;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        put_signatures(lg_str_z(texts[i]));
        trusted(&anna.pub, 1, LG_MODEL_INVALID, NULL);
    }
    put_signatures(LG_STR(""));
    trusted(&anna.pub, 1, LG_MODEL_UNSIGNED, NULL);
    sign(&anna);
    good = read_file(mb_path(dir, LG_TRUST_FILE), 1);
    bent = (char *)lg_memdup(good.p, good.n + 1);
    assert_non_null(bent);
    for (size_t i = 0; i + 1 < good.n; i++) { /* one bit of it anywhere */
        bent[i] ^= 1;
        put_signatures(lg_str_of(bent, good.n));
        trusted(&anna.pub, 1, LG_MODEL_INVALID, NULL);
        bent[i] ^= 1;
    }
    lg_free(bent);
    free_file(good);
}

static void too_much_is_told(void **state)
{
    struct lg_model *m = mb_loaded(dir);
    struct lg_err err = {0, ""};
    char *much = (char *)lg_calloc(1, 100000);

    (void)state;
    assert_non_null(much);
    put_signatures(lg_str_of(much, 100000));
    assert_int_equal(lg_model_check(m, dir, &anna.pub, 1, &err), LG_ELIMIT);
    assert_int_equal(lg_model_sign(m, dir, &anna, &err), LG_ELIMIT);
    lg_free(much);
    lg_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(only_trusted_keys_count, setup, teardown),
            cmocka_unit_test_setup_teardown(signing_again_changes_nothing, setup, teardown),
            cmocka_unit_test_setup_teardown(a_changed_model_is_not_the_signed_one, setup, teardown),
            cmocka_unit_test_setup_teardown(a_new_model_has_no_old_signatures, setup, teardown),
            cmocka_unit_test_setup_teardown(any_bytes_are_no_signature, setup, teardown),
            cmocka_unit_test_setup_teardown(too_much_is_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "lg_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sign.h"

static char dir[] = "/tmp/lg-sign-XXXXXX";
static char path[64], path2[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    (void)snprintf(path2, sizeof(path2), "%s/key.pub", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(path2);
    return rmdir(dir);
}

static void test_sign_and_verify(void **state)
{
    struct lg_sign_key key, other;
    struct lg_signature sig;

    (void)state;
    lg_sign_make(&key);
    lg_sign_make(&other);
    lg_sign(&key, LG_STR("model/1"), LG_STR("a manifest"), &sig);
    assert_true(lg_sign_verify(&key.pub, LG_STR("model/1"), LG_STR("a manifest"), &sig));
    assert_false(lg_sign_verify(&key.pub, LG_STR("model/2"), LG_STR("a manifest"), &sig));
    assert_false(lg_sign_verify(&key.pub, LG_STR("model/1"), LG_STR("a manifesT"), &sig));
    assert_false(lg_sign_verify(&key.pub, LG_STR("model/1a"), LG_STR(" manifest"), &sig));
    assert_false(lg_sign_verify(&other.pub, LG_STR("model/1"), LG_STR("a manifest"), &sig));
    for (int i = 0; i < LG_SIGN_BYTES; i++) {
        sig.b[i] ^= 1;
        assert_false(lg_sign_verify(&key.pub, LG_STR("model/1"), LG_STR("a manifest"), &sig));
        sig.b[i] ^= 1;
    }
    lg_sign_wipe(&key);
    assert_int_equal(key.secret[0] | key.secret[31] | key.secret[63], 0);
}

static void test_files(void **state)
{
    struct lg_sign_key key, back;
    struct lg_sign_public pub;
    struct lg_signature sig;
    struct lg_err err;
    struct stat st;
    char a[LG_SIGN_ID_TEXT + 1], b[LG_SIGN_ID_TEXT + 1];

    (void)state;
    lg_sign_make(&key);
    assert_int_equal(lg_sign_key_load(path, &back, &err), LG_ENOENT);
    assert_int_equal(lg_sign_key_save(&key, path, &err), 0);
    assert_int_equal(lg_sign_public_save(&key.pub, path2, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(lg_sign_key_save(&key, path, &err), LG_EEXIST);

    assert_int_equal(lg_sign_key_load(path, &back, &err), 0);
    assert_memory_equal(&back, &key, sizeof(key));
    assert_int_equal(lg_sign_public_load(path2, &pub, &err), 0);
    lg_sign(&back, LG_STR("d"), LG_STR("m"), &sig);
    assert_true(lg_sign_verify(&pub, LG_STR("d"), LG_STR("m"), &sig));
    lg_sign_id(&pub, a);
    lg_sign_id(&key.pub, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), LG_SIGN_ID_TEXT);

    assert_int_equal(lg_sign_key_load(path2, &back, &err), LG_EREFUSED); /* 0644 */
    assert_int_equal(lg_sign_public_load(path, &pub, &err), LG_EPARSE);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(lg_sign_key_load(path, &back, &err), LG_EREFUSED);
    assert_non_null(strstr(err.text, "0600"));
}

static void test_bad_files(void **state)
{
    static const char *const bad[] = {"", "\n", "lgk1-public \n", "lgk1-public AAAA\n",
            "lgk1-public AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "lgk1-public AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nx",
            "lgk2-public AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"};
    struct lg_sign_public pub;
    struct lg_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        FILE *f = fopen(path2, "wb");

        assert_non_null(f);
        (void)fputs(bad[i], f);
        (void)fclose(f);
        assert_int_equal(lg_sign_public_load(path2, &pub, &err), LG_EPARSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_sign_and_verify),
            cmocka_unit_test(test_files),
            cmocka_unit_test(test_bad_files),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Values that models rest on, errors, and the logarithm. */
#include "cm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/math.h"

/* From xxhsum -H3 and XXH3's own test program: a library that answers otherwise breaks models. */
static void test_pinned(void **state)
{
    char many[300];

    (void)state;
    assert_true(lg_hash_str(LG_STR(""), 0) == 0x2d06800538d394c2u);
    assert_true(lg_hash64(NULL, 0, 0) == 0x2d06800538d394c2u);
    assert_true(lg_hash_str(LG_STR("a"), 0) == 0xe6c632b61e964e1fu);
    assert_true(lg_hash_str(LG_STR("abc"), 0) == 0x78af5f94892f3950u);
    assert_true(lg_hash_str(LG_STR("a"), 1) != lg_hash_str(LG_STR("a"), 0));
    memset(many, 'x', sizeof(many));
    assert_true(lg_hash64(many, 300, 7) != lg_hash64(many, 299, 7));
    assert_true(lg_hash_mix(1, 2) != lg_hash_mix(2, 1));
    assert_true(lg_hash_secret() == lg_hash_secret());
}

static void test_errors(void **state)
{
    struct lg_err err;

    (void)state;
    assert_string_equal(lg_err_name(LG_EPARSE), "parse_error");
    assert_string_equal(lg_err_name(0), "ok");
    assert_string_equal(lg_err_name(-999), "unknown");
    assert_string_equal(lg_err_name(5), "unknown");
    assert_int_equal(lg_err_set(&err, LG_EIO, "%s: %d", "file", 3), LG_EIO);
    assert_int_equal(err.code, LG_EIO);
    assert_string_equal(err.text, "file: 3");
    assert_int_equal(lg_err_set(NULL, LG_ENOMEM, "x"), LG_ENOMEM);
    (void)lg_err_set(&err, LG_EIO, "%01000d", 1);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_log(void **state)
{
    (void)state;
    for (double x = 1e-300; x < 1e300; x *= 1.0371) {
        assert_true(fabs(lg_math_log(x) - log(x)) <= 2e-15 * fabs(log(x)) + 1e-17);
        assert_true(fabs(lg_math_log1p(x) - log1p(x)) <= 2e-15 * fabs(log1p(x)));
    }
    assert_true(lg_math_log(1) == 0);
    assert_true(lg_math_log1p(0) == 0);
    assert_true(fabs(lg_math_log1p(-0.9) - log1p(-0.9)) < 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_pinned),
            cmocka_unit_test(test_errors),
            cmocka_unit_test(test_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

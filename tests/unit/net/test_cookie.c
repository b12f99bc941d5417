#include "lg_test.h"

#include "net/cookie.h"

static int get(const char *header, struct lg_str *ret)
{
    *ret = LG_STR("");
    return lg_cookie_get(lg_str_z(header), LG_STR("s"), ret);
}

#define assert_cookie(header, want)                                                                \
    do {                                                                                           \
        struct lg_str v_;                                                                          \
        assert_int_equal(get((header), &v_), 0);                                                   \
        assert_int_equal(v_.n, strlen(want));                                                      \
        assert_memory_equal(v_.p, (want), v_.n);                                                   \
    } while (0)

static void test_finds(void **state)
{
    (void)state;
    assert_cookie("s=1", "1");
    assert_cookie("a=b; s=x=y; c=d", "x=y");
    assert_cookie("a=b;s = \"quoted\" ;c", "quoted");
    assert_cookie("s=", "");
    assert_cookie(";;s=\";", "\"");
}

static void test_refuses(void **state)
{
    struct lg_str v;

    (void)state;
    assert_int_equal(get("", &v), LG_ENOENT);
    assert_int_equal(get("s", &v), LG_ENOENT);
    assert_int_equal(get("S=1; ss=2; xs=3", &v), LG_ENOENT);
    assert_int_equal(get("s=1; s=1", &v), LG_EPARSE);
    assert_int_equal(get("s=1; a=2; s=", &v), LG_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_finds),
            cmocka_unit_test(test_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

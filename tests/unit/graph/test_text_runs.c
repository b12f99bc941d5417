/* The first long run of base64, against looking at every run in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "graph/text.h"

static bool digit64(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
            c == '/';
}

static ptrdiff_t plain(const char *s, size_t n, size_t min, size_t *ret_n)
{
    for (size_t i = 0, j; i < n; i = j + 1) {
        size_t up = 0, low = 0, num = 0, slash = 0;

        for (j = i; j < n && digit64(s[j]); j++) {
            up += s[j] >= 'A' && s[j] <= 'Z';
            low += s[j] >= 'a' && s[j] <= 'z';
            num += (s[j] >= '0' && s[j] <= '9') || s[j] == '+';
            slash += s[j] == '/';
        }
        if (j - i >= min && up > 0 && low > 0 && num > 0 && slash * 12 < j - i) {
            while (j < n && s[j] == '=')
                j++;
            *ret_n = j - i;
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static void test_the_first_run(void **state)
{
    static const char letters[] = "abcXYZ019+/= .";
    uint64_t x = 88172645463325252u;
    uint32_t found = 0, missing = 0;

    (void)state;
    for (uint32_t round = 0; round < 60000; round++) {
        char s[80];
        size_t n = 0, n_got = 0, n_want = 0, min = 1 + round % 9;
        ptrdiff_t got, want;

        for (; n < sizeof(s) && n < round % 81; n++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            s[n] = letters[x % (round % 3 == 0 ? 11 : sizeof(letters) - 1)];
        }
        got = lg_text_base64_run(lg_str_of(s, n), min, &n_got);
        want = plain(s, n, min, &n_want);
        assert_int_equal(got, want);
        assert_int_equal(n_got, n_want);
        found += got >= 0;
        missing += got < 0;
    }
    assert_true(found > 10000 && missing > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_first_run)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

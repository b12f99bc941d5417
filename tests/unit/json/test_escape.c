/* Quotes and backslashes at any density, against escaping byte by byte; ends of allocations near. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "json/write.h"

static void test_any_density(void **state)
{
    static const char letters[] = "\"\\ab\tcdefghij";
    uint64_t x = 88172645463325252u;
    struct lg_buf got;

    (void)state;
    lg_buf_init(&got, 1 << 20);
    for (uint32_t round = 0; round < 20000; round++) {
        size_t n = round % 131, w = 0;
        uint32_t kinds = 2 + round % (sizeof(letters) - 2);
        char *s = lg_malloc(n + 1), want[2 * 131 + 2]; /* of the exact size: ASan sees overreads */

        assert_non_null(s);
        for (size_t i = 0; i < n; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            s[i] = letters[x % kinds];
            if (s[i] == '\t' && round % 3 != 0)
                s[i] = 'z';
            if (s[i] == '"' || s[i] == '\\' || s[i] == '\t')
                want[w++] = '\\';
            want[w++] = s[i] == '\t' ? 't' : s[i];
        }
        lg_buf_clear(&got);
        lg_buf_addc(&got, '#');
        lg_json_escape(&got, lg_str_of(s, n));
        assert_int_equal(got.failed, 0);
        assert_int_equal(got.n, w + 1);
        assert_memory_equal(got.p + 1, want, w);
        lg_free(s);
    }
    lg_buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_density)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

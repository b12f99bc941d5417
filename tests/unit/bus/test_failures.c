/* What the bus does when the disk, the process or its memory fails. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bus_test.h"

static struct bus_test bt;
static int raw;

static int setup(void **state)
{
    (void)state;
    bt_init(&bt);
    raw = bt_topic(&bt, "raw", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bt_done(&bt);
    return 0;
}

/* The largest file of a folder with this ending. */
static void largest(const char *dir, const char *ending, char ret[512])
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];
    off_t best = -1;
    struct stat st;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        bt_join(path, dir, e->d_name);
        if (lg_str_ends(lg_str_z(e->d_name), lg_str_z(ending)) && stat(path, &st) == 0 &&
                st.st_size > best) {
            best = st.st_size;
            memcpy(ret, path, sizeof(path));
        }
    }
    (void)closedir(d);
    assert_true(best > 0);
}

static void publish_random(int records, size_t bytes, unsigned flags)
{
    static char value[70000];
    static uint64_t rnd = 5;

    for (int i = 0; i < records; i++) {
        struct lg_bus_output out = bt_out(raw, i % 2, "", "");

        for (size_t k = 0; k < bytes; k++)
            value[k] = (char)next_random(&rnd);
        out.rec.value = lg_str_of(value, bytes);
        assert_int_equal(lg_bus_publish(bt.bus, &out, 1, flags, NULL), 0);
    }
}

/* The end of the log of writes is cut off: how much is lost is told, and no offset comes twice. */
static void test_cut_tail(void **state)
{
    char path[512];
    struct stat st;
    int64_t begin, end;
    struct lg_bus_batch *b;

    (void)state;
    publish_random(8, 1000, LG_BUS_DURABLE);
    publish_random(2, 1000, 0);
    lg_bus_close(bt.bus);
    largest(bt.path, ".log", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 5000), 0);
    bt_open(&bt);
    assert_true(bt.events[LG_BUS_CUT_TAIL] >= 1);
    assert_int_equal(bt.sums[LG_BUS_CUT_TAIL] + bt.sums[LG_BUS_LOST_UNSYNCED], 5);
    assert_int_equal(bt.sums[LG_BUS_LOST_UNSYNCED], 2);
    for (int32_t p = 0; p < 2; p++) {
        assert_int_equal(lg_bus_offsets(bt.bus, raw, p, &begin, &end), 0);
        assert_int_equal(end, 5);
    }
    bt_publish(&bt, raw, 0, "", "after", LG_BUS_DURABLE);
    assert_int_equal(lg_bus_read(bt.bus, raw, 0, 4, 1, &b, NULL), 1);
    assert_int_equal(b->records[0].offset, 5); /* over the hole */
    assert_str(b->records[0].value, "after");
    lg_bus_batch_free(b);
    assert_int_equal(lg_bus_read(bt.bus, raw, 1, 4, 1, &b, NULL), 0);
    atomic_store(&bt.events[LG_BUS_CUT_TAIL], 0); /* it is told once */
    bt_reopen(&bt);
    assert_int_equal(bt.events[LG_BUS_CUT_TAIL], 0);
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 0, &begin, &end), 0);
    assert_int_equal(end, 6);
}

/* Bits that turned over on the disk cost the records around them, and are counted. */
static void test_corrupt_block(void **state)
{
    uint8_t byte;
    char path[512];
    struct lg_bus_batch *b;
    uint64_t records = 0, gap = 0;
    struct stat st;
    int fd;

    (void)state;
    publish_random(20, 20000, 0);
    bt_reopen(&bt); /* recovery moves the log of writes into a table */
    lg_bus_close(bt.bus);
    largest(bt.path, ".sst", path);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pread(fd, &byte, 1, st.st_size / 2), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 2), 1);
    (void)close(fd);
    bt_open(&bt);
    for (int32_t p = 0; p < 2; p++) {
        int64_t at = 0;

        while (lg_bus_read(bt.bus, raw, p, at, 1, &b, NULL) == 1) {
            records += b->n;
            gap += b->gap;
            at = b->next_offset;
            lg_bus_batch_free(b);
        }
        assert_int_equal(at, 10);
    }
    assert_int_equal(gap, 1);
    assert_int_equal(records, 19);
    assert_int_equal(bt.events[LG_BUS_CORRUPT_BLOCK], 1);
    assert_int_equal(bt.sums[LG_BUS_CORRUPT_BLOCK], 1);
}

/* Half of the end markers are noise: the log is as good as before. */
static void test_corrupt_marks(void **state)
{
    char path[512];
    int64_t begin, end;
    int fd;

    (void)state;
    publish_random(4, 100, LG_BUS_DURABLE);
    lg_bus_close(bt.bus);
    bt_join(path, bt.path, "end-markers");
    fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "noise", 5, 10), 5);
    (void)close(fd);
    bt_open(&bt);
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 0, &begin, &end), 0);
    assert_int_equal(end, 2);
    assert_int_equal(bt.events[LG_BUS_CUT_TAIL], 0);
}

struct lost {
    struct lg_bus_consumer *c;
    int assigned, lost;
    int64_t offset;
};

static void on_assigned(void *user, const struct lg_bus_offset *parts, size_t n)
{
    struct lost *l = (struct lost *)user;

    l->assigned += (int)n;
    l->offset = parts[0].offset;
}

static void on_revoked(void *user, const struct lg_bus_offset *parts, size_t n, bool lost)
{
    (void)parts;
    if (lost)
        ((struct lost *)user)->lost += (int)n;
}

/* A write fails: nobody is told that it worked, the bus closes and comes back by itself, and
 * consumers start from what is committed. */
static void test_reopen(void **state)
{
    struct lost l = {.c = NULL};
    const struct lg_bus_consumer_options copt = {.group = LG_STR("g"),
            .topics = &raw,
            .n_topics = 1,
            .assigned = on_assigned,
            .revoked = on_revoked,
            .user = &l};
    struct lg_bus_output out = bt_out(raw, 0, "", "");
    struct lg_bus_offset at = {raw, 0, 2};
    struct rlimit old, small = {.rlim_cur = 1000000};
    static char value[2000000];
    struct lg_bus_stats st;
    struct lg_bus_batch *b = NULL;
    uint64_t rnd = 1;
    int64_t begin, end;
    int rc;

    (void)state;
    for (int i = 0; i < 5; i++)
        bt_publish(&bt, raw, 0, "", "before", LG_BUS_DURABLE);
    assert_int_equal(lg_bus_consumer_new(bt.bus, &copt, &l.c, NULL), 0);
    b = bt_poll(l.c);
    assert_int_equal(b->n, 5);
    lg_bus_batch_free(b);
    assert_int_equal(lg_bus_publish_and_commit(l.c, NULL, 0, &at, 1, 0, NULL), 0);

    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (char)next_random(&rnd);
    out.rec.value = lg_str_of(value, sizeof(value));
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rc = lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(lg_bus_may_retry(rc));
    assert_int_equal(bt.events[LG_BUS_FAILED], 1);
    out.rec.value.n = 10;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, NULL), LG_EAGAIN);
    assert_int_equal(lg_bus_read(bt.bus, raw, 0, 0, 1, &b, NULL), LG_EAGAIN);
    assert_int_equal(lg_bus_poll(l.c, 0, &b, NULL), LG_EAGAIN);
    lg_bus_stats_get(bt.bus, &st);
    assert_true(st.failed);

    assert_int_equal(lg_bus_maintain(bt.bus), 0);
    assert_int_equal(bt.events[LG_BUS_REOPENED], 1);
    assert_int_equal(bt.events[LG_BUS_CUT_TAIL], 0);
    at.offset = 5; /* the assignment is gone with the failure */
    assert_int_equal(lg_bus_publish_and_commit(l.c, NULL, 0, &at, 1, 0, NULL), LG_EREFUSED);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL), 0);
    b = bt_poll(l.c);
    assert_int_equal(l.lost, 2);
    assert_int_equal(l.assigned, 4);
    assert_int_equal(b->records[0].offset, 2);
    assert_true(b->n >= 4);
    lg_bus_batch_free(b);
    lg_bus_consumer_close(l.c);
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 0, &begin, &end), 0);
    assert_true(end >= 6);
    lg_bus_stats_get(bt.bus, &st);
    assert_false(st.failed);
}

/* A process that publishes and says on standard output what was acknowledged, until it is killed. */
static int publish_until_killed(const char *path)
{
    struct lg_bus_embedded_options opt = {.path = path};
    const struct lg_bus_topic_spec spec = {.name = "raw", .partitions = 2};
    struct lg_bus *bus;
    struct lg_err err;
    int seq = 0;

    if (lg_bus_open_embedded(&opt, &bus, &err) < 0)
        return 1;
    for (int t = lg_bus_topic_ensure(bus, &spec, &err); t >= 0;) {
        char value[16];
        struct lg_bus_output out;

        (void)snprintf(value, sizeof(value), "%d", seq);
        out = bt_out(t, 0, "", value);
        if (lg_bus_publish(bus, &out, 1, LG_BUS_DURABLE, &err) < 0)
            break;
        seq++;
        if (write(STDOUT_FILENO, &seq, sizeof(seq)) != (ssize_t)sizeof(seq))
            break;
    }
    return 1;
}

static void test_kill_9(void **state)
{
    int pipes[2], acknowledged = 0, status;
    int64_t begin, end, at = 0;
    struct lg_bus_batch *b;
    pid_t child;

    (void)state;
    lg_bus_close(bt.bus);
    bt.bus = NULL;
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* a new image: RocksDB's threads do not live through a fork */
        char self[] = "/proc/self/exe", what[] = "--publish";
        char *const argv[] = {self, what, bt.path, NULL};

        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)execv(self, argv);
        _exit(1);
    }
    (void)close(pipes[1]);
    while (acknowledged < 30)
        assert_int_equal(read(pipes[0], &acknowledged, sizeof(acknowledged)), sizeof(acknowledged));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    while (read(pipes[0], &acknowledged, sizeof(acknowledged)) == (ssize_t)sizeof(acknowledged))
        ;
    (void)close(pipes[0]);
    bt_open(&bt);
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 0, &begin, &end), 0);
    assert_true(end == acknowledged || end == acknowledged + 1);
    while (lg_bus_read(bt.bus, raw, 0, at, 1 << 20, &b, NULL) == 1) {
        for (size_t i = 0; i < b->n; i++) {
            int64_t n = -1;

            assert_int_equal(lg_parse_i64(b->records[i].value, &n), 0);
            assert_int_equal(n, b->records[i].offset);
        }
        at = b->next_offset;
        lg_bus_batch_free(b);
    }
    assert_int_equal(at, end);
    assert_int_equal(bt.events[LG_BUS_CUT_TAIL], 0);
}

/* Every allocation may fail: an error, no leak, and the bus works as before. */
static void test_memory(void **state)
{
    struct lg_bus_header h[] = {{LG_STR("a"), LG_STR("1")}, {LG_STR("b"), LG_STR("2")}};
    struct lg_bus_output out = bt_out(raw, 0, "key", "value");
    int64_t begin, end, before = 0;
    bool done = false;

    (void)state;
    out.rec.headers = h;
    out.rec.n_headers = 2;
    for (uint64_t n = 1; !done; n++) {
        struct lg_bus_consumer_options copt = {
                .group = LG_STR("g"), .topics = &raw, .n_topics = 1, .max_batch_bytes = 1};
        struct lg_bus_consumer *c = NULL;
        struct lg_bus_batch *b = NULL;
        int rc;

        assert_true(n < 200);
        (void)lg_mem_fail_from(n);
        rc = lg_bus_publish(bt.bus, &out, 1, 0, NULL);
        if (rc == 0)
            rc = lg_bus_consumer_new(bt.bus, &copt, &c, NULL);
        if (rc == 0)
            rc = lg_bus_poll(c, 0, &b, NULL);
        if (rc == 0)
            rc = lg_bus_poll(c, 0, &b, NULL);
        done = rc == 1;
        if (done)
            lg_bus_batch_free(b);
        else if (rc != 0)
            assert_int_equal(rc, LG_ENOMEM);
        lg_bus_consumer_close(c);
        (void)lg_mem_fail_from(0);
        assert_int_equal(lg_bus_offsets(bt.bus, raw, 0, &begin, &end), 0);
        assert_true(end == before || end == before + 1);
        before = end;
    }
    for (uint64_t n = 1;; n++) { /* opening */
        struct lg_err err = {0};
        int rc;

        lg_bus_close(bt.bus);
        bt.bus = NULL;
        (void)lg_mem_fail_from(n);
        rc = lg_bus_open_embedded(&bt.opt, &bt.bus, &err);
        (void)lg_mem_fail_from(0);
        if (rc == 0)
            break;
        assert_int_equal(rc, LG_ENOMEM);
        assert_true(n < 200);
    }
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 0, &begin, &end), 0);
    assert_int_equal(end, before);
}

int main(int argc, char **argv)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_cut_tail),
            T(test_corrupt_block),
            T(test_corrupt_marks),
            T(test_reopen),
            T(test_kill_9),
            T(test_memory),
    };

    if (argc == 3 && strcmp(argv[1], "--publish") == 0)
        return publish_until_killed(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#ifndef LG_TESTS_BUS_TEST_H
#define LG_TESTS_BUS_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/bus.h"
#include "lg_test.h"

/* A bus in a folder of its own, with a clock, a disk and a list of events that the test holds. */
struct bus_test {
    char dir[64];
    char path[512];
    struct lg_bus *bus;
    struct lg_bus_embedded_options opt;
    _Atomic int64_t now;
    _Atomic uint64_t free_bytes;
    _Atomic int events[LG_BUS_EVENT_KINDS];
    _Atomic uint64_t sums[LG_BUS_EVENT_KINDS];
};

static inline void bt_join(char out[512], const char *dir, const char *name)
{
    assert_true((size_t)snprintf(out, 512, "%s/%s", dir, name) < 512);
}

static inline lg_time bt_now(void *user)
{
    return atomic_load(&((struct bus_test *)user)->now);
}

static inline uint64_t bt_free(void *user, const char *path)
{
    (void)path;
    return atomic_load(&((struct bus_test *)user)->free_bytes);
}

static inline void bt_event(void *user, const struct lg_bus_event *ev)
{
    struct bus_test *bt = (struct bus_test *)user;

    (void)atomic_fetch_add(&bt->events[ev->kind], 1);
    (void)atomic_fetch_add(&bt->sums[ev->kind], ev->n);
}

static inline void bt_open(struct bus_test *bt)
{
    struct lg_err err = {0};

    if (lg_bus_open_embedded(&bt->opt, &bt->bus, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void bt_init(struct bus_test *bt)
{
    memset(bt, 0, sizeof(*bt));
    (void)snprintf(bt->dir, sizeof(bt->dir), "lg-bus-XXXXXX");
    assert_non_null(mkdtemp(bt->dir));
    bt_join(bt->path, bt->dir, "bus");
    atomic_store(&bt->now, INT64_C(1700000000) * LG_NS_PER_SEC);
    atomic_store(&bt->free_bytes, UINT64_C(1) << 40);
    bt->opt = (struct lg_bus_embedded_options){.path = bt->path,
            .maintain_ms = UINT32_MAX,
            .now = bt_now,
            .free_bytes = bt_free,
            .on_event = bt_event,
            .user = bt};
    bt_open(bt);
}

static inline void bt_remove(const char *path)
{
    char child[512];
    DIR *d = opendir(path);
    struct dirent *e;

    if (d == NULL) {
        (void)unlink(path);
        return;
    }
    while ((e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            bt_join(child, path, e->d_name);
            bt_remove(child);
        }
    (void)closedir(d);
    (void)rmdir(path);
}

static inline void bt_reopen(struct bus_test *bt)
{
    lg_bus_close(bt->bus);
    bt->bus = NULL;
    bt_open(bt);
}

static inline void bt_done(struct bus_test *bt)
{
    lg_bus_close(bt->bus);
    bt_remove(bt->dir);
}

static inline int bt_topic(struct bus_test *bt, const char *name, int32_t partitions)
{
    const struct lg_bus_topic_spec spec = {.name = name, .partitions = partitions};
    struct lg_err err = {0};
    int rc = lg_bus_topic_ensure(bt->bus, &spec, &err);

    if (rc < 0)
        fail_msg("%s", err.text);
    return rc;
}

static inline struct lg_bus_output bt_out(
        int topic, int32_t partition, const char *key, const char *value)
{
    return (struct lg_bus_output){
            topic, partition, {.key = lg_str_z(key), .value = lg_str_of(value, strlen(value))}};
}

static inline void bt_publish(struct bus_test *bt, int topic, int32_t partition, const char *key,
        const char *value, unsigned flags)
{
    const struct lg_bus_output out = bt_out(topic, partition, key, value);
    struct lg_err err = {0};

    if (lg_bus_publish(bt->bus, &out, 1, flags, &err) < 0)
        fail_msg("%s", err.text);
}

/* A copy of the folder as a crash at this moment would leave it. */
static inline void bt_copy(const char *from, const char *to)
{
    char a[512], b[512], buf[65536];
    DIR *d = opendir(from);
    struct dirent *e;

    assert_non_null(d);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((e = readdir(d)) != NULL) {
        ssize_t n;
        int in, out;

        if (e->d_name[0] == '.')
            continue;
        bt_join(a, from, e->d_name);
        bt_join(b, to, e->d_name);
        in = open(a, O_RDONLY);
        out = open(b, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(in >= 0 && out >= 0);
        while ((n = read(in, buf, sizeof(buf))) > 0)
            assert_int_equal(write(out, buf, (size_t)n), n);
        (void)close(in);
        (void)close(out);
    }
    (void)closedir(d);
}

static inline struct lg_bus_consumer *bt_consumer(
        struct bus_test *bt, const char *group, const int *topics, size_t n)
{
    const struct lg_bus_consumer_options opt = {
            .group = lg_str_z(group), .topics = topics, .n_topics = n};
    struct lg_bus_consumer *c = NULL;
    struct lg_err err = {0};

    if (lg_bus_consumer_new(bt->bus, &opt, &c, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

/* Polls until there is a batch or nothing more changes. NULL: nothing. */
static inline struct lg_bus_batch *bt_poll(struct lg_bus_consumer *c)
{
    struct lg_bus_batch *b = NULL;
    struct lg_err err = {0};

    for (int i = 0; i < 4; i++) {
        int rc = lg_bus_poll(c, 0, &b, &err);

        if (rc < 0)
            fail_msg("%s", err.text);
        if (rc == 1)
            return b;
    }
    return NULL;
}

#endif

/* A bus in a folder of its own, stages stepped by hand, and what comes out of topics. */
#ifndef LG_TESTS_SERVICES_STAGE_UTIL_H
#define LG_TESTS_SERVICES_STAGE_UTIL_H

#include <ftw.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vec.h"
#include "bus/bus.h"
#include "capture/capture.h"
#include "event/codec.h"
#include "lg_test.h"
#include "pipeline/stage.h"
#include "services/topics.h"
#include "json/json.h"

#define SEC LG_NS_PER_SEC

static lg_time test_clock = INT64_C(1700000000) * LG_NS_PER_SEC;

static inline lg_time test_now(void *user)
{
    (void)user;
    return test_clock;
}

struct house {
    char dir[64];
    struct lg_bus *bus;
    struct lg_config cfg;
    struct lg_topics topics;
};

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void house_open(struct house *h)
{
    char path[96];
    const struct lg_bus_embedded_options bo = {
            .path = path, .now = test_now, .maintain_ms = UINT32_MAX};
    struct lg_err err = {0};

    (void)snprintf(path, sizeof(path), "%s/bus", h->dir);
    if (lg_bus_open_embedded(&bo, &h->bus, &err) < 0)
        fail_msg("bus: %s", err.text);
    if (lg_topics_ensure(h->bus, &h->cfg, &h->topics, &err) < 0)
        fail_msg("topics: %s", err.text);
}

static inline void house_new(struct house *h)
{
    memset(h, 0, sizeof(*h));
    (void)snprintf(h->dir, sizeof(h->dir), "stage-test-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    lg_config_defaults(&h->cfg);
    h->cfg.bus.partitions = 2;
    h->cfg.bus.min_free_bytes = 0;
    h->cfg.bus.retention_ns = 0;
    h->cfg.fair_share.enabled = false;
    house_open(h);
}

static inline void house_close(struct house *h)
{
    lg_bus_close(h->bus);
    h->bus = NULL;
}

static inline void house_done(struct house *h)
{
    house_close(h);
    (void)nftw(h->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void house_put(
        struct house *h, enum lg_topic topic, int32_t partition, const struct lg_bus_record *rec)
{
    const struct lg_bus_output out = {h->topics.n[topic], partition, *rec};
    struct lg_err err = {0};

    if (lg_bus_publish(h->bus, &out, 1, 0, &err) < 0)
        fail_msg("publish: %s", err.text);
}

static inline struct lg_runner *stage_new(struct house *h, const struct lg_stage_ops *ops,
        void *user, const char *group, enum lg_topic first, size_t n, size_t batch_bytes)
{
    int topics[LG_MAX_RAW_TOPICS];
    const struct lg_runner_options ro = {.bus = h->bus,
            .ops = ops,
            .user = user,
            .group = group,
            .topics = topics,
            .n_topics = n,
            .manual_topics = &h->topics.n[LG_TOPIC_HELD_BACK],
            .n_manual_topics = first == LG_TOPIC_SYSMON ? 1 : 0,
            .workers = 1,
            .dead_letter_topic = h->topics.n[LG_TOPIC_DEAD_LETTER],
            .max_batch_bytes = batch_bytes,
            .now = test_now};
    struct lg_runner *r;
    struct lg_err err = {0};

    for (size_t i = 0; i < n; i++)
        topics[i] = first == LG_TOPIC_SYSMON ? h->topics.raw[i] : h->topics.n[(size_t)first + i];
    if (lg_runner_new(&ro, &r, &err) < 0)
        fail_msg("runner: %s", err.text);
    return r;
}

/* Rounds until there is nothing to do; at most `max` (0: no limit). */
static inline void stage_run(struct lg_runner *r, unsigned max)
{
    struct lg_err err = {0};
    unsigned idle = 0;

    for (unsigned i = 0; idle < 3 && (max == 0 || i < max); i++) {
        int rc = lg_runner_step(r, 0, &err);

        if (rc < 0)
            fail_msg("step: %s: %s", lg_err_name(rc), err.text);
        idle = rc == 0 ? idle + 1 : 0;
    }
}

/* Calls fn for every record of a topic. */
static inline size_t house_each(struct house *h, enum lg_topic topic,
        void (*fn)(void *user, const struct lg_bus_record *rec, int32_t partition), void *user)
{
    size_t n = 0;

    for (int32_t p = 0; p < lg_bus_partitions(h->bus, h->topics.n[topic]); p++) {
        int64_t at = 0, end;

        assert_int_equal(lg_bus_offsets(h->bus, h->topics.n[topic], p, &at, &end), 0);
        while (at < end) {
            struct lg_bus_batch *b = NULL;
            struct lg_err err = {0};

            if (lg_bus_read(h->bus, h->topics.n[topic], p, at, 1u << 20, &b, &err) <= 0)
                break;
            for (size_t i = 0; i < b->n; i++, n++)
                fn(user, &b->records[i], p);
            at = b->next_offset;
            lg_bus_batch_free(b);
        }
    }
    return n;
}

#endif

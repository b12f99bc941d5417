/*
 * Membership. The group's members share the partitions of one topic, the anchor; whoever has its
 * partition n owns partition n of all topics of the group. What a member owns is known to
 * librdkafka only while it is fetched (consume.c), so that its own list of assigned partitions and
 * the group's never have to agree.
 */
#include "base/clock.h"
#include "base/log.h"
#include "kafka/consume.h"

#define REFRESH_NS (INT64_C(3600) * 1000000000)
#define FENCED_NS (INT64_C(4) * 1000000000) /* more than a heartbeat */
#define COMMIT_TRIES 20
#define COMMIT_WAIT_MS 100

int kf_choose_anchor(struct kf *k, const int *topics, size_t n)
{
    const struct kf_topic *best = kf_topic(k, topics[0]);

    for (size_t i = 1; i < n; i++) {
        const struct kf_topic *t = kf_topic(k, topics[i]);

        if (t->partitions > best->partitions ||
                (t->partitions == best->partitions && strcmp(t->name, best->name) < 0))
            best = t;
    }
    return best->id;
}

struct kf_part *kf_part_find(struct kf_consumer *c, int topic, int32_t partition)
{
    for (size_t i = 0; i < c->parts.n; i++)
        if (c->parts.v[i].topic == topic && c->parts.v[i].partition == partition)
            return &c->parts.v[i];
    return NULL;
}

/* --- losing */

static bool named(const rd_kafka_topic_partition_list_t *numbers, int32_t partition)
{
    for (int i = 0; numbers != NULL && i < numbers->cnt; i++)
        if (numbers->elems[i].partition == partition)
            return true;
    return numbers == NULL;
}

/* Gives up the partitions of these numbers (NULL: all). The caller may still commit in between. */
static void drop(struct kf_consumer *c, const rd_kafka_topic_partition_list_t *numbers, bool lost)
{
    LG_CLEANUP(lg_cleanup_free) struct lg_bus_offset *out = lg_calloc(c->parts.n + 1, sizeof(*out));
    LG_CLEANUP(lg_cleanup_free) struct kf_part **stop = lg_calloc(c->parts.n + 1, sizeof(*stop));
    size_t n = 0, n_stop = 0;

    if (out == NULL || stop == NULL) {
        c->no_memory = true;
        return;
    }
    for (size_t i = 0; i < c->parts.n; i++) {
        struct kf_part *p = &c->parts.v[i];

        if (named(numbers, p->partition) && !p->fresh) /* of fresh ones nobody was told */
            out[n++] = (struct lg_bus_offset){p->topic, p->partition, p->pos};
    }
    if (n > 0 && c->revoked != NULL)
        c->revoked(c->user, out, n, lost || c->fenced);
    for (size_t i = 0; i < c->parts.n; i++)
        if (named(numbers, c->parts.v[i].partition) && c->parts.v[i].fetching)
            stop[n_stop++] = &c->parts.v[i];
    kf_fetch_stop(c, stop, n_stop);
    for (size_t i = 0; i < c->parts.n;)
        if (named(numbers, c->parts.v[i].partition)) {
            kf_part_done(&c->parts.v[i]);
            c->parts.v[i] = c->parts.v[--c->parts.n];
        } else {
            i++;
        }
    c->changed = true;
}

void kf_group_drop(struct kf_consumer *c, bool lost)
{
    drop(c, NULL, lost);
}

/* --- gaining */

static int add_fresh(struct kf_consumer *c, int32_t partition)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < c->n_topics; i++)
        if (kf_has_partition(c->k, c->topics[i], partition) &&
                kf_part_find(c, c->topics[i], partition) == NULL)
            rc = lg_vec_push(&c->parts,
                    (struct kf_part){.topic = c->topics[i],
                            .partition = partition,
                            .committed = -1,
                            .fresh = true});
    return rc;
}

void kf_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
        rd_kafka_topic_partition_list_t *parts, void *opaque)
{
    struct kf_consumer *c =
            (struct kf_consumer *)(void *)((char *)opaque - offsetof(struct kf_consumer, k));
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_error_t *error;

    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        c->synced = true;
        for (int i = 0; i < parts->cnt; i++)
            if (add_fresh(c, parts->elems[i].partition) < 0)
                c->no_memory = true;
        error = rd_kafka_incremental_assign(rk, none);
    } else {
        drop(c, parts, rd_kafka_assignment_lost(rk) != 0);
        error = rd_kafka_incremental_unassign(rk, none);
    }
    if (error != NULL) {
        lg_log(LG_LOG_WARN, "kafka", "rebalance", "group=%s error=\"%s\"", c->group,
                rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
    rd_kafka_topic_partition_list_destroy(none);
}

static rd_kafka_topic_partition_list_t *list_fresh(const struct kf_consumer *c)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)c->parts.n + 1);

    for (size_t i = 0; i < c->parts.n; i++)
        if (c->parts.v[i].fresh)
            rd_kafka_topic_partition_list_add(
                    list, kf_topic(c->k, c->parts.v[i].topic)->name, c->parts.v[i].partition);
    return list;
}

/* Where reading starts: what is committed, else the one end or the other. */
static int first_offsets(
        struct kf_consumer *c, rd_kafka_topic_partition_list_t *list, struct lg_err *reterr)
{
    int timeout = (int)c->k->opt.request_timeout_ms;
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(list->cnt);
    rd_kafka_resp_err_t err = rd_kafka_committed(c->client->rk, list, timeout);

    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        err = list->elems[i].err;
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[i].offset < 0)
            rd_kafka_topic_partition_list_add(ends, list->elems[i].topic, list->elems[i].partition)
                    ->offset =
                    c->start == LG_BUS_LATEST ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && ends->cnt > 0)
        err = rd_kafka_offsets_for_times(c->client->rk, ends, timeout);
    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < ends->cnt; i++)
        err = ends->elems[i].err;
    /* A first offset is stored, so that the group has its place from its first sight on. */
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && ends->cnt > 0)
        err = rd_kafka_commit(c->client->rk, ends, 0);
    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < ends->cnt; i++)
        rd_kafka_topic_partition_list_find(list, ends->elems[i].topic, ends->elems[i].partition)
                ->offset = ends->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(ends);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : kf_fail(c->k, err, reterr, "first offsets");
}

int kf_group_take(struct kf_consumer *c, struct lg_err *reterr)
{
    rd_kafka_topic_partition_list_t *list = list_fresh(c);
    LG_CLEANUP(lg_cleanup_free)
    struct lg_bus_offset *out = lg_calloc((size_t)list->cnt + 1, sizeof(*out));
    size_t n = 0;
    int rc = out == NULL ? LG_ENOMEM : 0;

    if (rc == 0 && list->cnt > 0)
        rc = first_offsets(c, list, reterr);
    for (size_t i = 0; rc == 0 && i < c->parts.n; i++) {
        struct kf_part *p = &c->parts.v[i];
        const rd_kafka_topic_partition_t *e;

        if (!p->fresh)
            continue;
        e = rd_kafka_topic_partition_list_find(list, kf_topic(c->k, p->topic)->name, p->partition);
        p->pos = p->committed = e->offset;
        p->fresh = false;
        out[n++] = (struct lg_bus_offset){p->topic, p->partition, p->pos};
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (rc < 0)
        return rc == LG_EIO ? rc : LG_EAGAIN;
    if (n > 0 && c->assigned != NULL)
        c->assigned(c->user, out, n);
    return n > 0 ? 1 : 0;
}

/* --- committing */

int kf_consumer_owns(struct lg_bus_consumer *pub, const struct lg_bus_offset *offsets, size_t n)
{
    struct kf_consumer *c = kf_consumer_of(pub);

    for (size_t i = 0; i < n; i++) {
        const struct kf_part *p = kf_part_find(c, offsets[i].topic, offsets[i].partition);

        if (p == NULL || p->fresh || c->fenced)
            return LG_EREFUSED;
    }
    return 0;
}

/* One try, which never waits longer than a request may. */
static rd_kafka_resp_err_t try_commit(struct kf_consumer *c, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->client->rk);
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(c->client->rk, list, queue, NULL, NULL);
    const rd_kafka_topic_partition_list_t *done;
    rd_kafka_event_t *ev = NULL;

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ev = rd_kafka_queue_poll(queue, (int)c->k->opt.request_timeout_ms);
        err = ev != NULL ? rd_kafka_event_error(ev) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (ev != NULL && err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        done = rd_kafka_event_topic_partition_list(ev);
        for (int i = 0; done != NULL && i < done->cnt; i++)
            if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
                err = done->elems[i].err;
    }
    if (ev != NULL)
        rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(queue);
    return err;
}

static bool is_fenced(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
            err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
            err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

int kf_consumer_commit(struct lg_bus_consumer *pub, const struct lg_bus_offset *offsets, size_t n,
        struct lg_err *reterr)
{
    struct kf_consumer *c = kf_consumer_of(pub);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;

    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(
                list, kf_topic(c->k, offsets[i].topic)->name, offsets[i].partition)
                ->offset = offsets[i].offset;
    /* Between a join and its answer the broker takes no commit; that is a moment. */
    for (int i = 0; i < COMMIT_TRIES && err == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS; i++) {
        if (i > 0)
            kf_sleep(c->k, COMMIT_WAIT_MS);
        err = try_commit(c, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (is_fenced(err)) {
        c->fenced = true;
        c->fenced_till = lg_clock_monotonic() + FENCED_NS;
        kf_signal(c);
        return lg_err_set(reterr, LG_EREFUSED, "the group gave the partition away");
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kf_fail(c->k, err, reterr, "committing");
    for (size_t i = 0; i < n; i++)
        kf_part_find(c, offsets[i].topic, offsets[i].partition)->committed = offsets[i].offset;
    return 0;
}

int kf_group_recover(struct kf_consumer *c)
{
    LG_CLEANUP(lg_cleanup_free) int32_t *numbers = NULL;
    size_t n = 0;
    int rc = 0;

    if (c->parts.n > 0 && lg_clock_monotonic() < c->fenced_till)
        return 0; /* the group's own word takes them away, most likely */
    numbers = lg_calloc(c->parts.n + 1, sizeof(*numbers));
    if (numbers == NULL)
        return LG_EAGAIN;
    for (size_t i = 0; i < c->parts.n; i++)
        if (c->parts.v[i].topic == c->anchor)
            numbers[n++] = c->parts.v[i].partition;
    drop(c, NULL, true);
    c->fenced = false;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_fresh(c, numbers[i]);
    c->no_memory = c->no_memory || rc < 0;
    return 1;
}

/* Brokers forget offsets of topics that no member's subscription names, some days after their
 * commit: all that is owned is committed anew. */
void kf_group_refresh(struct kf_consumer *c)
{
    int64_t now = lg_clock_monotonic();
    rd_kafka_topic_partition_list_t *list;

    if (now - c->refreshed < REFRESH_NS)
        return;
    c->refreshed = now;
    list = rd_kafka_topic_partition_list_new((int)c->parts.n + 1);
    for (size_t i = 0; i < c->parts.n; i++)
        if (!c->parts.v[i].fresh && c->parts.v[i].committed >= 0)
            rd_kafka_topic_partition_list_add(
                    list, kf_topic(c->k, c->parts.v[i].topic)->name, c->parts.v[i].partition)
                    ->offset = c->parts.v[i].committed;
    if (list->cnt > 0)
        (void)rd_kafka_commit(c->client->rk, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

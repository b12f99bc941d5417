/* One worker's rounds: tick, poll, the stage's calls, publishing, and what changes hands. */
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/runner_int.h"

#define MEMORY_TRIES 5 /* of one record that ran out of memory, before it is a dead letter */
#define REVOKE_TRIES 3 /* of a last publish before a partition is given up */

/*
 * The wall clock, but for a step back: then time goes on from where it was, so that ticks keep
 * coming, buckets keep filling, and partitions whose bus time is ahead by now still move on.
 */
lg_time lg_runner_now(struct lg_runner *r)
{
    int64_t monotonic, ahead, most;

    if (r->opt.now != NULL)
        return r->opt.now(r->opt.clock_user);
    monotonic = lg_clock_monotonic();
    ahead = lg_clock_wall() - monotonic;
    most = atomic_load_explicit(&r->clock_ahead, memory_order_relaxed);
    while (ahead > most &&
            !atomic_compare_exchange_weak_explicit(
                    &r->clock_ahead, &most, ahead, memory_order_relaxed, memory_order_relaxed)) {
    }
    return monotonic + (ahead > most ? ahead : most);
}

static void count(_Atomic uint64_t *c, uint64_t n)
{
    (void)atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

/* --- publishing */

void lg_round_start_call(struct worker *w)
{
    lg_stage_out_clear(&w->out);
    w->out.now = lg_runner_now(w->r);
    w->commits.n = 0;
}

/* Offsets that the stage's state lets go of now. */
static int collect_commits(struct worker *w)
{
    const struct lg_stage_ops *ops = w->r->opt.ops;

    w->commits.n = 0;
    for (size_t i = 0; i < w->parts.n; i++) {
        struct run_part *p = &w->parts.v[i];
        int64_t low = p->next;

        if (p->fresh)
            continue;
        if (ops->low_offset != NULL)
            low = ops->low_offset(w->state, p->topic, p->partition, p->next);
        if (!p->manual && low > p->next)
            low = p->next;
        if (low > p->committed &&
                lg_vec_push(&w->commits, (struct lg_bus_offset){p->topic, p->partition, low}) < 0)
            return LG_ENOMEM;
    }
    return 0;
}

static struct run_part *find_part(struct worker *w, int topic, int32_t partition)
{
    for (size_t i = 0; i < w->parts.n; i++)
        if (w->parts.v[i].topic == topic && w->parts.v[i].partition == partition)
            return &w->parts.v[i];
    return NULL;
}

static void note_published(struct worker *w)
{
    struct lg_runner *r = w->r;

    for (size_t i = 0; i < w->commits.n; i++) {
        struct run_part *p = find_part(w, w->commits.v[i].topic, w->commits.v[i].partition);

        if (p != NULL)
            p->committed = w->commits.v[i].offset;
    }
    count(&r->records_out, w->out.outs.n);
    count(&r->bytes_out, w->out.bytes);
    count(&r->dead_letters, w->out.dead);
    count(&r->commits, w->commits.n > 0);
    if (r->opt.ops->committed != NULL)
        r->opt.ops->committed(w->state);
}

void lg_round_drop_pending(struct worker *w)
{
    w->pending = false;
    w->commits.n = 0;
    lg_stage_out_clear(&w->out);
    lg_bus_batch_free(w->batch);
    w->batch = NULL;
}

/* Publishes what is pending. 0, a code to retry, or a fatal one. */
int lg_round_flush(struct worker *w)
{
    int64_t t0 = lg_clock_monotonic();
    int rc = 0;

    if (w->out.outs.n + w->commits.n > 0)
        rc = lg_bus_publish_and_commit(w->consumer, w->out.outs.v, w->out.outs.n, w->commits.v,
                w->commits.n, w->r->opt.durable ? LG_BUS_DURABLE : 0, &w->err);
    count(&w->r->publish_ns, (uint64_t)(lg_clock_monotonic() - t0));
    if (rc == LG_ENOMEM)
        rc = LG_EAGAIN;
    if (rc == LG_EREFUSED) { /* a partition is gone: poll tells the stage, others do it again */
        lg_round_drop_pending(w);
        return 0;
    }
    if (rc < 0)
        return rc;
    w->pending = false;
    note_published(w);
    lg_stage_out_clear(&w->out);
    w->commits.n = 0;
    return 0;
}

int lg_round_finish_call(struct worker *w)
{
    int rc = collect_commits(w);

    w->pending = true;
    return rc < 0 ? LG_EAGAIN : lg_round_flush(w);
}

/* --- assignment */

static bool is_manual(const struct lg_runner *r, int topic)
{
    for (size_t i = r->n_polled; i < r->n_topics; i++)
        if (r->topics[i] == topic)
            return true;
    return false;
}

void lg_round_assigned(void *user, const struct lg_bus_offset *parts, size_t n)
{
    struct worker *w = user;

    for (size_t i = 0; i < n; i++) {
        const struct lg_bus_offset *o = &parts[i];
        bool manual = is_manual(w->r, o->topic);

        /* Not read before the stage has its state back, which may take tries: see take_over. */
        (void)!lg_bus_pause(w->consumer, o->topic, o->partition);
        if (lg_vec_push(&w->parts,
                    (struct run_part){.topic = o->topic,
                            .partition = o->partition,
                            .manual = manual,
                            .fresh = true,
                            .start = o->offset,
                            .next = manual ? -1 : o->offset,
                            .committed = o->offset}) < 0)
            w->no_room = true;
    }
}

static void forget_part(struct worker *w, int topic, int32_t partition)
{
    struct run_part *p = find_part(w, topic, partition);

    if (p != NULL)
        *p = w->parts.v[--w->parts.n];
}

/* Lets the stage emit its checkpoint and publishes it. The committed offset stays: it is the
 * lowest that the state needed, and whoever is next replays from it. */
static void hand_over(struct worker *w, const struct lg_bus_offset *o)
{
    int rc = LG_EAGAIN;

    for (int i = 0; i < REVOKE_TRIES && lg_bus_may_retry(rc); i++) {
        lg_round_start_call(w);
        rc = w->r->opt.ops->revoked(w->state, o->topic, o->partition, &w->out);
    }
    if (rc == 0 && w->out.outs.n > 0) {
        rc = LG_EAGAIN;
        for (int i = 0; i < REVOKE_TRIES && lg_bus_may_retry(rc); i++)
            rc = lg_round_flush(w);
    }
    if (rc < 0)
        lg_log(LG_LOG_WARN, "pipeline", "no checkpoint at hand-over", "stage=%s error=%s",
                w->r->opt.ops->name, lg_err_name(rc));
    lg_round_drop_pending(w);
}

void lg_round_revoked(void *user, const struct lg_bus_offset *parts, size_t n, bool lost)
{
    struct worker *w = user;
    const struct lg_stage_ops *ops = w->r->opt.ops;

    lost = lost || w->broken;
    if (lost)
        lg_round_drop_pending(w);
    for (size_t i = 0; i < n; i++) {
        struct run_part *p = find_part(w, parts[i].topic, parts[i].partition);

        if (p != NULL && !p->fresh && ops->revoked != NULL) {
            if (lost)
                (void)ops->revoked(w->state, p->topic, p->partition, NULL);
            else
                hand_over(w, &parts[i]);
        }
        forget_part(w, parts[i].topic, parts[i].partition);
    }
}

/* Gives the stage its new partitions; manual topics first, as the others may rest on them. */
static int take_over(struct worker *w)
{
    const struct lg_stage_ops *ops = w->r->opt.ops;

    for (int manual = 1; manual >= 0; manual--)
        for (size_t i = 0; i < w->parts.n; i++) {
            struct run_part *p = &w->parts.v[i];
            int64_t at = p->start;
            int rc = 0;

            if (!p->fresh || p->manual != (manual == 1))
                continue;
            if (ops->assigned != NULL)
                rc = ops->assigned(w->state, p->topic, p->partition, &at, &w->err);
            if (rc < 0)
                return rc == LG_ENOMEM ? LG_EAGAIN : rc;
            p->fresh = false;
            if (p->manual)
                continue;
            if (at != p->start)
                (void)!lg_bus_seek(w->consumer, p->topic, p->partition, at);
            p->next = at;
            (void)!lg_bus_resume(w->consumer, p->topic, p->partition);
        }
    return 0;
}

/* --- the stage's calls */

static int call_tick(struct worker *w)
{
    struct lg_runner *r = w->r;
    int64_t t0 = lg_clock_monotonic();
    int rc;

    lg_round_start_call(w);
    rc = r->opt.ops->tick != NULL ? r->opt.ops->tick(w->state, w->out.now, &w->out) : 0;
    count(&r->busy_ns, (uint64_t)(lg_clock_monotonic() - t0));
    if (rc == LG_ENOMEM)
        rc = LG_EAGAIN;
    if (rc < 0) {
        lg_stage_out_clear(&w->out);
        return lg_bus_may_retry(rc)
                ? rc
                : lg_err_set(&w->err, rc, "%s: tick failed: %s", r->opt.ops->name, lg_err_name(rc));
    }
    w->next_tick = w->out.now + (lg_time)r->opt.tick_ms * 1000000;
    return lg_round_finish_call(w);
}

/* The record that the stage could not take goes to the dead letters. */
static int bury(struct worker *w, const struct lg_stage_in *in, size_t index, int why)
{
    int rc = lg_stage_reject(&w->out, in, index, lg_err_name(why), LG_STR(""));

    if (rc == LG_EREFUSED)
        return lg_err_set(&w->err, why, "%s: record at offset %lld: %s, and no dead letter topic",
                w->r->opt.ops->name, (long long)in->records[index].offset, lg_err_name(why));
    return rc == LG_ENOMEM || rc == LG_ELIMIT ? LG_EAGAIN : rc;
}

/* What a failing call means. *done: records that are over and done with. */
static int judge(struct worker *w, const struct lg_stage_in *in, int why, size_t *done)
{
    int rc;

    if (*done >= in->n)
        *done = in->n - 1;
    if (why == LG_ELIMIT && *done > 0 && w->out.outs.n > 0)
        return 0; /* enough for one publish; the rest comes in another call */
    if (w->r->opt.dead_letter_topic < 0 && *done > 0)
        return 0; /* what is done first, then the end */
    if (why == LG_ENOMEM && ++w->memory_tries < MEMORY_TRIES)
        return *done > 0 ? 0 : LG_EAGAIN;
    if (*done == 0 && (why == LG_ELIMIT || why == LG_ENOMEM))
        lg_stage_out_clear(&w->out);
    rc = bury(w, in, *done, why);
    if (rc == 0) {
        (*done)++;
        w->memory_tries = 0;
    }
    return rc;
}

static int call_batch(struct worker *w)
{
    struct lg_runner *r = w->r;
    struct lg_bus_batch *b = w->batch;
    struct lg_stage_in in = {.topic = b->topic,
            .partition = b->partition,
            .records = b->records + w->at,
            .n = b->n - w->at,
            .gap = w->at == 0 ? b->gap : 0};
    struct run_part *p = find_part(w, b->topic, b->partition);
    int64_t t0 = lg_clock_monotonic();
    size_t done = 0;
    int rc;

    lg_round_start_call(w);
    rc = r->opt.ops->batch(w->state, &in, &w->out, &done);
    count(&r->busy_ns, (uint64_t)(lg_clock_monotonic() - t0));
    if (lg_bus_may_retry(rc)) {
        lg_stage_out_clear(&w->out);
        return rc;
    }
    if (rc == 0 || in.n == 0) {
        done = in.n;
        w->memory_tries = 0;
    } else if (rc != LG_STAGE_MORE) {
        rc = judge(w, &in, rc, &done);
        if (rc < 0) {
            lg_stage_out_clear(&w->out);
            return rc;
        }
    }
    w->at += done;
    if (p != NULL)
        p->next = w->at < b->n ? b->records[w->at].offset : b->next_offset;
    count(&r->records_in, done);
    if (w->at >= b->n) {
        count(&r->bytes_in, b->bytes);
        count(&r->batches, 1);
        w->was_small = b->bytes < r->opt.linger_bytes;
        lg_bus_batch_free(b);
        w->batch = NULL;
    }
    return lg_round_finish_call(w);
}

/* --- rounds */

static uint32_t wait_for_tick(const struct worker *w)
{
    lg_time left = (w->next_tick - lg_runner_now(w->r)) / 1000000;

    return left < 1 ? 1 : left > (lg_time)w->r->opt.tick_ms ? w->r->opt.tick_ms : (uint32_t)left;
}

/* 1: something was done, 0: there was nothing, or an error. */
int lg_round(struct worker *w, bool wait)
{
    bool did = false;
    int rc = 0;

    if (w->pending) {
        rc = lg_round_flush(w);
        did = true;
    }
    if (rc == 0)
        rc = take_over(w);
    if (rc == 0 && w->batch == NULL && lg_runner_now(w->r) >= w->next_tick) {
        rc = call_tick(w);
        did = true;
    }
    if (rc == 0 && w->batch == NULL) {
        rc = lg_bus_poll(w->consumer, wait && !did ? wait_for_tick(w) : 0, &w->batch, &w->err);
        if (rc == 1) {
            w->at = 0;
            count(&w->r->gaps, w->batch->gap);
        } else {
            w->batch = NULL;
            if (rc == 0 && w->no_room)
                rc = lg_err_set(&w->err, LG_ENOMEM, "no memory for an assigned partition");
        }
        if (rc == 0)
            rc = take_over(w);
    }
    if (rc >= 0 && w->batch != NULL) {
        rc = call_batch(w);
        did = true;
    }
    return rc < 0 ? rc : (did ? 1 : 0);
}

/* Workers as threads: starting, backing off, draining, stopping. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/runner_int.h"

#define MAX_WORKERS 64

static void count(_Atomic uint64_t *c, uint64_t n)
{
    (void)atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static bool stopping(struct lg_runner *r)
{
    bool yes;

    (void)pthread_mutex_lock(&r->lock);
    yes = r->stopping;
    (void)pthread_mutex_unlock(&r->lock);
    return yes;
}

/* --- life of a worker */

static void set_wakeable(struct worker *w, struct lg_bus_consumer *c)
{
    (void)pthread_mutex_lock(&w->r->lock);
    w->wakeable = c;
    (void)pthread_mutex_unlock(&w->r->lock);
}

static void close_worker(struct worker *w)
{
    if (!w->opened)
        return;
    if (w->consumer != NULL) {
        lg_round_drop_pending(w);
        set_wakeable(w, NULL);
        lg_bus_consumer_close(w->consumer);
        w->consumer = NULL;
        (void)atomic_fetch_sub(&w->r->n_workers, 1);
    }
    w->r->opt.ops->close(w->state);
    w->state = NULL;
    w->opened = false;
    lg_stage_out_done(&w->out);
    lg_vec_done(&w->parts);
    lg_vec_done(&w->commits);
}

static int open_worker(struct worker *w)
{
    struct lg_runner *r = w->r;
    const struct lg_bus_consumer_options opt = {.group = lg_str_z(r->group),
            .topics = r->topics,
            .n_topics = r->n_topics,
            .start = r->opt.start,
            .max_batch_bytes = r->opt.max_batch_bytes,
            .max_batch_records = r->opt.max_batch_records,
            .assigned = lg_round_assigned,
            .revoked = lg_round_revoked,
            .user = w};
    int rc = r->opt.ops->open(r->opt.user, w->index, &w->state, &w->err);

    if (rc < 0)
        return rc;
    w->opened = true;
    lg_stage_out_init(
            &w->out, r->opt.max_out_bytes, r->opt.dead_letter_topic, r->opt.ops->name, r->opt.bus);
    w->next_tick = lg_runner_now(r) + (lg_time)r->opt.tick_ms * 1000000;
    rc = lg_bus_consumer_new(r->opt.bus, &opt, &w->consumer, &w->err);
    if (rc < 0) {
        w->consumer = NULL;
        close_worker(w);
        return rc;
    }
    set_wakeable(w, w->consumer);
    (void)atomic_fetch_add(&r->n_workers, 1);
    return 0;
}

/* Until `ms` are over or the runner stops. */
static void wait_ms(struct lg_runner *r, uint32_t ms, bool even_when_stopping)
{
    const struct timespec ts = lg_clock_deadline((int64_t)ms * 1000000);
    int rc = 0;

    (void)pthread_mutex_lock(&r->lock);
    while ((even_when_stopping || !r->stopping) && rc == 0)
        rc = pthread_cond_timedwait(&r->cond, &r->lock, &ts);
    (void)pthread_mutex_unlock(&r->lock);
}

static void back_off(struct lg_runner *r, uint32_t ms, bool even_when_stopping)
{
    (void)atomic_fetch_add(&r->n_retrying, 1);
    wait_ms(r, ms, even_when_stopping);
    (void)atomic_fetch_sub(&r->n_retrying, 1);
}

/* Remembers where the partitions end now. */
static void note_ends(struct worker *w)
{
    for (size_t i = 0; i < w->parts.n; i++) {
        struct run_part *p = &w->parts.v[i];
        int64_t begin;

        if (p->manual ||
                lg_bus_offsets(w->r->opt.bus, p->topic, p->partition, &begin, &p->drain_to) < 0)
            p->drain_to = 0;
    }
}

static bool drained(const struct worker *w)
{
    if (w->pending || w->batch != NULL)
        return false;
    for (size_t i = 0; i < w->parts.n; i++)
        if (!w->parts.v[i].manual && w->parts.v[i].next < w->parts.v[i].drain_to)
            return false;
    return true;
}

static int drain(struct worker *w)
{
    struct lg_runner *r = w->r;
    int64_t deadline = lg_clock_monotonic() + (int64_t)r->drain_ms * 1000000;
    uint32_t wait = r->opt.min_backoff_ms;
    int rc = 0;

    note_ends(w);
    while (rc >= 0 && r->drain_ms > 0 && !drained(w) && lg_clock_monotonic() < deadline) {
        rc = lg_round(w, false);
        if (lg_bus_may_retry(rc)) {
            back_off(r, wait, true);
            rc = 0;
        }
    }
    if (rc >= 0 && w->pending)
        rc = lg_round_flush(w);
    if (rc >= 0 && w->batch == NULL && r->opt.ops->drain != NULL) {
        lg_round_start_call(w);
        rc = r->opt.ops->drain(w->state, &w->out);
        rc = rc < 0 ? rc : lg_round_finish_call(w);
    }
    return lg_bus_may_retry(rc) ? 0 : rc; /* what is not out is read again at the next start */
}

static void fail(struct worker *w, int rc)
{
    struct lg_runner *r = w->r;

    w->broken = true;
    w->err.code = rc;
    if (w->err.text[0] == '\0')
        (void)lg_err_set(&w->err, rc, "%s", lg_err_name(rc));
    if (r->opt.on_fatal != NULL)
        r->opt.on_fatal(r->opt.fatal_user, r->opt.ops->name, &w->err);
    else
        lg_log(LG_LOG_ERROR, "pipeline", "a worker stopped", "stage=%s worker=%u error=\"%s\"",
                r->opt.ops->name, w->index, w->err.text);
}

static void *run_worker(void *arg)
{
    struct worker *w = arg;
    struct lg_runner *r = w->r;
    uint32_t wait = r->opt.min_backoff_ms;
    int rc = 0;

    while (rc >= 0 && !stopping(r)) {
        w->was_small = false;
        rc = lg_round(w, true);
        if (!lg_bus_may_retry(rc)) {
            if (w->was_small && r->opt.linger_ms > 0)
                wait_ms(r, r->opt.linger_ms, false);
            wait = r->opt.min_backoff_ms;
            continue;
        }
        count(&r->retries, 1);
        back_off(r, wait, false);
        wait = wait * 2 < r->opt.max_backoff_ms ? wait * 2 : r->opt.max_backoff_ms;
        rc = 0;
    }
    if (rc >= 0)
        rc = drain(w);
    if (rc < 0)
        fail(w, rc);
    else
        w->err = (struct lg_err){0};
    close_worker(w);
    return NULL;
}

/* --- the runner */

static int check_options(const struct lg_runner_options *o, struct lg_err *reterr)
{
    if (o->workers < 1 || o->workers > MAX_WORKERS)
        return lg_err_set(reterr, LG_EINVAL, "workers must be 1..%d", MAX_WORKERS);
    if (o->n_topics < 1 || o->n_topics + o->n_manual_topics > LG_BUS_MAX_TOPICS)
        return lg_err_set(reterr, LG_EINVAL, "a stage needs 1..%d topics", LG_BUS_MAX_TOPICS);
    if (o->group == NULL || o->group[0] == '\0' || strlen(o->group) > LG_BUS_MAX_NAME_BYTES)
        return lg_err_set(reterr, LG_EINVAL, "bad group name");
    if (o->n_manual_topics > 0 && o->ops->low_offset == NULL)
        return lg_err_set(reterr, LG_EINVAL, "manual topics need low_offset");
    return 0;
}

static void set_defaults(struct lg_runner_options *o)
{
    o->tick_ms = o->tick_ms > 0 ? o->tick_ms : 1000;
    o->max_out_bytes = o->max_out_bytes > 0 ? o->max_out_bytes : (size_t)32 << 20;
    if (o->max_out_bytes > LG_BUS_MAX_PUBLISH_BYTES)
        o->max_out_bytes = LG_BUS_MAX_PUBLISH_BYTES;
    o->min_backoff_ms = o->min_backoff_ms > 0 ? o->min_backoff_ms : 50;
    o->max_backoff_ms = o->max_backoff_ms > 0 ? o->max_backoff_ms : 5000;
    if (o->max_backoff_ms < o->min_backoff_ms)
        o->max_backoff_ms = o->min_backoff_ms;
}

int lg_runner_new(
        const struct lg_runner_options *opt, struct lg_runner **ret, struct lg_err *reterr)
{
    struct lg_runner *r;
    int rc = check_options(opt, reterr);

    if (rc < 0)
        return rc;
    r = lg_calloc(1, sizeof(*r));
    if (r != NULL)
        r->workers = lg_calloc(opt->workers, sizeof(*r->workers));
    if (r == NULL || r->workers == NULL) {
        lg_free(r);
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    r->opt = *opt;
    set_defaults(&r->opt);
    memcpy(r->group, opt->group, strlen(opt->group));
    for (size_t i = 0; i < opt->n_topics; i++)
        r->topics[r->n_topics++] = opt->topics[i];
    r->n_polled = r->n_topics;
    for (size_t i = 0; i < opt->n_manual_topics; i++)
        r->topics[r->n_topics++] = opt->manual_topics[i];
    (void)pthread_mutex_init(&r->lock, NULL);
    lg_clock_cond_init(&r->cond);
    for (unsigned i = 0; i < opt->workers; i++) {
        r->workers[i].r = r;
        r->workers[i].index = i;
    }
    *ret = r;
    return 0;
}

int lg_runner_start(struct lg_runner *r, struct lg_err *reterr)
{
    char name[16];
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < r->opt.workers; i++) {
        rc = open_worker(&r->workers[i]);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "stage %s: %s", r->opt.ops->name,
                    r->workers[i].err.text[0] != '\0' ? r->workers[i].err.text : lg_err_name(rc));
    }
    for (unsigned i = 0; rc == 0 && i < r->opt.workers; i++) {
        struct worker *w = &r->workers[i];

        if (pthread_create(&w->thread, NULL, run_worker, w) != 0) {
            rc = lg_err_set(reterr, LG_ENOMEM, "cannot start a thread");
            break;
        }
        w->running = true;
        (void)snprintf(name, sizeof(name), "%.10s.%u", r->opt.ops->name, i % 1000);
        (void)pthread_setname_np(w->thread, name);
    }
    if (rc < 0)
        (void)lg_runner_stop(r, 0);
    return rc;
}

int lg_runner_stop(struct lg_runner *r, uint32_t drain_ms)
{
    int rc = 0;

    (void)pthread_mutex_lock(&r->lock);
    r->drain_ms = drain_ms;
    r->stopping = true;
    (void)pthread_cond_broadcast(&r->cond);
    for (unsigned i = 0; i < r->opt.workers; i++)
        if (r->workers[i].wakeable != NULL)
            lg_bus_consumer_wake(r->workers[i].wakeable);
    (void)pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < r->opt.workers; i++) {
        struct worker *w = &r->workers[i];

        if (w->running)
            (void)pthread_join(w->thread, NULL);
        else if (w->consumer != NULL) /* driven by lg_runner_step */
            w->err.code = drain(w);
        w->running = false;
        close_worker(w);
        if (rc == 0)
            rc = w->err.code;
    }
    return rc;
}

void lg_runner_free(struct lg_runner *r)
{
    if (r == NULL)
        return;
    (void)lg_runner_stop(r, 0);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->cond);
    lg_free(r->workers);
    lg_free(r);
}

void lg_runner_stats_get(struct lg_runner *r, struct lg_runner_stats *ret)
{
    *ret = (struct lg_runner_stats){
            .records_in = atomic_load(&r->records_in),
            .bytes_in = atomic_load(&r->bytes_in),
            .records_out = atomic_load(&r->records_out),
            .bytes_out = atomic_load(&r->bytes_out),
            .batches = atomic_load(&r->batches),
            .commits = atomic_load(&r->commits),
            .retries = atomic_load(&r->retries),
            .dead_letters = atomic_load(&r->dead_letters),
            .gaps = atomic_load(&r->gaps),
            .busy_ns = atomic_load(&r->busy_ns),
            .publish_ns = atomic_load(&r->publish_ns),
            .workers = atomic_load(&r->n_workers),
            .retrying = atomic_load(&r->n_retrying),
    };
    for (size_t i = 0; i < r->n_topics; i++) {
        uint64_t lag;

        if (lg_bus_lag(r->opt.bus, lg_str_z(r->group), r->topics[i], &lag) == 0)
            ret->lag += lag;
    }
}

int lg_runner_step(struct lg_runner *r, unsigned worker, struct lg_err *reterr)
{
    struct worker *w;
    int rc = 0;

    if (worker >= r->opt.workers)
        return lg_err_set(reterr, LG_EINVAL, "no worker %u", worker);
    w = &r->workers[worker];
    if (w->consumer == NULL && !w->broken)
        rc = open_worker(w);
    if (rc == 0)
        rc = lg_round(w, false);
    if (lg_bus_may_retry(rc))
        count(&r->retries, 1);
    else if (rc < 0)
        w->broken = true;
    return rc < 0
            ? lg_err_set(reterr, rc, "%s", w->err.text[0] != '\0' ? w->err.text : lg_err_name(rc))
            : rc;
}

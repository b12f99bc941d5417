#include "services/alerts.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"

#define STEP_RECORDS 256
#define OUTBOX_ROWS 512
#define ARENA_BYTES ((size_t)64 << 20)

struct alerts {
    struct lg_alerts_options *opt;
    struct lg_json *json;
    struct lg_arena arena;  /* of one step */
    struct lg_arena outbox; /* rows on their way out */
    struct lg_inference *in;
    struct lg_apply *items;
    struct lg_outbox_row *rows; /* published with the call that runs now */
    uint32_t n_rows;
    uint64_t published; /* outbox position that went out */
    uint64_t acked;
    struct lg_metrics_shard *shard;
    struct lg_counter opened[LG_SEVERITY_COUNT], folded, suppressed;
    bool waiting;
};

static void alerts_close(void *w)
{
    struct alerts *al = w;

    if (al == NULL)
        return;
    lg_json_free(al->json);
    lg_arena_done(&al->arena);
    lg_arena_done(&al->outbox);
    lg_free(al->in);
    lg_free(al->items);
    lg_metrics_shard_free(al->shard);
    lg_free(al);
}

static int register_metrics(struct alerts *al)
{
    struct lg_metrics *m = al->opt->metrics;
    int rc = lg_metrics_shard_new(m, &al->shard);

    for (int s = 0; rc == 0 && s < LG_SEVERITY_COUNT; s++) {
        const struct lg_metric_label l = {"severity", lg_severity_name((enum lg_severity)s)};

        rc = lg_metrics_counter(m, LG_METRIC(ALERTS_TOTAL), &l, 1, &al->opened[s]);
    }
    if (rc == 0)
        rc = lg_metrics_counter(m, LG_METRIC(ALERTS_FOLDED_TOTAL), NULL, 0, &al->folded);
    if (rc == 0)
        rc = lg_metrics_counter(m, LG_METRIC(ALERTS_SUPPRESSED_TOTAL), NULL, 0, &al->suppressed);
    return rc;
}

static int alerts_open(void *user, unsigned worker, void **ret, struct lg_err *reterr)
{
    struct alerts *al = lg_calloc(1, sizeof(*al));
    int rc;

    (void)worker;
    if (al == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "alerts: out of memory");
    al->opt = user;
    lg_arena_init(&al->arena, ARENA_BYTES);
    lg_arena_init(&al->outbox, ARENA_BYTES);
    al->in = lg_calloc(STEP_RECORDS, sizeof(*al->in));
    al->items = lg_calloc(STEP_RECORDS, sizeof(*al->items));
    rc = al->in == NULL || al->items == NULL ? LG_ENOMEM : lg_json_new(&al->json);
    if (rc == 0 && al->opt->metrics != NULL)
        rc = register_metrics(al);
    if (rc < 0) {
        alerts_close(al);
        return lg_err_set(reterr, rc, "alerts: %s", lg_err_name(rc));
    }
    *ret = al;
    return 0;
}

static int store_away(struct alerts *al, int rc, const char *text)
{
    if (!al->waiting)
        lg_log(LG_LOG_ERROR, "alerts", "alert store does not answer; waiting",
                "error=%s detail=\"%s\"", lg_err_name(rc), text);
    al->waiting = true;
    return LG_EAGAIN;
}

/* Publishes what the outbox holds beyond what went out already. */
static int emit_outbox(struct alerts *al, struct lg_stage_out *out)
{
    struct lg_alert_store *st = al->opt->store;
    int rc;

    lg_arena_clear(&al->outbox);
    al->n_rows = 0;
    rc = st->ops->outbox_read(st, al->published, OUTBOX_ROWS, &al->outbox, &al->rows, &al->n_rows);
    if (rc < 0) {
        al->n_rows = 0;
        return store_away(al, rc, "outbox");
    }
    al->waiting = false;
    for (uint32_t i = 0; i < al->n_rows; i++) {
        const struct lg_outbox_row *row = &al->rows[i];
        const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_ALERT)},
                {LG_STR(LG_BUS_H_TENANT), row->tenant_id}, {LG_STR("lg-change"), row->change}};
        struct lg_bus_record rec = {.value = row->json, .headers = headers, .n_headers = 3};
        size_t n = row->tenant_id.n + 1 + row->endpoint_id.n;
        char *key = lg_arena_alloc(&al->outbox, n);

        if (key == NULL)
            rc = LG_ENOMEM;
        else {
            memcpy(key, row->tenant_id.p, row->tenant_id.n);
            key[row->tenant_id.n] = ':';
            memcpy(key + row->tenant_id.n + 1, row->endpoint_id.p, row->endpoint_id.n);
            rec.key = lg_str_of(key, n);
            rc = lg_stage_emit(out, al->opt->topics->n[LG_TOPIC_ALERTS], LG_BUS_BY_KEY, &rec);
        }
        if (rc < 0) { /* the rest goes with the next call */
            al->n_rows = i;
            break;
        }
    }
    return 0;
}

/* 0, or negative: a poison record. */
static int take(struct alerts *al, const struct lg_bus_record *rec, size_t n)
{
    al->items[n] = (struct lg_apply){.in = &al->in[n]};
    return lg_inference_load(al->json, rec->value, rec->bus_time, &al->arena, &al->in[n]);
}

static void count(struct alerts *al, size_t n)
{
    for (size_t i = 0; i < n; i++)
        switch (al->items[i].ret_result) {
        case LG_APPLY_CREATED:
            lg_counter_add(al->shard, al->opened[al->in[i].severity], 1);
            break;
        case LG_APPLY_JOINED:
            lg_counter_add(al->shard, al->folded, 1);
            break;
        case LG_APPLY_SUPPRESSED:
            lg_counter_add(al->shard, al->suppressed, 1);
            break;
        case LG_APPLY_NONE:
        case LG_APPLY_DUPLICATE:
            break;
        }
}

/* One transaction from record *at on; as the indexer's step. */
static int apply_step(
        struct alerts *al, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *at)
{
    struct lg_alert_store *st = al->opt->store;
    struct lg_err err = {0};
    size_t n = 0, i = *at;
    int applied, rc = 0;

    lg_arena_clear(&al->arena);
    for (; i < in->n && n < STEP_RECORDS; i++) {
        if (in->records[i].value.n == 0)
            continue;
        rc = take(al, &in->records[i], n);
        if (rc < 0)
            break;
        n++;
    }
    if (rc == LG_ENOMEM) { /* the arena is full: what fits is a step */
        if (n == 0)
            return LG_EAGAIN;
        rc = 0;
    }
    if (n > 0) {
        applied = st->ops->apply(
                st, al->items, n, atomic_load(&al->opt->fold_gap_ns), lg_stage_now(out), &err);
        if (applied < 0)
            return store_away(al, applied, err.text);
        al->waiting = false;
        count(al, n);
    }
    *at = i;
    return rc;
}

static int alerts_batch(
        void *w, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *ret_done)
{
    struct alerts *al = w;
    int rc = 0, sent;

    *ret_done = 0;
    while (rc == 0 && *ret_done < in->n)
        rc = apply_step(al, in, out, ret_done);
    if (rc == LG_EAGAIN)
        return rc;
    sent = emit_outbox(al, out);
    return sent < 0 ? sent : rc;
}

static int alerts_tick(void *w, lg_time now, struct lg_stage_out *out)
{
    (void)now;
    return emit_outbox(w, out); /* what the API changed */
}

static void alerts_committed(void *w)
{
    struct alerts *al = w;
    struct lg_alert_store *st = al->opt->store;

    for (uint32_t i = 0; i < al->n_rows; i++) {
        if (al->opt->changed != NULL && al->opt->changed(al->opt->user, &al->rows[i]) < 0)
            break;
        al->published = al->rows[i].seq;
    }
    al->n_rows = 0;
    /* A failed acknowledgement only means that the rows are published again after a restart. */
    if (al->published > al->acked && st->ops->outbox_ack(st, al->published) == 0)
        al->acked = al->published;
}

const struct lg_stage_ops lg_alerts_stage = {
        .name = "alerts",
        .open = alerts_open,
        .batch = alerts_batch,
        .tick = alerts_tick,
        .committed = alerts_committed,
        .close = alerts_close,
};

#include "services/indexer.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/codec.h"
#include "json/json.h"

#define STEP_RECORDS 6144 /* one durable step of the store: a whole batch of the indexer */
#define ARENA_BYTES ((size_t)64 << 20)

struct indexer {
    const struct lg_indexer_options *opt;
    struct lg_json *json;
    struct lg_arena arena; /* of one step: strings of the parsed records */
    struct lg_event *events;
    struct lg_event_put *event_puts;
    struct lg_inference *inferences;
    struct lg_inference_put *inference_puts;
    size_t *index; /* of each put in the batch */
    struct lg_metrics_shard *shard;
    struct lg_counter event_rows, inference_rows, conflicts, refused;
    bool waiting; /* for the store: said once */
};

static void indexer_close(void *w)
{
    struct indexer *ix = w;

    if (ix == NULL)
        return;
    lg_json_free(ix->json);
    lg_arena_done(&ix->arena);
    lg_free(ix->events);
    lg_free(ix->event_puts);
    lg_free(ix->inferences);
    lg_free(ix->inference_puts);
    lg_free(ix->index);
    lg_metrics_shard_free(ix->shard);
    lg_free(ix);
}

static int count_as(struct indexer *ix, const struct lg_metric_desc *desc, const char *label,
        const char *value, struct lg_counter *ret)
{
    const struct lg_metric_label l = {label, value};

    return lg_metrics_counter(ix->opt->metrics, desc, &l, 1, ret);
}

static int indexer_open(void *user, unsigned worker, void **ret, struct lg_err *reterr)
{
    struct indexer *ix = lg_calloc(1, sizeof(*ix));
    int rc;

    (void)worker;
    if (ix == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "indexer: out of memory");
    ix->opt = user;
    lg_arena_init(&ix->arena, ARENA_BYTES);
    ix->events = lg_calloc(STEP_RECORDS, sizeof(*ix->events));
    ix->event_puts = lg_calloc(STEP_RECORDS, sizeof(*ix->event_puts));
    ix->inferences = lg_calloc(STEP_RECORDS, sizeof(*ix->inferences));
    ix->inference_puts = lg_calloc(STEP_RECORDS, sizeof(*ix->inference_puts));
    ix->index = lg_calloc(STEP_RECORDS, sizeof(*ix->index));
    rc = lg_json_new(&ix->json);
    if (rc == 0 &&
            (ix->events == NULL || ix->event_puts == NULL || ix->inferences == NULL ||
                    ix->inference_puts == NULL || ix->index == NULL))
        rc = LG_ENOMEM;
    if (rc == 0 && ix->opt->metrics != NULL)
        rc = lg_metrics_shard_new(ix->opt->metrics, &ix->shard);
    if (rc == 0 && ix->opt->metrics != NULL)
        rc = count_as(ix, LG_METRIC(STORE_ROWS_TOTAL), "table", "events", &ix->event_rows);
    if (rc == 0 && ix->opt->metrics != NULL)
        rc = count_as(ix, LG_METRIC(STORE_ROWS_TOTAL), "table", "inferences", &ix->inference_rows);
    if (rc == 0 && ix->opt->metrics != NULL)
        rc = count_as(ix, LG_METRIC(DEAD_LETTERS_TOTAL), "reason", "id_conflict", &ix->conflicts);
    if (rc == 0 && ix->opt->metrics != NULL)
        rc = count_as(ix, LG_METRIC(DEAD_LETTERS_TOTAL), "reason", "store_refused", &ix->refused);
    if (rc < 0) {
        indexer_close(ix);
        return lg_err_set(reterr, rc, "indexer: %s", lg_err_name(rc));
    }
    *ret = ix;
    return 0;
}

/* What of the record is the step's: 1 taken, 0 nothing to store, negative: a poison record. */
static int take_event(struct indexer *ix, const struct lg_bus_record *rec, size_t n)
{
    struct lg_event *ev = &ix->events[n];
    const struct lg_str line = rec->value; /* lives until the batch is done */
    struct lg_jval root;
    int rc = lg_json_parse(ix->json, line, false, &root, NULL);

    if (rc == 0)
        rc = lg_event_read(root, line, ev, NULL);
    if (rc == 0)
        rc = lg_event_keep(ev, &ix->arena);
    if (rc < 0)
        return rc;
    ix->event_puts[n] = (struct lg_event_put){.ev = ev,
            .json = line,
            .received_at = rec->bus_time,
            .time_shift_ns = lg_event_has(ev, LG_F_TIME_SHIFT) ? ev->v[LG_F_TIME_SHIFT].i : 0};
    return 1;
}

/*
 * The context (the window's graph) is kept beside the verdict, not in it: it is the last member
 * of the record, and base64 has no quotes. A record of another writer without it is kept whole.
 */
static void split_context(
        struct lg_str line, struct lg_arena *a, struct lg_str *ret_json, struct lg_str *ret_context)
{
    static const char member[] = ",\"context\":\"";
    ptrdiff_t at = -1;
    char *p;

    *ret_json = line;
    *ret_context = lg_str_of(NULL, 0);
    if (line.n < sizeof(member) + 1 || memcmp(line.p + line.n - 2, "\"}", 2) != 0)
        return;
    for (size_t i = line.n - 2; i-- > sizeof(member) - 1;)
        if (line.p[i] == '"') {
            at = (ptrdiff_t)(i + 1) - (ptrdiff_t)(sizeof(member) - 1);
            break;
        }
    if (at < 0 || memcmp(line.p + at, member, sizeof(member) - 1) != 0)
        return;
    p = lg_arena_alloc(a, (size_t)at + 1);
    if (p == NULL)
        return;
    memcpy(p, line.p, (size_t)at);
    p[at] = '}';
    *ret_json = lg_str_of(p, (size_t)at + 1);
    *ret_context = lg_str_of(
            line.p + at + sizeof(member) - 1, line.n - 2 - ((size_t)at + sizeof(member) - 1));
}

static int take_inference(struct indexer *ix, const struct lg_bus_record *rec, size_t n)
{
    struct lg_inference *in = &ix->inferences[n];
    struct lg_str json, context;
    int rc;

    split_context(rec->value, &ix->arena, &json, &context);
    rc = lg_inference_load(ix->json, json, rec->bus_time, &ix->arena, in);
    if (rc < 0)
        return rc;
    ix->inference_puts[n] = (struct lg_inference_put){.in = in, .context = context};
    return 1;
}

static int store_away(struct indexer *ix, int rc, const struct lg_err *err)
{
    if (!ix->waiting)
        lg_log(LG_LOG_ERROR, "indexer", "event store does not take records; waiting",
                "error=%s detail=\"%s\"", lg_err_name(rc), err->text);
    ix->waiting = true;
    return rc == LG_ENOSPC ? LG_ENOSPC : LG_EAGAIN;
}

static int reject_conflicts(struct indexer *ix, const struct lg_stage_in *in,
        struct lg_stage_out *out, size_t n, bool inferences)
{
    for (size_t i = 0; i < n; i++) {
        enum lg_put put =
                inferences ? ix->inference_puts[i].ret_result : ix->event_puts[i].ret_result;
        int rc;

        if (put == LG_PUT_STORED)
            lg_counter_add(ix->shard, inferences ? ix->inference_rows : ix->event_rows, 1);
        if (put != LG_PUT_CONFLICT && put != LG_PUT_REFUSED)
            continue;
        if (put == LG_PUT_CONFLICT) {
            lg_counter_add(ix->shard, ix->conflicts, 1);
            rc = lg_stage_reject(out, in, ix->index[i], "id_conflict",
                    LG_STR("another record is stored under the same id"));
        } else {
            lg_counter_add(ix->shard, ix->refused, 1);
            rc = lg_stage_reject(out, in, ix->index[i], "store_refused",
                    lg_str_z(inferences ? ix->inference_puts[i].ret_reason
                                        : ix->event_puts[i].ret_reason));
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/*
 * One durable step from record *at on: parses what fits, stores it, and moves *at behind it.
 * Negative: LG_EAGAIN (nothing of the step counts), or record *at is poison and those before it
 * are stored.
 */
static int store_step(
        struct indexer *ix, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *at)
{
    bool inferences = in->topic == ix->opt->topics->n[LG_TOPIC_RESULTS];
    struct lg_event_store *st = ix->opt->store;
    struct lg_err err = {0};
    size_t n = 0, i = *at;
    int stored, rc = 0;

    lg_arena_clear(&ix->arena);
    for (; i < in->n && n < STEP_RECORDS; i++) {
        const struct lg_bus_record *rec = &in->records[i];

        if (rec->value.n == 0) /* a tick, or a tombstone */
            continue;
        rc = inferences ? take_inference(ix, rec, n) : take_event(ix, rec, n);
        if (rc < 0)
            break;
        ix->index[n] = i;
        n += (size_t)rc;
        rc = 0;
    }
    if (rc == LG_ENOMEM) { /* the arena is full: what fits is a step */
        if (n == 0)
            return LG_EAGAIN;
        rc = 0;
    }
    if (n > 0) {
        stored = inferences ? st->ops->write(st, NULL, 0, ix->inference_puts, n, &err)
                            : st->ops->write(st, ix->event_puts, n, NULL, 0, &err);
        if (stored < 0)
            return store_away(ix, stored, &err);
        ix->waiting = false;
        stored = reject_conflicts(ix, in, out, n, inferences);
        if (stored < 0)
            return stored;
    }
    *at = i;
    return rc;
}

/* What a step stored may be stored again after LG_EAGAIN: the store knows its ids. */
static int indexer_batch(
        void *w, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *ret_done)
{
    int rc = 0;

    *ret_done = 0;
    while (rc == 0 && *ret_done < in->n)
        rc = store_step(w, in, out, ret_done);
    return rc;
}

const struct lg_stage_ops lg_indexer_stage = {
        .name = "indexer",
        .open = indexer_open,
        .batch = indexer_batch,
        .close = indexer_close,
};

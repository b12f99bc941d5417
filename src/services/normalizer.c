#include "services/normalizer.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "services/normalizer_int.h"

/* ------------------------------------------------------------------ set-up */

static int counter(struct lg_metrics *m, const struct lg_metric_desc *d, const char *name,
        const char *value, struct lg_counter *ret)
{
    const struct lg_metric_label label = {name, value};

    return lg_metrics_counter(m, d, &label, name != NULL ? 1 : 0, ret);
}

static int open_metrics(struct lg_nz_worker *w)
{
    struct lg_metrics *m = w->opt->metrics;
    struct lg_nz_metrics *i = &w->m;
    int rc;

    if (m == NULL)
        return 0;
    rc = lg_metrics_shard_new(m, &i->shard);
    for (unsigned r = 0; r < LG_DEAD_REASON_COUNT && rc == 0; r++)
        rc = counter(m, LG_METRIC(DEAD_LETTERS_TOTAL), "reason",
                lg_dead_reason_name((enum lg_dead_reason)r), &i->dead[r]);
    for (unsigned r = 0; r < LG_SKIP_REASON_COUNT && rc == 0; r++)
        rc = counter(m, LG_METRIC(SKIPPED_TOTAL), "reason",
                lg_skip_reason_name((enum lg_skip_reason)r), &i->skipped[r]);
    if (rc == 0)
        rc = counter(m, LG_METRIC(RAW_EVENTS_TOTAL), NULL, NULL, &i->raw);
    if (rc == 0)
        rc = counter(m, LG_METRIC(NORMALIZED_EVENTS_TOTAL), NULL, NULL, &i->events);
    if (rc == 0)
        rc = counter(m, LG_METRIC(PARSE_ERRORS), NULL, NULL, &i->errors);
    if (rc == 0)
        rc = counter(m, LG_METRIC(TIME_CLAMPED_TOTAL), NULL, NULL, &i->clamped);
    if (rc == 0)
        rc = counter(m, LG_METRIC(TEXT_REPAIRED_TOTAL), NULL, NULL, &i->repaired);
    if (rc == 0)
        rc = counter(m, LG_METRIC(HELD_BACK_TOTAL), NULL, NULL, &i->held);
    if (rc == 0)
        rc = lg_metrics_gauge(m, LG_METRIC(HELD_BACK_ENDPOINTS), NULL, 0, &i->held_endpoints);
    return rc;
}

static int open_fair_share(struct lg_nz_worker *w)
{
    const struct lg_config *cfg = w->opt->config;
    const struct lg_fairshare_options fo = {.bus = w->opt->bus,
            .held_topic = w->t_held,
            .endpoint_rate = cfg->fair_share.endpoint_rate,
            .endpoint_burst = cfg->fair_share.endpoint_burst,
            .tenant_rate = cfg->fair_share.tenant_rate,
            .tenant_burst = cfg->fair_share.tenant_burst,
            .drain_rate = cfg->fair_share.spare_rate};

    return cfg->fair_share.enabled && w->t_held >= 0 ? lg_fairshare_new(&fo, &w->fs) : 0;
}

static int open_topics(struct lg_nz_worker *w, struct lg_err *reterr)
{
    struct lg_raw_topic raw[LG_MAX_RAW_TOPICS];
    struct lg_bus *bus = w->opt->bus;
    int rc;

    rc = lg_raw_topics(w->opt->config, raw, &w->n_raw, reterr);
    for (size_t i = 0; rc == 0 && i < w->n_raw; i++) {
        w->raw[i] = (struct lg_nz_raw){raw[i], lg_bus_topic_find(bus, raw[i].name)};
        if (w->raw[i].topic < 0)
            rc = lg_err_set(reterr, LG_ENOENT, "no topic %s", raw[i].name);
    }
    if (rc < 0)
        return rc;
    w->t_events = lg_bus_topic_find(bus, lg_topic_name(LG_TOPIC_NORMALIZED));
    w->t_dead = lg_bus_topic_find(bus, lg_topic_name(LG_TOPIC_DEAD_LETTER));
    w->t_state = lg_bus_topic_find(bus, lg_topic_name(LG_TOPIC_STATE));
    w->t_held = lg_bus_topic_find(bus, lg_topic_name(LG_TOPIC_HELD_BACK));
    if (w->t_events < 0 || w->t_dead < 0 || w->t_state < 0)
        return lg_err_set(reterr, LG_ENOENT, "a topic of the normalizer is missing");
    return 0;
}

static int nz_open(void *user, unsigned worker, void **ret, struct lg_err *reterr)
{
    struct lg_nz_worker *w = lg_calloc(1, sizeof(*w));
    int rc;

    (void)worker;
    if (w == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    w->opt = user;
    lg_map_init(&w->streams);
    lg_map_init(&w->refused);
    lg_map_init(&w->hosts);
    lg_map_init(&w->alerted);
    lg_buf_init(&w->text, LG_BUS_MAX_VALUE_BYTES);
    *ret = w; /* also half-used: close follows */
    rc = open_topics(w, reterr);
    if (rc < 0)
        return rc;
    w->ids = lg_calloc(LG_NZ_IDS, sizeof(*w->ids));
    rc = w->ids == NULL ? LG_ENOMEM : lg_normalizer_new(&w->nz);
    if (rc == 0)
        rc = open_metrics(w);
    if (rc == 0)
        rc = open_fair_share(w);
    return rc < 0 ? lg_err_set(reterr, rc, "normalizer: %s", lg_err_name(rc)) : 0;
}

static void nz_close(void *user)
{
    struct lg_nz_worker *w = user;

    if (w == NULL)
        return;
    while (w->oldest != NULL)
        lg_nz_stream_drop(w, w->oldest);
    while (w->parts != NULL) {
        struct lg_nz_part *p = w->parts;

        w->parts = p->next;
        lg_free(p);
    }
    while (w->lanes != NULL) {
        struct lg_nz_lane *l = w->lanes;

        w->lanes = l->next;
        lg_free(l);
    }
    lg_fairshare_free(w->fs);
    lg_normalizer_free(w->nz);
    lg_map_done(&w->streams);
    lg_map_done(&w->refused);
    lg_map_done(&w->hosts);
    lg_map_done(&w->alerted);
    lg_free(w->ids);
    lg_buf_done(&w->text);
    if (w->m.shard != NULL)
        lg_metrics_shard_free(w->m.shard);
    lg_free(w);
}

/* ------------------------------------------------------------------ partitions */

static struct lg_nz_part *part_of(const struct lg_nz_worker *w, int topic, int32_t partition)
{
    struct lg_nz_part *p = w->parts;

    while (p != NULL && (p->topic != topic || p->partition != partition))
        p = p->next;
    return p;
}

static int add_lane(struct lg_nz_worker *w, int32_t partition)
{
    struct lg_nz_lane *l = w->lanes;

    while (l != NULL && l->partition != partition)
        l = l->next;
    if (l != NULL)
        return 0;
    l = lg_calloc(1, sizeof(*l));
    if (l == NULL)
        return LG_ENOMEM;
    l->partition = partition;
    l->next = w->lanes;
    w->lanes = l;
    return 0;
}

static int nz_assigned(
        void *user, int topic, int32_t partition, int64_t *offset, struct lg_err *reterr)
{
    struct lg_nz_worker *w = user;
    struct lg_nz_part *p = part_of(w, topic, partition);
    int rc;

    if (topic == w->t_held)
        return w->fs != NULL ? lg_nz_state_load_fair(w, partition, *offset, reterr) : 0;
    if (p != NULL)
        return 0;
    p = lg_calloc(1, sizeof(*p));
    if (p == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    p->topic = topic;
    p->partition = partition;
    p->position = *offset;
    p->held = -1;
    rc = lg_nz_state_load(w, p, reterr);
    if (rc == 0 && add_lane(w, partition) < 0)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    if (rc < 0) {
        lg_free(p);
        return rc;
    }
    p->next = w->parts;
    w->parts = p;
    return 0;
}

static void drop_streams(struct lg_nz_worker *w, int topic, int32_t partition)
{
    for (struct lg_nz_stream *s = w->oldest, *next; s != NULL; s = next) {
        next = s->newer;
        if (s->topic == topic && s->partition == partition)
            lg_nz_stream_drop(w, s);
    }
}

static bool owns_lane(const struct lg_nz_worker *w, int32_t partition)
{
    for (const struct lg_nz_part *p = w->parts; p != NULL; p = p->next)
        if (p->partition == partition)
            return true;
    return false;
}

/* What assemblers hold is read again by the next owner: the committed offset lies before it. */
static int nz_revoked(void *user, int topic, int32_t partition, struct lg_stage_out *out)
{
    struct lg_nz_worker *w = user;
    struct lg_nz_part **at = &w->parts, *p;

    (void)out;
    if (topic == w->t_held && w->fs != NULL)
        lg_fairshare_revoked(w->fs, partition);
    while (*at != NULL && ((*at)->topic != topic || (*at)->partition != partition))
        at = &(*at)->next;
    p = *at;
    if (p == NULL)
        return 0;
    drop_streams(w, topic, partition);
    *at = p->next;
    lg_free(p);
    for (struct lg_nz_lane **l = &w->lanes; *l != NULL; l = &(*l)->next) {
        struct lg_nz_lane *gone = *l;

        if (gone->partition != partition || owns_lane(w, partition))
            continue;
        *l = gone->next;
        lg_free(gone);
        break;
    }
    return 0;
}

static int64_t nz_low_offset(void *user, int topic, int32_t partition, int64_t next)
{
    struct lg_nz_worker *w = user;
    const struct lg_nz_part *p;
    int64_t held;

    if (topic == w->t_held) {
        held = lg_nz_held(w, topic, partition);
        next = w->fs != NULL ? lg_fairshare_low_offset(w->fs, partition) : -1;
        return held >= 0 && next > held ? held : next;
    }
    p = part_of(w, topic, partition);
    held = lg_nz_held(w, topic, partition);
    if (p != NULL && p->held >= 0 && (held < 0 || p->held < held))
        held = p->held;
    return held >= 0 && held < next ? held : next;
}

/* ------------------------------------------------------------------ fair share */

static int hold(struct lg_nz_worker *w, const struct lg_stage_in *in,
        const struct lg_bus_record *rec, struct lg_str key, struct lg_stage_out *out)
{
    struct lg_bus_header h[LG_BUS_MAX_HEADERS];
    struct lg_bus_record copy = *rec;
    size_t n = 0;

    h[n++] = (struct lg_bus_header){
            LG_STR(LG_NZ_H_TOPIC), lg_str_z(lg_bus_topic_name(w->opt->bus, in->topic))};
    for (size_t i = 0; i < rec->n_headers && n < LG_BUS_MAX_HEADERS; i++)
        h[n++] = rec->headers[i];
    copy.headers = h;
    copy.n_headers = n;
    copy.key = key;
    lg_counter_add(w->m.shard, w->m.held, 1);
    if (lg_nz_may_tell(w, lg_hash_mix(lg_hash_str(key, lg_hash_secret()), 2), lg_stage_now(out)))
        lg_nz_tell(w, LG_OPERATIONAL_HELD_BACK, lg_nz_tenant(w, in->topic, rec), key,
                "an endpoint is over its rate: its records wait in logster-held-back");
    return lg_stage_emit(out, w->t_held, in->partition, &copy);
}

/* 1: the record was put aside, 0: it goes on, or an error. */
static int offer(struct lg_nz_worker *w, const struct lg_stage_in *in,
        const struct lg_bus_record *rec, struct lg_stage_out *out)
{
    struct lg_str tenant = lg_nz_tenant(w, in->topic, rec), key = rec->key;
    char own[LG_BUS_MAX_KEY_BYTES];
    int rc;

    if (w->fs == NULL)
        return 0;
    if (key.n == 0) { /* a topic of somebody else's: all records of the tenant without a name */
        key.n = tenant.n < sizeof(own) ? tenant.n : sizeof(own);
        memcpy(own, tenant.p, key.n);
        key.p = own;
    }
    rc = lg_fairshare_offer(w->fs, in->partition, tenant, key, 1, lg_stage_now(out));
    if (rc < 0)
        return rc;
    if (rc == LG_FAIR_DIRECT)
        return 0;
    rc = hold(w, in, rec, key, out);
    return rc < 0 ? rc : 1;
}

static int raw_topic_of(const struct lg_nz_worker *w, const struct lg_bus_record *rec)
{
    struct lg_str name = lg_bus_header_get(rec, LG_STR(LG_NZ_H_TOPIC));

    for (size_t i = 0; i < w->n_raw; i++)
        if (lg_str_eq(name, lg_str_z(w->raw[i].is.name)))
            return w->raw[i].topic;
    return w->raw[0].topic;
}

/* Records that were put aside and may go now. */
static int drain_held(struct lg_nz_worker *w, struct lg_stage_out *out)
{
    struct lg_fairshare_stats st;
    struct lg_bus_record rec;
    struct lg_err err;
    int32_t partition;
    int rc = 0, got = 1;

    if (w->fs == NULL)
        return 0;
    lg_fairshare_stats_get(w->fs, &st);
    lg_gauge_set(w->m.shard, w->m.held_endpoints, (int64_t)st.endpoints_held);
    if (st.waiting == 0)
        return 0;
    while (rc == 0 && lg_stage_out_bytes(out) < LG_NZ_BUSY_BYTES) {
        got = lg_fairshare_next(w->fs, lg_stage_now(out), &partition, &rec, &err);
        if (got <= 0)
            break;
        rc = lg_nz_record(w, raw_topic_of(w, &rec), partition, &rec, true, false, out);
    }
    for (const struct lg_nz_lane *l = w->lanes; l != NULL && rc == 0 && got >= 0; l = l->next)
        rc = lg_nz_state_fair(w, l->partition, out);
    return rc < 0 ? rc : got < 0 ? got : 0;
}

/* ------------------------------------------------------------------ calls */

/* Outputs of what came before this batch are published: a restart may pass over them. */
static int tell_resume(struct lg_nz_worker *w, struct lg_nz_part *p, const struct lg_stage_in *in,
        struct lg_stage_out *out)
{
    p->held = lg_nz_held(w, in->topic, in->partition);
    if (p->held < 0 || in->records[0].offset <= p->resume)
        return 0;
    return lg_nz_state_resume(w, p, out, in->records[0].offset);
}

static int nz_batch(
        void *user, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *ret_done)
{
    struct lg_nz_worker *w = user;
    struct lg_nz_part *p = part_of(w, in->topic, in->partition);
    int rc = 0;

    *ret_done = 0;
    if (p == NULL)
        return LG_EINVAL;
    if (w->unsettled) /* the call before was undone */
        lg_fairshare_undo(w->fs);
    w->unsettled = w->fs != NULL;
    if (in->n > 0)
        rc = tell_resume(w, p, in, out);
    for (size_t i = 0; i < in->n && rc >= 0; i++) {
        const struct lg_bus_record *rec = &in->records[i];
        bool suppress = rec->offset < p->resume;

        *ret_done = i;
        if (lg_stage_out_bytes(out) > LG_NZ_BUSY_BYTES)
            return LG_STAGE_MORE;
        rc = suppress ? 0 : offer(w, in, rec, out);
        if (rc == 0)
            rc = lg_nz_record(w, in->topic, in->partition, rec, false, suppress, out);
        p->position = rec->offset + 1;
    }
    if (rc < 0)
        return rc;
    *ret_done = in->n;
    return drain_held(w, out);
}

static bool caught_up(const struct lg_nz_worker *w, int32_t partition)
{
    for (const struct lg_nz_part *p = w->parts; p != NULL; p = p->next) {
        int64_t begin, end;

        if (p->partition != partition)
            continue;
        if (lg_bus_offsets(w->opt->bus, p->topic, partition, &begin, &end) < 0 || p->position < end)
            return false;
    }
    return true;
}

/* A partition where nothing happens still moves on in time, as part of its log. */
static int emit_ticks(struct lg_nz_worker *w, lg_time now, struct lg_stage_out *out)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_TICK)}};
    const struct lg_bus_record rec = {
            .value = LG_STR(""), .bus_time = now, .headers = headers, .n_headers = 1};
    int32_t n = lg_bus_partitions(w->opt->bus, w->t_events);

    for (struct lg_nz_lane *l = w->lanes; l != NULL; l = l->next) {
        int rc;

        if (now - l->last_out < LG_NZ_TICK_NS || l->partition >= n || !caught_up(w, l->partition))
            continue;
        rc = lg_stage_emit(out, w->t_events, l->partition, &rec);
        if (rc < 0)
            return rc;
        l->last_out = now;
    }
    return 0;
}

/* Assemblers of sources that are silent: the host's clock stands, so that nothing ends by time. */
static int flush_silent(struct lg_nz_worker *w, lg_time now, struct lg_stage_out *out)
{
    for (struct lg_nz_stream *s = w->oldest; s != NULL; s = s->newer) {
        const struct lg_nz_part *p = part_of(w, s->topic, s->partition);
        int rc;

        if (now - s->last_now < LG_NZ_SILENT_NS || p == NULL || p->position < p->resume)
            continue;
        if (lg_stage_out_bytes(out) > LG_NZ_BUSY_BYTES)
            break;
        w->call.out = out;
        rc = lg_nz_stream_flush(w, s);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int nz_tick(void *user, lg_time now, struct lg_stage_out *out)
{
    struct lg_nz_worker *w = user;
    int rc = flush_silent(w, now, out);

    for (struct lg_nz_part *p = w->parts; p != NULL; p = p->next)
        p->held =
                lg_nz_held(w, p->topic, p->partition); /* what was flushed is published with this */
    if (rc == 0)
        rc = drain_held(w, out);
    if (rc == 0)
        rc = emit_ticks(w, now, out);
    return rc;
}

static void nz_committed(void *user)
{
    struct lg_nz_worker *w = user;

    if (w->fs != NULL)
        lg_fairshare_settle(w->fs);
    w->unsettled = false;
}

const struct lg_stage_ops lg_normalizer_stage = {
        .name = "normalizer",
        .open = nz_open,
        .assigned = nz_assigned,
        .revoked = nz_revoked,
        .batch = nz_batch,
        .tick = nz_tick,
        .low_offset = nz_low_offset,
        .committed = nz_committed,
        .close = nz_close,
};

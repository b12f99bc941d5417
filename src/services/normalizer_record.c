#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "event/codec.h"
#include "services/normalizer_int.h"

#define TELL_NS (3600 * LG_NS_PER_SEC)
#define MAX_KEYS 65536u /* of the small maps; they are emptied when full */
#define MAX_HEADERS 16

/* ------------------------------------------------------------------ operational alerts */

static int note(struct lg_map *m, uint64_t key, uint64_t value)
{
    if (m->n >= MAX_KEYS && lg_map_get(m, key) == NULL)
        lg_map_clear(m);
    return lg_map_put(m, key, value);
}

bool lg_nz_may_tell(struct lg_nz_worker *w, uint64_t matter, lg_time now)
{
    const uint64_t *v = lg_map_get(&w->alerted, matter);

    if (v != NULL && now - (lg_time)*v < TELL_NS)
        return false;
    return note(&w->alerted, matter, (uint64_t)now) == 0;
}

void lg_nz_tell(struct lg_nz_worker *w, enum lg_operational what, struct lg_str tenant,
        struct lg_str endpoint, const char *text)
{
    lg_log(LG_LOG_WARN, "normalizer", text, "tenant=\"%.*s\" endpoint=\"%.*s\"", LG_STR_FMT(tenant),
            LG_STR_FMT(endpoint));
    if (w->opt->operational != NULL)
        w->opt->operational(w->opt->user, what, tenant, endpoint, text);
}

static bool is_full_name(struct lg_str host)
{
    return lg_str_chr(host, '.') > 0;
}

/* Two domains under one short name share windows and verdicts: someone should know. */
static void watch_name(struct lg_nz_worker *w, const struct lg_event *ev)
{
    uint64_t key = lg_hash_str(ev->endpoint_id, lg_hash_str(ev->tenant_id, lg_hash_secret()));
    uint64_t host = lg_hash_str(ev->hostname, lg_hash_secret());
    const uint64_t *v;

    if (!is_full_name(ev->hostname))
        return;
    v = lg_map_get(&w->hosts, key);
    if (v == NULL || *v == host) {
        if (v == NULL && note(&w->hosts, key, host) < 0)
            return; /* no memory, no watching */
        return;
    }
    if (lg_nz_may_tell(w, lg_hash_mix(key, 1), lg_stage_now(w->call.out)))
        lg_nz_tell(w, LG_OPERATIONAL_NAME_CLASH, ev->tenant_id, ev->endpoint_id,
                "two hosts have one endpoint id: set identity.endpoint to fqdn");
    (void)(note(&w->hosts, key, host) < 0);
}

/* ------------------------------------------------------------------ events */

/* What a replay moves is all of the event's times, or they would contradict each other; and it is
 * another event than the one that was recorded. */
static void shift_times(struct lg_event *ev, int64_t by)
{
    char text[24], id[LG_UUID_TEXT + 1];
    struct lg_str parts[2];
    int n;

    if (by == 0)
        return;
    n = snprintf(text, sizeof(text), "%lld", (long long)by);
    lg_uuid_text(&ev->event_id, id);
    parts[0] = lg_str_of(id, LG_UUID_TEXT);
    parts[1] = lg_str_of(text, (size_t)n);
    ev->event_id = lg_uuid_from_tuple(parts, 2);
    ev->time_ns += by;
    ev->claimed_time_ns += by;
    for (int f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_fields[f].type == LG_FIELD_TIME && lg_event_has(ev, (enum lg_field)f) &&
                !__builtin_add_overflow(ev->v[f].i, by, &ev->v[f].i) && ev->v[f].i < 0)
            ev->v[f].i = 0;
    lg_event_set_i64(ev, LG_F_TIME_SHIFT, by);
}

static void clamp_time(struct lg_nz_worker *w, struct lg_event *ev)
{
    lg_time bus = w->call.bus_time;

    if (bus <= 0 || ev->time_ns - bus <= w->opt->config->inference.max_future_ns)
        return;
    ev->time_ns = bus;
    ev->flags |= LG_EVF_TIME_CLAMPED;
    lg_counter_add(w->m.shard, w->m.clamped, 1);
}

/* Same id, other bytes. Of audit groups the bytes tell nothing: their lines may change places. */
static bool conflicts(struct lg_nz_worker *w, const struct lg_event *ev)
{
    uint64_t id = lg_hash64(ev->event_id.b, sizeof(ev->event_id.b), lg_hash_secret());
    uint64_t content = lg_hash_str(ev->raw, lg_hash_secret());
    struct lg_nz_id *slot = &w->ids[id & (LG_NZ_IDS - 1)];

    if (ev->source == LG_SOURCE_AUDITD)
        return false;
    if (slot->id == id)
        return slot->content != content;
    *slot = (struct lg_nz_id){id, content};
    return false;
}

static int dead_of_event(struct lg_nz_worker *w, const struct lg_event *ev)
{
    struct lg_dead_letter dl = {
            .reason = LG_DEAD_ID_CONFLICT,
            .format = ev->format,
            .tenant_id = ev->tenant_id,
            .bytes = ev->raw,
            .pos = {(uint64_t)w->call.topic + 1,
                    w->call.rec != NULL ? (uint64_t)w->call.rec->offset : 0},
    };
    char id[LG_UUID_TEXT + 1];

    lg_uuid_text(&ev->event_id, id);
    (void)snprintf(dl.detail, sizeof(dl.detail), "event %s came with other content before", id);
    return lg_nz_on_dead(w, &dl);
}

static void touch_lane(struct lg_nz_worker *w, int32_t partition)
{
    for (struct lg_nz_lane *l = w->lanes; l != NULL; l = l->next)
        if (l->partition == partition)
            l->last_out = lg_stage_now(w->call.out);
}

struct headers {
    struct lg_bus_header v[MAX_HEADERS];
    size_t n;
};

static void add_header(struct headers *h, struct lg_str name, struct lg_str value)
{
    if (value.n > 0 && h->n < MAX_HEADERS)
        h->v[h->n++] = (struct lg_bus_header){name, value};
}

/* Dead letters of the record's endpoint since its last event; they are told once. */
static uint64_t take_refused(struct lg_nz_worker *w)
{
    const uint64_t *v = w->call.key_hash != 0 ? lg_map_get(&w->refused, w->call.key_hash) : NULL;
    uint64_t n = v != NULL ? *v : 0;

    if (n > 0)
        (void)lg_map_del(&w->refused, w->call.key_hash);
    return n;
}

static int emit_event(struct lg_nz_worker *w, const struct lg_event *ev)
{
    struct lg_bus_record rec = {.value = lg_buf_str(&w->text), .bus_time = w->call.bus_time};
    char key[LG_BUS_MAX_KEY_BYTES], seq[24], refused[24];
    size_t n = ev->tenant_id.n + 1 + ev->endpoint_id.n;
    uint64_t n_refused = take_refused(w);
    struct headers h = {.n = 0};
    int rc;

    if (n > sizeof(key))
        return LG_ELIMIT;
    memcpy(key, ev->tenant_id.p, ev->tenant_id.n);
    key[ev->tenant_id.n] = ':';
    memcpy(key + ev->tenant_id.n + 1, ev->endpoint_id.p, ev->endpoint_id.n);
    rec.key = lg_str_of(key, n);
    add_header(&h, LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_EVENT));
    add_header(&h, LG_STR(LG_BUS_H_TENANT), ev->tenant_id);
    add_header(
            &h, LG_STR(LG_BUS_H_SOURCE), lg_str_z(lg_bus_topic_name(w->opt->bus, w->call.topic)));
    add_header(&h, LG_STR(LG_NORM_H_CHANNEL), lg_str_sub(ev->channel, 0, 256));
    if (ev->sequence > 0)
        add_header(&h, LG_STR(LG_NORM_H_SEQUENCE),
                lg_str_of(seq,
                        (size_t)snprintf(
                                seq, sizeof(seq), "%llu", (unsigned long long)ev->sequence)));
    if (n_refused > 0)
        add_header(&h, LG_STR(LG_NORM_H_REFUSED),
                lg_str_of(refused,
                        (size_t)snprintf(
                                refused, sizeof(refused), "%llu", (unsigned long long)n_refused)));
    if (w->call.held)
        add_header(&h, LG_STR(LG_NORM_H_HELD), LG_STR("1"));
    rec.headers = h.v;
    rec.n_headers = h.n;
    rc = lg_stage_emit(w->call.out, w->t_events, LG_BUS_BY_KEY, &rec);
    if (rc == 0)
        touch_lane(w, lg_bus_partition_of(w->opt->bus, w->t_events, rec.key));
    return rc;
}

int lg_nz_on_event(void *user, const struct lg_event *given)
{
    struct lg_nz_worker *w = user;
    /* the normalizer's one event: it is ours until we return */
    struct lg_event *ev = (struct lg_event *)(uintptr_t)given;
    int rc;

    if (w->call.suppress)
        return 0;
    shift_times(ev, w->call.time_shift);
    clamp_time(w, ev);
    if (conflicts(w, ev))
        return dead_of_event(w, ev);
    watch_name(w, ev);
    lg_buf_clear(&w->text);
    lg_event_write(ev, &w->text);
    if (w->text.failed < 0)
        return w->text.failed;
    rc = emit_event(w, ev);
    if (rc < 0)
        return rc;
    lg_counter_add(w->m.shard, w->m.events, 1);
    lg_counter_add(w->m.shard, w->m.repaired, (ev->flags & LG_EVF_TEXT_REPAIRED) != 0);
    return 0;
}

/* ------------------------------------------------------------------ dead letters */

/* Positions are of the topic that the record was read from. */
static const char *dead_topic(struct lg_nz_worker *w, const struct lg_dead_letter *dl)
{
    const char *topic = lg_bus_topic_name(w->opt->bus, (int)dl->pos.line - 1);

    return topic != NULL ? topic : lg_bus_topic_name(w->opt->bus, w->call.topic);
}

/* In the runner's form (pipeline/stage.h): the original bytes as they are, what is known of them in
 * headers, so that a replay needs to decode nothing. */
int lg_nz_on_dead(void *user, const struct lg_dead_letter *dl)
{
    static const char *const carried[] = {
            LG_BUS_H_SOURCE, LG_BUS_H_ENDPOINT, LG_BUS_H_TIME_SHIFT, LG_BUS_H_PRINCIPAL};
    struct lg_nz_worker *w = user;
    char partition[16], offset[24], time[24];
    struct lg_bus_record rec = {.bus_time = w->call.bus_time, .value = dl->bytes};
    struct headers h = {.n = 0};

    if (w->call.suppress)
        return 0;
    add_header(&h, LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_DEAD_LETTER));
    add_header(&h, LG_STR(LG_BUS_H_TENANT), w->call.tenant);
    add_header(&h, LG_STR(LG_DEAD_H_REASON), lg_str_z(lg_dead_reason_name(dl->reason)));
    add_header(&h, LG_STR(LG_DEAD_H_DETAIL), lg_str_z(dl->detail));
    add_header(&h, LG_STR(LG_DEAD_H_SCHEMA), LG_STR(LG_SCHEMA_RAW));
    add_header(&h, LG_STR("lg-dead-format"), dl->format);
    add_header(&h, LG_STR(LG_DEAD_H_TOPIC), lg_str_z(dead_topic(w, dl)));
    (void)snprintf(partition, sizeof(partition), "%d", (int)w->call.partition);
    (void)snprintf(offset, sizeof(offset), "%llu", (unsigned long long)dl->pos.offset);
    (void)snprintf(time, sizeof(time), "%lld", (long long)w->call.bus_time);
    add_header(&h, LG_STR(LG_DEAD_H_PARTITION), lg_str_z(partition));
    add_header(&h, LG_STR(LG_DEAD_H_OFFSET), lg_str_z(offset));
    add_header(&h, LG_STR(LG_DEAD_H_TIME), lg_str_z(time));
    add_header(&h, LG_STR(LG_DEAD_H_STAGE), LG_STR("normalizer"));
    if (w->call.rec != NULL) {
        rec.key = w->call.rec->key;
        for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++)
            add_header(
                    &h, lg_str_z(carried[i]), lg_bus_header_get(w->call.rec, lg_str_z(carried[i])));
    }
    rec.headers = h.v;
    rec.n_headers = h.n;
    if (w->call.key_hash != 0) {
        const uint64_t *v = lg_map_get(&w->refused, w->call.key_hash);

        (void)(note(&w->refused, w->call.key_hash, v != NULL ? *v + 1 : 1) < 0);
    }
    lg_counter_add(w->m.shard, w->m.errors, 1);
    lg_counter_add(w->m.shard, w->m.dead[dl->reason], 1);
    return lg_stage_emit(w->call.out, w->t_dead, LG_BUS_BY_KEY, &rec);
}

int lg_nz_on_skipped(void *user, enum lg_skip_reason reason)
{
    struct lg_nz_worker *w = user;

    if (!w->call.suppress)
        lg_counter_add(w->m.shard, w->m.skipped[reason], 1);
    return 0;
}

/* ------------------------------------------------------------------ records */

static int64_t time_shift(const struct lg_bus_record *rec)
{
    int64_t by;

    if (lg_parse_i64(lg_bus_header_get(rec, LG_STR(LG_BUS_H_TIME_SHIFT)), &by) < 0)
        return 0;
    /* two centuries either way: no sum of times overflows */
    return by > INT64_C(6000000000) * LG_NS_PER_SEC || by < INT64_C(-6000000000) * LG_NS_PER_SEC
            ? 0
            : by;
}

static const struct lg_raw_topic *raw_topic(const struct lg_nz_worker *w, int topic)
{
    for (size_t i = 0; i < w->n_raw; i++)
        if (w->raw[i].topic == topic)
            return &w->raw[i].is;
    return &w->raw[0].is;
}

struct lg_str lg_nz_tenant(const struct lg_nz_worker *w, int topic, const struct lg_bus_record *rec)
{
    const struct lg_raw_topic *raw = raw_topic(w, topic);
    const struct lg_str own = lg_bus_header_get(rec, LG_STR(LG_BUS_H_TENANT));

    return raw->trusted && own.n > 0 ? own : lg_str_z(raw->tenant);
}

/* It names a tenant that the topic's writers have no say over. */
static int refuse_tenant(struct lg_nz_worker *w, struct lg_str named)
{
    struct lg_dead_letter dl = {.reason = LG_DEAD_TENANT_MISMATCH,
            .tenant_id = w->call.tenant,
            .bytes = w->call.rec->value,
            .pos = {(uint64_t)w->call.topic + 1, (uint64_t)w->call.rec->offset}};

    (void)snprintf(dl.detail, sizeof(dl.detail), "the record's header names tenant '%.*s'",
            (int)(named.n > 64 ? 64 : named.n), named.p);
    return lg_nz_on_dead(w, &dl);
}

int lg_nz_record(struct lg_nz_worker *w, int topic, int32_t partition,
        const struct lg_bus_record *rec, bool held, bool suppress, struct lg_stage_out *out)
{
    const struct lg_norm_sink sink = {w, lg_nz_on_event, lg_nz_on_dead, lg_nz_on_skipped};
    const struct lg_str named = lg_bus_header_get(rec, LG_STR(LG_BUS_H_TENANT));
    const struct lg_str tenant = lg_nz_tenant(w, topic, rec);
    struct lg_str endpoint = lg_bus_header_get(rec, LG_STR(LG_BUS_H_ENDPOINT));
    /* `line` tells what the offset counts in: an assembler may hold records of both topics */
    const struct lg_position pos = {
            (uint64_t)(held ? w->t_held : topic) + 1, (uint64_t)rec->offset};
    struct lg_nz_stream *s;
    int rc;

    rc = lg_nz_stream_get(w, topic, partition, tenant, endpoint, &s);
    if (rc < 0)
        return rc;
    w->call = (struct lg_nz_call){.out = out,
            .rec = rec,
            .tenant = tenant,
            .topic = topic,
            .partition = partition,
            .time_shift = raw_topic(w, topic)->trusted ? time_shift(rec) : 0,
            .bus_time = rec->bus_time,
            .key_hash = rec->key.n > 0 ? lg_hash_str(rec->key, lg_hash_secret()) : 0,
            .held = held,
            .suppress = suppress};
    s->last_bus = rec->bus_time;
    s->last_now = lg_stage_now(out);
    s->shift = w->call.time_shift;
    if (!suppress)
        lg_counter_add(w->m.shard, w->m.raw, 1);
    if (named.n > 0 && !lg_str_eq(named, tenant))
        return refuse_tenant(w, named);
    return lg_normalizer_record(w->nz, s->st, rec->value, false, pos, &sink);
}

#ifndef LG_SERVICES_NORMALIZER_INT_H
#define LG_SERVICES_NORMALIZER_INT_H

#include "base/map.h"
#include "base/vec.h"
#include "normalize/normalize.h"
#include "pipeline/fairshare.h"
#include "services/normalizer.h"
#include "services/topics.h"

/* Inside of the normalizer stage. One worker's state; its thread's. */

#define LG_NZ_MAX_STREAMS 4096u
#define LG_NZ_BUSY_BYTES ((size_t)12 << 20) /* of outputs: then the rest waits a call */
#define LG_NZ_SILENT_NS (5 * LG_NS_PER_SEC) /* an assembler's stream without input is flushed */
#define LG_NZ_TICK_NS LG_NS_PER_SEC
#define LG_NZ_IDS 65536u /* latest event ids, power of two */

/* Header of records in logster-held-back: the raw topic that they were taken from. */
#define LG_NZ_H_TOPIC "lg-held-topic"

/* One source of records: a topic's partition, a tenant and a fallback name. */
struct lg_nz_stream {
    struct lg_nz_stream *chain;         /* same hash */
    struct lg_nz_stream *older, *newer; /* by last input */
    uint64_t hash;
    int topic;
    int32_t partition;
    char *names; /* tenant, then endpoint */
    size_t tenant_n, endpoint_n;
    struct lg_norm_stream *st;
    lg_time last_bus;
    lg_time last_now; /* runner's clock */
    int64_t shift;    /* of its latest record */
};

/* A raw topic and whose records lie in it. */
struct lg_nz_raw {
    struct lg_raw_topic is;
    int topic;
};

/* One partition of one topic. */
struct lg_nz_part {
    struct lg_nz_part *next;
    int topic;
    int32_t partition;
    int64_t position; /* after the last record that was handed in */
    int64_t resume;   /* what came before this went out before the restart */
    int64_t held;     /* lowest offset that was held when the batch in hand began; -1: none */
    bool told;        /* a place to resume at stands in the state topic */
};

/* Of one partition number: what went to normalized-endpoint-events lately. */
struct lg_nz_lane {
    struct lg_nz_lane *next;
    int32_t partition;
    lg_time last_out; /* runner's clock */
};

struct lg_nz_metrics {
    struct lg_metrics_shard *shard;
    struct lg_counter raw, events, errors, clamped, repaired, held;
    struct lg_counter dead[LG_DEAD_REASON_COUNT];
    struct lg_counter skipped[LG_SKIP_REASON_COUNT];
    struct lg_gauge held_endpoints;
};

struct lg_nz_id {
    uint64_t id;
    uint64_t content;
};

/* The record in hand. */
struct lg_nz_call {
    struct lg_stage_out *out;
    const struct lg_bus_record *rec; /* NULL while an assembler is flushed */
    struct lg_str tenant;
    int topic; /* raw topic */
    int32_t partition;
    int64_t time_shift;
    lg_time bus_time;
    uint64_t key_hash; /* of the record's key: whose the dead letters are */
    bool held;         /* it came by logster-held-back */
    bool suppress;     /* what comes of it went out before the restart */
};

struct lg_nz_worker {
    const struct lg_normalizer_options *opt;
    struct lg_nz_raw raw[LG_MAX_RAW_TOPICS];
    size_t n_raw;
    int t_events, t_dead, t_held, t_state;
    struct lg_normalizer *nz;
    struct lg_nz_part *parts;
    struct lg_nz_lane *lanes;
    struct lg_map streams; /* hash -> struct lg_nz_stream * */
    struct lg_nz_stream *oldest, *newest;
    size_t n_streams;
    struct lg_fairshare *fs; /* NULL: off */
    bool unsettled;          /* it gave answers that are not published */
    struct lg_nz_id *ids;
    struct lg_map refused; /* hash of a key -> dead letters since its last event */
    struct lg_map hosts;   /* hash of tenant and endpoint -> hash of the full name */
    struct lg_map alerted; /* hash of a matter -> when it was told */
    struct lg_buf text;
    struct lg_nz_metrics m;
    struct lg_nz_call call;
};

/* normalizer_streams.c */
int lg_nz_stream_get(struct lg_nz_worker *w, int topic, int32_t partition, struct lg_str tenant,
        struct lg_str endpoint, struct lg_nz_stream **ret) LG_MUST_CHECK;
/* Gives out what its assembler holds. */
int lg_nz_stream_flush(struct lg_nz_worker *w, struct lg_nz_stream *s) LG_MUST_CHECK;
void lg_nz_stream_drop(struct lg_nz_worker *w, struct lg_nz_stream *s);
/* Lowest offset of the topic's partition that an assembler holds; -1: none. */
int64_t lg_nz_held(const struct lg_nz_worker *w, int topic, int32_t partition);
bool lg_nz_stream_holds(const struct lg_nz_worker *w, const struct lg_nz_stream *s);

/* normalizer_record.c */
/* Whose the record is: its own word in a trusted topic, else the topic's. */
struct lg_str lg_nz_tenant(
        const struct lg_nz_worker *w, int topic, const struct lg_bus_record *rec);
/* One raw record through the normalizer; w->call is filled by it. */
int lg_nz_record(struct lg_nz_worker *w, int topic, int32_t partition,
        const struct lg_bus_record *rec, bool held, bool suppress,
        struct lg_stage_out *out) LG_MUST_CHECK;
extern int lg_nz_on_event(void *user, const struct lg_event *ev);
extern int lg_nz_on_dead(void *user, const struct lg_dead_letter *dl);
extern int lg_nz_on_skipped(void *user, enum lg_skip_reason reason);
/* True at most once an hour for a matter. */
bool lg_nz_may_tell(struct lg_nz_worker *w, uint64_t matter, lg_time now);
void lg_nz_tell(struct lg_nz_worker *w, enum lg_operational what, struct lg_str tenant,
        struct lg_str endpoint, const char *text);

/* normalizer_state.c: places to resume at, and what fair share keeps, in the state topic. */
int lg_nz_state_resume(struct lg_nz_worker *w, struct lg_nz_part *p, struct lg_stage_out *out,
        int64_t position) LG_MUST_CHECK;
int lg_nz_state_fair(
        struct lg_nz_worker *w, int32_t partition, struct lg_stage_out *out) LG_MUST_CHECK;
int lg_nz_state_load(
        struct lg_nz_worker *w, struct lg_nz_part *p, struct lg_err *reterr) LG_MUST_CHECK;
int lg_nz_state_load_fair(struct lg_nz_worker *w, int32_t partition, int64_t offset,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif

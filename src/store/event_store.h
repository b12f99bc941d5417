#ifndef LG_STORE_EVENT_STORE_H
#define LG_STORE_EVENT_STORE_H

#include "alert/inference.h"
#include "base/arena.h"
#include "event/event.h"

struct lg_scope; /* access/scope.h: made from a principal only */

/*
 * Events and inferences: create-only, by event day. One interface for every back end; the embedded
 * one is SQLite (docs/internals/store.md). Writes are idempotent: the same record again is a
 * duplicate, another record under the same id is a conflict and is not stored.
 *
 * Every read takes the scope first: rows of tenants outside it do not exist for the caller, a
 * tenant filter outside it answers as an empty tenant. Results are copied to the caller's arena.
 * Errors: LG_EIO (try again), LG_ECORRUPT (needs a person), LG_ELIMIT (arena full), LG_ENOMEM,
 * LG_EINVAL (cursor or query), LG_ENOENT.
 * Thread: any; writers wait for each other, readers do not wait for writers.
 */
enum lg_put {
    LG_PUT_STORED,
    LG_PUT_DUPLICATE, /* was there, same content */
    LG_PUT_CONFLICT,  /* same id, other content: id_conflict */
    LG_PUT_REFUSED,   /* the server behind the store will never take it; ret_reason says why */
};
#define LG_PUT_REASON_MAX 128

struct lg_event_put {
    const struct lg_event *ev;
    struct lg_str json; /* the event as one line: lg_event_write */
    lg_time received_at;
    int64_t time_shift_ns;  /* of a shifted replay; 0 */
    enum lg_put ret_result; /* set by write */
    char ret_reason[LG_PUT_REASON_MAX];
};

struct lg_inference_put {
    const struct lg_inference *in;
    struct lg_str context; /* what rebuilding the graph needs beside the stored events: opaque */
    enum lg_put ret_result;
    char ret_reason[LG_PUT_REASON_MAX];
};

/* Order is by event time, newest first unless `ascending`. A time bound of 0 is open. */
#define LG_STORE_WITHOUT_MAX 16
struct lg_event_without { /* values that a row must not have; at most LG_STORE_WITHOUT_MAX */
    const struct lg_str *v;
    uint32_t n;
};
struct lg_event_query {
    struct lg_str tenant; /* empty: all of the scope */
    struct lg_str endpoint;
    lg_time from, to;                                /* event time, half-open */
    lg_time received_from, received_to;              /* half-open */
    uint64_t types[(LG_EVENT_TYPE_COUNT + 63) / 64]; /* bit set; none: all */
    struct lg_str user, image, hash, ip; /* whole value or, for image, the file name; any case */
    struct lg_str process_guid;
    /* The same comparison, turned round; what has no such field stays. Types: `types` without them. */
    struct lg_event_without not_endpoint, not_user, not_image, not_hash, not_ip, not_guid;
    struct lg_str text; /* case-folded substring of the event without its raw record */
    bool ascending;
    uint32_t limit; /* 1..1000 */
    struct lg_str cursor;
};
struct lg_event_row {
    struct lg_str json;
    lg_time received_at;
    int64_t time_shift_ns;
    lg_time time;
};
/* Events over time. */
struct lg_event_counts {
    uint64_t *parts;
    bool incomplete; /* the budget ran out: the parts at the far end of the order lack rows */
};
struct lg_event_page {
    struct lg_event_row *rows;
    uint32_t n;
    uint64_t total; /* capped at LG_STORE_TOTAL_CAP */
    bool total_is_lower_bound;
    bool incomplete;           /* the scan's budget ran out: go on with next_cursor */
    struct lg_str next_cursor; /* empty: no more */
};
#define LG_STORE_TOTAL_CAP 10000
#define LG_STORE_LIMIT_MAX 1000

enum lg_inference_sort { LG_INFERENCE_BY_TIME, LG_INFERENCE_BY_PROB };
struct lg_inference_query {
    struct lg_str tenant;
    struct lg_str endpoint;
    lg_time from, to; /* window_end, half-open */
    lg_time received_from, received_to;
    unsigned predictions;    /* bit set of 1 << LG_INFERENCE_*; 0: all */
    unsigned severities;     /* bit set of 1 << enum lg_severity; 0: all */
    double min_prob;         /* 0: all */
    struct lg_str technique; /* exact, or the parent of a sub-technique */
    enum lg_inference_sort sort;
    bool ascending;
    uint32_t limit;
    struct lg_str cursor;
};
struct lg_inference_row {
    struct lg_uuid inference_id;
    struct lg_str json; /* the inference as it was on the topic */
    lg_time received_at;
};
struct lg_inference_page {
    struct lg_inference_row *rows;
    uint32_t n;
    uint64_t total;
    bool total_is_lower_bound;
    bool incomplete;
    struct lg_str next_cursor;
};

/* The documented /summary, over windows that end in a range. */
struct lg_summary {
    uint64_t total_inferences, total_attacks, total_benign, total_errors;
    double avg_attack_prob, max_attack_prob; /* 0 where nothing was judged */
    double avg_confidence, avg_inference_time_ms;
    uint64_t hosts;
    double avg_graph_nodes, avg_graph_edges;
};
/* One endpoint in a range: /hosts and /endpoints. */
struct lg_host_row {
    struct lg_str tenant_id, endpoint_id, hostname, platform;
    uint64_t total_inferences, total_attacks, total_errors;
    double max_attack_prob;
    double last_attack_prob; /* -1: none yet */
    lg_time last_seen;       /* end of the last window, or last event's hour */
    const float *trend;      /* largest probability of each part of the range, -1 where nothing was
                              * judged; NULL unless asked for */
};
struct lg_time_bucket { /* of the timeline */
    lg_time start;
    uint64_t inferences, attacks, errors;
    double max_attack_prob;
    /* as struct lg_summary; 0 where nothing was judged */
    double avg_attack_prob, avg_confidence, avg_inference_time_ms, avg_graph_nodes, avg_graph_edges;
    uint64_t hosts;
};
struct lg_technique_count {
    struct lg_str technique;
    uint64_t attacks; /* attack verdicts that name it */
    uint64_t hosts;
    const uint32_t *over_time; /* attacks in each part of the range; NULL unless asked for */
};
#define LG_STORE_PARTS_MAX 200
struct lg_range_query {
    struct lg_str tenant, endpoint;
    lg_time from, to; /* half-open; both must be set for the timeline, and for parts */
    uint32_t parts;   /* of hosts' trend and techniques' over_time, 0 (none)..LG_STORE_PARTS_MAX */
};
/* The length of one of `n` parts of a range: the last may reach beyond its end. */
static inline int64_t lg_part_length(lg_time from, lg_time to, uint32_t n)
{
    return (to - from + n - 1) / n;
}
static inline int64_t lg_range_part(const struct lg_range_query *q, uint32_t n)
{
    return lg_part_length(q->from, q->to, n);
}

/* What an endpoint usually shows. */
enum lg_term_kind {
    LG_TERM_USER,
    LG_TERM_IMAGE,
    LG_TERM_HASH,
    LG_TERM_DESTINATION, /* address the endpoint talked to */
    LG_TERM_KIND_COUNT
};
struct lg_profile_item {
    enum lg_term_kind kind;
    struct lg_str value;
    lg_time first_seen; /* first event that showed it, in what is stored */
    lg_time last_hour;  /* start of the last hour with it */
    uint32_t hours;     /* hours in which it was seen */
};

/* A process of a tree; parents stand before their children. */
struct lg_tree_node {
    int32_t parent; /* index, or -1: a root */
    bool inferred;  /* named by others only, its own creation is not stored */
    bool focus;     /* one of the processes that were asked for */
    struct lg_str process_guid;
    uint32_t pid;
    struct lg_str image, command_line, user, hash;
    lg_time started; /* 0 where not known */
    lg_time ended;
    struct lg_uuid event_id;           /* of its creation; zero when inferred */
    uint32_t files, network, registry; /* events of it in the range */
};
struct lg_tree_query {
    struct lg_str tenant, endpoint;
    lg_time from, to;
    const struct lg_str *guids; /* processes in focus; none: the whole range */
    uint32_t n_guids;
    uint32_t max_nodes; /* 1..10000 */
};
struct lg_tree {
    struct lg_tree_node *nodes;
    uint32_t n;
    bool truncated;
};

struct lg_store_fault {
    char file[64];  /* name in the folder */
    uint64_t batch; /* first that does not match; 0: the file itself */
    char what[160];
};
/*
 * Days before `before` that nothing was written to since `idle` (our clock) are over: an old
 * recording that was replayed today is as young as today's. The last day stays, however large.
 */
struct lg_retention {
    lg_time before;
    lg_time idle;
    uint64_t max_bytes; /* on disk, of all days; 0: no limit */
};

struct lg_store_stats {
    uint64_t events, inferences, files, bytes;
};

typedef int (*lg_event_fn)(void *user, const struct lg_event_row *row); /* < 0 stops */

struct lg_event_store;
struct lg_event_store_ops {
    const char *name;
    void (*close)(struct lg_event_store *st);
    /* One durable step for each event day; on an error some days may be stored: write again. */
    int (*write)(struct lg_event_store *st, struct lg_event_put *ev, size_t n_ev,
            struct lg_inference_put *in, size_t n_in, struct lg_err *reterr);

    int (*event_get)(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_uuid *id,
            lg_time hint, struct lg_arena *a, struct lg_event_row *ret);
    int (*event_search)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_event_query *q, struct lg_arena *a, struct lg_event_page *ret);
    /* Hits of the query in each of `parts` (1..LG_STORE_PARTS_MAX) equal parts of its range, whose
     * ends must be set; cursor and limit do not count. A text is looked for up to the budget. */
    int (*event_histogram)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
            struct lg_event_counts *ret);
    /* All events of an endpoint in [from, to) that had arrived by `as_of` (0: all), ascending by
     * (time, event_id): what a window was made of. Rows die on return of fn. */
    int (*event_window)(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
            struct lg_str endpoint, lg_time from, lg_time to, lg_time as_of, lg_event_fn fn,
            void *user);

    int (*inference_get)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, lg_time hint, struct lg_arena *a,
            struct lg_inference_row *ret, struct lg_str *ret_context);
    int (*inference_search)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_inference_query *q, struct lg_arena *a, struct lg_inference_page *ret);

    int (*summary)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_range_query *q, struct lg_summary *ret);
    int (*hosts)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_range_query *q, struct lg_arena *a, struct lg_host_row **ret,
            uint32_t *ret_n);
    int (*timeline)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_range_query *q, uint32_t buckets, struct lg_arena *a,
            struct lg_time_bucket **ret, uint32_t *ret_n);
    int (*techniques)(struct lg_event_store *st, const struct lg_scope *sc,
            const struct lg_range_query *q, struct lg_arena *a, struct lg_technique_count **ret,
            uint32_t *ret_n);
    int (*profile)(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
            struct lg_str endpoint, uint32_t max_items, struct lg_arena *a,
            struct lg_profile_item **ret, uint32_t *ret_n);
    int (*tree)(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_tree_query *q,
            struct lg_arena *a, struct lg_tree *ret);

    /* Operations: no tenant content comes out of these. */
    /* Removes event days that are over, and the oldest while all take more than there is room for. */
    int (*retain)(struct lg_event_store *st, const struct lg_retention *r, uint32_t *ret_removed);
    int (*verify)(
            struct lg_event_store *st, struct lg_store_fault *ret, uint32_t max, uint32_t *ret_n);
    int (*backup)(struct lg_event_store *st, const char *dir, struct lg_err *reterr);
    int (*stats)(struct lg_event_store *st, struct lg_store_stats *ret);
    /* Makes what was written visible to reads; NULL where it is at once. */
    int (*settle)(struct lg_event_store *st, struct lg_err *reterr);
};
struct lg_event_store {
    const struct lg_event_store_ops *ops;
};

struct lg_sqlite_event_options {
    const char *dir;       /* `events` below the data folder; made when missing */
    uint32_t open_files;   /* day files kept open; default 8 */
    uint32_t block_events; /* records in a compressed block; default and most 512 */
    int zstd_level;        /* default 3 */
    uint64_t scan_rows;    /* rows that one search may look at; default 400000 */
};
/* LG_ECORRUPT, LG_EIO, LG_EUNSUP (written by a newer version): reterr names file and way out. */
int lg_sqlite_event_store_open(const struct lg_sqlite_event_options *opt,
        struct lg_event_store **ret, struct lg_err *reterr) LG_MUST_CHECK;

/* Memory of SQLite in this process: page caches, statements; of all files. */
uint64_t lg_sqlite_memory(void);
/* The same as lg_sqlite_restore, of one event day's file. */
int lg_sqlite_restore_day(
        const char *backup, const char *path, struct lg_err *reterr) LG_MUST_CHECK;

static inline void lg_event_store_close(struct lg_event_store *st)
{
    if (st != NULL)
        st->ops->close(st);
}

#endif

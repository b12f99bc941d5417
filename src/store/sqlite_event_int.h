#ifndef LG_STORE_SQLITE_EVENT_INT_H
#define LG_STORE_SQLITE_EVENT_INT_H

#include <stdatomic.h>
#include <zstd.h>

#include "base/map.h"
#include "crypto/chain.h"
#include "store/event_common.h"
#include "store/sqlite_int.h"

/*
 * events/YYYYMMDD.db. A row's number tells tenant and time: tenant ref (12 bits), millisecond of
 * the day (27), hash of the id (24). So rows of a tenant lie in time order, create-only needs no
 * index of its own, and inserts go to the end of the tree. A taken number is followed by others
 * that the id alone determines; past eight of them the millisecond is left as well, by at most
 * LG_DISPLACED_MAX ms, which the day remembers so that ranges read that much further.
 */
#define LG_ROW_MS_SHIFT 24
#define LG_ROW_TENANT_SHIFT 51
#define LG_ROW_TENANT_MAX 4095
#define LG_ROW_MS_MAX ((INT64_C(1) << 27) - 1)
#define LG_ROW_TRIES 96
#define LG_DISPLACED_MAX 60000

static inline int64_t lg_row_first(int64_t tenant, int64_t ms)
{
    return tenant << LG_ROW_TENANT_SHIFT | ms << LG_ROW_MS_SHIFT;
}
static inline int64_t lg_row_tenant(int64_t row)
{
    return row >> LG_ROW_TENANT_SHIFT;
}
static inline int64_t lg_row_ms(int64_t row)
{
    return row >> LG_ROW_MS_SHIFT & LG_ROW_MS_MAX;
}
int64_t lg_row_number(int64_t tenant, int64_t ms, const struct lg_uuid *id, unsigned attempt);

/* Rows of terms: lg_term_kind, and addresses that are not destinations. */
#define LG_TERM_ADDRESS LG_TERM_KIND_COUNT

struct lg_day {
    struct lg_sdb db;
    int64_t day; /* since 1970 */
    int64_t base_ns;
    unsigned refs;
    uint64_t used;
    bool dead; /* its file was removed */
    struct lg_day *next;
    _Atomic int64_t displaced_ms;
    /* the writer's */
    bool ready;              /* the rest is loaded */
    struct lg_map strings;   /* hash of text -> ref */
    struct lg_map endpoints; /* hash of (tenant, endpoint) -> ref */
    struct lg_map tenants;
    struct lg_map terms; /* what the hour has already */
    int64_t next_block, next_batch, last_string, last_endpoint, last_tenant, last_term;
    struct lg_link head;
};

struct lg_sqlite_events {
    struct lg_event_store base;
    char *dir;
    uint32_t open_files, block_events;
    uint64_t scan_rows;
    int zstd_level;
    uint64_t map_seed;
    uint8_t cursor_key[32];
    pthread_mutex_t lock; /* days and list */
    struct lg_day *days;
    unsigned n_open;
    uint64_t clock;
    LG_VEC(int64_t) list; /* days with a file, ascending */
    pthread_mutex_t write_lock;
    ZSTD_CCtx *zc;
};
static inline struct lg_sqlite_events *lg_events_of(struct lg_event_store *st)
{
    return (struct lg_sqlite_events *)(void *)st;
}
extern const struct lg_migrations lg_day_migrations;

/* Referenced; `create` makes the file. LG_ENOENT. */
int lg_day_get(struct lg_sqlite_events *es, int64_t day, bool create, struct lg_day **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_day_put(struct lg_sqlite_events *es, struct lg_day *d);
/* Forgets a day's handle after a failed write: its caches may tell of rows that were rolled back. */
void lg_day_drop(struct lg_sqlite_events *es, struct lg_day *d);
int lg_day_path(
        const struct lg_sqlite_events *es, int64_t day, char *out, size_t cap) LG_MUST_CHECK;
/* Days with a file in [first, last], in the arena, ascending or descending. */
int lg_days_between(struct lg_sqlite_events *es, int64_t first, int64_t last, bool ascending,
        struct lg_arena *a, int64_t **ret, uint32_t *ret_n) LG_MUST_CHECK;

/*
 * Records of a block: u32 count, count times u32 end, bytes. An event's line lies there without its
 * id, which its row has. Events are packed by kind, in groups of LG_BLOCK_GROUP blocks: so
 * neighbours resemble each other, and who reads a stretch of time needs no more blocks than are kept.
 */
#define LG_BLOCK_SHIFT 9
#define LG_BLOCK_SLOTS (1u << LG_BLOCK_SHIFT)
#define LG_BLOCK_BYTES (2u << 20)
#define LG_BLOCK_GROUP 16
struct lg_zblock_out {
    struct lg_buf bytes;
    uint32_t ends[LG_BLOCK_SLOTS];
    uint32_t n;
};
#define LG_BLOCK_CACHE 20
struct lg_zblock_cache {
    struct lg_zblock_held {
        int64_t id;
        uint64_t used;
        struct lg_buf raw;
    } v[LG_BLOCK_CACHE];
    struct lg_buf line;
    uint64_t clock;
    uint64_t reads; /* blocks decompressed */
};
void lg_zblock_cache_init(struct lg_zblock_cache *bc);
void lg_zblock_cache_done(struct lg_zblock_cache *bc);
/* The record at `loc` of this connection's file; valid until the next call but LG_BLOCK_CACHE. */
int lg_zblock_read(struct lg_zblock_cache *bc, struct lg_conn *c, int64_t file, int64_t loc,
        struct lg_str *ret) LG_MUST_CHECK;
/* What of an event's line goes into a block, and the line again; it lives until the next call. */
struct lg_str lg_body_of(struct lg_str json, const struct lg_uuid *id);
int lg_body_read(struct lg_zblock_cache *bc, struct lg_conn *c, int64_t file, int64_t loc,
        const struct lg_uuid *id, struct lg_str *ret) LG_MUST_CHECK;
int lg_zstd_pack(ZSTD_CCtx *zc, int level, struct lg_str in, struct lg_buf *out) LG_MUST_CHECK;
int lg_zstd_unpack(struct lg_str in, size_t max, struct lg_buf *out) LG_MUST_CHECK;

/* The columns of an event row as the chain and searches see them; absent values are 0. */
enum lg_event_col {
    LG_EC_OFF, /* ns after the millisecond in the row's number */
    LG_EC_RECEIVED,
    LG_EC_ENDPOINT,
    LG_EC_TYPE,
    LG_EC_LOC,
    LG_EC_SUM, /* 32-bit hash of the content: tells a duplicate from a conflict */
    LG_EC_IMAGE,
    LG_EC_USER,
    LG_EC_PROC,
    LG_EC_HASH,
    LG_EC_DEST,
    LG_EC_ADDR,
    LG_EC_SHIFT,
    LG_EC_COUNT
};
#define LG_EVENT_COLS                                                                              \
    "id, event_id, off, received, endpoint, type, loc, sum, image, user, proc, hash, dest, addr,"  \
    " shift"
struct lg_event_cols {
    int64_t id;
    struct lg_uuid event_id;
    int64_t v[LG_EC_COUNT];
};
int lg_event_cols_read(struct lg_q *q, struct lg_event_cols *ret) LG_MUST_CHECK;
void lg_event_cols_digest(struct lg_digest *d, const struct lg_event_cols *r);
static inline lg_time lg_event_cols_time(const struct lg_day *d, const struct lg_event_cols *r)
{
    return d->base_ns + lg_row_ms(r->id) * 1000000 + r->v[LG_EC_OFF];
}
/* Digest of one seq-ordered or keyed set of rows of a batch: `sql` gives text and number columns. */
int lg_digest_rows(struct lg_digest *d, struct lg_conn *c, const char *sql, int64_t from,
        int64_t to) LG_MUST_CHECK;
/* The same for what hangs on one row. */
#define LG_SQL_STRINGS                                                                             \
    "SELECT ref, fold, base, text FROM strings WHERE ref>?1 AND ref<=?2 ORDER BY ref"
#define LG_SQL_ENDPOINTS                                                                           \
    "SELECT ref, tenant, endpoint, hostname, platform FROM endpoints WHERE ref>?1 AND ref<=?2"     \
    " ORDER BY ref"
#define LG_SQL_TENANTS "SELECT ref, tenant FROM tenant_refs WHERE ref>?1 AND ref<=?2 ORDER BY ref"
#define LG_SQL_TERMS                                                                               \
    "SELECT seq, term, kind, endpoint, hour, first FROM terms WHERE seq>?1 AND seq<=?2 ORDER BY "  \
    "seq"
#define LG_SQL_PROCESS "SELECT * FROM processes WHERE event>=?1 AND event<=?2"
#define LG_SQL_INFERENCE "SELECT * FROM inferences WHERE id>=?1 AND id<=?2"
#define LG_SQL_INFERENCE_MORE                                                                      \
    "SELECT inference, technique FROM inference_techniques WHERE inference>=?1 AND inference<=?2"  \
    " ORDER BY 1, 2"
#define LG_SQL_CONTEXT "SELECT inference, data FROM contexts WHERE inference>=?1 AND inference<=?2"
#define LG_SQL_BLOCKS "SELECT id, size, data FROM blocks WHERE id>=?1 AND id<=?2 ORDER BY id"
/* Everything of a batch in the one order; `events` and `inferences` are the batch's lists. The
 * writer has the `rows` at hand, in the list's order; NULL: they are read. */
int lg_batch_digest(struct lg_conn *c, const struct lg_link *prev, struct lg_str events,
        const struct lg_event_cols *rows, struct lg_str inferences, const int64_t range[10],
        struct lg_link *ret) LG_MUST_CHECK;
enum { LG_RANGE_BLOCK, LG_RANGE_STRING, LG_RANGE_ENDPOINT, LG_RANGE_TENANT, LG_RANGE_TERM };

/* A batch's list of events: sqlite_run.c. */
struct lg_run {
    const uint8_t *p, *end;
    uint64_t left;
    int64_t tenant, first_ms, low;
    unsigned attempts;
    int64_t want[LG_ROW_TRIES];
};
int lg_run_order(const void *pa, const void *pb); /* of lg_event_cols */
void lg_run_make(const struct lg_event_cols *rows, size_t n, unsigned attempts, struct lg_buf *out);
int lg_run_open(struct lg_run *r, struct lg_str list) LG_MUST_CHECK;
/* 1 a row, 0 the end, LG_ECORRUPT */
int lg_run_next(struct lg_run *r, int64_t *ret) LG_MUST_CHECK;
/* Once open: the event that is looked for; then, after each next, whether the row can be its. */
void lg_run_seek(struct lg_run *r, const struct lg_uuid *id);
bool lg_run_may_be(const struct lg_run *r);

/* ops */
int lg_sqlite_event_write(struct lg_event_store *st, struct lg_event_put *ev, size_t n_ev,
        struct lg_inference_put *in, size_t n_in, struct lg_err *reterr);
int lg_sqlite_event_get(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time hint, struct lg_arena *a, struct lg_event_row *ret);
int lg_sqlite_event_histogram(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
        struct lg_event_counts *ret);
int lg_sqlite_event_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, struct lg_arena *a, struct lg_event_page *ret);
int lg_sqlite_event_window(struct lg_event_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_str endpoint, lg_time from, lg_time to, lg_time as_of,
        lg_event_fn fn, void *user);
int lg_sqlite_inference_get(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time hint, struct lg_arena *a, struct lg_inference_row *ret,
        struct lg_str *ret_context);
int lg_sqlite_inference_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_inference_query *q, struct lg_arena *a, struct lg_inference_page *ret);
int lg_sqlite_summary(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_summary *ret);
int lg_sqlite_hosts(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_host_row **ret,
        uint32_t *ret_n);
int lg_sqlite_timeline(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, uint32_t buckets, struct lg_arena *a,
        struct lg_time_bucket **ret, uint32_t *ret_n);
int lg_sqlite_techniques(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_technique_count **ret,
        uint32_t *ret_n);
int lg_sqlite_profile(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str endpoint, uint32_t max_items, struct lg_arena *a,
        struct lg_profile_item **ret, uint32_t *ret_n);
int lg_sqlite_tree(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_tree_query *q, struct lg_arena *a, struct lg_tree *ret);
int lg_sqlite_event_verify(
        struct lg_event_store *st, struct lg_store_fault *ret, uint32_t max, uint32_t *ret_n);

/* Ref of an endpoint in a file; 1 found, 0 not. */
int lg_endpoint_find(
        struct lg_conn *c, int64_t tenant, struct lg_str endpoint, int64_t *ret) LG_MUST_CHECK;
/* Event row to what callers get; strings to the arena (NULL: they borrow from the block). */
int lg_event_row_make(const struct lg_day *d, const struct lg_event_cols *r, struct lg_str json,
        struct lg_arena *a, struct lg_event_row *ret) LG_MUST_CHECK;
#endif

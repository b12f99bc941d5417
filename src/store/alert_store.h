#ifndef LG_STORE_ALERT_STORE_H
#define LG_STORE_ALERT_STORE_H

#include "alert/feedback.h"
#include "alert/fold.h"
#include "alert/suppress.h"
#include "base/arena.h"

struct lg_scope;

/*
 * Alerts and what people say about them. One interface for every back end (embedded: SQLite,
 * docs/internals/store.md). Rules as in event_store.h: scope first, results in the caller's arena,
 * a foreign id answers LG_ENOENT as an unknown one does. Alert, history and outbox row are one
 * transaction; history, feedback and audit are append-only.
 * Thread: any; writers wait for each other, readers do not wait for writers.
 */
enum lg_alert_sort {
    LG_ALERT_BY_LAST_SEEN,
    LG_ALERT_BY_FIRST_SEEN,
    LG_ALERT_BY_RECEIVED,
    LG_ALERT_BY_CREATED,
    LG_ALERT_BY_UPDATED,
    LG_ALERT_BY_SEVERITY,
    LG_ALERT_BY_PROB,
    LG_ALERT_BY_OCCURRENCES,
    LG_ALERT_SORT_COUNT
};
const char *lg_alert_sort_name(enum lg_alert_sort s); /* "last_seen", ... */
int lg_alert_sort_parse(struct lg_str s, enum lg_alert_sort *ret) LG_MUST_CHECK;

struct lg_alert_query {
    struct lg_str tenant; /* empty: all of the scope */
    unsigned statuses;    /* bit set of 1 << status; 0: all */
    unsigned severities;
    struct lg_str endpoint;
    struct lg_str technique; /* exact, or the parent of a sub-technique */
    struct lg_str assignee;
    struct lg_str
            text; /* case-folded substring of title, host, process, user, hash, assignee, notes */
    lg_time from, to; /* event time: alerts whose [first_seen, last_seen] meets [from, to) */
    lg_time received_from, received_to; /* half-open; 0: open */
    enum lg_alert_sort sort;
    bool ascending;
    uint32_t limit;  /* 1..1000 */
    uint32_t offset; /* at most LG_STORE_OFFSET_MAX; not with a cursor */
    struct lg_str cursor;
    bool no_total;
};
#define LG_STORE_OFFSET_MAX 1000000
#define LG_STORE_PREVIEW_MAX 1000
struct lg_alert_page {
    struct lg_alert *alerts;
    uint32_t n;
    uint64_t total; /* exact where only tenant and status narrow; else capped at 10,000 */
    bool total_is_lower_bound;
    struct lg_str next_cursor; /* empty: no more */
};

struct lg_alert_patch {
    bool has_status;
    enum lg_alert_status status;
    bool has_notes;
    struct lg_str notes;
    bool has_assignee;
    struct lg_str assignee; /* empty: none */
    struct lg_str actor;    /* from the authenticated principal, never from the body */
    struct lg_str if_match; /* empty: no condition */
    lg_time now;
};

enum lg_apply_result {
    LG_APPLY_NONE, /* not an attack */
    LG_APPLY_CREATED,
    LG_APPLY_JOINED,
    LG_APPLY_SUPPRESSED, /* a rule hid it: a row in suppression_hits */
    LG_APPLY_DUPLICATE,  /* this inference was applied before */
};
struct lg_apply {
    const struct lg_inference *in;
    enum lg_apply_result ret_result;
    struct lg_uuid ret_alert_id; /* CREATED, JOINED, DUPLICATE */
};

struct lg_outbox_row {
    uint64_t seq;
    struct lg_str tenant_id, endpoint_id;
    struct lg_str change; /* created, folded, updated */
    struct lg_str json;   /* the alert after the change: what the topic and the stream carry */
};

struct lg_endpoint_alerts {
    struct lg_str tenant_id, endpoint_id;
    uint64_t total, active; /* active: open, acknowledged, investigating */
    enum lg_severity worst_active;
    lg_time last_seen;
};

struct lg_suppression_hit {
    struct lg_uuid suppression_id, inference_id;
    struct lg_str endpoint_id, title;
    double attack_prob;
    lg_time window_end, at;
};

struct lg_feedback_query {
    struct lg_str tenant;
    bool has_alert;
    struct lg_uuid alert_id;
    uint64_t after; /* position of the last row of the page before; 0: from the start */
    uint32_t limit;
};

/* How right alerts were, over feedback given in [from, to): of several on one alert, the latest. */
struct lg_judged {
    uint64_t right, wrong; /* true and false positives */
};
struct lg_quality_query {
    struct lg_str tenant;
    lg_time from, to; /* both set */
    uint32_t parts;   /* 1..LG_STORE_QUALITY_PARTS */
};
#define LG_STORE_QUALITY_PARTS 200
struct lg_quality_technique {
    struct lg_str technique;
    struct lg_judged judged;
};
struct lg_quality {
    uint64_t feedback; /* rows, those that were overruled too */
    struct lg_judged all, severity[LG_SEVERITY_COUNT];
    struct lg_quality_technique *techniques; /* most often judged first */
    uint32_t n_techniques;
    struct lg_judged *over_time; /* `parts` of them */
};

struct lg_alert_store;
struct lg_alert_store_ops {
    const char *name;
    void (*close)(struct lg_alert_store *st);

    /* The alerts stage: folds a batch of verdicts, one transaction. Idempotent by inference_id. */
    int (*apply)(struct lg_alert_store *st, struct lg_apply *items, size_t n, int64_t fold_gap_ns,
            lg_time now, struct lg_err *reterr);
    /* Rows after `after` in order; ack removes what was carried away. One reader. */
    int (*outbox_read)(struct lg_alert_store *st, uint64_t after, uint32_t max, struct lg_arena *a,
            struct lg_outbox_row **ret, uint32_t *ret_n);
    int (*outbox_ack)(struct lg_alert_store *st, uint64_t up_to);

    int (*alert_get)(struct lg_alert_store *st, const struct lg_scope *sc, const struct lg_uuid *id,
            struct lg_arena *a, struct lg_alert *ret);
    int (*alert_list)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_alert_query *q, struct lg_arena *a, struct lg_alert_page *ret);
    /* Alerts of the tenant, or all of the scope (empty tenant): exact. */
    int (*alert_count)(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_str tenant,
            unsigned statuses, uint64_t *ret);
    int (*alert_history)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, struct lg_arena *a, struct lg_alert_history **ret,
            uint32_t *ret_n);
    /* inference ids behind an alert, oldest first, at most `max`. */
    int (*alert_inferences)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_uuid **ret,
            uint32_t *ret_n);
    /* The alert that each of these verdicts went into; zeros: none, or none of the scope. */
    int (*alert_of)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *inferences, uint32_t n, struct lg_uuid *ret);
    /* Other alerts of the tenant with the same fold key or techniques, newest first. */
    int (*alert_similar)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_alert **ret,
            uint32_t *ret_n);
    /* LG_EREFUSED: If-Match does not hold (412). LG_ERANGE: the step is not allowed (409), and
     * *reterr_steps is the bit set of those that are. *ret is the alert after (or, on LG_EREFUSED
     * and LG_ERANGE, as it is). */
    int (*alert_patch)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, const struct lg_alert_patch *p, struct lg_arena *a,
            struct lg_alert *ret, unsigned *reterr_steps);
    int (*endpoints)(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_str tenant,
            struct lg_arena *a, struct lg_endpoint_alerts **ret, uint32_t *ret_n);

    /* f->tenant_id is taken from the alert; an inference that is not the alert's is LG_EINVAL. */
    int (*feedback_add)(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_feedback *f,
            struct lg_arena *a);
    int (*feedback_list)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_feedback_query *q, struct lg_arena *a, struct lg_feedback **ret,
            uint32_t *ret_n, uint64_t *ret_last);
    int (*quality)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_quality_query *q, struct lg_arena *a, struct lg_quality *ret);

    int (*suppression_add)(struct lg_alert_store *st, const struct lg_scope *sc,
            struct lg_suppression *s, struct lg_err *reterr);
    int (*suppression_list)(struct lg_alert_store *st, const struct lg_scope *sc,
            struct lg_str tenant, struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n);
    int (*suppression_revoke)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, lg_time now);
    int (*suppression_hits)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, uint32_t max, struct lg_arena *a,
            struct lg_suppression_hit **ret, uint32_t *ret_n);
    /* Stored alerts since `from` that the rule would have hidden: how many, and the newest. */
    int (*suppression_preview)(struct lg_alert_store *st, const struct lg_scope *sc,
            const struct lg_suppression *s, lg_time from, uint32_t max, struct lg_arena *a,
            struct lg_alert **ret, uint32_t *ret_n, uint64_t *ret_total);

    int (*backup)(struct lg_alert_store *st, const char *path, struct lg_err *reterr);
    /* Structure, counters against rows, audit chain. 0, LG_ECORRUPT with what in reterr. */
    int (*verify)(struct lg_alert_store *st, struct lg_err *reterr);
};
struct lg_admin_store; /* store/admin_store.h */
struct lg_alert_store {
    const struct lg_alert_store_ops *ops;
    struct lg_admin_store *admin; /* lives in the same database; closed with it */
};

/* `path` is DIR/alerts.db. LG_ECORRUPT, LG_EIO, LG_EUNSUP: reterr names the way out. */
int lg_sqlite_alert_store_open(
        const char *path, struct lg_alert_store **ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Puts a copy of a backup in the place of `path`; nothing may have that open. The backup is checked
 * first; path NULL: only that. */
int lg_sqlite_restore(const char *backup, const char *path, struct lg_err *reterr) LG_MUST_CHECK;

static inline void lg_alert_store_close(struct lg_alert_store *st)
{
    if (st != NULL)
        st->ops->close(st);
}

#endif

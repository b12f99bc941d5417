#ifndef LG_STORE_EVENT_COMMON_H
#define LG_STORE_EVENT_COMMON_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/event_store.h"

/* What every back end of events and inferences answers alike. Thread: any. */
#define LG_DAY_NS (INT64_C(86400) * LG_NS_PER_SEC)
#define LG_HOUR_NS (INT64_C(3600) * LG_NS_PER_SEC)
static inline int64_t lg_day_of(lg_time t)
{
    return t >= 0 ? t / LG_DAY_NS : -1;
}
/* Window ends belong to the day that they close. */
static inline int64_t lg_inference_day(const struct lg_inference *in)
{
    return lg_day_of(in->window_end - 1);
}
void lg_civil_of_day(int64_t day, int *y, int *m, int *d);

/* LG_EINVAL: what no back end stores, or answers. */
bool lg_event_put_sound(const struct lg_event_put *p);
bool lg_inference_put_sound(const struct lg_inference_put *p);
int lg_event_query_check(const struct lg_event_query *q) LG_MUST_CHECK;
int lg_inference_query_check(const struct lg_inference_query *q) LG_MUST_CHECK;
bool lg_range_parts_fit(const struct lg_range_query *q);
/* The part of the range that a moment lies in; -1: none was asked for, or outside. */
int64_t lg_range_part_of(const struct lg_range_query *q, uint32_t parts, lg_time t);
/* Zeros, where query and parts fit a histogram: LG_EINVAL, LG_ENOMEM. */
int lg_event_counts_init(const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
        struct lg_event_counts *ret) LG_MUST_CHECK;
/* The part that an event of the range lies in. */
static inline uint32_t lg_event_part(const struct lg_event_query *q, uint32_t parts, lg_time t)
{
    return (uint32_t)((t - q->from) / lg_part_length(q->from, q->to, parts));
}
/* A cursor goes on with the query that it came from. */
uint64_t lg_event_query_hash(const struct lg_event_query *q);
uint64_t lg_inference_query_hash(const struct lg_inference_query *q);

/* Order of rows inside a millisecond. */
uint32_t lg_row_tie(const struct lg_uuid *id);

/* The texts of an event that searches, profiles and trees go by. Words are kept up to this length. */
#define LG_WORD_MAX 2048
static inline struct lg_str lg_word_cut(struct lg_str s)
{
    return lg_str_sub(s, 0, LG_WORD_MAX);
}
struct lg_event_words {
    struct lg_str image, user, guid, hash, destination;
    struct lg_str address; /* one that is no destination */
};
struct lg_event_words lg_event_words_of(const struct lg_event *ev);
bool lg_event_type_creates(enum lg_event_type t);
/* A creation's facts. A fork's child is its target. */
struct lg_creation {
    struct lg_str guid, parent_guid, image, parent_image, user, hash, command;
    uint32_t pid, ppid;
};
void lg_event_creation(const struct lg_event *ev, struct lg_creation *ret);

/* The part of an event's line that text searches see: without its raw record, which comes last. */
struct lg_str lg_event_searchable(struct lg_str json);
/* The text as it stands in a line that lg_event_write made: escaped, then folded. */
int lg_event_needle(struct lg_str text, struct lg_buf *out) LG_MUST_CHECK;

/* Tells a repeated verdict from another one under its id: without the time it took, which is the
 * one member that may differ when a window is judged again. */
int64_t lg_inference_sum(const struct lg_inference *in);

/* ---- answers ---- */
int lg_technique_order(const void *pa, const void *pb); /* of struct lg_technique_count */
/* Sorts by what is usual, and copies at most `max` of each kind. */
int lg_profile_give(struct lg_profile_item *v, size_t n, uint32_t max, struct lg_arena *a,
        struct lg_profile_item **ret, uint32_t *ret_n) LG_MUST_CHECK;
/* Sums of a bucket become averages. */
void lg_time_bucket_end(struct lg_time_bucket *b);
void lg_summary_end(struct lg_summary *s);

/* ---- process trees ---- */
#define LG_TREE_LOOK_BACK 7 /* days before the range in which parents are looked for */
struct lg_proctree_node {
    struct lg_tree_node n;
    uint64_t guid;   /* hash; 0: none */
    uint64_t parent; /* hash of the parent's; 0: none */
    struct lg_str parent_guid, parent_image;
    uint32_t ppid;
    uint32_t order; /* in the result; UINT32_MAX: left out */
    int32_t up;     /* index of the parent */
    bool keep, visited;
};
/*
 * Creations of the range go in by time, then what the missing parents and the focus name, then the
 * counts of what each did; lg_proctree_write links and cuts. Identity is the GUID, else the pid (the
 * latest creation before the child); what is only named becomes an inferred node.
 */
struct lg_proctree {
    const struct lg_tree_query *q;
    struct lg_arena *a;
    LG_VEC(struct lg_proctree_node) v;
    struct lg_map by_guid; /* hash -> index */
    struct lg_map by_pid;  /* pid -> index of the latest */
    bool truncated;
};
int lg_tree_query_check(const struct lg_tree_query *q) LG_MUST_CHECK;
void lg_proctree_init(struct lg_proctree *f, const struct lg_tree_query *q, struct lg_arena *a);
void lg_proctree_done(struct lg_proctree *f);
/* Texts must live as long as the arena. */
int lg_proctree_add(struct lg_proctree *f, const struct lg_creation *c, lg_time started,
        const struct lg_uuid *event_id) LG_MUST_CHECK;
/* NULL: not there. Valid until the next add. */
struct lg_proctree_node *lg_proctree_find(const struct lg_proctree *f, struct lg_str guid);
static inline bool lg_proctree_full(const struct lg_proctree *f)
{
    return f->v.n >= 4 * (size_t)f->q->max_nodes;
}
/* Adds `count` events of a type to what the process did; `t`: the last one's time. */
void lg_proctree_count(struct lg_tree_node *n, int64_t type, uint32_t count, lg_time t);
int lg_proctree_write(struct lg_proctree *f, struct lg_tree *ret) LG_MUST_CHECK;

#endif

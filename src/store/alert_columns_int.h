#ifndef LG_STORE_ALERT_COLUMNS_INT_H
#define LG_STORE_ALERT_COLUMNS_INT_H

#include "base/map.h"
#include "store/alert_columns.h"
#include "store/alert_words.h"

struct lg_alert_rows {
    LG_VEC(uint32_t) rows;
};

/* One tenant's alerts. */
struct lg_alert_part {
    uint32_t n, cap;
    int64_t *id, *first_seen, *last_seen, *received_at, *created_at, *updated_at;
    int64_t *prob; /* lg_alert_prob_order */
    uint32_t *occurrences, *endpoint;
    uint32_t *assignee; /* number in `names` + 1; 0: none */
    uint32_t *words_at; /* in `words`: how many, then their numbers in `pool` */
    uint8_t *face;      /* status and severity, lg_alert_face */
    uint32_t *by_id;    /* row + 1 by hash of the id; 0: free */
    size_t by_id_cap;   /* power of two */
    LG_VEC(uint32_t) words;
    struct lg_words pool;
    LG_VEC(struct lg_alert_rows) techniques; /* rows by the technique's number in `names` */
};

struct lg_alert_columns {
    LG_VEC(struct lg_alert_part) parts;
    struct lg_map by_tenant; /* ref -> index of the part */
    struct lg_words names;   /* techniques and assignees */
};

#define LG_ALERT_FACES 256
static inline uint8_t lg_alert_face(enum lg_alert_status status, enum lg_severity severity)
{
    return (uint8_t)((unsigned)status << 3 | (unsigned)severity);
}
static inline unsigned lg_alert_face_status(unsigned face)
{
    return face >> 3;
}
static inline unsigned lg_alert_face_severity(unsigned face)
{
    return face & 7;
}

#endif

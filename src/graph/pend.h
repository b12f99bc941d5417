#ifndef LG_GRAPH_PEND_H
#define LG_GRAPH_PEND_H

#include "graph/op.h"
#include "graph/strpool.h"

/*
 * An event that waits in the reorder buffer: only what folding needs, strings as ids of the
 * endpoint's pool, absent values not stored. Some 60 to 100 bytes for the common types.
 */
enum lg_pend_slot {
    LG_PS_HOST,
    LG_PS_A_GUID,
    LG_PS_A_IMAGE,
    LG_PS_A_CMD,
    LG_PS_A_USER,
    LG_PS_A_ORIGINAL,
    LG_PS_A_HASH,
    LG_PS_A_PID,
    LG_PS_A_START_LO,
    LG_PS_A_START_HI,
    LG_PS_A_CLASS, /* integrity | user class << 8 | system << 16 */
    LG_PS_P_GUID,
    LG_PS_P_IMAGE,
    LG_PS_P_CMD,
    LG_PS_P_USER,
    LG_PS_P_PID,
    LG_PS_P_CLASS,
    LG_PS_T_GUID,
    LG_PS_T_IMAGE,
    LG_PS_T_USER,
    LG_PS_T_PID,
    LG_PS_T_CLASS,
    LG_PS_S_META, /* source node: type | kind << 8 | flags << 16 */
    LG_PS_S_RAW,
    LG_PS_D_META, /* destination node, the same */
    LG_PS_D_RAW,
    LG_PS_D_TEXT,
    LG_PS_D_GROUP,
    LG_PS_D_ORIGINAL,
    LG_PS_D_HASH,
    LG_PS_ATTR,
    LG_PS_TEXT_FLAGS,
    LG_PS_DETAIL,
    LG_PS_COUNT
};

struct lg_pend {
    lg_time time;
    struct lg_uuid id;
    uint64_t has; /* bit set of slots in v[], ascending */
    uint8_t type;
    uint8_t source;
    uint8_t edge;
    uint8_t ends; /* src | dst << 4 */
    uint8_t life;
    uint8_t n;
    uint8_t flags; /* of the event: enum lg_event_flags */
    uint32_t v[];
};

/* The same, spread out. */
struct lg_pend_values {
    uint32_t v[LG_PS_COUNT];
};

static inline size_t lg_pend_bytes(const struct lg_pend *pe)
{
    return sizeof(*pe) + pe->n * sizeof(pe->v[0]);
}

/* `with_edge` false keeps the event for its time and type only. New block, or LG_ENOMEM. */
int lg_pend_new(const struct lg_event *ev, const struct lg_op *op, bool with_edge, uint32_t host,
        struct lg_strpool *sp, struct lg_pend **ret) LG_MUST_CHECK;
void lg_pend_spread(const struct lg_pend *pe, struct lg_pend_values *ret);
bool lg_pend_slot_is_string(unsigned slot);
void lg_pend_mark(const struct lg_pend *pe, struct lg_strmarks *mk);

#endif

#ifndef LG_GRAPH_OP_H
#define LG_GRAPH_OP_H

#include "graph/text.h"

/*
 * What one event says to the graph: at most one edge, and what it tells of the processes at its
 * ends. Made from the event alone; who the processes are is decided later, in time order, by the
 * process table. Strings borrow from the event or from the op itself.
 */

enum lg_op_end {
    LG_END_NONE,
    LG_END_ACTOR,
    LG_END_PARENT,
    LG_END_TARGET,
    LG_END_NODE,
};

enum lg_op_life { /* what happens to a process */
    LG_LIFE_NONE,
    LG_LIFE_CREATE, /* actor */
    LG_LIFE_FORK,   /* target, else actor */
    LG_LIFE_EXIT,   /* actor */
};

struct lg_op_proc {
    struct lg_str guid;
    struct lg_str image;
    struct lg_str cmd;
    struct lg_str user;
    struct lg_str original;
    struct lg_str hash;
    uint32_t pid; /* 0 = not told */
    uint8_t integrity;
    uint8_t user_class;
    uint8_t system; /* the kernel's own process, whatever its id */
    lg_time start;  /* 0 = not told */
};

struct lg_op_node {
    uint8_t type;  /* enum lg_node_type */
    uint8_t kind;  /* enum lg_text_kind of `raw` */
    uint8_t flags; /* see LG_OPN_* */
    struct lg_str raw;
    struct lg_str text;  /* script text, service command; becomes `cmd` */
    struct lg_str group; /* id that several events share: they are one node */
    struct lg_str original;
    struct lg_str hash;
};
#define LG_OPN_SIGNED 1u
#define LG_OPN_UNSIGNED 2u
#define LG_OPN_USER_PATH 4u
#define LG_OPN_TEXT_SCRIPT 8u /* `text` is a script, else a command line */

struct lg_op {
    uint8_t edge; /* enum lg_edge_type */
    uint8_t src_end;
    uint8_t dst_end; /* enum lg_op_end; both NONE = no edge */
    uint8_t life;
    struct lg_op_proc actor;
    struct lg_op_proc parent;
    struct lg_op_proc target;
    struct lg_op_node src;
    struct lg_op_node dst;
    uint32_t attr;
    uint32_t text_flags; /* of the longest text: BASE64, LONG, TRUNCATED */
    struct lg_str detail;
    char buf[2][320]; /* formatted names: [0] node, [1] detail */
    size_t buf_n[2];
};

#define LG_OP_DETAIL_MAX 256

/* False where the event has nothing for the graph. */
bool lg_op_from_event(const struct lg_event *ev, struct lg_op *op);

#endif

#ifndef LG_GRAPH_OP_INT_H
#define LG_GRAPH_OP_INT_H

#include "graph/op.h"

/* Between the files of the event mapping. Each fills what is its own; actor is filled before. */

void lg_op_map_edge(struct lg_op *op, enum lg_edge_type edge, enum lg_op_end dst);
void lg_op_map_node(struct lg_op *op, enum lg_edge_type edge, enum lg_node_type type,
        enum lg_text_kind kind, struct lg_str raw);
/* Appends to op->buf[which]; cut at its end. */
void lg_op_map_put(struct lg_op *op, int which, struct lg_str s);
void lg_op_map_put_u64(struct lg_op *op, int which, uint64_t v, unsigned base);
struct lg_str lg_op_map_buf(const struct lg_op *op, int which);
/* Source becomes the account of the subject or user where no process is named. */
void lg_op_map_account_source(const struct lg_event *ev, struct lg_op *op);
bool lg_op_map_has_actor(const struct lg_op *op);
/* "-" and empty mean nothing. */
struct lg_str lg_op_map_str(const struct lg_event *ev, enum lg_field f);

void lg_op_map_process_event(const struct lg_event *ev, struct lg_op *op);
void lg_op_map_file_event(const struct lg_event *ev, struct lg_op *op);
void lg_op_map_registry_event(const struct lg_event *ev, struct lg_op *op);
void lg_op_map_network_event(const struct lg_event *ev, struct lg_op *op);
void lg_op_map_account_event(const struct lg_event *ev, struct lg_op *op);
void lg_op_map_system_event(const struct lg_event *ev, struct lg_op *op);

#endif

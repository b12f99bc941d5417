#ifndef LG_GNN_POOL_H
#define LG_GNN_POOL_H

#include <stdint.h>

#include "base/err.h"

/*
 * Threads of one training run. lg_gnn_pool_run calls fn for the tasks 0..n-1, in any order, from
 * the calling thread (worker 0) and its helpers, and waits for all. Tasks write to their own
 * places only: the result does not depend on who ran them. Thread: one caller.
 */
struct lg_gnn_pool;

int lg_gnn_pool_new(uint32_t threads, struct lg_gnn_pool **ret) LG_MUST_CHECK;
void lg_gnn_pool_free(struct lg_gnn_pool *pool);
void lg_gnn_pool_run(struct lg_gnn_pool *pool, uint32_t n,
        void (*fn)(void *arg, uint32_t task, uint32_t worker), void *arg);

#endif

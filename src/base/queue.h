#ifndef LG_BASE_QUEUE_H
#define LG_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Bounded queue of owned pointers between threads. A push onto a full queue waits (that is the
 * backpressure); after close pushes fail and pops drain what is left, then return false.
 * Sending gives up ownership; a failed push leaves it with the caller. Thread: any.
 */
struct lg_queue;

int lg_queue_new(size_t capacity, struct lg_queue **ret) LG_MUST_CHECK;
void lg_queue_free(struct lg_queue *q);
bool lg_queue_push(struct lg_queue *q, void *item) LG_MUST_CHECK;
bool lg_queue_pop(struct lg_queue *q, void **ret) LG_MUST_CHECK;
void lg_queue_close(struct lg_queue *q);

#endif

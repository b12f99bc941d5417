#ifndef LG_ACCESS_RATELIMIT_H
#define LG_ACCESS_RATELIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Token buckets in whole numbers: `rate` units a second flow in, up to `burst`. The clock is the
 * caller's (monotonic nanoseconds); one that runs backwards adds nothing.
 */
struct lg_bucket {
    uint64_t level_n; /* units times LG_NS_PER_SEC */
    int64_t at_ns;
    bool started; /* a zeroed bucket starts full */
};

/* Takes `cost` units. 0, or LG_EREFUSED with the time until it would have passed (may be NULL); a
 * cost above `burst` passes when the bucket is full, and leaves it empty. rate 0: always passes.
 * Thread: the bucket's owner. */
int lg_bucket_take(struct lg_bucket *b, uint64_t rate, uint64_t burst, uint64_t cost,
        int64_t now_ns, int64_t *ret_wait_ns) LG_MUST_CHECK;
/* What is in the bucket now, whole units. */
uint64_t lg_bucket_level(const struct lg_bucket *b, uint64_t rate, uint64_t burst, int64_t now_ns);

/*
 * One bucket a key, for at most `max_keys` keys: when full, the one that was used longest ago makes
 * room, which can only be kind to a key. Thread: any.
 */
struct lg_ratelimit;

int lg_ratelimit_new(
        uint64_t rate, uint64_t burst, size_t max_keys, struct lg_ratelimit **ret) LG_MUST_CHECK;
void lg_ratelimit_free(struct lg_ratelimit *rl);
/* As lg_bucket_take; out of memory passes (a limiter must not be an outage). */
int lg_ratelimit_take(struct lg_ratelimit *rl, struct lg_str key, uint64_t cost, int64_t now_ns,
        int64_t *ret_wait_ns) LG_MUST_CHECK;
void lg_ratelimit_set(struct lg_ratelimit *rl, uint64_t rate, uint64_t burst); /* on reload */

#endif

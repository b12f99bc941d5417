#ifndef LG_BASE_BUF_H
#define LG_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Growing byte buffer with a mandatory maximum. Appends never fail half-way: on out-of-memory or
 * at the maximum nothing is appended, `failed` is set and stays set until lg_buf_clear, so that a
 * writer may check once at its end. Thread: its owner's.
 */
struct lg_buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    int failed; /* 0, LG_ENOMEM or LG_ELIMIT */
};

void lg_buf_init(struct lg_buf *b, size_t max);
void lg_buf_done(struct lg_buf *b);
static inline void lg_buf_clear(struct lg_buf *b)
{
    b->n = 0;
    b->failed = 0;
}
/* Makes room for `more` bytes past n. 0, LG_ENOMEM or LG_ELIMIT (also left in b->failed). */
int lg_buf_reserve(struct lg_buf *b, size_t more);
void lg_buf_printf(struct lg_buf *b, const char *fmt, ...) LG_PRINTF(2, 3);

static inline void lg_buf_add(struct lg_buf *b, const void *p, size_t n)
{
    if (n > b->cap - b->n && lg_buf_reserve(b, n) < 0)
        return;
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static inline void lg_buf_adds(struct lg_buf *b, struct lg_str s)
{
    lg_buf_add(b, s.p, s.n);
}

static inline void lg_buf_addc(struct lg_buf *b, char c)
{
    lg_buf_add(b, &c, 1);
}

static inline struct lg_str lg_buf_str(const struct lg_buf *b)
{
    return lg_str_of(b->p, b->n);
}

#endif

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

void lg_buf_init(struct lg_buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max;
}

void lg_buf_done(struct lg_buf *b)
{
    if (b == NULL)
        return;
    lg_free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}

int lg_buf_reserve(struct lg_buf *b, size_t more)
{
    size_t want, cap;
    char *p;

    if (more <= b->cap - b->n)
        return 0;
    if (b->n > b->max || more > b->max - b->n)
        return b->failed = LG_ELIMIT;
    want = b->n + more;
    cap = b->cap < 256 ? 256 : b->cap;
    if (cap > b->max)
        cap = b->max;
    while (cap < want)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    p = lg_realloc_array(b->p, cap, 1);
    if (p == NULL)
        return b->failed = LG_ENOMEM;
    b->p = p;
    b->cap = cap;
    return 0;
}

void lg_buf_printf(struct lg_buf *b, const char *fmt, ...)
{
    char stack[256];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(stack, sizeof(stack), fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = LG_EINVAL;
        return;
    }
    if ((size_t)n < sizeof(stack)) {
        lg_buf_add(b, stack, (size_t)n);
        return;
    }
    if (lg_buf_reserve(b, (size_t)n + 1) < 0)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

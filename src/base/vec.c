#include "base/vec.h"

int lg_vec_grow(void **v, size_t *cap, size_t want, size_t size)
{
    size_t n = *cap < 8 ? 8 : *cap + *cap / 2;
    void *p;

    if (n < want)
        n = want;
    p = lg_realloc_array(*v, n, size);
    if (p == NULL)
        return LG_ENOMEM;
    *v = p;
    *cap = n;
    return 0;
}

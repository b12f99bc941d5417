#ifndef LG_BASE_VEC_H
#define LG_BASE_VEC_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/*
 * Growing array of plain structs:  LG_VEC(struct lg_node) nodes = {0};
 * lg_vec_push returns 0 or LG_ENOMEM (the vector stays as it was).
 */
#define LG_VEC(T)                                                                                  \
    struct {                                                                                       \
        T *v;                                                                                      \
        size_t n;                                                                                  \
        size_t cap;                                                                                \
    }

int lg_vec_grow(void **v, size_t *cap, size_t want, size_t size) LG_MUST_CHECK;

#define lg_vec_reserve(vec, want)                                                                  \
    ((want) <= (vec)->cap                                                                          \
                    ? 0                                                                            \
                    : lg_vec_grow((void **)&(vec)->v, &(vec)->cap, (want), sizeof(*(vec)->v)))
#define lg_vec_push(vec, ...)                                                                      \
    (lg_vec_reserve((vec), (vec)->n + 1) < 0 ? LG_ENOMEM                                           \
                                             : ((vec)->v[(vec)->n++] = (__VA_ARGS__), 0))
#define lg_vec_done(vec)                                                                           \
    do {                                                                                           \
        lg_free((vec)->v);                                                                         \
        (vec)->v = NULL;                                                                           \
        (vec)->n = (vec)->cap = 0;                                                                 \
    } while (0)

#endif

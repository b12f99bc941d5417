#ifndef LG_GRAPH_CHECKPOINT_H
#define LG_GRAPH_CHECKPOINT_H

#include "base/hash.h"
#include "graph/live.h"

/*
 * An endpoint's state as bytes and back. Numbers are LEB128; strings stand once in a table and are
 * named by their place in it. Layout: magic, version, XXH3 of the rest, then the sections in the
 * order of write_all(). Whatever the bytes, reading allocates no more than some times their size.
 */
#define CK_MAGIC "LGCK"
#define CK_VERSION 1u
#define CK_HEAD 13 /* magic, version, hash */
#define CK_TIME_MAX (INT64_MAX / 2)

/* Over all that follows the head. */
static inline void lg_ck_hash(struct lg_str bytes, char out[8])
{
    uint64_t v = lg_hash64(bytes.p + CK_HEAD, bytes.n - CK_HEAD, 0x636b3031u);

    for (unsigned i = 0; i < 8; i++)
        out[i] = (char)(v >> (8 * i));
}

#endif

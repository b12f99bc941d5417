#ifndef LG_GRAPH_TEXTCACHE_H
#define LG_GRAPH_TEXTCACHE_H

#include "base/map.h"
#include "graph/text.h"

/*
 * Normalised texts of one worker, kept over windows and endpoints: most names recur. Keyed by a
 * 64-bit hash with the process's secret, so that nobody can aim at a collision. Emptied when
 * full. Thread: its owner's.
 */
struct lg_textcache {
    struct lg_map map; /* value: offset << 16 | length */
    char *buf;
    size_t n;
    size_t cap;
    char scratch[LG_MAX_NODE_TEXT];
};

void lg_textcache_init(struct lg_textcache *tc);
void lg_textcache_done(struct lg_textcache *tc);
size_t lg_textcache_bytes(const struct lg_textcache *tc);
/* Never fails: without memory the text is made again each time. Valid until the next call. */
struct lg_str lg_textcache_get(struct lg_textcache *tc, enum lg_text_kind kind,
        enum lg_platform platform, const struct lg_text_names *names, struct lg_str raw);

#endif

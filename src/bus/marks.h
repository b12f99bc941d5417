#ifndef LG_BUS_MARKS_H
#define LG_BUS_MARKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * End markers: a small file beside the database that says, per partition, where the log ended and
 * up to where it was acknowledged as synced. RocksDB drops a torn tail of its log of writes
 * silently; the markers make that visible. They are written after the log itself and never ahead
 * of it, so a marker past the log's end means loss, and a stale marker only means less to see.
 */
struct lg_mark {
    uint32_t topic;
    uint32_t partition;
    int64_t end;     /* written */
    int64_t durable; /* synced and acknowledged */
};

struct lg_marks {
    pthread_mutex_t lock;
    int fd;       /* -1: cannot be written; the log works without */
    bool changed; /* since the last write */
    bool dirty;   /* written, not synced */
    bool damaged; /* at open: some entries did not fit their checksum */
    struct lg_mark *marks;
    uint8_t *bytes;
    size_t n;
    size_t cap;
};

/* Reads what is there. 0 or LG_ENOMEM; a file that cannot be read is as good as none. */
int lg_marks_open(struct lg_marks *m, const char *path) LG_MUST_CHECK;
void lg_marks_close(struct lg_marks *m);
/* NULL: none known. Valid until the next set. */
const struct lg_mark *lg_marks_find(struct lg_marks *m, uint32_t topic, uint32_t partition);
/* Raises the values; kept in memory until lg_marks_write. 0 or LG_ENOMEM. */
int lg_marks_set(struct lg_marks *m, uint32_t topic, uint32_t partition, int64_t end,
        int64_t durable) LG_MUST_CHECK;
/* Makes the entry, so that lg_marks_set of it cannot fail. 0 or LG_ENOMEM. */
int lg_marks_reserve(struct lg_marks *m, uint32_t topic, uint32_t partition) LG_MUST_CHECK;
void lg_marks_write(struct lg_marks *m); /* to the system */
void lg_marks_sync(struct lg_marks *m);  /* to the disk, if anything was written since */

#endif

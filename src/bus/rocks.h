#ifndef LG_BUS_ROCKS_H
#define LG_BUS_ROCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rocksdb/c.h>

#include "base/err.h"
#include "base/str.h"
#include "bus/bus.h"

/*
 * RocksDB as the embedded bus needs it: column families by number, errors as our codes. Reads and
 * writes may come from any thread; open and close from one, with nobody else inside.
 */
#define LG_ROCKS_META 0  /* column family: topics, offsets, starts */
#define LG_ROCKS_INDEX 1 /* column family: where blocks are */
#define LG_ROCKS_TOPIC 2 /* + topic number: blocks, or the latest values of keys */
#define LG_ROCKS_MAX (LG_ROCKS_TOPIC + LG_BUS_MAX_TOPICS)

struct lg_rocks {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_readoptions_t *once;                      /* leaves nothing in the cache */
    rocksdb_column_family_handle_t *cf[LG_ROCKS_MAX]; /* NULL: no such topic */
};

/* Before opening: a CURRENT that is missing or damaged in a folder with data names the newest
 * MANIFEST again. 1: it did, and ret_what says so; 0: nothing to do; LG_ECORRUPT, LG_EIO. */
int lg_rocks_mend(const char *path, struct lg_err *ret_what) LG_MUST_CHECK;

/*
 * Opens or makes the database. salvage: damage in the middle of the log of writes does not stop
 * it; what can be read is kept. LG_EREFUSED: in use by another process. LG_ECORRUPT, LG_ENOSPC,
 * LG_EIO.
 */
int lg_rocks_open(struct lg_rocks *db, const struct lg_bus_embedded_options *opt, bool salvage,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_rocks_close(struct lg_rocks *db);
int lg_rocks_add_topic(struct lg_rocks *db, int topic, struct lg_err *reterr) LG_MUST_CHECK;

/* Takes RocksDB's message and frees it: LG_ENOSPC, LG_ECORRUPT, LG_EREFUSED or LG_EIO. */
int lg_rocks_error(struct lg_err *reterr, const char *what, char *message);

/* NULL and 0: not there. The slice must be destroyed. */
int lg_rocks_get(struct lg_rocks *db, int cf, const void *key, size_t n,
        rocksdb_pinnableslice_t **ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Without sync: the data is in the system's hands when it returns. */
int lg_rocks_write(
        struct lg_rocks *db, rocksdb_writebatch_t *batch, struct lg_err *reterr) LG_MUST_CHECK;
/* Everything written before the call is on the disk when it returns. */
int lg_rocks_sync(struct lg_rocks *db, struct lg_err *reterr) LG_MUST_CHECK;
/* Memory: of the block cache, and of all write buffers. */
void lg_rocks_memory(struct lg_rocks *db, uint64_t *ret_cache, uint64_t *ret_buffers);
rocksdb_iterator_t *lg_rocks_iterator(struct lg_rocks *db, int cf);
/* 0 or the iterator's error. */
int lg_rocks_iterator_error(rocksdb_iterator_t *it, struct lg_err *reterr) LG_MUST_CHECK;
/* Removes whole files that hold only keys of [from, to]; the rest stays. */
void lg_rocks_drop_files(struct lg_rocks *db, int cf, struct lg_str from, struct lg_str to);

#endif

#ifndef LG_BUS_BLOCK_H
#define LG_BUS_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "bus/bus.h"

/*
 * A block: consecutive records of one partition as bytes. Pure: bytes in, bytes out. The format is
 * described in docs/internals/bus.md; a block names its own topic, partition and first offset, and
 * its checksum covers all of it.
 */
#define LG_BLOCK_HEAD_BYTES 64u
#define LG_BLOCK_MAX_RAW (16u << 20) /* a block of usual size, or one largest record */
#define LG_BLOCK_MAX_BYTES (8u << 20)
#define LG_BLOCK_MAX_RECORDS (1u << 17)
#define LG_BLOCK_MAX_HEADERS (1u << 19) /* of all distinct lists */
#define LG_BLOCK_MAX_USUAL (1u << 20)   /* largest `block_bytes` that may be configured */

struct lg_block_head {
    uint32_t topic;
    uint32_t partition;
    int64_t base_offset;
    uint32_t n;
    uint32_t raw_bytes; /* before compression */
    int64_t base_time;
    int64_t max_time;
};

/* Writer of blocks, reused from block to block. Thread: its owner's. */
struct lg_block_writer;

int lg_block_writer_new(int zstd_level, struct lg_block_writer **ret) LG_MUST_CHECK;
void lg_block_writer_free(struct lg_block_writer *w);
void lg_block_begin(
        struct lg_block_writer *w, uint32_t topic, uint32_t partition, int64_t base_offset);
/* Offsets count up from base_offset. The record is checked already (lg_bus_record_check); its
 * header array must stay as it is until the block is finished. 0 or LG_ENOMEM. */
int lg_block_add(
        struct lg_block_writer *w, const struct lg_bus_record *rec, int64_t bus_time) LG_MUST_CHECK;
/* What the block would have before compression. */
size_t lg_block_raw_bytes(const struct lg_block_writer *w);
/* *ret is valid until the next begin. 0 or LG_ENOMEM. */
int lg_block_finish(struct lg_block_writer *w, struct lg_str *ret,
        struct lg_block_head *ret_head) LG_MUST_CHECK;

/* Records of one block; all views point into it. */
struct lg_block {
    struct lg_block_head head;
    struct lg_bus_record *records;
    struct lg_bus_header *headers;
    uint8_t *raw;
    size_t bytes; /* keys and values */
};

/* Reads the head alone, without the checksum. 0 or LG_ECORRUPT. */
int lg_block_peek(struct lg_str bytes, struct lg_block_head *ret) LG_MUST_CHECK;
/* 0, LG_ECORRUPT or LG_ENOMEM; *ret is owned by the caller. */
int lg_block_read(struct lg_str bytes, struct lg_block **ret) LG_MUST_CHECK;
void lg_block_free(struct lg_block *b);
/* For tests and the fuzzer: makes the checksum fit. */
void lg_block_seal(uint8_t *bytes, size_t n);

#endif

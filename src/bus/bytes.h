#ifndef LG_BUS_BYTES_H
#define LG_BUS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fixed-width integers in records (little endian) and in keys (big endian, so that they sort). */

static inline void lg_le32_put(void *p, uint32_t v)
{
    uint8_t *b = p;

    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(v >> (8 * i));
}

static inline void lg_le64_put(void *p, uint64_t v)
{
    uint8_t *b = p;

    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t lg_le32_get(const void *p)
{
    const uint8_t *b = p;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t lg_le64_get(const void *p)
{
    return (uint64_t)lg_le32_get(p) | (uint64_t)lg_le32_get((const uint8_t *)p + 4) << 32;
}

static inline void lg_be32_put(void *p, uint32_t v)
{
    uint8_t *b = p;

    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline void lg_be64_put(void *p, uint64_t v)
{
    lg_be32_put(p, (uint32_t)(v >> 32));
    lg_be32_put((uint8_t *)p + 4, (uint32_t)v);
}

static inline uint32_t lg_be32_get(const void *p)
{
    const uint8_t *b = p;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static inline uint64_t lg_be64_get(const void *p)
{
    return (uint64_t)lg_be32_get(p) << 32 | lg_be32_get((const uint8_t *)p + 4);
}

/* LEB128; out must have room for 10 bytes. Returns the length. */
static inline size_t lg_varint_put(uint8_t *out, uint64_t v)
{
    size_t n = 0;

    while (v >= 0x80) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    return n;
}

static inline bool lg_varint_get(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t c = *(*p)++;

        if (shift == 63 && c > 1)
            return false;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static inline uint64_t lg_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t lg_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0));
}

#endif

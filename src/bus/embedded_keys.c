#include "bus/bytes.h"
#include "bus/embedded_int.h"

/* Keys begin with a letter for what they are; numbers in them are big endian, so that they sort. */

size_t emb_key_topic(uint8_t *k, uint32_t topic)
{
    k[0] = 'T';
    lg_be32_put(k + 1, topic);
    return 5;
}

size_t emb_key_offset(uint8_t *k, const struct emb_group *g, int topic, int32_t partition)
{
    k[0] = 'O';
    k[1] = (uint8_t)g->n;
    memcpy(k + 2, g->name, g->n);
    lg_be32_put(k + 2 + g->n, (uint32_t)topic);
    lg_be32_put(k + 6 + g->n, (uint32_t)partition);
    return 10 + g->n;
}

static size_t key_part(uint8_t *k, char kind, int topic, int32_t partition)
{
    k[0] = (uint8_t)kind;
    lg_be32_put(k + 1, (uint32_t)topic);
    lg_be32_put(k + 5, (uint32_t)partition);
    return 9;
}

size_t emb_key_begin(uint8_t *k, int topic, int32_t partition)
{
    return key_part(k, 'S', topic, partition);
}

size_t emb_key_next(uint8_t *k, int topic, int32_t partition)
{
    return key_part(k, 'N', topic, partition);
}

size_t emb_key_by_offset(uint8_t *k, int topic, int32_t partition, int64_t base)
{
    size_t n = key_part(k, 'P', topic, partition);

    lg_be64_put(k + n, (uint64_t)base);
    return n + 8;
}

size_t emb_key_by_seq(uint8_t *k, int topic, uint64_t seq)
{
    k[0] = 'Q';
    lg_be32_put(k + 1, (uint32_t)topic);
    lg_be64_put(k + 5, seq);
    return 13;
}

size_t emb_by_offset_put(uint8_t *v, const struct emb_by_offset *e)
{
    lg_le64_put(v, e->seq);
    lg_le32_put(v + 8, e->n);
    return 12;
}

bool emb_by_offset_get(struct lg_str v, struct emb_by_offset *ret)
{
    if (v.n != 12)
        return false;
    *ret = (struct emb_by_offset){lg_le64_get(v.p), lg_le32_get(v.p + 8)};
    return ret->n > 0;
}

size_t emb_by_seq_put(uint8_t *v, const struct emb_by_seq *e)
{
    lg_le32_put(v, e->partition);
    lg_le64_put(v + 4, (uint64_t)e->base);
    lg_le32_put(v + 12, e->n);
    lg_le32_put(v + 16, e->stored);
    lg_le64_put(v + 20, (uint64_t)e->max_time);
    lg_le64_put(v + 28, e->cum);
    return 36;
}

bool emb_by_seq_get(struct lg_str v, struct emb_by_seq *ret)
{
    if (v.n != 36)
        return false;
    *ret = (struct emb_by_seq){
            .partition = lg_le32_get(v.p),
            .base = (int64_t)lg_le64_get(v.p + 4),
            .n = lg_le32_get(v.p + 12),
            .stored = lg_le32_get(v.p + 16),
            .max_time = (int64_t)lg_le64_get(v.p + 20),
            .cum = lg_le64_get(v.p + 28),
    };
    return true;
}

#include "crypto/chain.h"

#include <sodium.h>
#include <string.h>

#include "crypto/crypto_int.h"
#include "crypto/encode.h"

_Static_assert(sizeof(crypto_generichash_state) <= LG_DIGEST_STATE_BYTES, "state fits");

static crypto_generichash_state *state_of(struct lg_digest *d)
{
    return (void *)d->state;
}

void lg_digest_add(struct lg_digest *d, struct lg_str column)
{
    unsigned char le[8];

    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)((uint64_t)column.n >> (8 * i));
    (void)crypto_generichash_update(state_of(d), le, sizeof(le));
    (void)crypto_generichash_update(state_of(d), (const unsigned char *)column.p, column.n);
}

void lg_digest_init(struct lg_digest *d, struct lg_str domain, const struct lg_link *prev)
{
    static const struct lg_link first;

    lg_crypto_start();
    if (prev == NULL)
        prev = &first;
    (void)crypto_generichash_init(state_of(d), NULL, 0, LG_CHAIN_BYTES);
    lg_digest_add(d, domain);
    lg_digest_add(d, lg_str_of((const char *)prev->b, LG_CHAIN_BYTES));
}

struct lg_link lg_digest_final(struct lg_digest *d)
{
    struct lg_link link;

    (void)crypto_generichash_final(state_of(d), link.b, sizeof(link.b));
    return link;
}

struct lg_link lg_chain_next(struct lg_str domain, const struct lg_link *prev, struct lg_str row)
{
    return lg_chain_next_of(domain, prev, &row, 1);
}

struct lg_link lg_chain_next_of(
        struct lg_str domain, const struct lg_link *prev, const struct lg_str *columns, size_t n)
{
    struct lg_digest d;

    lg_digest_init(&d, domain, prev);
    for (size_t i = 0; i < n; i++)
        lg_digest_add(&d, columns[i]);
    return lg_digest_final(&d);
}

int lg_link_cmp(const struct lg_link *a, const struct lg_link *b)
{
    return memcmp(a->b, b->b, LG_CHAIN_BYTES);
}

void lg_link_text(const struct lg_link *link, char out[LG_CHAIN_HEX + 1])
{
    lg_hex_encode(link->b, LG_CHAIN_BYTES, out);
}

int lg_link_parse(struct lg_str hex, struct lg_link *ret)
{
    struct lg_link link;

    if (hex.n != LG_CHAIN_HEX || lg_hex_decode(hex, link.b, sizeof(link.b)) < 0)
        return LG_EPARSE;
    *ret = link;
    return 0;
}

#include "detect/patterns_int.h"

static uint32_t bucket(const char *p)
{
    uint32_t v = (uint32_t)(unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8 |
            (uint32_t)(unsigned char)p[2] << 16;

    return v * 0x9e3779b1u >> 16;
}

int lg_pat_scanner_init(struct lg_pat_scanner *sc)
{
    memset(sc, 0, sizeof(*sc));
    sc->present = lg_calloc(LG_PAT_BUCKETS / 64, sizeof(*sc->present));
    sc->head = lg_calloc(LG_PAT_BUCKETS, sizeof(*sc->head));
    if (sc->present == NULL || sc->head == NULL) {
        lg_pat_scanner_done(sc);
        return LG_ENOMEM;
    }
    return 0;
}

void lg_pat_scanner_done(struct lg_pat_scanner *sc)
{
    lg_vec_done(&sc->spots);
    lg_free(sc->present);
    lg_free(sc->head);
    sc->present = NULL;
    sc->head = NULL;
}

static uint32_t chain_length(const struct lg_pat_scanner *sc, uint32_t b)
{
    uint32_t n = 0;

    for (uint32_t i = sc->head[b]; i != 0; i = sc->spots.v[i - 1].next)
        n++;
    return n;
}

int lg_pat_scanner_add(struct lg_pat_scanner *sc, struct lg_str s, uint32_t bit)
{
    struct lg_pat_spot spot = {.s = s, .bit = bit};
    uint32_t best = UINT32_MAX, at = 0, b;
    int rc;

    /* the place of the literal that shares its three bytes with the fewest others */
    for (uint32_t i = 0; i + LG_PAT_MIN_SCAN <= s.n; i++) {
        uint32_t n = chain_length(sc, bucket(s.p + i));

        if (n < best) {
            best = n;
            at = i;
        }
    }
    b = bucket(s.p + at);
    spot.at = (uint16_t)at;
    spot.next = sc->head[b];
    rc = lg_vec_push(&sc->spots, spot);
    if (rc < 0)
        return rc;
    sc->head[b] = (uint32_t)sc->spots.n;
    sc->present[b / 64] |= UINT64_C(1) << (b % 64);
    return 0;
}

static void try_spots(
        const struct lg_pat_scanner *sc, uint32_t b, struct lg_str text, size_t i, uint64_t *bits)
{
    const struct lg_pat_spot *spot;

    for (uint32_t k = sc->head[b]; k != 0; k = spot->next) {
        spot = &sc->spots.v[k - 1];
        if (spot->at <= i && i - spot->at + spot->s.n <= text.n &&
                text.p[i - spot->at] == spot->s.p[0] &&
                memcmp(text.p + i - spot->at, spot->s.p, spot->s.n) == 0)
            bits[spot->bit / 64] |= UINT64_C(1) << (spot->bit % 64);
    }
}

void lg_pat_scanner_run(const struct lg_pat_scanner *sc, struct lg_str text, uint64_t *bits)
{
    for (size_t i = 0; i + LG_PAT_MIN_SCAN <= text.n; i++) {
        uint32_t b = bucket(text.p + i);

        if ((sc->present[b / 64] >> (b % 64) & 1) != 0)
            try_spots(sc, b, text, i, bits);
    }
}

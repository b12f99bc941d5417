#include "crypto/blake2b_many.h"

#include <string.h>

#include "crypto/ids.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MAX_LANES 8
#define BLOCK 128
#define DIGEST 32

static const uint64_t iv[8] = {
        0x6a09e667f3bcc908,
        0xbb67ae8584caa73b,
        0x3c6ef372fe94f82b,
        0xa54ff53a5f1d36f1,
        0x510e527fade682d1,
        0x9b05688c2b3e6c1f,
        0x1f83d9abfb41bd6b,
        0x5be0cd19137e2179,
};

static const uint8_t sigma[12][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

/* What runs side by side; word w of lane i is h[w][i]. */
struct lanes {
    uint64_t h[8][MAX_LANES];
    uint64_t bytes[MAX_LANES];
    uint64_t final[MAX_LANES]; /* all ones under a message's last block */
    const unsigned char *block[MAX_LANES];
};

#define LG_TARGET __attribute__((target("avx512f,avx2")))
#define LANES 8
#define RUN run8
#define vu __m512i
#define vu_add _mm512_add_epi64
#define vu_xor _mm512_xor_si512
#define vu_ror(x, n) _mm512_ror_epi64(x, n)
#define vu_load(p) _mm512_loadu_si512(p)
#define vu_store(p, x) _mm512_storeu_si512(p, x)
#define vu_set1(x) _mm512_set1_epi64((long long)(x))
#define transpose transpose8

/* Eight words of eight blocks: pairs of lanes first, then their 128-bit parts. */
LG_TARGET static inline void transpose8(__m512i m[16], const unsigned char *const block[MAX_LANES])
{
    for (int half = 0; half < 2; half++, m += 8) {
        __m512i r[8], lo[4], hi[4];

        for (int i = 0; i < 8; i++)
            r[i] = _mm512_loadu_si512(block[i] + (ptrdiff_t)64 * half);
        for (int i = 0; i < 4; i++) {
            lo[i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
            hi[i] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
        }
        for (int odd = 0; odd < 2; odd++) {
            const __m512i *t = odd ? hi : lo;
            __m512i x0 = _mm512_shuffle_i64x2(t[0], t[1], 0x88);
            __m512i x1 = _mm512_shuffle_i64x2(t[0], t[1], 0xdd);
            __m512i y0 = _mm512_shuffle_i64x2(t[2], t[3], 0x88);
            __m512i y1 = _mm512_shuffle_i64x2(t[2], t[3], 0xdd);

            m[0 + odd] = _mm512_shuffle_i64x2(x0, y0, 0x88);
            m[4 + odd] = _mm512_shuffle_i64x2(x0, y0, 0xdd);
            m[2 + odd] = _mm512_shuffle_i64x2(x1, y1, 0x88);
            m[6 + odd] = _mm512_shuffle_i64x2(x1, y1, 0xdd);
        }
    }
}

#include "crypto/blake2b_many_impl.h"

#undef LG_TARGET
#undef LANES
#undef RUN
#undef vu
#undef vu_add
#undef vu_xor
#undef vu_ror
#undef vu_load
#undef vu_store
#undef vu_set1
#undef transpose

#define LG_TARGET __attribute__((target("avx2")))
#define LANES 4
#define RUN run4
#define vu __m256i
#define vu_add _mm256_add_epi64
#define vu_xor _mm256_xor_si256
#define vu_ror(x, n) ror4(x, n)
#define vu_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vu_store(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define vu_set1(x) _mm256_set1_epi64x((long long)(x))
#define transpose transpose4

LG_TARGET static inline __attribute__((always_inline)) __m256i ror4(__m256i x, int n)
{
    const __m256i by24 = _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3,
            4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    const __m256i by16 = _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2,
            3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);

    switch (n) {
    case 32:
        return _mm256_shuffle_epi32(x, 0xb1);
    case 24:
        return _mm256_shuffle_epi8(x, by24);
    case 16:
        return _mm256_shuffle_epi8(x, by16);
    default: /* 63 */
        return _mm256_or_si256(_mm256_srli_epi64(x, 63), _mm256_add_epi64(x, x));
    }
}

LG_TARGET static inline void transpose4(__m256i m[16], const unsigned char *const block[MAX_LANES])
{
    for (int part = 0; part < 4; part++, m += 4) {
        __m256i r[4];

        for (int i = 0; i < 4; i++)
            r[i] = vu_load(block[i] + (ptrdiff_t)32 * part);
        for (int odd = 0; odd < 2; odd++) {
            __m256i a = odd ? _mm256_unpackhi_epi64(r[0], r[1]) : _mm256_unpacklo_epi64(r[0], r[1]);
            __m256i b = odd ? _mm256_unpackhi_epi64(r[2], r[3]) : _mm256_unpacklo_epi64(r[2], r[3]);

            m[0 + odd] = _mm256_permute2x128_si256(a, b, 0x20);
            m[2 + odd] = _mm256_permute2x128_si256(a, b, 0x31);
        }
    }
}

#include "crypto/blake2b_many_impl.h"

/* Messages take the lanes as these come free. */
struct feed {
    struct lanes s;
    unsigned char last[MAX_LANES][BLOCK]; /* a message's last block, with its zeros */
    const unsigned char *at[MAX_LANES];
    size_t left[MAX_LANES];
    size_t job[MAX_LANES]; /* SIZE_MAX: idle */
};

static void begin(struct feed *f, unsigned i, const struct lg_str *in, size_t job)
{
    for (int w = 0; w < 8; w++)
        f->s.h[w][i] = iv[w];
    f->s.h[0][i] ^= 0x01010000 | DIGEST; /* no key, no tree */
    f->s.bytes[i] = 0;
    f->at[i] = (const unsigned char *)in[job].p;
    f->left[i] = in[job].n;
    f->job[i] = job;
}

/* The lane's next block; an idle lane chews on whatever stands in its own. */
static void feed_lane(struct feed *f, unsigned i)
{
    if (f->job[i] == SIZE_MAX) {
        f->s.block[i] = f->last[i];
    } else if (f->left[i] > BLOCK) {
        f->s.block[i] = f->at[i];
        f->s.final[i] = 0;
        f->s.bytes[i] += BLOCK;
        f->at[i] += BLOCK;
        f->left[i] -= BLOCK;
    } else {
        if (f->left[i] > 0)
            memcpy(f->last[i], f->at[i], f->left[i]);
        memset(f->last[i] + f->left[i], 0, BLOCK - f->left[i]);
        f->s.block[i] = f->last[i];
        f->s.final[i] = UINT64_MAX;
        f->s.bytes[i] += f->left[i];
    }
}

static void end(struct feed *f, unsigned i, uint8_t (*out)[DIGEST])
{
    for (int w = 0; w < DIGEST / 8; w++)
        memcpy(out[f->job[i]] + (ptrdiff_t)8 * w, &f->s.h[w][i], 8);
    f->job[i] = SIZE_MAX;
}

static void run_lanes(unsigned lanes, void (*run)(struct lanes *s), const struct lg_str *in,
        size_t n, uint8_t (*out)[DIGEST])
{
    struct feed f;
    size_t next = 0, done = 0;

    memset(&f, 0, sizeof(f));
    for (unsigned i = 0; i < lanes; i++)
        f.job[i] = SIZE_MAX;
    while (done < n) {
        for (unsigned i = 0; i < lanes; i++) {
            if (f.job[i] == SIZE_MAX && next < n) {
                begin(&f, i, in, next);
                next++;
            }
            feed_lane(&f, i);
        }
        run(&f.s);
        for (unsigned i = 0; i < lanes; i++)
            if (f.job[i] != SIZE_MAX && f.s.final[i] != 0) {
                end(&f, i, out);
                done++;
            }
    }
}
#endif

bool lg_blake2b_256_many_by(unsigned lanes, const struct lg_str *in, size_t n, uint8_t (*out)[32])
{
    switch (lanes) {
#if defined(__x86_64__)
    case 8:
        if (!__builtin_cpu_supports("avx512f"))
            return false;
        run_lanes(lanes, run8, in, n, out);
        return true;
    case 4:
        if (!__builtin_cpu_supports("avx2"))
            return false;
        run_lanes(lanes, run4, in, n, out);
        return true;
#endif
    case 1:
        for (size_t i = 0; i < n; i++)
            lg_blake2b_256(in[i], out[i]);
        return true;
    default:
        return false;
    }
}

void lg_blake2b_256_many(const struct lg_str *in, size_t n, uint8_t (*out)[32])
{
    /* most lanes would be idle: libsodium does one after the other faster */
    if (n < 3 || !(lg_blake2b_256_many_by(8, in, n, out) || lg_blake2b_256_many_by(4, in, n, out)))
        (void)lg_blake2b_256_many_by(1, in, n, out);
}

#include "detect/patterns.h"

#include "base/hash.h"

/* Bump when lg_patterns_floor changes. */
#define SCORING_VERSION 1u

static const struct lg_pattern table[] = {
#define P(id, technique, strength, name, reference, condition)                                     \
    {id, technique, PLATFORM, LG_PATTERN_##strength, name, reference, condition},
#define PLATFORM LG_PLATFORM_WINDOWS
#include "detect/patterns_win_credential.def"
#include "detect/patterns_win_discovery.def"
#include "detect/patterns_win_evasion.def"
#include "detect/patterns_win_execution.def"
#include "detect/patterns_win_impact.def"
#include "detect/patterns_win_lateral.def"
#include "detect/patterns_win_persistence.def"
#undef PLATFORM
#define PLATFORM LG_PLATFORM_LINUX
#include "detect/patterns_linux_access.def"
#include "detect/patterns_linux_execution.def"
#undef PLATFORM
#undef P
};
#define N_PATTERNS (uint32_t)(sizeof(table) / sizeof(table[0]))
_Static_assert(sizeof(table) / sizeof(table[0]) < UINT16_MAX, "hits hold 16-bit pattern numbers");

struct technique {
    const char *id;
    const char *name;
    const char *tactic;
};
static const struct technique techniques[] = {
#define T(id, name, tactic) {id, name, tactic},
#include "detect/patterns_techniques.def"
#undef T
};

uint32_t lg_pattern_count(void)
{
    return N_PATTERNS;
}

const struct lg_pattern *lg_pattern_get(uint32_t i)
{
    return i < N_PATTERNS ? &table[i] : NULL;
}

const char *lg_pattern_strength_name(enum lg_pattern_strength s)
{
    static const char *const names[] = {"weak", "medium", "strong", "decisive"};

    return (unsigned)s < 4 ? names[s] : "unknown";
}

uint64_t lg_pattern_digest(void)
{
    uint64_t h = lg_hash_mix(SCORING_VERSION, N_PATTERNS);

    for (uint32_t i = 0; i < N_PATTERNS; i++) {
        h = lg_hash_str(lg_str_z(table[i].id), h);
        h = lg_hash_str(lg_str_z(table[i].technique), h);
        h = lg_hash_str(lg_str_z(table[i].condition), h);
        h = lg_hash_mix(h, (uint64_t)table[i].strength);
    }
    return h;
}

static const struct technique *find_technique(const char *id)
{
    for (size_t i = 0; i < sizeof(techniques) / sizeof(techniques[0]); i++) {
        if (strcmp(techniques[i].id, id) == 0)
            return &techniques[i];
    }
    return NULL;
}

const char *lg_technique_name(const char *id)
{
    const struct technique *t = find_technique(id);

    return t != NULL ? t->name : NULL;
}

const char *lg_technique_tactic(const char *id)
{
    const struct technique *t = find_technique(id);

    return t != NULL ? t->tactic : NULL;
}

/* Different techniques among the hits of one strength; hits are sorted by pattern, but rows of
 * one technique need not stand together. */
static uint32_t distinct_techniques(
        const struct lg_pattern_hit *hits, uint32_t n, enum lg_pattern_strength strength)
{
    const char *seen[16];
    uint32_t n_seen = 0;

    for (uint32_t i = 0; i < n && n_seen < 16; i++) {
        const struct lg_pattern *pat = &table[hits[i].pattern];
        uint32_t k = 0;

        if (pat->strength != strength)
            continue;
        while (k < n_seen && strcmp(seen[k], pat->technique) != 0)
            k++;
        if (k == n_seen)
            seen[n_seen++] = pat->technique;
    }
    return n_seen;
}

double lg_patterns_floor(const struct lg_pattern_hit *hits, uint32_t n)
{
    static const double medium[] = {0, 0, 0.44, 0.58, 0.68, 0.76, 0.82, 0.85};
    uint32_t k;

    if (distinct_techniques(hits, n, LG_PATTERN_DECISIVE) > 0)
        return 0.97;
    k = distinct_techniques(hits, n, LG_PATTERN_STRONG);
    if (k > 0)
        return k > 1 ? 0.95 : 0.90;
    k = distinct_techniques(hits, n, LG_PATTERN_MEDIUM);
    return medium[k < 7 ? k : 7];
}

uint32_t lg_patterns_techniques(
        const struct lg_pattern_hit *hits, uint32_t n, const char **out, uint32_t cap)
{
    uint32_t n_out = 0;

    /* the table of names is in ascending order */
    for (size_t t = 0; t < sizeof(techniques) / sizeof(techniques[0]); t++) {
        uint32_t i = 0;

        while (i < n && strcmp(table[hits[i].pattern].technique, techniques[t].id) != 0)
            i++;
        if (i == n)
            continue;
        if (n_out < cap)
            out[n_out] = techniques[t].id;
        n_out++;
    }
    return n_out;
}

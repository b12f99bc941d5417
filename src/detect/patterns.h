#ifndef LG_DETECT_PATTERNS_H
#define LG_DETECT_PATTERNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "graph/graph.h"

/*
 * ATT&CK techniques by graph patterns: a table (patterns_*.def) whose rows hold id, technique,
 * strength, reference and a condition in the small language of patterns_int.h. A technique is
 * never guessed: it stands on the node (and edge) whose facts met a row's condition.
 * docs/techniques.md is written from the table. Thread: an lg_patterns is its worker's.
 */

enum lg_pattern_strength {
    LG_PATTERN_WEAK,    /* names a technique on evidence; says nothing about malice */
    LG_PATTERN_MEDIUM,  /* unusual; several different ones together raise the verdict */
    LG_PATTERN_STRONG,  /* raises the verdict by itself */
    LG_PATTERN_DECISIVE /* the same, with next to no benign explanation */
};

/* A row of the table. */
struct lg_pattern {
    const char *id;        /* stable, e.g. "win-lsass-dump-file" */
    const char *technique; /* e.g. "T1003.001" */
    enum lg_platform platform;
    enum lg_pattern_strength strength;
    const char *name;
    const char
            *reference; /* beside the ATT&CK page: Sigma rule, LOLBAS or GTFOBins entry, manual */
    const char *condition;
};

/* A row that matched. `node` acts (a spawned child, else the source of the edge when that is a
 * process, else its target); `edge` is UINT32_MAX where the node alone matched. */
struct lg_pattern_hit {
    uint16_t pattern;
    uint32_t node;
    uint32_t edge;
};

uint32_t lg_pattern_count(void);
const struct lg_pattern *lg_pattern_get(uint32_t i); /* NULL past the end */
const char *lg_pattern_strength_name(enum lg_pattern_strength s);
/* Changes whenever a row or the scoring rule does: part of the verdict's configuration digest. */
uint64_t lg_pattern_digest(void);

/* Name and tactics ("credential-access") of a technique id; NULL where the table lacks it. */
const char *lg_technique_name(const char *id);
const char *lg_technique_tactic(const char *id);

struct lg_patterns;
int lg_patterns_new(struct lg_patterns **ret) LG_MUST_CHECK;
void lg_patterns_free(struct lg_patterns *ps);

/*
 * All rows against one graph; `removed` (one byte a node, may be NULL) leaves nodes and their
 * edges out. Hits are unique by (pattern, node) with the first matching edge, sorted by pattern,
 * node; they live until the next lg_patterns_match. 0 or LG_ENOMEM.
 */
int lg_patterns_match(struct lg_patterns *ps, const struct lg_graph *g, const uint8_t *removed,
        const struct lg_pattern_hit **ret_hits, uint32_t *ret_n) LG_MUST_CHECK;
/*
 * The same as lg_patterns_match(ps, g, removed, ...) for the graph of the last match, which must
 * have been called without `removed` and whose graph must still live; at the cost of the hits
 * only. No row has a condition that a removal could fulfil, so nothing new can match. These hits
 * live until the next lg_patterns_match or lg_patterns_rematch.
 */
int lg_patterns_rematch(struct lg_patterns *ps, const uint8_t *removed,
        const struct lg_pattern_hit **ret_hits, uint32_t *ret_n) LG_MUST_CHECK;

/*
 * Lower bound of the attack probability that the hits justify, 0 when none. Monotone in the set
 * of hits; rows count once however often they matched:
 *   any decisive row 0.97; two strong rows of different techniques 0.95; one strong row 0.90;
 *   medium rows of k different techniques 1 - 0.75^k for k >= 2 (0.44, 0.58, 0.68, ... at most
 *   0.85), else 0; weak rows never count.
 */
double lg_patterns_floor(const struct lg_pattern_hit *hits, uint32_t n);

/* Writes the technique ids of the hits, ascending and unique, to `out` (static strings) and
 * returns how many there are, which may be more than `cap`. */
uint32_t lg_patterns_techniques(
        const struct lg_pattern_hit *hits, uint32_t n, const char **out, uint32_t cap);

/* docs/techniques.md; appends, check out->failed. */
void lg_patterns_write_doc(struct lg_buf *out);

#endif

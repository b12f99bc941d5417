#ifndef LG_DETECT_PATTERNS_INT_H
#define LG_DETECT_PATTERNS_INT_H

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "detect/patterns.h"

/*
 * The condition language. A condition is one or more groups joined by "&&"; a group is clauses
 * joined by ";". The first group is the anchor and starts with node types ("process") or edge
 * types ("access|ptrace"); it matches a node, or an edge with its two ends. Further groups start
 * with a scope and edge types and ask for another edge:
 *     out TYPES   leaving the node that acts        in TYPES   entering it
 *     any TYPES   anywhere in the window
 * and may end with "n >= K" (that many edges) or "sum >= K" (edges times their counts).
 * Clauses are SUBJECT OP VALUES:
 *     subjects  base path cmd orig user text type flags il uclass cmdlen   of a node; in a group
 *               of edges with src. or dst. before them;
 *               detail what attr count detaillen                          of the edge
 *               (text = path or cmd; what = path or cmd of the target, or detail)
 *     =  one of, whole        ^  starts with one of     $  ends with one of
 *     ~  contains one of      &  contains all of        !  before = ^ $ ~ : none of
 *     >= number (cmdlen, detaillen, count, il by name)
 * Values are separated by "|"; one that holds | ; & or outer spaces stands in single quotes.
 * "at dst" in the anchor moves the hit to the target of the edge.
 * Text is compared in lower case, without the quoting that shells ignore (patterns_text.c);
 * command lines have one space before and after, so ' /create ' finds a whole word; on Windows
 * " -x" is written " /x" on both sides.
 * There is no "no such edge" on purpose: removing a node must never make a row match.
 */

enum lg_pat_subject {
    LG_PAT_BASE,
    LG_PAT_PATH,
    LG_PAT_CMD,
    LG_PAT_ORIG,
    LG_PAT_USER,
    LG_PAT_TEXT,
    LG_PAT_TYPE,
    LG_PAT_FLAGS,
    LG_PAT_IL,
    LG_PAT_UCLASS,
    LG_PAT_CMDLEN,
    LG_PAT_DETAIL, /* from here on: facts of an edge */
    LG_PAT_WHAT,
    LG_PAT_ATTR,
    LG_PAT_COUNT,
    LG_PAT_DETAILLEN
};

enum lg_pat_op { LG_PAT_EQ, LG_PAT_STARTS, LG_PAT_ENDS, LG_PAT_HAS, LG_PAT_HAS_ALL, LG_PAT_GE };
enum lg_pat_scope { LG_PAT_ANCHOR, LG_PAT_OUT, LG_PAT_IN, LG_PAT_ANY };

struct lg_pat_lit {
    struct lg_str s;
};

struct lg_pat_clause {
    uint8_t subject; /* enum lg_pat_subject */
    uint8_t op;      /* enum lg_pat_op */
    bool dst;        /* about the edge's target */
    bool negated;
    bool short_lit; /* one of the literals is too short for the scanner */
    uint32_t lit;
    uint32_t n_lit;
    uint32_t bit;  /* of the first literal among those that the scanner marks */
    uint32_t bits; /* flags, attr, type, uclass */
    uint64_t num;  /* of >=; of base clauses: which base name hashes can meet it */
};

struct lg_pat_group {
    uint8_t scope;  /* enum lg_pat_scope */
    uint64_t types; /* bit set of edge types; of node types in a node anchor */
    uint32_t clause;
    uint32_t n_clauses;
    uint32_t min_edges;
    uint64_t min_sum;
};

struct lg_pat_rule {
    uint32_t group;
    uint32_t n_groups;
    bool node_anchor;
    bool at_dst;
    uint64_t src_key; /* bit set of base name hashes that the anchor's source may have */
    uint64_t dst_key;
};

/*
 * Finds all literals of ~ and & clauses in one pass over a text: three bytes at each place say
 * which few literals can lie there. Their bits are in clause order, so that "one of" and "all of"
 * are a look at a range of bits.
 */
#define LG_PAT_BUCKETS 65536u
struct lg_pat_spot {
    struct lg_str s;
    uint32_t bit;
    uint32_t next; /* spot of the same bucket + 1; 0 = last */
    uint16_t at;   /* where in the literal the three bytes are */
};
struct lg_pat_scanner {
    LG_VEC(struct lg_pat_spot) spots;
    uint64_t *present; /* bit set of buckets that have a spot */
    uint32_t *head;    /* spot + 1 */
    uint32_t n_bits;
};
int lg_pat_scanner_init(struct lg_pat_scanner *sc) LG_MUST_CHECK;
void lg_pat_scanner_done(struct lg_pat_scanner *sc);
/* The literal must live as long as the scanner; at least LG_PAT_MIN_SCAN bytes. */
#define LG_PAT_MIN_SCAN 3
int lg_pat_scanner_add(struct lg_pat_scanner *sc, struct lg_str s, uint32_t bit) LG_MUST_CHECK;
/* Sets the bits of all literals in the text. */
void lg_pat_scanner_run(const struct lg_pat_scanner *sc, struct lg_str text, uint64_t *bits);

/* The compiled table. */
struct lg_pat_program {
    struct lg_arena mem;
    struct lg_pat_scanner scanner;
    LG_VEC(struct lg_pat_lit) lits;
    LG_VEC(struct lg_pat_clause) clauses;
    LG_VEC(struct lg_pat_group) groups;
    LG_VEC(struct lg_pat_rule) rules;
};
int lg_pat_program_init(struct lg_pat_program *pg) LG_MUST_CHECK;
void lg_pat_program_done(struct lg_pat_program *pg);
/* Appends one rule. LG_EPARSE with a text naming the clause. */
int lg_pat_compile(struct lg_pat_program *pg, enum lg_platform platform, const char *condition,
        struct lg_err *reterr) LG_MUST_CHECK;

/* What clauses see of a node. */
struct lg_pat_node {
    struct lg_str path;
    struct lg_str base;
    struct lg_str cmd; /* " text " or empty */
    struct lg_str orig;
    struct lg_str user;
    uint64_t base_bit;
    uint64_t *path_bits; /* literals found */
    uint64_t *cmd_bits;  /* NULL where cmd is empty */
};
int lg_pat_node_text(struct lg_arena *a, const struct lg_pat_scanner *sc, enum lg_platform platform,
        const struct lg_node *node, struct lg_pat_node *ret) LG_MUST_CHECK;
/* The same from a cache, since most nodes stand in several windows. Without memory, or when the
 * cache is full, the text is made in `a`; *ret is valid until the cache's next graph. */
struct lg_pat_cache {
    struct lg_map map;
    struct lg_arena mem;
};
void lg_pat_cache_init(struct lg_pat_cache *c);
void lg_pat_cache_done(struct lg_pat_cache *c);
void lg_pat_cache_next_graph(struct lg_pat_cache *c);
int lg_pat_cache_get(struct lg_pat_cache *c, struct lg_arena *a, const struct lg_pat_scanner *sc,
        enum lg_platform platform, const struct lg_node *node,
        struct lg_pat_node *ret) LG_MUST_CHECK;
/* Lower case, without ignored quoting, white space collapsed, one space at both ends; decoded
 * base64 follows. Used for command lines, scripts and edge details. */
int lg_pat_clean(struct lg_arena *a, enum lg_platform platform, struct lg_str in,
        struct lg_str *ret) LG_MUST_CHECK;
int lg_pat_clean_path(struct lg_arena *a, enum lg_platform platform, bool registry,
        struct lg_str in, struct lg_str *ret) LG_MUST_CHECK;
uint64_t lg_pat_base_bit(struct lg_str base);

#endif

#ifndef LG_DETECT_JURY_H
#define LG_DETECT_JURY_H

#include "base/limits.h"
#include "detect/model.h"
#include "detect/patterns.h"
#include "graph/graph.h"

/*
 * The verdict on one window. Three learned members (GAT: mean of its seeds; regression over graph
 * tokens; trees over counts) are standardised, averaged with fixed weights and calibrated; strong
 * patterns set a floor under the probability. Every member's score stands on the verdict.
 * Thread: a jury is one worker's; the model is shared.
 */
enum lg_prediction { LG_PREDICT_BENIGN, LG_PREDICT_ATTACK, LG_PREDICT_ERROR };

struct lg_scores {
    bool learned;                   /* false: the learned members see nothing of this window */
    double member[LG_MEMBER_COUNT]; /* log-odds as the member gives them */
    double jury;                    /* weighted mean of the standardised scores */
    double pattern_floor;           /* 0 where no strong pattern matched */
    double prob;                    /* calibrated, with the floor */
};

struct lg_evidence {
    uint32_t node; /* index into the graph */
    uint32_t via;  /* index into evidence[] of its parent in the shown tree, or UINT32_MAX */
    double share;  /* of the fall of the score, normalised over the shown nodes */
    double drop;   /* log-odds that the verdict loses without it */
};

struct lg_verdict {
    enum lg_prediction prediction;
    const char *error; /* "too_few_nodes" or NULL */
    bool idle_skipped; /* Linux allow-list: the jury was not asked */
    struct lg_scores scores;
    double confidence;
    const struct lg_pattern_hit *hits; /* of the worker's scratch: until the next window */
    uint32_t n_hits;
    struct lg_evidence evidence[LG_MAX_EVIDENCE];
    uint32_t n_evidence;
    double time_ms;
};

struct lg_jury_options {
    double threshold; /* < 0: the model's */
    bool idle_allowlist;
    bool evidence; /* for attack verdicts */
};

struct lg_jury;
int lg_jury_new(const struct lg_model *model, const struct lg_jury_options *opt,
        struct lg_jury **ret) LG_MUST_CHECK;
void lg_jury_free(struct lg_jury *j);
/* Scores without the nodes marked in `removed` (one byte a node; NULL: none). */
int lg_jury_score(struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed,
        struct lg_scores *ret) LG_MUST_CHECK;
int lg_jury_judge(
        struct lg_jury *j, const struct lg_graph *g, struct lg_verdict *ret) LG_MUST_CHECK;
/* Evidence of the verdict that was judged last, without it; none where the jury was not asked. */
int lg_jury_evidence(
        struct lg_jury *j, const struct lg_graph *g, struct lg_verdict *v) LG_MUST_CHECK;
double lg_jury_threshold(const struct lg_jury *j);
const struct lg_model *lg_jury_model(const struct lg_jury *j);

const char *lg_prediction_name(enum lg_prediction p);
/* low | medium | high | critical, from probability and pattern strength. */
const char *lg_verdict_severity(const struct lg_verdict *v);
/* One JSON object without a newline: docs/schemas/verdict.schema.json. */
void lg_verdict_write(const struct lg_verdict *v, const struct lg_graph *g,
        const struct lg_model *m, struct lg_buf *out);

#endif

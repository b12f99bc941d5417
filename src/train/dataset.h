#ifndef LG_TRAIN_DATASET_H
#define LG_TRAIN_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "event/event.h"
#include "gnn/gnn.h"
#include "graph/features.h"

/*
 * Captures into labelled windows. Labels (docs/detection.md): a window of a `touched` host that
 * overlaps [first_seed, last_seed] is an attack, one of a `background` host is benign unless a
 * rule shows that the host was attacked after all; every other one is unknown, neither trained on
 * nor scored. Files labelled benign or attack as a whole, without host roles, pass their label to
 * every window.
 */
enum lg_label { LG_LABEL_BENIGN = 0, LG_LABEL_ATTACK = 1, LG_LABEL_UNKNOWN = 2 };

#define LG_FOLDS_MAX 16u
#define LG_FOLD_EXTRA 255u /* never trained on: scored by the final model, reported apart */

struct lg_capture_info {
    char *file;  /* as in the manifest */
    char *group; /* campaign (with its variants): the unit of the split */
    char *format;
    char *licence;
    char *techniques; /* ';'-separated, may be empty */
    char sha256[65];
    uint8_t fold;
    enum lg_label label; /* of the whole file; UNKNOWN for mixed */
    int64_t header_offset_ns;
    uint64_t events;
    uint64_t dead_letters;
};

struct lg_host_info {
    uint32_t capture;
    char *name; /* endpoint id */
    bool touched;
    bool background;
    lg_time first_seed_ns;
    lg_time last_seed_ns;
};

/* One window; every pointer is into `block`. */
struct lg_row {
    void *block;
    uint32_t capture;
    uint32_t host; /* UINT32_MAX: the roles do not name it */
    lg_time start_ns;
    lg_time end_ns;
    uint8_t label; /* enum lg_label */
    uint8_t fold;
    uint32_t events;
    uint32_t learned_events; /* of the sources that the view holds */
    uint32_t sources;
    double floor;            /* of the patterns */
    struct lg_gnn_graph gnn; /* n_nodes 0: the view is empty */
    const uint32_t *tok;     /* graph tokens */
    uint32_t n_tok;
    const float *counts; /* lg_features_count_n() */
};

struct lg_dataset_options {
    const char *data_dir;   /* holds MANIFEST.tsv and windows_host_roles.tsv */
    const char *split_file; /* file, group, fold; label of a whole file if given */
    enum lg_platform platform;
    struct lg_view view;
    uint32_t min_events; /* windows with fewer learned events are left out (5) */
    uint32_t threads;
    bool allow_any_licence; /* for experiments; a shipped model is trained without it */
    bool progress;          /* on standard error */
};

struct lg_dataset {
    LG_VEC(struct lg_capture_info) captures;
    LG_VEC(struct lg_host_info) hosts;
    LG_VEC(struct lg_row) rows; /* by capture, host, time */
    uint32_t folds;             /* numbered 0 .. folds - 1 */
    char split_sha256[65];
};

int lg_dataset_build(const struct lg_dataset_options *opt, struct lg_dataset **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_dataset_free(struct lg_dataset *ds);

/* True where a rule shows that a `background` host was attacked after all: WMI subscriptions,
 * remote opening of service-control pipes, programs in user folders, remote desktop clients. */
bool lg_label_doubtful(const struct lg_graph *g);

#endif

#ifndef LG_ALERT_INFERENCE_H
#define LG_ALERT_INFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/severity.h"
#include "base/arena.h"
#include "base/parse.h"
#include "crypto/ids.h"
#include "json/json.h"

/*
 * A record of `logster-inference-results` as read back: the verdict (docs/schemas/
 * verdict.schema.json) with `inference_id` beside it, and optionally `received_at` (arrival of the
 * newest event) and `last_event_time`. Plain data; strings borrow from the parsed JSON, arrays lie
 * in the arena. Unknown members are passed over. Thread: its owner's.
 */
struct lg_inference_evidence {
    uint32_t node;      /* number in the window's graph */
    int64_t parent;     /* node of another evidence, or -1 */
    struct lg_str type; /* process, file, ... */
    struct lg_str name;
    struct lg_str command_line;
    struct lg_str process_guid;
    struct lg_str user;
    struct lg_str hash;
    uint32_t pid;
    lg_time first_seen;
    double share;
    const struct lg_str *techniques;
    uint32_t n_techniques;
};

#define LG_INFERENCE_BENIGN 0
#define LG_INFERENCE_ATTACK 1
#define LG_INFERENCE_ERROR 2

struct lg_inference {
    struct lg_uuid inference_id;
    struct lg_str tenant_id;
    struct lg_str endpoint_id;
    struct lg_str hostname;
    struct lg_str platform;
    lg_time window_start;
    lg_time window_end;
    lg_time last_event;  /* window_end where the record does not say */
    lg_time received_at; /* 0 where the record does not say */
    int prediction;      /* LG_INFERENCE_* */
    bool has_prob;
    double attack_prob;
    double confidence;
    struct lg_str error;
    bool has_severity; /* attack verdicts */
    enum lg_severity severity;
    uint64_t events, late_events, nodes, edges, truncated;
    bool idle_allowlisted;
    double inference_time_ms;
    const struct lg_str *techniques; /* ascending, each once */
    uint32_t n_techniques;
    const struct lg_inference_evidence *evidence; /* largest share first */
    uint32_t n_evidence;
    struct lg_str model_name, model_version, model_sha256;
    struct lg_str json; /* the line itself */
};

/* 0, LG_EPARSE (reterr names the member), LG_ENOMEM. `line` is the text that was parsed. */
int lg_inference_read(struct lg_jval root, struct lg_str line, struct lg_arena *a,
        struct lg_inference *ret, struct lg_err *reterr) LG_MUST_CHECK;

/*
 * One record of a stream: parses `line` (which stays the caller's, and which `json` of the result
 * borrows), reads it, and moves what borrows from the parser into the arena, so that the next record may be
 * parsed. `arrived` stands in where the record does not say when it came. LG_EPARSE, LG_ELIMIT,
 * LG_ENOMEM.
 */
int lg_inference_load(struct lg_json *j, struct lg_str line, lg_time arrived, struct lg_arena *a,
        struct lg_inference *ret) LG_MUST_CHECK;

/*
 * The process that the verdict is about: from the largest share down, the first evidence that is
 * a process or hangs under one, climbed to its highest ancestor that is not part of the system
 * (services, shells of the session and daemons that start everything). NULL where none is.
 */
const struct lg_inference_evidence *lg_inference_process(const struct lg_inference *in);
/* A process that starts others for everybody: svchost, explorer, systemd, sshd, ... On Windows a
 * system name outside the system's folders does not count. */
bool lg_process_is_system(struct lg_str image, uint32_t pid);

#endif

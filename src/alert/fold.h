#ifndef LG_ALERT_FOLD_H
#define LG_ALERT_FOLD_H

#include "alert/alert.h"

/*
 * Which verdicts are one alert (docs/semantics.md, "Verdicts and alerts"). Pure.
 * Fold key: tenant, endpoint, and the identity of the verdict's process (its GUID, else pid and
 * image), else the sorted set of techniques.
 */
#define LG_FOLD_KEY_TEXT 32
struct lg_fold_key {
    char text[LG_FOLD_KEY_TEXT + 1]; /* hex of BLAKE2b-128 over the length-prefixed tuple */
};
void lg_fold_key_of(const struct lg_inference *in, struct lg_fold_key *ret);
struct lg_uuid lg_alert_id_of(
        struct lg_str tenant, const struct lg_fold_key *key, const struct lg_uuid *first_inference);

enum lg_fold_action {
    LG_FOLD_NONE, /* no attack: nothing to do */
    LG_FOLD_JOIN, /* into the given alert */
    LG_FOLD_NEW,
};
struct lg_fold_decision {
    enum lg_fold_action action;
    bool linked;     /* NEW: previous_alert_id = the given alert */
    bool recurrence; /* NEW: the given alert was a false positive */
};
/*
 * `latest` is the alert with the key that was created last (NULL: none). An active alert takes the
 * verdict in when its window begins at most `gap_ns` after last_seen (and ends at most as much
 * before first_seen: a laptop's old log is another story). Else a new alert follows the old one.
 */
struct lg_fold_decision lg_fold_decide(
        const struct lg_alert *latest, const struct lg_inference *in, int64_t gap_ns);

/* Fills a new alert from its first verdict; text goes to the arena. 0 or LG_ENOMEM. */
int lg_fold_open(const struct lg_inference *in, const struct lg_fold_key *key, lg_time now,
        struct lg_arena *a, struct lg_alert *ret) LG_MUST_CHECK;
/* Takes a further verdict into `al` (strings of the result: al's, in's or the arena's): times
 * widen, severity and attack_prob rise, techniques join, evidence follows the strongest verdict.
 * The caller sets occurrences. 0 or LG_ENOMEM. */
int lg_fold_join(struct lg_alert *al, const struct lg_inference *in, lg_time now,
        struct lg_arena *a) LG_MUST_CHECK;

#endif

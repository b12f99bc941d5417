#ifndef LG_ALERT_SUPPRESS_H
#define LG_ALERT_SUPPRESS_H

#include "alert/alert.h"

/*
 * A rule that hides verdicts: every condition that it names must hold. Verdicts that it hides are
 * stored and counted, they only make no alert. At least one condition beside the tenant, an owner
 * and a reason are mandatory; so is an expiry unless the rule says `permanent` by name.
 * `technique` holds only when it covers *every* technique of the verdict (T1059 covers T1059.001):
 * a rule against noisy PowerShell must not hide the credential dump in the same window. `process`
 * (path or file name, case-insensitive, * as wild card) and `hash` look at the process that the
 * verdict is about.
 */
struct lg_suppression {
    struct lg_uuid suppression_id;
    struct lg_str tenant_id;
    struct lg_str endpoint_id; /* exact or with *; empty: any */
    struct lg_str process;
    struct lg_str hash;
    struct lg_str technique;
    struct lg_str owner;
    struct lg_str reason;
    lg_time created_at;
    lg_time expires_at; /* 0 only with `permanent` */
    bool permanent;
    bool revoked;
    uint64_t hits; /* rows in suppression_hits: filled by the store */
};

#define LG_SUPPRESSION_TEXT_MAX 1024
#define LG_SUPPRESSION_LIFE_MAX (INT64_C(366) * 86400 * LG_NS_PER_SEC)

/* 0 or LG_EINVAL with the member and what would be right in reterr. */
int lg_suppression_check(
        const struct lg_suppression *s, lg_time now, struct lg_err *reterr) LG_MUST_CHECK;
/* Would hide this verdict at `now`? */
bool lg_suppression_hides(
        const struct lg_suppression *s, const struct lg_inference *in, lg_time now);
/* The same asked of a stored alert, for the preview; expiry is not looked at. */
bool lg_suppression_would_hide(const struct lg_suppression *s, const struct lg_alert *al);
/* Case-insensitive (ASCII) match of the whole string; * is any run. Linear time in s for each *. */
bool lg_glob_match(struct lg_str pattern, struct lg_str s);
void lg_suppression_write(const struct lg_suppression *s, struct lg_buf *out);

#endif

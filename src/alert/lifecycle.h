#ifndef LG_ALERT_LIFECYCLE_H
#define LG_ALERT_LIFECYCLE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * open -> acknowledged -> investigating -> resolved | false_positive. Steps may be skipped forward
 * (an obvious false positive needs no ceremony) and taken back (undo). A closed alert is reopened
 * into any active state; from one closed state to the other it goes by reopening only, so that a
 * verdict of a person never changes without a row that says so. Staying where one is is no step:
 * it is allowed and leaves no history row.
 */
enum lg_alert_status {
    LG_ALERT_OPEN,
    LG_ALERT_ACKNOWLEDGED,
    LG_ALERT_INVESTIGATING,
    LG_ALERT_RESOLVED,
    LG_ALERT_FALSE_POSITIVE,
    LG_ALERT_STATUS_COUNT
};

const char *lg_alert_status_name(enum lg_alert_status s);
int lg_alert_status_parse(struct lg_str s, enum lg_alert_status *ret) LG_MUST_CHECK; /* LG_ENOENT */
/* open, acknowledged, investigating: verdicts fold into it. */
bool lg_alert_status_active(enum lg_alert_status s);
/* May go from `from` to `to`? True for from == to. */
bool lg_alert_step_allowed(enum lg_alert_status from, enum lg_alert_status to);
/* Bit set (1 << status) of the states that `from` may go to, itself not among them. */
unsigned lg_alert_steps_from(enum lg_alert_status from);
/* Names of the bit set, comma separated: "acknowledged, investigating". */
void lg_alert_steps_text(unsigned set, struct lg_buf *out);

#endif

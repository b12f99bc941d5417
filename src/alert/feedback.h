#ifndef LG_ALERT_FEEDBACK_H
#define LG_ALERT_FEEDBACK_H

#include "alert/alert.h"

/* An analyst's verdict on an alert: labelled data for `logster train`. It closes nothing. */
struct lg_feedback {
    struct lg_uuid feedback_id;
    struct lg_str tenant_id;
    struct lg_uuid alert_id;
    struct lg_uuid inference_id; /* the alert's latest where the body names none */
    bool is_true_positive;
    struct lg_str note;
    struct lg_str author; /* the authenticated principal */
    lg_time created_at;
};

void lg_feedback_write(const struct lg_feedback *f, struct lg_buf *out);

#endif

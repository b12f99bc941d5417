#include "alert/lifecycle.h"
#include "alert/severity.h"

static const char *const status_names[LG_ALERT_STATUS_COUNT] = {
        "open", "acknowledged", "investigating", "resolved", "false_positive"};

static const char *const severity_names[LG_SEVERITY_COUNT] = {"low", "medium", "high", "critical"};

#define O (1u << LG_ALERT_OPEN)
#define A (1u << LG_ALERT_ACKNOWLEDGED)
#define I (1u << LG_ALERT_INVESTIGATING)
#define R (1u << LG_ALERT_RESOLVED)
#define F (1u << LG_ALERT_FALSE_POSITIVE)

static const unsigned steps[LG_ALERT_STATUS_COUNT] = {
        [LG_ALERT_OPEN] = A | I | R | F,
        [LG_ALERT_ACKNOWLEDGED] = O | I | R | F,
        [LG_ALERT_INVESTIGATING] = O | A | R | F,
        [LG_ALERT_RESOLVED] = O | A | I,
        [LG_ALERT_FALSE_POSITIVE] = O | A | I,
};

const char *lg_alert_status_name(enum lg_alert_status s)
{
    return status_names[s];
}

int lg_alert_status_parse(struct lg_str s, enum lg_alert_status *ret)
{
    for (int i = 0; i < LG_ALERT_STATUS_COUNT; i++)
        if (lg_str_eq(s, lg_str_z(status_names[i]))) {
            *ret = (enum lg_alert_status)i;
            return 0;
        }
    return LG_ENOENT;
}

bool lg_alert_status_active(enum lg_alert_status s)
{
    return s <= LG_ALERT_INVESTIGATING;
}

bool lg_alert_step_allowed(enum lg_alert_status from, enum lg_alert_status to)
{
    return from == to || (steps[from] >> to & 1) != 0;
}

unsigned lg_alert_steps_from(enum lg_alert_status from)
{
    return steps[from];
}

void lg_alert_steps_text(unsigned set, struct lg_buf *out)
{
    bool first = true;

    for (int i = 0; i < LG_ALERT_STATUS_COUNT; i++) {
        if ((set >> i & 1) == 0)
            continue;
        if (!first)
            lg_buf_adds(out, LG_STR(", "));
        lg_buf_adds(out, lg_str_z(status_names[i]));
        first = false;
    }
}

const char *lg_severity_name(enum lg_severity s)
{
    return severity_names[s];
}

int lg_severity_parse(struct lg_str s, enum lg_severity *ret)
{
    for (int i = 0; i < LG_SEVERITY_COUNT; i++)
        if (lg_str_eq(s, lg_str_z(severity_names[i]))) {
            *ret = (enum lg_severity)i;
            return 0;
        }
    return LG_ENOENT;
}

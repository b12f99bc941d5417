#ifndef LG_ALERT_SEVERITY_H
#define LG_ALERT_SEVERITY_H

#include "base/err.h"
#include "base/str.h"

/* How bad an alert is. Taken from the verdict (probability and patterns); it only rises. */
enum lg_severity {
    LG_SEVERITY_LOW,
    LG_SEVERITY_MEDIUM,
    LG_SEVERITY_HIGH,
    LG_SEVERITY_CRITICAL,
    LG_SEVERITY_COUNT
};

const char *lg_severity_name(enum lg_severity s);
int lg_severity_parse(struct lg_str s, enum lg_severity *ret) LG_MUST_CHECK; /* 0, LG_ENOENT */
static inline enum lg_severity lg_severity_rise(enum lg_severity was, enum lg_severity now)
{
    return now > was ? now : was;
}

#endif

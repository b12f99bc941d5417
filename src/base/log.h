#ifndef LG_BASE_LOG_H
#define LG_BASE_LOG_H

#include "base/err.h"

enum lg_log_level { LG_LOG_ERROR, LG_LOG_WARN, LG_LOG_INFO, LG_LOG_DEBUG };

/* logfmt lines on standard error: ts, level, module, msg and what `fmt` adds as key=value pairs.
 * Thread: any; one line is one write. */
void lg_log(enum lg_log_level level, const char *module, const char *msg, const char *fmt, ...)
        LG_PRINTF(4, 5);
void lg_log_set_level(enum lg_log_level level);
/* Parses error|warn|info|debug; LG_EINVAL otherwise. */
int lg_log_level_parse(const char *name, enum lg_log_level *ret) LG_MUST_CHECK;

#endif

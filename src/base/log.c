#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static enum lg_log_level max_level = LG_LOG_INFO;

void lg_log_set_level(enum lg_log_level level)
{
    __atomic_store_n(&max_level, level, __ATOMIC_RELAXED);
}

int lg_log_level_parse(const char *name, enum lg_log_level *ret)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names); i++)
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum lg_log_level)i;
            return 0;
        }
    return LG_EINVAL;
}

void lg_log(enum lg_log_level level, const char *module, const char *msg, const char *fmt, ...)
{
    char line[1024], ts[LG_TIME_ISO_MAX];
    struct timespec now = {0, 0};
    va_list ap;
    int n, more;

    if (level > __atomic_load_n(&max_level, __ATOMIC_RELAXED))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)lg_time_iso((lg_time)now.tv_sec * LG_NS_PER_SEC + now.tv_nsec, ts);
    n = snprintf(line, sizeof(line), "ts=%s level=%s module=%s msg=\"%s\" ", ts, level_names[level],
            module, msg);
    if (n < 0 || (size_t)n >= sizeof(line) - 2)
        return;
    va_start(ap, fmt);
    more = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
    va_end(ap);
    if (more < 0)
        return;
    n += more;
    if ((size_t)n > sizeof(line) - 2)
        n = (int)sizeof(line) - 2;
    for (int i = 0; i < n; i++) /* one event is one line, whatever it quotes */
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nowhere left to say so */
}

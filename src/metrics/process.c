#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/str.h"
#include "metrics/metrics.h"

/* The n-th (from 0) space-separated word of a /proc file, after the last `after` (0: none). */
static double proc_word(const char *path, char after, unsigned n)
{
    char text[1024];
    struct lg_str rest, word = {0};
    uint64_t v = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

    if (fd >= 0)
        (void)close(fd);
    rest = lg_str_trim(lg_str_of(text, got > 0 ? (size_t)got : 0));
    if (after != '\0')
        rest = lg_str_trim(lg_str_sub(rest, (size_t)(lg_str_rchr(rest, after) + 1), rest.n));
    for (unsigned i = 0; i <= n; i++)
        if (!lg_str_split(&rest, ' ', &word))
            return 0;
    return lg_parse_u64(word, &v) == 0 ? (double)v : 0;
}

static double seconds_of(clockid_t clock)
{
    struct timespec ts = {0};

    (void)clock_gettime(clock, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(void *user)
{
    (void)user;
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static double resident_bytes(void *user)
{
    (void)user;
    return proc_word("/proc/self/statm", '\0', 1) * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void *user)
{
    DIR *d = opendir("/proc/self/fd");
    double n = 0;

    (void)user;
    if (d == NULL)
        return 0;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n > 3 ? n - 3 : 0; /* without ., .. and this one */
}

static double start_seconds(void *user)
{
    const double ticks = proc_word("/proc/self/stat", ')', 19);

    (void)user;
    return seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) +
            ticks / (double)sysconf(_SC_CLK_TCK);
}

int lg_metrics_process(struct lg_metrics *m)
{
    int rc = lg_metrics_callback(m, LG_METRIC(PROCESS_CPU), NULL, 0, cpu_seconds, NULL);

    if (rc == 0)
        rc = lg_metrics_callback(m, LG_METRIC(PROCESS_RESIDENT), NULL, 0, resident_bytes, NULL);
    if (rc == 0)
        rc = lg_metrics_callback(m, LG_METRIC(PROCESS_FDS), NULL, 0, open_files, NULL);
    if (rc == 0)
        rc = lg_metrics_callback(m, LG_METRIC(PROCESS_START), NULL, 0, start_seconds, NULL);
    return rc;
}

#include "base/clock.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec ts = {0, 0};

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * LG_NS_PER_SEC + ts.tv_nsec;
}

lg_time lg_clock_wall(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t lg_clock_monotonic(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

struct timespec lg_clock_deadline(int64_t ns)
{
    int64_t at = lg_clock_monotonic() + ns;

    return (struct timespec){.tv_sec = at / LG_NS_PER_SEC, .tv_nsec = at % LG_NS_PER_SEC};
}

void lg_clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

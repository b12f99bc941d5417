#ifndef LG_BASE_CLOCK_H
#define LG_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "base/parse.h"

/*
 * The system's clocks, for whoever was not given another one. The wall clock may jump; what is
 * measured or waited for goes by the monotonic one. Thread: any.
 */
lg_time lg_clock_wall(void);
int64_t lg_clock_monotonic(void); /* nanoseconds since some start */
/* When `ns` from now are over, for pthread_cond_timedwait on a condition of lg_clock_cond_init. */
struct timespec lg_clock_deadline(int64_t ns);
/* A condition whose time-outs go by the monotonic clock. */
void lg_clock_cond_init(pthread_cond_t *cond);

#endif

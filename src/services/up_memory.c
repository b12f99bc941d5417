#include <stdlib.h> /* says which libc */
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "services/up_int.h"

/* What holds the memory of the process, beside the windows of inference, which weighs them itself. */

static double bus_cache(void *user)
{
    const struct lg_up *p = user;
    struct lg_bus_stats st;

    lg_bus_stats_get(p->bus, &st);
    return (double)st.cache_bytes;
}

static double bus_buffers(void *user)
{
    const struct lg_up *p = user;
    struct lg_bus_stats st;

    lg_bus_stats_get(p->bus, &st);
    return (double)st.buffer_bytes;
}

static double sqlite(void *user)
{
    (void)user;
    return (double)lg_sqlite_memory();
}

#ifdef __GLIBC__
static double heap_used(void *user)
{
    const struct mallinfo2 m = mallinfo2();

    (void)user;
    return (double)(m.uordblks + m.hblkhd);
}

static double heap_free(void *user)
{
    (void)user;
    return (double)mallinfo2().fordblks;
}
#endif

int lg_up_memory_watch(struct lg_up *p)
{
    static const struct {
        const char *part;
        double (*read)(void *user);
    } rows[] = {
            {"bus_cache", bus_cache},
            {"bus_buffers", bus_buffers},
            {"sqlite", sqlite},
#ifdef __GLIBC__
            {"heap_used", heap_used},
            {"heap_free", heap_free},
#endif
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(rows) / sizeof(*rows); i++) {
        const struct lg_metric_label part = {"part", rows[i].part};

        rc = lg_metrics_callback(p->metrics, LG_METRIC(MEMORY_BYTES), &part, 1, rows[i].read, p);
    }
    return rc;
}

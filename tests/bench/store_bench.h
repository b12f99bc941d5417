#ifndef LG_TESTS_BENCH_STORE_BENCH_H
#define LG_TESTS_BENCH_STORE_BENCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "access/scope.h"
#include "base/mem.h"

/* What the benches of the stores share: clocks, rows of figures, scopes. */
#define DAY0 (INT64_C(1700006400) * LG_NS_PER_SEC)

static inline double now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static inline void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_store: %s: %s\n", what, lg_err_name(rc));
    exit(1);
}

static inline void print(const char *name, double v, const char *unit)
{
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", name, v, unit);
    (void)fflush(stdout);
}

static inline double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static inline void percentiles(const char *name, double *v, size_t n)
{
    char text[100];

    qsort(v, n, sizeof(*v), by_value);
    (void)snprintf(text, sizeof(text), "%s_p50", name);
    print(text, v[n / 2] * 1e3, "ms");
    (void)snprintf(text, sizeof(text), "%s_p99", name);
    print(text, v[n * 99 / 100] * 1e3, "ms");
    (void)snprintf(text, sizeof(text), "%s_max", name);
    print(text, v[n - 1] * 1e3, "ms");
}

static inline struct lg_scope *scope_of(struct lg_str tenant)
{
    struct lg_principal *pr = NULL;
    struct lg_scope *sc = NULL;

    must(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("bench"), LG_STR("bench"), &pr), "principal");
    must(lg_principal_grant(pr, tenant, LG_ROLES_TENANT), "grant");
    must(lg_scope_new(pr, LG_ACT_ALERT_READ, &sc), "scope");
    lg_principal_unref(pr);
    return sc;
}

static inline void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[4600];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(path, sizeof(path), "%.4000s/%s", dir, e->d_name);
        if (e->d_type == DT_DIR)
            remove_folder(path);
        else
            (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

#endif

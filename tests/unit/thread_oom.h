#ifndef LG_TESTS_THREAD_OOM_H
#define LG_TESTS_THREAD_OOM_H

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

/*
 * lg_mem_fail_from works in the thread that calls it. With this header a test program also
 * reaches threads that the code under test starts: its own pthread_create stands before the C
 * library's, and the `nth` thread from now (0 = the first) starts with a failing allocation.
 */
static struct {
    int thread;         /* counts down with every start; the one that finds 0 fails */
    uint64_t from;      /* lg_mem_fail_from of that thread; 0: none */
    uint64_t *ret_made; /* how many allocations it made, where it ended by itself */
} thread_oom;

struct thread_oom_start {
    void *(*fn)(void *);
    void *arg;
    uint64_t from;
    uint64_t *ret_made;
};

static void *thread_oom_run(void *arg)
{
    struct thread_oom_start s = *(struct thread_oom_start *)arg;
    void *ret;

    free(arg);
    (void)lg_mem_fail_from(s.from);
    ret = s.fn(s.arg);
    if (s.ret_made != NULL)
        *s.ret_made = lg_mem_fail_from(0);
    return ret;
}

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    struct thread_oom_start *s;
    void *found = dlsym(RTLD_NEXT, "pthread_create");

    memcpy(&real, &found, sizeof(real));
    if (thread_oom.from == 0 || thread_oom.thread-- != 0)
        return real(t, attr, fn, arg);
    s = (struct thread_oom_start *)malloc(sizeof(*s));
    if (s == NULL)
        return real(t, attr, fn, arg);
    *s = (struct thread_oom_start){fn, arg, thread_oom.from, thread_oom.ret_made};
    return real(t, attr, thread_oom_run, s);
}

#endif

#ifndef LG_TESTS_EVENT_ENGINE_H
#define LG_TESTS_EVENT_ENGINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opensearch/init.h"
#include "store/event_fixture.h"

/* OpenSearch as an engine of event_fixture.h: every test has indices of its own. */
static struct {
    char urls_text[1024], prefix[64];
    const char *urls[8];
    size_t n_urls;
    unsigned tests;
} cluster;

static inline bool on_opensearch(void)
{
    const char *name = getenv("LG_CONTRACT");

    return name != NULL && strcmp(name, "opensearch") == 0;
}

static inline struct lg_opensearch_options cluster_options(void)
{
    return (struct lg_opensearch_options){.urls = cluster.urls,
            .n_urls = cluster.n_urls,
            .prefix = cluster.prefix,
            .replicas = 0,
            .bulk_bytes = 64u << 10};
}

static inline void on_init(void *user, const char *what, const char *name, enum lg_init_step step)
{
    (void)what;
    (void)name;
    if (user != NULL)
        ((unsigned *)user)[step]++;
}

static inline void cluster_open(uint64_t scan_rows)
{
    struct lg_opensearch_options opt = cluster_options();
    struct lg_err err = {0};

    if (cluster.prefix[0] == '\0') {
        (void)snprintf(
                cluster.prefix, sizeof(cluster.prefix), "t%d-%u", (int)getpid(), cluster.tests++);
        if (lg_opensearch_init(&opt, on_init, NULL, &err) < 0)
            fail_msg("%s", err.text);
    }
    opt.scan_rows = scan_rows;
    if (lg_opensearch_event_store_open(&opt, &f.st, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void cluster_settle(void)
{
    struct lg_err err = {0};

    if (f.st->ops->settle(f.st, &err) < 0)
        fail_msg("%s", err.text);
}

/* The days go; the templates stay behind in a cluster that dies with the test. */
static inline void cluster_done(void)
{
    struct lg_retention r = {.before = INT64_MAX, .idle = INT64_MAX};
    uint32_t removed;

    cluster_settle();
    assert_int_equal(f.st->ops->retain(f.st, &r, &removed), 0);
    cluster.prefix[0] = '\0';
}

static inline void choose_engine(void)
{
    const char *urls = getenv("LG_OPENSEARCH_URLS");
    char *rest = cluster.urls_text, *one;

    if (!on_opensearch())
        return;
    if (urls == NULL || strlen(urls) >= sizeof(cluster.urls_text)) {
        (void)fprintf(stderr, "LG_OPENSEARCH_URLS is not set\n");
        exit(2);
    }
    memcpy(cluster.urls_text, urls, strlen(urls) + 1);
    while ((one = strsep(&rest, " ")) != NULL && cluster.n_urls < 8)
        if (*one != '\0')
            cluster.urls[cluster.n_urls++] = one;
    engine.open = cluster_open;
    engine.settle = cluster_settle;
    engine.done = cluster_done;
}

#endif

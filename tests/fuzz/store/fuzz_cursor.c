/*
 * Any bytes as the cursor and the texts of a listing and of an event search. Nothing may crash, a
 * cursor that the store did not seal is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "access/scope.h"
#include "store/alert_store.h"
#include "store/event_store.h"

static struct lg_alert_store *alerts;
static struct lg_event_store *events;
static struct lg_scope *scope;

static char dir[] = "fuzz-store-XXXXXX";
static char path[64];

static void stop(void)
{
    char name[80];

    lg_alert_store_close(alerts);
    lg_event_store_close(events);
    lg_scope_free(scope);
    (void)unlink(path);
    (void)snprintf(name, sizeof(name), "%s-wal", path);
    (void)unlink(name);
    (void)snprintf(name, sizeof(name), "%s-shm", path);
    (void)unlink(name);
    (void)rmdir(dir);
}

/* Empty stores: the readers of cursors and the builders of statements are at stake. */
static void start(void)
{
    struct lg_sqlite_event_options opt = {.dir = dir};
    struct lg_principal *pr = NULL;
    struct lg_err err;

    if (mkdtemp(dir) == NULL)
        abort();
    (void)snprintf(path, sizeof(path), "%s/alerts.db", dir);
    if (lg_sqlite_event_store_open(&opt, &events, &err) < 0 ||
            lg_sqlite_alert_store_open(path, &alerts, &err) < 0 ||
            lg_principal_new(LG_PRINCIPAL_SYSTEM, LG_STR("fuzz"), LG_STR("fuzz"), &pr) < 0 ||
            lg_scope_new(pr, LG_ACT_ALERT_READ, &scope) < 0)
        abort();
    lg_principal_unref(pr);
    (void)atexit(stop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_str all = lg_str_of((const char *)data, size);
    struct lg_alert_query q = {.limit = 3};
    struct lg_event_query e = {.limit = 3};
    struct lg_alert_page page;
    struct lg_event_page ep;
    struct lg_arena a;

    if (size < 4 || size > 4096)
        return 0;
    if (alerts == NULL)
        start();
    lg_arena_init(&a, 1u << 20);
    q.sort = (enum lg_alert_sort)(data[0] % (LG_ALERT_SORT_COUNT + 1));
    q.ascending = (data[1] & 1) != 0;
    q.statuses = data[1] >> 1 & 31;
    q.severities = data[2] & 15;
    e.ascending = q.ascending;
    q.cursor = e.cursor = lg_str_sub(all, 4, size);
    if (lg_str_trim(q.cursor).n > 0 &&
            (alerts->ops->alert_list(alerts, scope, &q, &a, &page) == 0 ||
                    events->ops->event_search(events, scope, &e, &a, &ep) == 0))
        abort();
    q.cursor = e.cursor = LG_STR("");
    q.text = e.text = lg_str_sub(all, 4, size);
    q.endpoint = e.endpoint = lg_str_sub(all, data[3], size);
    q.technique = e.image = lg_str_sub(all, data[3] / 2u, size);
    (void)alerts->ops->alert_list(alerts, scope, &q, &a, &page);
    (void)events->ops->event_search(events, scope, &e, &a, &ep);
    lg_arena_done(&a);
    return 0;
}

#include "base/clock.h"
#include "base/log.h"
#include "services/api_int.h"

/*
 * New and changed alerts as server-sent events. One thread reads `logster-alerts` from its end and
 * hands each record to the streams whose scope holds its tenant. The latest changes are kept, so
 * that a client that reconnects with Last-Event-ID misses nothing; when what it had is gone, it is
 * told to read the lists again (event `reset`). An id is a hash that only this process can make: a
 * running number would tell one tenant how much happens in the others.
 */

#define KEPT 2048u
#define KEPT_BYTES ((size_t)32 << 20)
#define IDLE_NS INT64_C(200000000)
#define CHECK_NS (5 * LG_NS_PER_SEC) /* are the clients' tokens still good */
#define ID_TEXT 32

struct change {
    char id[ID_TEXT + 1];
    char tenant[LG_MAX_TENANT_BYTES + 1];
    char event[16];
    struct lg_str json; /* owned */
};

struct client {
    struct client *next;
    struct lg_sse *sse;
    struct lg_scope *sc;
    const struct lg_principal *pr;
};

struct api_stream {
    struct lg_api *api;
    pthread_mutex_t mu;
    struct client *clients;
    uint32_t n_clients;
    struct change kept[KEPT]; /* a ring: the oldest is at (next - n) */
    size_t next, n, bytes;
    uint64_t number;
    bool stopped;

    pthread_t thread;
    bool runs;
    pthread_cond_t wake;
    int64_t at[LG_BUS_MAX_PARTITIONS]; /* of logster-alerts */
    int64_t checked_ns;
};

int api_stream_new(struct lg_api *api, struct api_stream **ret)
{
    struct api_stream *st = lg_calloc(1, sizeof(*st));

    if (st == NULL)
        return LG_ENOMEM;
    st->api = api;
    (void)pthread_mutex_init(&st->mu, NULL);
    lg_clock_cond_init(&st->wake);
    *ret = st;
    return 0;
}

static void client_free(struct client *c)
{
    lg_sse_close(c->sse);
    lg_sse_unref(c->sse);
    lg_scope_free(c->sc);
    lg_principal_unref(c->pr);
    lg_free(c);
}

/* ---- what is kept ---- */

static struct change *kept_at(struct api_stream *st, size_t i) /* 0: the oldest */
{
    return &st->kept[(st->next + KEPT - st->n + i) % KEPT];
}

static void drop_oldest(struct api_stream *st)
{
    struct change *c = kept_at(st, 0);

    st->bytes -= c->json.n;
    lg_free((void *)(uintptr_t)c->json.p);
    memset(c, 0, sizeof(*c));
    st->n--;
}

/* Caller holds the lock. NULL when out of memory: then the ring starts anew, and a client that
 * reconnects is told to read again. */
static const struct change *keep(
        struct api_stream *st, struct lg_str tenant, struct lg_str event, struct lg_str json)
{
    struct change *c;
    char *copy = lg_strndup(json.p, json.n);

    if (copy == NULL || tenant.n > LG_MAX_TENANT_BYTES || event.n >= sizeof(c->event)) {
        lg_free(copy);
        while (st->n > 0)
            drop_oldest(st);
        return NULL;
    }
    while (st->n == KEPT || (st->n > 0 && st->bytes + json.n > KEPT_BYTES))
        drop_oldest(st);
    c = &st->kept[st->next];
    *c = (struct change){.json = lg_str_of(copy, json.n)};
    api_seal(st->api, "stream", ++st->number, c->id);
    memcpy(c->tenant, tenant.p, tenant.n);
    memcpy(c->event, event.p, event.n);
    st->next = (st->next + 1) % KEPT;
    st->n++;
    st->bytes += json.n;
    return c;
}

/* ---- clients ---- */

static int push(struct client *c, const struct change *ch)
{
    if (!lg_scope_allows(c->sc, lg_str_z(ch->tenant)))
        return 0;
    return lg_sse_push(c->sse, lg_str_z(ch->event), lg_str_z(ch->id), ch->json);
}

/* Takes clients out that are gone, or for which `keep_it` answers false. */
static void sweep(struct api_stream *st, bool (*keep_it)(struct api_stream *, struct client *))
{
    struct client **at = &st->clients;

    while (*at != NULL) {
        struct client *c = *at;

        if (!lg_sse_closed(c->sse) && keep_it(st, c)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        st->n_clients--;
        client_free(c);
    }
}

static bool keep_all(struct api_stream *st, struct client *c)
{
    (void)st;
    (void)c;
    return true;
}

static bool keep_none(struct api_stream *st, struct client *c)
{
    (void)st;
    (void)c;
    return false;
}

static bool keep_good(struct api_stream *st, struct client *c)
{
    return lg_auth_still_good(st->api->d.auth, c->pr);
}

void api_stream_change(
        struct api_stream *st, struct lg_str tenant, struct lg_str change, struct lg_str json)
{
    const struct change *ch;

    pthread_mutex_lock(&st->mu);
    ch = st->stopped ? NULL : keep(st, tenant, change, json);
    for (struct client *c = st->clients; c != NULL && ch != NULL; c = c->next)
        if (push(c, ch) < 0)
            lg_sse_close(c->sse); /* too slow, or gone */
    pthread_mutex_unlock(&st->mu);
}

/* What the client missed since the event that it names. Caller holds the lock. */
static int catch_up(struct api_stream *st, struct client *c, struct lg_str last)
{
    size_t from = st->n;

    if (last.n == 0)
        return 0;
    for (size_t i = 0; i < st->n; i++)
        if (lg_str_eq(lg_str_z(kept_at(st, i)->id), last))
            from = i + 1;
    if (from == st->n && (st->n == 0 || !lg_str_eq(lg_str_z(kept_at(st, st->n - 1)->id), last)))
        return lg_sse_push(c->sse, LG_STR("reset"), LG_STR(""), LG_STR("{}"));
    for (size_t i = from; i < st->n; i++) {
        int rc = push(c, kept_at(st, i));

        if (rc < 0)
            return rc;
    }
    return 0;
}

static int join(struct lg_http_req *req, struct api_stream *st, struct client *c)
{
    int rc = lg_http_sse(req, &c->sse);

    if (rc < 0)
        return rc;
    rc = lg_sse_push(c->sse, LG_STR("hello"), LG_STR(""), LG_STR("{}"));
    if (rc == 0)
        rc = catch_up(st, c, lg_req_header(req, "Last-Event-ID"));
    if (rc < 0)
        lg_sse_close(c->sse);
    c->next = st->clients;
    st->clients = c;
    st->n_clients++;
    return 0;
}

static int open_stream(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    struct api_stream *st = api->stream;
    struct api_settings set;
    struct client *c = lg_calloc(1, sizeof(*c));
    struct lg_scope *all = NULL;
    bool full;
    int rc;

    if (c == NULL)
        return LG_ENOMEM;
    api_settings_get(api, &set);
    rc = api_scope(req, &all);
    if (rc == 0 && lg_req_has(req, "tenant_id"))
        rc = lg_scope_narrow(all, lg_req_str(req, "tenant_id"), &c->sc);
    else if (rc == 0)
        c->sc = LG_TAKE(all);
    lg_scope_free(all);
    c->pr = lg_principal_ref(lg_req_principal(req));
    pthread_mutex_lock(&st->mu);
    sweep(st, keep_all);
    full = st->stopped || st->n_clients >= set.stream_clients;
    if (rc == 0 && !full)
        rc = join(req, st, c);
    pthread_mutex_unlock(&st->mu);
    if (rc == 0 && !full)
        return 0;
    lg_scope_free(c->sc);
    lg_principal_unref(c->pr);
    lg_free(c);
    return rc < 0 ? rc : lg_http_unavailable(req, 5, "No more streams can be opened now");
}

/* ---- the thread ---- */

static void read_partition(struct api_stream *st, int topic, int32_t p)
{
    struct lg_bus_batch *b = NULL;

    while (lg_bus_read(st->api->d.bus, topic, p, st->at[p], (size_t)1 << 20, &b, NULL) > 0) {
        for (size_t i = 0; i < b->n; i++) {
            const struct lg_bus_record *rec = &b->records[i];
            struct lg_str change = lg_bus_header_get(rec, LG_STR("lg-change"));

            api_stream_change(st, lg_bus_header_get(rec, LG_STR(LG_BUS_H_TENANT)),
                    change.n > 0 ? change : LG_STR("updated"), rec->value);
        }
        st->at[p] = b->next_offset;
        lg_bus_batch_free(b);
        b = NULL;
    }
}

static bool wait_a_little(struct api_stream *st)
{
    const struct timespec until = lg_clock_deadline(IDLE_NS);
    bool go_on;

    pthread_mutex_lock(&st->mu);
    if (!st->stopped)
        (void)pthread_cond_timedwait(&st->wake, &st->mu, &until);
    go_on = !st->stopped;
    pthread_mutex_unlock(&st->mu);
    return go_on;
}

static void house_work(struct api_stream *st)
{
    int64_t now = lg_clock_monotonic();

    if (now - st->checked_ns < CHECK_NS)
        return;
    st->checked_ns = now;
    pthread_mutex_lock(&st->mu);
    sweep(st, keep_good);
    pthread_mutex_unlock(&st->mu);
    lg_auth_tick(st->api->d.auth);
}

static void *run(void *ctx)
{
    struct api_stream *st = ctx;
    struct lg_bus *bus = st->api->d.bus;
    int topic = bus != NULL ? st->api->d.topics->n[LG_TOPIC_ALERTS] : -1;
    int32_t n = bus != NULL ? lg_bus_partitions(bus, topic) : 0;

    do {
        for (int32_t p = 0; p < n && p < LG_BUS_MAX_PARTITIONS; p++)
            read_partition(st, topic, p);
        house_work(st);
    } while (wait_a_little(st));
    return NULL;
}

int api_stream_start(struct api_stream *st, struct lg_err *reterr)
{
    struct lg_bus *bus = st->api->d.bus;

    if (bus != NULL) {
        int topic = st->api->d.topics->n[LG_TOPIC_ALERTS];

        for (int32_t p = 0; p < lg_bus_partitions(bus, topic) && p < LG_BUS_MAX_PARTITIONS; p++) {
            int64_t begin;
            int rc = lg_bus_offsets(bus, topic, p, &begin, &st->at[p]);

            if (rc < 0)
                return lg_err_set(reterr, rc, "the alerts' topic cannot be read");
        }
    }
    if (pthread_create(&st->thread, NULL, run, st) != 0)
        return lg_err_set(reterr, LG_ENOMEM, "no thread for the alert streams");
    (void)pthread_setname_np(st->thread, "api-stream");
    st->runs = true;
    return 0;
}

void api_stream_stop(struct api_stream *st)
{
    pthread_mutex_lock(&st->mu);
    st->stopped = true;
    sweep(st, keep_none);
    (void)pthread_cond_signal(&st->wake);
    pthread_mutex_unlock(&st->mu);
    if (st->runs)
        (void)pthread_join(st->thread, NULL);
    st->runs = false;
}

void api_stream_free(struct api_stream *st)
{
    if (st == NULL)
        return;
    api_stream_stop(st);
    while (st->n > 0)
        drop_oldest(st);
    (void)pthread_cond_destroy(&st->wake);
    (void)pthread_mutex_destroy(&st->mu);
    lg_free(st);
}

uint32_t api_stream_clients(struct api_stream *st)
{
    uint32_t n;

    pthread_mutex_lock(&st->mu);
    n = st->n_clients;
    pthread_mutex_unlock(&st->mu);
    return n;
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/stream",
                .operation = "streamAlerts",
                .tag = "alerts",
                .summary = "New and changed alerts as they happen (server-sent events)",
                .doc = "Events `created`, `folded`, `updated` carry the alert after the change; "
                       "`hello` "
                       "comes first. With Last-Event-ID what was missed comes again; `reset` says "
                       "that "
                       "too much was missed, and the lists must be read again.",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT | LG_ROUTE_SSE,
                .params = API_PARAMS(API_P_TENANT),
                .responses = {{200, NULL, "The stream", "text/event-stream"}},
                .handler = open_stream,
        },
};

struct lg_api_rows api_stream_rows(void)
{
    return API_ROWS(rows);
}

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "services/normalizer_int.h"

static struct lg_str tenant_of(const struct lg_nz_stream *s)
{
    return lg_str_of(s->names, s->tenant_n);
}

static struct lg_str endpoint_of(const struct lg_nz_stream *s)
{
    return lg_str_of(s->names + s->tenant_n, s->endpoint_n);
}

static void unlink_age(struct lg_nz_worker *w, struct lg_nz_stream *s)
{
    if (s->older != NULL)
        s->older->newer = s->newer;
    else
        w->oldest = s->newer;
    if (s->newer != NULL)
        s->newer->older = s->older;
    else
        w->newest = s->older;
    s->older = s->newer = NULL;
}

static void append_age(struct lg_nz_worker *w, struct lg_nz_stream *s)
{
    s->older = w->newest;
    s->newer = NULL;
    if (w->newest != NULL)
        w->newest->newer = s;
    else
        w->oldest = s;
    w->newest = s;
}

void lg_nz_stream_drop(struct lg_nz_worker *w, struct lg_nz_stream *s)
{
    uint64_t *v = lg_map_get(&w->streams, s->hash);
    struct lg_nz_stream *head = v != NULL ? (struct lg_nz_stream *)(uintptr_t)*v : NULL;

    if (head == s && s->chain == NULL) {
        (void)lg_map_del(&w->streams, s->hash);
    } else if (head == s) {
        *v = (uint64_t)(uintptr_t)s->chain;
    } else {
        while (head != NULL && head->chain != s)
            head = head->chain;
        if (head != NULL)
            head->chain = s->chain;
    }
    unlink_age(w, s);
    w->n_streams--;
    lg_norm_stream_free(s->st);
    lg_free(s->names);
    lg_free(s);
}

static int stream_new(struct lg_nz_worker *w, int topic, int32_t partition, struct lg_str tenant,
        struct lg_str endpoint, struct lg_nz_stream **ret)
{
    const struct lg_norm_stream_options so = {
            .tenant_id = tenant,
            .endpoint = endpoint,
            .input = lg_str_z(lg_bus_topic_name(w->opt->bus, topic)),
            .fqdn_endpoint = w->opt->config->identity.endpoint == LG_CONFIG_ENDPOINT_FQDN,
            .check_tenant = true,
    };
    struct lg_nz_stream *s = lg_calloc(1, sizeof(*s));

    if (s == NULL)
        return LG_ENOMEM;
    s->names = lg_malloc(tenant.n + endpoint.n + 1);
    if (s->names == NULL || lg_norm_stream_new(&so, &s->st) < 0) {
        lg_free(s->names);
        lg_free(s);
        return LG_ENOMEM;
    }
    memcpy(s->names, tenant.p, tenant.n);
    if (endpoint.n > 0)
        memcpy(s->names + tenant.n, endpoint.p, endpoint.n);
    s->tenant_n = tenant.n;
    s->endpoint_n = endpoint.n;
    s->topic = topic;
    s->partition = partition;
    *ret = s;
    return 0;
}

static int make_room(struct lg_nz_worker *w)
{
    int rc = 0;

    if (w->n_streams >= LG_NZ_MAX_STREAMS) {
        struct lg_nz_call keep = w->call;

        rc = lg_nz_stream_flush(w, w->oldest);
        w->call = keep;
        lg_nz_stream_drop(w, w->oldest);
    }
    return rc;
}

int lg_nz_stream_get(struct lg_nz_worker *w, int topic, int32_t partition, struct lg_str tenant,
        struct lg_str endpoint, struct lg_nz_stream **ret)
{
    uint64_t hash = lg_hash_str(endpoint, lg_hash_str(tenant, lg_hash_secret()));
    struct lg_nz_stream *head, *s;
    uint64_t *v;
    bool is_new;
    int rc;

    hash = lg_hash_mix(hash, (uint64_t)topic << 32 | (uint32_t)partition);
    v = lg_map_get(&w->streams, hash);
    head = v != NULL ? (struct lg_nz_stream *)(uintptr_t)*v : NULL;
    for (s = head; s != NULL; s = s->chain)
        if (s->topic == topic && s->partition == partition && lg_str_eq(tenant_of(s), tenant) &&
                lg_str_eq(endpoint_of(s), endpoint))
            break;
    if (s != NULL) {
        if (w->newest != s) {
            unlink_age(w, s);
            append_age(w, s);
        }
        *ret = s;
        return 0;
    }
    rc = make_room(w);
    if (rc < 0)
        return rc;
    rc = stream_new(w, topic, partition, tenant, endpoint, &s);
    if (rc < 0)
        return rc;
    v = lg_map_at(&w->streams, hash, 0, &is_new); /* make_room may have changed it */
    if (v == NULL) {
        lg_norm_stream_free(s->st);
        lg_free(s->names);
        lg_free(s);
        return LG_ENOMEM;
    }
    s->hash = hash;
    s->chain = is_new ? NULL : (struct lg_nz_stream *)(uintptr_t)*v;
    *v = (uint64_t)(uintptr_t)s;
    append_age(w, s);
    w->n_streams++;
    *ret = s;
    return 0;
}

/* What its records' offsets count in: see lg_nz_record. */
static uint64_t line_of(int topic)
{
    return (uint64_t)topic + 1;
}

bool lg_nz_stream_holds(const struct lg_nz_worker *w, const struct lg_nz_stream *s)
{
    uint64_t at;

    return lg_norm_stream_held(s->st, line_of(s->topic), &at) ||
            (w->t_held >= 0 && lg_norm_stream_held(s->st, line_of(w->t_held), &at));
}

int64_t lg_nz_held(const struct lg_nz_worker *w, int topic, int32_t partition)
{
    int64_t min = -1;

    for (const struct lg_nz_stream *s = w->oldest; s != NULL; s = s->newer) {
        uint64_t at;

        if (s->partition == partition && lg_norm_stream_held(s->st, line_of(topic), &at) &&
                (min < 0 || (int64_t)at < min))
            min = (int64_t)at;
    }
    return min;
}

int lg_nz_stream_flush(struct lg_nz_worker *w, struct lg_nz_stream *s)
{
    const struct lg_norm_sink sink = {w, lg_nz_on_event, lg_nz_on_dead, lg_nz_on_skipped};

    if (!lg_nz_stream_holds(w, s))
        return 0;
    w->call.rec = NULL;
    w->call.tenant = tenant_of(s);
    w->call.topic = s->topic;
    w->call.partition = s->partition;
    w->call.time_shift = s->shift;
    w->call.bus_time = s->last_bus;
    w->call.key_hash = 0;
    w->call.held = w->call.suppress = false;
    return lg_normalizer_flush(w->nz, s->st, &sink);
}

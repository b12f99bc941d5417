#include "base/hash.h"
#include "base/mem.h"
#include "opensearch/os_int.h"

/* What an endpoint usually shows: each word with each hour that saw it. */
struct profile {
    struct lg_os *os;
    struct lg_arena *a;
    struct lg_str endpoint;
    enum lg_term_kind kind;
    LG_VEC(struct lg_profile_item) v;
    struct lg_map by_key; /* hash of (kind, value) -> index */
};
static const char *const fields[LG_TERM_KIND_COUNT] = {[LG_TERM_USER] = "logster.shown_user",
        [LG_TERM_IMAGE] = "logster.shown_image",
        [LG_TERM_HASH] = "logster.shown_hash",
        [LG_TERM_DESTINATION] = "logster.shown_destination"};

static int on_bucket(void *user, struct lg_jval bucket)
{
    struct profile *p = (struct profile *)user;
    struct lg_profile_item *it, fresh = {.kind = p->kind, .first_seen = INT64_MAX};
    struct lg_jval key, first;
    struct lg_str value;
    lg_time hour, seen;
    bool made = false;
    uint64_t *at;
    int rc;

    if (!lg_jval_get(bucket, LG_STR("key"), &key) || !lg_jval_get(bucket, LG_STR("first"), &first))
        return LG_ECORRUPT;
    value = lg_jval_get_str(key, LG_STR("value"));
    hour = lg_os_get_time(key, "hour", LG_HOUR_NS);
    seen = lg_os_get_time(first, "value", (LG_NS_PER_SEC / 1000)); /* of a date */
    at = lg_map_at(
            &p->by_key, lg_hash_str(value, (uint64_t)p->kind ^ p->os->map_seed), p->v.n, &made);
    if (at == NULL)
        return LG_ENOMEM;
    if (made) {
        rc = lg_arena_dup(p->a, value, &fresh.value);
        if (rc >= 0)
            rc = lg_vec_push(&p->v, fresh);
        if (rc < 0)
            return rc;
    }
    it = &p->v.v[*at];
    it->hours++;
    if (seen < it->first_seen)
        it->first_seen = seen;
    if (hour > it->last_hour)
        it->last_hour = hour;
    return 0;
}

static void put_filter(struct lg_jw *w, const void *user)
{
    lg_os_term(w, "logster.endpoint", ((const struct profile *)user)->endpoint);
}

int lg_os_profile(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str endpoint, uint32_t max_items, struct lg_arena *a,
        struct lg_profile_item **ret, uint32_t *ret_n)
{
    struct profile p = {.os = lg_os_of(st), .a = a, .endpoint = endpoint};
    struct lg_buf sources;
    int rc = 0;

    if (tenant.n == 0 || endpoint.n == 0)
        return LG_EINVAL;
    lg_map_init(&p.by_key);
    lg_buf_init(&sources, 4096);
    for (int k = 0; rc >= 0 && k < LG_TERM_KIND_COUNT; k++) {
        struct lg_os_composite c = {.kind = LG_OS_EVENTS,
                .sc = sc,
                .tenant = tenant,
                .put = put_filter,
                .put_user = &p,
                .aggs = LG_STR("{\"first\":{\"min\":{\"field\":\"@timestamp\"}}}"),
                .fn = on_bucket,
                .user = &p};

        p.kind = (enum lg_term_kind)k;
        lg_buf_clear(&sources);
        lg_buf_printf(&sources,
                "[{\"value\":{\"terms\":{\"field\":\"%s\"}}},"
                "{\"hour\":{\"terms\":{\"field\":\"logster.hour\"}}}]",
                fields[k]);
        c.sources = lg_buf_str(&sources);
        rc = sources.failed != 0 ? sources.failed : lg_os_composite(p.os, &c);
    }
    if (rc >= 0)
        rc = lg_profile_give(p.v.v, p.v.n, max_items, a, ret, ret_n);
    lg_buf_done(&sources);
    lg_vec_done(&p.v);
    lg_map_done(&p.by_key);
    return rc < 0 ? rc : 0;
}

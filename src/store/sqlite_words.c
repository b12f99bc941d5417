#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_batch.h"

/* Refs of tenants, endpoints and words of a day file, made when they are new. */
#define CACHE_MAX (1u << 20) /* entries of a day's caches before they start anew */

static int remember(struct lg_map *m, uint64_t key, int64_t ref)
{
    if (m->n >= CACHE_MAX)
        lg_map_clear(m);
    return lg_map_put(m, key, (uint64_t)ref);
}

int lg_batch_tenant(struct lg_batch *b, struct lg_str tenant, int64_t *ret)
{
    uint64_t key = lg_hash_str(tenant, b->es->map_seed), *have = lg_map_get(&b->d->tenants, key);
    struct lg_q q;
    int rc;

    if (have != NULL) {
        *ret = (int64_t)*have;
        return 0;
    }
    lg_q_open(&q, b->c, "SELECT ref FROM tenant_refs WHERE tenant=?1");
    lg_q_str(&q, tenant);
    rc = lg_q_step(&q);
    *ret = rc > 0 ? lg_q_col_i64(&q, 0) : 0;
    lg_q_done(&q);
    if (rc == 0) {
        if (b->d->last_tenant >= LG_ROW_TENANT_MAX)
            return LG_ELIMIT;
        *ret = ++b->d->last_tenant;
        lg_q_open(&q, b->c, "INSERT INTO tenant_refs VALUES(?1,?2)");
        lg_q_i64(&q, *ret);
        lg_q_str(&q, tenant);
        rc = lg_q_run(&q);
    }
    return rc < 0 ? rc : remember(&b->d->tenants, key, *ret);
}

int lg_batch_endpoint(struct lg_batch *b, int64_t tenant, struct lg_str endpoint,
        struct lg_str hostname, int platform, int64_t *ret)
{
    uint64_t key = lg_hash_mix(lg_hash_str(endpoint, b->es->map_seed), (uint64_t)tenant);
    uint64_t *have = lg_map_get(&b->d->endpoints, key);
    struct lg_q q;
    int rc;

    if (have != NULL) {
        *ret = (int64_t)*have;
        return 0;
    }
    rc = lg_endpoint_find(b->c, tenant, endpoint, ret);
    if (rc == 0) {
        *ret = ++b->d->last_endpoint;
        lg_q_open(&q, b->c, "INSERT INTO endpoints VALUES(?1,?2,?3,?4,?5)");
        lg_q_i64(&q, *ret);
        lg_q_i64(&q, tenant);
        lg_q_str(&q, endpoint);
        lg_q_str(&q, hostname);
        lg_q_i64(&q, platform);
        rc = lg_q_run(&q);
    }
    return rc < 0 ? rc : remember(&b->d->endpoints, key, *ret);
}

static uint64_t fold_hash(struct lg_batch *b, struct lg_str s)
{
    lg_buf_clear(&b->text);
    lg_text_fold(s, &b->text);
    return lg_hash_str(lg_buf_str(&b->text), 0);
}

static int string_find(struct lg_conn *c, uint64_t fold, struct lg_str s, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, "SELECT ref FROM strings WHERE fold=?1 AND text=?2");
    lg_q_i64(&q, (int64_t)fold);
    lg_q_str(&q, s);
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc;
}

/* Interns a text; 0 for an empty one. */
int lg_batch_string(struct lg_batch *b, struct lg_str s, int64_t *ret)
{
    const struct lg_str whole = s;
    uint64_t key, *have, fold;
    struct lg_str base;
    struct lg_q q;
    int rc;

    *ret = 0;
    if (s.n == 0)
        return 0;
    if (s.n > 2048)
        s.n = 2048;
    key = lg_hash_str(s, b->es->map_seed);
    have = lg_map_get(&b->d->strings, key);
    if (have != NULL) {
        *ret = (int64_t)*have;
        return 0;
    }
    base = lg_str_basename(whole);
    fold = fold_hash(b, s);
    rc = b->text.failed != 0 ? b->text.failed : string_find(b->c, fold, s, ret);
    if (rc == 0) {
        *ret = ++b->d->last_string;
        lg_q_open(&q, b->c, "INSERT INTO strings VALUES(?1,?2,?3,?4)");
        lg_q_i64(&q, *ret);
        lg_q_i64(&q, (int64_t)fold);
        if (base.n < s.n)
            lg_q_i64(&q, (int64_t)fold_hash(b, base));
        else
            lg_q_null(&q);
        lg_q_str(&q, s);
        rc = lg_q_run(&q);
    }
    return rc < 0 ? rc : remember(&b->d->strings, key, *ret);
}

int lg_batch_term(struct lg_batch *b, int64_t term, int kind, int64_t endpoint, lg_time t)
{
    int64_t hour = (t - b->d->base_ns) / LG_HOUR_NS;
    const int64_t parts[] = {term, kind, endpoint, hour};
    uint64_t key = lg_hash64(parts, sizeof(parts), b->es->map_seed);
    struct lg_q q;
    int rc;

    if (term == 0 || lg_map_get(&b->d->terms, key) != NULL)
        return 0;
    lg_q_open(&q, b->c, "INSERT OR IGNORE INTO terms VALUES(?1,?2,?3,?4,?5,?6)");
    lg_q_i64(&q, b->d->last_term + 1);
    lg_q_i64(&q, term);
    lg_q_i64(&q, kind);
    lg_q_i64(&q, endpoint);
    lg_q_i64(&q, hour);
    lg_q_i64(&q, (t - b->d->base_ns) / 1000000);
    rc = lg_q_run(&q);
    if (rc >= 0 && sqlite3_changes(b->c->db) > 0)
        b->d->last_term++;
    return rc < 0 ? rc : remember(&b->d->terms, key, 1);
}

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "services/inference_int.h"

/* Checkpoints of endpoints in the compacted topic logster-inference-state. */

int lg_inf_pack(struct lg_inf_worker *w, int level, size_t max)
{
    size_t cap = ZSTD_compressBound(w->raw.n), n;

    lg_buf_clear(&w->packed);
    if (lg_buf_reserve(&w->packed, cap) < 0)
        return w->packed.failed;
    n = ZSTD_compressCCtx(w->zc, w->packed.p, cap, w->raw.p, w->raw.n, level);
    if (ZSTD_isError(n))
        return LG_ENOMEM;
    w->packed.n = n;
    return n > max ? LG_ELIMIT : 0;
}

/* ------------------------------------------------------------------ what was given up */

void lg_inf_forgotten(void *user, struct lg_str tenant, struct lg_str endpoint)
{
    struct lg_inf_part *p = user;
    struct lg_inf_gone gone = {.key_n = tenant.n + 1 + endpoint.n};

    gone.key = lg_malloc(gone.key_n);
    if (gone.key == NULL)
        return; /* its checkpoint stays: an old state is what a restart would find */
    memcpy(gone.key, tenant.p, tenant.n);
    gone.key[tenant.n] = ':';
    memcpy(gone.key + tenant.n + 1, endpoint.p, endpoint.n);
    if (lg_vec_push(&p->gone, gone) < 0)
        lg_free(gone.key);
}

void lg_inf_gone_done(struct lg_inf_part *p)
{
    for (size_t i = 0; i < p->gone.n; i++)
        lg_free(p->gone.v[i].key);
    lg_vec_done(&p->gone);
}

static int emit_state(struct lg_inf_worker *w, const struct lg_inf_part *p,
        struct lg_stage_out *out, struct lg_str key, struct lg_str value)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_STATE)}};
    const struct lg_bus_record rec = {
            .key = key, .value = value, .headers = headers, .n_headers = 1};
    int32_t n = lg_bus_partitions(w->opt->bus, w->t_state);

    return lg_stage_emit(out, w->t_state, n > 0 ? p->partition % n : LG_BUS_BY_KEY, &rec);
}

/*
 * Bus time at the offset that will be committed: a restart must not begin with less, or what is
 * idle would be found later than before. Its key is none that an endpoint can have.
 */
#define OWN_KEY '\x01' /* first byte of keys that are not endpoints' */

static struct lg_str bus_key(int32_t partition, char out[32])
{
    int n = snprintf(out, 32, "%cbus-time:%d", OWN_KEY, (int)partition);

    return lg_str_of(out, (size_t)n);
}

int lg_inf_emit_bus(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out)
{
    lg_time bus = lg_windows_bus_time(p->ws);
    char text[24], key[32];
    int n, rc;

    (void)lg_windows_dirty_since(p->ws, &bus);
    if (bus == p->bus_told)
        return 0;
    n = snprintf(text, sizeof(text), "%lld", (long long)bus);
    rc = emit_state(w, p, out, bus_key(p->partition, key), lg_str_of(text, (size_t)n));
    if (rc == 0)
        p->bus_told = bus;
    return rc;
}

static int emit_gone(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out)
{
    for (size_t i = 0; i < p->gone.n; i++) {
        int rc = emit_state(w, p, out, lg_str_of(p->gone.v[i].key, p->gone.v[i].key_n),
                (struct lg_str){NULL, 0});

        if (rc < 0)
            return rc;
    }
    lg_inf_gone_done(p);
    return 0;
}

/* ------------------------------------------------------------------ writing */

static int emit_one(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out,
        const struct lg_windows_checkpoint *ck)
{
    char key[LG_BUS_MAX_KEY_BYTES];
    size_t n = ck->tenant.n + 1 + ck->endpoint.n;

    if (n > sizeof(key))
        return LG_ELIMIT;
    memcpy(key, ck->tenant.p, ck->tenant.n);
    key[ck->tenant.n] = ':';
    memcpy(key + ck->tenant.n + 1, ck->endpoint.p, ck->endpoint.n);
    return emit_state(w, p, out, lg_str_of(key, n), lg_buf_str(&w->packed));
}

/* One checkpoint. 1, 0 where all are clean, or LG_ENOMEM. */
static int checkpoint_one(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out)
{
    struct lg_windows_checkpoint ck;
    int rc;

    lg_buf_clear(&w->raw);
    rc = lg_windows_export(p->ws, &w->raw, &ck);
    if (rc == LG_ELIMIT) {
        /* cannot be with the caps of an endpoint; if it is, the log goes on without it */
        lg_log(LG_LOG_ERROR, "inference", "the state of an endpoint is too large to be kept",
                "partition=%d", (int)p->partition);
        lg_windows_export_done(p->ws);
        return 1;
    }
    if (rc <= 0)
        return rc;
    rc = lg_inf_pack(w, 1, LG_BUS_MAX_VALUE_BYTES);
    if (rc == 0)
        rc = emit_one(w, p, out, &ck);
    if (rc < 0 && rc != LG_ELIMIT)
        return rc; /* it stays dirty: the next round tries again */
    if (rc == LG_ELIMIT)
        lg_log(LG_LOG_ERROR, "inference", "the state of an endpoint is too large to be kept",
                "partition=%d bytes=%zu", (int)p->partition, w->packed.n);
    lg_windows_export_done(p->ws);
    lg_counter_add(w->m.shard, w->m.checkpoints, rc == 0);
    return 1;
}

int lg_inf_checkpoint(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out,
        lg_time before, size_t max)
{
    size_t from = lg_stage_out_bytes(out);
    lg_time since;
    int rc = emit_gone(w, p, out);

    while (rc >= 0 && lg_windows_dirty_since(p->ws, &since) && since <= before &&
            lg_stage_out_bytes(out) - from < max) {
        rc = checkpoint_one(w, p, out);
        if (rc == 0)
            break;
    }
    return rc < 0 && rc != LG_ENOMEM ? rc : 0; /* out of memory: later, then */
}

/* ------------------------------------------------------------------ reading */

struct restore {
    struct lg_inf_worker *w;
    struct lg_inf_part *p;
    uint64_t taken;
    uint64_t refused;
    uint64_t cut;
};

static int unpack(struct lg_inf_worker *w, struct lg_str packed)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
    size_t got;

    lg_buf_clear(&w->raw);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
            size > LG_INF_MAX_STATE_BYTES)
        return LG_ECORRUPT;
    if (lg_buf_reserve(&w->raw, (size_t)size + 1) < 0)
        return w->raw.failed;
    got = ZSTD_decompressDCtx(w->zd, w->raw.p, (size_t)size, packed.p, packed.n);
    if (ZSTD_isError(got) || got != size)
        return LG_ECORRUPT;
    w->raw.n = got;
    return 0;
}

static int on_state(void *user, const struct lg_bus_record *rec)
{
    struct restore *r = user;
    struct lg_inf_worker *w = r->w;
    bool cut = false;
    int rc;

    if (rec->key.n > 0 && rec->key.p[0] == OWN_KEY) { /* also the normalizer's */
        char key[32];
        int64_t bus;

        if (lg_str_eq(rec->key, bus_key(r->p->partition, key)) &&
                lg_parse_i64(rec->value, &bus) == 0)
            lg_windows_set_bus_time(r->p->ws, bus);
        return 0;
    }
    /* where the topics have unlike numbers of partitions, one holds several's states */
    if (lg_bus_partition_of(w->opt->bus, w->t_events, rec->key) != r->p->partition)
        return 0;
    rc = unpack(w, rec->value);
    if (rc == 0)
        rc = lg_windows_import(r->p->ws, lg_buf_str(&w->raw), &cut);
    if (rc == LG_ENOMEM)
        return rc;
    r->taken += rc == 0;
    r->cut += cut;
    if (rc < 0) {
        r->refused++;
        lg_log(LG_LOG_WARN, "inference", "a checkpoint cannot be used; the endpoint starts anew",
                "partition=%d error=%s", (int)r->p->partition, lg_err_name(rc));
    }
    return 0;
}

int lg_inf_restore(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_err *reterr)
{
    struct restore r = {.w = w, .p = p};
    int32_t n = lg_bus_partitions(w->opt->bus, w->t_state);
    int rc;

    if (n <= 0)
        return lg_err_set(reterr, LG_ENOENT, "no topic logster-inference-state");
    rc = lg_bus_compacted_scan(w->opt->bus, w->t_state, p->partition % n, on_state, &r, reterr);
    if (rc < 0)
        return rc;
    if (r.cut > 0)
        lg_log(LG_LOG_WARN, "inference",
                "windows have another length now: those that were open are not judged",
                "partition=%d endpoints=%llu", (int)p->partition, (unsigned long long)r.cut);
    lg_log(LG_LOG_INFO, "inference", "state restored", "partition=%d endpoints=%llu refused=%llu",
            (int)p->partition, (unsigned long long)r.taken, (unsigned long long)r.refused);
    return 0;
}

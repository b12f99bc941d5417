#include <stdio.h>
#include <string.h>

#include "services/inference_int.h"
#include "json/write.h"

/* What decides verdicts beside model and events: another value, another inference_id. */
void lg_inf_config_digest(struct lg_inf_worker *w)
{
    const struct lg_config *cfg = w->opt->config;
    double threshold[2] = {-1, -1};
    uint8_t digest[32];
    char text[512];
    int n;

    for (int i = 0; i < 2; i++)
        if (w->jury[i] != NULL)
            threshold[i] = lg_jury_threshold(w->jury[i]);
    n = snprintf(text, sizeof(text),
            "window=%lld interval=%lld lateness=%lld idle=%lld future=%lld threshold=%a,%a "
            "allow=%d "
            "endpoint_bytes=%llu features=%u",
            (long long)cfg->inference.window_ns, (long long)cfg->inference.interval_ns,
            (long long)cfg->inference.lateness_ns, (long long)cfg->inference.idle_timeout_ns,
            (long long)cfg->inference.max_future_ns, threshold[0], threshold[1],
            cfg->inference.use_idle_allowlist,
            (unsigned long long)cfg->inference.max_endpoint_bytes, LG_FEATURE_VERSION);
    lg_blake2b_256(lg_str_of(text, (size_t)n), digest);
    for (unsigned i = 0; i < 16; i++)
        (void)snprintf(w->config_digest + 2 * i, 3, "%02x", digest[i]);
}

static struct lg_uuid inference_id(
        const struct lg_inf_worker *w, const struct lg_graph *g, const struct lg_model *m)
{
    char start[24], end[24];
    const int n = snprintf(start, sizeof(start), "%lld", (long long)g->start_ns);
    const int k = snprintf(end, sizeof(end), "%lld", (long long)g->end_ns);
    const struct lg_str parts[] = {g->tenant_id, g->endpoint_id, lg_str_of(start, (size_t)n),
            lg_str_of(end, (size_t)k), lg_str_z(m->sha256), lg_str_z(w->config_digest)};

    return lg_uuid_from_tuple(parts, sizeof(parts) / sizeof(parts[0]));
}

static lg_time last_event(const struct lg_graph *g)
{
    lg_time last = 0;

    for (uint32_t i = 0; i < g->n_edges; i++)
        if (g->edges[i].last_ns > last)
            last = g->edges[i].last_ns;
    return last;
}

static void write_ledger(struct lg_jw *jw, const struct lg_graph *g)
{
    lg_jw_key(jw, LG_STR("ledger"));
    lg_jw_object(jw);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++) {
        if (g->ledger[l] == 0)
            continue;
        lg_jw_key(jw, lg_str_z(lg_ledger_name((enum lg_ledger)l)));
        lg_jw_u64(jw, g->ledger[l]);
    }
    lg_jw_object_end(jw);
}

/* The members beside the verdict's own: they stand before its closing brace. */
static void write_rest(struct lg_inf_worker *w, const struct lg_graph *g, const struct lg_model *m,
        struct lg_str context)
{
    struct lg_uuid id = inference_id(w, g, m);
    char text[LG_UUID_TEXT + 1];
    lg_time last = last_event(g);
    struct lg_jw jw;

    lg_uuid_text(&id, text);
    if (w->text.failed < 0)
        return;
    w->text.n--;
    lg_buf_addc(&w->text, ',');
    lg_jw_init(&jw, &w->text);
    /* the members of an object that another writer has begun */
    lg_jw_key(&jw, LG_STR("inference_id"));
    lg_jw_str(&jw, lg_str_z(text));
    LG_JW_STR(&jw, "config_digest", lg_str_z(w->config_digest));
    lg_jw_key(&jw, LG_STR("received_at"));
    lg_jw_time(&jw, g->received_ns);
    if (last > 0) {
        lg_jw_key(&jw, LG_STR("last_event_time"));
        lg_jw_time(&jw, last);
    }
    write_ledger(&jw, g);
    if (context.n > 0) {
        lg_jw_key(&jw, LG_STR("context"));
        lg_jw_base64(&jw, context);
    }
    lg_buf_addc(&w->text, '}');
}

static void count(struct lg_inf_worker *w, const struct lg_graph *g, const struct lg_verdict *v)
{
    struct lg_inf_metrics *m = &w->m;

    lg_counter_add(m->shard, m->windows[v->idle_skipped ? 3 : v->prediction], 1);
    lg_histogram_add(m->shard, m->time, v->time_ms > 0 ? (uint64_t)(v->time_ms * 1000) : 0);
    lg_histogram_add(m->shard, m->events, g->events);
    lg_histogram_add(m->shard, m->nodes, g->n_nodes);
    lg_counter_add(m->shard, m->truncated, g->nodes_dropped + g->edges_dropped > 0);
    lg_counter_add(m->shard, m->late, g->late_events);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++)
        lg_counter_add(m->shard, m->ledger[l], g->ledger[l]);
    if (lg_stage_now(w->out) > g->received_ns)
        lg_histogram_add(
                m->shard, m->delay, (uint64_t)(lg_stage_now(w->out) - g->received_ns) / 1000000);
}

static int emit(struct lg_inf_worker *w, const struct lg_graph *g)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_INFERENCE)},
            {LG_STR(LG_BUS_H_TENANT), g->tenant_id}};
    struct lg_bus_record rec = {.value = lg_buf_str(&w->text), .headers = headers, .n_headers = 2};
    char key[LG_BUS_MAX_KEY_BYTES];

    if (g->tenant_id.n + 1 + g->endpoint_id.n > sizeof(key))
        return LG_ELIMIT;
    memcpy(key, g->tenant_id.p, g->tenant_id.n);
    key[g->tenant_id.n] = ':';
    memcpy(key + g->tenant_id.n + 1, g->endpoint_id.p, g->endpoint_id.n);
    rec.key = lg_str_of(key, g->tenant_id.n + 1 + g->endpoint_id.n);
    return lg_stage_emit(w->out, w->t_results, LG_BUS_BY_KEY, &rec);
}

int lg_inf_judge(void *user, const struct lg_graph *g)
{
    struct lg_inf_part *p = user;
    struct lg_inf_worker *w = p->w;
    struct lg_jury *j = w->jury[g->platform];
    struct lg_str context = {NULL, 0};
    struct lg_verdict v;
    int rc;

    if (j == NULL)
        return LG_EUNSUP;
    rc = lg_jury_judge(j, g, &v);
    if (rc < 0)
        return rc;
    lg_buf_clear(&w->raw);
    lg_inf_graph_write(g, &w->raw);
    rc = w->raw.failed;
    if (rc == 0)
        rc = lg_inf_pack(w, 3, LG_INF_MAX_CONTEXT_BYTES);
    if (rc == LG_ENOMEM)
        return rc;
    if (rc == 0)
        context = lg_buf_str(&w->packed);
    lg_buf_clear(&w->text);
    lg_verdict_write(&v, g, lg_jury_model(j), &w->text);
    write_rest(w, g, lg_jury_model(j), context);
    if (w->text.failed < 0)
        return w->text.failed;
    rc = emit(w, g);
    if (rc < 0)
        return rc;
    count(w, g, &v);
    w->unpublished = true;
    return 0;
}

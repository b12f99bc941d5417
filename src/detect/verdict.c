#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/jury.h"
#include "json/write.h"

const char *lg_prediction_name(enum lg_prediction p)
{
    static const char *const names[] = {"benign", "attack", "error"};

    return names[p];
}

const char *lg_verdict_severity(const struct lg_verdict *v)
{
    if (v->prediction != LG_PREDICT_ATTACK)
        return "none";
    if (v->scores.pattern_floor >= 0.95 && v->scores.prob >= 0.95)
        return "critical";
    if (v->scores.pattern_floor > 0 || v->scores.prob >= 0.98)
        return "high";
    return v->scores.prob >= 0.9 ? "medium" : "low";
}

static void write_scores(struct lg_jw *w, const struct lg_verdict *v)
{
    lg_jw_key(w, LG_STR("scores"));
    lg_jw_object(w);
    for (int i = 0; i < LG_MEMBER_COUNT; i++) {
        lg_jw_key(w, lg_str_z(lg_member_name((enum lg_member)i)));
        if (v->scores.learned)
            lg_jw_double(w, v->scores.member[i]);
        else
            lg_jw_null(w);
    }
    LG_JW_DOUBLE(w, "patterns", v->scores.pattern_floor);
    if (v->scores.learned)
        LG_JW_DOUBLE(w, "jury", v->scores.jury);
    else
        LG_JW_NULL(w, "jury");
    lg_jw_object_end(w);
}

static bool names_node(const struct lg_pattern_hit *h, const struct lg_graph *g, uint32_t node)
{
    return h->node == node ||
            (h->edge != UINT32_MAX &&
                    (g->edges[h->edge].src == node || g->edges[h->edge].dst == node));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Techniques of the hits that name `node`, or of all (UINT32_MAX): each once, ascending. */
static void write_techniques(struct lg_jw *w, const struct lg_verdict *v, const struct lg_graph *g,
        struct lg_str key, uint32_t node)
{
    const char *list[256];
    uint32_t n = 0;

    for (uint32_t i = 0; i < v->n_hits; i++) {
        const char *t = lg_pattern_get(v->hits[i].pattern)->technique;
        uint32_t k = 0;

        if (node != UINT32_MAX && !names_node(&v->hits[i], g, node))
            continue;
        while (k < n && strcmp(list[k], t) != 0)
            k++;
        if (k == n && n < sizeof(list) / sizeof(*list))
            list[n++] = t;
    }
    qsort(list, n, sizeof(*list), by_text);
    lg_jw_key(w, key);
    lg_jw_array(w);
    for (uint32_t i = 0; i < n; i++)
        lg_jw_str(w, lg_str_z(list[i]));
    lg_jw_array_end(w);
}

static void write_evidence(struct lg_jw *w, const struct lg_verdict *v, const struct lg_graph *g)
{
    lg_jw_key(w, LG_STR("evidence"));
    lg_jw_array(w);
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        const struct lg_evidence *e = &v->evidence[i];
        const struct lg_node *n = &g->nodes[e->node];

        lg_jw_object(w);
        LG_JW_U64(w, "node", e->node);
        LG_JW_STR(w, "type", lg_str_z(lg_node_type_name((enum lg_node_type)n->type)));
        LG_JW_STR(w, "name", n->raw);
        if (n->cmd_raw.n > 0)
            LG_JW_STR(w, "command_line", n->cmd_raw);
        if (n->type == LG_NODE_PROCESS && n->pid != 0)
            LG_JW_U64(w, "pid", n->pid);
        if (n->guid.n > 0)
            LG_JW_STR(w, "process_guid", n->guid);
        if (n->user.n > 0)
            LG_JW_STR(w, "user", n->user);
        if (n->hash.n > 0)
            LG_JW_STR(w, "hash", n->hash);
        lg_jw_key(w, LG_STR("first_seen"));
        lg_jw_time(w, n->first_ns);
        LG_JW_DOUBLE(w, "share", e->share);
        if (e->via != UINT32_MAX)
            LG_JW_U64(w, "parent", v->evidence[e->via].node);
        else
            LG_JW_NULL(w, "parent");
        write_techniques(w, v, g, LG_STR("techniques"), e->node);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

void lg_verdict_write(const struct lg_verdict *v, const struct lg_graph *g,
        const struct lg_model *m, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;

    lg_jw_init(w, out);
    lg_jw_object(w);
    LG_JW_STR(w, "tenant_id", g->tenant_id);
    LG_JW_STR(w, "endpoint_id", g->endpoint_id);
    LG_JW_STR(w, "hostname", g->hostname);
    LG_JW_STR(w, "platform", lg_str_z(lg_platform_name(g->platform)));
    lg_jw_key(w, LG_STR("window_start"));
    lg_jw_time(w, g->start_ns);
    lg_jw_key(w, LG_STR("window_end"));
    lg_jw_time(w, g->end_ns);
    LG_JW_STR(w, "prediction", lg_str_z(lg_prediction_name(v->prediction)));
    if (v->prediction == LG_PREDICT_ERROR) {
        LG_JW_NULL(w, "attack_prob");
        LG_JW_NULL(w, "confidence");
        LG_JW_STR(w, "error", lg_str_z(v->error));
    } else {
        LG_JW_DOUBLE(w, "attack_prob", v->scores.prob);
        LG_JW_DOUBLE(w, "confidence", v->confidence);
    }
    LG_JW_STR(w, "severity", lg_str_z(lg_verdict_severity(v)));
    LG_JW_U64(w, "events", g->events);
    LG_JW_U64(w, "late_events", g->late_events);
    LG_JW_U64(w, "graph_nodes", g->n_nodes);
    LG_JW_U64(w, "graph_edges", g->n_edges);
    LG_JW_U64(w, "truncated", (uint64_t)g->nodes_dropped + g->edges_dropped);
    LG_JW_BOOL(w, "idle_allowlisted", v->idle_skipped);
    LG_JW_DOUBLE(w, "inference_time_ms", round(v->time_ms * 1e3) / 1e3);
    write_scores(w, v);
    write_evidence(w, v, g);
    write_techniques(w, v, g, LG_STR("ttp_techniques"), UINT32_MAX);
    lg_jw_key(w, LG_STR("model"));
    lg_jw_object(w);
    LG_JW_STR(w, "name", lg_str_z(m->name));
    LG_JW_STR(w, "version", lg_str_z(m->version));
    LG_JW_STR(w, "sha256", lg_str_z(m->sha256));
    if (m->experimental)
        LG_JW_BOOL(w, "experimental", true);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

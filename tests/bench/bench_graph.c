/*
 * Events to windows to features on one core, as JSON lines {"name", "value", "unit"}:
 *
 *   graph_push              push, fold and build, in ns an event (time of the clock taken off)
 *   graph_features          node features, graph tokens and counts, in us a window
 *   graph_ablation          graph tokens and counts with one node removed, in us
 *   graph_endpoint_bytes    live state of an endpoint at the busiest, over 2,000 of them that all
 *                           replay the first capture's busiest Sysmon host, 60 events each
 *   graph_total_mib         all of it
 *
 * Captures are named as arguments (default: those in tests/data). Of Windows captures only
 * Sysmon's events count. Best of three runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "capture/capture.h"
#include "graph/features.h"
#include "graph/window.h"

#define RUNS 3
#define ENDPOINTS 2000
#define ENDPOINT_EVENTS 60

static double now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_graph: %s: %s\n", what, lg_err_name(rc));
    exit(1);
}

struct run {
    struct lg_windows *ws;
    struct lg_features *fs;
    double push_s, features_s, ablation_s, clock_s;
    uint64_t events, windows, nodes, edges, ablations;
    struct lg_windows *fleet; /* gets each event once an endpoint, while it has room */
    uint64_t fleet_events;
};

static int on_graph(void *user, const struct lg_graph *g)
{
    struct run *r = user;
    struct lg_node_features nf;
    uint8_t *removed;
    const uint32_t *tok;
    float counts[1024];
    uint32_t n;
    double t0 = now_s();

    if (r->fs == NULL)
        return 0;
    must(lg_features_nodes(r->fs, g, &lg_view_default, &nf), "nodes");
    must(lg_features_graph_tokens(r->fs, g, &lg_view_default, NULL, &tok, &n), "tokens");
    must(lg_features_counts(r->fs, g, &lg_view_default, NULL, counts), "counts");
    r->features_s += now_s() - t0;
    r->windows++;
    r->nodes += g->n_nodes;
    r->edges += g->n_edges;
    removed = lg_calloc(g->n_nodes + 1, 1);
    t0 = now_s();
    for (uint32_t i = 0; i < g->n_nodes && i < 5 && removed != NULL; i++) {
        removed[i] = 1;
        must(lg_features_graph_tokens(r->fs, g, &lg_view_default, removed, &tok, &n), "tokens");
        must(lg_features_counts(r->fs, g, &lg_view_default, removed, counts), "counts");
        removed[i] = 0;
        r->ablations++;
    }
    r->ablation_s += now_s() - t0;
    lg_free(removed);
    return 0;
}

static int ignore_graph(void *user, const struct lg_graph *g)
{
    (void)user;
    (void)g;
    return 0;
}

static void push_fleet(struct run *r, const struct lg_event *ev)
{
    struct lg_event copy = *ev;
    char name[32];

    if (r->fleet_events++ >= ENDPOINT_EVENTS)
        return;
    copy.time_ns = INT64_C(1700000000) * LG_NS_PER_SEC + (lg_time)r->fleet_events * LG_NS_PER_SEC;
    for (unsigned e = 0; e < ENDPOINTS; e++) {
        copy.endpoint_id = lg_str_of(name, (size_t)snprintf(name, sizeof(name), "host%u", e));
        must(lg_windows_push(r->fleet, &copy), "fleet");
    }
}

static int on_event(void *user, const struct lg_event *ev)
{
    struct run *r = user;
    double t0, t1;

    if (ev->platform == LG_PLATFORM_WINDOWS && ev->source != LG_SOURCE_SYSMON)
        return 0;
    if (r->fleet != NULL) {
        push_fleet(r, ev);
        return 0;
    }
    t0 = now_s();
    must(lg_windows_push(r->ws, ev), "push");
    t1 = now_s();
    r->push_s += t1 - t0;
    r->clock_s += now_s() - t1;
    r->events++;
    return 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    (void)dl;
    return 0;
}

static void replay(const char *path, struct run *r)
{
    const struct lg_norm_sink sink = {r, on_event, on_dead, NULL};
    struct lg_norm_stream_options opt = {.endpoint = LG_STR("host")};
    struct lg_capture_batch *b;
    struct lg_norm_stream *st;
    struct lg_normalizer *nz;
    struct lg_capture *cap;
    struct lg_err err;
    int rc;

    must(lg_capture_open(path, NULL, &cap, &err), path);
    must(lg_capture_batch_new(&b), path);
    (void)lg_capture_header_offset(cap, &opt.header_offset_ns);
    must(lg_normalizer_new(&nz), path);
    must(lg_norm_stream_new(&opt, &st), path);
    while ((rc = lg_capture_next(cap, b, &err)) == 1)
        for (size_t i = 0; i < b->records.n; i++)
            must(lg_normalizer_record(
                         nz, st, lg_capture_record_str(b, i), true, b->records.v[i].pos, &sink),
                    path);
    must(rc, path);
    must(lg_normalizer_flush(nz, st, &sink), path);
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
}

static void run_all(char *const *paths, int n, bool features, struct run *r)
{
    memset(r, 0, sizeof(*r));
    if (features)
        must(lg_features_new(&r->fs), "features");
    for (int i = 0; i < n; i++) {
        double t0;

        must(lg_windows_new(&lg_window_defaults, on_graph, r, &r->ws), "windows");
        replay(paths[i], r);
        t0 = now_s();
        must(lg_windows_flush(r->ws), "flush");
        r->push_s += now_s() - t0;
        lg_windows_free(r->ws);
    }
    lg_features_free(r->fs);
}

static void measure_fleet(char *const *paths)
{
    struct lg_window_stats st;
    struct run r = {.fleet = NULL};

    must(lg_windows_new(&lg_window_defaults, ignore_graph, NULL, &r.fleet), "fleet");
    replay(paths[0], &r);
    lg_windows_stats(r.fleet, &st);
    printf("{\"name\":\"graph_endpoint_bytes\",\"value\":%.0f,\"unit\":\"bytes\"}\n",
            (double)st.peak_bytes / ENDPOINTS);
    printf("{\"name\":\"graph_total_mib\",\"value\":%.1f,\"unit\":\"MiB\"}\n",
            (double)st.peak_bytes / (1 << 20));
    lg_windows_free(r.fleet);
}

int main(int argc, char **argv)
{
    static char own[2][1024];
    char *defaults[2] = {own[0], own[1]};
    char *const *paths = argc > 1 ? argv + 1 : defaults;
    int n = argc > 1 ? argc - 1 : 2;
    double push = 1e9, features = 1e9, ablation = 1e9;
    struct run r;

    snprintf(own[0], sizeof(own[0]), "%s/tests/data/captures/%s", LG_SOURCE_DIR,
            "empire_reg_dump_sam_2019-06-25133822.ndjson.zst");
    snprintf(own[1], sizeof(own[1]), "%s/tests/data/captures/%s", LG_SOURCE_DIR,
            "omerbenamram_sysmon.ndjson.zst");
    for (int k = 0; k < RUNS; k++) {
        double t;

        run_all(paths, n, false, &r);
        t = (r.push_s - r.clock_s) / (double)r.events;
        push = t < push ? t : push;
        run_all(paths, n, true, &r);
        t = r.features_s / (double)(r.windows + !r.windows);
        features = t < features ? t : features;
        t = r.ablation_s / (double)(r.ablations + !r.ablations);
        ablation = t < ablation ? t : ablation;
    }
    printf("{\"name\":\"graph_push\",\"value\":%.0f,\"unit\":\"ns/event\",\"events\":%llu}\n",
            push * 1e9, (unsigned long long)r.events);
    printf("{\"name\":\"graph_features\",\"value\":%.1f,\"unit\":\"us/window\",\"windows\":%llu,"
           "\"mean_nodes\":%.1f,\"mean_edges\":%.1f}\n",
            features * 1e6, (unsigned long long)r.windows, (double)r.nodes / (double)r.windows,
            (double)r.edges / (double)r.windows);
    printf("{\"name\":\"graph_ablation\",\"value\":%.1f,\"unit\":\"us\"}\n", ablation * 1e6);
    measure_fleet(paths);
    return 0;
}

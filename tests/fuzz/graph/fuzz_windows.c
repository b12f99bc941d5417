/*
 * Bytes to a stream of events to windows, graphs, JSON, dot and features: any types, sources,
 * times, strings and failing allocations. What must hold is checked: sane graphs in canonical
 * order, memory near its budget, every window once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "graph/features.h"
#include "graph/window.h"

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t take(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

static struct lg_str take_str(struct input *in)
{
    size_t n = take(in) % 48;
    struct lg_str s;

    if (n > in->n)
        n = in->n;
    s = lg_str_of((const char *)in->p, n);
    in->p += n;
    in->n -= n;
    return s;
}

static const char *const words[] = {"C:\\Windows\\System32\\cmd.exe", "/bin/bash", "g1", "g2",
        "HKLM\\System\\ControlSet001\\x", "S-1-5-21-1-2-3-500", "powershell -enc SQBFAFgA",
        "\\\\srv\\share\\x.txt", "10.0.0.1", "fe80::1", "{52805FBA-4F6C-1685-48AA-35222B9B0D24}",
        "%SystemRoot%\\x.exe", "C:\\Users\\bob\\x.ps1", "DOM\\bob", "unix:/run/x", "DeleteKey"};

static void put_field(struct lg_event *ev, struct input *in)
{
    enum lg_field f = (enum lg_field)(take(in) % LG_FIELD_COUNT);
    uint8_t how = take(in);

    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        lg_event_set_str(ev, f, how < 160 ? lg_str_z(words[how % 16]) : take_str(in));
        break;
    case LG_FIELD_BOOL:
        lg_event_set_bool(ev, f, (how & 1) != 0);
        break;
    case LG_FIELD_U64:
        lg_event_set_u64(ev, f, how < 200 ? how : ~UINT64_C(0) >> (how % 64));
        break;
    default:
        lg_event_set_i64(ev, f, how < 200 ? how : (int64_t)(~UINT64_C(0) >> (how % 64)));
        break;
    }
}

static void check(bool ok)
{
    if (!ok)
        abort();
}

struct state {
    struct lg_features *fs;
    lg_time last_end[4];
};

static int on_graph(void *user, const struct lg_graph *g)
{
    struct state *st = user;
    struct lg_node_features nf;
    struct lg_buf out;
    float counts[1024];
    const uint32_t *tok;
    uint32_t n;
    unsigned e = (unsigned)(g->endpoint_id.p[0] - 'a');

    check(g->events > 0 && g->n_nodes <= 64 && g->n_edges <= 128);
    check(g->end_ns > st->last_end[e]);
    st->last_end[e] = g->end_ns;
    for (uint32_t i = 0; i < g->n_edges; i++) {
        check(g->edges[i].src < g->n_nodes && g->edges[i].dst < g->n_nodes);
        check(g->edges[i].count > 0 && g->edges[i].first_ns <= g->edges[i].last_ns);
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        check(g->nodes[i].name.n <= LG_MAX_NODE_TEXT && g->nodes[i].instances > 0);
        check(i == 0 || g->nodes[i - 1].type <= g->nodes[i].type);
    }
    lg_buf_init(&out, 16u << 20);
    lg_graph_write_json(g, &out);
    lg_buf_addc(&out, '\n');
    lg_graph_write_dot(g, &out);
    lg_buf_done(&out);
    if (st->fs == NULL || lg_features_nodes(st->fs, g, &lg_view_default, &nf) < 0 ||
            lg_features_graph_tokens(st->fs, g, &lg_view_default, NULL, &tok, &n) < 0 ||
            lg_features_counts(st->fs, g, &lg_view_default, NULL, counts) < 0)
        return 0;
    check(nf.n_nodes <= g->n_nodes && nf.n_edges <= g->n_edges);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_window_options opt = lg_window_defaults;
    struct input in = {data, size > 4096 ? 4096 : size};
    struct state st = {.fs = NULL};
    struct lg_windows *ws = NULL;
    static struct lg_event ev;
    lg_time t = INT64_C(1700000000) * LG_NS_PER_SEC;
    uint8_t fail = take(&in);
    uint64_t id = 0;
    int r;

    opt.max_nodes = 64;
    opt.max_edges = 128;
    opt.max_endpoint_bytes = 64 << 10;
    opt.max_total_bytes = 128 << 10;
    if (lg_features_new(&st.fs) < 0)
        return 0;
    if (fail >= 128)
        (void)lg_mem_fail_from((uint64_t)(fail - 127) * 4);
    r = lg_windows_new(&opt, on_graph, &st, &ws);
    while (r == 0 && in.n > 0) {
        uint8_t head = take(&in), step = take(&in);
        struct lg_window_stats ws_st;

        lg_event_clear(&ev);
        ev.tenant_id = LG_STR("t");
        ev.endpoint_id = lg_str_of(&"abcd"[head & 3], 1);
        ev.hostname = LG_STR("ws1.corp.example");
        ev.platform = (head & 4) != 0 ? LG_PLATFORM_LINUX : LG_PLATFORM_WINDOWS;
        ev.source = (enum lg_source)((head >> 3) % LG_SOURCE_COUNT);
        ev.type = (enum lg_event_type)(take(&in) % LG_EVENT_TYPE_COUNT);
        t += ((lg_time)step - 64) * (step > 200 ? LG_NS_PER_SEC : LG_NS_PER_SEC / 8);
        ev.time_ns = t;
        id += (head & 128) != 0 ? 0 : 1;
        memcpy(ev.event_id.b, &id, sizeof(id));
        for (uint8_t k = take(&in) % 8; k > 0; k--)
            put_field(&ev, &in);
        r = lg_windows_push(ws, &ev);
        lg_windows_stats(ws, &ws_st);
        check(ws_st.bytes < 16u << 20);
    }
    if (r == 0)
        r = lg_windows_flush(ws);
    (void)lg_mem_fail_from(0);
    check(r == 0 || r == LG_ENOMEM);
    lg_windows_free(ws);
    lg_features_free(st.fs);
    return 0;
}

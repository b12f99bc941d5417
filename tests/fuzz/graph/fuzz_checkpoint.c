/*
 * Arbitrary bytes as a checkpoint (with the hash made right, so that they get past it), then an
 * event, silence and a checkpoint of what came of it: what is taken must be usable, what is
 * written must be readable.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "graph/checkpoint.h"
#include "graph/window_live.h"

static int on_window(void *user, const struct lg_graph *g)
{
    struct lg_buf *b = user;

    if (g->events > 0 && g->n_edges > 0 && g->edges[0].src >= g->n_nodes)
        abort();
    lg_buf_clear(b);
    lg_graph_write_json(g, b);
    return 0;
}

static struct lg_windows *live(struct lg_buf *b)
{
    const struct lg_live_options lo = {0};
    struct lg_windows *ws;

    if (lg_windows_new(&lg_window_defaults, on_window, b, &ws) < 0)
        abort();
    if (lg_windows_live(ws, &lo) < 0)
        abort();
    return ws;
}

static void go_on(struct lg_windows *ws, struct lg_buf *json)
{
    static struct lg_event ev;
    const struct lg_live_input in = {
            .source = 1, .bus_time = INT64_C(1) << 60, .offset = INT64_MAX};
    struct lg_windows_checkpoint ck;
    struct lg_windows *ws2;
    struct lg_buf again;
    bool cut;
    int r;

    lg_event_clear(&ev);
    ev.tenant_id = lg_endpoint_tenant(ws->newest);
    ev.endpoint_id = lg_endpoint_id(ws->newest);
    ev.source = LG_SOURCE_SYSMON;
    ev.type = LG_EVENT_PROCESS_CREATE;
    ev.time_ns = ws->newest->watermark + 1;
    lg_event_set_u64(&ev, LG_F_PROCESS_ID, 7);
    lg_event_set_str(&ev, LG_F_IMAGE, LG_STR("C:\\a.exe"));
    lg_event_set_str(&ev, LG_F_PARENT_IMAGE, LG_STR("C:\\b.exe"));
    if (lg_windows_push_live(ws, &ev, &in) < 0)
        abort();
    lg_buf_init(&again, 64u << 20);
    r = lg_windows_export(ws, &again, &ck);
    if (r < 0)
        abort();
    if (r == 1) {
        ws2 = live(json);
        if (lg_windows_import(ws2, lg_buf_str(&again), &cut) < 0)
            abort();
        lg_windows_free(ws2);
    }
    lg_buf_done(&again);
    if (lg_windows_tick(ws, (INT64_C(1) << 60) + 500 * LG_NS_PER_SEC, INT64_MAX) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_buf json;
    struct lg_windows *ws;
    char *p;
    bool cut;

    if (size < CK_HEAD || size > 1u << 20)
        return 0;
    lg_buf_init(&json, 256u << 20);
    p = lg_memdup(data, size);
    lg_ck_hash(lg_str_of(p, size), p + 5);
    ws = live(&json);
    if (lg_windows_import(ws, lg_str_of(p, size), &cut) == 0)
        go_on(ws, &json);
    else if (ws->st.endpoints != 0 || ws->endpoint_bytes != 0)
        abort();
    lg_windows_free(ws);
    lg_buf_done(&json);
    lg_free(p);
    return 0;
}

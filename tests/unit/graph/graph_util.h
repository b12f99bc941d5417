/* Events by hand and graphs as text, for the tests of this folder. */
#ifndef LG_TESTS_GRAPH_UTIL_H
#define LG_TESTS_GRAPH_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"
#include "graph/window.h"

#define T0 (INT64_C(1700000040) * LG_NS_PER_SEC) /* a multiple of 60 s */
#define SEC LG_NS_PER_SEC

struct graph_log {
    LG_VEC(struct lg_buf) json; /* one for each window */
    int fail_at;                /* return LG_EINTR from this call on; 0 = never */
    void (*look)(const struct lg_graph *g, void *user);
    void *user;
};

static inline int graph_log_add(void *user, const struct lg_graph *g)
{
    struct graph_log *log = user;
    struct lg_buf b;

    if (log->look != NULL)
        log->look(g, log->user);
    lg_buf_init(&b, 64u << 20);
    lg_graph_write_json(g, &b);
    if (b.failed < 0) {
        lg_buf_done(&b);
        return b.failed;
    }
    if (lg_vec_push(&log->json, b) < 0) {
        lg_buf_done(&b);
        return LG_ENOMEM;
    }
    return log->fail_at > 0 && log->json.n >= (size_t)log->fail_at ? LG_EINTR : 0;
}

static inline void graph_log_done(struct graph_log *log)
{
    for (size_t i = 0; i < log->json.n; i++)
        lg_buf_done(&log->json.v[i]);
    lg_vec_done(&log->json);
}

static inline bool graph_log_has(const struct graph_log *log, size_t i, const char *text)
{
    return i < log->json.n && lg_str_find(lg_buf_str(&log->json.v[i]), lg_str_z(text)) >= 0;
}

static inline struct lg_event event_at(enum lg_event_type type, lg_time t, uint64_t id)
{
    struct lg_event ev;

    memset(&ev, 0, sizeof(ev));
    ev.tenant_id = LG_STR("default");
    ev.endpoint_id = LG_STR("ws1");
    ev.hostname = LG_STR("ws1.corp.example");
    ev.source = LG_SOURCE_SYSMON;
    ev.platform = LG_PLATFORM_WINDOWS;
    ev.type = type;
    ev.time_ns = ev.claimed_time_ns = t;
    id = lg_hash64(&id, sizeof(id), 7);
    memcpy(ev.event_id.b, &id, sizeof(id));
    return ev;
}

static inline void set_z(struct lg_event *ev, enum lg_field f, const char *z)
{
    if (z != NULL)
        lg_event_set_str(ev, f, lg_str_z(z));
}

static inline void set_actor(struct lg_event *ev, const char *guid, uint32_t pid, const char *image)
{
    set_z(ev, LG_F_PROCESS_GUID, guid);
    if (pid > 0)
        lg_event_set_u64(ev, LG_F_PROCESS_ID, pid);
    set_z(ev, LG_F_IMAGE, image);
}

static inline void set_parent(
        struct lg_event *ev, const char *guid, uint32_t pid, const char *image, const char *cmd)
{
    set_z(ev, LG_F_PARENT_PROCESS_GUID, guid);
    if (pid > 0)
        lg_event_set_u64(ev, LG_F_PARENT_PROCESS_ID, pid);
    set_z(ev, LG_F_PARENT_IMAGE, image);
    set_z(ev, LG_F_PARENT_COMMAND_LINE, cmd);
}

static inline struct lg_event create_at(
        lg_time t, uint64_t id, const char *guid, uint32_t pid, const char *image, const char *cmd)
{
    struct lg_event ev = event_at(LG_EVENT_PROCESS_CREATE, t, id);

    set_actor(&ev, guid, pid, image);
    set_z(&ev, LG_F_COMMAND_LINE, cmd);
    set_z(&ev, LG_F_INTEGRITY_LEVEL, "Medium");
    set_z(&ev, LG_F_USER, "CORP\\jane.doe");
    return ev;
}

static inline struct lg_event linux_event(enum lg_event_type type, lg_time t, uint64_t id)
{
    struct lg_event ev = event_at(type, t, id);

    ev.platform = LG_PLATFORM_LINUX;
    ev.source = LG_SOURCE_AUDITD;
    return ev;
}

static inline const struct lg_node *find_named(
        const struct lg_graph *g, enum lg_node_type type, const char *name)
{
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].type == type && lg_str_eq(g->nodes[i].name, lg_str_z(name)))
            return &g->nodes[i];
    return NULL;
}

static inline const struct lg_edge *find_edge(
        const struct lg_graph *g, const char *src, enum lg_edge_type type, const char *dst)
{
    for (uint32_t i = 0; i < g->n_edges; i++) {
        const struct lg_edge *ed = &g->edges[i];

        if (ed->type == type && lg_str_eq(g->nodes[ed->src].name, lg_str_z(src)) &&
                lg_str_eq(g->nodes[ed->dst].name, lg_str_z(dst)))
            return ed;
    }
    return NULL;
}

#endif

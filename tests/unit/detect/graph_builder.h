#ifndef LG_TESTS_GRAPH_BUILDER_H
#define LG_TESTS_GRAPH_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"

/*
 * Small graphs by hand. A line of text is a node or an edge:
 *     NODE =type[attr,attr]{detail}*count=> NODE
 * and a node is
 *     type!name#n :: command line @@ key=value, key=value
 * where the type is left out when the edge type says it (process as source), "#n" tells apart
 * nodes of one name, and the keys are user, orig, il, uclass, flags (names joined by +). For a
 * script without "::" the name is its text. Naming a node again finds it; what is new is added.
 */
#define GB_MAX 512

struct gb {
    struct lg_graph g;
    struct lg_node nodes[GB_MAX];
    struct lg_edge edges[GB_MAX];
    char keys[GB_MAX][256];
    char *mem; /* strings, freed at once */
    size_t mem_n;
};
#define GB_MEM (1u << 20)

static inline void gb_init(struct gb *b, enum lg_platform platform)
{
    char *mem = b->mem;

    memset(b, 0, sizeof(*b));
    b->mem = mem != NULL ? mem : malloc(GB_MEM);
    assert_non_null(b->mem);
    b->g.platform = platform;
    b->g.nodes = b->nodes;
    b->g.edges = b->edges;
    b->g.end_ns = 180 * LG_NS_PER_SEC;
}

static inline void gb_done(struct gb *b)
{
    free(b->mem);
    b->mem = NULL;
}

static inline struct lg_str gb_keep(struct gb *b, struct lg_str s)
{
    char *p = b->mem + b->mem_n;

    assert_true(b->mem_n + s.n + 1 < GB_MEM);
    memcpy(p, s.p, s.n);
    b->mem_n += s.n + 1;
    return lg_str_of(p, s.n);
}

static inline int gb_node_type(struct lg_str s)
{
    for (int t = 0; t < LG_NODE_TYPE_COUNT; t++) {
        static const char *const names[] = {
#define X(e, n) n,
                LG_NODE_TYPES(X)
#undef X
        };
        if (lg_str_eq(s, lg_str_z(names[t])))
            return t;
    }
    return -1;
}

static inline int gb_edge_type(struct lg_str s)
{
    static const char *const names[] = {
#define X(e, n, d) n,
            LG_EDGE_TYPES(X)
#undef X
    };

    for (int t = 0; t < LG_EDGE_TYPE_COUNT; t++)
        if (lg_str_eq(s, lg_str_z(names[t])))
            return t;
    fail_msg("edge type %.*s", LG_STR_FMT(s));
    return -1;
}

static inline int gb_default_dst(int edge)
{
    switch (edge) {
    case LG_EDGE_LOAD:
    case LG_EDGE_DRIVER_LOAD:
        return LG_NODE_MODULE;
    case LG_EDGE_KEY_CREATE:
    case LG_EDGE_KEY_DELETE:
    case LG_EDGE_VALUE_SET:
    case LG_EDGE_KEY_RENAME:
        return LG_NODE_REGISTRY;
    case LG_EDGE_PIPE_CREATE:
    case LG_EDGE_PIPE_CONNECT:
        return LG_NODE_PIPE;
    case LG_EDGE_CONNECT_OUT:
    case LG_EDGE_CONNECT_IN:
    case LG_EDGE_LISTEN:
        return LG_NODE_NETWORK;
    case LG_EDGE_DNS_QUERY:
        return LG_NODE_DNS;
    case LG_EDGE_RAW_READ:
        return LG_NODE_DEVICE;
    case LG_EDGE_WMI_SUBSCRIBE:
        return LG_NODE_WMI;
    case LG_EDGE_MEMFD:
    case LG_EDGE_BPF:
    case LG_EDGE_MOUNT:
    case LG_EDGE_KMOD:
        return LG_NODE_KERNEL;
    case LG_EDGE_SCRIPT_RUN:
        return LG_NODE_SCRIPT;
    case LG_EDGE_SHARE_ACCESS:
        return LG_NODE_SHARE;
    case LG_EDGE_SERVICE_INSTALL:
    case LG_EDGE_TASK_CREATE:
        return LG_NODE_SERVICE;
    case LG_EDGE_SETID:
    case LG_EDGE_LOGON:
    case LG_EDGE_LOGON_FAILED:
    case LG_EDGE_LOGON_EXPLICIT:
    case LG_EDGE_PRIVILEGES:
    case LG_EDGE_USER_CREATE:
    case LG_EDGE_GROUP_ADD:
        return LG_NODE_ACCOUNT;
    case LG_EDGE_LOG_CLEAR:
    case LG_EDGE_AUDIT_CHANGE:
        return LG_NODE_LOG;
    default:
        return edge >= LG_EDGE_READ && edge <= LG_EDGE_EXECUTABLE_WRITE ? LG_NODE_FILE
                : edge == LG_EDGE_OBJECT_ACCESS                         ? LG_NODE_FILE
                                                                        : LG_NODE_PROCESS;
    }
}

static inline int gb_default_src(int edge)
{
    if (edge == LG_EDGE_SHARE_ACCESS)
        return LG_NODE_NETWORK;
    return edge == LG_EDGE_PRIVILEGES || edge == LG_EDGE_USER_CREATE || edge == LG_EDGE_GROUP_ADD
            ? LG_NODE_ACCOUNT
            : LG_NODE_PROCESS;
}

/* Splits at the first `sep`; false where there is none (then *ret is the whole). */
static inline bool gb_cut(struct lg_str *s, const char *sep, struct lg_str *ret)
{
    ptrdiff_t at = lg_str_find(*s, lg_str_z(sep));

    if (at < 0) {
        *ret = lg_str_trim(*s);
        *s = lg_str_of(s->p + s->n, 0);
        return false;
    }
    *ret = lg_str_trim(lg_str_sub(*s, 0, (size_t)at));
    *s = lg_str_sub(*s, (size_t)at + strlen(sep), s->n);
    return true;
}

static inline uint32_t gb_flags(struct lg_str s)
{
    static const char *const names[] = {"created", "context", "stub", "exited", "signed",
            "unsigned", "base64", "long", "user_path", "truncated"};
    struct lg_str part;
    uint32_t bits = 0;

    while (lg_str_split(&s, '+', &part)) {
        unsigned i = 0;

        while (i < 10 && !lg_str_eq(part, lg_str_z(names[i])))
            i++;
        assert_true(i < 10);
        bits |= 1u << i;
    }
    return bits;
}

static inline void gb_extra(struct gb *b, struct lg_node *v, struct lg_str extra)
{
    struct lg_str pair, key;

    while (extra.n > 0) {
        gb_cut(&extra, ",", &pair);
        gb_cut(&pair, "=", &key);
        pair = lg_str_trim(pair);
        if (lg_str_eq(key, LG_STR("user")))
            v->user = gb_keep(b, pair);
        else if (lg_str_eq(key, LG_STR("orig")))
            v->original = gb_keep(b, pair);
        else if (lg_str_eq(key, LG_STR("flags")))
            v->flags |= gb_flags(pair);
        else if (lg_str_eq(key, LG_STR("il")))
            v->integrity = (uint8_t)(pair.p[0] - '0');
        else if (lg_str_eq(key, LG_STR("uclass")))
            v->user_class = (uint8_t)(pair.p[0] - '0');
        else
            fail_msg("node key %.*s", LG_STR_FMT(key));
    }
}

static inline uint32_t gb_node(struct gb *b, int type, struct lg_str text)
{
    struct lg_str head, name, cmd, key;
    struct lg_node *v;
    ptrdiff_t mark;
    uint32_t i = 0;

    gb_cut(&text, "@@", &head);
    cmd = head;
    if (!gb_cut(&cmd, " :: ", &name))
        cmd.n = 0;
    cmd = lg_str_trim(cmd);
    key = name;
    mark = lg_str_chr(name, '!');
    if (mark > 0 && gb_node_type(lg_str_sub(name, 0, (size_t)mark)) >= 0) {
        type = gb_node_type(lg_str_sub(name, 0, (size_t)mark));
        name = lg_str_sub(name, (size_t)mark + 1, name.n);
    }
    if (name.n > 2 && name.p[name.n - 2] == '#')
        name = lg_str_sub(name, 0, name.n - 2);
    if (key.n > 255)
        key.n = 255;
    while (i < b->g.n_nodes && (b->nodes[i].type != type || !lg_str_eq(key, lg_str_z(b->keys[i]))))
        i++;
    v = &b->nodes[i];
    if (i == b->g.n_nodes) {
        assert_true(i < GB_MAX);
        b->g.n_nodes++;
        memcpy(b->keys[i], key.p, key.n);
        v->type = (uint8_t)type;
        v->raw = v->name = gb_keep(b, type == LG_NODE_SCRIPT && cmd.n == 0 ? LG_STR("") : name);
        v->instances = 1;
    }
    if (type == LG_NODE_SCRIPT && cmd.n == 0)
        cmd = name;
    if (cmd.n > 0)
        v->cmd = v->cmd_raw = gb_keep(b, cmd);
    gb_extra(b, v, text);
    return i;
}

static inline uint32_t gb_attrs(struct lg_str s)
{
    static const char *const names[] = {
#define X(e, n) n,
            LG_EDGE_ATTRS(X)
#undef X
    };
    struct lg_str part;
    uint32_t bits = 0;

    while (lg_str_split(&s, ',', &part)) {
        unsigned i = 0;

        while (i < LG_EDGE_ATTR_COUNT && !lg_str_eq(lg_str_trim(part), lg_str_z(names[i])))
            i++;
        if (i == LG_EDGE_ATTR_COUNT)
            fail_msg("edge attribute %.*s", LG_STR_FMT(part));
        bits |= 1u << i;
    }
    return bits;
}

/* Where " =name" starts an edge arrow; -1 where the line is a node. */
static inline ptrdiff_t gb_arrow(struct lg_str s)
{
    for (size_t i = 0; i + 2 < s.n; i++)
        if (s.p[i] == ' ' && s.p[i + 1] == '=' && s.p[i + 2] >= 'a' && s.p[i + 2] <= 'z' &&
                lg_str_find(lg_str_sub(s, i, s.n), LG_STR("=> ")) > 0)
            return (ptrdiff_t)i;
    return -1;
}

static inline void gb_line(struct gb *b, const char *z)
{
    struct lg_str s = lg_str_trim(lg_str_z(z)), arrow, type, src;
    struct lg_edge *e;
    ptrdiff_t at = gb_arrow(s), p;
    uint64_t count = 1;

    if (at < 0) {
        gb_node(b, LG_NODE_PROCESS, s);
        return;
    }
    src = lg_str_sub(s, 0, (size_t)at);
    s = lg_str_sub(s, (size_t)at + 2, s.n);
    /* the last "=> " ends the arrow: details may hold one */
    p = lg_str_find(s, LG_STR("=> "));
    while (lg_str_chr(lg_str_sub(s, 0, (size_t)p), '{') >= 0 &&
            lg_str_rchr(lg_str_sub(s, 0, (size_t)p), '}') < 0)
        p += 3 + lg_str_find(lg_str_sub(s, (size_t)p + 3, s.n), LG_STR("=> "));
    arrow = lg_str_sub(s, 0, (size_t)p);
    s = lg_str_sub(s, (size_t)p + 3, s.n);
    assert_true(b->g.n_edges < GB_MAX);
    e = &b->edges[b->g.n_edges++];
    p = 0;
    while ((size_t)p < arrow.n && (arrow.p[p] == '_' || (arrow.p[p] >= 'a' && arrow.p[p] <= 'z')))
        p++;
    type = lg_str_sub(arrow, 0, (size_t)p);
    arrow = lg_str_sub(arrow, (size_t)p, arrow.n);
    e->type = (uint8_t)gb_edge_type(type);
    if (arrow.n > 0 && arrow.p[0] == '[') {
        p = lg_str_chr(arrow, ']');
        assert_true(p > 0);
        e->attr = gb_attrs(lg_str_sub(arrow, 1, (size_t)p));
        arrow = lg_str_sub(arrow, (size_t)p + 1, arrow.n);
    }
    if (arrow.n > 0 && arrow.p[0] == '{') {
        p = lg_str_rchr(arrow, '}');
        assert_true(p > 0);
        e->detail = gb_keep(b, lg_str_sub(arrow, 1, (size_t)p));
        arrow = lg_str_sub(arrow, (size_t)p + 1, arrow.n);
    }
    if (arrow.n > 1 && arrow.p[0] == '*')
        assert_int_equal(lg_parse_u64(lg_str_sub(arrow, 1, arrow.n), &count), 0);
    e->count = (uint32_t)count;
    e->src = gb_node(b, gb_default_src(e->type), src);
    e->dst = gb_node(b, gb_default_dst(e->type), s);
    b->g.events++;
}

#endif

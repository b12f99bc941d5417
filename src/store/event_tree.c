#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/event_common.h"

/* Process trees from creations, whoever stored them. */
#define MAX_UP 64 /* ancestors looked up for one process */

static uint64_t guid_hash(struct lg_str s)
{
    return s.n == 0 ? 0 : lg_hash_str(s, 21) | 1;
}

int lg_tree_query_check(const struct lg_tree_query *q)
{
    return q->tenant.n == 0 || q->from < 0 || q->to <= q->from || q->max_nodes < 1 ||
                    q->max_nodes > 10000
            ? LG_EINVAL
            : 0;
}

void lg_proctree_init(struct lg_proctree *f, const struct lg_tree_query *q, struct lg_arena *a)
{
    *f = (struct lg_proctree){.q = q, .a = a};
    lg_map_init(&f->by_guid);
    lg_map_init(&f->by_pid);
}

void lg_proctree_done(struct lg_proctree *f)
{
    lg_vec_done(&f->v);
    lg_map_done(&f->by_guid);
    lg_map_done(&f->by_pid);
}

struct lg_proctree_node *lg_proctree_find(const struct lg_proctree *f, struct lg_str guid)
{
    uint64_t *at = guid.n > 0 ? lg_map_get(&f->by_guid, guid_hash(guid)) : NULL;

    return at != NULL ? &f->v.v[*at] : NULL;
}

static int add_node(struct lg_proctree *f, struct lg_proctree_node *n)
{
    uint32_t at = (uint32_t)f->v.n;
    int rc;

    n->up = -1;
    rc = lg_vec_push(&f->v, *n);
    if (rc >= 0 && n->guid != 0)
        rc = lg_map_put(&f->by_guid, n->guid, at);
    if (rc >= 0 && n->n.pid != 0)
        rc = lg_map_put(&f->by_pid, n->n.pid, at);
    return rc;
}

/* Two sources tell of one start at nearly one time, and one of them knows no GUIDs. */
#define ONE_START_NS (2 * LG_NS_PER_SEC)

static struct lg_proctree_node *told_without_guid(
        const struct lg_proctree *f, const struct lg_proctree_node *n)
{
    uint64_t *at = n->n.pid != 0 ? lg_map_get(&f->by_pid, n->n.pid) : NULL;
    struct lg_proctree_node *old = at != NULL ? &f->v.v[*at] : NULL;

    if (old == NULL || (old->guid == 0) == (n->guid == 0) || old->n.image.n == 0 ||
            !lg_str_ieq(lg_str_basename(old->n.image), lg_str_basename(n->n.image)))
        return NULL;
    return old->n.started - n->n.started <= ONE_START_NS &&
                    n->n.started - old->n.started <= ONE_START_NS
            ? old
            : NULL;
}

/* One node of the two: what the source with GUIDs says, and where it is silent the other. */
static int merge_start(
        struct lg_proctree *f, struct lg_proctree_node *old, const struct lg_proctree_node *n)
{
    struct lg_proctree_node one = old->guid != 0 ? *old : *n;
    const struct lg_proctree_node *other = old->guid != 0 ? n : old;

    if (one.n.command_line.n == 0)
        one.n.command_line = other->n.command_line;
    if (one.n.user.n == 0)
        one.n.user = other->n.user;
    if (one.n.hash.n == 0)
        one.n.hash = other->n.hash;
    if (one.ppid == 0)
        one.ppid = other->ppid;
    one.up = -1;
    *old = one;
    return lg_map_put(&f->by_guid, one.guid, (uint64_t)(old - f->v.v));
}

int lg_proctree_add(struct lg_proctree *f, const struct lg_creation *c, lg_time started,
        const struct lg_uuid *event_id)
{
    struct lg_proctree_node n = {.n = {.process_guid = c->guid,
                                         .pid = c->pid,
                                         .image = c->image,
                                         .command_line = c->command,
                                         .user = c->user,
                                         .hash = c->hash,
                                         .started = started,
                                         .event_id = *event_id},
            .guid = guid_hash(c->guid),
            .parent = guid_hash(c->parent_guid),
            .parent_guid = c->parent_guid,
            .parent_image = c->parent_image,
            .ppid = c->ppid};
    struct lg_proctree_node *old;

    if (n.guid != 0 && lg_map_get(&f->by_guid, n.guid) != NULL)
        return 0; /* told twice, by two sources */
    old = told_without_guid(f, &n);
    if (old != NULL)
        return merge_start(f, old, &n);
    return add_node(f, &n);
}

void lg_proctree_count(struct lg_tree_node *n, int64_t type, uint32_t count, lg_time t)
{
    if (type == LG_EVENT_PROCESS_TERMINATE)
        n->ended = t;
    else if ((type >= LG_EVENT_FILE_OPEN && type <= LG_EVENT_FILE_EXECUTABLE_DETECTED))
        n->files += count;
    else if (type >= LG_EVENT_REGISTRY_KEY && type <= LG_EVENT_REGISTRY_RENAME)
        n->registry += count;
    else if (type >= LG_EVENT_NETWORK_CONNECT && type <= LG_EVENT_DNS_QUERY)
        n->network += count;
}

static int by_creation(const void *pa, const void *pb)
{
    const struct lg_proctree_node *a = (const struct lg_proctree_node *)pa;
    const struct lg_proctree_node *b = (const struct lg_proctree_node *)pb;

    if (a->n.started != b->n.started)
        return a->n.started < b->n.started ? -1 : 1;
    return memcmp(a->n.event_id.b, b->n.event_id.b, sizeof(a->n.event_id.b));
}

/* In the order of their starts, however they were found: of two with one pid the later one counts,
 * of two with one time always the same one comes first. */
static int bring_in_order(struct lg_proctree *f)
{
    int rc = 0;

    if (f->v.n > 1)
        qsort(f->v.v, f->v.n, sizeof(*f->v.v), by_creation);
    lg_map_done(&f->by_guid);
    lg_map_done(&f->by_pid);
    lg_map_init(&f->by_guid);
    lg_map_init(&f->by_pid);
    for (size_t i = 0; rc >= 0 && i < f->v.n; i++) {
        const struct lg_proctree_node *n = &f->v.v[i];

        if (n->guid != 0)
            rc = lg_map_put(&f->by_guid, n->guid, i);
        if (rc >= 0 && n->n.pid != 0)
            rc = lg_map_put(&f->by_pid, n->n.pid, i);
    }
    return rc;
}

/* Links children to parents; who is only named becomes a node of its own. */
static int link_parents(struct lg_proctree *f)
{
    size_t known = f->v.n;
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < known; i++) {
        struct lg_proctree_node *n = &f->v.v[i], stub = {0};
        uint64_t *at = n->parent != 0 ? lg_map_get(&f->by_guid, n->parent)
                : n->ppid != 0        ? lg_map_get(&f->by_pid, n->ppid)
                                      : NULL;

        if (at != NULL && *at != i && (n->parent != 0 || f->v.v[*at].n.started <= n->n.started)) {
            n->up = (int32_t)*at;
            continue;
        }
        if (n->parent == 0 && n->ppid == 0)
            continue;
        stub.n = (struct lg_tree_node){.inferred = true,
                .process_guid = n->parent_guid,
                .pid = n->ppid,
                .image = n->parent_image,
                .command_line = LG_STR(""),
                .user = LG_STR(""),
                .hash = LG_STR("")};
        stub.guid = n->parent;
        rc = add_node(f, &stub);
        if (rc >= 0)
            f->v.v[i].up = (int32_t)(f->v.n - 1);
    }
    return rc;
}

/* A circle can only come from records that lie; it is cut where it closes. */
static void cut_circles(struct lg_proctree *f)
{
    for (size_t i = 0; i < f->v.n; i++) {
        size_t slow = i, steps = 0;

        while (f->v.v[slow].up >= 0 && steps++ <= f->v.n) {
            if ((size_t)f->v.v[slow].up == i) {
                f->v.v[slow].up = -1;
                break;
            }
            slow = (size_t)f->v.v[slow].up;
            if (steps > MAX_UP) /* as deep as real trees go many times over */
                break;
        }
    }
}

static bool in_focus(const struct lg_proctree *f, const struct lg_proctree_node *n)
{
    for (uint32_t i = 0; n->n.process_guid.n > 0 && i < f->q->n_guids; i++)
        if (lg_str_eq(f->q->guids[i], n->n.process_guid))
            return true;
    return false;
}

/* Keeps what hangs together with the focus: ancestors and descendants. */
static void keep_relevant(struct lg_proctree *f)
{
    for (size_t i = 0; i < f->v.n; i++) {
        struct lg_proctree_node *n = &f->v.v[i];

        n->n.focus = in_focus(f, n);
        n->keep = f->q->n_guids == 0;
    }
    if (f->q->n_guids == 0)
        return;
    for (size_t i = 0; i < f->v.n; i++) {
        int32_t at = (int32_t)i;

        for (int k = 0; at >= 0 && k < MAX_UP; k++, at = f->v.v[at].up)
            if (f->v.v[at].n.focus) {
                f->v.v[i].keep = true;
                break;
            }
    }
    for (size_t i = 0; i < f->v.n; i++) {
        int32_t at = f->v.v[i].n.focus ? f->v.v[i].up : -1;

        for (int k = 0; at >= 0 && k < MAX_UP; k++, at = f->v.v[at].up)
            f->v.v[at].keep = true;
    }
}

struct order {
    lg_time t;
    uint32_t i;
};

static int by_start(const void *pa, const void *pb)
{
    const struct order *a = (const struct order *)pa, *b = (const struct order *)pb;

    if (a->t != b->t)
        return a->t < b->t ? -1 : 1;
    return (a->i > b->i) - (a->i < b->i);
}

/* Writes `i` after its parent; false when the tree is full. */
static bool place(struct lg_proctree *f, uint32_t i, struct lg_tree *out)
{
    uint32_t chain[MAX_UP + 1], n = 0;

    for (int32_t at = (int32_t)i; at >= 0 && n <= MAX_UP; at = f->v.v[at].up) {
        if (f->v.v[at].order != UINT32_MAX)
            break;
        if (!f->v.v[at].keep)
            break;
        chain[n++] = (uint32_t)at;
    }
    while (n > 0) {
        struct lg_proctree_node *x = &f->v.v[chain[--n]];

        if (out->n == f->q->max_nodes) {
            out->truncated = true;
            return false;
        }
        x->order = out->n;
        x->n.parent =
                x->up >= 0 && f->v.v[x->up].order != UINT32_MAX ? (int32_t)f->v.v[x->up].order : -1;
        out->nodes[out->n++] = x->n;
    }
    return true;
}

static int write_tree(struct lg_proctree *f, struct lg_tree *out)
{
    struct order *o = (struct order *)lg_calloc(f->v.n + 1, sizeof(*o));
    uint32_t n = 0;

    out->nodes = (struct lg_tree_node *)lg_arena_alloc(
            f->a, (f->q->max_nodes + 1u) * sizeof(*out->nodes));
    if (o == NULL || out->nodes == NULL) {
        lg_free(o);
        return LG_ENOMEM;
    }
    for (size_t i = 0; i < f->v.n; i++) {
        f->v.v[i].order = UINT32_MAX;
        if (f->v.v[i].keep)
            o[n++] = (struct order){f->v.v[i].n.started, (uint32_t)i};
    }
    qsort(o, n, sizeof(*o), by_start);
    out->truncated = f->truncated;
    for (uint32_t i = 0; i < n; i++)
        if (!place(f, o[i].i, out))
            break;
    lg_free(o);
    return 0;
}

int lg_proctree_write(struct lg_proctree *f, struct lg_tree *ret)
{
    struct lg_tree out = {0};
    int rc = bring_in_order(f);

    if (rc >= 0)
        rc = link_parents(f);
    if (rc < 0)
        return rc;
    cut_circles(f);
    keep_relevant(f);
    rc = write_tree(f, &out);
    if (rc >= 0)
        *ret = out;
    return rc;
}

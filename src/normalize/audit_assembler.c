#include "normalize/audit_assembler.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

#define WAIT_NS (2 * LG_NS_PER_SEC)
#define MAX_LOOKS 8 /* how often a marked group is offered before it must wait */
#define MAX_SLOTS (2 * LG_MAX_AUDIT_OPEN)
#define LATE_RECORDS 32     /* of the host, for which a group with gaps waits on */
#define KEEP_BUF_BYTES 8192 /* of a free slot's buffer */
#define KEEP_LINES 64
#define KEEP_NODES 64 /* hosts without open groups whose clock is remembered */
#define BEHIND_NS (60 * LG_NS_PER_SEC)
#define BEHIND_RECORDS 128 /* in a row: then the clock was wrong, not the records */

struct link {
    struct link *prev;
    struct link *next;
};

/* A host and its clock. */
struct node {
    uint64_t hash;
    lg_time now;        /* largest record time */
    lg_time behind_max; /* largest time of the current run of records far behind `now` */
    uint32_t behind;
    uint32_t refs;    /* groups, open or ready */
    uint64_t records; /* seen so far */
    struct link late; /* groups that were kept after their time, by late_until */
    struct link open; /* its open groups by last record, longest waiting first */
    size_t name_n;
    char name[];
};

struct slot {
    struct link all;     /* in as->open, as->ready or as->spare */
    struct link of_node; /* in node->open or node->late while open */
    struct node *node;
    uint64_t hash;
    lg_time time_ns;
    uint64_t serial;
    lg_time touched; /* node->now at the last record */
    struct lg_position pos;
    struct lg_buf raw;
    LG_VEC(struct lg_audit_line) lines;
    uint64_t late_until; /* node->records */
    enum lg_audit_end end;
    uint32_t looks;
    bool late;
    bool is_open;
    bool has_syscall;
    bool marked;
};

struct lg_audit_assembler {
    struct lg_map by_key;  /* hash of a group -> struct slot * */
    struct lg_map by_name; /* hash of a host -> struct node * */
    struct link open;      /* longest waiting first */
    struct link ready;
    struct link spare;
    struct node *last_node;
    size_t n_open;
    size_t n_slots;
    size_t open_bytes;
};

static void link_init(struct link *l)
{
    l->prev = l->next = l;
}

static void link_push(struct link *list, struct link *l)
{
    l->prev = list->prev;
    l->next = list;
    list->prev->next = l;
    list->prev = l;
}

static void link_push_front(struct link *list, struct link *l)
{
    link_push(list->next, l);
}

static void link_cut(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}

static struct slot *slot_of_all(struct link *l)
{
    return (struct slot *)(void *)((char *)l - offsetof(struct slot, all));
}

static struct slot *slot_of_node(struct link *l)
{
    return (struct slot *)(void *)((char *)l - offsetof(struct slot, of_node));
}

int lg_audit_assembler_new(struct lg_audit_assembler **ret)
{
    struct lg_audit_assembler *as = lg_calloc(1, sizeof(*as));

    if (as == NULL)
        return LG_ENOMEM;
    lg_map_init(&as->by_key);
    lg_map_init(&as->by_name);
    link_init(&as->open);
    link_init(&as->ready);
    link_init(&as->spare);
    *ret = as;
    return 0;
}

static void slots_free(struct link *list)
{
    while (list->next != list) {
        struct slot *s = slot_of_all(list->next);

        link_cut(&s->all);
        lg_buf_done(&s->raw);
        lg_vec_done(&s->lines);
        lg_free(s);
    }
}

void lg_audit_assembler_free(struct lg_audit_assembler *as)
{
    if (as == NULL)
        return;
    slots_free(&as->open);
    slots_free(&as->ready);
    slots_free(&as->spare);
    for (size_t i = 0; i < as->by_name.cap; i++)
        if (as->by_name.slots[i].used)
            lg_free((void *)(uintptr_t)as->by_name.slots[i].value);
    lg_map_done(&as->by_name);
    lg_map_done(&as->by_key);
    lg_free(as);
}

/* ---- hosts ---- */

static struct node *node_get(struct lg_audit_assembler *as, struct lg_str name)
{
    struct node *n = as->last_node;
    uint64_t hash, *v;

    if (n != NULL && lg_str_eq(lg_str_of(n->name, n->name_n), name))
        return n;
    hash = lg_hash_str(name, lg_hash_secret());
    v = lg_map_get(&as->by_name, hash);
    if (v != NULL) /* two names with one keyed 64-bit hash would share a clock, no more */
        return as->last_node = (struct node *)(uintptr_t)*v;
    n = lg_malloc(sizeof(*n) + name.n);
    if (n == NULL)
        return NULL;
    *n = (struct node){.hash = hash, .now = INT64_MIN, .name_n = name.n};
    if (name.n > 0)
        memcpy(n->name, name.p, name.n);
    link_init(&n->open);
    link_init(&n->late);
    if (lg_map_put(&as->by_name, hash, (uint64_t)(uintptr_t)n) < 0) {
        lg_free(n);
        return NULL;
    }
    return as->last_node = n;
}

/* A host whose last group went: its clock may be forgotten when there are many. */
static void node_release(struct lg_audit_assembler *as, struct node *n)
{
    if (--n->refs > 0 || as->by_name.n <= KEEP_NODES)
        return;
    if (as->last_node == n)
        as->last_node = NULL;
    (void)lg_map_del(&as->by_name, n->hash);
    lg_free(n);
}

/* ---- groups ---- */

static struct slot *slot_find(struct lg_audit_assembler *as, uint64_t hash, const struct node *n,
        const struct lg_audit_head *h)
{
    uint64_t *v = lg_map_get(&as->by_key, hash);
    struct slot *s = v != NULL ? (struct slot *)(uintptr_t)*v : NULL;

    if (s == NULL || !s->is_open || s->node != n || s->time_ns != h->time_ns ||
            s->serial != h->serial)
        return NULL;
    return s;
}

static uint64_t key_hash(const struct node *n, const struct lg_audit_head *h)
{
    return lg_hash_mix(lg_hash_mix(n->hash, (uint64_t)h->time_ns), h->serial);
}

/* From open to ready. */
static void slot_end(struct lg_audit_assembler *as, struct slot *s, enum lg_audit_end end)
{
    link_cut(&s->all);
    link_cut(&s->of_node);
    link_push(&as->ready, &s->all);
    s->is_open = false;
    s->end = end;
    as->n_open--;
    as->open_bytes -= s->raw.n;
}

/* Into the open lists, as the one touched last; a late one as the one that waits longest. */
static void slot_open(struct lg_audit_assembler *as, struct slot *s)
{
    link_cut(&s->all);
    if (s->late) {
        link_push_front(&as->open, &s->all);
        link_push(&s->node->late, &s->of_node);
    } else {
        link_push(&as->open, &s->all);
        link_push(&s->node->open, &s->of_node);
    }
    s->is_open = true;
    as->n_open++;
    as->open_bytes += s->raw.n;
}

static struct slot *slot_new(struct lg_audit_assembler *as)
{
    struct slot *s;

    if (as->spare.next != &as->spare)
        return slot_of_all(as->spare.next);
    if (as->n_slots >= MAX_SLOTS)
        return NULL;
    s = lg_calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    as->n_slots++;
    lg_buf_init(&s->raw, LG_MAX_AUDIT_EVENT_BYTES);
    link_init(&s->all);
    link_init(&s->of_node);
    link_push(&as->spare, &s->all);
    return s;
}

static int line_append(struct slot *s, const struct lg_audit_head *h, struct lg_str line)
{
    size_t gap = s->raw.n > 0 ? 1 : 0;

    if (lg_buf_reserve(&s->raw, line.n + gap) < 0)
        return LG_ENOMEM;
    if (lg_vec_push(&s->lines,
                (struct lg_audit_line){(uint32_t)(s->raw.n + gap), (uint32_t)line.n,
                        (uint32_t)(h->body.p - line.p), (uint32_t)h->body.n, h->type}) < 0)
        return LG_ENOMEM;
    if (gap > 0)
        lg_buf_addc(&s->raw, '\n');
    lg_buf_adds(&s->raw, line);
    return 0;
}

static int group_start(struct lg_audit_assembler *as, struct node *n, uint64_t hash,
        const struct lg_audit_head *h, struct lg_str line, struct lg_position pos,
        struct slot **ret)
{
    struct slot *s = slot_new(as);

    if (s == NULL)
        return LG_ENOMEM;
    lg_buf_clear(&s->raw);
    s->lines.n = 0;
    if (line_append(s, h, line) < 0 || lg_map_put(&as->by_key, hash, (uint64_t)(uintptr_t)s) < 0) {
        lg_buf_clear(&s->raw);
        return LG_ENOMEM;
    }
    s->node = n;
    n->refs++;
    s->hash = hash;
    s->time_ns = h->time_ns;
    s->serial = h->serial;
    s->pos = pos;
    s->looks = 0;
    s->marked = s->has_syscall = s->late = false;
    slot_open(as, s);
    *ret = s;
    return 0;
}

static int group_extend(struct lg_audit_assembler *as, struct slot *s,
        const struct lg_audit_head *h, struct lg_str line)
{
    size_t before = s->raw.n;

    if (line_append(s, h, line) < 0) {
        s->raw.failed = 0;
        return LG_ENOMEM;
    }
    as->open_bytes += s->raw.n - before;
    s->late = false;
    link_cut(&s->all);
    link_push(&as->open, &s->all);
    link_cut(&s->of_node);
    link_push(&s->node->open, &s->of_node);
    return 0;
}

/* ---- time ---- */

/* Records far behind the clock, one after the other: it was set back, or one record's time was
 * nonsense. Without this, nothing would end by time again. */
static void clock_rebase(struct node *n)
{
    n->now = n->behind_max;
    n->behind = 0;
    for (struct link *l = n->open.next; l != &n->open; l = l->next)
        if (slot_of_node(l)->touched > n->now)
            slot_of_node(l)->touched = n->now;
}

static void clock_advance(struct lg_audit_assembler *as, struct node *n, lg_time t)
{
    if (t >= n->now) {
        n->now = t;
        n->behind = 0;
    } else if (n->now - t <= BEHIND_NS) {
        n->behind = 0;
    } else {
        n->behind_max = n->behind == 0 || t > n->behind_max ? t : n->behind_max;
        if (++n->behind >= BEHIND_RECORDS)
            clock_rebase(n);
    }
    n->records++;
    while (n->late.next != &n->late && slot_of_node(n->late.next)->late_until < n->records)
        slot_end(as, slot_of_node(n->late.next), LG_AUDIT_END_TIME);
    while (n->open.next != &n->open) {
        struct slot *s = slot_of_node(n->open.next);

        if (n->now - s->touched < WAIT_NS)
            break;
        slot_end(as, s, LG_AUDIT_END_TIME);
    }
}

static void make_room(struct lg_audit_assembler *as)
{
    while (as->n_open > LG_MAX_AUDIT_OPEN ||
            (as->open_bytes > LG_MAX_AUDIT_OPEN_BYTES && as->n_open > 0))
        slot_end(as, slot_of_all(as->open.next), LG_AUDIT_END_EVICTED);
}

/* ---- interface ---- */

static struct lg_str node_name(const struct lg_audit_head *h)
{
    return h->node.n > 0 ? h->node : h->host;
}

bool lg_audit_assembler_has(struct lg_audit_assembler *as, const struct lg_audit_head *h)
{
    struct node *n;

    if (as->n_open == 0)
        return false;
    n = node_get(as, node_name(h));
    return n != NULL && slot_find(as, key_hash(n, h), n, h) != NULL;
}

int lg_audit_assembler_add(struct lg_audit_assembler *as, const struct lg_audit_head *h,
        struct lg_str line, struct lg_position pos)
{
    struct node *n = node_get(as, node_name(h));
    struct slot *s;
    uint64_t hash;
    int r;

    if (n == NULL)
        return LG_ENOMEM;
    clock_advance(as, n, h->time_ns);
    hash = key_hash(n, h);
    s = slot_find(as, hash, n, h);
    if (h->type->kind == LG_AUDIT_EOE) {
        if (s == NULL)
            return LG_ENOENT;
        s->marked = true;
        s->looks = 0; /* the mark proper is always worth a look */
        slot_end(as, s, LG_AUDIT_END_MARK);
        return 0;
    }
    if (s != NULL && h->type->kind == LG_AUDIT_SYSCALL && s->has_syscall) {
        slot_end(as, s, LG_AUDIT_END_REPEAT);
        s = NULL;
    } else if (s != NULL && s->raw.n + 1 + line.n > LG_MAX_AUDIT_EVENT_BYTES) {
        slot_end(as, s, LG_AUDIT_END_EVICTED);
        s = NULL;
    }
    r = s == NULL ? group_start(as, n, hash, h, line, pos, &s) : group_extend(as, s, h, line);
    if (r < 0)
        return r;
    s->touched = n->now;
    s->has_syscall |= h->type->kind == LG_AUDIT_SYSCALL;
    s->marked |= h->type->kind == LG_AUDIT_PROCTITLE;
    if (s->marked && s->looks < MAX_LOOKS)
        slot_end(as, s, LG_AUDIT_END_MARK);
    make_room(as);
    return 0;
}

bool lg_audit_assembler_next(struct lg_audit_assembler *as, struct lg_audit_group *ret)
{
    struct slot *s;

    if (as->ready.next == &as->ready)
        return false;
    s = slot_of_all(as->ready.next);
    *ret = (struct lg_audit_group){
            .node = lg_str_of(s->node->name, s->node->name_n),
            .time_ns = s->time_ns,
            .serial = s->serial,
            .raw = lg_buf_str(&s->raw),
            .lines = s->lines.v,
            .n_lines = s->lines.n,
            .pos = s->pos,
            .end = s->end,
    };
    return true;
}

void lg_audit_assembler_drop(struct lg_audit_assembler *as)
{
    struct slot *s;
    uint64_t *v;

    if (as->ready.next == &as->ready)
        return;
    s = slot_of_all(as->ready.next);
    v = lg_map_get(&as->by_key, s->hash);
    if (v != NULL && *v == (uint64_t)(uintptr_t)s)
        (void)lg_map_del(&as->by_key, s->hash);
    lg_buf_clear(&s->raw);
    if (s->raw.cap > KEEP_BUF_BYTES) {
        lg_buf_done(&s->raw);
        lg_buf_init(&s->raw, LG_MAX_AUDIT_EVENT_BYTES);
    }
    if (s->lines.cap > KEEP_LINES)
        lg_vec_done(&s->lines);
    link_cut(&s->all);
    link_push(&as->spare, &s->all);
    node_release(as, s->node);
    s->node = NULL;
}

bool lg_audit_assembler_keep(struct lg_audit_assembler *as)
{
    struct slot *s;

    if (as->ready.next == &as->ready)
        return false;
    s = slot_of_all(as->ready.next);
    if (s->end == LG_AUDIT_END_TIME && !s->late && s->looks < MAX_LOOKS) {
        s->late = true;
        s->late_until = s->node->records + LATE_RECORDS;
    } else if (s->end != LG_AUDIT_END_MARK) {
        return false;
    }
    s->looks++;
    slot_open(as, s);
    return true;
}

void lg_audit_assembler_flush(struct lg_audit_assembler *as)
{
    while (as->open.next != &as->open)
        slot_end(as, slot_of_all(as->open.next), LG_AUDIT_END_INPUT);
}

size_t lg_audit_assembler_open(const struct lg_audit_assembler *as)
{
    return as->n_open;
}

bool lg_audit_assembler_oldest(const struct lg_audit_assembler *as, struct lg_position *ret)
{
    bool found = false;

    for (const struct link *l = as->open.next; l != &as->open; l = l->next) {
        const struct slot *s =
                (const struct slot *)(const void *)((const char *)l - offsetof(struct slot, all));

        if (!found || s->pos.offset < ret->offset)
            *ret = s->pos;
        found = true;
    }
    return found;
}

bool lg_audit_assembler_held(const struct lg_audit_assembler *as, uint64_t line, uint64_t *ret)
{
    bool found = false;

    for (const struct link *l = as->open.next; l != &as->open; l = l->next) {
        const struct slot *s =
                (const struct slot *)(const void *)((const char *)l - offsetof(struct slot, all));

        if (s->pos.line != line)
            continue;
        if (!found || s->pos.offset < *ret)
            *ret = s->pos.offset;
        found = true;
    }
    return found;
}

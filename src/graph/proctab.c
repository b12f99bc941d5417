#include "graph/proctab.h"

#include "base/hash.h"
#include "base/limits.h"

/* Two instruments that report one creation differ by no more than this. */
#define PROCTAB_SAME_NS (5 * LG_NS_PER_SEC)
/* An identity without a known parent is taken for the one that execs only while fresh. */
#define PROCTAB_EXEC_NS (60 * LG_NS_PER_SEC)
#define PROCTAB_HOLES 16u /* that are left alone */

void lg_proctab_init(struct lg_proctab *pt, struct lg_acct *acct, struct lg_strpool *sp)
{
    memset(pt, 0, sizeof(*pt));
    pt->acct = acct;
    pt->sp = sp;
    pt->free = pt->head = pt->tail = LG_IDX_NONE;
}

void lg_proctab_done(struct lg_proctab *pt)
{
    if (pt == NULL || pt->acct == NULL)
        return;
    lg_acct_vec_done(pt->acct, &pt->procs);
    lg_idx_done(pt->acct, &pt->by_guid);
    lg_idx_done(pt->acct, &pt->by_pid);
}

uint64_t lg_fold_key(uint8_t type, uint8_t a, uint8_t b, struct lg_str name, struct lg_str cmd)
{
    uint64_t h = lg_hash_str(name, (uint64_t)type << 16 | (uint64_t)a << 8 | b);

    return cmd.n > 0 ? lg_hash_mix(h, lg_hash_str(cmd, 1)) : h;
}

static uint32_t guid_hash(const struct lg_proctab *pt, uint32_t guid)
{
    return lg_idx_hash(lg_strpool_hash(pt->sp, guid));
}

static uint32_t pid_hash(uint32_t pid)
{
    return lg_idx_hash(pid);
}

static uint32_t find_guid(const struct lg_proctab *pt, uint32_t guid)
{
    uint32_t h, pos, i;

    if (guid == 0)
        return LG_IDX_NONE;
    h = guid_hash(pt, guid);
    pos = lg_idx_home(&pt->by_guid, h);
    while ((i = lg_idx_next(&pt->by_guid, h, &pos)) != LG_IDX_NONE)
        if (pt->procs.v[i].f.guid == guid)
            return i;
    return LG_IDX_NONE;
}

/* The youngest identity that lives under the pid. */
static uint32_t find_pid(const struct lg_proctab *pt, uint32_t pid)
{
    uint32_t h = pid_hash(pid), pos = lg_idx_home(&pt->by_pid, h), i, best = LG_IDX_NONE;

    if (pid == 0)
        return LG_IDX_NONE;
    while ((i = lg_idx_next(&pt->by_pid, h, &pos)) != LG_IDX_NONE) {
        const struct lg_proc *p = &pt->procs.v[i];

        if (p->f.pid == pid && (p->flags & LG_PROCF_EXITED) == 0 &&
                (best == LG_IDX_NONE || p->serial > pt->procs.v[best].serial))
            best = i;
    }
    return best;
}

static struct lg_str text_of(const struct lg_proctab *pt, uint32_t id)
{
    return lg_strpool_get(pt->sp, id);
}

/* Unknown matches anything; kernel names are cut at 15 bytes. */
static bool same_program(const struct lg_proctab *pt, uint32_t a, uint32_t b)
{
    struct lg_str x, y;

    if (a == b || a == 0 || b == 0)
        return true;
    x = lg_str_basename(text_of(pt, a));
    y = lg_str_basename(text_of(pt, b));
    if (lg_str_starts(x, LG_STR("<unknown")) || lg_str_starts(y, LG_STR("<unknown")))
        return true;
    return lg_str_ieq(x, y) || (x.n == 15 && lg_str_istarts(y, x)) ||
            (y.n == 15 && lg_str_istarts(x, y));
}

static bool near(lg_time a, lg_time b, lg_time d)
{
    return a > b ? a - b <= d : b - a <= d;
}

static void lru_unlink(struct lg_proctab *pt, uint32_t i)
{
    struct lg_proc *p = &pt->procs.v[i];

    if (p->prev != LG_IDX_NONE)
        pt->procs.v[p->prev].next = p->next;
    else
        pt->head = p->next;
    if (p->next != LG_IDX_NONE)
        pt->procs.v[p->next].prev = p->prev;
    else
        pt->tail = p->prev;
}

static void lru_front(struct lg_proctab *pt, uint32_t i)
{
    struct lg_proc *p = &pt->procs.v[i];

    p->prev = LG_IDX_NONE;
    p->next = pt->head;
    if (pt->head != LG_IDX_NONE)
        pt->procs.v[pt->head].prev = i;
    else
        pt->tail = i;
    pt->head = i;
}

static void forget_guid(struct lg_proctab *pt, uint32_t i)
{
    if (find_guid(pt, pt->procs.v[i].f.guid) == i)
        lg_idx_del(&pt->by_guid, guid_hash(pt, pt->procs.v[i].f.guid), i);
}

static void proc_drop(struct lg_proctab *pt, uint32_t i)
{
    struct lg_proc *p = &pt->procs.v[i];

    lru_unlink(pt, i);
    forget_guid(pt, i);
    if (p->f.pid != 0)
        lg_idx_del(&pt->by_pid, pid_hash(p->f.pid), i);
    p->serial = 0;
    p->next = pt->free;
    pt->free = i;
    pt->n--;
}

/* Fills what is not known yet; what was known stays. */
static void facts_merge(struct lg_proc *p, const struct lg_proc_facts *f)
{
    struct lg_proc_facts *t = &p->f;
    bool changed = false;

#define MERGE(field)                                                                               \
    if (t->field == 0 && f->field != 0) {                                                          \
        t->field = f->field;                                                                       \
        changed = true;                                                                            \
    }
    MERGE(image)
    if (t->cmd == 0 && f->cmd != 0)
        t->text_flags = f->text_flags;
    MERGE(cmd)
    MERGE(user)
    MERGE(original)
    MERGE(hash)
    MERGE(integrity)
    MERGE(user_class)
    MERGE(start)
#undef MERGE
    p->rev += changed;
}

static int proc_text(struct lg_proctab *pt, const struct lg_proc_ctx *cx, enum lg_text_kind kind,
        uint32_t raw, uint32_t user, uint32_t *ret)
{
    struct lg_text_names names = {.host = text_of(pt, cx->host), .user = text_of(pt, user)};

    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        names.people[k] = text_of(pt, cx->people[k]);
    return lg_strpool_add(
            pt->sp, lg_textcache_get(cx->tc, kind, cx->platform, &names, text_of(pt, raw)), ret);
}

/* Normalised names and fold key after a change of facts. */
static int proc_refresh(struct lg_proctab *pt, const struct lg_proc_ctx *cx, uint32_t i)
{
    struct lg_proc *p = &pt->procs.v[i];
    uint32_t name = p->name, ncmd = p->ncmd;

    if (name == 0 && p->f.image != 0 && proc_text(pt, cx, LG_TEXT_IMAGE, p->f.image, 0, &name) < 0)
        return LG_ENOMEM;
    if (ncmd == 0 && p->f.cmd != 0 &&
            proc_text(pt, cx, LG_TEXT_CMD, p->f.cmd, p->f.user, &ncmd) < 0)
        return LG_ENOMEM;
    p->name = name;
    p->ncmd = ncmd;
    p->fold_key = lg_fold_key(
            LG_NODE_PROCESS, lg_proc_variant(p), 0, text_of(pt, name), text_of(pt, ncmd));
    return 0;
}

static int proc_merge(struct lg_proctab *pt, const struct lg_proc_ctx *cx, uint32_t i,
        const struct lg_proc_facts *f, uint8_t flags)
{
    struct lg_proc *p = &pt->procs.v[i];
    uint32_t rev = p->rev;

    if ((flags & ~p->flags & LG_PROCF_CREATED) != 0)
        p->rev++;
    p->flags |= flags;
    p->last = cx->time;
    if (pt->head != i) {
        lru_unlink(pt, i);
        lru_front(pt, i);
    }
    facts_merge(p, f);
    return p->rev != rev ? proc_refresh(pt, cx, i) : 0;
}

static int table_reserve(struct lg_proctab *pt)
{
    if (pt->n >= LG_MAX_PROCESS_TABLE)
        proc_drop(pt, pt->tail);
    if (pt->free == LG_IDX_NONE && lg_acct_reserve(pt->acct, &pt->procs, pt->procs.n + 1) < 0)
        return LG_ENOMEM;
    if (lg_idx_reserve(pt->acct, &pt->by_guid) < 0)
        return LG_ENOMEM;
    return lg_idx_reserve(pt->acct, &pt->by_pid);
}

static int proc_add(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, uint8_t flags, uint32_t *ret)
{
    struct lg_proc *p;
    uint32_t i;

    if (table_reserve(pt) < 0)
        return LG_ENOMEM;
    if (pt->free != LG_IDX_NONE) {
        i = pt->free;
        pt->free = pt->procs.v[i].next;
    } else {
        i = pt->procs.n++;
    }
    p = &pt->procs.v[i];
    memset(p, 0, sizeof(*p));
    p->f = *f;
    p->serial = ++pt->next_serial;
    p->flags = flags;
    p->last = cx->time;
    lru_front(pt, i);
    pt->n++;
    if (f->guid != 0)
        lg_idx_put(&pt->by_guid, guid_hash(pt, f->guid), i);
    if (f->pid != 0)
        lg_idx_put(&pt->by_pid, pid_hash(f->pid), i);
    *ret = i;
    return proc_refresh(pt, cx, i);
}

/* A pid-only identity turns out to be the process with this GUID. */
static int adopt_guid(struct lg_proctab *pt, uint32_t i, uint32_t guid)
{
    if (lg_idx_reserve(pt->acct, &pt->by_guid) < 0)
        return LG_ENOMEM;
    pt->procs.v[i].f.guid = guid;
    pt->procs.v[i].rev++;
    lg_idx_put(&pt->by_guid, guid_hash(pt, guid), i);
    return 0;
}

/* Events that name only a program: the latest of that name. */
static uint32_t find_image(struct lg_proctab *pt, const struct lg_proc_ctx *cx, uint32_t image)
{
    struct lg_str raw = text_of(pt, image), name;
    bool bare = lg_str_chr(raw, '\\') < 0 && lg_str_chr(raw, '/') < 0;

    if (image == 0)
        return LG_IDX_NONE;
    name = lg_textcache_get(cx->tc, LG_TEXT_IMAGE, cx->platform, NULL, raw);
    for (uint32_t i = pt->head; i != LG_IDX_NONE; i = pt->procs.v[i].next) {
        struct lg_str other = text_of(pt, pt->procs.v[i].name);

        if ((pt->procs.v[i].flags & LG_PROCF_EXITED) == 0 &&
                lg_str_eq(name, bare ? lg_str_basename(other) : other))
            return i;
    }
    return LG_IDX_NONE;
}

/* The live identity that these facts are about. */
static int proc_find(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, uint32_t *ret)
{
    uint32_t i = find_guid(pt, f->guid);

    *ret = i;
    if (i != LG_IDX_NONE)
        return 0;
    i = find_pid(pt, f->pid);
    if (i != LG_IDX_NONE) {
        const struct lg_proc *p = &pt->procs.v[i];
        bool told = f->start != 0 && p->f.start != 0;

        if ((f->guid != 0 && p->f.guid != 0) || !same_program(pt, p->f.image, f->image) ||
                (told && !near(f->start, p->f.start, PROCTAB_SAME_NS))) {
            /* the pid is another process's now */
            pt->procs.v[i].flags |= LG_PROCF_EXITED;
            return 0;
        }
        *ret = i;
        return f->guid != 0 ? adopt_guid(pt, i, f->guid) : 0;
    }
    if (f->guid == 0 && f->pid == 0)
        *ret = find_image(pt, cx, f->image);
    return 0;
}

int lg_proctab_touch(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, bool own, uint32_t *ret)
{
    uint8_t flags = own ? LG_PROCF_OWN : 0;

    if (proc_find(pt, cx, f, ret) < 0)
        return LG_ENOMEM;
    if (*ret != LG_IDX_NONE)
        return proc_merge(pt, cx, *ret, f, flags);
    return proc_add(pt, cx, f, flags, ret);
}

/* Whether a second creation under an identity is the same one, told again. */
static bool same_creation(const struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc *p, const struct lg_proc_facts *f)
{
    bool program = same_program(pt, p->f.image, f->image);

    if ((p->create_sources & 1u << cx->source) == 0)
        return program && near(p->f.start, cx->time, PROCTAB_SAME_NS);
    /* the instrument itself says that it is one process */
    return f->guid != 0 && f->guid == p->f.guid && program &&
            (cx->platform == LG_PLATFORM_WINDOWS || f->cmd == 0 || f->cmd == p->f.cmd);
}

/* The pid's identity goes on with another program, as opposed to the pid being used again. */
static bool is_exec(const struct lg_proc_ctx *cx, const struct lg_proc *p,
        const struct lg_proc_facts *f, uint32_t ppid)
{
    if (cx->platform != LG_PLATFORM_LINUX)
        return false;
    if (f->guid != 0 && f->guid == p->f.guid)
        return true;
    if (ppid != 0 && p->ppid != 0)
        return ppid == p->ppid;
    return near(p->last, cx->time, PROCTAB_EXEC_NS);
}

static int created(struct lg_proctab *pt, const struct lg_proc_ctx *cx, uint32_t i, uint32_t ppid)
{
    struct lg_proc *p = &pt->procs.v[i];

    p->create_sources |= (uint16_t)(1u << cx->source);
    if (p->f.start == 0)
        p->f.start = cx->time;
    if (ppid != 0)
        p->ppid = ppid;
    return 0;
}

int lg_proctab_create(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, uint32_t ppid, uint32_t *ret, uint32_t *ret_before)
{
    const uint8_t flags = LG_PROCF_OWN | LG_PROCF_CREATED;
    uint32_t i = find_guid(pt, f->guid), before = LG_IDX_NONE;
    int r;

    *ret_before = LG_IDX_NONE;
    if (i == LG_IDX_NONE) {
        i = find_pid(pt, f->pid);
        /* two GUIDs are two processes, except that some collectors give each execve its own */
        if (i != LG_IDX_NONE && f->guid != 0 && pt->procs.v[i].f.guid != 0 &&
                !is_exec(cx, &pt->procs.v[i], f, ppid)) {
            pt->procs.v[i].flags |= LG_PROCF_EXITED;
            i = LG_IDX_NONE;
        }
    }
    if (i != LG_IDX_NONE) {
        struct lg_proc *p = &pt->procs.v[i];
        bool one = (p->flags & LG_PROCF_CREATED) == 0 ? same_program(pt, p->f.image, f->image) &&
                        (f->guid == 0 || f->guid == p->f.guid || p->f.guid == 0)
                                                      : same_creation(pt, cx, p, f);

        if (one && (p->f.guid != 0 || f->guid == 0 || adopt_guid(pt, i, f->guid) == 0)) {
            *ret = i;
            r = proc_merge(pt, cx, i, f, flags);
            return r < 0 ? r : created(pt, cx, i, ppid);
        }
        if (one)
            return LG_ENOMEM;
        if (is_exec(cx, p, f, ppid))
            before = i;
        forget_guid(pt, i);
        p->flags |= LG_PROCF_EXITED;
        p->last = cx->time;
        if (before != LG_IDX_NONE && pt->head != i) { /* must survive the addition */
            lru_unlink(pt, i);
            lru_front(pt, i);
        }
    }
    r = proc_add(pt, cx, f, flags, ret);
    if (r < 0)
        return r;
    *ret_before = before;
    return created(pt, cx, *ret, ppid);
}

int lg_proctab_fork(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, uint32_t parent, uint32_t *ret)
{
    const struct lg_proc *up = &pt->procs.v[parent];
    struct lg_proc_facts child = *f;
    uint32_t before, ppid = up->f.pid;

    if (child.image == 0)
        child.image = up->f.image;
    if (child.cmd == 0 && same_program(pt, child.image, up->f.image)) {
        child.cmd = up->f.cmd;
        child.text_flags = up->f.text_flags;
    }
    if (child.user == 0)
        child.user = up->f.user;
    if (child.user_class == 0)
        child.user_class = up->f.user_class;
    if (child.integrity == 0)
        child.integrity = up->f.integrity;
    return lg_proctab_create(pt, cx, &child, ppid, ret, &before);
}

void lg_proctab_exit(struct lg_proctab *pt, uint32_t i)
{
    pt->procs.v[i].flags |= LG_PROCF_EXITED;
}

/* Into arrays of just their size, as reading a checkpoint would make them. Short of memory the table
 * stays as it is. */
static void table_tighten(struct lg_proctab *pt)
{
    struct lg_proctab to;
    int r = 0;

    lg_proctab_init(&to, pt->acct, pt->sp);
    to.next_serial = pt->next_serial;
    if (pt->n > 0)
        r = lg_acct_exact(
                pt->acct, (void **)&to.procs.v, &to.procs.cap, pt->n, sizeof(*to.procs.v));
    for (uint32_t i = pt->tail; i != LG_IDX_NONE && r == 0; i = pt->procs.v[i].prev)
        r = lg_proctab_restore(&to, &pt->procs.v[i], lg_proctab_guid_known(pt, i));
    if (r < 0) {
        lg_proctab_done(&to);
        return;
    }
    lg_proctab_done(pt);
    *pt = to;
}

void lg_proctab_expire(struct lg_proctab *pt, lg_time t)
{
    uint32_t i = pt->tail;

    while (i != LG_IDX_NONE && pt->procs.v[i].last < t) {
        uint32_t up = pt->procs.v[i].prev;

        if ((pt->procs.v[i].flags & LG_PROCF_EXITED) != 0)
            proc_drop(pt, i);
        i = up;
    }
    if (pt->n + pt->n / 4 + PROCTAB_HOLES < pt->procs.cap)
        table_tighten(pt);
}

bool lg_proctab_guid_known(const struct lg_proctab *pt, uint32_t i)
{
    return find_guid(pt, pt->procs.v[i].f.guid) == i;
}

int lg_proctab_restore(struct lg_proctab *pt, const struct lg_proc *p, bool guid_known)
{
    uint32_t i;

    if (table_reserve(pt) < 0 || lg_acct_reserve(pt->acct, &pt->procs, pt->procs.n + 1) < 0)
        return LG_ENOMEM;
    i = pt->procs.n++;
    pt->procs.v[i] = *p;
    lru_front(pt, i);
    pt->n++;
    if (guid_known && p->f.guid != 0)
        lg_idx_put(&pt->by_guid, guid_hash(pt, p->f.guid), i);
    if (p->f.pid != 0)
        lg_idx_put(&pt->by_pid, pid_hash(p->f.pid), i);
    return 0;
}

void lg_proctab_mark(const struct lg_proctab *pt, struct lg_strmarks *mk)
{
    for (uint32_t i = pt->head; i != LG_IDX_NONE; i = pt->procs.v[i].next) {
        const struct lg_proc *p = &pt->procs.v[i];

        lg_strmark(mk, p->f.guid);
        lg_strmark(mk, p->f.image);
        lg_strmark(mk, p->f.cmd);
        lg_strmark(mk, p->f.user);
        lg_strmark(mk, p->f.original);
        lg_strmark(mk, p->f.hash);
        lg_strmark(mk, p->name);
        lg_strmark(mk, p->ncmd);
    }
}

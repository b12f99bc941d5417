#include "base/limits.h"
#include "base/mem.h"
#include "graph/checkpoint.h"

struct in {
    const char *p;
    const char *end;
    struct lg_endpoint *ep;
    uint32_t *id; /* place in the table -> pool id */
    uint32_t n_ids;
    bool bad;
    bool oom;
    uint32_t n_ledger; /* counters that the writer knew */
    uint32_t n_types;
    bool cut; /* windows of another length: slices are passed over */
};

static uint64_t get(struct in *in, uint64_t max)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && in->p < in->end; shift += 7) {
        uint8_t c = (uint8_t)*in->p++;

        if (shift == 63 && c > 1)
            break;
        v |= (uint64_t)(c & 127) << shift;
        if ((c & 128) != 0)
            continue;
        if (v > max)
            break;
        return v;
    }
    in->bad = true;
    return 0;
}

static uint32_t get32(struct in *in)
{
    return (uint32_t)get(in, UINT32_MAX);
}

static lg_time get_time(struct in *in)
{
    uint64_t v = get(in, UINT64_MAX);
    lg_time t = (lg_time)(v >> 1) ^ -(lg_time)(v & 1);

    if (t > CK_TIME_MAX || t < -CK_TIME_MAX)
        in->bad = true;
    return in->bad ? 0 : t;
}

/* Starts of processes are told by the source: any value. */
static lg_time get_time_any(struct in *in)
{
    uint64_t v = get(in, UINT64_MAX);

    return (lg_time)(v >> 1) ^ -(lg_time)(v & 1);
}

static struct lg_str get_bytes(struct in *in, size_t n)
{
    struct lg_str s = {in->p, n};

    if (n > (size_t)(in->end - in->p)) {
        in->bad = true;
        return lg_str_of("", 0);
    }
    in->p += n;
    return s;
}

static struct lg_str get_str(struct in *in, size_t max)
{
    return get_bytes(in, (size_t)get(in, max));
}

static uint64_t get_u64le(struct in *in)
{
    struct lg_str s = get_bytes(in, 8);
    uint64_t v = 0;

    if (!in->bad)
        memcpy(&v, s.p, sizeof(v));
    return v;
}

static uint32_t get_id(struct in *in)
{
    uint64_t i = get(in, in->n_ids);

    return in->bad ? 0 : in->id[i];
}

/* How many elements follow; each takes at least `least` bytes. */
static uint32_t get_count(struct in *in, size_t least, uint32_t max)
{
    uint64_t n = get(in, max);

    if (n > (uint64_t)(in->end - in->p) / least)
        in->bad = true;
    return in->bad ? 0 : (uint32_t)n;
}

static bool stop(const struct in *in)
{
    return in->bad || in->oom;
}

static void read_strings(struct in *in)
{
    uint32_t n = get_count(in, 1, UINT32_MAX / 2);

    in->id = lg_calloc((size_t)n + 1, sizeof(*in->id));
    in->oom = in->id == NULL;
    if (stop(in))
        return;
    for (uint32_t i = 1; i <= n && !stop(in); i++) {
        struct lg_str s = get_str(in, LG_MAX_NODE_TEXT);

        in->oom = !in->bad && lg_strpool_add(&in->ep->sp, s, &in->id[i]) < 0;
    }
    in->n_ids = n;
}

static struct lg_proc_facts read_facts(struct in *in)
{
    struct lg_proc_facts f;

    memset(&f, 0, sizeof(f));
    f.guid = get_id(in);
    f.image = get_id(in);
    f.cmd = get_id(in);
    f.user = get_id(in);
    f.original = get_id(in);
    f.hash = get_id(in);
    f.pid = get32(in);
    f.text_flags = get32(in);
    f.integrity = (uint8_t)get(in, LG_IL_SYSTEM);
    f.user_class = (uint8_t)get(in, LG_USER_DAEMON);
    f.system = (uint8_t)get(in, UINT8_MAX);
    f.start = get_time_any(in);
    return f;
}

static struct lg_str pool_str(const struct in *in, uint32_t id)
{
    return lg_strpool_get(&in->ep->sp, id);
}

static void read_procs(struct in *in)
{
    struct lg_proctab *pt = &in->ep->pt;
    uint32_t next = get32(in), n = get_count(in, 20, LG_MAX_PROCESS_TABLE);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        struct lg_proc p;
        uint64_t flags;

        memset(&p, 0, sizeof(p));
        p.serial = get32(in);
        p.rev = get32(in);
        flags = get(in, 0x1ff);
        p.flags = (uint8_t)flags;
        p.f = read_facts(in);
        p.name = get_id(in);
        p.ncmd = get_id(in);
        p.ppid = get32(in);
        p.create_sources = (uint16_t)get(in, UINT16_MAX);
        p.last = get_time(in);
        if (stop(in))
            break;
        p.fold_key = lg_fold_key(LG_NODE_PROCESS, lg_proc_variant(&p), 0, pool_str(in, p.name),
                pool_str(in, p.ncmd));
        in->oom = lg_proctab_restore(pt, &p, (flags & 0x100) != 0) < 0;
    }
    pt->next_serial = next;
}

static bool meta_valid(uint32_t meta)
{
    return (meta & 0xff) < LG_NODE_TYPE_COUNT && (meta >> 8 & 0xff) <= LG_TEXT_SHARE;
}

static bool class_valid(uint32_t v)
{
    return (v & 0xff) <= LG_IL_SYSTEM && (v >> 8 & 0xff) <= LG_USER_DAEMON;
}

static bool pend_valid(const struct lg_pend *pe)
{
    struct lg_pend_values pv;

    if (pe->type >= LG_EVENT_TYPE_COUNT || pe->source >= LG_SOURCE_COUNT ||
            pe->edge >= LG_EDGE_TYPE_COUNT || (pe->ends & 15) > LG_END_NODE ||
            (pe->ends >> 4) > LG_END_NODE || pe->life > LG_LIFE_EXIT || pe->time < 0)
        return false;
    lg_pend_spread(pe, &pv);
    return meta_valid(pv.v[LG_PS_S_META]) && meta_valid(pv.v[LG_PS_D_META]) &&
            class_valid(pv.v[LG_PS_A_CLASS]) && class_valid(pv.v[LG_PS_P_CLASS]) &&
            class_valid(pv.v[LG_PS_T_CLASS]);
}

static struct lg_pend *read_pend(struct in *in)
{
    lg_time time = get_time(in);
    struct lg_str id = get_bytes(in, LG_UUID_BYTES);
    uint64_t has = get(in, (UINT64_C(1) << LG_PS_COUNT) - 1);
    unsigned n = (unsigned)__builtin_popcountll(has);
    struct lg_pend *pe = lg_malloc(sizeof(*pe) + n * sizeof(pe->v[0]));

    in->oom = pe == NULL;
    if (stop(in)) {
        lg_free(pe);
        return NULL;
    }
    pe->time = time;
    memcpy(pe->id.b, id.p, sizeof(pe->id.b));
    pe->has = has;
    pe->n = (uint8_t)n;
    pe->type = (uint8_t)get(in, UINT8_MAX);
    pe->source = (uint8_t)get(in, UINT8_MAX);
    pe->edge = (uint8_t)get(in, UINT8_MAX);
    pe->ends = (uint8_t)get(in, UINT8_MAX);
    pe->life = (uint8_t)get(in, UINT8_MAX);
    pe->flags = (uint8_t)get(in, UINT8_MAX);
    for (unsigned i = 0; has != 0; has &= has - 1, i++)
        pe->v[i] = lg_pend_slot_is_string((unsigned)__builtin_ctzll(has)) ? get_id(in) : get32(in);
    if (!in->bad && pend_valid(pe))
        return pe;
    in->bad = true;
    lg_free(pe);
    return NULL;
}

static void read_heap(struct in *in)
{
    struct lg_endpoint *ep = in->ep;
    uint32_t n = get_count(in, 24, UINT32_MAX / 2);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        struct lg_pend *pe = read_pend(in);

        if (pe == NULL)
            return;
        if (lg_acct_reserve(&ep->acct, &ep->heap, ep->heap.n + 1) < 0) {
            in->oom = true;
            lg_free(pe);
            return;
        }
        lg_endpoint_wait(ep, pe);
    }
}

static void read_slice_procs(struct in *in, struct lg_slice *sl)
{
    struct lg_acct *a = &in->ep->acct;
    uint32_t n = get_count(in, 20, UINT32_MAX / 2);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        struct lg_slice_proc p;

        memset(&p, 0, sizeof(p));
        p.serial = get32(in);
        p.rev = get32(in);
        p.f = read_facts(in);
        p.name = get_id(in);
        p.ncmd = get_id(in);
        p.flags = get32(in);
        p.sources = (uint16_t)get(in, UINT16_MAX);
        p.variant = (uint8_t)get(in, UINT8_MAX);
        p.first = get_time(in);
        p.last = get_time(in);
        if (stop(in))
            return;
        p.fold_key = lg_fold_key(
                LG_NODE_PROCESS, p.variant, 0, pool_str(in, p.name), pool_str(in, p.ncmd));
        in->oom = lg_acct_reserve(a, &sl->procs, sl->procs.n + 1) < 0 ||
                lg_idx_reserve(a, &sl->proc_ix) < 0;
        if (in->oom)
            return;
        lg_idx_put(&sl->proc_ix, lg_idx_hash(p.serial), sl->procs.n);
        sl->procs.v[sl->procs.n++] = p;
    }
}

static void read_slice_nodes(struct in *in, struct lg_slice *sl)
{
    struct lg_acct *a = &in->ep->acct;
    uint32_t n = get_count(in, 12, LG_SLICE_NODE - 1);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        struct lg_slice_node nd;

        memset(&nd, 0, sizeof(nd));
        nd.type = (uint8_t)get(in, LG_NODE_TYPE_COUNT - 1);
        nd.variant = (uint8_t)get(in, UINT8_MAX);
        nd.sources = (uint16_t)get(in, UINT16_MAX);
        nd.flags = get32(in);
        nd.name = get_id(in);
        nd.cmd = get_id(in);
        nd.raw = get_id(in);
        nd.cmd_raw = get_id(in);
        nd.original = get_id(in);
        nd.hash = get_id(in);
        nd.first = get_time_any(in); /* the largest there is where nothing came of it */
        nd.last = get_time(in);
        if (stop(in))
            return;
        nd.fold_key =
                lg_fold_key(nd.type, nd.variant, 0, pool_str(in, nd.name), pool_str(in, nd.cmd));
        in->oom = lg_acct_reserve(a, &sl->nodes, sl->nodes.n + 1) < 0 ||
                lg_idx_reserve(a, &sl->node_ix) < 0;
        if (in->oom)
            return;
        lg_idx_put(&sl->node_ix, lg_idx_hash(nd.fold_key), sl->nodes.n);
        sl->nodes.v[sl->nodes.n++] = nd;
    }
}

static bool end_valid(const struct lg_slice *sl, uint32_t end)
{
    return (end & LG_SLICE_NODE) != 0 ? (end & ~LG_SLICE_NODE) < sl->nodes.n : end < sl->procs.n;
}

static void read_slice_edges(struct in *in, struct lg_slice *sl)
{
    struct lg_acct *a = &in->ep->acct;
    uint32_t n = get_count(in, 9, UINT32_MAX / 2);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        struct lg_slice_edge ed;

        memset(&ed, 0, sizeof(ed));
        ed.src = get32(in);
        ed.dst = get32(in);
        ed.attr = get32(in);
        ed.count = get32(in);
        ed.detail = get_id(in);
        ed.sources = (uint16_t)get(in, UINT16_MAX);
        ed.type = (uint8_t)get(in, LG_EDGE_TYPE_COUNT - 1);
        ed.first = get_time(in);
        ed.last = get_time(in);
        in->bad = in->bad || !end_valid(sl, ed.src) || !end_valid(sl, ed.dst);
        if (stop(in))
            return;
        in->oom = lg_acct_reserve(a, &sl->edges, sl->edges.n + 1) < 0 ||
                lg_idx_reserve(a, &sl->edge_ix) < 0;
        if (in->oom)
            return;
        lg_idx_put(&sl->edge_ix, lg_slice_edge_hash(ed.src, ed.dst, ed.type, ed.attr), sl->edges.n);
        sl->edges.v[sl->edges.n++] = ed;
    }
}

static void read_slice_rest(struct in *in, struct lg_slice *sl)
{
    struct lg_acct *a = &in->ep->acct;
    uint32_t n = get_count(in, 9, UINT32_MAX / 2);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        struct lg_slice_alias al = {.key = get_u64le(in)};

        al.node = get32(in);
        in->bad = in->bad || al.node >= sl->nodes.n;
        if (stop(in))
            return;
        in->oom = lg_acct_reserve(a, &sl->aliases, sl->aliases.n + 1) < 0 ||
                lg_idx_reserve(a, &sl->alias_ix) < 0;
        if (in->oom)
            return;
        lg_idx_put(&sl->alias_ix, lg_idx_hash(al.key), sl->aliases.n);
        sl->aliases.v[sl->aliases.n++] = al;
    }
    n = get_count(in, 8, UINT32_MAX / 2);
    for (uint32_t k = 0; k < n && !stop(in); k++) {
        uint64_t h = get_u64le(in);

        in->oom = !in->bad && lg_live_see(a, sl, h, false) < 0;
    }
}

static void read_slice_counts(struct in *in, struct lg_slice *sl)
{
    sl->events = get(in, UINT64_MAX);
    for (unsigned t = 0; t < in->n_types; t++)
        sl->type_counts[t] = get32(in);
    sl->sources = get32(in);
    sl->nodes_dropped = get32(in);
    sl->edges_dropped = get32(in);
    sl->late = get32(in);
    for (unsigned l = 0; l < in->n_ledger; l++)
        sl->ledger[l] = get32(in);
}

static void read_slices(struct in *in, lg_time interval)
{
    struct lg_endpoint *ep = in->ep;
    uint32_t n = get_count(in, 8, 4096);

    for (uint32_t k = 0; k < n && !stop(in); k++) {
        int64_t index = (int64_t)get(in, (uint64_t)(CK_TIME_MAX / interval));
        struct lg_slice *sl;

        if (ep->slices.n > 0 && ep->slices.v[ep->slices.n - 1]->index >= index)
            in->bad = true;
        if (stop(in))
            return;
        in->oom = lg_acct_reserve(&ep->acct, &ep->slices, ep->slices.n + 1) < 0 ||
                lg_slice_new(&ep->acct, index, &sl) < 0;
        if (in->oom)
            return;
        ep->slices.v[ep->slices.n++] = sl;
        read_slice_counts(in, sl);
        read_slice_procs(in, sl);
        read_slice_nodes(in, sl);
        read_slice_edges(in, sl);
        read_slice_rest(in, sl);
        if ((index + 1) * interval <= ep->closed)
            lg_live_settle(&ep->acct, sl);
    }
}

static void read_live(struct in *in)
{
    struct lg_live *lv = in->ep->live;
    uint32_t n;

    lv->has_offset = get(in, 1) != 0;
    lv->offset = get(in, INT64_MAX);
    lv->bus = get_time(in);
    for (unsigned l = 0; l < in->n_ledger; l++)
        lv->pending[l] = get32(in);
    n = get_count(in, 9, LG_LIVE_MAX_SOURCES);
    if (n > 0 && !stop(in))
        in->oom = lg_acct_reserve(&in->ep->acct, &lv->sources, n) < 0;
    for (uint32_t i = 0; i < n && !stop(in); i++) {
        struct lg_live_source s;

        memset(&s, 0, sizeof(s));
        s.key = get(in, UINT64_MAX);
        s.max = get_time(in);
        s.bus = get_time(in);
        s.habit = get_time(in);
        s.seq = get(in, UINT64_MAX);
        s.seq_time = get_time(in);
        s.seq_usual = get32(in);
        s.events = get32(in);
        s.live = get(in, 1) != 0;
        lv->sources.v[lv->sources.n++] = s;
    }
}

static void read_marks(struct in *in)
{
    struct lg_endpoint *ep = in->ep;

    ep->started = get(in, 1) != 0;
    ep->watermark = get_time(in);
    ep->closed = get_time(in);
    ep->judged = get_time(in);
    ep->bus = get_time(in);
    ep->host = get_id(in);
    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        ep->people[k] = get_id(in);
}

/* What was in windows of another length cannot go on. */
static void drop_open(struct lg_endpoint *ep)
{
    for (uint32_t i = 0; i < ep->slices.n; i++)
        lg_slice_free(&ep->acct, ep->slices.v[i]);
    lg_acct_vec_done(&ep->acct, &ep->slices);
    ep->closed = ep->judged = ep->watermark;
}

static void read_state(struct in *in, const struct lg_windows *ws)
{
    lg_time window = get_time(in), interval = get_time(in);

    in->ep->sp.seed = get(in, UINT64_MAX);
    in->bad = in->bad || interval <= 0 || window <= 0;
    in->cut = window != ws->opt.window_ns || interval != ws->opt.interval_ns;
    if (!stop(in))
        read_strings(in);
    if (stop(in))
        return;
    read_marks(in);
    read_live(in);
    read_procs(in);
    read_heap(in);
    read_slices(in, interval);
    in->bad = in->bad || in->p != in->end;
    if (in->cut && !stop(in))
        drop_open(in->ep);
}

/* The head: what kind of bytes these are, and whether they are whole. */
static int check_head(struct lg_str bytes)
{
    char hash[8];

    if (bytes.n < CK_HEAD || memcmp(bytes.p, CK_MAGIC, 4) != 0)
        return LG_ECORRUPT;
    if ((uint8_t)bytes.p[4] != CK_VERSION)
        return LG_EUNSUP;
    lg_ck_hash(bytes, hash);
    return memcmp(hash, bytes.p + 5, sizeof(hash)) == 0 ? 0 : LG_ECORRUPT;
}

static int import_into(struct lg_windows *ws, struct in *in, struct lg_event *ev)
{
    uint64_t before = ws->st.endpoints;
    int r = lg_windows_endpoint(ws, ev, &in->ep);
    size_t bytes;

    if (r < 0)
        return r;
    if (ws->st.endpoints == before)
        return LG_EEXIST;
    bytes = in->ep->acct.bytes;
    read_state(in, ws);
    lg_free(LG_TAKE(in->id));
    ws->endpoint_bytes += in->ep->acct.bytes - bytes;
    r = in->oom ? LG_ENOMEM : in->bad ? LG_ECORRUPT : lg_live_arm(ws, in->ep);
    if (r < 0)
        lg_windows_forget(ws, in->ep);
    return r;
}

int lg_windows_import(struct lg_windows *ws, struct lg_str bytes, bool *ret_cut)
{
    struct in in = {.p = bytes.p + CK_HEAD, .end = bytes.p + bytes.n};
    struct lg_event *ev;
    int r;

    if (ws->live == NULL)
        return LG_EINVAL;
    r = check_head(bytes);
    if (r < 0)
        return r;
    ev = lg_calloc(1, sizeof(*ev));
    if (ev == NULL)
        return LG_ENOMEM;
    ev->tenant_id = get_str(&in, UINT16_MAX);
    ev->endpoint_id = get_str(&in, UINT16_MAX);
    ev->platform = (enum lg_platform)get(&in, LG_PLATFORM_LINUX);
    in.n_ledger = (uint32_t)get(&in, LG_LEDGER_COUNT); /* an older writer knew fewer */
    in.n_types = (uint32_t)get(&in, LG_EVENT_TYPE_COUNT);
    r = in.bad ? LG_ECORRUPT : import_into(ws, &in, ev);
    lg_free(ev);
    if (r == 0) {
        ws->live->unsorted = true;
        *ret_cut = in.cut;
    }
    return r;
}

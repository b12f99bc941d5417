#include "graph/checkpoint.h"
#include "base/mem.h"

struct out {
    struct lg_buf *b;
    const struct lg_endpoint *ep;
    uint32_t *id; /* pool id -> place in the table */
};

static void put(struct out *o, uint64_t v)
{
    char tmp[10];
    size_t n = 0;

    do {
        tmp[n++] = (char)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v != 0);
    lg_buf_add(o->b, tmp, n);
}

static void put_time(struct out *o, lg_time t)
{
    put(o, ((uint64_t)t << 1) ^ (t < 0 ? UINT64_MAX : 0));
}

static void put_str(struct out *o, struct lg_str s)
{
    put(o, s.n);
    lg_buf_adds(o->b, s);
}

static void put_id(struct out *o, uint32_t id)
{
    put(o, o->id[id]);
}

static bool marked(const struct lg_strmarks *mk, uint32_t id)
{
    return (mk->bits[id / 8] >> (id % 8) & 1) != 0;
}

static void write_strings(struct out *o, const struct lg_strmarks *mk)
{
    const struct lg_strpool *sp = &o->ep->sp;
    uint32_t n = 0;

    for (uint32_t id = 1; id < sp->ents.n; id++)
        if (marked(mk, id))
            o->id[id] = ++n;
    put(o, n);
    for (uint32_t id = 1; id < sp->ents.n; id++)
        if (marked(mk, id))
            put_str(o, lg_strpool_get(sp, id));
}

static void write_facts(struct out *o, const struct lg_proc_facts *f)
{
    put_id(o, f->guid);
    put_id(o, f->image);
    put_id(o, f->cmd);
    put_id(o, f->user);
    put_id(o, f->original);
    put_id(o, f->hash);
    put(o, f->pid);
    put(o, f->text_flags);
    put(o, f->integrity);
    put(o, f->user_class);
    put(o, f->system);
    put_time(o, f->start);
}

/* Least recently touched first, so that reading them one by one gives the same order. */
static void write_procs(struct out *o)
{
    const struct lg_proctab *pt = &o->ep->pt;

    put(o, pt->next_serial);
    put(o, pt->n);
    for (uint32_t i = pt->tail; i != LG_IDX_NONE; i = pt->procs.v[i].prev) {
        const struct lg_proc *p = &pt->procs.v[i];

        put(o, p->serial);
        put(o, p->rev);
        put(o, p->flags | (uint64_t)lg_proctab_guid_known(pt, i) << 8);
        write_facts(o, &p->f);
        put_id(o, p->name);
        put_id(o, p->ncmd);
        put(o, p->ppid);
        put(o, p->create_sources);
        put_time(o, p->last);
    }
}

static void write_heap(struct out *o)
{
    put(o, o->ep->heap.n);
    for (uint32_t i = 0; i < o->ep->heap.n; i++) {
        const struct lg_pend *pe = o->ep->heap.v[i].pe;
        uint64_t has = pe->has;

        put_time(o, pe->time);
        lg_buf_add(o->b, pe->id.b, sizeof(pe->id.b));
        put(o, has);
        put(o, pe->type);
        put(o, pe->source);
        put(o, pe->edge);
        put(o, pe->ends);
        put(o, pe->life);
        put(o, pe->flags);
        for (unsigned n = 0; has != 0; has &= has - 1, n++) {
            if (lg_pend_slot_is_string((unsigned)__builtin_ctzll(has)))
                put_id(o, pe->v[n]);
            else
                put(o, pe->v[n]);
        }
    }
}

static void write_slice_nodes(struct out *o, const struct lg_slice *sl)
{
    put(o, sl->procs.n);
    for (uint32_t i = 0; i < sl->procs.n; i++) {
        const struct lg_slice_proc *p = &sl->procs.v[i];

        put(o, p->serial);
        put(o, p->rev);
        write_facts(o, &p->f);
        put_id(o, p->name);
        put_id(o, p->ncmd);
        put(o, p->flags);
        put(o, p->sources);
        put(o, p->variant);
        put_time(o, p->first);
        put_time(o, p->last);
    }
    put(o, sl->nodes.n);
    for (uint32_t i = 0; i < sl->nodes.n; i++) {
        const struct lg_slice_node *nd = &sl->nodes.v[i];

        put(o, nd->type);
        put(o, nd->variant);
        put(o, nd->sources);
        put(o, nd->flags);
        put_id(o, nd->name);
        put_id(o, nd->cmd);
        put_id(o, nd->raw);
        put_id(o, nd->cmd_raw);
        put_id(o, nd->original);
        put_id(o, nd->hash);
        put_time(o, nd->first);
        put_time(o, nd->last);
    }
}

static void write_slice(struct out *o, const struct lg_slice *sl)
{
    put(o, (uint64_t)sl->index);
    put(o, sl->events);
    for (unsigned t = 0; t < LG_EVENT_TYPE_COUNT; t++)
        put(o, sl->type_counts[t]);
    put(o, sl->sources);
    put(o, sl->nodes_dropped);
    put(o, sl->edges_dropped);
    put(o, sl->late);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++)
        put(o, sl->ledger[l]);
    write_slice_nodes(o, sl);
    put(o, sl->edges.n);
    for (uint32_t i = 0; i < sl->edges.n; i++) {
        const struct lg_slice_edge *ed = &sl->edges.v[i];

        put(o, ed->src);
        put(o, ed->dst);
        put(o, ed->attr);
        put(o, ed->count);
        put_id(o, ed->detail);
        put(o, ed->sources);
        put(o, ed->type);
        put_time(o, ed->first);
        put_time(o, ed->last);
    }
    put(o, sl->aliases.n);
    for (uint32_t i = 0; i < sl->aliases.n; i++) {
        lg_buf_add(o->b, &sl->aliases.v[i].key, sizeof(sl->aliases.v[i].key));
        put(o, sl->aliases.v[i].node);
    }
    put(o, sl->seen_n);
    for (uint32_t i = 0; i < sl->seen_cap; i++)
        if (sl->seen[i] != 0)
            lg_buf_add(o->b, &sl->seen[i], sizeof(sl->seen[i]));
}

static void write_live(struct out *o)
{
    const struct lg_live *lv = o->ep->live;

    put(o, lv->has_offset);
    put(o, lv->offset);
    put_time(o, lv->bus);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++)
        put(o, lv->pending[l]);
    put(o, lv->sources.n);
    for (uint32_t i = 0; i < lv->sources.n; i++) {
        const struct lg_live_source *s = &lv->sources.v[i];

        put(o, s->key);
        put_time(o, s->max);
        put_time(o, s->bus);
        put_time(o, s->habit);
        put(o, s->seq);
        put_time(o, s->seq_time);
        put(o, s->seq_usual);
        put(o, s->events);
        put(o, s->live);
    }
}

static void write_all(struct out *o, const struct lg_windows *ws, const struct lg_strmarks *mk)
{
    const struct lg_endpoint *ep = o->ep;

    put_str(o, lg_endpoint_tenant(ep));
    put_str(o, lg_endpoint_id(ep));
    put(o, ep->platform);
    put(o, LG_LEDGER_COUNT);
    put(o, LG_EVENT_TYPE_COUNT);
    put_time(o, ws->opt.window_ns);
    put_time(o, ws->opt.interval_ns);
    put(o, ep->sp.seed);
    write_strings(o, mk);
    put(o, ep->started);
    put_time(o, ep->watermark);
    put_time(o, ep->closed);
    put_time(o, ep->judged);
    put_time(o, ep->bus);
    put_id(o, ep->host);
    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        put_id(o, ep->people[k]);
    write_live(o);
    write_procs(o);
    write_heap(o);
    put(o, ep->slices.n);
    for (uint32_t i = 0; i < ep->slices.n; i++)
        write_slice(o, ep->slices.v[i]);
}

static int export_endpoint(const struct lg_windows *ws, struct lg_endpoint *ep, struct lg_buf *b)
{
    struct out o = {b, ep, NULL};
    struct lg_strmarks mk;
    size_t from = b->n;
    int r;

    o.id = lg_calloc((size_t)ep->sp.ents.n + 1, sizeof(*o.id));
    if (o.id == NULL)
        return LG_ENOMEM;
    if (lg_endpoint_unpack(ep, ep->slices.n) < 0 || lg_strpool_sweep_begin(&ep->sp, &mk) < 0) {
        lg_free(o.id);
        return LG_ENOMEM;
    }
    lg_endpoint_mark(ep, &mk);
    lg_buf_add(b, CK_MAGIC "\0\0\0\0\0\0\0\0\0", CK_HEAD);
    write_all(&o, ws, &mk);
    lg_endpoint_settle(ws, ep);
    lg_free(mk.bits);
    lg_free(o.id);
    r = b->failed;
    if (r < 0) {
        b->n = from;
        b->failed = 0;
        return r;
    }
    b->p[from + 4] = CK_VERSION;
    lg_ck_hash(lg_str_of(b->p + from, b->n - from), b->p + from + 5);
    return 1;
}

int lg_windows_export(struct lg_windows *ws, struct lg_buf *out, struct lg_windows_checkpoint *ret)
{
    struct lg_endpoint *ep = ws->live != NULL ? ws->live->dirty_first : NULL;
    size_t before;
    int r;

    if (ep == NULL)
        return 0;
    before = ep->acct.bytes;
    r = export_endpoint(ws, ep, out);
    ws->endpoint_bytes += ep->acct.bytes - before; /* slices that could not be packed again */
    if (r < 0)
        return r;
    *ret = (struct lg_windows_checkpoint){
            lg_endpoint_tenant(ep), lg_endpoint_id(ep), ep->live->offset};
    return 1;
}

void lg_windows_export_done(struct lg_windows *ws)
{
    if (ws->live != NULL && ws->live->dirty_first != NULL)
        lg_live_mark_clean(ws, ws->live->dirty_first);
}

#include "graph/live.h"

/* Where the memory of windows is. Counted as accounts count it: what is reserved. */

static const char *const names[LG_WINDOW_MEMORY_COUNT] = {
        [LG_WINDOW_MEMORY_PROCESSES] = "window_processes",
        [LG_WINDOW_MEMORY_SLICES] = "window_slices",
        [LG_WINDOW_MEMORY_WAITING] = "window_waiting",
        [LG_WINDOW_MEMORY_STRINGS] = "window_strings",
        [LG_WINDOW_MEMORY_OTHER] = "window_other",
};

const char *lg_window_memory_name(enum lg_window_memory_part part)
{
    return (unsigned)part < LG_WINDOW_MEMORY_COUNT ? names[part] : "unknown";
}

#define VEC_BYTES(vec) ((size_t)(vec)->cap * sizeof(*(vec)->v))
#define IDX_BYTES(ix) ((size_t)(ix)->cap * sizeof(*(ix)->slots))

static size_t slice_bytes(const struct lg_slice *sl)
{
    return sizeof(*sl) + VEC_BYTES(&sl->procs) + VEC_BYTES(&sl->nodes) + VEC_BYTES(&sl->edges) +
            VEC_BYTES(&sl->aliases) + IDX_BYTES(&sl->proc_ix) + IDX_BYTES(&sl->node_ix) +
            IDX_BYTES(&sl->edge_ix) + IDX_BYTES(&sl->alias_ix) + sl->seen_cap * sizeof(*sl->seen) +
            sl->packed_bytes;
}

void lg_windows_memory(const struct lg_windows *ws, struct lg_window_memory *ret)
{
    struct lg_window_stats st;
    size_t *b = ret->bytes, known = 0;

    *ret = (struct lg_window_memory){0};
    for (const struct lg_endpoint *ep = ws->oldest; ep != NULL; ep = ep->newer) {
        b[LG_WINDOW_MEMORY_PROCESSES] +=
                VEC_BYTES(&ep->pt.procs) + IDX_BYTES(&ep->pt.by_guid) + IDX_BYTES(&ep->pt.by_pid);
        b[LG_WINDOW_MEMORY_STRINGS] +=
                VEC_BYTES(&ep->sp.bytes) + VEC_BYTES(&ep->sp.ents) + IDX_BYTES(&ep->sp.ix);
        b[LG_WINDOW_MEMORY_WAITING] += ep->pending_bytes + VEC_BYTES(&ep->heap);
        for (uint32_t i = 0; i < ep->slices.n; i++)
            b[LG_WINDOW_MEMORY_SLICES] += slice_bytes(ep->slices.v[i]);
        ret->processes += ep->pt.n;
    }
    for (unsigned i = 0; i < LG_WINDOW_MEMORY_OTHER; i++)
        known += b[i];
    lg_windows_stats(ws, &st);
    b[LG_WINDOW_MEMORY_OTHER] = st.bytes > known ? st.bytes - known : 0;
}

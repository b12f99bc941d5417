#include <stdlib.h>

#include "store/sqlite_event_int.h"

/*
 * A batch's list of its rows. u: the unsigned LEB128 numbers of below.
 *
 *   u attempts; for each tenant: u tenant, u count, u first millisecond,
 *   then count entries in the order of (low bits, row): u step of the low bits, u milliseconds
 *
 * The low bits are a hash of the event's id, so that an id is looked for without its row's number;
 * where a number was taken, attempt k's hash stands instead, and `attempts` is the largest k.
 */
#define LOW_MASK ((INT64_C(1) << LG_ROW_MS_SHIFT) - 1)

static void put_u(struct lg_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        lg_buf_addc(out, (char)(v | 0x80));
    lg_buf_addc(out, (char)v);
}

static bool get_u(struct lg_run *r, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 63 && r->p < r->end; shift += 7) {
        uint8_t c = *r->p++;

        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

int lg_run_order(const void *pa, const void *pb)
{
    int64_t a = ((const struct lg_event_cols *)pa)->id, b = ((const struct lg_event_cols *)pb)->id;
    int64_t ta = lg_row_tenant(a), tb = lg_row_tenant(b), la = a & LOW_MASK, lb = b & LOW_MASK;

    if (ta != tb)
        return ta < tb ? -1 : 1;
    if (la != lb)
        return la < lb ? -1 : 1;
    return (a > b) - (a < b);
}

void lg_run_make(const struct lg_event_cols *rows, size_t n, unsigned attempts, struct lg_buf *out)
{
    size_t i = 0;

    put_u(out, attempts);
    while (i < n) {
        int64_t tenant = lg_row_tenant(rows[i].id), first = INT64_MAX, low = 0;
        size_t end = i;

        for (; end < n && lg_row_tenant(rows[end].id) == tenant; end++)
            if (lg_row_ms(rows[end].id) < first)
                first = lg_row_ms(rows[end].id);
        put_u(out, (uint64_t)tenant);
        put_u(out, end - i);
        put_u(out, (uint64_t)first);
        for (; i < end; i++) {
            put_u(out, (uint64_t)((rows[i].id & LOW_MASK) - low));
            put_u(out, (uint64_t)(lg_row_ms(rows[i].id) - first));
            low = rows[i].id & LOW_MASK;
        }
    }
}

int lg_run_open(struct lg_run *r, struct lg_str list)
{
    uint64_t v;

    *r = (struct lg_run){.p = (const uint8_t *)list.p, .end = (const uint8_t *)list.p + list.n};
    if (list.n == 0)
        return 0;
    if (!get_u(r, &v) || v >= LG_ROW_TRIES)
        return LG_ECORRUPT;
    r->attempts = (unsigned)v;
    return 0;
}

int lg_run_next(struct lg_run *r, int64_t *ret)
{
    uint64_t a, b;

    if (r->left == 0) {
        uint64_t tenant;

        if (r->p == r->end)
            return 0;
        if (!get_u(r, &tenant) || !get_u(r, &r->left) || !get_u(r, &b) || r->left == 0 ||
                tenant > LG_ROW_TENANT_MAX || b > LG_ROW_MS_MAX)
            return LG_ECORRUPT;
        r->tenant = (int64_t)tenant;
        r->first_ms = (int64_t)b;
        r->low = 0;
    }
    if (!get_u(r, &a) || !get_u(r, &b) || a > (uint64_t)(LOW_MASK - r->low) ||
            b > (uint64_t)(LG_ROW_MS_MAX - r->first_ms))
        return LG_ECORRUPT;
    r->low += (int64_t)a;
    r->left--;
    *ret = lg_row_first(r->tenant, r->first_ms + (int64_t)b) | r->low;
    return 1;
}

void lg_run_seek(struct lg_run *r, const struct lg_uuid *id)
{
    for (unsigned k = 0; k <= r->attempts; k++)
        r->want[k] = lg_row_number(0, 0, id, k) & LOW_MASK;
}

bool lg_run_may_be(const struct lg_run *r)
{
    for (unsigned k = 0; k <= r->attempts; k++)
        if (r->want[k] == r->low)
            return true;
    return false;
}

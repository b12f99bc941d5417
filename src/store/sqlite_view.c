#include "base/mem.h"
#include "base/utf8.h"
#include "store/sqlite_int.h"

/*
 * Scope to rows. Every file with tenants' rows has `tenant_refs(ref, tenant)`; a tenant without a
 * row there has nothing in the file. Which refs a scope sees is decided here and nowhere else.
 */
static int add_ref(struct lg_view *v, int64_t ref, size_t *cap)
{
    int rc = 0;

    if (v->n_tenants == *cap)
        rc = lg_vec_grow((void **)&v->tenants, cap, v->n_tenants + 1u, sizeof(*v->tenants));
    if (rc >= 0)
        v->tenants[v->n_tenants++] = ref;
    return rc;
}

static int resolve(struct lg_view *v, const struct lg_scope *sc, struct lg_str filter)
{
    struct lg_q q;
    size_t cap = 0;
    int rc;

    if (sc == NULL || lg_scope_is_empty(sc) || (filter.n > 0 && !lg_scope_allows(sc, filter)))
        return 0;
    if (filter.n > 0) {
        lg_q_open(&q, v->c, "SELECT ref, tenant FROM tenant_refs WHERE tenant=?1");
        lg_q_str(&q, filter);
    } else {
        lg_q_open(&q, v->c, "SELECT ref, tenant FROM tenant_refs ORDER BY tenant");
    }
    while ((rc = lg_q_step(&q)) > 0) {
        if (!lg_scope_allows(sc, lg_q_col_str(&q, 1)))
            continue;
        rc = add_ref(v, lg_q_col_i64(&q, 0), &cap);
        if (rc < 0)
            break;
    }
    lg_q_done(&q);
    return rc;
}

int lg_view_open(
        struct lg_view *v, struct lg_sdb *db, const struct lg_scope *sc, struct lg_str filter)
{
    int rc = lg_view_open_internal(v, db);

    if (rc < 0)
        return rc;
    v->internal = false;
    rc = resolve(v, sc, filter);
    if (rc < 0)
        lg_view_done(v);
    return rc;
}

int lg_view_resolve(struct lg_view *v, struct lg_sdb *db, struct lg_conn *c,
        const struct lg_scope *sc, struct lg_str filter)
{
    *v = (struct lg_view){.db = db, .c = c};
    return resolve(v, sc, filter);
}

bool lg_view_sees(const struct lg_view *v, int64_t tenant_ref)
{
    if (v->internal)
        return true;
    for (uint32_t i = 0; i < v->n_tenants; i++)
        if (v->tenants[i] == tenant_ref)
            return true;
    return false;
}

/* Simple case folds that keep two bytes two bytes: Latin-1, Greek, Cyrillic; and Latin Extended-A,
 * whose pairs alternate. */
static uint32_t fold2(uint32_t cp)
{
    static const struct {
        uint16_t first, last;
        enum { PLUS_32, PLUS_80, EVEN_IS_UPPER, ODD_IS_UPPER } how;
    } ranges[] = {{0xc0, 0xd6, PLUS_32}, {0xd8, 0xde, PLUS_32}, {0x100, 0x12f, EVEN_IS_UPPER},
            {0x132, 0x137, EVEN_IS_UPPER}, {0x139, 0x148, ODD_IS_UPPER},
            {0x14a, 0x177, EVEN_IS_UPPER}, {0x179, 0x17e, ODD_IS_UPPER}, {0x391, 0x3a9, PLUS_32},
            {0x400, 0x40f, PLUS_80}, {0x410, 0x42f, PLUS_32}, {0x460, 0x481, EVEN_IS_UPPER}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        if (cp < ranges[i].first || cp > ranges[i].last)
            continue;
        switch (ranges[i].how) {
        case PLUS_32:
            return cp + 32;
        case PLUS_80:
            return cp + 80;
        case EVEN_IS_UPPER:
            return cp | 1;
        default:
            return cp + (cp & 1);
        }
    }
    return cp;
}

void lg_text_fold(struct lg_str s, struct lg_buf *out)
{
    size_t at = out->n;

    lg_buf_adds(out, s);
    if (out->failed != 0)
        return;
    for (size_t i = at; i < out->n; i++) {
        unsigned char c = (unsigned char)out->p[i];

        if (c < 0x80) {
            out->p[i] = lg_ascii_lower(out->p[i]);
        } else if (c >= 0xc2 && c <= 0xdf && i + 1 < out->n &&
                ((unsigned char)out->p[i + 1] & 0xc0) == 0x80) {
            uint32_t cp = fold2((uint32_t)(c & 0x1f) << 6 | ((unsigned char)out->p[i + 1] & 0x3f));

            out->p[i] = (char)(0xc0 | cp >> 6);
            out->p[i + 1] = (char)(0x80 | (cp & 0x3f));
            i++;
        }
    }
}

#include "base/mem.h"
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

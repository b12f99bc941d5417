#include <string.h>

#include "base/mem.h"
#include "net/router_int.h"

int lg_router_new(struct lg_router **ret)
{
    struct lg_router *rt = lg_calloc(1, sizeof(*rt));

    if (rt == NULL)
        return LG_ENOMEM;
    (void)pthread_mutex_init(&rt->docs_lock, NULL);
    for (size_t i = 0; i < 4; i++)
        lg_buf_init(&rt->docs[i], 16u << 20);
    *ret = rt;
    return 0;
}

void lg_router_free(struct lg_router *rt)
{
    if (rt == NULL)
        return;
    for (size_t i = 0; i < rt->rows.n; i++)
        lg_free(rt->rows.v[i]);
    lg_vec_done(&rt->rows);
    lg_vec_done(&rt->schemas);
    for (size_t i = 0; i < 4; i++)
        lg_buf_done(&rt->docs[i]);
    (void)pthread_mutex_destroy(&rt->docs_lock);
    lg_free(rt);
}

static int row_error(const struct lg_route *r, struct lg_err *reterr, const char *what)
{
    return lg_err_set(reterr, LG_EINVAL, "route %s %s: %s", lg_http_method_name(r->method),
            r->path != NULL ? r->path : "(no path)", what);
}

/* "{name}" or "{name...}" or a literal without braces. */
static int parse_segment(struct lg_str part, bool last, struct lg_seg *ret)
{
    if (part.n == 0)
        return LG_EINVAL;
    if (part.p[0] != '{') {
        *ret = (struct lg_seg){LG_SEG_LITERAL, part};
        return lg_str_chr(part, '{') >= 0 || lg_str_chr(part, '}') >= 0 ? LG_EINVAL : 0;
    }
    if (part.n < 3 || part.p[part.n - 1] != '}')
        return LG_EINVAL;
    part = lg_str_sub(part, 1, part.n - 1);
    ret->kind = LG_SEG_PARAM;
    if (lg_str_ends(part, LG_STR("..."))) {
        ret->kind = LG_SEG_REST;
        part.n -= 3;
        if (!last || part.n == 0)
            return LG_EINVAL;
    }
    ret->text = part;
    return 0;
}

static const struct lg_param *find_param(
        const struct lg_route *r, struct lg_str name, enum lg_param_in in)
{
    for (const struct lg_param *p = r->params; p != NULL && p->name != NULL; p++)
        if (p->in == in && lg_str_eq(lg_str_z(p->name), name))
            return p;
    return NULL;
}

static int parse_path(struct lg_row *row, struct lg_err *reterr)
{
    const struct lg_route *r = row->route;
    struct lg_str path = lg_str_z(r->path), part;

    if (path.n == 0 || path.p[0] != '/' || (path.n > 1 && path.p[path.n - 1] == '/'))
        return row_error(r, reterr, "a path begins with a slash, and does not end with one");
    path = lg_str_sub(path, 1, path.n);
    while (path.n > 0) {
        bool last = lg_str_chr(path, '/') < 0;

        (void)lg_str_split(&path, '/', &part);
        if (row->n_segs == LG_URI_MAX_SEGMENTS)
            return row_error(r, reterr, "too many segments");
        if (parse_segment(part, last, &row->segs[row->n_segs]) < 0)
            return row_error(r, reterr, "malformed path");
        if (row->segs[row->n_segs].kind != LG_SEG_LITERAL &&
                find_param(r, row->segs[row->n_segs].text, LG_IN_PATH) == NULL)
            return row_error(r, reterr, "a path parameter is not declared");
        row->n_segs++;
    }
    return 0;
}

static bool path_has(const struct lg_row *row, const char *name)
{
    for (size_t i = 0; i < row->n_segs; i++)
        if (row->segs[i].kind != LG_SEG_LITERAL && lg_str_eq(row->segs[i].text, lg_str_z(name)))
            return true;
    return false;
}

static int check_params(struct lg_row *row, struct lg_err *reterr)
{
    const struct lg_route *r = row->route;

    for (const struct lg_param *p = r->params; p != NULL && p->name != NULL; p++) {
        if (++row->n_params > LG_ROUTE_MAX_PARAMS)
            return row_error(r, reterr, "too many parameters");
        if (find_param(r, lg_str_z(p->name), p->in) != p)
            return row_error(r, reterr, "a parameter is declared twice");
        if (p->in == LG_IN_PATH && !path_has(row, p->name))
            return row_error(r, reterr, "a declared parameter is not in the path");
        if (p->type == LG_PARAM_ENUM && p->values == NULL)
            return row_error(r, reterr, "an enum parameter without values");
        if (p->min > p->max && p->max != 0)
            return row_error(r, reterr, "a parameter with min above max");
        if (p->in == LG_IN_PATH && (p->repeated || p->def != NULL))
            return row_error(r, reterr, "a path parameter is neither repeated nor optional");
    }
    return 0;
}

static bool same_shape(const struct lg_row *a, const struct lg_row *b)
{
    if (a->n_segs != b->n_segs)
        return false;
    for (size_t i = 0; i < a->n_segs; i++)
        if (a->segs[i].kind != b->segs[i].kind ||
                (a->segs[i].kind == LG_SEG_LITERAL && !lg_str_eq(a->segs[i].text, b->segs[i].text)))
            return false;
    return true;
}

static int check_row(const struct lg_router *rt, struct lg_row *row, struct lg_err *reterr)
{
    const struct lg_route *r = row->route;
    int rc;

    if (r->path == NULL || r->operation == NULL || r->tag == NULL || r->summary == NULL ||
            r->handler == NULL)
        return row_error(r, reterr, "path, operation, tag, summary and handler are wanted");
    if ((unsigned)r->method >= LG_HTTP_METHODS || (unsigned)r->action >= LG_ACTION_COUNT)
        return row_error(r, reterr, "no such method or action");
    if ((r->flags & LG_ROUTE_STREAM) != 0 && r->on_data == NULL)
        return row_error(r, reterr, "a streamed body wants on_data");
    if (lg_action_info(r->action)->kind == LG_ACTION_ANYONE && (r->flags & LG_ROUTE_TENANT) != 0)
        return row_error(r, reterr, "a tenant's data is not open to anyone");
    rc = parse_path(row, reterr);
    if (rc == 0)
        rc = check_params(row, reterr);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < rt->rows.n; i++) {
        const struct lg_row *other = rt->rows.v[i];

        if (strcmp(other->route->operation, r->operation) == 0)
            return row_error(r, reterr, "its operation id is taken");
        if (other->route->method == r->method && (other->surfaces & row->surfaces) != 0 &&
                same_shape(other, row))
            return row_error(r, reterr, "another row has this method and path");
    }
    return 0;
}

static void place_row(struct lg_row *row, bool shared)
{
    unsigned flags = row->route->flags;
    struct lg_str path = lg_str_z(row->route->path != NULL ? row->route->path : "");

    row->surfaces = LG_SURFACE_API;
    if ((flags & LG_ROUTE_DASHBOARD) != 0)
        row->surfaces |= LG_SURFACE_DASHBOARD;
    if ((flags & LG_ROUTE_PAGE) != 0)
        row->surfaces = LG_SURFACE_DASHBOARD;
    row->below_api = shared && (flags & LG_ROUTE_API_ONLY) == 0 &&
            !lg_str_starts(path, LG_STR("/" LG_BELOW_API "/"));
}

static int add_rows(struct lg_router *rt, const struct lg_route *rows, size_t n, bool shared,
        void *ctx, struct lg_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        struct lg_row *row = lg_calloc(1, sizeof(*row));
        int rc;

        if (row == NULL)
            return lg_err_set(reterr, LG_ENOMEM, "out of memory");
        row->route = &rows[i];
        row->ctx = ctx;
        row->index = rt->rows.n;
        place_row(row, shared);
        rc = check_row(rt, row, reterr);
        if (rc == 0 && lg_vec_push(&rt->rows, row) < 0)
            rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
        if (rc < 0) {
            lg_free(row);
            return rc;
        }
    }
    return 0;
}

int lg_router_add(struct lg_router *rt, const struct lg_route *rows, size_t n, void *ctx,
        struct lg_err *reterr)
{
    return add_rows(rt, rows, n, false, ctx, reterr);
}

int lg_router_add_shared(struct lg_router *rt, const struct lg_route *rows, size_t n, void *ctx,
        struct lg_err *reterr)
{
    return add_rows(rt, rows, n, true, ctx, reterr);
}

int lg_router_schemas(
        struct lg_router *rt, const struct lg_schema *schemas, size_t n, struct lg_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rt->schemas.n; k++)
            if (strcmp(rt->schemas.v[k].name, schemas[i].name) == 0)
                return lg_err_set(reterr, LG_EINVAL, "schema %s is given twice", schemas[i].name);
        if (lg_vec_push(&rt->schemas, schemas[i]) < 0)
            return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    return 0;
}

size_t lg_router_count(const struct lg_router *rt)
{
    return rt->rows.n;
}

const struct lg_route *lg_router_at(const struct lg_router *rt, size_t i)
{
    LG_ASSERT(i < rt->rows.n);
    return rt->rows.v[i]->route;
}

static bool row_fits(const struct lg_row *row, const struct lg_uri *uri)
{
    for (size_t i = 0; i < row->n_segs; i++) {
        if (row->segs[i].kind == LG_SEG_REST)
            return uri->n_segments > i;
        if (i >= uri->n_segments)
            return false;
        if (row->segs[i].kind == LG_SEG_LITERAL ? !lg_str_eq(row->segs[i].text, uri->segments[i])
                                                : uri->segments[i].n == 0)
            return false;
    }
    return row->n_segs == uri->n_segments;
}

/* The row that says more, from the left: a literal over a parameter over the rest. */
static bool more_exact(const struct lg_row *a, const struct lg_row *b)
{
    size_t n = a->n_segs < b->n_segs ? a->n_segs : b->n_segs;

    for (size_t i = 0; i < n; i++)
        if (a->segs[i].kind != b->segs[i].kind)
            return a->segs[i].kind < b->segs[i].kind;
    return false;
}

bool lg_row_shown(const struct lg_row *row, unsigned surfaces)
{
    unsigned on = row->surfaces | (row->below_api ? LG_SURFACE_DASHBOARD : 0);

    return (on & surfaces) != 0;
}

void lg_uri_shift(struct lg_uri *uri)
{
    uri->n_segments--;
    memmove(uri->segments, uri->segments + 1, uri->n_segments * sizeof(*uri->segments));
    memmove(uri->raw_segments, uri->raw_segments + 1, uri->n_segments * sizeof(*uri->raw_segments));
}

static void match_rows(const struct lg_router *rt, enum lg_http_method method, unsigned surfaces,
        const struct lg_uri *uri, bool inner, bool no_rest, struct lg_match *ret)
{
    for (size_t i = 0; i < rt->rows.n; i++) {
        const struct lg_row *row = rt->rows.v[i];

        if (inner ? !row->below_api : (row->surfaces & surfaces) == 0)
            continue;
        if (no_rest && row->n_segs > 0 && row->segs[0].kind == LG_SEG_REST)
            continue;
        if (!row_fits(row, uri))
            continue;
        ret->allow |= 1u << row->route->method;
        if (row->route->method == method && (ret->row == NULL || more_exact(row, ret->row)))
            ret->row = row;
    }
}

void lg_router_match(const struct lg_router *rt, enum lg_http_method method, unsigned surfaces,
        const struct lg_uri *uri, struct lg_match *ret)
{
    bool below = (surfaces & LG_SURFACE_DASHBOARD) != 0 && uri->n_segments > 0 &&
            lg_str_eq(uri->segments[0], LG_STR(LG_BELOW_API));

    *ret = (struct lg_match){0};
    match_rows(rt, method, surfaces, uri, false, below, ret);
    if (below && ret->row == NULL) {
        struct lg_uri inner = *uri;

        lg_uri_shift(&inner);
        match_rows(rt, method, surfaces, &inner, true, false, ret);
        ret->below_api = ret->row != NULL;
    }
}

struct lg_str lg_row_path_value(
        const struct lg_row *row, const struct lg_uri *uri, const char *name, bool raw)
{
    for (size_t i = 0; i < row->n_segs; i++) {
        struct lg_str from;

        if (row->segs[i].kind == LG_SEG_LITERAL || !lg_str_eq(row->segs[i].text, lg_str_z(name)))
            continue;
        if (row->segs[i].kind == LG_SEG_PARAM)
            return raw ? uri->raw_segments[i] : uri->segments[i];
        /* the rest stays as sent: decoding could make new slashes */
        from = uri->raw_segments[i];
        return lg_str_of(from.p, (size_t)(uri->path.p + uri->path.n - from.p));
    }
    return LG_STR("");
}

const char *lg_http_method_name(enum lg_http_method m)
{
    static const char *const names[LG_HTTP_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

    return (unsigned)m < LG_HTTP_METHODS ? names[m] : "?";
}

void lg_allow_text(unsigned allow, char out[LG_ALLOW_TEXT_MAX])
{
    size_t n = 0;

    for (unsigned m = 0; m < LG_HTTP_METHODS; m++) {
        const char *name = lg_http_method_name((enum lg_http_method)m);

        if ((allow & 1u << m) == 0)
            continue;
        memcpy(out + n, name, strlen(name));
        n += strlen(name);
        out[n++] = ',';
        out[n++] = ' ';
        if (m == LG_GET) {
            memcpy(out + n, "HEAD, ", 6);
            n += 6;
        }
    }
    memcpy(out + n, "OPTIONS", sizeof("OPTIONS"));
}

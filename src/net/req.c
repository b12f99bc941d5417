#include <string.h>

#include "net/req_int.h"

/* What handlers read of a request. */

struct lg_arena *lg_req_arena(struct lg_http_req *req)
{
    return &req->arena;
}

const struct lg_route *lg_req_route(const struct lg_http_req *req)
{
    return req->row->route;
}

enum lg_http_method lg_req_method(const struct lg_http_req *req)
{
    return req->method;
}

bool lg_req_is_head(const struct lg_http_req *req)
{
    return req->head;
}

struct lg_str lg_req_path(const struct lg_http_req *req)
{
    return req->uri.path;
}

struct lg_str lg_req_query(const struct lg_http_req *req)
{
    return req->uri.query;
}

struct lg_str lg_req_body(const struct lg_http_req *req)
{
    return req->body.p != NULL ? lg_buf_str(&req->body) : LG_STR("");
}

struct lg_str lg_req_content_type(const struct lg_http_req *req)
{
    return req->content_type;
}

struct lg_str lg_req_header(const struct lg_http_req *req, const char *name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (lg_str_ieq(req->headers[i].name, lg_str_z(name)))
            return req->headers[i].value;
    return LG_STR("");
}

const struct lg_principal *lg_req_principal(const struct lg_http_req *req)
{
    return req->principal;
}

const struct lg_http_peer *lg_req_peer(const struct lg_http_req *req)
{
    return &req->peer;
}

struct lg_str lg_req_id(const struct lg_http_req *req)
{
    return lg_str_z(req->id);
}

lg_time lg_req_time(const struct lg_http_req *req)
{
    return req->now;
}

void lg_req_set_state(struct lg_http_req *req, void *state, void (*drop)(void *state))
{
    req->state = state;
    req->drop_state = drop;
}

void *lg_req_state(const struct lg_http_req *req)
{
    return req->state;
}

/* Value number `i` of a name that the row declares; NULL when there are not as many. */
static const struct lg_value *value_of(
        const struct lg_http_req *req, const char *name, size_t i, enum lg_param_type type)
{
    const struct lg_param *p = req->row->route->params;
    const struct lg_param *decl = NULL;

    for (; p != NULL && p->name != NULL && decl == NULL; p++)
        if (strcmp(p->name, name) == 0)
            decl = p;
    LG_ASSERT(decl != NULL);
    LG_ASSERT(decl->type == type || type == LG_PARAM_STRING);
    for (size_t k = 0; k < req->n_values; k++)
        if (req->values[k].decl == decl && i-- == 0)
            return &req->values[k];
    return NULL;
}

bool lg_req_has(const struct lg_http_req *req, const char *name)
{
    const struct lg_value *v = value_of(req, name, 0, LG_PARAM_STRING);

    return v != NULL && v->sent;
}

struct lg_str lg_req_str(const struct lg_http_req *req, const char *name)
{
    return lg_req_nth(req, name, 0);
}

struct lg_str lg_req_nth(const struct lg_http_req *req, const char *name, size_t i)
{
    const struct lg_value *v = value_of(req, name, i, LG_PARAM_STRING);

    return v != NULL ? v->text : LG_STR("");
}

size_t lg_req_count(const struct lg_http_req *req, const char *name)
{
    size_t n = 0;

    while (value_of(req, name, n, LG_PARAM_STRING) != NULL)
        n++;
    return n;
}

int64_t lg_req_int(const struct lg_http_req *req, const char *name, int64_t fallback)
{
    const struct lg_value *v = value_of(req, name, 0, LG_PARAM_INT);

    return v != NULL ? v->i : fallback;
}

double lg_req_number(const struct lg_http_req *req, const char *name, double fallback)
{
    const struct lg_value *v = value_of(req, name, 0, LG_PARAM_NUMBER);

    return v != NULL ? v->d : fallback;
}

bool lg_req_bool(const struct lg_http_req *req, const char *name, bool fallback)
{
    const struct lg_value *v = value_of(req, name, 0, LG_PARAM_BOOL);

    return v != NULL ? v->b : fallback;
}

lg_time lg_req_when(const struct lg_http_req *req, const char *name, lg_time fallback)
{
    const struct lg_value *v = value_of(req, name, 0, LG_PARAM_TIME);

    return v != NULL ? v->t : fallback;
}

bool lg_req_uuid(const struct lg_http_req *req, const char *name, struct lg_uuid *ret)
{
    const struct lg_value *v = value_of(req, name, 0, LG_PARAM_UUID);

    if (v == NULL)
        return false;
    *ret = v->u;
    return true;
}

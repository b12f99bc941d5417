#include <stdio.h>
#include <string.h>

#include "net/problem.h"
#include "net/router_int.h"
#include "json/json.h"
#include "json/write.h"

/* The OpenAPI 3.1 document: nothing in it is written by hand but the schemas. */

struct gen {
    const struct lg_router *rt;
    unsigned surfaces;
    struct lg_jw w;
    struct lg_err *reterr;
    int rc;
};

static bool shown(const struct gen *g, const struct lg_row *row)
{
    return lg_row_shown(row, g->surfaces) && (row->route->flags & LG_ROUTE_HIDDEN) == 0;
}

/* Does the document show the row below /api? */
static bool below_api(const struct gen *g, const struct lg_row *row)
{
    return row->below_api && (row->surfaces & g->surfaces) == 0;
}

static void text(struct gen *g, const char *key, const char *value)
{
    lg_jw_key(&g->w, lg_str_z(key));
    lg_jw_str(&g->w, lg_str_z(value));
}

static void schema_ref(struct gen *g, const char *name)
{
    bool known = false;
    char ref[160];

    for (size_t i = 0; i < g->rt->schemas.n; i++)
        known = known || strcmp(g->rt->schemas.v[i].name, name) == 0;
    if (!known && strcmp(name, "Problem") != 0)
        g->rc = lg_err_set(g->reterr, LG_EINVAL, "no schema of the name %s is given", name);
    (void)snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
    lg_jw_object(&g->w);
    text(g, "$ref", ref);
    lg_jw_object_end(&g->w);
}

/* ---- parameters ---- */

static void limits(struct gen *g, const struct lg_param *p, const char *min, const char *max)
{
    lg_jw_key(&g->w, lg_str_z(min));
    lg_jw_i64(&g->w, p->min);
    if (p->max != 0 || p->min != 0) {
        lg_jw_key(&g->w, lg_str_z(max));
        lg_jw_i64(&g->w, p->max);
    }
}

static void enum_values(struct gen *g, const char *values)
{
    struct lg_str rest = lg_str_z(values), one;

    lg_jw_key(&g->w, LG_STR("enum"));
    lg_jw_array(&g->w);
    while (lg_str_split(&rest, '|', &one))
        lg_jw_str(&g->w, one);
    lg_jw_array_end(&g->w);
}

static void default_value(struct gen *g, const struct lg_param *p)
{
    if (p->def == NULL)
        return;
    lg_jw_key(&g->w, LG_STR("default"));
    if (p->type == LG_PARAM_INT || p->type == LG_PARAM_NUMBER || p->type == LG_PARAM_BOOL)
        lg_jw_raw(&g->w, lg_str_z(p->def));
    else
        lg_jw_str(&g->w, lg_str_z(p->def));
}

static void param_schema(struct gen *g, const struct lg_param *p)
{
    static const char *const types[] = {
            "string", "integer", "number", "boolean", "string", "string", "string"};

    lg_jw_object(&g->w);
    text(g, "type", types[p->type]);
    switch (p->type) {
    case LG_PARAM_STRING:
        /* lengths are counted in bytes here, in characters there: only the upper one carries over */
        lg_jw_key(&g->w, LG_STR("maxLength"));
        lg_jw_i64(&g->w, p->max != 0 ? p->max : 256);
        if (p->min > 0 || p->in == LG_IN_PATH) {
            lg_jw_key(&g->w, LG_STR("minLength"));
            lg_jw_i64(&g->w, p->min > 0 ? p->min : 1);
        }
        break;
    case LG_PARAM_INT:
        text(g, "format", "int64");
        limits(g, p, "minimum", "maximum");
        break;
    case LG_PARAM_NUMBER:
        limits(g, p, "minimum", "maximum");
        break;
    case LG_PARAM_ENUM:
        enum_values(g, p->values);
        break;
    case LG_PARAM_TIME:
        text(g, "pattern",
                "^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+|[0-9]+(\\.[0-9]+)?|now(-[0-9]+[smhdw])?)$");
        break;
    case LG_PARAM_UUID:
        text(g, "format", "uuid");
        break;
    case LG_PARAM_BOOL:
        break;
    }
    default_value(g, p);
    lg_jw_object_end(&g->w);
}

static void parameters(struct gen *g, const struct lg_route *r)
{
    static const char *const places[] = {"query", "path", "header"};

    if (r->params == NULL || r->params[0].name == NULL)
        return;
    lg_jw_key(&g->w, LG_STR("parameters"));
    lg_jw_array(&g->w);
    for (const struct lg_param *p = r->params; p->name != NULL; p++) {
        lg_jw_object(&g->w);
        text(g, "name", p->name);
        text(g, "in", places[p->in]);
        if (p->doc != NULL)
            text(g, "description", p->doc);
        LG_JW_BOOL(&g->w, "required", p->required || p->in == LG_IN_PATH);
        lg_jw_key(&g->w, LG_STR("schema"));
        if (p->repeated) {
            lg_jw_object(&g->w);
            text(g, "type", "array");
            lg_jw_key(&g->w, LG_STR("items"));
        }
        param_schema(g, p);
        if (p->repeated) {
            lg_jw_object_end(&g->w);
            text(g, "style", "form");
            LG_JW_BOOL(&g->w, "explode", true);
        }
        lg_jw_object_end(&g->w);
    }
    lg_jw_array_end(&g->w);
}

/* ---- bodies ---- */

static void request_body(struct gen *g, const struct lg_route *r)
{
    struct lg_str rest, one;

    if (r->request == NULL && r->request_types == NULL)
        return;
    rest = lg_str_z(r->request_types != NULL ? r->request_types : "application/json");
    lg_jw_key(&g->w, LG_STR("requestBody"));
    lg_jw_object(&g->w);
    LG_JW_BOOL(&g->w, "required", !r->body_optional);
    lg_jw_key(&g->w, LG_STR("content"));
    lg_jw_object(&g->w);
    while (lg_str_split(&rest, '|', &one)) {
        lg_jw_key(&g->w, lg_str_eq(one, LG_STR("*")) ? LG_STR("*/*") : one);
        lg_jw_object(&g->w);
        if (r->request != NULL) {
            lg_jw_key(&g->w, LG_STR("schema"));
            schema_ref(g, r->request);
        }
        lg_jw_object_end(&g->w);
    }
    lg_jw_object_end(&g->w);
    lg_jw_object_end(&g->w);
}

static void content(struct gen *g, const char *type, const char *schema)
{
    ptrdiff_t semi;
    struct lg_str name = lg_str_z(type != NULL ? type : "application/json");

    if (schema == NULL && type == NULL)
        return;
    semi = lg_str_chr(name, ';'); /* its parameters are no part of the key */
    lg_jw_key(&g->w, lg_str_sub(name, 0, semi < 0 ? name.n : (size_t)semi));
    lg_jw_object(&g->w);
    if (schema != NULL) {
        lg_jw_key(&g->w, LG_STR("schema"));
        schema_ref(g, schema);
    }
    lg_jw_object_end(&g->w);
}

/* The answer of one status, in each of the types that the docs of `list` give it. */
static void one_response(struct gen *g, int status, const struct lg_response_doc *list, size_t n)
{
    const struct lg_response_doc problem = {status, "Problem", NULL, LG_PROBLEM_TYPE};
    const char *doc = n > 0 ? list[0].doc : NULL;
    char code[16];

    if (n == 0 || (status >= 400 && list[0].schema == NULL && list[0].type == NULL)) {
        list = &problem;
        n = 1;
        if (status < 400)
            n = 0;
    }
    (void)snprintf(code, sizeof(code), "%d", status);
    lg_jw_key(&g->w, lg_str_z(code));
    lg_jw_object(&g->w);
    text(g, "description", doc != NULL ? doc : lg_http_reason(status));
    if (n > 0 && (list[0].schema != NULL || list[0].type != NULL)) {
        lg_jw_key(&g->w, LG_STR("content"));
        lg_jw_object(&g->w);
        for (size_t i = 0; i < n && list[i].status == status; i++)
            content(g, list[i].type, list[i].schema);
        lg_jw_object_end(&g->w);
    }
    lg_jw_object_end(&g->w);
}

static void responses(struct gen *g, const struct lg_route *r)
{
    bool public = lg_action_info(r->action)->kind == LG_ACTION_ANYONE;
    bool body = r->request != NULL || r->request_types != NULL;
    bool etag = (r->flags & LG_ROUTE_ETAG) != 0;
    const struct {
        int status;
        bool can;
    } always[] = {{304, etag && r->method == LG_GET}, {400, true}, {401, !public}, {403, !public},
            {406, (r->flags & LG_ROUTE_ANY_ACCEPT) == 0}, {412, etag && r->method != LG_GET},
            {413, body}, {415, body}, {428, etag && r->method != LG_GET},
            {429, (r->flags & LG_ROUTE_NO_LIMIT) == 0}, {431, true}, {500, true}, {503, true}};

    lg_jw_key(&g->w, LG_STR("responses"));
    lg_jw_object(&g->w);
    for (size_t i = 0; i < LG_ROUTE_MAX_RESPONSES && r->responses[i].status != 0; i++) {
        const struct lg_response_doc *d = &r->responses[i];

        if (i == 0 || d[-1].status != d->status) /* those of one status stand together */
            one_response(g, d->status, d, LG_ROUTE_MAX_RESPONSES - i);
    }
    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++) {
        bool said = !always[i].can;

        for (size_t k = 0; k < LG_ROUTE_MAX_RESPONSES && r->responses[k].status != 0; k++)
            said = said || r->responses[k].status == always[i].status;
        if (!said)
            one_response(g, always[i].status, NULL, 0);
    }
    lg_jw_object_end(&g->w);
}

static void access_of(struct gen *g, const struct lg_route *r)
{
    const struct lg_action_info *info = lg_action_info(r->action);
    char roles[LG_ROLES_TEXT_MAX];
    static const char *const schemes[] = {"bearer", "apiKey", "basic", "session"};
    size_t n_schemes = (g->surfaces & LG_SURFACE_DASHBOARD) != 0 ? 4 : 3;

    text(g, "x-logster-action", info->name);
    (void)lg_roles_text(info->roles, roles);
    if (roles[0] != '\0')
        text(g, "x-logster-roles", roles);
    (void)lg_access_scopes_text(info->scopes, roles);
    if (roles[0] != '\0')
        text(g, "x-logster-scopes", roles);
    if ((r->flags & LG_ROUTE_TENANT) != 0)
        LG_JW_BOOL(&g->w, "x-logster-tenant", true);
    lg_jw_key(&g->w, LG_STR("security"));
    lg_jw_array(&g->w);
    for (size_t i = 0; i < n_schemes && info->kind != LG_ACTION_ANYONE; i++) {
        lg_jw_object(&g->w);
        lg_jw_key(&g->w, lg_str_z(schemes[i]));
        lg_jw_array(&g->w);
        lg_jw_array_end(&g->w);
        lg_jw_object_end(&g->w);
    }
    lg_jw_array_end(&g->w);
}

static void operation(struct gen *g, const struct lg_route *r)
{
    static const char *const names[] = {"get", "post", "put", "patch", "delete"};

    lg_jw_key(&g->w, lg_str_z(names[r->method]));
    lg_jw_object(&g->w);
    text(g, "operationId", r->operation);
    lg_jw_key(&g->w, LG_STR("tags"));
    lg_jw_array(&g->w);
    lg_jw_str(&g->w, lg_str_z(r->tag));
    lg_jw_array_end(&g->w);
    text(g, "summary", r->summary);
    if (r->doc != NULL)
        text(g, "description", r->doc);
    parameters(g, r);
    request_body(g, r);
    responses(g, r);
    access_of(g, r);
    lg_jw_object_end(&g->w);
}

/* "{rest...}" is "{rest}" there. */
static void path_key(struct gen *g, const struct lg_row *row)
{
    struct lg_str p = lg_str_z(row->route->path), before = LG_STR("");
    char out[512];
    size_t n = 0;

    if (below_api(g, row))
        before = LG_STR("/" LG_BELOW_API);
    if (before.n > 0)
        memcpy(out, before.p, before.n);
    n = before.n;
    for (size_t i = 0; i < p.n && n < sizeof(out); i++)
        if (!lg_str_starts(lg_str_sub(p, i, p.n), LG_STR("...}")))
            out[n++] = p.p[i];
        else
            i += 2;
    lg_jw_key(&g->w, lg_str_of(out, n));
}

static bool same_path(const struct gen *g, const struct lg_row *a, const struct lg_row *b)
{
    return shown(g, a) && below_api(g, a) == below_api(g, b) &&
            strcmp(a->route->path, b->route->path) == 0;
}

static void paths(struct gen *g)
{
    lg_jw_key(&g->w, LG_STR("paths"));
    lg_jw_object(&g->w);
    for (size_t i = 0; i < g->rt->rows.n; i++) {
        const struct lg_row *row = g->rt->rows.v[i];
        bool first = shown(g, row);

        for (size_t k = 0; k < i && first; k++)
            first = !same_path(g, g->rt->rows.v[k], row);
        if (!first)
            continue;
        path_key(g, row);
        lg_jw_object(&g->w);
        for (size_t k = i; k < g->rt->rows.n; k++)
            if (same_path(g, g->rt->rows.v[k], row))
                operation(g, g->rt->rows.v[k]->route);
        lg_jw_object_end(&g->w);
    }
    lg_jw_object_end(&g->w);
}

static const char problem_schema[] =
        "{\"type\":\"object\",\"description\":\"RFC 9457\",\"required\":[\"type\",\"title\","
        "\"status\"],\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"}"
        ","
        "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
        "\"instance\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},"
        "\"parameter\":{\"type\":\"string\"}}}";

/* The last one is the dashboard's. */
static const char *const security_schemes[][2] = {
        {"bearer",
                "{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"Authorization: "
                "Bearer lgt_...\"}"},
        {"apiKey",
                "{\"type\":\"http\",\"scheme\":\"ApiKey\",\"description\":\"As Elasticsearch "
                "clients send it: the token, or base64 of id:secret\"}"},
        {"basic",
                "{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"Any user, the token as "
                "password\"}"},
        {"session",
                "{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"logster_session\","
                "\"description\":\"Of POST /session; what changes something also wants the "
                "header X-CSRF-Token\"}"},
};

static void components(struct gen *g)
{
    lg_jw_key(&g->w, LG_STR("components"));
    lg_jw_object(&g->w);
    lg_jw_key(&g->w, LG_STR("schemas"));
    lg_jw_object(&g->w);
    for (size_t i = 0; i < g->rt->schemas.n; i++) {
        lg_jw_key(&g->w, lg_str_z(g->rt->schemas.v[i].name));
        lg_jw_raw(&g->w, lg_str_z(g->rt->schemas.v[i].json));
    }
    lg_jw_key(&g->w, LG_STR("Problem"));
    lg_jw_raw(&g->w, LG_STR(problem_schema));
    lg_jw_object_end(&g->w);
    lg_jw_key(&g->w, LG_STR("securitySchemes"));
    lg_jw_object(&g->w);
    for (size_t i = 0; i < sizeof(security_schemes) / sizeof(*security_schemes); i++) {
        if (i == 3 && (g->surfaces & LG_SURFACE_DASHBOARD) == 0)
            continue;
        lg_jw_key(&g->w, lg_str_z(security_schemes[i][0]));
        lg_jw_raw(&g->w, lg_str_z(security_schemes[i][1]));
    }
    lg_jw_object_end(&g->w);
    lg_jw_object_end(&g->w);
}

/* Schemas come as text: what is no JSON would spoil the whole document. */
static int check_json(const struct lg_buf *out, struct lg_err *reterr)
{
    struct lg_json *json;
    struct lg_jval root;
    bool repaired = false;
    int rc = lg_json_new(&json);

    if (rc == 0) {
        rc = lg_json_parse(json, lg_buf_str(out), false, &root, &repaired);
        lg_json_free(json);
    }
    if (rc == LG_ENOMEM)
        return lg_err_set(reterr, rc, "out of memory");
    if (rc < 0 || repaired)
        return lg_err_set(reterr, LG_EINVAL, "a schema is not JSON");
    return 0;
}

int lg_router_openapi(const struct lg_router *rt, const struct lg_openapi_info *info,
        unsigned surfaces, struct lg_buf *out, struct lg_err *reterr)
{
    struct gen g = {.rt = rt, .surfaces = surfaces, .reterr = reterr};

    lg_jw_init(&g.w, out);
    lg_jw_object(&g.w);
    text(&g, "openapi", "3.1.0");
    lg_jw_key(&g.w, LG_STR("info"));
    lg_jw_object(&g.w);
    text(&g, "title", info->title);
    text(&g, "version", info->version);
    if (info->description != NULL)
        text(&g, "description", info->description);
    lg_jw_object_end(&g.w);
    lg_jw_key(&g.w, LG_STR("servers"));
    lg_jw_array(&g.w);
    lg_jw_object(&g.w);
    text(&g, "url", info->server_url != NULL ? info->server_url : "/");
    lg_jw_object_end(&g.w);
    lg_jw_array_end(&g.w);
    paths(&g);
    components(&g);
    lg_jw_object_end(&g.w);
    if (g.rc < 0)
        return g.rc;
    if (out->failed < 0)
        return lg_err_set(reterr, out->failed, "the document does not fit");
    return check_json(out, reterr);
}

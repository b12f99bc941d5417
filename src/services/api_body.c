#include <string.h>

#include "services/api_int.h"

/*
 * Request bodies are checked against the very schemas that /openapi.json shows, so that what is
 * documented and what is enforced cannot differ. The part of JSON Schema that our schemas use:
 * $ref, type, enum, properties, required, additionalProperties, minProperties, maxProperties,
 * items, minItems, maxItems, uniqueItems, minLength, maxLength (bytes here: never fewer characters
 * than the schema says), minimum, maximum, format uuid. `pattern` is left to the handlers.
 */
struct api_shapes {
    struct lg_json *parser;
    struct lg_jval root; /* {"Name": schema, ...} */
};

int api_shapes_new(struct api_shapes **ret, struct lg_err *reterr)
{
    struct api_shapes *sh = lg_calloc(1, sizeof(*sh));
    const struct lg_schema *list;
    struct lg_buf text;
    size_t n;
    int rc;

    if (sh == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    lg_buf_init(&text, (size_t)1 << 20);
    list = api_schemas(&n);
    for (size_t i = 0; i < n; i++) {
        lg_buf_adds(&text, i == 0 ? LG_STR("{\"") : LG_STR(",\""));
        lg_buf_adds(&text, lg_str_z(list[i].name));
        lg_buf_adds(&text, LG_STR("\":"));
        lg_buf_adds(&text, lg_str_z(list[i].json));
    }
    lg_buf_addc(&text, '}');
    rc = text.failed;
    if (rc == 0)
        rc = lg_json_new(&sh->parser);
    if (rc == 0)
        rc = lg_json_parse(sh->parser, lg_buf_str(&text), false, &sh->root, NULL);
    lg_buf_done(&text);
    if (rc < 0) {
        api_shapes_free(sh);
        return lg_err_set(reterr, rc, "the API's schemas: %s", lg_err_name(rc));
    }
    *ret = sh;
    return 0;
}

void api_shapes_free(struct api_shapes *sh)
{
    if (sh == NULL)
        return;
    lg_json_free(sh->parser);
    lg_free(sh);
}

struct check {
    const struct api_shapes *sh;
    struct lg_buf *path;
    const char *why;
    int depth;
};

static bool check_value(struct check *c, struct lg_jval schema, struct lg_jval v);

static bool bad(struct check *c, const char *why)
{
    c->why = why;
    return false;
}

static bool type_is(struct lg_str name, struct lg_jval v)
{
    switch (lg_jval_type(v)) {
    case LG_JSON_NULL:
        return lg_str_eq(name, LG_STR("null"));
    case LG_JSON_BOOL:
        return lg_str_eq(name, LG_STR("boolean"));
    case LG_JSON_I64:
    case LG_JSON_U64:
        return lg_str_eq(name, LG_STR("integer")) || lg_str_eq(name, LG_STR("number"));
    case LG_JSON_DOUBLE:
        return lg_str_eq(name, LG_STR("number"));
    case LG_JSON_STRING:
        return lg_str_eq(name, LG_STR("string"));
    case LG_JSON_ARRAY:
        return lg_str_eq(name, LG_STR("array"));
    default:
        return lg_str_eq(name, LG_STR("object"));
    }
}

static bool check_type(struct check *c, struct lg_jval schema, struct lg_jval v)
{
    struct lg_jval type, item;
    struct lg_jiter it;

    if (!lg_jval_get(schema, LG_STR("type"), &type))
        return true;
    if (lg_jval_type(type) == LG_JSON_STRING)
        return type_is(lg_jval_str(type), v) || bad(c, "is of the wrong type");
    it = lg_jiter_of(type);
    while (lg_jiter_item(&it, &item))
        if (type_is(lg_jval_str(item), v))
            return true;
    return bad(c, "is of the wrong type");
}

static double number_of(struct lg_jval v)
{
    switch (lg_jval_type(v)) {
    case LG_JSON_I64:
        return (double)lg_jval_i64(v);
    case LG_JSON_U64:
        return (double)lg_jval_u64(v);
    default:
        return lg_jval_double(v);
    }
}

static bool is_number(struct lg_jval v)
{
    enum lg_json_type t = lg_jval_type(v);

    return t == LG_JSON_I64 || t == LG_JSON_U64 || t == LG_JSON_DOUBLE;
}

/* Is there a limit of this name, and does `n` go under (low) or over it? */
static bool past(struct lg_jval schema, const char *name, double n, bool low)
{
    struct lg_jval limit;

    if (!lg_jval_get(schema, lg_str_z(name), &limit))
        return false;
    return low ? n < number_of(limit) : n > number_of(limit);
}

static bool same_scalar(struct lg_jval a, struct lg_jval b)
{
    enum lg_json_type t = lg_jval_type(a);

    if (is_number(a) && is_number(b))
        return number_of(a) == number_of(b);
    if (t != lg_jval_type(b))
        return false;
    if (t == LG_JSON_STRING)
        return lg_str_eq(lg_jval_str(a), lg_jval_str(b));
    return t == LG_JSON_NULL || (t == LG_JSON_BOOL && lg_jval_bool(a) == lg_jval_bool(b));
}

static bool one_of(struct lg_jval list, struct lg_jval v)
{
    struct lg_jiter it = lg_jiter_of(list);
    struct lg_jval item;

    while (lg_jiter_item(&it, &item))
        if (same_scalar(item, v))
            return true;
    return false;
}

static bool check_string(struct check *c, struct lg_jval schema, struct lg_jval v)
{
    struct lg_str s = lg_jval_str(v);
    struct lg_uuid id;

    if (lg_str_chr(s, '\0') >= 0)
        return bad(c, "holds a NUL character");
    if (past(schema, "minLength", (double)s.n, true))
        return bad(c, "is too short");
    if (past(schema, "maxLength", (double)s.n, false))
        return bad(c, "is too long");
    if (lg_str_eq(lg_jval_get_str(schema, LG_STR("format")), LG_STR("uuid")) &&
            lg_uuid_parse(s, &id) < 0)
        return bad(c, "is no UUID");
    return true;
}

static bool check_array(struct check *c, struct lg_jval schema, struct lg_jval v)
{
    struct lg_jiter it = lg_jiter_of(v);
    struct lg_jval item, sub, unique;
    bool has_items = lg_jval_get(schema, LG_STR("items"), &sub);
    bool is_set = lg_jval_get(schema, LG_STR("uniqueItems"), &unique) && lg_jval_bool(unique);
    size_t n = 0, len = c->path->n;

    while (lg_jiter_item(&it, &item)) {
        struct lg_jiter before = lg_jiter_of(v);
        struct lg_jval other;

        lg_buf_printf(c->path, "[%zu]", n);
        for (size_t i = 0; is_set && i < n && lg_jiter_item(&before, &other); i++)
            if (same_scalar(other, item))
                return bad(c, "is there twice");
        if (has_items && !check_value(c, sub, item))
            return false;
        c->path->n = len;
        n++;
        if (past(schema, "maxItems", (double)n, false))
            return bad(c, "has too many items");
    }
    return !past(schema, "minItems", (double)n, true) || bad(c, "has too few items");
}

static bool put_path(struct check *c, struct lg_str key)
{
    if (c->path->n > 0)
        lg_buf_addc(c->path, '.');
    lg_buf_adds(c->path, lg_str_sub(key, 0, 64));
    return true;
}

static bool check_member(
        struct check *c, struct lg_jval schema, struct lg_str key, struct lg_jval v)
{
    struct lg_jval props, sub;

    if (lg_jval_get(schema, LG_STR("properties"), &props) && lg_jval_get(props, key, &sub))
        return check_value(c, sub, v);
    if (!lg_jval_get(schema, LG_STR("additionalProperties"), &sub))
        return true;
    if (lg_jval_type(sub) == LG_JSON_BOOL)
        return lg_jval_bool(sub) || bad(c, "is not known here");
    return check_value(c, sub, v);
}

static bool check_object(struct check *c, struct lg_jval schema, struct lg_jval v)
{
    struct lg_jiter it = lg_jiter_of(v);
    struct lg_jval sub, required, name;
    struct lg_str key;
    size_t n = 0, len = c->path->n;

    while (lg_jiter_member(&it, &key, &sub)) {
        struct lg_jiter before = lg_jiter_of(v);
        struct lg_str other;
        struct lg_jval ignored;

        put_path(c, key);
        if (past(schema, "maxProperties", (double)(n + 1), false))
            return bad(c, "is one member too many");
        for (size_t i = 0; i < n && lg_jiter_member(&before, &other, &ignored); i++)
            if (lg_str_eq(other, key))
                return bad(c, "is there twice");
        if (n >= 1024)
            return bad(c, "is one member too many");
        if (!check_member(c, schema, key, sub))
            return false;
        c->path->n = len;
        n++;
    }
    if (past(schema, "minProperties", (double)n, true))
        return bad(c, "has too few members");
    if (!lg_jval_get(schema, LG_STR("required"), &required))
        return true;
    it = lg_jiter_of(required);
    while (lg_jiter_item(&it, &name))
        if (!lg_jval_get(v, lg_jval_str(name), &sub)) {
            put_path(c, lg_jval_str(name));
            return bad(c, "is missing");
        }
    return true;
}

static bool check_value(struct check *c, struct lg_jval schema, struct lg_jval v)
{
    struct lg_str ref = lg_jval_get_str(schema, LG_STR("$ref"));
    struct lg_str prefix = LG_STR("#/components/schemas/");
    struct lg_jval sub;
    bool ok = true;

    if (++c->depth > API_MAX_DEPTH)
        return bad(c, "is nested too deeply");
    if (ref.n > 0) {
        ok = lg_str_starts(ref, prefix) &&
                lg_jval_get(c->sh->root, lg_str_sub(ref, prefix.n, ref.n), &sub);
        LG_ASSERT(ok); /* our own schemas */
        ok = check_value(c, sub, v);
        c->depth--;
        return ok;
    }
    if (!check_type(c, schema, v))
        return false;
    if (lg_jval_get(schema, LG_STR("enum"), &sub) && !one_of(sub, v))
        return bad(c, "is none of the known values");
    if (is_number(v) && past(schema, "minimum", number_of(v), true))
        return bad(c, "is too small");
    if (is_number(v) && past(schema, "maximum", number_of(v), false))
        return bad(c, "is too large");
    if (lg_jval_type(v) == LG_JSON_STRING)
        ok = check_string(c, schema, v);
    else if (lg_jval_type(v) == LG_JSON_ARRAY)
        ok = check_array(c, schema, v);
    else if (lg_jval_type(v) == LG_JSON_OBJECT)
        ok = check_object(c, schema, v);
    c->depth--;
    return ok;
}

int api_shape_check(struct api_shapes *sh, const char *schema, struct lg_jval v,
        struct lg_buf *path, const char **why)
{
    struct check c = {.sh = sh, .path = path};
    struct lg_jval s;

    if (!lg_jval_get(sh->root, lg_str_z(schema), &s))
        return LG_ENOENT;
    if (check_value(&c, s, v))
        return 0;
    *why = c.why;
    return LG_EINVAL;
}

static int refuse(struct lg_http_req *req, const struct lg_buf *path, const char *why)
{
    struct lg_str at = lg_buf_str(path);

    if (at.n == 0)
        return lg_http_problem(req, 400, "bad-body", "The body %s", why);
    return lg_http_problem_of(req, 400, "bad-body", at, LG_STR(""), "%.*s %s", LG_STR_FMT(at), why);
}

int api_body(struct lg_http_req *req, struct lg_api *api, struct api_body *ret)
{
    const char *why = "is not valid", *schema = lg_req_route(req)->request;
    struct lg_json *j;
    struct lg_jval root;
    struct lg_buf path;
    bool repaired = false;
    int rc = lg_json_new(&j);

    if (rc < 0)
        return rc;
    rc = lg_json_parse(j, lg_req_body(req), true, &root, &repaired);
    if (rc == LG_ENOMEM) {
        lg_json_free(j);
        return rc;
    }
    if (rc < 0) {
        rc = lg_http_problem(
                req, 400, "bad-body", "The body is no valid JSON: %s", lg_json_reason(j));
        lg_json_free(j);
        return rc;
    }
    if (repaired) {
        lg_json_free(j);
        return lg_http_problem(req, 400, "bad-body",
                "The body holds text that is not valid Unicode, or a number that is too large");
    }
    lg_buf_init(&path, 1024);
    rc = api_shape_check(api->shapes, schema, root, &path, &why);
    LG_ASSERT(rc != LG_ENOENT);
    if (rc < 0) {
        lg_json_free(j);
        rc = refuse(req, &path, why);
    } else {
        *ret = (struct api_body){.parser = j, .root = root};
        rc = 1;
    }
    lg_buf_done(&path);
    return rc;
}

void api_body_done(struct api_body *b)
{
    lg_json_free(b->parser);
    b->parser = NULL;
}

struct lg_str api_body_str(const struct api_body *b, const char *key)
{
    return lg_jval_get_str(b->root, lg_str_z(key));
}

bool api_body_has(const struct api_body *b, const char *key)
{
    struct lg_jval v;

    return lg_jval_get(b->root, lg_str_z(key), &v);
}

bool api_body_bool(const struct api_body *b, const char *key, bool fallback)
{
    struct lg_jval v;

    if (!lg_jval_get(b->root, lg_str_z(key), &v) || lg_jval_type(v) != LG_JSON_BOOL)
        return fallback;
    return lg_jval_bool(v);
}

int api_body_time(const struct api_body *b, const char *key, lg_time *ret)
{
    struct lg_jval v;
    double seconds;

    if (!lg_jval_get(b->root, lg_str_z(key), &v) || lg_jval_type(v) == LG_JSON_NULL)
        return 0;
    if (lg_jval_type(v) == LG_JSON_STRING) {
        int rc = lg_parse_time_iso(lg_jval_str(v), ret);

        return rc < 0 ? rc : 1;
    }
    seconds = number_of(v);
    if (!(seconds >= 1 && seconds < 9.2e9)) /* 1970..2261 */
        return LG_ERANGE;
    *ret = (lg_time)seconds * LG_NS_PER_SEC +
            (lg_time)((seconds - (double)(lg_time)seconds) * (double)LG_NS_PER_SEC);
    return 1;
}

int api_bad_member(struct lg_http_req *req, const char *key, const char *why)
{
    return lg_http_problem_of(req, 400, "bad-body", lg_str_z(key), LG_STR(""), "%s %s", key, why);
}

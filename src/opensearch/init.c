#include "opensearch/init.h"

#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "opensearch/os_int.h"

/* Templates and policies. Each carries the digest of what we would make: the same is left alone. */
#define HEX 32

struct init {
    struct lg_os *os;
    struct lg_os_call *c;
    lg_init_fn fn;
    void *user;
    struct lg_err *err;
};

static void digest_of(struct lg_str text, char out[HEX + 1])
{
    uint8_t d[32];

    lg_blake2b_256(text, d);
    lg_hex_encode(d, HEX / 2, out);
}

/* GET; the status in *ret_status. */
static int look(struct init *x, const char *path, int *ret_status, struct lg_jval *ret_root)
{
    int rc;

    lg_buf_clear(&x->c->body);
    rc = lg_os_send(x->os, x->c, "GET", path, ret_status, ret_root, x->err);
    return rc == LG_EAGAIN ? LG_EIO : rc;
}

static int put(struct init *x, const char *path)
{
    struct lg_jval root;
    char why[320];
    int status = 0, rc;

    rc = lg_os_send(x->os, x->c, "PUT", path, &status, &root, x->err);
    if (rc < 0)
        return rc == LG_EAGAIN ? LG_EIO : rc;
    if (status >= 200 && status < 300)
        return 0;
    lg_os_reason(root, why, sizeof(why));
    return lg_err_set(x->err, LG_EREFUSED, "PUT %.80s: status %d: %.200s", path, status, why);
}

static int failed(struct init *x, const char *path, int status, struct lg_jval root)
{
    char why[320];

    lg_os_reason(root, why, sizeof(why));
    return lg_err_set(x->err, status == 401 || status == 403 ? LG_EREFUSED : LG_EIO,
            "GET %.80s: status %d: %.200s", path, status, why);
}

static void template_name(const struct lg_os *os, enum lg_os_kind kind, char out[LG_OS_INDEX_MAX])
{
    (void)snprintf(out, LG_OS_INDEX_MAX, "%s-%s", os->prefix, lg_os_kind_names[kind]);
}

/* The first template of an answer; false: none. */
static bool first_template(struct lg_jval root, struct lg_jval *ret)
{
    struct lg_jval list, one;
    struct lg_jiter it;

    if (!lg_jval_get(root, LG_STR("index_templates"), &list) || lg_jval_type(list) != LG_JSON_ARRAY)
        return false;
    it = lg_jiter_of(list);
    return lg_jiter_item(&it, &one) && lg_jval_get(one, LG_STR("index_template"), ret);
}

static int init_template(struct init *x, enum lg_os_kind kind, bool policy)
{
    char name[LG_OS_INDEX_MAX], path[LG_OS_PATH_MAX], digest[HEX + 1];
    enum lg_init_step step = LG_INIT_MADE;
    struct lg_jval root, t, have;
    struct lg_jw w;
    int status = 0, rc;

    template_name(x->os, kind, name);
    (void)snprintf(path, sizeof(path), "/_index_template/%s", name);
    lg_buf_clear(&x->c->body);
    lg_jw_init(&w, &x->c->body);
    lg_os_template(&w, x->os, kind, policy, LG_STR(""));
    digest_of(lg_buf_str(&x->c->body), digest);
    rc = look(x, path, &status, &root);
    if (rc < 0)
        return rc;
    if (status == 200 && first_template(root, &t)) {
        if (lg_jval_path(t, "_meta.logster_digest", &have) &&
                lg_jval_type(have) == LG_JSON_STRING &&
                lg_str_eq(lg_jval_str(have), lg_str_of(digest, HEX))) {
            x->fn(x->user, "index template", name, LG_INIT_KEPT);
            return 0;
        }
        step = LG_INIT_CHANGED;
    } else if (status != 404 && status != 200) {
        return failed(x, path, status, root);
    }
    lg_buf_clear(&x->c->body);
    lg_jw_init(&w, &x->c->body);
    lg_os_template(&w, x->os, kind, policy, lg_str_of(digest, HEX));
    rc = put(x, path);
    if (rc == 0)
        x->fn(x->user, "index template", name, step);
    return rc;
}

/* ---- retention by the cluster ---- */
static void put_ism(struct init *x, struct lg_buf *b)
{
    lg_buf_printf(b,
            "{\"policy\":{\"description\":\"Logster: indices of event days, deleted after %u "
            "days\","
            "\"default_state\":\"kept\",\"states\":[{\"name\":\"kept\",\"actions\":[],"
            "\"transitions\":[{\"state_name\":\"old\",\"conditions\":{\"min_index_age\":\"%ud\"}}]}"
            ","
            "{\"name\":\"old\",\"actions\":[{\"delete\":{}}],\"transitions\":[]}],"
            "\"ism_template\":[{\"index_patterns\":[\"%s-events-*\",\"%s-inferences-*\"],"
            "\"priority\":100}]}}",
            x->os->opt.days_kept, x->os->opt.days_kept, x->os->prefix, x->os->prefix);
}

static void put_ilm(struct init *x, struct lg_buf *b)
{
    lg_buf_printf(b,
            "{\"policy\":{\"_meta\":{\"description\":\"Logster: indices of event days, deleted "
            "after "
            "%u "
            "days\"},\"phases\":{\"delete\":{\"min_age\":\"%ud\",\"actions\":{\"delete\":{}}}}}}",
            x->os->opt.days_kept, x->os->opt.days_kept);
}

static bool description_is(struct init *x, struct lg_jval v)
{
    char want[128];

    (void)snprintf(want, sizeof(want), "Logster: indices of event days, deleted after %u days",
            x->os->opt.days_kept);
    return lg_jval_type(v) == LG_JSON_STRING && lg_str_eq(lg_jval_str(v), lg_str_z(want));
}

/* 1: there is such an interface, and the policy is in place; 0: no such interface. */
static int init_ism(struct init *x, const char *name)
{
    char path[LG_OS_PATH_MAX], to[LG_OS_PATH_MAX + 64];
    struct lg_jval root, v;
    int status = 0, rc;

    (void)snprintf(path, sizeof(path), "/_plugins/_ism/policies/%s", name);
    rc = look(x, path, &status, &root);
    if (rc < 0)
        return rc;
    if (status == 401 || status == 403)
        return failed(x, path, status, root);
    if (status != 200 && status != 404)
        return 0;
    (void)snprintf(to, sizeof(to), "%s", path);
    if (status == 200) {
        if (lg_jval_path(root, "policy.description", &v) && description_is(x, v)) {
            x->fn(x->user, "ISM policy", name, LG_INIT_KEPT);
            return 1;
        }
        (void)snprintf(to, sizeof(to), "%s?if_seq_no=%lld&if_primary_term=%lld", path,
                (long long)lg_os_get_i64(root, "_seq_no"),
                (long long)lg_os_get_i64(root, "_primary_term"));
    }
    lg_buf_clear(&x->c->body);
    put_ism(x, &x->c->body);
    rc = put(x, to);
    if (rc < 0)
        return rc;
    x->fn(x->user, "ISM policy", name, status == 200 ? LG_INIT_CHANGED : LG_INIT_MADE);
    return 1;
}

/* Elasticsearch 7 without X-Pack takes the path for the one of a document, in an index of that name. */
static bool is_document(struct lg_jval root)
{
    struct lg_jval v;

    return lg_jval_get(root, LG_STR("error"), &v) &&
            lg_str_eq(lg_jval_get_str(v, LG_STR("type")), LG_STR("index_not_found_exception"));
}

static int init_ilm(struct init *x, const char *name)
{
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, p, v;
    int status = 0, rc;

    (void)snprintf(path, sizeof(path), "/_ilm/policy/%s", name);
    rc = look(x, path, &status, &root);
    if (rc < 0)
        return rc;
    if (status == 401 || status == 403)
        return failed(x, path, status, root);
    if ((status != 200 && status != 404) || is_document(root))
        return 0;
    if (status == 200 && lg_jval_get(root, lg_str_z(name), &p) &&
            lg_jval_path(p, "policy._meta.description", &v) && description_is(x, v)) {
        x->fn(x->user, "ILM policy", name, LG_INIT_KEPT);
        return 1;
    }
    lg_buf_clear(&x->c->body);
    put_ilm(x, &x->c->body);
    rc = put(x, path);
    if (rc < 0)
        return rc;
    x->fn(x->user, "ILM policy", name, status == 200 ? LG_INIT_CHANGED : LG_INIT_MADE);
    return 1;
}

static int init_all(struct init *x)
{
    char name[LG_OS_INDEX_MAX];
    bool ilm = false;
    int rc = 0;

    if (x->os->opt.days_kept > 0) {
        (void)snprintf(name, sizeof(name), "%s-retention", x->os->prefix);
        rc = init_ism(x, name);
        if (rc == 0) {
            rc = init_ilm(x, name);
            ilm = rc > 0;
        }
        if (rc == 0)
            x->fn(x->user, "retention policy", name, LG_INIT_NOT_THERE);
    }
    if (rc >= 0)
        rc = init_template(x, LG_OS_EVENTS, ilm);
    if (rc >= 0)
        rc = init_template(x, LG_OS_INFERENCES, ilm);
    return rc;
}

int lg_opensearch_init(
        const struct lg_opensearch_options *opt, lg_init_fn fn, void *user, struct lg_err *reterr)
{
    struct init x = {.fn = fn, .user = user, .err = reterr};
    int rc = lg_os_new(opt, &x.os, reterr);

    if (rc < 0)
        return rc;
    rc = lg_os_take(x.os, &x.c, reterr);
    if (rc == 0) {
        rc = init_all(&x);
        lg_os_give(x.os, x.c);
    }
    lg_os_free(x.os);
    return rc < 0 ? rc : 0;
}

int lg_os_check_templates(struct lg_os *os, struct lg_err *reterr)
{
    struct lg_os_call *c = NULL;
    struct lg_jval root, t;
    int rc;

    if (atomic_load(&os->templates_there))
        return 0;
    rc = lg_os_take(os, &c, reterr);
    for (int k = 0; rc == 0 && k < 2; k++) {
        char name[LG_OS_INDEX_MAX], path[LG_OS_PATH_MAX];

        template_name(os, (enum lg_os_kind)k, name);
        (void)snprintf(path, sizeof(path),
                "/_index_template/%s?filter_path=error,index_templates.index_template.version",
                name);
        lg_buf_clear(&c->body);
        rc = lg_os_ask(os, c, "GET", path, &root, reterr);
        if (rc == LG_ENOENT || (rc == 0 && !first_template(root, &t)))
            rc = lg_err_set(reterr, LG_EUNSUP,
                    "the index template %s is not there: run `logster service store-init`", name);
        else if (rc == 0 && lg_os_get_i64(t, "version") != LG_OS_SCHEMA)
            rc = lg_err_set(reterr, LG_EUNSUP,
                    "the index template %s is of version %d, this program writes %d: run "
                    "`logster service store-init`",
                    name, (int)lg_os_get_i64(t, "version"), LG_OS_SCHEMA);
    }
    lg_os_give(os, c);
    if (rc == 0)
        atomic_store(&os->templates_there, true);
    return rc;
}

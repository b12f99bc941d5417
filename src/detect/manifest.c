#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "detect/model_int.h"
#include "json/write.h"

/* Scales and calibration stay within it: a probability is then always a number. */
#define MAX_NUMBER 1e9

static const char *const member_names[LG_MEMBER_COUNT] = {"gat", "tokens", "trees"};

const char *lg_member_name(enum lg_member m)
{
    return member_names[m];
}

static void write_view(struct lg_jw *w, const struct lg_view *view)
{
    lg_jw_key(w, LG_STR("view"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("sources"));
    lg_jw_array(w);
    for (uint32_t s = 0; s < LG_SOURCE_COUNT; s++)
        if (view->sources >> s & 1)
            lg_jw_str(w, lg_str_z(lg_source_name((enum lg_source)s)));
    lg_jw_array_end(w);
    lg_jw_key(w, LG_STR("edge_types"));
    lg_jw_array(w);
    for (uint32_t t = 0; t < LG_EDGE_TYPE_COUNT; t++)
        if (view->edge_types >> t & 1)
            lg_jw_str(w, lg_str_z(lg_edge_type_name((enum lg_edge_type)t)));
    lg_jw_array_end(w);
    LG_JW_U64(w, "max_nodes", view->max_nodes);
    lg_jw_object_end(w);
}

void lg_manifest_write(
        const struct lg_model *m, const struct lg_model_file *files, uint32_t n, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;

    lg_jw_init(w, out);
    lg_jw_object(w);
    LG_JW_STR(w, "format", LG_STR(LG_MODEL_FORMAT));
    LG_JW_STR(w, "name", lg_str_z(m->name));
    LG_JW_STR(w, "version", lg_str_z(m->version));
    LG_JW_STR(w, "platform", lg_str_z(lg_platform_name(m->platform)));
    LG_JW_BOOL(w, "experimental", m->experimental);
    LG_JW_U64(w, "feature_version", LG_FEATURE_VERSION);
    write_view(w, &m->view);
    lg_jw_key(w, LG_STR("members"));
    lg_jw_object(w);
    for (int i = 0; i < LG_MEMBER_COUNT; i++) {
        lg_jw_key(w, lg_str_z(member_names[i]));
        lg_jw_object(w);
        LG_JW_DOUBLE(w, "weight", m->scale[i].weight);
        LG_JW_DOUBLE(w, "mean", m->scale[i].mean);
        LG_JW_DOUBLE(w, "std", m->scale[i].std);
        lg_jw_object_end(w);
    }
    lg_jw_object_end(w);
    LG_JW_U64(w, "seeds", m->n_gats);
    lg_jw_key(w, LG_STR("calibration"));
    lg_jw_object(w);
    LG_JW_STR(w, "method", LG_STR("platt"));
    LG_JW_DOUBLE(w, "a", m->calibration_a);
    LG_JW_DOUBLE(w, "b", m->calibration_b);
    lg_jw_object_end(w);
    LG_JW_DOUBLE(w, "threshold", m->threshold);
    lg_jw_key(w, LG_STR("files"));
    lg_jw_object(w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_key_any(w, lg_str_z(files[i].name));
        lg_jw_str(w, lg_str_z(files[i].sha256));
    }
    lg_jw_object_end(w);
    if (m->training_json != NULL) {
        lg_jw_key(w, LG_STR("training"));
        lg_jw_raw(w, lg_str_z(m->training_json));
    }
    lg_jw_object_end(w);
    lg_buf_addc(out, '\n');
}

/* --- reading ---------------------------------------------------------------------------------- */

static int get(struct lg_jval obj, const char *key, enum lg_json_type type, struct lg_jval *ret,
        struct lg_err *reterr)
{
    if (!lg_jval_get(obj, lg_str_z(key), ret) || lg_jval_type(*ret) != type)
        return lg_err_set(reterr, LG_EINVAL, "manifest: '%s' is missing or of a wrong type", key);
    return 0;
}

static int get_text(
        struct lg_jval obj, const char *key, char *out, size_t size, struct lg_err *reterr)
{
    struct lg_jval v;
    struct lg_str s;
    int rc = get(obj, key, LG_JSON_STRING, &v, reterr);

    if (rc < 0)
        return rc;
    s = lg_jval_str(v);
    if (s.n == 0 || s.n >= size || memchr(s.p, '\0', s.n) != NULL)
        return lg_err_set(reterr, LG_EINVAL, "manifest: '%s' is empty or too long", key);
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return 0;
}

static int get_number(struct lg_jval obj, const char *key, double *ret, struct lg_err *reterr)
{
    struct lg_jval v;
    double d;

    if (!lg_jval_get(obj, lg_str_z(key), &v))
        return lg_err_set(reterr, LG_EINVAL, "manifest: '%s' is missing", key);
    if (lg_jval_type(v) == LG_JSON_DOUBLE)
        d = lg_jval_double(v);
    else if (lg_jval_type(v) == LG_JSON_I64)
        d = (double)lg_jval_i64(v);
    else
        return lg_err_set(reterr, LG_EINVAL, "manifest: '%s' is not a number", key);
    if (!isfinite(d))
        return lg_err_set(reterr, LG_EINVAL, "manifest: '%s' is not finite", key);
    *ret = d;
    return 0;
}

static int get_count(
        struct lg_jval obj, const char *key, uint32_t max, uint32_t *ret, struct lg_err *reterr)
{
    double d;
    int rc = get_number(obj, key, &d, reterr);

    if (rc < 0)
        return rc;
    if (d < 0 || d > max || d != floor(d))
        return lg_err_set(
                reterr, LG_EINVAL, "manifest: '%s' must be a whole number of 0..%u", key, max);
    *ret = (uint32_t)d;
    return 0;
}

static int read_view(struct lg_jval root, struct lg_view *ret, struct lg_err *reterr)
{
    struct lg_jval view, list, item;
    struct lg_jiter it;
    struct lg_view out = {0, 0, 0};
    int rc;

    if ((rc = get(root, "view", LG_JSON_OBJECT, &view, reterr)) < 0 ||
            (rc = get(view, "sources", LG_JSON_ARRAY, &list, reterr)) < 0)
        return rc;
    for (it = lg_jiter_of(list); lg_jiter_item(&it, &item);) {
        enum lg_source s;

        if (lg_jval_type(item) != LG_JSON_STRING || lg_source_parse(lg_jval_str(item), &s) < 0)
            return lg_err_set(reterr, LG_EINVAL, "manifest: unknown source in the view");
        out.sources |= 1u << s;
    }
    if ((rc = get(view, "edge_types", LG_JSON_ARRAY, &list, reterr)) < 0)
        return rc;
    for (it = lg_jiter_of(list); lg_jiter_item(&it, &item);) {
        uint32_t t = 0;

        while (t < LG_EDGE_TYPE_COUNT &&
                (lg_jval_type(item) != LG_JSON_STRING ||
                        !lg_str_eq(lg_jval_str(item),
                                lg_str_z(lg_edge_type_name((enum lg_edge_type)t)))))
            t++;
        if (t == LG_EDGE_TYPE_COUNT)
            return lg_err_set(reterr, LG_EINVAL, "manifest: unknown edge type in the view");
        out.edge_types |= UINT64_C(1) << t;
    }
    if ((rc = get_count(view, "max_nodes", LG_MAX_GRAPH_NODES, &out.max_nodes, reterr)) < 0)
        return rc;
    *ret = out;
    return 0;
}

static int read_members(struct lg_jval root, struct lg_model *m, struct lg_err *reterr)
{
    struct lg_jval members, one;
    double sum = 0;
    int rc = get(root, "members", LG_JSON_OBJECT, &members, reterr);

    if (rc < 0)
        return rc;
    for (int i = 0; i < LG_MEMBER_COUNT; i++) {
        struct lg_member_scale *s = &m->scale[i];

        if ((rc = get(members, member_names[i], LG_JSON_OBJECT, &one, reterr)) < 0 ||
                (rc = get_number(one, "weight", &s->weight, reterr)) < 0 ||
                (rc = get_number(one, "mean", &s->mean, reterr)) < 0 ||
                (rc = get_number(one, "std", &s->std, reterr)) < 0)
            return rc;
        if (s->weight < 0 || s->std <= 0)
            return lg_err_set(
                    reterr, LG_EINVAL, "manifest: scale of '%s' is not monotone", member_names[i]);
        if (s->std < 1 / MAX_NUMBER || s->std > MAX_NUMBER || fabs(s->mean) > MAX_NUMBER)
            return lg_err_set(reterr, LG_EINVAL, "manifest: scale of '%s' is out of all reason",
                    member_names[i]);
        sum += s->weight;
    }
    if (fabs(sum - 1.0) > 1e-6)
        return lg_err_set(reterr, LG_EINVAL, "manifest: weights sum to %g, not 1", sum);
    return 0;
}

static int read_files(
        struct lg_jval root, struct lg_model_file *files, uint32_t *ret_n, struct lg_err *reterr)
{
    struct lg_jval list, val;
    struct lg_jiter it;
    struct lg_str key;
    uint32_t n = 0;
    int rc = get(root, "files", LG_JSON_OBJECT, &list, reterr);

    if (rc < 0)
        return rc;
    for (it = lg_jiter_of(list); lg_jiter_member(&it, &key, &val); n++) {
        struct lg_str sha;

        if (n == LG_MODEL_MAX_FILES)
            return lg_err_set(reterr, LG_ELIMIT, "manifest: more than %u files",
                    (unsigned)LG_MODEL_MAX_FILES);
        /* a name, never a path: the folder is the whole world of a model */
        if (key.n == 0 || key.n >= sizeof(files[n].name) || key.p[0] == '.' ||
                lg_str_chr(key, '/') >= 0 || memchr(key.p, '\0', key.n) != NULL)
            return lg_err_set(reterr, LG_EINVAL, "manifest: bad file name");
        for (uint32_t i = 0; i < n; i++)
            if (lg_str_eq(key, lg_str_z(files[i].name)))
                return lg_err_set(
                        reterr, LG_EINVAL, "manifest: '%s' stands there twice", files[i].name);
        if (lg_jval_type(val) != LG_JSON_STRING || lg_jval_str(val).n != LG_SHA256_HEX)
            return lg_err_set(reterr, LG_EINVAL, "manifest: bad digest of '%.*s'", LG_STR_FMT(key));
        sha = lg_jval_str(val);
        memcpy(files[n].name, key.p, key.n);
        files[n].name[key.n] = '\0';
        memcpy(files[n].sha256, sha.p, sha.n);
        files[n].sha256[sha.n] = '\0';
    }
    *ret_n = n;
    return 0;
}

/* The "training" member as text, for `logster model show` and for saving the model again. */
static int read_training(struct lg_jval root, struct lg_model *m, struct lg_err *reterr)
{
    struct lg_buf out;
    struct lg_jval v;
    struct lg_jw w;
    int rc;

    if (!lg_jval_get(root, LG_STR("training"), &v))
        return 0;
    if (lg_jval_type(v) != LG_JSON_OBJECT)
        return lg_err_set(reterr, LG_EINVAL, "manifest: 'training' is not an object");
    lg_buf_init(&out, LG_MANIFEST_MAX_BYTES);
    lg_jw_init(&w, &out);
    lg_jw_value(&w, v);
    rc = out.failed;
    if (rc == 0 && (m->training_json = lg_strndup(out.p, out.n)) == NULL)
        rc = LG_ENOMEM;
    lg_buf_done(&out);
    return rc < 0 ? lg_err_set(reterr, rc, "manifest: 'training': %s", lg_err_name(rc)) : 0;
}

/* How the members become a probability, and from which one a window is an attack. */
static int read_scale(struct lg_jval root, struct lg_model *m, struct lg_err *reterr)
{
    struct lg_jval calibration;
    int rc;

    if ((rc = read_view(root, &m->view, reterr)) < 0 || (rc = read_members(root, m, reterr)) < 0 ||
            (rc = get(root, "calibration", LG_JSON_OBJECT, &calibration, reterr)) < 0 ||
            (rc = get_number(calibration, "a", &m->calibration_a, reterr)) < 0 ||
            (rc = get_number(calibration, "b", &m->calibration_b, reterr)) < 0 ||
            (rc = get_number(root, "threshold", &m->threshold, reterr)) < 0)
        return rc;
    if (m->calibration_a <= 0 || m->calibration_a > MAX_NUMBER ||
            fabs(m->calibration_b) > MAX_NUMBER || m->threshold < 0 || m->threshold > 1)
        return lg_err_set(reterr, LG_EINVAL, "manifest: calibration or threshold out of range");
    return 0;
}

static int read_root(struct lg_jval root, struct lg_model *m, struct lg_model_file *files,
        uint32_t *ret_n, struct lg_err *reterr)
{
    char format[32], platform[16];
    struct lg_jval v;
    uint32_t version;
    int rc;

    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return lg_err_set(reterr, LG_EINVAL, "manifest: not a JSON object");
    if ((rc = get_text(root, "format", format, sizeof(format), reterr)) < 0)
        return rc;
    if (strcmp(format, LG_MODEL_FORMAT) != 0)
        return lg_err_set(
                reterr, LG_EUNSUP, "manifest: format '%s' is not '%s'", format, LG_MODEL_FORMAT);
    if ((rc = get_text(root, "name", m->name, sizeof(m->name), reterr)) < 0 ||
            (rc = get_text(root, "version", m->version, sizeof(m->version), reterr)) < 0 ||
            (rc = get_text(root, "platform", platform, sizeof(platform), reterr)) < 0 ||
            (rc = get(root, "experimental", LG_JSON_BOOL, &v, reterr)) < 0 ||
            (rc = get_count(root, "feature_version", UINT32_MAX, &version, reterr)) < 0 ||
            (rc = get_count(root, "seeds", LG_MODEL_MAX_GATS, &m->n_gats, reterr)) < 0)
        return rc;
    m->experimental = lg_jval_bool(v);
    if (lg_platform_parse(lg_str_z(platform), &m->platform) < 0)
        return lg_err_set(reterr, LG_EINVAL, "manifest: unknown platform '%s'", platform);
    if (version != LG_FEATURE_VERSION)
        return lg_err_set(reterr, LG_EUNSUP,
                "model was trained on feature version %u, this program makes %u", version,
                LG_FEATURE_VERSION);
    if (m->n_gats == 0)
        return lg_err_set(reterr, LG_EINVAL, "manifest: no networks");
    if ((rc = read_scale(root, m, reterr)) < 0 || (rc = read_files(root, files, ret_n, reterr)) < 0)
        return rc;
    return read_training(root, m, reterr);
}

int lg_manifest_read(struct lg_str text, struct lg_model *m, struct lg_model_file *files,
        uint32_t *ret_n, struct lg_err *reterr)
{
    struct lg_json *j;
    struct lg_jval root;
    int rc = lg_json_new(&j);

    if (rc < 0)
        return lg_err_set(reterr, rc, "out of memory");
    rc = lg_json_parse(j, text, false, &root, NULL);
    if (rc < 0)
        rc = lg_err_set(
                reterr, rc == LG_ENOMEM ? rc : LG_EINVAL, "manifest: %s", lg_json_reason(j));
    else
        rc = read_root(root, m, files, ret_n, reterr);
    lg_json_free(j);
    return rc;
}

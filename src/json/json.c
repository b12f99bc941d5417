#include "json/json.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "json/json_int.h"

/* Larger than any record: also models' manifests and API bodies come through here. */
#define JSON_MAX_TEXT ((size_t)256 << 20)
#define JSON_FIRST_CAPACITY ((size_t)16 << 10)

struct lg_json {
    struct lg_simdjson *sj;
    struct lg_buf copy;  /* padded copy of an unpadded record */
    struct lg_buf fixed; /* repaired record */
    const char *reason;
};

/* simdjson allocates by itself: asking first lets a test fail those allocations too. */
static bool memory_left(void)
{
    void *p = lg_malloc(1);

    lg_free(p);
    return p != NULL;
}

int lg_json_new(struct lg_json **ret)
{
    struct lg_json *j = lg_calloc(1, sizeof(*j));

    if (j == NULL)
        return LG_ENOMEM;
    lg_buf_init(&j->copy, JSON_MAX_TEXT + LG_JSON_PADDING);
    lg_buf_init(&j->fixed, 3 * JSON_MAX_TEXT);
    j->reason = "";
    if (memory_left())
        j->sj = lg_simdjson_new();
    if (j->sj == NULL) {
        lg_free(j);
        return LG_ENOMEM;
    }
    *ret = j;
    return 0;
}

void lg_json_free(struct lg_json *j)
{
    if (j == NULL)
        return;
    lg_simdjson_free(j->sj);
    lg_buf_done(&j->copy);
    lg_buf_done(&j->fixed);
    lg_free(j);
}

const char *lg_json_reason(const struct lg_json *j)
{
    return j->reason;
}

static int fail(struct lg_json *j, int code, const char *reason)
{
    j->reason = reason;
    return code;
}

static int grow(struct lg_json *j, size_t n)
{
    size_t cap = JSON_FIRST_CAPACITY;

    if (n <= lg_simdjson_capacity(j->sj))
        return 0;
    while (cap < n)
        cap *= 2;
    if (!memory_left() || lg_simdjson_reserve(j->sj, cap, LG_MAX_JSON_DEPTH) != LG_SIMDJSON_OK)
        return LG_ENOMEM;
    return 0;
}

/* Copies `text` and gives it its padding. */
static int pad(struct lg_buf *b, struct lg_str *text)
{
    lg_buf_clear(b);
    if (lg_buf_reserve(b, text->n + LG_JSON_PADDING) < 0)
        return LG_ENOMEM;
    lg_buf_add(b, text->p, text->n);
    memset(b->p + b->n, 0, LG_JSON_PADDING);
    *text = lg_buf_str(b);
    return 0;
}

static enum lg_simdjson_status parse(
        struct lg_json *j, struct lg_str text, struct lg_jval *ret_root)
{
    const uint64_t *tape;
    const char *strings;
    enum lg_simdjson_status st;

    if (grow(j, text.n) < 0)
        return LG_SIMDJSON_NOMEM;
    st = lg_simdjson_parse(j->sj, text.p, text.n, &tape, &strings, &j->reason);
    if (st == LG_SIMDJSON_OK)
        *ret_root = (struct lg_jval){tape + 1, tape, strings};
    return st;
}

static enum lg_simdjson_status parse_repaired(
        struct lg_json *j, struct lg_str text, struct lg_jval *ret_root)
{
    const char *first_reason = j->reason;
    enum lg_simdjson_status st;

    lg_buf_clear(&j->fixed);
    lg_json_repair(&j->fixed, text);
    if (j->fixed.failed != 0 || lg_buf_reserve(&j->fixed, LG_JSON_PADDING) < 0)
        return LG_SIMDJSON_NOMEM;
    memset(j->fixed.p + j->fixed.n, 0, LG_JSON_PADDING);
    st = parse(j, lg_buf_str(&j->fixed), ret_root);
    if (st ==
            LG_SIMDJSON_REPAIRABLE) { /* what repair leaves is not repairable: a bad escape, ... */
        j->reason = first_reason;
        st = LG_SIMDJSON_BAD;
    }
    return st;
}

int lg_json_parse(struct lg_json *j, struct lg_str text, bool padded, struct lg_jval *ret_root,
        bool *ret_repaired)
{
    enum lg_simdjson_status st;
    bool repaired = false;

    j->reason = "";
    if (text.n == 0)
        return fail(j, LG_EPARSE, "empty");
    if (text.n > JSON_MAX_TEXT)
        return fail(j, LG_ELIMIT, "larger than 256 MiB");
    if (!padded && pad(&j->copy, &text) < 0)
        return fail(j, LG_ENOMEM, "out of memory");
    st = parse(j, text, ret_root);
    if (st == LG_SIMDJSON_REPAIRABLE) {
        st = parse_repaired(j, text, ret_root);
        repaired = true;
    }
    switch (st) {
    case LG_SIMDJSON_OK:
        if (ret_repaired != NULL)
            *ret_repaired = repaired;
        return 0;
    case LG_SIMDJSON_NOMEM:
        return fail(j, LG_ENOMEM, "out of memory");
    case LG_SIMDJSON_DEPTH:
        return LG_ELIMIT;
    default:
        return LG_EPARSE;
    }
}

bool lg_jval_get(struct lg_jval obj, struct lg_str key, struct lg_jval *ret)
{
    struct lg_jiter it;
    struct lg_jval val;
    struct lg_str k;

    if (obj.at == NULL || lg_jval_type(obj) != LG_JSON_OBJECT)
        return false;
    it = lg_jiter_of(obj);
    while (lg_jiter_member(&it, &k, &val))
        /* most keys differ in length or in their last byte: no call for those */
        if (k.n == key.n &&
                (k.n == 0 ||
                        (k.p[k.n - 1] == key.p[k.n - 1] && memcmp(k.p, key.p, k.n - 1) == 0))) {
            *ret = val;
            return true;
        }
    return false;
}

bool lg_jval_path(struct lg_jval obj, const char *path, struct lg_jval *ret)
{
    struct lg_str rest = lg_str_z(path), part;

    if (rest.n == 0)
        return false;
    while (lg_str_split(&rest, '.', &part))
        if (!lg_jval_get(obj, part, &obj))
            return false;
    *ret = obj;
    return true;
}

struct lg_str lg_jval_get_str(struct lg_jval obj, struct lg_str key)
{
    struct lg_jval v;

    if (!lg_jval_get(obj, key, &v) || lg_jval_type(v) != LG_JSON_STRING)
        return lg_str_of("", 0);
    return lg_jval_str(v);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "opensearch/os_int.h"

/* Inferences: one, and pages of them. */
#define SOURCE "[\"logster.body\",\"logster.received\",\"logster.inference_id\"]"
#define SOURCE_ALL                                                                                 \
    "[\"logster.body\",\"logster.received\",\"logster.inference_id\",\"logster.context\"]"
#define CONTEXT_MAX (64u << 20)

static int row_of(struct lg_jval hit, struct lg_arena *a, struct lg_inference_row *ret)
{
    struct lg_jval own, body;

    if (!lg_jval_path(hit, "_source.logster", &own) || !lg_jval_get(own, LG_STR("body"), &body) ||
            lg_jval_type(body) != LG_JSON_STRING ||
            lg_uuid_parse(lg_jval_get_str(own, LG_STR("inference_id")), &ret->inference_id) < 0)
        return LG_ECORRUPT;
    ret->received_at = lg_os_get_i64(own, "received");
    return lg_arena_dup(a, lg_jval_str(body), &ret->json);
}

static int context_of(struct lg_jval hit, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_jval v;
    struct lg_str text;
    char *p;
    int n;

    *ret = LG_STR("");
    if (!lg_jval_path(hit, "_source.logster.context", &v) || lg_jval_type(v) != LG_JSON_STRING)
        return 0;
    text = lg_jval_str(v);
    if (text.n > CONTEXT_MAX)
        return LG_ELIMIT;
    p = (char *)lg_arena_alloc(a, text.n + 1);
    if (p == NULL)
        return LG_ENOMEM;
    n = lg_base64_decode(LG_BASE64_STD, text, p, text.n + 1);
    if (n < 0)
        return LG_ECORRUPT;
    *ret = lg_str_of(p, (size_t)n);
    return 0;
}

static bool put_get(struct lg_jw *w, const struct lg_scope *sc, const struct lg_uuid *id, bool all)
{
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(id, text);
    lg_jw_object(w);
    LG_JW_U64(w, "size", 1);
    lg_jw_key(w, LG_STR("_source"));
    lg_jw_raw(w, all ? LG_STR(SOURCE_ALL) : LG_STR(SOURCE));
    lg_jw_key(w, LG_STR("sort"));
    lg_jw_raw(w, LG_STR("[{\"logster.ms\":\"desc\"}]"));
    lg_jw_key(w, LG_STR("query"));
    if (!lg_os_filter_open(w, sc, LG_STR("")))
        return false;
    lg_os_term(w, "_id", lg_str_of(text, LG_UUID_TEXT));
    lg_os_filter_close(w);
    lg_jw_object_end(w);
    return true;
}

int lg_os_inference_get(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time hint, struct lg_arena *a, struct lg_inference_row *ret,
        struct lg_str *ret_context)
{
    struct lg_os *os = lg_os_of(st);
    char path[LG_OS_PATH_MAX];
    struct lg_os_call *c = NULL;
    struct lg_jval root, hit;
    struct lg_jiter it;
    struct lg_jw w;
    int rc = lg_os_take(os, &c, NULL);

    if (rc < 0)
        return rc;
    lg_jw_init(&w, &c->body);
    rc = LG_ENOENT;
    if (put_get(&w, sc, id, ret_context != NULL)) {
        lg_os_search_path(os, LG_OS_INFERENCES, hint != 0 ? lg_day_of(hint - 1) : -1,
                "&filter_path=error,hits.hits._source", path);
        rc = lg_os_ask(os, c, "POST", path, &root, NULL);
        if (rc == 0)
            rc = lg_os_hits(root, &it) && lg_jiter_item(&it, &hit) ? row_of(hit, a, ret)
                                                                   : LG_ENOENT;
        if (rc == 0 && ret_context != NULL)
            rc = context_of(hit, a, ret_context);
    }
    lg_os_give(os, c);
    return rc;
}

/* ---- pages ---- */
struct cursor {
    uint64_t query;
    double prob; /* 0 when sorted by time */
    int64_t ms, tie;
    uint64_t total;
    uint64_t lower_bound;
};
struct listing {
    struct lg_os *os;
    const struct lg_scope *sc;
    const struct lg_inference_query *q;
    struct lg_arena *a;
    struct lg_inference_page *page;
    struct cursor cursor, last;
    bool has_cursor, more;
};

static void put_set(struct lg_jw *w, const char *field, unsigned set, int count)
{
    if (set == 0)
        return;
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("terms"));
    lg_jw_object(w);
    lg_jw_key(w, lg_str_z(field));
    lg_jw_array(w);
    for (int i = 0; i < count; i++)
        if ((set >> i & 1) != 0)
            lg_jw_i64(w, i);
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

/* T1059 covers T1059.001 */
static void put_technique(struct lg_jw *w, struct lg_str t)
{
    char below[32];

    if (t.n == 0)
        return;
    (void)snprintf(below, sizeof(below), "%.*s.", (int)(t.n < 20 ? t.n : 20), t.p);
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("bool"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("should"));
    lg_jw_array(w);
    lg_os_term(w, "logster.techniques", t);
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("prefix"));
    lg_jw_object(w);
    LG_JW_STR(w, "logster.techniques", lg_str_z(below));
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static void put_probable(struct lg_jw *w, const struct lg_inference_query *q)
{
    if (q->min_prob <= 0 && q->sort != LG_INFERENCE_BY_PROB)
        return;
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("range"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("logster.attack_prob"));
    lg_jw_object(w);
    LG_JW_DOUBLE(w, "gte", q->min_prob > 0 ? q->min_prob : -1e308);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static bool put_query(struct lg_jw *w, const struct listing *l)
{
    const struct lg_inference_query *q = l->q;

    if (!lg_os_filter_open(w, l->sc, q->tenant))
        return false;
    if (q->endpoint.n > 0)
        lg_os_term(w, "logster.endpoint", q->endpoint);
    lg_os_range(w, "logster.window_end", q->from, q->to);
    lg_os_range(w, "logster.received", q->received_from, q->received_to);
    put_set(w, "logster.prediction", q->predictions, 3);
    put_set(w, "logster.severity", q->severities, LG_SEVERITY_COUNT);
    put_probable(w, q);
    put_technique(w, q->technique);
    lg_os_filter_close(w);
    return true;
}

static bool put_list(struct lg_jw *w, const struct listing *l)
{
    const char *order = l->q->ascending ? "asc" : "desc";
    bool by_prob = l->q->sort == LG_INFERENCE_BY_PROB;
    char sort[192];

    lg_jw_object(w);
    LG_JW_U64(w, "size", l->q->limit + 1);
    lg_jw_key(w, LG_STR("_source"));
    lg_jw_raw(w, LG_STR(SOURCE));
    lg_jw_key(w, LG_STR("track_total_hits"));
    lg_jw_raw(w, l->has_cursor ? LG_STR("false") : LG_STR("10001"));
    (void)snprintf(sort, sizeof(sort), "[%s%s%s{\"logster.ms\":\"%s\"},{\"logster.tie\":\"%s\"}]",
            by_prob ? "{\"logster.attack_prob\":\"" : "", by_prob ? order : "",
            by_prob ? "\"}," : "", order, order);
    lg_jw_key(w, LG_STR("sort"));
    lg_jw_raw(w, lg_str_z(sort));
    if (l->has_cursor) {
        lg_jw_key(w, LG_STR("search_after"));
        lg_jw_array(w);
        if (by_prob)
            lg_jw_double(w, l->cursor.prob);
        lg_jw_i64(w, l->cursor.ms);
        lg_jw_i64(w, l->cursor.tie);
        lg_jw_array_end(w);
    }
    lg_jw_key(w, LG_STR("query"));
    if (!put_query(w, l))
        return false;
    lg_jw_object_end(w);
    return true;
}

static int place_of(const struct listing *l, struct lg_jval hit, struct cursor *ret)
{
    struct lg_jval sort, v[3];
    struct lg_jiter it;
    unsigned n = 0, skip = l->q->sort == LG_INFERENCE_BY_PROB;

    if (!lg_jval_get(hit, LG_STR("sort"), &sort) || lg_jval_type(sort) != LG_JSON_ARRAY)
        return LG_ECORRUPT;
    it = lg_jiter_of(sort);
    while (n < 2 + skip && lg_jiter_item(&it, &v[n]))
        n++;
    if (n != 2 + skip || lg_jval_type(v[skip]) != LG_JSON_I64 ||
            lg_jval_type(v[skip + 1]) != LG_JSON_I64)
        return LG_ECORRUPT;
    if (skip != 0)
        ret->prob = lg_jval_type(v[0]) == LG_JSON_DOUBLE ? lg_jval_double(v[0])
                : lg_jval_type(v[0]) == LG_JSON_I64      ? (double)lg_jval_i64(v[0])
                                                         : 0;
    ret->ms = lg_jval_i64(v[skip]);
    ret->tie = lg_jval_i64(v[skip + 1]);
    return 0;
}

static int list(struct listing *l, struct lg_os_call *c)
{
    struct lg_inference_page *p = l->page;
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, hit, total;
    struct lg_jiter it;
    struct lg_jw w;
    int rc;

    lg_jw_init(&w, &c->body);
    if (!put_list(&w, l))
        return 0;
    lg_os_search_path(l->os, LG_OS_INFERENCES, -1,
            "&filter_path=error,hits.total,hits.hits._source,hits.hits.sort", path);
    rc = lg_os_ask(l->os, c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (lg_jval_path(root, "hits.total", &total))
        p->total = (uint64_t)lg_os_get_i64(total, "value");
    if (!lg_os_hits(root, &it))
        return 0;
    while (rc >= 0 && !l->more && lg_jiter_item(&it, &hit)) {
        if (p->n == l->q->limit) {
            l->more = true;
            break;
        }
        rc = row_of(hit, l->a, &p->rows[p->n]);
        if (rc >= 0)
            rc = place_of(l, hit, &l->last);
        p->n++;
    }
    return rc;
}

static int finish(struct listing *l)
{
    struct lg_inference_page *p = l->page;
    struct cursor next = l->last;

    p->total_is_lower_bound = p->total > LG_STORE_TOTAL_CAP;
    if (p->total_is_lower_bound)
        p->total = LG_STORE_TOTAL_CAP;
    if (l->has_cursor) {
        p->total = l->cursor.total;
        p->total_is_lower_bound = l->cursor.lower_bound != 0;
    }
    if (!l->more)
        return 0;
    next.query = lg_inference_query_hash(l->q);
    next.total = p->total;
    next.lower_bound = p->total_is_lower_bound;
    return lg_cursor_seal(l->os->cursor_key, &next, sizeof(next), l->a, &p->next_cursor);
}

int lg_os_inference_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_inference_query *q, struct lg_arena *a, struct lg_inference_page *ret)
{
    struct lg_os *os = lg_os_of(st);
    struct lg_inference_page page = {.next_cursor = LG_STR("")};
    struct listing l = {.os = os, .sc = sc, .q = q, .a = a, .page = &page};
    struct lg_os_call *c = NULL;
    int rc = lg_inference_query_check(q);

    if (rc < 0)
        return rc;
    if (q->cursor.n > 0) {
        rc = lg_cursor_open(os->cursor_key, q->cursor, &l.cursor, sizeof(l.cursor));
        if (rc < 0 || l.cursor.query != lg_inference_query_hash(q))
            return LG_EINVAL;
        l.has_cursor = true;
    }
    page.rows = (struct lg_inference_row *)lg_arena_alloc(a, q->limit * sizeof(*page.rows));
    if (page.rows == NULL)
        return LG_ENOMEM;
    rc = lg_os_take(os, &c, NULL);
    if (rc < 0)
        return rc;
    rc = list(&l, c);
    lg_os_give(os, c);
    if (rc >= 0)
        rc = finish(&l);
    if (rc < 0)
        return rc;
    *ret = page;
    return 0;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "opensearch/os_int.h"

/*
 * Reading events. A page is asked for one row longer than it is, so that its end is known. A text is
 * first looked for by its trigrams, then in each candidate by us: so the answer is that of a plain
 * case-folded substring, whatever the server's analysis does.
 */
#define SOURCE "[\"logster.body\",\"logster.received\",\"logster.shift\",\"logster.time\"]"
#define NEEDLE_GRAMS 64 /* code points of a text that the server looks for */

/* Borrows from the answer. */
static int row_of(struct lg_jval hit, struct lg_event_row *ret)
{
    struct lg_jval own, body;

    if (!lg_jval_path(hit, "_source.logster", &own) || !lg_jval_get(own, LG_STR("body"), &body) ||
            lg_jval_type(body) != LG_JSON_STRING)
        return LG_ECORRUPT;
    *ret = (struct lg_event_row){.json = lg_jval_str(body),
            .received_at = lg_os_get_i64(own, "received"),
            .time_shift_ns = lg_os_get_i64(own, "shift"),
            .time = lg_os_get_i64(own, "time")};
    return 0;
}

/* The sort values of a hit, all integers. */
static int sort_of(struct lg_jval hit, int64_t *v, unsigned n)
{
    struct lg_jval sort, one;
    struct lg_jiter it;
    unsigned k = 0;

    if (!lg_jval_get(hit, LG_STR("sort"), &sort) || lg_jval_type(sort) != LG_JSON_ARRAY)
        return LG_ECORRUPT;
    it = lg_jiter_of(sort);
    while (k < n && lg_jiter_item(&it, &one)) {
        if (lg_jval_type(one) != LG_JSON_I64)
            return LG_ECORRUPT;
        v[k++] = lg_jval_i64(one);
    }
    return k == n ? 0 : LG_ECORRUPT;
}

/* ---- one event ---- */
int lg_os_event_get(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_uuid *id,
        lg_time hint, struct lg_arena *a, struct lg_event_row *ret)
{
    struct lg_os *os = lg_os_of(st);
    char path[LG_OS_PATH_MAX], text[LG_UUID_TEXT + 1];
    struct lg_os_call *c = NULL;
    struct lg_jval root, hit;
    struct lg_jiter it;
    struct lg_jw w;
    int rc = lg_os_take(os, &c, NULL);

    if (rc < 0)
        return rc;
    lg_uuid_text(id, text);
    lg_jw_init(&w, &c->body);
    lg_jw_object(&w);
    LG_JW_U64(&w, "size", 1);
    lg_jw_key(&w, LG_STR("_source"));
    lg_jw_raw(&w, LG_STR(SOURCE));
    lg_jw_key(&w, LG_STR("sort"));
    lg_jw_raw(&w, LG_STR("[{\"logster.time\":\"desc\"}]"));
    lg_jw_key(&w, LG_STR("query"));
    rc = LG_ENOENT;
    if (lg_os_filter_open(&w, sc, LG_STR(""))) {
        lg_os_term(&w, "_id", lg_str_of(text, LG_UUID_TEXT));
        lg_os_filter_close(&w);
        lg_jw_object_end(&w);
        lg_os_search_path(os, LG_OS_EVENTS, hint != 0 ? lg_day_of(hint) : -1,
                "&filter_path=error,hits.hits._source", path);
        rc = lg_os_ask(os, c, "POST", path, &root, NULL);
        if (rc == 0)
            rc = lg_os_hits(root, &it) && lg_jiter_item(&it, &hit) ? row_of(hit, ret) : LG_ENOENT;
        if (rc == 0)
            rc = lg_arena_dup(a, ret->json, &ret->json);
    }
    lg_os_give(os, c);
    return rc;
}

/* ---- pages ---- */
struct cursor {
    uint64_t query;
    int64_t ms, tie; /* of the last row that was looked at, or given */
    uint64_t total;
    uint64_t lower_bound;
};
struct search {
    struct lg_os *os;
    struct lg_os_call *c;
    const struct lg_scope *sc;
    const struct lg_event_query *q;
    struct lg_arena *a;
    struct lg_event_page *page;
    struct lg_buf needle, folded;
    struct cursor cursor, at, shown;
    bool has_cursor, has_at;
    bool counting; /* the page is full: the rest is only counted */
    bool ended;
    uint64_t total, budget;
    uint64_t *parts; /* of a histogram, else NULL */
    uint32_t n_parts;
};

static void put_folded(struct lg_jw *w, struct search *s, const char *field, struct lg_str value)
{
    if (value.n == 0)
        return;
    lg_buf_clear(&s->folded);
    lg_text_fold(value, &s->folded);
    lg_os_term(w, field, lg_buf_str(&s->folded));
}

/* {"bool":{"should":[...]}}, or must_not */
static void open_bool(struct lg_jw *w, const char *clause)
{
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("bool"));
    lg_jw_object(w);
    lg_jw_key(w, lg_str_z(clause));
    lg_jw_array(w);
}

static void close_bool(struct lg_jw *w)
{
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

/* One of two fields has the value. */
static void put_either(
        struct lg_jw *w, struct search *s, const char *one, const char *other, struct lg_str value)
{
    if (value.n == 0)
        return;
    open_bool(w, "should");
    put_folded(w, s, one, value);
    put_folded(w, s, other, value);
    close_bool(w);
}

/* None of the fields has one of the values. */
static void put_without(struct lg_jw *w, struct search *s, const struct lg_event_without *values,
        const char *one, const char *other)
{
    if (values->n == 0)
        return;
    open_bool(w, "must_not");
    for (uint32_t i = 0; i < values->n; i++) {
        put_folded(w, s, one, values->v[i]);
        if (other != NULL)
            put_folded(w, s, other, values->v[i]);
    }
    close_bool(w);
}

static void put_without_endpoints(struct lg_jw *w, const struct lg_event_without *values)
{
    if (values->n == 0)
        return;
    open_bool(w, "must_not");
    for (uint32_t i = 0; i < values->n; i++)
        lg_os_term(w, "logster.endpoint", values->v[i]);
    close_bool(w);
}

static void put_types(struct lg_jw *w, const struct lg_event_query *q)
{
    bool any = false;

    for (size_t i = 0; i < sizeof(q->types) / sizeof(*q->types); i++)
        any = any || q->types[i] != 0;
    if (!any)
        return;
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("terms"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("event.action"));
    lg_jw_array(w);
    for (int t = 0; t < LG_EVENT_TYPE_COUNT; t++)
        if ((q->types[t / 64] >> (t % 64) & 1) != 0)
            lg_jw_str(w, lg_str_z(lg_event_type_name((enum lg_event_type)t)));
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

/* The needle's first code points, where there are three at least: all its trigrams must be there. */
static void put_grams(struct lg_jw *w, const struct search *s)
{
    size_t n = 0, points = 0;

    while (n < s->needle.n && points < NEEDLE_GRAMS) {
        for (n++; n < s->needle.n && ((unsigned char)s->needle.p[n] & 0xc0) == 0x80; n++)
            ;
        points++;
    }
    if (points < 3)
        return;
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("match"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("logster.text"));
    lg_jw_object(w);
    LG_JW_STR(w, "query", lg_str_of(s->needle.p, n));
    LG_JW_STR(w, "operator", LG_STR("and"));
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static bool put_query(struct lg_jw *w, struct search *s)
{
    const struct lg_event_query *q = s->q;

    if (!lg_os_filter_open(w, s->sc, q->tenant))
        return false;
    if (q->endpoint.n > 0)
        lg_os_term(w, "logster.endpoint", q->endpoint);
    lg_os_range(w, "logster.time", q->from, q->to);
    lg_os_range(w, "logster.received", q->received_from, q->received_to);
    put_types(w, q);
    put_folded(w, s, "logster.user", q->user);
    put_either(w, s, "logster.image", "logster.image_base", q->image);
    put_folded(w, s, "logster.hash", q->hash);
    put_either(w, s, "logster.destination", "logster.address", q->ip);
    put_folded(w, s, "logster.guid", q->process_guid);
    put_without_endpoints(w, &q->not_endpoint);
    put_without(w, s, &q->not_user, "logster.user", NULL);
    put_without(w, s, &q->not_image, "logster.image", "logster.image_base");
    put_without(w, s, &q->not_hash, "logster.hash", NULL);
    put_without(w, s, &q->not_ip, "logster.destination", "logster.address");
    put_without(w, s, &q->not_guid, "logster.guid", NULL);
    put_grams(w, s);
    lg_os_filter_close(w);
    return true;
}

static bool put_search(struct lg_jw *w, struct search *s, uint32_t size)
{
    const char *order = s->q->ascending ? "asc" : "desc";
    bool count = s->needle.n == 0 && !s->has_cursor && !s->has_at;
    char sort[128];

    lg_jw_object(w);
    LG_JW_U64(w, "size", size);
    lg_jw_key(w, LG_STR("_source"));
    lg_jw_raw(w, LG_STR(SOURCE));
    lg_jw_key(w, LG_STR("track_total_hits"));
    lg_jw_raw(w, count ? LG_STR("10001") : LG_STR("false"));
    (void)snprintf(
            sort, sizeof(sort), "[{\"@timestamp\":\"%s\"},{\"logster.tie\":\"%s\"}]", order, order);
    lg_jw_key(w, LG_STR("sort"));
    lg_jw_raw(w, lg_str_z(sort));
    if (s->has_at) {
        lg_jw_key(w, LG_STR("search_after"));
        lg_jw_array(w);
        lg_jw_i64(w, s->at.ms);
        lg_jw_i64(w, s->at.tie);
        lg_jw_array_end(w);
    }
    lg_jw_key(w, LG_STR("query"));
    if (!put_query(w, s))
        return false;
    lg_jw_object_end(w);
    return true;
}

static bool text_matches(struct search *s, struct lg_str json)
{
    if (s->needle.n == 0)
        return true;
    lg_buf_clear(&s->folded);
    lg_text_fold(lg_event_searchable(json), &s->folded);
    return s->folded.failed == 0 && s->folded.n > 0 &&
            memmem(s->folded.p, s->folded.n, s->needle.p, s->needle.n) != NULL;
}

static int take_hit(struct search *s, struct lg_jval hit)
{
    struct lg_event_row row;
    int64_t at[2];
    int rc;

    if ((rc = sort_of(hit, at, 2)) < 0 || (rc = row_of(hit, &row)) < 0)
        return rc;
    s->at.ms = at[0];
    s->at.tie = at[1];
    s->has_at = true;
    if (!text_matches(s, row.json))
        return s->folded.failed;
    if (s->parts != NULL) {
        s->parts[lg_event_part(s->q, s->n_parts, row.time)]++;
        return 0;
    }
    s->total++;
    if (s->page->n == s->q->limit) { /* one more than the page: there is a next one */
        s->counting = true;
        return 0;
    }
    rc = lg_arena_dup(s->a, row.json, &row.json);
    if (rc < 0)
        return rc;
    s->page->rows[s->page->n++] = row;
    s->shown = s->at;
    return 0;
}

/* A text's candidates come in larger pages: most of them are only counted. */
static uint32_t size_of(const struct search *s)
{
    uint32_t size = s->q->limit + 1 - s->page->n;

    if (s->needle.n == 0)
        return size;
    if (s->counting || s->parts != NULL || size < 200)
        size = s->has_at ? LG_OS_PAGE : 200;
    return size > s->budget ? (uint32_t)s->budget : size;
}

/* *ret_n: how many hits were looked at. 1: no more are needed. */
static int take_hits(struct search *s, struct lg_jval root, uint32_t *ret_n)
{
    bool text = s->needle.n > 0;
    struct lg_jiter it;
    struct lg_jval hit;
    int rc = 0;

    if (!lg_os_hits(root, &it))
        return 0;
    for (; rc >= 0 && lg_jiter_item(&it, &hit); ++*ret_n) {
        uint64_t before = s->total;

        rc = take_hit(s, hit);
        if (!text)
            s->total = before; /* the server counted */
        if (s->counting && (!text || s->has_cursor || s->total > LG_STORE_TOTAL_CAP))
            return rc < 0 ? rc : 1;
    }
    return rc;
}

/* One request; ended: nothing is left, or needed. */
static int search_some(struct search *s)
{
    uint32_t size = size_of(s), n = 0;
    bool first = !s->has_at;
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, total;
    struct lg_jw w;
    int rc;

    lg_buf_clear(&s->c->body);
    lg_jw_init(&w, &s->c->body);
    s->ended = true;
    if (!put_search(&w, s, size))
        return 0;
    lg_os_search_path(s->os, LG_OS_EVENTS, -1,
            "&filter_path=error,hits.total,hits.hits._source,hits.hits.sort", path);
    rc = lg_os_ask(s->os, s->c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (s->needle.n == 0 && first && lg_jval_path(root, "hits.total", &total))
        s->total = (uint64_t)lg_os_get_i64(total, "value");
    rc = take_hits(s, root, &n);
    if (s->needle.n > 0 && rc == 0) {
        s->budget -= n;
        s->ended = n < size;
    }
    return rc < 0 ? rc : 0;
}

static int finish(struct search *s)
{
    struct lg_event_page *p = s->page;
    bool out_of_budget = !s->ended && !s->counting;
    struct cursor next = s->counting ? s->shown : s->at;

    p->total = s->total > LG_STORE_TOTAL_CAP ? LG_STORE_TOTAL_CAP : s->total;
    p->total_is_lower_bound = s->total > LG_STORE_TOTAL_CAP || !s->ended;
    if (s->has_cursor) {
        p->total = s->cursor.total;
        p->total_is_lower_bound = s->cursor.lower_bound != 0;
    }
    p->incomplete = out_of_budget;
    if (!s->counting && !out_of_budget)
        return 0;
    next.query = lg_event_query_hash(s->q);
    next.total = p->total;
    next.lower_bound = p->total_is_lower_bound;
    return lg_cursor_seal(s->os->cursor_key, &next, sizeof(next), s->a, &p->next_cursor);
}

static int search(struct search *s)
{
    const struct lg_event_query *q = s->q;
    int rc = 0;

    s->page->rows = (struct lg_event_row *)lg_arena_alloc(s->a, q->limit * sizeof(*s->page->rows));
    if (s->page->rows == NULL)
        return LG_ENOMEM;
    if (q->text.n > 0)
        rc = lg_event_needle(q->text, &s->needle);
    if (rc == 0 && q->cursor.n > 0) {
        rc = lg_cursor_open(s->os->cursor_key, q->cursor, &s->cursor, sizeof(s->cursor));
        if (rc == 0 && s->cursor.query != lg_event_query_hash(q))
            rc = LG_EINVAL;
        s->at = s->cursor;
        s->has_cursor = s->has_at = true;
    }
    while (rc >= 0 && !s->ended && s->budget > 0)
        rc = search_some(s);
    return rc < 0 ? rc : finish(s);
}

int lg_os_event_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, struct lg_arena *a, struct lg_event_page *ret)
{
    struct lg_os *os = lg_os_of(st);
    struct lg_event_page page = {.next_cursor = LG_STR("")};
    struct search s = {
            .os = os, .sc = sc, .q = q, .a = a, .page = &page, .budget = os->opt.scan_rows};
    int rc = lg_event_query_check(q);

    if (rc < 0)
        return rc;
    rc = lg_os_take(os, &s.c, NULL);
    if (rc < 0)
        return rc;
    lg_buf_init(&s.needle, 65536);
    lg_buf_init(&s.folded, 64u << 20);
    rc = search(&s);
    lg_buf_done(&s.needle);
    lg_buf_done(&s.folded);
    lg_os_give(os, s.c);
    if (rc < 0)
        return rc;
    *ret = page;
    return 0;
}

/* ---- over time ---- */

static bool put_parts(struct lg_jw *w, struct search *s)
{
    const struct lg_event_query *q = s->q;
    char size[32];

    (void)snprintf(size, sizeof(size), ",\"size\":%u", s->n_parts);
    lg_jw_object(w);
    LG_JW_U64(w, "size", 0);
    LG_JW_BOOL(w, "track_total_hits", false);
    lg_jw_key(w, LG_STR("aggs"));
    lg_buf_clear(&s->folded);
    lg_os_part_terms(
            &s->folded, "logster.time", q->from, lg_part_length(q->from, q->to, s->n_parts), size);
    lg_jw_raw(w, lg_buf_str(&s->folded));
    lg_jw_key(w, LG_STR("query"));
    if (!put_query(w, s))
        return false;
    lg_jw_object_end(w);
    return true;
}

static int count_parts(struct search *s)
{
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, buckets, one;
    struct lg_jiter it;
    struct lg_jw w;
    int rc;

    lg_buf_clear(&s->c->body);
    lg_jw_init(&w, &s->c->body);
    if (!put_parts(&w, s))
        return 0;
    lg_os_search_path(s->os, LG_OS_EVENTS, -1, "&filter_path=error,aggregations", path);
    rc = lg_os_ask(s->os, s->c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (!lg_jval_path(root, "aggregations.part.buckets", &buckets) ||
            lg_jval_type(buckets) != LG_JSON_ARRAY)
        return 0;
    it = lg_jiter_of(buckets);
    while (lg_jiter_item(&it, &one)) {
        int64_t part = lg_os_get_i64(one, "key"), n = lg_os_get_i64(one, "doc_count");

        if (part >= 0 && part < s->n_parts && n > 0)
            s->parts[part] += (uint64_t)n;
    }
    return 0;
}

int lg_os_event_histogram(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
        struct lg_event_counts *ret)
{
    struct lg_os *os = lg_os_of(st);
    struct lg_event_query counted = *q;
    struct lg_event_page page = {0};
    struct lg_event_counts counts;
    struct search s = {.os = os,
            .sc = sc,
            .q = &counted,
            .a = a,
            .page = &page,
            .n_parts = parts,
            .budget = os->opt.scan_rows};
    int rc = lg_event_counts_init(q, parts, a, &counts);

    counted.limit = 1;
    counted.cursor = LG_STR("");
    if (rc < 0 || (rc = lg_event_query_check(&counted)) < 0)
        return rc;
    rc = lg_os_take(os, &s.c, NULL);
    if (rc < 0)
        return rc;
    s.parts = counts.parts;
    lg_buf_init(&s.needle, 65536);
    lg_buf_init(&s.folded, 64u << 20);
    if (q->text.n > 0)
        rc = lg_event_needle(q->text, &s.needle);
    if (rc == 0 && q->text.n == 0)
        rc = count_parts(&s);
    while (rc >= 0 && q->text.n > 0 && !s.ended && s.budget > 0)
        rc = search_some(&s);
    counts.incomplete = q->text.n > 0 && !s.ended;
    lg_buf_done(&s.needle);
    lg_buf_done(&s.folded);
    lg_os_give(os, s.c);
    if (rc < 0)
        return rc;
    *ret = counts;
    return 0;
}

/* ---- windows ---- */
struct window {
    struct lg_os *os;
    const struct lg_scope *sc;
    struct lg_str tenant, endpoint;
    lg_time from, to, as_of;
    int64_t at[2];
    bool has_at;
};

static bool put_window(struct lg_jw *w, const struct window *x, uint32_t size)
{
    lg_jw_object(w);
    LG_JW_U64(w, "size", size);
    LG_JW_BOOL(w, "track_total_hits", false);
    lg_jw_key(w, LG_STR("_source"));
    lg_jw_raw(w, LG_STR(SOURCE));
    lg_jw_key(w, LG_STR("sort"));
    lg_jw_raw(w, LG_STR("[{\"logster.time\":\"asc\"},{\"logster.key\":\"asc\"}]"));
    if (x->has_at) {
        lg_jw_key(w, LG_STR("search_after"));
        lg_jw_array(w);
        lg_jw_i64(w, x->at[0]);
        lg_jw_i64(w, x->at[1]);
        lg_jw_array_end(w);
    }
    lg_jw_key(w, LG_STR("query"));
    if (!lg_os_filter_open(w, x->sc, x->tenant))
        return false;
    lg_os_term(w, "logster.endpoint", x->endpoint);
    lg_os_range(w, "logster.time", x->from, x->to);
    if (x->as_of != 0)
        lg_os_range(w, "logster.received", 0, x->as_of == INT64_MAX ? x->as_of : x->as_of + 1);
    lg_os_filter_close(w);
    lg_jw_object_end(w);
    return true;
}

/* 1: there is more. The rows are handed out while the answer lives. */
static int window_page(struct window *x, lg_event_fn fn, void *user)
{
    char path[LG_OS_PATH_MAX];
    struct lg_os_call *c = NULL;
    struct lg_jval root, hit;
    struct lg_jiter it;
    struct lg_jw w;
    uint32_t n = 0;
    int rc = lg_os_take(x->os, &c, NULL);

    if (rc < 0)
        return rc;
    lg_jw_init(&w, &c->body);
    if (put_window(&w, x, LG_OS_PAGE)) {
        lg_os_search_path(x->os, LG_OS_EVENTS, -1,
                "&filter_path=error,hits.hits._source,hits.hits.sort", path);
        rc = lg_os_ask(x->os, c, "POST", path, &root, NULL);
        if (rc == LG_ENOENT)
            rc = 0;
        else if (rc == 0 && lg_os_hits(root, &it))
            while (rc >= 0 && lg_jiter_item(&it, &hit)) {
                struct lg_event_row row;

                if ((rc = sort_of(hit, x->at, 2)) >= 0 && (rc = row_of(hit, &row)) >= 0)
                    rc = fn(user, &row);
                n++;
            }
    }
    x->has_at = true;
    lg_os_give(x->os, c);
    return rc < 0 ? rc : n == LG_OS_PAGE;
}

int lg_os_event_window(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str endpoint, lg_time from, lg_time to, lg_time as_of, lg_event_fn fn, void *user)
{
    struct window x = {.os = lg_os_of(st),
            .sc = sc,
            .tenant = tenant,
            .endpoint = endpoint,
            .from = from,
            .to = to,
            .as_of = as_of};
    int rc;

    if (tenant.n == 0 || to <= from || from < 0)
        return LG_EINVAL;
    do {
        rc = window_page(&x, fn, user);
    } while (rc > 0);
    return rc;
}

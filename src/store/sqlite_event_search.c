#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/*
 * Searching events. Days are walked in order; in a day, streams of rows (a tenant's, an
 * endpoint's, or the endpoint-hours that showed the wanted words) are merged by row number and
 * each row is looked at in C: so the order is total, the work is counted row by row, and a search
 * whose budget runs out knows exactly where the next page goes on.
 */
#define POSITION(row) ((row) & ((INT64_C(1) << LG_ROW_TENANT_SHIFT) - 1))
#define MAX_REFS 1024
#define MAX_SEGMENTS 20000
#define BLOCK_COST 200 /* rows that unpacking a block counts as */
/* A histogram may look at so many times as many rows as a page: few columns, and no bodies. */
#define HISTOGRAM_ROWS 8

struct position {
    int64_t day;
    int64_t at; /* POSITION of the row */
    int64_t tenant;
};

struct cursor {
    uint64_t query;
    struct position at;
    uint64_t total;
    uint64_t lower_bound;
};

struct words { /* refs of a wanted text in one file; `any`: not asked for */
    bool any;
    int64_t refs[MAX_REFS];
    uint32_t n;
};

enum without {
    WITHOUT_ENDPOINT,
    WITHOUT_USER,
    WITHOUT_IMAGE,
    WITHOUT_HASH,
    WITHOUT_IP,
    WITHOUT_GUID,
    WITHOUT_COUNT
};

struct segment {
    int64_t hour, endpoint;
};

struct stream {
    struct lg_q q;
    struct lg_event_cols row;
    int64_t tenant;
    bool more;
};

struct search {
    struct lg_sqlite_events *es;
    const struct lg_scope *sc;
    const struct lg_event_query *q;
    struct lg_arena *a;
    struct lg_str text; /* folded, escaped as our writer escapes */
    struct lg_buf needle, folded;
    struct lg_zblock_cache blocks;
    struct lg_event_page *page;
    uint64_t budget;
    bool has_cursor, done, counting;
    struct cursor cursor;
    struct position last;  /* of the last row that was looked at for the page */
    struct position shown; /* of the page's last row */
    uint64_t total;
    /* of the day in hand */
    struct lg_day *d;
    struct lg_view *v;
    struct words user, image, hash, ip, guid;
    struct lg_map without[WITHOUT_COUNT]; /* refs that a row must not have */
    /* of a histogram, else NULL */
    uint64_t *parts;
    uint32_t n_parts;
};

/* Calls fn with each ref whose folded text, or file name where `base`, is `want`, until it is 0. */
static int each_word(struct search *s, struct lg_str want, bool base,
        int (*fn)(void *user, int64_t ref), void *user)
{
    struct lg_buf fold;
    struct lg_q q;
    int rc = 0;

    lg_buf_init(&fold, 65536);
    lg_text_fold(want, &fold);
    if (fold.failed != 0) {
        lg_buf_done(&fold);
        return fold.failed;
    }
    lg_q_open(&q, s->v->c,
            base ? "SELECT ref, text FROM strings WHERE fold=?1 UNION"
                   " SELECT ref, text FROM strings WHERE base=?1"
                 : "SELECT ref, text FROM strings WHERE fold=?1");
    lg_q_i64(&q, (int64_t)lg_hash_str(lg_buf_str(&fold), 0));
    while ((rc = lg_q_step(&q)) > 0) {
        struct lg_str text = lg_q_col_str(&q, 1), last = lg_str_basename(text);

        lg_buf_clear(&s->folded);
        lg_text_fold(text, &s->folded);
        if (!lg_str_eq(lg_buf_str(&s->folded), lg_buf_str(&fold))) {
            lg_buf_clear(&s->folded);
            lg_text_fold(last, &s->folded);
            if (!base || !lg_str_eq(lg_buf_str(&s->folded), lg_buf_str(&fold)))
                continue; /* another text with this hash */
        }
        rc = fn(user, lg_q_col_i64(&q, 0));
        if (rc <= 0)
            break;
    }
    lg_q_done(&q);
    lg_buf_done(&fold);
    return rc;
}

static int keep_ref(void *user, int64_t ref)
{
    struct words *w = (struct words *)user;

    w->refs[w->n++] = ref;
    return w->n < MAX_REFS;
}

static int find_words(struct search *s, struct lg_str want, bool base, struct words *ret)
{
    ret->any = want.n == 0;
    ret->n = 0;
    return ret->any ? 0 : each_word(s, want, base, keep_ref, ret);
}

static int map_ref(void *user, int64_t ref)
{
    int rc = lg_map_put((struct lg_map *)user, (uint64_t)ref, 1);

    return rc < 0 ? rc : 1;
}

static int find_without(
        struct search *s, const struct lg_event_without *w, bool base, enum without which)
{
    int rc = 0;

    lg_map_clear(&s->without[which]);
    for (uint32_t i = 0; rc >= 0 && i < w->n; i++)
        rc = each_word(s, w->v[i], base, map_ref, &s->without[which]);
    return rc;
}

static int find_without_endpoints(struct search *s)
{
    const struct lg_event_without *w = &s->q->not_endpoint;
    struct lg_map *m = &s->without[WITHOUT_ENDPOINT];
    int rc = 0;

    lg_map_clear(m);
    for (uint32_t i = 0; rc >= 0 && i < w->n; i++)
        for (uint32_t t = 0; rc >= 0 && t < s->v->n_tenants; t++) {
            int64_t ref;

            rc = lg_endpoint_find(s->v->c, s->v->tenants[t], w->v[i], &ref);
            if (rc > 0)
                rc = lg_map_put(m, (uint64_t)ref, 1);
        }
    return rc;
}

static bool is_without(const struct search *s, enum without which, int64_t ref)
{
    return s->without[which].n == 0 || ref == 0 ||
            lg_map_get(&s->without[which], (uint64_t)ref) == NULL;
}

static bool passes_without(const struct search *s, const struct lg_event_cols *r)
{
    return is_without(s, WITHOUT_ENDPOINT, r->v[LG_EC_ENDPOINT]) &&
            is_without(s, WITHOUT_USER, r->v[LG_EC_USER]) &&
            is_without(s, WITHOUT_IMAGE, r->v[LG_EC_IMAGE]) &&
            is_without(s, WITHOUT_HASH, r->v[LG_EC_HASH]) &&
            is_without(s, WITHOUT_IP, r->v[LG_EC_DEST]) &&
            is_without(s, WITHOUT_IP, r->v[LG_EC_ADDR]) &&
            is_without(s, WITHOUT_GUID, r->v[LG_EC_PROC]);
}

static bool word_holds(const struct words *w, int64_t ref)
{
    if (w->any)
        return true;
    for (uint32_t i = 0; ref != 0 && i < w->n; i++)
        if (w->refs[i] == ref)
            return true;
    return false;
}

static bool types_any(const struct lg_event_query *q)
{
    for (size_t i = 0; i < sizeof(q->types) / sizeof(*q->types); i++)
        if (q->types[i] != 0)
            return false;
    return true;
}

/* 1 matches, 0 not. */
static int text_matches(struct search *s, const struct lg_event_cols *r)
{
    uint64_t before = s->blocks.reads;
    struct lg_str json, part;
    int rc;

    if (s->text.n == 0)
        return 1;
    rc = lg_body_read(&s->blocks, s->v->c, s->d->day, r->v[LG_EC_LOC], &r->event_id, &json);
    if (rc < 0)
        return rc;
    if (s->blocks.reads != before)
        s->budget -= s->budget > BLOCK_COST ? BLOCK_COST : s->budget;
    part = lg_event_searchable(json);
    lg_buf_clear(&s->folded);
    lg_text_fold(part, &s->folded);
    if (s->folded.failed != 0)
        return s->folded.failed;
    return memmem(s->folded.p, s->folded.n, s->text.p, s->text.n) != NULL;
}

static int row_matches(struct search *s, const struct lg_event_cols *r)
{
    const struct lg_event_query *q = s->q;
    lg_time t = lg_event_cols_time(s->d, r);
    lg_time received = s->d->base_ns + r->v[LG_EC_RECEIVED] * 1000000;
    int64_t type = r->v[LG_EC_TYPE];

    if ((q->from != 0 && t < q->from) || (q->to != 0 && t >= q->to) ||
            (q->received_from != 0 && received < q->received_from) ||
            (q->received_to != 0 && received >= q->received_to) || type < 0 ||
            type >= LG_EVENT_TYPE_COUNT ||
            (!types_any(q) && (q->types[type / 64] >> (type % 64) & 1) == 0) ||
            !word_holds(&s->user, r->v[LG_EC_USER]) || !word_holds(&s->image, r->v[LG_EC_IMAGE]) ||
            !word_holds(&s->hash, r->v[LG_EC_HASH]) || !word_holds(&s->guid, r->v[LG_EC_PROC]) ||
            !(word_holds(&s->ip, r->v[LG_EC_DEST]) || word_holds(&s->ip, r->v[LG_EC_ADDR])) ||
            !passes_without(s, r))
        return 0;
    return text_matches(s, r);
}

int lg_event_row_make(const struct lg_day *d, const struct lg_event_cols *r, struct lg_str json,
        struct lg_arena *a, struct lg_event_row *ret)
{
    ret->json = json;
    ret->received_at = d->base_ns + r->v[LG_EC_RECEIVED] * 1000000;
    ret->time_shift_ns = r->v[LG_EC_SHIFT];
    ret->time = lg_event_cols_time(d, r);
    return a == NULL ? 0 : lg_arena_dup(a, json, &ret->json);
}

static int emit(struct search *s, const struct lg_event_cols *r)
{
    struct lg_str json;
    int rc;

    if (s->parts != NULL) {
        s->parts[lg_event_part(s->q, s->n_parts, lg_event_cols_time(s->d, r))]++;
        return 0;
    }
    s->total++;
    if (s->counting)
        return 0;
    if (s->page->n == s->q->limit) { /* one more than the page: there is a next one */
        s->counting = true;
        return 0;
    }
    rc = lg_body_read(&s->blocks, s->v->c, s->d->day, r->v[LG_EC_LOC], &r->event_id, &json);
    if (rc >= 0)
        rc = lg_event_row_make(s->d, r, json, s->a, &s->page->rows[s->page->n]);
    if (rc < 0)
        return rc;
    s->page->n++;
    s->shown = (struct position){s->d->day, POSITION(r->id), lg_row_tenant(r->id)};
    return 0;
}

static int stream_step(struct stream *st)
{
    int rc = lg_q_step(&st->q);

    st->more = rc > 0;
    if (rc > 0)
        rc = lg_event_cols_read(&st->q, &st->row);
    return rc < 0 ? rc : 0;
}

static int compare(const struct stream *a, const struct stream *b)
{
    int64_t pa = POSITION(a->row.id), pb = POSITION(b->row.id);

    if (pa != pb)
        return pa < pb ? -1 : 1;
    return (a->tenant > b->tenant) - (a->tenant < b->tenant);
}

/* Merges the streams until they end, the page and the count are full, or the budget is gone. */
static int merge(struct search *s, struct stream *v, uint32_t n)
{
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < n; i++)
        rc = stream_step(&v[i]);
    while (rc >= 0 && !s->done) {
        struct stream *best = NULL;

        for (uint32_t i = 0; i < n; i++)
            if (v[i].more &&
                    (best == NULL ||
                            (s->q->ascending ? compare(&v[i], best) < 0
                                             : compare(&v[i], best) > 0)))
                best = &v[i];
        if (best == NULL)
            break;
        if (s->budget == 0) {
            s->done = true;
            s->page->incomplete = true;
            break;
        }
        s->budget--;
        if (!s->counting)
            s->last = (struct position){s->d->day, POSITION(best->row.id), best->tenant};
        rc = row_matches(s, &best->row);
        if (rc > 0)
            rc = emit(s, &best->row);
        if (s->counting && (s->has_cursor || s->total > LG_STORE_TOTAL_CAP))
            s->done = true;
        if (rc >= 0)
            rc = stream_step(best);
    }
    return rc;
}

/* Row numbers of [from, to) ns of the day for a tenant, as far as rows may have been moved. */
static void bounds(
        struct search *s, int64_t tenant, lg_time from, lg_time to, int64_t *lo, int64_t *hi)
{
    lg_time base = s->d->base_ns;
    int64_t first = from <= base ? 0 : (from - base) / 1000000;
    int64_t last = to == 0 || to >= base + LG_DAY_NS ? 86400000 : (to - base + 999999) / 1000000;

    *lo = lg_row_first(tenant, first);
    *hi = lg_row_first(tenant, last + s->d->displaced_ms) - 1;
    if (s->has_cursor && s->cursor.at.day == s->d->day) {
        int64_t c = tenant << LG_ROW_TENANT_SHIFT | s->cursor.at.at;
        /* Streams give the rows after the cursor; the same position goes by tenant. */
        bool passed =
                s->q->ascending ? tenant <= s->cursor.at.tenant : tenant >= s->cursor.at.tenant;

        if (s->q->ascending && c + passed > *lo)
            *lo = c + passed;
        if (!s->q->ascending && c - passed < *hi)
            *hi = c - passed;
    }
}

static int open_stream(struct search *s, int64_t tenant, int64_t endpoint, lg_time from, lg_time to,
        struct stream *st)
{
    static const char *const sql[2][2] = {
            {"SELECT " LG_EVENT_COLS " FROM events WHERE id>=?1 AND id<=?2 ORDER BY id DESC",
                    "SELECT " LG_EVENT_COLS " FROM events WHERE id>=?1 AND id<=?2 ORDER BY id"},
            {"SELECT " LG_EVENT_COLS " FROM events INDEXED BY events_endpoint WHERE endpoint=?3"
             " AND id>=?1 AND id<=?2 ORDER BY id DESC",
                    "SELECT " LG_EVENT_COLS " FROM events INDEXED BY events_endpoint WHERE"
                    " endpoint=?3 AND id>=?1 AND id<=?2 ORDER BY id"}};
    int64_t lo, hi;

    bounds(s, tenant, from, to, &lo, &hi);
    lg_q_open(&st->q, s->v->c, sql[endpoint != 0][s->q->ascending]);
    lg_q_i64(&st->q, lo);
    lg_q_i64(&st->q, hi);
    if (endpoint != 0)
        lg_q_i64(&st->q, endpoint);
    st->tenant = tenant;
    return st->q.rc;
}

static int merge_and_close(struct search *s, struct stream *v, uint32_t n, int rc)
{
    if (rc >= 0)
        rc = merge(s, v, n);
    for (uint32_t i = 0; i < n; i++)
        lg_q_done(&v[i].q);
    return rc;
}

/* Without a word: the tenants' rows, or one endpoint's in each. */
static int search_plain(struct search *s)
{
    struct stream *v = (struct stream *)lg_arena_zalloc(s->a, (s->v->n_tenants + 1u) * sizeof(*v));
    uint32_t n = 0;
    int rc = 0;

    if (v == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; rc >= 0 && i < s->v->n_tenants; i++) {
        int64_t endpoint = 0;

        if (s->q->endpoint.n > 0) {
            rc = lg_endpoint_find(s->v->c, s->v->tenants[i], s->q->endpoint, &endpoint);
            if (rc <= 0)
                continue;
        }
        rc = open_stream(s, s->v->tenants[i], endpoint, s->q->from, s->q->to, &v[n++]);
    }
    return merge_and_close(s, v, n, rc);
}

static int by_hour(const void *pa, const void *pb)
{
    const struct segment *a = (const struct segment *)pa, *b = (const struct segment *)pb;

    if (a->hour != b->hour)
        return a->hour < b->hour ? -1 : 1;
    return (a->endpoint > b->endpoint) - (a->endpoint < b->endpoint);
}

/* Endpoint-hours that showed one of the refs as one of the kinds. LG_ELIMIT: too many to be of use. */
static int word_segments(struct search *s, const struct words *w, unsigned kinds,
        struct segment **ret, uint32_t *ret_n)
{
    uint32_t n = 0, cap = 0, out = 0;
    struct segment *v = NULL;
    struct lg_q q;
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < w->n; i++) {
        lg_q_open(&q, s->v->c,
                "SELECT hour, endpoint, kind FROM terms INDEXED BY terms_term WHERE term=?1");
        lg_q_i64(&q, w->refs[i]);
        while ((rc = lg_q_step(&q)) > 0) {
            if ((kinds >> (lg_q_col_i64(&q, 2) & 31) & 1) == 0)
                continue;
            if (n >= MAX_SEGMENTS) {
                rc = LG_ELIMIT;
                break;
            }
            if (n == cap) {
                struct segment *more;

                cap = cap == 0 ? 256 : cap * 2;
                more = (struct segment *)lg_realloc_array(v, cap, sizeof(*v));
                if (more == NULL) {
                    rc = LG_ENOMEM;
                    break;
                }
                v = more;
            }
            v[n++] = (struct segment){lg_q_col_i64(&q, 0), lg_q_col_i64(&q, 1)};
        }
        lg_q_done(&q);
    }
    if (rc < 0) {
        lg_free(v);
        return rc;
    }
    if (n > 0)
        qsort(v, n, sizeof(*v), by_hour);
    for (uint32_t i = 0; i < n; i++)
        if (out == 0 || by_hour(&v[out - 1], &v[i]) != 0)
            v[out++] = v[i];
    *ret = v;
    *ret_n = out;
    return 0;
}

/* The tenant of an endpoint when it may be seen and is asked for, else 0. */
static int endpoint_tenant(struct search *s, int64_t endpoint, int64_t *ret)
{
    struct lg_q q;
    int rc;

    *ret = 0;
    lg_q_open(&q, s->v->c, "SELECT tenant, endpoint FROM endpoints WHERE ref=?1");
    lg_q_i64(&q, endpoint);
    rc = lg_q_step(&q);
    if (rc > 0 && lg_view_sees(s->v, lg_q_col_i64(&q, 0)) &&
            (s->q->endpoint.n == 0 || lg_str_eq(s->q->endpoint, lg_q_col_str(&q, 1))))
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

/* One hour's endpoints as streams. */
static int search_hour(struct search *s, const struct segment *v, uint32_t n)
{
    lg_time from = s->d->base_ns + v[0].hour * LG_HOUR_NS, to = from + LG_HOUR_NS;
    struct stream *st;
    uint32_t k = 0;
    int rc = 0;

    if ((s->q->to != 0 && from >= s->q->to) || (s->q->from != 0 && to <= s->q->from))
        return 0;
    st = (struct stream *)lg_calloc(n, sizeof(*st));
    if (st == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        int64_t tenant;

        rc = endpoint_tenant(s, v[i].endpoint, &tenant);
        if (rc >= 0 && tenant != 0)
            rc = open_stream(s, tenant, v[i].endpoint, from, to, &st[k++]);
    }
    rc = merge_and_close(s, st, k, rc);
    lg_free(st);
    return rc;
}

/* With a word: only the endpoint-hours that showed it. Rows that were moved over an hour's end are
 * read with the hour that they lie in. */
static int search_words(struct search *s, const struct words *w, unsigned kinds)
{
    struct segment *v = NULL;
    uint32_t n = 0, i = 0;
    int rc = word_segments(s, w, kinds, &v, &n);

    if (rc == LG_ELIMIT)
        return search_plain(s);
    while (rc >= 0 && !s->done && i < n) {
        uint32_t from = s->q->ascending ? i : n - 1 - i, k = 1;

        while (i + k < n && v[s->q->ascending ? i + k : n - 1 - i - k].hour == v[from].hour)
            k++;
        rc = search_hour(s, s->q->ascending ? v + i : v + (n - i - k), k);
        i += k;
    }
    lg_free(v);
    return rc;
}

static int load_words(struct search *s)
{
    int rc;

    if ((rc = find_words(s, s->q->user, false, &s->user)) < 0 ||
            (rc = find_words(s, s->q->image, true, &s->image)) < 0 ||
            (rc = find_words(s, s->q->hash, false, &s->hash)) < 0 ||
            (rc = find_words(s, s->q->ip, false, &s->ip)) < 0)
        return rc;
    if ((rc = find_without(s, &s->q->not_user, false, WITHOUT_USER)) < 0 ||
            (rc = find_without(s, &s->q->not_image, true, WITHOUT_IMAGE)) < 0 ||
            (rc = find_without(s, &s->q->not_hash, false, WITHOUT_HASH)) < 0 ||
            (rc = find_without(s, &s->q->not_ip, false, WITHOUT_IP)) < 0 ||
            (rc = find_without(s, &s->q->not_guid, false, WITHOUT_GUID)) < 0 ||
            (rc = find_without_endpoints(s)) < 0)
        return rc;
    return find_words(s, s->q->process_guid, false, &s->guid);
}

static int search_day(struct search *s)
{
    int rc = load_words(s);

    if (rc < 0)
        return rc;
    if ((!s->user.any && s->user.n == 0) || (!s->image.any && s->image.n == 0) ||
            (!s->hash.any && s->hash.n == 0) || (!s->ip.any && s->ip.n == 0) ||
            (!s->guid.any && s->guid.n == 0))
        return 0; /* the day never heard of it */
    /* The rarest kind leads; a moved row may lie beyond its hour: then all rows are read. */
    if (s->d->displaced_ms == 0) {
        if (!s->hash.any)
            return search_words(s, &s->hash, 1u << LG_TERM_HASH);
        if (!s->ip.any)
            return search_words(s, &s->ip, 1u << LG_TERM_DESTINATION | 1u << LG_TERM_ADDRESS);
        if (!s->image.any)
            return search_words(s, &s->image, 1u << LG_TERM_IMAGE);
        if (!s->user.any)
            return search_words(s, &s->user, 1u << LG_TERM_USER);
    }
    return search_plain(s);
}

static int search_days(struct search *s)
{
    const struct lg_event_query *q = s->q;
    int64_t first = lg_day_of(q->from), last = q->to == 0 ? INT64_MAX : lg_day_of(q->to - 1), *days;
    uint32_t n;
    int rc;

    if (s->has_cursor && q->ascending)
        first = s->cursor.at.day;
    if (s->has_cursor && !q->ascending)
        last = s->cursor.at.day;
    rc = lg_days_between(s->es, first, last, q->ascending, s->a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && !s->done && i < n; i++) {
        struct lg_view v;

        rc = lg_day_get(s->es, days[i], false, &s->d, NULL);
        if (rc == LG_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = lg_view_open(&v, &s->d->db, s->sc, q->tenant);
        if (rc >= 0) {
            s->v = &v;
            rc = v.n_tenants > 0 ? search_day(s) : 0;
            lg_view_done(&v);
        }
        lg_day_put(s->es, s->d);
    }
    return rc;
}

static int finish(struct search *s)
{
    struct lg_event_page *p = s->page;
    struct cursor next = s->cursor;
    bool more = s->counting || p->incomplete;

    p->total = s->total > LG_STORE_TOTAL_CAP ? LG_STORE_TOTAL_CAP : s->total;
    p->total_is_lower_bound = s->total > LG_STORE_TOTAL_CAP || p->incomplete;
    if (s->has_cursor) {
        p->total = s->cursor.total;
        p->total_is_lower_bound = s->cursor.lower_bound != 0;
    }
    if (!more)
        return 0;
    next.at = s->counting ? s->shown : s->last;
    p->incomplete = !s->counting; /* the budget ended before the page was full */
    next.query = lg_event_query_hash(s->q);
    next.total = p->total;
    next.lower_bound = p->total_is_lower_bound;
    return lg_cursor_seal(s->es->cursor_key, &next, sizeof(next), s->a, &p->next_cursor);
}

/* What a page and a histogram need; LG_ENOMEM, LG_EINVAL. */
static int search_new(struct lg_sqlite_events *es, const struct lg_scope *sc,
        const struct lg_event_query *q, struct lg_arena *a, struct search **ret)
{
    struct search *s;
    int rc = lg_event_query_check(q);

    if (rc < 0)
        return rc;
    s = (struct search *)lg_calloc(1, sizeof(*s));
    if (s == NULL)
        return LG_ENOMEM;
    s->es = es;
    s->sc = sc;
    s->q = q;
    s->a = a;
    s->budget = es->scan_rows;
    lg_buf_init(&s->needle, 65536);
    lg_buf_init(&s->folded, 64u << 20);
    lg_zblock_cache_init(&s->blocks);
    for (int i = 0; i < WITHOUT_COUNT; i++)
        lg_map_init(&s->without[i]);
    *ret = s;
    rc = lg_event_needle(q->text, &s->needle);
    s->text = lg_buf_str(&s->needle);
    return rc;
}

static void search_free(struct search *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < WITHOUT_COUNT; i++)
        lg_map_done(&s->without[i]);
    lg_zblock_cache_done(&s->blocks);
    lg_buf_done(&s->folded);
    lg_buf_done(&s->needle);
    lg_free(s);
}

int lg_sqlite_event_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, struct lg_arena *a, struct lg_event_page *ret)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct lg_event_page page = {.next_cursor = LG_STR("")};
    struct search *s = NULL;
    int rc = search_new(es, sc, q, a, &s);

    if (rc == 0) {
        s->page = &page;
        page.rows = (struct lg_event_row *)lg_arena_alloc(a, q->limit * sizeof(*page.rows));
        rc = page.rows == NULL ? LG_ENOMEM : 0;
    }
    if (rc == 0 && q->cursor.n > 0) {
        rc = lg_cursor_open(es->cursor_key, q->cursor, &s->cursor, sizeof(s->cursor));
        if (rc == 0 && s->cursor.query != lg_event_query_hash(q))
            rc = LG_EINVAL;
        s->has_cursor = true;
    }
    if (rc == 0)
        rc = search_days(s);
    if (rc >= 0)
        rc = finish(s);
    search_free(s);
    if (rc < 0)
        return rc;
    *ret = page;
    return 0;
}

int lg_sqlite_event_histogram(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
        struct lg_event_counts *ret)
{
    struct lg_event_query counted = *q;
    struct lg_event_page page = {0};
    struct lg_event_counts counts;
    struct search *s = NULL;
    int rc = lg_event_counts_init(q, parts, a, &counts);

    if (rc < 0)
        return rc;
    counted.limit = 1;
    counted.cursor = LG_STR("");
    rc = search_new(lg_events_of(st), sc, &counted, a, &s);
    if (rc == 0) {
        s->page = &page;
        s->parts = counts.parts;
        s->n_parts = parts;
        if (s->text.n == 0)
            s->budget *= HISTOGRAM_ROWS;
        rc = search_days(s);
    }
    search_free(s);
    if (rc < 0)
        return rc;
    counts.incomplete = page.incomplete;
    *ret = counts;
    return 0;
}

#include <string.h>

#include "base/mem.h"
#include "event/codec.h"
#include "opensearch/os_int.h"

/* Process trees: creations are read back from the events' own lines, the counts are the server's. */
#define GUIDS_AT_ONCE 500
#define ROUNDS 64 /* generations of missing parents */

struct load {
    struct lg_os *os;
    const struct lg_scope *sc;
    const struct lg_tree_query *q;
    struct lg_arena *a;
    struct lg_proctree f;
    struct lg_json *json; /* of the events' lines */
    struct lg_event *ev;
    int64_t at[2];
    bool has_at;
};

static int64_t ms_up(lg_time t)
{
    return (t + 999999) / 1000000;
}

static int add_creation(struct load *l, struct lg_jval hit)
{
    struct lg_creation c;
    struct lg_jval body, root;
    struct lg_str line;
    int rc;

    if (!lg_jval_path(hit, "_source.logster.body", &body) || lg_jval_type(body) != LG_JSON_STRING)
        return LG_ECORRUPT;
    line = lg_jval_str(body);
    rc = lg_json_parse(l->json, line, false, &root, NULL);
    if (rc >= 0)
        rc = lg_event_read(root, line, l->ev, NULL);
    if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_ECORRUPT;
    lg_event_creation(l->ev, &c);
    if ((rc = lg_arena_dup(l->a, c.guid, &c.guid)) < 0 ||
            (rc = lg_arena_dup(l->a, c.parent_guid, &c.parent_guid)) < 0 ||
            (rc = lg_arena_dup(l->a, c.image, &c.image)) < 0 ||
            (rc = lg_arena_dup(l->a, c.parent_image, &c.parent_image)) < 0 ||
            (rc = lg_arena_dup(l->a, c.user, &c.user)) < 0 ||
            (rc = lg_arena_dup(l->a, c.hash, &c.hash)) < 0 ||
            (rc = lg_arena_dup(l->a, c.command, &c.command)) < 0)
        return rc;
    return lg_proctree_add(&l->f, &c, l->ev->time_ns, &l->ev->event_id);
}

static void put_endpoint_and_range(
        struct lg_jw *w, const struct load *l, int64_t from_ms, int64_t to_ms)
{
    lg_os_term(w, "logster.endpoint", l->q->endpoint);
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("range"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("@timestamp"));
    lg_jw_object(w);
    LG_JW_I64(w, "gte", from_ms);
    LG_JW_I64(w, "lt", to_ms);
    LG_JW_STR(w, "format", LG_STR("epoch_millis"));
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

/* ---- creations of the range ---- */
static bool put_creations(struct lg_jw *w, const struct load *l)
{
    lg_jw_object(w);
    LG_JW_U64(w, "size", LG_OS_PAGE);
    LG_JW_BOOL(w, "track_total_hits", false);
    lg_jw_key(w, LG_STR("_source"));
    lg_jw_raw(w, LG_STR("[\"logster.body\"]"));
    lg_jw_key(w, LG_STR("sort"));
    lg_jw_raw(w, LG_STR("[{\"@timestamp\":\"asc\"},{\"logster.tie\":\"asc\"}]"));
    if (l->has_at) {
        lg_jw_key(w, LG_STR("search_after"));
        lg_jw_array(w);
        lg_jw_i64(w, l->at[0]);
        lg_jw_i64(w, l->at[1]);
        lg_jw_array_end(w);
    }
    lg_jw_key(w, LG_STR("query"));
    if (!lg_os_filter_open(w, l->sc, l->q->tenant))
        return false;
    put_endpoint_and_range(w, l, l->q->from / 1000000, ms_up(l->q->to));
    lg_jw_raw(w, LG_STR("{\"terms\":{\"event.action\":[\"process_create\",\"process_fork\"]}}"));
    lg_os_filter_close(w);
    lg_jw_object_end(w);
    return true;
}

static int keep_place(struct load *l, struct lg_jval hit)
{
    struct lg_jval sort, v;
    struct lg_jiter it;

    if (!lg_jval_get(hit, LG_STR("sort"), &sort) || lg_jval_type(sort) != LG_JSON_ARRAY)
        return LG_ECORRUPT;
    it = lg_jiter_of(sort);
    for (int i = 0; i < 2; i++) {
        if (!lg_jiter_item(&it, &v) || lg_jval_type(v) != LG_JSON_I64)
            return LG_ECORRUPT;
        l->at[i] = lg_jval_i64(v);
    }
    l->has_at = true;
    return 0;
}

/* 1: there is more. */
static int creations_page(struct load *l, struct lg_os_call *c)
{
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, hit;
    struct lg_jiter it;
    struct lg_jw w;
    uint32_t n = 0;
    int rc;

    lg_buf_clear(&c->body);
    lg_jw_init(&w, &c->body);
    if (!put_creations(&w, l))
        return 0;
    lg_os_search_path(
            l->os, LG_OS_EVENTS, -1, "&filter_path=error,hits.hits._source,hits.hits.sort", path);
    rc = lg_os_ask(l->os, c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (!lg_os_hits(root, &it))
        return 0;
    for (; rc >= 0 && lg_jiter_item(&it, &hit); n++) {
        if (lg_proctree_full(&l->f)) {
            l->f.truncated = true;
            return 0;
        }
        rc = keep_place(l, hit);
        if (rc >= 0)
            rc = add_creation(l, hit);
    }
    return rc < 0 ? rc : n == LG_OS_PAGE;
}

/* ---- parents and processes in focus that the range does not hold ---- */
static bool wanted(struct load *l, struct lg_str guid, struct lg_jw *w, uint32_t *n)
{
    if (guid.n == 0 || lg_proctree_find(&l->f, guid) != NULL)
        return false;
    lg_jw_str(w, guid);
    ++*n;
    return true;
}

/* How many are asked for; those of nodes that were asked for before are not asked for again. */
static uint32_t put_missing(struct load *l, struct lg_jw *w, bool first)
{
    uint32_t n = 0;

    lg_jw_array(w);
    for (uint32_t i = 0; first && i < l->q->n_guids && n < GUIDS_AT_ONCE; i++)
        (void)wanted(l, l->q->guids[i], w, &n);
    for (size_t i = 0; i < l->f.v.n && n < GUIDS_AT_ONCE; i++) {
        struct lg_proctree_node *node = &l->f.v.v[i];

        if (!node->visited && wanted(l, node->parent_guid, w, &n))
            node->visited = true;
    }
    lg_jw_array_end(w);
    return n;
}

/* 0: nobody is missing; 1: some were asked for. */
static int missing_page(struct load *l, struct lg_os_call *c, bool first)
{
    int64_t day = lg_day_of(l->q->from), end = lg_day_of(l->q->to - 1) + 1;
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, hit;
    struct lg_jiter it;
    struct lg_jw w;
    uint32_t n;
    int rc;

    day = day > LG_TREE_LOOK_BACK ? day - LG_TREE_LOOK_BACK : 0;
    lg_buf_clear(&c->body);
    lg_jw_init(&w, &c->body);
    lg_jw_object(&w);
    LG_JW_U64(&w, "size", LG_OS_PAGE);
    LG_JW_BOOL(&w, "track_total_hits", false);
    lg_jw_key(&w, LG_STR("_source"));
    lg_jw_raw(&w, LG_STR("[\"logster.body\"]"));
    lg_jw_key(&w, LG_STR("sort")); /* the latest of each stands for it */
    lg_jw_raw(&w, LG_STR("[{\"@timestamp\":\"desc\"},{\"logster.tie\":\"desc\"}]"));
    lg_jw_key(&w, LG_STR("collapse"));
    lg_jw_raw(&w, LG_STR("{\"field\":\"logster.created\"}"));
    lg_jw_key(&w, LG_STR("query"));
    if (!lg_os_filter_open(&w, l->sc, l->q->tenant))
        return 0;
    put_endpoint_and_range(&w, l, day * (LG_DAY_NS / 1000000), end * (LG_DAY_NS / 1000000));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("terms"));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("logster.created"));
    n = put_missing(l, &w, first);
    lg_jw_object_end(&w);
    lg_jw_object_end(&w);
    lg_os_filter_close(&w);
    lg_jw_object_end(&w);
    if (n == 0)
        return 0;
    lg_os_search_path(l->os, LG_OS_EVENTS, -1, "&filter_path=error,hits.hits._source", path);
    rc = lg_os_ask(l->os, c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (lg_os_hits(root, &it))
        while (rc >= 0 && lg_jiter_item(&it, &hit))
            rc = add_creation(l, hit);
    return rc < 0 ? rc : 1;
}

/* ---- what each did ---- */
static void put_leaves(struct lg_jw *w, const void *user)
{
    const struct load *l = (const struct load *)user;

    put_endpoint_and_range(w, l, l->q->from / 1000000, ms_up(l->q->to));
    lg_jw_raw(w,
            LG_STR("{\"terms\":{\"event.category\":[\"process\",\"file\",\"registry\",\"network\"]"
                   "}}"));
}

static int on_leaf(void *user, struct lg_jval bucket)
{
    struct load *l = (struct load *)user;
    struct lg_proctree_node *node;
    enum lg_event_type type;
    struct lg_jval key, hits, hit, own;
    struct lg_jiter it;
    lg_time last = 0;

    if (!lg_jval_get(bucket, LG_STR("key"), &key))
        return LG_ECORRUPT;
    node = lg_proctree_find(&l->f, lg_jval_get_str(key, LG_STR("process")));
    if (node == NULL || lg_event_type_parse(lg_jval_get_str(key, LG_STR("type")), &type) < 0)
        return 0;
    if (lg_jval_path(bucket, "last.hits.hits", &hits) && lg_jval_type(hits) == LG_JSON_ARRAY) {
        it = lg_jiter_of(hits);
        if (lg_jiter_item(&it, &hit) && lg_jval_path(hit, "_source.logster", &own))
            last = lg_os_get_i64(own, "time");
    }
    lg_proctree_count(&node->n, type, (uint32_t)lg_os_get_i64(bucket, "doc_count"), last);
    return 0;
}

static int count_leaves(struct load *l)
{
    struct lg_os_composite c = {.kind = LG_OS_EVENTS,
            .sc = l->sc,
            .tenant = l->q->tenant,
            .put = put_leaves,
            .put_user = l,
            .sources = LG_STR("[{\"process\":{\"terms\":{\"field\":\"logster.process\"}}},"
                              "{\"type\":{\"terms\":{\"field\":\"event.action\"}}}]"),
            .aggs = LG_STR("{\"last\":{\"top_hits\":{\"size\":1,\"_source\":[\"logster.time\"],"
                           "\"sort\":[{\"@timestamp\":\"desc\"},{\"logster.tie\":\"desc\"}]}}}"),
            .fn = on_leaf,
            .user = l};

    return lg_os_composite(l->os, &c);
}

static int load(struct load *l)
{
    struct lg_os_call *c = NULL;
    int rc = lg_os_take(l->os, &c, NULL);

    if (rc < 0)
        return rc;
    do {
        rc = creations_page(l, c);
    } while (rc > 0);
    for (int round = 0; rc >= 0 && round < ROUNDS; round++) {
        if (l->f.v.n >= 5 * (size_t)l->q->max_nodes)
            break;
        rc = missing_page(l, c, round == 0);
        if (rc == 0)
            break;
    }
    lg_os_give(l->os, c);
    return rc < 0 ? rc : count_leaves(l);
}

int lg_os_tree(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_tree_query *q,
        struct lg_arena *a, struct lg_tree *ret)
{
    struct load l = {.os = lg_os_of(st), .sc = sc, .q = q, .a = a};
    int rc = lg_tree_query_check(q);

    if (rc < 0)
        return rc;
    lg_proctree_init(&l.f, q, a);
    l.ev = (struct lg_event *)lg_malloc(sizeof(*l.ev));
    rc = l.ev == NULL ? LG_ENOMEM : lg_json_new(&l.json);
    if (rc >= 0)
        rc = load(&l);
    if (rc >= 0)
        rc = lg_proctree_write(&l.f, ret);
    lg_json_free(l.json);
    lg_free(l.ev);
    lg_proctree_done(&l.f);
    return rc < 0 ? rc : 0;
}

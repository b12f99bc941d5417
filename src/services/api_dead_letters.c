#include <stdio.h>

#include "base/utf8.h"
#include "pipeline/stage.h"
#include "services/api_dead_int.h"

/*
 * Dead letters: records that could not be used, kept with their reason. They lie in a topic, so that
 * nothing in them changes; which were replayed or dropped is kept beside, as sets of offsets.
 * An id is PARTITION-OFFSET. Lists run along the partitions, oldest first.
 */

#define READ_BYTES ((size_t)1 << 20)
#define SCAN_MAX 20000u  /* records that one request looks at */
#define REPLAY_MAX 1000u /* records that one request replays or drops */

/* ---- one partition with its marks ---- */

struct part {
    int32_t number;
    int64_t begin, end;
    struct api_marks marks[API_DEAD_STATES]; /* [API_DEAD_OPEN] stays empty */
};

static void part_done(struct part *p)
{
    for (int s = 0; s < API_DEAD_STATES; s++)
        api_marks_done(&p->marks[s]);
}

static int part_open(struct lg_api *api, int32_t number, struct part *p)
{
    int topic = api->d.topics->n[LG_TOPIC_DEAD_LETTER];
    int rc;

    *p = (struct part){.number = number};
    rc = lg_bus_offsets(api->d.bus, topic, number, &p->begin, &p->end);
    for (int s = API_DEAD_REPLAYED; rc == 0 && s < API_DEAD_STATES; s++)
        rc = api_marks_load(api, (enum api_dead_state)s, number, p->begin, &p->marks[s]);
    return rc;
}

static enum api_dead_state state_of(const struct part *p, int64_t offset)
{
    if (api_marks_has(&p->marks[API_DEAD_REPLAYED], offset))
        return API_DEAD_REPLAYED;
    return api_marks_has(&p->marks[API_DEAD_DROPPED], offset) ? API_DEAD_DROPPED : API_DEAD_OPEN;
}

static uint64_t marked(const struct api_marks *m)
{
    uint64_t n = 0;

    for (size_t i = 0; i < m->v.n; i++)
        n += (uint64_t)(m->v.v[i].last - m->v.v[i].first) + 1;
    return n;
}

int api_dead_open(struct lg_api *api, uint64_t *ret)
{
    int32_t n = lg_bus_partitions(api->d.bus, api->d.topics->n[LG_TOPIC_DEAD_LETTER]);
    int rc = 0;

    *ret = 0;
    for (int32_t i = 0; rc == 0 && i < n; i++) {
        struct part p;
        uint64_t done;

        rc = part_open(api, i, &p);
        done = marked(&p.marks[API_DEAD_REPLAYED]) + marked(&p.marks[API_DEAD_DROPPED]);
        if (rc == 0 && (uint64_t)(p.end - p.begin) > done)
            *ret += (uint64_t)(p.end - p.begin) - done;
        part_done(&p);
    }
    return rc;
}

/* ---- what is asked for ---- */

struct filter {
    struct lg_str reason, source;
    lg_time from, to; /* when it died */
    int state;        /* -1: any */
};

static struct lg_str head(const struct lg_bus_record *rec, const char *name)
{
    return lg_bus_header_get(rec, lg_str_z(name));
}

static bool matches(const struct filter *f, const struct part *p, const struct lg_bus_record *rec)
{
    if (f->reason.n > 0 && !lg_str_eq(f->reason, head(rec, LG_DEAD_H_REASON)))
        return false;
    if (f->source.n > 0 && !lg_str_eq(f->source, head(rec, LG_BUS_H_SOURCE)) &&
            !lg_str_eq(f->source, head(rec, LG_DEAD_H_TOPIC)))
        return false;
    if ((f->from != 0 && rec->bus_time < f->from) || (f->to != 0 && rec->bus_time >= f->to))
        return false;
    return f->state < 0 || (int)state_of(p, rec->offset) == f->state;
}

/* Calls fn for each match from (partition, offset) on, along the partitions. fn answers 1 to go on,
 * 0 to stop (that record is not done), negative to fail. *ret_* is where to go on, -1 at the end. */
struct walk {
    struct lg_api *api;
    const struct filter *filter;
    int (*fn)(void *ctx, struct part *p, const struct lg_bus_record *rec);
    int (*part_end)(void *ctx, struct part *p); /* may be NULL */
    void *ctx;
    uint32_t scanned;
    int32_t at_partition;
    int64_t at_offset;
};

/* Records of one batch; 1 when the walk goes on. */
static int walk_batch(struct walk *w, struct part *p, const struct lg_bus_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct lg_bus_record *rec = &b->records[i];
        int rc = 1;

        if (rec->offset < w->at_offset)
            continue;
        if (w->scanned >= SCAN_MAX)
            return 0;
        w->scanned++;
        if (matches(w->filter, p, rec))
            rc = w->fn(w->ctx, p, rec);
        if (rc <= 0)
            return rc;
        w->at_offset = rec->offset + 1;
    }
    return 1;
}

static int walk_part(struct walk *w, struct part *p)
{
    int topic = w->api->d.topics->n[LG_TOPIC_DEAD_LETTER];
    int rc = 1;

    if (w->at_offset < p->begin)
        w->at_offset = p->begin;
    while (rc > 0 && w->at_offset < p->end) {
        struct lg_bus_batch *b = NULL;

        rc = lg_bus_read(w->api->d.bus, topic, p->number, w->at_offset, READ_BYTES, &b, NULL);
        if (rc <= 0)
            return rc < 0 ? rc : 1;
        rc = walk_batch(w, p, b);
        if (rc > 0 && w->at_offset < b->next_offset)
            w->at_offset = b->next_offset;
        lg_bus_batch_free(b);
    }
    return rc;
}

static int walk(struct walk *w)
{
    int32_t n = lg_bus_partitions(w->api->d.bus, w->api->d.topics->n[LG_TOPIC_DEAD_LETTER]);

    for (; w->at_partition < n; w->at_partition++, w->at_offset = 0) {
        struct part p;
        int rc = part_open(w->api, w->at_partition, &p);

        if (rc == 0)
            rc = walk_part(w, &p);
        if (w->part_end != NULL) { /* what was done before a failure counts */
            int end = w->part_end(w->ctx, &p);

            rc = rc < 0 ? rc : end < 0 ? end : rc;
        }
        part_done(&p);
        if (rc <= 0)
            return rc;
    }
    w->at_partition = -1;
    return 0;
}

/* ---- showing ---- */

static void put_number(struct lg_jw *w, struct lg_str key, struct lg_str text)
{
    int64_t v;

    lg_jw_key(w, key);
    if (lg_parse_i64(text, &v) == 0)
        lg_jw_i64(w, v);
    else
        lg_jw_null(w);
}

static void put_ns(struct lg_jw *w, struct lg_str key, struct lg_str text)
{
    int64_t v;

    api_put_time(w, key, lg_parse_i64(text, &v) == 0 ? v : 0);
}

static void put_letter(
        struct lg_jw *w, const struct part *p, const struct lg_bus_record *rec, bool with_bytes)
{
    char id[48];
    int n = snprintf(id, sizeof(id), "%d-%lld", (int)p->number, (long long)rec->offset);

    lg_jw_object(w);
    LG_JW_STR(w, "id", lg_str_of(id, (size_t)n));
    LG_JW_STR(w, "state", lg_str_z(api_dead_state_names[state_of(p, rec->offset)]));
    LG_JW_STR(w, "reason", head(rec, LG_DEAD_H_REASON));
    api_put_str(w, LG_STR("detail"), head(rec, LG_DEAD_H_DETAIL));
    api_put_str(w, LG_STR("stage"), head(rec, LG_DEAD_H_STAGE));
    api_put_str(w, LG_STR("source"), head(rec, LG_BUS_H_SOURCE));
    api_put_str(w, LG_STR("tenant_id"), head(rec, LG_BUS_H_TENANT));
    api_put_str(w, LG_STR("endpoint"), head(rec, LG_BUS_H_ENDPOINT));
    api_put_str(w, LG_STR("principal"), head(rec, LG_BUS_H_PRINCIPAL));
    api_put_str(w, LG_STR("schema"), head(rec, LG_DEAD_H_SCHEMA));
    api_put_str(w, LG_STR("topic"), head(rec, LG_DEAD_H_TOPIC));
    put_number(w, LG_STR("partition"), head(rec, LG_DEAD_H_PARTITION));
    put_number(w, LG_STR("offset"), head(rec, LG_DEAD_H_OFFSET));
    put_ns(w, LG_STR("received_at"), head(rec, LG_DEAD_H_TIME));
    api_put_time(w, LG_STR("dead_at"), rec->bus_time);
    LG_JW_U64(w, "size", rec->value.n);
    api_put_str(w, LG_STR("key"), rec->key);
    if (with_bytes && lg_utf8_valid(rec->value))
        LG_JW_STR(w, "text", rec->value);
    if (with_bytes) {
        lg_jw_key(w, LG_STR("base64"));
        lg_jw_base64(w, rec->value);
    }
    lg_jw_object_end(w);
}

struct listing {
    struct lg_jw *w;
    uint32_t n, limit;
};

static int list_one(void *ctx, struct part *p, const struct lg_bus_record *rec)
{
    struct listing *l = ctx;

    if (l->n == l->limit)
        return 0;
    put_letter(l->w, p, rec, false);
    l->n++;
    return 1;
}

static int no_bus(struct lg_http_req *req)
{
    return lg_http_unavailable(req, 60, "This process has no bus");
}

static int read_position(struct lg_http_req *req, struct walk *w)
{
    struct lg_str text = lg_req_str(req, "cursor"), part;
    int64_t partition, offset;

    if (text.n == 0)
        return 1;
    if (lg_str_split(&text, '-', &part) && lg_parse_i64(part, &partition) == 0 &&
            lg_parse_i64(text, &offset) == 0 && partition >= 0 &&
            partition < LG_BUS_MAX_PARTITIONS && offset >= 0) {
        w->at_partition = (int32_t)partition;
        w->at_offset = offset;
        return 1;
    }
    return lg_http_problem_of(req, 400, "bad-cursor", LG_STR("cursor"), LG_STR(""),
            "The cursor is not one of ours: start again without it");
}

static int state_param(struct lg_str name)
{
    for (int s = 0; s < API_DEAD_STATES; s++)
        if (lg_str_eq(name, lg_str_z(api_dead_state_names[s])))
            return s;
    return -1;
}

static int list(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    struct filter f = {
            .reason = lg_req_str(req, "reason"),
            .source = lg_req_str(req, "source"),
            .from = lg_req_when(req, "from", 0),
            .to = lg_req_when(req, "to", 0),
            .state = state_param(lg_req_str(req, "state")),
    };
    struct listing l = {.limit = (uint32_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT)};
    struct walk w = {.api = api, .filter = &f, .fn = list_one, .ctx = &l};
    char cursor[48] = "";
    struct lg_jw jw;
    int rc;

    if (api->d.bus == NULL)
        return no_bus(req);
    rc = read_position(req, &w);
    if (rc <= 0)
        return rc;
    l.w = &jw;
    lg_jw_init(&jw, lg_http_out(req));
    lg_jw_object(&jw);
    lg_jw_key(&jw, LG_STR("dead_letters"));
    lg_jw_array(&jw);
    rc = walk(&w);
    lg_jw_array_end(&jw);
    if (rc < 0) {
        lg_buf_clear(jw.out);
        return api_fail(req, rc);
    }
    if (w.at_partition >= 0)
        (void)snprintf(
                cursor, sizeof(cursor), "%d-%lld", (int)w.at_partition, (long long)w.at_offset);
    api_put_cursor(&jw, l.limit, lg_str_z(cursor));
    lg_jw_object_end(&jw);
    return lg_http_send_json(req, 200);
}

/* ---- one ---- */

static bool parse_id(struct lg_str id, int32_t *partition, int64_t *offset)
{
    struct lg_str part;
    int64_t p;

    if (!lg_str_split(&id, '-', &part) || lg_parse_i64(part, &p) < 0 ||
            lg_parse_i64(id, offset) < 0 || p < 0 || p >= LG_BUS_MAX_PARTITIONS || *offset < 0)
        return false;
    *partition = (int32_t)p;
    return true;
}

/* The record of an id with its partition: 0 and *ret_batch (free it) whose first record it is. */
static int find(
        struct lg_api *api, struct lg_str id, struct part *p, struct lg_bus_batch **ret_batch)
{
    int topic = api->d.topics->n[LG_TOPIC_DEAD_LETTER];
    struct lg_bus_batch *b = NULL;
    int32_t partition;
    int64_t offset;
    int rc;

    *p = (struct part){0};
    if (!parse_id(id, &partition, &offset) || partition >= lg_bus_partitions(api->d.bus, topic))
        return LG_ENOENT;
    rc = part_open(api, partition, p);
    if (rc == 0 && (offset < p->begin || offset >= p->end))
        rc = LG_ENOENT;
    if (rc == 0)
        rc = lg_bus_read(api->d.bus, topic, partition, offset, 1, &b, NULL);
    if (rc > 0 && b->n > 0 && b->records[0].offset == offset) {
        *ret_batch = b;
        return 0;
    }
    lg_bus_batch_free(b);
    return rc < 0 ? rc : LG_ENOENT;
}

static int get(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    struct lg_bus_batch *b = NULL;
    struct part p;
    struct lg_jw w;
    int rc;

    if (api->d.bus == NULL)
        return no_bus(req);
    rc = find(api, lg_req_str(req, "dead_letter_id"), &p, &b);
    if (rc == 0) {
        lg_jw_init(&w, lg_http_out(req));
        put_letter(&w, &p, &b->records[0], true);
    }
    lg_bus_batch_free(b);
    part_done(&p);
    return rc < 0 ? api_fail(req, rc) : lg_http_send_json(req, 200);
}

/* ---- replay and drop ---- */

static bool is_dead_header(struct lg_str name)
{
    return lg_str_starts(name, LG_STR("lg-dead-")) || lg_str_eq(name, LG_STR(LG_BUS_H_SCHEMA));
}

/*
 * The original record again: bytes, key, headers and time of arrival as they were, into the topic
 * that it came from. Durable before the mark is set: a crash between repeats it, with the same ids.
 */
static int send_again(struct lg_api *api, const struct lg_bus_record *rec)
{
    struct lg_bus_header headers[LG_BUS_MAX_HEADERS];
    struct lg_str topic = head(rec, LG_DEAD_H_TOPIC), schema = head(rec, LG_DEAD_H_SCHEMA);
    struct lg_bus_output out = {.partition = LG_BUS_BY_KEY};
    size_t n = 0;
    int64_t at;

    out.topic = -1;
    for (size_t i = 0; i < api->d.topics->n_raw; i++)
        if (lg_str_eq(topic, lg_str_z(lg_bus_topic_name(api->d.bus, api->d.topics->raw[i]))))
            out.topic = api->d.topics->raw[i];
    for (int t = LG_TOPIC_RAW_COUNT; t < LG_TOPIC_COUNT; t++)
        if (lg_str_eq(topic, lg_str_z(lg_topic_name((enum lg_topic)t))))
            out.topic = api->d.topics->n[t];
    if (out.topic < 0)
        return LG_ENOENT;
    if (schema.n > 0)
        headers[n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_SCHEMA), schema};
    for (size_t i = 0; i < rec->n_headers && n < LG_BUS_MAX_HEADERS; i++)
        if (!is_dead_header(rec->headers[i].name))
            headers[n++] = rec->headers[i];
    out.rec = (struct lg_bus_record){
            .key = rec->key,
            .value = rec->value,
            .headers = headers,
            .n_headers = n,
            .bus_time = lg_parse_i64(head(rec, LG_DEAD_H_TIME), &at) == 0 ? at : 0,
    };
    return lg_bus_publish(api->d.bus, &out, 1, LG_BUS_DURABLE, NULL);
}

struct deed {
    struct lg_api *api;
    enum api_dead_state to;
    uint32_t n, max;
    bool changed; /* marks of this partition */
};

static int do_one(void *ctx, struct part *p, const struct lg_bus_record *rec)
{
    struct deed *d = ctx;
    int rc = 0;

    if (d->n == d->max)
        return 0;
    if (d->to == API_DEAD_REPLAYED)
        rc = send_again(d->api, rec);
    if (rc == LG_ENOENT) /* where it came from is not known: it stays */
        return 1;
    if (rc == 0)
        rc = api_marks_add(&p->marks[d->to], rec->offset);
    if (rc < 0)
        return rc;
    d->n++;
    d->changed = true;
    return 1;
}

static int store_marks(void *ctx, struct part *p)
{
    struct deed *d = ctx;
    int rc = d->changed ? api_marks_store(d->api, d->to, p->number, &p->marks[d->to]) : 0;

    d->changed = false;
    return rc;
}

static int send_result(struct lg_http_req *req, struct lg_api *api, const struct deed *d,
        struct lg_str target, const struct lg_buf *selection, bool remaining)
{
    const char *action = d->to == API_DEAD_REPLAYED ? "dead-letter.replay" : "dead-letter.drop";
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    struct lg_jw w;
    int rc;

    lg_buf_init(&detail, 65536);
    lg_jw_init(&w, &detail);
    lg_jw_object(&w);
    LG_JW_U64(&w, "count", d->n);
    if (selection != NULL) {
        lg_jw_key(&w, LG_STR("selection"));
        lg_jw_raw(&w, lg_buf_str(selection));
    }
    lg_jw_object_end(&w);
    rc = d->n > 0 ? api_audit(req, api, LG_STR(""), action, target, &detail) : 1;
    if (rc <= 0)
        return rc;
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_U64(&w, "count", d->n);
    LG_JW_BOOL(&w, "remaining", remaining);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* One id, under the lock. 0 also when it was dealt with before: then nothing is done. */
static int deal_with(struct lg_api *api, struct lg_str id, struct deed *d)
{
    struct lg_bus_batch *b = NULL;
    struct part p;
    int rc = find(api, id, &p, &b);

    if (rc == 0 && state_of(&p, b->records[0].offset) == API_DEAD_OPEN) {
        rc = do_one(d, &p, &b->records[0]);
        if (rc >= 0)
            rc = store_marks(d, &p);
    }
    lg_bus_batch_free(b);
    part_done(&p);
    return rc < 0 ? rc : 0;
}

static int one(struct lg_http_req *req, struct lg_api *api, enum api_dead_state to)
{
    struct lg_str id = lg_req_str(req, "dead_letter_id");
    struct deed d = {.api = api, .to = to, .max = 1};
    int rc;

    if (api->d.bus == NULL)
        return no_bus(req);
    pthread_mutex_lock(&api->dead_mu);
    rc = deal_with(api, id, &d);
    pthread_mutex_unlock(&api->dead_mu);
    return rc < 0 ? api_fail(req, rc) : send_result(req, api, &d, id, NULL, false);
}

static int replay_one(struct lg_http_req *req, void *ctx)
{
    return one(req, ctx, API_DEAD_REPLAYED);
}

static int drop_one(struct lg_http_req *req, void *ctx)
{
    return one(req, ctx, API_DEAD_DROPPED);
}

static int deal_with_ids(struct lg_api *api, struct lg_jval ids, struct deed *d)
{
    struct lg_jiter it = lg_jiter_of(ids);
    struct lg_jval id;
    int rc = 0;

    while (rc == 0 && lg_jiter_item(&it, &id)) {
        rc = deal_with(api, lg_jval_str(id), d);
        if (rc == LG_ENOENT) /* retention was faster: one id must not stop the others */
            rc = 0;
    }
    return rc;
}

static int read_filter(struct lg_http_req *req, const struct api_body *b, struct filter *f)
{
    *f = (struct filter){
            .reason = api_body_str(b, "reason"),
            .source = api_body_str(b, "source"),
            .state = API_DEAD_OPEN,
    };
    if (api_body_time(b, "from", &f->from) < 0)
        return api_bad_member(req, "from", "is no time");
    if (api_body_time(b, "to", &f->to) < 0)
        return api_bad_member(req, "to", "is no time");
    if (f->reason.n == 0 && f->source.n == 0 && f->from == 0 && f->to == 0 &&
            !api_body_bool(b, "all", false) && !api_body_has(b, "ids"))
        return api_bad_member(req, "all", "must be true to take every open dead letter");
    return 1;
}

static int many(struct lg_http_req *req, struct lg_api *api, enum api_dead_state to)
{
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    LG_CLEANUP(lg_buf_done) struct lg_buf selection;
    struct deed d = {.api = api, .to = to, .max = REPLAY_MAX};
    struct filter f;
    struct walk w = {.api = api,
            .filter = &f,
            .fn = do_one,
            .part_end = store_marks,
            .ctx = &d,
            .at_partition = -1};
    struct lg_jval ids;
    struct lg_jw jw;
    int rc;

    lg_buf_init(&selection, 65536);
    rc = api_body(req, api, &b);
    if (rc > 0)
        rc = read_filter(req, &b, &f);
    if (rc <= 0)
        return rc;
    if (api->d.bus == NULL)
        return no_bus(req);
    pthread_mutex_lock(&api->dead_mu);
    if (lg_jval_get(b.root, LG_STR("ids"), &ids)) {
        rc = deal_with_ids(api, ids, &d);
    } else {
        w.at_partition = 0;
        rc = walk(&w);
    }
    pthread_mutex_unlock(&api->dead_mu);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&jw, &selection);
    if (!api_body_has(&b, "ids"))
        lg_jw_value(&jw, b.root);
    else
        lg_buf_adds(&selection, LG_STR("{\"ids\":true}"));
    return send_result(req, api, &d, LG_STR(""), &selection, w.at_partition >= 0);
}

static int replay_many(struct lg_http_req *req, void *ctx)
{
    return many(req, ctx, API_DEAD_REPLAYED);
}

static int drop_many(struct lg_http_req *req, void *ctx)
{
    return many(req, ctx, API_DEAD_DROPPED);
}

/* ---- rows ---- */

#define DEAD_LETTER_ID API_P_PATH_TEXT("dead_letter_id", "Id of the dead letter")
#define NO_BUS                                                                                     \
    {                                                                                              \
        503, NULL, "This process has no bus", NULL                                                 \
    }

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/dead-letters",
                .operation = "listDeadLetters",
                .tag = "dead letters",
                .summary = "Records that could not be used, with the reason",
                .action = LG_ACT_DEAD_LETTER_READ,
                .params = API_PARAMS(API_P_TEXT("reason", "Only for this reason"),
                        API_P_TEXT("source", "Only of this source or topic"),
                        API_P_TIME("from", "Given up then or later"),
                        API_P_TIME("to", "Given up before"),
                        API_P_CHOICE("state", "open|replayed|dropped|any", "open", "Only these"),
                        API_P_LIMIT, API_P_CURSOR),
                .responses = {API_OK("DeadLetterList", "A page; it may hold fewer than there are"),
                        NO_BUS},
                .handler = list,
        },
        {
                .method = LG_GET,
                .path = "/dead-letters/{dead_letter_id}",
                .operation = "getDeadLetter",
                .tag = "dead letters",
                .summary = "One dead letter with its bytes",
                .action = LG_ACT_DEAD_LETTER_READ,
                .params = API_PARAMS(DEAD_LETTER_ID),
                .responses = {API_OK("DeadLetter", "The dead letter"), API_GONE, NO_BUS},
                .handler = get,
        },
        {
                .method = LG_POST,
                .path = "/dead-letters/{dead_letter_id}/replay",
                .operation = "replayDeadLetter",
                .tag = "dead letters",
                .summary = "Send a dead letter's original bytes through again",
                .action = LG_ACT_DEAD_LETTER_WRITE,
                .params = API_PARAMS(DEAD_LETTER_ID),
                .responses = {API_OK("DeadLetterResult", "Done; 0 when it was dealt with before"),
                        API_GONE, NO_BUS},
                .handler = replay_one,
        },
        {
                .method = LG_DELETE,
                .path = "/dead-letters/{dead_letter_id}",
                .operation = "dropDeadLetter",
                .tag = "dead letters",
                .summary = "Give a dead letter up; retention removes it",
                .action = LG_ACT_DEAD_LETTER_WRITE,
                .params = API_PARAMS(DEAD_LETTER_ID),
                .responses = {API_OK("DeadLetterResult", "Done; 0 when it was dealt with before"),
                        API_GONE, NO_BUS},
                .handler = drop_one,
        },
        {
                .method = LG_POST,
                .path = "/dead-letters/replay",
                .operation = "replayDeadLetters",
                .tag = "dead letters",
                .summary = "Replay a selection of open dead letters, at most 1000 at a time",
                .action = LG_ACT_DEAD_LETTER_WRITE,
                .request = "DeadLetterSelection",
                .max_body_bytes = 131072,
                .responses = {API_OK("DeadLetterResult", "How many, and whether there are more"),
                        NO_BUS},
                .handler = replay_many,
        },
        {
                .method = LG_POST,
                .path = "/dead-letters/drop",
                .operation = "dropDeadLetters",
                .tag = "dead letters",
                .summary = "Drop a selection of open dead letters, at most 1000 at a time",
                .action = LG_ACT_DEAD_LETTER_WRITE,
                .request = "DeadLetterSelection",
                .max_body_bytes = 131072,
                .responses = {API_OK("DeadLetterResult", "How many, and whether there are more"),
                        NO_BUS},
                .handler = drop_many,
        },
};

struct lg_api_rows api_dead_letters_rows(void)
{
    return API_ROWS(rows);
}

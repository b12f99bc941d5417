#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "opensearch/os_int.h"

/*
 * Writing. All records go out as `create` in bulks; what comes back is told record by record: there,
 * there already (then what is there is compared), never to be taken, or to be sent again. While one
 * bulk is under way the next one is made.
 */
#define PAUSE_FIRST_NS (100 * INT64_C(1000000))
#define PAUSE_MAX_NS (5 * LG_NS_PER_SEC)
#define COMPARE_AT_ONCE 1000

enum state { TO_SEND, TAKEN_BEFORE, DONE };

struct bulk {
    struct lg_os *os;
    struct lg_os_call *c;
    size_t *sent; /* which record each item is */
    size_t n_sent;
    /* by the thread that sends it */
    pthread_t thread;
    bool apart; /* there is one */
    int rc, status;
    struct lg_jval root;
    struct lg_err why;
};

struct batch {
    struct lg_os *os;
    struct lg_event_put *ev;
    struct lg_inference_put *in;
    size_t n_ev, n;
    uint8_t *state; /* enum state of each, events first */
    struct bulk bulks[2];
    size_t bulk_bytes;
    bool cut;           /* bulks were too large: what is left goes out at once, in smaller ones */
    int64_t end, pause; /* monotonic; next wait */
    struct lg_buf scratch;
    struct lg_err why; /* of the last that was turned away */
};

static void set_result(struct batch *b, size_t i, enum lg_put r)
{
    if (i < b->n_ev)
        b->ev[i].ret_result = r;
    else
        b->in[i - b->n_ev].ret_result = r;
    b->state[i] = DONE;
}

static void refuse(struct batch *b, size_t i, const char *why)
{
    char *out = i < b->n_ev ? b->ev[i].ret_reason : b->in[i - b->n_ev].ret_reason;

    (void)snprintf(out, LG_PUT_REASON_MAX, "%s", why);
    set_result(b, i, LG_PUT_REFUSED);
}

/* Waits; false when the time is up. */
static bool rest(struct batch *b)
{
    int64_t now = lg_clock_monotonic(), wait = b->pause;
    struct timespec ts;

    if (now >= b->end)
        return false;
    if (wait > b->end - now)
        wait = b->end - now;
    ts = (struct timespec){wait / LG_NS_PER_SEC, wait % LG_NS_PER_SEC};
    (void)nanosleep(&ts, NULL);
    b->pause = b->pause * 2 < PAUSE_MAX_NS ? b->pause * 2 : PAUSE_MAX_NS;
    return true;
}

static void where(
        const struct batch *b, size_t i, char index[LG_OS_INDEX_MAX], char id[LG_UUID_TEXT + 1])
{
    if (i < b->n_ev) {
        lg_os_index_name(b->os, LG_OS_EVENTS, lg_day_of(b->ev[i].ev->time_ns), index);
        lg_uuid_text(&b->ev[i].ev->event_id, id);
    } else {
        const struct lg_inference *in = b->in[i - b->n_ev].in;

        lg_os_index_name(b->os, LG_OS_INFERENCES, lg_inference_day(in), index);
        lg_uuid_text(&in->inference_id, id);
    }
}

/* Which record, in the JSON of a bulk's action or of a multi-get. */
static void put_where(struct batch *b, size_t i, struct lg_jw *w)
{
    char index[LG_OS_INDEX_MAX], id[LG_UUID_TEXT + 1];

    where(b, i, index, id);
    lg_jw_object(w);
    LG_JW_STR(w, "_index", lg_str_z(index));
    LG_JW_STR(w, "_id", lg_str_of(id, LG_UUID_TEXT));
    lg_jw_object_end(w);
}

/* Fills a bulk from record `from` on; returns the one after the last. */
static size_t fill(struct batch *b, struct bulk *k, size_t from)
{
    struct lg_buf *out = &k->c->body;
    size_t i = from;

    lg_buf_clear(out);
    k->c->is_packed = false;
    k->n_sent = 0;
    for (; i < b->n && out->failed == 0; i++) {
        size_t before = out->n;
        struct lg_jw w;

        if (b->state[i] != TO_SEND)
            continue;
        lg_jw_init(&w, out);
        lg_jw_object(&w);
        lg_jw_key(&w, LG_STR("create"));
        put_where(b, i, &w);
        lg_jw_object_end(&w);
        lg_buf_addc(out, '\n');
        lg_jw_init(&w, out);
        if (i < b->n_ev)
            lg_os_event_doc(&w, &b->ev[i], &b->scratch);
        else
            lg_os_inference_doc(&w, &b->in[i - b->n_ev], &b->scratch);
        lg_buf_addc(out, '\n');
        if (k->n_sent > 0 && out->n > b->bulk_bytes && out->failed == 0) {
            out->n = before; /* goes into the next one */
            break;
        }
        k->sent[k->n_sent++] = i;
    }
    return i;
}

/* Whether the server judged the record, and not itself. */
static bool is_refusal(int64_t status, struct lg_str type)
{
    static const char *const types[] = {"mapper_parsing_exception",
            "strict_dynamic_mapping_exception", "document_parsing_exception",
            "illegal_argument_exception", "parsing_exception"};

    if (status == 413)
        return true;
    for (size_t i = 0; status == 400 && i < sizeof(types) / sizeof(*types); i++)
        if (lg_str_eq(type, lg_str_z(types[i])))
            return true;
    return false;
}

static void take_item(struct batch *b, size_t i, struct lg_jval item)
{
    struct lg_jiter it = lg_jiter_of(item);
    char why[320];
    struct lg_str key;
    struct lg_jval v, e;
    int64_t status;

    if (!lg_jiter_member(&it, &key, &v))
        return;
    status = lg_os_get_i64(v, "status");
    if (status == 200 || status == 201) {
        set_result(b, i, LG_PUT_STORED);
    } else if (status == 409) {
        b->state[i] = TAKEN_BEFORE;
    } else {
        lg_os_reason(v, why, sizeof(why));
        if (lg_jval_get(v, LG_STR("error"), &e) &&
                is_refusal(status, lg_jval_get_str(e, LG_STR("type"))))
            refuse(b, i, why);
        else
            (void)lg_err_set(&b->why, LG_EIO, "status %d: %s", (int)status, why);
    }
}

static int take_items(struct batch *b, const struct bulk *k)
{
    struct lg_jval items, item;
    struct lg_jiter it;
    size_t n = 0;

    if (!lg_jval_get(k->root, LG_STR("items"), &items) || lg_jval_type(items) != LG_JSON_ARRAY)
        return lg_err_set(&b->why, LG_EIO, "the answer to a bulk has no items");
    it = lg_jiter_of(items);
    while (lg_jiter_item(&it, &item) && n < k->n_sent)
        if (lg_jval_type(item) == LG_JSON_OBJECT)
            take_item(b, k->sent[n++], item);
    return n == k->n_sent ? 0
                          : lg_err_set(&b->why, LG_EIO, "%zu of %zu records have no result",
                                    k->n_sent - n, k->n_sent);
}

#define BULK_PATH                                                                                  \
    "/_bulk?filter_path=error,status,items.*.status,items.*.error.type,items.*.error.reason,"      \
    "items.*.error.caused_by.reason"

static void *send_bulk(void *p)
{
    struct bulk *k = (struct bulk *)p;

    k->rc = lg_os_send(k->os, k->c, "POST", BULK_PATH, &k->status, &k->root, &k->why);
    return NULL;
}

/* `alone`: nothing is to be done meanwhile. */
static void launch(struct bulk *k, bool alone)
{
    k->apart = !alone && pthread_create(&k->thread, NULL, send_bulk, k) == 0;
    if (!k->apart)
        (void)send_bulk(k);
}

/* What became of a bulk. LG_EAGAIN: nothing is known of it, send it again. */
static int land(struct batch *b, struct bulk *k)
{
    char why[320];

    if (k->apart)
        (void)pthread_join(k->thread, NULL);
    if (k->rc < 0) {
        b->why = k->why;
        return k->rc == LG_EIO ? LG_EAGAIN : k->rc;
    }
    if (k->status == 200)
        return take_items(b, k) < 0 ? LG_EAGAIN : 0;
    if (k->status == 413 && k->n_sent == 1) {
        refuse(b, k->sent[0], "larger than the server takes");
        return 0;
    }
    if (k->status == 413) {
        if (k->c->body.n / 2 < b->bulk_bytes)
            b->bulk_bytes = k->c->body.n / 2 + 1;
        b->cut = true;
        return 0;
    }
    lg_os_reason(k->root, why, sizeof(why));
    (void)lg_err_set(&b->why, LG_EIO, "status %d: %.280s", k->status, why);
    return k->status == 401 || k->status == 403 ? LG_EIO : LG_EAGAIN;
}

static bool any(const struct batch *b, enum state s)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->state[i] == s)
            return true;
    return false;
}

/* All that is to be sent, once. */
static int send_round(struct batch *b)
{
    struct bulk *flying = NULL, *next;
    unsigned turn = 0;
    size_t at = 0;
    int rc = 0;

    while (rc >= 0 && (at < b->n || flying != NULL)) {
        int made = 0;

        next = NULL;
        if (at < b->n) {
            next = &b->bulks[turn++ % 2];
            at = fill(b, next, at);
            made = next->n_sent > 0 ? lg_os_pack(b->os, next->c) : 0;
            if (made < 0 || next->n_sent == 0)
                next = NULL;
        }
        if (flying != NULL)
            rc = land(b, flying);
        flying = NULL;
        if (made < 0)
            return lg_err_set(&b->why, made, "%s", lg_err_name(made));
        if (rc >= 0 && next != NULL) {
            launch(next, at >= b->n);
            flying = next;
        }
    }
    return rc;
}

/* Sends until nothing is left to send, or the time is up. */
static int send_all(struct batch *b)
{
    while (any(b, TO_SEND)) {
        int rc;

        b->cut = false;
        rc = send_round(b);
        if (rc < 0 && rc != LG_EAGAIN)
            return rc;
        if (any(b, TO_SEND) && !b->cut && !rest(b))
            return LG_EIO;
    }
    return 0;
}

static void compare(struct batch *b, size_t i, struct lg_jval doc)
{
    char mine[LG_OS_DIGEST + 1];
    struct lg_jval found, v;

    if (!lg_jval_get(doc, LG_STR("found"), &found) || lg_jval_type(found) != LG_JSON_BOOL ||
            !lg_jval_bool(found)) {
        b->state[i] = TO_SEND; /* gone meanwhile */
        return;
    }
    if (i < b->n_ev)
        lg_os_event_digest(&b->ev[i], mine);
    else
        lg_os_inference_digest(&b->in[i - b->n_ev], mine);
    set_result(b, i,
            lg_jval_path(doc, "_source.logster.digest", &v) && lg_jval_type(v) == LG_JSON_STRING &&
                            lg_str_eq(lg_jval_str(v), lg_str_of(mine, LG_OS_DIGEST))
                    ? LG_PUT_DUPLICATE
                    : LG_PUT_CONFLICT);
}

/* Looks at what is under the ids that were taken; by id, so that it need not be searchable yet. */
static int compare_some(struct batch *b)
{
    struct bulk *k = &b->bulks[0];
    struct lg_jval root, docs, doc;
    struct lg_jiter it;
    struct lg_jw w;
    size_t n = 0;
    int rc;

    lg_buf_clear(&k->c->body);
    k->c->is_packed = false;
    lg_jw_init(&w, &k->c->body);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("docs"));
    lg_jw_array(&w);
    k->n_sent = 0;
    for (size_t i = 0; i < b->n && k->n_sent < COMPARE_AT_ONCE; i++)
        if (b->state[i] == TAKEN_BEFORE) {
            put_where(b, i, &w);
            k->sent[k->n_sent++] = i;
        }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    rc = lg_os_ask(b->os, k->c, "POST",
            "/_mget?filter_path=docs.found,docs._source&_source_includes=logster.digest", &root,
            &b->why);
    if (rc < 0)
        return rc;
    if (!lg_jval_get(root, LG_STR("docs"), &docs) || lg_jval_type(docs) != LG_JSON_ARRAY)
        return lg_err_set(&b->why, LG_EIO, "the answer to a multi-get has no documents");
    it = lg_jiter_of(docs);
    while (n < k->n_sent && lg_jiter_item(&it, &doc))
        compare(b, k->sent[n++], doc);
    return n == k->n_sent ? 0
                          : lg_err_set(&b->why, LG_EIO, "a multi-get's answer is short of records");
}

static int write_all(struct batch *b)
{
    while (any(b, TO_SEND) || any(b, TAKEN_BEFORE)) {
        int rc = send_all(b);

        while (rc >= 0 && any(b, TAKEN_BEFORE)) {
            rc = compare_some(b);
            if (rc == LG_EIO && rest(b))
                rc = 0;
        }
        if (rc < 0)
            return rc;
        if (any(b, TO_SEND) && !rest(b))
            return LG_EIO;
    }
    return 0;
}

static size_t left(const struct batch *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += b->state[i] != DONE;
    return n;
}

static int check(const struct lg_event_put *ev, size_t n_ev, const struct lg_inference_put *in,
        size_t n_in, struct lg_err *reterr)
{
    for (size_t i = 0; i < n_ev; i++)
        if (!lg_event_put_sound(&ev[i]))
            return lg_err_set(reterr, LG_EINVAL, "event %zu of the batch is not sound", i);
    for (size_t i = 0; i < n_in; i++)
        if (!lg_inference_put_sound(&in[i]))
            return lg_err_set(reterr, LG_EINVAL, "inference %zu of the batch is not sound", i);
    return 0;
}

int lg_os_write(struct lg_event_store *st, struct lg_event_put *ev, size_t n_ev,
        struct lg_inference_put *in, size_t n_in, struct lg_err *reterr)
{
    struct lg_os *os = lg_os_of(st);
    struct batch b = {.os = os,
            .ev = ev,
            .in = in,
            .n_ev = n_ev,
            .n = n_ev + n_in,
            .bulk_bytes = os->opt.bulk_bytes,
            .end = lg_clock_monotonic() + os->opt.retry_ms * INT64_C(1000000),
            .pause = PAUSE_FIRST_NS};
    int rc = check(ev, n_ev, in, n_in, reterr);

    if (rc < 0 || b.n == 0)
        return rc;
    rc = lg_os_check_templates(os, reterr);
    if (rc < 0)
        return rc;
    lg_buf_init(&b.scratch, 64u << 20);
    b.state = (uint8_t *)lg_calloc(b.n, sizeof(*b.state));
    rc = b.state == NULL ? lg_err_set(&b.why, LG_ENOMEM, "out of memory") : 0;
    for (int i = 0; rc == 0 && i < 2; i++) {
        b.bulks[i].os = os;
        b.bulks[i].sent = (size_t *)lg_calloc(b.n, sizeof(size_t));
        rc = b.bulks[i].sent == NULL ? lg_err_set(&b.why, LG_ENOMEM, "out of memory")
                                     : lg_os_take(os, &b.bulks[i].c, &b.why);
    }
    if (rc == 0)
        rc = write_all(&b);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "%zu of %zu records are not stored: %.250s",
                b.state != NULL ? left(&b) : b.n, b.n, b.why.text);
    for (int i = 0; i < 2; i++) {
        lg_free(b.bulks[i].sent);
        lg_os_give(os, b.bulks[i].c);
    }
    lg_free(b.state);
    lg_buf_done(&b.scratch);
    return rc;
}

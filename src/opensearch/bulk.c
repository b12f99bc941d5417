#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "opensearch/os_int.h"

/*
 * Writing. All records go out as `create` in bulks; what comes back is told record by record: there,
 * there already (then what is there is compared), never to be taken, or to be sent again.
 */
#define PAUSE_FIRST_NS (100 * INT64_C(1000000))
#define PAUSE_MAX_NS (5 * LG_NS_PER_SEC)
#define COMPARE_AT_ONCE 1000

enum state { TO_SEND, TAKEN_BEFORE, DONE };

struct batch {
    struct lg_os *os;
    struct lg_os_call *c;
    struct lg_event_put *ev;
    struct lg_inference_put *in;
    size_t n_ev, n;
    uint8_t *state; /* enum state of each, events first */
    size_t *sent;   /* of the bulk in hand: which record each item is */
    size_t n_sent;
    size_t bulk_bytes, sent_bytes;
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
static size_t fill(struct batch *b, size_t from)
{
    struct lg_buf *out = &b->c->body;
    size_t i = from;

    lg_buf_clear(out);
    b->n_sent = 0;
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
        if (b->n_sent > 0 && out->n > b->bulk_bytes && out->failed == 0) {
            out->n = before; /* goes into the next one */
            break;
        }
        b->sent[b->n_sent++] = i;
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

static int take_answer(struct batch *b, struct lg_jval root)
{
    struct lg_jval items, item;
    struct lg_jiter it;
    size_t k = 0;

    if (!lg_jval_get(root, LG_STR("items"), &items) || lg_jval_type(items) != LG_JSON_ARRAY)
        return lg_err_set(&b->why, LG_EIO, "the answer to a bulk has no items");
    it = lg_jiter_of(items);
    while (lg_jiter_item(&it, &item) && k < b->n_sent)
        if (lg_jval_type(item) == LG_JSON_OBJECT)
            take_item(b, b->sent[k++], item);
    return k == b->n_sent ? 0
                          : lg_err_set(&b->why, LG_EIO, "%zu of %zu records have no result",
                                    b->n_sent - k, b->n_sent);
}

#define BULK_PATH                                                                                  \
    "/_bulk?filter_path=error,status,items.*.status,items.*.error.type,items.*.error.reason,"      \
    "items.*.error.caused_by.reason"

#define CUT_SMALLER 1
/* One bulk that went out. LG_EAGAIN: nothing is known of it, send it again. */
static int send_bulk(struct batch *b)
{
    struct lg_jval root;
    int status = 0, rc = b->c->body.failed;
    char why[320];

    if (rc < 0)
        return lg_err_set(&b->why, rc, "%s", lg_err_name(rc));
    b->sent_bytes = b->c->body.n;
    rc = lg_os_send(b->os, b->c, "POST", BULK_PATH, &status, &root, &b->why);
    if (rc == LG_EIO)
        return LG_EAGAIN;
    if (rc < 0)
        return rc;
    if (status == 200)
        return take_answer(b, root) < 0 ? LG_EAGAIN : 0;
    if (status == 413 && b->n_sent == 1) {
        refuse(b, b->sent[0], "larger than the server takes");
        return 0;
    }
    if (status == 413) {
        b->bulk_bytes = b->sent_bytes / 2 + 1;
        return CUT_SMALLER;
    }
    lg_os_reason(root, why, sizeof(why));
    (void)lg_err_set(&b->why, LG_EIO, "status %d: %.280s", status, why);
    return status == 401 || status == 403 ? LG_EIO : LG_EAGAIN;
}

static bool any(const struct batch *b, enum state s)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->state[i] == s)
            return true;
    return false;
}

/* Sends until nothing is left to send, or the time is up. */
static int send_all(struct batch *b)
{
    while (any(b, TO_SEND)) {
        size_t at = 0;
        int rc = 0;

        while (rc >= 0 && at < b->n) {
            size_t next = fill(b, at);

            rc = b->n_sent > 0 ? send_bulk(b) : 0;
            at = rc == CUT_SMALLER ? at : next;
        }
        if (rc < 0 && rc != LG_EAGAIN)
            return rc;
        if (any(b, TO_SEND) && !rest(b))
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
    struct lg_jval root, docs, doc;
    struct lg_jiter it;
    struct lg_jw w;
    size_t k = 0;
    int rc;

    lg_buf_clear(&b->c->body);
    lg_jw_init(&w, &b->c->body);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("docs"));
    lg_jw_array(&w);
    b->n_sent = 0;
    for (size_t i = 0; i < b->n && b->n_sent < COMPARE_AT_ONCE; i++)
        if (b->state[i] == TAKEN_BEFORE) {
            put_where(b, i, &w);
            b->sent[b->n_sent++] = i;
        }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    rc = lg_os_ask(b->os, b->c, "POST",
            "/_mget?filter_path=docs.found,docs._source&_source_includes=logster.digest", &root,
            &b->why);
    if (rc < 0)
        return rc;
    if (!lg_jval_get(root, LG_STR("docs"), &docs) || lg_jval_type(docs) != LG_JSON_ARRAY)
        return lg_err_set(&b->why, LG_EIO, "the answer to a multi-get has no documents");
    it = lg_jiter_of(docs);
    while (k < b->n_sent && lg_jiter_item(&it, &doc))
        compare(b, b->sent[k++], doc);
    return k == b->n_sent ? 0
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
    if (rc == 0)
        rc = lg_os_take(os, &b.c, reterr);
    if (rc < 0)
        return rc;
    lg_buf_init(&b.scratch, 64u << 20);
    b.state = (uint8_t *)lg_calloc(b.n, sizeof(*b.state));
    b.sent = (size_t *)lg_calloc(b.n, sizeof(*b.sent));
    rc = b.state == NULL || b.sent == NULL ? lg_err_set(&b.why, LG_ENOMEM, "out of memory")
                                           : write_all(&b);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "%zu of %zu records are not stored: %.250s",
                b.state != NULL ? left(&b) : b.n, b.n, b.why.text);
    lg_free(b.state);
    lg_free(b.sent);
    lg_buf_done(&b.scratch);
    lg_os_give(os, b.c);
    return rc;
}

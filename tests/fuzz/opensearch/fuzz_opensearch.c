/*
 * Any bytes as a server's answers to what the store asks. First byte: the operation. Then answer by
 * answer a byte that picks the status, JSON, and NUL; when none is left, nobody answers. Rows that
 * are handed out must be whole, counts must fit what was asked. The HTTP client of src/net is
 * replaced by the one below.
 */
#include <stdlib.h>
#include <string.h>

#include "access/principal.h"
#include "base/mem.h"
#include "event/codec.h"
#include "opensearch/os_int.h"

#define MAX_BYTES 65536
#define DAY0 INT64_C(1700006400) /* 2023-11-15 */
#define SEC INT64_C(1000000000)
#define LIMIT 20
#define N_EVENTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the client that gives the input's answers */

struct lg_http_client {
    int unused;
};
static struct lg_str answers;

int lg_http_client_new(
        const struct lg_http_client_opts *opts, struct lg_http_client **ret, struct lg_err *reterr)
{
    (void)opts;
    *ret = (struct lg_http_client *)lg_calloc(1, sizeof(**ret));
    return *ret != NULL ? 0 : lg_err_set(reterr, LG_ENOMEM, "out of memory");
}

void lg_http_client_free(struct lg_http_client *cl)
{
    lg_free(cl);
}

void lg_client_resp_init(struct lg_client_resp *resp, size_t max_bytes)
{
    memset(resp, 0, sizeof(*resp));
    lg_buf_init(&resp->body, max_bytes);
}

void lg_client_resp_done(struct lg_client_resp *resp)
{
    lg_buf_done(&resp->body);
}

int lg_http_client_do(struct lg_http_client *cl, const struct lg_client_req *req,
        struct lg_client_resp *resp, struct lg_err *reterr)
{
    /* Not the ones that only make the store wait and ask again. */
    static const int statuses[] = {200, 201, 400, 401, 403, 404, 409, 413, 500};
    struct lg_str one;

    (void)cl;
    if (req->url == NULL || strlen(req->url) < 2)
        abort();
    if (!lg_str_split(&answers, '\0', &one) || one.n == 0)
        return lg_err_set(reterr, LG_EIO, "nobody answers");
    resp->status = statuses[(unsigned char)one.p[0] % (sizeof(statuses) / sizeof(*statuses))];
    lg_buf_clear(&resp->body);
    lg_buf_adds(&resp->body, lg_str_of(one.p + 1, one.n - 1));
    return resp->body.failed;
}

/* ---- what is asked */

static struct lg_scope *scope;
static struct lg_arena arena;
static struct lg_event events[N_EVENTS];
static char lines[N_EVENTS][2048];
static struct lg_event_put puts_of[N_EVENTS];

static void set_up(void)
{
    struct lg_principal *pr = NULL;

    if (lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("t"), LG_STR("anna"), &pr) < 0 ||
            lg_principal_grant(pr, LG_STR("*"), LG_ROLES_TENANT) < 0 ||
            lg_scope_new(pr, LG_ACT_EVENT_READ, &scope) < 0)
        abort();
    lg_principal_unref(pr);
    lg_arena_init(&arena, 64u << 20);
    for (unsigned i = 0; i < N_EVENTS; i++) {
        struct lg_event *ev = &events[i];
        struct lg_str id = lg_str_of((const char *)&i, sizeof(i));
        struct lg_buf b;

        ev->tenant_id = LG_STR("a");
        ev->endpoint_id = ev->hostname = LG_STR("h1");
        ev->source = LG_SOURCE_SYSMON;
        ev->type = LG_EVENT_PROCESS_CREATE;
        ev->time_ns = ev->claimed_time_ns = (DAY0 + i) * SEC;
        ev->format = LG_STR("test");
        ev->raw = LG_STR("{}");
        ev->raw_kind = LG_RAW_JSON;
        lg_event_make_id(ev, &id, 1);
        lg_buf_init(&b, sizeof(lines[i]));
        lg_event_write(ev, &b);
        if (b.failed != 0)
            abort();
        memcpy(lines[i], b.p, b.n);
        puts_of[i] = (struct lg_event_put){
                .ev = ev, .json = lg_str_of(lines[i], b.n), .received_at = DAY0 * SEC};
        lg_buf_done(&b);
    }
}

/* Reads each byte: a sanitizer looks on. */
static void whole(struct lg_str s)
{
    static volatile unsigned sum;

    for (size_t i = 0; i < s.n; i++)
        sum = sum + (unsigned char)s.p[i];
}

static int on_row(void *user, const struct lg_event_row *row)
{
    (void)user;
    whole(row->json);
    return 0;
}

static void write_some(struct lg_event_store *st)
{
    struct lg_event_put p[N_EVENTS];
    struct lg_err err = {0};
    int rc;

    memcpy(p, puts_of, sizeof(p));
    rc = st->ops->write(st, p, N_EVENTS, NULL, 0, &err);
    for (unsigned i = 0; rc == 0 && i < N_EVENTS; i++)
        if (p[i].ret_result > LG_PUT_REFUSED ||
                (p[i].ret_result == LG_PUT_REFUSED && p[i].ret_reason[0] == '\0'))
            abort();
}

static void search(struct lg_event_store *st, bool with_text)
{
    struct lg_event_query q = {
            .limit = LIMIT, .text = with_text ? LG_STR("whoami") : LG_STR(""), .from = 1};
    struct lg_event_counts counts;
    struct lg_event_page page;

    if (st->ops->event_search(st, scope, &q, &arena, &page) < 0)
        return;
    if (page.n > LIMIT)
        abort();
    for (uint32_t i = 0; i < page.n; i++)
        whole(page.rows[i].json);
    whole(page.next_cursor);
    q.cursor = page.next_cursor;
    if (q.cursor.n > 0)
        (void)st->ops->event_search(st, scope, &q, &arena, &page);
    q.to = INT64_C(1) << 60;
    (void)st->ops->event_histogram(st, scope, &q, 7, &arena, &counts);
}

static void inferences(struct lg_event_store *st)
{
    struct lg_inference_query q = {.limit = LIMIT};
    struct lg_inference_page page;
    struct lg_inference_row row;
    struct lg_str context;

    if (st->ops->inference_search(st, scope, &q, &arena, &page) == 0) {
        if (page.n > LIMIT)
            abort();
        for (uint32_t i = 0; i < page.n; i++)
            whole(page.rows[i].json);
    }
    if (st->ops->inference_get(st, scope, &events[0].event_id, 0, &arena, &row, &context) == 0) {
        whole(row.json);
        whole(context);
    }
}

static void sums(struct lg_event_store *st, unsigned op)
{
    const struct lg_range_query q = {.from = DAY0 * SEC, .to = (DAY0 + 90000) * SEC, .parts = 5};
    struct lg_technique_count *techniques;
    struct lg_time_bucket *buckets;
    struct lg_host_row *hosts;
    struct lg_summary sum;
    uint32_t n = 0;

    if (op == 0) {
        (void)st->ops->summary(st, scope, &q, &sum);
    } else if (op == 1 && st->ops->hosts(st, scope, &q, &arena, &hosts, &n) == 0) {
        for (uint32_t i = 0; i < n; i++)
            whole(hosts[i].hostname);
    } else if (op == 2 && st->ops->timeline(st, scope, &q, 9, &arena, &buckets, &n) == 0 && n > 9) {
        abort();
    } else if (op == 3 && st->ops->techniques(st, scope, &q, &arena, &techniques, &n) == 0) {
        for (uint32_t i = 0; i < n; i++)
            whole(techniques[i].technique);
    }
}

static void tree(struct lg_event_store *st)
{
    const struct lg_tree_query q = {.tenant = LG_STR("a"),
            .endpoint = LG_STR("h1"),
            .from = DAY0 * SEC,
            .to = (DAY0 + 90000) * SEC,
            .max_nodes = 100};
    struct lg_tree t;

    if (st->ops->tree(st, scope, &q, &arena, &t) < 0)
        return;
    if (t.n > q.max_nodes)
        abort();
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.nodes[i].parent >= (int32_t)i)
            abort(); /* parents stand before their children */
        whole(t.nodes[i].image);
        whole(t.nodes[i].command_line);
    }
}

static void profile(struct lg_event_store *st)
{
    struct lg_profile_item *items;
    uint32_t n = 0;

    if (st->ops->profile(st, scope, LG_STR("a"), LG_STR("h1"), 9, &arena, &items, &n) == 0)
        for (uint32_t i = 0; i < n; i++)
            whole(items[i].value);
}

static void chores(struct lg_event_store *st, unsigned op)
{
    const struct lg_retention keep = {.before = (DAY0 + 86400) * SEC, .max_bytes = 1000};
    struct lg_store_stats stats;
    struct lg_store_fault faults[4];
    struct lg_err err = {0};
    uint32_t n = 0;

    if (op == 0)
        (void)st->ops->stats(st, &stats);
    else if (op == 1 && st->ops->verify(st, faults, 4, &n) == 0 && n > 4)
        abort();
    else if (op == 2)
        (void)st->ops->retain(st, &keep, &n);
    else
        (void)st->ops->settle(st, &err);
}

static void ask(struct lg_event_store *st, unsigned op)
{
    struct lg_event_row row;

    if (op == 0)
        write_some(st);
    else if (op == 1 && st->ops->event_get(st, scope, &events[0].event_id, 0, &arena, &row) == 0)
        whole(row.json);
    else if (op == 2 || op == 3)
        search(st, op == 3);
    else if (op == 4)
        (void)st->ops->event_window(st, scope, LG_STR("a"), LG_STR("h1"), DAY0 * SEC,
                (DAY0 + 180) * SEC, 0, on_row, NULL);
    else if (op == 5)
        inferences(st);
    else if (op < 10)
        sums(st, op - 6);
    else if (op == 10)
        tree(st);
    else if (op == 11)
        profile(st);
    else
        chores(st, op - 12);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const url = "http://192.0.2.1:9200";
    const struct lg_opensearch_options opt = {.urls = &url, .n_urls = 1, .retry_ms = 1};
    struct lg_event_store *st = NULL;
    struct lg_err err = {0};

    if (size < 2 || size > MAX_BYTES)
        return 0;
    if (scope == NULL)
        set_up();
    answers = lg_str_of((const char *)data + 1, size - 1);
    if (lg_opensearch_event_store_open(&opt, &st, &err) < 0)
        abort();
    atomic_store(&lg_os_of(st)->templates_there, (data[0] & 0x80) == 0);
    ask(st, (data[0] & 0x7f) % 16);
    lg_event_store_close(st);
    lg_arena_clear(&arena);
    return 0;
}

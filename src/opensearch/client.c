#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "opensearch/os_int.h"

/*
 * Requests to a cluster of nodes. Calls take turns over the nodes; one that does not answer sits out
 * for a second, then longer, unless all do.
 */
#define REST_FIRST_NS (INT64_C(1) * LG_NS_PER_SEC)
#define REST_MAX_NS (INT64_C(30) * LG_NS_PER_SEC)
#define GZIP_FROM 1024 /* bytes: smaller bodies gain nothing */

static void call_free(struct lg_os_call *c)
{
    lg_http_client_free(c->http);
    lg_client_resp_done(&c->resp);
    lg_json_free(c->json);
    lg_buf_done(&c->body);
    lg_buf_done(&c->packed);
    lg_buf_done(&c->url);
    lg_free(c);
}

void lg_os_free(struct lg_os *os)
{
    while (os->idle != NULL) {
        struct lg_os_call *c = os->idle;

        os->idle = c->next;
        call_free(c);
    }
    for (unsigned i = 0; i < os->n_nodes; i++) {
        lg_free(os->nodes[i].url);
        lg_free(os->nodes[i].name);
    }
    if (os->auth != NULL)
        lg_crypto_wipe(os->auth, strlen(os->auth));
    lg_free(os->auth);
    lg_free(os->prefix);
    lg_free(os->ca_file);
    lg_free(os->cert_file);
    lg_free(os->key_file);
    (void)pthread_mutex_destroy(&os->lock);
    lg_free(os);
}

int lg_os_take(struct lg_os *os, struct lg_os_call **ret, struct lg_err *reterr)
{
    const struct lg_http_client_opts http = {.allow_private = true,
            .insecure = os->opt.insecure,
            .ca_file = os->ca_file,
            .cert_file = os->cert_file,
            .key_file = os->key_file,
            .connect_timeout_ms = os->opt.connect_timeout_ms,
            .timeout_ms = os->opt.timeout_ms,
            .max_response_bytes = LG_OS_ANSWER_MAX};
    struct lg_os_call *c;
    int rc;

    (void)pthread_mutex_lock(&os->lock);
    c = os->idle;
    if (c != NULL)
        os->idle = c->next;
    (void)pthread_mutex_unlock(&os->lock);
    if (c == NULL) {
        c = (struct lg_os_call *)lg_calloc(1, sizeof(*c));
        if (c == NULL)
            return lg_err_set(reterr, LG_ENOMEM, "out of memory");
        lg_client_resp_init(&c->resp, LG_OS_ANSWER_MAX);
        lg_buf_init(&c->body, LG_OS_ANSWER_MAX);
        lg_buf_init(&c->packed, LG_OS_ANSWER_MAX);
        lg_buf_init(&c->url, 1u << 16);
        rc = lg_http_client_new(&http, &c->http, reterr);
        if (rc == 0 && (rc = lg_json_new(&c->json)) < 0)
            (void)lg_err_set(reterr, rc, "out of memory");
        if (rc < 0) {
            call_free(c);
            return rc;
        }
    }
    lg_buf_clear(&c->body);
    c->is_packed = false;
    *ret = c;
    return 0;
}

void lg_os_give(struct lg_os *os, struct lg_os_call *c)
{
    if (c == NULL)
        return;
    /* What one large answer took is not kept. */
    if (c->body.cap + c->packed.cap + c->resp.body.cap > (64u << 20)) {
        call_free(c);
        return;
    }
    (void)pthread_mutex_lock(&os->lock);
    c->next = os->idle;
    os->idle = c;
    (void)pthread_mutex_unlock(&os->lock);
}

int lg_os_gzip(struct lg_str in, struct lg_buf *out)
{
    z_stream z = {0};
    int rc;

    lg_buf_clear(out);
    if (in.n > UINT32_MAX / 2 || deflateInit2(&z, 1, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return LG_ENOMEM;
    rc = lg_buf_reserve(out, deflateBound(&z, in.n));
    if (rc == 0) {
        z.next_in = (Bytef *)(uintptr_t)in.p;
        z.avail_in = (uInt)in.n;
        z.next_out = (Bytef *)out->p;
        z.avail_out = (uInt)(out->cap - out->n);
        rc = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : LG_ENOMEM;
        out->n = z.total_out;
    }
    (void)deflateEnd(&z);
    return rc;
}

static void node_failed(struct lg_os_node *n)
{
    unsigned k = atomic_fetch_add(&n->failures, 1);
    int64_t rest = REST_FIRST_NS << (k < 5 ? k : 5);

    atomic_store(&n->down_until, lg_clock_monotonic() + (rest < REST_MAX_NS ? rest : REST_MAX_NS));
}

static void node_works(struct lg_os_node *n)
{
    if (atomic_load(&n->failures) != 0) {
        atomic_store(&n->failures, 0);
        atomic_store(&n->down_until, 0);
    }
}

/* The nodes in the order in which to try them: whose turn it is, those that rest last. */
static void order_nodes(struct lg_os *os, unsigned out[LG_OS_NODES_MAX])
{
    unsigned first = atomic_fetch_add(&os->turn, 1), n = 0;
    int64_t now = lg_clock_monotonic();

    for (int resting = 0; resting < 2; resting++)
        for (unsigned i = 0; i < os->n_nodes; i++) {
            unsigned k = (first + i) % os->n_nodes;

            if ((atomic_load(&os->nodes[k].down_until) > now) == (resting != 0))
                out[n++] = k;
        }
}

static int one_try(struct lg_os *os, struct lg_os_call *c, struct lg_os_node *node,
        const char *method, const char *path, bool packed, struct lg_err *reterr)
{
    const char *headers[4];
    struct lg_client_req req = {.method = method, .headers = headers};
    unsigned n = 0;
    int rc;

    lg_buf_clear(&c->url);
    lg_buf_printf(&c->url, "%s%s", node->url, path);
    lg_buf_addc(&c->url, '\0');
    if (c->url.failed != 0)
        return lg_err_set(reterr, c->url.failed, "the request's path is too long");
    req.url = c->url.p;
    if (c->body.n > 0) {
        headers[n++] = strstr(path, "_bulk") != NULL ? "Content-Type: application/x-ndjson"
                                                     : "Content-Type: application/json";
        req.body = lg_buf_str(packed ? &c->packed : &c->body);
        if (packed)
            headers[n++] = "Content-Encoding: gzip";
    }
    if (os->auth != NULL)
        headers[n++] = os->auth;
    headers[n] = NULL;
    rc = lg_http_client_do(c->http, &req, &c->resp, reterr);
    return rc;
}

/* Gateways answer so for nodes that are not there. */
static bool no_node(int status)
{
    return status == 502 || status == 504;
}

static bool is_busy(int status)
{
    return status == 429 || status == 503;
}

static int read_answer(struct lg_os_call *c, const struct lg_os_node *node,
        struct lg_jval *ret_root, struct lg_err *reterr)
{
    static const char empty[LG_JSON_PADDING + 8] = "{}";
    int rc;

    if (c->resp.body.n == 0)
        return lg_json_parse(c->json, lg_str_of(empty, 2), true, ret_root, NULL);
    rc = lg_buf_reserve(&c->resp.body, LG_JSON_PADDING);
    if (rc == 0)
        rc = lg_json_parse(c->json, lg_buf_str(&c->resp.body), true, ret_root, NULL);
    if (rc == LG_ENOMEM)
        return lg_err_set(reterr, rc, "out of memory");
    if (rc < 0)
        return lg_err_set(reterr, LG_EIO, "%s answers with status %d and no JSON: %s", node->name,
                c->resp.status, lg_json_reason(c->json));
    return 0;
}

int lg_os_pack(struct lg_os *os, struct lg_os_call *c)
{
    int rc = c->body.failed;

    if (rc == 0 && !c->is_packed && !os->opt.plain_bodies && c->body.n >= GZIP_FROM) {
        rc = lg_os_gzip(lg_buf_str(&c->body), &c->packed);
        c->is_packed = rc == 0;
    }
    return rc;
}

int lg_os_send(struct lg_os *os, struct lg_os_call *c, const char *method, const char *path,
        int *ret_status, struct lg_jval *ret_root, struct lg_err *reterr)
{
    unsigned order[LG_OS_NODES_MAX] = {0};
    struct lg_err last = {0};
    bool packed, busy = false;
    int rc = lg_os_pack(os, c);

    if (rc < 0)
        return lg_err_set(reterr, rc, "the request is too large, or memory is out");
    packed = c->is_packed;
    c->is_packed = false; /* the next body is another one */
    order_nodes(os, order);
    for (unsigned i = 0; i < os->n_nodes; i++) {
        struct lg_os_node *node = &os->nodes[order[i]];

        rc = one_try(os, c, node, method, path, packed, &last);
        if (rc == LG_EIO) {
            node_failed(node);
            continue;
        }
        if (rc < 0)
            return lg_err_set(reterr, rc, "%s: %.250s", node->name, last.text);
        if (no_node(c->resp.status)) {
            node_failed(node);
            (void)lg_err_set(&last, LG_EIO, "status %d", c->resp.status);
            continue;
        }
        node_works(node);
        if (is_busy(c->resp.status)) {
            busy = true;
            (void)lg_err_set(&last, LG_EIO, "status %d: busy", c->resp.status);
            continue;
        }
        *ret_status = c->resp.status;
        return read_answer(c, node, ret_root, reterr);
    }
    return lg_err_set(reterr, busy ? LG_EAGAIN : LG_EIO, "no node of %u answers; %s: %.200s",
            os->n_nodes, os->nodes[order[os->n_nodes - 1]].name, last.text);
}

void lg_os_reason(struct lg_jval root, char *out, size_t cap)
{
    struct lg_str type = LG_STR(""), reason = LG_STR("no reason given");
    struct lg_jval e, v;

    if (lg_jval_get(root, LG_STR("error"), &e)) {
        if (lg_jval_type(e) == LG_JSON_STRING) {
            reason = lg_jval_str(e);
        } else {
            type = lg_jval_get_str(e, LG_STR("type"));
            reason = lg_jval_get_str(e, LG_STR("reason"));
            if (lg_jval_get(e, LG_STR("caused_by"), &v) &&
                    lg_jval_get_str(v, LG_STR("reason")).n > 0)
                reason = lg_jval_get_str(v, LG_STR("reason"));
        }
    }
    (void)snprintf(out, cap, "%.*s%s%.*s", (int)(type.n < 80 ? type.n : 80), type.p,
            type.n > 0 ? ": " : "", (int)(reason.n < 200 ? reason.n : 200), reason.p);
}

int lg_os_ask(struct lg_os *os, struct lg_os_call *c, const char *method, const char *path,
        struct lg_jval *ret_root, struct lg_err *reterr)
{
    struct timespec pause = {0, 200 * 1000000};
    int status = 0, rc = 0;
    char why[320];

    for (int tries = 0; tries < 4; tries++) {
        rc = lg_os_send(os, c, method, path, &status, ret_root, reterr);
        if (rc != LG_EAGAIN)
            break;
        (void)nanosleep(&pause, NULL);
        pause.tv_nsec *= 2;
    }
    if (rc < 0)
        return rc == LG_EAGAIN ? LG_EIO : rc;
    if (status >= 200 && status < 300)
        return 0;
    lg_os_reason(*ret_root, why, sizeof(why));
    return lg_err_set(reterr, status == 404 ? LG_ENOENT : LG_EIO, "status %d: %.280s", status, why);
}

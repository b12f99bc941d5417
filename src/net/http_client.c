#include "net/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "net/addr_int.h"

struct lg_http_client {
    CURL *curl;
    struct lg_http_client_opts opts;
    char *ca_file, *cert_file, *key_file;
    struct lg_addr_block *allow;
    _Atomic bool cancelled;
    bool refused; /* the guard saw an address that is not allowed: this one */
    char refused_addr[LG_ADDR_TEXT_MAX];
    bool too_large, no_memory;
    struct lg_client_resp *resp;
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_started;

static void curl_start(void)
{
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool allowed(const struct lg_http_client *cl, const struct sockaddr *sa, socklen_t n)
{
    if (cl->opts.allow_private || lg_addr_is_public(sa, n))
        return true;
    for (size_t i = 0; i < cl->opts.n_allow; i++)
        if (lg_addr_block_has(&cl->allow[i], sa, n))
            return true;
    return false;
}

/* Each address that is about to be connected to, after the name was resolved. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct lg_http_client *cl = ctx;
    uint16_t port;

    if (purpose != CURLSOCKTYPE_IPCXN || !allowed(cl, &a->addr, a->addrlen)) {
        cl->refused = true;
        lg_addr_text(&a->addr, cl->refused_addr, &port);
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct lg_http_client *cl = ctx;
    size_t bytes = size * n;

    lg_buf_add(&cl->resp->body, p, bytes);
    if (cl->resp->body.failed < 0) {
        cl->too_large = cl->resp->body.failed == LG_ELIMIT;
        cl->no_memory = !cl->too_large;
        return 0;
    }
    return bytes;
}

static void copy_text(char *out, size_t cap, struct lg_str s)
{
    size_t n = s.n < cap ? s.n : cap - 1;

    if (n > 0)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
    struct lg_http_client *cl = ctx;
    struct lg_str line = lg_str_of(p, size * n), value;
    ptrdiff_t colon = lg_str_chr(line, ':');
    uint64_t seconds;

    if (colon < 0)
        return size * n;
    value = lg_str_trim(lg_str_sub(line, (size_t)colon + 1, line.n));
    line = lg_str_sub(line, 0, (size_t)colon);
    if (lg_str_ieq(line, LG_STR("Retry-After"))) {
        if (lg_parse_u64(value, &seconds) == 0)
            cl->resp->retry_after_s = seconds < 86400 ? (unsigned)seconds : 86400;
    } else if (lg_str_ieq(line, LG_STR("Content-Type"))) {
        copy_text(cl->resp->content_type, sizeof(cl->resp->content_type), value);
    } else if (lg_str_ieq(line, LG_STR("ETag"))) {
        copy_text(cl->resp->etag, sizeof(cl->resp->etag), value);
    }
    return size * n;
}

static int on_progress(void *ctx, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    struct lg_http_client *cl = ctx;

    (void)dt;
    (void)dn;
    (void)ut;
    (void)un;
    return atomic_load(&cl->cancelled) ? 1 : 0;
}

static char *copy_path(const char *path)
{
    return path != NULL ? lg_strndup(path, strlen(path)) : NULL;
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (rc == CURLE_OK)                                                                        \
            rc = curl_easy_setopt(cl->curl, option, value);                                        \
    } while (0)

static CURLcode set_fixed(struct lg_http_client *cl)
{
    const struct lg_http_client_opts *o = &cl->opts;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_ERRORBUFFER, cl->error);
    SET(CURLOPT_PROTOCOLS_STR, o->https_only ? "https" : "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, cl);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, cl);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, cl);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, cl);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_USERAGENT, "logster");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CONNECTTIMEOUT_MS,
            (long)(o->connect_timeout_ms > 0 ? o->connect_timeout_ms : 5000));
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)o->max_response_bytes);
    if (o->insecure) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (cl->ca_file != NULL)
        SET(CURLOPT_CAINFO, cl->ca_file);
    if (cl->cert_file != NULL)
        SET(CURLOPT_SSLCERT, cl->cert_file);
    if (cl->key_file != NULL)
        SET(CURLOPT_SSLKEY, cl->key_file);
    return rc;
}

int lg_http_client_new(
        const struct lg_http_client_opts *opts, struct lg_http_client **ret, struct lg_err *reterr)
{
    struct lg_http_client *cl;

    (void)pthread_once(&curl_once, curl_start);
    cl = curl_started == CURLE_OK ? lg_calloc(1, sizeof(*cl)) : NULL;
    if (cl == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    cl->opts = *opts;
    if (cl->opts.max_response_bytes == 0)
        cl->opts.max_response_bytes = 1u << 20;
    cl->ca_file = copy_path(opts->ca_file);
    cl->cert_file = copy_path(opts->cert_file);
    cl->key_file = copy_path(opts->key_file);
    cl->curl = curl_easy_init();
    if (opts->n_allow > 0)
        cl->allow = lg_memdup(opts->allow, opts->n_allow * sizeof(*opts->allow));
    if (cl->curl == NULL || (opts->n_allow > 0 && cl->allow == NULL) ||
            (opts->ca_file != NULL && cl->ca_file == NULL) ||
            (opts->cert_file != NULL && cl->cert_file == NULL) ||
            (opts->key_file != NULL && cl->key_file == NULL) || set_fixed(cl) != CURLE_OK) {
        lg_http_client_free(cl);
        return lg_err_set(reterr, LG_ENOMEM, "the HTTP client does not start");
    }
    *ret = cl;
    return 0;
}

void lg_http_client_free(struct lg_http_client *cl)
{
    if (cl == NULL)
        return;
    if (cl->curl != NULL)
        curl_easy_cleanup(cl->curl);
    lg_free(cl->ca_file);
    lg_free(cl->cert_file);
    lg_free(cl->key_file);
    lg_free(cl->allow);
    lg_free(cl);
}

void lg_client_resp_init(struct lg_client_resp *resp, size_t max_bytes)
{
    memset(resp, 0, sizeof(*resp));
    lg_buf_init(&resp->body, max_bytes);
}

void lg_client_resp_done(struct lg_client_resp *resp)
{
    if (resp != NULL)
        lg_buf_done(&resp->body);
}

void lg_http_client_cancel(struct lg_http_client *cl)
{
    atomic_store(&cl->cancelled, true);
}

/* A line break in a header would be a header more. */
static bool header_valid(const char *h)
{
    struct lg_str s = lg_str_z(h);

    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t')
            return false;
    return lg_str_chr(s, ':') > 0;
}

static int make_headers(const struct lg_client_req *req, struct curl_slist **ret)
{
    /* no waiting for "100 Continue": it costs a second with servers that do not know it */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"), *more;
    int rc = list != NULL ? 0 : LG_ENOMEM;

    for (const char *const *h = req->headers; rc == 0 && h != NULL && *h != NULL; h++) {
        if (!header_valid(*h)) {
            rc = LG_EINVAL;
            break;
        }
        more = curl_slist_append(list, *h);
        if (more == NULL)
            rc = LG_ENOMEM;
        else
            list = more;
    }
    if (rc < 0) {
        curl_slist_free_all(list);
        return rc;
    }
    *ret = list;
    return 0;
}

static CURLcode set_request(
        struct lg_http_client *cl, const struct lg_client_req *req, struct curl_slist *headers)
{
    bool body = req->body.n > 0 || req->has_body;
    const char *method = req->method != NULL ? req->method : body ? "POST" : "GET";
    unsigned timeout_ms = req->timeout_ms > 0 ? req->timeout_ms
            : cl->opts.timeout_ms > 0         ? cl->opts.timeout_ms
                                              : 30000;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_HTTPGET, 1L); /* takes back what the last request set */
    SET(CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    SET(CURLOPT_URL, req->url);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
        SET(CURLOPT_POSTFIELDS, req->body.n > 0 ? req->body.p : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, strcmp(method, "HEAD") == 0 ? NULL : method);
    return rc;
}

static int map_error(struct lg_http_client *cl, CURLcode code, struct lg_err *reterr)
{
    const char *why = cl->error[0] != '\0' ? cl->error : curl_easy_strerror(code);

    if (cl->refused)
        return lg_err_set(reterr, LG_EREFUSED,
                "the target's address %s is not on the public internet, and such targets are not "
                "allowed",
                cl->refused_addr);
    if (cl->too_large || code == CURLE_FILESIZE_EXCEEDED)
        return lg_err_set(reterr, LG_ELIMIT, "the answer is larger than %zu bytes",
                cl->opts.max_response_bytes);
    if (cl->no_memory || code == CURLE_OUT_OF_MEMORY)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        return lg_err_set(reterr, LG_EINTR, "cancelled");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return lg_err_set(reterr, LG_EINVAL, "%s", why);
    default:
        return lg_err_set(reterr, LG_EIO, "%s", why);
    }
}

int lg_http_client_do(struct lg_http_client *cl, const struct lg_client_req *req,
        struct lg_client_resp *resp, struct lg_err *reterr)
{
    struct curl_slist *headers = NULL;
    long status = 0;
    CURLcode code;
    int rc = make_headers(req, &headers);

    if (rc < 0)
        return lg_err_set(reterr, rc, "a request header is malformed, or memory is out");
    lg_buf_clear(&resp->body);
    resp->body.max = cl->opts.max_response_bytes;
    resp->status = 0;
    resp->retry_after_s = 0;
    resp->content_type[0] = resp->etag[0] = '\0';
    cl->resp = resp;
    cl->refused = cl->too_large = cl->no_memory = false;
    cl->error[0] = '\0';
    code = set_request(cl, req, headers);
    if (code == CURLE_OK)
        code = curl_easy_perform(cl->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(cl->curl, CURLINFO_RESPONSE_CODE, &status);
    resp->status = (int)status;
    if (code != CURLE_OK)
        rc = map_error(cl, code, reterr);
    if (rc == LG_EINTR)
        atomic_store(&cl->cancelled, false);
    (void)curl_easy_setopt(cl->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    cl->resp = NULL;
    return rc;
}

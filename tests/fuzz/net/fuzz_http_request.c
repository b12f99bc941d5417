#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_server.h"
#include "net/uri_int.h"
#include "json/json.h"

/*
 * A whole request as text: the first byte chooses the surface (its high bit) and a failing
 * allocation, then lines of method, target and headers, an empty line, and the body. Nothing may crash; every answer has a status, and every
 * problem is JSON.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int answer(struct lg_http_req *req, void *ctx)
{
    struct lg_buf *out = lg_http_out(req);

    (void)ctx;
    lg_buf_adds(out, lg_req_body(req));
    if (lg_http_etag(req, "v1"))
        return 0;
    return lg_http_send(req, 200, "application/octet-stream");
}

static const struct lg_route routes[] = {
        {.method = LG_GET,
                .path = "/alerts",
                .operation = "a",
                .tag = "t",
                .summary = "s",
                .action = LG_ACT_PUBLIC,
                .params = (const struct lg_param[]){{.name = "status",
                                                            .type = LG_PARAM_ENUM,
                                                            .values = "open|closed"},
                        {.name = "limit", .type = LG_PARAM_INT, .min = 1, .max = 1000},
                        {.name = "since", .type = LG_PARAM_TIME},
                        {.name = "p", .type = LG_PARAM_NUMBER, .max = 1},
                        {.name = "exact", .type = LG_PARAM_BOOL}, {.name = "q", .repeated = true},
                        {.name = "X-Thing", .in = LG_IN_HEADER}, {0}},
                .responses = {{200, NULL, NULL, "application/json"}},
                .handler = answer},
        {.method = LG_POST,
                .path = "/alerts/{id}",
                .operation = "b",
                .tag = "t",
                .summary = "s",
                .action = LG_ACT_PUBLIC,
                .params =
                        (const struct lg_param[]){
                                {.name = "id", .in = LG_IN_PATH, .type = LG_PARAM_UUID}, {0}},
                .request_types = "application/json|text/plain",
                .handler = answer},
        {.method = LG_POST,
                .path = "/in/{source}/{rest...}",
                .operation = "c",
                .tag = "t",
                .summary = "s",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_ANY_QUERY | LG_ROUTE_ANY_ACCEPT,
                .params = (const struct lg_param[]){{.name = "source", .in = LG_IN_PATH},
                        {.name = "rest", .in = LG_IN_PATH, .max = 4096}, {0}},
                .request_types = "*",
                .max_body_bytes = 1u << 20,
                .handler = answer},
        {.method = LG_GET,
                .path = "/private",
                .operation = "d",
                .tag = "t",
                .summary = "s",
                .action = LG_ACT_ALERT_READ,
                .handler = answer},
};

/* What answers a path that begins with /api is never the page. */
static int page(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    if (lg_str_starts(lg_req_path(req), LG_STR("/api/")))
        abort();
    return lg_http_send_static(req, 200, "text/html", LG_STR("<p>"));
}

static const struct lg_route pages[] = {
        {.method = LG_GET,
                .path = "/{rest...}",
                .operation = "p",
                .tag = "t",
                .summary = "s",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_PAGE | LG_ROUTE_ANY_QUERY,
                .params = (const struct lg_param[]){{.name = "rest", .in = LG_IN_PATH, .max = 4096},
                        {0}},
                .handler = page},
};

static struct lg_router *router;
static struct lg_json *json;

static void check(int status, struct lg_str body, struct lg_str type)
{
    struct lg_jval root;

    if (status < 200 || status > 599)
        abort();
    if (lg_str_eq(type, LG_STR("application/problem+json")) && body.n > 0 && /* HEAD: none */
            lg_json_parse(json, body, false, &root, NULL) == LG_EPARSE)
        abort();
    if (status >= 500 && status != 503)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[65536], *lines[104];
    struct lg_http_server_opts opts = {
            .max_body_bytes = 64u << 10, .auth_off = true, .cors_origins = "https://ui.example"};
    struct lg_http_call c = {.method = "GET"};
    struct lg_http_reply reply;
    uint64_t fail;
    size_t n = 0, at = 0;
    char *space;
    int rc;

    if (router == NULL &&
            (lg_router_new(&router) < 0 || lg_json_new(&json) < 0 ||
                    lg_router_add_shared(router, routes, 4, NULL, NULL) < 0 ||
                    lg_router_add(router, pages, 1, NULL, NULL) < 0))
        abort();
    if (size < 2 || size >= sizeof(text))
        return 0;
    fail = data[0] & 0x7f;
    opts.surfaces = (data[0] & 0x80) != 0 ? LG_SURFACE_DASHBOARD : LG_SURFACE_API;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    while (at < size - 1 && n < 103) {
        char *end = memchr(text + at, '\n', size - 1 - at);

        lines[n] = text + at;
        if (end == NULL)
            break;
        *end = '\0';
        at = (size_t)(end - text) + 1;
        if (lines[n][0] == '\0')
            break;
        n++;
    }
    lines[n] = NULL;
    if (n == 0)
        return 0;
    space = strchr(lines[0], ' ');
    if (space == NULL)
        return 0;
    *space = '\0';
    c.method = lines[0];
    c.uri = lg_str_z(space + 1);
    c.headers = (const char *const *)(lines + 1);
    c.body = lg_str_of(text + at, size - 1 - at);
    c.piece_bytes = fail % 7;
    lg_http_reply_init(&reply);
    (void)lg_mem_fail_from(fail);
    rc = lg_http_call(router, &opts, &c, &reply);
    (void)lg_mem_fail_from(0);
    if (rc == 0)
        check(reply.status, lg_buf_str(&reply.body), lg_http_reply_header(&reply, "Content-Type"));
    lg_http_reply_done(&reply);
    return 0;
}

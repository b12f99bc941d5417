#include <string.h>

#include "net/docs_page.h"
#include "net/http_server.h"
#include "net/req_int.h"
#include "net/router_int.h"

/* GET /openapi.json, and the page that shows it: no script from elsewhere, none inline. */

#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static int send_page(struct lg_http_req *req, const char *type, const char *const *lines)
{
    struct lg_buf *out = lg_http_out(req);

    for (; *lines != NULL; lines++) {
        lg_buf_adds(out, lg_str_z(*lines));
        lg_buf_addc(out, '\n');
    }
    lg_http_header(req, "Content-Security-Policy", PAGE_POLICY);
    lg_http_header(req, "Cache-Control", "no-cache");
    return lg_http_send(req, 200, type);
}

static int get_docs(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    return send_page(req, "text/html; charset=utf-8", lg_docs_html);
}

static int get_docs_script(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    return send_page(req, "text/javascript; charset=utf-8", lg_docs_script);
}

static int get_docs_style(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    return send_page(req, "text/css; charset=utf-8", lg_docs_style);
}

static int get_openapi(struct lg_http_req *req, void *ctx)
{
    struct lg_router *rt = ctx;
    unsigned surfaces = req->core->opts.surfaces & 3;
    struct lg_buf *doc = &rt->docs[surfaces];
    struct lg_err err;
    int rc = 0;

    (void)pthread_mutex_lock(&rt->docs_lock);
    if (doc->n == 0) {
        rc = lg_router_openapi(rt, rt->docs_info, surfaces, doc, &err);
        if (rc < 0)
            lg_buf_clear(doc);
    }
    (void)pthread_mutex_unlock(&rt->docs_lock);
    if (rc < 0)
        return rc;
    lg_http_header(req, "Cache-Control", "no-cache");
    return lg_http_send_static(req, 200, LG_HTTP_JSON, lg_buf_str(doc));
}

static const struct lg_route docs_routes[] = {
        {
                .method = LG_GET,
                .path = "/openapi.json",
                .operation = "getOpenApi",
                .tag = "documentation",
                .summary = "This document",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_DASHBOARD,
                .responses = {{200, NULL, "OpenAPI 3.1", LG_HTTP_JSON}},
                .handler = get_openapi,
        },
        {
                .method = LG_GET,
                .path = "/docs",
                .operation = "getDocs",
                .tag = "documentation",
                .summary = "This document as a page",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_DASHBOARD,
                .responses = {{200, NULL, "A page", "text/html"}},
                .handler = get_docs,
        },
        {
                .method = LG_GET,
                .path = "/docs/app.js",
                .operation = "getDocsScript",
                .tag = "documentation",
                .summary = "The page's script",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_DASHBOARD | LG_ROUTE_HIDDEN,
                .responses = {{200, NULL, "A script", "text/javascript"}},
                .handler = get_docs_script,
        },
        {
                .method = LG_GET,
                .path = "/docs/style.css",
                .operation = "getDocsStyle",
                .tag = "documentation",
                .summary = "The page's style",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_DASHBOARD | LG_ROUTE_HIDDEN,
                .responses = {{200, NULL, "A style sheet", "text/css"}},
                .handler = get_docs_style,
        },
};

int lg_router_add_docs(
        struct lg_router *rt, const struct lg_openapi_info *info, struct lg_err *reterr)
{
    rt->docs_info = info;
    return lg_router_add(rt, docs_routes, sizeof(docs_routes) / sizeof(*docs_routes), rt, reterr);
}

#include <stdio.h>

#include "services/dashboard_int.h"

/* The page's files out of a table: a path is compared, never opened. */

#define POLICY                                                                                     \
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "        \
    "connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; "                    \
    "form-action 'self'; frame-ancestors 'none'"

static const struct lg_asset *find(const struct lg_assets *as, struct lg_str path)
{
    for (size_t i = 0; i < as->n; i++)
        if (lg_str_eq(lg_str_z(as->v[i].path), path))
            return &as->v[i];
    return NULL;
}

/* Names of files that a page asks for: one that is not there is missing, and no address of the page.
 * Host names in addresses have dots too, so not every dot makes a file. */
static bool is_file_name(struct lg_str name)
{
    static const char *const ends[] = {".js", ".mjs", ".css", ".map", ".html", ".htm", ".json",
            ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2", ".ttf",
            ".txt", ".xml", ".webmanifest", ".wasm", ".php", ".asp", ".aspx", ".env", ".git"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (lg_str_iends(name, lg_str_z(ends[i])))
            return true;
    return false;
}

/* Dots that lead somewhere else, however they are written, are no address of the page. */
static bool is_detour(struct lg_str segment)
{
    size_t dots = 0;

    for (;; dots++) {
        if (lg_str_starts(segment, LG_STR(".")))
            segment = lg_str_sub(segment, 1, segment.n);
        else if (lg_str_istarts(segment, LG_STR("%2e")))
            segment = lg_str_sub(segment, 3, segment.n);
        else
            break;
    }
    return dots >= 2 || (dots == 1 && segment.n == 0);
}

/* Is this an address that the page itself knows what to show for? */
static bool is_address(struct lg_str path)
{
    struct lg_str rest = path, segment = LG_STR("");

    if (lg_str_starts(path, LG_STR("/assets/")) || lg_str_eq(path, LG_STR("/api")) ||
            lg_str_starts(path, LG_STR("/api/")))
        return false;
    while (lg_str_split(&rest, '/', &segment))
        if (is_detour(segment))
            return false;
    return !is_file_name(segment);
}

static bool is_zero(struct lg_str q)
{
    for (size_t i = 0; i < q.n; i++)
        if (q.p[i] != '0' && q.p[i] != '.')
            return false;
    return q.n > 0;
}

/* RFC 9110, 12.5.3: the browser says that it reads gzip, and does not say "q=0". */
static bool takes_gzip(struct lg_str accept)
{
    struct lg_str one;
    bool any = false;

    while (lg_str_split(&accept, ',', &one)) {
        struct lg_str name, param;
        bool zero = false;

        (void)lg_str_split(&one, ';', &name);
        name = lg_str_trim(name);
        while (lg_str_split(&one, ';', &param)) {
            param = lg_str_trim(param);
            zero = zero ||
                    (lg_str_istarts(param, LG_STR("q=")) && is_zero(lg_str_sub(param, 2, param.n)));
        }
        if (lg_str_ieq(name, LG_STR("gzip")) || lg_str_ieq(name, LG_STR("x-gzip")))
            return !zero;
        if (lg_str_eq(name, LG_STR("*")))
            any = !zero;
    }
    return any;
}

static int send_asset(struct lg_http_req *req, const struct lg_asset *as)
{
    bool zipped = as->gzip.n > 0 && takes_gzip(lg_req_header(req, "Accept-Encoding"));
    char tag[80];
    int n;

    lg_http_header(req, "Content-Security-Policy", "%s", POLICY);
    lg_http_header(req, "Cross-Origin-Opener-Policy", "same-origin");
    lg_http_header(req, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
    lg_http_header(req, "Cache-Control", "%s",
            as->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (as->gzip.n > 0)
        lg_http_header(req, "Vary", "Accept-Encoding");
    /* a strong tag names the bytes that are sent (RFC 9110, 8.8.3.3) */
    n = snprintf(tag, sizeof(tag), "%s%s", as->etag, zipped ? "-gzip" : "");
    LG_ASSERT(n > 0 && (size_t)n < sizeof(tag));
    if (lg_http_etag(req, tag))
        return 0;
    if (zipped)
        lg_http_header(req, "Content-Encoding", "gzip");
    return lg_http_send_static(req, 200, as->type, zipped ? as->gzip : as->plain);
}

int dashboard_page(struct lg_http_req *req, void *ctx)
{
    struct lg_dashboard *d = ctx;
    struct lg_str path = lg_req_path(req);
    const struct lg_asset *as = find(&d->d.assets, path);

    if (as == NULL && is_address(path)) {
        as = find(&d->d.assets, LG_STR("/index.html"));
        if (as == NULL)
            return lg_http_problem(
                    req, 503, "no-page", "this program was built without the dashboard's page");
    }
    if (as == NULL)
        return lg_http_problem(req, 404, "no-such-path", "there is nothing at this path");
    return send_asset(req, as);
}

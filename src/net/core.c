#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/req_int.h"

/* What all requests of one server share, and its defaults. */

lg_time lg_core_now(const struct lg_core *core)
{
    if (core->opts.clock != NULL)
        return core->opts.clock(core->opts.clock_ctx);
    return lg_clock_wall();
}

#define DEFAULT(member, value)                                                                     \
    do {                                                                                           \
        if (o->member == 0)                                                                        \
            o->member = (value);                                                                   \
    } while (0)

static void fill_defaults(struct lg_http_server_opts *o)
{
    DEFAULT(surfaces, LG_SURFACE_API);
    DEFAULT(threads, 4);
    DEFAULT(max_connections, 1024);
    DEFAULT(max_connections_per_ip, 256);
    DEFAULT(max_header_bytes, 16u << 10);
    DEFAULT(max_body_bytes, 16u << 20);
    DEFAULT(max_body_ratio, 200);
    DEFAULT(max_inflight_bytes, 256u << 20);
    DEFAULT(max_response_bytes, 64u << 20);
    DEFAULT(head_timeout_s, 60);
    DEFAULT(body_timeout_s, 30);
    DEFAULT(min_rate_bytes_s, 1024);
    DEFAULT(idle_timeout_s, 60);
    DEFAULT(sse_keepalive_s, 15);
    DEFAULT(sse_queue_bytes, 1u << 20);
    if (o->host == NULL)
        o->host = "127.0.0.1";
}

/* scheme://host[:port] without path: what a browser sends (RFC 6454, 7). */
static bool origin_valid(struct lg_str o)
{
    size_t at = lg_str_starts(o, LG_STR("https://")) ? 8 : 7;

    if (at == 7 && !lg_str_starts(o, LG_STR("http://")))
        return false;
    if (o.n <= at)
        return false;
    for (size_t i = at; i < o.n; i++)
        if ((unsigned char)o.p[i] <= 0x20 || (unsigned char)o.p[i] >= 0x7f ||
                strchr("/?#@*\\", o.p[i]) != NULL)
            return false;
    return true;
}

static int read_origins(struct lg_core *core, struct lg_err *reterr)
{
    struct lg_str rest, one;

    core->cors = lg_str_trim(lg_str_z(core->opts.cors_origins));
    if (lg_str_eq(core->cors, LG_STR("*"))) {
        core->cors_any = true;
        return 0;
    }
    rest = core->cors;
    while (lg_str_split(&rest, ',', &one)) {
        one = lg_str_trim(one);
        if (!origin_valid(one))
            return lg_err_set(reterr, LG_EINVAL,
                    "CORS origin \"%.*s\" is none: want scheme://host[:port], or * alone",
                    LG_STR_FMT(one));
    }
    return 0;
}

int lg_core_init(struct lg_core *core, const struct lg_router *rt,
        const struct lg_http_server_opts *opts, struct lg_err *reterr)
{
    struct lg_principal *local = NULL;
    int rc;

    memset(core, 0, sizeof(*core));
    core->router = rt;
    core->opts = *opts;
    fill_defaults(&core->opts);
    core->id_seed = lg_hash_secret() ^ (uint64_t)lg_clock_monotonic();
    lg_body_pool_init(&core->bodies);
    rc = read_origins(core, reterr);
    if (rc == 0 && opts->auth_off)
        rc = lg_principal_new(LG_PRINCIPAL_LOCAL, LG_STR("local"), LG_STR("local user"), &local);
    core->local = local;
    if (rc == 0 && opts->rate_per_s > 0)
        rc = lg_ratelimit_new(opts->rate_per_s,
                opts->rate_burst > 0 ? opts->rate_burst : opts->rate_per_s, 65536, &core->rates);
    if (rc == LG_ENOMEM)
        (void)lg_err_set(reterr, rc, "out of memory");
    if (rc < 0)
        lg_core_done(core);
    return rc;
}

void lg_core_done(struct lg_core *core)
{
    lg_principal_unref(core->local);
    lg_ratelimit_free(core->rates);
    lg_body_pool_done(&core->bodies);
    core->local = NULL;
    core->rates = NULL;
}

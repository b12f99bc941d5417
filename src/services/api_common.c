#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/encode.h"
#include "services/api_int.h"

lg_time api_now(const struct lg_api *api)
{
    if (api->d.clock != NULL)
        return api->d.clock(api->d.clock_ctx);
    return lg_clock_wall();
}

void api_settings_get(struct lg_api *api, struct api_settings *ret)
{
    pthread_mutex_lock(&api->settings_mu);
    *ret = api->settings;
    pthread_mutex_unlock(&api->settings_mu);
}

int api_scope(struct lg_http_req *req, struct lg_scope **ret)
{
    return lg_scope_new(lg_req_principal(req), lg_req_route(req)->action, ret);
}

int api_fail(struct lg_http_req *req, int rc)
{
    switch (rc) {
    case LG_ENOENT:
    case LG_EREFUSED: /* outside the scope */
        return lg_http_not_found(req);
    case LG_EIO:
    case LG_EAGAIN:
        return lg_http_unavailable(req, 1, "The store cannot be read just now");
    case LG_ENOSPC:
        return lg_http_unavailable(req, 30, "The disk is full");
    case LG_ENOMEM:
        return lg_http_unavailable(req, 1, "Out of memory");
    case LG_ELIMIT:
        return lg_http_problem(
                req, 400, "too-large", "The answer would be too large: ask for fewer rows");
    case LG_EINVAL:
    case LG_EPARSE:
    case LG_ERANGE:
        return lg_http_problem_of(req, 400, "bad-query", LG_STR("cursor"), LG_STR(""),
                "The cursor or the query is not valid: start again without a cursor");
    default:
        lg_log(LG_LOG_ERROR, "api", "request failed", "operation=%s error=%s request_id=%.*s",
                lg_req_route(req)->operation, lg_err_name(rc), LG_STR_FMT(lg_req_id(req)));
        return lg_http_problem(req, 500, "internal",
                "The request failed for a reason that is not yours; the log names the request id");
    }
}

/* A tenant that nobody made is as good as a foreign one. `default` needs no making. */
static int tenant_known(struct lg_http_req *req, struct lg_api *api, struct lg_str tenant)
{
    struct lg_tenant_row row;
    int rc = api->admin->ops->tenant_get(api->admin, tenant, lg_req_arena(req), &row);

    if (rc == LG_ENOENT)
        return lg_str_eq(tenant, lg_str_z(api->default_tenant)) ? 1 : 0;
    if (rc < 0)
        return rc;
    return row.disabled_at == 0 ? 1 : 0;
}

int api_write_tenant(
        struct lg_http_req *req, struct lg_api *api, struct lg_str named, struct lg_str *ret)
{
    const struct lg_principal *pr = lg_req_principal(req);
    enum lg_action action = lg_req_route(req)->action;
    int rc;

    if (named.n > 0) {
        rc = lg_tenant_valid(named) && lg_access_allows(pr, action, named)
                ? tenant_known(req, api, named)
                : 0;
        if (rc > 0) {
            *ret = named;
            return 1;
        }
        return rc == 0 ? lg_http_not_found(req) : api_fail(req, rc);
    }
    rc = lg_access_tenant_for(pr, action, ret);
    if (rc == LG_EINVAL)
        return lg_http_problem_of(req, 400, "tenant-needed", LG_STR("tenant_id"), LG_STR(""),
                "You may do this in several tenants: say in which");
    if (rc < 0)
        return lg_http_problem(req, 403, "forbidden", "You may do this in no tenant");
    return 1;
}

int lg_audit(struct lg_admin_store *admin, lg_time now, struct lg_str tenant, struct lg_str actor,
        const char *action, struct lg_str target, struct lg_str detail, struct lg_str request_id)
{
    struct lg_audit_row row = {
            .at = now,
            .tenant_id = tenant,
            .actor = actor,
            .action = lg_str_z(action),
            .target = target,
            .detail = detail.n > 0 ? detail : LG_STR("{}"),
            .request_id = request_id,
    };

    return admin->ops->audit_append(admin, &row, 1);
}

int api_audit(struct lg_http_req *req, struct lg_api *api, struct lg_str tenant, const char *action,
        struct lg_str target, const struct lg_buf *detail)
{
    char actor[LG_ACTOR_MAX];
    int rc = detail->failed;

    if (rc == 0)
        rc = lg_audit(api->admin, lg_req_time(req), tenant,
                lg_actor_text(lg_req_principal(req), actor), action, target, lg_buf_str(detail),
                lg_req_id(req));
    if (rc == 0)
        return 1;
    lg_log(LG_LOG_ERROR, "api", "audit row not written", "action=%s error=%s request_id=%.*s",
            action, lg_err_name(rc), LG_STR_FMT(lg_req_id(req)));
    return lg_http_unavailable(
            req, 1, "The change was made, but the audit log could not be written");
}

struct lg_uuid api_new_uuid(void)
{
    struct lg_uuid id;

    lg_crypto_random(id.b, sizeof(id.b));
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x40);
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
    return id;
}

/* ---- writing ---- */

void api_put_uuid(struct lg_jw *w, struct lg_str key, const struct lg_uuid *id)
{
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(id, text);
    lg_jw_key(w, key);
    lg_jw_str(w, lg_str_of(text, LG_UUID_TEXT));
}

void api_put_time(struct lg_jw *w, struct lg_str key, lg_time t)
{
    lg_jw_key(w, key);
    if (t != 0)
        lg_jw_time(w, t);
    else
        lg_jw_null(w);
}

void api_put_str(struct lg_jw *w, struct lg_str key, struct lg_str s)
{
    lg_jw_key(w, key);
    if (s.n > 0)
        lg_jw_str(w, s);
    else
        lg_jw_null(w);
}

void api_put_total(struct lg_jw *w, uint64_t total, bool is_lower_bound)
{
    LG_JW_U64(w, "total", total);
    LG_JW_BOOL(w, "total_is_lower_bound", is_lower_bound);
}

void api_put_cursor(struct lg_jw *w, uint32_t limit, struct lg_str next_cursor)
{
    LG_JW_U64(w, "limit", limit);
    api_put_str(w, LG_STR("next_cursor"), next_cursor);
}

static const char *const time_names[] = {"from", "to", "received_from", "received_to"};
#define N_TIMES 4

static lg_time *time_at(struct api_times *t, int i)
{
    lg_time *const at[N_TIMES] = {&t->from, &t->to, &t->received_from, &t->received_to};

    return at[i];
}

static bool is_relative(const struct lg_http_req *req, const char *name)
{
    return lg_str_starts(lg_req_str(req, name), LG_STR("now"));
}

void api_times_read(const struct lg_http_req *req, bool paged, struct api_times *ret)
{
    struct lg_str rest = paged ? lg_req_str(req, "cursor") : LG_STR("");
    struct api_times t = {.cursor = rest}, kept = {0};

    for (int i = 0; i < N_TIMES; i++) {
        *time_at(&t, i) = lg_req_when(req, time_names[i], 0);
        t.relative = t.relative || is_relative(req, time_names[i]);
    }
    *ret = t;
    for (int i = 0; i < N_TIMES; i++) {
        ptrdiff_t dot = lg_str_chr(rest, '.');
        int64_t v;

        if (!t.relative || dot < 0 || lg_parse_i64(lg_str_sub(rest, 0, (size_t)dot), &v) < 0)
            return;
        *time_at(&kept, i) = v;
        rest = lg_str_sub(rest, (size_t)dot + 1, rest.n);
    }
    for (int i = 0; i < N_TIMES; i++)
        if (is_relative(req, time_names[i]))
            *time_at(&t, i) = *time_at(&kept, i);
    t.cursor = rest;
    *ret = t;
}

void api_put_next(struct lg_jw *w, const struct api_times *t, struct lg_str next_cursor)
{
    LG_CLEANUP(lg_buf_done) struct lg_buf text;

    lg_buf_init(&text, 4096);
    if (t->relative && next_cursor.n > 0)
        lg_buf_printf(&text, "%lld.%lld.%lld.%lld.", (long long)t->from, (long long)t->to,
                (long long)t->received_from, (long long)t->received_to);
    lg_buf_adds(&text, next_cursor);
    if (text.failed != 0)
        w->out->failed = text.failed;
    api_put_str(w, LG_STR("next_cursor"), lg_buf_str(&text));
}

/* Offset after the string whose first character (past the quote) is at `i`; n when unended. */
static size_t string_end(struct lg_str s, size_t i)
{
    while (i < s.n && s.p[i] != '"')
        i += s.p[i] == '\\' ? 2 : 1;
    return i < s.n ? i + 1 : s.n;
}

/* Offset after the value that starts at `i`. */
static size_t value_end(struct lg_str s, size_t i)
{
    size_t depth = 0;

    for (; i < s.n; i++) {
        char c = s.p[i];

        if (c == '"') {
            i = string_end(s, i + 1) - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']' || c == ',') {
            if (depth == 0)
                return i;
            if (c != ',')
                depth--;
        }
    }
    return s.n;
}

static size_t skip_space(struct lg_str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r'))
        i++;
    return i;
}

size_t api_members(struct lg_str json, struct api_member *out, size_t max)
{
    size_t n = 0, i = skip_space(json, 0);

    if (i >= json.n || json.p[i] != '{')
        return 0;
    i = skip_space(json, i + 1);
    while (n < max && i < json.n && json.p[i] == '"') {
        size_t key = i + 1, end = string_end(json, key), value;

        i = skip_space(json, end);
        if (i >= json.n || json.p[i] != ':')
            return n;
        value = skip_space(json, i + 1);
        i = value_end(json, value);
        out[n++] = (struct api_member){
                .key = lg_str_sub(json, key, end - 1),
                .value = lg_str_trim(lg_str_sub(json, value, i)),
        };
        if (i >= json.n || json.p[i] != ',')
            break;
        i = skip_space(json, i + 1);
    }
    return n;
}

#define MEMBERS_MAX 64
void api_put_object_plus(
        struct lg_jw *w, struct lg_str json, struct lg_str drop, struct lg_str extra)
{
    struct api_member m[MEMBERS_MAX];
    size_t n = api_members(json, m, MEMBERS_MAX);
    struct lg_buf *out = w->out;
    bool first = true;

    lg_jw_raw(w, LG_STR("{"));
    for (size_t i = 0; i < n; i++) {
        if (lg_str_eq(m[i].key, drop))
            continue;
        lg_buf_adds(out, first ? LG_STR("\"") : LG_STR(",\""));
        lg_buf_adds(out, m[i].key);
        lg_buf_adds(out, LG_STR("\":"));
        lg_buf_adds(out, m[i].value);
        first = false;
    }
    if (extra.n > 0 && !first)
        lg_buf_addc(out, ',');
    lg_buf_adds(out, extra);
    lg_buf_addc(out, '}');
}

/* ---- positions that tell nothing ---- */

static uint64_t seal_mix(
        const struct lg_api *api, const char *kind, char domain, uint64_t a, unsigned round)
{
    uint8_t in[32 + 1 + 1 + 8 + 24] = {0}, out[32];
    size_t n = strlen(kind);
    uint64_t v;

    memcpy(in, api->seal_key, 32);
    in[32] = (uint8_t)domain;
    in[33] = (uint8_t)round;
    memcpy(in + 34, &a, sizeof(a));
    memcpy(in + 42, kind, n < 24 ? n : 24);
    lg_blake2b_256(lg_str_of((const char *)in, sizeof(in)), out);
    memcpy(&v, out, sizeof(v));
    return v;
}

/* Four rounds of a Feistel network over two halves: a permutation that only the key undoes. */
static uint64_t seal_permute(const struct lg_api *api, const char *kind, uint64_t v, bool back)
{
    uint32_t l = (uint32_t)(v >> 32), r = (uint32_t)v;

    for (unsigned i = 0; i < 4; i++) {
        unsigned round = back ? 3 - i : i;
        uint32_t t;

        if (back) {
            t = r ^ (uint32_t)seal_mix(api, kind, 'f', l, round);
            r = l;
            l = t;
        } else {
            t = l ^ (uint32_t)seal_mix(api, kind, 'f', r, round);
            l = r;
            r = t;
        }
    }
    return (uint64_t)l << 32 | r;
}

void api_seal(
        const struct lg_api *api, const char *kind, uint64_t position, char out[API_SEAL_TEXT + 1])
{
    uint64_t v[2];

    v[0] = seal_permute(api, kind, position, false);
    v[1] = seal_mix(api, kind, 't', v[0], 0);
    lg_hex_encode(v, sizeof(v), out);
}

int api_unseal(const struct lg_api *api, const char *kind, struct lg_str text, uint64_t *ret)
{
    uint64_t v[2], tag;

    if (text.n != API_SEAL_TEXT || lg_hex_decode(text, v, sizeof(v)) != (int)sizeof(v))
        return LG_EPARSE;
    tag = seal_mix(api, kind, 't', v[0], 0);
    if (!lg_crypto_equal(&tag, &v[1], sizeof(tag)))
        return LG_EPARSE;
    *ret = seal_permute(api, kind, v[0], true);
    return 0;
}

int api_cursor_position(
        struct lg_http_req *req, const struct lg_api *api, const char *kind, uint64_t *ret)
{
    *ret = 0;
    if (!lg_req_has(req, "cursor"))
        return 1;
    if (api_unseal(api, kind, lg_req_str(req, "cursor"), ret) == 0)
        return 1;
    return lg_http_problem_of(req, 400, "bad-cursor", LG_STR("cursor"), LG_STR(""),
            "The cursor is not one of ours: start again without it");
}

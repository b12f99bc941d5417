#include "services/oauth.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "net/http_client.h"
#include "json/json.h"

#define ANSWER_BYTES ((size_t)64 << 10)
#define TEXT_BYTES ((size_t)16 << 10)
#define LEAST_SECONDS 5
#define MOST_SECONDS 86400 /* a token without an end is asked for again each day */

struct lg_oauth {
    struct lg_http_client *client;
    struct lg_buf url, id, authorization, body; /* NUL-ended but for the body */
};

/* application/x-www-form-urlencoded, as RFC 6749 wants it of id, secret and scope too. */
static void put_form(struct lg_buf *out, struct lg_str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                (c != '\0' && strchr("-._*", c) != NULL)) {
            lg_buf_addc(out, (char)c);
            continue;
        }
        lg_buf_addc(out, '%');
        lg_buf_addc(out, hex[c >> 4]);
        lg_buf_addc(out, hex[c & 15]);
    }
}

static int write_request(struct lg_oauth *oa, const struct lg_oauth_options *opt)
{
    struct lg_buf pair;

    lg_buf_init(&pair, TEXT_BYTES);
    put_form(&pair, lg_str_z(opt->client));
    lg_buf_addc(&pair, ':');
    put_form(&pair, lg_str_z(opt->secret));
    lg_buf_adds(&oa->authorization, LG_STR("Authorization: Basic "));
    lg_base64_encode(LG_BASE64_STD, lg_buf_str(&pair), &oa->authorization);
    lg_buf_addc(&oa->authorization, '\0');
    if (pair.failed < 0)
        oa->authorization.failed = pair.failed;
    if (pair.p != NULL)
        lg_crypto_wipe(pair.p, pair.n);
    lg_buf_done(&pair);
    lg_buf_adds(&oa->url, lg_str_z(opt->url));
    lg_buf_addc(&oa->url, '\0');
    lg_buf_adds(&oa->id, lg_str_z(opt->client));
    lg_buf_adds(&oa->body, LG_STR("grant_type=client_credentials"));
    if (opt->scope != NULL) {
        lg_buf_adds(&oa->body, LG_STR("&scope="));
        put_form(&oa->body, lg_str_z(opt->scope));
    }
    return oa->authorization.failed < 0 ? oa->authorization.failed
            : oa->url.failed < 0        ? oa->url.failed
                                        : oa->body.failed;
}

int lg_oauth_new(const struct lg_oauth_options *opt, struct lg_oauth **ret, struct lg_err *reterr)
{
    const struct lg_http_client_opts copt = {.allow_private = true,
            .https_only = lg_str_starts(lg_str_z(opt->url), LG_STR("https:")),
            .ca_file = opt->ca_file,
            .timeout_ms = 10000,
            .max_response_bytes = ANSWER_BYTES};
    struct lg_oauth *oa = lg_calloc(1, sizeof(*oa));
    int rc;

    if (oa == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    lg_buf_init(&oa->url, TEXT_BYTES);
    lg_buf_init(&oa->id, TEXT_BYTES);
    lg_buf_init(&oa->authorization, 4 * TEXT_BYTES);
    lg_buf_init(&oa->body, TEXT_BYTES);
    rc = write_request(oa, opt);
    rc = rc < 0 ? lg_err_set(reterr, rc, "oauthbearer: %s", lg_err_name(rc))
                : lg_http_client_new(&copt, &oa->client, reterr);
    if (rc < 0) {
        lg_oauth_free(oa);
        return rc;
    }
    *ret = oa;
    return 0;
}

void lg_oauth_free(struct lg_oauth *oa)
{
    if (oa == NULL)
        return;
    lg_http_client_free(oa->client);
    if (oa->authorization.p != NULL)
        lg_crypto_wipe(oa->authorization.p, oa->authorization.n);
    lg_buf_done(&oa->authorization);
    lg_buf_done(&oa->url);
    lg_buf_done(&oa->id);
    lg_buf_done(&oa->body);
    lg_free(oa);
}

/* {"access_token": "...", "expires_in": seconds} */
static int read_token(
        struct lg_str answer, struct lg_buf *token, int64_t *ret_seconds, struct lg_err *reterr)
{
    struct lg_json *j = NULL;
    struct lg_jval root, v;
    int rc = lg_json_new(&j);

    if (rc == 0)
        rc = lg_json_parse(j, answer, false, &root, NULL);
    if (rc == 0 &&
            (lg_jval_type(root) != LG_JSON_OBJECT ||
                    !lg_jval_get(root, LG_STR("access_token"), &v) ||
                    lg_jval_type(v) != LG_JSON_STRING || lg_jval_str(v).n == 0))
        rc = LG_EPARSE;
    if (rc == 0) {
        lg_buf_adds(token, lg_jval_str(v));
        rc = token->failed;
    }
    *ret_seconds = MOST_SECONDS;
    if (rc == 0 && lg_jval_get(root, LG_STR("expires_in"), &v) && lg_jval_type(v) == LG_JSON_I64)
        *ret_seconds = lg_jval_i64(v);
    lg_json_free(j);
    if (rc < 0)
        return lg_err_set(reterr, rc, "the token endpoint's answer holds no access_token");
    if (*ret_seconds < LEAST_SECONDS)
        *ret_seconds = LEAST_SECONDS;
    if (*ret_seconds > MOST_SECONDS)
        *ret_seconds = MOST_SECONDS;
    return 0;
}

int lg_oauth_token(void *oauth, struct lg_buf *token, struct lg_buf *principal,
        int64_t *ret_expires_ms, struct lg_err *reterr)
{
    struct lg_oauth *oa = oauth;
    const char *const headers[] = {oa->authorization.p,
            "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", NULL};
    const struct lg_client_req req = {
            .url = oa->url.p, .headers = headers, .body = lg_buf_str(&oa->body)};
    struct lg_client_resp resp;
    int64_t seconds = 0;
    int rc;

    lg_client_resp_init(&resp, ANSWER_BYTES);
    rc = lg_http_client_do(oa->client, &req, &resp, reterr);
    if (rc == 0 && resp.status != 200)
        rc = lg_err_set(
                reterr, LG_EREFUSED, "the token endpoint answers with status %d", resp.status);
    if (rc == 0)
        rc = read_token(lg_buf_str(&resp.body), token, &seconds, reterr);
    if (rc == 0) {
        lg_buf_adds(principal, lg_buf_str(&oa->id));
        rc = principal->failed;
        *ret_expires_ms = lg_clock_wall() / 1000000 + seconds * 1000;
    }
    if (resp.body.p != NULL)
        lg_crypto_wipe(resp.body.p, resp.body.n);
    lg_client_resp_done(&resp);
    return rc;
}

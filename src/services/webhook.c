#include "services/webhook.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/encode.h"
#include "net/http_client.h"
#include "services/notify_format.h"

#define TIMEOUT_MS 10000
#define ANSWER_BYTES (64u << 10)

struct lg_webhook {
    struct lg_http_client *http;
    char url[LG_CONFIG_PATH_BYTES];
    char secret[LG_CONFIG_TEXT_BYTES];
};

static int open_client(
        const struct lg_config_list *allow, struct lg_http_client **ret, struct lg_err *reterr)
{
    struct lg_addr_block blocks[LG_CONFIG_LIST_ITEMS];
    struct lg_http_client_opts opt = {.allow = blocks,
            .connect_timeout_ms = TIMEOUT_MS / 2,
            .timeout_ms = TIMEOUT_MS,
            .max_response_bytes = ANSWER_BYTES};

    for (size_t i = 0; allow != NULL && i < allow->n; i++) {
        if (lg_addr_block_parse(lg_str_z(allow->v[i]), &blocks[opt.n_allow]) < 0)
            return lg_err_set(reterr, LG_EINVAL, "%s is no address block", allow->v[i]);
        opt.n_allow++;
    }
    return lg_http_client_new(&opt, ret, reterr);
}

int lg_webhook_new(
        const struct lg_webhook_options *opt, struct lg_webhook **ret, struct lg_err *reterr)
{
    struct lg_webhook *wh = lg_calloc(1, sizeof(*wh));
    int rc;

    if (wh == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    (void)snprintf(wh->url, sizeof(wh->url), "%s", opt->url);
    (void)snprintf(wh->secret, sizeof(wh->secret), "%s", opt->secret);
    rc = open_client(opt->allow, &wh->http, reterr);
    if (rc < 0) {
        lg_webhook_free(wh);
        return rc;
    }
    *ret = wh;
    return 0;
}

void lg_webhook_free(struct lg_webhook *wh)
{
    if (wh == NULL)
        return;
    lg_http_client_free(wh->http);
    lg_crypto_wipe(wh->secret, sizeof(wh->secret));
    lg_free(wh);
}

void lg_webhook_cancel(struct lg_webhook *wh)
{
    lg_http_client_cancel(wh->http);
}

int lg_webhook_post(struct lg_webhook *wh, const char *delivery_id, struct lg_str body, lg_time now,
        int64_t *ret_wait_ns, struct lg_err *reterr)
{
    char stamp[48], id[96], signature[32 + LG_NOTIFY_SIGNATURE_MAX];
    char mac[LG_NOTIFY_SIGNATURE_MAX];
    const char *headers[] = {"Content-Type: application/json", stamp, id, signature, NULL};
    const struct lg_client_req req = {
            .url = wh->url, .headers = headers, .body = body, .has_body = true};
    const int64_t seconds = now / LG_NS_PER_SEC;
    struct lg_client_resp resp;
    int rc, status;

    *ret_wait_ns = 0;
    (void)snprintf(stamp, sizeof(stamp), "X-Logster-Timestamp: %lld", (long long)seconds);
    (void)snprintf(id, sizeof(id), "X-Logster-Delivery: %s", delivery_id);
    if (wh->secret[0] != '\0') {
        lg_notify_sign(lg_str_z(wh->secret), seconds, body, mac);
        (void)snprintf(signature, sizeof(signature), "X-Logster-Signature: %s", mac);
    } else {
        headers[3] = NULL;
    }
    lg_client_resp_init(&resp, ANSWER_BYTES);
    rc = lg_http_client_do(wh->http, &req, &resp, reterr);
    status = resp.status;
    *ret_wait_ns = (int64_t)resp.retry_after_s * LG_NS_PER_SEC;
    lg_client_resp_done(&resp);
    /* what it says is of no use: a 2xx whose body is too long was delivered all the same */
    if (status >= 200 && status < 300)
        return 0;
    if (rc == 0 || (rc == LG_ELIMIT && status != 0))
        return lg_err_set(reterr, LG_EAGAIN, "the receiver answered %d", status);
    return rc;
}

#ifndef LG_SERVICES_WEBHOOK_H
#define LG_SERVICES_WEBHOOK_H

#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"
#include "config/config.h"

/*
 * Posts signed JSON to one URL (docs/notifications.md): X-Logster-Timestamp (epoch seconds),
 * X-Logster-Signature over "timestamp.body", X-Logster-Delivery (the same at every attempt).
 * Private and link-local targets are refused as they are connected to, but for the blocks named.
 * Thread: its owner's.
 */
struct lg_webhook;

struct lg_webhook_options {
    const char *url;
    const char *secret;                 /* empty: not signed */
    const struct lg_config_list *allow; /* address blocks; may be NULL */
};
int lg_webhook_new(const struct lg_webhook_options *opt, struct lg_webhook **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_webhook_free(struct lg_webhook *wh); /* NULL is fine */
/*
 * 0: answered 2xx. LG_EAGAIN: another answer; *ret_wait_ns is what it asked to wait, or 0. As of
 * lg_http_client_do: LG_EREFUSED the target is not allowed, LG_EINVAL, LG_ELIMIT, LG_EIO, LG_EINTR.
 */
int lg_webhook_post(struct lg_webhook *wh, const char *delivery_id, struct lg_str body, lg_time now,
        int64_t *ret_wait_ns, struct lg_err *reterr) LG_MUST_CHECK;
/* As lg_http_client_cancel. Thread: any. */
void lg_webhook_cancel(struct lg_webhook *wh);

#endif

#ifndef LG_SERVICES_OAUTH_H
#define LG_SERVICES_OAUTH_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Access tokens of the client credentials grant (RFC 6749, 4.4): what Kafka's OAUTHBEARER shows
 * its brokers. One request for each token; who keeps them is who asks.
 */
struct lg_oauth_options {
    const char *url;    /* token endpoint */
    const char *client; /* id, sent with the secret as Basic authentication */
    const char *secret;
    const char *scope;   /* NULL: none */
    const char *ca_file; /* NULL: the system's */
};

struct lg_oauth;
int lg_oauth_new(const struct lg_oauth_options *opt, struct lg_oauth **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_oauth_free(struct lg_oauth *oa); /* NULL is fine */

/*
 * Appends a fresh token and whom it is for, and tells when it ends (milliseconds since 1970).
 * LG_EIO: no answer, worth another try; LG_EREFUSED: the endpoint said no; LG_EPARSE, LG_ELIMIT: its
 * answer is no token. reterr holds neither secret nor token. Thread: one at a time.
 */
int lg_oauth_token(void *oauth, struct lg_buf *token, struct lg_buf *principal,
        int64_t *ret_expires_ms, struct lg_err *reterr) LG_MUST_CHECK;

#endif

#ifndef LG_CLI_REMOTE_H
#define LG_CLI_REMOTE_H

#include "base/err.h"
#include "net/http_client.h"

/*
 * A running platform, asked over HTTP by a command: its address and the token of who asks
 * (--token-file, else LOGSTER_TOKEN, else admin-token of --data-dir or LOGSTER_DATA_DIR, else none).
 */
#define LG_REMOTE_TARGET_BYTES 4096

struct lg_remote {
    const char *url; /* without a slash at its end */
    const char *token_file, *data_dir;
    char auth[300]; /* the header's line; empty: none */
    struct lg_http_client *client;
    struct lg_client_resp resp;
    char target[LG_REMOTE_TARGET_BYTES];
};

/* Reads the token and makes the client. The caller set url and the two files (NULL: not given). */
int lg_remote_open(struct lg_remote *r, size_t max_response, struct lg_err *reterr) LG_MUST_CHECK;
void lg_remote_close(struct lg_remote *r);
/* One request to url + path; r->resp holds the answer. `type` and `body` may be empty, `extra` is a
 * further header line or NULL. 0 with any status, or the client's error. */
int lg_remote_ask(struct lg_remote *r, const char *method, const char *path, const char *type,
        struct lg_str body, const char *extra, struct lg_err *reterr) LG_MUST_CHECK;
/* LG_EREFUSED with what the platform said, for a status that is no success. */
int lg_remote_refused(const struct lg_remote *r, struct lg_err *reterr);

#endif

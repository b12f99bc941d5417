#include "cli/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#define TIMEOUT_MS 120000

static int take_token(struct lg_remote *r, const char *token, struct lg_err *reterr)
{
    int n = snprintf(r->auth, sizeof(r->auth), "Authorization: Bearer %s", token);

    if (n > 0 && (size_t)n < sizeof(r->auth))
        return 0;
    return lg_err_set(reterr, LG_EPARSE, "that is no token: too long");
}

static int read_token(struct lg_remote *r, struct lg_err *reterr)
{
    char path[4096], token[256] = "";
    const char *env = getenv("LOGSTER_TOKEN"), *file = r->token_file;
    const char *dir = r->data_dir != NULL ? r->data_dir : getenv("LOGSTER_DATA_DIR");
    FILE *f;
    int rc;

    if (file == NULL && r->data_dir == NULL && env != NULL && *env != '\0')
        return take_token(r, env, reterr);
    if (file == NULL && dir != NULL) {
        (void)snprintf(path, sizeof(path), "%s/admin-token", dir);
        file = path;
    }
    if (file == NULL)
        return 0; /* a platform without authentication */
    f = fopen(file, "re");
    if (f == NULL || fgets(token, sizeof(token), f) == NULL)
        rc = lg_err_set(reterr, LG_EIO, "cannot read a token from %s: %s", file,
                f == NULL ? strerror(errno) : "it is empty");
    else {
        token[strcspn(token, "\r\n")] = '\0';
        rc = take_token(r, token, reterr);
    }
    if (f != NULL)
        (void)fclose(f);
    explicit_bzero(token, sizeof(token));
    return rc;
}

int lg_remote_open(struct lg_remote *r, size_t max_response, struct lg_err *reterr)
{
    const struct lg_http_client_opts opts = {
            .allow_private = true, .timeout_ms = TIMEOUT_MS, .max_response_bytes = max_response};
    int rc;

    lg_client_resp_init(&r->resp, max_response);
    rc = read_token(r, reterr);
    return rc < 0 ? rc : lg_http_client_new(&opts, &r->client, reterr);
}

void lg_remote_close(struct lg_remote *r)
{
    lg_http_client_free(r->client);
    r->client = NULL;
    lg_client_resp_done(&r->resp);
    explicit_bzero(r->auth, sizeof(r->auth));
}

int lg_remote_ask(struct lg_remote *r, const char *method, const char *path, const char *type,
        struct lg_str body, const char *extra, struct lg_err *reterr)
{
    const char *headers[4] = {NULL};
    char content[128];
    const struct lg_client_req req = {.method = method,
            .url = r->target,
            .headers = headers,
            .body = body,
            .has_body = type != NULL};
    size_t n = 0;
    int len = snprintf(r->target, sizeof(r->target), "%s%s", r->url, path);

    if (len < 0 || (size_t)len >= sizeof(r->target))
        return lg_err_set(reterr, LG_ELIMIT, "the address is too long");
    if (r->auth[0] != '\0')
        headers[n++] = r->auth;
    if (type != NULL) {
        (void)snprintf(content, sizeof(content), "Content-Type: %s", type);
        headers[n++] = content;
    }
    if (extra != NULL)
        headers[n] = extra;
    return lg_http_client_do(r->client, &req, &r->resp, reterr);
}

int lg_remote_refused(const struct lg_remote *r, struct lg_err *reterr)
{
    struct lg_json *j = NULL;
    struct lg_jval root, v;
    struct lg_str said = lg_buf_str(&r->resp.body);

    if (lg_json_new(&j) == 0 && lg_json_parse(j, said, false, &root, NULL) == 0 &&
            lg_jval_type(root) == LG_JSON_OBJECT &&
            (lg_jval_get(root, LG_STR("detail"), &v) || lg_jval_get(root, LG_STR("title"), &v)) &&
            lg_jval_type(v) == LG_JSON_STRING)
        said = lg_jval_str(v);
    (void)lg_err_set(reterr, LG_EREFUSED, "%.120s answers %d: %.*s", r->target, r->resp.status,
            (int)(said.n > 160 ? 160 : said.n), said.p != NULL ? said.p : "");
    lg_json_free(j);
    return LG_EREFUSED;
}

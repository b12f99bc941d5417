#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "crypto/chain.h"
#include "crypto/encode.h"
#include "opensearch/os_int.h"

static char *copy(const char *s)
{
    return s != NULL && *s != '\0' ? lg_strndup(s, strlen(s)) : NULL;
}

/* Host and port of a URL: what may be shown. */
static char *shown(const char *url)
{
    const char *host = strstr(url, "://"), *at;
    size_t n;

    host = host != NULL ? host + 3 : url;
    n = strcspn(host, "/?#");
    at = (const char *)memrchr(host, '@', n);
    if (at != NULL) {
        n -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    return lg_strndup(host, n);
}

static int add_node(struct lg_os *os, const char *url, struct lg_err *reterr)
{
    struct lg_os_node *node = &os->nodes[os->n_nodes];
    size_t n = strlen(url);

    if (os->n_nodes == LG_OS_NODES_MAX)
        return lg_err_set(reterr, LG_EINVAL, "more than %d nodes", LG_OS_NODES_MAX);
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return lg_err_set(reterr, LG_EINVAL, "a node's URL begins with http:// or https://");
    while (n > 0 && url[n - 1] == '/')
        n--;
    node->url = lg_strndup(url, n);
    node->name = shown(url);
    os->n_nodes++;
    return node->url == NULL || node->name == NULL ? lg_err_set(reterr, LG_ENOMEM, "out of memory")
                                                   : 0;
}

static int make_auth(struct lg_os *os, const struct lg_opensearch_options *opt)
{
    struct lg_buf b, pair;
    int rc = 0;

    lg_buf_init(&b, 1u << 16);
    lg_buf_init(&pair, 1u << 15);
    if (opt->api_key != NULL && *opt->api_key != '\0') {
        lg_buf_printf(&b, "Authorization: ApiKey %s", opt->api_key);
    } else if (opt->user != NULL && *opt->user != '\0') {
        lg_buf_printf(&pair, "%s:%s", opt->user, opt->password != NULL ? opt->password : "");
        lg_buf_adds(&b, LG_STR("Authorization: Basic "));
        lg_base64_encode(LG_BASE64_STD, lg_buf_str(&pair), &b);
    }
    rc = b.failed != 0 ? b.failed : pair.failed;
    if (rc == 0 && b.n > 0) {
        os->auth = lg_strndup(b.p, b.n);
        rc = os->auth == NULL ? LG_ENOMEM : 0;
    }
    if (b.n > 0)
        lg_crypto_wipe(b.p, b.n);
    if (pair.n > 0)
        lg_crypto_wipe(pair.p, pair.n);
    lg_buf_done(&b);
    lg_buf_done(&pair);
    return rc;
}

/* The same in every process that reads with the same rights: a cursor is good at each of them. */
static void make_cursor_key(struct lg_os *os)
{
    struct lg_digest d;
    struct lg_link key;

    lg_digest_init(&d, LG_STR("logster opensearch cursor"), NULL);
    lg_digest_add(&d, lg_str_z(os->prefix));
    lg_digest_add(&d, os->auth != NULL ? lg_str_z(os->auth) : LG_STR(""));
    key = lg_digest_final(&d);
    memcpy(os->cursor_key, key.b, sizeof(os->cursor_key));
}

static bool prefix_ok(const char *s)
{
    if (*s == '\0' || *s == '-' || *s == '_' || strlen(s) > 64)
        return false;
    for (; *s != '\0'; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_'))
            return false;
    return true;
}

static int fill(struct lg_os *os, const struct lg_opensearch_options *opt, struct lg_err *reterr)
{
    const char *prefix = opt->prefix != NULL && *opt->prefix != '\0' ? opt->prefix : "logster";
    int rc = 0;

    if (opt->n_urls == 0)
        return lg_err_set(reterr, LG_EINVAL, "no node's URL is given");
    if (!prefix_ok(prefix))
        return lg_err_set(reterr, LG_EINVAL,
                "the prefix of indices may hold lower-case letters, digits, - and _ only");
    for (size_t i = 0; rc == 0 && i < opt->n_urls; i++)
        rc = add_node(os, opt->urls[i], reterr);
    if (rc < 0)
        return rc;
    os->prefix = copy(prefix);
    os->ca_file = copy(opt->ca_file);
    os->cert_file = copy(opt->cert_file);
    os->key_file = copy(opt->key_file);
    if (os->prefix == NULL ||
            (opt->ca_file != NULL && *opt->ca_file != '\0' && os->ca_file == NULL) ||
            (opt->cert_file != NULL && *opt->cert_file != '\0' && os->cert_file == NULL) ||
            (opt->key_file != NULL && *opt->key_file != '\0' && os->key_file == NULL) ||
            make_auth(os, opt) < 0)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    make_cursor_key(os);
    return 0;
}

int lg_os_new(const struct lg_opensearch_options *opt, struct lg_os **ret, struct lg_err *reterr)
{
    struct lg_os *os = (struct lg_os *)lg_calloc(1, sizeof(*os));
    int rc;

    if (os == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    (void)pthread_mutex_init(&os->lock, NULL);
    os->map_seed = lg_hash_secret();
    os->opt = (struct lg_opensearch_options){.insecure = opt->insecure,
            .shards = opt->shards != 0 ? opt->shards : 1,
            .replicas = opt->replicas >= 0 ? opt->replicas : 1,
            .days_kept = opt->days_kept,
            .bulk_bytes = opt->bulk_bytes != 0 ? opt->bulk_bytes : 8u << 20,
            .plain_bodies = opt->plain_bodies,
            .connect_timeout_ms = opt->connect_timeout_ms != 0 ? opt->connect_timeout_ms : 3000,
            .timeout_ms = opt->timeout_ms != 0 ? opt->timeout_ms : 60000,
            .retry_ms = opt->retry_ms != 0 ? opt->retry_ms : 30000,
            .scan_rows = opt->scan_rows != 0 ? opt->scan_rows : 100000};
    rc = fill(os, opt, reterr);
    if (rc < 0) {
        lg_os_free(os);
        return rc;
    }
    *ret = os;
    return 0;
}

static void store_close(struct lg_event_store *st)
{
    lg_os_free(lg_os_of(st));
}

static int store_backup(struct lg_event_store *st, const char *dir, struct lg_err *reterr)
{
    (void)st;
    (void)dir;
    return lg_err_set(reterr, LG_EUNSUP,
            "events in OpenSearch are saved by the cluster's own snapshots "
            "(PUT _snapshot/<repository>/<name>), not by a backup from here");
}

static const struct lg_event_store_ops ops = {
        .name = "opensearch",
        .close = store_close,
        .write = lg_os_write,
        .event_get = lg_os_event_get,
        .event_search = lg_os_event_search,
        .event_histogram = lg_os_event_histogram,
        .event_window = lg_os_event_window,
        .inference_get = lg_os_inference_get,
        .inference_search = lg_os_inference_search,
        .summary = lg_os_summary,
        .hosts = lg_os_hosts,
        .timeline = lg_os_timeline,
        .techniques = lg_os_techniques,
        .profile = lg_os_profile,
        .tree = lg_os_tree,
        .retain = lg_os_retain,
        .verify = lg_os_verify,
        .backup = store_backup,
        .stats = lg_os_stats,
        .settle = lg_os_settle,
};

int lg_opensearch_event_store_open(
        const struct lg_opensearch_options *opt, struct lg_event_store **ret, struct lg_err *reterr)
{
    struct lg_os *os;
    int rc = lg_os_new(opt, &os, reterr);

    if (rc < 0)
        return rc;
    os->base.ops = &ops;
    *ret = &os->base;
    return 0;
}

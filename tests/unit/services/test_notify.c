#include "lg_test.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "access/scope.h"
#include "crypto/encode.h"
#include "net/syslog.h"
#include "services/notify.h"
#include "services/notify_format.h"
#include "store/admin_store.h"
#include "verdict_line.h"

/* Notifications: what is worth one, and what becomes of receivers that are away, unwilling, forbidden
 * or silent. Real store, real sockets, a clock of our own. */

#define NOW INT64_C(1700000000000000000)
#define MINUTE (60 * LG_NS_PER_SEC)

static struct lg_err err;

/* ---- a receiver of posts: answers what the test says, keeps what came ---- */

#define KEPT 8
struct receiver {
    int fd;
    uint16_t port;
    pthread_t thread;
    const char *const *answers; /* one a request; the last one for the rest; NULL: silence */
    _Atomic int n;
    char got[KEPT][16384];
};

static void read_request(int fd, char *out, size_t cap)
{
    size_t n = 0;

    for (;;) {
        char *end = strstr(out, "\r\n\r\n"), *len = strstr(out, "Content-Length: ");
        ssize_t k;

        if (end != NULL && len != NULL && n >= (size_t)(end + 4 - out) + (size_t)atol(len + 16))
            return;
        k = recv(fd, out + n, cap - 1 - n, 0);
        if (k <= 0)
            return;
        n += (size_t)k;
        out[n] = '\0';
    }
}

static void *receiver_main(void *arg)
{
    struct receiver *r = arg;

    for (;;) {
        int c = accept(r->fd, NULL, NULL), i = atomic_load(&r->n);
        const char *answer = *r->answers;
        char trash[64];

        if (c < 0)
            return NULL;
        read_request(c, r->got[i % KEPT], sizeof(r->got[0]));
        if (answer != NULL && r->answers[1] != NULL)
            r->answers++;
        atomic_fetch_add(&r->n, 1);
        if (answer != NULL)
            (void)send(c, answer, strlen(answer), MSG_NOSIGNAL);
        else
            (void)recv(c, trash, sizeof(trash), 0); /* until the sender gives up */
        (void)close(c);
    }
}

static void receiver_start(struct receiver *r, const char *const *answers)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);

    memset(r, 0, sizeof(*r));
    r->answers = answers;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(r->fd, 16), 0);
    assert_int_equal(getsockname(r->fd, (struct sockaddr *)&a, &n), 0);
    r->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, receiver_main, r), 0);
}

static void receiver_stop(struct receiver *r)
{
    (void)shutdown(r->fd, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->fd);
}

#define OK_ANSWER "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
#define BAD_ANSWER "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define LATER_ANSWER                                                                               \
    "HTTP/1.1 503 Later\r\nRetry-After: 90\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* ---- a store with verdicts ---- */

struct fix {
    char dir[64];
    _Atomic lg_time now; /* the sender's thread asks too */
    struct lg_config cfg;
    struct lg_alert_store *store;
    struct lg_metrics *metrics;
    struct lg_notify *notify;
    struct lg_scope *scope;
    struct lg_arena arena;
    uint64_t read; /* outbox position */
};

static lg_time fix_now(void *user)
{
    return ((struct fix *)user)->now;
}

static int fix_unlink(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    struct fix *f = calloc(1, sizeof(*f));
    struct lg_tenant_row tenant = {
            .tenant_id = LG_STR("acme"), .name = LG_STR("Acme"), .created_at = NOW};
    struct lg_principal *pr;
    char path[96];

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/lg-notify-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(path, sizeof(path), "%s/alerts.db", f->dir);
    f->now = NOW;
    lg_config_defaults(&f->cfg);
    (void)snprintf(f->cfg.notifications.webhook_secret, sizeof(f->cfg.notifications.webhook_secret),
            "s3cret");
    f->cfg.notifications.webhook_allow.n = 1;
    (void)snprintf(f->cfg.notifications.webhook_allow.v[0], LG_CONFIG_TEXT_BYTES, "127.0.0.0/8");
    lg_arena_init(&f->arena, 64u << 20);
    if (lg_sqlite_alert_store_open(path, &f->store, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(f->store->admin->ops->tenant_create(f->store->admin, &tenant), 0);
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_SYSTEM, LG_STR("t"), LG_STR("t"), &pr), 0);
    assert_int_equal(lg_scope_new(pr, LG_ACT_ALERT_WRITE, &f->scope), 0);
    lg_principal_unref(pr);
    assert_int_equal(lg_metrics_new(&f->metrics), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fix *f = *state;

    lg_notify_stop(f->notify);
    lg_metrics_free(f->metrics);
    lg_scope_free(f->scope);
    lg_arena_done(&f->arena);
    lg_alert_store_close(f->store);
    (void)nftw(f->dir, fix_unlink, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static void to_webhook(struct fix *f, uint16_t port)
{
    (void)snprintf(f->cfg.notifications.webhook_url, sizeof(f->cfg.notifications.webhook_url),
            "http://127.0.0.1:%u/hook", port);
}

static void to_syslog(struct fix *f, uint16_t port)
{
    (void)snprintf(f->cfg.notifications.syslog_address, sizeof(f->cfg.notifications.syslog_address),
            "127.0.0.1:%u", port);
}

static void open_notify(struct fix *f)
{
    const struct lg_notify_options opt = {.store = f->store,
            .config = &f->cfg,
            .metrics = f->metrics,
            .version = "1.2",
            .now = fix_now,
            .user = f};

    if (lg_notify_new(&opt, &f->notify, &err) < 0)
        fail_msg("%s", err.text);
}

/* Verdict number `i` about a process; folds with others about it. */
static struct lg_uuid verdict(struct fix *f, const char *proc, unsigned i, const char *severity)
{
    struct lg_apply apply = {0};
    struct lg_inference in;
    struct lg_buf line;
    struct lg_json *j;
    struct lg_jval root;

    lg_buf_init(&line, 1u << 16);
    verdict_line(&line, NOW / LG_NS_PER_SEC, proc, i, severity);
    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_parse(j, lg_buf_str(&line), false, &root, NULL), 0);
    if (lg_inference_read(root, lg_buf_str(&line), &f->arena, &in, &err) < 0)
        fail_msg("%s", err.text);
    apply.in = &in;
    f->now += LG_NS_PER_SEC; /* no two changes at one time */
    if (f->store->ops->apply(f->store, &apply, 1, 30 * MINUTE, f->now, &err) < 0)
        fail_msg("%s", err.text);
    lg_json_free(j);
    lg_buf_done(&line);
    return apply.ret_alert_id;
}

static void patch(struct fix *f, const struct lg_uuid *id, const char *status, const char *notes)
{
    struct lg_alert_patch p = {.actor = LG_STR("anna")};
    struct lg_alert al;
    unsigned steps;

    if (status != NULL) {
        p.has_status = true;
        assert_int_equal(lg_alert_status_parse(lg_str_z(status), &p.status), 0);
    }
    p.has_notes = notes != NULL;
    p.notes = lg_str_z(notes);
    f->now += LG_NS_PER_SEC;
    p.now = f->now;
    assert_int_equal(
            f->store->ops->alert_patch(f->store, f->scope, id, &p, &f->arena, &al, &steps), 0);
}

/* As the alerts stage does: each new change once. The first negative answer. */
static int tell_from(struct fix *f, uint64_t after)
{
    struct lg_outbox_row *rows = NULL;
    uint32_t n = 0;
    int rc = 0;

    assert_int_equal(f->store->ops->outbox_read(f->store, after, 100, &f->arena, &rows, &n), 0);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        rc = lg_notify_changed(f->notify, &rows[i]);
        if (rc == 0)
            f->read = rows[i].seq;
    }
    return rc;
}

static void tell(struct fix *f)
{
    assert_int_equal(tell_from(f, f->read), 0);
}

static uint32_t deliveries(struct fix *f, struct lg_delivery_row **ret)
{
    struct lg_delivery_row *rows = NULL;
    uint32_t n = 0;

    assert_int_equal(f->store->admin->ops->delivery_list(
                             f->store->admin, f->scope, LG_STR("acme"), 100, &f->arena, &rows, &n),
            0);
    if (ret != NULL)
        *ret = rows;
    return n;
}

static uint64_t counted(struct fix *f, const char *channel, const char *result)
{
    const struct lg_metric_label labels[] = {{"channel", channel}, {"result", result}};
    struct lg_counter c;

    assert_int_equal(
            lg_metrics_counter(f->metrics, LG_METRIC(NOTIFICATIONS_TOTAL), labels, 2, &c), 0);
    return lg_metrics_counter_value(f->metrics, c);
}

/* ---- what is worth a notification ---- */

static void test_what_is_told(void **state)
{
    struct fix *f = *state;
    struct lg_uuid id;

    to_webhook(f, 9);
    to_syslog(f, 9);
    open_notify(f);
    (void)verdict(f, "small", 1, "medium");
    tell(f);
    assert_int_equal(deliveries(f, NULL), 0); /* below high */
    id = verdict(f, "evil", 2, "high");
    tell(f);
    assert_int_equal(deliveries(f, NULL), 2); /* one a channel */
    (void)verdict(f, "evil", 3, "high");
    tell(f);
    assert_int_equal(deliveries(f, NULL), 2); /* a fold */
    (void)verdict(f, "evil", 4, "critical");
    tell(f);
    assert_int_equal(deliveries(f, NULL), 4); /* it rose */
    (void)verdict(f, "small", 5, "high");
    tell(f);
    assert_int_equal(deliveries(f, NULL), 6); /* rose over the bar */
    patch(f, &id, NULL, "looking");
    patch(f, &id, "resolved", NULL);
    tell(f);
    assert_int_equal(deliveries(f, NULL), 6);
    patch(f, &id, "investigating", NULL);
    tell(f);
    assert_int_equal(deliveries(f, NULL), 8); /* reopened */
    patch(f, &id, "acknowledged", "mine");    /* a step, not a reopening */
    tell(f);
    assert_int_equal(deliveries(f, NULL), 8);
    assert_int_equal(tell_from(f, 0), 0); /* after a crash all is told again: nothing is new */
    assert_int_equal(deliveries(f, NULL), 8);
}

/* A process that knows nothing of before decides by the history. */
static void test_told_after_restart(void **state)
{
    struct fix *f = *state;
    struct lg_delivery_row *rows;

    to_webhook(f, 9);
    (void)verdict(f, "evil", 1, "medium");
    (void)verdict(f, "evil", 2, "high");
    (void)verdict(f, "evil", 3, "high");
    for (int i = 0; i < 2; i++) {
        open_notify(f);
        assert_int_equal(tell_from(f, 0), 0);
        assert_int_equal(deliveries(f, &rows), 1);
        assert_true(lg_str_find(rows[0].body, LG_STR("\"event\":\"severity_raised\"")) >= 0);
        lg_notify_stop(f->notify);
        f->notify = NULL;
    }
}

static void test_off_by_default(void **state)
{
    struct fix *f = *state;

    open_notify(f);
    (void)verdict(f, "evil", 1, "critical");
    tell(f);
    assert_int_equal(deliveries(f, NULL), 0);
    assert_int_equal(lg_notify_round(f->notify), 0);
}

/* ---- carrying ---- */

static void test_webhook_retries(void **state)
{
    static const char *const answers[] = {BAD_ANSWER, LATER_ANSWER, OK_ANSWER, NULL};
    struct fix *f = *state;
    struct lg_delivery_row *rows;
    struct receiver r;
    char mac[LG_NOTIFY_SIGNATURE_MAX], want[160], *body;

    receiver_start(&r, answers);
    to_webhook(f, r.port);
    open_notify(f);
    (void)verdict(f, "evil", 1, "high");
    tell(f);
    assert_int_equal(lg_notify_round(f->notify), 1);
    assert_int_equal(deliveries(f, &rows), 1);
    assert_int_equal(rows[0].state, LG_DELIVERY_DUE);
    assert_int_equal(rows[0].attempts, 1);
    assert_str(rows[0].last_error, "the receiver answered 500");
    assert_int_equal(lg_notify_round(f->notify), 0); /* not yet */
    f->now += 2 * LG_NS_PER_SEC;
    assert_int_equal(lg_notify_round(f->notify), 1);
    f->now += 60 * LG_NS_PER_SEC; /* it asked for 90 */
    assert_int_equal(lg_notify_round(f->notify), 0);
    f->now += 31 * LG_NS_PER_SEC;
    assert_int_equal(lg_notify_round(f->notify), 1);
    assert_int_equal(deliveries(f, &rows), 1);
    assert_int_equal(rows[0].state, LG_DELIVERY_DONE);
    assert_int_equal(lg_notify_round(f->notify), 0);
    assert_int_equal(counted(f, "webhook", "sent"), 1);
    assert_int_equal(counted(f, "webhook", "failed"), 2);
    receiver_stop(&r);

    assert_int_equal(r.n, 3);
    body = strstr(r.got[2], "\r\n\r\n") + 4;
    lg_notify_sign(LG_STR("s3cret"), f->now / LG_NS_PER_SEC, lg_str_z(body), mac);
    (void)snprintf(want, sizeof(want), "X-Logster-Signature: %s\r\n", mac);
    assert_non_null(strstr(r.got[2], want));
    (void)snprintf(want, sizeof(want), "X-Logster-Timestamp: %lld\r\n",
            (long long)(f->now / LG_NS_PER_SEC));
    assert_non_null(strstr(r.got[2], want));
    assert_non_null(strstr(r.got[2], "POST /hook HTTP/1.1\r\n"));
    assert_string_equal(strstr(r.got[0], "\r\n\r\n") + 4, body); /* the same each time */
    assert_memory_equal(strstr(r.got[0], "X-Logster-Delivery: "),
            strstr(r.got[2], "X-Logster-Delivery: "), 20 + LG_UUID_TEXT);
}

static void test_webhook_guard(void **state)
{
    static const char *const answers[] = {OK_ANSWER, NULL};
    struct fix *f = *state;
    struct lg_delivery_row *rows;
    struct receiver r;

    receiver_start(&r, answers);
    to_webhook(f, r.port);
    f->cfg.notifications.webhook_allow.n = 0;
    open_notify(f);
    (void)verdict(f, "evil", 1, "high");
    tell(f);
    assert_int_equal(lg_notify_round(f->notify), 1);
    assert_int_equal(deliveries(f, &rows), 1);
    assert_int_equal(rows[0].state, LG_DELIVERY_DUE);
    assert_true(lg_str_find(rows[0].last_error, LG_STR("127.0.0.1")) >= 0);
    assert_true(lg_str_find(rows[0].last_error, LG_STR("not allowed")) >= 0);
    assert_int_equal(counted(f, "webhook", "refused"), 1);
    assert_int_equal(r.n, 0);
    f->cfg.notifications.webhook_allow.n = 1; /* the operator mends it */
    lg_notify_reload(f->notify, &f->cfg);
    f->now += 5 * LG_NS_PER_SEC;
    assert_int_equal(lg_notify_round(f->notify), 1);
    assert_int_equal(deliveries(f, &rows), 1);
    assert_int_equal(rows[0].state, LG_DELIVERY_DONE);
    receiver_stop(&r);
    assert_int_equal(r.n, 1);
}

static void test_given_up(void **state)
{
    struct fix *f = *state;
    struct lg_delivery_row *rows;
    int attempts = 0;

    to_webhook(f, 9); /* nobody there */
    open_notify(f);
    (void)verdict(f, "evil", 1, "high");
    (void)verdict(f, "other", 2, "high");
    tell(f);
    for (int i = 0; i < 2000 && deliveries(f, &rows) == 2; i++) {
        int n = lg_notify_round(f->notify);

        assert_true(n >= 0);
        attempts += n;
        if (rows[0].state == LG_DELIVERY_GIVEN_UP && rows[1].state == LG_DELIVERY_GIVEN_UP)
            break;
        f->now += MINUTE;
    }
    assert_int_equal(rows[0].state, LG_DELIVERY_GIVEN_UP);
    assert_int_equal(rows[1].state, LG_DELIVERY_GIVEN_UP);
    assert_true(f->now - rows[0].created_at >= f->cfg.notifications.retry_max_ns);
    assert_true(f->now - rows[0].created_at < f->cfg.notifications.retry_max_ns + 3 * MINUTE);
    assert_true(attempts > 100 && attempts < 1200); /* every five minutes for a day, not more */
    assert_int_equal(counted(f, "webhook", "given_up"), 2);
}

/* What is due when its channel was switched off waits, and goes out when it is on again. */
static void test_switched_off(void **state)
{
    static const char *const answers[] = {OK_ANSWER, NULL};
    struct fix *f = *state;
    struct lg_delivery_row *rows;
    struct receiver r;

    receiver_start(&r, answers);
    to_webhook(f, r.port);
    open_notify(f);
    (void)verdict(f, "evil", 1, "high");
    tell(f);
    f->cfg.notifications.webhook_url[0] = '\0';
    lg_notify_reload(f->notify, &f->cfg);
    assert_int_equal(lg_notify_round(f->notify), 1);
    assert_int_equal(deliveries(f, &rows), 1);
    assert_int_equal(rows[0].state, LG_DELIVERY_DUE);
    to_webhook(f, r.port);
    lg_notify_reload(f->notify, &f->cfg);
    f->now += MINUTE;
    assert_int_equal(lg_notify_round(f->notify), 1);
    receiver_stop(&r);
    assert_int_equal(r.n, 1);
}

/* A receiver that says nothing does not keep the process from stopping, and gets it again. */
static void test_stop_while_sending(void **state)
{
    static const char *const answers[] = {NULL, NULL};
    struct fix *f = *state;
    struct lg_delivery_row *rows;
    struct timespec before, after;
    struct receiver r;

    receiver_start(&r, answers);
    to_webhook(f, r.port);
    open_notify(f);
    assert_int_equal(lg_notify_start(f->notify, &err), 0);
    (void)verdict(f, "evil", 1, "high");
    tell(f);
    for (int i = 0; i < 500 && atomic_load(&r.n) == 0; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(r.n, 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    lg_notify_stop(f->notify);
    f->notify = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec <= 4);
    assert_int_equal(deliveries(f, &rows), 1);
    assert_int_equal(rows[0].state, LG_DELIVERY_DUE);
    assert_int_equal(rows[0].attempts, 0);
    receiver_stop(&r);
}

/* ---- syslog ---- */

struct collector {
    _Atomic int n;
    char got[KEPT][4096];
};

static int collect(void *ctx, const struct lg_syslog_peer *peer, const struct lg_syslog_msg *msgs,
        size_t n, lg_time received)
{
    struct collector *c = ctx;

    (void)peer;
    (void)received;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(c->got[atomic_load(&c->n) % KEPT], sizeof(c->got[0]), "%.*s",
                LG_STR_FMT(msgs[i].text));
        atomic_fetch_add(&c->n, 1);
    }
    return 0;
}

static void test_syslog(void **state)
{
    struct fix *f = *state;
    struct collector c = {0};
    struct lg_syslog_opts opts = {.on_messages = collect, .ctx = &c};
    struct lg_syslog_listener *ls;
    struct lg_delivery_row *rows;
    struct lg_syslog m;
    uint16_t port;

    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), 0);
    port = lg_syslog_listener_port(ls);
    lg_syslog_listener_stop(ls, 1000); /* away at first */
    to_syslog(f, port);
    open_notify(f);
    (void)verdict(f, "evil", 1, "high");
    f->cfg.notifications.syslog_format = LG_CONFIG_NOTIFY_JSON;
    tell(f);
    lg_notify_reload(f->notify, &f->cfg);
    (void)verdict(f, "other", 2, "critical");
    tell(f);
    assert_int_equal(lg_notify_round(f->notify), 2);
    assert_int_equal(counted(f, "syslog", "failed"), 2);
    opts.port = port;
    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), 0);
    f->now += 3 * LG_NS_PER_SEC;
    assert_int_equal(lg_notify_round(f->notify), 2);
    assert_int_equal(deliveries(f, &rows), 2);
    assert_int_equal(rows[0].state, LG_DELIVERY_DONE);
    assert_int_equal(rows[1].state, LG_DELIVERY_DONE);
    lg_syslog_listener_stop(ls, 1000);
    assert_int_equal(c.n, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lg_syslog_parse(lg_str_z(c.got[i]), NOW, &m), 0);
        assert_int_equal(m.version, 1);
        assert_str(m.app, "logster");
        assert_int_equal(m.facility, LG_SYSLOG_AUTH);
        if (m.severity == 3)
            assert_true(lg_str_starts(m.msg, LG_STR("CEF:0|Logster|Logster|1.2|T1003|")));
        else
            assert_true(lg_str_starts(m.msg, LG_STR("{\"event\":\"created\",")));
    }
}

static void test_syslog_addresses(void **state)
{
    static const char *const bad[] = {"", "host", ":514", "[]:514"};
    const struct lg_str line = LG_STR("x");
    _Atomic bool stop = false;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (lg_syslog_send(bad[i], &line, 1, 1000, &stop, &err) != LG_EINVAL)
            fail_msg("taken: %s (%s)", bad[i], err.text);
    assert_int_equal(lg_syslog_send("127.0.0.1:9", &line, 1, 1000, &stop, &err), LG_EIO);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    struct fix *f = *state;
    struct lg_outbox_row *rows = NULL;
    uint32_t n = 0;
    uint64_t at = 0;
    int rc;

    to_webhook(f, 9);
    to_syslog(f, 9);
    (void)verdict(f, "evil", 1, "medium");
    (void)verdict(f, "evil", 2, "high");
    do {
        const struct lg_notify_options opt = {
                .store = f->store, .config = &f->cfg, .version = "1", .now = fix_now, .user = f};

        (void)lg_mem_fail_from(++at);
        rc = lg_notify_new(&opt, &f->notify, &err);
        (void)lg_mem_fail_from(0);
        assert_true(rc == 0 || rc == LG_ENOMEM);
    } while (rc < 0);
    assert_true(at > 3);
    assert_int_equal(f->store->ops->outbox_read(f->store, 0, 9, &f->arena, &rows, &n), 0);
    assert_int_equal(n, 2);
    at = 0;
    do {
        (void)lg_mem_fail_from(++at);
        rc = lg_notify_changed(f->notify, &rows[1]);
        (void)lg_mem_fail_from(0);
        assert_true(rc == 0 || rc == LG_ENOMEM);
    } while (rc < 0);
    assert_true(at > 5);
    assert_int_equal(deliveries(f, NULL), 2); /* none lost, none doubled */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_what_is_told, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_told_after_restart, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_off_by_default, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_webhook_retries, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_webhook_guard, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_switched_off, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_stop_while_sending, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_syslog, set_up, tear_down),
            cmocka_unit_test(test_syslog_addresses),
            cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "net/syslog.h"

/* The syslog listener, spoken to over real sockets, plain and TLS. */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct lg_buf got; /* messages joined by | */
    unsigned n;
    int answer; /* what the callback says */
    unsigned refusals;
    char cert_name[64];
    bool tls;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static struct lg_syslog_listener *ls;
static struct lg_err err;

static int on_messages(void *ctx, const struct lg_syslog_peer *peer,
        const struct lg_syslog_msg *msgs, size_t n, lg_time received)
{
    int rc;

    (void)ctx;
    (void)pthread_mutex_lock(&seen.lock);
    rc = seen.answer;
    if (rc < 0)
        seen.refusals++;
    for (size_t i = 0; i < n && rc == 0; i++) {
        lg_buf_adds(&seen.got, msgs[i].text);
        lg_buf_adds(&seen.got, msgs[i].truncated ? LG_STR("!|") : LG_STR("|"));
        seen.n++;
    }
    assert_true(received > 0 && peer->loopback);
    (void)snprintf(seen.cert_name, sizeof(seen.cert_name), "%.*s", (int)peer->cert_name.n,
            peer->cert_name.p);
    seen.tls = peer->tls;
    (void)pthread_cond_broadcast(&seen.more);
    (void)pthread_mutex_unlock(&seen.lock);
    return rc;
}

static struct lg_syslog_opts base_opts(void)
{
    return (struct lg_syslog_opts){.on_messages = on_messages, .retry_ms = 20};
}

static void start(struct lg_syslog_opts opts)
{
    lg_buf_done(&seen.got);
    lg_buf_init(&seen.got, 64u << 20);
    seen.n = seen.refusals = 0;
    seen.answer = 0;
    if (lg_syslog_listener_start(&opts, &ls, &err) < 0)
        fail_msg("%s", err.text);
}

static int after(void **state)
{
    (void)state;
    lg_syslog_listener_stop(ls, 500);
    ls = NULL;
    lg_buf_done(&seen.got);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
            .sin_port = htons(lg_syslog_listener_port(ls)),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void wait_for(unsigned n)
{
    struct timespec until = {time(NULL) + 10, 0};

    (void)pthread_mutex_lock(&seen.lock);
    while (seen.n < n)
        if (pthread_cond_timedwait(&seen.more, &seen.lock, &until) == ETIMEDOUT) {
            (void)pthread_mutex_unlock(&seen.lock);
            fail_msg("%u of %u messages came", seen.n, n);
        }
    (void)pthread_mutex_unlock(&seen.lock);
}

static void got_is(const char *want)
{
    (void)pthread_mutex_lock(&seen.lock);
    assert_str(lg_buf_str(&seen.got), want);
    (void)pthread_mutex_unlock(&seen.lock);
}

static unsigned refusals(void)
{
    unsigned n;

    (void)pthread_mutex_lock(&seen.lock);
    n = seen.refusals;
    (void)pthread_mutex_unlock(&seen.lock);
    return n;
}

static bool closed_within(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c;

    return poll(&p, 1, ms) > 0 && recv(fd, &c, 1, 0) <= 0;
}

static void test_tcp(void **state)
{
    struct lg_syslog_stats stats;
    int a, b;

    (void)state;
    start(base_opts());
    a = dial();
    put(a, "<13>one\n<13>tw");
    wait_for(1);
    put(a, "o\n9 <14>three");
    wait_for(3);
    got_is("<13>one|<13>two|<14>three|");
    b = dial();
    put(b, "no newline at the end");
    (void)close(b);
    wait_for(4);
    got_is("<13>one|<13>two|<14>three|no newline at the end|");
    do /* counted after they were taken */
        lg_syslog_listener_stats(ls, &stats);
    while (stats.messages < 4);
    assert_int_equal(stats.messages, 4);
    assert_int_equal(stats.accepted, 2);
    (void)close(a);
}

/* While the messages are not taken the sender is held up, nothing is lost, and order stays. */
static void test_backpressure(void **state)
{
    static char block[200 * 1000];
    struct lg_syslog_stats stats;
    size_t sent = 0;
    int fd, last = -1;
    unsigned lines = 0;

    (void)state;
    start(base_opts());
    seen.answer = LG_EAGAIN;
    fd = dial();
    for (unsigned i = 0; i < 10000; i++)
        (void)snprintf(block + i * 20, 21, "<13>%014u\n", i);
    for (int round = 0; round < 200; round++) { /* more than the kernel keeps */
        ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n <= 0)
            break;
        sent += (size_t)n;
        if ((size_t)n < sizeof(block))
            break;
    }
    assert_true(sent < 39u << 20);
    lg_syslog_listener_stats(ls, &stats);
    assert_true(stats.bytes <= 2 * 65536);
    for (int i = 0; i < 100 && refusals() < 3; i++)
        (void)poll(NULL, 0, 20);
    (void)pthread_mutex_lock(&seen.lock);
    assert_true(seen.refusals >= 3);
    seen.answer = 0;
    (void)pthread_mutex_unlock(&seen.lock);
    lines = (unsigned)(sent / 20);
    wait_for(lines);
    (void)pthread_mutex_lock(&seen.lock);
    for (size_t i = 0; i + 19 < seen.got.n && lines-- > 0; i += 19) {
        uint64_t v;

        assert_int_equal(lg_parse_u64(lg_str_of(seen.got.p + i + 4, 14), &v), 0);
        assert_int_equal((int)v, (last + 1) % 10000);
        last = (int)v;
    }
    (void)pthread_mutex_unlock(&seen.lock);
    (void)close(fd);
}

static void test_errors_close(void **state)
{
    struct lg_syslog_opts opts = base_opts();
    struct lg_syslog_stats stats;
    int fd;

    (void)state;
    opts.framing = LG_FRAMING_OCTETS;
    opts.max_message_bytes = 8;
    start(opts);
    fd = dial();
    put(fd, "12 <1>345678901x");
    assert_true(closed_within(fd, 5000));
    (void)close(fd);
    wait_for(1);
    got_is("<1>34567!|"); /* cut, marked, and the rest passed over */
    lg_syslog_listener_stats(ls, &stats);
    assert_int_equal(stats.framing_errors, 1);
    assert_int_equal(stats.truncated, 1);
    (void)pthread_mutex_lock(&seen.lock);
    seen.answer = LG_EREFUSED;
    (void)pthread_mutex_unlock(&seen.lock);
    fd = dial();
    put(fd, "4 <1>a");
    assert_true(closed_within(fd, 5000));
    (void)close(fd);
}

static void test_caps(void **state)
{
    struct lg_syslog_opts opts = base_opts();
    int fds[4];

    (void)state;
    opts.max_connections_per_ip = 2;
    opts.idle_timeout_s = 1;
    start(opts);
    for (int i = 0; i < 4; i++)
        fds[i] = dial();
    assert_true(closed_within(fds[2], 3000) && closed_within(fds[3], 3000));
    put(fds[0], "<1>here\n");
    wait_for(1);
    assert_true(closed_within(fds[0], 5000)); /* idle */
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
}

static gnutls_session_t tls_dial(
        int fd, gnutls_certificate_credentials_t cred, const char *crt, const char *key)
{
    gnutls_session_t s;
    int rc;

    if (crt != NULL)
        assert_int_equal(
                gnutls_certificate_set_x509_key_file(cred, crt, key, GNUTLS_X509_FMT_PEM), 0);
    assert_int_equal(gnutls_init(&s, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_set_default_priority(s), 0);
    assert_int_equal(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred), 0);
    gnutls_transport_set_int(s, fd);
    do
        rc = gnutls_handshake(s);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    return s;
}

static void test_tls(void **state)
{
    struct lg_syslog_opts opts = base_opts();
    gnutls_certificate_credentials_t cred;
    struct lg_syslog_stats stats;
    gnutls_session_t s;
    static char big[100000];
    int fd;

    (void)state;
    opts.cert_file = certs_server;
    opts.key_file = certs_server_key;
    opts.client_ca_file = certs_ca;
    opts.client_cert_required = true;
    start(opts);
    assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
    fd = dial();
    s = tls_dial(fd, cred, certs_client, certs_client_key);
    assert_true(gnutls_record_send(s, "7 <13>tls", 9) > 0);
    wait_for(1);
    assert_true(seen.tls);
    assert_string_equal(seen.cert_name, "client");
    /* many records at once: what GnuTLS holds back does not show in epoll */
    for (size_t i = 0; i < sizeof(big); i += 10)
        memcpy(big + i, "<13>abcde\n", 10);
    for (size_t at = 0; at < sizeof(big);) {
        ssize_t n = gnutls_record_send(s, big + at, sizeof(big) - at);

        assert_true(n > 0);
        at += (size_t)n;
    }
    wait_for(1 + sizeof(big) / 10);
    (void)gnutls_bye(s, GNUTLS_SHUT_WR);
    gnutls_deinit(s);
    (void)close(fd);
    gnutls_certificate_free_credentials(cred);

    for (int stranger = 0; stranger < 2; stranger++) { /* without, and with a wrong one */
        assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
        fd = dial();
        s = tls_dial(fd, cred, stranger ? certs_stranger : NULL, certs_stranger_key);
        (void)gnutls_record_send(s, "<13>evil\n", 9);
        (void)shutdown(fd, SHUT_WR);
        for (int i = 0; i < 100; i++) {
            lg_syslog_listener_stats(ls, &stats);
            if (stats.tls_errors > (uint64_t)stranger)
                break;
            (void)poll(NULL, 0, 20);
        }
        assert_int_equal(stats.tls_errors, 1 + stranger);
        gnutls_deinit(s);
        (void)close(fd);
        gnutls_certificate_free_credentials(cred);
    }
    assert_int_equal(seen.n, 1 + sizeof(big) / 10);
    fd = dial(); /* plain text on a TLS port */
    put(fd, "<13>plain text is no TLS\n");
    (void)close(fd);
    assert_int_equal(seen.n, 1 + sizeof(big) / 10);
}

static void test_bad_options(void **state)
{
    struct lg_syslog_opts opts = base_opts();

    (void)state;
    opts.cert_file = certs_server;
    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), LG_EINVAL);
    opts.key_file = certs_stranger_key;
    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), LG_EINVAL);
    opts.cert_file = opts.key_file = NULL;
    opts.client_ca_file = certs_ca;
    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), LG_EINVAL);
    opts.client_ca_file = NULL;
    opts.host = "not an address";
    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), LG_EINVAL);
    opts.on_messages = NULL;
    assert_int_equal(lg_syslog_listener_start(&opts, &ls, &err), LG_EINVAL);
    ls = NULL;
}

/* Whole messages that were read but not yet taken are offered until the deadline. */
static void test_stop(void **state)
{
    int fd;

    (void)state;
    start(base_opts());
    seen.answer = LG_EAGAIN;
    fd = dial();
    put(fd, "<1>waiting\n");
    for (int i = 0; i < 100 && refusals() < 1; i++)
        (void)poll(NULL, 0, 20);
    (void)pthread_mutex_lock(&seen.lock);
    seen.answer = 0;
    (void)pthread_mutex_unlock(&seen.lock);
    lg_syslog_listener_stop(ls, 2000);
    ls = NULL;
    got_is("<1>waiting|");
    (void)close(fd);
}

#define T(f) cmocka_unit_test_teardown(f, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_tcp),
            T(test_backpressure),
            T(test_errors_close),
            T(test_caps),
            T(test_tls),
            T(test_bad_options),
            T(test_stop),
    };

    return cmocka_run_group_tests(tests, certs_set_up, certs_tear_down);
}

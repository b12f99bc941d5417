#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/req_int.h"

/*
 * Server-sent events (WHATWG HTML, 9.2). Pushers append to a bounded queue; the connection takes
 * from it, and sleeps when it is empty. All under one lock, which is taken before the transport's.
 */
struct lg_sse {
    pthread_mutex_t lock;
    unsigned refs; /* atomic */
    struct lg_buf queue;
    size_t at; /* taken so far */
    bool closed;
    bool dropped;
    bool asleep;
    void *conn; /* NULL: not yet, or gone */
    void (*wake)(void *conn);
    int64_t last_ns;
};

struct lg_sse *lg_sse_new(size_t max_bytes)
{
    struct lg_sse *sse = lg_calloc(1, sizeof(*sse));

    if (sse == NULL)
        return NULL;
    (void)pthread_mutex_init(&sse->lock, NULL);
    lg_buf_init(&sse->queue, max_bytes);
    sse->refs = 1;
    sse->last_ns = lg_clock_monotonic();
    return sse;
}

struct lg_sse *lg_sse_ref(struct lg_sse *sse)
{
    (void)__atomic_fetch_add(&sse->refs, 1, __ATOMIC_RELAXED);
    return sse;
}

void lg_sse_unref(struct lg_sse *sse)
{
    if (sse == NULL || __atomic_fetch_sub(&sse->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    lg_buf_done(&sse->queue);
    (void)pthread_mutex_destroy(&sse->lock);
    lg_free(sse);
}

static void lock(const struct lg_sse *sse)
{
    (void)pthread_mutex_lock(&((struct lg_sse *)(uintptr_t)sse)->lock);
}

static void unlock(const struct lg_sse *sse)
{
    (void)pthread_mutex_unlock(&((struct lg_sse *)(uintptr_t)sse)->lock);
}

static void wake_locked(struct lg_sse *sse)
{
    if (!sse->asleep || sse->conn == NULL)
        return;
    sse->asleep = false;
    sse->wake(sse->conn);
}

/* "name: value" lines; a value's own line ends must not make fields of their own. */
static void put_field(struct lg_buf *out, const char *name, struct lg_str value, bool lines)
{
    lg_buf_adds(out, lg_str_z(name));
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];

        if (c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n')
            continue;
        if (c != '\n' && c != '\r') {
            lg_buf_addc(out, c);
        } else if (lines) {
            lg_buf_addc(out, '\n');
            lg_buf_adds(out, lg_str_z(name));
        }
    }
    lg_buf_addc(out, '\n');
}

/* What was taken makes room. */
static void compact(struct lg_sse *sse)
{
    if (sse->at == 0)
        return;
    memmove(sse->queue.p, sse->queue.p + sse->at, sse->queue.n - sse->at);
    sse->queue.n -= sse->at;
    sse->at = 0;
}

int lg_sse_push(struct lg_sse *sse, struct lg_str event, struct lg_str id, struct lg_str data)
{
    size_t before;
    int rc = 0;

    lock(sse);
    if (sse->closed) {
        rc = LG_EREFUSED;
        goto out;
    }
    compact(sse);
    before = sse->queue.n;
    if (event.n > 0)
        put_field(&sse->queue, "event: ", event, false);
    if (id.n > 0)
        put_field(&sse->queue, "id: ", id, false);
    put_field(&sse->queue, "data: ", data, true);
    lg_buf_addc(&sse->queue, '\n');
    rc = sse->queue.failed;
    if (rc < 0) { /* whole events or none */
        sse->queue.n = before;
        sse->queue.failed = 0;
        sse->closed = sse->dropped = true;
    }
    sse->last_ns = lg_clock_monotonic();
    wake_locked(sse);
out:
    unlock(sse);
    return rc;
}

bool lg_sse_closed(const struct lg_sse *sse)
{
    bool closed;

    lock(sse);
    closed = sse->closed;
    unlock(sse);
    return closed;
}

bool lg_sse_dropped(const struct lg_sse *sse)
{
    bool dropped;

    lock(sse);
    dropped = sse->dropped;
    unlock(sse);
    return dropped;
}

void lg_sse_close(struct lg_sse *sse)
{
    lock(sse);
    sse->closed = true;
    wake_locked(sse);
    unlock(sse);
}

void lg_sse_attach(struct lg_sse *sse, void *conn, void (*wake)(void *conn))
{
    lock(sse);
    sse->conn = conn;
    sse->wake = wake;
    unlock(sse);
}

void lg_sse_detach(struct lg_sse *sse)
{
    lock(sse);
    sse->conn = NULL;
    sse->closed = true;
    unlock(sse);
}

ptrdiff_t lg_sse_take(struct lg_sse *sse, char *out, size_t max, void (*sleep)(void *conn))
{
    ptrdiff_t n;

    lock(sse);
    n = (ptrdiff_t)(sse->queue.n - sse->at);
    if (n > 0) {
        if ((size_t)n > max)
            n = (ptrdiff_t)max;
        memcpy(out, sse->queue.p + sse->at, (size_t)n);
        sse->at += (size_t)n;
        if (sse->at == sse->queue.n)
            sse->at = sse->queue.n = 0;
    } else if (sse->closed) {
        n = -1;
    } else {
        sse->asleep = true;
        sleep(sse->conn);
    }
    unlock(sse);
    return n;
}

void lg_sse_keepalive(struct lg_sse *sse, int64_t now_ns, int64_t every_ns)
{
    lock(sse);
    if (!sse->closed && now_ns - sse->last_ns >= every_ns) {
        sse->last_ns = now_ns;
        compact(sse);
        lg_buf_adds(&sse->queue, LG_STR(":\n\n"));
        if (sse->queue.failed < 0)
            sse->closed = sse->dropped = true;
        wake_locked(sse);
    }
    unlock(sse);
}

int lg_http_sse(struct lg_http_req *req, struct lg_sse **ret)
{
    struct lg_sse *sse;
    int rc = req->transport->sse_open(req, &sse);

    if (rc < 0)
        return rc;
    lg_http_header(req, "Cache-Control", "no-cache");
    lg_http_header(req, "X-Accel-Buffering", "no");
    LG_ASSERT(req->answer == LG_ANSWER_NONE);
    req->answer = LG_ANSWER_SSE;
    req->status = 200;
    req->type = "text/event-stream; charset=utf-8";
    req->sse = sse;
    *ret = lg_sse_ref(sse);
    return 0;
}

#include "scan/pack.h"

#include <string.h>

#define PACK_MAX_BYTES ((size_t)1 << 30)

/* The fixed part of an event; its strings and fields follow. Never leaves the process. */
struct head {
    struct lg_uuid event_id;
    lg_time time_ns;
    lg_time claimed_time_ns;
    uint32_t flags;
    uint32_t code;
    uint32_t tenant_n;
    uint32_t hostname_n;
    uint32_t endpoint_n;
    uint8_t platform;
    uint8_t source;
    uint8_t type;
    uint8_t raw_kind;
    uint64_t has[(LG_FIELD_COUNT + 63) / 64];
};

void lg_pack_init(struct lg_pack *p)
{
    lg_buf_init(&p->bytes, PACK_MAX_BYTES);
    p->n = 0;
}

void lg_pack_done(struct lg_pack *p)
{
    if (p == NULL)
        return;
    lg_buf_done(&p->bytes);
    p->n = 0;
}

static void add_field(struct lg_buf *b, const struct lg_event *ev, unsigned f)
{
    if (lg_fields[f].type == LG_FIELD_STR) {
        uint32_t n = (uint32_t)ev->v[f].s.n;

        lg_buf_add(b, &n, sizeof(n));
        lg_buf_adds(b, ev->v[f].s);
    } else {
        lg_buf_add(b, &ev->v[f].u, sizeof(ev->v[f].u));
    }
}

int lg_pack_add(struct lg_pack *p, const struct lg_event *ev)
{
    struct lg_buf *b = &p->bytes;
    size_t from = b->n;
    struct head h = {
            .event_id = ev->event_id,
            .time_ns = ev->time_ns,
            .claimed_time_ns = ev->claimed_time_ns,
            .flags = ev->flags,
            .code = ev->code,
            .tenant_n = (uint32_t)ev->tenant_id.n,
            .hostname_n = (uint32_t)ev->hostname.n,
            .endpoint_n = (uint32_t)ev->endpoint_id.n,
            .platform = (uint8_t)ev->platform,
            .source = (uint8_t)ev->source,
            .type = (uint8_t)ev->type,
            .raw_kind = (uint8_t)ev->raw_kind,
    };

    memcpy(h.has, ev->has, sizeof(h.has));
    lg_buf_add(b, &h, sizeof(h));
    lg_buf_adds(b, ev->tenant_id);
    lg_buf_adds(b, ev->hostname);
    lg_buf_adds(b, ev->endpoint_id);
    for (unsigned w = 0; w < sizeof(h.has) / sizeof(*h.has); w++)
        for (uint64_t bits = h.has[w]; bits != 0; bits &= bits - 1)
            add_field(b, ev, w * 64 + (unsigned)__builtin_ctzll(bits));
    if (b->failed < 0) {
        int rc = b->failed;

        b->n = from;
        b->failed = 0;
        return rc;
    }
    p->n++;
    return 0;
}

static struct lg_str take(const char *bytes, size_t *at, uint32_t n)
{
    struct lg_str s = lg_str_of(bytes + *at, n);

    *at += n;
    return s;
}

bool lg_pack_next(const struct lg_pack *p, size_t *at, struct lg_event *ev)
{
    const char *bytes = p->bytes.p;
    struct head h;

    if (*at >= p->bytes.n)
        return false;
    memcpy(&h, bytes + *at, sizeof(h));
    *at += sizeof(h);
    lg_event_clear(ev);
    ev->event_id = h.event_id;
    ev->time_ns = h.time_ns;
    ev->claimed_time_ns = h.claimed_time_ns;
    ev->flags = h.flags;
    ev->code = h.code;
    ev->platform = (enum lg_platform)h.platform;
    ev->source = (enum lg_source)h.source;
    ev->type = (enum lg_event_type)h.type;
    ev->raw_kind = (enum lg_raw_kind)h.raw_kind;
    ev->tenant_id = take(bytes, at, h.tenant_n);
    ev->hostname = take(bytes, at, h.hostname_n);
    ev->endpoint_id = take(bytes, at, h.endpoint_n);
    memcpy(ev->has, h.has, sizeof(ev->has));
    for (unsigned w = 0; w < sizeof(h.has) / sizeof(*h.has); w++)
        for (uint64_t bits = h.has[w]; bits != 0; bits &= bits - 1) {
            unsigned f = w * 64 + (unsigned)__builtin_ctzll(bits);

            if (lg_fields[f].type == LG_FIELD_STR) {
                uint32_t n;

                memcpy(&n, bytes + *at, sizeof(n));
                *at += sizeof(n);
                ev->v[f].s = take(bytes, at, n);
            } else {
                memcpy(&ev->v[f].u, bytes + *at, sizeof(ev->v[f].u));
                *at += sizeof(ev->v[f].u);
            }
        }
    return true;
}

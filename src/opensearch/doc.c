#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/encode.h"
#include "opensearch/os_int.h"

/* Documents: ECS members for everyone, and `logster`, what our own reads go by. */

const char *const lg_os_kind_names[2] = {"events", "inferences"};

void lg_os_index_name(const struct lg_os *os, enum lg_os_kind kind, int64_t day, char *out)
{
    int y, m, d;

    lg_civil_of_day(day, &y, &m, &d);
    (void)snprintf(out, LG_OS_INDEX_MAX, "%s-%s-%04d.%02d.%02d", os->prefix, lg_os_kind_names[kind],
            y, m, d);
}

int64_t lg_os_index_day(const struct lg_os *os, struct lg_str name, enum lg_os_kind *ret)
{
    struct lg_str prefix = lg_str_z(os->prefix);
    uint64_t y, m, d;

    if (!lg_str_starts(name, prefix) || name.n < prefix.n + 2 || name.p[prefix.n] != '-')
        return -1;
    name = lg_str_sub(name, prefix.n + 1, name.n);
    for (int k = 0; k < 2; k++) {
        struct lg_str kind = lg_str_z(lg_os_kind_names[k]);

        if (!lg_str_starts(name, kind) || name.n != kind.n + 11 || name.p[kind.n] != '-' ||
                name.p[kind.n + 5] != '.' || name.p[kind.n + 8] != '.')
            continue;
        if (lg_parse_u64(lg_str_sub(name, kind.n + 1, kind.n + 5), &y) < 0 ||
                lg_parse_u64(lg_str_sub(name, kind.n + 6, kind.n + 8), &m) < 0 ||
                lg_parse_u64(lg_str_sub(name, kind.n + 9, kind.n + 11), &d) < 0 || y < 1970 ||
                m < 1 || m > 12 || d < 1 || d > 31)
            return -1;
        *ret = (enum lg_os_kind)k;
        return lg_days_from_civil((int64_t)y, (unsigned)m, (unsigned)d);
    }
    return -1;
}

void lg_os_time_iso(lg_time t, char out[40])
{
    char ms[LG_TIME_ISO_MAX];
    int64_t ns = t % LG_NS_PER_SEC;

    (void)lg_time_iso(t, ms);
    (void)snprintf(out, 40, "%.19s.%09dZ", ms, (int)(ns < 0 ? ns + LG_NS_PER_SEC : ns));
}

/* SQLite's order inside a millisecond first, then enough of the id that no two are alike. */
int64_t lg_os_tie(const struct lg_uuid *id)
{
    return (int64_t)lg_row_tie(id) << 39 | (lg_id_key(id) & ((INT64_C(1) << 39) - 1));
}

static void hex_half(const uint8_t digest[32], char out[LG_OS_DIGEST + 1])
{
    lg_hex_encode(digest, LG_OS_DIGEST / 2, out);
}

void lg_os_event_digest(const struct lg_event_put *p, char out[LG_OS_DIGEST + 1])
{
    uint8_t digest[32];

    lg_blake2b_256(p->json, digest);
    hex_half(digest, out);
}

void lg_os_inference_digest(const struct lg_inference_put *p, char out[LG_OS_DIGEST + 1])
{
    int64_t sum = lg_inference_sum(p->in);
    uint8_t digest[32];

    lg_blake2b_256(lg_str_of((const char *)&sum, sizeof(sum)), digest);
    hex_half(digest, out);
}

static void put_folded(struct lg_jw *w, const char *key, struct lg_str s, struct lg_buf *scratch)
{
    if (s.n == 0)
        return;
    lg_buf_clear(scratch);
    lg_text_fold(s, scratch);
    if (scratch->failed != 0) /* the document would lie */
        w->out->failed = scratch->failed;
    lg_jw_key(w, lg_str_z(key));
    lg_jw_str(w, lg_buf_str(scratch));
}

static void put_text(struct lg_jw *w, const char *key, struct lg_str s)
{
    if (s.n == 0)
        return;
    lg_jw_key(w, lg_str_z(key));
    lg_jw_str(w, s);
}

static void put_words(struct lg_jw *w, const struct lg_event *ev, struct lg_buf *scratch)
{
    struct lg_event_words e = lg_event_words_of(ev);
    struct lg_creation c;

    put_folded(w, "user", e.user, scratch);
    put_folded(w, "image", e.image, scratch);
    if (lg_event_str(ev, LG_F_IMAGE).n == e.image.n)
        put_folded(w, "image_base", lg_str_basename(e.image), scratch);
    put_folded(w, "hash", e.hash, scratch);
    put_folded(w, "destination", e.destination, scratch);
    put_folded(w, "address", e.address, scratch);
    put_folded(w, "guid", e.guid, scratch);
    put_text(w, "shown_user", e.user);
    put_text(w, "shown_image", e.image);
    put_text(w, "shown_hash", e.hash);
    put_text(w, "shown_destination", e.destination);
    put_text(w, "process", e.guid);
    if (lg_event_type_creates(ev->type)) {
        lg_event_creation(ev, &c);
        put_text(w, "created", c.guid);
    }
}

/* As the SQLite store keeps it: in milliseconds of its day. */
static lg_time received_of(const struct lg_event_put *p)
{
    lg_time base = lg_day_of(p->ev->time_ns) * LG_DAY_NS;

    return base + (p->received_at - base) / 1000000 * 1000000;
}

void lg_os_event_doc(struct lg_jw *w, const struct lg_event_put *p, struct lg_buf *scratch)
{
    const struct lg_event *ev = p->ev;
    char text[40], digest[LG_OS_DIGEST + 1];

    lg_jw_object(w);
    lg_os_time_iso(ev->time_ns, text);
    LG_JW_STR(w, "@timestamp", lg_str_z(text));
    lg_os_ecs_put(w, p);
    lg_jw_key(w, LG_STR("logster"));
    lg_jw_object(w);
    LG_JW_U64(w, "schema", LG_OS_SCHEMA);
    LG_JW_STR(w, "tenant", ev->tenant_id);
    LG_JW_STR(w, "endpoint", ev->endpoint_id);
    LG_JW_I64(w, "time", ev->time_ns);
    LG_JW_I64(w, "hour", ev->time_ns / LG_HOUR_NS);
    LG_JW_I64(w, "received", received_of(p));
    LG_JW_I64(w, "stored_at", lg_clock_wall() / 1000000);
    if (p->time_shift_ns != 0)
        LG_JW_I64(w, "shift", p->time_shift_ns);
    LG_JW_I64(w, "tie", lg_os_tie(&ev->event_id));
    LG_JW_I64(w, "key", lg_id_key(&ev->event_id));
    lg_os_event_digest(p, digest);
    LG_JW_STR(w, "digest", lg_str_of(digest, LG_OS_DIGEST));
    put_words(w, ev, scratch);
    put_folded(w, "text", lg_event_searchable(p->json), scratch);
    LG_JW_STR(w, "body", p->json);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static void put_verdict(struct lg_jw *w, const struct lg_inference *in)
{
    LG_JW_I64(w, "prediction", in->prediction);
    if (in->has_prob) {
        LG_JW_DOUBLE(w, "attack_prob", in->attack_prob);
        LG_JW_DOUBLE(w, "confidence", in->confidence);
    }
    if (in->has_severity)
        LG_JW_I64(w, "severity", in->severity);
    LG_JW_I64(w, "nodes", (int64_t)(in->nodes & INT64_MAX));
    LG_JW_I64(w, "edges", (int64_t)(in->edges & INT64_MAX));
    LG_JW_DOUBLE(w, "time_ms", in->inference_time_ms);
    if (in->n_techniques > 0) {
        lg_jw_key(w, LG_STR("techniques"));
        lg_jw_array(w);
        for (uint32_t i = 0; i < in->n_techniques; i++)
            lg_jw_str(w, in->techniques[i]);
        lg_jw_array_end(w);
    }
}

void lg_os_inference_doc(struct lg_jw *w, const struct lg_inference_put *p, struct lg_buf *scratch)
{
    const struct lg_inference *in = p->in;
    char text[40], digest[LG_OS_DIGEST + 1], id[LG_UUID_TEXT + 1];

    (void)scratch;
    lg_jw_object(w);
    lg_os_time_iso(in->window_end, text);
    LG_JW_STR(w, "@timestamp", lg_str_z(text));
    lg_jw_key(w, LG_STR("logster"));
    lg_jw_object(w);
    LG_JW_U64(w, "schema", LG_OS_SCHEMA);
    lg_uuid_text(&in->inference_id, id);
    LG_JW_STR(w, "inference_id", lg_str_of(id, LG_UUID_TEXT));
    LG_JW_STR(w, "tenant", in->tenant_id);
    LG_JW_STR(w, "endpoint", in->endpoint_id);
    LG_JW_STR(w, "hostname", in->hostname);
    LG_JW_STR(w, "platform",
            lg_str_eq(in->platform, LG_STR("linux")) ? LG_STR("linux") : LG_STR("windows"));
    LG_JW_I64(w, "window_start", in->window_start);
    LG_JW_I64(w, "window_end", in->window_end);
    LG_JW_I64(w, "ms", (in->window_end - 1) / 1000000);
    LG_JW_I64(w, "received", in->received_at);
    LG_JW_I64(w, "stored_at", lg_clock_wall() / 1000000);
    LG_JW_I64(w, "tie", lg_os_tie(&in->inference_id));
    lg_os_inference_digest(p, digest);
    LG_JW_STR(w, "digest", lg_str_of(digest, LG_OS_DIGEST));
    put_verdict(w, in);
    LG_JW_STR(w, "body", in->json);
    if (p->context.n > 0) {
        lg_jw_key(w, LG_STR("context"));
        lg_jw_base64(w, p->context);
    }
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

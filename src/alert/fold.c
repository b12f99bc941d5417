#include <stdlib.h>
#include <string.h>

#include "alert/fold.h"
#include "json/write.h"

void lg_fold_key_of(const struct lg_inference *in, struct lg_fold_key *ret)
{
    static const char hex[] = "0123456789abcdef";
    const struct lg_inference_evidence *p = lg_inference_process(in);
    struct lg_str parts[6];
    struct lg_uuid id;
    char pid[12], low[256];
    size_t n = 0;
    struct lg_buf set;

    lg_buf_init(&set, 8192);
    parts[n++] = in->tenant_id;
    parts[n++] = in->endpoint_id;
    if (p != NULL && p->process_guid.n > 0) {
        parts[n++] = LG_STR("guid");
        parts[n++] = p->process_guid;
    } else if (p != NULL) {
        size_t m = p->name.n < sizeof(low) ? p->name.n : sizeof(low);

        for (size_t i = 0; i < m; i++) /* the end tells more than the beginning of a path */
            low[i] = lg_ascii_lower(p->name.p[p->name.n - m + i]);
        memcpy(pid, &p->pid, sizeof(p->pid));
        parts[n++] = LG_STR("process");
        parts[n++] = lg_str_of(pid, sizeof(p->pid));
        parts[n++] = lg_str_of(low, m);
    } else {
        for (uint32_t i = 0; i < in->n_techniques; i++) {
            lg_buf_adds(&set, in->techniques[i]);
            lg_buf_addc(&set, ' ');
        }
        parts[n++] = LG_STR("techniques");
        parts[n++] = lg_buf_str(&set);
    }
    id = lg_uuid_from_tuple(parts, n);
    for (int i = 0; i < LG_UUID_BYTES; i++) {
        ret->text[2 * i] = hex[id.b[i] >> 4];
        ret->text[2 * i + 1] = hex[id.b[i] & 15];
    }
    ret->text[LG_FOLD_KEY_TEXT] = '\0';
    lg_buf_done(&set);
}

struct lg_uuid lg_alert_id_of(
        struct lg_str tenant, const struct lg_fold_key *key, const struct lg_uuid *first_inference)
{
    const struct lg_str parts[] = {tenant, lg_str_of(key->text, LG_FOLD_KEY_TEXT),
            lg_str_of((const char *)first_inference->b, LG_UUID_BYTES)};

    return lg_uuid_from_tuple(parts, 3);
}

struct lg_fold_decision lg_fold_decide(
        const struct lg_alert *latest, const struct lg_inference *in, int64_t gap_ns)
{
    struct lg_fold_decision d = {LG_FOLD_NONE, false, false};

    if (in->prediction != LG_INFERENCE_ATTACK)
        return d;
    d.action = LG_FOLD_NEW;
    if (latest == NULL)
        return d;
    d.linked = true;
    d.recurrence = latest->status == LG_ALERT_FALSE_POSITIVE;
    if (lg_alert_status_active(latest->status) && in->window_start <= latest->last_seen + gap_ns &&
            in->window_end >= latest->first_seen - gap_ns)
        d = (struct lg_fold_decision){LG_FOLD_JOIN, false, false};
    return d;
}

/* Copies a buffer's text to the arena; takes the buffer's failure with it. */
static int keep(struct lg_buf *b, struct lg_arena *a, struct lg_str *ret)
{
    int rc = b->failed != 0 ? b->failed : lg_arena_dup(a, lg_buf_str(b), ret);

    lg_buf_clear(b);
    return rc;
}

static void put_evidence(const struct lg_inference *in, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;

    lg_jw_init(w, out);
    lg_jw_array(w);
    for (uint32_t i = 0; i < in->n_evidence; i++) {
        const struct lg_inference_evidence *e = &in->evidence[i];

        lg_jw_object(w);
        LG_JW_U64(w, "node", e->node);
        LG_JW_STR(w, "type", e->type);
        LG_JW_STR(w, "name", e->name);
        if (e->command_line.n > 0)
            LG_JW_STR(w, "command_line", e->command_line);
        if (e->pid != 0)
            LG_JW_U64(w, "pid", e->pid);
        if (e->process_guid.n > 0)
            LG_JW_STR(w, "process_guid", e->process_guid);
        if (e->user.n > 0)
            LG_JW_STR(w, "user", e->user);
        if (e->hash.n > 0)
            LG_JW_STR(w, "hash", e->hash);
        lg_jw_key(w, LG_STR("first_seen"));
        lg_jw_time(w, e->first_seen);
        LG_JW_DOUBLE(w, "share", e->share);
        if (e->parent >= 0)
            LG_JW_I64(w, "parent", e->parent);
        else
            LG_JW_NULL(w, "parent");
        lg_jw_key(w, LG_STR("techniques"));
        lg_jw_array(w);
        for (uint32_t k = 0; k < e->n_techniques; k++)
            lg_jw_str(w, e->techniques[k]);
        lg_jw_array_end(w);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

/* What follows the strongest verdict. */
static int take_face(struct lg_alert *al, const struct lg_inference *in, struct lg_arena *a)
{
    const struct lg_inference_evidence *p = lg_inference_process(in);
    struct lg_buf b;
    int rc;

    lg_buf_init(&b, 1u << 20);
    put_evidence(in, &b);
    rc = keep(&b, a, &al->evidence);
    if (rc == 0) {
        lg_alert_title(in, &b);
        rc = keep(&b, a, &al->title);
    }
    if (rc == 0) {
        lg_alert_description(in, &b);
        rc = keep(&b, a, &al->description);
    }
    lg_buf_done(&b);
    if (p != NULL) {
        al->process = p->name;
        al->process_guid = p->process_guid;
        al->process_hash = p->hash;
        al->user = p->user;
    }
    return rc;
}

/* Merges the ascending ids of `in` into the JSON array `was` (our own, hence of a known form). */
static int join_techniques(
        struct lg_str was, const struct lg_inference *in, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_str rest = lg_str_sub(was, 1, was.n > 0 ? was.n - 1 : 0), part, old = {0};
    struct lg_buf b;
    uint32_t i = 0;
    bool have = false, first = true;
    int rc;

    lg_buf_init(&b, 1u << 16);
    lg_buf_addc(&b, '[');
    for (;;) {
        struct lg_str next;

        if (!have && lg_str_split(&rest, ',', &part)) {
            old = lg_str_sub(part, 1, part.n > 0 ? part.n - 1 : 0);
            have = true;
        }
        if (!have && i == in->n_techniques)
            break;
        if (have && (i == in->n_techniques || lg_str_cmp(old, in->techniques[i]) <= 0)) {
            if (i < in->n_techniques && lg_str_eq(old, in->techniques[i]))
                i++;
            next = old;
            have = false;
        } else {
            next = in->techniques[i++];
        }
        if (!first)
            lg_buf_addc(&b, ',');
        lg_buf_addc(&b, '"');
        lg_buf_adds(&b, next);
        lg_buf_addc(&b, '"');
        first = false;
    }
    lg_buf_addc(&b, ']');
    rc = keep(&b, a, ret);
    lg_buf_done(&b);
    return rc;
}

/* Event times of what the verdict points at; the window where it points at nothing. */
static lg_time first_seen_of(const struct lg_inference *in)
{
    lg_time t = INT64_MAX;

    for (uint32_t i = 0; i < in->n_evidence; i++)
        if (in->evidence[i].first_seen < t)
            t = in->evidence[i].first_seen;
    /* A process from before the window may be evidence; the alert's story starts in the window. */
    return t == INT64_MAX || t < in->window_start ? in->window_start : t;
}

int lg_fold_open(const struct lg_inference *in, const struct lg_fold_key *key, lg_time now,
        struct lg_arena *a, struct lg_alert *ret)
{
    struct lg_alert al = {
            .alert_id = lg_alert_id_of(in->tenant_id, key, &in->inference_id),
            .tenant_id = in->tenant_id,
            .endpoint_id = in->endpoint_id,
            .hostname = in->hostname,
            .platform = in->platform,
            .severity = in->severity,
            .status = LG_ALERT_OPEN,
            .attack_prob = in->attack_prob,
            .first_seen = first_seen_of(in),
            .last_seen = in->last_event,
            .received_at = in->received_at != 0 ? in->received_at : now,
            .created_at = now,
            .updated_at = now,
            .occurrences = 1,
            .first_inference_id = in->inference_id,
            .last_inference_id = in->inference_id,
            .version = 1,
    };
    int rc = lg_arena_dup(a, lg_str_of(key->text, LG_FOLD_KEY_TEXT), &al.fold_key);

    if (rc == 0)
        rc = join_techniques(LG_STR("[]"), in, a, &al.techniques);
    if (rc == 0)
        rc = take_face(&al, in, a);
    if (rc == 0)
        *ret = al;
    return rc;
}

int lg_fold_join(
        struct lg_alert *al, const struct lg_inference *in, lg_time now, struct lg_arena *a)
{
    struct lg_alert out = *al;
    lg_time first = first_seen_of(in);
    int rc = join_techniques(al->techniques, in, a, &out.techniques);

    if (rc == 0 && in->attack_prob > al->attack_prob)
        rc = take_face(&out, in, a);
    if (rc < 0)
        return rc;
    if (in->attack_prob > al->attack_prob)
        out.attack_prob = in->attack_prob;
    out.severity = lg_severity_rise(al->severity, in->severity);
    if (first < out.first_seen)
        out.first_seen = first;
    if (in->last_event > out.last_seen)
        out.last_seen = in->last_event;
    if (in->received_at > out.received_at)
        out.received_at = in->received_at;
    out.updated_at = now;
    out.last_inference_id = in->inference_id;
    out.version++;
    *al = out;
    return 0;
}

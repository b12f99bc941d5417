/* The held-back topic as this object sees it: what waits for whom, and what of it is in memory. */
#include <inttypes.h>

#include "pipeline/fairshare_int.h"

#define READ_BYTES ((size_t)256 << 10)
#define STATE_HEAD "lg-fair 1\n"

struct fair_part *lg_fair_part(struct lg_fairshare *fs, int32_t partition)
{
    for (size_t i = 0; i < fs->parts.n; i++)
        if (fs->parts.v[i].partition == partition)
            return &fs->parts.v[i];
    return NULL;
}

static char *put(char **p, struct lg_str s)
{
    char *at = *p;

    if (s.n > 0)
        memcpy(at, s.p, s.n);
    *p += s.n;
    return at;
}

static struct fair_rec *copy_record(const struct lg_bus_record *rec)
{
    size_t bytes = rec->key.n + rec->value.n;
    struct lg_bus_header *h;
    struct fair_rec *r;
    char *p;

    for (size_t i = 0; i < rec->n_headers; i++)
        bytes += rec->headers[i].name.n + rec->headers[i].value.n;
    bytes += sizeof(*r) + rec->n_headers * sizeof(*h) + 1;
    r = lg_malloc(bytes);
    if (r == NULL)
        return NULL;
    r->bytes = bytes;
    r->rec = *rec;
    h = (struct lg_bus_header *)(r + 1);
    p = (char *)(h + rec->n_headers);
    r->rec.headers = h;
    for (size_t i = 0; i < rec->n_headers; i++) {
        h[i].name = lg_str_of(put(&p, rec->headers[i].name), rec->headers[i].name.n);
        h[i].value = lg_str_of(put(&p, rec->headers[i].value), rec->headers[i].value.n);
    }
    r->rec.key.p = put(&p, rec->key);
    r->rec.value.p = put(&p, rec->value);
    return r;
}

/* An endpoint's share of the window; at least one record is always taken. */
static bool has_room(const struct lg_fairshare *fs, const struct fair_endpoint *e)
{
    size_t share = fs->opt.window_bytes / (fs->n_ring > 0 ? fs->n_ring : 1);

    return e->first == e->queue.n || (e->queue_bytes < share && fs->window < fs->opt.window_bytes);
}

static int load(struct lg_fairshare *fs, struct fair_endpoint *e, const struct lg_bus_record *rec)
{
    struct fair_rec *r;

    if (!has_room(fs, e)) {
        e->resume = rec->offset;
        return 0;
    }
    r = copy_record(rec);
    if (r == NULL || lg_vec_push(&e->queue, r) < 0) {
        lg_free(r);
        return LG_ENOMEM;
    }
    e->queue_bytes += r->bytes;
    fs->window += r->bytes;
    return 0;
}

static int see(struct lg_fairshare *fs, struct fair_part *p, const struct lg_bus_record *rec)
{
    struct fair_endpoint *e = lg_fair_endpoint(fs, p->partition, rec->key, true);
    int rc = 0;

    if (e == NULL)
        return LG_ENOMEM;
    if (rec->offset < e->done)
        return 0; /* drained before a restart */
    if (e->resume < 0)
        rc = load(fs, e, rec);
    if (rc < 0)
        return rc;
    if (e->scanned++ == 0)
        lg_fair_ring_add(fs, e);
    if (e->held < e->scanned) {
        if (e->held == 0) {
            fs->stats.endpoints_held++;
            e->since = rec->bus_time;
        }
        fs->stats.waiting += e->scanned - e->held;
        e->held = e->scanned;
    }
    return 0;
}

int lg_fair_scan(struct lg_fairshare *fs, struct fair_part *p, struct lg_err *reterr)
{
    struct lg_bus_batch *b;
    int rc = lg_bus_read(
            fs->opt.bus, fs->opt.held_topic, p->partition, p->scan, READ_BYTES, &b, reterr);

    if (rc <= 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < b->n; i++) {
        rc = see(fs, p, &b->records[i]);
        if (rc == 0)
            p->scan = b->records[i].offset + 1;
    }
    if (rc >= 0)
        p->scan = b->next_offset;
    lg_bus_batch_free(b);
    return rc < 0 ? lg_err_set(reterr, rc, "out of memory") : 1;
}

int lg_fair_refill(struct lg_fairshare *fs, struct fair_endpoint *e, struct lg_err *reterr)
{
    const struct fair_part *p = lg_fair_part(fs, e->partition);
    int64_t at = e->resume;
    int rc = 0;

    e->resume = -1;
    while (rc == 0 && e->resume < 0 && p != NULL && at < p->scan) {
        struct lg_bus_batch *b;

        rc = lg_bus_read(fs->opt.bus, fs->opt.held_topic, p->partition, at, READ_BYTES, &b, reterr);
        if (rc <= 0)
            break;
        rc = 0;
        for (size_t i = 0; rc == 0 && i < b->n && e->resume < 0; i++) {
            at = b->records[i].offset;
            if (at >= p->scan)
                break;
            if (at >= e->done && lg_str_eq(b->records[i].key, lg_str_of(e->key, e->n)))
                rc = load(fs, e, &b->records[i]);
        }
        if (rc == 0)
            at = b->next_offset;
        lg_bus_batch_free(b);
    }
    if (rc < 0) /* and again from there */
        e->resume = at;
    return rc;
}

int64_t lg_fairshare_low_offset(struct lg_fairshare *fs, int32_t partition)
{
    const struct fair_part *p = lg_fair_part(fs, partition);
    int64_t low;

    if (p == NULL)
        return -1;
    low = p->scan;
    for (size_t i = 0; i < fs->all.n; i++) {
        const struct fair_endpoint *e = fs->all.v[i];
        int64_t at;

        if (e->partition != partition || e->scanned == 0)
            continue;
        at = e->first < e->queue.n ? e->queue.v[e->first]->rec.offset : e->resume;
        if (at >= 0 && at < low)
            low = at;
    }
    return low;
}

/* --- state: "lg-fair 1\n", then "<offset> <bytes of key> <key>\n" per endpoint */

int lg_fairshare_save(struct lg_fairshare *fs, int32_t partition, struct lg_buf *out)
{
    int64_t low = lg_fairshare_low_offset(fs, partition);

    lg_buf_adds(out, LG_STR(STATE_HEAD));
    for (size_t i = 0; i < fs->all.n; i++) {
        const struct fair_endpoint *e = fs->all.v[i];

        if (e->partition != partition || e->done <= low)
            continue;
        lg_buf_printf(out, "%" PRId64 " %zu ", e->done, e->n);
        lg_buf_add(out, e->key, e->n);
        lg_buf_addc(out, '\n');
    }
    return out->failed;
}

static int restore_one(struct lg_fairshare *fs, int32_t partition, struct lg_str *s)
{
    struct lg_str number, length;
    struct fair_endpoint *e;
    uint64_t n;
    int64_t done;

    if (!lg_str_split(s, ' ', &number) || !lg_str_split(s, ' ', &length) ||
            lg_parse_i64(number, &done) < 0 || lg_parse_u64(length, &n) < 0 || done < 0 ||
            n >= s->n || n > LG_BUS_MAX_KEY_BYTES || s->p[n] != '\n')
        return LG_ECORRUPT;
    e = lg_fair_endpoint(fs, partition, lg_str_sub(*s, 0, (size_t)n), true);
    if (e == NULL)
        return LG_ENOMEM;
    e->done = done;
    *s = lg_str_sub(*s, (size_t)n + 1, s->n);
    return 0;
}

int lg_fairshare_assigned(struct lg_fairshare *fs, int32_t partition, int64_t offset,
        struct lg_str state, struct lg_err *reterr)
{
    int64_t begin, end;
    int rc = 0;

    lg_fairshare_revoked(fs, partition); /* a try before this one may have failed half-way */
    if (state.n > 0 && !lg_str_starts(state, LG_STR(STATE_HEAD)))
        return lg_err_set(reterr, LG_ECORRUPT, "the state of fair share is damaged");
    if (state.n > 0)
        state = lg_str_sub(state, sizeof(STATE_HEAD) - 1, state.n);
    while (rc == 0 && state.n > 0)
        rc = restore_one(fs, partition, &state);
    if (rc < 0)
        return lg_err_set(reterr, rc, "the state of fair share cannot be restored");
    rc = lg_bus_offsets(fs->opt.bus, fs->opt.held_topic, partition, &begin, &end);
    if (rc < 0)
        return lg_err_set(reterr, rc, "the held-back topic has no partition %d", (int)partition);
    if (lg_vec_push(&fs->parts,
                (struct fair_part){
                        .partition = partition, .scan = offset > begin ? offset : begin}) < 0)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    do
        rc = lg_fair_scan(fs, lg_fair_part(fs, partition), reterr);
    while (rc == 1 && lg_fair_part(fs, partition)->scan < end);
    if (rc < 0)
        lg_fairshare_revoked(fs, partition);
    return rc < 0 ? rc : 0;
}

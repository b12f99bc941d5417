#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "services/normalizer_int.h"

/*
 * What the normalizer must find again after a restart lies beside the endpoints' states in
 * logster-inference-state, under keys that no endpoint can have.
 *
 * A place to resume at: outputs of records before it were published. While an assembler holds
 * records the committed offset lies before it, and what is read again up to it must not go out a
 * second time, least of all in halves. It is written a batch late, with the oldest offset held
 * then, so that every group with a record after it is read again as a whole.
 */
#define RESUME_KEY                                                                                 \
    "\x01"                                                                                         \
    "normalizer:"
#define FAIR_KEY                                                                                   \
    "\x01"                                                                                         \
    "fair-share:"

static int emit_state(struct lg_nz_worker *w, int32_t partition, struct lg_stage_out *out,
        struct lg_str key, struct lg_str value)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_STATE)}};
    const struct lg_bus_record rec = {
            .key = key, .value = value, .headers = headers, .n_headers = 1};
    int32_t n = lg_bus_partitions(w->opt->bus, w->t_state);

    return lg_stage_emit(out, w->t_state, n > 0 ? partition % n : LG_BUS_BY_KEY, &rec);
}

static struct lg_str resume_key(
        const struct lg_nz_worker *w, int topic, int32_t partition, char out[256])
{
    int n = snprintf(
            out, 256, RESUME_KEY "%s/%d", lg_bus_topic_name(w->opt->bus, topic), (int)partition);

    return lg_str_of(out, (size_t)n);
}

int lg_nz_state_resume(
        struct lg_nz_worker *w, struct lg_nz_part *p, struct lg_stage_out *out, int64_t position)
{
    char key[256], text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)position);

    return emit_state(w, p->partition, out, resume_key(w, p->topic, p->partition, key),
            lg_str_of(text, (size_t)n));
}

static struct lg_str fair_key(int32_t partition, char out[64])
{
    int n = snprintf(out, 64, FAIR_KEY "%d", (int)partition);

    return lg_str_of(out, (size_t)n);
}

int lg_nz_state_fair(struct lg_nz_worker *w, int32_t partition, struct lg_stage_out *out)
{
    char key[64];
    int rc;

    if (w->fs == NULL)
        return 0;
    lg_buf_clear(&w->text);
    rc = lg_fairshare_save(w->fs, partition, &w->text);
    if (rc < 0)
        return rc;
    return emit_state(w, partition, out, fair_key(partition, key), lg_buf_str(&w->text));
}

struct wanted {
    struct lg_str key;
    struct lg_buf *value;
    bool found;
};

static int on_state(void *user, const struct lg_bus_record *rec)
{
    struct wanted *want = user;

    if (!lg_str_eq(rec->key, want->key))
        return 0;
    lg_buf_clear(want->value);
    lg_buf_adds(want->value, rec->value);
    want->found = true;
    return want->value->failed;
}

static int find(
        struct lg_nz_worker *w, int32_t partition, struct wanted *want, struct lg_err *reterr)
{
    int32_t n = lg_bus_partitions(w->opt->bus, w->t_state);

    if (n <= 0)
        return lg_err_set(reterr, LG_ENOENT, "no topic logster-inference-state");
    return lg_bus_compacted_scan(w->opt->bus, w->t_state, partition % n, on_state, want, reterr);
}

int lg_nz_state_load(struct lg_nz_worker *w, struct lg_nz_part *p, struct lg_err *reterr)
{
    char key[256];
    struct wanted want = {.key = resume_key(w, p->topic, p->partition, key), .value = &w->text};
    int64_t at;
    int rc = find(w, p->partition, &want, reterr);

    if (rc < 0)
        return rc;
    if (want.found && lg_parse_i64(lg_buf_str(&w->text), &at) == 0)
        p->resume = at;
    return 0;
}

int lg_nz_state_load_fair(
        struct lg_nz_worker *w, int32_t partition, int64_t offset, struct lg_err *reterr)
{
    char key[64];
    struct wanted want = {.key = fair_key(partition, key), .value = &w->text};
    int rc = find(w, partition, &want, reterr);

    if (rc < 0)
        return rc;
    return lg_fairshare_assigned(
            w->fs, partition, offset, want.found ? lg_buf_str(&w->text) : lg_str_of("", 0), reterr);
}

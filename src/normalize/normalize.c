#include "normalize/normalize.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "crypto/blake2b_many.h"
#include "normalize/normalize_int.h"

/* Joined arguments, repaired text and copies of one record; a record is at most 1 MiB. */
#define NORM_ARENA_BYTES ((size_t)16 << 20)

static const char *const dead_names[LG_DEAD_REASON_COUNT] = {
#define NAME_ROW(e, s) s,
        LG_DEAD_REASONS(NAME_ROW)
#undef NAME_ROW
};

const char *lg_dead_reason_name(enum lg_dead_reason r)
{
    return (unsigned)r < LG_DEAD_REASON_COUNT ? dead_names[r] : "unknown";
}

int lg_normalizer_new(struct lg_normalizer **ret)
{
    struct lg_normalizer *nz = lg_calloc(1, sizeof(*nz));
    int rc;

    if (nz == NULL)
        return LG_ENOMEM;
    rc = lg_json_new(&nz->json);
    if (rc < 0) {
        lg_free(nz);
        return rc;
    }
    lg_arena_init(&nz->arena, NORM_ARENA_BYTES);
    *ret = nz;
    return 0;
}

void lg_normalizer_free(struct lg_normalizer *nz)
{
    if (nz == NULL)
        return;
    lg_json_free(nz->json);
    lg_arena_done(&nz->arena);
    lg_free(nz);
}

static int copy_str(struct lg_str *s)
{
    char *p = lg_strndup(s->p, s->n);

    if (p == NULL)
        return LG_ENOMEM;
    s->p = p;
    return 0;
}

static void free_str(struct lg_str s)
{
    /* ours since copy_str; struct lg_str only ever lends const */
    lg_free((void *)(uintptr_t)s.p);
}

int lg_norm_stream_new(const struct lg_norm_stream_options *opt, struct lg_norm_stream **ret)
{
    struct lg_norm_stream *st = lg_calloc(1, sizeof(*st));
    struct lg_str *strings[3];
    size_t n = 0;

    if (st == NULL)
        return LG_ENOMEM;
    st->opt = *opt;
    if (st->opt.tenant_id.n == 0)
        st->opt.tenant_id = LG_STR(NORM_TENANT_DEFAULT);
    strings[0] = &st->opt.tenant_id;
    strings[1] = &st->opt.endpoint;
    strings[2] = &st->opt.input;
    for (; n < 3; n++)
        if (copy_str(strings[n]) < 0)
            break;
    if (n < 3) {
        while (n > 0)
            free_str(*strings[--n]);
        lg_free(st);
        return LG_ENOMEM;
    }
    *ret = st;
    return 0;
}

void lg_norm_stream_free(struct lg_norm_stream *st)
{
    if (st == NULL)
        return;
    for (size_t i = 0; i < NORM_STATES; i++)
        if (st->states[i].state != NULL && st->states[i].format->state_free != NULL)
            st->states[i].format->state_free(st->states[i].state);
    free_str(st->opt.tenant_id);
    free_str(st->opt.endpoint);
    free_str(st->opt.input);
    lg_free(st);
}

void **lg_norm_state(struct lg_norm_call *call)
{
    for (size_t i = 0; i < NORM_STATES; i++) {
        if (call->st->states[i].format == NULL)
            call->st->states[i].format = call->format;
        if (call->st->states[i].format == call->format)
            return &call->st->states[i].state;
    }
    return NULL;
}

int lg_norm_open_record(struct lg_norm_call *call, struct lg_str record, bool padded)
{
    int rc;

    record = lg_str_trim(record);
    call->record = record;
    if (record.n == 0 || (record.p[0] != '{' && record.p[0] != '[')) {
        call->root = (struct lg_jval){NULL, NULL, NULL};
        call->repaired = !lg_utf8_valid(record);
        call->raw_kind = call->repaired ? LG_RAW_BINARY : LG_RAW_TEXT;
        return 0;
    }
    rc = lg_json_parse(call->nz->json, record, padded, &call->root, &call->repaired);
    if (rc < 0) {
        call->root = (struct lg_jval){NULL, NULL, NULL};
        return rc;
    }
    /* repaired JSON is not JSON as it came: others would refuse our whole line for it */
    call->raw_kind = !call->repaired ? LG_RAW_JSON
            : lg_utf8_valid(record)  ? LG_RAW_TEXT
                                     : LG_RAW_BINARY;
    return 0;
}

static int reject(struct lg_norm_call *call, int rc)
{
    if (rc == LG_ENOMEM)
        return lg_norm_dead(call, LG_DEAD_OUT_OF_MEMORY, "parsing");
    return lg_norm_dead(call, LG_DEAD_BAD_JSON, "%s", lg_json_reason(call->nz->json));
}

/* A format gives up on memory alone; what a sink refused with goes on to the caller. */
static int conclude(struct lg_norm_call *call, int rc)
{
    if (call->sink_rc < 0)
        return call->sink_rc;
    if (rc >= 0)
        return 0;
    return lg_norm_dead(call, rc == LG_ENOMEM ? LG_DEAD_OUT_OF_MEMORY : LG_DEAD_BAD_RECORD, "%s",
            lg_err_name(rc));
}

/* A body may name its tenant, but does not decide it. */
static bool tenant_differs(const struct lg_norm_call *call, struct lg_str *ret_named)
{
    struct lg_jval v;

    if (!call->opt->check_tenant || call->root.at == NULL ||
            lg_jval_type(call->root) != LG_JSON_OBJECT ||
            !lg_jval_get(call->root, LG_STR("tenant_id"), &v) || lg_jval_type(v) == LG_JSON_NULL)
        return false;
    *ret_named = lg_jval_type(v) == LG_JSON_STRING ? lg_jval_str(v) : LG_STR("(no string)");
    return !lg_str_eq(*ret_named, call->opt->tenant_id);
}

void lg_normalizer_ahead(struct lg_normalizer *nz, const struct lg_str *records, size_t n)
{
    nz->at_ahead = 0;
    nz->n_ahead = nz->by_bytes ? n < LG_NORM_AHEAD ? n : LG_NORM_AHEAD : 0;
    for (size_t i = 0; i < nz->n_ahead; i++)
        nz->ahead[i] = lg_str_trim(records[i]);
    lg_blake2b_256_many(nz->ahead, nz->n_ahead, nz->digest);
}

/* The digest of the record in hand, if it is the one that was announced. */
static const uint8_t *digest_ahead(struct lg_normalizer *nz, struct lg_str record)
{
    size_t i = nz->at_ahead;

    if (i >= nz->n_ahead)
        return NULL;
    nz->at_ahead++;
    record = lg_str_trim(record);
    return nz->ahead[i].p == record.p && nz->ahead[i].n == record.n ? nz->digest[i] : NULL;
}

int lg_normalizer_record(struct lg_normalizer *nz, struct lg_norm_stream *st, struct lg_str record,
        bool padded, struct lg_position pos, const struct lg_norm_sink *sink)
{
    struct lg_norm_call call = {
            .nz = nz,
            .st = st,
            .opt = &st->opt,
            .sink = sink,
            .record = record,
            .pos = pos,
            .digest = digest_ahead(nz, record),
            .arena = &nz->arena,
            .ev = &nz->ev,
    };
    struct lg_str named;
    int rc;

    lg_arena_clear(&nz->arena);
    if (record.n > LG_MAX_RECORD_BYTES)
        return lg_norm_dead(&call, LG_DEAD_OVERSIZED, "%zu bytes or more", record.n);
    rc = lg_norm_open_record(&call, record, padded);
    if (rc < 0)
        return reject(&call, rc);
    if (call.record.n == 0)
        return 0;
    if (tenant_differs(&call, &named))
        return lg_norm_dead(&call, LG_DEAD_TENANT_MISMATCH, "the record says \"%.*s\"",
                named.n > 64 ? 64 : (int)named.n, named.p);
    call.format = lg_registry_find(&call, st->last);
    if (call.format == NULL)
        return lg_norm_dead(&call, LG_DEAD_UNKNOWN_FORMAT, "no format takes this record");
    st->last = call.format;
    return conclude(&call, call.format->normalize(&call));
}

bool lg_norm_stream_held(const struct lg_norm_stream *st, uint64_t line, uint64_t *ret)
{
    bool found = false;

    for (size_t i = 0; i < NORM_STATES; i++) {
        const struct lg_format *f = st->states[i].format;
        uint64_t at;

        if (f == NULL || f->held == NULL || st->states[i].state == NULL ||
                !f->held(st->states[i].state, line, &at))
            continue;
        if (!found || at < *ret)
            *ret = at;
        found = true;
    }
    return found;
}

int lg_normalizer_flush(
        struct lg_normalizer *nz, struct lg_norm_stream *st, const struct lg_norm_sink *sink)
{
    for (size_t i = 0; i < NORM_STATES; i++) {
        const struct lg_format *f = st->states[i].format;
        struct lg_norm_call call = {
                .nz = nz,
                .st = st,
                .opt = &st->opt,
                .format = f,
                .sink = sink,
                .record = LG_STR(""),
                .raw_kind = LG_RAW_TEXT,
                .arena = &nz->arena,
                .ev = &nz->ev,
        };
        int rc;

        if (f == NULL || f->flush == NULL || st->states[i].state == NULL)
            continue;
        lg_arena_clear(&nz->arena);
        rc = conclude(&call, f->flush(&call));
        if (rc < 0)
            return rc;
    }
    return 0;
}

int lg_norm_dead(struct lg_norm_call *call, enum lg_dead_reason reason, const char *fmt, ...)
{
    struct lg_dead_letter dl = {
            .reason = reason,
            .input = call->opt->input,
            .format = lg_str_z(lg_format_name(call->format)),
            .tenant_id = call->opt->tenant_id,
            .pos = call->pos,
            .bytes = call->record,
    };
    va_list ap;
    int rc;

    va_start(ap, fmt);
    (void)vsnprintf(dl.detail, sizeof(dl.detail), fmt, ap);
    va_end(ap);
    rc = call->sink->dead(call->sink->user, &dl);
    if (rc < 0)
        call->sink_rc = rc;
    return rc;
}

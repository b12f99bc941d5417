#include "store/alert_common.h"

#include <stdlib.h>
#include <string.h>

#include "access/scope.h"
#include "base/hash.h"
#include "store/event_store.h"

struct lg_uuid lg_feedback_id(const struct lg_feedback *f)
{
    char tp = f->is_true_positive ? '1' : '0';
    const struct lg_str parts[] = {LG_STR("feedback"), f->tenant_id,
            lg_str_of((const char *)f->alert_id.b, LG_UUID_BYTES),
            lg_str_of((const char *)f->inference_id.b, LG_UUID_BYTES), f->author, f->note,
            lg_str_of(&tp, 1), lg_str_of((const char *)&f->created_at, sizeof(f->created_at))};

    return lg_uuid_from_tuple(parts, sizeof(parts) / sizeof(*parts));
}

struct lg_uuid lg_suppression_id(const struct lg_suppression *s)
{
    const struct lg_str parts[] = {LG_STR("suppression"), s->tenant_id, s->endpoint_id, s->process,
            s->hash, s->technique, s->owner, s->reason,
            lg_str_of((const char *)&s->created_at, sizeof(s->created_at))};

    return lg_uuid_from_tuple(parts, sizeof(parts) / sizeof(*parts));
}

void lg_alert_text(const struct lg_alert *al, struct lg_buf *out)
{
    const struct lg_str parts[] = {al->title, al->endpoint_id, al->hostname, al->process, al->user,
            al->process_hash, al->assignee, al->analyst_notes};

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        lg_text_fold(parts[i], out);
        lg_buf_addc(out, '\n'); /* nobody searches across it */
    }
}

bool lg_alert_query_valid(const struct lg_alert_query *q)
{
    return q->limit >= 1 && q->limit <= LG_STORE_LIMIT_MAX && q->offset <= LG_STORE_OFFSET_MAX &&
            (unsigned)q->sort < LG_ALERT_SORT_COUNT && q->text.n <= 1024;
}

bool lg_alert_query_narrow(const struct lg_alert_query *q)
{
    return q->severities != 0 || q->endpoint.n > 0 || q->technique.n > 0 || q->assignee.n > 0 ||
            q->text.n > 0 || q->from != 0 || q->to != 0 || q->received_from != 0 ||
            q->received_to != 0;
}

static uint64_t mix_str(uint64_t h, struct lg_str s)
{
    return lg_hash_mix(h, lg_hash_str(s, 7));
}

uint64_t lg_alert_query_hash(const struct lg_alert_query *q)
{
    const int64_t nums[] = {q->statuses, q->severities, q->from, q->to, q->received_from,
            q->received_to, q->sort, q->ascending};
    uint64_t h = lg_hash64(nums, sizeof(nums), 11);

    h = mix_str(h, q->tenant);
    h = mix_str(h, q->endpoint);
    h = mix_str(h, q->technique);
    h = mix_str(h, q->assignee);
    return mix_str(h, q->text);
}

int lg_alert_patch_own(
        const struct lg_alert_patch *p, struct lg_arena *a, struct lg_alert_patch *ret)
{
    struct lg_alert_patch own = *p;

    if (p->actor.n == 0 || p->actor.n > LG_ALERT_NAME_MAX || p->notes.n > LG_ALERT_NOTES_MAX ||
            p->assignee.n > LG_ALERT_NAME_MAX)
        return LG_EINVAL;
    if (lg_arena_dup(a, p->actor, &own.actor) < 0 || lg_arena_dup(a, p->notes, &own.notes) < 0 ||
            lg_arena_dup(a, p->assignee, &own.assignee) < 0)
        return LG_ENOMEM;
    *ret = own;
    return 0;
}

int lg_alert_patch_allowed(
        const struct lg_alert_patch *p, const struct lg_alert *al, unsigned *reterr_steps)
{
    int rc = p->if_match.n > 0 ? lg_alert_etag_match(p->if_match, al->version) : 0;

    if (rc >= 0 && p->has_status && !lg_alert_step_allowed(al->status, p->status)) {
        *reterr_steps = lg_alert_steps_from(al->status);
        rc = LG_ERANGE;
    }
    return rc;
}

bool lg_alert_patch_take(const struct lg_alert_patch *p, struct lg_alert *al,
        struct lg_alert_patch_step steps[LG_ALERT_PATCH_STEPS], unsigned *ret_n)
{
    struct lg_str none = LG_STR(""), notes = p->has_notes ? p->notes : none;
    bool changed = false, told = false;
    unsigned n = 0;

    if (p->has_status && p->status != al->status) {
        steps[n++] =
                (struct lg_alert_patch_step){"status", lg_str_z(lg_alert_status_name(al->status)),
                        lg_str_z(lg_alert_status_name(p->status)), notes};
        al->status = p->status;
        al->resolved_by = lg_alert_status_active(p->status) ? none : p->actor;
        changed = told = true;
    }
    if (p->has_assignee && !lg_str_eq(p->assignee, al->assignee)) {
        steps[n++] = (struct lg_alert_patch_step){"assignee", al->assignee, p->assignee, none};
        al->assignee = p->assignee;
        changed = true;
    }
    if (p->has_notes && !lg_str_eq(p->notes, al->analyst_notes)) {
        if (!told)
            steps[n++] = (struct lg_alert_patch_step){"notes", none, none, notes};
        al->analyst_notes = p->notes;
        changed = true;
    }
    *ret_n = n;
    return changed;
}

static void count(struct lg_judged *j, bool right)
{
    j->right += right;
    j->wrong += !right;
}

static int add_technique(struct lg_quality_sum *s, struct lg_str name, bool right)
{
    struct lg_quality_technique fresh = {0};
    bool made = false;
    uint64_t *at =
            lg_map_at(&s->by_name, lg_hash_str(name, lg_hash_secret()), s->techniques.n, &made);
    int rc = 0;

    if (at == NULL)
        return LG_ENOMEM;
    if (made) {
        rc = lg_arena_dup(s->a, name, &fresh.technique);
        if (rc >= 0)
            rc = lg_vec_push(&s->techniques, fresh);
    }
    if (rc >= 0)
        count(&s->techniques.v[*at].judged, right);
    return rc;
}

int lg_quality_open(struct lg_quality_sum *s, const struct lg_quality_query *q, struct lg_arena *a,
        struct lg_quality *ret)
{
    *s = (struct lg_quality_sum){.q = q, .a = a, .out = ret};
    lg_map_init(&s->by_name);
    if (q->parts < 1 || q->parts > LG_STORE_QUALITY_PARTS || q->from < 0 || q->to <= q->from)
        return LG_EINVAL;
    *ret = (struct lg_quality){0};
    ret->over_time = lg_arena_zalloc(a, q->parts * sizeof(*ret->over_time));
    return ret->over_time == NULL ? LG_ENOMEM : 0;
}

int lg_quality_add(struct lg_quality_sum *s, bool right, lg_time at, int64_t severity,
        struct lg_str techniques)
{
    int64_t width = (s->q->to - s->q->from + s->q->parts - 1) / s->q->parts;
    struct lg_str part;
    int rc = 0;

    count(&s->out->all, right);
    count(&s->out->over_time[(at - s->q->from) / width], right);
    if (severity >= 0 && severity < LG_SEVERITY_COUNT)
        count(&s->out->severity[severity], right);
    /* ours: an array of ids, which hold no quotes */
    while (rc >= 0 && lg_str_split(&techniques, '"', &part) &&
            lg_str_split(&techniques, '"', &part))
        rc = part.n > 0 && part.p[0] == 'T' ? add_technique(s, part, right) : 0;
    return rc;
}

static int most_judged(const void *pa, const void *pb)
{
    const struct lg_quality_technique *a = pa, *b = pb;
    uint64_t na = a->judged.right + a->judged.wrong, nb = b->judged.right + b->judged.wrong;

    return na != nb ? (na > nb ? -1 : 1) : lg_str_cmp(a->technique, b->technique);
}

static int take_techniques(struct lg_quality_sum *s)
{
    struct lg_quality_technique *list = s->techniques.v;
    size_t n = s->techniques.n;

    if (n == 0)
        return 0;
    qsort(list, n, sizeof(*list), most_judged);
    s->out->techniques = lg_arena_alloc(s->a, n * sizeof(*list));
    if (s->out->techniques == NULL)
        return LG_ENOMEM;
    memcpy(s->out->techniques, list, n * sizeof(*list));
    s->out->n_techniques = (uint32_t)n;
    return 0;
}

int lg_quality_close(struct lg_quality_sum *s, int rc)
{
    if (rc >= 0)
        rc = take_techniques(s);
    lg_vec_done(&s->techniques);
    lg_map_done(&s->by_name);
    return rc < 0 ? rc : 0;
}

bool lg_token_visible(const struct lg_scope *sc, struct lg_str tenants)
{
    struct lg_str rest = tenants, part;
    bool any = false;

    if (sc == NULL || lg_scope_is_empty(sc))
        return false;
    if (lg_scope_is_all(sc))
        return true;
    while (lg_str_split(&rest, '"', &part)) { /* tenant names hold no quotes (lg_tenant_valid) */
        if (!lg_str_split(&rest, '"', &part))
            break;
        if (!lg_scope_allows(sc, part))
            return false;
        any = true;
    }
    return any;
}

bool lg_audit_rows_valid(const struct lg_audit_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].actor.n > 200 || rows[i].action.n == 0 || rows[i].action.n > 100 ||
                rows[i].target.n > 1024 || rows[i].detail.n > 65536 || rows[i].request_id.n > 200)
            return false;
    return true;
}

struct lg_link lg_audit_link(const struct lg_link *prev, const struct lg_audit_row *r)
{
    const struct lg_str columns[] = {lg_str_of((const char *)&r->seq, sizeof(r->seq)),
            lg_str_of((const char *)&r->at, sizeof(r->at)), r->tenant_id, r->actor, r->action,
            r->target, r->detail, r->request_id};

    return lg_chain_next_of(
            LG_STR("logster audit 1"), prev, columns, sizeof(columns) / sizeof(*columns));
}

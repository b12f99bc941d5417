#include "store/event_common.h"

#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/hash.h"
#include "store/shared.h"
#include "json/write.h"

void lg_civil_of_day(int64_t day, int *y, int *m, int *d)
{
    /* Howard Hinnant's days_from_civil, turned round. */
    int64_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

bool lg_event_put_sound(const struct lg_event_put *p)
{
    return p->ev->time_ns >= 0 && p->ev->time_ns < INT64_MAX - LG_DAY_NS &&
            p->ev->tenant_id.n > 0 && p->ev->endpoint_id.n > 0 &&
            (unsigned)p->ev->type < LG_EVENT_TYPE_COUNT && p->json.n < (16u << 20);
}

bool lg_inference_put_sound(const struct lg_inference_put *p)
{
    return p->in->window_end > 0 && p->in->window_end <= INT64_MAX - LG_DAY_NS &&
            p->in->tenant_id.n > 0;
}

static bool without_fits(const struct lg_event_without *w)
{
    if (w->n > LG_STORE_WITHOUT_MAX)
        return false;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->v[i].n == 0 || w->v[i].n > 2048)
            return false;
    return true;
}

int lg_event_query_check(const struct lg_event_query *q)
{
    if (!without_fits(&q->not_endpoint) || !without_fits(&q->not_user) ||
            !without_fits(&q->not_image) || !without_fits(&q->not_hash) ||
            !without_fits(&q->not_ip) || !without_fits(&q->not_guid))
        return LG_EINVAL;
    return q->limit < 1 || q->limit > LG_STORE_LIMIT_MAX || q->text.n > 1024 || q->user.n > 1024 ||
                    q->image.n > 2048 || q->hash.n > 256 || q->ip.n > 256 || q->process_guid.n > 256
            ? LG_EINVAL
            : 0;
}

int lg_inference_query_check(const struct lg_inference_query *q)
{
    return q->limit < 1 || q->limit > LG_STORE_LIMIT_MAX ||
                    !(q->min_prob >= 0 && q->min_prob <= 1) ||
                    (q->technique.n > 0 && !lg_technique_valid(q->technique))
            ? LG_EINVAL
            : 0;
}

bool lg_range_parts_fit(const struct lg_range_query *q)
{
    return q->parts == 0 || (q->parts <= LG_STORE_PARTS_MAX && q->from >= 0 && q->to > q->from);
}

int64_t lg_range_part_of(const struct lg_range_query *q, uint32_t parts, lg_time t)
{
    int64_t i;

    if (parts == 0 || t < q->from)
        return -1;
    i = (t - q->from) / lg_range_part(q, parts);
    return i < parts ? i : -1;
}

int lg_event_counts_init(const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
        struct lg_event_counts *ret)
{
    *ret = (struct lg_event_counts){0};
    if (parts < 1 || parts > LG_STORE_PARTS_MAX || q->from <= 0 || q->to <= q->from ||
            q->to > INT64_MAX - LG_DAY_NS)
        return LG_EINVAL;
    ret->parts = (uint64_t *)lg_arena_zalloc(a, parts * sizeof(*ret->parts));
    return ret->parts == NULL ? LG_ENOMEM : 0;
}

uint64_t lg_event_query_hash(const struct lg_event_query *q)
{
    const struct lg_str texts[] = {
            q->tenant, q->endpoint, q->user, q->image, q->hash, q->ip, q->process_guid, q->text};
    const int64_t nums[] = {q->from, q->to, q->received_from, q->received_to, q->ascending};
    uint64_t h = lg_hash64(nums, sizeof(nums), 3);

    const struct lg_event_without *const without[] = {
            &q->not_endpoint, &q->not_user, &q->not_image, &q->not_hash, &q->not_ip, &q->not_guid};

    h = lg_hash_mix(h, lg_hash64(q->types, sizeof(q->types), 3));
    for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
        for (uint32_t k = 0; k < without[i]->n; k++)
            h = lg_hash_mix(h, lg_hash_str(without[i]->v[k], 100 + i));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        h = lg_hash_mix(h, lg_hash_str(texts[i], i));
    return h;
}

uint64_t lg_inference_query_hash(const struct lg_inference_query *q)
{
    const int64_t nums[] = {q->from, q->to, q->received_from, q->received_to, q->predictions,
            q->severities, q->sort, q->ascending};
    uint64_t h = lg_hash64(nums, sizeof(nums), 5);

    h = lg_hash_mix(h, lg_hash64(&q->min_prob, sizeof(q->min_prob), 5));
    h = lg_hash_mix(h, lg_hash_str(q->tenant, 1));
    h = lg_hash_mix(h, lg_hash_str(q->endpoint, 2));
    return lg_hash_mix(h, lg_hash_str(q->technique, 3));
}

uint32_t lg_row_tie(const struct lg_uuid *id)
{
    return (uint32_t)(lg_hash64(id->b, sizeof(id->b), 0) & 0xffffff);
}

static struct lg_str first_of(const struct lg_event *ev, const enum lg_field *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lg_event_has(ev, order[i]))
            return lg_word_cut(lg_event_str(ev, order[i]));
    return LG_STR("");
}
#define FIRST_OF(ev, ...)                                                                          \
    first_of((ev), (const enum lg_field[]){__VA_ARGS__},                                           \
            sizeof((const enum lg_field[]){__VA_ARGS__}) / sizeof(enum lg_field))

struct lg_event_words lg_event_words_of(const struct lg_event *ev)
{
    return (struct lg_event_words){.image = FIRST_OF(ev, LG_F_IMAGE),
            .user = FIRST_OF(
                    ev, LG_F_USER, LG_F_TARGET_USER_NAME, LG_F_SUBJECT_USER_NAME, LG_F_ACCOUNT),
            .guid = FIRST_OF(ev, LG_F_PROCESS_GUID),
            .hash = FIRST_OF(ev, LG_F_SHA256, LG_F_SHA1, LG_F_MD5),
            .destination = FIRST_OF(ev, LG_F_DESTINATION_IP),
            .address = FIRST_OF(ev, LG_F_SOURCE_IP, LG_F_IP_ADDRESS, LG_F_REMOTE_ADDRESS)};
}

bool lg_event_type_creates(enum lg_event_type t)
{
    return t == LG_EVENT_PROCESS_CREATE || t == LG_EVENT_PROCESS_FORK;
}

void lg_event_creation(const struct lg_event *ev, struct lg_creation *ret)
{
    struct lg_event_words w = lg_event_words_of(ev);
    uint64_t pid = lg_event_u64(ev, LG_F_PROCESS_ID),
             ppid = lg_event_u64(ev, LG_F_PARENT_PROCESS_ID);

    *ret = (struct lg_creation){.guid = w.guid,
            .image = w.image,
            .user = w.user,
            .hash = w.hash,
            .command = lg_word_cut(lg_event_str(ev, LG_F_COMMAND_LINE))};
    if (ev->type == LG_EVENT_PROCESS_FORK) {
        ret->parent_guid = w.guid;
        ppid = pid;
        pid = lg_event_u64(ev, LG_F_TARGET_PROCESS_ID);
        ret->parent_image = w.image;
        ret->guid = FIRST_OF(ev, LG_F_TARGET_PROCESS_GUID);
    } else {
        ret->parent_guid = FIRST_OF(ev, LG_F_PARENT_PROCESS_GUID);
        ret->parent_image = FIRST_OF(ev, LG_F_PARENT_IMAGE);
    }
    ret->pid = (uint32_t)(pid & UINT32_MAX);
    ret->ppid = (uint32_t)(ppid & UINT32_MAX);
}

struct lg_str lg_event_searchable(struct lg_str json)
{
    ptrdiff_t raw = lg_str_find(json, LG_STR(",\"raw_event\":"));

    return raw < 0 ? json : lg_str_sub(json, 0, (size_t)raw);
}

int lg_event_needle(struct lg_str text, struct lg_buf *out)
{
    struct lg_buf escaped;

    lg_buf_init(&escaped, 65536);
    lg_json_escape(&escaped, text);
    lg_text_fold(lg_buf_str(&escaped), out);
    if (escaped.failed != 0)
        out->failed = escaped.failed;
    lg_buf_done(&escaped);
    return out->failed;
}

int64_t lg_inference_sum(const struct lg_inference *in)
{
    uint64_t h = lg_hash64(&in->attack_prob, sizeof(in->attack_prob), 0);
    const uint64_t nums[] = {(uint64_t)in->window_start, (uint64_t)in->window_end,
            (uint64_t)in->prediction, in->events, in->nodes, in->edges};

    h = lg_hash_mix(h, lg_hash64(nums, sizeof(nums), 0));
    h = lg_hash_mix(h, lg_hash_str(in->endpoint_id, 0));
    return (int64_t)(h & UINT32_MAX);
}

int lg_technique_order(const void *pa, const void *pb)
{
    const struct lg_technique_count *a = (const struct lg_technique_count *)pa;
    const struct lg_technique_count *b = (const struct lg_technique_count *)pb;

    if (a->attacks != b->attacks)
        return a->attacks > b->attacks ? -1 : 1;
    return lg_str_cmp(a->technique, b->technique);
}

/* What was seen in most hours first: that is what is usual. */
static int by_hours(const void *pa, const void *pb)
{
    const struct lg_profile_item *a = (const struct lg_profile_item *)pa;
    const struct lg_profile_item *b = (const struct lg_profile_item *)pb;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->hours != b->hours)
        return a->hours > b->hours ? -1 : 1;
    if (a->first_seen != b->first_seen)
        return a->first_seen < b->first_seen ? -1 : 1;
    return lg_str_cmp(a->value, b->value);
}

int lg_profile_give(struct lg_profile_item *v, size_t n, uint32_t max, struct lg_arena *a,
        struct lg_profile_item **ret, uint32_t *ret_n)
{
    uint32_t out = 0, of_kind = 0;

    if (n > 0)
        qsort(v, n, sizeof(*v), by_hours);
    *ret = (struct lg_profile_item *)lg_arena_alloc(a, (n + 1) * sizeof(**ret));
    if (*ret == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        of_kind = i > 0 && v[i].kind == v[i - 1].kind ? of_kind + 1 : 1;
        if (of_kind <= max)
            (*ret)[out++] = v[i];
    }
    *ret_n = out;
    return 0;
}

void lg_time_bucket_end(struct lg_time_bucket *b)
{
    double judged = (double)(b->inferences - b->errors), all = (double)b->inferences;

    if (b->inferences > b->errors) {
        b->avg_attack_prob /= judged;
        b->avg_confidence /= judged;
    }
    if (b->inferences > 0) {
        b->avg_inference_time_ms /= all;
        b->avg_graph_nodes /= all;
        b->avg_graph_edges /= all;
    }
}

void lg_summary_end(struct lg_summary *s)
{
    if (s->total_attacks + s->total_benign > 0) {
        s->avg_attack_prob /= (double)(s->total_attacks + s->total_benign);
        s->avg_confidence /= (double)(s->total_attacks + s->total_benign);
    }
    if (s->total_inferences > 0) {
        s->avg_inference_time_ms /= (double)s->total_inferences;
        s->avg_graph_nodes /= (double)s->total_inferences;
        s->avg_graph_edges /= (double)s->total_inferences;
    }
}

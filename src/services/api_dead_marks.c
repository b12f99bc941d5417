#include "services/api_dead_int.h"

#include <stdio.h>

#define MARKS_MAX 65536u /* ranges of one set */

const char *const api_dead_state_names[API_DEAD_STATES] = {"open", "replayed", "dropped"};

void api_marks_done(struct api_marks *m)
{
    lg_vec_done(&m->v);
}

bool api_marks_has(const struct api_marks *m, int64_t offset)
{
    size_t lo = 0, hi = m->v.n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (m->v.v[mid].last < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->v.n && m->v.v[lo].first <= offset;
}

int api_marks_add(struct api_marks *m, int64_t offset)
{
    size_t at = 0;

    if (api_marks_has(m, offset))
        return 0;
    while (at < m->v.n && m->v.v[at].last < offset)
        at++;
    if (at > 0 && m->v.v[at - 1].last + 1 == offset) {
        m->v.v[at - 1].last = offset;
        if (at < m->v.n && m->v.v[at].first == offset + 1) {
            m->v.v[at - 1].last = m->v.v[at].last;
            memmove(&m->v.v[at], &m->v.v[at + 1], (m->v.n - at - 1) * sizeof(*m->v.v));
            m->v.n--;
        }
        return 0;
    }
    if (at < m->v.n && m->v.v[at].first == offset + 1) {
        m->v.v[at].first = offset;
        return 0;
    }
    if (m->v.n >= MARKS_MAX)
        return LG_ELIMIT;
    if (lg_vec_push(&m->v, ((struct api_range){0, 0})) < 0)
        return LG_ENOMEM;
    memmove(&m->v.v[at + 1], &m->v.v[at], (m->v.n - 1 - at) * sizeof(*m->v.v));
    m->v.v[at] = (struct api_range){offset, offset};
    return 0;
}

static void marks_key(char out[64], enum api_dead_state s, int32_t partition)
{
    (void)snprintf(out, 64, "dead-letter.%d.%s", (int)partition, api_dead_state_names[s]);
}

/* "0-17,19-19"; what lies before `begin` has left the topic and is forgotten. */
static int marks_parse(struct lg_str text, int64_t begin, struct api_marks *m)
{
    struct lg_str part;

    while (lg_str_split(&text, ',', &part)) {
        ptrdiff_t dash = lg_str_chr(part, '-');
        struct api_range r;

        if (dash <= 0 || lg_parse_i64(lg_str_sub(part, 0, (size_t)dash), &r.first) < 0 ||
                lg_parse_i64(lg_str_sub(part, (size_t)dash + 1, part.n), &r.last) < 0)
            return LG_ECORRUPT;
        if (r.last >= begin && lg_vec_push(&m->v, r) < 0)
            return LG_ENOMEM;
    }
    return 0;
}

int api_marks_load(struct lg_api *api, enum api_dead_state s, int32_t partition, int64_t begin,
        struct api_marks *m)
{
    struct lg_arena a;
    struct lg_str text;
    char key[64];
    int rc;

    *m = (struct api_marks){0};
    marks_key(key, s, partition);
    lg_arena_init(&a, (size_t)4 << 20);
    rc = api->admin->ops->setting_get(api->admin, lg_str_z(key), &a, &text);
    if (rc == 0)
        rc = marks_parse(text, begin, m);
    lg_arena_done(&a);
    if (rc < 0)
        api_marks_done(m);
    return rc == LG_ENOENT ? 0 : rc;
}

int api_marks_store(
        struct lg_api *api, enum api_dead_state s, int32_t partition, const struct api_marks *m)
{
    struct lg_buf text;
    char key[64];
    int rc;

    marks_key(key, s, partition);
    lg_buf_init(&text, (size_t)1 << 20);
    for (size_t i = 0; i < m->v.n; i++)
        lg_buf_printf(&text, "%s%lld-%lld", i > 0 ? "," : "", (long long)m->v.v[i].first,
                (long long)m->v.v[i].last);
    rc = text.failed;
    if (rc == 0)
        rc = api->admin->ops->setting_put(api->admin, lg_str_z(key), lg_buf_str(&text));
    lg_buf_done(&text);
    return rc;
}

#include "graph/graph.h"
#include "services/api_int.h"

/*
 * What could not be seen of an endpoint over a range, from its verdicts: each carries the ledger of
 * its window. Windows overlap; those that end at multiples of their own length do not, and together
 * hold every event once.
 */
#define PAGE 500u
#define WINDOWS_MAX 20000u /* that one request looks at */

struct sums {
    uint64_t windows, events, late, by_kind[LG_LEDGER_COUNT];
};

static uint64_t count_of(struct lg_str text)
{
    uint64_t v;

    return lg_parse_u64(text, &v) == 0 ? v : 0;
}

static void add_kinds(struct sums *s, struct lg_str ledger)
{
    struct api_member m[LG_LEDGER_COUNT];
    size_t n = api_members(ledger, m, LG_LEDGER_COUNT);

    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < LG_LEDGER_COUNT; k++)
            if (lg_str_eq(m[i].key, lg_str_z(lg_ledger_name((enum lg_ledger)k))))
                s->by_kind[k] += count_of(m[i].value);
}

static void add_verdict(struct sums *s, struct lg_str json)
{
    struct api_member m[64];
    struct lg_str ledger = {0};
    size_t n = api_members(json, m, 64);
    lg_time start = 0, end = 0;
    uint64_t events = 0, late = 0;

    for (size_t i = 0; i < n; i++) {
        if (lg_str_eq(m[i].key, LG_STR("window_start")))
            (void)!lg_parse_time_epoch(m[i].value, &start);
        else if (lg_str_eq(m[i].key, LG_STR("window_end")))
            (void)!lg_parse_time_epoch(m[i].value, &end);
        else if (lg_str_eq(m[i].key, LG_STR("events")))
            events = count_of(m[i].value);
        else if (lg_str_eq(m[i].key, LG_STR("late_events")))
            late = count_of(m[i].value);
        else if (lg_str_eq(m[i].key, LG_STR("ledger")))
            ledger = m[i].value;
    }
    if (end <= start || end % (end - start) != 0)
        return;
    s->windows++;
    s->events += events;
    s->late += late;
    add_kinds(s, ledger);
}

static void put_sums(
        struct lg_jw *w, const struct sums *s, lg_time from, lg_time to, bool incomplete)
{
    lg_jw_object(w);
    api_put_time(w, LG_STR("from"), from);
    api_put_time(w, LG_STR("to"), to);
    LG_JW_BOOL(w, "range_incomplete", incomplete);
    LG_JW_U64(w, "windows", s->windows);
    LG_JW_U64(w, "events", s->events);
    LG_JW_U64(w, "late_events", s->late);
    for (int k = 0; k < LG_LEDGER_COUNT; k++) {
        lg_jw_key(w, lg_str_z(lg_ledger_name((enum lg_ledger)k)));
        lg_jw_u64(w, s->by_kind[k]);
    }
    lg_jw_object_end(w);
}

int api_put_ledger(struct lg_jw *w, struct lg_api *api, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_str endpoint, lg_time from, lg_time to)
{
    char cursor[512];
    struct lg_inference_query q = {
            .tenant = tenant, .endpoint = endpoint, .from = from, .to = to, .limit = PAGE};
    struct sums s = {0};
    uint32_t seen = 0;
    bool more = true;

    while (more && seen < WINDOWS_MAX) {
        struct lg_inference_page page = {0};
        struct lg_arena arena;
        int rc;

        lg_arena_init(&arena, API_LIST_ARENA);
        rc = api->d.events->ops->inference_search(api->d.events, sc, &q, &arena, &page);
        for (uint32_t i = 0; rc == 0 && i < page.n; i++)
            add_verdict(&s, page.rows[i].json);
        more = rc == 0 && page.next_cursor.n > 0 && page.next_cursor.n < sizeof(cursor);
        if (more) {
            memcpy(cursor, page.next_cursor.p, page.next_cursor.n);
            q.cursor = lg_str_of(cursor, page.next_cursor.n);
        }
        seen += page.n;
        lg_arena_done(&arena);
        if (rc < 0)
            return rc;
    }
    put_sums(w, &s, from, to, more);
    return 0;
}

/*
 * The contract of the event store, asked through its ops. LG_CONTRACT names the engine: embedded (SQLite), or
 * opensearch with LG_OPENSEARCH_URLS (space separated). There a comparison runs too: the same random
 * records in both engines, the same questions, the same answers.
 */
#include <math.h>

#include "event_engine.h"
#include "store/event_fixture.h"

static void test_create_only(void **state)
{
    struct ev e = first;
    struct lg_event_put p = write_one(&e, 5000 * SEC), twice[2];
    struct lg_event_row row;
    struct lg_store_stats st;

    (void)state;
    assert_int_equal(p.ret_result, LG_PUT_STORED);
    p = write_one(&e, 9000 * SEC); /* again, later */
    assert_int_equal(p.ret_result, LG_PUT_DUPLICATE);
    e.command = "other";
    p = write_one(&e, 5000 * SEC);
    assert_int_equal(p.ret_result, LG_PUT_CONFLICT);
    e.id = 2;
    twice[0] = twice[1] = put_of(&e, 1);
    assert_int_equal(write_events(twice, 2), 0);
    assert_int_equal(twice[0].ret_result + twice[1].ret_result, LG_PUT_STORED + LG_PUT_DUPLICATE);
    settle();
    assert_int_equal(f.st->ops->stats(f.st, &st), 0);
    assert_int_equal(st.events, 2);
    p = put_of(&first, 1);
    assert_int_equal(f.st->ops->event_get(f.st, f.a, &p.ev->event_id, 0, &f.arena, &row), 0);
    assert_true(lg_str_eq(row.json, p.json)); /* every byte of the first */
    assert_int_equal(row.time, first.time);
    assert_int_equal(row.received_at, 5000 * SEC);
    assert_int_equal(
            f.st->ops->event_get(f.st, f.a, &p.ev->event_id, first.time, &f.arena, &row), 0);
    assert_int_equal(f.st->ops->event_get(
                             f.st, f.a, &p.ev->event_id, first.time + LG_DAY_NS, &f.arena, &row),
            LG_ENOENT);
}

static bool base_is(const char *image, const char *want)
{
    return lg_str_ieq(lg_str_basename(lg_str_z(image)), lg_str_z(want));
}

static bool text_is(struct lg_str want, const char *have)
{
    return want.n == 0 || (have != NULL && lg_str_ieq(want, lg_str_z(have)));
}

static bool in_range(lg_time t, lg_time from, lg_time to)
{
    return (from == 0 || t >= from) && (to == 0 || t < to);
}

static bool passes(const struct lg_event_without *w, const char *have)
{
    for (uint32_t i = 0; have != NULL && i < w->n; i++)
        if (lg_str_ieq(w->v[i], lg_str_z(have)))
            return false;
    return true;
}

static bool passes_image(const struct lg_event_without *w, const char *image)
{
    for (uint32_t i = 0; image != NULL && i < w->n; i++)
        if (lg_str_ieq(lg_str_basename(lg_str_z(image)), w->v[i]))
            return false;
    return passes(w, image);
}

static bool matches(
        const struct ev *e, const struct lg_event_put *p, const struct lg_event_query *q)
{
    if (!in_range(e->time, q->from, q->to) ||
            !in_range(p->received_at / 1000000 * 1000000, q->received_from, q->received_to))
        return false;
    if (q->types[0] != 0 && (q->types[0] >> e->type & 1) == 0)
        return false;
    if ((q->image.n > 0 && !base_is(e->image, "cmd.exe")) ||
            (q->text.n > 0 && lg_str_ifind(lg_str_z(e->command), q->text) < 0))
        return false;
    if (!passes(&q->not_endpoint, e->endpoint) || !passes(&q->not_user, e->user) ||
            !passes_image(&q->not_image, e->image) || !passes(&q->not_hash, e->hash) ||
            !passes(&q->not_ip, e->ip))
        return false;
    return text_is(q->tenant, e->tenant) && text_is(q->endpoint, e->endpoint) &&
            text_is(q->user, e->user) && text_is(q->hash, e->hash) && text_is(q->ip, e->ip);
}

static bool one_in(uint64_t *rnd, unsigned n)
{
    return next_random(rnd) % n == 0;
}

static struct lg_event_query random_query(uint64_t *rnd)
{
    static const struct lg_str none = {"", 0};
    struct lg_event_query q = {.ascending = one_in(rnd, 2),
            .limit = 1 + (uint32_t)(next_random(rnd) % 50),
            .tenant = one_in(rnd, 4) ? LG_STR("a") : none,
            .endpoint = one_in(rnd, 4) ? LG_STR("h2") : none,
            .user = one_in(rnd, 5) ? LG_STR("corp\\BOB") : none,
            .image = one_in(rnd, 5) ? LG_STR("Cmd.exe") : none,
            .hash = one_in(rnd, 5) ? LG_STR("HASH3") : none,
            .ip = one_in(rnd, 5) ? LG_STR("192.0.2.7") : none,
            .text = one_in(rnd, 5) ? LG_STR("wORD4") : none};

    static const struct lg_str hosts[] = {{"h1", 2}, {"h3", 2}, {"nowhere", 7}};
    static const struct lg_str names[] = {{"CORP\\bob", 8}, {"nobody", 6}};
    static const struct lg_str images[] = {{"CMD.exe", 7}, {"no.exe", 6}};
    static const struct lg_str hashes[] = {{"hash1", 5}, {"HASH2", 5}};
    static const struct lg_str ips[] = {{"192.0.2.7", 9}};

    if (one_in(rnd, 4))
        q.not_endpoint = (struct lg_event_without){hosts, 1 + (uint32_t)(next_random(rnd) % 3)};
    if (one_in(rnd, 4))
        q.not_user = (struct lg_event_without){names, 1 + (uint32_t)(next_random(rnd) % 2)};
    if (one_in(rnd, 6))
        q.not_image = (struct lg_event_without){images, 1 + (uint32_t)(next_random(rnd) % 2)};
    if (one_in(rnd, 4))
        q.not_hash = (struct lg_event_without){hashes, 1 + (uint32_t)(next_random(rnd) % 2)};
    if (one_in(rnd, 5))
        q.not_ip = (struct lg_event_without){ips, 1};
    if (one_in(rnd, 4))
        q.types[0] = 1u + next_random(rnd) % 31;
    if (one_in(rnd, 3))
        q.from = (DAY0 + (int64_t)(next_random(rnd) % 259200)) * SEC + 7;
    if (one_in(rnd, 3))
        q.to = (DAY0 + (int64_t)(next_random(rnd) % 259200)) * SEC + 9;
    if (one_in(rnd, 4))
        q.received_from = (DAY0 + 90000) * SEC;
    return q;
}

/* Follows the cursors to the end: the rows are those of the model, each once, in order. */
static void check_pages(const struct lg_scope *sc, struct lg_event_query q, uint32_t want)
{
    bool seen[MANY] = {false};
    uint32_t got = 0, pages = 0;
    lg_time last = 0;

    do {
        struct lg_event_page p;

        assert_int_equal(f.st->ops->event_search(f.st, sc, &q, &f.arena, &p), 0);
        assert_int_equal(p.total, want);
        assert_false(p.total_is_lower_bound || p.incomplete);
        for (uint32_t i = 0; i < p.n; i++, got++) {
            unsigned k = 0;

            while (k < MANY && !lg_str_eq(p.rows[i].json, many_put[k].json))
                k++;
            assert_true(k < MANY && !seen[k]);
            seen[k] = true;
            assert_true(matches(&many[k], &many_put[k], &q));
            if (got > 0)
                assert_true(q.ascending ? p.rows[i].time >= last - 1000000
                                        : p.rows[i].time <= last + 1000000);
            last = p.rows[i].time;
        }
        q.cursor = p.next_cursor;
        assert_true(++pages < 500);
    } while (q.cursor.n > 0);
    assert_int_equal(got, want);
}

static void test_search_model(void **state)
{
    uint64_t rnd = 5;

    (void)state;
    fill();
    for (int round = 0; round < 250; round++) {
        struct lg_event_query q = random_query(&rnd);
        const struct lg_scope *sc = one_in(&rnd, 3) ? f.a : f.all;
        uint32_t want = 0;

        for (unsigned i = 0; i < MANY; i++)
            want += matches(&many[i], &many_put[i], &q) &&
                    lg_scope_allows(sc, lg_str_z(many[i].tenant));
        check_pages(sc, q, want);
        lg_arena_clear(&f.arena);
    }
}

/* Each hit of the model in the part that it lies in; what cannot be counted is refused. */
static void test_histogram(void **state)
{
    const struct lg_range_query whole = {.from = DAY0 * SEC + 3, .to = (DAY0 + 259200) * SEC};
    struct lg_event_counts got;
    uint64_t rnd = 6, all = 0;

    (void)state;
    fill();
    for (int round = 0; round < 200; round++) {
        struct lg_event_query q = random_query(&rnd);
        const struct lg_scope *sc = one_in(&rnd, 3) ? f.a : f.all;
        uint32_t parts = 1 + (uint32_t)(next_random(&rnd) % LG_STORE_PARTS_MAX);
        uint64_t want[LG_STORE_PARTS_MAX] = {0};

        q.from = q.from == 0 ? whole.from : q.from;
        q.to = q.to == 0 ? whole.to : q.to;
        if (q.from >= q.to) {
            assert_int_equal(
                    f.st->ops->event_histogram(f.st, sc, &q, parts, &f.arena, &got), LG_EINVAL);
            continue;
        }
        for (unsigned i = 0; i < MANY; i++)
            if (matches(&many[i], &many_put[i], &q) &&
                    lg_scope_allows(sc, lg_str_z(many[i].tenant)))
                want[(many[i].time - q.from) / ((q.to - q.from + parts - 1) / parts)]++;
        assert_int_equal(f.st->ops->event_histogram(f.st, sc, &q, parts, &f.arena, &got), 0);
        assert_false(got.incomplete);
        for (uint32_t i = 0; i < parts; i++) {
            assert_int_equal(got.parts[i], want[i]);
            all += want[i];
        }
        lg_arena_clear(&f.arena);
    }
    assert_true(all > 1000); /* the questions were worth asking */
    for (int i = 0; i < 4; i++) {
        const struct lg_event_query bad = {.from = i == 0 ? 0 : 5, .to = i == 1 ? 0 : 9};

        assert_int_equal(f.st->ops->event_histogram(f.st, f.all, &bad,
                                 i == 2           ? 0
                                         : i == 3 ? LG_STORE_PARTS_MAX + 1
                                                  : 3,
                                 &f.arena, &got),
                LG_EINVAL);
    }
}

/* A small budget gives short pages that say so; following the cursors still finds every row. */
static void test_budget(void **state)
{
    struct lg_event_query q = {.limit = 10, .text = LG_STR("word4")};
    uint32_t want = 0, got = 0, pages = 0, short_pages = 0;
    struct lg_event_page p;

    (void)state;
    fill();
    close_store();
    open_store_with(7);
    for (unsigned i = 0; i < MANY; i++)
        want += matches(&many[i], &many_put[i], &q);
    do {
        assert_int_equal(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &p), 0);
        assert_true(p.total_is_lower_bound || p.next_cursor.n == 0 || pages > 0);
        got += p.n;
        short_pages += p.incomplete;
        q.cursor = p.next_cursor;
        assert_true(++pages < 2000);
    } while (q.cursor.n > 0);
    assert_int_equal(got, want);
    assert_true(short_pages > 5);
}

static void test_text(void **state)
{
    struct lg_event_query q = {.limit = 10};
    static const struct {
        const char *text;
        uint32_t n;
    } cases[] = {{"h\xc3\xa4llo", 1}, {"ECHO h\xc3\x84", 1}, {"\"\n\\X", 1},
            {"windows\\cmd.exe", 1}, {"rawword", 0}, {"corp\\anna", 1}, {"%", 0}, {"nothing", 0}};

    (void)state;
    (void)write_one(&first, 1);
    for (size_t i = 0; i < N(cases); i++) {
        struct lg_event_page p;

        q.text = lg_str_z(cases[i].text);
        assert_int_equal(f.st->ops->event_search(f.st, f.a, &q, &f.arena, &p), 0);
        if (p.n != cases[i].n)
            fail_msg("%s: %u", cases[i].text, p.n);
    }
}

static void test_cursor_lies(void **state)
{
    struct lg_event_query q = {.limit = 5};
    struct lg_event_page p, bad;
    char text[1024];
    uint64_t rnd = 1;

    (void)state;
    fill();
    assert_int_equal(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &p), 0);
    assert_true(p.next_cursor.n > 0 && p.next_cursor.n < sizeof(text));
    for (int i = 0; i < 300; i++) {
        size_t at = next_random(&rnd) % p.next_cursor.n;

        memcpy(text, p.next_cursor.p, p.next_cursor.n);
        text[at] = (char)(text[at] ^ (1 + next_random(&rnd) % 255));
        q.cursor = lg_str_of(text, p.next_cursor.n);
        assert_int_equal(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &bad), LG_EINVAL);
    }
    q.cursor = p.next_cursor;
    q.tenant = LG_STR("b");
    assert_int_equal(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &bad), LG_EINVAL);
}

static void test_window(void **state)
{
    lg_time from = (DAY0 + 80000) * SEC, to = (DAY0 + 180000) * SEC; /* over midnight */
    struct window w = {0};
    unsigned want = 0, want_then = 0;
    lg_time as_of = (DAY0 + 120000) * SEC;

    (void)state;
    fill();
    for (unsigned i = 0; i < MANY; i++) {
        bool in = strcmp(many[i].tenant, "a") == 0 && strcmp(many[i].endpoint, "h1") == 0 &&
                many[i].time >= from && many[i].time < to;

        want += in;
        want_then += in && many_put[i].received_at / 1000000 * 1000000 <= as_of;
    }
    assert_true(want > 5 && want_then > 0 && want_then < want);
    assert_int_equal(f.st->ops->event_window(
                             f.st, f.a, LG_STR("a"), LG_STR("h1"), from, to, 0, on_event, &w),
            0);
    assert_int_equal(w.n, want);
    w = (struct window){0};
    assert_int_equal(f.st->ops->event_window(
                             f.st, f.a, LG_STR("a"), LG_STR("h1"), from, to, as_of, on_event, &w),
            0);
    assert_int_equal(w.n, want_then);
    w = (struct window){0};
    assert_int_equal(f.st->ops->event_window(
                             f.st, f.b, LG_STR("a"), LG_STR("h1"), from, to, 0, on_event, &w),
            0);
    assert_int_equal(w.n, 0);
}

static void test_inferences(void **state)
{
    struct lg_inference_query q = {.limit = 7};
    struct lg_inference_row row;
    struct lg_inference_page p;
    struct lg_str context;
    struct make_inference mi = {.tenant = "a",
            .endpoint = "h1",
            .id = 1,
            .window_end_s = DAY0 + 1200,
            .prob = 0.9,
            .techniques = "[\"T1003.001\",\"T1105\"]"};
    struct lg_uuid id = inference_id(1);
    uint32_t n = 0;

    (void)state;
    fill_inferences();
    write_inference(&mi, "", LG_PUT_DUPLICATE);
    mi.prob = 0.8;
    write_inference(&mi, "", LG_PUT_CONFLICT);
    assert_int_equal(f.st->ops->inference_get(f.st, f.a, &id, 0, &f.arena, &row, &context), 0);
    assert_str(context, "some state");
    assert_true(lg_str_find(row.json, LG_STR("\"attack_prob\":0.900000")) > 0);
    assert_int_equal(
            f.st->ops->inference_get(f.st, f.a, &id, (DAY0 + 1200) * SEC, &f.arena, &row, NULL), 0);
    assert_int_equal(
            f.st->ops->inference_get(f.st, f.b, &id, 0, &f.arena, &row, &context), LG_ENOENT);
    for (int sort = 0; sort < 2; sort++)
        for (int up = 0; up < 2; up++) {
            double last = 0;

            q = (struct lg_inference_query){.limit = 7,
                    .sort = (enum lg_inference_sort)sort,
                    .ascending = up,
                    .predictions = sort ? 0 : 1u << LG_INFERENCE_ATTACK};
            n = 0;
            do {
                assert_int_equal(f.st->ops->inference_search(f.st, f.all, &q, &f.arena, &p), 0);
                assert_int_equal(p.total, sort ? 80 : 40);
                for (uint32_t i = 0; i < p.n; i++, n++) {
                    struct lg_inference in;
                    struct lg_jval root;
                    double v;

                    assert_int_equal(
                            lg_json_parse(f.m.json, p.rows[i].json, false, &root, NULL), 0);
                    assert_int_equal(lg_inference_read(root, p.rows[i].json, &f.m.a, &in, NULL), 0);
                    v = sort ? in.attack_prob : (double)in.window_end;
                    if (n > 0)
                        assert_true(up ? v >= last : v <= last);
                    last = v;
                }
                q.cursor = p.next_cursor;
            } while (q.cursor.n > 0);
            assert_int_equal(n, sort ? 80 : 40);
        }
    q = (struct lg_inference_query){.limit = 100, .technique = LG_STR("T1003")};
    assert_int_equal(f.st->ops->inference_search(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.n, 40);
    q.technique = LG_STR("T1003.002");
    assert_int_equal(f.st->ops->inference_search(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.n, 0);
    q = (struct lg_inference_query){.limit = 100,
            .endpoint = LG_STR("h2"),
            .min_prob = 0.9,
            .from = (DAY0 + 1200) * SEC,
            .to = (DAY0 + 90000) * SEC};
    assert_int_equal(f.st->ops->inference_search(f.st, f.b, &q, &f.arena, &p), 0);
    for (uint32_t i = 0; i < p.n; i++)
        assert_true(lg_str_find(p.rows[i].json, LG_STR("\"tenant_id\":\"b\"")) > 0);
    assert_true(p.n > 0);
}

/* Parts of a range add up to the whole of it. */
static void check_parts(struct lg_range_query *q)
{
    struct lg_technique_count *t;
    struct lg_time_bucket *v;
    struct lg_host_row *h;
    struct lg_summary s;
    uint32_t n, buckets;
    double nodes = 0;

    assert_int_equal(f.st->ops->summary(f.st, f.all, q, &s), 0);
    assert_int_equal(f.st->ops->timeline(f.st, f.all, q, 10, &f.arena, &v, &buckets), 0);
    for (uint32_t i = 0; i < buckets; i++) {
        nodes += v[i].avg_graph_nodes * (double)v[i].inferences;
        assert_true(v[i].hosts <= s.hosts && (v[i].hosts > 0) == (v[i].inferences > 0));
        assert_true(v[i].avg_attack_prob <= v[i].max_attack_prob);
    }
    assert_true(fabs(nodes - 5 * 120) < 1e-6);
    q->parts = 7;
    assert_int_equal(f.st->ops->hosts(f.st, f.all, q, &f.arena, &h, &n), 0);
    for (uint32_t i = 0; i < n; i++) {
        float most = -1;

        for (uint32_t k = 0; k < 7; k++)
            most = h[i].trend[k] > most ? h[i].trend[k] : most;
        assert_true(fabs((double)most - h[i].max_attack_prob) < 1e-6);
    }
    assert_int_equal(f.st->ops->techniques(f.st, f.all, q, &f.arena, &t, &n), 0);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t sum = 0;

        for (uint32_t k = 0; k < 7; k++)
            sum += t[i].over_time[k];
        assert_int_equal(sum, t[i].attacks);
    }
    q->parts = LG_STORE_PARTS_MAX + 1;
    assert_int_equal(f.st->ops->hosts(f.st, f.all, q, &f.arena, &h, &n), LG_EINVAL);
    assert_int_equal(f.st->ops->techniques(f.st, f.all, q, &f.arena, &t, &n), LG_EINVAL);
    q->parts = 0;
}

static void test_summary(void **state)
{
    struct lg_range_query q = {.from = DAY0 * SEC, .to = (DAY0 + 200000) * SEC};
    struct lg_technique_count *t;
    struct lg_time_bucket *v;
    struct lg_host_row *h;
    struct lg_summary s;
    uint64_t sum = 0;
    uint32_t n;

    (void)state;
    fill_inferences();
    assert_int_equal(f.st->ops->summary(f.st, f.all, &q, &s), 0);
    assert_int_equal(s.total_inferences, 120);
    assert_int_equal(s.total_attacks + s.total_benign + s.total_errors, 120);
    assert_int_equal(s.total_attacks, 40);
    assert_int_equal(s.total_errors, 40);
    assert_true(s.avg_graph_nodes == 5 && s.avg_graph_edges == 7 && s.avg_inference_time_ms == 1.5);
    assert_true(s.max_attack_prob >= 0.9 && s.max_attack_prob <= 1);
    assert_int_equal(s.hosts, 10); /* five names in each of two tenants */
    assert_int_equal(f.st->ops->summary(f.st, f.b, &q, &s), 0);
    assert_int_equal(s.total_inferences, 30);
    q.tenant = LG_STR("a");
    assert_int_equal(f.st->ops->summary(f.st, f.b, &q, &s), 0);
    assert_int_equal(s.total_inferences, 0);
    assert_true(s.avg_attack_prob == 0);
    q.tenant = LG_STR("");
    assert_int_equal(f.st->ops->hosts(f.st, f.all, &q, &f.arena, &h, &n), 0);
    assert_int_equal(n, 10);
    for (uint32_t i = 0; i < n; i++)
        sum += h[i].total_inferences;
    assert_int_equal(sum, 120);
    assert_str(h[0].platform, "windows");
    assert_int_equal(f.st->ops->timeline(f.st, f.all, &q, 10, &f.arena, &v, &n), 0);
    sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += v[i].attacks;
    assert_int_equal(sum, 40);
    assert_int_equal(f.st->ops->techniques(f.st, f.all, &q, &f.arena, &t, &n), 0);
    assert_int_equal(n, 2);
    assert_str(t[0].technique, "T1003.001");
    assert_int_equal(t[0].attacks, 40);
    assert_int_equal(t[0].hosts, 10);
    assert_null(t[0].over_time);
    assert_null(h[0].trend);
    check_parts(&q);
    /* half-open at both ends */
    q = (struct lg_range_query){.from = DAY0 * SEC, .to = (DAY0 + 1200) * SEC};
    assert_int_equal(f.st->ops->summary(f.st, f.all, &q, &s), 0);
    assert_int_equal(s.total_inferences, 1);
}

static void test_profile(void **state)
{
    struct lg_profile_item *v;
    struct ev e = first;
    uint32_t n, images = 0;

    (void)state;
    (void)write_one(&e, 1);
    e.id = 2;
    e.time += LG_DAY_NS + LG_HOUR_NS;
    (void)write_one(&e, 1);
    e.id = 3;
    e.image = "C:\\new.exe";
    (void)write_one(&e, 1);
    assert_int_equal(
            f.st->ops->profile(f.st, f.a, LG_STR("a"), LG_STR("h1"), 10, &f.arena, &v, &n), 0);
    for (uint32_t i = 0; i < n; i++)
        if (v[i].kind == LG_TERM_IMAGE && images++ == 0) {
            assert_str(v[i].value, "C:\\Windows\\CMD.exe");
            assert_int_equal(v[i].hours, 2);
            assert_int_equal(v[i].first_seen, first.time / 1000000 * 1000000);
        }
    assert_int_equal(images, 2);
    assert_int_equal(n, 5); /* and a user, a hash, an address */
    assert_int_equal(
            f.st->ops->profile(f.st, f.b, LG_STR("a"), LG_STR("h1"), 10, &f.arena, &v, &n), 0);
    assert_int_equal(n, 0);
}

static void test_tree(void **state)
{
    /* init is named only; a -> b -> c; d stands alone; a began the day before */
    static const struct {
        const char *guid, *parent;
        int64_t at;
    } procs[] = {{"pa", "init", -4000}, {"pb", "pa", 4000}, {"pc", "pb", 4001}, {"pd", "px", 4002}};
    struct lg_tree_query q = {.tenant = LG_STR("a"),
            .endpoint = LG_STR("h1"),
            .from = (DAY0 + 3000) * SEC,
            .to = (DAY0 + 9000) * SEC,
            .max_nodes = 100};
    struct lg_str focus[] = {LG_STR("pb")};
    struct ev e = first;
    struct lg_tree t;

    (void)state;
    for (unsigned i = 0; i < N(procs); i++) {
        e.id = 10 + i;
        e.pid = 100 + i;
        e.guid = procs[i].guid;
        e.parent = procs[i].parent;
        e.type = LG_EVENT_PROCESS_CREATE;
        e.time = (DAY0 + procs[i].at) * SEC;
        (void)write_one(&e, 1);
    }
    /* pd once more, by a source that knows no GUIDs: one process; much later the pid is another's */
    e.guid = e.parent = NULL;
    e.id = 20;
    e.time += SEC;
    (void)write_one(&e, 1);
    e.guid = "pc";
    e.time += SEC;
    for (unsigned i = 0; i < 3; i++) {
        static const enum lg_event_type types[] = {
                LG_EVENT_FILE_CREATE, LG_EVENT_NETWORK_CONNECT, LG_EVENT_PROCESS_TERMINATE};

        e.id = 50 + i;
        e.type = types[i];
        (void)write_one(&e, 1);
    }
    assert_int_equal(f.st->ops->tree(f.st, f.a, &q, &f.arena, &t), 0);
    assert_int_equal(t.n, 6); /* four, and two that are only named */
    q.guids = focus;
    q.n_guids = 1;
    assert_int_equal(f.st->ops->tree(f.st, f.a, &q, &f.arena, &t), 0);
    assert_int_equal(t.n, 4);
    assert_str(t.nodes[0].process_guid, "init");
    assert_true(t.nodes[0].inferred);
    assert_int_equal(t.nodes[0].parent, -1);
    assert_str(t.nodes[1].process_guid, "pa");
    assert_false(t.nodes[1].inferred);
    assert_int_equal(t.nodes[1].started, (DAY0 - 4000) * SEC);
    assert_str(t.nodes[2].process_guid, "pb");
    assert_true(t.nodes[2].focus);
    assert_int_equal(t.nodes[2].parent, 1);
    assert_str(t.nodes[3].process_guid, "pc");
    assert_int_equal(t.nodes[3].files, 1);
    assert_int_equal(t.nodes[3].network, 1);
    assert_int_equal(t.nodes[3].ended, e.time);
    q.max_nodes = 2;
    assert_int_equal(f.st->ops->tree(f.st, f.a, &q, &f.arena, &t), 0);
    assert_int_equal(t.n, 2);
    assert_true(t.truncated);
    q.max_nodes = 100;
    assert_int_equal(f.st->ops->tree(f.st, f.b, &q, &f.arena, &t), 0);
    assert_int_equal(t.n, 0);
}

static void test_isolation(void **state)
{
    const struct lg_scope *const blind[] = {f.none, NULL};
    struct lg_event_put p;

    (void)state;
    fill();
    fill_inferences();
    p = many_put[0];
    for (size_t i = 0; i < 2; i++) {
        struct lg_range_query r = {.from = 0, .to = (DAY0 + 999999) * SEC};
        struct lg_inference_query iq = {.limit = 10};
        struct lg_event_query q = {.limit = 10};
        struct lg_uuid id = inference_id(1);
        struct lg_inference_page ip;
        struct lg_inference_row ir;
        struct lg_event_page ep;
        struct lg_event_row er;
        struct lg_host_row *h;
        struct lg_summary s;
        uint32_t n;

        assert_int_equal(f.st->ops->event_search(f.st, blind[i], &q, &f.arena, &ep), 0);
        assert_int_equal(ep.n + ep.total + ep.next_cursor.n, 0);
        assert_int_equal(f.st->ops->inference_search(f.st, blind[i], &iq, &f.arena, &ip), 0);
        assert_int_equal(ip.n + ip.total, 0);
        assert_int_equal(
                f.st->ops->event_get(f.st, blind[i], &p.ev->event_id, 0, &f.arena, &er), LG_ENOENT);
        assert_int_equal(
                f.st->ops->inference_get(f.st, blind[i], &id, 0, &f.arena, &ir, NULL), LG_ENOENT);
        assert_int_equal(f.st->ops->summary(f.st, blind[i], &r, &s), 0);
        assert_int_equal(s.total_inferences + s.hosts, 0);
        assert_int_equal(f.st->ops->hosts(f.st, blind[i], &r, &f.arena, &h, &n), 0);
        assert_int_equal(n, 0);
    }
    for (unsigned i = 0; i < MANY; i++) {
        struct lg_event_row er;
        int rc = f.st->ops->event_get(f.st, f.b, &many_put[i].ev->event_id, 0, &f.arena, &er);

        assert_int_equal(rc, strcmp(many[i].tenant, "b") == 0 ? 0 : LG_ENOENT);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_create_only), T(test_search_model), T(test_histogram),
            T(test_budget), T(test_text), T(test_cursor_lies), T(test_window), T(test_inferences),
            T(test_summary), T(test_profile), T(test_tree), T(test_isolation)};

    choose_engine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

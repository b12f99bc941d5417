/*
 * The same random records in the engine that LG_CONTRACT names and in SQLite, the same questions,
 * the same answers: texts of every kind, scopes, filters, orders, cursors at depth, sums.
 */
#include "event_random.h"

static void same_text(struct lg_str a, struct lg_str b, const char *what)
{
    if (!lg_str_eq(a, b))
        fail_msg("%s: \"%.*s\" there, \"%.*s\" in SQLite", what, LG_STR_FMT(a), LG_STR_FMT(b));
}

static void near(double a, double b, const char *what)
{
    if (fabs(a - b) > 1e-9 * (1 + fabs(b)))
        fail_msg("%s: %.17g there, %.17g in SQLite", what, a, b);
}

/* ---- events ---- */
static void same_events(const struct lg_event_page *a, const struct lg_event_page *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->total_is_lower_bound, b->total_is_lower_bound);
    assert_int_equal(a->incomplete, b->incomplete);
    assert_int_equal(a->next_cursor.n > 0, b->next_cursor.n > 0);
    for (uint32_t i = 0; i < a->n; i++) {
        same_text(a->rows[i].json, b->rows[i].json, "event");
        assert_int_equal(a->rows[i].time, b->rows[i].time);
        assert_int_equal(a->rows[i].received_at, b->rows[i].received_at);
        assert_int_equal(a->rows[i].time_shift_ns, b->rows[i].time_shift_ns);
    }
}

static void same_histogram(const struct lg_scope *sc, struct lg_event_query q)
{
    struct lg_event_counts a, b;
    uint32_t parts = 1 + (uint32_t)pick(LG_STORE_PARTS_MAX);
    int rc = f.st->ops->event_histogram(f.st, sc, &q, parts, &f.arena, &a);
    assert_int_equal(g.st->ops->event_histogram(g.st, sc, &q, parts, &f.arena, &b), rc);
    if (rc < 0) /* an open range */
        return;
    assert_int_equal(a.incomplete, b.incomplete);
    for (uint32_t i = 0; i < parts; i++)
        assert_int_equal(a.parts[i], b.parts[i]);
}

static void test_events(void **state)
{
    uint32_t hits = 0, deep = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        struct lg_event_query qa = random_event_query(), qb = qa;

        for (int page = 0; page < 6; page++) {
            struct lg_event_page a, b;

            assert_int_equal(f.st->ops->event_search(f.st, sc, &qa, &f.arena, &a), 0);
            assert_int_equal(g.st->ops->event_search(g.st, sc, &qb, &f.arena, &b), 0);
            same_events(&a, &b);
            hits += a.n;
            deep += page > 0;
            qa.cursor = a.next_cursor;
            qb.cursor = b.next_cursor;
            if (a.next_cursor.n == 0)
                break;
        }
        same_histogram(sc, qa);
        lg_arena_clear(&f.arena);
    }
    assert_true(hits > 3000 && deep > 50); /* the questions were worth asking */
}

struct lines {
    struct lg_str v[EVENTS];
    uint32_t n;
};

static int on_line(void *user, const struct lg_event_row *row)
{
    struct lines *l = (struct lines *)user;

    assert_true(l->n < EVENTS);
    return lg_arena_dup(&f.arena, row->json, &l->v[l->n++]);
}

static void test_windows_and_single_events(void **state)
{
    static struct lines a, b;
    uint32_t rows = 0;

    (void)state;
    for (int round = 0; round < 120; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        lg_time from = random_time(), as_of = one_in(2) ? random_time() : 0;
        lg_time to = one_in(9) ? from : from + 1 + (lg_time)pick(2 * (uint64_t)LG_DAY_NS);
        const struct lg_event_put *p = &g.ev[pick(EVENTS)];
        lg_time hint = one_in(2) ? p->ev->time_ns + (one_in(4) ? LG_DAY_NS : 0) : 0;
        struct lg_event_row ra, rb;
        int rc;

        a.n = b.n = 0;
        rc = f.st->ops->event_window(
                f.st, sc, p->ev->tenant_id, p->ev->endpoint_id, from, to, as_of, on_line, &a);
        assert_int_equal(rc,
                g.st->ops->event_window(g.st, sc, p->ev->tenant_id, p->ev->endpoint_id, from, to,
                        as_of, on_line, &b));
        assert_int_equal(a.n, b.n);
        for (uint32_t i = 0; i < a.n; i++)
            same_text(a.v[i], b.v[i], "line of a window");
        rows += a.n;
        rc = f.st->ops->event_get(f.st, sc, &p->ev->event_id, hint, &f.arena, &ra);
        assert_int_equal(rc, g.st->ops->event_get(g.st, sc, &p->ev->event_id, hint, &f.arena, &rb));
        if (rc == 0) {
            same_text(ra.json, rb.json, "event");
            assert_int_equal(ra.received_at, rb.received_at);
            assert_int_equal(ra.time, rb.time);
        }
        lg_arena_clear(&f.arena);
    }
    assert_true(rows > 200);
}

/* ---- inferences ---- */
static struct lg_inference_query random_inference_query(void)
{
    static const char *const techniques[] = {"T1003", "T1003.001", "T1105", "T1059", "T9999"};
    static char host[16];
    struct lg_inference_query q = {.limit = 1 + (uint32_t)pick(40),
            .ascending = one_in(2),
            .sort = one_in(2) ? LG_INFERENCE_BY_TIME : LG_INFERENCE_BY_PROB,
            .tenant = or_none(4, ANY(tenants)),
            .technique = or_none(4, ANY(techniques)),
            .predictions = one_in(3) ? (unsigned)pick(8) : 0,
            .severities = one_in(3) ? (unsigned)pick(1u << LG_SEVERITY_COUNT) : 0,
            .min_prob = one_in(3) ? (double)pick(1000) / 1000 : 0};

    (void)snprintf(host, sizeof(host), "h%u", (unsigned)pick(HOSTS));
    q.endpoint = or_none(4, host);
    if (one_in(3))
        q.from = random_time();
    if (one_in(3))
        q.to = random_time();
    if (one_in(6))
        q.received_from = random_time();
    return q;
}

static void test_inferences(void **state)
{
    uint32_t hits = 0, deep = 0;

    (void)state;
    for (int round = 0; round < 200; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        struct lg_inference_query qa = random_inference_query(), qb = qa;

        for (int page = 0; page < 6; page++) {
            struct lg_inference_page a, b;

            assert_int_equal(f.st->ops->inference_search(f.st, sc, &qa, &f.arena, &a), 0);
            assert_int_equal(g.st->ops->inference_search(g.st, sc, &qb, &f.arena, &b), 0);
            assert_int_equal(a.n, b.n);
            assert_int_equal(a.total, b.total);
            assert_int_equal(a.next_cursor.n > 0, b.next_cursor.n > 0);
            for (uint32_t i = 0; i < a.n; i++) {
                same_text(a.rows[i].json, b.rows[i].json, "inference");
                assert_int_equal(a.rows[i].received_at, b.rows[i].received_at);
            }
            hits += a.n;
            deep += page > 0;
            qa.cursor = a.next_cursor;
            qb.cursor = b.next_cursor;
            if (a.next_cursor.n == 0)
                break;
        }
        lg_arena_clear(&f.arena);
    }
    assert_true(hits > 500 && deep > 20);
}

static void test_single_inferences(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        const struct lg_inference *in = &g.inferences[pick(INFERENCES)];
        lg_time hint = one_in(2) ? in->window_end : 0;
        struct lg_inference_row ra, rb;
        struct lg_str ca, cb;
        int rc = f.st->ops->inference_get(f.st, sc, &in->inference_id, hint, &f.arena, &ra, &ca);

        assert_int_equal(rc,
                g.st->ops->inference_get(g.st, sc, &in->inference_id, hint, &f.arena, &rb, &cb));
        if (rc == 0) {
            same_text(ra.json, rb.json, "inference");
            same_text(ca, cb, "context");
        }
    }
}

/* ---- sums ---- */
static struct lg_range_query random_range(void)
{
    static char host[16];
    struct lg_range_query q = {.tenant = or_none(4, ANY(tenants)),
            .from = random_time(),
            .to = random_time() + (lg_time)pick(3) * LG_DAY_NS,
            .parts = one_in(2) ? (uint32_t)pick(LG_STORE_PARTS_MAX) : 0};

    (void)snprintf(host, sizeof(host), "h%u", (unsigned)pick(HOSTS));
    q.endpoint = or_none(4, host);
    if (q.to <= q.from)
        q.to = q.from + 1 + (lg_time)pick((uint64_t)LG_DAY_NS);
    return q;
}

static void same_summary(const struct lg_summary *a, const struct lg_summary *b)
{
    assert_int_equal(a->total_inferences, b->total_inferences);
    assert_int_equal(a->total_attacks, b->total_attacks);
    assert_int_equal(a->total_benign, b->total_benign);
    assert_int_equal(a->total_errors, b->total_errors);
    assert_int_equal(a->hosts, b->hosts);
    assert_true(a->max_attack_prob == b->max_attack_prob);
    near(a->avg_attack_prob, b->avg_attack_prob, "probability");
    near(a->avg_confidence, b->avg_confidence, "confidence");
    near(a->avg_inference_time_ms, b->avg_inference_time_ms, "time");
    near(a->avg_graph_nodes, b->avg_graph_nodes, "nodes");
    near(a->avg_graph_edges, b->avg_graph_edges, "edges");
}

static void same_timeline(const struct lg_scope *sc, const struct lg_range_query *q)
{
    uint32_t buckets = 1 + (uint32_t)pick(one_in(5) ? 2000 : 100), na, nb;
    struct lg_time_bucket *a, *b;

    assert_int_equal(f.st->ops->timeline(f.st, sc, q, buckets, &f.arena, &a, &na), 0);
    assert_int_equal(g.st->ops->timeline(g.st, sc, q, buckets, &f.arena, &b, &nb), 0);
    assert_int_equal(na, nb);
    for (uint32_t i = 0; i < na; i++) {
        assert_int_equal(a[i].start, b[i].start);
        assert_int_equal(a[i].inferences, b[i].inferences);
        assert_int_equal(a[i].attacks, b[i].attacks);
        assert_int_equal(a[i].errors, b[i].errors);
        assert_int_equal(a[i].hosts, b[i].hosts);
        assert_true(a[i].max_attack_prob == b[i].max_attack_prob);
        near(a[i].avg_attack_prob, b[i].avg_attack_prob, "probability of a part");
        near(a[i].avg_confidence, b[i].avg_confidence, "confidence of a part");
        near(a[i].avg_inference_time_ms, b[i].avg_inference_time_ms, "time of a part");
        near(a[i].avg_graph_nodes, b[i].avg_graph_nodes, "nodes of a part");
    }
}

static void same_hosts(const struct lg_scope *sc, const struct lg_range_query *q)
{
    struct lg_host_row *a, *b;
    uint32_t na, nb;

    assert_int_equal(f.st->ops->hosts(f.st, sc, q, &f.arena, &a, &na), 0);
    assert_int_equal(g.st->ops->hosts(g.st, sc, q, &f.arena, &b, &nb), 0);
    assert_int_equal(na, nb);
    for (uint32_t i = 0; i < na; i++) {
        same_text(a[i].tenant_id, b[i].tenant_id, "tenant");
        same_text(a[i].endpoint_id, b[i].endpoint_id, "endpoint");
        same_text(a[i].hostname, b[i].hostname, "hostname");
        same_text(a[i].platform, b[i].platform, "platform");
        assert_int_equal(a[i].total_inferences, b[i].total_inferences);
        assert_int_equal(a[i].total_attacks, b[i].total_attacks);
        assert_int_equal(a[i].total_errors, b[i].total_errors);
        assert_int_equal(a[i].last_seen, b[i].last_seen);
        assert_true(a[i].max_attack_prob == b[i].max_attack_prob);
        assert_true(a[i].last_attack_prob == b[i].last_attack_prob);
        for (uint32_t k = 0; k < q->parts; k++)
            assert_true(a[i].trend[k] == b[i].trend[k]);
    }
}

static void same_techniques(const struct lg_scope *sc, const struct lg_range_query *q)
{
    struct lg_technique_count *a, *b;
    uint32_t na, nb;

    assert_int_equal(f.st->ops->techniques(f.st, sc, q, &f.arena, &a, &na), 0);
    assert_int_equal(g.st->ops->techniques(g.st, sc, q, &f.arena, &b, &nb), 0);
    assert_int_equal(na, nb);
    for (uint32_t i = 0; i < na; i++) {
        same_text(a[i].technique, b[i].technique, "technique");
        assert_int_equal(a[i].attacks, b[i].attacks);
        assert_int_equal(a[i].hosts, b[i].hosts);
        for (uint32_t k = 0; k < q->parts; k++)
            assert_int_equal(a[i].over_time[k], b[i].over_time[k]);
    }
}

static void test_sums(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        struct lg_range_query q = random_range();
        struct lg_summary a, b;

        assert_int_equal(f.st->ops->summary(f.st, sc, &q, &a), 0);
        assert_int_equal(g.st->ops->summary(g.st, sc, &q, &b), 0);
        same_summary(&a, &b);
        same_timeline(sc, &q);
        same_hosts(sc, &q);
        same_techniques(sc, &q);
        lg_arena_clear(&f.arena);
    }
}

/* ---- profiles and trees ---- */
static void test_profiles(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOSTS * N(tenants); i++) {
        struct lg_str tenant = lg_str_z(tenants[i % N(tenants)]);
        struct lg_profile_item *a, *b;
        uint32_t na, nb;
        char host[16];

        (void)snprintf(host, sizeof(host), "h%u", i / (unsigned)N(tenants));
        assert_int_equal(f.st->ops->profile(
                                 f.st, g.scopes[0], tenant, lg_str_z(host), 20, &f.arena, &a, &na),
                0);
        assert_int_equal(g.st->ops->profile(
                                 g.st, g.scopes[0], tenant, lg_str_z(host), 20, &f.arena, &b, &nb),
                0);
        assert_int_equal(na, nb);
        assert_true(na > 10);
        for (uint32_t k = 0; k < na; k++) {
            same_text(a[k].value, b[k].value, "word of a profile");
            assert_int_equal(a[k].kind, b[k].kind);
            assert_int_equal(a[k].hours, b[k].hours);
            assert_int_equal(a[k].first_seen, b[k].first_seen);
            assert_int_equal(a[k].last_hour, b[k].last_hour);
        }
    }
}

static void same_node(const struct lg_tree_node *a, const struct lg_tree_node *b)
{
    assert_int_equal(a->parent, b->parent);
    assert_int_equal(a->inferred, b->inferred);
    assert_int_equal(a->focus, b->focus);
    assert_int_equal(a->pid, b->pid);
    same_text(a->process_guid, b->process_guid, "GUID");
    same_text(a->image, b->image, "image");
    same_text(a->command_line, b->command_line, "command line");
    same_text(a->user, b->user, "user");
    same_text(a->hash, b->hash, "hash");
    assert_int_equal(a->started, b->started);
    assert_int_equal(a->ended, b->ended);
    assert_memory_equal(a->event_id.b, b->event_id.b, LG_UUID_BYTES);
    assert_int_equal(a->files, b->files);
    assert_int_equal(a->network, b->network);
    assert_int_equal(a->registry, b->registry);
}

static void test_trees(void **state)
{
    uint32_t nodes = 0;

    (void)state;
    for (int round = 0; round < 100; round++) {
        const struct lg_event *ev = g.ev[pick(EVENTS)].ev;
        struct lg_str focus[2] = {lg_event_str(ev, LG_F_PROCESS_GUID), LG_STR("guid-7")};
        struct lg_tree_query q = {.tenant = ev->tenant_id,
                .endpoint = ev->endpoint_id,
                .from = DAY0 * SEC + (lg_time)pick((uint64_t)LG_DAY_NS),
                .guids = focus,
                .n_guids = one_in(3) ? 2 : 0,
                .max_nodes = one_in(4) ? 1 + (uint32_t)pick(20) : 1000};
        struct lg_tree a, b;

        q.to = q.from + 1 + (lg_time)pick(3 * (uint64_t)LG_DAY_NS);
        assert_int_equal(f.st->ops->tree(f.st, g.scopes[0], &q, &f.arena, &a), 0);
        assert_int_equal(g.st->ops->tree(g.st, g.scopes[0], &q, &f.arena, &b), 0);
        assert_int_equal(a.n, b.n);
        assert_int_equal(a.truncated, b.truncated);
        for (uint32_t i = 0; i < a.n; i++)
            same_node(&a.nodes[i], &b.nodes[i]);
        nodes += a.n;
        lg_arena_clear(&f.arena);
    }
    assert_true(nodes > 500);
}

/* ---- from one engine to another ---- */
struct report {
    uint32_t days;
    uint64_t events, inferences, written;
};

static int on_day(void *user, const struct lg_migrated_day *d)
{
    struct report *r = (struct report *)user;

    assert_memory_equal(d->digest_from, d->digest_to, sizeof(d->digest_to));
    assert_int_equal(d->events_from, d->events_to);
    assert_int_equal(d->inferences_from, d->inferences_to);
    r->days++;
    r->events += d->events_to;
    r->inferences += d->inferences_to;
    r->written += d->written;
    return 0;
}

/* Out of the engine into an empty SQLite store, which then is the same as the one beside it. */
static void test_migrate(void **state)
{
    struct lg_event_query q = {.limit = 1000};
    struct lg_sqlite_event_options opt = {.dir = NULL};
    struct lg_event_store *copy = NULL;
    struct lg_event_page a, b;
    struct report r = {0};
    struct lg_err err = {0};
    char dir[256];

    (void)state;
    make_folder(dir);
    opt.dir = dir;
    assert_int_equal(lg_sqlite_event_store_open(&opt, &copy, &err), 0);
    assert_int_equal(lg_event_migrate(f.st, copy, g.scopes[1], on_day, &r, &err), LG_EINVAL);
    if (lg_event_migrate(f.st, copy, g.scopes[0], on_day, &r, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(r.events, EVENTS);
    assert_int_equal(r.inferences, INFERENCES);
    assert_int_equal(r.written, EVENTS + INFERENCES);
    assert_true(r.days >= 3);
    assert_int_equal(copy->ops->event_search(copy, g.scopes[0], &q, &f.arena, &a), 0);
    assert_int_equal(g.st->ops->event_search(g.st, g.scopes[0], &q, &f.arena, &b), 0);
    same_events(&a, &b);
    /* back again: nothing to write, and the days are the same */
    r = (struct report){0};
    if (lg_event_migrate(copy, f.st, g.scopes[0], on_day, &r, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(r.events, EVENTS);
    assert_int_equal(r.written, 0);
    lg_event_store_close(copy);
    remove_folder(dir);
}

static int on_bad_day(void *user, const struct lg_migrated_day *d)
{
    struct report *r = (struct report *)user;

    r->days += memcmp(d->digest_from, d->digest_to, sizeof(d->digest_to)) != 0;
    return 0;
}

/* Another event under an id of ours: the day is not the same, and that is said. */
static void test_migrate_into_others(void **state)
{
    struct lg_sqlite_event_options opt = {.dir = NULL};
    struct lg_event_store *copy = NULL;
    struct lg_event other = *g.ev[5].ev;
    struct lg_event_put p = g.ev[5];
    struct report r = {0};
    struct lg_err err = {0};
    struct lg_buf b;
    char dir[256];

    (void)state;
    make_folder(dir);
    opt.dir = dir;
    assert_int_equal(lg_sqlite_event_store_open(&opt, &copy, &err), 0);
    lg_event_set_str(&other, LG_F_COMMAND_LINE, LG_STR("another"));
    lg_buf_init(&b, 1u << 20);
    lg_event_write(&other, &b);
    p.json = lg_buf_str(&b);
    assert_int_equal(copy->ops->write(copy, &p, 1, NULL, 0, &err), 0);
    assert_int_equal(lg_event_migrate(f.st, copy, g.scopes[0], on_bad_day, &r, &err), LG_ECORRUPT);
    assert_non_null(strstr(err.text, "is not the same on both sides"));
    assert_int_equal(r.days, 1);
    lg_buf_done(&b);
    lg_event_store_close(copy);
    remove_folder(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events),
            cmocka_unit_test(test_windows_and_single_events), cmocka_unit_test(test_inferences),
            cmocka_unit_test(test_single_inferences), cmocka_unit_test(test_sums),
            cmocka_unit_test(test_profiles), cmocka_unit_test(test_trees),
            cmocka_unit_test(test_migrate), cmocka_unit_test(test_migrate_into_others)};

    choose_engine();
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

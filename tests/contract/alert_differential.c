/*
 * The same random calls to a SQLite store and to a PostgreSQL store, and the same answers, byte for
 * byte; only positions (numbers of rows, cursors) are each store's own. LG_SEED picks the sequence.
 */
#include "differential_alert.h"
#include "postgres/int.h"

/* ---- calls ---- */

static void do_apply(void)
{
    struct lg_inference in[5];
    size_t n = 1 + below(N(in));

    for (size_t k = 0; k < n; k++)
        in[k] = any_inference();
    for (int i = 0; i < STORES; i++) {
        struct lg_apply items[5] = {0};
        struct lg_err err = {0};

        for (size_t k = 0; k < n; k++)
            items[k].in = &in[k];
        SAY(i, "%d\n", OPS(i)->apply(p.st[i], items, n, GAP_NS, p.now, &err));
        for (size_t k = 0; k < n; k++) {
            SAY(i, "%d ", items[k].ret_result);
            say_id(&p.said[i], &items[k].ret_alert_id);
            if (i == 0 && items[k].ret_result == LG_APPLY_CREATED && p.n_alerts < N(p.alerts))
                p.alerts[p.n_alerts++] = items[k].ret_alert_id;
        }
    }
    lg_arena_clear(&p.m.a);
}

static void do_patch(void)
{
    static const char *const matches[] = {"", "", "\"1\"", "\"2\"", "*", "junk"};
    struct lg_alert_patch patch = {.has_status = below(2) == 0,
            .status = (enum lg_alert_status)below(LG_ALERT_STATUS_COUNT),
            .has_notes = below(2) == 0,
            .notes = any_text(),
            .has_assignee = below(2) == 0,
            .assignee = any_text(),
            .actor = any_text(),
            .if_match = lg_str_z(matches[below(N(matches))]),
            .now = p.now};
    const struct lg_scope *sc = any_scope();
    struct lg_uuid id = any_alert();

    for (int i = 0; i < STORES; i++) {
        struct lg_alert al = {0};
        unsigned steps = 0;

        SAY(i, "%d ", OPS(i)->alert_patch(p.st[i], sc, &id, &patch, &p.a[i], &al, &steps));
        SAY(i, "%u ", steps);
        say_alert(&p.said[i], &al);
    }
}

static struct lg_alert_query any_query(void)
{
    static const char *const needles[] = {"tool1", "TOOL", "m\xc3\xbc", "\n", "two\nl", "%", "\xff",
            "\xc3", "\x1a", "hr00", "\xd0"};
    struct lg_alert_query q = {.sort = (enum lg_alert_sort)below(LG_ALERT_SORT_COUNT),
            .ascending = below(2) == 0,
            .limit = 1 + (uint32_t)below(30),
            .no_total = below(6) == 0};

    if (below(3) == 0)
        q.tenant = any_tenant();
    if (below(3) == 0)
        q.statuses = (unsigned)below(64);
    if (below(3) == 0)
        q.severities = (unsigned)below(32);
    if (below(4) == 0)
        q.endpoint = any_text();
    if (below(4) == 0)
        q.technique = below(2) == 0 ? LG_STR("T1003") : LG_STR("T1059.001");
    if (below(4) == 0)
        q.assignee = any_text();
    if (below(4) == 0)
        q.from = (10000 + (int64_t)below(7200)) * SEC;
    if (below(4) == 0)
        q.to = (10000 + (int64_t)below(7200)) * SEC;
    if (below(6) == 0)
        q.received_from = (10000 + (int64_t)below(7200)) * SEC;
    if (below(3) == 0)
        q.text = lg_str_z(needles[below(N(needles))]);
    if (below(5) == 0)
        q.offset = (uint32_t)below(20);
    return q;
}

static void do_list(void)
{
    struct lg_alert_query q = any_query();
    const struct lg_scope *sc = any_scope();

    for (int i = 0; i < STORES; i++) {
        struct lg_alert_query own = q;

        for (int page = 0; page < 40; page++) {
            struct lg_alert_page got = {0};

            SAY(i, "%d ", OPS(i)->alert_list(p.st[i], sc, &own, &p.a[i], &got));
            SAY(i, "%u %llu %d\n", got.n, (unsigned long long)got.total, got.total_is_lower_bound);
            for (uint32_t k = 0; k < got.n; k++)
                say_alert(&p.said[i], &got.alerts[k]);
            own.cursor = got.next_cursor;
            own.offset = 0;
            if (own.cursor.n == 0)
                break;
        }
    }
}

static void do_reads(void)
{
    const struct lg_scope *sc = any_scope();
    struct lg_uuid id = any_alert();

    for (int i = 0; i < STORES; i++) {
        struct lg_alert_history *h = NULL;
        struct lg_alert al = {0}, *als = NULL;
        struct lg_uuid *ids = NULL;
        uint32_t n = 0;

        SAY(i, "get %d ", OPS(i)->alert_get(p.st[i], sc, &id, &p.a[i], &al));
        say_alert(&p.said[i], &al);
        SAY(i, "history %d\n", OPS(i)->alert_history(p.st[i], sc, &id, &p.a[i], &h, &n));
        for (uint32_t k = 0; k < n; k++) {
            const struct lg_str all[] = {h[k].actor, h[k].action, h[k].from, h[k].to, h[k].notes};

            SAY(i, "%lld ", (long long)h[k].at);
            for (size_t t = 0; t < N(all); t++)
                say_str(&p.said[i], all[t]);
        }
        n = 0;
        SAY(i, "\ninferences %d\n",
                OPS(i)->alert_inferences(p.st[i], sc, &id, 5, &p.a[i], &ids, &n));
        for (uint32_t k = 0; k < n; k++)
            say_id(&p.said[i], &ids[k]);
        n = 0;
        SAY(i, "\nsimilar %d\n", OPS(i)->alert_similar(p.st[i], sc, &id, 7, &p.a[i], &als, &n));
        for (uint32_t k = 0; k < n; k++)
            say_alert(&p.said[i], &als[k]);
    }
}

static void do_sums(void)
{
    struct lg_quality_query q = {.tenant = any_tenant(),
            .from = (int64_t)below(20) * SEC,
            .to = (int64_t)(20 + below(1000)) * SEC,
            .parts = (uint32_t)below(7)};
    const struct lg_scope *sc = any_scope();
    struct lg_str tenant = any_tenant();
    unsigned statuses = (unsigned)below(32);

    for (int i = 0; i < STORES; i++) {
        struct lg_endpoint_alerts *e = NULL;
        struct lg_quality sum = {0};
        uint64_t total = 0;
        uint32_t n = 0;
        int rc;

        SAY(i, "%d ", OPS(i)->alert_count(p.st[i], sc, tenant, statuses, &total));
        SAY(i, "%llu\n%d\n", (unsigned long long)total,
                OPS(i)->endpoints(p.st[i], sc, tenant, &p.a[i], &e, &n));
        for (uint32_t k = 0; k < n; k++) {
            say_str(&p.said[i], e[k].tenant_id);
            say_str(&p.said[i], e[k].endpoint_id);
            SAY(i, "%llu %llu %d %lld\n", (unsigned long long)e[k].total,
                    (unsigned long long)e[k].active, e[k].worst_active, (long long)e[k].last_seen);
        }
        rc = OPS(i)->quality(p.st[i], sc, &q, &p.a[i], &sum);
        SAY(i, "%d %llu\n", rc, (unsigned long long)sum.feedback);
        for (int k = 0; rc >= 0 && k < LG_SEVERITY_COUNT; k++)
            SAY(i, "%llu/%llu ", (unsigned long long)sum.severity[k].right,
                    (unsigned long long)sum.severity[k].wrong);
        for (uint32_t k = 0; rc >= 0 && k < q.parts; k++)
            SAY(i, "%llu/%llu ", (unsigned long long)sum.over_time[k].right,
                    (unsigned long long)sum.over_time[k].wrong);
        for (uint32_t k = 0; rc >= 0 && k < sum.n_techniques; k++)
            say_str(&p.said[i], sum.techniques[k].technique);
    }
}

static void do_feedback(void)
{
    struct lg_feedback f = {.alert_id = any_alert(),
            .is_true_positive = below(2) == 0,
            .note = any_text(),
            .author = any_text(),
            .created_at = below(4) == 0 ? 5 : p.now};
    const struct lg_scope *sc = any_scope();

    if (below(3) == 0)
        f.inference_id.b[15] = (uint8_t)below(250);
    for (int i = 0; i < STORES; i++) {
        struct lg_feedback own = f;

        SAY(i, "%d ", OPS(i)->feedback_add(p.st[i], sc, &own, &p.a[i]));
    }
}

static void do_feedback_list(void)
{
    struct lg_feedback_query q = {.tenant = any_tenant(),
            .has_alert = below(3) == 0,
            .alert_id = any_alert(),
            .limit = 1 + (uint32_t)below(20)};
    const struct lg_scope *sc = any_scope();

    for (int i = 0; i < STORES; i++) {
        struct lg_feedback_query own = q;

        for (uint32_t n = 1; n > 0;) {
            struct lg_feedback *f = NULL;

            n = 0;
            SAY(i, "%d\n", OPS(i)->feedback_list(p.st[i], sc, &own, &p.a[i], &f, &n, &own.after));
            for (uint32_t k = 0; k < n; k++) {
                say_id(&p.said[i], &f[k].feedback_id);
                say_id(&p.said[i], &f[k].alert_id);
                say_id(&p.said[i], &f[k].inference_id);
                say_str(&p.said[i], f[k].tenant_id);
                say_str(&p.said[i], f[k].note);
                say_str(&p.said[i], f[k].author);
                SAY(i, "%d %lld\n", f[k].is_true_positive, (long long)f[k].created_at);
            }
        }
    }
}

static struct lg_suppression any_suppression(void)
{
    struct lg_suppression s = {.tenant_id = any_tenant(),
            .owner = LG_STR("anna"),
            .reason = any_text(),
            .created_at = p.now,
            .expires_at = p.now + (lg_time)(1 + below(200)) * SEC};

    if (below(2) == 0)
        s.process = below(2) == 0 ? LG_STR("tool1.exe") : LG_STR("*tool2*");
    if (below(3) == 0)
        s.technique = LG_STR("T1003");
    if (below(3) == 0)
        s.hash = LG_STR("ab1");
    if (below(3) == 0)
        s.endpoint_id = any_text();
    return s;
}

static void do_suppress(void)
{
    struct lg_suppression s = any_suppression();
    const struct lg_scope *sc = any_scope();
    bool keep = below(3) == 0;
    uint32_t max = (uint32_t)below(6);

    for (int i = 0; i < STORES; i++) {
        struct lg_suppression own = s;
        struct lg_alert *als = NULL;
        struct lg_err err = {0};
        uint64_t total = 0;
        uint32_t n = 0;
        int rc;

        rc = OPS(i)->suppression_preview(p.st[i], sc, &s, 0, max, &p.a[i], &als, &n, &total);
        SAY(i, "%d %u %llu\n", rc, n, (unsigned long long)total);
        for (uint32_t k = 0; rc >= 0 && k < n; k++)
            say_alert(&p.said[i], &als[k]);
        if (!keep)
            continue;
        rc = OPS(i)->suppression_add(p.st[i], sc, &own, &err);
        SAY(i, "%d %s\n", rc, err.text);
        if (i == 0 && rc >= 0 && p.n_rules < N(p.rules))
            p.rules[p.n_rules++] = own.suppression_id;
    }
}

static void do_rules(void)
{
    struct lg_uuid id = p.n_rules == 0 ? (struct lg_uuid){{1}} : p.rules[below(p.n_rules)];
    const struct lg_scope *sc = any_scope();
    struct lg_str tenant = any_tenant();
    bool revoke = below(2) == 0;

    for (int i = 0; i < STORES; i++) {
        struct lg_suppression_hit *hits = NULL;
        struct lg_suppression *s = NULL;
        uint32_t n = 0;

        if (revoke)
            SAY(i, "%d ", OPS(i)->suppression_revoke(p.st[i], sc, &id, p.now));
        SAY(i, "%d\n", OPS(i)->suppression_hits(p.st[i], sc, &id, 9, &p.a[i], &hits, &n));
        for (uint32_t k = 0; k < n; k++) {
            say_id(&p.said[i], &hits[k].suppression_id);
            say_id(&p.said[i], &hits[k].inference_id);
            say_str(&p.said[i], hits[k].endpoint_id);
            say_str(&p.said[i], hits[k].title);
            SAY(i, "%a %lld %lld\n", hits[k].attack_prob, (long long)hits[k].window_end,
                    (long long)hits[k].at);
        }
        n = 0;
        SAY(i, "%d\n", OPS(i)->suppression_list(p.st[i], sc, tenant, &p.a[i], &s, &n));
        for (uint32_t k = 0; k < n; k++)
            say_suppression(&p.said[i], &s[k]);
    }
}

static void do_outbox(void)
{
    uint32_t max = 1 + (uint32_t)below(40);
    bool ack = below(2) == 0;

    for (int i = 0; i < STORES; i++) {
        struct lg_outbox_row *rows = NULL;
        uint32_t n = 0;

        SAY(i, "%d\n", OPS(i)->outbox_read(p.st[i], p.outbox[i], max, &p.a[i], &rows, &n));
        for (uint32_t k = 0; k < n; k++) {
            say_str(&p.said[i], rows[k].tenant_id);
            say_str(&p.said[i], rows[k].endpoint_id);
            say_str(&p.said[i], rows[k].change);
            say_str(&p.said[i], rows[k].json);
        }
        if (ack && n > 0) {
            p.outbox[i] = rows[n - 1].seq;
            SAY(i, "%d\n", OPS(i)->outbox_ack(p.st[i], p.outbox[i]));
        }
    }
}

static void do_audit(void)
{
    struct lg_audit_row rows[3];
    struct lg_audit_query q = {.tenant = any_tenant(),
            .actor = below(4) == 0 ? LG_STR("o'brien") : LG_STR(""),
            .action = below(3) == 0 ? LG_STR("alert.") : LG_STR(""),
            .from = below(3) == 0 ? p.now - 100 * SEC : 0,
            .limit = 1 + (uint32_t)below(30)};
    const struct lg_scope *sc = any_scope();
    size_t n_rows = below(N(rows) + 1);

    for (size_t k = 0; k < n_rows; k++)
        rows[k] = (struct lg_audit_row){.at = p.now,
                .tenant_id = any_tenant(),
                .actor = any_text(),
                .action = below(2) == 0 ? LG_STR("alert.patch") : any_text(),
                .target = any_text(),
                .detail = any_text(),
                .request_id = any_text()};
    for (int i = 0; i < STORES; i++) {
        struct lg_admin_store *ad = p.st[i]->admin;
        struct lg_audit_row *got = NULL;
        uint32_t n = 0;

        SAY(i, "%d ", ad->ops->audit_append(ad, rows, n_rows));
        SAY(i, "%d\n", ad->ops->audit_list(ad, sc, &q, &p.a[i], &got, &n));
        for (uint32_t k = 0; k < n; k++) {
            const struct lg_str all[] = {got[k].tenant_id, got[k].actor, got[k].action,
                    got[k].target, got[k].detail, got[k].request_id,
                    lg_str_of((const char *)got[k].hash, sizeof(got[k].hash))};

            SAY(i, "%llu %lld ", (unsigned long long)got[k].seq, (long long)got[k].at);
            for (size_t t = 0; t < N(all); t++)
                say_str(&p.said[i], all[t]);
        }
    }
}

static void do_searches(void)
{
    struct lg_search_row s = {.search_id = {{(uint8_t)below(20)}},
            .tenant_id = any_tenant(),
            .owner = any_text(),
            .name = below(2) == 0 ? LG_STR("mine") : LG_STR("other"),
            .query = any_text(),
            .shared = below(2) == 0,
            .created_at = p.now,
            .updated_at = p.now};
    struct lg_str tenant = any_tenant(), owner = any_text();
    const struct lg_scope *sc = any_scope();
    bool put = below(2) == 0;

    for (int i = 0; i < STORES; i++) {
        struct lg_admin_store *ad = p.st[i]->admin;
        struct lg_search_row *got = NULL;
        uint32_t n = 0;

        SAY(i, "%d ",
                put ? ad->ops->search_put(ad, sc, &s)
                    : ad->ops->search_delete(ad, sc, &s.search_id, s.owner));
        SAY(i, "%d\n", ad->ops->search_list(ad, sc, tenant, owner, &p.a[i], &got, &n));
        for (uint32_t k = 0; k < n; k++) {
            say_id(&p.said[i], &got[k].search_id);
            say_str(&p.said[i], got[k].tenant_id);
            say_str(&p.said[i], got[k].owner);
            say_str(&p.said[i], got[k].name);
            say_str(&p.said[i], got[k].query);
            SAY(i, "%d %lld %lld\n", got[k].shared, (long long)got[k].created_at,
                    (long long)got[k].updated_at);
        }
    }
}

static void say_deliveries(int i, const struct lg_delivery_row *d, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        say_id(&p.said[i], &d[k].delivery_id);
        say_id(&p.said[i], &d[k].alert_id);
        say_str(&p.said[i], d[k].tenant_id);
        say_str(&p.said[i], d[k].target);
        say_str(&p.said[i], d[k].body);
        say_str(&p.said[i], d[k].last_error);
        SAY(i, "%d %u %lld\n", d[k].state, d[k].attempts, (long long)d[k].next_at);
    }
}

static void do_deliveries(void)
{
    struct lg_delivery_row d = {.delivery_id = {{(uint8_t)below(60)}},
            .tenant_id = LG_STR("a"),
            .target = any_text(),
            .body = any_text(),
            .next_at = p.now + (lg_time)below(30) * SEC,
            .created_at = p.now};
    enum lg_delivery_state state = (enum lg_delivery_state)below(3);
    const struct lg_scope *sc = any_scope();
    uint64_t what = below(4);

    for (int i = 0; i < STORES; i++) {
        struct lg_admin_store *ad = p.st[i]->admin;
        struct lg_delivery_row *got = NULL;
        uint32_t n = 0;

        if (what < 2)
            SAY(i, "%d\n", ad->ops->delivery_add(ad, &d));
        else if (what == 2)
            SAY(i, "%d\n",
                    ad->ops->delivery_update(ad, &d.delivery_id, state, d.next_at, d.target));
        else
            SAY(i, "%d %u\n", ad->ops->delivery_purge(ad, p.now, 5, &n), n);
        n = 0;
        SAY(i, "%d\n", ad->ops->delivery_due(ad, p.now, 9, &p.a[i], &got, &n));
        say_deliveries(i, got, n);
        n = 0;
        SAY(i, "%d\n", ad->ops->delivery_list(ad, sc, LG_STR(""), 9, &p.a[i], &got, &n));
        say_deliveries(i, got, n);
    }
}

static void do_admin(void)
{
    char name[8] = {'t', (char)('a' + below(20))};
    struct lg_tenant_row t = {.tenant_id = lg_str_z(name), .name = any_text(), .created_at = p.now};
    struct lg_token_row tok = {.token_id = lg_str_z(name),
            .name = any_text(),
            .owner = any_text(),
            .grants = any_text(),
            .tenants = below(2) == 0 ? LG_STR("[\"a\"]") : LG_STR("[]"),
            .created_at = p.now};
    struct lg_session_row ss = {.hash = {(uint8_t)below(20)},
            .token_id = lg_str_z(name),
            .created_at = p.now,
            .expires_at = p.now + 50 * SEC,
            .seen_at = p.now};
    struct lg_str value = any_text();
    const struct lg_scope *sc = any_scope();
    uint64_t what = below(5);

    for (int i = 0; i < STORES; i++) {
        struct lg_admin_store *ad = p.st[i]->admin;
        struct lg_session_row *sessions = NULL;
        struct lg_token_row *tokens = NULL;
        struct lg_tenant_row *tenants = NULL;
        bool first = false;
        uint32_t n = 0;

        SAY(i, "%d ",
                what == 0           ? ad->ops->tenant_create(ad, &t)
                        : what == 1 ? ad->ops->tenant_disable(ad, t.tenant_id, p.now)
                        : what == 2 ? ad->ops->token_create(ad, &tok)
                        : what == 3 ? ad->ops->token_revoke(ad, tok.token_id, p.now)
                                    : ad->ops->session_put(ad, &ss));
        SAY(i, "%d %d ", ad->ops->token_used(ad, tok.token_id, p.now, &first), first);
        SAY(i, "%d ", ad->ops->setting_put(ad, lg_str_z(name), value));
        SAY(i, "%d ", ad->ops->setting_get(ad, lg_str_z(name), &p.a[i], &value));
        say_str(&p.said[i], value);
        SAY(i, "%d\n", ad->ops->tenant_list(ad, &p.a[i], &tenants, &n));
        for (uint32_t k = 0; k < n; k++) {
            say_str(&p.said[i], tenants[k].tenant_id);
            say_str(&p.said[i], tenants[k].name);
            SAY(i, "%lld\n", (long long)tenants[k].disabled_at);
        }
        n = 0;
        SAY(i, "%d\n", ad->ops->token_list(ad, sc, &p.a[i], &tokens, &n));
        for (uint32_t k = 0; k < n; k++) {
            say_str(&p.said[i], tokens[k].token_id);
            say_str(&p.said[i], tokens[k].grants);
            SAY(i, "%lld %lld %lld\n", (long long)tokens[k].first_used_at,
                    (long long)tokens[k].last_used_at, (long long)tokens[k].revoked_at);
        }
        if (what == 4 && below(1) == 0)
            SAY(i, "%d ", ad->ops->session_purge(ad, p.now, p.now - 60 * SEC));
        n = 0;
        SAY(i, "%d %u\n", ad->ops->session_all(ad, 100, &p.a[i], &sessions, &n), n);
    }
}

/* ---- the run ---- */

static void run_steps(void)
{
    static const struct {
        const char *name;
        void (*call)(void);
        unsigned weight;
    } calls[] = {{"apply", do_apply, 8}, {"patch", do_patch, 6}, {"list", do_list, 6},
            {"reads", do_reads, 3}, {"sums", do_sums, 2}, {"feedback", do_feedback, 3},
            {"feedback list", do_feedback_list, 1}, {"suppress", do_suppress, 2},
            {"rules", do_rules, 1}, {"outbox", do_outbox, 2}, {"audit", do_audit, 2},
            {"searches", do_searches, 1}, {"deliveries", do_deliveries, 2},
            {"administration", do_admin, 2}};
    unsigned sum = 0;

    for (size_t i = 0; i < N(calls); i++)
        sum += calls[i].weight;
    for (p.step = 0; p.step < STEPS; p.step++) {
        uint64_t at = below(sum);
        size_t k = 0;

        while (at >= calls[k].weight)
            at -= calls[k++].weight;
        p.now += (lg_time)below(3) * SEC;
        calls[k].call();
        same_answers(calls[k].name);
    }
}

static void test_differential(void **state)
{
    struct lg_audit_check c[STORES];
    struct lg_err err = {0};

    (void)state;
    run_steps();
    for (int i = 0; i < STORES; i++) {
        if (OPS(i)->verify(p.st[i], &err) < 0)
            fail_msg("%s: %s", OPS(i)->name, err.text);
        assert_int_equal(p.st[i]->admin->ops->audit_verify(p.st[i]->admin, &c[i]), 0);
        assert_int_equal(c[i].first_bad, 0);
    }
    assert_true(p.n_alerts > 50 && p.n_rules > 0 && c[0].rows > 20); /* something was compared */
    assert_int_equal(c[0].rows, c[1].rows);
    assert_memory_equal(c[0].head, c[1].head, sizeof(c[0].head));
}

/* What the one holds, moved into an empty other, table by table with the same digest; then both
 * answer alike again. */
static void count_table(void *user, const struct lg_migrated_table *t)
{
    unsigned *filled = (unsigned *)user;

    if (t->rows_from != t->rows_to || lg_link_cmp(&t->digest_from, &t->digest_to) != 0)
        fail_msg("%s: %llu rows became %llu, or others", t->name, (unsigned long long)t->rows_from,
                (unsigned long long)t->rows_to);
    *filled += t->rows_from > 0;
}

static void test_migrate(void **state)
{
    struct lg_postgres_options o = engine_options();
    struct lg_err err = {0};
    unsigned filled = 0;
    char schema[64];

    (void)state;
    run_steps();
    lg_alert_store_close(p.st[1]);
    (void)snprintf(schema, sizeof(schema), "%s_moved", o.schema);
    o.schema = schema;
    assert_int_equal(lg_postgres_alert_store_open(&o, &p.st[1], &err), 0);
    if (lg_alert_migrate(p.st[0], p.st[1], count_table, &filled, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(filled >= 17); /* sessions and outbox may be empty just then */
    assert_int_equal(lg_alert_migrate(p.st[0], p.st[1], NULL, NULL, &err), LG_EEXIST);
    assert_int_equal(OPS(1)->verify(p.st[1], &err), 0);
    p.outbox[0] = p.outbox[1] = 0;
    run_steps();
    assert_int_equal(OPS(1)->verify(p.st[1], &err), 0);
}

static int setup(void **state)
{
    struct lg_postgres_options o = engine_options();
    const char *seed = getenv("LG_SEED");
    struct lg_err err = {0};
    char path[300];

    (void)state;
    p.rnd = 1;
    p.now = 1000 * SEC;
    if (seed != NULL)
        assert_int_equal(lg_parse_u64(lg_str_z(seed), &p.rnd), 0);
    make_folder(p.dir);
    (void)snprintf(path, sizeof(path), "%s/alerts.db", p.dir);
    if (lg_sqlite_alert_store_open(path, &p.st[0], &err) < 0 ||
            lg_postgres_alert_store_open(&o, &p.st[1], &err) < 0)
        fail_msg("%s", err.text);
    if (p.rnd % 2 == 1)
        lg_pg_of(p.st[1])->few = 3; /* both ways to list by text */
    for (int i = 0; i < STORES; i++) {
        lg_arena_init(&p.a[i], 256u << 20);
        lg_buf_init(&p.said[i], 256u << 20);
    }
    p.scopes[0] = scope_of("*", LG_ACT_ALERT_READ);
    p.scopes[1] = scope_of("a", LG_ACT_ALERT_READ);
    p.scopes[2] = scope_of("a,c", LG_ACT_ALERT_READ);
    p.scopes[3] = scope_of("", LG_ACT_ALERT_READ);
    maker_init(&p.m);
    return 0;
}

/* A schema of its own for the second test. */
static int setup_empty(void **state)
{
    char schema[64];

    memset(&p, 0, sizeof(p));
    (void)snprintf(schema, sizeof(schema), "%s_2", getenv("LG_POSTGRES_SCHEMA"));
    assert_int_equal(setenv("LG_POSTGRES_SCHEMA", schema, 1), 0);
    return setup(state);
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < STORES; i++) {
        lg_alert_store_close(p.st[i]);
        lg_arena_done(&p.a[i]);
        lg_buf_done(&p.said[i]);
    }
    for (size_t i = 0; i < 4; i++)
        lg_scope_free(p.scopes[i]);
    maker_done(&p.m);
    remove_folder(p.dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_differential, setup, teardown),
            cmocka_unit_test_setup_teardown(test_migrate, setup_empty, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

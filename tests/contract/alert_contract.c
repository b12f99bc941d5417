/* The contract of the alert store, asked through its ops, of the back end that LG_CONTRACT names. */
#include <pthread.h>
#include <stdatomic.h>

#include "alert_engine.h"

#define FIXTURE_OPEN engine_open
#include "store/alert_fixture.h"

static void test_fold(void **state)
{
    struct make_inference mi = first;
    struct lg_apply r1 = apply_at(&mi, 1 * SEC), r2;
    struct lg_alert al;
    static const struct lg_uuid none;
    struct lg_uuid *ids, of[3];
    uint32_t n;

    (void)state;
    assert_int_equal(r1.ret_result, LG_APPLY_CREATED);
    r2 = apply_at(&mi, 2 * SEC); /* the same verdict again */
    assert_int_equal(r2.ret_result, LG_APPLY_DUPLICATE);
    assert_memory_equal(&r1.ret_alert_id, &r2.ret_alert_id, 16);
    assert_int_equal(get(f.all, &r1.ret_alert_id).occurrences, 1);
    mi.id = 2;
    mi.window_end_s += 60;
    mi.severity = "critical";
    mi.prob = 0.99;
    mi.techniques = "[\"T1003.001\"]";
    r2 = apply_at(&mi, 3 * SEC);
    assert_int_equal(r2.ret_result, LG_APPLY_JOINED);
    assert_memory_equal(&r1.ret_alert_id, &r2.ret_alert_id, 16);
    mi.id = 3;
    mi.severity = "low";
    (void)apply_at(&mi, 4 * SEC);
    al = get(f.all, &r1.ret_alert_id);
    assert_int_equal(al.occurrences, 3);
    assert_int_equal(al.severity, LG_SEVERITY_CRITICAL);
    assert_true(al.attack_prob == 0.99);
    assert_int_equal(al.version, 3);
    assert_int_equal(al.last_seen, 10060 * SEC);
    assert_str(al.techniques, "[\"T1003.001\",\"T1059.001\"]");
    assert_str(al.hostname, "hr001.corp.example");
    assert_int_equal(
            f.st->ops->alert_inferences(f.st, f.a, &al.alert_id, 10, &f.arena, &ids, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0].b[15], 1);
    assert_int_equal(ids[2].b[15], 3);
    assert_int_equal(f.st->ops->alert_of(f.st, f.a, ids, 3, of), 0);
    for (int i = 0; i < 3; i++)
        assert_memory_equal(of[i].b, al.alert_id.b, LG_UUID_BYTES);
    ids[1].b[3] ^= 0x40; /* of no alert */
    assert_int_equal(f.st->ops->alert_of(f.st, f.a, ids, 2, of), 0);
    assert_memory_equal(of[0].b, al.alert_id.b, LG_UUID_BYTES);
    assert_memory_equal(of[1].b, none.b, LG_UUID_BYTES);
    assert_int_equal(f.st->ops->alert_of(f.st, f.b, ids, 1, of), 0); /* another tenant's */
    assert_memory_equal(of[0].b, none.b, LG_UUID_BYTES);
    mi.prediction = "benign";
    mi.id = 4;
    assert_int_equal(apply_at(&mi, 5).ret_result, LG_APPLY_NONE);
    /* past the gap: a new alert that names the one before */
    mi.prediction = "attack";
    mi.id = 5;
    mi.window_end_s = 10060 + 180 + 1801;
    r2 = apply_at(&mi, 6 * SEC);
    assert_int_equal(r2.ret_result, LG_APPLY_CREATED);
    al = get(f.all, &r2.ret_alert_id);
    assert_true(al.has_previous);
    assert_memory_equal(&al.previous_alert_id, &r1.ret_alert_id, 16);
    assert_false(al.recurrence_of_false_positive);
}

static void test_recurrence(void **state)
{
    struct make_inference mi = first;
    struct lg_apply r1 = apply_at(&mi, 1 * SEC), r2;
    struct lg_alert al;
    unsigned steps;

    (void)state;
    assert_int_equal(patch(f.a, &r1.ret_alert_id, LG_ALERT_FALSE_POSITIVE, "", &al, &steps), 0);
    assert_str(al.resolved_by, "token:anna");
    mi.id = 2;
    r2 = apply_at(&mi, 2 * SEC);
    assert_int_equal(r2.ret_result, LG_APPLY_CREATED);
    al = get(f.a, &r2.ret_alert_id);
    assert_true(al.recurrence_of_false_positive);
    assert_memory_equal(&al.previous_alert_id, &r1.ret_alert_id, 16);
    assert_int_equal(patch(f.a, &r2.ret_alert_id, LG_ALERT_RESOLVED, "", &al, &steps), 0);
    mi.id = 3;
    r1 = apply_at(&mi, 3 * SEC);
    al = get(f.a, &r1.ret_alert_id);
    assert_true(al.has_previous);
    assert_false(al.recurrence_of_false_positive);
    assert_memory_equal(&al.previous_alert_id, &r2.ret_alert_id, 16);
}

/* Every step from every state: allowed ones leave a row, refused ones nothing. */
static void test_steps(void **state)
{
    struct lg_alert_history *h;
    struct lg_alert al;
    unsigned steps;
    uint32_t n;

    (void)state;
    for (int from = 0; from < LG_ALERT_STATUS_COUNT; from++)
        for (int to = 0; to < LG_ALERT_STATUS_COUNT; to++) {
            struct make_inference mi = first;
            struct lg_apply r;
            char host[32];
            int rc;

            (void)snprintf(host, sizeof(host), "h%d%d", from, to);
            mi.endpoint = host;
            mi.id = 100u + (unsigned)(from * 10 + to);
            r = apply_at(&mi, 1 * SEC);
            if (from != 0)
                assert_int_equal(
                        patch(f.a, &r.ret_alert_id, (enum lg_alert_status)from, "", &al, &steps),
                        0);
            rc = patch(f.a, &r.ret_alert_id, (enum lg_alert_status)to, "", &al, &steps);
            assert_int_equal(
                    f.st->ops->alert_history(f.st, f.a, &r.ret_alert_id, &f.arena, &h, &n), 0);
            if (lg_alert_step_allowed((enum lg_alert_status)from, (enum lg_alert_status)to)) {
                assert_int_equal(rc, 0);
                assert_int_equal(al.status, to);
                assert_int_equal(n, 1 + (from != 0) + (from != to || from == 0));
                if (from != to) {
                    assert_str(h[n - 1].to, lg_alert_status_name((enum lg_alert_status)to));
                    assert_str(h[n - 1].from, lg_alert_status_name((enum lg_alert_status)from));
                    assert_str(h[n - 1].actor, "token:anna");
                    assert_str(h[n - 1].notes, "looked at it");
                }
                assert_int_equal(al.resolved_by.n > 0, to >= LG_ALERT_RESOLVED);
            } else {
                assert_int_equal(rc, LG_ERANGE);
                assert_int_equal(steps, lg_alert_steps_from((enum lg_alert_status)from));
                assert_int_equal(al.status, from);
                assert_int_equal(n, 2);
                assert_int_equal(get(f.a, &r.ret_alert_id).status, from);
            }
        }
}

static void test_etag(void **state)
{
    struct lg_apply r = apply_at(&first, 1 * SEC);
    struct lg_alert al;
    unsigned steps;

    (void)state;
    assert_int_equal(
            patch(f.a, &r.ret_alert_id, LG_ALERT_ACKNOWLEDGED, "\"9\"", &al, &steps), LG_EREFUSED);
    assert_int_equal(al.version, 1); /* what is there, so that both can be shown */
    assert_int_equal(patch(f.a, &r.ret_alert_id, LG_ALERT_ACKNOWLEDGED, "\"1\"", &al, &steps), 0);
    assert_int_equal(al.version, 2);
    assert_int_equal(
            patch(f.a, &r.ret_alert_id, LG_ALERT_RESOLVED, "\"1\"", &al, &steps), LG_EREFUSED);
    assert_int_equal(
            patch(f.a, &r.ret_alert_id, LG_ALERT_RESOLVED, "garbage", &al, &steps), LG_EPARSE);
    assert_int_equal(get(f.a, &r.ret_alert_id).status, LG_ALERT_ACKNOWLEDGED);
}

static void test_outbox(void **state)
{
    struct make_inference mi = first;
    struct lg_apply r = apply_at(&mi, 1 * SEC);
    struct lg_outbox_row *rows;
    struct lg_alert al;
    unsigned steps;
    uint32_t n;

    (void)state;
    mi.id = 2;
    (void)apply_at(&mi, 2 * SEC);
    assert_int_equal(patch(f.a, &r.ret_alert_id, LG_ALERT_RESOLVED, "", &al, &steps), 0);
    assert_int_equal(f.st->ops->outbox_read(f.st, 0, 10, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 3);
    assert_str(rows[0].change, "created");
    assert_str(rows[1].change, "folded");
    assert_str(rows[2].change, "updated");
    assert_str(rows[2].tenant_id, "a");
    assert_true(lg_str_find(rows[2].json, LG_STR("\"status\":\"resolved\"")) >= 0);
    assert_true(lg_str_find(rows[1].json, LG_STR("\"occurrences\":2")) >= 0);
    assert_int_equal(f.st->ops->outbox_ack(f.st, rows[1].seq), 0);
    assert_int_equal(f.st->ops->outbox_read(f.st, 0, 10, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(f.st->ops->outbox_read(f.st, rows[0].seq, 10, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 0);
}

/* Nothing of a tenant shows through another's scope, by any read or write. */
static void test_isolation(void **state)
{
    struct make_inference mi = first;
    struct lg_apply ra = apply_at(&mi, 1 * SEC), rb;
    struct lg_feedback fb = {.author = LG_STR("x"), .created_at = 5};
    struct lg_feedback_query fq = {.limit = 10};
    struct lg_alert_query q = {.limit = 10};
    const struct lg_scope *const blind[] = {f.b, f.none, NULL};
    struct lg_suppression s = {.tenant_id = LG_STR("a"),
            .owner = LG_STR("o"),
            .reason = LG_STR("r"),
            .hash = LG_STR("ff"),
            .created_at = 1,
            .expires_at = 99 * SEC};
    struct lg_alert_page page;
    struct lg_err err;

    (void)state;
    mi.tenant = "b";
    mi.id = 2;
    rb = apply_at(&mi, 1 * SEC);
    fb.alert_id = ra.ret_alert_id;
    assert_int_equal(f.st->ops->feedback_add(f.st, f.a, &fb, &f.arena), 0);
    assert_int_equal(f.st->ops->suppression_add(f.st, f.a, &s, &err), 0);
    for (size_t i = 0; i < 3; i++) {
        const struct lg_scope *sc = blind[i];
        struct lg_suppression_hit *hits;
        struct lg_endpoint_alerts *eps;
        struct lg_alert_history *h;
        struct lg_suppression *ss;
        struct lg_feedback *fbs;
        struct lg_uuid *ids;
        struct lg_alert al, *als;
        uint64_t total, last;
        unsigned steps;
        uint32_t n;

        assert_int_equal(
                f.st->ops->alert_get(f.st, sc, &ra.ret_alert_id, &f.arena, &al), LG_ENOENT);
        assert_int_equal(
                f.st->ops->alert_history(f.st, sc, &ra.ret_alert_id, &f.arena, &h, &n), LG_ENOENT);
        assert_int_equal(
                f.st->ops->alert_inferences(f.st, sc, &ra.ret_alert_id, 9, &f.arena, &ids, &n),
                LG_ENOENT);
        assert_int_equal(
                f.st->ops->alert_similar(f.st, sc, &ra.ret_alert_id, 9, &f.arena, &als, &n),
                LG_ENOENT);
        assert_int_equal(
                patch(sc, &ra.ret_alert_id, LG_ALERT_RESOLVED, "", &al, &steps), LG_ENOENT);
        assert_int_equal(f.st->ops->feedback_add(f.st, sc, &fb, &f.arena), LG_ENOENT);
        assert_int_equal(f.st->ops->suppression_revoke(f.st, sc, &s.suppression_id, 9), LG_ENOENT);
        assert_int_equal(
                f.st->ops->suppression_hits(f.st, sc, &s.suppression_id, 9, &f.arena, &hits, &n),
                LG_ENOENT);
        assert_int_equal(f.st->ops->suppression_add(f.st, sc, &s, &err), LG_EREFUSED);
        q.tenant = LG_STR("a");
        assert_int_equal(f.st->ops->alert_list(f.st, sc, &q, &f.arena, &page), 0);
        assert_int_equal(page.n + page.total + page.next_cursor.n, 0);
        q.tenant = LG_STR("");
        assert_int_equal(f.st->ops->alert_list(f.st, sc, &q, &f.arena, &page), 0);
        assert_int_equal(page.n, sc == f.b);
        assert_int_equal(page.total, sc == f.b);
        assert_int_equal(f.st->ops->alert_count(f.st, sc, LG_STR("a"), 0, &total), 0);
        assert_int_equal(total, 0);
        assert_int_equal(f.st->ops->alert_count(f.st, sc, LG_STR(""), 0, &total), 0);
        assert_int_equal(total, sc == f.b);
        assert_int_equal(f.st->ops->endpoints(f.st, sc, LG_STR("a"), &f.arena, &eps, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(f.st->ops->feedback_list(f.st, sc, &fq, &f.arena, &fbs, &n, &last), 0);
        assert_int_equal(n, 0);
        assert_int_equal(f.st->ops->suppression_list(f.st, sc, LG_STR(""), &f.arena, &ss, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(
                f.st->ops->suppression_preview(f.st, sc, &s, 0, 10, &f.arena, &als, &n, &total), 0);
        assert_int_equal(total, 0);
    }
    assert_int_equal(get(f.a, &ra.ret_alert_id).status, LG_ALERT_OPEN);
    assert_str(get(f.b, &rb.ret_alert_id).tenant_id, "b");
    assert_int_equal(f.st->ops->alert_count(f.st, f.all, LG_STR(""), 0, &page.total), 0);
    assert_int_equal(page.total, 2);
}

static bool matches(const struct lg_alert *al, const struct lg_alert_query *q)
{
    return (q->tenant.n == 0 || lg_str_eq(q->tenant, al->tenant_id)) &&
            (q->statuses == 0 || (q->statuses >> al->status & 1)) &&
            (q->severities == 0 || (q->severities >> al->severity & 1)) &&
            (q->endpoint.n == 0 || lg_str_eq(q->endpoint, al->endpoint_id)) &&
            (q->technique.n == 0 || lg_str_find(al->techniques, q->technique) >= 0) &&
            (q->text.n == 0 || lg_str_ifind(al->title, q->text) >= 0) &&
            (q->from == 0 || al->last_seen >= q->from) && (q->to == 0 || al->first_seen < q->to) &&
            (q->received_from == 0 || al->received_at >= q->received_from) &&
            (q->received_to == 0 || al->received_at < q->received_to);
}

static double sort_value(const struct lg_alert *al, enum lg_alert_sort s)
{
    switch (s) {
    case LG_ALERT_BY_LAST_SEEN:
        return (double)al->last_seen;
    case LG_ALERT_BY_FIRST_SEEN:
        return (double)al->first_seen;
    case LG_ALERT_BY_RECEIVED:
        return (double)al->received_at;
    case LG_ALERT_BY_CREATED:
        return (double)al->created_at;
    case LG_ALERT_BY_UPDATED:
        return (double)al->updated_at;
    case LG_ALERT_BY_SEVERITY:
        return al->severity;
    case LG_ALERT_BY_PROB:
        return al->attack_prob;
    default:
        return (double)al->occurrences;
    }
}

/* Random filters, sorts and page sizes against a plain model: every row once, in order. */
static void test_list_model(void **state)
{
    struct lg_alert_query all_q = {.limit = 1000};
    struct lg_alert_page all;
    uint64_t rnd = 7;

    (void)state;
    fill(150, 3);
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &all_q, &f.arena, &all), 0);
    assert_int_equal(all.n, 150);
    assert_int_equal(all.total, 150);
    for (int round = 0; round < 300; round++) {
        struct lg_alert_query q = {.sort = (enum lg_alert_sort)(next_random(&rnd) % 8),
                .ascending = next_random(&rnd) % 2,
                .limit = 1 + (uint32_t)(next_random(&rnd) % 40)};
        bool two = next_random(&rnd) % 3 == 0;
        struct lg_scope *sc = two ? scope_of("a,c", LG_ACT_ALERT_READ) : f.all;
        uint32_t want = 0, got = 0, pages = 0;
        struct lg_alert_page p;
        double last = 0;

        if (next_random(&rnd) % 3 == 0)
            q.tenant = LG_STR("c");
        if (next_random(&rnd) % 3 == 0)
            q.statuses = 1u + (unsigned)(next_random(&rnd) % 31);
        if (next_random(&rnd) % 3 == 0)
            q.severities = 1u + (unsigned)(next_random(&rnd) % 15);
        if (next_random(&rnd) % 4 == 0)
            q.endpoint = LG_STR("host3");
        if (next_random(&rnd) % 4 == 0)
            q.technique = next_random(&rnd) % 2 ? LG_STR("T1003") : LG_STR("T1059.001");
        if (next_random(&rnd) % 4 == 0)
            q.from = (10000 + (int64_t)(next_random(&rnd) % 6000)) * SEC;
        if (next_random(&rnd) % 4 == 0)
            q.to = (10000 + (int64_t)(next_random(&rnd) % 6000)) * SEC;
        if (next_random(&rnd) % 4 == 0)
            q.text = LG_STR("TOOL1");
        for (uint32_t i = 0; i < all.n; i++)
            want += matches(&all.alerts[i], &q) && lg_scope_allows(sc, all.alerts[i].tenant_id);
        do {
            assert_int_equal(f.st->ops->alert_list(f.st, sc, &q, &f.arena, &p), 0);
            assert_int_equal(p.total, want);
            assert_false(p.total_is_lower_bound);
            for (uint32_t i = 0; i < p.n; i++, got++) {
                double v = sort_value(&p.alerts[i], q.sort);

                assert_true(matches(&p.alerts[i], &q));
                assert_true(lg_scope_allows(sc, p.alerts[i].tenant_id));
                if (got > 0)
                    assert_true(q.ascending ? v >= last : v <= last);
                last = v;
            }
            assert_true(p.next_cursor.n == 0 || p.n == q.limit);
            q.cursor = p.next_cursor;
            assert_true(++pages < 200);
        } while (q.cursor.n > 0);
        assert_int_equal(got, want);
        if (two)
            lg_scope_free(sc);
    }
}

/* Pages never overlap, and offsets give the same rows as cursors do. */
static void test_pages(void **state)
{
    struct lg_alert_query q = {.limit = 7, .sort = LG_ALERT_BY_SEVERITY};
    struct lg_uuid seen[64];
    struct lg_alert_page p;
    uint32_t n = 0;

    (void)state;
    fill(60, 9);
    do {
        struct lg_alert_query o = {.limit = 7, .sort = LG_ALERT_BY_SEVERITY, .offset = n};
        struct lg_alert_page po;

        assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), 0);
        assert_int_equal(f.st->ops->alert_list(f.st, f.all, &o, &f.arena, &po), 0);
        assert_int_equal(p.n, po.n);
        for (uint32_t i = 0; i < p.n; i++) {
            assert_memory_equal(&p.alerts[i].alert_id, &po.alerts[i].alert_id, 16);
            for (uint32_t k = 0; k < n; k++)
                assert_memory_not_equal(&seen[k], &p.alerts[i].alert_id, 16);
            seen[n++] = p.alerts[i].alert_id;
        }
        q.cursor = p.next_cursor;
    } while (q.cursor.n > 0);
    assert_int_equal(n, 60);
}

static void test_cursor_lies(void **state)
{
    struct lg_alert_query q = {.limit = 5};
    struct lg_alert_page p;
    char text[1024];
    uint64_t rnd = 1;

    (void)state;
    fill(20, 5);
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), 0);
    assert_true(p.next_cursor.n > 0 && p.next_cursor.n < sizeof(text));
    for (int i = 0; i < 500; i++) {
        size_t at = next_random(&rnd) % p.next_cursor.n;
        struct lg_alert_page bad;

        memcpy(text, p.next_cursor.p, p.next_cursor.n);
        text[at] = (char)(text[at] ^ (1 + next_random(&rnd) % 255));
        q.cursor = lg_str_of(text, p.next_cursor.n);
        assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &bad), LG_EINVAL);
    }
    /* a good cursor with another query */
    q.cursor = p.next_cursor;
    q.ascending = true;
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), LG_EINVAL);
    q.ascending = false;
    q.offset = 1;
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), LG_EINVAL);
}

static void test_text(void **state)
{
    struct lg_alert_query q = {.limit = 100, .text = LG_STR("m\xc3\xbcller15.EXE")};
    struct lg_alert_page p;

    (void)state;
    fill(20, 5);
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.n, 1);
    q.text = LG_STR("%");
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.n, 0);
    q.text = LG_STR("' OR 1=1 --");
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.n, 0);
    q.text = LG_STR("");
    q.endpoint = LG_STR("x' OR '1'='1");
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.n, 0);
}

static void test_suppression(void **state)
{
    struct make_inference mi = first;
    struct lg_suppression s = {.tenant_id = LG_STR("a"),
                                  .owner = LG_STR("anna"),
                                  .reason = LG_STR("backup"),
                                  .process = LG_STR("powershell.exe"),
                                  .created_at = 1 * SEC,
                                  .expires_at = 100 * SEC},
                          *list;
    struct lg_suppression_hit *hits;
    struct lg_apply r = apply_at(&mi, 1 * SEC);
    struct lg_alert *als;
    struct lg_err err;
    uint64_t total;
    uint32_t n;

    (void)state;
    assert_int_equal(
            f.st->ops->suppression_preview(f.st, f.a, &s, 0, 5, &f.arena, &als, &n, &total), 0);
    assert_int_equal(total, 1);
    assert_memory_equal(&als[0].alert_id, &r.ret_alert_id, 16);
    assert_int_equal(f.st->ops->suppression_add(f.st, f.a, &s, &err), 0);
    mi.id = 2;
    assert_int_equal(apply_at(&mi, 2 * SEC).ret_result, LG_APPLY_SUPPRESSED);
    assert_int_equal(apply_at(&mi, 2 * SEC).ret_result, LG_APPLY_SUPPRESSED); /* redelivery */
    assert_int_equal(get(f.a, &r.ret_alert_id).occurrences, 1);
    assert_int_equal(f.st->ops->suppression_list(f.st, f.a, LG_STR(""), &f.arena, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].hits, 1);
    assert_int_equal(
            f.st->ops->suppression_hits(f.st, f.a, &s.suppression_id, 9, &f.arena, &hits, &n), 0);
    assert_int_equal(n, 1);
    assert_str(hits[0].endpoint_id, "hr001");
    mi.id = 3;
    assert_int_equal(apply_at(&mi, 100 * SEC).ret_result, LG_APPLY_JOINED); /* expired */
    mi.id = 4;
    assert_int_equal(f.st->ops->suppression_revoke(f.st, f.a, &s.suppression_id, 9 * SEC), 0);
    assert_int_equal(apply_at(&mi, 10 * SEC).ret_result, LG_APPLY_JOINED);
}

static void test_feedback(void **state)
{
    struct make_inference mi = first;
    struct lg_apply r = apply_at(&mi, 1 * SEC);
    struct lg_feedback fb = {.alert_id = r.ret_alert_id,
                               .is_true_positive = true,
                               .author = LG_STR("anna"),
                               .note = LG_STR("yes"),
                               .created_at = 5 * SEC},
                       *list;
    struct lg_feedback_query q = {.limit = 1, .has_alert = true, .alert_id = r.ret_alert_id};
    uint64_t last;
    uint32_t n;

    (void)state;
    assert_int_equal(f.st->ops->feedback_add(f.st, f.a, &fb, &f.arena), 0);
    assert_int_equal(fb.inference_id.b[15], 1);
    assert_str(fb.tenant_id, "a");
    fb.created_at++;
    fb.is_true_positive = false;
    assert_int_equal(f.st->ops->feedback_add(f.st, f.a, &fb, &f.arena), 0);
    fb.inference_id.b[0] ^= 1;
    assert_int_equal(f.st->ops->feedback_add(f.st, f.a, &fb, &f.arena), LG_EINVAL);
    assert_int_equal(f.st->ops->feedback_list(f.st, f.a, &q, &f.arena, &list, &n, &last), 0);
    assert_int_equal(n, 1);
    assert_true(list[0].is_true_positive);
    q.after = last;
    assert_int_equal(f.st->ops->feedback_list(f.st, f.a, &q, &f.arena, &list, &n, &last), 0);
    assert_int_equal(n, 1);
    assert_false(list[0].is_true_positive);
    q.after = last;
    assert_int_equal(f.st->ops->feedback_list(f.st, f.a, &q, &f.arena, &list, &n, &last), 0);
    assert_int_equal(n, 0);
    assert_int_equal(get(f.a, &r.ret_alert_id).status, LG_ALERT_OPEN); /* closes nothing */
}

static void test_endpoints_similar(void **state)
{
    struct make_inference mi = first;
    struct lg_apply r = apply_at(&mi, 1 * SEC), r2;
    struct lg_endpoint_alerts *e;
    struct lg_alert *als;
    struct lg_alert al;
    unsigned steps;
    uint32_t n;

    (void)state;
    mi.id = 2;
    mi.window_end_s += 90000;
    mi.severity = "critical";
    r2 = apply_at(&mi, 2 * SEC);
    assert_int_equal(f.st->ops->endpoints(f.st, f.a, LG_STR(""), &f.arena, &e, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(e[0].total, 2);
    assert_int_equal(e[0].active, 2);
    assert_int_equal(e[0].worst_active, LG_SEVERITY_CRITICAL);
    assert_int_equal(patch(f.a, &r2.ret_alert_id, LG_ALERT_RESOLVED, "", &al, &steps), 0);
    assert_int_equal(f.st->ops->endpoints(f.st, f.a, LG_STR(""), &f.arena, &e, &n), 0);
    assert_int_equal(e[0].active, 1);
    assert_int_equal(e[0].worst_active, LG_SEVERITY_MEDIUM);
    assert_int_equal(
            f.st->ops->alert_similar(f.st, f.a, &r.ret_alert_id, 5, &f.arena, &als, &n), 0);
    assert_int_equal(n, 1);
    assert_memory_equal(&als[0].alert_id, &r2.ret_alert_id, 16);
}

/* The last word on an alert counts, by when it was given. */
static void test_quality(void **state)
{
    struct lg_quality_query q = {.from = 100 * SEC, .to = 200 * SEC, .parts = 2};
    struct make_inference mi = first;
    struct lg_quality sum;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct lg_feedback fb = {.author = LG_STR("anna"), .created_at = (110 + 20 * i) * SEC};
        char host[8] = {'h', (char)('0' + i)};

        mi.endpoint = host;
        mi.id = 1 + i;
        mi.tenant = i == 3 ? "b" : "a";
        fb.alert_id = apply_at(&mi, 1 * SEC).ret_alert_id;
        fb.is_true_positive = i != 1;
        assert_int_equal(f.st->ops->feedback_add(f.st, f.all, &fb, &f.arena), 0);
        if (i == 0) { /* overruled */
            fb.is_true_positive = false;
            fb.created_at += SEC;
            assert_int_equal(f.st->ops->feedback_add(f.st, f.all, &fb, &f.arena), 0);
        }
    }
    assert_int_equal(f.st->ops->quality(f.st, f.a, &q, &f.arena, &sum), 0);
    assert_int_equal(sum.feedback, 4);
    assert_int_equal(sum.all.right, 1);
    assert_int_equal(sum.all.wrong, 2);
    assert_int_equal(sum.severity[LG_SEVERITY_MEDIUM].wrong, 2);
    assert_int_equal(sum.over_time[0].wrong, 2);
    assert_int_equal(sum.over_time[1].right, 1);
    assert_int_equal(sum.n_techniques, 1);
    assert_str(sum.techniques[0].technique, "T1059.001");
    assert_int_equal(f.st->ops->quality(f.st, f.none, &q, &f.arena, &sum), 0);
    assert_int_equal(sum.feedback, 0);
    q.to = q.from;
    assert_int_equal(f.st->ops->quality(f.st, f.a, &q, &f.arena, &sum), LG_EINVAL);
}

/* ---- many threads on one store ---- */

#define THREADS 6
#define ROUNDS 15
static atomic_int failed;

static void expect(bool sound)
{
    if (!sound)
        atomic_fetch_add(&failed, 1);
}

static void read_and_patch(const struct lg_scope *sc, struct lg_arena *a, unsigned round)
{
    struct lg_alert_query q = {.limit = 5, .statuses = 1u << LG_ALERT_OPEN};
    struct lg_alert_patch p = {.has_status = true,
            .status = round % 2 == 0 ? LG_ALERT_ACKNOWLEDGED : LG_ALERT_OPEN,
            .actor = LG_STR("x"),
            .now = 5 * SEC};
    struct lg_alert_page page = {0};
    struct lg_alert al;
    unsigned steps;

    expect(f.st->ops->alert_list(f.st, sc, &q, a, &page) >= 0);
    for (uint32_t i = 0; i < page.n; i++)
        expect(page.alerts[i].status == LG_ALERT_OPEN);
    if (page.n > 0)
        expect(f.st->ops->alert_patch(f.st, sc, &page.alerts[0].alert_id, &p, a, &al, &steps) >= 0);
}

/* Half of the verdicts come from two threads at once. */
static void *work(void *arg)
{
    unsigned me = *(const unsigned *)arg;
    struct lg_arena a;
    struct maker m;

    maker_init(&m);
    lg_arena_init(&a, 64u << 20);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct make_inference mi = first;
        struct lg_audit_row row = {.at = i, .actor = LG_STR("x"), .action = LG_STR("y")};
        struct lg_apply it = {0};
        struct lg_inference in;
        struct lg_err err = {0};

        mi.id = i % 2 == 0 ? 1000 + me / 2 * ROUNDS + i : 1 + me * ROUNDS + i;
        mi.endpoint = i % 3 == 0 ? "shared" : "other";
        mi.window_end_s += i;
        in = make_own(&m, &mi);
        it.in = &in;
        expect(f.st->ops->apply(f.st, &it, 1, GAP_NS, 3 * SEC, &err) >= 0);
        read_and_patch(f.a, &a, i);
        expect(f.st->admin->ops->audit_append(f.st->admin, &row, 1) >= 0);
        lg_arena_clear(&a);
    }
    lg_arena_done(&a);
    maker_done(&m);
    return NULL;
}

static void test_threads(void **state)
{
    unsigned numbers[THREADS];
    struct lg_audit_check c;
    pthread_t t[THREADS];
    struct lg_err err = {0};
    uint64_t total = 0, occurrences = 0;
    struct lg_alert_query q = {.limit = 1000};
    struct lg_alert_page page;

    (void)state;
    atomic_store(&failed, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&t[i], NULL, work, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(t[i], NULL);
    assert_int_equal(atomic_load(&failed), 0);
    assert_int_equal(f.st->ops->alert_list(f.st, f.all, &q, &f.arena, &page), 0);
    assert_int_equal(f.st->ops->alert_count(f.st, f.all, LG_STR(""), 0, &total), 0);
    assert_int_equal(page.n, total);
    for (uint32_t i = 0; i < page.n; i++)
        occurrences += page.alerts[i].occurrences;
    /* 8 rounds shared by two threads, 7 of one's own */
    assert_int_equal(occurrences, THREADS / 2 * 8 + THREADS * 7);
    if (f.st->ops->verify(f.st, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(f.st->admin->ops->audit_verify(f.st->admin, &c), 0);
    assert_int_equal(c.rows, THREADS * ROUNDS);
    assert_int_equal(c.first_bad, 0);
}

/* ---- out of memory, anywhere ---- */

static int do_all(const struct lg_inference *in, unsigned round)
{
    struct lg_alert_query q = {.limit = 3, .text = LG_STR("power"), .sort = LG_ALERT_BY_PROB};
    struct lg_quality_query qq = {.from = 1, .to = 9 * SEC, .parts = 3};
    struct lg_alert_patch p = {.has_status = true,
            .status = round % 2 == 0 ? LG_ALERT_ACKNOWLEDGED : LG_ALERT_OPEN,
            .actor = LG_STR("x"),
            .now = 5 * SEC};
    struct lg_audit_row row = {.at = 1, .actor = LG_STR("\xff"), .action = LG_STR("y")};
    struct lg_apply it = {.in = in};
    struct lg_alert_page page;
    struct lg_outbox_row *rows;
    struct lg_quality sum;
    struct lg_alert al, *als;
    struct lg_err err;
    unsigned steps;
    uint32_t n;
    int rc;

    if ((rc = f.st->ops->apply(f.st, &it, 1, GAP_NS, 3 * SEC, &err)) < 0 ||
            (rc = f.st->ops->alert_list(f.st, f.a, &q, &f.arena, &page)) < 0 ||
            (rc = f.st->ops->alert_patch(f.st, f.a, &it.ret_alert_id, &p, &f.arena, &al, &steps)) <
                    0 ||
            (rc = f.st->ops->alert_similar(f.st, f.a, &it.ret_alert_id, 5, &f.arena, &als, &n)) <
                    0 ||
            (rc = f.st->ops->quality(f.st, f.a, &qq, &f.arena, &sum)) < 0 ||
            (rc = f.st->ops->outbox_read(f.st, 0, 5, &f.arena, &rows, &n)) < 0)
        return rc;
    return f.st->admin->ops->audit_append(f.st->admin, &row, 1);
}

static void test_oom(void **state)
{
    struct make_inference mi = first;
    struct lg_err err = {0};
    bool through = false;

    (void)state;
    for (unsigned n = 1; !through && n < 2000; n++) {
        struct lg_inference in;
        int rc;

        mi.id = n;
        in = make_own(&f.m, &mi);
        in.hostname = LG_STR("h\xff");
        lg_arena_done(&f.arena);
        lg_arena_init(&f.arena, 64u << 20);
        (void)lg_mem_fail_from(n);
        rc = do_all(&in, n);
        (void)lg_mem_fail_from(0);
        if (rc < 0)
            assert_int_equal(rc, LG_ENOMEM);
        through = rc >= 0;
        lg_arena_clear(&f.m.a);
    }
    assert_true(through);
    if (f.st->ops->verify(f.st, &err) < 0)
        fail_msg("%s", err.text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_fold), T(test_recurrence), T(test_steps),
            T(test_etag), T(test_outbox), T(test_isolation), T(test_list_model), T(test_pages),
            T(test_cursor_lies), T(test_text), T(test_suppression), T(test_feedback),
            T(test_endpoints_similar), T(test_quality), T(test_threads), T(test_oom)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

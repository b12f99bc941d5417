#ifndef LG_TESTS_CONTRACT_DIFFERENTIAL_ALERT_H
#define LG_TESTS_CONTRACT_DIFFERENTIAL_ALERT_H

/* Random calls to two alert stores, and their answers as text (alert_differential.c). */
#include "alert_engine.h"
#include "base/parse.h"
#include "store/store_test.h"

#define STORES 2
#define STEPS 700
#define N(a) (sizeof(a) / sizeof(*(a)))

struct pair {
    char dir[256];
    struct lg_alert_store *st[STORES];
    struct lg_arena a[STORES];
    struct lg_buf said[STORES]; /* the answers to the call */
    struct lg_scope *scopes[5]; /* all, a, a and c, none; NULL */
    struct maker m;
    uint64_t rnd;
    lg_time now;
    int step;
    struct lg_uuid alerts[2000], rules[200];
    uint32_t n_alerts, n_rules;
    uint64_t outbox[STORES];
};
static struct pair p;

/* ---- what goes in ---- */

static uint64_t below(uint64_t n)
{
    return next_random(&p.rnd) % n;
}

/* Texts as attackers write them: quotes, NULs, halves of characters, the escape's own mark. */
static const struct lg_str texts[] = {{"hr001", 5}, {"hr002", 5}, {"HR001", 5}, {"", 0},
        {"o'brien", 7}, {"a\0b", 3}, {"\xff\xfe", 2}, {"caf\xc3", 4}, {"\x1a", 1},
        {"\x1a"
         "00",
                3},
        {"M\xc3\xbcLLER", 7}, {"\xd0\x90\xd0\xb1", 4}, {"100%_done", 9}, {"two\nlines", 9},
        {"back\\slash", 10}, {"\xed\xa0\x80", 3}, {"\xf0\x9f\x98\x80", 4}, {"{\"a\":1,b}", 9}};

static struct lg_str any_text(void)
{
    return texts[below(N(texts))];
}

static const struct lg_scope *any_scope(void)
{
    return p.scopes[below(3) == 0 ? below(N(p.scopes)) : 0];
}

static struct lg_str any_tenant(void)
{
    static const char *const tenants[] = {"a", "b", "c", "nowhere", ""};

    return lg_str_z(tenants[below(N(tenants))]);
}

static struct lg_uuid any_alert(void)
{
    struct lg_uuid none = {{9, 9, 9}};

    return p.n_alerts == 0 || below(20) == 0 ? none : p.alerts[below(p.n_alerts)];
}

static struct lg_inference any_inference(void)
{
    static const char *const tenants[] = {"a", "b", "c"};
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    static const char *const techniques[] = {
            "[]", "[\"T1003.001\"]", "[\"T1003\",\"T1059.001\"]", "[\"T1486\"]"};
    char evidence[700];
    struct make_inference mi = {.tenant = tenants[below(3)],
            .endpoint = "x",
            .id = 1 + (unsigned)below(600),
            .window_end_s = 10000 + (int64_t)below(120) * 60,
            .prediction = below(12) == 0 ? "benign" : "attack",
            .prob = 0.5 + (double)below(10) / 20,
            .severity = severities[below(4)],
            .techniques = techniques[below(4)],
            .evidence = evidence};
    struct lg_inference in;

    (void)snprintf(evidence, sizeof(evidence),
            "[{\"node\":1,\"type\":\"process\",\"name\":\"C:\\\\Tools\\\\Tool%u.exe\",\"pid\":5,"
            "\"process_guid\":\"g%u\",\"first_seen\":9900,\"share\":1,\"parent\":null,\"hash\":"
            "\"ab%u\",\"user\":\"u\\u0000%u\",\"techniques\":[]}]",
            (unsigned)below(8), (unsigned)below(8), (unsigned)below(3), (unsigned)below(3));
    in = make_own(&p.m, &mi);
    if (below(3) == 0)
        in.endpoint_id = any_text();
    if (below(3) == 0)
        in.hostname = any_text();
    return in;
}

/* ---- what comes out ---- */

static void say_str(struct lg_buf *b, struct lg_str s)
{
    lg_buf_printf(b, "%zu:", s.n);
    lg_buf_adds(b, s);
    lg_buf_addc(b, ' ');
}

static void say_id(struct lg_buf *b, const struct lg_uuid *id)
{
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(id, text);
    lg_buf_printf(b, "%s ", text);
}

static void say_alert(struct lg_buf *b, const struct lg_alert *al)
{
    const struct lg_str all[] = {al->tenant_id, al->endpoint_id, al->hostname, al->platform,
            al->title, al->description, al->techniques, al->evidence, al->fold_key, al->process,
            al->process_guid, al->process_hash, al->user, al->assignee, al->resolved_by,
            al->analyst_notes};
    const int64_t numbers[] = {al->severity, al->status, al->first_seen, al->last_seen,
            al->received_at, al->created_at, al->updated_at, (int64_t)al->occurrences,
            al->has_previous, al->recurrence_of_false_positive, (int64_t)al->version};

    say_id(b, &al->alert_id);
    for (size_t i = 0; i < N(all); i++)
        say_str(b, all[i]);
    for (size_t i = 0; i < N(numbers); i++)
        lg_buf_printf(b, "%lld ", (long long)numbers[i]);
    lg_buf_printf(b, "%a ", al->attack_prob);
    say_id(b, &al->first_inference_id);
    say_id(b, &al->last_inference_id);
    if (al->has_previous)
        say_id(b, &al->previous_alert_id);
    lg_buf_addc(b, '\n');
}

static void say_suppression(struct lg_buf *b, const struct lg_suppression *s)
{
    const struct lg_str all[] = {
            s->tenant_id, s->endpoint_id, s->process, s->hash, s->technique, s->owner, s->reason};

    say_id(b, &s->suppression_id);
    for (size_t i = 0; i < N(all); i++)
        say_str(b, all[i]);
    lg_buf_printf(b, "%lld %lld %d %d %llu\n", (long long)s->created_at, (long long)s->expires_at,
            s->permanent, s->revoked, (unsigned long long)s->hits);
}

/* Both stores, one after the other. */
#define OPS(i) p.st[i]->ops
#define SAY(i, ...) lg_buf_printf(&p.said[i], __VA_ARGS__)

static void same_answers(const char *what)
{
    struct lg_str x = lg_buf_str(&p.said[0]), y = lg_buf_str(&p.said[1]);
    size_t at = 0;

    assert_int_equal(p.said[0].failed, 0);
    while (at < x.n && at < y.n && x.p[at] == y.p[at])
        at++;
    if (x.n != y.n || at < x.n) {
        size_t from = at > 80 ? at - 80 : 0;

        print_error("step %d, %s, byte %zu:\n%s: ...%.*s\n%s: ...%.*s\n", p.step, what, at,
                OPS(0)->name, LG_STR_FMT(lg_str_sub(x, from, at + 200)), OPS(1)->name,
                LG_STR_FMT(lg_str_sub(y, from, at + 200)));
        fail();
    }
    for (int i = 0; i < STORES; i++) {
        lg_buf_clear(&p.said[i]);
        lg_arena_clear(&p.a[i]);
    }
}

#endif

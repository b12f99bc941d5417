#ifndef LG_TESTS_STORE_ALERT_FIXTURE_H
#define LG_TESTS_STORE_ALERT_FIXTURE_H

#include "store/store_test.h"

struct fix {
    char dir[256], path[300];
    struct lg_alert_store *st;
    struct lg_scope *all, *a, *b, *none;
    struct maker m;
    struct lg_arena arena;
};
static struct fix f;

#ifndef FIXTURE_OPEN /* (path, ret, reterr): the contract suite asks other back ends */
#define FIXTURE_OPEN lg_sqlite_alert_store_open
#endif

static inline void open_store(void)
{
    struct lg_err err = {0};

    if (FIXTURE_OPEN(f.path, &f.st, &err) < 0)
        fail_msg("%s", err.text);
}

static inline int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    make_folder(f.dir);
    (void)snprintf(f.path, sizeof(f.path), "%s/alerts.db", f.dir);
    f.all = scope_of("*", LG_ACT_ALERT_READ);
    f.a = scope_of("a", LG_ACT_ALERT_READ);
    f.b = scope_of("b", LG_ACT_ALERT_READ);
    f.none = scope_of("", LG_ACT_ALERT_READ);
    maker_init(&f.m);
    lg_arena_init(&f.arena, 256u << 20);
    open_store();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    lg_alert_store_close(f.st);
    lg_scope_free(f.all);
    lg_scope_free(f.a);
    lg_scope_free(f.b);
    lg_scope_free(f.none);
    maker_done(&f.m);
    lg_arena_done(&f.arena);
    remove_folder(f.dir);
    return 0;
}

static inline struct lg_apply apply_at(const struct make_inference *mi, lg_time now)
{
    struct lg_inference in = make_own(&f.m, mi);
    struct lg_apply it = {.in = &in};
    struct lg_err err = {0};

    if (f.st->ops->apply(f.st, &it, 1, GAP_NS, now, &err) < 0)
        fail_msg("%s", err.text);
    it.in = NULL;
    return it;
}

static inline struct lg_alert get(const struct lg_scope *sc, const struct lg_uuid *id)
{
    struct lg_alert al;

    assert_int_equal(f.st->ops->alert_get(f.st, sc, id, &f.arena, &al), 0);
    return al;
}

static inline int patch(const struct lg_scope *sc, const struct lg_uuid *id,
        enum lg_alert_status to, const char *if_match, struct lg_alert *ret, unsigned *steps)
{
    struct lg_alert_patch p = {.has_status = true,
            .status = to,
            .actor = LG_STR("token:anna"),
            .if_match = lg_str_z(if_match),
            .now = 77 * SEC,
            .has_notes = true,
            .notes = LG_STR("looked at it")};

    return f.st->ops->alert_patch(f.st, sc, id, &p, &f.arena, ret, steps);
}

static const struct make_inference first = {.tenant = "a",
        .endpoint = "hr001",
        .window_end_s = 10000,
        .id = 1,
        .prob = 0.9,
        .severity = "medium"};

static inline void fill(unsigned n, uint64_t seed)
{
    static const char *const tenants[] = {"a", "b", "c"};
    static const char *const sev[] = {"low", "medium", "high", "critical"};
    static const char *const tech[] = {
            "[]", "[\"T1003.001\"]", "[\"T1059.001\",\"T1105\"]", "[\"T1486\"]"};
    uint64_t rnd = seed;

    for (unsigned i = 0; i < n; i++) {
        char host[32], guid[600];
        struct make_inference mi = {.tenant = tenants[next_random(&rnd) % 3],
                .endpoint = host,
                .id = 1000 + i,
                .window_end_s = 10000 + (int64_t)(next_random(&rnd) % 100) * 60,
                .prob = 0.5 + (double)(next_random(&rnd) % 10) / 20,
                .severity = sev[next_random(&rnd) % 4],
                .techniques = tech[next_random(&rnd) % 4],
                .evidence = guid};
        struct lg_apply r;
        struct lg_alert al;
        unsigned steps;

        (void)snprintf(host, sizeof(host), "host%u", (unsigned)(next_random(&rnd) % 7));
        (void)snprintf(guid, sizeof(guid),
                "[{\"node\":1,\"type\":\"process\",\"name\":\"C:\\\\Tools\\\\%s%u.exe\",\"pid\":5,"
                "\"process_guid\":\"g%u\",\"first_seen\":9900,\"share\":1,\"parent\":null,"
                "\"techniques\":[]}]",
                i % 5 == 0 ? "M\xc3\x9cLLER" : "tool", i, i);
        r = apply_at(&mi, (lg_time)(1 + next_random(&rnd) % 50) * SEC);
        if (next_random(&rnd) % 2 == 0)
            assert_true(patch(f.all, &r.ret_alert_id, (enum lg_alert_status)(next_random(&rnd) % 5),
                                "", &al, &steps) == 0);
        lg_arena_clear(&f.m.a);
    }
}

#endif

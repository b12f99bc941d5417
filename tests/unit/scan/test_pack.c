#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scan/pack.h"

static void fill(struct lg_event *ev, unsigned seed)
{
    lg_event_clear(ev);
    ev->tenant_id = LG_STR("acme");
    ev->hostname = LG_STR("web01.example.org");
    ev->endpoint_id = LG_STR("web01");
    ev->platform = LG_PLATFORM_LINUX;
    ev->source = LG_SOURCE_AUDITD;
    ev->type = LG_EVENT_PROCESS_CREATE;
    ev->time_ns = 1000 + seed;
    ev->claimed_time_ns = 2000 + seed;
    ev->flags = LG_EVF_INCOMPLETE;
    ev->code = seed;
    for (unsigned f = seed % 3; f < LG_FIELD_COUNT; f += 3) {
        if (lg_fields[f].type == LG_FIELD_STR)
            lg_event_set_str(ev, (enum lg_field)f, f % 2 ? LG_STR("x\0y") : LG_STR(""));
        else
            lg_event_set_u64(ev, (enum lg_field)f, seed * 1000 + f);
    }
}

static bool same(struct lg_str a, struct lg_str b)
{
    return lg_str_eq(a, b);
}

static void test_events_come_back_whole_and_in_order(void **state)
{
    static struct lg_event want, got;
    struct lg_pack p;
    size_t at = 0;

    (void)state;
    lg_pack_init(&p);
    for (unsigned i = 0; i < 50; i++) {
        fill(&want, i);
        assert_int_equal(lg_pack_add(&p, &want), 0);
    }
    assert_int_equal(p.n, 50);
    for (unsigned i = 0; i < 50; i++) {
        fill(&want, i);
        assert_true(lg_pack_next(&p, &at, &got));
        assert_true(same(got.tenant_id, want.tenant_id) && same(got.hostname, want.hostname) &&
                same(got.endpoint_id, want.endpoint_id));
        assert_int_equal(got.time_ns, want.time_ns);
        assert_int_equal(got.claimed_time_ns, want.claimed_time_ns);
        assert_int_equal(got.code, want.code);
        assert_int_equal(got.flags, want.flags);
        assert_memory_equal(got.has, want.has, sizeof(got.has));
        for (unsigned f = 0; f < LG_FIELD_COUNT; f++) {
            if (!lg_event_has(&want, (enum lg_field)f))
                continue;
            if (lg_fields[f].type == LG_FIELD_STR)
                assert_true(same(got.v[f].s, want.v[f].s));
            else
                assert_true(got.v[f].u == want.v[f].u);
        }
    }
    assert_false(lg_pack_next(&p, &at, &got));
    lg_pack_done(&p);
}

static void test_without_memory_the_pack_stays_as_it_was(void **state)
{
    static struct lg_event ev, got;
    struct lg_pack p;
    size_t at = 0;

    (void)state;
    lg_pack_init(&p);
    fill(&ev, 1);
    assert_int_equal(lg_pack_add(&p, &ev), 0);
    (void)lg_mem_fail_from(1);
    for (int i = 0; i < 100; i++)
        if (lg_pack_add(&p, &ev) < 0)
            break;
    (void)lg_mem_fail_from(0);
    for (uint32_t i = 0; i < p.n; i++)
        assert_true(lg_pack_next(&p, &at, &got));
    assert_false(lg_pack_next(&p, &at, &got));
    lg_pack_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_events_come_back_whole_and_in_order),
            cmocka_unit_test(test_without_memory_the_pack_stays_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

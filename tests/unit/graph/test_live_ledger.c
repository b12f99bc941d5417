/* What live windows say that they could not see. */
#include "live_util.h"

static uint32_t ledger_at(const struct found *f, size_t i, enum lg_ledger l)
{
    struct lg_str s = lg_buf_str(&f->v.v[i]);
    const char *p = s.p + lg_str_rchr(s, '}') + 1;
    unsigned long v = 0;
    char text[512];

    assert_true((size_t)(s.p + s.n - p) < sizeof(text));
    memcpy(text, p, (size_t)(s.p + s.n - p));
    text[s.p + s.n - p] = 0;
    for (char *at = text; l != (enum lg_ledger) - 1; l = (enum lg_ledger)(l - 1))
        v = strtoul(at, &at, 10);
    return (uint32_t)v;
}

static void test_ledger(void **state)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);

    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        struct rec r = one(T0 + (lg_time)i * SEC / 10, T0 + (lg_time)i * SEC / 10, i + 1, 1);

        r.in.sequence = 5000 + 3 * i; /* a filter leaves two of three out, as a matter of course */
        r.in.unfiltered = false;
        r.in.refused = i == 7 ? 2 : 0;
        r.ev.flags = i == 9 ? LG_EVF_TRUNCATED | LG_EVF_TIME_CLAMPED : 0;
        if (i >= 390)
            r.in.sequence += 1000; /* far from usual */
        if (i == 399)
            r.in.sequence = 1; /* the log was cleared */
        push(ws, &r);
    }
    {
        struct rec again = one(T0 + 2 * SEC / 10, T0 + 40 * SEC, 1000, 1);

        again.ev = one(T0 + 2 * SEC / 10, 0, 3, 1).ev; /* what was record 3 */
        push(ws, &again);
    }
    assert_int_equal(lg_windows_tick(ws, T0 + 400 * SEC, 2000), 0);
    assert_int_equal(f.v.n, 3);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_REFUSED), 2);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_TRUNCATED), 1);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_CLAMPED), 1);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_MISSED), 1002);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_LOG_RESET), 1);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_DUPLICATES), 1);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_SILENT), 0);
    lg_windows_free(ws);
    found_done(&f);
}

static void test_unfiltered_gap(void **state)
{
    static const uint64_t seq[] = {10, 11, 14, 13, 15};
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);

    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        struct rec r = one(T0 + (lg_time)i * SEC, T0, i + 1, 1);

        r.in.sequence = seq[i];
        r.in.unfiltered = true;
        push(ws, &r);
    }
    assert_int_equal(lg_windows_tick(ws, T0 + 400 * SEC, 2000), 0);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_MISSED), 2);
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_LOG_RESET), 0);
    lg_windows_free(ws);
    found_done(&f);
}

/* One source of two stops while the other goes on. */
static void test_silent_source(void **state)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);
    uint64_t n = 0;

    (void)state;
    for (lg_time t = 0; t < 3000; t += 10) {
        struct rec r = one(T0 + t * SEC, T0 + t * SEC, ++n, 1);

        push(ws, &r);
        if (t < 1000) {
            r = one(T0 + t * SEC, T0 + t * SEC, ++n, 2);
            push(ws, &r);
        }
    }
    assert_int_equal(ledger_at(&f, 0, LG_LEDGER_SILENT), 0);
    assert_int_equal(ledger_at(&f, 15, LG_LEDGER_SILENT), 0);
    assert_int_equal(ledger_at(&f, f.v.n - 1, LG_LEDGER_SILENT), 1);
    lg_windows_free(ws);
    found_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_ledger),
            cmocka_unit_test(test_unfiltered_gap),
            cmocka_unit_test(test_silent_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

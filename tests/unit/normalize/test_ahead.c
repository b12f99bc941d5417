/* Ids are the same whether records were announced or not. */
#include "lg_test.h"

#include "crypto/ids.h"
#include "normalize/normalize.h"
#include "normalize/normalize_int.h"

#define RECORDS 100

static struct lg_uuid ids[RECORDS + 1];
static size_t n_ids;

static int on_event(void *user, const struct lg_event *ev)
{
    (void)user;
    assert_true(n_ids <= RECORDS);
    ids[n_ids++] = ev->event_id;
    return 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    fail_msg("%s: %s", lg_dead_reason_name(dl->reason), dl->detail);
    return 0;
}

/* Logster's own eBPF format has no record number. */
static struct lg_str record(size_t i)
{
    static char text[RECORDS][512];
    int n = snprintf(text[i], sizeof(text[i]),
            "  {\"kind\":\"file\",\"action\":\"open\",\"ts\":%llu,\"host\":\"h%zu\",\"pid\":%zu,"
            "\"start_time\":1714640000000000101,\"exe\":\"/usr/sbin/cron\",\"path\":\"/etc/%0*d\","
            "\"flags\":\"O_RDONLY\",\"ret\":3,\"uid\":0,\"user\":\"root\"}\n",
            1714647840000000000ull + i, i % 3, i + 1, (int)(i * 3 % 150) + 1, 7);

    return lg_str_of(text[i], (size_t)n);
}

static void run(size_t announced, size_t wrong, struct lg_uuid *ret)
{
    const struct lg_norm_sink sink = {.event = on_event, .dead = on_dead};
    struct lg_norm_stream_options opt = {.input = LG_STR("test")};
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;

    n_ids = 0;
    assert_int_equal(lg_normalizer_new(&nz), 0);
    assert_int_equal(lg_norm_stream_new(&opt, &st), 0);
    for (size_t i = 0; i < RECORDS; i++) {
        if (announced > 0 && i % announced == 0) {
            struct lg_str next[RECORDS];
            size_t n = 0;

            for (; n < announced && i + n < RECORDS; n++)
                next[n] = record((i + n + wrong) % RECORDS);
            lg_normalizer_ahead(nz, next, n);
            assert_int_equal(nz->n_ahead, i == 0 ? 0 : n < LG_NORM_AHEAD ? n : LG_NORM_AHEAD);
        }
        assert_int_equal(lg_normalizer_record(
                                 nz, st, record(i), false, (struct lg_position){i + 1, i}, &sink),
                0);
    }
    assert_int_equal(n_ids, RECORDS);
    memcpy(ret, ids, RECORDS * sizeof(*ids));
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
}

static void test_ids_do_not_depend_on_the_hint(void **state)
{
    static struct lg_uuid plain[RECORDS], hinted[RECORDS];
    static const size_t announced[] = {1, 2, 7, LG_NORM_AHEAD, 50, RECORDS};

    (void)state;
    run(0, 0, plain);
    for (size_t i = 1; i < RECORDS; i++)
        assert_memory_not_equal(&plain[i], &plain[0], sizeof(*plain));
    for (size_t k = 0; k < sizeof(announced) / sizeof(*announced); k++) {
        run(announced[k], 0, hinted);
        assert_memory_equal(hinted, plain, sizeof(plain));
    }
    /* others were announced than come: their digests are not taken */
    run(10, 1, hinted);
    assert_memory_equal(hinted, plain, sizeof(plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_ids_do_not_depend_on_the_hint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

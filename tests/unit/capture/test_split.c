#include "lg_test.h"

#include "capture/capture_int.h"

#define SPANS 400

struct spans {
    size_t n;
    struct {
        size_t at, n;
    } v[SPANS];
};

/* Cuts `text`, of which `step` bytes more are known each time. */
static void cut_all(
        enum lg_split_framing framing, struct lg_str text, size_t step, struct spans *ret)
{
    struct lg_splitter sp = {.framing = framing};
    size_t start = 0, known = 0;

    ret->n = 0;
    for (;;) {
        struct lg_cut cut;
        struct lg_str copy = exact(text.p + start, known - start);
        bool found = lg_split_next(&sp, copy, known == text.n, &cut);

        free_exact(copy);
        if (!found && known == text.n)
            break;
        if (!found) {
            assert_true(sp.resume <= known - start);
            known = text.n - known < step ? text.n : known + step;
            continue;
        }
        assert_true(cut.next > 0 && cut.skip + cut.len <= cut.next && start + cut.next <= known);
        if (cut.len > 0) {
            assert_true(ret->n < SPANS);
            ret->v[ret->n].at = start + cut.skip;
            ret->v[ret->n++].n = cut.len;
        }
        start += cut.next;
    }
    assert_int_equal(start, text.n); /* nothing is left over */
}

static const char *const words[][24] = {
        [LG_SPLIT_LINES] = {"a", "\n", "\r\n", "  ", "\r", "bc"},
        [LG_SPLIT_JSON] = {"{", "}", "[", "]", "\"", "\\", ",", ":", "1", "x", "\n", "{\"a\":1}",
                "\"\\\"}\""},
        [LG_SPLIT_XML] = {"<Event>", "</Event>", "<Event ", ">", "<EventData>", "\n", "<", "x",
                "<Events>", "</Events>", "<?xml", "?>", "<!--", "-->", "<Event", "Event>", " ",
                "</Even"},
        [LG_SPLIT_BLOCKS] = {"01/02/2022 03:04:05 AM\n", "LogName=X\n", "\n", "a=b\n",
                "01/02/2022 03:04:05 PM\r\nLogName=Y\r\n", "\r", "LogName="},
};

/* What is known when of the text says nothing about where its records end. */
static void pieces_do_not_matter(void **state)
{
    static struct spans whole, pieces;
    uint64_t seed = 17;
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 1 << 16);
    for (int round = 0; round < 6000; round++) {
        enum lg_split_framing framing = (enum lg_split_framing)(1 + round % 4);
        size_t n_words = 0;

        while (n_words < 24 && words[framing][n_words] != NULL)
            n_words++;
        lg_buf_clear(&b);
        for (uint64_t n = next_random(&seed) % 30; n > 0; n--)
            lg_buf_adds(&b, lg_str_z(words[framing][next_random(&seed) % n_words]));
        cut_all(framing, lg_buf_str(&b), b.n + 1, &whole);
        for (size_t step = 1; step < 12; step += 3) {
            cut_all(framing, lg_buf_str(&b), step, &pieces);
            if (pieces.n != whole.n || memcmp(pieces.v, whole.v, whole.n * sizeof(*whole.v)) != 0)
                fail_msg("framing %d, step %zu: %.*s", framing, step, LG_STR_FMT(lg_buf_str(&b)));
        }
    }
    lg_buf_done(&b);
}

static void framing_is_told_from_the_head(void **state)
{
    static const struct {
        const char *head;
        enum lg_split_framing want;
    } rows[] = {
            {"", LG_SPLIT_LINES},
            {"{\"a\":1}\n", LG_SPLIT_LINES},
            {"{", LG_SPLIT_LINES},
            {"{\n", LG_SPLIT_JSON},
            {" { \r\n \"a\":1}", LG_SPLIT_JSON},
            {"[{", LG_SPLIT_JSON},
            {"\n[\n  {", LG_SPLIT_JSON},
            {"[]", LG_SPLIT_JSON},
            {"[1]", LG_SPLIT_LINES},
            {"[", LG_SPLIT_LINES},
            {"<Event>", LG_SPLIT_XML},
            {"<Event xmlns", LG_SPLIT_XML},
            {"<?xml?><Events><Event ", LG_SPLIT_XML},
            {"<?xml?><Other>", LG_SPLIT_LINES},
            {"<EventData>", LG_SPLIT_LINES},
            {"<13>1 <Event>", LG_SPLIT_LINES},
            {"type=SYSCALL", LG_SPLIT_LINES},
            {"01/02/2022 03:04:05 AM\nLogName=X", LG_SPLIT_BLOCKS},
            {"01/02/2022 03:04:05 AM\r\nLogName=X", LG_SPLIT_BLOCKS},
            {"01/02/2022 03:04:05 AM\nEventCode=X", LG_SPLIT_LINES},
            {"01/02/2022 03:04:05 XM\nLogName=X", LG_SPLIT_LINES},
            {"01/02/2022 03:04", LG_SPLIT_LINES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct lg_str head = exact(rows[i].head, strlen(rows[i].head));

        if (lg_split_detect(head) != rows[i].want)
            fail_msg("%s: %s", rows[i].head, lg_split_framing_name(lg_split_detect(head)));
        free_exact(head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(pieces_do_not_matter),
            cmocka_unit_test(framing_is_told_from_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "linux_fuzz.h"

/*
 * A stream of records. Besides what linux_fuzz.h asks of each event: no line is lost. All of them
 * come back in an event or a dead letter, or were skipped, once each. A first byte below 0x20 lets
 * that many allocations pass before all others fail.
 */
struct stream {
    struct lx_fuzz fuzz;
    size_t lines; /* that came back */
};

static size_t count_lines(struct lg_str raw)
{
    size_t n = 1;

    for (size_t i = 0; i < raw.n; i++)
        n += raw.p[i] == '\n';
    return n;
}

static int on_event(void *user, const struct lg_event *ev)
{
    struct stream *s = user;

    s->lines += count_lines(ev->raw);
    return lx_fuzz_event(&s->fuzz, ev);
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct stream *s = user;

    s->lines += count_lines(dl->bytes);
    return lx_fuzz_dead(&s->fuzz, dl);
}

static int on_skip(void *user, enum lg_skip_reason reason)
{
    struct stream *s = user;

    s->lines++;
    return lx_fuzz_skip(&s->fuzz, reason);
}

/* Lines that belong to other formats are left out: what those make of them is theirs. */
static bool usable(struct lg_str line)
{
    line = lg_str_trim(line);
    return line.n > 0 && line.p[0] != '{' && line.p[0] != '[' && line.p[0] != '<';
}

static void run(struct stream *s, struct lg_str text, uint64_t fail_from)
{
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("h")};
    const struct lg_norm_sink sink = {s, on_event, on_dead, on_skip};
    struct lg_normalizer *nz = NULL;
    struct lg_norm_stream *st = NULL;
    struct lg_position pos = {0, 0};
    struct lg_str line;
    size_t fed = 0;

    if (lg_normalizer_new(&nz) < 0 || lg_norm_stream_new(&opt, &st) < 0)
        abort();
    (void)lg_mem_fail_from(fail_from);
    while (lg_str_split(&text, '\n', &line)) {
        if (!usable(line))
            continue;
        pos.line++;
        fed++;
        lx_must(lg_normalizer_record(nz, st, line, false, pos, &sink) == 0);
    }
    lx_must(lg_normalizer_flush(nz, st, &sink) == 0);
    (void)lg_mem_fail_from(0);
    lx_must(s->lines == fed);
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream first = {0}, again = {0};
    uint64_t fail_from = 0;
    struct lg_str text;

    if (size > 0 && data[0] < 0x20) {
        fail_from = (uint64_t)data[0] + 1;
        data++;
        size--;
    }
    text = lg_str_of((const char *)data, size);
    if (lg_json_new(&first.fuzz.json) < 0 || lg_json_new(&again.fuzz.json) < 0)
        abort();
    lg_buf_init(&first.fuzz.out, 16u << 20);
    lg_buf_init(&again.fuzz.out, 16u << 20);
    run(&first, text, fail_from);
    run(&again, text, 0);
    if (fail_from == 0)
        lx_must(first.fuzz.events == again.fuzz.events && first.fuzz.dead == again.fuzz.dead &&
                memcmp(first.fuzz.ids, again.fuzz.ids, sizeof(first.fuzz.ids)) == 0);
    lg_buf_done(&first.fuzz.out);
    lg_buf_done(&again.fuzz.out);
    lg_json_free(first.fuzz.json);
    lg_json_free(again.fuzz.json);
    return 0;
}

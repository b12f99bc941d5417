#include "capture_fixture.h"

#include <sys/wait.h>

static const struct lg_capture_options tiny = {.batch_bytes = 1};

static void lines_are_records(void **state)
{
    (void)state;
    capture_bytes(LG_STR("a\nbb\r\n\n  \r\nc \n\td"), NULL);
    assert_int_equal(got.rc, 0);
    assert_string_equal(got.framing, "lines");
    assert_string_equal(got.compression, "plain");
    assert_string_equal(got.format, "");
    assert_records("a|bb|c |\td");
    assert_true(got.rec[1].pos.line == 2 && got.rec[1].pos.offset == 2);
    assert_true(got.rec[2].pos.line == 5 && got.rec[2].pos.offset == 11);
    assert_true(got.rec[3].pos.line == 6 && got.rec[3].pos.offset == 14);
    assert_true(got.progress.consumed == 16 && got.progress.total == 16);
    assert_true(got.progress.text == 16);
}

static void nothing_has_no_records(void **state)
{
    (void)state;
    capture_bytes(LG_STR(""), NULL);
    assert_true(got.rc == 0 && got.n == 0);
    capture_bytes(LG_STR("\n\r\n  "), NULL);
    assert_true(got.rc == 0 && got.n == 0);
    capture_bytes(LG_STR("\xef\xbb\xbf"), NULL);
    assert_true(got.rc == 0 && got.n == 0);
    capture_bytes(LG_STR("[ ]"), NULL);
    assert_true(got.rc == 0 && got.n == 0);
    capture_bytes(LG_STR("\x1f"), NULL); /* shorter than any magic number */
    assert_true(got.rc == 0 && got.n == 1);
}

static void json_arrays_and_sequences_are_split(void **state)
{
    (void)state;
    capture_bytes(LG_STR("[{\"a\":1},\n {\"b\":\"}\\\"],{\"}\r\n,{\"c\":[{},[1]]}]\n"), NULL);
    assert_string_equal(got.framing, "json");
    assert_records("{\"a\":1}|{\"b\":\"}\\\"],{\"}|{\"c\":[{},[1]]}");
    assert_true(got.rec[1].pos.line == 2 && got.rec[1].pos.offset == 11);
    assert_true(got.rec[2].pos.line == 3 && got.rec[2].pos.offset == 28);
    capture_bytes(LG_STR("{\n \"a\": 1\n}\n{\n \"b\": 2\n}\n"), NULL);
    assert_string_equal(got.framing, "json");
    assert_records("{\n \"a\": 1\n}|{\n \"b\": 2\n}");
    assert_int_equal(got.rec[1].pos.line, 4);
    /* arrays in a row, and what is no object: nothing is lost */
    capture_bytes(LG_STR("[{}]\n[{\"a\":2}, 7, \"x\", nul, {\"b\""), NULL);
    assert_records("{}|{\"a\":2}|7|\"x\"|nul|{\"b\"");
    /* a backslash at the very end */
    capture_bytes(LG_STR("[{\"a\":\"\\"), NULL);
    assert_records("{\"a\":\"\\");
}

static void json_lines_stay_lines(void **state)
{
    (void)state;
    capture_bytes(LG_STR("{\"a\":\n{\"b\":1}\n"), NULL); /* a broken one costs itself only */
    assert_string_equal(got.framing, "lines");
    assert_records("{\"a\":|{\"b\":1}");
    capture_bytes(LG_STR("[12:00] text\nmore\n"), NULL);
    assert_string_equal(got.framing, "lines");
    assert_records("[12:00] text|more");
}

static void xml_events_are_split(void **state)
{
    (void)state;
    capture_bytes(
            LG_STR("<?xml version=\"1.0\"?>\r\n<!-- <Event> --><Events>\n"
                   "<Event xmlns='x'><System><EventID>1</EventID></System><EventData/></Event>"
                   "<Event>\n <b/>\n</Event>\n</Events>\n"),
            NULL);
    assert_string_equal(got.framing, "xml");
    assert_records("<Event xmlns='x'><System><EventID>1</EventID></System><EventData/></Event>|"
                   "<Event>\n <b/>\n</Event>");
    assert_int_equal(got.rec[0].pos.line, 3);
    assert_true(got.rec[1].pos.line == 3 && got.rec[1].pos.offset == 23 + 25 + 74);
    /* one that broke off does not swallow the next; what is no event comes out by itself */
    capture_bytes(LG_STR("<Event><a>\n<Event>1</Event>junk\n<Other/>\n<Event/>\n<Event>2"), NULL);
    assert_records("<Event><a>\n|<Event>1</Event>|junk|<Other/>|<Event/>\n|<Event>2");
    capture_bytes(LG_STR("<13>Jan 1 host: text\n<14>x\n"), NULL);
    assert_string_equal(got.framing, "lines");
    assert_int_equal(got.n, 2);
}

#define BLOCK(n) "02/17/2022 02:15:4" n " AM\nLogName=Security\nMessage=x" n "\n\n\tLine\n"
static void blocks_are_split(void **state)
{
    (void)state;
    capture_bytes(
            LG_STR(BLOCK("1") BLOCK("2") "02/17/2022 02:15:47 AM\nnot a head\n" BLOCK("3")), NULL);
    assert_string_equal(got.framing, "blocks");
    assert_int_equal(got.n, 3);
    assert_str(captured_str(0), "02/17/2022 02:15:41 AM\nLogName=Security\nMessage=x1\n\n\tLine");
    assert_true(lg_str_ends(captured_str(1), LG_STR("not a head")));
    assert_int_equal(got.rec[1].pos.line, 6);
    assert_int_equal(got.rec[2].pos.line, 13);
    capture_bytes(LG_STR("02/17/2022 02:15:41 PM\r\nLogName=A\r\n02/17/2022 02:15:42 PM\r\n"
                         "LogName=B\r\n"),
            NULL);
    assert_int_equal(got.n, 2);
    capture_bytes(LG_STR("02/17/2022 02:15:41 AM\nEventCode=1\n"), NULL);
    assert_string_equal(got.framing, "lines");
}

static void other_encodings_become_utf8(void **state)
{
    (void)state;
    capture_bytes(LG_STR("\xef\xbb\xbf{\"a\":1}\n"), NULL);
    assert_records("{\"a\":1}");
    assert_int_equal(got.rec[0].pos.offset, 0);
    /* "<é😀>" and a line end in UTF-16, little endian with BOM */
    capture_bytes(LG_STR("\xff\xfe<\0\xe9\0\x3d\xd8\x00\xde>\0\n\0x\0"), NULL);
    assert_records("<\xc3\xa9\xf0\x9f\x98\x80>|x");
    capture_bytes(LG_STR("\xfe\xff\0<\0\xe9\xd8\x3d\xde\x00\0>\0\n\0x"), NULL);
    assert_records("<\xc3\xa9\xf0\x9f\x98\x80>|x");
    /* no BOM: told by the zeros */
    capture_bytes(LG_STR("{\0}\0\n\0"), NULL);
    assert_records("{}");
    capture_bytes(LG_STR("\0{\0}\0\n"), NULL);
    assert_records("{}");
    /* lone surrogates and half a unit */
    capture_bytes(LG_STR("\xff\xfe\x3d\xd8x\0\x00\xde\x3d\xd8\x3d\xd8\x00\xdey"), NULL);
    assert_records("\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd");
}

static void compressed_data_is_told_by_its_magic(void **state)
{
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 1 << 20);
    add_gzip(&b, LG_STR("one\ntw"));
    add_gzip(&b, LG_STR("")); /* members in a row, also empty ones */
    add_gzip(&b, LG_STR("o\nthree\n"));
    capture_bytes(lg_buf_str(&b), NULL);
    assert_string_equal(got.compression, "gzip");
    assert_records("one|two|three");
    assert_int_equal(got.rc, 0);
    assert_int_equal(got.progress.consumed, b.n);
    lg_buf_add(&b, "\0\0\0\0\0", 5); /* padding */
    capture_bytes(lg_buf_str(&b), NULL);
    assert_records("one|two|three");
    assert_int_equal(got.rc, 0);
    lg_buf_add(&b, "more", 4);
    capture_bytes(lg_buf_str(&b), NULL);
    assert_records("one|two|three");
    assert_int_equal(got.rc, LG_ECORRUPT);

    lg_buf_clear(&b);
    lg_buf_add(&b, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11); /* a skippable frame first */
    add_zstd(&b, LG_STR("one\ntw"));
    add_zstd(&b, LG_STR("o\nthree\n"));
    capture_bytes(lg_buf_str(&b), NULL);
    assert_string_equal(got.compression, "zstd");
    assert_records("one|two|three");
    assert_int_equal(got.rc, 0);
    lg_buf_add(&b, "more", 4);
    capture_bytes(lg_buf_str(&b), NULL);
    assert_records("one|two|three");
    assert_int_equal(got.rc, LG_ECORRUPT);
    lg_buf_done(&b);
}

/* Everything before the break is given out, then the break is told. */
static void data_that_breaks_off_is_an_error_at_its_end(void **state)
{
    struct lg_buf text, packed[2];

    (void)state;
    lg_buf_init(&text, 1 << 20);
    for (int i = 0; i < 3000; i++)
        lg_buf_printf(&text, "record %d %x\n", i, i * 2654435761u);
    for (int k = 0; k < 2; k++) {
        lg_buf_init(&packed[k], 1 << 20);
        if (k == 0)
            add_gzip(&packed[k], lg_buf_str(&text));
        else
            add_zstd(&packed[k], lg_buf_str(&text));
        for (size_t cut = 1; cut < 40; cut++) {
            size_t n = cut < 20 ? packed[k].n - cut : packed[k].n * (cut - 19) / 25;

            capture_bytes(lg_str_of(packed[k].p, n), NULL);
            assert_int_equal(got.rc, LG_ETRUNC);
            assert_non_null(strstr(got.err.text, "breaks off"));
            assert_memory_equal(
                    got.n > 0 ? captured_str(0).p : "", "record 0 0", got.n > 0 ? 10 : 0);
            if (k == 0 && cut == 5)
                assert_int_equal(got.n, 3000); /* only the trailer is short */
        }
        /* the break is told also when the probe met it first */
        capture_bytes(lg_str_of(packed[k].p, packed[k].n / 2),
                &(struct lg_capture_options){.no_probe = true});
        assert_int_equal(got.rc, LG_ETRUNC);
        assert_true(k == 1 || got.n > 1000);
        lg_buf_done(&packed[k]);
    }
    lg_buf_done(&text);
}

static void damaged_data_is_corrupt(void **state)
{
    struct lg_buf text, packed;
    uint64_t seed = 5;

    (void)state;
    lg_buf_init(&text, 1 << 20);
    lg_buf_init(&packed, 1 << 20);
    for (int i = 0; i < 3000; i++)
        lg_buf_printf(&text, "record %d %x\n", i, i * 2654435761u);
    for (int round = 0; round < 60; round++) {
        size_t at;

        lg_buf_clear(&packed);
        add_gzip(&packed, lg_buf_str(&text));
        at = 10 + next_random(&seed) % (packed.n - 10);
        packed.p[at] = (char)(packed.p[at] ^ (1 << next_random(&seed) % 8));
        capture_bytes(lg_buf_str(&packed), NULL);
        assert_true(got.rc == LG_ECORRUPT || got.rc == LG_ETRUNC); /* gzip has a checksum */
    }
    lg_buf_done(&text);
    lg_buf_done(&packed);
}

static void huge_zstd_windows_are_refused(void **state)
{
    /* a frame header that asks for a window of 2^28 bytes (RFC 8878, 3.1.1.1.2) and a raw block */
    static const char frame[] = "\x28\xb5\x2f\xfd\x00\x90\x09\x00\x00x";
    static const char allowed[] = "\x28\xb5\x2f\xfd\x00\x88\x09\x00\x00x";

    (void)state;
    capture_bytes(lg_str_of(frame, sizeof(frame) - 1), NULL);
    assert_int_equal(got.rc, LG_ELIMIT);
    capture_bytes(lg_str_of(allowed, sizeof(allowed) - 1), NULL);
    assert_int_equal(got.rc, 0);
    assert_records("x");
}

static void missing_files_and_directories_are_refused(void **state)
{
    (void)state;
    capture_path("no such file", NULL);
    assert_int_equal(got.rc, LG_ENOENT);
    assert_non_null(strstr(got.err.text, "No such file"));
    capture_path(".", NULL);
    assert_int_equal(got.rc, LG_EINVAL);
}

static void fill(struct lg_buf *b, char c, size_t n)
{
    assert_int_equal(lg_buf_reserve(b, n), 0);
    memset(b->p + b->n, c, n);
    b->n += n;
}

/* One record of `extra` bytes over or under the cap, between two small ones. */
static void check_oversized(const char *before, const char *open, const char *close,
        const char *after, size_t first, size_t last)
{
    const size_t sizes[] = {LG_MAX_RECORD_BYTES, LG_MAX_RECORD_BYTES + 1,
            LG_MAX_RECORD_BYTES + 5000, 5 * (size_t)LG_MAX_RECORD_BYTES + 7};
    struct lg_buf b;

    for (size_t i = 0; i < 4; i++)
        for (size_t batch = 1; batch <= 1u << 20; batch <<= 20) {
            const struct lg_capture_options opt = {.batch_bytes = batch};

            lg_buf_init(&b, 16 << 20);
            lg_buf_adds(&b, lg_str_z(before));
            lg_buf_adds(&b, lg_str_z(open));
            fill(&b, 'x', sizes[i] - strlen(open) - strlen(close));
            lg_buf_adds(&b, lg_str_z(close));
            lg_buf_adds(&b, lg_str_z(after));
            capture_bytes(lg_buf_str(&b), &opt);
            assert_int_equal(got.rc, 0);
            assert_int_equal(got.n, 3);
            assert_int_equal(got.oversized, i > 0);
            assert_int_equal(got.rec[0].n, first);
            assert_int_equal(got.rec[1].n, i > 0 ? LG_MAX_RECORD_BYTES + 1 : LG_MAX_RECORD_BYTES);
            assert_int_equal(got.rec[2].n, last);
            assert_true(got.rec[2].pos.offset >= strlen(before) + sizes[i]);
            assert_true(got.progress.text == b.n);
            assert_true(got.largest_batch <= 8u << 20);
            lg_buf_done(&b);
        }
}

static void oversized_records_are_given_out_cut(void **state)
{
    (void)state;
    check_oversized("a\n", "", "", "\nbb\n", 1, 2);
    check_oversized("[{},", "{\"k\":\"", "\"}", ",{\"b\":1}]", 2, 7);
    check_oversized("<Event>1</Event>\n", "<Event>", "</Event>", "\n<Event>22</Event>", 16, 17);
    check_oversized("02/17/2022 02:15:41 AM\nLogName=A\n", "02/17/2022 02:15:42 AM\nLogName=B\n",
            "", "\n02/17/2022 02:15:43 AM\nLogName=C", 32, 32);
}

/* 64 MiB of nothing in 64 kB: bounded in memory and over quickly. */
static void bombs_do_not_grow_the_process(void **state)
{
    struct lg_buf zeros, packed;

    (void)state;
    lg_buf_init(&zeros, 64 << 20);
    fill(&zeros, 'a', 64 << 20);
    lg_buf_init(&packed, 128 << 20);
    add_zstd(&packed, lg_buf_str(&zeros));
    assert_true(packed.n < 64 << 10);
    lg_buf_done(&zeros);
    capture_bytes(lg_buf_str(&packed), NULL);
    assert_int_equal(got.rc, 0);
    assert_true(got.n == 1 && got.oversized == 1);
    assert_true(got.largest_batch <= 8u << 20);
    assert_int_equal(got.progress.text, 64 << 20);
    lg_buf_done(&packed);
}

/* Where batches end says nothing about the records. */
static void batch_size_does_not_matter(void **state)
{
    static const char *const files[] = {"windows/winlogbeat7.ndjson", "windows/event_xml.xml",
            "windows/event_xml_pretty.xml", "windows/splunk_text_4688.txt",
            "audit/go-libaudit-distros.log"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char path[1024];
        struct captured *one;
        size_t n;

        (void)snprintf(path, sizeof(path), "%s/tests/data/%s", LG_SOURCE_DIR, files[i]);
        capture_path(path, NULL);
        assert_int_equal(got.rc, 0);
        n = got.n;
        assert_true(n >= 1);
        one = malloc(sizeof(*one));
        assert_non_null(one);
        *one = got;
        memset(&got.text, 0, sizeof(got.text));
        capture_path(path, &tiny);
        assert_int_equal(got.n, n);
        assert_memory_equal(got.rec, one->rec, n * sizeof(got.rec[0]));
        assert_int_equal(got.text.n, one->text.n);
        assert_memory_equal(got.text.p, one->text.p, got.text.n);
        lg_buf_done(&one->text);
        free(one);
    }
}

/* A live pipe: records come as they are written, in small pieces, and the end is seen. */
static void standard_input_is_read_as_it_comes(void **state)
{
    static const char text[] = "{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}";
    int fds[2], saved = dup(STDIN_FILENO), status;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(fds[0]);
        for (size_t i = 0; i < sizeof(text) - 1; i++)
            if (write(fds[1], text + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    (void)close(fds[1]);
    assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
    capture_path("-", NULL);
    assert_int_equal(got.rc, 0);
    assert_records("{\"a\":1}|{\"b\":2}|{\"c\":3}");
    assert_int_equal(got.progress.total, 0);
    assert_int_equal(got.progress.consumed, sizeof(text) - 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(fds[0]);
    if (saved >= 0) {
        (void)dup2(saved, STDIN_FILENO);
        (void)close(saved);
    }
}

/* Fails the n-th allocation: an error at worst, never a crash or a leak. */
static void memory_may_run_out(void **state)
{
    struct lg_buf packed[3];

    (void)state;
    for (int k = 0; k < 3; k++) {
        bool done = false;
        const char *path;

        lg_buf_init(&packed[k], 1 << 20);
        if (k == 0)
            lg_buf_adds(&packed[k], LG_STR("[{\"a\":1},{\"b\":2}]"));
        else if (k == 1)
            add_gzip(&packed[k], LG_STR("one\ntwo\n"));
        else
            add_zstd(&packed[k], LG_STR("\xff\xfeo\0\n\0t\0"));
        path = write_temp(lg_buf_str(&packed[k]));
        for (uint64_t n = 1; !done; n++) {
            struct lg_capture_batch *b = NULL;
            struct lg_capture *cap = NULL;
            size_t records = 0;
            int rc;

            assert_true(n < 200);
            (void)lg_mem_fail_from(n);
            rc = lg_capture_open(path, NULL, &cap, &got.err);
            if (rc == 0)
                rc = lg_capture_batch_new(&b);
            while (rc == 0 && (rc = lg_capture_next(cap, b, &got.err)) == 1) {
                records += b->records.n;
                rc = 0;
            }
            (void)lg_mem_fail_from(0);
            assert_true(rc == 0 || rc == LG_ENOMEM);
            if (rc == 0)
                assert_int_equal(records, 2);
            done = rc == 0;
            lg_capture_batch_free(b);
            lg_capture_close(cap);
        }
        lg_buf_done(&packed[k]);
    }
}

#define TEST(f) cmocka_unit_test_teardown(f, captured_done)
int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(lines_are_records),
            TEST(nothing_has_no_records),
            TEST(json_arrays_and_sequences_are_split),
            TEST(json_lines_stay_lines),
            TEST(xml_events_are_split),
            TEST(blocks_are_split),
            TEST(other_encodings_become_utf8),
            TEST(compressed_data_is_told_by_its_magic),
            TEST(data_that_breaks_off_is_an_error_at_its_end),
            TEST(damaged_data_is_corrupt),
            TEST(huge_zstd_windows_are_refused),
            TEST(missing_files_and_directories_are_refused),
            TEST(oversized_records_are_given_out_cut),
            TEST(bombs_do_not_grow_the_process),
            TEST(batch_size_does_not_matter),
            TEST(standard_input_is_read_as_it_comes),
            TEST(memory_may_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

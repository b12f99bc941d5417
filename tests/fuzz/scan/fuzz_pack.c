/*
 * Lines of NormalizedEvent, packed for another thread: what comes out must be written as what
 * went in, in order. The first byte says which allocation fails (0: none).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "event/codec.h"
#include "scan/pack.h"

#define MAX_BYTES 65536
#define MAX_EVENTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* What a pack does not carry is taken off before the two are compared. */
static void text_of(struct lg_event *ev, struct lg_buf *out)
{
    ev->raw = ev->format = LG_STR("");
    ev->raw_kind = LG_RAW_TEXT;
    lg_event_write(ev, out);
    lg_buf_addc(out, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lg_event ev;
    struct lg_json *json = NULL;
    struct lg_buf in, out;
    struct lg_pack pack;
    struct lg_str rest, line;
    struct lg_jval root;
    struct lg_err err;
    uint32_t packed = 0, unpacked = 0;
    bool failed = false;
    size_t at = 0;

    if (size < 1 || size > MAX_BYTES || lg_json_new(&json) < 0)
        return 0;
    rest = lg_str_of((const char *)data + 1, size - 1);
    lg_buf_init(&in, 64 * MAX_BYTES);
    lg_buf_init(&out, 64 * MAX_BYTES);
    lg_pack_init(&pack);
    while (packed < MAX_EVENTS && !failed && lg_str_split(&rest, '\n', &line)) {
        int rc;

        if (lg_json_parse(json, line, false, &root, NULL) < 0 ||
                lg_event_read(root, line, &ev, &err) < 0)
            continue;
        (void)lg_mem_fail_from(data[0]);
        rc = lg_pack_add(&pack, &ev);
        (void)lg_mem_fail_from(0);
        check(rc == 0 || rc == LG_ENOMEM || rc == LG_ELIMIT);
        failed = rc < 0; /* the pack is as before: what is in it must still come out */
        if (rc == 0) {
            text_of(&ev, &in);
            packed++;
        }
    }
    while (lg_pack_next(&pack, &at, &ev)) {
        text_of(&ev, &out);
        unpacked++;
    }
    check(pack.n == packed && unpacked == packed);
    check(in.failed != 0 || lg_str_eq(lg_buf_str(&in), lg_buf_str(&out)));
    lg_pack_done(&pack);
    lg_buf_done(&in);
    lg_buf_done(&out);
    lg_json_free(json);
    return 0;
}

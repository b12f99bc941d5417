/*
 * Any bytes as a capture file. The first byte picks the batch size and whether the head is probed.
 * Records must stand in order, inside the text, within their cap, and be the same whatever the
 * batch size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "capture/capture.h"

#define MAX_BYTES 65536
#define MAX_TEXT ((size_t)8 << 20) /* of one input: a bomb may be long, a fuzzer's run not */

struct sum {
    uint64_t hash;
    uint64_t records;
    int rc;
};

static struct sum capture(const char *path, const struct lg_capture_options *opt)
{
    struct sum s = {0, 0, 0};
    struct lg_capture_batch *b = NULL;
    struct lg_capture *cap = NULL;
    uint64_t offset = 0;
    struct lg_err err;

    s.rc = lg_capture_open(path, opt, &cap, &err);
    if (s.rc < 0 || lg_capture_batch_new(&b) < 0)
        abort();
    while (lg_capture_progress(cap).text < MAX_TEXT && (s.rc = lg_capture_next(cap, b, &err)) == 1)
        for (size_t i = 0; i < b->records.n; i++) {
            const struct lg_capture_record *r = &b->records.v[i];

            if (r->n == 0 || r->n > LG_MAX_RECORD_BYTES + 1 ||
                    r->at + r->n + LG_JSON_PADDING > b->text.cap ||
                    (s.records > 0 && r->pos.offset <= offset))
                abort();
            offset = r->pos.offset;
            s.hash = lg_hash_mix(s.hash, lg_hash_str(lg_capture_record_str(b, i), offset));
            s.hash = lg_hash_mix(s.hash, r->pos.line);
            s.records++;
        }
    lg_capture_batch_free(b);
    lg_capture_close(cap);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_capture_options opt = {0};
    struct sum one, two;
    char path[64];
    int fd;

    if (size < 1 || size > MAX_BYTES)
        return 0;
    fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    opt.batch_bytes = 1u << (data[0] % 18);
    opt.no_probe = data[0] >= 128;
    one = capture(path, &opt);
    two = capture(path, NULL);
    /* past MAX_TEXT they stop at different places */
    if (one.rc != 1 && two.rc != 1 &&
            (one.rc != two.rc || one.records != two.records || one.hash != two.hash))
        abort();
    close(fd);
    return 0;
}

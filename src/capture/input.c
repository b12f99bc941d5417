#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "capture/capture_int.h"

#define IN_BYTES ((size_t)128 << 10)
#define WINDOW_LOG_MAX 27 /* 128 MiB, what `zstd --long=27` makes at most */

enum codec { CODEC_UNKNOWN, CODEC_PLAIN, CODEC_GZIP, CODEC_ZSTD };

struct lg_input {
    int fd;
    bool owns_fd;
    bool regular;
    bool may_wait;
    bool in_eof;
    bool frame_open; /* compressed data has begun that has not ended */
    enum codec codec;
    int fault; /* sticky */
    uint64_t total;
    uint64_t consumed;
    size_t in_at;
    size_t in_n;
    z_stream z;
    ZSTD_DStream *zs;
    unsigned char in[IN_BYTES];
};

static voidpf z_alloc(voidpf opaque, uInt n, uInt size)
{
    (void)opaque;
    return lg_calloc(n, size);
}

static void z_free(voidpf opaque, voidpf p)
{
    (void)opaque;
    lg_free(p);
}

int lg_input_open(const char *path, struct lg_input **ret, struct lg_err *reterr)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct lg_input *src;
    struct stat sb;

    if (fd < 0)
        return lg_err_set(reterr, errno == ENOENT || errno == ENOTDIR ? LG_ENOENT : LG_EIO, "%s",
                strerror(errno));
    if (fstat(fd, &sb) == 0 && S_ISDIR(sb.st_mode)) {
        if (!is_stdin)
            (void)close(fd);
        return lg_err_set(reterr, LG_EINVAL, "is a directory");
    }
    src = lg_calloc(1, sizeof(*src));
    if (src == NULL) {
        if (!is_stdin)
            (void)close(fd);
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    src->fd = fd;
    src->owns_fd = !is_stdin;
    src->regular = S_ISREG(sb.st_mode);
    if (src->regular && sb.st_size > 0)
        src->total = (uint64_t)sb.st_size;
    *ret = src;
    return 0;
}

void lg_input_close(struct lg_input *src)
{
    if (src == NULL)
        return;
    if (src->codec == CODEC_GZIP)
        (void)inflateEnd(&src->z);
    (void)ZSTD_freeDStream(src->zs);
    if (src->owns_fd)
        (void)close(src->fd);
    lg_free(src);
}

/* Reads more input behind what is left. 0, or LG_EIO. */
static int fill(struct lg_input *src, struct lg_err *reterr)
{
    ssize_t n;

    if (src->in_eof)
        return 0;
    if (src->in_at > 0) {
        memmove(src->in, src->in + src->in_at, src->in_n - src->in_at);
        src->in_n -= src->in_at;
        src->in_at = 0;
    }
    do
        n = read(src->fd, src->in + src->in_n, IN_BYTES - src->in_n);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return lg_err_set(reterr, LG_EIO, "reading: %s", strerror(errno));
    src->in_eof = n == 0;
    src->may_wait = !src->regular && (size_t)n < IN_BYTES - src->in_n;
    src->in_n += (size_t)n;
    src->consumed += (uint64_t)n;
    return 0;
}

static bool starts_gzip(const struct lg_input *src)
{
    const unsigned char *p = src->in + src->in_at;

    return src->in_n - src->in_at >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

/* A frame, or a skippable frame (RFC 8878, 3.1). */
static bool starts_zstd(const struct lg_input *src)
{
    const unsigned char *p = src->in + src->in_at;

    if (src->in_n - src->in_at < 4)
        return false;
    return (p[0] == 0x28 && p[1] == 0xb5 && p[3] == 0xfd) ||
            ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18);
}

static int detect(struct lg_input *src, struct lg_err *reterr)
{
    void *probe;

    while (src->in_n < 4 && !src->in_eof) {
        int rc = fill(src, reterr);

        if (rc < 0)
            return rc;
    }
    if (starts_gzip(src)) {
        src->z.zalloc = z_alloc;
        src->z.zfree = z_free;
        if (inflateInit2(&src->z, 15 + 16) != Z_OK)
            return lg_err_set(reterr, LG_ENOMEM, "gzip: out of memory");
        src->codec = CODEC_GZIP;
    } else if (starts_zstd(src)) {
        /* libzstd allocates by itself: asking first lets a test fail that allocation too */
        probe = lg_malloc(1);
        if (probe != NULL)
            src->zs = ZSTD_createDStream();
        lg_free(probe);
        if (src->zs == NULL)
            return lg_err_set(reterr, LG_ENOMEM, "zstd: out of memory");
        (void)ZSTD_DCtx_setParameter(src->zs, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
        src->codec = CODEC_ZSTD;
    } else {
        src->codec = CODEC_PLAIN;
    }
    return 0;
}

static ptrdiff_t read_plain(struct lg_input *src, char *out, size_t max, struct lg_err *reterr)
{
    size_t n;
    int rc;

    if (src->in_at == src->in_n) {
        src->in_at = src->in_n = 0;
        rc = fill(src, reterr);
        if (rc < 0)
            return rc;
    }
    n = src->in_n - src->in_at < max ? src->in_n - src->in_at : max;
    if (n > 0)
        memcpy(out, src->in + src->in_at, n);
    src->in_at += n;
    return (ptrdiff_t)n;
}

/* Between two members: another one, padding with zeros (as tape and some writers leave it), or
 * the end. 1, 0 at the end. */
static int next_member(struct lg_input *src, struct lg_err *reterr)
{
    int rc;

    for (;;) {
        while (src->in_at < src->in_n && src->in[src->in_at] == 0)
            src->in_at++;
        if (src->in_n - src->in_at >= 3 || src->in_eof)
            break;
        rc = fill(src, reterr);
        if (rc < 0)
            return rc;
    }
    if (src->in_at == src->in_n)
        return 0;
    if (!starts_gzip(src))
        return lg_err_set(reterr, LG_ECORRUPT, "gzip: other data follows the compressed data");
    return inflateReset(&src->z) == Z_OK ? 1 : lg_err_set(reterr, LG_ECORRUPT, "gzip: reset");
}

static ptrdiff_t read_gzip(struct lg_input *src, char *out, size_t max, struct lg_err *reterr)
{
    size_t made = 0;
    int rc, zrc;

    while (made == 0) {
        if (!src->frame_open) {
            rc = next_member(src, reterr);
            if (rc <= 0)
                return rc;
            src->frame_open = true;
        }
        if (src->in_at == src->in_n) {
            rc = fill(src, reterr);
            if (rc < 0)
                return rc;
            if (src->in_eof)
                return lg_err_set(reterr, LG_ETRUNC, "gzip: the compressed data breaks off");
        }
        src->z.next_in = src->in + src->in_at;
        src->z.avail_in = (uInt)(src->in_n - src->in_at);
        src->z.next_out = (Bytef *)out;
        src->z.avail_out = (uInt)(max < UINT32_MAX ? max : UINT32_MAX);
        made = src->z.avail_out;
        zrc = inflate(&src->z, Z_NO_FLUSH);
        made -= src->z.avail_out;
        src->in_at = src->in_n - src->z.avail_in;
        if (zrc == Z_STREAM_END)
            src->frame_open = false;
        else if (zrc == Z_MEM_ERROR)
            src->fault = lg_err_set(reterr, LG_ENOMEM, "gzip: out of memory");
        else if (zrc != Z_OK && zrc != Z_BUF_ERROR)
            src->fault = lg_err_set(reterr, LG_ECORRUPT, "gzip: %s",
                    src->z.msg != NULL ? src->z.msg : "damaged data");
        if (src->fault < 0 && made == 0)
            return src->fault;
    }
    return (ptrdiff_t)made;
}

static int zstd_fault(size_t code, struct lg_err *reterr)
{
    const char *name = ZSTD_getErrorName(code);

    if (strstr(name, "too much memory") != NULL)
        return lg_err_set(reterr, LG_ELIMIT, "zstd: the window is over 128 MiB");
    if (strstr(name, "Allocation") != NULL)
        return lg_err_set(reterr, LG_ENOMEM, "zstd: out of memory");
    return lg_err_set(reterr, LG_ECORRUPT, "zstd: %s", name);
}

static ptrdiff_t read_zstd(struct lg_input *src, char *out, size_t max, struct lg_err *reterr)
{
    ZSTD_outBuffer o = {out, max, 0};

    while (o.pos == 0) {
        ZSTD_inBuffer in;
        size_t left;
        int rc;

        if (src->in_at == src->in_n) {
            rc = fill(src, reterr);
            if (rc < 0)
                return rc;
        }
        if (src->in_at == src->in_n && !src->frame_open)
            return 0;
        in = (ZSTD_inBuffer){src->in, src->in_n, src->in_at};
        left = ZSTD_decompressStream(src->zs, &o, &in);
        if (ZSTD_isError(left))
            return zstd_fault(left, reterr);
        if (in.pos == src->in_at && o.pos == 0 && src->in_eof)
            return lg_err_set(reterr, LG_ETRUNC, "zstd: the compressed data breaks off");
        src->in_at = in.pos;
        src->frame_open = left != 0;
    }
    return (ptrdiff_t)o.pos;
}

ptrdiff_t lg_input_read(struct lg_input *src, char *out, size_t max, struct lg_err *reterr)
{
    ptrdiff_t n;

    if (src->fault < 0)
        return src->fault;
    if (src->codec == CODEC_UNKNOWN) {
        src->fault = detect(src, reterr);
        if (src->fault < 0)
            return src->fault;
    }
    if (src->codec == CODEC_GZIP)
        n = read_gzip(src, out, max, reterr);
    else if (src->codec == CODEC_ZSTD)
        n = read_zstd(src, out, max, reterr);
    else
        n = read_plain(src, out, max, reterr);
    if (n < 0)
        src->fault = (int)n;
    return n;
}

bool lg_input_may_wait(const struct lg_input *src)
{
    return src->may_wait && src->in_at == src->in_n;
}

uint64_t lg_input_consumed(const struct lg_input *src)
{
    return src->consumed - (src->in_n - src->in_at);
}

uint64_t lg_input_total(const struct lg_input *src)
{
    return src->total;
}

const char *lg_input_compression(const struct lg_input *src)
{
    return src->codec == CODEC_GZIP ? "gzip" : src->codec == CODEC_ZSTD ? "zstd" : "plain";
}

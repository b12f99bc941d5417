#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "tensor/tensor_int.h"

static int read_all(int fd, const char *path, char **ret, size_t *ret_n, struct lg_err *reterr)
{
    struct stat st;
    size_t at = 0, size;
    char *p;

    if (fstat(fd, &st) < 0)
        return lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return lg_err_set(reterr, LG_EREFUSED, "%s: not a regular file", path);
    if (st.st_size > (off_t)LG_MAX_MODEL_FILE_BYTES)
        return lg_err_set(reterr, LG_ELIMIT, "%s: %lld bytes, more than %u", path,
                (long long)st.st_size, LG_MAX_MODEL_FILE_BYTES);
    size = (size_t)st.st_size;
    p = lg_malloc(size);
    if (p == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "%s: no memory for %zu bytes", path, size);
    while (at < size) {
        ssize_t got = read(fd, p + at, size - at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            lg_free(p);
            return lg_err_set(reterr, got < 0 ? LG_EIO : LG_ETRUNC, "%s: read of byte %zu: %s",
                    path, at, got < 0 ? strerror(errno) : "the file shrank");
        }
        at += (size_t)got;
    }
    *ret = p;
    *ret_n = size;
    return 0;
}

/* Puts "path: " before the text of a failure. */
static int with_path(const char *path, struct lg_err *reterr, int rc)
{
    char text[sizeof(reterr->text)];

    if (reterr == NULL)
        return rc;
    memcpy(text, reterr->text, sizeof(text));
    return lg_err_set(reterr, rc, "%s: %s", path, text);
}

int lg_tensors_load(const char *path, struct lg_tensors *set, struct lg_err *reterr)
{
    LG_CLEANUP(lg_cleanup_free) char *p = NULL;
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

    if (fd < 0)
        return lg_err_set(
                reterr, errno == ENOENT ? LG_ENOENT : LG_EIO, "%s: %s", path, strerror(errno));
    rc = read_all(fd, path, &p, &n, reterr);
    close(fd);
    if (rc < 0)
        return rc;
    if (n >= 4 && memcmp(p, "PK\3\4", 4) == 0)
        rc = lg_pt_read(p, n, set, reterr);
    /* the header of a .safetensors file may be 0x280 bytes long: what follows is its '{' */
    else if (n >= 2 && p[0] == (char)0x80 && p[1] >= 1 && p[1] <= 5 && (n < 9 || p[8] != '{'))
        rc = lg_err_set(reterr, LG_EREFUSED,
                "a bare pickle, which could run code: refused; save it with torch 1.6 or "
                "newer (zip format) or as .safetensors");
    else
        rc = lg_safetensors_read(p, n, set, reterr);
    return rc < 0 ? with_path(path, reterr, rc) : rc;
}

static int write_file(
        const char *path, const char *tmp, const struct lg_buf *b, struct lg_err *reterr)
{
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    size_t at = 0;
    bool ok = fd >= 0;

    while (ok && at < b->n) {
        ssize_t put = write(fd, b->p + at, b->n - at);

        if (put < 0 && errno == EINTR)
            continue;
        ok = put > 0;
        at += ok ? (size_t)put : 0;
    }
    ok = ok && fsync(fd) == 0;
    if (fd >= 0 && close(fd) < 0)
        ok = false;
    if (ok && rename(tmp, path) == 0)
        return 0;
    lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(tmp);
    return LG_EIO;
}

int lg_tensors_save(const char *path, const struct lg_tensors *set, struct lg_err *reterr)
{
    struct lg_str name = lg_str_z(path);
    char tmp[4096];
    struct lg_buf b;
    int rc;

    if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
        return lg_err_set(reterr, LG_EINVAL, "a path of %zu bytes is too long", name.n);
    lg_buf_init(&b, (size_t)LG_MAX_MODEL_FILE_BYTES + (16u << 20));
    if (lg_str_ends(name, LG_STR(".pt")))
        rc = lg_pt_write(set, &b, reterr);
    else if (lg_str_ends(name, LG_STR(".safetensors")))
        rc = lg_safetensors_write(set, &b, reterr);
    else
        rc = lg_err_set(reterr, LG_EINVAL, "ends neither in .pt nor in .safetensors");
    if (rc < 0)
        with_path(path, reterr, rc);
    else
        rc = write_file(path, tmp, &b, reterr);
    lg_buf_done(&b);
    return rc;
}

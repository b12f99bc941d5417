#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config_int.h"

/* At most `cap` bytes; an end at an interrupt is none. */
static ssize_t read_some(int fd, char *out, size_t cap)
{
    size_t n = 0;

    while (n < cap) {
        const ssize_t got = read(fd, out + n, cap - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int lg_config_secret_read(const struct lg_config_secret *s, const char *key,
        char out[LG_CONFIG_SECRET_BYTES], struct lg_err *reterr)
{
    ssize_t n;
    char *end;
    int fd;

    if (s->file[0] == '\0') {
        (void)snprintf(out, LG_CONFIG_SECRET_BYTES, "%s", s->text);
        return 0;
    }
    fd = open(s->file, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read_some(fd, out, LG_CONFIG_SECRET_BYTES) : -1;
    if (n < 0)
        (void)lg_err_set(reterr, LG_EIO, "%s_file: %s: %s", key, s->file, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        return LG_EIO;
    end = memchr(out, '\n', (size_t)n);
    if (end == NULL && n == LG_CONFIG_SECRET_BYTES)
        return lg_err_set(reterr, LG_ELIMIT, "%s_file: %s: the first line is over %d bytes", key,
                s->file, LG_CONFIG_SECRET_BYTES - 1);
    if (end == NULL)
        end = out + n;
    if (end > out && end[-1] == '\r')
        end--;
    *end = '\0';
    if (end == out || strlen(out) != (size_t)(end - out))
        return lg_err_set(reterr, LG_EINVAL, "%s_file: %s: the first line is %s", key, s->file,
                end == out ? "empty" : "no text");
    return 0;
}

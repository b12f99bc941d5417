#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int sync_open(int fd)
{
    int rc = fsync(fd), why = errno;

    (void)close(fd);
    errno = why;
    /* Some file systems have no such call for folders, or are read-only: nothing to wait for. */
    return rc < 0 && why != EINVAL && why != EROFS ? LG_EIO : 0;
}

int lg_folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? LG_EIO : sync_open(fd);
}

int lg_folder_make(const char *path, mode_t mode)
{
    char above[4096];
    size_t n = strlen(path);
    int fd;

    if (n >= sizeof(above))
        return LG_ELIMIT;
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return LG_EIO;
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    (void)snprintf(above, sizeof(above), "%.*s", n == 0 ? 1 : (int)n, n == 0 ? "." : path);
    fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? 0 : sync_open(fd);
}

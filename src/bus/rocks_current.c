#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/parse.h"
#include "bus/rocks.h"

/*
 * The file CURRENT is the name of the newest MANIFEST and no more. Without it RocksDB takes the
 * folder for a new database and clears away what lies there, so it is mended before RocksDB looks.
 */
#define PREFIX "MANIFEST-"

static bool manifest_number(const char *name, uint64_t *ret)
{
    return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
            lg_parse_u64(lg_str_z(name + sizeof(PREFIX) - 1), ret) == 0;
}

struct folder {
    uint64_t newest; /* number of the newest MANIFEST; 0: none */
    char name[64];   /* and its name */
    bool data;       /* tables or logs with something in them */
};

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static void look(const char *path, struct folder *ret)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    *ret = (struct folder){0};
    if (dir == NULL)
        return;
    while ((e = readdir(dir)) != NULL) {
        uint64_t n;
        struct stat st;

        if (fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || st.st_size == 0)
            continue;
        if (ends_with(e->d_name, ".sst") || ends_with(e->d_name, ".log"))
            ret->data = true;
        if (manifest_number(e->d_name, &n) && n > ret->newest &&
                strlen(e->d_name) < sizeof(ret->name)) {
            ret->newest = n;
            memcpy(ret->name, e->d_name, strlen(e->d_name) + 1);
        }
    }
    (void)closedir(dir);
}

/* CURRENT names a MANIFEST that is there. */
static bool whole(const char *path, const char *current)
{
    char text[64] = "", manifest[4200];
    uint64_t n;
    struct stat st;
    int fd = open(current, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (got < 1 || text[got - 1] != '\n')
        return false;
    text[got - 1] = '\0';
    (void)snprintf(manifest, sizeof(manifest), "%s/%s", path, text);
    return manifest_number(text, &n) && stat(manifest, &st) == 0;
}

static int write_current(const char *path, const char *current, const char *name)
{
    char temporary[4200], line[80];
    int fd, n = snprintf(line, sizeof(line), "%s\n", name);
    bool ok;

    (void)snprintf(temporary, sizeof(temporary), "%s.mended", current);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return LG_EIO;
    ok = write(fd, line, (size_t)n) == n && fsync(fd) == 0;
    (void)close(fd);
    if (!ok || rename(temporary, current) < 0) {
        (void)unlink(temporary);
        return LG_EIO;
    }
    return lg_folder_sync(path);
}

int lg_rocks_mend(const char *path, struct lg_err *ret_what)
{
    char current[4100];
    struct folder f;

    if ((size_t)snprintf(current, sizeof(current), "%s/CURRENT", path) >= sizeof(current))
        return 0; /* opening says so */
    if (whole(path, current))
        return 0;
    look(path, &f);
    if (!f.data) /* a new folder, or one whose first start did not get far */
        return 0;
    if (f.newest == 0)
        return lg_err_set(ret_what, LG_ECORRUPT,
                "%s: neither CURRENT nor a MANIFEST is there, but tables or logs are", path);
    if (write_current(path, current, f.name) < 0)
        return lg_err_set(ret_what, LG_EIO, "%s: %s", current, strerror(errno));
    (void)lg_err_set(
            ret_what, LG_ECORRUPT, "%s was missing or damaged: it names %s again", current, f.name);
    return 1;
}

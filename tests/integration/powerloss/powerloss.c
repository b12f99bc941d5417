/*
 * What a machine does to a program when its power goes, or its disk: a library for LD_PRELOAD.
 *
 * Of every file and folder below POWERLOSS_ROOT it knows what was done since the last fsync. When
 * the file POWERLOSS_CUT appears, all of that is undone and the process dies on the spot:
 *
 *   all          nothing that was not synced is left
 *   torn SEED    of each file a random first part of what was not synced is left, the last write of
 *                it perhaps by half: disks keep an order within neither files nor folders
 *
 * Files that were made, renamed or removed come back as they were unless their folder was synced.
 * fsync itself takes a little while, and does nothing else: the kernel stays up.
 *
 * POWERLOSS_FAULT=eio:N or enospc:N:M lets the N-th call (and the M - 1 after it) of those that
 * write, sync, make or rename fail. What a failed fsync should have synced is lost for good even if
 * a later one succeeds, as Linux does it: at the cut it is undone all the same.
 *
 * POWERLOSS_STASH is a folder on the same file system, outside of the root, for removed files.
 */
#undef _FORTIFY_SOURCE /* its inline open() would be in the way of ours */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 65536
#define MAX_PATH 1024
#define EXPORT __attribute__((visibility("default")))

/* What has to be put back: `old` at `off`, then the size. */
struct change {
    struct change *older;
    uint64_t seq;
    off_t off, old_size;
    size_t n, n_old; /* bytes written; bytes that lay there */
    bool shortened;  /* a truncation: the size first, then `old` */
    bool lost;       /* its fsync failed */
    char old[];
};

struct file {
    struct file *next;
    dev_t dev;
    ino_t ino;
    int fd;        /* our own, readable and writable; -1: a folder */
    unsigned open; /* descriptors of the program */
    struct change *newest;
    char path[MAX_PATH]; /* of a folder */
};

enum deed { MADE, MADE_FOLDER, RENAMED, REMOVED };

struct entry {
    struct entry *older;
    uint64_t seq;
    enum deed deed;
    char from[MAX_PATH], to[MAX_PATH], stash[MAX_PATH]; /* stash: what lay there; "": nothing */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static struct file *by_fd[MAX_FD];
static struct entry *entries;
static uint64_t seq, calls, n_stash;
static char root[MAX_PATH], stash[MAX_PATH - 64], cut_path[MAX_PATH];
static size_t root_n;
static int fault_errno;
static uint64_t fault_first, fault_last;
static uint64_t dice;

#define REAL(ret, name, ...)                                                                       \
    static ret (*real_##name)(__VA_ARGS__);                                                        \
    static ret (*get_##name(void))(__VA_ARGS__)                                                    \
    {                                                                                              \
        if (real_##name == NULL)                                                                   \
            *(void **)&real_##name = dlsym(RTLD_NEXT, #name);                                      \
        return real_##name;                                                                        \
    }

REAL(int, open, const char *, int, ...)
REAL(int, close, int)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(int, ftruncate, int, off_t)
REAL(int, rename, const char *, const char *)
REAL(int, unlink, const char *)
REAL(int, mkdir, const char *, mode_t)
REAL(int, fsync, int)

static uint64_t roll(uint64_t n)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return n == 0 ? 0 : dice % n;
}

static bool below_root(const char *path)
{
    size_t n;

    if (root_n == 0 || path == NULL || strncmp(path, root, root_n) != 0 ||
            (path[root_n] != '/' && path[root_n] != '\0'))
        return false;
    n = strlen(path); /* SQLite's shared memory is made anew after a crash */
    return n < MAX_PATH && (n < 4 || strcmp(path + n - 4, "-shm") != 0);
}

static void say(const char *what, const char *path)
{
    char line[MAX_PATH + 128];
    int n = snprintf(line, sizeof(line), "powerloss: call %llu: %s %s\n", (unsigned long long)calls,
            what, path);

    (void)get_write()(2, line, (size_t)n);
}

/* Counts a call; true when it has to fail. The lock is held. */
static bool fails(const char *what, const char *path)
{
    calls++;
    if (fault_first == 0 || calls < fault_first || calls > fault_last)
        return false;
    say(what, path);
    errno = fault_errno;
    return true;
}

static struct file *find(int fd)
{
    return fd >= 0 && fd < MAX_FD ? by_fd[fd] : NULL;
}

static void forget(struct file *f)
{
    for (struct file **at = &files; *at != NULL; at = &(*at)->next)
        if (*at == f) {
            *at = f->next;
            if (f->fd >= 0)
                (void)get_close()(f->fd);
            free(f);
            return;
        }
}

static void take(int fd, const char *path)
{
    struct stat st;
    struct file *f;

    if (fd >= MAX_FD || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return;
    for (f = files; f != NULL; f = f->next)
        if (f->dev == st.st_dev && f->ino == st.st_ino)
            break;
    if (f == NULL) {
        f = calloc(1, sizeof(*f));
        if (f == NULL)
            abort();
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        f->fd = S_ISREG(st.st_mode) ? get_open()(path, O_RDWR | O_CLOEXEC) : -1;
        f->next = files;
        files = f;
        (void)snprintf(f->path, sizeof(f->path), "%s", path);
        for (size_t n = strlen(f->path); n > 1 && f->path[n - 1] == '/'; n--)
            f->path[n - 1] = '\0';
    }
    f->open++;
    by_fd[fd] = f;
}

static void add_entry(enum deed deed, const char *from, const char *to, const char *kept)
{
    struct entry *e = calloc(1, sizeof(*e));

    if (e == NULL)
        abort();
    e->seq = ++seq;
    e->deed = deed;
    (void)snprintf(e->from, sizeof(e->from), "%s", from);
    (void)snprintf(e->to, sizeof(e->to), "%s", to);
    (void)snprintf(e->stash, sizeof(e->stash), "%s", kept);
    e->older = entries;
    entries = e;
}

/* A second name for what is about to go. */
static void keep(const char *path, char out[MAX_PATH])
{
    (void)snprintf(
            out, MAX_PATH, "%s/%ld-%llu", stash, (long)getpid(), (unsigned long long)++n_stash);
    if (link(path, out) < 0)
        out[0] = '\0';
}

static bool lies_in(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && path[n] == '/' && strchr(path + n + 1, '/') == NULL;
}

static void synced_folder(const char *folder)
{
    for (struct entry **at = &entries; *at != NULL;) {
        struct entry *e = *at;

        if (lies_in(e->to, folder)) {
            *at = e->older;
            if (e->stash[0] != '\0')
                (void)get_unlink()(e->stash);
            free(e);
        } else {
            at = &e->older;
        }
    }
}

static void synced_file(struct file *f)
{
    for (struct change **at = &f->newest; *at != NULL;) {
        struct change *c = *at;

        if (c->lost) {
            at = &c->older;
        } else {
            *at = c->older;
            free(c);
        }
    }
}

/* What lies there and is about to change. */
static void remember(struct file *f, off_t off, size_t n, bool shortened)
{
    struct stat st;
    struct change *c;
    size_t n_old = 0;

    if (f->fd < 0 || fstat(f->fd, &st) < 0)
        return;
    if (shortened) {
        n_old = st.st_size > off ? (size_t)(st.st_size - off) : 0;
    } else if (off < st.st_size) {
        n_old = (size_t)(st.st_size - off) < n ? (size_t)(st.st_size - off) : n;
    }
    /* A page that an fsync lost is written anew: it counts again. */
    for (struct change *l = f->newest; l != NULL; l = l->older)
        if (l->lost && !shortened && l->off >= off && l->off + (off_t)l->n <= off + (off_t)n)
            l->n = l->n_old = 0;
    c = calloc(1, sizeof(*c) + n_old);
    if (c == NULL)
        abort();
    c->seq = ++seq;
    c->off = off;
    c->n = n;
    c->old_size = st.st_size;
    c->shortened = shortened;
    if (n_old > 0 && pread(f->fd, c->old, n_old, off) == (ssize_t)n_old)
        c->n_old = n_old;
    c->older = f->newest;
    f->newest = c;
}

static void put_back(struct file *f, struct change *c)
{
    static const char zeros[4096];
    struct stat st;

    if (c->lost) { /* what came after it may be there: only its bytes are not */
        for (size_t at = 0; at < c->n && fstat(f->fd, &st) == 0;) {
            off_t to = c->off + (off_t)at;
            size_t n = c->n - at < sizeof(zeros) ? c->n - at : sizeof(zeros);

            if (to >= st.st_size)
                break;
            if ((off_t)n > st.st_size - to)
                n = (size_t)(st.st_size - to);
            (void)get_pwrite()(f->fd, zeros, n, to);
            at += n;
        }
        if (c->n > 0 && c->n_old > 0)
            (void)get_pwrite()(f->fd, c->old, c->n_old, c->off);
        return;
    }
    if (c->shortened)
        (void)get_ftruncate()(f->fd, c->old_size);
    if (c->n_old > 0)
        (void)get_pwrite()(f->fd, c->old, c->n_old, c->off);
    if (!c->shortened)
        (void)get_ftruncate()(f->fd, c->old_size);
}

/* Half of the write stays. */
static void tear(struct file *f, struct change *c)
{
    size_t stays = c->n / 2;

    if (c->lost || c->shortened || stays == 0) {
        put_back(f, c);
        return;
    }
    if (c->n_old > stays)
        (void)get_pwrite()(f->fd, c->old + stays, c->n_old - stays, c->off + (off_t)stays);
    if (c->off + (off_t)stays > c->old_size)
        (void)get_ftruncate()(f->fd, c->off + (off_t)stays);
    else
        (void)get_ftruncate()(f->fd, c->old_size);
}

static void undo_entry(struct entry *e)
{
    static const char *const deeds[] = {"made", "made folder", "renamed", "removed"};

    say(deeds[e->deed], e->to);
    char gone[MAX_PATH];

    switch (e->deed) {
    case MADE:
        (void)get_unlink()(e->to);
        break;
    case MADE_FOLDER: /* with all that is in it */
        (void)snprintf(gone, sizeof(gone), "%s/%ld-%llu", stash, (long)getpid(),
                (unsigned long long)++n_stash);
        (void)get_rename()(e->to, gone);
        break;
    case RENAMED:
        (void)get_rename()(e->to, e->from);
        if (e->stash[0] != '\0')
            (void)link(e->stash, e->to);
        break;
    case REMOVED:
        if (e->stash[0] != '\0')
            (void)link(e->stash, e->to);
        break;
    }
}

static size_t count(const struct change *c)
{
    size_t n = 0;

    for (; c != NULL; c = c->older)
        n++;
    return n;
}

static void cut(bool torn)
{
    char line[MAX_PATH + 64];
    size_t undone = 0, names = 0, leave = 0;
    int n;

    (void)pthread_mutex_lock(&lock); /* and never let go */
    for (struct file *f = files; f != NULL; f = f->next) {
        size_t have = count(f->newest), stay = torn ? roll(have + 1) : 0;

        if (have > stay) {
            n = snprintf(line, sizeof(line), "powerloss: %zu of %zu writes undone: %s\n",
                    have - stay, have, f->path);
            (void)get_write()(2, line, (size_t)n);
        }
        for (struct change *c = f->newest; c != NULL && have > stay; c = c->older, have--, undone++)
            if (torn && have == stay + 1 && roll(2) == 0)
                tear(f, c);
            else
                put_back(f, c);
        for (struct change *c = f->newest; c != NULL; c = c->older)
            if (c->lost)
                put_back(f, c);
    }
    for (struct entry *e = entries; e != NULL; e = e->older)
        names++;
    leave = torn ? roll(names + 1) : 0;
    for (struct entry *e = entries; e != NULL && names > leave; e = e->older, names--)
        undo_entry(e);
    n = snprintf(line, sizeof(line), "powerloss: cut after %llu calls, %zu writes undone\n",
            (unsigned long long)calls, undone);
    (void)get_write()(2, line, (size_t)n);
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

static void *watch(void *arg)
{
    const struct timespec pause_for = {.tv_nsec = 2000000};

    (void)arg;
    for (;;) {
        char text[64] = "";
        int fd = get_open()(cut_path, O_RDONLY | O_CLOEXEC);

        if (fd >= 0) {
            ssize_t n = read(fd, text, sizeof(text) - 1);

            (void)get_close()(fd);
            if (n > 0 && strncmp(text, "torn ", 5) == 0) {
                dice ^= strtoull(text + 5, NULL, 10) * 0x9e3779b97f4a7c15u;
                cut(true);
            } else if (n > 0) {
                cut(false);
            }
        }
        (void)nanosleep(&pause_for, NULL);
    }
    return NULL;
}

static void copy_env(const char *name, char *out, size_t n)
{
    const char *v = getenv(name);

    (void)snprintf(out, n, "%s", v == NULL ? "" : v);
}

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("POWERLOSS_FAULT");
    pthread_t thread;
    sigset_t all, before;
    char *end;

    dice = 0x2545f4914f6cdd1du ^ (uint64_t)getpid();
    copy_env("POWERLOSS_ROOT", root, sizeof(root));
    copy_env("POWERLOSS_STASH", stash, sizeof(stash));
    copy_env("POWERLOSS_CUT", cut_path, sizeof(cut_path));
    if (fault != NULL && strchr(fault, ':') != NULL) {
        fault_errno = strncmp(fault, "eio", 3) == 0 ? EIO : ENOSPC;
        fault_first = strtoull(strchr(fault, ':') + 1, &end, 10);
        fault_last = fault_first + (*end == ':' ? strtoull(end + 1, NULL, 10) - 1 : 0);
    }
    root_n = strlen(root);
    if (cut_path[0] == '\0')
        return;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, watch, NULL) != 0)
        abort();
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ------------------------------------------------------------------ the calls */

static int do_open(const char *path, int flags, mode_t mode)
{
    struct stat st;
    bool there;
    int fd;

    if (!below_root(path))
        return get_open()(path, flags, mode);
    (void)pthread_mutex_lock(&lock);
    there = lstat(path, &st) == 0;
    if ((flags & O_CREAT) != 0 && !there && fails("open", path)) {
        (void)pthread_mutex_unlock(&lock);
        return -1;
    }
    /* The truncation is done below, once the old bytes are known. */
    fd = get_open()(path, flags & ~O_TRUNC, mode);
    if (fd >= 0) {
        take(fd, path);
        if (!there && (flags & O_CREAT) != 0)
            add_entry(MADE, "", path, "");
        if (there && (flags & O_TRUNC) != 0 && find(fd) != NULL) {
            remember(find(fd), 0, 0, true);
            (void)get_ftruncate()(fd, 0);
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(name)                                                                                 \
    EXPORT int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
                                                                                                   \
        if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                                                \
            va_list args;                                                                          \
                                                                                                   \
            va_start(args, flags);                                                                 \
            mode = va_arg(args, mode_t);                                                           \
            va_end(args);                                                                          \
        }                                                                                          \
        return do_open(path, flags, mode);                                                         \
    }
OPEN(open)
OPEN(open64)
/* What a program built with _FORTIFY_SOURCE calls. */
int __open_2(const char *path, int flags, ...);
int __open64_2(const char *path, int flags, ...);
OPEN(__open_2)
OPEN(__open64_2)

EXPORT int close(int fd)
{
    struct file *f;
    int rc;

    if (find(fd) == NULL)
        return get_close()(fd);
    (void)pthread_mutex_lock(&lock);
    f = find(fd);
    by_fd[fd] = NULL;
    rc = get_close()(fd);
    if (f != NULL && --f->open == 0 && f->newest == NULL)
        forget(f);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static off_t position(int fd)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    if ((flags & O_APPEND) != 0 && fstat(fd, &st) == 0)
        return st.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

/* Begins a call that changes a file: the lock is held if it answers one. */
static struct file *changes(int fd, const char *what, off_t off, size_t n, bool *ret_fails)
{
    struct file *f = find(fd);

    *ret_fails = false;
    if (f == NULL)
        return NULL;
    (void)pthread_mutex_lock(&lock);
    *ret_fails = fails(what, f->path);
    if (!*ret_fails)
        remember(f, off < 0 ? position(fd) : off, n, false);
    return f;
}

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
    bool failed;
    struct file *f = changes(fd, "write", -1, n, &failed);
    ssize_t rc = failed ? -1 : get_write()(fd, p, n);

    if (f != NULL)
        (void)pthread_mutex_unlock(&lock);
    return rc;
}

static ssize_t do_pwrite(int fd, const void *p, size_t n, off_t off)
{
    bool failed;
    struct file *f = changes(fd, "pwrite", off, n, &failed);
    ssize_t rc = failed ? -1 : get_pwrite()(fd, p, n, off);

    if (f != NULL)
        (void)pthread_mutex_unlock(&lock);
    return rc;
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
    return do_pwrite(fd, p, n, off);
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off_t off)
{
    return do_pwrite(fd, p, n, off);
}

static size_t total(const struct iovec *v, int n_v)
{
    size_t n = 0;

    for (int i = 0; i < n_v; i++)
        n += v[i].iov_len;
    return n;
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int n_v)
{
    bool failed;
    struct file *f = changes(fd, "writev", -1, total(v, n_v), &failed);
    ssize_t rc = failed ? -1 : get_writev()(fd, v, n_v);

    if (f != NULL)
        (void)pthread_mutex_unlock(&lock);
    return rc;
}

/* In pieces: callers take a short count as well as a whole one. */
static ssize_t do_pwritev(int fd, const struct iovec *v, int n_v, off_t off)
{
    ssize_t done = 0;

    for (int i = 0; i < n_v; i++) {
        ssize_t n = do_pwrite(fd, v[i].iov_base, v[i].iov_len, off + done);

        if (n < 0)
            return done > 0 ? done : -1;
        done += n;
        if ((size_t)n < v[i].iov_len)
            break;
    }
    return done;
}

EXPORT ssize_t pwritev(int fd, const struct iovec *v, int n_v, off_t off)
{
    return do_pwritev(fd, v, n_v, off);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *v, int n_v, off_t off)
{
    return do_pwritev(fd, v, n_v, off);
}

static int do_ftruncate(int fd, off_t size)
{
    struct file *f = find(fd);
    struct stat st;
    int rc = -1;

    if (f == NULL)
        return get_ftruncate()(fd, size);
    (void)pthread_mutex_lock(&lock);
    if (!fails("ftruncate", f->path)) {
        bool shorter = fstat(fd, &st) == 0 && size < st.st_size;

        if (shorter)
            remember(f, size, 0, true);
        else if (size > st.st_size)
            remember(f, st.st_size, (size_t)(size - st.st_size), false);
        rc = get_ftruncate()(fd, size);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

EXPORT int ftruncate(int fd, off_t size)
{
    return do_ftruncate(fd, size);
}

EXPORT int ftruncate64(int fd, off_t size)
{
    return do_ftruncate(fd, size);
}

static int do_sync(int fd, const char *what)
{
    struct timespec takes = {.tv_nsec = 0};
    struct file *f = find(fd);
    int rc = 0;

    if (f == NULL)
        return get_fsync()(fd);
    (void)pthread_mutex_lock(&lock);
    if (fails(what, f->path)) {
        rc = -1;
        for (struct change *c = f->newest; c != NULL; c = c->older)
            c->lost = true;
    } else if (f->fd < 0) {
        synced_folder(f->path);
    } else {
        synced_file(f);
    }
    takes.tv_nsec = (long)roll(2000000);
    (void)pthread_mutex_unlock(&lock);
    (void)nanosleep(&takes, NULL);
    if (rc < 0)
        errno = fault_errno;
    return rc;
}

EXPORT int fsync(int fd)
{
    return do_sync(fd, "fsync");
}

EXPORT int fdatasync(int fd)
{
    return do_sync(fd, "fdatasync");
}

EXPORT int rename(const char *from, const char *to)
{
    char kept[MAX_PATH] = "";
    int rc = -1;

    if (!below_root(to))
        return get_rename()(from, to);
    (void)pthread_mutex_lock(&lock);
    if (!fails("rename", to)) {
        keep(to, kept);
        rc = get_rename()(from, to);
        if (rc == 0)
            add_entry(RENAMED, from, to, kept);
        else if (kept[0] != '\0')
            (void)get_unlink()(kept);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

EXPORT int unlink(const char *path)
{
    char kept[MAX_PATH] = "";
    int rc;

    if (!below_root(path))
        return get_unlink()(path);
    (void)pthread_mutex_lock(&lock);
    keep(path, kept);
    rc = get_unlink()(path);
    if (rc == 0)
        add_entry(REMOVED, "", path, kept);
    else if (kept[0] != '\0')
        (void)get_unlink()(kept);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    int rc;

    if (!below_root(path) || path[root_n] == '\0')
        return get_mkdir()(path, mode);
    (void)pthread_mutex_lock(&lock);
    rc = get_mkdir()(path, mode);
    if (rc == 0)
        add_entry(MADE_FOLDER, "", path, "");
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

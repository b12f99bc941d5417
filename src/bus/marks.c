#include "bus/marks.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/vec.h"
#include "bus/bytes.h"

/*
 * File: entries of 32 bytes {topic, partition, end, durable, checksum}, little endian, in no
 * particular order. All are written at once, in place; a torn write spoils single entries, which
 * their checksums tell.
 */
#define ENTRY 32u
#define MAX_ENTRIES 16384u

static uint64_t checksum(const uint8_t *e)
{
    return lg_hash64(e, 24, 0x6d61726bu);
}

static struct lg_mark *find(struct lg_marks *m, uint32_t topic, uint32_t partition)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->marks[i].topic == topic && m->marks[i].partition == partition)
            return &m->marks[i];
    return NULL;
}

static int grow(struct lg_marks *m)
{
    size_t cap = m->cap > 0 ? m->cap * 2 : 64;
    struct lg_mark *marks;
    uint8_t *bytes;

    if (m->n < m->cap)
        return 0;
    if (m->n >= MAX_ENTRIES)
        return LG_ENOMEM;
    marks = lg_realloc_array(m->marks, cap, sizeof(*marks));
    if (marks == NULL)
        return LG_ENOMEM;
    m->marks = marks;
    bytes = lg_realloc_array(m->bytes, cap, ENTRY);
    if (bytes == NULL)
        return LG_ENOMEM;
    m->bytes = bytes;
    m->cap = cap;
    return 0;
}

int lg_marks_reserve(struct lg_marks *m, uint32_t topic, uint32_t partition)
{
    int rc = 0;

    (void)pthread_mutex_lock(&m->lock);
    if (find(m, topic, partition) == NULL) {
        rc = grow(m);
        if (rc == 0)
            m->marks[m->n++] = (struct lg_mark){topic, partition, 0, 0};
    }
    (void)pthread_mutex_unlock(&m->lock);
    return rc;
}

int lg_marks_set(
        struct lg_marks *m, uint32_t topic, uint32_t partition, int64_t end, int64_t durable)
{
    int rc = lg_marks_reserve(m, topic, partition);
    struct lg_mark *k;

    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&m->lock);
    k = find(m, topic, partition);
    m->changed = m->changed || end > k->end || durable > k->durable;
    k->end = end > k->end ? end : k->end;
    k->durable = durable > k->durable ? durable : k->durable;
    (void)pthread_mutex_unlock(&m->lock);
    return 0;
}

const struct lg_mark *lg_marks_find(struct lg_marks *m, uint32_t topic, uint32_t partition)
{
    return find(m, topic, partition);
}

static int read_all(struct lg_marks *m)
{
    uint8_t e[ENTRY];
    off_t at = 0;

    while (pread(m->fd, e, ENTRY, at) == (ssize_t)ENTRY && at < (off_t)(MAX_ENTRIES * ENTRY)) {
        int64_t end = (int64_t)lg_le64_get(e + 8), durable = (int64_t)lg_le64_get(e + 16);

        at += ENTRY;
        if (lg_le64_get(e + 24) != checksum(e) || end < 0 || durable < 0) {
            m->damaged = true;
            continue;
        }
        if (lg_marks_set(m, lg_le32_get(e), lg_le32_get(e + 4), end, durable) < 0)
            return LG_ENOMEM;
    }
    return 0;
}

int lg_marks_open(struct lg_marks *m, const char *path)
{
    int rc;

    *m = (struct lg_marks){.fd = -1};
    (void)pthread_mutex_init(&m->lock, NULL);
    m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (m->fd < 0) {
        lg_log(LG_LOG_WARN, "bus", "cannot write the end markers", "path=%s", path);
        return 0;
    }
    rc = read_all(m);
    m->changed = false;
    if (rc < 0)
        lg_marks_close(m);
    return rc;
}

void lg_marks_close(struct lg_marks *m)
{
    if (m->fd >= 0) {
        if (m->changed)
            lg_marks_write(m);
        lg_marks_sync(m);
        (void)close(m->fd);
    }
    m->fd = -1;
    lg_free(m->marks);
    lg_free(m->bytes);
    m->marks = NULL;
    m->bytes = NULL;
    m->n = m->cap = 0;
    (void)pthread_mutex_destroy(&m->lock);
}

void lg_marks_write(struct lg_marks *m)
{
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n; i++) {
        uint8_t *e = m->bytes + i * ENTRY;

        lg_le32_put(e, m->marks[i].topic);
        lg_le32_put(e + 4, m->marks[i].partition);
        lg_le64_put(e + 8, (uint64_t)m->marks[i].end);
        lg_le64_put(e + 16, (uint64_t)m->marks[i].durable);
        lg_le64_put(e + 24, checksum(e));
    }
    /* A marker that could not be written only sees less at the next start. */
    if (m->fd >= 0 && m->n > 0 && pwrite(m->fd, m->bytes, m->n * ENTRY, 0) > 0)
        m->dirty = true;
    m->changed = false;
    (void)pthread_mutex_unlock(&m->lock);
}

void lg_marks_sync(struct lg_marks *m)
{
    bool dirty;

    (void)pthread_mutex_lock(&m->lock);
    dirty = m->dirty;
    m->dirty = false;
    (void)pthread_mutex_unlock(&m->lock);
    if (dirty && m->fd >= 0)
        (void)fdatasync(m->fd);
}

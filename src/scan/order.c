#include "scan/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PART_MAX_BYTES ((size_t)1 << 30)

int lg_order_init(struct lg_order *o, uint32_t workers, uint32_t slots_n,
        int (*output)(void *user, struct lg_str bytes), void *user)
{
    *o = (struct lg_order){.output = output,
            .user = user,
            .workers = workers,
            .slots_n = slots_n,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .moved = PTHREAD_COND_INITIALIZER};
    o->slots = lg_calloc(slots_n, sizeof(*o->slots));
    if (o->slots == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < slots_n; i++) {
        o->slots[i].part = lg_calloc(workers, sizeof(*o->slots[i].part));
        if (o->slots[i].part == NULL)
            return LG_ENOMEM;
        for (uint32_t k = 0; k < workers; k++)
            lg_buf_init(&o->slots[i].part[k].bytes, PART_MAX_BYTES);
    }
    return 0;
}

void lg_order_done(struct lg_order *o)
{
    for (uint32_t i = 0; o->slots != NULL && i < o->slots_n; i++) {
        for (uint32_t k = 0; o->slots[i].part != NULL && k < o->workers; k++) {
            lg_buf_done(&o->slots[i].part[k].bytes);
            lg_vec_done(&o->slots[i].part[k].pieces);
        }
        lg_free(o->slots[i].part);
    }
    lg_free(o->slots);
    o->slots = NULL;
}

void lg_order_fail(struct lg_order *o, int rc)
{
    (void)pthread_mutex_lock(&o->lock);
    if (o->rc == 0)
        o->rc = rc;
    (void)pthread_cond_broadcast(&o->moved);
    (void)pthread_mutex_unlock(&o->lock);
}

bool lg_order_failed(struct lg_order *o)
{
    bool yes;

    (void)pthread_mutex_lock(&o->lock);
    yes = o->rc < 0;
    (void)pthread_mutex_unlock(&o->lock);
    return yes;
}

void lg_order_wait(struct lg_order *o, uint64_t seq)
{
    (void)pthread_mutex_lock(&o->lock);
    while (seq >= o->next + o->slots_n && o->rc == 0)
        (void)pthread_cond_wait(&o->moved, &o->lock);
    (void)pthread_mutex_unlock(&o->lock);
}

void lg_order_given(struct lg_order *o, uint64_t seq)
{
    (void)pthread_mutex_lock(&o->lock);
    o->slots[seq % o->slots_n].judging++;
    (void)pthread_mutex_unlock(&o->lock);
}

struct lg_order_part *lg_order_part(struct lg_order *o, uint64_t seq, uint32_t judge)
{
    return &o->slots[seq % o->slots_n].part[judge];
}

/* --- writing ------------------------------------------------------------------------------------ */

static struct lg_str piece_key(const struct lg_order_slot *slot, const struct lg_order_piece *p)
{
    return lg_str_of(slot->part[p->judge].bytes.p + p->key, p->text - p->key);
}

static int by_window(const void *a, const void *b, void *arg)
{
    const struct lg_order_piece *x = a, *y = b;
    int c;

    if (x->end_ns != y->end_ns)
        return x->end_ns < y->end_ns ? -1 : 1;
    c = lg_str_cmp(piece_key(arg, x), piece_key(arg, y));
    return c != 0 ? c : (x->nth > y->nth) - (x->nth < y->nth);
}

static int write_slot(struct lg_order *o, struct lg_order_slot *slot)
{
    LG_VEC(struct lg_order_piece) all = {NULL, 0, 0};
    int rc = 0;

    for (uint32_t i = 0; i < o->workers && rc == 0; i++) {
        struct lg_order_part *part = &slot->part[i];

        rc = part->bytes.failed;
        for (size_t k = 0; k < part->pieces.n && rc == 0; k++)
            rc = lg_vec_push(&all, part->pieces.v[k]);
    }
    if (rc == 0 && all.n > 0)
        qsort_r(all.v, all.n, sizeof(*all.v), by_window, slot);
    for (size_t i = 0; i < all.n && rc == 0; i++) {
        const struct lg_order_piece *p = &all.v[i];
        const char *bytes = slot->part[p->judge].bytes.p;

        rc = o->output(o->user, lg_str_of(bytes + p->text, p->end - p->text));
    }
    lg_vec_done(&all);
    return rc;
}

static bool complete(const struct lg_order *o)
{
    const struct lg_order_slot *slot = &o->slots[o->next % o->slots_n];

    return slot->owners == o->workers && slot->judging == 0;
}

/* With the lock: whoever completes the next number writes it. */
static void write_complete(struct lg_order *o)
{
    while (complete(o)) {
        struct lg_order_slot *slot = &o->slots[o->next % o->slots_n];
        int rc = o->rc == 0 ? write_slot(o, slot) : 0;

        if (rc < 0)
            o->rc = rc;
        for (uint32_t i = 0; i < o->workers; i++) {
            lg_buf_clear(&slot->part[i].bytes);
            slot->part[i].pieces.n = 0;
        }
        slot->owners = 0;
        o->next++;
        (void)pthread_cond_broadcast(&o->moved);
    }
}

void lg_order_judged(struct lg_order *o, uint64_t seq)
{
    (void)pthread_mutex_lock(&o->lock);
    o->slots[seq % o->slots_n].judging--;
    write_complete(o);
    (void)pthread_mutex_unlock(&o->lock);
}

void lg_order_owned(struct lg_order *o, uint64_t seq)
{
    (void)pthread_mutex_lock(&o->lock);
    o->slots[seq % o->slots_n].owners++;
    write_complete(o);
    (void)pthread_mutex_unlock(&o->lock);
}

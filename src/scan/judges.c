#include "scan/judges.h"

#include "base/mem.h"
#include "graph/copy.h"

#define TASKS_EACH 3u                /* one that is judged, two that wait */
#define KEEP_BYTES ((size_t)4 << 20) /* a larger copy's memory is given back */

struct task {
    struct lg_graph_copy copy;
    uint64_t seq, nth;
    struct task *next;
};

struct judge {
    struct lg_judges *all;
    uint32_t index;
    struct task *first, *last; /* on their way to this judge */
    struct lg_jury *jury[2];   /* by enum lg_platform */
    struct lg_scan_stats stats;
    pthread_t thread;
};

struct lg_judges {
    const struct lg_scan_options *opt;
    const struct lg_scan_sink *sink;
    struct lg_order *order;
    uint32_t workers, started;
    struct judge *judge;
    struct task *tasks, *free;
    pthread_mutex_t lock;
    pthread_cond_t work, room;
    bool closed;
    pthread_mutex_t model_lock;
    const struct lg_model *model[2];
    bool model_asked[2];
};

int lg_judges_new(const struct lg_scan_options *opt, const struct lg_scan_sink *sink,
        struct lg_order *order, struct lg_judges **ret)
{
    struct lg_judges *js = lg_calloc(1, sizeof(*js));
    uint32_t n = order->workers * TASKS_EACH;
    int rc = 0;

    if (js == NULL)
        return LG_ENOMEM;
    *js = (struct lg_judges){.opt = opt,
            .sink = sink,
            .order = order,
            .workers = order->workers,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .work = PTHREAD_COND_INITIALIZER,
            .room = PTHREAD_COND_INITIALIZER,
            .model_lock = PTHREAD_MUTEX_INITIALIZER};
    js->judge = lg_calloc(js->workers, sizeof(*js->judge));
    js->tasks = lg_calloc(n, sizeof(*js->tasks));
    if (js->judge == NULL || js->tasks == NULL)
        rc = LG_ENOMEM;
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        js->tasks[i].next = js->free;
        js->free = &js->tasks[i];
    }
    for (int p = 0; p < 2; p++) {
        js->model[p] = opt->model[p];
        js->model_asked[p] = opt->model[p] != NULL;
    }
    for (uint32_t i = 0; rc == 0 && i < js->workers; i++) {
        js->judge[i].all = js;
        js->judge[i].index = i;
        for (int p = 0; p < 2 && rc == 0; p++)
            if (js->model[p] != NULL)
                rc = lg_jury_new(js->model[p], &opt->jury, &js->judge[i].jury[p]);
    }
    if (rc < 0) {
        lg_judges_free(js);
        return rc;
    }
    *ret = js;
    return 0;
}

void lg_judges_free(struct lg_judges *js)
{
    if (js == NULL)
        return;
    for (uint32_t i = 0; js->judge != NULL && i < js->workers; i++)
        for (int p = 0; p < 2; p++)
            lg_jury_free(js->judge[i].jury[p]);
    for (uint32_t i = 0; js->tasks != NULL && i < js->workers * TASKS_EACH; i++)
        lg_graph_copy_done(&js->tasks[i].copy);
    lg_free(js->tasks);
    lg_free(js->judge);
    lg_free(js);
}

/* --- judging ------------------------------------------------------------------------------------ */

/* A judge's jury for a platform; NULL where there is no model. */
static int need_jury(struct judge *me, enum lg_platform p, struct lg_jury **ret)
{
    struct lg_judges *js = me->all;
    int rc = 0;

    if (me->jury[p] == NULL) {
        (void)pthread_mutex_lock(&js->model_lock);
        if (!js->model_asked[p] && js->sink->model != NULL)
            rc = js->sink->model(js->sink->user, p, &js->model[p]);
        js->model_asked[p] = true;
        (void)pthread_mutex_unlock(&js->model_lock);
        if (rc == 0 && js->model[p] != NULL)
            rc = lg_jury_new(js->model[p], &js->opt->jury, &me->jury[p]);
    }
    *ret = me->jury[p];
    return rc;
}

static int judge_window(struct judge *me, const struct task *t)
{
    const struct lg_scan_sink *sink = me->all->sink;
    const struct lg_graph *g = &t->copy.g;
    struct lg_order_part *part = lg_order_part(me->all->order, t->seq, me->index);
    struct lg_buf *out = &part->bytes;
    struct lg_order_piece piece = {
            .end_ns = g->end_ns, .nth = t->nth, .judge = me->index, .key = out->n};
    struct lg_jury *jury;
    struct lg_verdict v;
    int rc = need_jury(me, g->platform, &jury);

    if (rc < 0)
        return rc;
    me->stats.windows[g->platform]++;
    if (jury == NULL) {
        me->stats.no_model++;
        return 0;
    }
    rc = lg_jury_judge(jury, g, &v);
    if (rc < 0)
        return rc;
    me->stats.attacks += v.prediction == LG_PREDICT_ATTACK;
    me->stats.errors += v.prediction == LG_PREDICT_ERROR;
    me->stats.idle_skipped += v.idle_skipped;
    lg_buf_adds(out, g->tenant_id);
    lg_buf_addc(out, '\0');
    lg_buf_adds(out, g->endpoint_id);
    piece.text = out->n;
    rc = sink->verdict(sink->user, me->index, jury, g, &v, out);
    piece.end = out->n;
    if (rc < 0 || piece.end == piece.text)
        return rc;
    return lg_vec_push(&part->pieces, piece);
}

static struct task *take(struct judge *from)
{
    struct task *t = from->first;

    if (t != NULL)
        from->first = t->next;
    return t;
}

/* With the lock: its own next window, else another's; NULL at the end. */
static struct task *next_task(struct judge *me)
{
    struct lg_judges *js = me->all;

    for (;;) {
        for (uint32_t i = 0; i < js->workers; i++) {
            struct task *t = take(&js->judge[(me->index + i) % js->workers]);

            if (t != NULL)
                return t;
        }
        if (js->closed)
            return NULL;
        (void)pthread_cond_wait(&js->work, &js->lock);
    }
}

static void put_back(struct lg_judges *js, struct task *t)
{
    if (t->copy.cap > KEEP_BYTES)
        lg_graph_copy_done(&t->copy);
    (void)pthread_mutex_lock(&js->lock);
    t->next = js->free;
    js->free = t;
    (void)pthread_cond_signal(&js->room);
    (void)pthread_mutex_unlock(&js->lock);
}

static void *judge_thread(void *arg)
{
    struct judge *me = arg;
    struct lg_judges *js = me->all;

    for (;;) {
        struct task *t;
        uint64_t seq;
        int rc = 0;

        (void)pthread_mutex_lock(&js->lock);
        t = next_task(me);
        (void)pthread_mutex_unlock(&js->lock);
        if (t == NULL)
            return NULL;
        if (!lg_order_failed(js->order))
            rc = judge_window(me, t);
        if (rc < 0)
            lg_order_fail(js->order, rc);
        seq = t->seq;
        put_back(js, t);
        lg_order_judged(js->order, seq);
    }
}

/* --- the owners' side ----------------------------------------------------------------------------- */

int lg_judges_start(struct lg_judges *js)
{
    while (js->started < js->workers &&
            pthread_create(&js->judge[js->started].thread, NULL, judge_thread,
                    &js->judge[js->started]) == 0)
        js->started++;
    return js->started == js->workers ? 0 : LG_EIO;
}

int lg_judges_give(
        struct lg_judges *js, uint32_t owner, uint64_t seq, uint64_t nth, const struct lg_graph *g)
{
    struct judge *home = &js->judge[owner];
    struct task *t;
    int rc;

    (void)pthread_mutex_lock(&js->lock);
    while (js->free == NULL)
        (void)pthread_cond_wait(&js->room, &js->lock);
    t = js->free;
    js->free = t->next;
    (void)pthread_mutex_unlock(&js->lock);
    rc = lg_order_failed(js->order) ? LG_EINTR : lg_graph_copy_set(&t->copy, g);
    if (rc < 0) {
        put_back(js, t);
        return rc == LG_EINTR ? 0 : rc;
    }
    t->seq = seq;
    t->nth = nth;
    t->next = NULL;
    lg_order_given(js->order, seq);
    (void)pthread_mutex_lock(&js->lock);
    if (home->first == NULL)
        home->first = t;
    else
        home->last->next = t;
    home->last = t;
    (void)pthread_cond_signal(&js->work);
    (void)pthread_mutex_unlock(&js->lock);
    return 0;
}

void lg_judges_end(struct lg_judges *js, struct lg_scan_stats *stats)
{
    (void)pthread_mutex_lock(&js->lock);
    js->closed = true;
    (void)pthread_cond_broadcast(&js->work);
    (void)pthread_mutex_unlock(&js->lock);
    for (uint32_t i = 0; i < js->started; i++) {
        const struct lg_scan_stats *s = &js->judge[i].stats;

        (void)pthread_join(js->judge[i].thread, NULL);
        stats->windows[0] += s->windows[0];
        stats->windows[1] += s->windows[1];
        stats->attacks += s->attacks;
        stats->errors += s->errors;
        stats->idle_skipped += s->idle_skipped;
        stats->no_model += s->no_model;
    }
    js->started = 0;
}

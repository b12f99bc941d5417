#include "train/dataset.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/ids.h"
#include "detect/patterns.h"
#include "scan/reader.h"
#include "train/tsv.h"

#define PATH_BYTES 4096

/* --- what to read: manifest, roles and split -------------------------------------------------- */

static int licence_ok(struct lg_str licence)
{
    /* the recordings that may go into the project and its models; GPL ones may not */
    return lg_str_find(licence, LG_STR("GPL")) < 0 &&
            (lg_str_find(licence, LG_STR("MIT")) >= 0 ||
                    lg_str_find(licence, LG_STR("Apache-2.0")) >= 0 ||
                    lg_str_find(licence, LG_STR("BSD")) >= 0 ||
                    lg_str_find(licence, LG_STR("CC0")) >= 0);
}

static char *dup_str(struct lg_str s)
{
    return lg_strndup(s.p, s.n);
}

static int64_t parse_hours(struct lg_str s)
{
    int64_t h;

    return lg_parse_i64(s, &h) < 0 ? LG_READER_PROBE : h * 3600 * LG_NS_PER_SEC;
}

struct manifest_columns {
    int file, licence, format, label, hours, techniques, platform;
};

static int manifest_columns(
        const struct lg_tsv *t, struct manifest_columns *c, struct lg_err *reterr)
{
    int rc;

    if ((rc = lg_tsv_need(t, "file", &c->file, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "licence", &c->licence, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "format", &c->format, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "label", &c->label, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "platform", &c->platform, reterr)) < 0)
        return rc;
    c->hours = lg_tsv_column(t, "hdr_to_utc_hours");
    c->techniques = lg_tsv_column(t, "technique_ids");
    return 0;
}

static size_t find_row(const struct lg_tsv *t, int column, struct lg_str value)
{
    for (size_t i = 0; i < lg_tsv_rows(t); i++)
        if (lg_str_eq(lg_tsv_get(t, i, column), value))
            return i;
    return SIZE_MAX;
}

static void capture_done(struct lg_capture_info *c)
{
    lg_free(c->file);
    lg_free(c->group);
    lg_free(c->format);
    lg_free(c->licence);
    lg_free(c->techniques);
}

static int add_capture(struct lg_dataset *ds, const struct lg_dataset_options *opt,
        const struct lg_tsv *manifest, const struct manifest_columns *mc, struct lg_str file,
        struct lg_str group, struct lg_str fold, struct lg_str label, struct lg_err *reterr)
{
    size_t row = find_row(manifest, mc->file, file);
    struct lg_capture_info c;
    uint64_t number = LG_FOLD_EXTRA;

    memset(&c, 0, sizeof(c));
    if (row == SIZE_MAX)
        return lg_err_set(
                reterr, LG_EINVAL, "split: '%.*s' is not in the manifest", LG_STR_FMT(file));
    if (!lg_str_eq(
                lg_tsv_get(manifest, row, mc->platform), lg_str_z(lg_platform_name(opt->platform))))
        return 0;
    if (!opt->allow_any_licence && !licence_ok(lg_tsv_get(manifest, row, mc->licence)))
        return lg_err_set(reterr, LG_EREFUSED, "split: the licence of '%.*s' is not permissive",
                LG_STR_FMT(file));
    if (!lg_str_eq(fold, LG_STR("extra")) &&
            (lg_parse_u64(fold, &number) < 0 || number >= LG_FOLDS_MAX))
        return lg_err_set(reterr, LG_EINVAL, "split: fold '%.*s' is neither 0..%u nor 'extra'",
                LG_STR_FMT(fold), LG_FOLDS_MAX - 1);
    if (label.n == 0)
        label = lg_tsv_get(manifest, row, mc->label);
    c.fold = (uint8_t)number;
    c.label = lg_str_eq(label, LG_STR("attack")) ? LG_LABEL_ATTACK
            : lg_str_eq(label, LG_STR("benign")) ? LG_LABEL_BENIGN
                                                 : LG_LABEL_UNKNOWN;
    c.header_offset_ns = parse_hours(lg_tsv_get(manifest, row, mc->hours));
    c.file = dup_str(file);
    c.group = dup_str(group);
    c.format = dup_str(lg_tsv_get(manifest, row, mc->format));
    c.licence = dup_str(lg_tsv_get(manifest, row, mc->licence));
    c.techniques = dup_str(lg_tsv_get(manifest, row, mc->techniques));
    if (c.file == NULL || c.group == NULL || c.format == NULL || c.licence == NULL ||
            c.techniques == NULL || lg_vec_push(&ds->captures, c) < 0) {
        capture_done(&c);
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    if (number != LG_FOLD_EXTRA && number + 1 > ds->folds)
        ds->folds = (uint32_t)number + 1;
    return 0;
}

/* A group on two sides of a split would let the test see the training, and so would a file. */
static int check_groups(const struct lg_dataset *ds, struct lg_err *reterr)
{
    for (size_t i = 0; i < ds->captures.n; i++)
        for (size_t k = 0; k < i; k++) {
            if (strcmp(ds->captures.v[i].file, ds->captures.v[k].file) == 0)
                return lg_err_set(reterr, LG_EINVAL, "split: '%s' stands there twice",
                        ds->captures.v[i].file);
            if (strcmp(ds->captures.v[i].group, ds->captures.v[k].group) == 0 &&
                    ds->captures.v[i].fold != ds->captures.v[k].fold)
                return lg_err_set(reterr, LG_EINVAL, "split: group '%s' stands in two folds",
                        ds->captures.v[i].group);
        }
    return 0;
}

static int read_split(struct lg_dataset *ds, const struct lg_dataset_options *opt,
        const struct lg_tsv *manifest, struct lg_err *reterr)
{
    struct manifest_columns mc;
    struct lg_tsv *split = NULL;
    int file, group, fold, label = -1;
    int rc = manifest_columns(manifest, &mc, reterr);

    if (rc == 0)
        rc = lg_tsv_read(opt->split_file, &split, reterr);
    if (rc == 0)
        rc = lg_tsv_need(split, "file", &file, reterr);
    if (rc == 0)
        rc = lg_tsv_need(split, "group", &group, reterr);
    if (rc == 0)
        rc = lg_tsv_need(split, "fold", &fold, reterr);
    if (rc == 0)
        label = lg_tsv_column(split, "label"); /* of a whole file, over the manifest's */
    for (size_t i = 0; rc == 0 && i < lg_tsv_rows(split); i++)
        rc = add_capture(ds, opt, manifest, &mc, lg_tsv_get(split, i, file),
                lg_tsv_get(split, i, group), lg_tsv_get(split, i, fold),
                lg_tsv_get(split, i, label), reterr);
    if (rc == 0)
        rc = check_groups(ds, reterr);
    if (rc == 0 && lg_sha256_file(opt->split_file, ds->split_sha256) < 0)
        rc = lg_err_set(reterr, LG_EIO, "%s: cannot be read", opt->split_file);
    lg_tsv_free(split);
    return rc;
}

static int read_roles(struct lg_dataset *ds, const struct lg_tsv *t, struct lg_err *reterr)
{
    int file, host, role, first, last, rc;

    if ((rc = lg_tsv_need(t, "file", &file, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "host", &host, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "role", &role, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "first_seed", &first, reterr)) < 0 ||
            (rc = lg_tsv_need(t, "last_seed", &last, reterr)) < 0)
        return rc;
    for (size_t i = 0; i < lg_tsv_rows(t); i++) {
        struct lg_host_info h;
        struct lg_str r = lg_tsv_get(t, i, role);
        uint32_t c = 0;

        while (c < ds->captures.n &&
                !lg_str_eq(lg_str_z(ds->captures.v[c].file), lg_tsv_get(t, i, file)))
            c++;
        if (c == ds->captures.n)
            continue;
        memset(&h, 0, sizeof(h));
        h.capture = c;
        h.background = lg_str_eq(r, LG_STR("background"));
        h.touched = lg_str_eq(r, LG_STR("touched")) &&
                lg_parse_time_iso(lg_tsv_get(t, i, first), &h.first_seed_ns) == 0 &&
                lg_parse_time_iso(lg_tsv_get(t, i, last), &h.last_seed_ns) == 0;
        h.name = dup_str(lg_tsv_get(t, i, host));
        if (h.name == NULL || lg_vec_push(&ds->hosts, h) < 0) {
            lg_free(h.name);
            return lg_err_set(reterr, LG_ENOMEM, "out of memory");
        }
    }
    return 0;
}

/* --- windows into rows ------------------------------------------------------------------------ */

struct worker {
    struct lg_dataset *ds;
    const struct lg_dataset_options *opt;
    struct lg_features *features;
    struct lg_patterns *patterns;
    float *counts;
    uint32_t capture;           /* being read */
    LG_VEC(struct lg_row) rows; /* of this worker */
    uint32_t *next;             /* shared: next capture to read */
    pthread_mutex_t *lock;
    int rc;
    struct lg_err err;
    pthread_t thread;
};

static uint32_t host_of(const struct lg_dataset *ds, uint32_t capture, struct lg_str endpoint)
{
    for (uint32_t i = 0; i < ds->hosts.n; i++) {
        const struct lg_host_info *h = &ds->hosts.v[i];

        /* "-" stands for records without a host */
        if (h->capture == capture &&
                (lg_str_ieq(lg_str_z(h->name), endpoint) || strcmp(h->name, "-") == 0))
            return i;
    }
    return UINT32_MAX;
}

static enum lg_label label_of(
        const struct lg_dataset *ds, const struct lg_row *row, const struct lg_graph *g)
{
    const struct lg_host_info *h = row->host != UINT32_MAX ? &ds->hosts.v[row->host] : NULL;

    if (h == NULL)
        return ds->captures.v[row->capture].label;
    if (h->touched)
        return g->start_ns <= h->last_seed_ns && g->end_ns > h->first_seed_ns ? LG_LABEL_ATTACK
                                                                              : LG_LABEL_UNKNOWN;
    if (h->background && !lg_label_doubtful(g))
        return LG_LABEL_BENIGN;
    return LG_LABEL_UNKNOWN;
}

static uint32_t learned_events(const struct lg_graph *g, const struct lg_view *view)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < g->n_edges; i++)
        if ((g->edges[i].sources & view->sources) != 0)
            n += g->edges[i].count;
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Copies arrays into one block; `at` walks through it. */
static const void *put(char **at, const void *from, size_t bytes)
{
    void *to = *at;

    if (bytes > 0)
        memcpy(to, from, bytes);
    *at += (bytes + 15) & ~(size_t)15;
    return to;
}

static int copy_row(struct lg_row *row, const struct lg_node_features *nf, const uint32_t *tok,
        uint32_t n_tok, const float *counts)
{
    uint32_t nn = nf->n_nodes, ne = nf->n_edges, nt = nn > 0 ? nf->tok_off[nn] : 0;
    size_t size = 16 * 12 + nn + (size_t)nn * LG_NODE_NUM * 4 + (nn + 1) * 4ul + nt * 4ul +
            ne * (4ul * 4 + 1) + n_tok * 4ul + lg_features_count_n() * 4ul;
    char *at = lg_malloc(size);
    uint32_t zero = 0;

    if (at == NULL)
        return LG_ENOMEM;
    row->block = at;
    row->gnn = (struct lg_gnn_graph){.n_nodes = nn, .n_edges = ne};
    row->gnn.node_type = put(&at, nf->node_type, nn);
    row->gnn.node_num = put(&at, nf->node_num, (size_t)nn * LG_NODE_NUM * 4);
    row->gnn.tok_off = put(&at, nn > 0 ? nf->tok_off : &zero, (nn + 1) * 4ul);
    row->gnn.tok = put(&at, nf->tok, nt * 4ul);
    row->gnn.src = put(&at, nf->src, ne * 4ul);
    row->gnn.dst = put(&at, nf->dst, ne * 4ul);
    row->gnn.edge_type = put(&at, nf->edge_type, ne);
    row->gnn.edge_attr = put(&at, nf->edge_attr, ne * 4ul);
    row->gnn.edge_num = put(&at, nf->edge_num, ne * 4ul);
    row->tok = put(&at, tok, n_tok * 4ul);
    row->n_tok = n_tok;
    row->counts = put(&at, counts, lg_features_count_n() * 4ul);
    return 0;
}

static int on_window(void *user, const struct lg_graph *g)
{
    struct worker *w = user;
    const struct lg_view *view = &w->opt->view;
    const struct lg_pattern_hit *hits;
    struct lg_node_features nf;
    struct lg_row row;
    const uint32_t *tok;
    uint32_t n_hits, n_tok;
    int rc;

    memset(&row, 0, sizeof(row));
    row.capture = w->capture;
    row.fold = w->ds->captures.v[w->capture].fold;
    row.host = host_of(w->ds, w->capture, g->endpoint_id);
    row.start_ns = g->start_ns;
    row.end_ns = g->end_ns;
    row.events = g->events > UINT32_MAX ? UINT32_MAX : (uint32_t)g->events;
    row.learned_events = learned_events(g, view);
    row.sources = g->sources;
    row.label = (uint8_t)label_of(w->ds, &row, g);
    if (row.learned_events < w->opt->min_events)
        return 0;
    if ((rc = lg_patterns_match(w->patterns, g, NULL, &hits, &n_hits)) < 0 ||
            (rc = lg_features_graph_tokens(w->features, g, view, NULL, &tok, &n_tok)) < 0 ||
            (rc = lg_features_counts(w->features, g, view, NULL, w->counts)) < 0 ||
            (rc = lg_features_nodes(w->features, g, view, &nf)) < 0)
        return rc;
    row.floor = lg_patterns_floor(hits, n_hits);
    if ((rc = copy_row(&row, &nf, tok, n_tok, w->counts)) < 0)
        return rc;
    if (lg_vec_push(&w->rows, row) < 0) {
        lg_free(row.block);
        return LG_ENOMEM;
    }
    return 0;
}

static int read_capture(struct worker *w)
{
    struct lg_capture_info *c = &w->ds->captures.v[w->capture];
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct lg_err why = {0, ""};
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s/%s", w->opt->data_dir, c->file), rc;

    if (n < 0 || (size_t)n >= sizeof(path))
        return lg_err_set(&w->err, LG_ELIMIT, "path is too long");
    if (lg_sha256_file(path, c->sha256) < 0)
        return lg_err_set(&w->err, LG_EIO, "%s: cannot be read", path);
    lg_reader_options_default(&opt);
    opt.header_offset_ns = c->header_offset_ns;
    rc = lg_reader_run(path, &opt, on_window, w, &stats, &why);
    if (rc < 0)
        return lg_err_set(&w->err, rc, "%s: %s", path, why.text);
    c->events = stats.events;
    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        c->dead_letters += stats.dead[i];
    return 0;
}

static void *work(void *arg)
{
    struct worker *w = arg;

    for (;;) {
        (void)pthread_mutex_lock(w->lock);
        w->capture = (*w->next)++;
        (void)pthread_mutex_unlock(w->lock);
        if (w->capture >= w->ds->captures.n)
            return NULL;
        if (w->opt->progress)
            (void)fprintf(stderr, "\r\033[Kreading %u/%zu %s", w->capture + 1, w->ds->captures.n,
                    w->ds->captures.v[w->capture].file);
        w->rc = read_capture(w);
        if (w->rc < 0)
            return NULL;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct lg_row *x = a, *y = b;

    if (x->capture != y->capture)
        return x->capture < y->capture ? -1 : 1;
    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static int worker_init(struct worker *w)
{
    int rc = lg_features_new(&w->features);

    if (rc == 0)
        rc = lg_patterns_new(&w->patterns);
    if (rc == 0 && (w->counts = lg_calloc(lg_features_count_n(), sizeof(float))) == NULL)
        rc = LG_ENOMEM;
    return rc;
}

/* Hands the rows over (they are freed with the data set) and ends the worker. */
static int worker_done(struct worker *w, struct lg_dataset *ds)
{
    int rc = w->rc;

    for (size_t i = 0; i < w->rows.n; i++)
        if (lg_vec_push(&ds->rows, w->rows.v[i]) < 0) {
            lg_free(w->rows.v[i].block);
            rc = LG_ENOMEM;
        }
    lg_vec_done(&w->rows);
    lg_features_free(w->features);
    lg_patterns_free(w->patterns);
    lg_free(w->counts);
    return rc;
}

/* Ends every worker, takes its rows and the first failure. */
static int workers_done(struct worker *w, uint32_t n, struct lg_dataset *ds, struct lg_err *reterr)
{
    int rc = 0;

    for (uint32_t i = 0; i < n; i++) {
        int one = worker_done(&w[i], ds);

        if (one < 0 && rc == 0) {
            rc = one;
            if (w[i].err.code != 0 && reterr != NULL)
                *reterr = w[i].err;
        }
    }
    return rc;
}

static int read_all(
        struct lg_dataset *ds, const struct lg_dataset_options *opt, struct lg_err *reterr)
{
    uint32_t n = opt->threads > 0 ? opt->threads : 1, started = 0, next = 0;
    struct worker *w = lg_calloc(n, sizeof(*w));
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int rc = 0, ended;

    if (w == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        w[i].ds = ds;
        w[i].opt = opt;
        w[i].next = &next;
        w[i].lock = &lock;
        rc = worker_init(&w[i]);
    }
    for (; started < n && rc == 0; started++)
        if (pthread_create(&w[started].thread, NULL, work, &w[started]) != 0)
            break;
    if (rc == 0 && started == 0)
        rc = LG_EIO;
    for (uint32_t i = 0; i < started; i++)
        (void)pthread_join(w[i].thread, NULL);
    if (opt->progress)
        (void)fprintf(stderr, "\r\033[K");
    ended = workers_done(w, n, ds, reterr);
    rc = rc < 0 ? rc : ended;
    lg_free(w);
    if (rc < 0 && (reterr == NULL || reterr->code == 0))
        return lg_err_set(reterr, rc, "reading the captures failed: %s", lg_err_name(rc));
    if (rc == 0 && ds->rows.n > 0)
        qsort(ds->rows.v, ds->rows.n, sizeof(*ds->rows.v), by_place);
    return rc;
}

int lg_dataset_build(
        const struct lg_dataset_options *opt, struct lg_dataset **ret, struct lg_err *reterr)
{
    struct lg_dataset *ds = lg_calloc(1, sizeof(*ds));
    struct lg_tsv *manifest = NULL, *roles = NULL;
    struct lg_err none = {0, ""};
    char path[PATH_BYTES];
    int rc = 0;

    if (ds == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    if (reterr != NULL)
        *reterr = none;
    (void)snprintf(path, sizeof(path), "%s/MANIFEST.tsv", opt->data_dir);
    rc = lg_tsv_read(path, &manifest, reterr);
    if (rc == 0)
        rc = read_split(ds, opt, manifest, reterr);
    if (rc == 0 && opt->platform == LG_PLATFORM_WINDOWS) {
        (void)snprintf(path, sizeof(path), "%s/windows_host_roles.tsv", opt->data_dir);
        rc = lg_tsv_read(path, &roles, reterr);
        if (rc == 0)
            rc = read_roles(ds, roles, reterr);
    }
    if (rc == 0 && ds->captures.n == 0)
        rc = lg_err_set(reterr, LG_EINVAL, "split: no captures of platform %s",
                lg_platform_name(opt->platform));
    if (rc == 0)
        rc = read_all(ds, opt, reterr);
    lg_tsv_free(manifest);
    lg_tsv_free(roles);
    if (rc < 0) {
        lg_dataset_free(ds);
        return rc;
    }
    *ret = ds;
    return 0;
}

void lg_dataset_free(struct lg_dataset *ds)
{
    if (ds == NULL)
        return;
    for (size_t i = 0; i < ds->captures.n; i++)
        capture_done(&ds->captures.v[i]);
    for (size_t i = 0; i < ds->hosts.n; i++)
        lg_free(ds->hosts.v[i].name);
    for (size_t i = 0; i < ds->rows.n; i++)
        lg_free(ds->rows.v[i].block);
    lg_vec_done(&ds->captures);
    lg_vec_done(&ds->hosts);
    lg_vec_done(&ds->rows);
    lg_free(ds);
}

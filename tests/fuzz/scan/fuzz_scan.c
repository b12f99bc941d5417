/*
 * Any bytes as a recording, to the end: capture, normalizer, windows, a jury of small random
 * models, the verdict as JSON. Every verdict must be sane and valid JSON. One jury lives through all
 * inputs; the first byte may ask for a second reading by a fresh one (1), or by the same one after
 * a reading that ran out of memory (from 2 on): they must say the same.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "detect/jury.h"
#include "scan/reader.h"
#include "json/json.h"

#define MAX_BYTES 32768
#define MAX_WINDOWS 40 /* of one input: times may lie years apart */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_model *models[2];

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Weights that say something else for every token and count, without a generator. */
static float noise(uint64_t i)
{
    return (float)(lg_hash_mix(i, 77) % 2001) / 1000 - 1;
}

static void make_model(enum lg_platform platform)
{
    static const int32_t root = 0, feature[] = {0, -1, -1}, left[] = {1, 0, 0}, right[] = {2, 0, 0};
    static const float value[] = {2.5f, -0.5f, 0.5f};
    struct lg_model *m = lg_calloc(1, sizeof(*m));
    struct lg_gnn_config cfg;
    struct lg_err err = {0, ""};

    check(m != NULL);
    lg_gnn_config_default(&cfg);
    cfg.feature_version = LG_FEATURE_VERSION;
    cfg.vocab = LG_TOKEN_VOCAB;
    cfg.node_types = LG_NODE_TYPE_COUNT;
    cfg.num_dim = LG_NODE_NUM;
    cfg.edge_types = LG_EDGE_TYPE_COUNT;
    cfg.attr_bits = LG_EDGE_ATTR_COUNT;
    cfg.dim = 16;
    cfg.heads = cfg.layers = 1;
    check(lg_gnn_model_new(&cfg, 1, &m->gat[0], &err) == 0);
    m->n_gats = 1;
    m->platform = platform;
    m->view = lg_view_default;
    m->tokens.vocab = LG_GRAPH_TOKEN_VOCAB;
    m->tokens.weight = lg_calloc(LG_GRAPH_TOKEN_VOCAB, sizeof(float));
    check(m->tokens.weight != NULL);
    for (uint32_t i = 0; i < LG_GRAPH_TOKEN_VOCAB; i++)
        m->tokens.weight[i] = noise(i);
    m->trees = (struct lg_forest){.n_features = lg_features_count_n(),
            .n_nodes = 3,
            .n_trees = 1,
            .root = lg_memdup(&root, sizeof(root)),
            .feature = lg_memdup(feature, sizeof(feature)),
            .value = lg_memdup(value, sizeof(value)),
            .left = lg_memdup(left, sizeof(left)),
            .right = lg_memdup(right, sizeof(right))};
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        m->scale[i] = (struct lg_member_scale){1.0 / LG_MEMBER_COUNT, 0, 1};
    m->calibration_a = 1;
    m->threshold = 0.5;
    models[platform] = m;
}

struct reading {
    struct lg_jury *jury[2];
    struct lg_json *json;
    uint64_t hash;
    uint32_t windows;
};

static void check_verdict(const struct lg_verdict *v, const struct lg_graph *g)
{
    double shares = 0;

    check(v->scores.prob >= 0 && v->scores.prob <= 1 && v->scores.prob >= v->scores.pattern_floor);
    check((v->prediction == LG_PREDICT_ERROR) == (g->n_nodes < 3));
    check(v->n_evidence <= LG_MAX_EVIDENCE);
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        check(v->evidence[i].node < g->n_nodes && v->evidence[i].share > 0);
        check(v->evidence[i].via == UINT32_MAX || v->evidence[i].via < v->n_evidence);
        shares += v->evidence[i].share;
    }
    check(v->n_evidence == 0 || fabs(shares - 1) < 1e-9);
}

static int on_window(void *user, const struct lg_graph *g)
{
    struct reading *r = user;
    struct lg_verdict v;
    struct lg_buf out;
    struct lg_jval root;
    int rc = lg_jury_judge(r->jury[g->platform], g, &v);

    if (rc < 0)
        return rc;
    check_verdict(&v, g);
    v.time_ms = 0;
    lg_buf_init(&out, 64u << 20);
    lg_verdict_write(&v, g, models[g->platform], &out);
    rc = out.failed;
    if (rc == 0) {
        rc = lg_json_parse(r->json, lg_buf_str(&out), false, &root, NULL);
        check(rc != LG_EPARSE);
        r->hash = lg_hash_mix(r->hash, lg_hash_str(lg_buf_str(&out), 1));
    }
    lg_buf_done(&out);
    if (rc < 0)
        return rc;
    return ++r->windows == MAX_WINDOWS ? LG_EINTR : 0;
}

static int open_reading(struct reading *r)
{
    const struct lg_jury_options opt = {-1, true, true};
    int rc = 0;

    memset(r, 0, sizeof(*r));
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = lg_jury_new(models[i], &opt, &r->jury[i]);
    return rc < 0 ? rc : lg_json_new(&r->json);
}

static int read_all(const char *path, struct reading *r)
{
    struct lg_reader_options how;
    struct lg_reader_stats stats;
    struct lg_err err = {0, ""};

    r->hash = r->windows = 0;
    lg_reader_options_default(&how);
    how.endpoint = LG_STR("host");
    return lg_reader_run(path, &how, on_window, r, &stats, &err);
}

static void same(const struct reading *a, int a_rc, const struct reading *b, int b_rc)
{
    check(a_rc == b_rc && a->hash == b->hash && a->windows == b->windows);
}

/* By a jury that saw nothing before. */
static void read_afresh(const char *path, const struct reading *first, int first_rc)
{
    struct reading again;
    int rc;

    check(open_reading(&again) == 0);
    rc = read_all(path, &again);
    same(first, first_rc, &again, rc);
    lg_jury_free(again.jury[0]);
    lg_jury_free(again.jury[1]);
    lg_json_free(again.json);
}

/* Out of memory half-way; then the jury must be as good as before. */
static void read_without_memory(const char *path, uint64_t fail_from, struct reading *r, int rc)
{
    const struct reading first = *r;
    int again;

    (void)lg_mem_fail_from(fail_from);
    (void)read_all(path, r);
    (void)lg_mem_fail_from(0);
    again = read_all(path, r);
    same(&first, rc, r, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading one;
    char path[64];
    int fd, rc;

    if (size < 1 || size > MAX_BYTES)
        return 0;
    if (models[0] == NULL) {
        make_model(LG_PLATFORM_WINDOWS);
        make_model(LG_PLATFORM_LINUX);
        check(open_reading(&one) == 0);
    }
    fd = memfd_create("recording", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rc = read_all(path, &one);
    if (data[0] == 1)
        read_afresh(path, &one, rc);
    else if (data[0] > 1)
        read_without_memory(path, data[0] * 4u, &one, rc);
    (void)close(fd);
    return 0;
}

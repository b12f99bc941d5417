#ifndef LG_TESTS_MODEL_BUILDER_H
#define LG_TESTS_MODEL_BUILDER_H

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lg_test.h"

#include "detect/model.h"
#include "gnn/rng.h"

#define MB_TRAINING "{\"folds\":3,\"metrics\":{\"auc\":0.875},\"files\":[1,\"a\\n\"]}"

/* Small models with random weights: one layer of 16, two trees. As good as any for everything but
 * the verdicts themselves. */

static inline void mb_gat(uint64_t seed, struct lg_gnn_model **ret)
{
    struct lg_gnn_config cfg;
    struct lg_err err = {0, ""};

    lg_gnn_config_default(&cfg);
    cfg.feature_version = LG_FEATURE_VERSION;
    cfg.vocab = LG_TOKEN_VOCAB;
    cfg.node_types = LG_NODE_TYPE_COUNT;
    cfg.num_dim = LG_NODE_NUM;
    cfg.edge_types = LG_EDGE_TYPE_COUNT;
    cfg.attr_bits = LG_EDGE_ATTR_COUNT;
    cfg.dim = 16;
    cfg.heads = 1;
    cfg.layers = 1;
    assert_int_equal(lg_gnn_model_new(&cfg, seed, ret, &err), 0);
}

static inline void mb_tokens(struct lg_token_regression *r, uint64_t seed)
{
    struct lg_rng g;

    lg_rng_init(&g, seed, 1);
    r->vocab = LG_GRAPH_TOKEN_VOCAB;
    r->bias = -0.25f;
    r->weight = (float *)lg_calloc(r->vocab, sizeof(float));
    assert_non_null(r->weight);
    for (uint32_t i = 0; i < r->vocab; i++)
        r->weight[i] = lg_rng_float(&g) - 0.5f;
}

/* A stump on the first count and one of depth 2 on the next two. */
static inline void mb_trees(struct lg_forest *f)
{
    static const int32_t root[] = {0, 3}, feature[] = {0, -1, -1, 1, -1, 2, -1, -1},
                         left[] = {1, 0, 0, 4, 0, 6, 0, 0}, right[] = {2, 0, 0, 5, 0, 7, 0, 0};
    static const float value[] = {2.5f, -0.5f, 0.5f, 1.5f, -0.25f, 3.5f, 0.125f, 1.0f};

    *f = (struct lg_forest){.n_features = lg_features_count_n(),
            .n_nodes = 8,
            .n_trees = 2,
            .root = (int32_t *)lg_memdup(root, sizeof(root)),
            .feature = (int32_t *)lg_memdup(feature, sizeof(feature)),
            .value = (float *)lg_memdup(value, sizeof(value)),
            .left = (int32_t *)lg_memdup(left, sizeof(left)),
            .right = (int32_t *)lg_memdup(right, sizeof(right)),
            .base = 0.5f};
}

static inline struct lg_model *mb_new(enum lg_platform platform, uint32_t gats)
{
    struct lg_model *m = (struct lg_model *)lg_calloc(1, sizeof(*m));

    assert_non_null(m);
    (void)snprintf(m->name, sizeof(m->name), "small");
    (void)snprintf(m->version, sizeof(m->version), "1.2");
    memset(m->sha256, '0', LG_SHA256_HEX);
    m->platform = platform;
    m->view = lg_view_default;
    for (uint32_t i = 0; i < gats; i++)
        mb_gat(100 + i, &m->gat[m->n_gats++]);
    mb_tokens(&m->tokens, 7);
    mb_trees(&m->trees);
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        m->scale[i] = (struct lg_member_scale){i == 0 ? 0.5 : 0.25, 0.1 * i, 1.5 + i};
    m->calibration_a = 2.5;
    m->calibration_b = -0.5;
    m->threshold = 0.75;
    m->training_json = lg_strndup(MB_TRAINING, sizeof(MB_TRAINING) - 1);
    return m;
}

/* A folder of its own under the build directory. */
static inline void mb_dir(char out[512])
{
    (void)snprintf(out, 512, "%s/test-model-XXXXXX", LG_BINARY_DIR);
    assert_non_null(mkdtemp(out));
}

static inline void mb_dir_remove(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[1024];

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

static inline const char *mb_path(const char *dir, const char *name)
{
    static char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* `text` with the first `from` replaced; free() it. NULL where `from` is not there. */
static inline char *mb_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    size_t head, n;
    char *out;

    if (at == NULL)
        return NULL;
    head = (size_t)(at - text);
    n = strlen(text) - strlen(from) + strlen(to);
    out = (char *)malloc(n + 1);
    assert_non_null(out);
    memcpy(out, text, head);
    memcpy(out + head, to, strlen(to));
    memcpy(out + head + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    return out;
}

/* A good model in a folder of its own. */
static inline void mb_saved(char dir[512], enum lg_platform platform, uint32_t n_gats)
{
    struct lg_model *m = mb_new(platform, n_gats);
    struct lg_err err = {0, ""};

    mb_dir(dir);
    if (lg_model_save(m, dir, &err) != 0)
        fail_msg("%s", err.text);
    lg_model_free(m);
}

static inline struct lg_model *mb_loaded(const char *dir)
{
    struct lg_model *m = NULL;
    struct lg_err err = {0, ""};

    if (lg_model_load(dir, &m, &err) != 0)
        fail_msg("%s", err.text);
    return m;
}

#endif

#ifndef LG_TEST_GNN_GOLDEN_H
#define LG_TEST_GNN_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gnn/gnn_int.h"
#include "tensor/tensor.h"

/* The golden files of tests/data/gnn, written by tests/oracle/make_golden.py. */
#define GOLDEN LG_SOURCE_DIR "/tests/data/gnn/"

/* tests/oracle/check_gnn.py runs the tests on files of other seeds too. */
static inline const char *golden_dir(void)
{
    const char *dir = getenv("LG_GOLDEN_DIR");

    return dir != NULL ? dir : GOLDEN;
}

struct golden {
    struct lg_tensors set;
    struct lg_gnn_model *model;
    struct lg_gnn_scratch *scratch;
};

static inline void golden_open(struct golden *gd, const char *name)
{
    char path[300];
    struct lg_err err = {0};

    lg_tensors_init(&gd->set);
    snprintf(path, sizeof(path), "%s/%s.golden.safetensors", golden_dir(), name);
    if (lg_tensors_load(path, &gd->set, &err) < 0)
        fail_msg("%s", err.text);
    snprintf(path, sizeof(path), "%s/%s.pt", golden_dir(), name);
    if (lg_gnn_model_load(path, NULL, &gd->model, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(lg_gnn_scratch_new(&gd->scratch), 0);
}

static inline void golden_close(struct golden *gd)
{
    lg_tensors_done(&gd->set);
    lg_gnn_model_free(gd->model);
    lg_gnn_scratch_free(gd->scratch);
}

static inline const struct lg_tensor *golden_find(const struct golden *gd, int i, const char *field)
{
    char name[100];

    if (i >= 0)
        snprintf(name, sizeof(name), "graph%d.%s", i, field);
    else
        snprintf(name, sizeof(name), "%s", field);
    return lg_tensors_find(&gd->set, lg_str_z(name));
}

static inline const float *golden_floats(const struct golden *gd, int i, const char *field)
{
    const struct lg_tensor *t = golden_find(gd, i, field);

    if (t == NULL || t->dtype != LG_F32)
        fail_msg("golden file lacks %d %s", i, field);
    return t->data;
}

struct golden_graph {
    struct lg_gnn_graph g;
    void *owned[7];
};

static inline uint32_t *golden_u32(const struct golden *gd, int i, const char *field, void **owner)
{
    const struct lg_tensor *t = golden_find(gd, i, field);
    const int64_t *from = t->data;
    uint32_t *to = lg_malloc((t->n + 1) * sizeof(*to));

    assert_int_equal(t->dtype, LG_I64);
    assert_non_null(to);
    for (uint64_t k = 0; k < t->n; k++)
        to[k] = (uint32_t)from[k];
    *owner = to;
    return to;
}

static inline uint8_t *golden_u8(const struct golden *gd, int i, const char *field, void **owner)
{
    const struct lg_tensor *t = golden_find(gd, i, field);
    const int64_t *from = t->data;
    uint8_t *to = lg_malloc(t->n + 1);

    assert_non_null(to);
    for (uint64_t k = 0; k < t->n; k++)
        to[k] = (uint8_t)from[k];
    *owner = to;
    return to;
}

/* False past the last graph of the file. */
static inline bool golden_graph(const struct golden *gd, int i, struct golden_graph *gg)
{
    if (golden_find(gd, i, "logits") == NULL)
        return false;
    memset(gg, 0, sizeof(*gg));
    gg->g = (struct lg_gnn_graph){
            .n_nodes = (uint32_t) * (const int64_t *)golden_find(gd, i, "n_nodes")->data,
            .n_edges = (uint32_t) * (const int64_t *)golden_find(gd, i, "n_edges")->data,
            .node_type = golden_u8(gd, i, "node_type", &gg->owned[0]),
            .node_num = golden_floats(gd, i, "node_num"),
            .tok_off = golden_u32(gd, i, "tok_off", &gg->owned[1]),
            .tok = golden_u32(gd, i, "tok", &gg->owned[2]),
            .src = golden_u32(gd, i, "src", &gg->owned[3]),
            .dst = golden_u32(gd, i, "dst", &gg->owned[4]),
            .edge_type = golden_u8(gd, i, "edge_type", &gg->owned[5]),
            .edge_attr = golden_u32(gd, i, "edge_attr", &gg->owned[6]),
            .edge_num = golden_floats(gd, i, "edge_num"),
    };
    return true;
}

static inline void golden_graph_free(struct golden_graph *gg)
{
    for (int i = 0; i < 7; i++)
        lg_free(gg->owned[i]);
}

#endif

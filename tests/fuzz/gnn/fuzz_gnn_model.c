/* A network out of a hostile set of tensors, and a hostile graph through it: the first 64 bytes
 * make the graph, the rest is a .safetensors file. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gnn/gnn.h"
#include "tensor/tensor_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void run(const struct lg_gnn_model *model, const uint8_t *b)
{
    const struct lg_gnn_config *cfg = lg_gnn_model_config(model);
    uint8_t type[4], edge_type[6];
    uint32_t src[6], dst[6], attr[6], tok_off[5] = {0}, tok[8];
    float *num = calloc(4 * LG_GNN_MAX_NUM_DIM, sizeof(float)), edge_num[6], logits[2], score[4];
    const struct lg_gnn_graph g = {.n_nodes = b[0] % 5u,
            .n_edges = b[1] % 7u,
            .node_type = type,
            .node_num = num,
            .tok_off = tok_off,
            .tok = tok,
            .src = src,
            .dst = dst,
            .edge_type = edge_type,
            .edge_attr = attr,
            .edge_num = edge_num};
    struct lg_gnn_scratch *s;
    const uint32_t drop = b[2] % 4u;
    int rc;

    check(num != NULL && lg_gnn_scratch_new(&s) == 0);
    memcpy(num, b + 8, 16);
    for (int i = 0; i < 4; i++) {
        type[i] = b[24 + i] % 8;
        tok_off[i + 1] = tok_off[i] + b[28 + i] % 3u;
    }
    for (uint32_t i = 0; i < 8; i++)
        tok[i] = b[32 + i] % 16u;
    for (int i = 0; i < 6; i++) {
        src[i] = b[40 + i] % 5;
        dst[i] = b[46 + i] % 5;
        edge_type[i] = b[52 + i] % 8;
        attr[i] = b[58 + i];
        edge_num[i] = (float)b[58 + i];
    }
    check(lg_gnn_scratch_reserve(s, cfg, 4, 6) == 0);
    rc = lg_gnn_forward(model, &g, s, logits);
    check(rc == 0 || rc == LG_EINVAL || rc == LG_ERANGE);
    if (rc == 0) {
        check(isfinite(logits[0]) && isfinite(logits[1]));
        rc = lg_gnn_input_gradient(model, &g, s, score);
        check(rc == 0 || rc == LG_ERANGE);
        rc = lg_gnn_ablate(model, &g, s, &drop, 1, logits);
        check(rc == 0 || rc == LG_EINVAL || rc == LG_ERANGE);
    }
    lg_gnn_scratch_free(s);
    free(num);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_gnn_model *model;
    struct lg_tensors set;
    struct lg_err err = {0};
    int rc;

    if (size < 64 || size > 65536)
        return 0;
    lg_tensors_init(&set);
    if (lg_safetensors_read(data + 64, size - 64, &set, NULL) == 0) {
        rc = lg_gnn_model_from_tensors(&set, NULL, &model, &err);
        check(rc == 0 || (err.code == rc && err.text[0] != '\0'));
        if (rc == 0) {
            run(model, data);
            lg_gnn_model_free(model);
        }
    }
    lg_tensors_done(&set);
    return 0;
}

/* The pickle machine alone: no checksum stands between the fuzzer and the opcodes. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "tensor/tensor_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every view that gets out lies inside its storage. */
static int check_view(void *arg, struct lg_str name, const struct lg_pt_view *view)
{
    uint64_t count = 1, last = view->offset;

    (void)arg;
    if (name.n > LG_TENSOR_MAX_NAME || view->ndim > LG_TENSOR_MAX_DIMS)
        abort();
    for (uint32_t i = 0; i < view->ndim; i++)
        count *= view->shape[i];
    if (count == 0)
        return 0;
    for (uint32_t i = 0; i < view->ndim; i++)
        last += (view->shape[i] - 1) * view->stride[i];
    if (last >= view->storage->n || count > view->storage->n)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_pt_storage *storages;
    struct lg_arena arena;
    struct lg_err err = {0};
    int rc;

    if (size > 65536)
        return 0;
    lg_arena_init(&arena, 16u << 20);
    rc = lg_pickle_read(data, size, &arena, check_view, NULL, &storages, &err);
    if (rc > 0 || (rc < 0 && (err.code != rc || err.text[0] == '\0')))
        abort();
    lg_arena_done(&arena);
    return 0;
}

/* .safetensors files: what is read holds exactly the data part, and our writer gives it back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/tensor_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_tensors set, again;
    struct lg_err err = {0};
    struct lg_buf b;
    int rc;

    if (size > 65536)
        return 0;
    lg_tensors_init(&set);
    rc = lg_safetensors_read(data, size, &set, &err);
    check(rc <= 0 && (rc == 0 || (set.n == 0 && err.code == rc && err.text[0] != '\0')));
    if (rc < 0)
        return 0;
    check(set.bytes < size);
    lg_tensors_init(&again);
    lg_buf_init(&b, 8u << 20);
    check(lg_safetensors_write(&set, &b, NULL) == 0);
    check(lg_safetensors_read(b.p, b.n, &again, &err) == 0 && again.n == set.n);
    check(again.bytes == set.bytes);
    for (size_t i = 0; i < set.n; i++)
        check(strcmp(set.v[i].name, again.v[i].name) == 0 &&
                memcmp(set.v[i].data, again.v[i].data,
                        set.v[i].n * lg_dtype_size(set.v[i].dtype)) == 0);
    lg_tensors_done(&set);
    lg_tensors_done(&again);
    lg_buf_done(&b);
    return 0;
}

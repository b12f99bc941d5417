/*
 * Any bytes as a block of records. Damage is refused; with a checksum that fits (the first byte
 * asks for one) what reads must be written and read again alike. The second byte lets an
 * allocation fail.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "bus/block.h"

#define MAX_BYTES 65536

static void check(const struct lg_block *b)
{
    struct lg_block_writer *w;
    struct lg_block_head head;
    struct lg_block *again;
    struct lg_str bytes;

    if (lg_block_writer_new(1, &w) < 0)
        return;
    lg_block_begin(w, b->head.topic, b->head.partition, b->head.base_offset);
    for (size_t i = 0; i < b->head.n; i++)
        if (lg_block_add(w, &b->records[i], b->records[i].bus_time) < 0)
            abort();
    if (lg_block_finish(w, &bytes, &head) < 0 || lg_block_read(bytes, &again) < 0 ||
            again->head.n != b->head.n)
        abort();
    for (size_t i = 0; i < b->head.n; i++) {
        const struct lg_bus_record *x = &b->records[i], *y = &again->records[i];

        if (!lg_str_eq(x->key, y->key) || !lg_str_eq(x->value, y->value) ||
                x->bus_time != y->bus_time || x->offset != y->offset ||
                (x->value.p == NULL) != (y->value.p == NULL) || x->n_headers != y->n_headers)
            abort();
        for (size_t k = 0; k < x->n_headers; k++)
            if (!lg_str_eq(x->headers[k].name, y->headers[k].name) ||
                    !lg_str_eq(x->headers[k].value, y->headers[k].value))
                abort();
    }
    lg_block_free(again);
    lg_block_writer_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_block *b;
    uint8_t *copy;

    if (size < 2 || size > MAX_BYTES)
        return 0;
    copy = lg_memdup(data + 2, size - 2);
    if (copy == NULL)
        return 0;
    if ((data[0] & 1) != 0)
        lg_block_seal(copy, size - 2);
    (void)lg_mem_fail_from(data[1]);
    if (lg_block_read(lg_str_of((const char *)copy, size - 2), &b) == 0) {
        (void)lg_mem_fail_from(0);
        check(b);
        lg_block_free(b);
    }
    (void)lg_mem_fail_from(0);
    lg_free(copy);
    return 0;
}

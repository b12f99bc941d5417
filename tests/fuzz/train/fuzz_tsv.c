/* Tables of the training data: any bytes as a file, every cell looked at. The first byte says
 * which allocation fails (0: none). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "train/tsv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_tsv *t = NULL;
    struct lg_err err = {0, ""};
    char path[64];
    int column, rc, fd;

    if (size < 1)
        return 0;
    fd = memfd_create("table", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)lg_mem_fail_from(data[0]);
    rc = lg_tsv_read(path, &t, &err);
    (void)lg_mem_fail_from(0);
    (void)close(fd);
    if (rc < 0) {
        check(t == NULL && err.text[0] != '\0');
        return 0;
    }
    column = lg_tsv_column(t, "file");
    check(column < 0 || lg_tsv_need(t, "file", &column, &err) == 0);
    check(lg_tsv_rows(t) <= size);
    for (size_t i = 0; i < lg_tsv_rows(t); i++)
        for (int c = -1; c < 8; c++) {
            struct lg_str cell = lg_tsv_get(t, i, c);

            check(cell.n < size);
            check(lg_str_chr(cell, '\t') < 0 && lg_str_chr(cell, '\n') < 0);
            check(c >= 0 || cell.n == 0);
        }
    lg_tsv_free(t);
    return 0;
}

/*
 * Prints one page of docs/ that is made from the tables in src/: gendocs PAGE. scripts/docs.py
 * knows which file each page belongs to.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/config.h"
#include "event/codec.h"
#include "metrics/metrics.h"

static const struct {
    const char *name;
    void (*write)(struct lg_buf *out);
} pages[] = {
        {"fields", lg_event_reference},
        {"event-schema", lg_event_schema},
        {"configuration", lg_config_reference},
        {"metrics", lg_metrics_reference},
};

int main(int argc, char **argv)
{
    struct lg_buf out;
    int rc = 2;

    lg_buf_init(&out, (size_t)16 << 20);
    for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(argv[1], pages[i].name) != 0)
            continue;
        pages[i].write(&out);
        rc = out.failed != 0 || fwrite(out.p, 1, out.n, stdout) != out.n ? 1 : 0;
    }
    if (rc == 2)
        fprintf(stderr, "gendocs: no such page\n");
    lg_buf_done(&out);
    return rc;
}

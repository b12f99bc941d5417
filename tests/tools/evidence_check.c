/*
 * The figure of docs/detection.md about evidence, over any recordings:
 *     evidence_check MODELS FILE...
 * MODELS holds the folders windows and linux. Prints the windows where the evidence is no better
 * than chance, then the sums (tests/unit/scan/evidence_tally.h).
 */
#include <stdlib.h>

#include "scan/evidence_tally.h"

int main(int argc, char **argv)
{
    static const char *const platforms[2] = {"windows", "linux"};
    const struct lg_jury_options opt = {-1, true, true};
    struct lg_err err = {0, ""};
    struct lg_model *m[2] = {NULL, NULL};
    struct et_tally t;
    int rc = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: evidence_check MODELS FILE...\n");
        return 2;
    }
    et_init(&t, 2026);
    t.talk = true;
    for (int i = 0; i < 2 && rc == 0; i++) {
        char dir[1024];

        (void)snprintf(dir, sizeof(dir), "%s/%s", argv[1], platforms[i]);
        rc = lg_model_load(dir, &m[i], &err);
        if (rc == 0)
            rc = lg_jury_new(m[i], &opt, &t.jury[i]);
    }
    for (int i = 2; i < argc && rc == 0; i++) {
        struct lg_reader_options how;
        struct lg_reader_stats stats;

        lg_reader_options_default(&how);
        t.file = argv[i];
        rc = lg_reader_run(argv[i], &how, et_on_window, &t, &stats, &err);
    }
    if (rc < 0)
        fprintf(stderr, "evidence_check: %s\n", err.text[0] != '\0' ? err.text : lg_err_name(rc));
    else
        et_report(&t);
    for (int i = 0; i < 2; i++) {
        lg_jury_free(t.jury[i]);
        lg_model_free(m[i]);
    }
    return rc < 0 ? 1 : 0;
}

#ifndef LG_SERVICES_POSTURE_H
#define LG_SERVICES_POSTURE_H

#include <stdbool.h>

/*
 * Checks that `logster doctor` and `GET /posture` share. `say` is called for each thing that was
 * looked at: whether it is as it should be, what it is, and a sentence for people. Thread: any.
 */
typedef void (*lg_posture_fn)(void *ctx, bool ok, const char *what, const char *text);

/* Whether others may read or write the data folder, its tokens, its alerts. */
void lg_posture_modes(const char *data_dir, lg_posture_fn say, void *ctx);

#endif

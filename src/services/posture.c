#include "services/posture.h"

#include <stdio.h>
#include <sys/stat.h>

#include "config/config.h"

void lg_posture_modes(const char *data_dir, lg_posture_fn say, void *ctx)
{
    static const char *const names[] = {"admin-token", "alerts.db", "."};
    bool all = true;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[LG_CONFIG_PATH_BYTES + 16];
        int n = snprintf(path, sizeof(path), "%s/%s", data_dir, names[i]);
        struct stat st;

        if (n < 0 || (size_t)n >= sizeof(path) || stat(path, &st) < 0 || (st.st_mode & 077) == 0)
            continue;
        say(ctx, false, path, "others may read or write it; chmod go-rwx");
        all = false;
    }
    if (all)
        say(ctx, true, "permissions", "the data folder is its owner's alone");
}

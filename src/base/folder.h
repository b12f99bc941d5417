#ifndef LG_BASE_FOLDER_H
#define LG_BASE_FOLDER_H

#include <sys/types.h>

#include "base/err.h"

/* What is in a folder (names, not contents) outlives a power loss. 0; LG_EIO with errno. */
int lg_folder_sync(const char *path) LG_MUST_CHECK;

/*
 * A folder that outlives a power loss: made if it is not there, and the one that it is in is
 * synced either way (who made it may have died before). A folder above that may not be opened is
 * left to the system. 0; LG_EIO with errno; LG_ELIMIT: the path is over 4 KiB.
 */
int lg_folder_make(const char *path, mode_t mode) LG_MUST_CHECK;

#endif

/*
 * main() for a fuzz harness without a fuzzing engine: every file named, and every file below every
 * directory named, goes through LLVMFuzzerTestOneInput once. What is missing or empty is a
 * failure, so that a lost corpus cannot pass for a good one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_INPUT_BYTES (64L << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static size_t replayed;

/* The heap block has exactly the input's size: ASan then sees a read of one byte past it. */
static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    long size = -1;
    int rc = -1;

    if (f != NULL && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0 || size > MAX_INPUT_BYTES || fseek(f, 0, SEEK_SET) != 0)
        goto out;
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size)
        goto out;
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    replayed++;
    rc = 0;
out:
    if (rc != 0)
        fprintf(stderr, "replay: cannot read %s: %s\n", path, strerror(errno));
    free(data);
    if (f != NULL)
        (void)fclose(f);
    return rc;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_path(const char *path)
{
    struct dirent **entries = NULL;
    struct stat st;
    char child[4096];
    int n, rc = 0;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);

    n = scandir(path, &entries, visible, alphasort);
    if (n <= 0) {
        fprintf(stderr, "replay: %s holds no input\n", path);
        rc = -1;
    }
    for (int i = 0; i < n; i++) {
        int len = snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);

        if (len < 0 || (size_t)len >= sizeof(child) || replay_path(child) != 0)
            rc = -1;
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int main(int argc, char **argv)
{
    int rc = EXIT_SUCCESS;

    if (LLVMFuzzerInitialize != NULL)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (int i = 1; i < argc; i++)
        if (replay_path(argv[i]) != 0)
            rc = EXIT_FAILURE;
    printf("replay: %zu inputs\n", replayed);
    return rc;
}

/* What we save loads in PyTorch: runs tests/oracle/load_saved.py with Debian's python3-torch. */
#include "golden.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define PT LG_BINARY_DIR "/test_torch_gnn.pt"
#define SAFE LG_BINARY_DIR "/test_torch_gnn.safetensors"

static int run(const char *const *argv)
{
    extern char **environ;
    char *args[8] = {0};
    pid_t pid;
    int status;

    for (int i = 0; i < 7 && argv[i] != NULL; i++)
        args[i] = lg_strndup(argv[i], strlen(argv[i]));
    if (posix_spawn(&pid, args[0], NULL, NULL, args, environ) != 0)
        return -1;
    for (int i = 0; i < 7; i++)
        lg_free(args[i]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_torch_loads(void **state)
{
    static const char *const probe[] = {"/usr/bin/python3", "-c", "import torch", NULL};
    static const char *const check[] = {"/usr/bin/python3", "-B",
            LG_SOURCE_DIR "/tests/oracle/load_saved.py", GOLDEN "odd.pt", PT, SAFE, NULL};
    struct golden gd;
    struct lg_err err = {0};

    (void)state;
    if (run(probe) != 0) {
        print_message("python3-torch is not installed: skipped\n");
        skip();
    }
    golden_open(&gd, "odd");
    if (lg_gnn_model_save(gd.model, PT, &err) < 0 || lg_gnn_model_save(gd.model, SAFE, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(run(check), 0);
    unlink(PT);
    unlink(SAFE);
    golden_close(&gd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_torch_loads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When a host that the roles call background was attacked after all. */
#include "detect/graph_builder.h"

#include "train/dataset.h"

static struct gb gb;

static bool doubtful(const char *a, const char *b)
{
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb_line(&gb, a);
    if (b != NULL)
        gb_line(&gb, b);
    return lg_label_doubtful(&gb.g);
}

static void test_quiet_things_are_not_doubted(void **state)
{
    (void)state;
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    assert_false(lg_label_doubtful(&gb.g));
    assert_false(doubtful(
            "C:\\Windows\\explorer.exe =spawn=> C:\\Windows\\notepad.exe @@ flags=created", NULL));
    assert_false(doubtful("System =pipe_connect=> \\lsass", NULL));
    assert_false(doubtful(
            "C:\\Windows\\svchost.exe =pipe_connect=> \\svcctl", NULL)); /* not from afar */
    assert_false(doubtful("System =pipe_create=> \\svcctl", NULL));
    /* a program in a user's folder that was there before, and files in one */
    assert_false(doubtful("C:\\Users\\bob\\a.exe @@ flags=user_path", NULL));
    assert_false(doubtful(
            "C:\\Windows\\a.exe =write=> file!C:\\Users\\bob\\b.exe @@ flags=user_path+created",
            NULL));
    assert_false(doubtful("C:\\Windows\\mstsc.exe", NULL)); /* not started in this window */
}

static void test_traces_of_an_attack_from_elsewhere(void **state)
{
    (void)state;
    assert_true(doubtful("C:\\Users\\bob\\a.exe @@ flags=created+user_path", NULL));
    assert_true(doubtful(
            "C:\\Windows\\explorer.exe =spawn=> C:\\Windows\\System32\\MSTSC.exe @@ flags=created",
            NULL));
    assert_true(doubtful("C:\\Windows\\a.exe =wmi_subscribe=> consumer", NULL));
    assert_true(doubtful("System =pipe_connect=> \\svcctl", NULL));
    assert_true(doubtful("system =pipe_connect=> \\ATSVC", NULL));
    assert_true(doubtful("System =pipe_connect=> \\PIPE\\ntsvcs", NULL));
    /* one among others */
    assert_true(doubtful("C:\\Windows\\a.exe =write=> C:\\x", "System =pipe_connect=> \\svcctl"));
    gb_done(&gb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_quiet_things_are_not_doubted),
            cmocka_unit_test(test_traces_of_an_attack_from_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

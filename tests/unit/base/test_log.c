/* One line an event, whatever it quotes, and only what the level lets through. */
#include <fcntl.h>
#include <unistd.h>

#include "lg_test.h"

#include "base/log.h"

static char text[8192];

/* What lg_log writes to standard error while `fn` runs. */
static void caught(void (*fn)(void))
{
    int pipes[2], saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    ssize_t n;

    assert_true(saved >= 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    fn();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)close(pipes[1]);
    n = read(pipes[0], text, sizeof(text) - 1); /* all of it fits the pipe */
    text[n > 0 ? n : 0] = '\0';
    (void)close(pipes[0]);
}

static unsigned lines(void)
{
    unsigned n = 0;

    for (const char *p = text; *p != '\0'; p++)
        n += *p == '\n';
    return n;
}

static void say_each_level(void)
{
    lg_log(LG_LOG_ERROR, "m", "one", "k=%d", 1);
    lg_log(LG_LOG_WARN, "m", "two", "k=%d", 2);
    lg_log(LG_LOG_INFO, "m", "three", "k=%d", 3);
    lg_log(LG_LOG_DEBUG, "m", "four", "k=%d", 4);
}

static void test_levels(void **state)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    enum lg_log_level level;

    (void)state;
    caught(say_each_level); /* info is what it starts with */
    assert_int_equal(lines(), 3);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(lg_log_level_parse(names[i], &level), 0);
        assert_int_equal(level, i);
        lg_log_set_level(level);
        caught(say_each_level);
        assert_int_equal(lines(), i + 1);
    }
    assert_int_equal(lg_log_level_parse("loud", &level), LG_EINVAL);
    lg_log_set_level(LG_LOG_INFO);
}

static void say_one(void)
{
    lg_log(LG_LOG_WARN, "normalize", "odd record", "file=%s line=%d", "a.log", 7);
}

static void test_the_shape_of_a_line(void **state)
{
    static const char tail[] =
            " level=warn module=normalize msg=\"odd record\" file=a.log line=7\n";

    (void)state;
    caught(say_one);
    assert_int_equal(strncmp(text, "ts=2", 4), 0);
    assert_true(strlen(text) > sizeof(tail));
    assert_string_equal(text + strlen(text) - strlen(tail), tail);
}

static void say_hostile(void)
{
    static char big[4000];

    memset(big, 'x', sizeof(big) - 1);
    lg_log(LG_LOG_ERROR, "m", "host", "host=%s", "a\nts=9 level=error msg=\"forged\"\r\t\x1b[2J");
    lg_log(LG_LOG_ERROR, "m", "long", "host=%s", big);
    lg_log(LG_LOG_ERROR, "m", big, "k=1"); /* no room for anything: not written */
}

static void test_outside_text_forges_no_line(void **state)
{
    (void)state;
    caught(say_hostile);
    assert_int_equal(lines(), 2);
    for (const char *p = text; *p != '\0'; p++)
        assert_true(*p == '\n' || (unsigned char)*p >= ' ');
    assert_true(strlen(text) < 2 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_levels),
            cmocka_unit_test(test_the_shape_of_a_line),
            cmocka_unit_test(test_outside_text_forges_no_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

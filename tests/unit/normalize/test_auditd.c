#include "audit_fixture.h"

#include "base/limits.h"

/*
 * auditd text from end to end. The records are written for these tests; recordings are in
 * test_audit_golden.c.
 */
#define T1 "msg=audit(1700000000.123:501): "
#define EOE "type=EOE " T1 "\n"

/* A SYSCALL record of x86_64 with the usual rest. */
#define SYSCALL(nr, rest)                                                                          \
    "type=SYSCALL " T1 "arch=c000003e syscall=" nr " " rest                                        \
    " ppid=100 pid=200 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 "         \
    "tty=pts0 ses=3 comm=\"cmd\" exe=\"/usr/bin/cmd\" subj=unconfined key=(null)\n"
#define CWD "type=CWD " T1 "cwd=\"/home/u\"\n"
#define PATH(item, name, type)                                                                     \
    "type=PATH " T1 "item=" item " name=\"" name "\" inode=1 dev=08:01 mode=0100644 ouid=0 "       \
    "ogid=0 rdev=00:00 nametype=" type "\n"

static struct audit_out out;

static int setup(void **state)
{
    (void)state;
    audit_open(&out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    audit_close(&out);
    return 0;
}

/* One event of these lines and nothing else. */
static void one(const char *lines)
{
    audit_clear(&out);
    audit_feed(&out, lines);
    if (out.n != 1) {
        for (size_t i = 0; i < out.n; i++)
            print_error("%s", out.text[i]);
        fail_msg("%zu results for\n%s", out.n, lines);
    }
}

/* ---- a whole event ---- */

static void test_execve(void **state)
{
    (void)state;
    one(SYSCALL("59",
            "success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2") "type=EXECVE " T1
                                                              "argc=3 a0=\"grep\" a1=\"-v\" "
                                                              "a2=612062\n" CWD PATH("0", "./grep",
                                                                      "NORMAL") PATH("1",
                                                                      "/lib64/ld-linux-x86-64.so.2",
                                                                      "NORMAL") EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 lines=5", "process_id=200",
            "parent_process_id=100", "image=/usr/bin/cmd", "comm=cmd", "command_line=grep -v 'a b'",
            "argc=3", "current_directory=/home/u", "target_filename=/home/u/grep", "user=0",
            "uid=0", "auid=1000", "session_id=3", "tty=pts0", "syscall=execve", "arch=x86_64",
            "success=true", "return_value=0", "audit_record_type=SYSCALL",
            "selinux_context=unconfined", "!audit_key=", "!process_guid=", NULL);
    assert_int_equal(out.skipped, 1);
}

/* EXECVE was lost: the title stands in for the command line, and the event says so. */
static void test_execve_lost(void **state)
{
    (void)state;
    one(SYSCALL("59", "success=yes exit=0 items=0") "type=PROCTITLE " T1
                                                    "proctitle=677265700061206200\n" EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 incomplete lines=2",
            "command_line=grep a b", "!argc=", NULL);
    /* a failed call has no EXECVE record: nothing was lost */
    one(SYSCALL("59", "success=no exit=-2 items=0") "type=PROCTITLE " T1 "proctitle=\"bash\"\n");
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 lines=2", "command_line=bash",
            "success=false", "return_value=-2", NULL);
}

static void test_proctitle_cut(void **state)
{
    char lines[2048], hex[2 * 128 + 1];

    (void)state;
    for (size_t i = 0; i < 256; i += 2)
        memcpy(hex + i, "61", 3);
    snprintf(lines, sizeof(lines), "%stype=PROCTITLE " T1 "proctitle=%s\n",
            SYSCALL("3", "success=yes exit=0 items=0"), hex);
    one(lines);
    audit_expect(&out, 0, "DEAD unsupported_type \"system call close\" lines=2", NULL);
    snprintf(lines, sizeof(lines), "%stype=PROCTITLE " T1 "proctitle=%s\n",
            SYSCALL("87", "success=yes exit=0 items=0"), hex);
    one(lines);
    audit_expect(&out, 0, "file_delete 1700000000.123 host=test1 truncated lines=2", NULL);
}

/* ---- EXECVE in pieces ---- */

#define BIG(rest) "type=EXECVE " T1 rest "\n"
#define EXEC SYSCALL("59", "success=yes exit=0 items=0")

static void test_pieces(void **state)
{
    static const char *const orders[] = {
            EXEC BIG("argc=3 a0=\"sh\" a1_len=12 a1[0]=6162") BIG("a1[1]=6320")
                    BIG("a1[2]=6465 a2=\"end\"") EOE,
            /* in any order of records */
            EXEC BIG("a1[2]=6465 a2=\"end\"") BIG("a1[1]=6320")
                    BIG("argc=3 a0=\"sh\" a1_len=12 a1[0]=6162") EOE,
            BIG("a1[1]=6320") EXEC BIG("a1[2]=6465 a2=\"end\"")
                    EOE BIG("argc=3 a0=\"sh\" a1_len=12 a1[0]=6162"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        one(orders[i]);
        audit_expect(&out, 0, "process_create 1700000000.123 host=test1 lines=4",
                "command_line=sh 'abc de' end", "argc=3", NULL);
    }
    one(EXEC BIG("argc=2 a0=\"sh\" a1_len=6 a1[0]=\"abc\" a1[1]=\"def\"") EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 lines=2",
            "command_line=sh abcdef", NULL);
}

static void test_pieces_lost(void **state)
{
    (void)state;
    /* a piece of an argument, a whole argument, the first record */
    one(EXEC BIG("argc=2 a0=\"sh\" a1_len=12 a1[0]=6162") BIG("a1[2]=6465") EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 incomplete truncated lines=3",
            "command_line=sh abde", NULL);
    one(EXEC BIG("argc=3 a0=\"sh\" a1=\"x\"") EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 incomplete truncated lines=2",
            "command_line=sh x", "argc=3", NULL);
    one(EXEC BIG("a1[1]=6162") EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 incomplete truncated lines=2",
            "command_line=ab", "!argc=", NULL);
}

static void test_arguments(void **state)
{
    (void)state;
    /* keys that look like other fields are arguments here */
    one(EXEC BIG("argc=4 a0=\"cat\" a1=\"btest=test\" a2=\"-f\" a3=\"regex=8\"") EOE);
    audit_expect(&out, 0, "process_create", "command_line=cat btest=test -f regex=8", NULL);
    /* a repeated record changes nothing */
    one(EXEC BIG("argc=2 a0=\"id\" a1=\"-u\"") BIG("argc=2 a0=\"id\" a1=\"-u\"") EOE);
    audit_expect(&out, 0, "process_create", "command_line=id -u", NULL);
    /* bytes that are no text */
    one(EXEC BIG("argc=2 a0=\"echo\" a1=FFC3A9") EOE);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 text_repaired lines=2",
            "command_line=echo \xef\xbf\xbd\xc3\xa9", NULL);
}

static void test_many_arguments(void **state)
{
    char *lines = malloc(1u << 20);
    size_t n;
    int i;

    (void)state;
    assert_non_null(lines);
    n = (size_t)sprintf(lines, "%stype=EXECVE " T1 "argc=5000", EXEC);
    for (i = 0; i < 2500; i++)
        n += (size_t)sprintf(lines + n, " a%d=\"%d\"", i, i);
    n += (size_t)sprintf(lines + n, "\ntype=EXECVE " T1);
    for (; i < 5000; i++)
        n += (size_t)sprintf(lines + n, " a%d=\"%d\"", i, i);
    one(lines);
    audit_expect(&out, 0, "process_create 1700000000.123 host=test1 incomplete truncated lines=3",
            "argc=5000", NULL);
    assert_non_null(strstr(out.text[0], " 4094 4095\n"));
    free(lines);
}

/* ---- order, loss ---- */

#define OPEN                                                                                       \
    SYSCALL("257", "success=yes exit=3 a0=ffffff9c a1=1 a2=80000 a3=0 items=1")                    \
    CWD PATH("0", "x", "NORMAL")

static void test_any_order(void **state)
{
    static const char *const orders[] = {
            SYSCALL("257", "success=yes exit=3 a0=ffffff9c a2=0 items=1")
                    CWD PATH("0", "x", "NORMAL") EOE,
            PATH("0", "x", "NORMAL")
                    CWD SYSCALL("257", "success=yes exit=3 a0=ffffff9c a2=0 items=1") EOE,
            EOE CWD SYSCALL("257", "success=yes exit=3 a0=ffffff9c a2=0 items=1")
                    PATH("0", "x", "NORMAL"),
            CWD EOE PATH("0", "x", "NORMAL")
                    SYSCALL("257", "success=yes exit=3 a0=ffffff9c a2=0 items=1"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        /* an EOE in front of everything has no group yet: the rest ends with the input */
        one(orders[i]);
        audit_expect(&out, 0, "file_open 1700000000.123 host=test1 lines=3",
                "target_filename=/home/u/x", NULL);
    }
}

static void test_lost(void **state)
{
    (void)state;
    /* SYSCALL never came */
    one(CWD PATH("0", "x", "NORMAL") EOE);
    audit_expect(&out, 0, "DEAD incomplete \"no SYSCALL record of serial 501\" lines=2", NULL);
    one("type=EXECVE " T1 "argc=1 a0=\"ls\"\n");
    audit_expect(&out, 0, "DEAD incomplete", NULL);
    /* a PATH record of two is missing */
    one(SYSCALL("82", "success=yes exit=0 items=2") CWD PATH("0", "old", "DELETE") EOE);
    audit_expect(&out, 0, "file_rename 1700000000.123 host=test1 incomplete lines=3",
            "target_filename=/home/u/old", "!new_filename=", NULL);
    /* SOCKADDR is missing */
    one(SYSCALL("42", "success=yes exit=0 a0=3 items=0") EOE);
    audit_expect(&out, 0, "network_connect 1700000000.123 host=test1 incomplete lines=1",
            "initiated=true", "!destination_ip=", NULL);
    /* the working directory is missing: the name stays as it is */
    one(SYSCALL("87", "success=yes exit=0 items=1") PATH("0", "x", "DELETE") EOE);
    audit_expect(&out, 0, "file_delete 1700000000.123 host=test1 incomplete lines=2",
            "target_filename=x", NULL);
}

/* The line was cut in a value: what there is counts, and the event says so. */
static void test_cut_line(void **state)
{
    (void)state;
    one(SYSCALL("87", "success=yes exit=0 items=1") "type=PATH " T1 "item=0 name=\"/tmp/lo\n" EOE);
    audit_expect(&out, 0, "file_delete 1700000000.123 host=test1 truncated lines=2",
            "target_filename=/tmp/lo", NULL);
}

static void test_eviction_is_flagged(void **state)
{
    char line[512];

    (void)state;
    for (int i = 0; i <= LG_MAX_AUDIT_OPEN; i++) {
        snprintf(line, sizeof(line),
                "type=SYSCALL msg=audit(1700000000.123:%d): arch=c000003e syscall=57 success=yes "
                "exit=%d items=0 pid=1",
                i, 1000 + i);
        audit_line(&out, line);
    }
    assert_int_equal(out.n, 1);
    audit_expect(&out, 0, "process_fork 1700000000.123 host=test1 incomplete lines=1",
            "target_process_id=1000", NULL);
    audit_flush(&out);
    assert_int_equal(out.events, LG_MAX_AUDIT_OPEN + 1);
    audit_expect(&out, 1, "process_fork 1700000000.123 host=test1 lines=1",
            "target_process_id=1001", NULL);
}

/* ---- hosts and identity ---- */

#define FORK_OF(prefix, time, serial)                                                              \
    prefix "type=SYSCALL msg=audit(" time ":" serial "): arch=c000003e syscall=57 success=yes "    \
           "exit=9 items=0 pid=1\n"

static void test_hosts(void **state)
{
    (void)state;
    one(FORK_OF("node=Web1.Example.ORG ", "1.000", "1"));
    audit_expect(&out, 0, "DEAD bad_time", NULL);
    one(FORK_OF("node=Web1.Example.ORG ", "1700000001.000", "1"));
    audit_expect(&out, 0, "process_fork 1700000001 host=web1.example.org", NULL);
    one(FORK_OF("Nov 23 09:00:00 db7 audispd: ", "1700000001.000", "1"));
    audit_expect(&out, 0, "process_fork 1700000001 host=db7", NULL);
    one(FORK_OF("", "1700000001.000", "1"));
    audit_expect(&out, 0, "process_fork 1700000001 host=test1", NULL);
}

static char *id_of(const char *lines)
{
    char *id;

    one(lines);
    id = strstr(out.text[0], " id=");
    assert_non_null(id);
    return strndup(id + 4, LG_UUID_TEXT);
}

static void test_identity(void **state)
{
    char *ids[8];

    (void)state;
    out.with_ids = true;
    ids[0] = id_of(FORK_OF("", "1700000001.000", "1"));
    ids[1] = id_of(FORK_OF("", "1700000001.001", "1"));
    ids[2] = id_of(FORK_OF("", "1700000001.000", "2"));
    ids[3] = id_of(FORK_OF("node=n1 ", "1700000001.000", "1"));
    ids[4] = id_of(FORK_OF("node=n2 ", "1700000001.000", "1"));
    ids[5] = id_of(FORK_OF("", "1700000001.000", "1"));
    /* two hosts of one short name are one endpoint, and still count by themselves */
    ids[6] = id_of(FORK_OF("node=w.a.org ", "1700000001.000", "1"));
    ids[7] = id_of(FORK_OF("node=w.b.org ", "1700000001.000", "1"));
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    assert_string_equal(ids[0], ids[5]);
    assert_string_not_equal(ids[6], ids[7]);
    for (size_t i = 0; i < 8; i++)
        free(ids[i]);
}

static void test_no_host(void **state)
{
    struct lg_norm_stream_options opt = {0};

    (void)state;
    lg_norm_stream_free(out.st);
    assert_int_equal(lg_norm_stream_new(&opt, &out.st), 0);
    one(FORK_OF("", "1700000001.000", "1"));
    audit_expect(&out, 0, "DEAD missing_identity", NULL);
}

/* ---- names of users, keys ---- */

static void test_enriched(void **state)
{
    (void)state;
    one("type=SYSCALL " T1 "arch=c000003e syscall=57 success=yes exit=9 items=0 pid=1 uid=33 "
        "key=\"web\"\x1d"
        "ARCH=x86_64 SYSCALL=fork AUID=\"unset\" UID=\"www-data\" GID=\"www-data\"\n");
    audit_expect(&out, 0, "process_fork", "user=www-data", "uid=33", "audit_key=web", NULL);
    one("type=SYSCALL " T1 "arch=c000003e syscall=57 success=yes exit=9 items=0 pid=1 uid=33 "
        "key=(null)ARCH=x86_64 SYSCALL=fork AUID=\"unset\" UID=\"www-data\" GID=\"www-data\"\n");
    audit_expect(&out, 0, "process_fork", "user=www-data", "uid=33", "!audit_key=", NULL);
    one("type=SYSCALL " T1 "arch=c000003e syscall=57 success=yes exit=9 items=0 pid=1 uid=77 "
        "key=(null)\x1dUID=\"unknown(77)\"\n");
    audit_expect(&out, 0, "process_fork", "user=77", NULL);
    /* an architecture without a table: the enriched name counts */
    one("type=SYSCALL " T1 "arch=80000016 syscall=2 success=yes exit=9 items=0 pid=1 "
        "key=(null)\x1d"
        "ARCH=s390x SYSCALL=fork\n");
    audit_expect(&out, 0, "process_fork", "arch=s390x", "syscall=fork", NULL);
    one("type=SYSCALL " T1 "arch=80000016 syscall=2 success=yes exit=9 items=0 pid=1\n");
    audit_expect(&out, 0, "DEAD unsupported_type \"system call 2 of arch 80000016\"", NULL);
}

static void test_keys(void **state)
{
#define KEYED(key)                                                                                 \
    "type=SYSCALL " T1 "arch=c000003e syscall=57 success=yes exit=9 items=0 pid=1 key=" key "\n"
    (void)state;
    one(KEYED("6578656301363462697401"));
    audit_expect(&out, 0, "process_fork", "audit_key=exec,64bit,", NULL);
    one(KEYED("65786563013634626974\""));
    audit_expect(&out, 0, "process_fork", "audit_key=exec,64bit", NULL);
    one(KEYED("\"a b\""));
    audit_expect(&out, 0, "process_fork", "audit_key=a b", NULL);
}

/* ---- what is refused ---- */

static void test_dead_letters(void **state)
{
    (void)state;
    one("type=SYSCALL msg=audit(garbage): arch=c000003e\n");
    audit_expect(&out, 0, "DEAD bad_record", NULL);
    /* one letter for all records of an event that is not listed */
    one(SYSCALL("44", "success=yes exit=1 items=0") "type=SOCKADDR " T1
                                                    "saddr=100000000000000000000000\n" EOE);
    audit_expect(&out, 0, "DEAD unsupported_type \"system call sendto\" lines=2", NULL);
    one("type=AVC " T1 "apparmor=\"DENIED\" operation=\"ptrace\"\n");
    audit_expect(&out, 0, "DEAD unsupported_type \"record type AVC\" lines=1", NULL);
    one("type=UNKNOWN[1999] " T1 "x=y\n");
    audit_expect(&out, 0, "DEAD unsupported_type \"record type UNKNOWN[1999]\" lines=1", NULL);
    one(SYSCALL("9999", "success=yes exit=1 items=0"));
    audit_expect(&out, 0, "DEAD unsupported_type \"system call 9999 of arch c000003e\"", NULL);
}

/* Whatever came in is in an event, in a dead letter, or was an end mark. */
static void test_every_line_is_kept(void **state)
{
    (void)state;
    audit_feed(&out,
            OPEN EOE CWD "type=AVC " T1 "x=y\n"
                         "type=USER_LOGIN " T1 "msg='op=login id=0 res=success'\n" EOE OPEN OPEN
                         "type=CWD msg=broken\n");
    assert_int_equal(out.raw_lines + out.skipped, 3 + 1 + 1 + 1 + 1 + 1 + 3 + 3 + 1);
}

static void test_not_utf8(void **state)
{
    (void)state;
    one(SYSCALL("87", "success=yes exit=0 items=1") "type=PATH " T1
                                                    "item=0 name=\"/tmp/\xff\" nametype=DELETE\n");
    audit_expect(&out, 0, "file_delete 1700000000.123 host=test1 text_repaired lines=2",
            "target_filename=/tmp/\xef\xbf\xbd", NULL);
}

/* ---- allocations ---- */

static int count_event(void *user, const struct lg_event *ev)
{
    (void)ev;
    (*(size_t *)user)++;
    return 0;
}

static int count_dead(void *user, const struct lg_dead_letter *dl)
{
    assert_int_equal(dl->reason, LG_DEAD_OUT_OF_MEMORY);
    (*(size_t *)user)++;
    return 0;
}

static void test_out_of_memory(void **state)
{
    static const char lines[] = SYSCALL("59", "success=yes exit=0 items=1")
            BIG("argc=2 a0=\"a\" a1_len=4 a1[0]=6220 a1[1]=63")
                    CWD PATH("0", "../x", "NORMAL") "type=PROCTITLE " T1 "proctitle=6100622063\n";
    size_t results = 0;
    struct lg_norm_sink sink = {&results, count_event, count_dead, NULL};
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        struct lg_norm_stream_options opt = {.endpoint = LG_STR("h")};
        struct lg_norm_stream *st = NULL;
        struct lg_normalizer *nz = NULL;
        struct lg_str rest = lg_str_z(lines), line;
        uint64_t made;

        assert_true(n < 300);
        results = 0;
        (void)lg_mem_fail_from(n);
        if (lg_normalizer_new(&nz) == 0 && lg_norm_stream_new(&opt, &st) == 0) {
            while (lg_str_split(&rest, '\n', &line))
                assert_int_equal(lg_normalizer_record(
                                         nz, st, line, false, (struct lg_position){1, 0}, &sink),
                        0);
            assert_int_equal(lg_normalizer_flush(nz, st, &sink), 0);
            assert_true(results > 0);
        }
        made = lg_mem_fail_from(0);
        failed = made >= n;
        lg_norm_stream_free(st);
        lg_normalizer_free(nz);
    }
    assert_int_equal(results, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
            T(test_execve),
            T(test_execve_lost),
            T(test_proctitle_cut),
            T(test_pieces),
            T(test_pieces_lost),
            T(test_arguments),
            T(test_many_arguments),
            T(test_any_order),
            T(test_lost),
            T(test_cut_line),
            T(test_eviction_is_flagged),
            T(test_hosts),
            T(test_identity),
            T(test_no_host),
            T(test_enriched),
            T(test_keys),
            T(test_dead_letters),
            T(test_every_line_is_kept),
            T(test_not_utf8),
            T(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

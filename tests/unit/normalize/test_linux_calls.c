#include "linux_fixture.h"

#include "normalize/linux_common.h"

static void test_syscalls(void **state)
{
    static const struct {
        const char *name;
        enum lg_lx_kind kind;
        enum lg_event_type type;
    } rows[] = {
            {"execveat", LG_LX_EXEC, LG_EVENT_PROCESS_CREATE},
            {"clone3", LG_LX_FORK, LG_EVENT_PROCESS_FORK},
            {"exit_group", LG_LX_EXIT, LG_EVENT_PROCESS_TERMINATE},
            {"openat2", LG_LX_OPEN, LG_EVENT_FILE_OPEN},
            {"creat", LG_LX_OPEN, LG_EVENT_FILE_WRITE},
            {"unlinkat", LG_LX_DELETE, LG_EVENT_FILE_DELETE},
            {"renameat2", LG_LX_RENAME, LG_EVENT_FILE_RENAME},
            {"fchmodat2", LG_LX_CHMOD, LG_EVENT_FILE_MODE_CHANGE},
            {"lchown", LG_LX_CHOWN, LG_EVENT_FILE_OWNER_CHANGE},
            {"accept4", LG_LX_ACCEPT, LG_EVENT_NETWORK_ACCEPT},
            {"ptrace", LG_LX_PTRACE, LG_EVENT_PROCESS_PTRACE},
            {"finit_module", LG_LX_KMOD, LG_EVENT_KERNEL_MODULE_LOAD},
            {"setresgid", LG_LX_SETGID, LG_EVENT_CREDENTIAL_CHANGE},
            {"tgkill", LG_LX_KILL, LG_EVENT_PROCESS_SIGNAL},
            {"memfd_create", LG_LX_MEMFD, LG_EVENT_MEMFD_CREATE},
            {"bpf", LG_LX_BPF, LG_EVENT_BPF},
            {"mount", LG_LX_MOUNT, LG_EVENT_MOUNT},
    };
    struct lg_lx_syscall sc;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(lg_lx_syscall_find(lg_str_z(rows[i].name), &sc));
        assert_int_equal(sc.kind, rows[i].kind);
        assert_int_equal(sc.type, rows[i].type);
    }
    assert_false(lg_lx_syscall_find(LG_STR("read"), &sc));
    assert_false(lg_lx_syscall_find(LG_STR("OPEN"), &sc));
    assert_false(lg_lx_syscall_find(LG_STR(""), &sc));
}

static void test_open_flags(void **state)
{
    uint64_t f = 99;

    (void)state;
    assert_int_equal(lg_lx_flags_from_ppm(1), 0); /* O_RDONLY */
    assert_int_equal(lg_lx_flags_from_ppm(2), LG_O_WRONLY);
    assert_int_equal(lg_lx_flags_from_ppm(3), LG_O_RDWR);
    assert_int_equal(lg_lx_flags_from_ppm(262), LG_O_WRONLY | LG_O_CREAT | LG_O_TRUNC);
    assert_int_equal(lg_lx_flags_from_ppm(8 + 2), LG_O_WRONLY | LG_O_APPEND);
    assert_int_equal(lg_lx_flags_from_ppm(32 + 4 + 2), LG_O_WRONLY | LG_O_CREAT | LG_O_EXCL);
    assert_int_equal(lg_lx_flags_from_ppm(8192 + 1), 0); /* no O_TMPFILE */
    assert_int_equal(lg_lx_flags_from_ppm(8192 + 2), LG_O_WRONLY | 0x410000);
    assert_int_equal(lg_lx_flags_from_ppm(UINT64_MAX) & LG_O_WRONLY, 0); /* O_RDWR */
    assert_true(lg_lx_flags_from_names(LG_STR("O_RDONLY"), &f));
    assert_int_equal(f, 0);
    assert_true(lg_lx_flags_from_names(LG_STR("RDWR,CREAT O_TRUNC|what"), &f));
    assert_int_equal(f, LG_O_RDWR | LG_O_CREAT | LG_O_TRUNC);
    assert_false(lg_lx_flags_from_names(LG_STR("what"), &f));
    assert_false(lg_lx_flags_from_names(LG_STR(""), &f));
    assert_int_equal(f, LG_O_RDWR | LG_O_CREAT | LG_O_TRUNC); /* written on success only */
    assert_true(lg_lx_flags_write(LG_O_CREAT));
    assert_false(lg_lx_flags_write(LG_O_APPEND)); /* appends nothing without write access */
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(lg_lx_errno(LG_STR("ENOENT")), 2);
    assert_int_equal(lg_lx_errno(LG_STR("EINPROGRESS")), 115);
    assert_int_equal(lg_lx_errno(LG_STR("ECONNREFUSED")), 111);
    assert_int_equal(lg_lx_errno(LG_STR("SUCCESS")), 0);
    assert_true(lg_str_eq(lg_lx_protocol(6), LG_STR("tcp")));
    assert_true(lg_str_eq(lg_lx_protocol(58), LG_STR("icmpv6")));
    assert_int_equal(lg_lx_protocol(254).n, 0);
    assert_true(lg_str_eq(lg_lx_protocol_name(LG_STR("IPPROTO_UDP")), LG_STR("udp")));
    assert_true(lg_str_eq(lg_lx_protocol_name(LG_STR("TCP6")), LG_STR("tcp")));
    assert_int_equal(lg_lx_protocol_name(LG_STR("tcp9")).n, 0);
    assert_true(lg_lx_null_word(LG_STR("<NA>")));
    assert_true(lg_lx_null_word(LG_STR("")));
    assert_false(lg_lx_null_word(LG_STR("NA")));
}

static void test_split_port(void **state)
{
    struct lg_str addr;
    uint64_t port;

    (void)state;
    assert_true(lg_lx_split_port(LG_STR("10.0.0.1:443"), &addr, &port));
    assert_true(lg_str_eq(addr, LG_STR("10.0.0.1")));
    assert_int_equal(port, 443);
    assert_true(lg_lx_split_port(LG_STR("[2001:db8::1]:53"), &addr, &port));
    assert_true(lg_str_eq(addr, LG_STR("2001:db8::1")));
    assert_true(lg_lx_split_port(LG_STR("::1:53"), &addr, &port));
    assert_true(lg_str_eq(addr, LG_STR("::1")));
    assert_int_equal(port, 53);
    assert_false(lg_lx_split_port(LG_STR("10.0.0.1"), &addr, &port));
    assert_false(lg_lx_split_port(LG_STR("10.0.0.1:65536"), &addr, &port));
    assert_false(lg_lx_split_port(LG_STR("10.0.0.1:"), &addr, &port));
    assert_false(lg_lx_split_port(LG_STR(""), &addr, &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_syscalls),
            cmocka_unit_test(test_open_flags),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_split_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/syscall.h>

#include "normalize/audit_syscalls.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Every listed call, with its number on x86_64, i386 and aarch64 (-1: the call is not there).
 * From the man pages and the kernel's tables, not from the code under test. */
static const struct {
    const char *name;
    int x86_64, i386, aarch64;
} listed[] = {
        {"execve", 59, 11, 221},
        {"execveat", 322, 358, 281},
        {"fork", 57, 2, -1},
        {"vfork", 58, 190, -1},
        {"clone", 56, 120, 220},
        {"clone3", 435, 435, 435},
        {"exit", 60, 1, 93},
        {"exit_group", 231, 252, 94},
        {"open", 2, 5, -1},
        {"openat", 257, 295, 56},
        {"openat2", 437, 437, 437},
        {"creat", 85, 8, -1},
        {"open_by_handle_at", 304, 342, 265},
        {"unlink", 87, 10, -1},
        {"unlinkat", 263, 301, 35},
        {"rmdir", 84, 40, -1},
        {"rename", 82, 38, -1},
        {"renameat", 264, 302, 38},
        {"renameat2", 316, 353, 276},
        {"chmod", 90, 15, -1},
        {"fchmod", 91, 94, 52},
        {"fchmodat", 268, 306, 53},
        {"fchmodat2", 452, 452, 452},
        {"chown", 92, 182, -1},
        {"fchown", 93, 95, 55},
        {"lchown", 94, 16, -1},
        {"fchownat", 260, 298, 54},
        {"chown32", -1, 212, -1},
        {"fchown32", -1, 207, -1},
        {"lchown32", -1, 198, -1},
        {"link", 86, 9, -1},
        {"linkat", 265, 303, 37},
        {"symlink", 88, 83, -1},
        {"symlinkat", 266, 304, 36},
        {"mkdir", 83, 39, -1},
        {"mkdirat", 258, 296, 34},
        {"mknod", 133, 14, -1},
        {"mknodat", 259, 297, 33},
        {"truncate", 76, 92, 45},
        {"ftruncate", 77, 93, 46},
        {"truncate64", -1, 193, -1},
        {"ftruncate64", -1, 194, -1},
        {"connect", 42, 362, 203},
        {"accept", 43, -1, 202},
        {"accept4", 288, 364, 242},
        {"bind", 49, 361, 200},
        {"listen", 50, 363, 201},
        {"ptrace", 101, 26, 117},
        {"init_module", 175, 128, 105},
        {"finit_module", 313, 350, 273},
        {"setuid", 105, 23, 146},
        {"setgid", 106, 46, 144},
        {"setreuid", 113, 70, 145},
        {"setregid", 114, 71, 143},
        {"setresuid", 117, 164, 147},
        {"setresgid", 119, 170, 149},
        {"setfsuid", 122, 138, 151},
        {"setfsgid", 123, 139, 152},
        {"setuid32", -1, 213, -1},
        {"setgid32", -1, 214, -1},
        {"setreuid32", -1, 203, -1},
        {"setregid32", -1, 204, -1},
        {"setresuid32", -1, 208, -1},
        {"setresgid32", -1, 210, -1},
        {"setfsuid32", -1, 215, -1},
        {"setfsgid32", -1, 216, -1},
        {"kill", 62, 37, 129},
        {"tkill", 200, 238, 130},
        {"tgkill", 234, 270, 131},
        {"rt_sigqueueinfo", 129, 178, 138},
        {"rt_tgsigqueueinfo", 297, 335, 240},
        {"pidfd_send_signal", 424, 424, 424},
        {"mount", 165, 21, 40},
        {"memfd_create", 319, 356, 279},
        {"bpf", 321, 357, 280},
};

static void assert_number(uint32_t arch, int nr, const char *name)
{
    struct lg_str s;

    if (nr < 0)
        return;
    s = lg_audit_syscall_name(arch, (uint64_t)nr);
    if (!lg_str_eq(s, lg_str_z(name)))
        fail_msg("call %d of %x is '%.*s', not '%s'", nr, arch, LG_STR_FMT(s), name);
}

static void test_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(listed); i++) {
        const struct lg_audit_call *c = lg_audit_call_find(lg_str_z(listed[i].name));

        assert_non_null(c);
        assert_string_equal(c->name, listed[i].name);
        assert_number(LG_AUDIT_ARCH_X86_64, listed[i].x86_64, listed[i].name);
        assert_number(LG_AUDIT_ARCH_I386, listed[i].i386, listed[i].name);
        assert_number(LG_AUDIT_ARCH_AARCH64, listed[i].aarch64, listed[i].name);
    }
}

static void test_unlisted(void **state)
{
    (void)state;
    assert_null(lg_audit_call_find(LG_STR("read")));
    assert_null(lg_audit_call_find(LG_STR("openat22")));
    assert_null(lg_audit_call_find(LG_STR("ope")));
    assert_null(lg_audit_call_find(LG_STR("")));
    assert_int_equal(lg_audit_syscall_name(LG_AUDIT_ARCH_X86_64, 9999).n, 0);
    assert_int_equal(lg_audit_syscall_name(LG_AUDIT_ARCH_X86_64, 400).n, 0); /* a hole */
    assert_int_equal(lg_audit_syscall_name(LG_AUDIT_ARCH_AARCH64, UINT64_MAX).n, 0);
    assert_int_equal(lg_audit_syscall_name(0x80000016, 11).n, 0);
    assert_int_equal(lg_audit_syscall_name(0, 0).n, 0);
}

#ifdef __x86_64__
/* The names of a few calls that are not listed, as this machine's own header has them. */
static void test_own_numbers(void **state)
{
    (void)state;
    assert_number(LG_AUDIT_ARCH_X86_64, SYS_read, "read");
    assert_number(LG_AUDIT_ARCH_X86_64, SYS_pkey_free, "pkey_free");
    assert_number(LG_AUDIT_ARCH_X86_64, SYS_io_uring_setup, "io_uring_setup");
    assert_number(LG_AUDIT_ARCH_X86_64, SYS_statx, "statx");
    assert_number(LG_AUDIT_ARCH_X86_64, SYS_pidfd_open, "pidfd_open");
}
#endif

static void test_x32(void **state)
{
    (void)state;
    assert_number(LG_AUDIT_ARCH_X86_64, 0x40000000 | 2, "open");
}

static void test_arches(void **state)
{
    (void)state;
    assert_true(lg_str_eq(lg_audit_arch_name(0xc000003e), LG_STR("x86_64")));
    assert_true(lg_str_eq(lg_audit_arch_name(0x80000015), LG_STR("ppc64")));
    assert_int_equal(lg_audit_arch_name(1).n, 0);
    assert_int_equal(lg_audit_arch_of(LG_STR("i386")), LG_AUDIT_ARCH_I386);
    assert_int_equal(lg_audit_arch_of(LG_STR("vax")), 0);
}

static void test_socketcall(void **state)
{
    (void)state;
    assert_true(lg_str_eq(lg_audit_socketcall_name(2), LG_STR("bind")));
    assert_true(lg_str_eq(lg_audit_socketcall_name(3), LG_STR("connect")));
    assert_true(lg_str_eq(lg_audit_socketcall_name(18), LG_STR("accept4")));
    assert_int_equal(lg_audit_socketcall_name(0).n, 0);
    assert_int_equal(lg_audit_socketcall_name(99).n, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_listed),
            cmocka_unit_test(test_unlisted),
#ifdef __x86_64__
            cmocka_unit_test(test_own_numbers),
#endif
            cmocka_unit_test(test_x32),
            cmocka_unit_test(test_arches),
            cmocka_unit_test(test_socketcall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "linux_fixture.h"

#define REC(dir, type, args, more)                                                                 \
    "{'evt.num':505,'evt.rawtime':1555011816574023069,'evt.dir':'" dir "','evt.type':'" type       \
    "','evt.args':'" args "','proc.name':'sh','proc.exe':'sh','proc.exepath':'/bin/busybox',"      \
    "'proc.cmdline':'sh -c id','proc.cwd':'/root/','proc.pid':100,'proc.ppid':99,"                 \
    "'proc.pname':'sshd','proc.pcmdline':'sshd: root','user.name':'root','user.uid':0,"            \
    "'container.id':'host'" more "}"
#define FD(name) ",'fd.name':" name ",'fd.num':3,'fd.type':'file'"

static void test_golden(void **state)
{
    (void)state;
    lx_golden("sysdig", "capture-host");
}

static void test_host(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    DEAD(o, REC("<", "execve", "res=0 ", ""), "missing_identity");
    DEAD(o, REC("<", "execve", "res=0 ", ",'capture':'benign'"), "missing_identity");
    EVENT(o, REC("<", "execve", "res=0 ", ",'evt.hostname':'node-7'"), PROCESS_CREATE,
            "success=true");
    assert_true(lg_str_eq(o->ev[0].hostname, LG_STR("node-7")));
    lx_free(o);
    o = lx_new("from-stream");
    EVENT(o, REC("<", "execve", "res=0 ", ""), PROCESS_CREATE, "process_id=100");
    assert_true(lg_str_eq(o->ev[0].hostname, LG_STR("from-stream")));
    lx_free(o);
}

static void test_process(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o, REC("<", "execve", "res=0 exe=sh args=-c.id. tid=100(sh) pid=100(sh) ", ""),
            PROCESS_CREATE, "image=/bin/busybox", "comm=sh", "command_line=sh -c id",
            "process_id=100", "parent_process_id=99", "parent_command_line=sshd: root", "user=root",
            "uid=0", "!container_id", "current_directory=/root/", "success=true", "!process_guid");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1555011816574023069));
    EVENT(o, REC("<", "execve", "res=0 ", ",'proc.pid.ts':1555011816000000000,'proc.ppid.ts':5"),
            PROCESS_CREATE, "process_guid=100:1555011816000000000", "parent_process_guid=99:5");
    EVENT(o, REC("<", "execve", "res=-13(EACCES) exe=sh ", ""), PROCESS_CREATE, "success=false",
            "return_value=-13");
    SKIP(o, REC(">", "execve", "filename=/bin/sh ", ""), "paired_record");
    /* the child tells of itself, the parent of a number in another pid name space */
    EVENT(o,
            REC("<", "clone",
                    "res=0 exe=sh args= tid=100(sh) pid=100(sh) ptid=99(sshd) "
                    "cwd= comm=sh flags=33(CLONE_VM|CLONE_PARENT) uid=0 ",
                    ""),
            PROCESS_FORK, "process_id=99", "comm=sshd", "target_process_id=100",
            "target_image=/bin/busybox", "clone_flags=33024");
    SKIP(o, REC("<", "clone", "res=7(sh) exe=sh tid=100(sh) pid=100(sh) ", ""), "paired_record");
    SKIP(o, REC("<", "clone", "res=0 exe=sh tid=170(sh) pid=100(sh) ", ""), "thread");
    EVENT(o, REC("<", "clone", "res=-11(EAGAIN) exe=sh tid=100(sh) pid=100(sh) ", ""), PROCESS_FORK,
            "process_id=100", "success=false", "!target_process_id");
    EVENT(o, REC(">", "procexit", "status=256 ", ""), PROCESS_TERMINATE, "exit_code=1", "!signal",
            "!syscall");
    EVENT(o, REC(">", "procexit", "status=9 ret=0 sig=9(SIGKILL) ", ""), PROCESS_TERMINATE,
            "exit_code=0");
    EVENT(o, REC(">", "procexit", "status=137 ", ""), PROCESS_TERMINATE, "signal=9");
    SKIP(o, REC(">", "procexit", "status=0 ", ",'thread.tid':101"), "thread");
    SKIP(o, REC(">", "exit_group", "", ""), "paired_record");
    DEAD(o, REC("<", "futex", "res=0 ", ""), "unsupported_type");
    lx_free(o);
}

static void test_open(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o,
            REC("<", "openat",
                    "fd=3(<f>/etc/x) dirfd=-100(AT_FDCWD) name=x flags=4097(O_RDONLY|"
                    "O_CLOEXEC) mode=0 ",
                    FD("'/etc/x'")),
            FILE_OPEN, "target_filename=/etc/x", "open_flags=524288", "write_intent=false",
            "return_value=3", "success=true", "fd=3", "syscall=openat");
    EVENT(o,
            REC("<", "open", "fd=-2(ENOENT) name=x y flags=263(O_TRUNC|O_CREAT|O_RDWR) mode=1B6 ",
                    ""),
            FILE_WRITE, "target_filename=/root/x y", "open_flags=578", "success=false",
            "return_value=-2");
    /* a name that looks like an argument */
    EVENT(o, REC("<", "open", "fd=-2(ENOENT) name=/t flags=2 mode=1 flags=1(O_RDONLY) mode=0 ", ""),
            FILE_OPEN, "target_filename=/t flags=2 mode=1", "open_flags=0");
    EVENT(o, REC("<", "creat", "fd=4(<f>/tmp/n) name=/tmp/n mode=1A4 ", FD("'/tmp/n'")), FILE_WRITE,
            "target_filename=/tmp/n");
    SKIP(o, REC(">", "open", "", ""), "paired_record");
    lx_free(o);
}

static void test_files(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o, REC("<", "unlinkat", "res=0 dirfd=-100(AT_FDCWD) name=./a(/root/a) flags=0 ", ""),
            FILE_DELETE, "target_filename=/root/a");
    EVENT(o, REC("<", "unlink", "res=-2(ENOENT) path=b ", ""), FILE_DELETE,
            "target_filename=/root/b", "success=false");
    EVENT(o,
            REC("<", "renameat",
                    "res=0 olddirfd=3(<d>/tmp) oldpath=./x(/tmp/x) "
                    "newdirfd=-100(AT_FDCWD) newpath=/tmp/y ",
                    ""),
            FILE_RENAME, "target_filename=/tmp/x", "new_filename=/tmp/y");
    EVENT(o, REC("<", "symlinkat", "res=0 target=/a b linkdirfd=-100(AT_FDCWD) linkpath=/c d ", ""),
            FILE_LINK, "target_filename=/a b", "new_filename=/c d");
    EVENT(o, REC("<", "mkdirat", "res=0 dirfd=-100(AT_FDCWD) path=/d mode=1ED ", ""), FILE_CREATE,
            "target_filename=/d", "file_mode=493");
    EVENT(o, REC("<", "chmod", "res=0 filename=/tmp/x mode=04755 ", ""), FILE_MODE_CHANGE,
            "target_filename=/tmp/x", "file_mode=2541");
    EVENT(o,
            REC("<", "fchownat", "res=0 dirfd=-100(AT_FDCWD) pathname=/x uid=0 gid=5 flags=0 ", ""),
            FILE_OWNER_CHANGE, "target_filename=/x", "file_owner_uid=0", "file_owner_gid=5");
    EVENT(o, REC("<", "chown", "", ""), FILE_OWNER_CHANGE, "!target_filename", "!success");
    lx_free(o);
}

static void test_network(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o,
            REC("<", "connect",
                    "res=-115(EINPROGRESS) tuple=10.0.0.5:43211->203.0.113.7:443 "
                    "fd=3(<4t>10.0.0.5:43211->203.0.113.7:443) ",
                    ""),
            NETWORK_CONNECT, "source_ip=10.0.0.5", "source_port=43211",
            "destination_ip=203.0.113.7", "destination_port=443", "protocol=tcp", "initiated=true",
            "return_value=-115", "!success");
    EVENT(o,
            REC("<", "accept",
                    "fd=10(<6t>::1:50000->::1:80) tuple=::1:50000->::1:80 queuepct=0 "
                    "queuelen=0 queuemax=128 ",
                    ""),
            NETWORK_ACCEPT, "source_ip=::1", "source_port=50000", "destination_port=80",
            "socket_family=ipv6", "initiated=false", "return_value=10");
    EVENT(o,
            REC("<", "connect", "res=-2(ENOENT) tuple=0->ffff88003aeb6000 /var/run/nscd/socket ",
                    ""),
            NETWORK_CONNECT, "socket_family=unix", "socket_path=/var/run/nscd/socket",
            "success=false");
    EVENT(o, REC("<", "bind", "res=0 addr=0.0.0.0:8080 ", ""), NETWORK_BIND, "source_ip=0.0.0.0",
            "source_port=8080", "!initiated");
    EVENT(o, REC("<", "bind", "res=0 addr=NULL ", ",'fd.name':'','fd.type':'netlink'"),
            NETWORK_BIND, "socket_family=netlink");
    EVENT(o, REC("<", "listen", "res=0 ", FD("'0.0.0.0:80'")), NETWORK_LISTEN, "source_port=80");
    lx_free(o);
}

static void test_object_on_enter(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o, REC(">", "setuid", "uid=1(daemon) ", ""), CREDENTIAL_CHANGE, "new_uid=1", "!success");
    SKIP(o, REC("<", "setuid", "res=0 ", ""), "paired_record");
    EVENT(o, REC("<", "setuid", "res=0 uid=0(root) ", ""), CREDENTIAL_CHANGE, "new_uid=0",
            "success=true");
    EVENT(o, REC(">", "setresuid", "ruid=-1(<NONE>) euid=0(root) suid=-1(<NONE>) ", ""),
            CREDENTIAL_CHANGE, "new_uid=0");
    EVENT(o, REC(">", "setresgid", "rgid=5(tty) egid=-1(<NONE>) sgid=-1(<NONE>) ", ""),
            CREDENTIAL_CHANGE, "new_gid=5", "!new_uid");
    EVENT(o, REC(">", "kill", "pid=77(x) sig=9(SIGKILL) ", ""), PROCESS_SIGNAL,
            "target_process_id=77", "signal=9");
    SKIP(o, REC("<", "kill", "res=0 ", ""), "paired_record");
    /* in a container the number is not the host's */
    EVENT(o,
            "{'evt.num':1,'evt.rawtime':1555011816574023069,'evt.dir':'>','evt.type':'kill',"
            "'evt.args':'pid=7(x) sig=9(SIGKILL) ','proc.pid':100,'container.id':'0a1b'}",
            PROCESS_SIGNAL, "!target_process_id", "signal=9");
    EVENT(o, REC(">", "ptrace", "request=5(PTRACE_ATTACH) pid=77(x) ", ""), PROCESS_PTRACE,
            "ptrace_request=16", "target_process_id=77");
    lx_free(o);
}

static void test_kernel(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o, REC("<", "mount", "res=0 dev=/dev/sda1 dir=/mnt type=ext4 ", ""), MOUNT,
            "mount_source=/dev/sda1", "mount_target=/mnt", "mount_type=ext4");
    EVENT(o, REC("<", "mount", "res=0 dev= dir=/ type= ", ""), MOUNT, "!mount_source",
            "mount_target=/", "!mount_type");
    EVENT(o, REC("<", "memfd_create", "fd=5(<m>x y) name=x y flags=1(MFD_CLOEXEC) ", ""),
            MEMFD_CREATE, "memfd_name=x y", "return_value=5");
    EVENT(o, REC("<", "bpf", "fd=6(<b>) cmd=1(BPF_PROG_LOAD) ", ""), BPF, "bpf_command=5");
    EVENT(o,
            REC("<", "finit_module", "res=0 fd=3(<f>/tmp/r.ko) uargs=a=1 b flags=0 ",
                    FD("'/tmp/r.ko'")),
            KERNEL_MODULE_LOAD, "module_name=r.ko", "target_filename=/tmp/r.ko",
            "module_args=a=1 b");
    lx_free(o);
}

/* `sysdig -j` without a field list. */
static void test_default_fields(void **state)
{
    struct lx_out *o = lx_new("h");

    (void)state;
    EVENT(o,
            "{'evt.cpu':2,'evt.dir':'<','evt.info':'fd=3(<f>/etc/x) name=/etc/x flags=1(O_RDONLY) "
            "mode=0 ','evt.num':9,'evt.outputtime':1555011816574023069,'evt.type':'open',"
            "'proc.name':'cat','thread.tid':55}",
            FILE_OPEN, "process_id=55", "thread_id=55", "comm=cat", "target_filename=/etc/x");
    DEAD(o, "{'evt.dir':'<','evt.num':9,'evt.type':'open','proc.name':'cat'}", "bad_time");
    lx_free(o);
}

static const char open_record[] = REC("<", "openat",
        "fd=3(<f>/etc/x) dirfd=-100(AT_FDCWD) name=x flags=4097(O_RDONLY|O_CLOEXEC) mode=0 ",
        FD("'/etc/x'") ",'evt.res':'SUCCESS','group.gid':7,'user.loginuid':1000");

static void test_mutation(void **state)
{
    static const struct lx_effect effects[] = {{"evt.num", ""}, {"evt.rawtime", "*"},
            {"evt.dir", "*"}, {"evt.type", "*"},
            {"evt.args", "type target_filename open_flags write_intent return_value success"},
            {"proc.name", "comm"}, {"proc.exe", ""}, {"proc.exepath", "image"},
            {"proc.cmdline", "command_line"}, {"proc.cwd", "current_directory"},
            {"proc.pid", "process_id"}, {"proc.ppid", "parent_process_id"},
            {"proc.pcmdline", "parent_command_line"}, {"user.name", "user"}, {"user.uid", "uid"},
            {"container.id", "container_id"}, {"fd.name", "target_filename"}, {"fd.num", "fd"},
            {"fd.type", "file_type"}, {"group.gid", "gid"}, {"user.loginuid", "auid"},
            {NULL, NULL}};

    (void)state;
    assert_true(lx_mutate("h", open_record, effects) > 150);
}

static void test_torture(void **state)
{
    (void)state;
    lx_torture("h", open_record);
    lx_torture("h", REC("<", "unlink", "res=-2(ENOENT) path=b ", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_host),
            cmocka_unit_test(test_process),
            cmocka_unit_test(test_open),
            cmocka_unit_test(test_files),
            cmocka_unit_test(test_network),
            cmocka_unit_test(test_object_on_enter),
            cmocka_unit_test(test_kernel),
            cmocka_unit_test(test_default_fields),
            cmocka_unit_test(test_mutation),
            cmocka_unit_test(test_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

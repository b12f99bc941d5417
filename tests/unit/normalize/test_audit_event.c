#include "audit_fixture.h"

/* What each listed system call and record type becomes. */
#define T1 "msg=audit(1700000000.123:501): "
#define CALL_OF(arch, nr, rest)                                                                    \
    "type=SYSCALL " T1 "arch=" arch " syscall=" nr " " rest " ppid=1 pid=200 uid=0 comm=\"c\" "    \
    "exe=\"/bin/c\"\n"
#define CALL(nr, rest) CALL_OF("c000003e", nr, rest)
#define CWD "type=CWD " T1 "cwd=\"/w\"\n"
#define PATH(item, name, type) "type=PATH " T1 "item=" item " name=\"" name "\" nametype=" type "\n"
#define OK "success=yes exit=0 "

struct row {
    const char *lines;
    const char *head;
    const char *want[8];
};

static struct audit_out out;

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *const *w = rows[i].want;

        audit_open(&out);
        audit_feed(&out, rows[i].lines);
        if (out.n != 1)
            fail_msg("%zu results for\n%s", out.n, rows[i].lines);
        audit_expect(&out, 0, rows[i].head, w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], NULL);
        audit_close(&out);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_processes(void **state)
{
    static const struct row rows[] = {
            {CALL("57", "success=yes exit=321 items=0"), "process_fork",
                    {"target_process_id=321", "process_id=200", "!clone_flags="}},
            {CALL("58", "success=yes exit=321 items=0"), "process_fork", {"syscall=vfork"}},
            {CALL("56", "success=yes exit=321 a0=1200011 a1=0 items=0"), "process_fork",
                    {"target_process_id=321", "clone_flags=18874385"}},
            {CALL("435", "success=yes exit=321 a0=7ffe items=0"), "process_fork",
                    {"syscall=clone3", "!clone_flags="}},
            {CALL("57", "success=no exit=-11 items=0"), "process_fork",
                    {"success=false", "return_value=-11", "!target_process_id="}},
            {CALL("231", "a0=1 a1=0 items=0"), "process_terminate",
                    {"exit_code=1", "syscall=exit_group", "!success="}},
            {CALL("60", "a0=ffffffff items=0"), "process_terminate", {"exit_code=255"}},
            {CALL("59", "success=no exit=-13 items=1") CWD PATH("0", "run.sh", "NORMAL"),
                    "process_create 1700000000.123 host=test1 lines",
                    {"success=false", "target_filename=/w/run.sh", "image=/bin/c"}},
            {CALL("322", OK "a0=5 items=1") CWD PATH(
                     "0", "run.sh", "NORMAL") "type=EXECVE " T1 "argc=1 a0=\"run.sh\"\n",
                    "process_create", {"syscall=execveat", "target_filename=run.sh"}},
            {CALL("322", OK "a0=ffffff9c items=1") CWD PATH(
                     "0", "run.sh", "NORMAL") "type=EXECVE " T1 "argc=1 a0=\"run.sh\"\n",
                    "process_create", {"target_filename=/w/run.sh", "command_line=run.sh"}},
            {CALL("101", OK "a0=10 a1=4d2 items=0"), "process_ptrace",
                    {"ptrace_request=16", "target_process_id=1234"}},
            {CALL("101", OK "a0=0 a1=4d2 items=0"), "process_ptrace",
                    {"ptrace_request=0", "!target_process_id="}},
            {CALL("101", OK "a0=4206 a1=1 items=0") "type=OBJ_PID " T1 "opid=77 oauid=0 ouid=0\n",
                    "process_ptrace", {"target_process_id=77"}},
            {CALL("62", OK "a0=1fde a1=9 items=0"), "process_signal",
                    {"target_process_id=8158", "signal=9"}},
            {CALL("62", OK "a0=ffffffffffffffff a1=f items=0"), "process_signal",
                    {"signal=15", "!target_process_id="}},
            {CALL("234", OK "a0=a a1=b a2=6 items=0"), "process_signal",
                    {"target_process_id=10", "signal=6", "syscall=tgkill"}},
            {CALL("200", OK "a0=a a1=9 items=0"), "process_signal", {"target_process_id=10"}},
            {CALL("105", OK "a0=0 items=0"), "credential_change", {"new_uid=0", "!new_gid="}},
            {CALL("106", OK "a0=64 items=0"), "credential_change", {"new_gid=100", "!new_uid="}},
            {CALL("113", OK "a0=3e8 a1=0 items=0"), "credential_change", {"new_uid=0"}},
            {CALL("117", OK "a0=3e8 a1=ffffffff a2=ffffffff items=0"), "credential_change",
                    {"new_uid=1000"}},
            {CALL("117", OK "a0=ffffffffffffffff a1=ffffffffffffffff a2=0 items=0"),
                    "credential_change", {"!new_uid="}},
            {CALL_OF("40000003", "23", OK "a0=ffff items=0"), "credential_change",
                    {"arch=i386", "syscall=setuid", "!new_uid="}},
    };

    (void)state;
    CHECK(rows);
}

static void test_opens(void **state)
{
    static const struct row rows[] = {
            {CALL("2", "success=yes exit=3 a0=1 a1=80000 a2=1b6 items=1")
                            CWD PATH("0", "/etc/passwd", "NORMAL"),
                    "file_open",
                    {"target_filename=/etc/passwd", "open_flags=524288", "write_intent=false",
                            "fd=3", "!file_mode="}},
            {CALL("257",
                     "success=yes exit=3 a0=ffffffffffffff9c a1=1 a2=241 "
                     "a3=1b6 items=2") CWD PATH("0", "/w/", "PARENT")
                            PATH("1", "new.txt", "CREATE"),
                    "file_write",
                    {"target_filename=/w/new.txt", "open_flags=577", "write_intent=true",
                            "file_mode=438", "return_value=3"}},
            {CALL("257", "success=yes exit=3 a0=5 a1=1 a2=1 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_write", {"target_filename=x", "write_intent=true"}},
            {CALL("2", "success=yes exit=3 a1=2 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_write", {"write_intent=true"}},
            {CALL("2", "success=yes exit=3 a1=200 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_write", {"write_intent=true"}},
            /* O_PATH: nothing is opened for reading or writing */
            {CALL("2", "success=yes exit=3 a1=200002 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_open", {"write_intent=false"}},
            {CALL("2", "success=no exit=-13 a1=1 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_write", {"success=false", "return_value=-13", "!fd="}},
            {CALL("437",
                     "success=yes exit=3 a0=ffffff9c a1=1 a2=2 a3=18 "
                     "items=1") "type=OPENAT2 " T1
                                "oflag=0100302 mode=0600 resolve=0x8\n" CWD PATH(
                                        "0", "x", "NORMAL"),
                    "file_write",
                    {"open_flags=32962", "write_intent=true", "target_filename=/w/x"}},
            {CALL("437", "success=yes exit=3 a0=ffffff9c items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_open", {"!open_flags=", "!write_intent="}},
            {CALL("437", "success=yes exit=3 a0=ffffff9c items=1") CWD PATH("0", "x", "CREATE"),
                    "file_write", {"!open_flags=", "write_intent=true"}},
            {CALL("304", "success=yes exit=3 a0=1 a1=2 a2=0 items=0"), "file_open",
                    {"syscall=open_by_handle_at", "write_intent=false"}},
            {CALL("85", "success=yes exit=4 a1=1ff items=2") CWD PATH("0", "/w", "PARENT")
                            PATH("1", "x", "CREATE"),
                    "file_create",
                    {"target_filename=/w/x", "write_intent=true", "file_mode=511", "fd=4"}},
            {CALL("76", OK "items=1") CWD PATH("0", "x", "NORMAL"), "file_write",
                    {"target_filename=/w/x", "write_intent=true"}},
            {CALL("77", OK "a0=7 items=0"), "file_write", {"fd=7", "write_intent=true"}},
    };

    (void)state;
    CHECK(rows);
}

static void test_names(void **state)
{
    static const struct row rows[] = {
            {CALL("87", OK "items=2") CWD PATH("0", "/w/", "PARENT") PATH("1", "a/../b", "DELETE"),
                    "file_delete", {"target_filename=/w/b"}},
            {CALL("263", OK "a0=ffffff9c items=2") CWD PATH("0", "/w", "PARENT")
                            PATH("1", "1.txt", "DELETE"),
                    "file_delete", {"target_filename=/w/1.txt"}},
            {CALL("263", OK "a0=4 items=2") CWD PATH("0", "/w", "PARENT") PATH("1", "f", "DELETE"),
                    "file_delete", {"target_filename=f"}},
            {CALL("84", OK "items=2") CWD PATH("0", "/w", "PARENT") PATH("1", "/w/d", "DELETE"),
                    "file_delete", {"target_filename=/w/d", "syscall=rmdir"}},
            /* a failed call looked the name up, no more */
            {CALL("87", "success=no exit=-2 items=1") CWD PATH("0", "/w/", "PARENT"), "file_delete",
                    {"success=false", "!target_filename="}},
            {CALL("82", OK "items=4") CWD PATH("0", "/w/", "PARENT") PATH("1", "/w/", "PARENT")
                            PATH("2", "old", "DELETE") PATH("3", "new", "CREATE"),
                    "file_rename", {"target_filename=/w/old", "new_filename=/w/new"}},
            /* the new name was there before, and was replaced */
            {CALL("82", OK "items=5") CWD PATH("0", "/w/", "PARENT") PATH("1", "/w/", "PARENT")
                            PATH("2", "/w/old", "DELETE") PATH("3", "/w/new", "DELETE")
                                    PATH("4", "/w/new", "CREATE"),
                    "file_rename", {"target_filename=/w/old", "new_filename=/w/new"}},
            /* PATH records in another order than their numbers */
            {CALL("82", OK "items=5") CWD PATH("4", "/w/new", "CREATE")
                            PATH("3", "/w/new", "DELETE") PATH("1", "/w/", "PARENT")
                                    PATH("2", "/w/old", "DELETE") PATH("0", "/w/", "PARENT"),
                    "file_rename", {"target_filename=/w/old", "new_filename=/w/new"}},
            {CALL("316", OK "a0=3 a2=ffffff9c items=4") CWD PATH("0", "x", "PARENT") PATH(
                     "1", "/w", "PARENT") PATH("2", "old", "DELETE") PATH("3", "new", "CREATE"),
                    "file_rename", {"target_filename=old", "new_filename=/w/new"}},
            {CALL("86", OK "items=3") CWD PATH("0", "/etc/shadow", "NORMAL")
                            PATH("1", "/w", "PARENT") PATH("2", "s", "CREATE"),
                    "file_link", {"target_filename=/etc/shadow", "new_filename=/w/s"}},
            {CALL("265", OK "a0=5 a2=6 items=3") CWD PATH("0", "a", "NORMAL")
                            PATH("1", "d", "PARENT") PATH("2", "b", "CREATE"),
                    "file_link", {"target_filename=a", "new_filename=b"}},
            /* what a symbolic link holds counts from where the link stands */
            {CALL("88", OK "items=3") CWD PATH("0", "../etc/shadow", "UNKNOWN")
                            PATH("1", "/v", "PARENT") PATH("2", "/v/s", "CREATE"),
                    "file_link", {"target_filename=/etc/shadow", "new_filename=/v/s"}},
            {CALL("266", OK "a1=ffffff9c items=3") CWD PATH("0", "/etc", "UNKNOWN")
                            PATH("1", "/", "PARENT") PATH("2", "/e", "CREATE"),
                    "file_link", {"target_filename=/etc", "new_filename=/e"}},
            {CALL("83", OK "a1=1ed items=2") CWD PATH("0", "/w", "PARENT") PATH("1", "d", "CREATE"),
                    "file_create",
                    {"target_filename=/w/d", "file_type=directory", "file_mode=493"}},
            {CALL("133", OK "a1=1180 items=2") CWD PATH("0", "/run/", "PARENT")
                            PATH("1", "/run/23.ref", "CREATE"),
                    "file_create",
                    {"target_filename=/run/23.ref", "file_type=fifo", "file_mode=384"}},
            {CALL("259", OK "a0=ffffff9c a2=2180 items=2") CWD PATH("0", "/dev/", "PARENT")
                            PATH("1", "/dev/n", "CREATE"),
                    "file_create", {"file_type=char_device", "target_filename=/dev/n"}},
            {CALL("90", OK "a1=9ed items=1") CWD PATH("0", "/w/x", "NORMAL"), "file_mode_change",
                    {"file_mode=2541", "target_filename=/w/x"}},
            {CALL("91", OK "a0=3 a1=1ff items=1") "type=PATH " T1
                                                  "item=0 name=(null) inode=3 nametype=NORMAL\n",
                    "file_mode_change 1700000000.123 host=test1 lines",
                    {"fd=3", "file_mode=511", "!target_filename="}},
            {CALL("268", OK "a0=ffffff9c a2=1c0 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_mode_change", {"file_mode=448", "target_filename=/w/x"}},
            {CALL("92", OK "a1=3e8 a2=ffffffff items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_owner_change",
                    {"file_owner_uid=1000", "!file_owner_gid=", "target_filename=/w/x"}},
            {CALL("260", OK "a0=ffffff9c a2=0 a3=5 items=1") CWD PATH("0", "x", "NORMAL"),
                    "file_owner_change", {"file_owner_uid=0", "file_owner_gid=5"}},
            /* hex where a name has a space, nothing where there is none */
            {CALL("87", OK "items=1") "type=CWD " T1 "cwd=2F612062\ntype=PATH " T1
                                      "item=0 name=632064 nametype=DELETE\n",
                    "file_delete", {"target_filename=/a b/c d", "current_directory=/a b"}},
            {CALL("165", OK "a3=1 items=2") CWD PATH("0", "/mnt", "UNKNOWN")
                            PATH("1", "/mnt", "NORMAL"),
                    "mount", {"mount_target=/mnt", "mount_flags=1", "!mount_source="}},
            {CALL("165", OK "a3=1000 items=2") CWD PATH("0", "/mnt", "NORMAL")
                            PATH("1", "/dev/sdb1", "NORMAL"),
                    "mount", {"mount_target=/mnt", "mount_source=/dev/sdb1", "mount_flags=4096"}},
    };

    (void)state;
    CHECK(rows);
}

#define SADDR(hex) "type=SOCKADDR " T1 "saddr=" hex "\n"

static void test_sockets(void **state)
{
    static const struct row rows[] = {
            {CALL("42", "success=yes exit=0 a0=3 items=0")
                            SADDR("02000050A9FEA9FE0000000000000000"),
                    "network_connect 1700000000.123 host=test1 lines",
                    {"destination_ip=169.254.169.254", "destination_port=80", "socket_family=ipv4",
                            "initiated=true", "fd=3", "success=true", "!source_ip="}},
            /* under way: neither succeeded nor failed */
            {CALL("42", "success=no exit=-115 a0=3 items=0")
                            SADDR("0A0001BB0000000020010DB800000000000000000000000200000000"),
                    "network_connect",
                    {"destination_ip=2001:db8::2", "destination_port=443", "socket_family=ipv6",
                            "return_value=-115", "!success="}},
            {CALL("42", "success=no exit=-111 a0=3 items=0") SADDR("0200005001010101"),
                    "network_connect", {"success=false", "return_value=-111"}},
            {CALL("42", "success=yes exit=0 a0=3 items=1") SADDR("01002F6465762F6C6F6700")
                            CWD PATH("0", "/dev/log", "NORMAL"),
                    "network_connect",
                    {"socket_family=unix", "socket_path=/dev/log", "!destination_ip="}},
            {CALL("42", "success=yes exit=0 a0=3 items=0") SADDR("0100006162") CWD,
                    "network_connect", {"socket_path=@ab"}},
            {CALL("42", "success=yes exit=0 a0=3 items=0") SADDR("01007075622F782E") CWD,
                    "network_connect", {"socket_path=/w/pub/x."}},
            {CALL("42", "success=yes exit=0 a0=3 items=0") SADDR("100000000000000000000000"),
                    "network_connect", {"socket_family=netlink", "!destination_port="}},
            {CALL("43", "success=yes exit=5 a0=3 items=0") SADDR("0200E31C4853E664"),
                    "network_accept",
                    {"source_ip=72.83.230.100", "source_port=58140", "initiated=false", "fd=3",
                            "return_value=5", "!destination_ip="}},
            {CALL("288", "success=yes exit=5 a0=3 items=0"),
                    "network_accept 1700000000.123 host=test1 lines", {"!source_ip="}},
            {CALL("49", "success=yes exit=0 a0=3 items=0") SADDR("0200115C00000000"),
                    "network_bind", {"source_ip=0.0.0.0", "source_port=4444", "!initiated="}},
            {CALL("50", "success=yes exit=0 a0=3 a1=80 items=0"), "network_listen",
                    {"fd=3", "backlog=128"}},
            /* a big-endian machine */
            {CALL_OF("80000015", "328", "success=yes exit=0 a0=3 items=0 SYSCALL=connect")
                            SADDR("0002D9037F0000010000000000000000"),
                    "network_connect",
                    {"destination_ip=127.0.0.1", "destination_port=55555", "arch=ppc64"}},
            /* 32-bit x86 puts all of them behind one call */
            {CALL_OF("40000003", "102",
                     "success=yes exit=0 a0=3 a1=bf items=0") "type=SOCKETCALL " T1
                                                              "nargs=3 a0=7 a1=bf a2=10\n" SADDR(
                                                                      "0200005001020304"),
                    "network_connect",
                    {"syscall=connect", "fd=7", "destination_ip=1.2.3.4", "arch=i386"}},
            {CALL_OF("40000003", "102",
                     "success=yes exit=0 a0=4 a1=bf items=0") "type=SOCKETCALL " T1
                                                              "nargs=2 a0=7 a1=5\n",
                    "network_listen", {"backlog=5", "fd=7"}},
            {CALL_OF("40000003", "102", "success=yes exit=0 a0=9 a1=bf items=0"),
                    "DEAD unsupported_type \"system call send\"", {NULL}},
    };

    (void)state;
    CHECK(rows);
}

static void test_kernel(void **state)
{
    static const struct row rows[] = {
            {CALL("175", OK "items=0") "type=KERN_MODULE " T1 "name=\"rootkit\"\n",
                    "kernel_module_load", {"module_name=rootkit", "syscall=init_module"}},
            {CALL("313", OK "a0=3 items=0") "type=KERN_MODULE " T1 "name=\"xt_tcp\"\n",
                    "kernel_module_load", {"module_name=xt_tcp", "fd=3"}},
            {CALL("319", "success=yes exit=7 a1=1 items=0"), "memfd_create",
                    {"fd=7", "!memfd_name="}},
            {CALL("321", OK "a0=5 items=0") "type=BPF " T1 "prog-id=12 op=LOAD\n", "bpf",
                    {"bpf_command=5", "audit_record_type=SYSCALL"}},
            {"type=BPF " T1 "prog-id=12 op=UNLOAD\n", "bpf",
                    {"operation=UNLOAD", "audit_record_type=BPF", "!bpf_command="}},
            {CALL_OF("c00000b7", "221", OK "items=0") "type=EXECVE " T1 "argc=1 a0=\"id\"\n",
                    "process_create", {"arch=aarch64", "command_line=id"}},
    };

    (void)state;
    CHECK(rows);
}

#define USER(type, msg) "type=" type " " T1 "pid=9 uid=0 auid=1000 ses=4 msg='" msg "'\n"

static void test_user_records(void **state)
{
    static const struct row rows[] = {
            {USER("USER_LOGIN",
                     "op=login id=1001 exe=\"/usr/sbin/sshd\" hostname=h.example "
                     "addr=72.83.230.100 terminal=/dev/pts/1 res=success"),
                    "logon 1700000000.123",
                    {"account=1001", "operation=login", "remote_address=72.83.230.100",
                            "source_hostname=h.example", "terminal=/dev/pts/1",
                            "image=/usr/sbin/sshd", "success=true",
                            "audit_record_type=USER_LOGIN"}},
            {USER("USER_LOGIN",
                     "op=login acct=28696E76616C6964207573657229 exe=\"/usr/sbin/sshd\" "
                     "hostname=? addr=179.38.151.221 terminal=sshd res=failed"),
                    "logon_failed",
                    {"account=(invalid user)", "success=false",
                            "!source_hostname=", "remote_address=179.38.151.221"}},
            {USER("USER_AUTH",
                     "op=PAM:authentication grantors=? acct=\"root\" exe=\"/bin/su\" "
                     "hostname=? addr=? terminal=/dev/pts/0 res=failed"),
                    "logon_failed",
                    {"account=root", "!remote_address=", "process_id=9", "auid=1000"}},
            {USER("USER_AUTH", "op=PAM:authentication acct=\"bob\" res=success"), "logon ",
                    {"account=bob"}},
            {USER("USER_START", "op=PAM:session_open acct=\"bob\" res=success"), "logon ",
                    {"session_id=4"}},
            /* text that is no hex digit by digit: an account called "bad" */
            {USER("USER_START", "op=PAM:session_open acct=cafe res=success"), "logon ",
                    {"account=cafe"}},
            {"type=USER_LOGIN " T1 "pid=9 uid=0 msg='op=login id=1001 res=success'\x1d"
             "UID=\"root\" ID=\"alice\"\n",
                    "logon ", {"account=alice", "user=root"}},
            {USER("ADD_USER", "op=add-user id=1000 exe=\"/usr/sbin/useradd\" res=success"),
                    "user_create", {"account=1000", "operation=add-user", "success=true"}},
            {USER("ADD_USER", "op=adding user acct=\"eve\" exe=\"/usr/sbin/useradd\" res=failed"),
                    "user_create", {"account=eve", "success=false"}},
            {USER("USER_CMD",
                     "cwd=\"/home/u\" cmd=2E2F6D62202D63206D622E796D6C "
                     "exe=\"/usr/bin/sudo\" terminal=pts/0 res=success"),
                    "process_create 1700000000.123 host=test1 lines",
                    {"command_line=./mb -c mb.yml", "current_directory=/home/u",
                            "image=/usr/bin/sudo", "process_id=9", "terminal=pts/0"}},
            {USER("USER_CMD", "cwd=\"/\" cmd=\"su\" terminal=? res=failed"), "process_create",
                    {"command_line=su", "success=false"}},
            {"type=CONFIG_CHANGE " T1 "auid=1000 ses=3 op=\"add_rule\" key=\"pam\" list=4 res=1\n",
                    "audit_config 1700000000.123 host=test1 lines",
                    {"operation=add_rule", "audit_key=pam", "success=true"}},
            {"type=CONFIG_CHANGE " T1 "audit_enabled=0 old=1 auid=0 res=1\n", "audit_config",
                    {"auid=0", "!operation="}},
            /* with the call that made the change: who did it is known */
            {"type=CONFIG_CHANGE " T1 "op=remove_rule key=\"k\" list=4 res=1\n" CALL("44",
                     "success=yes exit=1 items=0") "type=PROCTITLE " T1 "proctitle=\"auditctl\"\n",
                    "audit_config 1700000000.123 host=test1 lines=3",
                    {"operation=remove_rule", "audit_key=k", "image=/bin/c",
                            "command_line=auditctl", "syscall=sendto",
                            "audit_record_type=CONFIG_CHANGE"}},
            {"type=DAEMON_START " T1 "op=start ver=2.8.5 format=raw kernel=5.4 auid=4294967295 "
             "pid=813 uid=0 ses=4294967295 res=success\n",
                    "audit_config",
                    {"operation=start", "process_id=813", "audit_record_type=DAEMON_START"}},
            {"type=DAEMON_END " T1 "auditd normal halt, sending auid=0 pid=1 subj=x res=success\n",
                    "audit_config", {"success=true", "!operation="}},
            {"type=USER_END " T1 "pid=1 msg='op=PAM:session_close res=success'\n",
                    "DEAD unsupported_type \"record type USER_END\"", {NULL}},
            {"type=SERVICE_STOP " T1 "pid=1 msg='unit=auditd res=success'\n",
                    "DEAD unsupported_type \"record type SERVICE_STOP\"", {NULL}},
    };

    (void)state;
    CHECK(rows);
}

/* A program's record is a whole event: it does not wait, and what follows under its serial is the
 * call that sent it. */
static void test_user_record_is_at_once(void **state)
{
    (void)state;
    audit_open(&out);
    audit_line(
            &out, "type=USER_START " T1 "pid=9 msg='op=PAM:session_open acct=\"u\" res=success'");
    assert_int_equal(out.events, 1);
    audit_feed(&out, CALL("44", "success=yes exit=1 items=0"));
    assert_int_equal(out.events, 1);
    assert_int_equal(out.dead, 1);
    audit_close(&out);
}

/* A title ends an event where nothing is missing, also without EOE. */
static void test_title_ends(void **state)
{
    (void)state;
    audit_open(&out);
    audit_line(
            &out, "type=SYSCALL " T1 "arch=c000003e syscall=87 success=yes exit=0 items=1 pid=2");
    audit_line(&out, "type=PATH " T1 "item=0 name=\"/x\" nametype=DELETE");
    assert_int_equal(out.n, 0);
    audit_line(&out, "type=PROCTITLE " T1 "proctitle=\"rm\"");
    assert_int_equal(out.events, 1);
    audit_line(&out, "type=EOE " T1);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.skipped, 1);
    audit_close(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_processes),
            cmocka_unit_test(test_opens),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_sockets),
            cmocka_unit_test(test_kernel),
            cmocka_unit_test(test_user_records),
            cmocka_unit_test(test_user_record_is_at_once),
            cmocka_unit_test(test_title_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

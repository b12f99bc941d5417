#include "linux_fixture.h"

#define PROCESS                                                                                    \
    "'process':{'exec_id':'bm9kZTo1OjEwMA==','pid':100,'uid':0,'cwd':'/root',"                     \
    "'binary':'/usr/bin/curl','arguments':'-s http://203.0.113.7/','flags':'execve clone',"        \
    "'start_time':'2024-05-02T11:04:05.123456789Z','auid':1000,'tid':101,"                         \
    "'docker':'0a1b2c','pod':{'namespace':'ns','name':'web-0','container':{"                       \
    "'id':'containerd://0a1b2c3d','name':'web','image':{'id':'x','name':'nginx:1.25'}}}}"
#define PARENT                                                                                     \
    "'parent':{'exec_id':'x','pid':99,'uid':0,'binary':'/bin/sh','arguments':'-c x',"              \
    "'start_time':'2024-05-02T11:00:00Z'}"
#define TAIL "'node_name':'Node-1','time':'2024-05-02T11:04:05.200000001Z'}"
#define REC(kind, more) "{'" kind "':{" PROCESS "," PARENT more "}," TAIL
#define ON_HOST(function, args)                                                                    \
    "{'process_kprobe':{'process':{'pid':100},'function_name':'" function "','args':[" args        \
    "]}," TAIL
#define KPROBE(function, args)                                                                     \
    REC("process_kprobe", ",'function_name':'" function "','policy_name':'pol','args':[" args "]")

static const char exec_record[] = REC("process_exec", "");

static void test_golden(void **state)
{
    (void)state;
    lx_golden("tetragon", "");
}

static void test_process(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, exec_record, PROCESS_CREATE, "process_guid=100:1714647845123456789", "process_id=100",
            "thread_id=101", "image=/usr/bin/curl",
            "command_line=/usr/bin/curl -s http://203.0.113.7/", "current_directory=/root", "uid=0",
            "auid=1000", "parent_process_guid=99:1714647600000000000",
            "parent_command_line=/bin/sh -c x", "container_id=0a1b2c3d", "container_name=web",
            "container_image=nginx:1.25", "pod_name=web-0", "pod_namespace=ns");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1714647845200000001));
    assert_true(lg_str_eq(o->ev[0].hostname, LG_STR("node-1")));
    EVENT(o, REC("process_exit", ",'signal':'SIGKILL','status':137"), PROCESS_TERMINATE, "signal=9",
            "exit_code=137");
    EVENT(o, REC("process_loader", ",'path':'/tmp/evil.so','buildid':'x'"), IMAGE_LOAD,
            "image_loaded=/tmp/evil.so");
    EVENT(o,
            "{'process_exec':{'process':{'pid':5,'binary':'/bin/id','start_time':"
            "'2024-05-02T11:04:05Z'}},'node_name':'n'}",
            PROCESS_CREATE, "command_line=/bin/id", "!parent_process_id");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1714647845000000000)); /* its start */
    DEAD(o, "{'process_exit':{'process':{'pid':5}},'node_name':'n'}", "bad_time");
    DEAD(o, "{'process_exec':{'parent':{'pid':5}}," TAIL, "missing_field");
    DEAD(o, REC("process_uprobe", ",'path':'/bin/x','symbol':'s'"), "unsupported_type");
    lx_free(o);
}

static void test_network(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define ENDS                                                                                       \
    ",'source_ip':'10.0.0.5','source_port':43211,'destination_ip':'203.0.113.7',"                  \
    "'destination_port':443,'protocol':'TCP'"
    EVENT(o, REC("process_connect", ENDS), NETWORK_CONNECT, "source_ip=10.0.0.5",
            "destination_port=443", "protocol=tcp", "initiated=true");
    EVENT(o, REC("process_accept", ENDS), NETWORK_ACCEPT, "initiated=false");
    EVENT(o, REC("process_close", ENDS ",'stats':{'bytes_sent':'10','bytes_received':'20'}"),
            NETWORK_CONNECT, "!initiated", "written_bytes=10", "read_bytes=20");
    EVENT(o, REC("process_listen", ",'ip':'0.0.0.0','port':80,'protocol':'TCP'"), NETWORK_LISTEN,
            "source_ip=0.0.0.0", "source_port=80", "!initiated");
    EVENT(o,
            REC("process_dns",
                    ",'dns':{'names':['example.org'],'ips':['203.0.113.7'],"
                    "'rcode':0}"),
            DNS_QUERY, "query_name=example.org", "query_results=203.0.113.7", "query_status=0");
#undef ENDS
    lx_free(o);
}

static void test_syscall_probe(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o,
            KPROBE("__x64_sys_openat",
                    "{'int_arg':-100},{'string_arg':'/etc/shadow'},{'int_arg':577}"),
            FILE_WRITE, "target_filename=/etc/shadow", "open_flags=577", "syscall=openat",
            "detection_rule=pol");
    EVENT(o, KPROBE("sys_openat", "{'string_arg':'/etc/shadow'},{'int_arg':0}"), FILE_OPEN,
            "open_flags=0", "write_intent=false");
    EVENT(o,
            KPROBE("__x64_sys_write",
                    "{'file_arg':{'path':'etc/passwd'}},{'bytes_arg':'eA=='},"
                    "{'size_arg':'627'}"),
            FILE_WRITE, "target_filename=/etc/passwd", "written_bytes=627");
    EVENT(o, ON_HOST("__x64_sys_ptrace", "{'int_arg':16},{'int_arg':77}"), PROCESS_PTRACE,
            "ptrace_request=16", "target_process_id=77");
    EVENT(o, ON_HOST("__x64_sys_kill", "{'int_arg':77},{'int_arg':9}"), PROCESS_SIGNAL,
            "target_process_id=77", "signal=9");
    /* in a container the number is not the host's */
    EVENT(o, KPROBE("__x64_sys_kill", "{'int_arg':77},{'int_arg':9}"), PROCESS_SIGNAL,
            "!target_process_id", "signal=9");
    EVENT(o, KPROBE("__x64_sys_setresuid", "{'int_arg':-1},{'int_arg':0},{'int_arg':-1}"),
            CREDENTIAL_CHANGE, "new_uid=0");
    EVENT(o, KPROBE("__x64_sys_setuid", "{'int_arg':0}"), CREDENTIAL_CHANGE, "new_uid=0");
    EVENT(o, KPROBE("__x64_sys_setgid", "{'int_arg':5}"), CREDENTIAL_CHANGE, "new_gid=5",
            "!new_uid");
    EVENT(o,
            KPROBE("__x64_sys_fchmodat",
                    "{'int_arg':-100},{'string_arg':'/tmp/x'},{'int_arg':2541}"),
            FILE_MODE_CHANGE, "target_filename=/tmp/x", "file_mode=2541");
    EVENT(o, KPROBE("__x64_sys_renameat2", "{'string_arg':'/a'},{'string_arg':'/b'}"), FILE_RENAME,
            "target_filename=/a", "new_filename=/b");
    EVENT(o,
            KPROBE("__x64_sys_mount",
                    "{'string_arg':'/dev/sda1'},{'string_arg':'/mnt'},"
                    "{'string_arg':'ext4'},{'int_arg':4096}"),
            MOUNT, "mount_source=/dev/sda1", "mount_target=/mnt", "mount_type=ext4",
            "mount_flags=4096");
    EVENT(o, KPROBE("__x64_sys_memfd_create", "{'string_arg':'x'}"), MEMFD_CREATE, "memfd_name=x");
    EVENT(o, KPROBE("__x64_sys_bpf", "{'int_arg':5}"), BPF, "bpf_command=5");
    EVENT(o,
            REC("process_kprobe",
                    ",'function_name':'__x64_sys_unlink','args':[{'string_arg':"
                    "'/x'}],'return':{'int_arg':-13}"),
            FILE_DELETE, "target_filename=/x", "success=false", "return_value=-13");
    EVENT(o,
            REC("process_tracepoint",
                    ",'subsys':'syscalls','event':'sys_enter_connect','args':["
                    "{'sockaddr_arg':{'family':'AF_INET','addr':'203.0.113.7',"
                    "'port':443}}]"),
            NETWORK_CONNECT, "destination_ip=203.0.113.7", "destination_port=443", "initiated=true",
            "syscall=connect");
    SKIP(o, REC("process_tracepoint", ",'event':'sys_exit_connect','args':[]"), "paired_record");
    SKIP(o, KPROBE("__x64_sys_execve", "{'string_arg':'/bin/x'}"), "paired_record");
    SKIP(o, KPROBE("security_bprm_check", ""), "paired_record");
    DEAD(o, KPROBE("__x64_sys_clone", "{'int_arg':17}"), "missing_field");
    DEAD(o, KPROBE("__x64_sys_close", "{'int_arg':3}"), "unsupported_type");
    lx_free(o);
}

static void test_kernel_probe(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define SOCK                                                                                       \
    "{'sock_arg':{'family':'AF_INET','type':'SOCK_STREAM','protocol':'IPPROTO_TCP',"               \
    "'saddr':'10.0.0.5','daddr':'203.0.113.7','sport':43211,'dport':443}}"
    EVENT(o, KPROBE("tcp_connect", SOCK), NETWORK_CONNECT, "source_ip=10.0.0.5",
            "source_port=43211", "destination_ip=203.0.113.7", "destination_port=443",
            "protocol=tcp", "initiated=true", "!syscall");
    EVENT(o, KPROBE("inet_csk_accept", SOCK), NETWORK_ACCEPT, "source_ip=203.0.113.7",
            "source_port=443", "destination_ip=10.0.0.5", "initiated=false");
    EVENT(o, KPROBE("inet_csk_listen_start", SOCK ",{'int_arg':5}"), NETWORK_LISTEN,
            "source_ip=10.0.0.5", "!destination_ip", "backlog=5");
    EVENT(o, KPROBE("tcp_close", SOCK), NETWORK_CONNECT, "!initiated");
    EVENT(o, KPROBE("fd_install", "{'int_arg':3},{'file_arg':{'path':'/etc/shadow'}}"), FILE_OPEN,
            "target_filename=/etc/shadow", "!write_intent");
    EVENT(o,
            KPROBE("security_file_permission", "{'file_arg':{'path':'/etc/shadow'}},{'int_arg':2}"),
            FILE_WRITE, "write_intent=true");
    EVENT(o,
            KPROBE("security_file_permission", "{'file_arg':{'path':'/etc/shadow'}},{'int_arg':4}"),
            FILE_OPEN, "write_intent=false");
    EVENT(o, KPROBE("security_mmap_file", "{'file_arg':{'path':'/tmp/x.so'}},{'uint_arg':5}"),
            IMAGE_LOAD, "image_loaded=/tmp/x.so", "!target_filename");
    EVENT(o,
            REC("process_lsm",
                    ",'function_name':'file_open','args':[{'file_arg':{'path':"
                    "'/etc/x'}}]"),
            FILE_OPEN, "target_filename=/etc/x");
    EVENT(o, KPROBE("do_init_module", "{'module_arg':{'name':'rk','tainted':['x']}}"),
            KERNEL_MODULE_LOAD, "module_name=rk");
    EVENT(o, KPROBE("commit_creds", "{'process_credentials_arg':{'uid':1000,'euid':0,'egid':0}}"),
            CREDENTIAL_CHANGE, "new_uid=0", "new_gid=0");
    EVENT(o,
            KPROBE("security_sb_mount",
                    "{'string_arg':'/dev/sda1'},{'path_arg':{'path':'/mnt'}},"
                    "{'string_arg':'ext4'}"),
            MOUNT, "mount_target=/mnt", "mount_type=ext4");
    EVENT(o,
            KPROBE("bpf_check",
                    "{'bpf_attr_arg':{'ProgType':'BPF_PROG_TYPE_KPROBE','InsnCnt':5,"
                    "'ProgName':'n'}}"),
            BPF, "bpf_program_type=BPF_PROG_TYPE_KPROBE");
    DEAD(o, KPROBE("wake_up_new_task", ""), "unsupported_type");
#undef SOCK
    lx_free(o);
}

#define PARENT_FIELDS                                                                              \
    "parent_process_guid parent_process_id parent_start_time parent_image parent_command_line"
#define POD_FIELDS "pod_name pod_namespace container_id container_name container_image"

static void test_mutation(void **state)
{
    static const struct lx_effect effects[] = {{"process_exec", "*"}, {"process_exec/process", "*"},
            {"node_name", "*"}, {"time", "*"},
            {"process_exec/process/pid", "process_guid process_id"},
            {"process_exec/process/tid", "thread_id"}, {"process_exec/process/uid", "uid"},
            {"process_exec/process/auid", "auid"},
            {"process_exec/process/cwd", "current_directory"},
            {"process_exec/process/binary", "image command_line"},
            {"process_exec/process/arguments", "command_line"},
            {"process_exec/process/start_time", "process_guid process_start_time"},
            {"process_exec/process/docker", ""}, {"process_exec/process/pod", POD_FIELDS},
            {"process_exec/process/pod/name", "pod_name"},
            {"process_exec/process/pod/namespace", "pod_namespace"},
            {"process_exec/process/pod/container", "container_id container_name container_image"},
            {"process_exec/process/pod/container/id", "container_id"},
            {"process_exec/process/pod/container/name", "container_name"},
            {"process_exec/process/pod/container/image", "container_image"},
            {"process_exec/process/pod/container/image/name", "container_image"},
            {"process_exec/parent", PARENT_FIELDS},
            {"process_exec/parent/pid", "parent_process_guid parent_process_id"},
            {"process_exec/parent/start_time", "parent_process_guid parent_start_time"},
            {"process_exec/parent/binary", "parent_image parent_command_line"},
            {"process_exec/parent/arguments", "parent_command_line"}, {NULL, NULL}};

    (void)state;
    assert_true(lx_mutate("", exec_record, effects) > 200);
}

static void test_torture(void **state)
{
    (void)state;
    lx_torture("", exec_record);
    lx_torture("", KPROBE("fd_install", "{'int_arg':3},{'file_arg':{'path':'etc/shadow'}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_process),
            cmocka_unit_test(test_network),
            cmocka_unit_test(test_syscall_probe),
            cmocka_unit_test(test_kernel_probe),
            cmocka_unit_test(test_mutation),
            cmocka_unit_test(test_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

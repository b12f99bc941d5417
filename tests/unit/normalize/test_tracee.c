#include "linux_fixture.h"

#define HEAD(name, ret)                                                                            \
    "{'timestamp':1714647845123456789,'threadStartTime':1714647845000000001,'processId':100,"      \
    "'threadId':100,'parentProcessId':99,'hostProcessId':100,'hostThreadId':100,"                  \
    "'hostParentProcessId':99,'userId':1000,'processName':'bash','hostName':'Fujitsu',"            \
    "'executable':{'path':'/bin/bash'},'container':{'id':'0a1b','name':'web','image':'nginx'},"    \
    "'kubernetes':{'podName':'web-0','podNamespace':'ns'},'eventId':'1','eventName':'" name        \
    "','returnValue':" ret ",'syscall':'" name "',"
#define REC(name, ret, args) HEAD(name, ret) "'args':[" args "]}"
#define ARG(name, value) "{'name':'" name "','type':'t','value':" value "}"

static const char open_record[] = REC("security_file_open", "0",
        ARG("pathname", "'/tmp/testing.txt'") "," ARG("flags", "'O_WRONLY|O_CREAT|O_TRUNC'"));

static void test_golden(void **state)
{
    (void)state;
    lx_golden("tracee", "");
}

static void test_process(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o,
            REC("sched_process_exec", "0",
                    ARG("cmdpath", "'curl'") "," ARG("pathname", "'/usr/bin/curl'") "," ARG(
                            "argv", "['curl','-s','x']") "," ARG("sha256", "'ab'")),
            PROCESS_CREATE, "process_guid=100:1714647845000000001", "process_id=100",
            "image=/usr/bin/curl", "command_line=curl -s x", "comm=bash", "uid=1000",
            "parent_process_id=99", "sha256=ab", "!success", "container_id=0a1b",
            "container_name=web", "container_image=nginx", "pod_name=web-0", "pod_namespace=ns",
            "process_start_time=1714647845000000001");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1714647845123456789));
    assert_true(lg_str_eq(o->ev[0].hostname, LG_STR("fujitsu")));
    EVENT(o,
            REC("sched_process_fork", "0",
                    ARG("child_tid", "200") "," ARG("child_pid", "200") "," ARG(
                            "start_time", "1714647845123000000")),
            PROCESS_FORK, "process_id=100", "target_process_id=200",
            "target_process_guid=200:1714647845123000000", "!new_thread_id");
    SKIP(o, REC("sched_process_fork", "0", ARG("child_tid", "201") "," ARG("child_pid", "100")),
            "thread");
    DEAD(o, REC("sched_process_fork", "0", ""), "missing_field");
    EVENT(o, REC("sched_process_exit", "0", ARG("exit_code", "1")), PROCESS_TERMINATE,
            "exit_code=1");
    EVENT(o, REC("clone", "300", ARG("flags", "'CLONE_CHILD_SETTID'")), PROCESS_FORK,
            "target_process_id=300", "clone_flags=16777216");
    SKIP(o, REC("clone", "300", ARG("flags", "'CLONE_VM|CLONE_THREAD'")), "thread");
    EVENT(o, REC("clone", "-11", ""), PROCESS_FORK, "!target_process_id", "success=false");
    SKIP(o, REC("security_bprm_check", "0", ""), "paired_record");
    SKIP(o, REC("exit_group", "0", ""), "paired_record");
    DEAD(o, REC("net_packet_tcp", "0", ""), "unsupported_type");
    lx_free(o);
}

/* A thread's start is not its process's, and time since boot is no date. */
static void test_start_time(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define AT(start, tid)                                                                             \
    "{'timestamp':1714647845123456789,'threadStartTime':" start ",'hostProcessId':100,"            \
    "'hostThreadId':" tid ",'hostName':'h','eventName':'sched_process_exit','args':["              \
    "{'name':'process_group_exit','type':'bool','value':true}]}"
    EVENT(o, AT("620311624458929", "100"), PROCESS_TERMINATE, "process_guid=100:620311624458929",
            "!process_start_time");
    EVENT(o, AT("1714647845000000001", "101"), PROCESS_TERMINATE, "!process_guid",
            "!process_start_time", "thread_id=101");
#undef AT
    SKIP(o,
            "{'timestamp':1714647845123456789,'hostProcessId':100,'hostThreadId':101,"
            "'hostName':'h','eventName':'sched_process_exit','args':[]}",
            "thread");
    lx_free(o);
}

static void test_files(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, open_record, FILE_WRITE, "target_filename=/tmp/testing.txt", "open_flags=577",
            "write_intent=true", "success=true");
    EVENT(o, REC("openat", "-2", ARG("pathname", "'/x'") "," ARG("flags", "0")), FILE_OPEN,
            "write_intent=false", "success=false", "return_value=-2");
    EVENT(o, REC("vfs_write", "64", ARG("pathname", "'/x'") "," ARG("count", "64")), FILE_WRITE,
            "target_filename=/x", "written_bytes=64", "!write_intent");
    EVENT(o, REC("security_inode_unlink", "0", ARG("pathname", "'/x'")), FILE_DELETE,
            "target_filename=/x");
    EVENT(o, REC("security_inode_rename", "0", ARG("old_path", "'/a'") "," ARG("new_path", "'/b'")),
            FILE_RENAME, "target_filename=/a", "new_filename=/b");
    EVENT(o, REC("symlink", "0", ARG("target", "'/a'") "," ARG("linkpath", "'/b'")), FILE_LINK,
            "target_filename=/a", "new_filename=/b");
    EVENT(o, REC("chmod_common", "0", ARG("pathname", "'/x'") "," ARG("mode", "2541")),
            FILE_MODE_CHANGE, "file_mode=2541");
    EVENT(o,
            REC("fchownat", "0",
                    ARG("pathname", "'/x'") "," ARG("owner", "0") "," ARG("group", "5")),
            FILE_OWNER_CHANGE, "file_owner_uid=0", "file_owner_gid=5");
    EVENT(o, REC("shared_object_loaded", "0", ARG("pathname", "'/tmp/x.so'")), IMAGE_LOAD,
            "image_loaded=/tmp/x.so");
    lx_free(o);
}

#define INET "{'sa_family':'AF_INET','sin_addr':'203.0.113.7','sin_port':'443'}"
#define INET6                                                                                      \
    "{'sa_family':'AF_INET6','sin6_addr':'2001:db8::1','sin6_port':'53','sin6_flowinfo':'0'}"

static void test_network(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o,
            REC("security_socket_connect", "0",
                    ARG("sockfd", "3") "," ARG("type", "'SOCK_STREAM'") "," ARG(
                            "remote_addr", INET)),
            NETWORK_CONNECT, "destination_ip=203.0.113.7", "destination_port=443", "fd=3",
            "protocol=tcp", "socket_family=ipv4", "initiated=true");
    EVENT(o, REC("connect", "-115", ARG("addr", INET6)), NETWORK_CONNECT,
            "destination_ip=2001:db8::1", "destination_port=53", "socket_family=ipv6", "!success");
    EVENT(o, REC("connect", "0", ARG("addr", "{'sa_family':'AF_UNIX','sun_path':'/run/x'}")),
            NETWORK_CONNECT, "socket_family=unix", "socket_path=/run/x", "!protocol");
    EVENT(o, REC("accept4", "5", ARG("addr", INET)), NETWORK_ACCEPT, "source_ip=203.0.113.7",
            "!destination_ip", "initiated=false");
    EVENT(o, REC("security_socket_accept", "0", ARG("local_addr", INET)), NETWORK_ACCEPT,
            "destination_ip=203.0.113.7", "!source_ip");
    EVENT(o, REC("security_socket_bind", "0", ARG("local_addr", INET)), NETWORK_BIND,
            "source_ip=203.0.113.7", "source_port=443", "!initiated");
    EVENT(o, REC("security_socket_listen", "0", ARG("local_addr", INET) "," ARG("backlog", "128")),
            NETWORK_LISTEN, "backlog=128", "source_port=443");
    EVENT(o,
            REC("net_flow_tcp_begin", "0",
                    ARG("conn_direction", "'incoming'") "," ARG("src", "'10.0.0.5'") "," ARG(
                            "src_port", "50000") "," ARG("dst", "'10.0.0.6'") "," ARG("dst_port",
                            "22")),
            NETWORK_ACCEPT, "source_ip=10.0.0.5", "destination_port=22", "initiated=false");
    EVENT(o,
            REC("net_packet_dns", "0",
                    ARG("proto_dns",
                            "{'responseCode':'no error','questions':[{'name':'example.org'}],"
                            "'answers':[{'IP':'','CNAME':'a.example.org'},{'IP':'203.0.113.7'}]}")),
            DNS_QUERY, "query_name=example.org", "query_status=no error",
            "query_results=a.example.org;203.0.113.7;");
    lx_free(o);
}

static void test_privileges(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, REC("setuid", "0", ARG("uid", "0")), CREDENTIAL_CHANGE, "new_uid=0");
    EVENT(o,
            REC("setresuid", "0",
                    ARG("ruid", "5") "," ARG("euid", "0") "," ARG("suid", "4294967295")),
            CREDENTIAL_CHANGE, "new_uid=0");
    EVENT(o,
            REC("commit_creds", "0",
                    ARG("old_cred", "{'Euid':1000}") "," ARG("new_cred", "{'Euid':0,'Egid':0}")),
            CREDENTIAL_CHANGE, "new_uid=0", "new_gid=0");
    EVENT(o, REC("ptrace", "0", ARG("request", "'PTRACE_ATTACH'") "," ARG("pid", "77")),
            PROCESS_PTRACE, "ptrace_request=16", "target_process_id=77");
    EVENT(o, REC("kill", "0", ARG("pid", "77") "," ARG("sig", "'SIGTERM'")), PROCESS_SIGNAL,
            "target_process_id=77", "signal=15");
    /* in a container the number is not the host's */
    EVENT(o,
            "{'timestamp':1714647845123456789,'hostProcessId':100,'processId':7,'hostName':'h',"
            "'eventName':'kill','args':[" ARG("pid", "8") "," ARG("sig", "9") "]}",
            PROCESS_SIGNAL, "!target_process_id", "signal=9");
    EVENT(o, REC("finit_module", "0", ARG("fd", "3") "," ARG("param_values", "'a=1'")),
            KERNEL_MODULE_LOAD, "module_args=a=1");
    EVENT(o,
            REC("security_kernel_read_file", "0",
                    ARG("pathname", "'/tmp/r.ko'") "," ARG("type", "'kernel-module'")),
            KERNEL_MODULE_LOAD, "target_filename=/tmp/r.ko");
    DEAD(o,
            REC("security_kernel_read_file", "0",
                    ARG("pathname", "'/f'") "," ARG("type", "'firmware'")),
            "unsupported_type");
    EVENT(o,
            REC("mount", "0",
                    ARG("source", "'/dev/sda1'") "," ARG("target", "'/mnt'") "," ARG(
                            "filesystemtype", "'ext4'") "," ARG("mountflags", "1")),
            MOUNT, "mount_source=/dev/sda1", "mount_target=/mnt", "mount_type=ext4",
            "mount_flags=1");
    EVENT(o, REC("memfd_create", "4", ARG("name", "'x'")), MEMFD_CREATE, "memfd_name=x");
    EVENT(o, REC("bpf", "5", ARG("cmd", "'BPF_PROG_LOAD'")), BPF, "bpf_command=5");
    lx_free(o);
}

/* A finding carries the event that it rests on; the signature's name is kept beside it. */
static void test_signature(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o,
            HEAD("anti_debugging",
                    "0") "'args':[{'name':'triggeredBy','type':'unknown','value':{"
                         "'id':101,'name':'ptrace','returnValue':-1,'args':[" ARG("request",
                                 "'PTRACE_TRACEME'") "]}}],'metadata':{'Properties':{"
                                                     "'signatureID':'TRC-102','signatureName':'"
                                                     "Anti-Debugging detected'}}}",
            PROCESS_PTRACE, "detection_rule=Anti-Debugging detected", "ptrace_request=0",
            "success=false");
    DEAD(o, HEAD("mine", "0") "'args':[],'metadata':{'Properties':{'signatureName':'x'}}}",
            "unsupported_type");
    EVENT(o, HEAD("setuid", "0") "'matchedPolicies':['p1','p2'],'args':[" ARG("uid", "0") "]}",
            CREDENTIAL_CHANGE, "detection_rule=p1");
    lx_free(o);
}

/* The later shape: messages as JSON. */
static void test_message_shape(void **state)
{
    struct lx_out *o = lx_new("stream-host");

    (void)state;
#define MESSAGE(name, data)                                                                        \
    "{'timestamp':'2024-05-02T11:04:05.123456789Z','id':1,'name':'" name "',"                      \
    "'policies':{'matched':['p']},'workload':{'process':{'executable':{'path':'/bin/bash'},"       \
    "'uniqueId':5,'hostPid':100,'pid':7,'realUser':{'id':1000},'thread':{"                         \
    "'startTime':'2024-05-02T11:04:05.000000001Z','name':'bash','hostTid':100,'tid':7,"            \
    "'syscall':'openat'},'ancestors':[{'hostPid':99,'pid':6}]},'container':{'id':'0a1b',"          \
    "'name':'web','image':{'name':'nginx'}},'k8s':{'pod':{'name':'web-0'},'namespace':{"           \
    "'name':'ns'}}},'data':[" data "]}"
    EVENT(o,
            MESSAGE("security_file_open",
                    "{'name':'pathname','str':'/etc/x'},{'name':'flags','int32':577},"
                    "{'name':'returnValue','int32':0}"),
            FILE_WRITE, "target_filename=/etc/x", "open_flags=577", "process_id=100",
            "process_guid=100:1714647845000000001", "parent_process_id=99", "uid=1000", "comm=bash",
            "image=/bin/bash", "container_image=nginx", "pod_name=web-0", "pod_namespace=ns",
            "detection_rule=p", "success=true", "syscall=openat");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1714647845123456789));
    EVENT(o,
            MESSAGE("sched_process_exec",
                    "{'name':'pathname','str':'/bin/id'},"
                    "{'name':'argv','strArray':{'value':['id','-u']}}"),
            PROCESS_CREATE, "image=/bin/id", "command_line=id -u");
    EVENT(o,
            MESSAGE("security_socket_connect",
                    "{'name':'remote_addr','sockaddr':{'saFamily':'AF_INET','sinAddr':"
                    "'203.0.113.7','sinPort':443}}"),
            NETWORK_CONNECT, "destination_ip=203.0.113.7", "destination_port=443");
    /* pids of a container are not the host's */
    SKIP(o, MESSAGE("clone", "{'name':'returnValue','int32':8}"), "paired_record");
#undef MESSAGE
    lx_free(o);
}

static void test_mutation(void **state)
{
    static const struct lx_effect effects[] = {{"timestamp", "*"}, {"hostName", "*"},
            {"eventName", "*"}, {"args", "*"}, {"args/name", "*"}, {"args/value", "*"},
            {"hostProcessId", "*"}, {"processId", ""}, {"threadId", ""},
            {"hostThreadId", "thread_id process_guid process_start_time"},
            {"threadStartTime", "process_guid process_start_time"},
            {"hostParentProcessId", "parent_process_id"}, {"parentProcessId", ""},
            {"userId", "uid"}, {"processName", "comm"}, {"executable", "image"},
            {"executable/path", "image"},
            {"container", "container_id container_name container_image"},
            {"container/id", "container_id"}, {"container/name", "container_name"},
            {"container/image", "container_image"}, {"kubernetes", "pod_name pod_namespace"},
            {"kubernetes/podName", "pod_name"}, {"kubernetes/podNamespace", "pod_namespace"},
            {"returnValue", "return_value success"}, {"syscall", "syscall"}, {NULL, NULL}};

    (void)state;
    assert_true(lx_mutate("", open_record, effects) > 200);
}

static void test_torture(void **state)
{
    (void)state;
    lx_torture("", open_record);
    lx_torture("", REC("sched_process_exec", "0", ARG("argv", "['a','b']")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_process),
            cmocka_unit_test(test_start_time),
            cmocka_unit_test(test_files),
            cmocka_unit_test(test_network),
            cmocka_unit_test(test_privileges),
            cmocka_unit_test(test_signature),
            cmocka_unit_test(test_message_shape),
            cmocka_unit_test(test_mutation),
            cmocka_unit_test(test_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

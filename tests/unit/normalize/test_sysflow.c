#include "linux_fixture.h"

#define PROC                                                                                       \
    "'proc':{'oid':'1690510365326622045.3600','pid':3600,'createts':1690510365326622045,"          \
    "'exe':'/usr/bin/bash','args':'-c id','uid':1000,'user':'mitthu','gid':1001,'group':'g',"      \
    "'tty':true,'entry':false,'containerid':null}"
#define PARENT                                                                                     \
    "'pproc':{'oid':'1690510365228074708.3583','pid':3583,'createts':1690510365228074708,"         \
    "'exe':'/usr/sbin/httpd','args':'-DFOREGROUND','uid':48,'user':'apache','gid':48,"             \
    "'group':'apache','tty':false,'entry':false,'containerid':null}"
#define HEAD(type, ops)                                                                            \
    "{'version':5,'host':'ptmachine','timestamp':'2023-07-28T02:12:45.335Z',"                      \
    "'ts':1690510365335937705,'type':'" type "','opflags':[" ops "],"
#define PE(ops, ret, tid) HEAD("PE", ops) "'ret':" ret ",'tid':" tid "," PROC "," PARENT "}"
#define FF(ops, type, path, flags, counts)                                                         \
    HEAD("FF", ops)                                                                                \
    "'endts':1690510365335937999,'tid':3600," PROC "," PARENT ",'file':{'oid':'aa1074',"           \
    "'type':'" type "','path':'" path "','fd':7,'openflags':" flags "},'flow':" counts "}"
#define NO_COUNTS "{'rops':0,'rbytes':0,'wops':0,'wbytes':0}"
#define READS "{'rops':2,'rbytes':150,'wops':0,'wbytes':0}"
#define WRITES "{'rops':0,'rbytes':0,'wops':3,'wbytes':99}"
#define BOTH "{'rops':2,'rbytes':150,'wops':3,'wbytes':99}"

static const char exec_record[] = PE("'EXEC'", "0", "3600");

static void test_golden(void **state)
{
    (void)state;
    lx_golden("sysflow", "");
}

static void test_process(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, exec_record, PROCESS_CREATE, "process_guid=3600:1690510365326622045",
            "process_id=3600", "process_start_time=1690510365326622045", "image=/usr/bin/bash",
            "command_line=/usr/bin/bash -c id", "user=mitthu", "uid=1000", "gid=1001",
            "parent_process_guid=3583:1690510365228074708", "parent_image=/usr/sbin/httpd",
            "parent_command_line=/usr/sbin/httpd -DFOREGROUND", "parent_user=apache",
            "success=true", "!container_id");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1690510365335937705));
    EVENT(o, PE("'EXEC'", "-2", "3600"), PROCESS_CREATE, "success=false", "return_value=-2");
    EVENT(o, PE("'EXIT'", "3", "3600"), PROCESS_TERMINATE, "exit_code=3");
    SKIP(o, PE("'EXIT'", "0", "3601"), "thread");
    EVENT(o, PE("'SETUID'", "0", "3600"), CREDENTIAL_CHANGE, "new_uid=1000");
    DEAD(o, PE("'SETNS'", "0", "3600"), "unsupported_type");
    lx_free(o);
}

/* One clone is told twice: by the parent, and by the child, who knows both. */
static void test_clone(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, PE("'CLONE'", "0", "3600"), PROCESS_FORK, "process_id=3583",
            "process_guid=3583:1690510365228074708", "image=/usr/sbin/httpd", "user=apache",
            "uid=48", "target_process_id=3600", "target_process_guid=3600:1690510365326622045",
            "target_image=/usr/bin/bash", "target_user=mitthu", "!parent_process_id");
    SKIP(o, PE("'CLONE'", "73", "3600"), "paired_record");
    SKIP(o, PE("'CLONE'", "0", "3777"), "thread");
    EVENT(o, PE("'CLONE'", "-11", "3600"), PROCESS_FORK, "process_id=3600", "success=false",
            "!target_process_id");
    SKIP(o, HEAD("PF", "'CLONE','EXIT'") PROC "," PARENT ",'flow':{'cloned':3,'exited':1}}",
            "thread");
    lx_free(o);
}

static void test_file_flow(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, FF("'OPEN','READ_RECV','CLOSE'", "file", "/etc/passwd", "4097", READS), FILE_OPEN,
            "target_filename=/etc/passwd", "write_intent=false", "open_flags=524288", "read_ops=2",
            "read_bytes=150", "!write_ops", "file_type=file", "fd=7");
    EVENT(o, FF("'OPEN','WRITE_SEND','CLOSE'", "file", "/tmp/x", "262", WRITES), FILE_WRITE,
            "write_intent=true", "open_flags=577", "write_ops=3", "written_bytes=99", "!read_ops");
    /* opened to write, not written: still the making of a file */
    EVENT(o, FF("'OPEN','CLOSE'", "file", "/tmp/x", "262", NO_COUNTS), FILE_WRITE,
            "write_intent=true", "write_ops=0");
    /* seen open only: some use of the file */
    EVENT(o, FF("'CLOSE'", "file", "/dev/pts/1", "0", NO_COUNTS), FILE_OPEN, "!write_intent",
            "!open_flags");
    EVENT(o, FF("'WRITE_SEND','TRUNCATE'", "pipe", "", "0", WRITES), FILE_WRITE, "!target_filename",
            "file_type=pipe", "!write_intent");
    /* OP_TRUNCATE cuts a flow in two; it writes nothing */
    EVENT(o, FF("'OPEN','READ_RECV','TRUNCATE'", "file", "/etc/passwd", "1", READS), FILE_OPEN,
            "write_intent=false");
    /* O_TMPFILE is reported for every opened directory */
    EVENT(o, FF("'OPEN','CLOSE'", "directory", "/etc", "13313", NO_COUNTS), FILE_OPEN,
            "write_intent=false", "open_flags=589824");
    EVENT(o, FF("'OPEN','READ_RECV'", "file", "/x", "['O_RDONLY','O_CLOEXEC']", READS), FILE_OPEN,
            "open_flags=524288");
    lx_free(o);
}

static void test_flow_of_two_events(void **state)
{
    struct lx_out *o = lx_new("");
    struct lg_uuid first;

    (void)state;
    lx_feed_z(o, FF("'OPEN','READ_RECV','WRITE_SEND','CLOSE'", "file", "/tmp/db", "3", BOTH));
    assert_int_equal(o->events, 2);
    WANT(o, 0, FILE_OPEN, "target_filename=/tmp/db", "read_ops=2", "read_bytes=150", "!write_ops",
            "!write_intent");
    WANT(o, 1, FILE_WRITE, "target_filename=/tmp/db", "write_ops=3", "written_bytes=99",
            "!read_ops", "write_intent=true", "open_flags=2");
    assert_memory_not_equal(&o->ev[0].event_id, &o->ev[1].event_id, sizeof(o->ev[0].event_id));
    first = o->ev[0].event_id;
    lx_feed_z(o, FF("'OPEN','READ_RECV','WRITE_SEND','CLOSE'", "file", "/tmp/db", "3", BOTH));
    assert_memory_equal(&first, &o->ev[0].event_id, sizeof(first)); /* the same again */
    lx_free(o);
}

static void test_local_socket(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o,
            FF("'CONNECT','WRITE_SEND','CLOSE'", "unix socket",
                    "ffff9f058f748c00->ffff9f058f74a800 /var/run/apache2/cgisock.14", "0", BOTH),
            NETWORK_CONNECT, "socket_family=unix", "socket_path=/var/run/apache2/cgisock.14",
            "initiated=true", "read_bytes=150", "written_bytes=99", "!target_filename");
    EVENT(o, FF("'ACCEPT','CLOSE'", "unix socket", "", "0", NO_COUNTS), NETWORK_ACCEPT,
            "socket_family=unix", "!socket_path", "initiated=false");
    EVENT(o, FF("'READ_RECV'", "unix socket", "", "0", READS), NETWORK_CONNECT, "!initiated");
    lx_free(o);
}

static void test_network_flow(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define NF(ops, sip, dip, proto)                                                                   \
    HEAD("NF", ops)                                                                                \
    "'endts':1690510365335937999,'tid':3600," PROC ",'net':{'sip':'" sip "','sport':43211,"        \
    "'dip':'" dip "','dport':443,'proto':" proto ",'fd':9},'flow':" BOTH "}"
    EVENT(o, NF("'CONNECT','READ_RECV'", "10.0.0.5", "203.0.113.7", "6"), NETWORK_CONNECT,
            "protocol=tcp", "source_ip=10.0.0.5", "source_port=43211", "destination_ip=203.0.113.7",
            "destination_port=443", "initiated=true", "socket_family=ipv4", "read_ops=2",
            "write_ops=3", "read_bytes=150", "written_bytes=99", "fd=9");
    EVENT(o, NF("'ACCEPT'", "10.0.0.5", "10.0.0.6", "6"), NETWORK_ACCEPT, "initiated=false");
    EVENT(o, NF("'READ_RECV','TRUNCATE'", "::1", "::1", "17"), NETWORK_CONNECT, "!initiated",
            "protocol=udp", "socket_family=ipv6");
    EVENT(o, NF("'CONNECT'", "10.0.0.5", "nowhere", "-1"), NETWORK_CONNECT, "!destination_ip",
            "!protocol");
    DEAD(o, HEAD("KE", "'ADD'") PROC "}", "unsupported_type");
#undef NF
    lx_free(o);
}

static void test_file_event(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define FE(op, names)                                                                              \
    HEAD("FE", "'" op "'") "'ret':0,'tid':3600," PROC ",'file':{'oid':'a','type':'?'," names "}}"
    EVENT(o, FE("UNLINK", "'path':'/tmp/x'"), FILE_DELETE, "target_filename=/tmp/x", "!file_type");
    EVENT(o, FE("RMDIR", "'path':'/tmp/d'"), FILE_DELETE, "target_filename=/tmp/d");
    EVENT(o, FE("MKDIR", "'path':'/tmp/d'"), FILE_CREATE, "target_filename=/tmp/d");
    EVENT(o, FE("RENAME", "'path':'/a','newpath':'/b'"), FILE_RENAME, "target_filename=/a",
            "new_filename=/b");
    EVENT(o, FE("LINK", "'path':'/a','newpath':'/b'"), FILE_LINK, "new_filename=/b");
    EVENT(o, FE("SYMLINK", "'path':'/a','newpath':'/b'"), FILE_LINK, "success=true");
    DEAD(o, FE("TELEPORT", "'path':'/a'"), "unsupported_type");
#undef FE
    lx_free(o);
}

/* What the SysFlow processor writes: the host in node.id, a container, a pod, policies. */
static void test_processor_shape(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o,
            "{'version':4,'type':'PE','opflags':['EXIT'],'ret':0,'ts':1690510365335937705,"
            "'node':{'id':'Node-1.example.org','ip':'10.0.0.1'},'proc':{'pid':5,'createts':0,"
            "'exe':'<NA>','args':'','uid':-1,'user':'<NA>'},"
            "'container':{'id':'99fb18d0e79f','name':'n','image':'i'},"
            "'pod':{'name':'p','namespace':'s'},'policies':[{'id':'Shell','priority':1}]}",
            PROCESS_TERMINATE, "container_id=99fb18d0e79f", "container_name=n", "container_image=i",
            "pod_name=p", "pod_namespace=s", "detection_rule=Shell", "!process_guid",
            "process_id=5", "!image", "!command_line", "!user", "!uid");
    assert_true(lg_str_eq(o->ev[0].hostname, LG_STR("node-1.example.org")));
    assert_true(lg_str_eq(o->ev[0].endpoint_id, LG_STR("node-1")));
    DEAD(o, "{'version':4,'type':'PE','opflags':['EXIT'],'ts':1690510365335937705,'host':'h'}",
            "missing_field");
    DEAD(o,
            "{'version':4,'type':'PE','opflags':['EXIT'],'ts':1690510365335937705,"
            "'proc':{'pid':5}}",
            "missing_identity");
    DEAD(o, "{'version':4,'type':'PE','opflags':['EXIT'],'host':'h','proc':{'pid':5}}", "bad_time");
    lx_free(o);
}

#define PROC_EFFECTS                                                                               \
    {"proc", "*"}, {"proc/pid", "*"}, {"proc/createts", "process_guid process_start_time"},        \
            {"proc/exe", "image command_line"}, {"proc/args", "command_line"},                     \
            {"proc/uid", "uid"}, {"proc/user", "user"}, {"proc/gid", "gid"},                       \
            {"pproc",                                                                              \
                    "parent_process_guid parent_process_id parent_start_time parent_image "        \
                    "parent_command_line parent_user"},                                            \
            {"pproc/pid", "parent_process_guid parent_process_id"},                                \
            {"pproc/createts", "parent_process_guid parent_start_time"},                           \
            {"pproc/exe", "parent_image parent_command_line"},                                     \
            {"pproc/args", "parent_command_line"},                                                 \
    {                                                                                              \
        "pproc/user", "parent_user"                                                                \
    }
#define HEAD_EFFECTS                                                                               \
    {"version", "*"}, {"host", "*"}, {"ts", "*"}, {"type", "*"}, {"opflags", "*"},                 \
    {                                                                                              \
        "tid", "*"                                                                                 \
    }

static void test_mutation(void **state)
{
    static const struct lx_effect exec_effects[] = {HEAD_EFFECTS, PROC_EFFECTS,
            {"ret", "return_value success"}, {"proc/containerid", "container_id"}, {NULL, NULL}};
    static const struct lx_effect file_effects[] = {{"tid", "thread_id"}, HEAD_EFFECTS,
            PROC_EFFECTS, {"proc/containerid", "container_id"}, {"file", "*"}, {"file/type", "*"},
            {"file/path", "target_filename"}, {"file/fd", "fd"}, {"file/openflags", "*"},
            {"flow", "*"}, {"flow/rops", "*"}, {"flow/wops", "*"}, {"flow/rbytes", "read_bytes"},
            {"flow/wbytes", "written_bytes"}, {NULL, NULL}};

    (void)state;
    assert_true(lx_mutate("", exec_record, exec_effects) > 200);
    assert_true(lx_mutate("",
                        FF("'OPEN','READ_RECV','WRITE_SEND','CLOSE'", "file", "/tmp/db", "3", BOTH),
                        file_effects) > 250);
}

static void test_torture(void **state)
{
    (void)state;
    lx_torture("", exec_record);
    lx_torture(
            "", FF("'OPEN','READ_RECV','CLOSE'", "file", "/x", "['O_RDONLY','O_CLOEXEC']", READS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_process),
            cmocka_unit_test(test_clone),
            cmocka_unit_test(test_file_flow),
            cmocka_unit_test(test_flow_of_two_events),
            cmocka_unit_test(test_local_socket),
            cmocka_unit_test(test_network_flow),
            cmocka_unit_test(test_file_event),
            cmocka_unit_test(test_processor_shape),
            cmocka_unit_test(test_mutation),
            cmocka_unit_test(test_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

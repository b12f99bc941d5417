#include "linux_fixture.h"

#define ALERT(output, fields)                                                                      \
    "{'hostname':'node-a','output':'" output "','priority':'Error','rule':'Some rule',"            \
    "'source':'syscall','time':'2024-05-02T11:04:05.123456789Z','output_fields':{" fields "}}"
#define PROC "'proc.pid':4711,'proc.name':'vim','proc.cmdline':'vim motd','user.name':'root'"

static void test_golden(void **state)
{
    (void)state;
    lx_golden("falco", "");
}

static void test_by_call(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, ALERT("x", "'evt.type':'execve'," PROC), PROCESS_CREATE, "process_id=4711", "comm=vim",
            "command_line=vim motd", "detection_rule=Some rule", "syscall=execve");
    assert_int_equal(o->ev[0].time_ns, INT64_C(1714647845123456789)); /* from "time" */
    EVENT(o, ALERT("x", "'evt.type':'chmod','evt.arg.filename':'/tmp/x','evt.arg.mode':'0755'"),
            FILE_MODE_CHANGE, "target_filename=/tmp/x", "file_mode=493");
    EVENT(o,
            ALERT("x",
                    "'evt.type':'open','fd.name':'/etc/x','evt.arg.flags':"
                    "'O_WRONLY|O_CREAT'," PROC),
            FILE_WRITE, "target_filename=/etc/x", "open_flags=65", "write_intent=true");
    EVENT(o, ALERT("x", "'evt.type':'open','fd.name':'/etc/x','evt.is_open_write':true," PROC),
            FILE_WRITE, "write_intent=true", "!open_flags");
    EVENT(o,
            ALERT("x",
                    "'evt.type':'connect','fd.name':'10.0.0.5:1->10.0.0.6:22',"
                    "'fd.l4proto':'tcp'," PROC),
            NETWORK_CONNECT, "destination_ip=10.0.0.6", "destination_port=22", "protocol=tcp",
            "initiated=true");
    EVENT(o, ALERT("x", "'evt.type':'renameat','fs.path.source':'/a','fs.path.target':'/b'"),
            FILE_RENAME, "target_filename=/a", "new_filename=/b");
    EVENT(o, ALERT("x", "'evt.type':'procexit'," PROC), PROCESS_TERMINATE, "process_id=4711");
    lx_free(o);
}

static void test_by_fields(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
    EVENT(o, ALERT("File below /etc opened for writing (..)", "'fd.name':'/etc/x'," PROC),
            FILE_WRITE, "write_intent=true", "target_filename=/etc/x");
    EVENT(o, ALERT("Sensitive file opened for reading (..)", "'fd.name':'/etc/shadow'," PROC),
            FILE_OPEN, "write_intent=false");
    EVENT(o, ALERT("Something with a file", "'fd.name':'/etc/x'," PROC), FILE_OPEN,
            "!write_intent");
    EVENT(o, ALERT("x", "'fd.sip':'203.0.113.7','fd.sport':443," PROC), NETWORK_CONNECT,
            "destination_ip=203.0.113.7", "destination_port=443", "!initiated");
    EVENT(o, ALERT("x", PROC ",'fd.name':null,'container.id':'host'"), PROCESS_CREATE,
            "!container_id");
    DEAD(o, ALERT("x", "'ka.verb':'create'"), "missing_field");
    DEAD(o, ALERT("x", "'evt.type':'setns'," PROC), "unsupported_type");
    DEAD(o,
            "{'hostname':'h','output':'x','rule':'r','source':'k8s_audit',"
            "'time':'2024-05-02T11:04:05Z','output_fields':{'ka.verb':'create'}}",
            "unsupported_type");
    lx_free(o);
}

/* A rule's name never decides what the event is. */
static void test_rule_is_no_feature(void **state)
{
    struct lx_out *o = lx_new("");
    struct lg_event first;

    (void)state;
#define WITH_RULE(rule)                                                                            \
    "{'hostname':'node-a','output':'x','rule':'" rule "','time':'2024-05-02T11:04:05Z',"           \
    "'output_fields':{'fd.name':'/etc/x'," PROC "}}"
    EVENT(o, WITH_RULE("Write below etc"), FILE_OPEN, "detection_rule=Write below etc");
    first = o->ev[0];
    EVENT(o, WITH_RULE("Launch Privileged Container"), FILE_OPEN, "target_filename=/etc/x");
    assert_memory_equal(first.has, o->ev[0].has, sizeof(first.has));
#undef WITH_RULE
    lx_free(o);
}

static const char write_record[] = ALERT("File below /etc opened for writing",
        "'evt.time':1714647845123456789,'fd.name':'/etc/motd','container.id':'0a1b','"
        "container.image.repository':'alpine','container.image.tag':'3.19','k8s.ns.name':'ns',"
        "'k8s.pod.name':'p','proc.ppid':99,'proc.exepath':'/usr/bin/vim','user.loginuid':-1," PROC);

static void test_mutation(void **state)
{
    static const struct lx_effect effects[] = {{"hostname", "*"}, {"output", "type write_intent"},
            {"rule", "*"}, {"source", "*"}, {"time", ""}, {"output_fields", "*"},
            {"output_fields/evt.time", "*"}, {"output_fields/fd.name", "*"},
            {"output_fields/container.id", "container_id"},
            {"output_fields/container.image.repository", "container_image"},
            {"output_fields/container.image.tag", "container_image"},
            {"output_fields/k8s.ns.name", "pod_namespace"},
            {"output_fields/k8s.pod.name", "pod_name"},
            {"output_fields/proc.ppid", "parent_process_id"},
            {"output_fields/proc.exepath", "image"}, {"output_fields/user.loginuid", "auid"},
            {"output_fields/proc.pid", "process_id"}, {"output_fields/proc.name", "comm"},
            {"output_fields/proc.cmdline", "command_line"}, {"output_fields/user.name", "user"},
            {NULL, NULL}};

    (void)state;
    assert_true(lx_mutate("", write_record, effects) > 150);
}

static void test_torture(void **state)
{
    (void)state;
    lx_torture("", write_record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_by_call),
            cmocka_unit_test(test_by_fields),
            cmocka_unit_test(test_rule_is_no_feature),
            cmocka_unit_test(test_mutation),
            cmocka_unit_test(test_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

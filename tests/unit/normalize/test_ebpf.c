#include "linux_fixture.h"

static void test_golden(void **state)
{
    (void)state;
    lx_golden("ebpf", "");
}

static void test_open_flags(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define OPEN(flags)                                                                                \
    "{'kind':'file','action':'open','ts':1714647850000000000,'host':'h','pid':1,'path':'/f',"      \
    "'flags':" flags "}"
    EVENT(o, OPEN("0"), FILE_OPEN, "write_intent=false", "open_flags=0");
    EVENT(o, OPEN("1"), FILE_WRITE, "write_intent=true", "open_flags=1");
    EVENT(o, OPEN("2"), FILE_WRITE, "write_intent=true");
    EVENT(o, OPEN("64"), FILE_WRITE, "write_intent=true");     /* O_CREAT alone makes a file */
    EVENT(o, OPEN("512"), FILE_WRITE, "write_intent=true");    /* O_TRUNC alone empties it */
    EVENT(o, OPEN("524288"), FILE_OPEN, "write_intent=false"); /* O_CLOEXEC */
    EVENT(o, OPEN("'O_RDWR|O_APPEND'"), FILE_WRITE, "open_flags=1026");
    EVENT(o, OPEN("'0x241'"), FILE_WRITE, "open_flags=577");
    EVENT(o, OPEN("'nonsense'"), FILE_OPEN, "!write_intent", "!open_flags");
    EVENT(o, OPEN("-1"), FILE_OPEN, "!write_intent", "!open_flags");
#undef OPEN
    lx_free(o);
}

static void test_identity(void **state)
{
    struct lx_out *o = lx_new("");
    struct lg_uuid first;

    (void)state;
#define EXIT(id, code)                                                                             \
    "{'kind':'process','action':'exit','ts':1714647850000000000,'host':'h','pid':1,'id':'" id      \
    "','exit_code':" code "}"
    EVENT(o, EXIT("a", "1"), PROCESS_TERMINATE, "exit_code=1");
    first = o->ev[0].event_id;
    EVENT(o, EXIT("a", "2"), PROCESS_TERMINATE, "exit_code=2");
    assert_memory_equal(&first, &o->ev[0].event_id, sizeof(first)); /* the producer's id decides */
    EVENT(o, EXIT("b", "1"), PROCESS_TERMINATE, "exit_code=1");
    assert_memory_not_equal(&first, &o->ev[0].event_id, sizeof(first));
    assert_int_equal(o->ev[0].flags & LG_EVF_NO_IDENTITY, 0);
    EVENT(o, EXIT("", "1"), PROCESS_TERMINATE, "exit_code=1");
    assert_int_not_equal(o->ev[0].flags & LG_EVF_NO_IDENTITY, 0);
#undef EXIT
    lx_free(o);
}

static void test_requirements(void **state)
{
    struct lx_out *o = lx_new("");

    (void)state;
#define HEAD "'ts':1714647850000000000,'host':'h'"
    DEAD(o, "{'kind':'process','action':'exec'," HEAD "}", "missing_field");
    DEAD(o, "{'kind':'file','action':'delete'," HEAD ",'pid':1}", "missing_field");
    DEAD(o, "{'kind':'file','action':'rename'," HEAD ",'pid':1,'path':'/a'}", "missing_field");
    DEAD(o, "{'kind':'network','action':'connect'," HEAD ",'pid':1,'daddr':'no address'}",
            "missing_field");
    DEAD(o, "{'kind':'process','action':'fork'," HEAD ",'pid':1}", "missing_field");
    DEAD(o, "{'kind':'process','action':'signal'," HEAD ",'pid':1,'signal':9}", "missing_field");
    DEAD(o, "{'kind':'process','action':'connect'," HEAD ",'pid':1}", "unsupported_type");
    DEAD(o, "{'kind':'process','action':'exec','host':'h','ts':'soon','pid':1}", "bad_time");
    DEAD(o, "{'kind':'process','action':'exec','host':'h','ts':-5,'pid':1}", "bad_time");
    DEAD(o, "{'kind':'pipe','action':'open'," HEAD ",'pid':1}", "unknown_format");
    /* 65536 is no port; the rest of the event stands */
    EVENT(o, "{'kind':'network','action':'bind'," HEAD ",'pid':1,'saddr':'::1','sport':65536}",
            NETWORK_BIND, "source_ip=::1", "!source_port", "socket_family=ipv6");
#undef HEAD
    lx_free(o);
}

/* The published schema knows every action that we take, and every member of the golden records. */
static void test_schema(void **state)
{
    static const char *const kinds[] = {"process", "file", "network"};
    struct lx_out *o = lx_new("");
    struct lg_json *json;
    struct lg_jval root, list, v;
    struct lg_jiter it;
    struct lg_buf text;
    char path[4096], record[512];
    size_t actions = 0;

    (void)state;
    lg_buf_init(&text, 1u << 20);
    (void)snprintf(path, sizeof(path), "%s/docs/schemas/ebpf-event.schema.json", LG_SOURCE_DIR);
    lx_read_file(path, &text);
    assert_int_equal(lg_json_new(&json), 0);
    assert_int_equal(lg_json_parse(json, lg_buf_str(&text), false, &root, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "$defs.%s.additionalProperties", kinds[i]);
        assert_true(lg_jval_path(root, path, &v));
        assert_int_equal(lg_jval_type(v), LG_JSON_BOOL);
        assert_false(lg_jval_bool(v));
        (void)snprintf(path, sizeof(path), "$defs.%s.properties.action.enum", kinds[i]);
        assert_true(lg_jval_path(root, path, &list));
        for (it = lg_jiter_of(list); lg_jiter_item(&it, &v); actions++) {
            (void)snprintf(record, sizeof(record),
                    "{'kind':'%s','action':'%.*s','ts':1714647850000000000,'host':'h','pid':1,"
                    "'path':'/a','new_path':'/b','target_pid':2,'child_pid':3}",
                    kinds[i], (int)lg_jval_str(v).n, lg_jval_str(v).p);
            lx_feed_z(o, record);
            assert_int_equal(o->events, 1);
        }
    }
    assert_int_equal(actions, 23);
    lg_json_free(json);
    lg_buf_done(&text);
    lx_free(o);
}

static void test_schema_members(void **state)
{
    struct lg_json *json, *schema;
    struct lg_jval root, record, props, v;
    struct lg_jiter it;
    struct lg_buf text, in;
    struct lg_str rest, line, key;
    char path[4096];
    size_t members = 0;

    (void)state;
    lg_buf_init(&text, 1u << 20);
    lg_buf_init(&in, 1u << 20);
    (void)snprintf(path, sizeof(path), "%s/docs/schemas/ebpf-event.schema.json", LG_SOURCE_DIR);
    lx_read_file(path, &text);
    (void)snprintf(path, sizeof(path), "%s/tests/data/ebpf/ebpf.ndjson", LG_SOURCE_DIR);
    lx_read_file(path, &in);
    assert_int_equal(lg_json_new(&json), 0);
    assert_int_equal(lg_json_new(&schema), 0);
    assert_int_equal(lg_json_parse(schema, lg_buf_str(&text), false, &root, NULL), 0);
    for (rest = lg_buf_str(&in); lg_str_split(&rest, '\n', &line);) {
        if (line.n == 0)
            continue;
        assert_int_equal(lg_json_parse(json, line, false, &record, NULL), 0);
        key = lg_jval_get_str(record, LG_STR("kind"));
        (void)snprintf(path, sizeof(path), "$defs.%.*s.properties", (int)key.n, key.p);
        assert_true(lg_jval_path(root, path, &props));
        for (it = lg_jiter_of(record); lg_jiter_member(&it, &key, &v); members++)
            if (!lg_jval_get(props, key, &v))
                fail_msg("the schema has no %.*s", (int)key.n, key.p);
    }
    assert_true(members > 150);
    lg_json_free(json);
    lg_json_free(schema);
    lg_buf_done(&text);
    lg_buf_done(&in);
}

static const char exec_record[] =
        "{'kind':'process','action':'exec','ts':1714647845123456789,'host':'web-1','id':'1',"
        "'pid':4242,'tid':4242,'start_time':1714647845123000000,'exe':'/usr/bin/curl',"
        "'comm':'curl','args':['curl','-s','http://203.0.113.7/'],'cwd':'/tmp','uid':33,'gid':33,"
        "'euid':33,'egid':33,'suid':33,'sgid':33,'auid':1000,'session':5,'tty':'pts/0',"
        "'user':'www-data','ppid':4200,'parent_start_time':1714640000000000001,"
        "'parent_exe':'/bin/sh','parent_args':'sh -c x','parent_user':'root','sha256':'ab',"
        "'syscall':'execve','ret':0,'rule':'r','capabilities':'CAP_CHOWN','extra':{'a':1},"
        "'container':{'id':'abc','name':'web','image':'nginx','pod':'web-0','namespace':'ns'}}";
static const struct lx_effect exec_effects[] = {{"kind", "*"}, {"action", "*"}, {"ts", "*"},
        {"host", "*"}, {"id", ""}, {"pid", "*"}, {"tid", "thread_id"},
        {"start_time", "process_guid process_start_time"}, {"exe", "image"}, {"comm", "comm"},
        {"args", "command_line"}, {"cwd", "current_directory"}, {"uid", "uid"}, {"gid", "gid"},
        {"euid", "euid"}, {"egid", "egid"}, {"suid", "suid"}, {"sgid", "sgid"}, {"auid", "auid"},
        {"session", "session_id"}, {"tty", "tty"}, {"user", "user"},
        {"ppid", "parent_process_guid parent_process_id"},
        {"parent_start_time", "parent_process_guid parent_start_time"},
        {"parent_exe", "parent_image"}, {"parent_args", "parent_command_line"},
        {"parent_user", "parent_user"}, {"sha256", "sha256"}, {"syscall", "syscall"},
        {"ret", "return_value success"}, {"rule", "detection_rule"},
        {"capabilities", "capabilities"},
        {"container", "container_id container_name container_image pod_name pod_namespace"},
        {"container/id", "container_id"}, {"container/name", "container_name"},
        {"container/image", "container_image"}, {"container/pod", "pod_name"},
        {"container/namespace", "pod_namespace"}, {NULL, NULL}};

static const char connect_record[] =
        "{'kind':'network','action':'connect','ts':1714647851000000000,'host':'web-1','pid':42,"
        "'protocol':'tcp','family':'ipv4','saddr':'10.0.0.5','sport':43211,"
        "'daddr':'203.0.113.7','dport':4444,'fd':3,'ret':0,'read_bytes':5,'written_bytes':6}";
static const struct lx_effect connect_effects[] = {{"kind", "*"}, {"action", "*"}, {"ts", "*"},
        {"host", "*"}, {"pid", "*"}, {"daddr", "*"}, {"protocol", "protocol"},
        {"family", "socket_family"}, {"saddr", "source_ip"}, {"sport", "source_port"},
        {"dport", "destination_port"}, {"fd", "fd"}, {"ret", "return_value success"},
        {"read_bytes", "read_bytes"}, {"written_bytes", "written_bytes"}, {NULL, NULL}};

static const char open_record[] =
        "{'kind':'file','action':'open','ts':1714647850100000000,'host':'web-1','pid':4243,"
        "'path':'/etc/cron.d/x','flags':577,'mode':'0644','fd':4,'file_type':'file','ret':4}";
static const struct lx_effect open_effects[] = {{"kind", "*"}, {"action", "*"}, {"ts", "*"},
        {"host", "*"}, {"pid", "*"}, {"path", "*"}, {"flags", "type open_flags write_intent"},
        {"mode", "file_mode"}, {"fd", "fd"}, {"file_type", "file_type"},
        {"ret", "return_value success"}, {NULL, NULL}};

static void test_mutation(void **state)
{
    (void)state;
    assert_true(lx_mutate("", exec_record, exec_effects) > 250);
    assert_true(lx_mutate("", connect_record, connect_effects) > 100);
    assert_true(lx_mutate("", open_record, open_effects) > 80);
}

static void test_torture(void **state)
{
    (void)state;
    lx_torture("", exec_record);
    lx_torture("", connect_record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_open_flags),
            cmocka_unit_test(test_identity),
            cmocka_unit_test(test_requirements),
            cmocka_unit_test(test_schema),
            cmocka_unit_test(test_schema_members),
            cmocka_unit_test(test_mutation),
            cmocka_unit_test(test_torture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

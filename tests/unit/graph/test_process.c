#include "graph_util.h"

/* Who is who: GUIDs, pids, exec, fork, mixed instruments; and what each event type becomes. */

typedef void check_fn(const struct lg_graph *g);

struct probe {
    check_fn *check;
    int windows;
    int at; /* which window to look at */
};

static void look(const struct lg_graph *g, void *user)
{
    struct probe *p = user;

    if (p->windows++ == p->at)
        p->check(g);
}

static void run(const struct lg_event *ev, size_t n, int window, check_fn *check)
{
    struct probe p = {check, 0, window};
    struct graph_log log = {.look = look, .user = &p};
    struct lg_windows *ws;

    assert_int_equal(lg_windows_new(&lg_window_defaults, graph_log_add, &log, &ws), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(lg_windows_push(ws, &ev[i]), 0);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_true(p.windows > window);
    lg_windows_free(ws);
    graph_log_done(&log);
}

#define CMD "c:\\windows\\system32\\cmd.exe"
#define EXPLORER "c:\\windows\\explorer.exe"
#define WHOAMI "c:\\windows\\system32\\whoami.exe"

static void check_spawn(const struct lg_graph *g)
{
    const struct lg_node *cmd = find_named(g, LG_NODE_PROCESS, CMD);
    const struct lg_node *up = find_named(g, LG_NODE_PROCESS, EXPLORER);
    const struct lg_edge *ed = find_edge(g, EXPLORER, LG_EDGE_SPAWN, CMD);

    assert_int_equal(g->n_nodes, 2);
    assert_non_null(cmd);
    assert_non_null(up);
    assert_int_equal(
            cmd->flags & (LG_NODEF_CREATED | LG_NODEF_CONTEXT | LG_NODEF_STUB), LG_NODEF_CREATED);
    assert_int_equal(
            up->flags & (LG_NODEF_CREATED | LG_NODEF_CONTEXT | LG_NODEF_STUB), LG_NODEF_STUB);
    assert_true(lg_str_eq(up->cmd_raw, LG_STR("explorer /x")));
    assert_int_equal(cmd->instances, 2); /* two processes alike */
    assert_int_equal(cmd->integrity, LG_IL_MEDIUM);
    assert_int_equal(cmd->user_class, LG_USER_PERSON);
    assert_int_equal(cmd->pid, 200);
    assert_true(lg_str_eq(cmd->guid, LG_STR("g2")));
    assert_true(lg_str_eq(cmd->user, LG_STR("CORP\\jane.doe")));
    assert_non_null(ed);
    assert_int_equal(ed->count, 2);
    assert_int_equal(ed->first_ns, T0);
    assert_int_equal(ed->last_ns, T0 + SEC);
}

static void test_spawn_folds(void **state)
{
    struct lg_event ev[2];

    (void)state;
    ev[0] = create_at(T0, 1, "g2", 200, "C:\\Windows\\System32\\cmd.exe", "cmd.exe /c dir");
    ev[1] = create_at(T0 + SEC, 2, "g3", 201, "C:\\WINDOWS\\system32\\cmd.exe", "CMD.EXE  /c dir");
    set_parent(&ev[0], "g1", 100, "C:\\Windows\\explorer.exe", "explorer /x");
    set_parent(&ev[1], "g1", 100, "C:\\Windows\\explorer.exe", "explorer /x");
    run(ev, 2, 0, check_spawn);
}

static void check_context(const struct lg_graph *g)
{
    const struct lg_node *cmd = find_named(g, LG_NODE_PROCESS, CMD);

    assert_non_null(cmd);
    assert_int_equal(
            cmd->flags & (LG_NODEF_CREATED | LG_NODEF_CONTEXT | LG_NODEF_STUB), LG_NODEF_CONTEXT);
    assert_true(lg_str_eq(cmd->cmd_raw, LG_STR("cmd.exe /c dir")));
    assert_int_equal(cmd->integrity, LG_IL_MEDIUM);
    assert_non_null(find_edge(g, CMD, LG_EDGE_SPAWN, WHOAMI));
}

/* What was learned before the window is still known in it. */
static void test_context(void **state)
{
    struct lg_event ev[2];

    (void)state;
    ev[0] = create_at(T0, 1, "g2", 200, "C:\\Windows\\System32\\cmd.exe", "cmd.exe /c dir");
    set_parent(&ev[0], "g1", 100, "C:\\Windows\\explorer.exe", NULL);
    ev[1] = create_at(T0 + 600 * SEC, 2, "g3", 201, "C:\\Windows\\System32\\whoami.exe", "whoami");
    set_parent(&ev[1], "g2", 200, NULL, NULL);
    run(ev, 2, 3, check_context);
}

static void check_reuse(const struct lg_graph *g)
{
    /* the file belongs to the second owner of the pid */
    assert_non_null(find_edge(g, WHOAMI, LG_EDGE_WRITE, "c:\\x.txt"));
    assert_null(find_edge(g, CMD, LG_EDGE_WRITE, "c:\\x.txt"));
    assert_int_equal(find_named(g, LG_NODE_PROCESS, CMD)->instances, 1);
}

static void test_pid_reuse(void **state)
{
    struct lg_event ev[3];

    (void)state;
    ev[0] = create_at(T0, 1, NULL, 200, "C:\\Windows\\System32\\cmd.exe", "cmd");
    ev[1] = create_at(T0 + SEC, 2, NULL, 200, "C:\\Windows\\System32\\whoami.exe", "whoami");
    set_parent(&ev[0], NULL, 100, "C:\\Windows\\explorer.exe", NULL);
    set_parent(&ev[1], NULL, 100, "C:\\Windows\\explorer.exe", NULL);
    ev[2] = event_at(LG_EVENT_FILE_CREATE, T0 + 2 * SEC, 3);
    set_actor(&ev[2], NULL, 200, NULL);
    set_z(&ev[2], LG_F_TARGET_FILENAME, "C:\\x.txt");
    run(ev, 3, 0, check_reuse);
}

static void check_mixed(const struct lg_graph *g)
{
    const struct lg_node *cmd = find_named(g, LG_NODE_PROCESS, CMD);
    const struct lg_edge *ed = find_edge(g, EXPLORER, LG_EDGE_SPAWN, CMD);

    assert_int_equal(g->n_nodes, 4);
    assert_int_equal(cmd->instances, 1); /* one process, told twice */
    assert_int_equal(cmd->sources, 1u << LG_SOURCE_SYSMON | 1u << LG_SOURCE_WIN_SECURITY);
    assert_true(lg_str_eq(cmd->guid, LG_STR("g2")));
    assert_non_null(ed);
    assert_int_equal(ed->count, 2);
    assert_int_equal(ed->sources, 1u << LG_SOURCE_SYSMON | 1u << LG_SOURCE_WIN_SECURITY);
    /* Security's exit by pid is of the Sysmon process */
    assert_true((cmd->flags & LG_NODEF_EXITED) != 0);
    assert_non_null(find_edge(g, CMD, LG_EDGE_WRITE, "c:\\x.txt"));
    assert_non_null(find_edge(g, CMD, LG_EDGE_EXIT, CMD));
}

/* Sysmon by GUID and Security by pid, in both orders. */
static void test_mixed_sources(void **state)
{
    struct lg_event ev[5];

    (void)state;
    for (int order = 0; order < 2; order++) {
        ev[0] = create_at(T0 + order, 1, "g2", 200, "C:\\Windows\\System32\\cmd.exe", "cmd /c x");
        set_parent(&ev[0], "g1", 100, "C:\\Windows\\explorer.exe", NULL);
        ev[1] = create_at(
                T0 + 1 - order, 2, NULL, 200, "C:\\Windows\\System32\\cmd.exe", "cmd /c x");
        set_parent(&ev[1], NULL, 100, "C:\\Windows\\explorer.exe", NULL);
        ev[1].source = LG_SOURCE_WIN_SECURITY;
        ev[2] = event_at(LG_EVENT_FILE_CREATE, T0 + 10, 3);
        set_actor(&ev[2], "g2", 200, "C:\\Windows\\System32\\cmd.exe");
        set_z(&ev[2], LG_F_TARGET_FILENAME, "C:\\x.txt");
        ev[3] = event_at(LG_EVENT_PROCESS_TERMINATE, T0 + 20, 4);
        ev[3].source = LG_SOURCE_WIN_SECURITY;
        set_actor(&ev[3], NULL, 200, "C:\\Windows\\System32\\cmd.exe");
        ev[4] = event_at(LG_EVENT_FILE_CREATE, T0 + 30, 5); /* another process */
        set_actor(&ev[4], "g7", 700, "C:\\other.exe");
        set_z(&ev[4], LG_F_TARGET_FILENAME, "C:\\x.txt");
        run(ev, 5, 0, check_mixed);
    }
}

/* --- Linux --- */

static struct lg_event exec_at(
        lg_time t, uint64_t id, uint32_t pid, uint32_t ppid, const char *image, const char *cmd)
{
    struct lg_event ev = linux_event(LG_EVENT_PROCESS_CREATE, t, id);

    set_actor(&ev, NULL, pid, image);
    set_z(&ev, LG_F_COMMAND_LINE, cmd);
    lg_event_set_u64(&ev, LG_F_EUID, 1000);
    if (ppid > 0)
        lg_event_set_u64(&ev, LG_F_PARENT_PROCESS_ID, ppid);
    return ev;
}

static void check_exec(const struct lg_graph *g)
{
    assert_non_null(find_edge(g, "/bin/bash", LG_EDGE_SPAWN, "/usr/bin/sudo"));
    assert_non_null(find_edge(g, "/usr/bin/sudo", LG_EDGE_SPAWN, "/usr/bin/id"));
    assert_null(find_edge(g, "/bin/bash", LG_EDGE_SPAWN, "/usr/bin/id"));
    assert_non_null(find_edge(g, "/usr/bin/id", LG_EDGE_READ, "/etc/passwd"));
}

/* execve in a pid: the program before it is the source. */
static void test_exec(void **state)
{
    struct lg_event ev[4];

    (void)state;
    ev[0] = exec_at(T0, 1, 10, 1, "/bin/bash", "bash");
    ev[1] = exec_at(T0 + SEC, 2, 11, 10, "/usr/bin/sudo", "sudo id");
    ev[2] = exec_at(T0 + 2 * SEC, 3, 11, 10, "/usr/bin/id", "id");
    ev[3] = linux_event(LG_EVENT_FILE_OPEN, T0 + 3 * SEC, 4);
    set_actor(&ev[3], NULL, 11, "/usr/bin/id");
    set_z(&ev[3], LG_F_TARGET_FILENAME, "/etc/passwd");
    run(ev, 4, 0, check_exec);
}

static void check_linux_reuse(const struct lg_graph *g)
{
    assert_null(find_edge(g, "/usr/bin/sudo", LG_EDGE_SPAWN, "/usr/bin/id"));
    assert_non_null(find_edge(g, "/bin/sh", LG_EDGE_SPAWN, "/usr/bin/id"));
}

/* The same pid under another parent is another process. */
static void test_linux_pid_reuse(void **state)
{
    struct lg_event ev[4];

    (void)state;
    ev[0] = exec_at(T0, 1, 10, 1, "/bin/bash", "bash");
    ev[1] = exec_at(T0, 2, 20, 1, "/bin/sh", "sh");
    ev[2] = exec_at(T0 + SEC, 3, 11, 10, "/usr/bin/sudo", "sudo id");
    ev[3] = exec_at(T0 + 2 * SEC, 4, 11, 20, "/usr/bin/id", "id");
    run(ev, 4, 0, check_linux_reuse);
}

static void check_fork(const struct lg_graph *g)
{
    const struct lg_node *bash = find_named(g, LG_NODE_PROCESS, "/bin/bash");

    assert_int_equal(bash->instances, 2);
    assert_non_null(find_edge(g, "/bin/bash", LG_EDGE_SPAWN, "/bin/bash"));
    assert_non_null(find_edge(g, "/bin/bash", LG_EDGE_SPAWN, "/bin/ls"));
}

static void test_fork(void **state)
{
    struct lg_event ev[3];

    (void)state;
    ev[0] = exec_at(T0, 1, 10, 1, "/bin/bash", "bash");
    ev[1] = linux_event(LG_EVENT_PROCESS_FORK, T0 + SEC, 2);
    set_actor(&ev[1], NULL, 10, "/bin/bash");
    lg_event_set_u64(&ev[1], LG_F_TARGET_PROCESS_ID, 11);
    ev[2] = exec_at(T0 + 2 * SEC, 3, 11, 10, "/bin/ls", "ls -l");
    run(ev, 3, 0, check_fork);
}

/* --- event types --- */

static void check_types(const struct lg_graph *g)
{
    const char *me = "c:\\a.exe";
    const struct lg_edge *ed;

    assert_non_null(find_edge(g, me, LG_EDGE_ACCESS, "c:\\windows\\system32\\lsass.exe"));
    ed = find_edge(g, me, LG_EDGE_ACCESS, "c:\\windows\\system32\\lsass.exe");
    assert_int_equal(ed->attr, LG_ATTR_ACCESS_ALL | LG_ATTR_UNKNOWN_FRAME);
    assert_true(lg_str_eq(ed->detail, LG_STR("0x1fffff")));
    ed = find_edge(g, me, LG_EDGE_REMOTE_THREAD, "c:\\windows\\system32\\lsass.exe");
    assert_non_null(ed);
    assert_int_equal(ed->attr, LG_ATTR_START_UNKNOWN);
    assert_non_null(find_edge(g, me, LG_EDGE_KEY_DELETE, "hklm\\software\\x"));
    assert_non_null(find_edge(g, me, LG_EDGE_PIPE_CONNECT, "svcctl"));
    ed = find_edge(g, me, LG_EDGE_CONNECT_IN, "ip-public4:3389:in");
    assert_non_null(ed);
    assert_int_equal(ed->attr, LG_ATTR_ADDR_PUBLIC);
    assert_non_null(find_edge(g, me, LG_EDGE_DNS_QUERY, "evil.com"));
    assert_non_null(find_edge(g, me, LG_EDGE_TAMPER, me));
    assert_non_null(find_edge(g, me, LG_EDGE_STREAM, "c:\\d.txt:zone.identifier"));
    assert_non_null(find_edge(g, "system", LG_EDGE_DRIVER_LOAD, "c:\\evil.sys"));
    ed = find_edge(g, "ip-private4:any:in", LG_EDGE_LOGON, "<person>");
    assert_non_null(ed);
    assert_int_equal(ed->attr, LG_ATTR_NETWORK_LOGON);
    assert_non_null(find_edge(g, "system", LG_EDGE_SERVICE_INSTALL, "evilsvc"));
    assert_non_null(find_edge(g, "powershell.exe", LG_EDGE_SCRIPT_RUN, "scriptblock"));
    ed = find_edge(g, "powershell.exe", LG_EDGE_SCRIPT_RUN, "scriptblock");
    assert_int_equal(ed->count, 2); /* two parts of one block are one script */
    assert_non_null(find_edge(g, "administrator", LG_EDGE_GROUP_ADD, "group:administrators"));
    assert_non_null(find_edge(g, "ip-private4:any:in", LG_EDGE_SHARE_ACCESS, "ipc$\\svcctl"));
    assert_non_null(find_edge(g, "<person>", LG_EDGE_LOG_CLEAR, "security"));
}

static void test_event_types(void **state)
{
    struct lg_event ev[20];
    size_t n = 0;

    (void)state;
#define NEXT(type)                                                                                 \
    ev[n] = event_at(LG_EVENT_##type, T0 + (lg_time)n * SEC, n);                                   \
    set_actor(&ev[n], "ga", 1, "C:\\a.exe")
#define LSASS()                                                                                    \
    set_z(&ev[n], LG_F_TARGET_PROCESS_GUID, "gl");                                                 \
    set_z(&ev[n], LG_F_TARGET_IMAGE, "C:\\Windows\\System32\\lsass.exe")
    NEXT(PROCESS_ACCESS);
    LSASS();
    set_z(&ev[n], LG_F_CALL_TRACE, "ntdll.dll+1|UNKNOWN(0)");
    lg_event_set_u64(&ev[n++], LG_F_GRANTED_ACCESS, 0x1fffff);
    NEXT(REMOTE_THREAD);
    LSASS();
    set_z(&ev[n++], LG_F_START_MODULE, "-");
    NEXT(REGISTRY_KEY);
    set_z(&ev[n], LG_F_REGISTRY_EVENT_TYPE, "DeleteValue");
    set_z(&ev[n++], LG_F_TARGET_OBJECT, "HKLM\\SOFTWARE\\x");
    NEXT(PIPE_CONNECT);
    set_z(&ev[n++], LG_F_PIPE_NAME, "\\svcctl");
    NEXT(NETWORK_CONNECT);
    lg_event_set_bool(&ev[n], LG_F_INITIATED, false);
    set_z(&ev[n], LG_F_SOURCE_IP, "1.2.3.4");
    lg_event_set_u64(&ev[n], LG_F_SOURCE_PORT, 50000);
    set_z(&ev[n], LG_F_DESTINATION_IP, "10.0.0.1");
    lg_event_set_u64(&ev[n++], LG_F_DESTINATION_PORT, 3389);
    NEXT(DNS_QUERY);
    set_z(&ev[n++], LG_F_QUERY_NAME, "evil.com");
    NEXT(PROCESS_TAMPER);
    n++;
    NEXT(FILE_STREAM_CREATE);
    set_z(&ev[n++], LG_F_TARGET_FILENAME, "C:\\d.txt:Zone.Identifier");
    ev[n] = event_at(LG_EVENT_DRIVER_LOAD, T0, 100);
    set_z(&ev[n++], LG_F_IMAGE_LOADED, "C:\\evil.sys");
    ev[n] = event_at(LG_EVENT_LOGON, T0, 101);
    set_z(&ev[n], LG_F_TARGET_USER_NAME, "jane.doe");
    set_z(&ev[n], LG_F_IP_ADDRESS, "::ffff:10.0.0.7");
    lg_event_set_u64(&ev[n++], LG_F_LOGON_TYPE, 3);
    ev[n] = event_at(LG_EVENT_SERVICE_INSTALL, T0, 102);
    set_z(&ev[n], LG_F_SERVICE_NAME, "EvilSvc");
    set_z(&ev[n++], LG_F_SERVICE_FILE_NAME, "cmd /c x");
    for (unsigned part = 1; part <= 2; part++) {
        ev[n] = event_at(LG_EVENT_SCRIPT_BLOCK, T0, 110 + part);
        set_z(&ev[n], LG_F_SCRIPT_BLOCK_ID, "b1");
        lg_event_set_u64(&ev[n], LG_F_MESSAGE_NUMBER, part);
        lg_event_set_u64(&ev[n], LG_F_MESSAGE_TOTAL, 2);
        set_z(&ev[n++], LG_F_SCRIPT_BLOCK_TEXT, part == 1 ? "Get-Process" : "| Stop-Process");
    }
    ev[n] = event_at(LG_EVENT_GROUP_MEMBER_ADD, T0, 103);
    set_z(&ev[n], LG_F_SUBJECT_USER_NAME, "Administrator");
    set_z(&ev[n++], LG_F_TARGET_USER_NAME, "Administrators");
    ev[n] = event_at(LG_EVENT_SHARE_OBJECT_ACCESS, T0, 104);
    set_z(&ev[n], LG_F_IP_ADDRESS, "192.168.1.1");
    set_z(&ev[n], LG_F_SHARE_NAME, "\\\\*\\IPC$");
    set_z(&ev[n++], LG_F_RELATIVE_TARGET_NAME, "svcctl");
    ev[n] = event_at(LG_EVENT_LOG_CLEAR, T0, 105);
    set_z(&ev[n++], LG_F_SUBJECT_USER_NAME, "bob");
    run(ev, n, 0, check_types);
}

/* Every type of event, with nothing in it, makes a graph that can be written. */
static void check_any(const struct lg_graph *g)
{
    struct lg_buf dot;

    assert_int_equal(g->events, LG_EVENT_TYPE_COUNT * 2);
    for (uint32_t i = 0; i < g->n_edges; i++)
        assert_true(g->edges[i].src < g->n_nodes && g->edges[i].dst < g->n_nodes);
    for (uint32_t i = 1; i < g->n_nodes; i++)
        assert_true(g->nodes[i - 1].type < g->nodes[i].type ||
                (g->nodes[i - 1].type == g->nodes[i].type &&
                        g->nodes[i - 1].fold_key <= g->nodes[i].fold_key));
    lg_buf_init(&dot, 1 << 20);
    lg_graph_write_dot(g, &dot);
    assert_int_equal(dot.failed, 0);
    assert_true(lg_str_starts(lg_buf_str(&dot), LG_STR("digraph")));
    lg_buf_done(&dot);
}

static void test_empty_events(void **state)
{
    struct lg_event ev[LG_EVENT_TYPE_COUNT * 2];

    (void)state;
    for (unsigned t = 0; t < LG_EVENT_TYPE_COUNT; t++) {
        ev[2 * t] = event_at((enum lg_event_type)t, T0, t);
        ev[2 * t + 1] = event_at((enum lg_event_type)t, T0, 1000 + t);
        ev[2 * t + 1].source = LG_SOURCE_WIN_SECURITY;
    }
    run(ev, LG_EVENT_TYPE_COUNT * 2, 0, check_any);
}

/* Labels of the dot file are escaped, those of the JSON file valid. */
static void check_escaped(const struct lg_graph *g)
{
    struct lg_buf b;

    lg_buf_init(&b, 1 << 20);
    lg_graph_write_dot(g, &b);
    assert_true(lg_str_find(lg_buf_str(&b), LG_STR("x\\\"]; evil")) >= 0);
    lg_buf_done(&b);
}

static void test_dot_escapes(void **state)
{
    struct lg_event ev = event_at(LG_EVENT_FILE_CREATE, T0, 1);

    (void)state;
    set_actor(&ev, "g1", 1, "C:\\a.exe");
    set_z(&ev, LG_F_TARGET_FILENAME, "C:\\x\"]; evil\n\xff");
    run(&ev, 1, 0, check_escaped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_spawn_folds),
            cmocka_unit_test(test_context),
            cmocka_unit_test(test_pid_reuse),
            cmocka_unit_test(test_mixed_sources),
            cmocka_unit_test(test_exec),
            cmocka_unit_test(test_linux_pid_reuse),
            cmocka_unit_test(test_fork),
            cmocka_unit_test(test_event_types),
            cmocka_unit_test(test_empty_events),
            cmocka_unit_test(test_dot_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

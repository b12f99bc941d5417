#include "base/mem.h"
#include "graph/features_int.h"
#include "graph/text_int.h"

/*
 * Hand-made counts for the trees (recipe 9): every one log1p of a number of events, nodes or
 * bytes, from nodes and edges of the view alone. Names are part of the feature version.
 */

/* clang-format off */
/* Programs by base name without .exe, as normalised; either platform. */
#define TOOLS(X)                                                                                   \
    X(powershell)                                                                                  \
    X(pwsh)                                                                                        \
    X(cmd)                                                                                         \
    X(wmic)                                                                                        \
    X(rundll32)                                                                                    \
    X(regsvr32)                                                                                    \
    X(mshta) X(cscript) X(wscript) X(net) X(whoami) X(schtasks) X(reg) X(sc) X(psexec) X(psexesvc) \
            X(certutil) X(bitsadmin) X(msbuild) X(installutil) X(wmiprvse) X(wsmprovhost)          \
                    X(nltest) X(netsh) X(tasklist) X(vssadmin) X(ntdsutil) X(wevtutil) X(procdump) \
                            X(conhost) X(dllhost) X(svchost) X(curl) X(wget) X(nc) X(bash) X(sh)   \
                                    X(python) X(perl) X(base64) X(chmod) X(crontab) X(ssh) X(sudo) \
                                            X(systemctl) X(useradd) X(insmod) X(gcc) X(socat)      \
                                                    X(nmap) X(tar) X(find) X(ps) X(id) X(cat)

/* Modules by base name, as normalised, with dots as underscores here. */
#define MODULES(X)                                                                                 \
    X(samlib, "samlib.dll")                                                                        \
    X(vaultcli, "vaultcli.dll")                                                                    \
    X(automation, "system.management.automation.dll")                                              \
    X(automation_ni, "system.management.automation.ni.dll")                                        \
    X(wbemcomn, "wbemcomn.dll")                                                                    \
    X(wbemprox, "wbemprox.dll")                                                                    \
    X(wbemsvc, "wbemsvc.dll") X(fastprox, "fastprox.dll") X(wmiutils, "wmiutils.dll") X(           \
            taskschd, "taskschd.dll") X(clr, "clr.dll") X(mscoree, "mscoree.dll") X(clrjit,        \
            "clrjit.dll") X(amsi, "amsi.dll") X(dbghelp, "dbghelp.dll") X(dbgcore, "dbgcore.dll")  \
            X(winhttp, "winhttp.dll") X(wininet, "wininet.dll") X(urlmon, "urlmon.dll") X(         \
                    crypt32, "crypt32.dll") X(cryptdll, "cryptdll.dll")                            \
                    X(netapi32, "netapi32.dll") X(samsrv, "samsrv.dll") X(ntdsapi, "ntdsapi.dll")  \
                            X(jscript, "jscript.dll") X(vbscript, "vbscript.dll")                  \
                                    X(scrobj, "scrobj.dll") X(comsvcs, "comsvcs.dll")              \
                                            X(dsquery, "dsquery.dll") X(mstscax, "mstscax.dll")

/* Parts of registry keys that matter for persistence, credentials and defence. */
#define KEYS(X)                                                                                    \
    X(run, "\\currentversion\\run")                                                                \
    X(services, "\\currentcontrolset\\services\\")                                                 \
    X(policies, "\\policies\\")                                                                    \
    X(lsa, "\\control\\lsa")                                                                       \
    X(ifeo, "\\image file execution options")                                                      \
    X(winlogon, "\\currentversion\\winlogon")                                                      \
    X(clsid, "\\clsid\\") X(inprocserver, "inprocserver32")                                        \
            X(taskcache, "\\schedule\\taskcache\\") X(firewall, "\\firewallpolicy\\")              \
                    X(defender, "\\windows defender") X(wdigest, "\\securityproviders\\wdigest")   \
                            X(terminal, "\\terminal server") X(scripts, "\\powershell\\")          \
                                    X(environment, "\\environment") X(shell_open, "\\shell\\open") \
                                            X(internet, "\\internet settings") X(mounted,          \
                                                    "\\mountpoints0") X(eventlog, "\\eventlog\\")  \
                                                    X(root_cert, "\\systemcertificates\\")

/* Parts of file names: kinds of content on Windows, places on Linux. */
#define FILES(X)                                                                                   \
    X(lnk, ".lnk")                                                                                 \
    X(archive_zip, ".zip")                                                                         \
    X(archive_rar, ".rar")                                                                         \
    X(archive_7z, ".7z")                                                                           \
    X(dump, ".dmp")                                                                                \
    X(office_doc, ".doc")                                                                          \
    X(office_xls, ".xls") X(pdf, ".pdf") X(hive, "\\config\\sam") X(ntds, "ntds.dit") X(startup,   \
            "\\startup\\") X(tasks, "\\tasks\\") X(tmp, ".tmp") X(prefetch, ".pf") X(psm, ".psm1") \
            X(ps1, ".ps1") X(etc_passwd, "/etc/passwd") X(etc_shadow, "/etc/shadow")               \
                    X(etc_sudoers, "/etc/sudoers") X(cron, "/cron") X(systemd, "/systemd/system")  \
                            X(ssh_keys, "/.ssh/") X(preload, "/etc/ld.so.preload")                 \
                                    X(dev_shm, "/dev/shm/") X(tmp_dir, "/tmp/")                    \
                                            X(proc_mem, "/mem") X(profile, "/.bash")               \
                                                    X(log_dir, "/var/log/") X(www, "/var/www/")    \
                                                            X(docker, "docker.sock")

#define PLAIN(X)                                                                                            \
    X(nodes)                                                                                                \
    X(edges)                                                                                                \
    X(events)                                                                                               \
    X(processes)                                                                                            \
    X(processes_created)                                                                                    \
    X(processes_exited)                                                                                     \
    X(process_instances) X(unsigned_modules) X(unsigned_loads) X(module_user_path) X(file_executable) X(    \
            file_script) X(executable_user_path) X(script_user_path) X(lsass_access) X(lsass_read)          \
            X(lsass_all) X(lsass_dup) X(lsass_unknown_frame) X(lsass_query) X(access_all) X(                \
                    access_write) X(access_thread) X(access_read) X(access_dup) X(access_unknown_frame)     \
                    X(thread_start_unknown) X(thread_loadlibrary) X(command_max) X(command_sum) X(          \
                            command_base64) X(command_long) X(created_user_path) X(created_low)             \
                            X(created_medium) X(created_high) X(created_system) X(created_person) X(        \
                                    created_service) X(created_root) X(created_daemon) X(created_renamed)   \
                                    X(public_out) X(private_out) X(loopback_out) X(high_port_out) X(        \
                                            web_out) X(smb_out) X(winrm_out) X(rdp_out) X(kerberos_out)     \
                                            X(ldap_out) X(dns_names) X(value_path) X(value_binary) X(       \
                                                    value_long) X(failed_calls) X(root_spawn) X(setuid_bit) \
                                                    X(pipe_ipc) X(office_spawn) X(web_spawn) X(             \
                                                            wmi_spawn) X(services_spawn) X(shell_spawn)     \
                                                            X(powershell_spawn) X(powershell_access) X(     \
                                                                    powershell_load) X(powershell_write)    \
                                                                    X(powershell_value_set) X(              \
                                                                            powershell_key_create)          \
                                                                            X(powershell_connect) X(        \
                                                                                    powershell_dns)         \
                                                                                    X(powershell_pipe)      \
                                                                                            X(powershell_thread)
/* clang-format on */

#define ENUM_PLAIN(n) C_##n,
#define ENUM_TOOL(n) C_TOOL_##n,
#define ENUM_PAIR_M(n, s) C_MODULE_##n,
#define ENUM_PAIR_K(n, s) C_KEY_##n,
#define ENUM_PAIR_F(n, s) C_FILE_##n,
#define ENUM_EDGE(e, s, d) C_EDGE_##e,
#define ENUM_NODE(e, s) C_NODE_##e,
enum count {
    PLAIN(ENUM_PLAIN) TOOLS(ENUM_TOOL) MODULES(ENUM_PAIR_M) KEYS(ENUM_PAIR_K) FILES(ENUM_PAIR_F)
            LG_EDGE_TYPES(ENUM_EDGE) LG_NODE_TYPES(ENUM_NODE) COUNT_N
};

#define TEXT_PLAIN(n) #n,
#define TEXT_TOOL(n) "tool_" #n,
#define TEXT_M(n, s) "module_" #n,
#define TEXT_K(n, s) "key_" #n,
#define TEXT_F(n, s) "path_" #n,
#define TEXT_EDGE(e, s, d) "edges_" s,
#define TEXT_NODE(e, s) "nodes_" s,
static const char *const count_names[COUNT_N] = {PLAIN(TEXT_PLAIN) TOOLS(TEXT_TOOL) MODULES(TEXT_M)
                KEYS(TEXT_K) FILES(TEXT_F) LG_EDGE_TYPES(TEXT_EDGE) LG_NODE_TYPES(TEXT_NODE)};

uint32_t lg_features_count_n(void)
{
    return COUNT_N;
}

const char *lg_features_count_name(uint32_t i)
{
    return i < COUNT_N ? count_names[i] : "unknown";
}

struct counter {
    const struct lg_graph *g;
    uint64_t c[COUNT_N];
};

/* Base name without .exe; python3.11 and its like are python. */
static struct lg_str program_of(const struct lg_node *nd)
{
    struct lg_str s = lg_node_base(nd);

    if (lg_str_ends(s, LG_STR(".exe")))
        s.n -= 4;
    while (s.n > 1 && (s.p[s.n - 1] == '0' || s.p[s.n - 1] == '.') && lg_str_starts(s, LG_STR("p")))
        s.n--;
    return s;
}

static bool is_any(struct lg_str s, const char *const *list)
{
    for (; *list != NULL; list++)
        if (lg_str_eq(s, lg_str_z(*list)))
            return true;
    return false;
}

static bool is_powershell(const struct lg_node *nd)
{
    static const char *const list[] = {"powershell", "pwsh", "powershell_ise", "wsmprovhost", NULL};

    return is_any(program_of(nd), list);
}

static void count_tool(struct counter *k, const struct lg_node *nd)
{
    static const char *const tools[] = {
#define T(n) #n,
            TOOLS(T) NULL
#undef T
    };
    struct lg_str s = program_of(nd);

    for (unsigned i = 0; tools[i] != NULL; i++)
        if (lg_str_eq(s, lg_str_z(tools[i])))
            k->c[C_TOOL_powershell + i] += nd->instances;
}

static void count_module(struct counter *k, const struct lg_node *nd)
{
    static const char *const modules[] = {
#define T(n, s) s,
            MODULES(T) NULL
#undef T
    };
    struct lg_str base = lg_node_base(nd);

    for (unsigned i = 0; modules[i] != NULL; i++)
        if (lg_str_eq(base, lg_str_z(modules[i])))
            k->c[C_MODULE_samlib + i]++;
    k->c[C_unsigned_modules] += (nd->flags & LG_NODEF_UNSIGNED) != 0;
    k->c[C_module_user_path] += lg_str_find(nd->name, LG_STR(":\\users\\")) >= 0;
}

static void count_process(struct counter *k, const struct lg_node *nd)
{
    uint64_t *c = k->c;
    bool created = (nd->flags & LG_NODEF_CREATED) != 0;

    c[C_processes]++;
    c[C_process_instances] += nd->instances;
    c[C_processes_exited] += (nd->flags & LG_NODEF_EXITED) != 0;
    count_tool(k, nd);
    if (!created)
        return;
    c[C_processes_created]++;
    c[C_command_sum] += nd->cmd_raw.n;
    if (nd->cmd_raw.n > c[C_command_max])
        c[C_command_max] = nd->cmd_raw.n;
    c[C_command_base64] += (nd->flags & LG_NODEF_BASE64) != 0;
    c[C_command_long] += (nd->flags & LG_NODEF_LONG) != 0;
    c[C_created_user_path] +=
            (lg_text_file_attr(k->g->platform, nd->name) & LG_ATTR_FILE_USER_WRITABLE) != 0;
    if (nd->integrity >= LG_IL_LOW && nd->integrity <= LG_IL_SYSTEM)
        c[C_created_low + nd->integrity - LG_IL_LOW]++;
    c[C_created_person] += nd->user_class == LG_USER_PERSON;
    c[C_created_service] += nd->user_class == LG_USER_SERVICE;
    c[C_created_root] += nd->user_class == LG_USER_ROOT;
    c[C_created_daemon] += nd->user_class == LG_USER_DAEMON;
    c[C_created_renamed] += nd->original.n > 1 && !lg_str_ieq(nd->original, lg_node_base(nd)) &&
            !lg_str_ieq(nd->original, lg_str_basename(nd->raw));
}

/* Where a pair of neighbouring bytes stands in a set of 256. */
static unsigned pair_of(const char *p)
{
    return ((unsigned char)p[0] * 31u + (unsigned char)p[1]) % 256;
}

/* False where a pair of the part's bytes is not in the set. */
static bool may_hold(const uint64_t set[4], const char *part)
{
    for (; part[1] != '\0'; part++)
        if ((set[pair_of(part) / 64] >> pair_of(part) % 64 & 1) == 0)
            return false;
    return true;
}

/* Hardly any name holds any part: its pairs of bytes tell most of them at once. */
static void count_parts(uint64_t *c, struct lg_str name, const char *const *parts, uint64_t by)
{
    uint64_t set[4] = {0};

    for (size_t i = 0; i + 1 < name.n; i++)
        set[pair_of(name.p + i) / 64] |= UINT64_C(1) << pair_of(name.p + i) % 64;
    for (unsigned i = 0; parts[i] != NULL; i++)
        if (may_hold(set, parts[i]) && lg_str_find(name, lg_str_z(parts[i])) >= 0)
            c[i] += by;
}

static void count_node(struct counter *k, const struct lg_node *nd)
{
    k->c[C_NODE_PROCESS + nd->type]++;
    if (nd->type == LG_NODE_PROCESS)
        count_process(k, nd);
    else if (nd->type == LG_NODE_MODULE)
        count_module(k, nd);
    else if (nd->type == LG_NODE_DNS)
        k->c[C_dns_names] += nd->instances;
    else if (nd->type == LG_NODE_PIPE)
        k->c[C_pipe_ipc] += lg_str_eq(nd->name, LG_STR("ntsvcs")) ||
                lg_str_eq(nd->name, LG_STR("svcctl")) || lg_str_eq(nd->name, LG_STR("atsvc")) ||
                lg_str_eq(nd->name, LG_STR("lsass")) || lg_str_eq(nd->name, LG_STR("samr"));
}

static void count_access(struct counter *k, const struct lg_edge *ed, const struct lg_node *dst)
{
    uint64_t *c = k->c, n = ed->count;
    uint32_t a = ed->attr;

    c[C_access_all] += (a & LG_ATTR_ACCESS_ALL) != 0 ? n : 0;
    c[C_access_write] += (a & LG_ATTR_ACCESS_VM_WRITE) != 0 ? n : 0;
    c[C_access_thread] += (a & LG_ATTR_ACCESS_THREAD) != 0 ? n : 0;
    c[C_access_read] += (a & LG_ATTR_ACCESS_VM_READ) != 0 ? n : 0;
    c[C_access_dup] += (a & LG_ATTR_ACCESS_DUP) != 0 ? n : 0;
    c[C_access_unknown_frame] += (a & LG_ATTR_UNKNOWN_FRAME) != 0 ? n : 0;
    if (!lg_str_eq(program_of(dst), LG_STR("lsass")))
        return;
    c[C_lsass_access] += n;
    c[C_lsass_all] += (a & LG_ATTR_ACCESS_ALL) != 0 ? n : 0;
    c[C_lsass_read] += (a & LG_ATTR_ACCESS_VM_READ) != 0 ? n : 0;
    c[C_lsass_dup] += (a & LG_ATTR_ACCESS_DUP) != 0 ? n : 0;
    c[C_lsass_query] += (a & LG_ATTR_ACCESS_QUERY_ONLY) != 0 ? n : 0;
    c[C_lsass_unknown_frame] += (a & LG_ATTR_UNKNOWN_FRAME) != 0 ? n : 0;
}

static void count_spawn(struct counter *k, const struct lg_edge *ed, const struct lg_node *src)
{
    static const char *const office[] = {
            "winword", "excel", "powerpnt", "outlook", "onenote", "acrord32", NULL};
    static const char *const web[] = {
            "w0wp", "httpd", "nginx", "apache0", "java", "tomcat0", "php-fpm", "sqlservr", NULL};
    static const char *const shells[] = {
            "cmd", "powershell", "pwsh", "bash", "sh", "dash", "zsh", NULL};
    struct lg_str s = program_of(src);

    k->c[C_office_spawn] += is_any(s, office) ? ed->count : 0;
    k->c[C_web_spawn] += is_any(s, web) ? ed->count : 0;
    k->c[C_wmi_spawn] += lg_str_eq(s, LG_STR("wmiprvse")) ? ed->count : 0;
    k->c[C_services_spawn] += lg_str_eq(s, LG_STR("services")) ? ed->count : 0;
    k->c[C_shell_spawn] += is_any(s, shells) ? ed->count : 0;
    k->c[C_root_spawn] += (ed->attr & LG_ATTR_ROOT) != 0 ? ed->count : 0;
}

static void count_network(struct counter *k, const struct lg_edge *ed, const struct lg_node *dst)
{
    static const struct {
        struct lg_str port;
        enum count c;
    } ports[] = {{{":80:", 4}, C_web_out}, {{":443:", 5}, C_web_out}, {{":8080:", 6}, C_web_out},
            {{":445:", 5}, C_smb_out}, {{":139:", 5}, C_smb_out}, {{":5985:", 6}, C_winrm_out},
            {{":5986:", 6}, C_winrm_out}, {{":3389:", 6}, C_rdp_out}, {{":88:", 4}, C_kerberos_out},
            {{":389:", 5}, C_ldap_out}, {{":636:", 5}, C_ldap_out}};

    k->c[C_public_out] += (ed->attr & LG_ATTR_ADDR_PUBLIC) != 0 ? ed->count : 0;
    k->c[C_private_out] += (ed->attr & LG_ATTR_ADDR_PRIVATE) != 0 ? ed->count : 0;
    k->c[C_loopback_out] += (ed->attr & LG_ATTR_ADDR_LOOPBACK) != 0 ? ed->count : 0;
    k->c[C_high_port_out] += (ed->attr & LG_ATTR_PORT_HIGH) != 0 ? ed->count : 0;
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if (lg_str_find(dst->name, ports[i].port) >= 0)
            k->c[ports[i].c] += ed->count;
}

static void count_file(struct counter *k, const struct lg_edge *ed, const struct lg_node *dst)
{
    static const char *const parts[] = {
#define T(n, s) s,
            FILES(T) NULL
#undef T
    };
    uint64_t *c = k->c, n = ed->count;
    bool exe = (ed->attr & LG_ATTR_FILE_EXECUTABLE) != 0;
    bool script = (ed->attr & LG_ATTR_FILE_SCRIPT) != 0;
    bool user = (ed->attr & LG_ATTR_FILE_USER_WRITABLE) != 0;

    count_parts(c + C_FILE_lnk, dst->name, parts, n);
    if (ed->type == LG_EDGE_READ)
        return;
    c[C_file_executable] += exe ? n : 0;
    c[C_file_script] += script ? n : 0;
    c[C_executable_user_path] += exe && user ? n : 0;
    c[C_script_user_path] += script && user ? n : 0;
    c[C_setuid_bit] += (ed->attr & LG_ATTR_SETUID_BIT) != 0 ? n : 0;
}

static void count_registry(struct counter *k, const struct lg_edge *ed, const struct lg_node *dst)
{
    static const char *const parts[] = {
#define T(n, s) s,
            KEYS(T) NULL
#undef T
    };

    count_parts(k->c + C_KEY_run, dst->name, parts, ed->count);
    k->c[C_value_path] += (ed->attr & LG_ATTR_VALUE_PATH) != 0 ? ed->count : 0;
    k->c[C_value_binary] += (ed->attr & LG_ATTR_VALUE_BINARY) != 0 ? ed->count : 0;
    k->c[C_value_long] += (ed->attr & LG_ATTR_VALUE_LONG) != 0 ? ed->count : 0;
}

static void count_powershell(struct counter *k, const struct lg_edge *ed)
{
    static const struct {
        uint8_t edge;
        enum count c;
    } of[] = {{LG_EDGE_SPAWN, C_powershell_spawn}, {LG_EDGE_ACCESS, C_powershell_access},
            {LG_EDGE_LOAD, C_powershell_load}, {LG_EDGE_WRITE, C_powershell_write},
            {LG_EDGE_VALUE_SET, C_powershell_value_set},
            {LG_EDGE_KEY_CREATE, C_powershell_key_create},
            {LG_EDGE_CONNECT_OUT, C_powershell_connect}, {LG_EDGE_DNS_QUERY, C_powershell_dns},
            {LG_EDGE_PIPE_CREATE, C_powershell_pipe}, {LG_EDGE_PIPE_CONNECT, C_powershell_pipe},
            {LG_EDGE_REMOTE_THREAD, C_powershell_thread}};

    for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
        if (of[i].edge == ed->type)
            k->c[of[i].c] += ed->count;
}

static void count_edge(struct counter *k, const struct lg_edge *ed)
{
    const struct lg_node *src = &k->g->nodes[ed->src], *dst = &k->g->nodes[ed->dst];
    uint64_t n = ed->count;

    k->c[C_EDGE_SPAWN + ed->type] += n;
    k->c[C_events] += n;
    k->c[C_failed_calls] += (ed->attr & LG_ATTR_FAILED) != 0 ? n : 0;
    k->c[C_unsigned_loads] += (ed->attr & LG_ATTR_UNSIGNED) != 0 ? n : 0;
    k->c[C_thread_start_unknown] += (ed->attr & LG_ATTR_START_UNKNOWN) != 0 ? n : 0;
    k->c[C_thread_loadlibrary] += (ed->attr & LG_ATTR_START_LOADLIBRARY) != 0 ? n : 0;
    if (src->type == LG_NODE_PROCESS && is_powershell(src))
        count_powershell(k, ed);
    if (ed->type == LG_EDGE_SPAWN)
        count_spawn(k, ed, src);
    else if (ed->type == LG_EDGE_ACCESS)
        count_access(k, ed, dst);
    else if (ed->type == LG_EDGE_CONNECT_OUT)
        count_network(k, ed, dst);
    else if (dst->type == LG_NODE_FILE)
        count_file(k, ed, dst);
    else if (dst->type == LG_NODE_REGISTRY)
        count_registry(k, ed, dst);
}

static void count_view(struct counter *k, const struct lg_view_sel *sel)
{
    k->c[C_nodes] = sel->node.n;
    k->c[C_edges] = sel->edge.n;
    for (uint32_t i = 0; i < sel->node.n; i++)
        count_node(k, &k->g->nodes[sel->node.v[i]]);
    for (uint32_t i = 0; i < sel->edge.n; i++)
        count_edge(k, &k->g->edges[sel->edge.v[i]]);
}

int lg_features_counts(struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view,
        const uint8_t *removed, float *out)
{
    struct counter k = {g, {0}};

    if (lg_view_select(fs, g, view, removed) < 0)
        return LG_ENOMEM;
    count_view(&k, &fs->sel);
    for (unsigned i = 0; i < COUNT_N; i++)
        out[i] = lg_log1p_u64(fs, k.c[i]);
    return 0;
}

int lg_counts_keep(struct lg_features *fs, const struct lg_graph *g)
{
    struct counter k = {g, {0}};

    if (fs->ablation.counts == NULL) {
        fs->ablation.counts = lg_calloc(COUNT_N, sizeof(*fs->ablation.counts));
        if (fs->ablation.counts == NULL)
            return LG_ENOMEM;
    }
    count_view(&k, &fs->sel);
    memcpy(fs->ablation.counts, k.c, sizeof(k.c));
    return 0;
}

/* The one count that is no sum. */
static uint64_t command_max(
        const struct lg_ablation *ab, const struct lg_graph *g, const uint8_t *removed)
{
    uint64_t max = 0;

    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct lg_node *nd = &g->nodes[i];

        if (ab->shown_node.v[i] != 0 && removed[i] == 0 && nd->type == LG_NODE_PROCESS &&
                (nd->flags & LG_NODEF_CREATED) != 0 && nd->cmd_raw.n > max)
            max = nd->cmd_raw.n;
    }
    return max;
}

void lg_counts_without(
        struct lg_features *fs, const struct lg_graph *g, const uint8_t *removed, float *out)
{
    const struct lg_ablation *ab = &fs->ablation;
    struct counter k = {g, {0}};

    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (removed[i] == 0 || ab->shown_node.v[i] == 0)
            continue;
        k.c[C_nodes]++;
        count_node(&k, &g->nodes[i]);
    }
    k.c[C_edges] = ab->gone.n;
    for (uint32_t i = 0; i < ab->gone.n; i++)
        count_edge(&k, &g->edges[ab->gone.v[i]]);
    k.c[C_command_max] = ab->counts[C_command_max] - command_max(ab, g, removed);
    for (unsigned i = 0; i < COUNT_N; i++)
        out[i] = lg_log1p_u64(fs, ab->counts[i] - k.c[i]);
}

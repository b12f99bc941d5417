#include "detect/allowlist.h"

/* A daemon that repeats one thing more often than this within a window is not idle. */
#define MAX_NET_COUNT 256u
#define MAX_FILE_COUNT 20000u

#define LOGS "/var/log/"

static const struct lg_allow table[] = {
        {"/lib/systemd/systemd|/sbin/init", "/run/systemd/|/sys/fs/cgroup/",
                LG_ALLOW_MEMFD | LG_ALLOW_BPF | LG_ALLOW_SIGNAL, "init"},
        {"/lib/systemd/systemd-journald", "/run/log/journal/|/var/log/journal/|/run/systemd/",
                LG_ALLOW_MEMFD | LG_ALLOW_SIGNAL, "journal"},
        {"/lib/systemd/systemd-logind", "/run/systemd/", LG_ALLOW_SIGNAL, "log-in manager"},
        {"/lib/systemd/systemd-udevd", "/run/udev/", 0, "device manager"},
        {"/lib/systemd/systemd-networkd", "/run/systemd/netif/", LG_ALLOW_DHCP, "network manager"},
        {"/lib/systemd/systemd-resolved", "/run/systemd/resolve/", LG_ALLOW_DNS | LG_ALLOW_LOOPBACK,
                "resolver"},
        {"/lib/systemd/systemd-timesyncd", "/run/systemd/timesync/|/var/lib/systemd/timesync/",
                LG_ALLOW_NTP, "time"},
        {"/lib/systemd/systemd-oomd|/lib/systemd/systemd-machined|/lib/systemd/systemd-hostnamed|"
         "/lib/systemd/systemd-localed|/lib/systemd/systemd-timedated|/lib/systemd/systemd-userdbd|"
         "/lib/systemd/systemd-userwork",
                "/run/systemd/", LG_ALLOW_MEMFD, "systemd helpers"},
        {"/sbin/cron|/sbin/crond|/sbin/atd|/sbin/anacron", "/run/cron|/var/run/cron", 0,
                "job schedulers, waiting"},
        {"/sbin/chronyd|/sbin/ntpd|/sbin/openntpd",
                "/var/lib/chrony/|/var/log/chrony/|/run/chrony/|"
                "/var/lib/ntp/|/var/log/ntpstats/",
                LG_ALLOW_NTP | LG_ALLOW_LOOPBACK, "time"},
        {"/sbin/rsyslogd|/sbin/syslog-ng|/sbin/syslogd|/sbin/klogd",
                LOGS "syslog|" LOGS "messages|" LOGS "auth.log|" LOGS "secure|" LOGS
                     "kern.log|" LOGS "daemon.log|" LOGS "mail|" LOGS "cron|" LOGS "user.log|" LOGS
                     "debug|" LOGS "boot.log|/var/spool/rsyslog/|/var/lib/rsyslog/|/run/rsyslogd",
                0, "system log"},
        {"/bin/dbus-daemon|/bin/dbus-broker|/bin/dbus-broker-launch", "/run/dbus/",
                LG_ALLOW_MEMFD | LG_ALLOW_SIGNAL, "message bus"},
        {"/sbin/auditd|/sbin/audispd|/sbin/audisp-syslog", "/var/log/audit/|/run/audit", 0,
                "audit daemon"},
        {"/sbin/irqbalance", "/proc/irq/|/run/irqbalance/", 0, "interrupt balancer"},
        {"/sbin/agetty|/sbin/mingetty|/sbin/getty", "", 0, "waiting log-in prompt"},
        {"/sbin/sshd", "", LG_ALLOW_SIGNAL, "SSH daemon, waiting for connections"},
        {"/lib/snapd/snapd", "/var/lib/snapd/state|/run/snapd", LG_ALLOW_MEMFD, "snap daemon"},
        {"/sbin/NetworkManager", "/run/NetworkManager/|/var/lib/NetworkManager/", LG_ALLOW_DHCP,
                "network manager"},
        {"/sbin/wpa_supplicant", "/run/wpa_supplicant/", 0, "wireless"},
        {"/sbin/ModemManager|/sbin/bluetoothd|/lib/bluetooth/bluetoothd", "/var/lib/bluetooth/", 0,
                "modems and Bluetooth"},
        {"/sbin/dhclient|/sbin/dhcpcd", "/var/lib/dhcp/|/var/lib/dhclient/|/run/dhclient",
                LG_ALLOW_DHCP, "DHCP client"},
        {"/sbin/multipathd|/sbin/iscsid|/sbin/lvmetad|/sbin/dmeventd|/sbin/mdadm",
                "/run/multipath|/run/lvm/|/run/mdadm/", 0, "storage daemons"},
        {"/lib/polkit-1/polkitd|/lib/policykit-1/polkitd", "", 0, "authorisation"},
        {"/lib/udisks2/udisksd|/lib/upower/upowerd|/lib/accounts-daemon|"
         "/lib/accountsservice/accounts-daemon|/lib/rtkit-daemon|/lib/colord/colord|/lib/fwupd/"
         "fwupd|"
         "/lib/packagekitd",
                "/run/udisks2/|/var/lib/upower/", LG_ALLOW_MEMFD, "desktop services"},
        {"/sbin/haveged|/sbin/rngd|/sbin/thermald|/sbin/acpid|/sbin/smartd|/sbin/mcelog|/sbin/gpm",
                "/var/lib/smartmontools/|/dev/random", 0, "hardware daemons"},
        {"/bin/dockerd|/bin/containerd|/bin/containerd-shim|/bin/containerd-shim-runc-v2",
                "/run/docker/|/run/containerd/|/var/lib/docker/containers/|/var/lib/containerd/"
                "io.containerd.metadata.v1.bolt/",
                LG_ALLOW_MEMFD | LG_ALLOW_SIGNAL, "container runtime, idle"},
        {"/bin/prometheus-node-exporter|/usr/local/bin/node_exporter|/bin/node_exporter", "",
                LG_ALLOW_SCRAPE | LG_ALLOW_LOOPBACK, "metrics"},
        {"/sbin/avahi-daemon", "/run/avahi-daemon/", 0, "mDNS"},
        {"/sbin/rpcbind|/sbin/rpc.statd|/sbin/rpc.idmapd|/sbin/gssproxy", "/run/rpcbind/",
                LG_ALLOW_LOOPBACK, "RPC services, waiting"},
        {"/bin/qemu-ga|/sbin/qemu-ga|/bin/vmtoolsd|/sbin/VBoxService|/sbin/hv_kvp_daemon",
                "/run/qemu-ga|/var/log/vmware", 0, "guest agents, idle"},
        {"/sbin/lldpd|/sbin/keepalived|/sbin/uuidd|/sbin/nscd|/sbin/nslcd|/sbin/sssd|"
         "/lib/sssd/sssd_be|/lib/sssd/sssd_nss|/lib/sssd/sssd_pam",
                "/var/lib/sss/|/run/nscd/|/var/cache/nscd/|/var/log/sssd/", 0, "name services"},
};

/* Public parts of the system; what a daemon reads when it looks whether something changed. */
static const char readable[] =
        "/proc/|/sys/|/etc/|/lib/|/lib64/|/bin/|/sbin/|/usr/share/|/usr/local/lib/|/run/|/var/run/|"
        "/var/log/journal/|/var/lib/dbus/|/var/spool/cron|/var/spool/at|/var/cache/ldconfig/";
static const char readable_exact[] =
        "/|/proc|/sys|/etc|/run|/dev|/dev/null|/dev/zero|/dev/urandom|/dev/random|/dev/log|/dev/"
        "console|/dev/kmsg|/dev/tty|/dev/ptmx|/dev/rtc|/dev/rtc0|/dev/watchdog|/dev/watchdog0|/dev/"
        "mcelog|/var|/var/log|/var/lib|/var/spool|/usr|/lib|/bin|/sbin|/usr/share";
/* Never idle, wherever the prefix above would allow it. */
static const char secret[] =
        "/etc/shadow|/etc/gshadow|/etc/sudoers|/etc/ssh/|/etc/krb5.keytab|/etc/security/opasswd|"
        "/etc/ssl/private/|/etc/kubernetes/|/proc/kcore|/proc/kallsyms|/etc/ld.so.preload|"
        "/run/secrets/|/var/run/secrets/|/etc/wireguard/|/etc/openvpn/|/etc/ipsec.secrets|"
        "/etc/NetworkManager/system-connections/|/etc/netplan/";
static const char sockets[] =
        "unix:/run/systemd/|unix:/run/dbus/|unix:/var/run/dbus/|unix:/dev/log|unix:/run/udev/|"
        "unix:/run/containerd/|unix:/run/docker/containerd/|unix:/var/run/nscd/|unix:/run/nscd/|"
        "unix:/var/lib/sss/pipes/"
        "|unix:@|unix:netlink|unix:unix|unix:packet|unix:local|unix:AF_NETLINK|"
        "unix:AF_UNIX|unix:AF_LOCAL|unix:AF_PACKET";

/* Is there an entry of the "|" list that s starts with (or equals)? */
static bool listed(const char *list, struct lg_str s, bool whole)
{
    struct lg_str rest = lg_str_z(list), part;

    while (lg_str_split(&rest, '|', &part)) {
        if (part.n > 0 && (whole ? lg_str_eq(s, part) : lg_str_starts(s, part)))
            return true;
    }
    return false;
}

/* /usr/bin and /bin are one folder on merged systems, and each ships daemons in either. */
static struct lg_str without_usr(struct lg_str path)
{
    struct lg_str tail;

    if (!lg_str_starts(path, LG_STR("/usr/")))
        return path;
    tail = lg_str_sub(path, 4, path.n);
    if (lg_str_starts(tail, LG_STR("/bin/")) || lg_str_starts(tail, LG_STR("/sbin/")) ||
            lg_str_starts(tail, LG_STR("/lib/")))
        return tail;
    return path;
}

static const struct lg_allow *find_daemon(struct lg_str path)
{
    struct lg_str p = without_usr(path);

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (listed(table[i].paths, p, true))
            return &table[i];
    }
    return NULL;
}

static bool climbs(struct lg_str path)
{
    return lg_str_find(path, LG_STR("/../")) >= 0 || lg_str_ends(path, LG_STR("/.."));
}

/* Memory, environment and open files of processes are not for idle daemons. */
static bool process_internals(struct lg_str path)
{
    return lg_str_starts(path, LG_STR("/proc/")) &&
            (lg_str_ends(path, LG_STR("/mem")) || lg_str_ends(path, LG_STR("/environ")) ||
                    lg_str_ends(path, LG_STR("/maps")) || lg_str_find(path, LG_STR("/fd/")) >= 0 ||
                    lg_str_find(path, LG_STR("/root/")) >= 0);
}

static bool own_state(const struct lg_allow *d, struct lg_str path)
{
    return !climbs(path) && listed(d->state, path, false);
}

static bool may_read(const struct lg_allow *d, const struct lg_edge *e, struct lg_str path)
{
    if (climbs(path) || process_internals(path) || listed(secret, path, false) ||
            (e->attr & LG_ATTR_FILE_USER_WRITABLE) != 0)
        return false;
    return own_state(d, path) || listed(readable, without_usr(path), false) ||
            listed(readable, path, false) || listed(readable_exact, path, true);
}

static bool may_write(const struct lg_allow *d, const struct lg_edge *e, struct lg_str path)
{
    uint32_t bad = LG_ATTR_FILE_EXECUTABLE | LG_ATTR_FILE_SCRIPT | LG_ATTR_FILE_USER_WRITABLE |
            LG_ATTR_SETUID_BIT;

    if (lg_str_eq(path, LG_STR("/dev/null")) || lg_str_eq(path, LG_STR("/dev/log")))
        return true;
    return (e->attr & bad) == 0 && own_state(d, path);
}

static bool has_port(struct lg_str where, const char *ports)
{
    ptrdiff_t at = lg_str_rchr(where, ':');

    return at >= 0 && listed(ports, lg_str_sub(where, (size_t)at + 1, where.n), true);
}

static bool may_connect(const struct lg_allow *d, const struct lg_edge *e, struct lg_str where)
{
    if (lg_str_starts(where, LG_STR("unix:")))
        return !climbs(where) && listed(sockets, where, false);
    if (e->count > MAX_NET_COUNT)
        return false;
    if ((e->attr & LG_ATTR_ADDR_LOOPBACK) != 0)
        return (d->may & LG_ALLOW_LOOPBACK) != 0;
    if (e->type == LG_EDGE_CONNECT_IN)
        return (d->may & LG_ALLOW_SCRAPE) != 0 && (e->attr & LG_ATTR_ADDR_PRIVATE) != 0;
    return ((d->may & LG_ALLOW_NTP) != 0 && has_port(where, "123|323|4460")) ||
            ((d->may & LG_ALLOW_DNS) != 0 && has_port(where, "53|853")) ||
            ((d->may & LG_ALLOW_DHCP) != 0 && has_port(where, "67|68|546|547"));
}

/* A daemon's fork of itself, with nothing executed since. */
static bool own_fork(const struct lg_graph *g, const struct lg_edge *e)
{
    const struct lg_node *parent = &g->nodes[e->src], *child = &g->nodes[e->dst];

    return lg_str_eq(parent->raw, child->raw) &&
            (child->cmd_raw.n == 0 || lg_str_eq(parent->cmd_raw, child->cmd_raw));
}

static bool idle_edge(const struct lg_graph *g, const struct lg_edge *e)
{
    const struct lg_node *dst = &g->nodes[e->dst];
    const struct lg_allow *d;

    if (g->nodes[e->src].type != LG_NODE_PROCESS || e->count > MAX_FILE_COUNT)
        return false;
    d = find_daemon(g->nodes[e->src].raw);
    if (d == NULL)
        return false;
    switch (e->type) {
    case LG_EDGE_EXIT:
        return true;
    case LG_EDGE_SPAWN:
        return own_fork(g, e);
    case LG_EDGE_READ:
        return may_read(d, e, dst->raw);
    case LG_EDGE_WRITE:
    case LG_EDGE_DELETE:
    case LG_EDGE_MODE_CHANGE:
        return may_write(d, e, dst->raw);
    case LG_EDGE_RENAME:
        return may_write(d, e, dst->raw) && (e->detail.n == 0 || own_state(d, e->detail));
    case LG_EDGE_CONNECT_OUT:
    case LG_EDGE_CONNECT_IN:
        return may_connect(d, e, dst->raw);
    case LG_EDGE_DNS_QUERY:
        return (d->may & (LG_ALLOW_NTP | LG_ALLOW_DNS)) != 0 && e->count <= MAX_NET_COUNT;
    case LG_EDGE_SIGNAL:
        return (d->may & LG_ALLOW_SIGNAL) != 0 && lg_str_eq(e->detail, LG_STR("0"));
    case LG_EDGE_MEMFD:
        return (d->may & LG_ALLOW_MEMFD) != 0;
    case LG_EDGE_BPF:
        return (d->may & LG_ALLOW_BPF) != 0;
    default:
        return false;
    }
}

/* A process that was executed in the window is being started, not idle. */
static bool started(const struct lg_graph *g, uint32_t v)
{
    if ((g->nodes[v].flags & LG_NODEF_CREATED) == 0)
        return false;
    for (uint32_t i = 0; i < g->n_edges; i++) {
        const struct lg_edge *e = &g->edges[i];

        if (e->type == LG_EDGE_SPAWN && e->dst == v && own_fork(g, e))
            return false;
    }
    return true;
}

bool lg_allowlist_idle(const struct lg_graph *g)
{
    uint32_t processes = 0;

    if (g->platform != LG_PLATFORM_LINUX || g->nodes_dropped > 0 || g->edges_dropped > 0)
        return false;
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        const struct lg_node *node = &g->nodes[v];

        if (node->type != LG_NODE_PROCESS)
            continue;
        processes++;
        if ((node->flags & (LG_NODEF_USER_PATH | LG_NODEF_TRUNCATED)) != 0 ||
                find_daemon(node->raw) == NULL || started(g, v))
            return false;
    }
    for (uint32_t i = 0; i < g->n_edges; i++) {
        if (!idle_edge(g, &g->edges[i]))
            return false;
    }
    return processes > 0;
}

uint32_t lg_allowlist_count(void)
{
    return (uint32_t)(sizeof(table) / sizeof(table[0]));
}

const struct lg_allow *lg_allowlist_get(uint32_t i)
{
    return i < lg_allowlist_count() ? &table[i] : NULL;
}

static void write_list(struct lg_buf *out, const char *list)
{
    struct lg_str rest = lg_str_z(list), part;
    bool first = true;

    while (lg_str_split(&rest, '|', &part)) {
        lg_buf_printf(out, "%s`%.*s`", first ? "" : ", ", LG_STR_FMT(part));
        first = false;
    }
}

static void write_rights(struct lg_buf *out, uint32_t may)
{
    static const char *const names[] = {
            "NTP", "DNS", "loopback", "DHCP", "metrics scrapes", "memfd", "BPF", "signal 0"};
    bool first = true;

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((may >> i & 1) == 0)
            continue;
        lg_buf_printf(out, "%s%s", first ? "" : ", ", names[i]);
        first = false;
    }
}

void lg_allowlist_write_doc(struct lg_buf *out)
{
    lg_buf_adds(out,
            LG_STR("# Idle allow-list (Linux)\n\n<!-- Generated from src/detect/allowlist.c; do "
                   "not "
                   "edit. LG_UPDATE_DOCS=1 with the unit test `detect.allowlist` rewrites it. "
                   "-->\n\n"
                   "With `inference.use_idle_allowlist` a window skips the network, and is "
                   "counted, "
                   "when every process in it is a\ndaemon below at its full path (`/usr/bin`, "
                   "`/usr/sbin` and `/usr/lib` count as `/bin`, `/sbin`, `/lib`) and everything\n"
                   "that happened is on this page: reading public system files, exiting, forking "
                   "itself, local system sockets,\nits own state folders, and the rights in the "
                   "last column. Anything else is judged as usual, under whatever name:\nstarting "
                   "a "
                   "program, a daemon just started, changing identity, secrets, memory of "
                   "processes, "
                   "executable files,\nother addresses. Truncated windows are never skipped.\n\n"
                   "| Daemons | What | Own state | May also |\n|---|---|---|---|\n"));
    for (uint32_t i = 0; i < lg_allowlist_count(); i++) {
        lg_buf_adds(out, LG_STR("| "));
        write_list(out, table[i].paths);
        lg_buf_printf(out, " | %s | ", table[i].about);
        write_list(out, table[i].state);
        lg_buf_adds(out, LG_STR(" | "));
        write_rights(out, table[i].may);
        lg_buf_adds(out, LG_STR(" |\n"));
    }
}

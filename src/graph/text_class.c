#include <arpa/inet.h>

#include "graph/text_int.h"

/* Classes of users, integrity levels, addresses and files. */

static bool in_list(struct lg_str s, const char *const *list)
{
    for (; *list != NULL; list++)
        if (lg_str_ieq(s, lg_str_z(*list)))
            return true;
    return false;
}

static struct lg_str account_name(struct lg_str user)
{
    ptrdiff_t i = lg_str_rchr(user, '\\');

    if (i >= 0)
        return lg_str_sub(user, (size_t)i + 1, user.n);
    i = lg_str_chr(user, '@');
    return i > 0 ? lg_str_sub(user, 0, (size_t)i) : user;
}

/* Localised system names are few in practice; the SID decides where it is known. */
static enum lg_user_class sid_class(struct lg_str sid)
{
    if (lg_str_ieq(sid, LG_STR("s-1-5-18")))
        return LG_USER_SYSTEM;
    if (lg_str_ieq(sid, LG_STR("s-1-5-19")) || lg_str_ieq(sid, LG_STR("s-1-5-20")) ||
            lg_str_istarts(sid, LG_STR("s-1-5-80-")) || lg_str_istarts(sid, LG_STR("s-1-5-82-")) ||
            lg_str_istarts(sid, LG_STR("s-1-5-83-")) || lg_str_istarts(sid, LG_STR("s-1-5-90-")) ||
            lg_str_istarts(sid, LG_STR("s-1-5-96-")))
        return LG_USER_SERVICE;
    if (lg_str_istarts(sid, LG_STR("s-1-5-21-")) || lg_str_istarts(sid, LG_STR("s-1-12-1-")))
        return LG_USER_PERSON;
    return LG_USER_UNKNOWN;
}

static enum lg_user_class windows_class(struct lg_str user)
{
    static const char *const system[] = {"system", "local system", "localsystem",
            "nt authority\\system", "autorite nt\\system", "nt-autorit\xc3\xa4t\\system", NULL};
    static const char *const service[] = {"local service", "network service", "localservice",
            "networkservice", "iusr", "anonymous logon", "defaultaccount", NULL};
    static const char *const service_domains[] = {"nt service\\", "iis apppool\\",
            "window manager\\", "font driver host\\", "nt virtual machine\\", NULL};
    struct lg_str name = account_name(user);

    if (in_list(user, system) || in_list(name, system))
        return LG_USER_SYSTEM;
    if (in_list(name, service))
        return LG_USER_SERVICE;
    for (const char *const *d = service_domains; *d != NULL; d++)
        if (lg_str_istarts(user, lg_str_z(*d)))
            return LG_USER_SERVICE;
    if (lg_str_istarts(name, LG_STR("dwm-")) || lg_str_istarts(name, LG_STR("umfd-")))
        return LG_USER_SERVICE;
    if (lg_str_ends(name, LG_STR("$")))
        return LG_USER_SYSTEM; /* a machine's own account acts as the machine */
    return LG_USER_PERSON;
}

enum lg_user_class lg_text_uid_class(uint64_t uid)
{
    if (uid == 0)
        return LG_USER_ROOT;
    if (uid == UINT32_MAX || uid > UINT32_MAX)
        return LG_USER_UNKNOWN;
    return uid < 1000 || uid == 65534 ? LG_USER_DAEMON : LG_USER_PERSON;
}

static enum lg_user_class linux_class(struct lg_str user)
{
    static const char *const daemons[] = {"daemon", "bin", "sys", "sync", "games", "man", "lp",
            "mail", "news", "uucp", "proxy", "www-data", "backup", "list", "irc", "gnats", "nobody",
            "_apt", "sshd", "messagebus", "systemd-network", "systemd-resolve", "systemd-timesync",
            "systemd-coredump", "syslog", "polkitd", "postfix", "mysql", "postgres", "redis",
            "nginx", "apache", "tomcat", "ntp", "chrony", "dbus", "rpc", "rpcuser", "nfsnobody",
            "ftp", "operator", "adm", "uuidd", "tcpdump", "landscape", "pollinate", "tss", "avahi",
            "colord", "kafka", NULL};
    uint64_t uid;

    if (lg_str_ieq(user, LG_STR("root")))
        return LG_USER_ROOT;
    if (lg_str_istarts(user, LG_STR("uid:")))
        user = lg_str_sub(user, 4, user.n);
    if (lg_parse_u64(user, &uid) == 0)
        return lg_text_uid_class(uid);
    if (lg_str_ieq(user, LG_STR("unset")) || lg_str_ieq(user, LG_STR("unknown")))
        return LG_USER_UNKNOWN;
    return in_list(user, daemons) ? LG_USER_DAEMON : LG_USER_PERSON;
}

enum lg_user_class lg_text_user_class(
        enum lg_platform platform, struct lg_str user, struct lg_str sid)
{
    enum lg_user_class c = LG_USER_UNKNOWN;

    if (platform == LG_PLATFORM_LINUX)
        return user.n > 0 ? linux_class(user) : LG_USER_UNKNOWN;
    if (sid.n > 0)
        c = sid_class(sid);
    if (c != LG_USER_UNKNOWN || user.n == 0 || lg_str_eq(user, LG_STR("-")))
        return c;
    return windows_class(user);
}

enum lg_integrity lg_text_integrity(struct lg_str s)
{
    uint64_t rid;

    if (lg_str_istarts(s, LG_STR("s-1-16-"))) {
        if (lg_parse_u64(lg_str_sub(s, 7, s.n), &rid) < 0)
            return LG_IL_UNKNOWN;
        return rid >= 16384    ? LG_IL_SYSTEM
                : rid >= 12288 ? LG_IL_HIGH
                : rid >= 8192  ? LG_IL_MEDIUM
                               : LG_IL_LOW;
    }
    if (lg_str_ieq(s, LG_STR("system")) || lg_str_ieq(s, LG_STR("protected")))
        return LG_IL_SYSTEM;
    if (lg_str_ieq(s, LG_STR("high")))
        return LG_IL_HIGH;
    if (lg_str_istarts(s, LG_STR("medium")))
        return LG_IL_MEDIUM;
    if (lg_str_ieq(s, LG_STR("low")) || lg_str_ieq(s, LG_STR("appcontainer")) ||
            lg_str_ieq(s, LG_STR("untrusted")))
        return LG_IL_LOW;
    return LG_IL_UNKNOWN;
}

size_t lg_text_account(enum lg_platform platform, struct lg_str raw, char *out, size_t max)
{
    static const char *const known[] = {"administrator", "guest", "krbtgt", "defaultaccount",
            "wdagutilityaccount", "anonymous logon", "system", "local service", "network service",
            "root", "nobody", "www-data", "sshd", "mysql", "postgres", "everyone", NULL};
    struct lg_text_out o = {out, 0, max};
    struct lg_str name = account_name(lg_str_trim(raw));

    if (name.n == 0 || lg_str_eq(name, LG_STR("-"))) {
        lg_text_adds(&o, LG_STR("<unknown>"));
    } else if (in_list(name, known)) {
        for (size_t i = 0; i < name.n; i++)
            lg_text_addc(&o, lg_ascii_lower(name.p[i]));
    } else if (platform == LG_PLATFORM_WINDOWS && lg_str_ends(name, LG_STR("$"))) {
        lg_text_adds(&o, LG_STR("<machine>"));
    } else {
        static const char *const class_name[] = {
                "<unknown>", "system", "<service>", "<person>", "root", "<daemon>"};

        lg_text_adds(&o, lg_str_z(class_name[lg_text_user_class(platform, raw, LG_STR(""))]));
    }
    return o.n;
}

size_t lg_text_group(struct lg_str raw, char *out, size_t max)
{
    static const char *const known[] = {"administrators", "users", "guests", "power users",
            "backup operators", "remote desktop users", "remote management users", "domain admins",
            "enterprise admins", "schema admins", "account operators", "server operators",
            "print operators", "domain users", "domain computers", "dnsadmins",
            "group policy creator owners", "hyper-v administrators", "event log readers",
            "distributed com users", "sudo", "wheel", "adm", "docker", "root", NULL};
    struct lg_text_out o = {out, 0, max};
    struct lg_str name = account_name(lg_str_trim(raw));

    if (!in_list(name, known))
        name = LG_STR("<group>");
    lg_text_adds(&o, LG_STR("group:"));
    for (size_t i = 0; i < name.n; i++)
        lg_text_addc(&o, lg_ascii_lower(name.p[i]));
    return o.n;
}

static enum lg_addr_class v4_class(uint32_t a)
{
    if (a == 0)
        return LG_ADDR_UNSPECIFIED;
    if (a >> 24 == 127)
        return LG_ADDR_LOOPBACK;
    if (a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == (100u << 2 | 1))
        return LG_ADDR_PRIVATE; /* the last one: carrier-grade NAT, 100.64/10 */
    if (a >> 16 == 0xa9fe)
        return LG_ADDR_LINK_LOCAL;
    if (a >> 28 == 0xe || a == UINT32_MAX)
        return LG_ADDR_MULTICAST;
    return LG_ADDR_PUBLIC;
}

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static enum lg_addr_class v6_class(const uint8_t b[16])
{
    static const uint8_t zero[15] = {0};

    if (memcmp(b, v4_mapped, sizeof(v4_mapped)) == 0)
        return v4_class(
                (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15]);
    if (memcmp(b, zero, 15) == 0 && b[15] <= 1)
        return b[15] == 1 ? LG_ADDR_LOOPBACK : LG_ADDR_UNSPECIFIED;
    if ((b[0] & 0xfe) == 0xfc)
        return LG_ADDR_PRIVATE;
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
        return LG_ADDR_LINK_LOCAL;
    return b[0] == 0xff ? LG_ADDR_MULTICAST : LG_ADDR_PUBLIC;
}

enum lg_addr_class lg_text_addr_class(struct lg_str addr, bool *ret_v6)
{
    char z[INET6_ADDRSTRLEN + 1];
    ptrdiff_t zone = lg_str_chr(addr, '%');
    uint8_t b[16];

    *ret_v6 = false;
    if (zone >= 0)
        addr.n = (size_t)zone;
    if (addr.n == 0 || addr.n >= sizeof(z))
        return LG_ADDR_NONE;
    memcpy(z, addr.p, addr.n);
    z[addr.n] = '\0';
    if (inet_pton(AF_INET, z, b) == 1)
        return v4_class((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
    if (inet_pton(AF_INET6, z, b) != 1)
        return LG_ADDR_NONE;
    *ret_v6 = memcmp(b, v4_mapped, sizeof(v4_mapped)) != 0;
    return v6_class(b);
}

struct lg_str lg_text_addr_name(enum lg_addr_class c)
{
    switch (c) {
    case LG_ADDR_LOOPBACK:
        return LG_STR("ip-loopback");
    case LG_ADDR_PRIVATE:
        return LG_STR("ip-private");
    case LG_ADDR_LINK_LOCAL:
        return LG_STR("ip-link-local");
    case LG_ADDR_MULTICAST:
        return LG_STR("ip-multicast");
    case LG_ADDR_UNSPECIFIED:
        return LG_STR("ip-any");
    case LG_ADDR_PUBLIC:
        return LG_STR("ip-public");
    case LG_ADDR_NONE:
        break;
    }
    return LG_STR("name");
}

/* Ports that say what is spoken; others become a range. */
static bool port_known(uint64_t port)
{
    static const uint16_t known[] = {1080, 1194, 1433, 1434, 1521, 1723, 1812, 2049, 2375, 2376,
            3128, 3268, 3269, 3306, 3389, 3478, 4444, 5000, 5060, 5222, 5353, 5355, 5432, 5555,
            5601, 5666, 5672, 5900, 5985, 5986, 6379, 6443, 6667, 7680, 8000, 8008, 8080, 8081,
            8088, 8089, 8443, 8888, 9001, 9050, 9090, 9092, 9200, 9389, 9997, 10250, 11211, 27017};

    if (port < 1024)
        return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i] == port)
            return true;
    return false;
}

size_t lg_text_network(enum lg_text_kind kind, struct lg_str raw, char *out, size_t max)
{
    struct lg_text_out o = {out, 0, max};
    ptrdiff_t colon = lg_str_rchr(raw, ':');
    struct lg_str addr = raw;
    uint64_t port = 0;
    bool v6, has_port = false;
    enum lg_addr_class c;

    if (colon >= 0 && lg_parse_u64(lg_str_sub(raw, (size_t)colon + 1, raw.n), &port) == 0) {
        addr = lg_str_sub(raw, 0, (size_t)colon);
        has_port = true;
    }
    if (addr.n >= 2 && addr.p[0] == '[' && addr.p[addr.n - 1] == ']')
        addr = lg_str_sub(addr, 1, addr.n - 1);
    c = lg_text_addr_class(addr, &v6);
    lg_text_adds(&o, lg_text_addr_name(c));
    lg_text_adds(&o, v6 ? LG_STR("6:") : LG_STR("4:"));
    if (!has_port || port == 0) {
        lg_text_adds(&o, LG_STR("any"));
    } else if (port_known(port)) {
        char d[20];
        size_t n = 0;

        for (; port > 0; port /= 10)
            d[n++] = (char)('0' + port % 10);
        while (n > 0)
            lg_text_addc(&o, d[--n]);
    } else {
        lg_text_adds(&o, port >= 49152 ? LG_STR("high") : LG_STR("user"));
    }
    lg_text_adds(&o,
            kind == LG_TEXT_NET_IN            ? LG_STR(":in")
                    : kind == LG_TEXT_NET_OUT ? LG_STR(":out")
                                              : LG_STR(":listen"));
    return o.n;
}

static struct lg_str extension(struct lg_str path)
{
    struct lg_str base = lg_str_basename(path);
    ptrdiff_t dot = lg_str_rchr(base, '.');

    return dot >= 0 ? lg_str_sub(base, (size_t)dot + 1, base.n) : lg_str_of("", 0);
}

static const char *const exe_ext[] = {"exe", "dll", "sys", "scr", "com", "cpl", "ocx", "drv", "msi",
        "efi", "so", "ko", "elf", "bin", "pif", "xll", "node", NULL};
static const char *const script_ext[] = {"ps1", "psm1", "psd1", "bat", "cmd", "vbs", "vbe", "js",
        "jse", "wsf", "wsh", "hta", "sct", "py", "pyc", "sh", "pl", "rb", "php", "jsp", "asp",
        "aspx", "lua", "inf", "xsl", "csproj", NULL};

uint32_t lg_text_file_attr(enum lg_platform platform, struct lg_str path)
{
    static const char *const win_writable[] = {"\\users\\", "\\temp\\", "\\tmp\\",
            "\\programdata\\", "\\perflogs\\", "\\documents and settings\\", "\\$recycle.bin\\",
            "\\appdata\\", NULL};
    static const char *const nix_writable[] = {
            "/tmp/", "/var/tmp/", "/dev/shm/", "/home/", "/run/user/", "/var/www/", NULL};
    static const char *const nix_bin[] = {"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/",
            "/usr/local/bin/", "/usr/local/sbin/", "/usr/libexec/", NULL};
    struct lg_str ext = extension(path);
    uint32_t attr = 0;

    if (in_list(ext, exe_ext))
        attr |= LG_ATTR_FILE_EXECUTABLE;
    else if (in_list(ext, script_ext))
        attr |= LG_ATTR_FILE_SCRIPT;
    if (platform == LG_PLATFORM_WINDOWS) {
        for (const char *const *w = win_writable; *w != NULL; w++)
            if (lg_str_ifind(path, lg_str_z(*w)) >= 0)
                attr |= LG_ATTR_FILE_USER_WRITABLE;
        return attr;
    }
    for (const char *const *w = nix_writable; *w != NULL; w++)
        if (lg_str_istarts(path, lg_str_z(*w)))
            attr |= LG_ATTR_FILE_USER_WRITABLE;
    for (const char *const *b = nix_bin; *b != NULL && (attr & LG_ATTR_FILE_SCRIPT) == 0; b++)
        if (lg_str_starts(path, lg_str_z(*b)))
            attr |= LG_ATTR_FILE_EXECUTABLE;
    return attr;
}

bool lg_text_names_program(struct lg_str data)
{
    /* without those that are also parts of host names */
    static const char *const program_ext[] = {"exe", "dll", "sys", "scr", "cpl", "ocx", NULL};

    for (size_t i = 0; i + 1 < data.n; i++) {
        size_t n = 0;

        if (data.p[i] != '.')
            continue;
        while (i + 1 + n < data.n && lg_is_word(data.p[i + 1 + n]))
            n++;
        if (n >= 2 && n <= 6 &&
                (in_list(lg_str_of(data.p + i + 1, n), program_ext) ||
                        in_list(lg_str_of(data.p + i + 1, n), script_ext)))
            return true;
    }
    return false;
}

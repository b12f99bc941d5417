#include "graph/text.h"

#include "graph/text_int.h"

#define TEXT_BASE64_MIN 40   /* in a command line; LG_NODEF_BASE64 asks for 64 */
#define TEXT_FLAGS_MAX 32768 /* no Windows command line is longer */
#define TEXT_SCAN_MAX (LG_MAX_NODE_TEXT + 512)

struct lg_str lg_text_cut(struct lg_str s, size_t max)
{
    if (s.n <= max)
        return s;
    s.n = max;
    for (unsigned k = 0; k < 3 && s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80; k++)
        s.n--;
    return s;
}

static bool is_base64(char c)
{
    return lg_is_digit(c) || lg_is_lower(c) || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
}

ptrdiff_t lg_text_base64_run(struct lg_str s, size_t min, size_t *ret_n)
{
    for (size_t i = 0; i < s.n;) {
        size_t upper = 0, lower = 0, digit = 0, slash = 0, j = i, back;

        /* most texts have no run so long: look where it would have to be, and go back from there */
        if (min > 0 && s.n - i < min)
            return -1;
        for (back = i + min; back > i && is_base64(s.p[back - 1]);)
            back--;
        if (back > i) {
            i = back;
            continue;
        }
        for (; j < s.n && is_base64(s.p[j]); j++) {
            upper += s.p[j] >= 'A' && s.p[j] <= 'Z';
            lower += lg_is_lower(s.p[j]);
            digit += lg_is_digit(s.p[j]) || s.p[j] == '+';
            slash += s.p[j] == '/';
        }
        /* long Unix paths are made of the same characters, with many slashes */
        if (j - i >= min && upper > 0 && lower > 0 && digit > 0 && slash * 12 < j - i) {
            while (j < s.n && s.p[j] == '=')
                j++;
            *ret_n = j - i;
            return (ptrdiff_t)i;
        }
        i = j + 1;
    }
    return -1;
}

uint32_t lg_text_flags(struct lg_str cmd)
{
    uint32_t flags = 0;
    size_t n;

    if (cmd.n >= 512)
        flags |= LG_NODEF_LONG;
    if (cmd.n > LG_MAX_NODE_TEXT)
        flags |= LG_NODEF_TRUNCATED;
    cmd = lg_text_cut(cmd, TEXT_FLAGS_MAX);
    if (cmd.n >= 64 && lg_text_base64_run(cmd, 64, &n) >= 0)
        flags |= LG_NODEF_BASE64;
    return flags;
}

bool lg_text_uses_names(enum lg_text_kind kind)
{
    switch (kind) {
    case LG_TEXT_FILE:
    case LG_TEXT_PIPE:
    case LG_TEXT_DNS:
    case LG_TEXT_SCRIPT:
    case LG_TEXT_CMD:
    case LG_TEXT_NAME:
    case LG_TEXT_SHARE:
        return true;
    default:
        return false;
    }
}

struct rewrite {
    struct lg_str from; /* lower case */
    struct lg_str to;
};
#define REWRITE(f, t)                                                                              \
    {                                                                                              \
        {(f), sizeof(f) - 1},                                                                      \
        {                                                                                          \
            (t), sizeof(t) - 1                                                                     \
        }                                                                                          \
    }

/* Anywhere in a text. */
static const struct rewrite expansions[] = {
        REWRITE("%systemroot%", "c:\\windows"),
        REWRITE("%windir%", "c:\\windows"),
        REWRITE("%systemdrive%", "c:"),
        REWRITE("%comspec%", "c:\\windows\\system32\\cmd.exe"),
        REWRITE("%programfiles%", "c:\\program files"),
        REWRITE("%programfiles(x86)%", "c:\\program files (x86)"),
        REWRITE("%commonprogramfiles%", "c:\\program files\\common files"),
        REWRITE("%programdata%", "c:\\programdata"),
        REWRITE("%allusersprofile%", "c:\\programdata"),
        REWRITE("%public%", "c:\\users\\public"),
        REWRITE("%userprofile%", "c:\\users\\<user>"),
        REWRITE("%appdata%", "c:\\users\\<user>\\appdata\\roaming"),
        REWRITE("%localappdata%", "c:\\users\\<user>\\appdata\\local"),
        REWRITE("%temp%", "c:\\users\\<user>\\appdata\\local\\temp"),
        REWRITE("%tmp%", "c:\\users\\<user>\\appdata\\local\\temp"),
        REWRITE("progra~1", "program files"),
        REWRITE("progra~2", "program files (x86)"),
        REWRITE("progra~3", "programdata"),
        REWRITE("docume~1", "documents and settings"),
};

/* At the start of a Windows path (lower case, backslashes); tried in order, again and again. */
static const struct rewrite path_prefixes[] = {
        REWRITE("\\\\?\\unc\\", "\\\\"),
        REWRITE("\\\\?\\", ""),
        REWRITE("\\??\\", ""),
        REWRITE("\\\\.\\", ""),
        REWRITE("\\systemroot\\", "c:\\windows\\"),
        REWRITE("\\windows\\", "c:\\windows\\"),
        REWRITE("system32\\", "c:\\windows\\system32\\"),
        REWRITE("\\device\\mup\\", "\\\\"),
        REWRITE("\\device\\lanmanredirector\\", "\\\\"),
};

static const struct rewrite registry_prefixes[] = {
        REWRITE("\\registry\\machine\\", "hklm\\"),
        REWRITE("\\registry\\user\\", "hku\\"),
        REWRITE("hkey_local_machine\\", "hklm\\"),
        REWRITE("hkey_users\\", "hku\\"),
        REWRITE("hkey_current_user\\", "hku\\<sid>\\"),
        REWRITE("hkcu\\", "hku\\<sid>\\"),
        REWRITE("hkey_classes_root\\", "hkcr\\"),
        REWRITE("hklm\\software\\classes\\", "hkcr\\"),
};

static const struct rewrite pipe_prefixes[] = {
        REWRITE("\\\\.\\pipe\\", ""),
        REWRITE("\\device\\namedpipe\\", ""),
        REWRITE("\\", ""),
};

/* The text at work: lower case beside the original case, same offsets. */
struct scan {
    struct lg_str s;
    struct lg_str cased;
    size_t i;
    struct lg_text_out o;
    enum lg_text_kind kind;
    enum lg_platform platform;
    struct lg_str fqdn, host, domain;
    struct lg_str person[LG_TEXT_PEOPLE + 1];
    struct lg_str netbios[LG_TEXT_PEOPLE + 1]; /* their domains */
    unsigned n_people;
    bool rand;
    char low[TEXT_SCAN_MAX];
    char raw[TEXT_SCAN_MAX];
};

static void scan_fill(struct scan *sc, struct lg_str raw)
{
    struct lg_text_out lo = {sc->low, 0, sizeof(sc->low)}, ca = {sc->raw, 0, sizeof(sc->raw)};
    const size_t n_exp = sizeof(expansions) / sizeof(expansions[0]);
    bool expand = sc->platform == LG_PLATFORM_WINDOWS &&
            (lg_str_chr(raw, '%') >= 0 || lg_str_chr(raw, '~') >= 0);

    for (size_t i = 0; i < raw.n;) {
        size_t k = n_exp;

        if (expand &&
                (raw.p[i] == '%' || raw.p[i] == 'p' || raw.p[i] == 'P' || raw.p[i] == 'd' ||
                        raw.p[i] == 'D'))
            for (k = 0; k < n_exp; k++)
                if (lg_str_istarts(lg_str_sub(raw, i, raw.n), expansions[k].from))
                    break;
        if (k < n_exp) {
            lg_text_adds(&lo, expansions[k].to);
            lg_text_adds(&ca, expansions[k].to);
            i += expansions[k].from.n;
            continue;
        }
        lg_text_addc(&lo, lg_ascii_lower(raw.p[i]));
        lg_text_addc(&ca, raw.p[i++]);
    }
    sc->s = lg_str_of(lo.p, lo.n);
    sc->cased = lg_str_of(ca.p, ca.n);
}

/* Replaces what stands at the start; the output takes it, the scan goes on behind it. */
static void scan_prefix(struct scan *sc, const struct rewrite *rw, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (!lg_str_starts(lg_str_sub(sc->s, sc->i, sc->s.n), rw[k].from))
            continue;
        sc->i += rw[k].from.n;
        if (rw[k].to.n > 0) {
            lg_text_adds(&sc->o, rw[k].to);
            return;
        }
    }
}

/* \device\harddiskvolume3\ and \device\vhdharddisk{...}\ are some drive: c: for all. */
static void scan_device(struct scan *sc)
{
    static const struct lg_str dev = {"\\device\\", 8};
    struct lg_str rest = lg_str_sub(sc->s, sc->i, sc->s.n);
    ptrdiff_t end;

    if (!lg_str_starts(rest, dev))
        return;
    rest = lg_str_sub(rest, dev.n, rest.n);
    if (!lg_str_starts(rest, LG_STR("harddisk")) && !lg_str_starts(rest, LG_STR("vhdharddisk")))
        return;
    if (lg_str_starts(rest, LG_STR("harddiskvolumeshadowcopy")))
        return; /* reading from a shadow copy is a fact of its own */
    end = lg_str_chr(rest, '\\');
    if (end < 0)
        return;
    sc->i += dev.n + (size_t)end;
    lg_text_adds(&sc->o, LG_STR("c:"));
}

static void scan_windows_path(struct scan *sc)
{
    while (sc->i < sc->s.n && sc->s.p[sc->i] == '"')
        sc->i++;
    for (size_t i = 0; i < sc->s.n; i++)
        if (sc->low[i] == '/')
            sc->low[i] = '\\';
    scan_prefix(sc, path_prefixes, sizeof(path_prefixes) / sizeof(path_prefixes[0]));
    if (sc->o.n == 0)
        scan_device(sc);
}

/* The component at `i` up to its separator. */
static size_t component_at(struct lg_str s, size_t i)
{
    size_t j = i;

    while (j < s.n && s.p[j] != '\\' && s.p[j] != '/' && s.p[j] != '"' && s.p[j] != '\'' &&
            s.p[j] != ',' && s.p[j] != ';' && s.p[j] != '|' && s.p[j] != '\n' && s.p[j] != '<')
        j++;
    return j - i;
}

static bool try_user_folder(struct scan *sc)
{
    static const char *const shared[] = {"public", "default", "default user", "all users",
            "defaultuser0", "shared", "linuxbrew"};
    struct lg_str c;

    if (!lg_text_tail(&sc->o, LG_STR(":\\users\\")) && !lg_text_tail(&sc->o, LG_STR("/home/")) &&
            !lg_text_tail(&sc->o, LG_STR("\\documents and settings\\")) &&
            !lg_text_tail(&sc->o, LG_STR(":/users/")) &&
            !lg_text_tail(&sc->o, LG_STR("\\\\users\\\\")))
        return false;
    c = lg_str_of(sc->s.p + sc->i, component_at(sc->s, sc->i));
    for (size_t k = 0; k < sizeof(shared) / sizeof(shared[0]); k++)
        if (lg_str_eq(c, lg_str_z(shared[k])))
            return false;
    if (c.n == 0)
        return false;
    /* outside quotes a space ends the path, unless the folder goes on behind it */
    if (sc->i + c.n >= sc->s.n || (sc->s.p[sc->i + c.n] != '\\' && sc->s.p[sc->i + c.n] != '/')) {
        ptrdiff_t sp = lg_str_chr(c, ' ');

        if (sp > 0)
            c.n = (size_t)sp;
    }
    lg_text_adds(&sc->o, LG_STR("<user>"));
    sc->i += c.n;
    return true;
}

/* \\server\share: the server is some host, unless it is an address or this machine by name. */
static bool try_unc_host(struct scan *sc)
{
    struct lg_str c;

    if (sc->i < 2 || sc->s.p[sc->i - 1] != '\\' || sc->s.p[sc->i - 2] != '\\' ||
            (sc->i > 2 &&
                    (lg_is_word(sc->s.p[sc->i - 3]) || sc->s.p[sc->i - 3] == '\\' ||
                            sc->s.p[sc->i - 3] == ':')))
        return false;
    c = lg_str_of(sc->s.p + sc->i, component_at(sc->s, sc->i));
    if (lg_str_chr(c, ' ') >= 0)
        c.n = (size_t)lg_str_chr(c, ' ');
    if (c.n == 0 || lg_str_eq(c, LG_STR("localhost")) || lg_str_eq(c, LG_STR("tsclient")) ||
            lg_text_ipv4_at(c, 0) == c.n)
        return false;
    lg_text_adds(&sc->o, LG_STR("<host>"));
    sc->i += c.n;
    return true;
}

static bool try_name(struct scan *sc, struct lg_str name, struct lg_str as)
{
    struct lg_str rest = lg_str_sub(sc->s, sc->i, sc->s.n);

    if (name.n < 2 || !lg_str_istarts(rest, name) ||
            (rest.n > name.n && lg_is_word(rest.p[name.n])))
        return false;
    lg_text_adds(&sc->o, as);
    sc->i += name.n;
    return true;
}

/* name.domain is some host of the endpoint's own network. */
static bool try_peer(struct scan *sc)
{
    struct lg_str rest = lg_str_sub(sc->s, sc->i, sc->s.n), after;
    size_t n = 0;

    if (sc->domain.n == 0)
        return false;
    while (n < rest.n && (lg_is_word(rest.p[n]) || rest.p[n] == '-'))
        n++;
    after = lg_str_sub(rest, n, rest.n);
    if (after.n < sc->domain.n + 1 || after.p[0] != '.' ||
            !lg_str_istarts(lg_str_sub(after, 1, after.n), sc->domain) ||
            (after.n > sc->domain.n + 1 && lg_is_word(after.p[sc->domain.n + 1])))
        return false;
    lg_text_adds(&sc->o, LG_STR("<host>.<domain>"));
    sc->i += n + 1 + sc->domain.n;
    return true;
}

static bool try_names(struct scan *sc)
{
    if (try_name(sc, sc->fqdn, LG_STR("<host>")) || try_name(sc, sc->host, LG_STR("<host>")) ||
            try_name(sc, sc->domain, LG_STR("<domain>")) || try_peer(sc))
        return true;
    for (unsigned k = 0; k < sc->n_people; k++)
        if (try_name(sc, sc->person[k], LG_STR("<user>")) ||
                try_name(sc, sc->netbios[k], LG_STR("<domain>")))
            return true;
    return false;
}

static bool try_base64(struct scan *sc)
{
    struct lg_str rest = lg_str_sub(sc->cased, sc->i, sc->cased.n);
    size_t n = 0;

    while (n < rest.n && is_base64(rest.p[n]))
        n++;
    if (n < TEXT_BASE64_MIN || lg_text_base64_run(lg_str_sub(rest, 0, n), TEXT_BASE64_MIN, &n) != 0)
        return false;
    while (n < rest.n && rest.p[n] == '=')
        n++;
    lg_text_adds(&sc->o, LG_STR("<b64>"));
    sc->i += n;
    return true;
}

/* In names of files and keys four numbers with dots are a version, but for \\10.0.0.1\share. */
static bool may_hold_address(const struct scan *sc)
{
    switch (sc->kind) {
    case LG_TEXT_IMAGE:
    case LG_TEXT_FILE:
    case LG_TEXT_MODULE:
    case LG_TEXT_REGISTRY:
        return lg_text_tail(&sc->o, LG_STR("\\\\")) && sc->o.n == 2;
    default:
        return true;
    }
}

static bool try_pattern(struct scan *sc)
{
    size_t n = lg_text_guid_at(sc->s, sc->i);
    struct lg_str t;
    bool v6;

    if (n > 0) {
        lg_text_adds(&sc->o, LG_STR("<guid>"));
        sc->i += n;
        return true;
    }
    n = lg_text_sid_at(sc->s, sc->i);
    if (n > 0) {
        t = lg_str_of(sc->s.p + sc->i, n);
        lg_text_adds(&sc->o, lg_text_sid_known(t) ? t : LG_STR("<sid>"));
        sc->i += n;
        return true;
    }
    n = may_hold_address(sc) ? lg_text_ipv4_at(sc->s, sc->i) : 0;
    if (n > 0) {
        lg_text_addc(&sc->o, '<');
        lg_text_adds(
                &sc->o, lg_text_addr_name(lg_text_addr_class(lg_str_of(sc->s.p + sc->i, n), &v6)));
        lg_text_addc(&sc->o, '>');
        sc->i += n;
        return true;
    }
    return false;
}

static void scan_word(struct scan *sc)
{
    struct lg_str s = sc->s, w = {s.p + sc->i, 0};
    size_t j;

    while (sc->i + w.n < s.n && lg_is_word(s.p[sc->i + w.n]))
        w.n++;
    j = sc->i + w.n;
    if (w.n >= 3 && w.p[0] == '0' && w.p[1] == 'x')
        lg_text_adds(&sc->o, LG_STR("<hex>"));
    else
        lg_text_word(&sc->o, w, sc->i > 0 && s.p[sc->i - 1] == '.' && (j >= s.n || s.p[j] != '.'),
                sc->rand);
    sc->i = j;
}

static void scan_punctuation(struct scan *sc, bool text)
{
    char c = sc->s.p[sc->i++];

    if (text && (c == '"' || c == '\'' || c == '^' || c == '`'))
        return; /* quoting and cmd's and PowerShell's escapes do not change what runs */
    if (text && (unsigned char)c <= ' ') {
        if (sc->o.n > 0 && sc->o.p[sc->o.n - 1] != ' ')
            lg_text_addc(&sc->o, ' ');
        return;
    }
    lg_text_addc(&sc->o, c);
}

static void scan_body(struct scan *sc)
{
    bool text = sc->kind == LG_TEXT_CMD || sc->kind == LG_TEXT_SCRIPT;
    bool names = lg_text_uses_names(sc->kind);

    while (sc->i < sc->s.n) {
        char c = sc->s.p[sc->i];
        bool start = sc->i == 0 || !lg_is_word(sc->s.p[sc->i - 1]);

        if (c != '{' && !lg_is_word(c)) {
            scan_punctuation(sc, text);
            continue;
        }
        if (start &&
                ((text && try_base64(sc)) || try_user_folder(sc) || try_unc_host(sc) ||
                        (names && try_names(sc)) || try_pattern(sc)))
            continue;
        if (c == '{')
            scan_punctuation(sc, text);
        else
            scan_word(sc);
    }
    while (sc->o.n > 0 && sc->o.p[sc->o.n - 1] == ' ')
        sc->o.n--;
}

/* The last two labels name an organisation; those before may be made by a machine. */
static void scan_dns(struct scan *sc)
{
    size_t keep, dots = 0;

    while (sc->s.n > 0 && sc->s.p[sc->s.n - 1] == '.')
        sc->s.n--;
    for (keep = sc->s.n; keep > 0 && dots < 2; keep--)
        dots += sc->s.p[keep - 1] == '.';
    while (sc->i < sc->s.n) {
        char c = sc->s.p[sc->i];
        bool start = sc->i == 0 || !lg_is_word(sc->s.p[sc->i - 1]);

        sc->rand = sc->i < keep;
        if (!lg_is_word(c)) {
            lg_text_addc(&sc->o, c);
            sc->i++;
        } else if (!start || !(try_names(sc) || try_pattern(sc))) {
            scan_word(sc);
        }
    }
    /* <rand>.<rand>.x is the same tunnel as <rand>.x */
    for (size_t i = 0; i + 14 <= sc->o.n;) {
        if (memcmp(sc->o.p + i, "<rand>.<rand>.", 14) != 0) {
            i++;
            continue;
        }
        memmove(sc->o.p + i, sc->o.p + i + 7, sc->o.n - i - 7);
        sc->o.n -= 7;
    }
}

/* hklm\system\controlset001 is currentcontrolset. */
static void fold_control_set(struct lg_text_out *o)
{
    static const struct lg_str head = {"hklm\\system\\controlset0\\", 24};
    static const char cur[] = "hklm\\system\\currentcontrolset\\";
    size_t tail;

    if (!lg_str_starts(lg_str_of(o->p, o->n), head) || o->n + 8 > o->max)
        return;
    tail = o->n - head.n;
    memmove(o->p + sizeof(cur) - 1, o->p + head.n, tail);
    memcpy(o->p, cur, sizeof(cur) - 1);
    o->n = sizeof(cur) - 1 + tail;
}

/* Names that are words, too, must not make holes in every command line. */
static bool plain_word(struct lg_str s)
{
    static const char *const words[] = {"user", "users", "admin", "administrator", "test", "system",
            "root", "guest", "service", "public", "default", "server", "windows", "local", "net",
            "workgroup", "builtin", "cmd", "home", "computer"};

    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
        if (lg_str_ieq(s, lg_str_z(words[k])))
            return true;
    return s.n < 3;
}

static void scan_person(struct scan *sc, struct lg_str user)
{
    ptrdiff_t i = lg_str_rchr(user, '\\');
    struct lg_str name = user, netbios = lg_str_of("", 0);

    if (lg_text_user_class(sc->platform, user, lg_str_of("", 0)) != LG_USER_PERSON)
        return; /* names of the system's own users are words like any other */
    if (i >= 0) {
        name = lg_str_sub(user, (size_t)i + 1, user.n);
        netbios = lg_str_sub(user, 0, (size_t)i);
    }
    sc->person[sc->n_people] = plain_word(name) ? lg_str_of("", 0) : name;
    sc->netbios[sc->n_people++] = plain_word(netbios) ? lg_str_of("", 0) : netbios;
}

static void scan_names(struct scan *sc, const struct lg_text_names *names)
{
    ptrdiff_t i;

    scan_person(sc, names->user);
    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        scan_person(sc, names->people[k]);
    sc->host = names->host;
    i = lg_str_chr(names->host, '.');
    if (i >= 0) {
        sc->host = lg_str_sub(names->host, 0, (size_t)i);
        sc->domain = lg_str_sub(names->host, (size_t)i + 1, names->host.n);
        sc->fqdn = names->host;
    }
    if (lg_str_chr(sc->domain, '.') < 0)
        sc->domain.n = 0; /* a bare top-level label would match too much */
    if (lg_str_ieq(sc->host, LG_STR("localhost")) || lg_str_ieq(sc->host, LG_STR("host")) ||
            plain_word(sc->host))
        sc->host.n = 0;
}

static void scan_file_like(struct scan *sc)
{
    static const char *const home[] = {"c:\\windows\\", "c:\\program files", "/usr/", "/lib",
            "/etc/", "/bin/", "/sbin/", "/proc/", "/sys/"};

    if (sc->platform == LG_PLATFORM_WINDOWS)
        scan_windows_path(sc);
    sc->rand = sc->kind == LG_TEXT_FILE;
    for (size_t k = 0; k < sizeof(home) / sizeof(home[0]); k++)
        if (lg_str_starts(lg_str_sub(sc->s, sc->i, sc->s.n), lg_str_z(home[k])) ||
                (sc->o.n > 0 &&
                        lg_str_starts(lg_str_of(sc->o.p, sc->o.n), LG_STR("c:\\windows\\"))))
            sc->rand = false; /* vendors' names look random, too */
    scan_body(sc);
}

/* Without the start of a sequence that the end of the buffer cut. */
static size_t whole_utf8(const char *p, size_t n)
{
    size_t k = n, need;
    unsigned char c;

    if (n < LG_MAX_NODE_TEXT)
        return n;
    while (k > 0 && n - k < 4 && ((unsigned char)p[k - 1] & 0xc0) == 0x80)
        k--;
    if (k == 0)
        return n;
    c = (unsigned char)p[k - 1];
    need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return n - (k - 1) < need ? k - 1 : n;
}

size_t lg_text_normalise(enum lg_text_kind kind, enum lg_platform platform,
        const struct lg_text_names *names, struct lg_str raw, char out[LG_MAX_NODE_TEXT])
{
    struct scan sc;

    raw = lg_text_cut(lg_str_trim(raw), LG_MAX_NODE_TEXT);
    if (kind == LG_TEXT_ACCOUNT)
        return lg_text_account(platform, raw, out, LG_MAX_NODE_TEXT);
    if (kind == LG_TEXT_GROUP)
        return lg_text_group(raw, out, LG_MAX_NODE_TEXT);
    sc.s = sc.cased = sc.fqdn = sc.host = sc.domain = lg_str_of("", 0);
    sc.n_people = 0;
    sc.i = 0;
    sc.o = (struct lg_text_out){out, 0, LG_MAX_NODE_TEXT};
    sc.kind = kind;
    sc.platform = platform;
    sc.rand = kind == LG_TEXT_PIPE || kind == LG_TEXT_NAME;
    if (names != NULL && lg_text_uses_names(kind))
        scan_names(&sc, names);
    if (kind >= LG_TEXT_NET_OUT && kind <= LG_TEXT_NET_LISTEN) {
        if (!lg_str_starts(raw, LG_STR("unix:")))
            return lg_text_network(kind, raw, out, LG_MAX_NODE_TEXT);
        lg_text_adds(&sc.o, LG_STR("unix:"));
        raw = lg_str_sub(raw, 5, raw.n);
    }
    scan_fill(&sc, raw);
    switch (kind) {
    case LG_TEXT_LITERAL:
        lg_text_adds(&sc.o, sc.s);
        break;
    case LG_TEXT_IMAGE:
    case LG_TEXT_FILE:
    case LG_TEXT_MODULE:
        scan_file_like(&sc);
        break;
    case LG_TEXT_DNS:
        scan_dns(&sc);
        break;
    case LG_TEXT_REGISTRY:
        scan_prefix(
                &sc, registry_prefixes, sizeof(registry_prefixes) / sizeof(registry_prefixes[0]));
        scan_body(&sc);
        fold_control_set(&sc.o);
        break;
    case LG_TEXT_PIPE:
        scan_prefix(&sc, pipe_prefixes, sizeof(pipe_prefixes) / sizeof(pipe_prefixes[0]));
        scan_body(&sc);
        break;
    default:
        scan_body(&sc);
        break;
    }
    return whole_utf8(out, sc.o.n);
}

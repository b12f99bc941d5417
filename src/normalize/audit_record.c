#include "normalize/audit_record.h"

#include <string.h>

#include "base/hash.h"
#include "normalize/format.h"

#define GROUP_SEPARATOR '\x1d'
#define MAX_PREFIX 512 /* syslog header, node= and type= stand within */

static const struct lg_audit_type types[] = {
        {"", 0, LG_AUDIT_OTHER, false},
        {"SYSCALL", 1300, LG_AUDIT_SYSCALL, false},
        {"PATH", 1302, LG_AUDIT_PATH, false},
        {"IPC", 1303, LG_AUDIT_PART, false},
        {"SOCKETCALL", 1304, LG_AUDIT_SOCKETCALL, false},
        {"CONFIG_CHANGE", 1305, LG_AUDIT_CONFIG, false},
        {"SOCKADDR", 1306, LG_AUDIT_SOCKADDR, false},
        {"CWD", 1307, LG_AUDIT_CWD, false},
        {"EXECVE", 1309, LG_AUDIT_EXECVE, false},
        {"IPC_SET_PERM", 1311, LG_AUDIT_PART, false},
        {"MQ_OPEN", 1312, LG_AUDIT_PART, false},
        {"MQ_SENDRECV", 1313, LG_AUDIT_PART, false},
        {"MQ_NOTIFY", 1314, LG_AUDIT_PART, false},
        {"MQ_GETSETATTR", 1315, LG_AUDIT_PART, false},
        {"FD_PAIR", 1317, LG_AUDIT_PART, false},
        {"OBJ_PID", 1318, LG_AUDIT_OBJ_PID, false},
        {"EOE", 1320, LG_AUDIT_EOE, false},
        {"BPRM_FCAPS", 1321, LG_AUDIT_PART, false},
        {"CAPSET", 1322, LG_AUDIT_PART, false},
        {"MMAP", 1323, LG_AUDIT_PART, false},
        {"PROCTITLE", 1327, LG_AUDIT_PROCTITLE, false},
        {"KERN_MODULE", 1330, LG_AUDIT_KERN_MODULE, false},
        {"BPF", 1334, LG_AUDIT_BPF_PROG, false},
        {"OPENAT2", 1337, LG_AUDIT_OPENAT2, false},
        {"MAC_TASK_CONTEXTS", 1425, LG_AUDIT_PART, false},
        {"MAC_OBJ_CONTEXTS", 1426, LG_AUDIT_PART, false},
        {"USER_AUTH", 1100, LG_AUDIT_LOGON, true},
        {"USER_ACCT", 1101, LG_AUDIT_OTHER, true},
        {"USER_MGMT", 1102, LG_AUDIT_OTHER, true},
        {"CRED_ACQ", 1103, LG_AUDIT_OTHER, true},
        {"CRED_DISP", 1104, LG_AUDIT_OTHER, true},
        {"USER_START", 1105, LG_AUDIT_LOGON, true},
        {"USER_END", 1106, LG_AUDIT_OTHER, true},
        {"USER_AVC", 1107, LG_AUDIT_OTHER, true},
        {"USER_CHAUTHTOK", 1108, LG_AUDIT_OTHER, true},
        {"USER_ERR", 1109, LG_AUDIT_OTHER, true},
        {"CRED_REFR", 1110, LG_AUDIT_OTHER, true},
        {"USYS_CONFIG", 1111, LG_AUDIT_OTHER, true},
        {"USER_LOGIN", 1112, LG_AUDIT_LOGON, true},
        {"USER_LOGOUT", 1113, LG_AUDIT_OTHER, true},
        {"ADD_USER", 1114, LG_AUDIT_ADD_USER, true},
        {"DEL_USER", 1115, LG_AUDIT_OTHER, true},
        {"ADD_GROUP", 1116, LG_AUDIT_OTHER, true},
        {"DEL_GROUP", 1117, LG_AUDIT_OTHER, true},
        {"CHGRP_ID", 1119, LG_AUDIT_OTHER, true},
        {"TEST", 1120, LG_AUDIT_OTHER, true},
        {"TRUSTED_APP", 1121, LG_AUDIT_OTHER, true},
        {"USER_CMD", 1123, LG_AUDIT_USER_CMD, true},
        {"CHUSER_ID", 1125, LG_AUDIT_OTHER, true},
        {"SYSTEM_BOOT", 1127, LG_AUDIT_OTHER, true},
        {"SYSTEM_SHUTDOWN", 1128, LG_AUDIT_OTHER, true},
        {"SYSTEM_RUNLEVEL", 1129, LG_AUDIT_OTHER, true},
        {"SERVICE_START", 1130, LG_AUDIT_OTHER, true},
        {"SERVICE_STOP", 1131, LG_AUDIT_OTHER, true},
        {"GRP_MGMT", 1132, LG_AUDIT_OTHER, true},
        {"DAEMON_START", 1200, LG_AUDIT_DAEMON, true},
        {"DAEMON_END", 1201, LG_AUDIT_DAEMON, true},
        {"DAEMON_ABORT", 1202, LG_AUDIT_DAEMON, true},
        {"DAEMON_CONFIG", 1203, LG_AUDIT_DAEMON, true},
        {"DAEMON_RECONFIG", 1204, LG_AUDIT_DAEMON, true},
        {"DAEMON_ROTATE", 1205, LG_AUDIT_DAEMON, true},
        {"DAEMON_RESUME", 1206, LG_AUDIT_DAEMON, true},
        {"DAEMON_ACCEPT", 1207, LG_AUDIT_DAEMON, true},
        {"DAEMON_CLOSE", 1208, LG_AUDIT_DAEMON, true},
        {"DAEMON_ERR", 1209, LG_AUDIT_DAEMON, true},
        {"CRYPTO_KEY_USER", 2404, LG_AUDIT_OTHER, true},
        {"CRYPTO_SESSION", 2407, LG_AUDIT_OTHER, true},
        {"USER_ROLE_CHANGE", 2300, LG_AUDIT_OTHER, true},
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))

const struct lg_audit_type *lg_audit_type_find(struct lg_str name)
{
    static const struct lg_audit_type auoms = {"AUOMS", 0, LG_AUDIT_AUOMS, true};

    /* The frequent ones stand in front; the others are rare enough for a scan. */
    for (size_t i = 1; i < N_TYPES; i++) {
        const char *t = types[i].name;

        if (name.n > 0 && name.p[0] == t[0] && lg_str_eq(name, lg_str_z(t)))
            return &types[i];
    }
    if (lg_str_starts(name, LG_STR("AUOMS_")))
        return &auoms;
    return &types[0];
}

/* "1327" and "UNKNOWN[1327]" are how records travel whose type the sender had no name for. */
static struct lg_str type_name(struct lg_str s)
{
    struct lg_str digits = s;
    uint64_t n;

    if (lg_str_starts(s, LG_STR("UNKNOWN[")) && lg_str_ends(s, LG_STR("]")))
        digits = lg_str_sub(s, 8, s.n - 1);
    else if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9')
        return s;
    if (lg_parse_u64(digits, &n) < 0)
        return s;
    for (size_t i = 1; i < N_TYPES; i++)
        if (types[i].number == n)
            return lg_str_z(types[i].name);
    return s;
}

static bool token(struct lg_str *s, struct lg_str *ret)
{
    while (s->n > 0 && s->p[0] == ' ')
        *s = lg_str_sub(*s, 1, s->n);
    return lg_str_split(s, ' ', ret);
}

/* Skips the time of a syslog header, whose first word is `t`: "Nov 23 09:00:00" (RFC 3164) or
 * "2024-11-23T09:00:00Z" (RFC 5424). False where it is none. */
static bool skip_time(struct lg_str *s, struct lg_str t)
{
    if (t.n == 3 && t.p[0] >= 'A' && t.p[0] <= 'Z') {
        struct lg_str day;

        return token(s, &day) && token(s, &t) && lg_str_chr(t, ':') == 2;
    }
    return t.n >= 19 && t.p[0] >= '0' && t.p[0] <= '9' && t.p[10] == 'T';
}

/* Host of a syslog header: "Nov 23 09:00:00 host tag:", "<13>1 2024-11-23T09:00:00Z host tag". */
static struct lg_str prefix_host(struct lg_str s)
{
    struct lg_str t, host;

    if (!token(&s, &t))
        return LG_STR("");
    if (t.p[0] == '<') {
        ptrdiff_t gt = lg_str_chr(t, '>');

        if (gt < 0)
            return LG_STR("");
        t = lg_str_sub(t, (size_t)gt + 1, t.n);
    }
    if (t.n == 1 && t.p[0] >= '1' && t.p[0] <= '9' && !token(&s, &t))
        return LG_STR("");
    if (!skip_time(&s, t) || !token(&s, &host))
        return LG_STR("");
    if (lg_str_ends(host, LG_STR(":")) || lg_str_eq(host, LG_STR("-")))
        return LG_STR("");
    return host;
}

/* Offset of a word that begins with `key` (at the start or after a space), or -1. */
static ptrdiff_t word_find(struct lg_str s, struct lg_str key)
{
    size_t from = 0;

    if (lg_str_starts(s, key))
        return 0;
    while (from < s.n) {
        ptrdiff_t sp = lg_str_chr(lg_str_sub(s, from, s.n), ' ');

        if (sp < 0)
            return -1;
        from += (size_t)sp + 1;
        if (lg_str_starts(lg_str_sub(s, from, s.n), key))
            return (ptrdiff_t)from;
    }
    return -1;
}

/* The text after "audit(" where a record's header stands; false when there is none. */
static bool head_split(struct lg_str line, struct lg_audit_head *h, struct lg_str *ret_id)
{
    ptrdiff_t at = word_find(lg_str_sub(line, 0, MAX_PREFIX), LG_STR("type="));
    struct lg_str before, rest, name;

    if (at < 0)
        return false;
    before = lg_str_sub(line, 0, (size_t)at);
    rest = lg_str_sub(line, (size_t)at + 5, line.n);
    if (!lg_str_split(&rest, ' ', &name) || name.n == 0)
        return false;
    h->node = h->host = LG_STR("");
    if (before.n > 0) {
        ptrdiff_t node = word_find(before, LG_STR("node="));

        if (node >= 0) {
            struct lg_str tail = lg_str_sub(before, (size_t)node + 5, before.n);

            (void)lg_str_split(&tail, ' ', &h->node);
            before = lg_str_sub(before, 0, (size_t)node);
        }
        h->host = prefix_host(before);
    }
    h->type_name = type_name(name);
    if (lg_str_starts(rest, LG_STR("msg=")))
        rest = lg_str_sub(rest, 4, rest.n);
    if (!lg_str_starts(rest, LG_STR("audit(")))
        return false;
    *ret_id = lg_str_sub(rest, 6, rest.n);
    return true;
}

bool lg_audit_head_sniff(struct lg_str line)
{
    struct lg_str head = lg_str_sub(line, 0, MAX_PREFIX);
    ptrdiff_t at = word_find(head, LG_STR("type="));
    struct lg_str rest, name;

    if (at < 0)
        return false;
    rest = lg_str_sub(head, (size_t)at + 5, head.n);
    return lg_str_split(&rest, ' ', &name) && name.n > 0 &&
            (lg_str_starts(rest, LG_STR("msg=")) || lg_str_starts(rest, LG_STR("audit(")));
}

int lg_audit_head_parse(struct lg_str line, struct lg_audit_head *ret)
{
    struct lg_audit_head h;
    struct lg_str s;
    ptrdiff_t colon, close;

    if (!head_split(line, &h, &s))
        return LG_EPARSE;
    close = lg_str_chr(lg_str_sub(s, 0, 64), ')');
    if (close < 0)
        return LG_EPARSE;
    h.id = lg_str_sub(s, 0, (size_t)close);
    colon = lg_str_rchr(h.id, ':');
    if (colon < 0 || h.node.n > LG_MAX_HOSTNAME_BYTES || h.host.n > LG_MAX_HOSTNAME_BYTES)
        return LG_EPARSE;
    if (lg_parse_time_epoch(lg_str_sub(h.id, 0, (size_t)colon), &h.time_ns) < 0 ||
            lg_parse_u64(lg_str_sub(h.id, (size_t)colon + 1, h.id.n), &h.serial) < 0)
        return LG_EPARSE;
    s = lg_str_sub(s, (size_t)close + 1, s.n);
    if (lg_str_starts(s, LG_STR(":")))
        s = lg_str_sub(s, 1, s.n);
    h.body = lg_str_trim(s);
    h.type = lg_audit_type_find(h.type_name);
    *ret = h;
    return 0;
}

void lg_audit_cursor_init(struct lg_audit_cursor *c, struct lg_str body)
{
    c->p = body.p;
    c->end = body.p + body.n;
    c->outer = NULL;
    c->cut = false;
    c->glued = body.n == 0 || memchr(body.p, GROUP_SEPARATOR, body.n) == NULL;
}

/* First keys of the enriched part, by record type; longer names before their own endings. */
static const struct lg_str glue_keys[] = {
        {"SYSCALL", 7},
        {"OLD-AUID", 8},
        {"OBJ_UID", 7},
        {"SADDR", 5},
        {"FSUID", 5},
        {"FSGID", 5},
        {"INODE_UID", 9},
        {"OAUID", 5},
        {"ARCH", 4},
        {"AUID", 4},
        {"OUID", 4},
        {"OGID", 4},
        {"EUID", 4},
        {"EGID", 4},
        {"SUID", 4},
        {"SGID", 4},
        {"IUID", 4},
        {"IGID", 4},
        {"UID", 3},
        {"GID", 3},
        {"ID", 2},
};

/* `eq` is a '=' inside an unquoted value: where the key of a glued field begins, else NULL. */
static const char *glue_at(const char *val, const char *eq)
{
    size_t n = (size_t)(eq - val);

    for (size_t i = 0; i < sizeof(glue_keys) / sizeof(glue_keys[0]); i++)
        if (n >= glue_keys[i].n && memcmp(eq - glue_keys[i].n, glue_keys[i].p, glue_keys[i].n) == 0)
            return eq - glue_keys[i].n;
    return NULL;
}

/* The value runs to a space, to 0x1d, or to a field glued to it. */
static void bare_value(struct lg_audit_cursor *c, struct lg_audit_kv *ret)
{
    const char *from = c->p, *p = from;

    for (; p < c->end && *p != ' ' && *p != GROUP_SEPARATOR; p++) {
        if (*p == '=' && c->glued) {
            const char *key = glue_at(from, p);

            if (key != NULL) {
                ret->val = lg_str_of(from, (size_t)(key - from));
                c->p = key;
                return;
            }
        }
    }
    ret->val = lg_str_of(from, (size_t)(p - from));
    c->p = p;
}

static void enclosed_value(struct lg_audit_cursor *c, char close, struct lg_audit_kv *ret)
{
    const char *from = c->p + 1;
    const char *to = memchr(from, close, (size_t)(c->end - from));

    ret->quote = *c->p;
    if (to == NULL) {
        c->cut = true;
        to = c->end;
    }
    ret->val = lg_str_of(from, (size_t)(to - from));
    c->p = to < c->end ? to + 1 : to;
}

/* msg='...': what a program sent ends at the last quote of the part that it wrote, so that a
 * quote inside cannot end it early. */
static void enter_message(struct lg_audit_cursor *c)
{
    const char *from = c->p + 1;
    const char *to = c->glued ? c->end : memchr(from, GROUP_SEPARATOR, (size_t)(c->end - from));
    const char *quote;

    if (to == NULL)
        to = c->end;
    quote = memrchr(from, '\'', (size_t)(to - from));
    if (quote == NULL) {
        c->cut = true;
        c->p = from;
        return;
    }
    c->outer = c->end;
    c->end = quote;
    c->p = from;
}

static bool list_ahead(const struct lg_audit_cursor *c)
{
    return c->end - c->p >= 2 && c->p[0] == '[' && (c->p[1] == '"' || c->p[1] == ']');
}

/* Key before the next '='; words without one are skipped. False at the end. */
static bool next_key(struct lg_audit_cursor *c, struct lg_str *ret)
{
    const char *from = c->p;

    for (;;) {
        if (c->p >= c->end) {
            if (c->outer == NULL)
                return false;
            c->p = c->end + 1; /* past the quote that closed msg= */
            c->end = c->outer;
            c->outer = NULL;
            from = c->p;
            continue;
        }
        if (*c->p == ' ' || *c->p == GROUP_SEPARATOR) {
            from = ++c->p;
            continue;
        }
        if (*c->p == '=' && c->p > from) {
            *ret = lg_str_of(from, (size_t)(c->p - from));
            c->p++;
            return true;
        }
        c->p++;
    }
}

bool lg_audit_cursor_next(struct lg_audit_cursor *c, struct lg_audit_kv *ret)
{
    while (next_key(c, &ret->key)) {
        ret->quote = 0;
        if (c->p >= c->end) {
            ret->val = LG_STR("");
            return true;
        }
        switch (*c->p) {
        case '"':
            enclosed_value(c, '"', ret);
            return true;
        case '{':
            enclosed_value(c, '}', ret);
            return true;
        case '[':
            if (list_ahead(c))
                enclosed_value(c, ']', ret);
            else
                bare_value(c, ret);
            return true;
        case '\'':
            if (c->outer == NULL && lg_str_eq(ret->key, LG_STR("msg"))) {
                enter_message(c);
                continue;
            }
            bare_value(c, ret);
            return true;
        default:
            bare_value(c, ret);
            return true;
        }
    }
    return false;
}

bool lg_audit_kv_absent(const struct lg_audit_kv *kv)
{
    return kv->quote == 0 &&
            (kv->val.n == 0 || lg_str_eq(kv->val, LG_STR("(null)")) ||
                    lg_str_eq(kv->val, LG_STR("(none)")) || lg_str_eq(kv->val, LG_STR("?")));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool lg_audit_hex_decode(struct lg_str hex, char *out)
{
    if (hex.n % 2 != 0)
        return false;
    for (size_t i = 0; i < hex.n; i += 2) {
        int hi = hex_digit(hex.p[i]), lo = hex_digit(hex.p[i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        out[i / 2] = (char)(hi << 4 | lo);
    }
    return true;
}

bool lg_audit_octal(struct lg_str s, uint64_t *ret)
{
    uint64_t n = 0;

    if (s.n == 0 || s.n > 21)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7')
            return false;
        n = n << 3 | (uint64_t)(s.p[i] - '0');
    }
    *ret = n;
    return true;
}

static bool has_lower(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'a')
            return true;
    return false;
}

int lg_audit_kv_text(
        const struct lg_audit_kv *kv, bool upper_only, struct lg_arena *arena, struct lg_str *ret)
{
    char *out;

    *ret = LG_STR("");
    if (lg_audit_kv_absent(kv))
        return 0;
    *ret = kv->val;
    if (kv->quote != 0 || kv->val.n % 2 != 0 || hex_digit(kv->val.p[0]) < 0 ||
            (upper_only && has_lower(kv->val)))
        return 0;
    out = lg_arena_alloc(arena, kv->val.n / 2);
    if (out == NULL)
        return LG_ENOMEM;
    if (lg_audit_hex_decode(kv->val, out))
        *ret = lg_str_of(out, kv->val.n / 2);
    return 0;
}

/* Digits from s at *at; false when there are none or too many. */
static bool digits(struct lg_str s, size_t *at, uint32_t *ret)
{
    size_t from = *at;
    uint32_t n = 0;

    while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9') {
        if (*at - from >= 9)
            return false;
        n = n * 10 + (uint32_t)(s.p[(*at)++] - '0');
    }
    *ret = n;
    return *at > from;
}

enum lg_audit_arg_kind lg_audit_arg_key(struct lg_str key, uint32_t *ret_arg, uint32_t *ret_piece)
{
    size_t at = 1;

    *ret_piece = 0;
    if (key.n < 2 || key.p[0] != 'a' || !digits(key, &at, ret_arg))
        return LG_AUDIT_ARG_NONE;
    if (at == key.n)
        return LG_AUDIT_ARG_VALUE;
    if (key.p[at] == '_')
        return lg_str_eq(lg_str_sub(key, at, key.n), LG_STR("_len")) ? LG_AUDIT_ARG_LEN
                                                                     : LG_AUDIT_ARG_NONE;
    if (key.p[at++] != '[' || !digits(key, &at, ret_piece) || at + 1 != key.n || key.p[at] != ']')
        return LG_AUDIT_ARG_NONE;
    return LG_AUDIT_ARG_VALUE;
}

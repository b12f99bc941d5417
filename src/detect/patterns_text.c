#include "detect/patterns_int.h"

#include "base/hash.h"

/* Longest text that base64 in a command line is decoded to. */
#define MAX_DECODED 4096u
#define MIN_BASE64 32u

uint64_t lg_pat_base_bit(struct lg_str base)
{
    return UINT64_C(1) << (lg_hash_str(base, 0x70617474) & 63);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* The longest run of base64 digits; the text is bounded by LG_MAX_NODE_TEXT. */
static struct lg_str longest_base64(struct lg_str s)
{
    struct lg_str best = {s.p, 0};
    size_t at = 0;

    for (size_t i = 0; i <= s.n; i++) {
        if (i < s.n && base64_value(s.p[i]) >= 0)
            continue;
        if (i - at > best.n)
            best = lg_str_of(s.p + at, i - at);
        at = i + 1;
    }
    return best;
}

static size_t decode_base64(struct lg_str s, char *out, size_t cap)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < s.n && n < cap; i++) {
        acc = acc << 6 | (uint32_t)base64_value(s.p[i]);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(acc >> bits & 0xff);
        }
    }
    return n;
}

static bool printable(char c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

/* Text that base64 hides: UTF-16LE (PowerShell) or plain ASCII; 0 bytes when it is neither. */
static size_t hidden_text(struct lg_str in, char out[MAX_DECODED])
{
    struct lg_str run = longest_base64(in);
    size_t n, ascii = 0, wide = 0, w = 0;

    if (run.n < MIN_BASE64)
        return 0;
    n = decode_base64(run, out, MAX_DECODED);
    for (size_t i = 0; i < n; i++) {
        ascii += printable(out[i]);
        wide += i % 2 == 1 && out[i] == 0;
    }
    if (wide * 10 >= n / 2 * 9) {
        for (size_t i = 0; i < n; i += 2)
            out[w++] = out[i];
        return w;
    }
    return ascii * 100 >= n * 95 ? n : 0;
}

static bool at_join(struct lg_str in, size_t i)
{
    /* 'ab'+'cd' and "ab" + "cd": the quotes and the plus hide a word from a search. */
    char q = in.p[i];
    size_t j = i + 1;

    if (q != '\'' && q != '"')
        return false;
    while (j < in.n && in.p[j] == ' ')
        j++;
    if (j >= in.n || in.p[j] != '+')
        return false;
    do
        j++;
    while (j < in.n && in.p[j] == ' ');
    return j < in.n && in.p[j] == q;
}

static size_t join_length(struct lg_str in, size_t i)
{
    size_t j = i + 1;

    while (in.p[j] != in.p[i])
        j++;
    return j - i + 1;
}

static size_t starts_at(struct lg_str in, size_t i, struct lg_str word)
{
    return in.n - i >= word.n && memcmp(in.p + i, word.p, word.n) == 0 ? word.n : 0;
}

/* Bytes at i that shells ignore (0: none). */
static size_t skip_windows(struct lg_str in, size_t i)
{
    if (at_join(in, i))
        return join_length(in, i);
    return in.p[i] == '^' || in.p[i] == '"' || in.p[i] == '`';
}

static size_t skip_linux(struct lg_str in, size_t i)
{
    if (in.p[i] == '"' || in.p[i] == '\'')
        return 1;
    return in.p[i] == '\\' && i + 1 < in.n && in.p[i + 1] > ' ';
}

/* En dash, em dash, horizontal bar: Windows tools read them as "-". */
static size_t dash_length(struct lg_str in, size_t i)
{
    return starts_at(in, i, LG_STR("\xe2\x80\x93")) + starts_at(in, i, LG_STR("\xe2\x80\x94")) +
            starts_at(in, i, LG_STR("\xe2\x80\x95"));
}

static size_t ifs_length(struct lg_str in, size_t i)
{
    size_t n = starts_at(in, i, LG_STR("${IFS}"));

    return n > 0 ? n : starts_at(in, i, LG_STR("$IFS$9"));
}

struct cleaner {
    char *out;
    size_t n;
};

static void put(struct cleaner *c, char b, bool windows)
{
    if (b == '\t' || b == '\r' || b == '\n' || b == '\0')
        b = ' ';
    if (b == ' ' && c->n > 0 && c->out[c->n - 1] == ' ')
        return;
    if (windows && b == '-' && c->n > 0 && c->out[c->n - 1] == ' ')
        b = '/';
    c->out[c->n++] = lg_ascii_lower(b);
}

static void clean_into(struct cleaner *c, enum lg_platform platform, struct lg_str in)
{
    bool windows = platform == LG_PLATFORM_WINDOWS;
    size_t skip, i = 0;

    while (i < in.n) {
        skip = windows ? skip_windows(in, i) : skip_linux(in, i);
        if (skip > 0) {
            i += skip;
            continue;
        }
        skip = windows ? dash_length(in, i) : ifs_length(in, i);
        put(c, skip == 0 ? in.p[i] : windows ? '-' : ' ', windows);
        i += skip > 0 ? skip : 1;
        if (windows && i < in.n && in.p[i] == '-' && in.p[i - 1] == '-' && c->n >= 2 &&
                c->out[c->n - 1] == '/' && c->out[c->n - 2] == ' ')
            i++; /* "--switch" is written "/switch" as well */
    }
    put(c, ' ', windows);
}

int lg_pat_clean(
        struct lg_arena *a, enum lg_platform platform, struct lg_str in, struct lg_str *ret)
{
    char hidden[MAX_DECODED];
    struct cleaner c = {NULL, 0};
    size_t n_hidden;

    if (in.n == 0) {
        *ret = LG_STR("");
        return 0;
    }
    n_hidden = hidden_text(in, hidden);
    c.out = lg_arena_alloc(a, in.n + n_hidden + 4);
    if (c.out == NULL)
        return LG_ENOMEM;
    c.out[c.n++] = ' ';
    clean_into(&c, platform, in);
    if (n_hidden > 0)
        clean_into(&c, platform, lg_str_of(hidden, n_hidden));
    *ret = lg_str_of(c.out, c.n);
    return 0;
}

/* One spelling for the several that sources use of the same place. */
struct spelling {
    struct lg_str from;
    struct lg_str to;
};

#define SPELL(a, b)                                                                                \
    {                                                                                              \
        {(a), sizeof(a) - 1},                                                                      \
        {                                                                                          \
            (b), sizeof(b) - 1                                                                     \
        }                                                                                          \
    }
static const struct spelling path_heads[] = {
        SPELL("\\??\\", ""),
        SPELL("\\\\?\\", ""),
        SPELL("\\systemroot\\", "c:\\windows\\"),
        SPELL("%systemroot%\\", "c:\\windows\\"),
        SPELL("%windir%\\", "c:\\windows\\"),
        SPELL("system32\\", "c:\\windows\\system32\\"),
};
static const struct spelling registry_heads[] = {
        SPELL("\\registry\\machine\\", "hklm\\"),
        SPELL("\\registry\\user\\", "hku\\"),
        SPELL("hkey_local_machine\\", "hklm\\"),
        SPELL("hkey_users\\", "hku\\"),
        SPELL("hkey_current_user\\", "hkcu\\"),
        SPELL("hkey_classes_root\\", "hkcr\\"),
};

static struct lg_str respell_head(
        struct lg_arena *a, struct lg_str s, const struct spelling *table, size_t n)
{
    struct lg_str t;
    char *p;

    for (size_t i = 0; i < n; i++) {
        if (!lg_str_starts(s, table[i].from))
            continue;
        t = lg_str_sub(s, table[i].from.n, s.n);
        p = lg_arena_alloc(a, table[i].to.n + t.n + 1);
        if (p == NULL)
            return lg_str_of(NULL, 0);
        memcpy(p, table[i].to.p, table[i].to.n);
        if (t.n > 0)
            memcpy(p + table[i].to.n, t.p, t.n);
        return lg_str_of(p, table[i].to.n + t.n);
    }
    return s;
}

/* \device\harddiskvolume3\x and c:\x are one file; which drive it is, no row asks. */
static struct lg_str respell_device(struct lg_str s, char *p)
{
    struct lg_str head = LG_STR("\\device\\harddiskvolume");
    size_t i = head.n;

    if (!lg_str_starts(s, head))
        return s;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    if (i >= s.n || s.p[i] != '\\')
        return s;
    p[i - 2] = 'c';
    p[i - 1] = ':';
    return lg_str_sub(s, i - 2, s.n);
}

/* \controlset001\ -> \currentcontrolset\, in place when shorter would do: room is given. */
static size_t respell_control_set(char *p, size_t n)
{
    struct lg_str mark = LG_STR("\\controlset00");
    struct lg_str to = LG_STR("\\currentcontrolset");
    ptrdiff_t at = lg_str_find(lg_str_of(p, n), mark);
    size_t tail;

    if (at < 0 || (size_t)at + mark.n + 1 >= n || p[(size_t)at + mark.n + 1] != '\\')
        return n;
    tail = (size_t)at + mark.n + 1;
    memmove(p + at + to.n, p + tail, n - tail);
    memcpy(p + at, to.p, to.n);
    return n - tail + (size_t)at + to.n;
}

int lg_pat_clean_path(struct lg_arena *a, enum lg_platform platform, bool registry,
        struct lg_str in, struct lg_str *ret)
{
    char *p = lg_arena_alloc(a, in.n + 8);
    struct lg_str s;
    size_t n = 0;

    if (p == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < in.n; i++) {
        char c = lg_ascii_lower(in.p[i]);

        if (platform == LG_PLATFORM_WINDOWS && c == '"')
            continue;
        p[n++] = platform == LG_PLATFORM_WINDOWS && c == '/' ? '\\' : c;
    }
    s = lg_str_of(p, n);
    if (platform == LG_PLATFORM_WINDOWS && registry) {
        n = respell_control_set(p, n);
        s = respell_head(a, lg_str_of(p, n), registry_heads,
                sizeof(registry_heads) / sizeof(registry_heads[0]));
    } else if (platform == LG_PLATFORM_WINDOWS) {
        s = respell_head(
                a, respell_device(s, p), path_heads, sizeof(path_heads) / sizeof(path_heads[0]));
    }
    if (s.p == NULL)
        return LG_ENOMEM;
    *ret = s;
    return 0;
}

static int lower(struct lg_arena *a, struct lg_str in, struct lg_str *ret)
{
    char *p = lg_arena_alloc(a, in.n + 1);

    if (p == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < in.n; i++)
        p[i] = lg_ascii_lower(in.p[i]);
    *ret = lg_str_of(p, in.n);
    return 0;
}

static int find_literals(
        struct lg_arena *a, const struct lg_pat_scanner *sc, struct lg_str text, uint64_t **ret)
{
    *ret = lg_arena_zalloc(a, ((size_t)sc->n_bits / 64 + 1) * sizeof(uint64_t));
    if (*ret == NULL)
        return LG_ENOMEM;
    lg_pat_scanner_run(sc, text, *ret);
    return 0;
}

int lg_pat_node_text(struct lg_arena *a, const struct lg_pat_scanner *sc, enum lg_platform platform,
        const struct lg_node *node, struct lg_pat_node *ret)
{
    int rc = lg_pat_clean_path(a, platform, node->type == LG_NODE_REGISTRY,
            node->raw.n > 0 ? node->raw : node->name, &ret->path);

    if (rc < 0)
        return rc;
    ret->base = lg_str_basename(ret->path);
    ret->base_bit = lg_pat_base_bit(ret->base);
    ret->cmd_bits = NULL;
    rc = find_literals(a, sc, ret->path, &ret->path_bits);
    if (rc == 0)
        rc = lower(a, node->original, &ret->orig);
    if (rc == 0)
        rc = lower(a, node->user, &ret->user);
    if (rc == 0)
        rc = lg_pat_clean(a, platform, node->cmd_raw, &ret->cmd);
    if (rc == 0 && ret->cmd.n > 0)
        rc = find_literals(a, sc, ret->cmd, &ret->cmd_bits);
    return rc;
}

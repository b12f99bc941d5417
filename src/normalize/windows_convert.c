#include "normalize/windows_fields.h"

static void set_plain(struct lg_norm_call *call, enum lg_field f, const struct lg_win_value *v)
{
    if (v->json.at != NULL)
        lg_norm_set_json(call, f, v->json);
    else
        lg_norm_set_text(call, f, v->text);
}

static struct lg_str text_of(const struct lg_win_value *v)
{
    return v->json.at != NULL ? lg_win_str(v->json) : v->text;
}

static bool is_unset(struct lg_str s)
{
    return s.n == 0 || (s.n == 1 && s.p[0] == '-');
}

static bool is_hex(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

/* "SHA1=..,MD5=.." in any order; what is no digest stays in `hashes` only. */
static void set_hashes(struct lg_norm_call *call, enum lg_field f, struct lg_str hashes)
{
    static const struct {
        struct lg_str name;
        size_t digits;
        enum lg_field field;
    } kinds[] = {
            {LG_STR("sha1"), 40, LG_F_SHA1},
            {LG_STR("md5"), 32, LG_F_MD5},
            {LG_STR("sha256"), 64, LG_F_SHA256},
            {LG_STR("imphash"), 32, LG_F_IMPHASH},
    };
    struct lg_str lower, part;

    if (is_unset(hashes))
        return;
    lg_norm_set_text(call, f, hashes);
    lower = lg_norm_lower(call, hashes);
    while (lg_str_split(&lower, ',', &part)) {
        ptrdiff_t eq = lg_str_chr(part, '=');
        struct lg_str name, digest;

        if (eq < 0)
            continue;
        name = lg_str_trim(lg_str_sub(part, 0, (size_t)eq));
        digest = lg_str_trim(lg_str_sub(part, (size_t)eq + 1, part.n));
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
            if (lg_str_eq(name, kinds[i].name) && digest.n == kinds[i].digits && is_hex(digest))
                lg_norm_set_text(call, kinds[i].field, digest);
    }
    /* Sysmon prints zeros where a file has no imports to hash. */
    if (lg_str_eq(lg_event_str(call->ev, LG_F_IMPHASH), LG_STR("00000000000000000000000000000000")))
        call->ev->has[LG_F_IMPHASH / 64] &= ~(UINT64_C(1) << (LG_F_IMPHASH % 64));
}

/* Reads "true", "True", JSON true and so on; -1 for anything else. */
static int read_bool(const struct lg_win_value *v)
{
    struct lg_str s;

    if (v->json.at != NULL && lg_jval_type(v->json) == LG_JSON_BOOL)
        return lg_jval_bool(v->json);
    s = lg_str_trim(text_of(v));
    return lg_str_ieq(s, LG_STR("true")) ? 1 : lg_str_ieq(s, LG_STR("false")) ? 0 : -1;
}

static void set_first_bool(struct lg_norm_call *call, enum lg_field f, const struct lg_win_value *v)
{
    struct lg_str rest = lg_str_trim(text_of(v)), word;
    struct lg_win_value first = {.json = v->json};

    if (lg_str_split(&rest, ' ', &word))
        first = (struct lg_win_value){.text = word};
    if (read_bool(&first) >= 0)
        lg_event_set_bool(call->ev, f, read_bool(&first) == 1);
}

static void set_words(struct lg_norm_call *call, enum lg_field f, struct lg_str s)
{
    char *out;
    size_t n = 0;

    s = lg_str_trim(s);
    if (is_unset(s))
        return;
    out = lg_arena_alloc(call->arena, s.n);
    if (out == NULL) {
        call->oom = true;
        return;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool blank = s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r');

        if (!blank)
            out[n++] = s.p[i];
        else if (out[n - 1] != ' ')
            out[n++] = ' ';
    }
    lg_norm_set_text(call, f, lg_str_of(out, n));
}

/* Sysmon's WMI events print values as MOF does: ` "C:\\Windows\\notepad.exe"`. */
static void set_mof(struct lg_norm_call *call, enum lg_field f, struct lg_str s)
{
    char *out;
    size_t n = 0;

    s = lg_str_trim(s);
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = lg_str_sub(s, 1, s.n - 1);
    else {
        lg_norm_set_text(call, f, s);
        return;
    }
    if (lg_str_chr(s, '\\') < 0) {
        lg_norm_set_text(call, f, s);
        return;
    }
    out = lg_arena_alloc(call->arena, s.n);
    if (out == NULL) {
        call->oom = true;
        return;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '\\' || s.p[i + 1] == '"'))
            i++;
        out[n++] = s.p[i];
    }
    lg_norm_set_text(call, f, lg_str_of(out, n));
}

/* https://www.iana.org/assignments/protocol-numbers */
static void set_ip_protocol(
        struct lg_norm_call *call, enum lg_field f, const struct lg_win_value *v)
{
    static const struct {
        uint64_t number;
        struct lg_str name;
    } names[] = {
            {1, LG_STR("icmp")},
            {2, LG_STR("igmp")},
            {4, LG_STR("ipv4")},
            {6, LG_STR("tcp")},
            {17, LG_STR("udp")},
            {41, LG_STR("ipv6")},
            {47, LG_STR("gre")},
            {50, LG_STR("esp")},
            {51, LG_STR("ah")},
            {58, LG_STR("ipv6-icmp")},
            {132, LG_STR("sctp")},
    };
    uint64_t number;
    bool known = v->json.at != NULL ? lg_norm_read_u64(v->json, &number)
                                    : lg_parse_u64(v->text, &number) == 0;

    for (size_t i = 0; known && i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].number == number) {
            lg_norm_set_text(call, f, names[i].name);
            return;
        }
    set_plain(call, f, v);
}

static void set_direction(struct lg_norm_call *call, enum lg_field f, struct lg_str s)
{
    s = lg_str_trim(s);
    if (lg_str_eq(s, LG_STR("%%14593")) || lg_str_ieq(s, LG_STR("outbound")))
        lg_event_set_bool(call->ev, f, true);
    else if (lg_str_eq(s, LG_STR("%%14592")) || lg_str_ieq(s, LG_STR("inbound")))
        lg_event_set_bool(call->ev, f, false);
}

static void set_command_name(struct lg_norm_call *call, struct lg_str payload)
{
    const struct lg_str head = LG_STR("CommandInvocation(");
    ptrdiff_t at = lg_str_find(payload, head), end;

    if (at < 0 || lg_event_has(call->ev, LG_F_COMMAND_NAME))
        return;
    payload = lg_str_sub(payload, (size_t)at + head.n, payload.n);
    end = lg_str_chr(payload, ')');
    if (end > 0)
        lg_norm_set_text(call, LG_F_COMMAND_NAME, lg_str_sub(payload, 0, (size_t)end));
}

void lg_win_set_context(struct lg_norm_call *call, struct lg_str text)
{
    static const struct {
        struct lg_str name, spaced;
        enum lg_field field;
    } names[] = {
            {LG_STR("HostApplication"), LG_STR("Host Application"), LG_F_HOST_APPLICATION},
            {LG_STR("EngineVersion"), LG_STR("Engine Version"), LG_F_ENGINE_VERSION},
            {LG_STR("CommandName"), LG_STR("Command Name"), LG_F_COMMAND_NAME},
            {LG_STR("ScriptName"), LG_STR("Script Name"), LG_F_SCRIPT_PATH},
            {LG_STR("UserId"), LG_STR("User"), LG_F_USER},
            {LG_STR("CommandLine"), LG_STR("CommandLine"), LG_F_COMMAND_LINE},
    };
    struct lg_str rest = text, line;

    while (lg_str_split(&rest, '\n', &line)) {
        ptrdiff_t eq = lg_str_chr(line, '=');
        struct lg_str name, value;

        if (eq < 0)
            continue;
        name = lg_str_trim(lg_str_sub(line, 0, (size_t)eq));
        value = lg_str_trim(lg_str_sub(line, (size_t)eq + 1, line.n));
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (!lg_str_eq(name, names[i].name) && !lg_str_eq(name, names[i].spaced))
                continue;
            /* The command line stands last and may go over several lines. */
            if (names[i].field == LG_F_COMMAND_LINE) {
                value = lg_str_trim(lg_str_of(value.p, (size_t)(text.p + text.n - value.p)));
                rest.n = 0;
            }
            if (!lg_event_has(call->ev, names[i].field))
                lg_norm_set_text(call, names[i].field, value);
        }
    }
}

void lg_win_convert(
        struct lg_norm_call *call, const struct lg_win_record *rec, const struct lg_win_row *row)
{
    const struct lg_win_value *v = &rec->v[row->key];
    enum lg_field f = row->field;
    uint64_t u;
    int is;

    switch ((enum lg_win_conv)row->conv) {
    case LG_WC_PLAIN:
        set_plain(call, f, v);
        break;
    case LG_WC_PID:
        if (lg_event_has(call->ev, f))
            break;
        set_plain(call, f, v);
        u = lg_event_u64(call->ev, f);
        if (u == 0)
            call->ev->has[f / 64] &= ~(UINT64_C(1) << (f % 64));
        break;
    case LG_WC_HASHES:
        set_hashes(call, f, text_of(v));
        break;
    case LG_WC_FIRST_BOOL:
        set_first_bool(call, f, v);
        break;
    case LG_WC_WORDS:
        set_words(call, f, text_of(v));
        break;
    case LG_WC_MOF:
        set_mof(call, f, text_of(v));
        break;
    case LG_WC_IP_PROTOCOL:
        set_ip_protocol(call, f, v);
        break;
    case LG_WC_DIRECTION:
        set_direction(call, f, text_of(v));
        break;
    case LG_WC_FAMILY:
        is = read_bool(v);
        if (is >= 0)
            lg_norm_set_text(call, f, is == 1 ? LG_STR("ipv6") : LG_STR("ipv4"));
        break;
    case LG_WC_CONTEXT:
        lg_win_set_context(call, text_of(v));
        break;
    case LG_WC_CONTEXT_TOO:
        set_plain(call, f, v);
        lg_win_set_context(call, text_of(v));
        break;
    case LG_WC_COMMANDS:
        set_plain(call, f, v);
        set_command_name(call, text_of(v));
        break;
    }
}

#include "normalize/linux_common.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/limits.h"

#define ERRNO_EINPROGRESS 115

void lg_lx_begin(struct lg_lx *lx, struct lg_norm_call *call, enum lg_source source,
        enum lg_event_type type, lg_time time_ns, struct lg_str host)
{
    int r;

    lx->call = call;
    lx->ev = lg_norm_begin(call, source, type);
    lx->ev->time_ns = time_ns;
    lx->ev->claimed_time_ns = time_ns;
    r = lg_norm_host(call, lg_lx_null_word(host) ? LG_STR("") : host);
    if (r == LG_ENOMEM) /* a missing host is found again by lg_norm_emit */
        lx->oom = true;
}

int lg_lx_emit(struct lg_lx *lx, const struct lg_str *identity, size_t n)
{
    if (lx->oom)
        return lg_norm_dead(lx->call, LG_DEAD_OUT_OF_MEMORY, "record needs too much memory");
    return lg_norm_emit(lx->call, identity, n);
}

/* ---- values ---- */

bool lg_lx_null_word(struct lg_str s)
{
    static const struct lg_str words[] = {
            {"-", 1}, {"<NA>", 4}, {"<NONE>", 6}, {"<NULL>", 6}, {"(null)", 6}};
    size_t i;

    if (s.n == 0)
        return true;
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (lg_str_eq(s, words[i]))
            return true;
    }
    return false;
}

void lg_lx_str(struct lg_lx *lx, enum lg_field f, struct lg_str s)
{
    if (!lg_lx_null_word(s))
        lg_norm_set_text(lx->call, f, s);
}

void lg_lx_u64(struct lg_lx *lx, enum lg_field f, uint64_t v)
{
    lg_event_set_u64(lx->ev, f, v);
}

void lg_lx_member(struct lg_lx *lx, enum lg_field f, struct lg_jval obj, struct lg_str key)
{
    struct lg_jval v;

    if (!lg_jval_get(obj, key, &v))
        return;
    if (lg_jval_type(v) == LG_JSON_STRING && lg_lx_null_word(lg_jval_str(v)))
        return;
    lg_norm_set_json(lx->call, f, v);
}

bool lg_lx_uint(struct lg_jval v, uint64_t *ret)
{
    int64_t i;

    switch (lg_jval_type(v)) {
    case LG_JSON_U64:
        *ret = lg_jval_u64(v);
        return true;
    case LG_JSON_I64:
        i = lg_jval_i64(v);
        *ret = (uint64_t)i;
        return i >= 0;
    case LG_JSON_STRING:
        return lg_parse_u64_any(lg_jval_str(v), ret) == 0;
    default:
        return false;
    }
}

bool lg_lx_int(struct lg_jval v, int64_t *ret)
{
    switch (lg_jval_type(v)) {
    case LG_JSON_I64:
        *ret = lg_jval_i64(v);
        return true;
    case LG_JSON_STRING:
        return lg_parse_i64(lg_jval_str(v), ret) == 0;
    default:
        return false;
    }
}

bool lg_lx_member_uint(struct lg_jval obj, struct lg_str key, uint64_t *ret)
{
    struct lg_jval v;

    return lg_jval_get(obj, key, &v) && lg_lx_uint(v, ret);
}

bool lg_lx_member_int(struct lg_jval obj, struct lg_str key, int64_t *ret)
{
    struct lg_jval v;

    return lg_jval_get(obj, key, &v) && lg_lx_int(v, ret);
}

bool lg_lx_member_obj(struct lg_jval obj, struct lg_str key, struct lg_jval *ret)
{
    return lg_jval_get(obj, key, ret) && lg_jval_type(*ret) == LG_JSON_OBJECT;
}

bool lg_lx_member_arr(struct lg_jval obj, struct lg_str key, struct lg_jval *ret)
{
    return lg_jval_get(obj, key, ret) && lg_jval_type(*ret) == LG_JSON_ARRAY;
}

static char *arena_text(struct lg_lx *lx, size_t n)
{
    char *p = lg_arena_alloc(lx->call->arena, n > 0 ? n : 1);

    if (p == NULL)
        lx->oom = true;
    return p;
}

struct lg_str lg_lx_dec(struct lg_lx *lx, uint64_t v)
{
    char tmp[20];
    size_t i = sizeof(tmp);
    char *p;

    do {
        tmp[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    p = arena_text(lx, sizeof(tmp) - i);
    if (p == NULL)
        return LG_STR("");
    memcpy(p, tmp + i, sizeof(tmp) - i);
    return lg_str_of(p, sizeof(tmp) - i);
}

struct lg_str lg_lx_cat(struct lg_lx *lx, const struct lg_str *parts, size_t n)
{
    size_t total = 0;
    size_t at = 0;
    size_t i;
    char *p;

    for (i = 0; i < n; i++)
        total += parts[i].n;
    p = arena_text(lx, total);
    if (p == NULL)
        return LG_STR("");
    for (i = 0; i < n; i++) {
        if (parts[i].n > 0)
            memcpy(p + at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    return lg_str_of(p, total);
}

struct lg_str lg_lx_join_array(struct lg_lx *lx, struct lg_jval arr)
{
    struct lg_jiter it;
    struct lg_jval v;
    size_t total = 0;
    size_t count = 0;
    size_t at = 0;
    size_t i = 0;
    char *p;

    for (it = lg_jiter_of(arr); lg_jiter_item(&it, &v) && count < LG_MAX_AUDIT_ARGS;) {
        if (lg_jval_type(v) != LG_JSON_STRING)
            continue;
        total += lg_jval_str(v).n + 1;
        count++;
    }
    if (count == LG_MAX_AUDIT_ARGS && lg_jiter_item(&it, &v))
        lx->ev->flags |= LG_EVF_TRUNCATED;
    if (count == 0)
        return LG_STR("");
    p = arena_text(lx, total);
    if (p == NULL)
        return LG_STR("");
    for (it = lg_jiter_of(arr); i < count && lg_jiter_item(&it, &v);) {
        struct lg_str s;

        if (lg_jval_type(v) != LG_JSON_STRING)
            continue;
        s = lg_jval_str(v);
        if (i++ > 0)
            p[at++] = ' ';
        if (s.n > 0)
            memcpy(p + at, s.p, s.n);
        at += s.n;
    }
    return lg_str_of(p, at);
}

struct lg_str lg_lx_command(struct lg_lx *lx, struct lg_str exe, struct lg_str args)
{
    if (lg_lx_null_word(exe))
        return LG_STR("");
    if (args.n == 0)
        return exe;
    return lg_lx_cat(lx, (struct lg_str[]){exe, LG_STR(" "), args}, 3);
}

/* ---- processes ---- */

struct lg_str lg_lx_guid(struct lg_lx *lx, const struct lg_lx_proc *p)
{
    struct lg_str pid;
    struct lg_str start;

    if (!p->has_pid || p->start_ns <= 0)
        return LG_STR("");
    pid = lg_lx_dec(lx, p->pid);
    start = lg_lx_dec(lx, (uint64_t)p->start_ns);
    return lg_lx_cat(lx, (struct lg_str[]){pid, LG_STR(":"), start}, 3);
}

void lg_lx_actor(struct lg_lx *lx, const struct lg_lx_proc *p)
{
    lg_lx_str(lx, LG_F_PROCESS_GUID, lg_lx_guid(lx, p));
    if (p->has_pid)
        lg_lx_u64(lx, LG_F_PROCESS_ID, p->pid);
    if (p->start_ns > 0 && p->start_is_clock)
        lg_event_set_i64(lx->ev, LG_F_PROCESS_START_TIME, p->start_ns);
    lg_lx_str(lx, LG_F_IMAGE, p->image);
    lg_lx_str(lx, LG_F_COMMAND_LINE, p->command_line);
    lg_lx_str(lx, LG_F_USER, p->user);
}

void lg_lx_parent(struct lg_lx *lx, const struct lg_lx_proc *p)
{
    lg_lx_str(lx, LG_F_PARENT_PROCESS_GUID, lg_lx_guid(lx, p));
    if (p->has_pid)
        lg_lx_u64(lx, LG_F_PARENT_PROCESS_ID, p->pid);
    if (p->start_ns > 0 && p->start_is_clock)
        lg_event_set_i64(lx->ev, LG_F_PARENT_START_TIME, p->start_ns);
    lg_lx_str(lx, LG_F_PARENT_IMAGE, p->image);
    lg_lx_str(lx, LG_F_PARENT_COMMAND_LINE, p->command_line);
    lg_lx_str(lx, LG_F_PARENT_USER, p->user);
}

void lg_lx_target(struct lg_lx *lx, const struct lg_lx_proc *p)
{
    lg_lx_str(lx, LG_F_TARGET_PROCESS_GUID, lg_lx_guid(lx, p));
    if (p->has_pid)
        lg_lx_u64(lx, LG_F_TARGET_PROCESS_ID, p->pid);
    lg_lx_str(lx, LG_F_TARGET_IMAGE, p->image);
    lg_lx_str(lx, LG_F_TARGET_USER, p->user);
}

void lg_lx_drop_target_pid(struct lg_lx *lx)
{
    lx->ev->has[LG_F_TARGET_PROCESS_ID / 64] &= ~(UINT64_C(1) << (LG_F_TARGET_PROCESS_ID % 64));
}

void lg_lx_container_id(struct lg_lx *lx, struct lg_str id)
{
    ptrdiff_t at = lg_str_find(id, LG_STR("://"));

    if (at >= 0)
        id = lg_str_sub(id, (size_t)at + 3, id.n);
    if (!lg_str_eq(id, LG_STR("host")))
        lg_lx_str(lx, LG_F_CONTAINER_ID, id);
}

void lg_lx_result(struct lg_lx *lx, int64_t ret)
{
    lg_event_set_i64(lx->ev, LG_F_RETURN_VALUE, ret);
    if (ret != -ERRNO_EINPROGRESS)
        lg_event_set_bool(lx->ev, LG_F_SUCCESS, ret >= 0);
}

/* ---- sockets ---- */

static bool ip_text(struct lg_str text, char out[INET6_ADDRSTRLEN], bool *ret_v6)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char tmp[INET6_ADDRSTRLEN];
    uint8_t bin[16];
    ptrdiff_t zone = lg_str_chr(text, '%');

    if (zone >= 0)
        text = lg_str_sub(text, 0, (size_t)zone);
    if (text.n == 0 || text.n >= sizeof(tmp) || memchr(text.p, 0, text.n) != NULL)
        return false;
    memcpy(tmp, text.p, text.n);
    tmp[text.n] = 0;
    if (inet_pton(AF_INET, tmp, bin) == 1) {
        *ret_v6 = false;
        return inet_ntop(AF_INET, bin, out, INET6_ADDRSTRLEN) != NULL;
    }
    if (inet_pton(AF_INET6, tmp, bin) != 1)
        return false;
    *ret_v6 = memcmp(bin, mapped, sizeof(mapped)) != 0;
    if (!*ret_v6)
        return inet_ntop(AF_INET, bin + 12, out, INET6_ADDRSTRLEN) != NULL;
    return inet_ntop(AF_INET6, bin, out, INET6_ADDRSTRLEN) != NULL;
}

bool lg_lx_ip(struct lg_lx *lx, enum lg_field f, struct lg_str text)
{
    char out[INET6_ADDRSTRLEN];
    struct lg_str s;
    bool v6;

    if (!ip_text(text, out, &v6))
        return false;
    if (lg_arena_dup(lx->call->arena, lg_str_z(out), &s) < 0) {
        lx->oom = true;
        return false;
    }
    lg_event_set_str(lx->ev, f, s);
    lg_event_set_str(lx->ev, LG_F_SOCKET_FAMILY, v6 ? LG_STR("ipv6") : LG_STR("ipv4"));
    return true;
}

void lg_lx_port(struct lg_lx *lx, enum lg_field f, uint64_t port)
{
    if (port <= 65535)
        lg_lx_u64(lx, f, port);
}

static const struct {
    uint8_t number;
    struct lg_str name;
} protocols[] = {
        {1, {"icmp", 4}},
        {2, {"igmp", 4}},
        {6, {"tcp", 3}},
        {17, {"udp", 3}},
        {47, {"gre", 3}},
        {58, {"icmpv6", 6}},
        {132, {"sctp", 4}},
};

struct lg_str lg_lx_protocol(uint64_t number)
{
    size_t i;

    for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (protocols[i].number == number)
            return protocols[i].name;
    }
    return LG_STR("");
}

struct lg_str lg_lx_protocol_name(struct lg_str s)
{
    size_t i;

    if (lg_str_istarts(s, LG_STR("IPPROTO_")))
        s = lg_str_sub(s, 8, s.n);
    for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        struct lg_str name = protocols[i].name;

        if (lg_str_ieq(s, name))
            return name;
        if (s.n == name.n + 1 && (s.p[s.n - 1] == '4' || s.p[s.n - 1] == '6') &&
                lg_str_ieq(lg_str_sub(s, 0, name.n), name))
            return name;
    }
    return LG_STR("");
}

bool lg_lx_split_port(struct lg_str s, struct lg_str *ret_addr, uint64_t *ret_port)
{
    ptrdiff_t colon = lg_str_rchr(s, ':');
    uint64_t port;

    if (colon < 0 || lg_parse_u64(lg_str_sub(s, (size_t)colon + 1, s.n), &port) < 0 || port > 65535)
        return false;
    s = lg_str_sub(s, 0, (size_t)colon);
    if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        s = lg_str_sub(s, 1, s.n - 1);
    *ret_addr = s;
    *ret_port = port;
    return true;
}

static bool end_point(
        struct lg_lx *lx, struct lg_str s, enum lg_field addr_field, enum lg_field port_field)
{
    struct lg_str addr;
    uint64_t port;

    if (!lg_lx_split_port(s, &addr, &port) || !lg_lx_ip(lx, addr_field, addr))
        return false;
    lg_lx_port(lx, port_field, port);
    return true;
}

static bool hex_digits(struct lg_str s)
{
    uint64_t v;

    return lg_parse_hex64(s, &v) == 0;
}

static bool unix_path(struct lg_str s)
{
    return s.n > 0 && (s.p[0] == '/' || s.p[0] == '@');
}

static void set_unix(struct lg_lx *lx, struct lg_str path)
{
    lg_event_set_str(lx->ev, LG_F_SOCKET_FAMILY, LG_STR("unix"));
    if (unix_path(path))
        lg_lx_str(lx, LG_F_SOCKET_PATH, path);
}

bool lg_lx_socket_name(struct lg_lx *lx, struct lg_str s)
{
    ptrdiff_t arrow = lg_str_find(s, LG_STR("->"));
    struct lg_str left;
    struct lg_str right;
    ptrdiff_t blank;

    if (unix_path(s)) {
        set_unix(lx, s);
        return true;
    }
    if (arrow < 0)
        return end_point(lx, s, LG_F_SOURCE_IP, LG_F_SOURCE_PORT);
    left = lg_str_sub(s, 0, (size_t)arrow);
    right = lg_str_sub(s, (size_t)arrow + 2, s.n);
    if (end_point(lx, left, LG_F_SOURCE_IP, LG_F_SOURCE_PORT))
        return end_point(lx, right, LG_F_DESTINATION_IP, LG_F_DESTINATION_PORT);
    /* Kernel addresses of the two ends, then the path that the server is bound to. */
    blank = lg_str_chr(right, ' ');
    if (!hex_digits(left) || !hex_digits(lg_str_sub(right, 0, blank < 0 ? right.n : (size_t)blank)))
        return false;
    set_unix(lx, blank < 0 ? LG_STR("") : lg_str_trim(lg_str_sub(right, (size_t)blank, right.n)));
    return true;
}

#include "normalize/auoms.h"

#include "normalize/audit_event.h"

/* Elements of a list like ["a","b"]; the text is what stands between the brackets. */
static bool list_next(struct lg_str *list, struct lg_str *ret)
{
    ptrdiff_t open = lg_str_chr(*list, '"'), close;

    if (open < 0)
        return false;
    *list = lg_str_sub(*list, (size_t)open + 1, list->n);
    close = lg_str_chr(*list, '"');
    if (close < 0)
        return false;
    *ret = lg_str_sub(*list, 0, (size_t)close);
    *list = lg_str_sub(*list, (size_t)close + 1, list->n);
    return true;
}

static void add_paths(struct lg_audit_event *ae, struct lg_str names, struct lg_str types)
{
    struct lg_str name, type;

    for (uint32_t i = 0; list_next(&names, &name); i++) {
        if (!list_next(&types, &type))
            type = LG_STR("");
        lg_audit_add_path(ae, i, name, type);
    }
}

/* The last place where `key` stands, or -1. */
static ptrdiff_t find_last(struct lg_str s, struct lg_str key)
{
    ptrdiff_t at = -1, next = lg_str_find(s, key);

    while (next >= 0) {
        at = at < 0 ? next : at + (ptrdiff_t)key.n + next;
        next = lg_str_find(lg_str_sub(s, (size_t)at + key.n, s.n), key);
    }
    return at;
}

/*
 * The record ends in free text: " cmdline=" or " proctitle=", neither encoded nor reliably quoted,
 * then " redactors=" and " containerid=". What the text says must not be taken for keys, so it
 * runs from the first of the two to the last " redactors=".
 */
struct tail {
    struct lg_str keys; /* the part before */
    struct lg_str cmdline;
    struct lg_str title;
    struct lg_str container;
};

static struct tail tail_split(struct lg_str body)
{
    static const struct lg_str cmdline = {" cmdline=", 9}, title = {" proctitle=", 11};
    ptrdiff_t c = lg_str_find(body, cmdline), t = lg_str_find(body, title), r, id;
    bool is_cmd = c >= 0 && (t < 0 || c < t);
    struct tail ret = {.keys = body};
    struct lg_str text;
    size_t from;

    if (c < 0 && t < 0)
        return ret;
    from = is_cmd ? (size_t)c : (size_t)t;
    ret.keys = lg_str_sub(body, 0, from);
    text = lg_str_sub(body, from + (is_cmd ? cmdline.n : title.n), body.n);
    r = find_last(text, LG_STR(" redactors="));
    if (r >= 0) {
        id = lg_str_find(lg_str_sub(text, (size_t)r, text.n), LG_STR(" containerid="));
        if (id >= 0)
            ret.container = lg_str_trim(lg_str_sub(text, (size_t)(r + id) + 13, text.n));
        text = lg_str_sub(text, 0, (size_t)r);
    }
    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = lg_str_sub(text, 1, text.n - 1);
    if (is_cmd)
        ret.cmdline = text;
    else
        ret.title = text;
    return ret;
}

static const struct lg_keyrow rows[] = {
        {"ppid", LG_F_PARENT_PROCESS_ID, 1},
        {"pid", LG_F_PROCESS_ID, 1},
        {"auid", LG_F_AUID, 1},
        {"uid", LG_F_UID, 1},
        {"gid", LG_F_GID, 1},
        {"euid", LG_F_EUID, 1},
        {"suid", LG_F_SUID, 1},
        {"fsuid", LG_F_FSUID, 1},
        {"egid", LG_F_EGID, 1},
        {"sgid", LG_F_SGID, 1},
        {"fsgid", LG_F_FSGID, 1},
        {"ses", LG_F_SESSION_ID, 1},
        {"argc", LG_F_ARGC, 1},
        {"tty", LG_F_TTY, 0},
        {"comm", LG_F_COMM, 0},
        {"exe", LG_F_IMAGE, 0},
        {"key", LG_F_AUDIT_KEY, 0},
        {"cwd", LG_F_CURRENT_DIRECTORY, 0},
};
static struct lg_keymap keys = LG_KEYMAP(rows);

struct reader {
    struct lg_audit_event *ae;
    struct lg_str names, types;
};

static void kv_apply(struct reader *r, const struct lg_audit_kv *kv)
{
    const struct lg_keyrow *row = lg_keymap_find(&keys, kv->key);
    struct lg_audit_event *ae = r->ae;

    if (row != NULL && row->arg == 1)
        lg_audit_set_number(ae, (enum lg_field)row->field, kv->val);
    else if (row != NULL && !lg_audit_kv_absent(kv))
        lg_audit_set_text(ae, (enum lg_field)row->field, kv->val);
    else if (lg_str_eq(kv->key, LG_STR("arch")))
        ae->arch_text = kv->val;
    else if (lg_str_eq(kv->key, LG_STR("syscall")))
        ae->call_text = kv->val;
    else if (lg_str_eq(kv->key, LG_STR("success")))
        lg_audit_set_success(ae, kv->val);
    else if (lg_str_eq(kv->key, LG_STR("exit")))
        lg_audit_set_exit(ae, kv->val);
    else if (lg_str_eq(kv->key, LG_STR("user")))
        lg_audit_set_uid_name(ae, kv->val);
    else if (lg_str_eq(kv->key, LG_STR("path_name")))
        r->names = kv->val;
    else if (lg_str_eq(kv->key, LG_STR("path_nametype")))
        r->types = kv->val;
    else if (kv->key.n == 2 && kv->key.p[0] == 'a' && kv->key.p[1] >= '0' && kv->key.p[1] <= '3')
        lg_audit_set_arg(ae, (unsigned)(kv->key.p[1] - '0'), kv->val);
}

int lg_auoms_emit(struct lg_norm_call *call, const struct lg_audit_head *h, struct lg_str computer)
{
    struct tail tail = tail_split(h->body);
    struct lg_str node = h->node;
    struct lg_audit_event ae;
    struct reader r = {.ae = &ae};
    struct lg_audit_cursor c;
    struct lg_audit_kv kv;

    lg_audit_cursor_init(&c, tail.keys);
    while (node.n == 0 && lg_audit_cursor_next(&c, &kv))
        if (lg_str_eq(kv.key, LG_STR("node")))
            node = kv.val;
    if (node.n == 0)
        node = computer;
    lg_audit_event_begin(&ae, call, node, h->time_ns, h->serial);
    lg_audit_cursor_init(&c, tail.keys);
    while (lg_audit_cursor_next(&c, &kv))
        kv_apply(&r, &kv);
    lg_audit_set_text(&ae, LG_F_CONTAINER_ID, tail.container);
    add_paths(&ae, r.names, r.types);
    if (ae.call_text.n > 0)
        lg_audit_set_call(&ae);
    if (tail.title.n > 0)
        lg_audit_set_proctitle(&ae, tail.title);
    if (tail.cmdline.n > 0) {
        ae.has_execve = true;
        ae.command = tail.cmdline;
    }
    if (!ae.has_syscall)
        lg_audit_set_type(&ae, h->type_name, h->type);
    return lg_audit_event_emit(&ae);
}

int lg_auoms_record(struct lg_norm_call *call, struct lg_str text, struct lg_str computer)
{
    struct lg_audit_line line = {0, (uint32_t)text.n, 0, 0, NULL};
    struct lg_audit_group g = {.raw = text, .lines = &line, .n_lines = 1, .end = LG_AUDIT_END_MARK};
    struct lg_audit_event ae;
    struct lg_audit_head h;

    if (text.n > LG_MAX_RECORD_BYTES || lg_audit_head_parse(text, &h) < 0)
        return lg_norm_dead(call, LG_DEAD_BAD_RECORD, "no audit(time:serial) header");
    if (h.type->kind == LG_AUDIT_AUOMS)
        return lg_auoms_emit(call, &h, computer);
    line.body = (uint32_t)(h.body.p - text.p);
    line.body_n = (uint32_t)h.body.n;
    line.type = h.type;
    lg_audit_event_begin(&ae, call, h.node.n > 0 ? h.node : computer, h.time_ns, h.serial);
    lg_audit_event_join(&ae, &g);
    return lg_audit_event_emit(&ae);
}

#include <string.h>

#include "base/hash.h"
#include "normalize/audit_event.h"

/*
 * The records of a group, in any order, to one audit event. What the SYSCALL record says wins over
 * the same key in another record, whichever came first.
 */

#define MAX_PIECES (2 * LG_MAX_AUDIT_ARGS) /* of EXECVE arguments: the kernel cuts long ones */

/* How the value of a key is read. */
enum conv {
    TEXT,    /* "text" or hex */
    ACCOUNT, /* the same, but bare lower-case text is no hex */
    PLAIN,   /* never hex */
    NUMBER,
    ARG0,
    ARG1,
    ARG2,
    ARG3,
    ARCH,
    CALL,
    CALL_NAME,
    SUCCESS,
    EXIT,
    ITEMS,
    KEY,
    UID_NAME,
    ID,
    ID_NAME,
    CMD,
};

static const struct lg_keyrow rows[] = {
        {"arch", 0, ARCH},
        {"syscall", 0, CALL},
        {"SYSCALL", 0, CALL_NAME},
        {"success", 0, SUCCESS},
        {"exit", 0, EXIT},
        {"a0", 0, ARG0},
        {"a1", 0, ARG1},
        {"a2", 0, ARG2},
        {"a3", 0, ARG3},
        {"items", 0, ITEMS},
        {"ppid", LG_F_PARENT_PROCESS_ID, NUMBER},
        {"pid", LG_F_PROCESS_ID, NUMBER},
        {"auid", LG_F_AUID, NUMBER},
        {"uid", LG_F_UID, NUMBER},
        {"gid", LG_F_GID, NUMBER},
        {"euid", LG_F_EUID, NUMBER},
        {"suid", LG_F_SUID, NUMBER},
        {"fsuid", LG_F_FSUID, NUMBER},
        {"egid", LG_F_EGID, NUMBER},
        {"sgid", LG_F_SGID, NUMBER},
        {"fsgid", LG_F_FSGID, NUMBER},
        {"ses", LG_F_SESSION_ID, NUMBER},
        {"tty", LG_F_TTY, PLAIN},
        {"comm", LG_F_COMM, TEXT},
        {"exe", LG_F_IMAGE, TEXT},
        {"subj", LG_F_SELINUX_CONTEXT, PLAIN},
        {"key", 0, KEY},
        {"UID", 0, UID_NAME},
        {"op", LG_F_OPERATION, PLAIN},
        {"acct", LG_F_ACCOUNT, ACCOUNT},
        {"id", 0, ID},
        {"ID", 0, ID_NAME},
        {"hostname", LG_F_SOURCE_HOSTNAME, PLAIN},
        {"addr", LG_F_REMOTE_ADDRESS, PLAIN},
        {"terminal", LG_F_TERMINAL, PLAIN},
        {"res", 0, SUCCESS},
        {"result", 0, SUCCESS},
        {"cwd", LG_F_CURRENT_DIRECTORY, TEXT},
        {"cmd", 0, CMD},
};
static struct lg_keymap keys = LG_KEYMAP(rows);

struct piece {
    uint32_t arg;
    uint32_t no;
    struct lg_str val; /* as written */
    bool bare;
};

struct join {
    struct lg_audit_event *ae;
    bool cut;            /* a line ended inside a value */
    struct lg_str saddr; /* bytes; their order waits for arch */
    struct piece *pieces;
    size_t n_pieces, cap_pieces;
    uint64_t argc;
    uint64_t len_sum; /* of aN_len, and of the pieces of such arguments */
    uint64_t piece_sum;
};

static struct lg_str text_of(
        struct lg_audit_event *ae, const struct lg_audit_kv *kv, bool upper_only)
{
    struct lg_str s;

    if (lg_audit_kv_text(kv, upper_only, ae->call->arena, &s) < 0) {
        ae->call->oom = true;
        return LG_STR("");
    }
    return s;
}

static void set_field(struct lg_audit_event *ae, bool own, enum lg_field f, struct lg_str s)
{
    if (own)
        lg_audit_set_text(ae, f, s);
    else
        lg_audit_set_first(ae, f, s);
}

static void kv_special(
        struct lg_audit_event *ae, bool own, const struct lg_audit_kv *kv, enum conv conv)
{
    struct lg_str key;
    uint64_t v;

    switch (conv) {
    case ARCH:
        ae->arch_text = kv->val;
        break;
    case CALL:
        ae->call_text = kv->val;
        break;
    case CALL_NAME:
        ae->call_name = kv->val;
        break;
    case SUCCESS:
        if (own || !lg_event_has(ae->call->ev, LG_F_SUCCESS))
            lg_audit_set_success(ae, kv->val);
        break;
    case EXIT:
        lg_audit_set_exit(ae, kv->val);
        break;
    case ITEMS:
        if (lg_parse_u64(kv->val, &v) == 0 && v <= UINT32_MAX)
            ae->items = (uint32_t)v;
        break;
    case KEY:
        /* some senders leave the closing quote behind a key in hex */
        key = kv->val;
        if (kv->quote == 0 && key.n > 1 && key.p[key.n - 1] == '"')
            key.n--;
        key = text_of(ae, &(struct lg_audit_kv){kv->key, key, kv->quote}, false);
        if (own || !lg_event_has(ae->call->ev, LG_F_AUDIT_KEY))
            lg_audit_set_key(ae, key);
        break;
    case UID_NAME:
        if (own || ae->uid_name.n == 0)
            lg_audit_set_uid_name(ae, kv->val);
        break;
    case ID:
        if (ae->account_id.n == 0 && !lg_audit_kv_absent(kv))
            ae->account_id = kv->val;
        break;
    case ID_NAME:
        if (!lg_str_starts(kv->val, LG_STR("unknown(")) && !lg_str_eq(kv->val, LG_STR("unset")))
            ae->account_id = kv->val;
        break;
    case CMD:
        ae->cmd = text_of(ae, kv, true);
        break;
    default:
        break;
    }
}

void lg_audit_event_key(struct lg_audit_event *ae, bool own, const struct lg_audit_kv *kv)
{
    const struct lg_keyrow *row = lg_keymap_find(&keys, kv->key);
    enum lg_field f;

    if (row == NULL)
        return;
    f = (enum lg_field)row->field;
    switch (row->arg) {
    case TEXT:
        set_field(ae, own, f, text_of(ae, kv, false));
        break;
    case ACCOUNT:
        set_field(ae, own, f, text_of(ae, kv, true));
        break;
    case PLAIN:
        if (!lg_audit_kv_absent(kv) && !lg_str_eq(kv->val, LG_STR("(none)")))
            set_field(ae, own, f, kv->val);
        break;
    case NUMBER:
        if (own || !lg_event_has(ae->call->ev, f))
            lg_audit_set_number(ae, f, kv->val);
        break;
    case ARG0:
    case ARG1:
    case ARG2:
    case ARG3:
        if (own)
            lg_audit_set_arg(ae, row->arg - ARG0, kv->val);
        break;
    default:
        kv_special(ae, own, kv, (enum conv)row->arg);
        break;
    }
}

static void record_keys(struct lg_audit_event *ae, bool own, struct lg_audit_cursor *c)
{
    struct lg_audit_kv kv;

    while (lg_audit_cursor_next(c, &kv))
        lg_audit_event_key(ae, own, &kv);
}

/* The one value of a record that holds no other that we read. */
static bool record_value(struct lg_audit_cursor *c, struct lg_str key, struct lg_audit_kv *ret)
{
    while (lg_audit_cursor_next(c, ret))
        if (lg_str_eq(ret->key, key))
            return true;
    return false;
}

static void record_path(struct join *j, struct lg_audit_cursor *c)
{
    struct lg_str name = LG_STR(""), nametype = LG_STR("");
    struct lg_audit_kv kv;
    uint64_t item = 0;

    while (lg_audit_cursor_next(c, &kv)) {
        if (lg_str_eq(kv.key, LG_STR("item"))) {
            if (lg_parse_u64(kv.val, &item) < 0 || item > UINT32_MAX)
                item = UINT32_MAX;
        } else if (lg_str_eq(kv.key, LG_STR("name"))) {
            name = text_of(j->ae, &kv, false);
        } else if (lg_str_eq(kv.key, LG_STR("nametype")) || lg_str_eq(kv.key, LG_STR("objtype"))) {
            nametype = kv.val;
            break; /* capabilities follow, which we do not read */
        }
    }
    lg_audit_add_path(j->ae, (uint32_t)item, name, nametype);
}

static void record_saddr(struct join *j, struct lg_audit_cursor *c)
{
    struct lg_audit_kv kv;
    char *bytes;

    j->ae->parts = true;
    if (!record_value(c, LG_STR("saddr"), &kv) || kv.val.n == 0)
        return;
    bytes = lg_arena_alloc(j->ae->call->arena, kv.val.n / 2 + 1);
    if (bytes == NULL)
        j->ae->call->oom = true;
    else if (lg_audit_hex_decode(kv.val, bytes))
        j->saddr = lg_str_of(bytes, kv.val.n / 2);
}

static void record_openat2(struct join *j, struct lg_audit_cursor *c)
{
    struct lg_audit_kv kv;

    j->ae->parts = true;
    if (record_value(c, LG_STR("oflag"), &kv))
        j->ae->has_oflags = lg_audit_octal(kv.val, &j->ae->oflags);
}

static void record_socketcall(struct join *j, struct lg_audit_cursor *c)
{
    struct lg_audit_kv kv;
    uint32_t arg, piece;
    uint64_t v;

    j->ae->parts = true;
    while (lg_audit_cursor_next(c, &kv)) {
        if (lg_audit_arg_key(kv.key, &arg, &piece) == LG_AUDIT_ARG_VALUE && arg < 4 &&
                lg_parse_hex64(kv.val, &v) == 0) {
            j->ae->inner[arg] = v;
            j->ae->has_inner |= (uint8_t)(1u << arg);
        }
    }
}

/* ---- EXECVE ---- */

static void piece_add(struct join *j, uint32_t arg, uint32_t no, const struct lg_audit_kv *kv)
{
    struct piece *bigger;
    size_t cap;

    if (j->n_pieces == j->cap_pieces) {
        if (j->cap_pieces >= MAX_PIECES) {
            j->ae->args_missing = true;
            return;
        }
        cap = j->cap_pieces == 0 ? 32 : j->cap_pieces * 4;
        cap = cap > MAX_PIECES ? MAX_PIECES : cap;
        bigger = lg_arena_alloc(j->ae->call->arena, cap * sizeof(*bigger));
        if (bigger == NULL) {
            j->ae->call->oom = true;
            return;
        }
        if (j->n_pieces > 0)
            memcpy(bigger, j->pieces, j->n_pieces * sizeof(*bigger));
        j->pieces = bigger;
        j->cap_pieces = cap;
    }
    j->pieces[j->n_pieces++] = (struct piece){arg, no, kv->val, kv->quote == 0};
}

static void record_execve(struct join *j, struct lg_audit_cursor *c)
{
    struct lg_audit_kv kv;
    uint32_t arg, no;
    uint64_t len;

    j->ae->has_execve = j->ae->parts = true;
    while (lg_audit_cursor_next(c, &kv)) {
        if (kv.key.p[0] != 'a')
            continue;
        if (lg_str_eq(kv.key, LG_STR("argc"))) {
            if (lg_parse_u64(kv.val, &j->argc) < 0)
                j->argc = 0;
            continue;
        }
        switch (lg_audit_arg_key(kv.key, &arg, &no)) {
        case LG_AUDIT_ARG_LEN:
            if (lg_parse_u64(kv.val, &len) == 0 && len <= LG_MAX_AUDIT_EVENT_BYTES)
                j->len_sum += len;
            break;
        case LG_AUDIT_ARG_VALUE:
            if (kv.key.p[kv.key.n - 1] == ']')
                j->piece_sum += kv.val.n;
            piece_add(j, arg, no, &kv);
            break;
        default:
            break;
        }
    }
}

static bool piece_before(const struct piece *a, const struct piece *b)
{
    return a->arg != b->arg ? a->arg < b->arg : a->no < b->no;
}

static void sift(struct piece *v, size_t at, size_t n)
{
    for (;;) {
        size_t child = 2 * at + 1;
        struct piece tmp;

        if (child >= n)
            return;
        if (child + 1 < n && piece_before(&v[child], &v[child + 1]))
            child++;
        if (!piece_before(&v[at], &v[child]))
            return;
        tmp = v[at];
        v[at] = v[child];
        v[child] = tmp;
        at = child;
    }
}

/* Records of one EXECVE may come in any order; mostly they do not. */
static void pieces_sort(struct piece *v, size_t n)
{
    size_t i;

    for (i = 1; i < n && piece_before(&v[i - 1], &v[i]); i++)
        ;
    if (i >= n)
        return;
    for (i = n / 2; i > 0; i--)
        sift(v, i - 1, n);
    for (i = n; i > 1; i--) {
        struct piece tmp = v[0];

        v[0] = v[i - 1];
        v[i - 1] = tmp;
        sift(v, 0, i - 1);
    }
}

/* Bytes of one piece into out, which has room for val.n. */
static size_t piece_put(const struct piece *p, char *out)
{
    if (p->bare && lg_audit_hex_decode(p->val, out))
        return p->val.n / 2;
    memcpy(out, p->val.p, p->val.n);
    return p->val.n;
}

/* One argument out of the pieces from *at on; moves *at behind them. */
static struct lg_str arg_of(struct join *j, size_t *at)
{
    const struct piece *p = &j->pieces[*at];
    size_t to = *at + 1, size = p->val.n, n = 0;
    char *out;

    while (to < j->n_pieces && j->pieces[to].arg == p->arg)
        size += j->pieces[to++].val.n;
    if (to == *at + 1 && !p->bare) {
        *at = to;
        return p->val;
    }
    out = lg_arena_alloc(j->ae->call->arena, size);
    if (out == NULL) {
        j->ae->call->oom = true;
        *at = to;
        return LG_STR("");
    }
    for (size_t i = *at; i < to; i++)
        if (i == *at || piece_before(&j->pieces[i - 1], &j->pieces[i])) /* not the same again */
            n += piece_put(&j->pieces[i], out + n);
    *at = to;
    return lg_str_of(out, n);
}

static void execve_finish(struct join *j)
{
    struct lg_audit_event *ae = j->ae;
    struct lg_str *args;
    size_t n = 0, at = 0;

    if (!ae->has_execve)
        return;
    pieces_sort(j->pieces, j->n_pieces);
    args = lg_arena_alloc(ae->call->arena, (j->n_pieces + 1) * sizeof(*args));
    if (args == NULL) {
        ae->call->oom = true;
        return;
    }
    while (at < j->n_pieces)
        args[n++] = arg_of(j, &at);
    if (n > LG_MAX_AUDIT_ARGS) {
        ae->args_missing = true;
        n = LG_MAX_AUDIT_ARGS;
    }
    if (j->argc == 0 || n < j->argc || j->piece_sum < j->len_sum)
        ae->args_missing = true;
    if (j->argc > 0)
        lg_event_set_u64(ae->call->ev, LG_F_ARGC, j->argc);
    lg_audit_set_args(ae, args, n);
}

/* ---- all records ---- */

static void record_apply(struct join *j, const struct lg_audit_line *l, struct lg_audit_cursor *c,
        struct lg_str name)
{
    struct lg_audit_event *ae = j->ae;
    struct lg_audit_kv kv;
    uint64_t v;

    switch ((enum lg_audit_kind)l->type->kind) {
    case LG_AUDIT_SYSCALL:
        record_keys(ae, true, c);
        ae->has_syscall = true;
        break;
    case LG_AUDIT_EXECVE:
        record_execve(j, c);
        break;
    case LG_AUDIT_PATH:
        record_path(j, c);
        break;
    case LG_AUDIT_CWD:
        ae->parts = true;
        if (record_value(c, LG_STR("cwd"), &kv))
            lg_audit_set_text(ae, LG_F_CURRENT_DIRECTORY, text_of(ae, &kv, false));
        break;
    case LG_AUDIT_SOCKADDR:
        record_saddr(j, c);
        break;
    case LG_AUDIT_SOCKETCALL:
        record_socketcall(j, c);
        break;
    case LG_AUDIT_PROCTITLE:
        if (record_value(c, LG_STR("proctitle"), &kv))
            lg_audit_set_proctitle(ae, text_of(ae, &kv, false));
        break;
    case LG_AUDIT_OBJ_PID:
        ae->parts = true;
        if (!lg_event_has(ae->call->ev, LG_F_TARGET_PROCESS_ID) &&
                record_value(c, LG_STR("opid"), &kv) && lg_parse_u64(kv.val, &v) == 0)
            lg_event_set_u64(ae->call->ev, LG_F_TARGET_PROCESS_ID, v);
        break;
    case LG_AUDIT_OPENAT2:
        record_openat2(j, c);
        break;
    case LG_AUDIT_KERN_MODULE:
        ae->parts = true;
        if (record_value(c, LG_STR("name"), &kv))
            lg_audit_set_text(ae, LG_F_MODULE_NAME, text_of(ae, &kv, false));
        break;
    case LG_AUDIT_PART:
    case LG_AUDIT_EOE:
        ae->parts = true;
        break;
    default:
        lg_audit_set_type(ae, name, l->type);
        if (l->type->kind >= LG_AUDIT_BPF_PROG)
            record_keys(ae, false, c);
        break;
    }
}

void lg_audit_event_join(struct lg_audit_event *ae, const struct lg_audit_group *g)
{
    struct join j = {.ae = ae};
    struct lg_event *ev = ae->call->ev;

    for (size_t i = 0; i < g->n_lines; i++) {
        const struct lg_audit_line *l = &g->lines[i];
        struct lg_str line = lg_str_of(g->raw.p + l->at, l->n);
        struct lg_str name = lg_str_z(l->type->name);
        struct lg_audit_cursor c;
        struct lg_audit_head h;

        if (name.n == 0 && lg_audit_head_parse(line, &h) == 0)
            name = h.type_name;
        lg_audit_cursor_init(&c, lg_str_sub(line, l->body, l->body + l->body_n));
        record_apply(&j, l, &c, name);
        j.cut |= c.cut;
    }
    execve_finish(&j);
    if (ae->has_syscall)
        lg_audit_set_call(ae);
    if (j.saddr.n > 0)
        lg_audit_set_saddr(ae, j.saddr);
    ae->evicted = g->end == LG_AUDIT_END_EVICTED;
    if (j.cut)
        ev->flags |= LG_EVF_TRUNCATED;
}

/*
 * The pickle machine of `.pt` files, cut down to what torch.save needs for tensors and plain
 * containers (protocol 2). It builds values in an arena and calls nothing: the only "functions"
 * are the names below. Every other opcode or global is refused with its name and place.
 */
#include <string.h>

#include "base/arena.h"
#include "tensor/tensor_int.h"

#define MAX_STACK 65536u
#define MAX_MEMO 262144u
#define MAX_DEPTH 32
#define MAX_VISITS 262144u /* values seen while flattening: shared containers count each time */

enum kind {
    V_MARK,
    V_NONE,
    V_BOOL,
    V_INT,
    V_FLOAT,
    V_STR,
    V_TUPLE,
    V_LIST,
    V_DICT,
    V_GLOBAL,
    V_STORAGE,
    V_TENSOR
};

enum global { G_ODICT, G_REBUILD_TENSOR, G_REBUILD_PARAMETER, G_SIZE, G_STORAGE };

static const struct {
    const char *module, *name;
    enum global global;
    enum lg_dtype dtype; /* of a storage */
} globals[] = {
        {"collections", "OrderedDict", G_ODICT, LG_DTYPES},
        {"torch._utils", "_rebuild_tensor_v2", G_REBUILD_TENSOR, LG_DTYPES},
        {"torch._utils", "_rebuild_parameter", G_REBUILD_PARAMETER, LG_DTYPES},
        {"torch", "Size", G_SIZE, LG_DTYPES},
        {"torch", "FloatStorage", G_STORAGE, LG_F32},
        {"torch", "DoubleStorage", G_STORAGE, LG_F64},
        {"torch", "HalfStorage", G_STORAGE, LG_F16},
        {"torch", "BFloat16Storage", G_STORAGE, LG_BF16},
        {"torch", "LongStorage", G_STORAGE, LG_I64},
        {"torch", "IntStorage", G_STORAGE, LG_I32},
        {"torch", "ShortStorage", G_STORAGE, LG_I16},
        {"torch", "CharStorage", G_STORAGE, LG_I8},
        {"torch", "ByteStorage", G_STORAGE, LG_U8},
        {"torch", "BoolStorage", G_STORAGE, LG_BOOL},
};

struct item;

struct value {
    enum kind kind;
    bool ordered; /* V_DICT made by OrderedDict */
    union {
        int64_t i; /* V_INT, V_BOOL; V_GLOBAL: index into globals */
        double d;
        struct lg_str s;
        struct {
            struct item *first, *last;
            size_t n;
        } items;                       /* V_TUPLE, V_LIST, V_DICT */
        struct lg_pt_storage *storage; /* V_STORAGE */
        struct lg_pt_view *view;       /* V_TENSOR */
    };
};

/* Element of a container; key is NULL outside of dicts. */
struct item {
    struct value *key, *v;
    struct item *next;
};

struct machine {
    const uint8_t *p;
    size_t n, at, op; /* op: offset of the opcode being run */
    struct lg_arena *arena;
    struct value **stack;
    size_t depth;
    struct value **memo;
    size_t memo_n;
    struct lg_pt_storage *storages;
    struct lg_err *err;
};

static int fail(struct machine *m, int code, const char *what)
{
    return lg_err_set(m->err, code, "data.pkl byte %zu: %s", m->op, what);
}

static int no_memory(struct machine *m)
{
    return fail(m, LG_ENOMEM, "no memory, or more objects than a model needs");
}

static int need(struct machine *m, size_t n, const uint8_t **ret)
{
    if (n > m->n - m->at)
        return fail(m, LG_ETRUNC, "the pickle ends inside an opcode");
    *ret = m->p + m->at;
    m->at += n;
    return 0;
}

static int push(struct machine *m, struct value *v)
{
    if (m->depth >= MAX_STACK)
        return fail(m, LG_ELIMIT, "the stack is too deep");
    m->stack[m->depth++] = v;
    return 0;
}

static int push_new(struct machine *m, enum kind kind, struct value **ret)
{
    struct value *v = lg_arena_zalloc(m->arena, sizeof(*v));

    if (v == NULL)
        return no_memory(m);
    v->kind = kind;
    if (ret != NULL)
        *ret = v;
    return push(m, v);
}

/* Pops a value that is no mark. */
static int pop(struct machine *m, struct value **ret)
{
    if (m->depth == 0 || m->stack[m->depth - 1]->kind == V_MARK)
        return fail(m, LG_ECORRUPT, "the stack is empty");
    *ret = m->stack[--m->depth];
    return 0;
}

static int top(struct machine *m, struct value **ret)
{
    int rc = pop(m, ret);

    if (rc == 0)
        m->depth++;
    return rc;
}

static int add_item(struct machine *m, struct value *to, struct value *key, struct value *v)
{
    struct item *it = lg_arena_alloc(m->arena, sizeof(*it));

    if (it == NULL)
        return no_memory(m);
    *it = (struct item){.key = key, .v = v};
    if (to->items.last != NULL)
        to->items.last->next = it;
    else
        to->items.first = it;
    to->items.last = it;
    to->items.n++;
    return 0;
}

/* Index of the highest mark. */
static int find_mark(struct machine *m, size_t *ret)
{
    for (size_t i = m->depth; i > 0; i--) {
        if (m->stack[i - 1]->kind == V_MARK) {
            *ret = i - 1;
            return 0;
        }
    }
    return fail(m, LG_ECORRUPT, "a mark is missing");
}

static int make_tuple(struct machine *m, size_t from, size_t below)
{
    struct value *t = lg_arena_zalloc(m->arena, sizeof(*t));
    int rc = 0;

    if (t == NULL)
        return no_memory(m);
    t->kind = V_TUPLE;
    for (size_t i = from; rc == 0 && i < m->depth; i++)
        rc = m->stack[i]->kind == V_MARK ? fail(m, LG_ECORRUPT, "a mark inside a tuple")
                                         : add_item(m, t, NULL, m->stack[i]);
    if (rc < 0)
        return rc;
    m->depth = below;
    return push(m, t);
}

static int op_tuple_n(struct machine *m, size_t n)
{
    if (m->depth < n)
        return fail(m, LG_ECORRUPT, "the stack is empty");
    return make_tuple(m, m->depth - n, m->depth - n);
}

/* APPENDS and SETITEMS: everything above the mark goes into the container below it. */
static int op_fill(struct machine *m, enum kind kind)
{
    struct value *to;
    size_t mark, step = kind == V_DICT ? 2 : 1;
    int rc = find_mark(m, &mark);

    if (rc < 0)
        return rc;
    if (mark == 0 || m->stack[mark - 1]->kind != kind || (m->depth - mark - 1) % step != 0)
        return fail(m, LG_ECORRUPT, "items for something that is no such container");
    to = m->stack[mark - 1];
    for (size_t i = mark + 1; rc == 0 && i < m->depth; i += step)
        rc = kind == V_DICT ? add_item(m, to, m->stack[i], m->stack[i + 1])
                            : add_item(m, to, NULL, m->stack[i]);
    m->depth = mark;
    return rc;
}

static int op_append(struct machine *m)
{
    struct value *v, *to;
    int rc = pop(m, &v);

    if (rc == 0)
        rc = top(m, &to);
    if (rc < 0)
        return rc;
    if (to->kind != V_LIST)
        return fail(m, LG_EREFUSED, "APPEND to something that is no list: refused");
    return add_item(m, to, NULL, v);
}

static int op_setitem(struct machine *m)
{
    struct value *v, *key, *to;
    int rc = pop(m, &v);

    if (rc == 0)
        rc = pop(m, &key);
    if (rc == 0)
        rc = top(m, &to);
    if (rc < 0)
        return rc;
    if (to->kind != V_DICT)
        return fail(m, LG_EREFUSED, "SETITEM on something that is no dict: refused");
    return add_item(m, to, key, v);
}

/* torch.save leaves the module versions of a state dict as attributes of its OrderedDict; they
 * are dropped. Any other object with a state would run code of its class. */
static int op_build(struct machine *m)
{
    struct value *state, *of;
    int rc = pop(m, &state);

    if (rc == 0)
        rc = top(m, &of);
    if (rc < 0)
        return rc;
    if (of->kind != V_DICT || !of->ordered || state->kind != V_DICT)
        return fail(m, LG_EREFUSED, "BUILD of an object that is no OrderedDict: refused");
    return 0;
}

static int read_line(struct machine *m, struct lg_str *ret)
{
    const uint8_t *end = memchr(m->p + m->at, '\n', m->n - m->at);

    if (end == NULL)
        return fail(m, LG_ETRUNC, "the pickle ends inside a name");
    *ret = lg_str_of((const char *)m->p + m->at, (size_t)(end - (m->p + m->at)));
    m->at += ret->n + 1;
    return 0;
}

/* Names go into messages: keep them short and printable. */
static const char *shown(struct lg_str s, char out[64])
{
    size_t n = s.n < 63 ? s.n : 63;

    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';
    out[n] = '\0';
    return out;
}

static int op_global(struct machine *m)
{
    struct lg_str module, name;
    struct value *v;
    char a[64], b[64];
    int rc = read_line(m, &module);

    if (rc == 0)
        rc = read_line(m, &name);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        if (lg_str_eq(module, lg_str_z(globals[i].module)) &&
                lg_str_eq(name, lg_str_z(globals[i].name))) {
            rc = push_new(m, V_GLOBAL, &v);
            if (rc == 0)
                v->i = (int64_t)i;
            return rc;
        }
    }
    return lg_err_set(m->err, LG_EREFUSED,
            "data.pkl byte %zu: refused: the file names %s.%s, which plain pickle would "
            "import and may run; only tensors and plain containers are read",
            m->op, shown(module, a), shown(name, b));
}

/* ('storage', storage class, key, location, elements) */
static int op_persistent(struct machine *m)
{
    struct lg_pt_storage *st;
    struct value *id, *v[5], *out;
    struct item *it;
    int rc = pop(m, &id);

    if (rc < 0)
        return rc;
    if (id->kind != V_TUPLE || id->items.n != 5)
        return fail(m, LG_EREFUSED, "a persistent id that is no storage: refused");
    it = id->items.first;
    for (int i = 0; i < 5; i++, it = it->next)
        v[i] = it->v;
    if (v[0]->kind != V_STR || !lg_str_eq(v[0]->s, LG_STR("storage")) || v[1]->kind != V_GLOBAL ||
            globals[v[1]->i].global != G_STORAGE || v[2]->kind != V_STR || v[4]->kind != V_INT ||
            v[4]->i < 0)
        return fail(m, LG_EREFUSED, "a persistent id that is no storage: refused");
    for (st = m->storages; st != NULL; st = st->next)
        if (lg_str_eq(st->key, v[2]->s))
            break;
    if (st == NULL) {
        st = lg_arena_zalloc(m->arena, sizeof(*st));
        if (st == NULL)
            return no_memory(m);
        *st = (struct lg_pt_storage){.key = v[2]->s,
                .dtype = globals[v[1]->i].dtype,
                .n = (uint64_t)v[4]->i,
                .next = m->storages};
        m->storages = st;
    } else if (st->dtype != globals[v[1]->i].dtype || st->n != (uint64_t)v[4]->i) {
        return fail(m, LG_ECORRUPT, "one storage with two types or sizes");
    }
    rc = push_new(m, V_STORAGE, &out);
    if (rc == 0)
        out->storage = st;
    return rc;
}

/* A tuple of at most LG_TENSOR_MAX_DIMS sizes. */
static int read_sizes(struct machine *m, const struct value *v, uint64_t *out, uint32_t *ret_n)
{
    uint32_t n = 0;

    if (v->kind != V_TUPLE || v->items.n > LG_TENSOR_MAX_DIMS)
        return fail(m, LG_ECORRUPT, "a tensor's shape or strides are no short tuple");
    for (const struct item *it = v->items.first; it != NULL; it = it->next) {
        if (it->v->kind != V_INT || it->v->i < 0)
            return fail(m, LG_ECORRUPT, "a tensor's shape or stride is no size");
        out[n++] = (uint64_t)it->v->i;
    }
    *ret_n = n;
    return 0;
}

/* The view must lie inside its storage and not be larger than it (no expanded dimensions). */
static int check_view(struct machine *m, const struct lg_pt_view *view)
{
    uint64_t last = view->offset, count, step;

    if (lg_shape_count(view->ndim, view->shape, view->storage->dtype, &count) < 0)
        return fail(m, LG_ELIMIT, "a tensor is too large");
    if (count == 0)
        return 0;
    for (uint32_t i = 0; i < view->ndim; i++)
        if (__builtin_mul_overflow(view->shape[i] - 1, view->stride[i], &step) ||
                __builtin_add_overflow(last, step, &last))
            return fail(m, LG_ECORRUPT, "a tensor's strides overflow");
    if (last >= view->storage->n || count > view->storage->n)
        return fail(m, LG_ECORRUPT, "a tensor reaches past its storage");
    return 0;
}

/* (storage, offset, shape, stride, requires_grad, backward_hooks[, metadata]) */
static int rebuild_tensor(struct machine *m, const struct value *args)
{
    struct lg_pt_view *view = lg_arena_zalloc(m->arena, sizeof(*view));
    struct value *v[7] = {0}, *out;
    uint32_t n = 0, strides;
    int rc;

    if (view == NULL)
        return no_memory(m);
    for (const struct item *it = args->items.first; it != NULL && n < 7; it = it->next)
        v[n++] = it->v;
    if (n < 6 || args->items.n > 7 || v[0]->kind != V_STORAGE || v[1]->kind != V_INT ||
            v[1]->i < 0 || v[4]->kind != V_BOOL || v[5]->kind != V_DICT || v[5]->items.n > 0 ||
            (n == 7 && v[6]->kind != V_NONE))
        return fail(m, LG_ECORRUPT, "the arguments of _rebuild_tensor_v2 are not a tensor's");
    view->storage = v[0]->storage;
    view->offset = (uint64_t)v[1]->i;
    rc = read_sizes(m, v[2], view->shape, &view->ndim);
    if (rc == 0)
        rc = read_sizes(m, v[3], view->stride, &strides);
    if (rc < 0)
        return rc;
    if (strides != view->ndim)
        return fail(m, LG_ECORRUPT, "a tensor has other numbers of sizes and strides");
    rc = check_view(m, view);
    if (rc == 0)
        rc = push_new(m, V_TENSOR, &out);
    if (rc == 0)
        out->view = view;
    return rc;
}

static int op_reduce(struct machine *m)
{
    struct value *args, *fn, *out;
    int rc = pop(m, &args);

    if (rc == 0)
        rc = pop(m, &fn);
    if (rc < 0)
        return rc;
    if (fn->kind != V_GLOBAL || args->kind != V_TUPLE)
        return fail(m, LG_EREFUSED, "REDUCE of something that is no known function: refused");
    switch (globals[fn->i].global) {
    case G_REBUILD_TENSOR:
        return rebuild_tensor(m, args);
    case G_REBUILD_PARAMETER: /* (tensor, requires_grad, hooks): the tensor itself */
        if (args->items.n != 3 || args->items.first->v->kind != V_TENSOR)
            return fail(m, LG_ECORRUPT, "the arguments of _rebuild_parameter are not a tensor's");
        return push(m, args->items.first->v);
    case G_SIZE:
        if (args->items.n != 1 || args->items.first->v->kind != V_TUPLE)
            return fail(m, LG_ECORRUPT, "torch.Size of something that is no tuple");
        return push(m, args->items.first->v);
    case G_ODICT:
        if (args->items.n != 0)
            return fail(m, LG_ECORRUPT, "OrderedDict with arguments");
        rc = push_new(m, V_DICT, &out);
        if (rc == 0)
            out->ordered = true;
        return rc;
    default:
        return fail(m, LG_EREFUSED, "REDUCE of a storage class: refused");
    }
}

static int op_int(struct machine *m, size_t bytes)
{
    const uint8_t *p = NULL;
    struct value *v;
    int64_t x = 0;
    int rc = need(m, bytes, &p);

    if (rc == 0)
        rc = push_new(m, V_INT, &v);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < bytes; i++)
        x |= (int64_t)p[i] << (8 * i);
    v->i = bytes == 4 ? (int64_t)(int32_t)x : x; /* BININT is signed, BININT1 and 2 are not */
    return 0;
}

static int op_long(struct machine *m)
{
    const uint8_t *n = NULL, *p = NULL;
    struct value *v;
    uint64_t x = 0;
    int rc = need(m, 1, &n);

    if (rc == 0 && *n > 8)
        return fail(m, LG_ERANGE, "an integer of more than 8 bytes");
    if (rc == 0)
        rc = need(m, *n, &p);
    if (rc == 0)
        rc = push_new(m, V_INT, &v);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < *n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    if (*n > 0 && *n < 8 && (p[*n - 1] & 0x80) != 0)
        x |= ~UINT64_C(0) << (8 * *n);
    v->i = (int64_t)x;
    return 0;
}

static int op_float(struct machine *m)
{
    const uint8_t *p = NULL;
    struct value *v;
    uint64_t x = 0;
    int rc = need(m, 8, &p);

    if (rc == 0)
        rc = push_new(m, V_FLOAT, &v);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < 8; i++)
        x = x << 8 | p[i];
    memcpy(&v->d, &x, 8);
    return 0;
}

static int op_string(struct machine *m)
{
    const uint8_t *p = NULL;
    struct value *v;
    uint32_t n;
    int rc = need(m, 4, &p);

    if (rc < 0)
        return rc;
    memcpy(&n, p, 4);
    rc = need(m, n, &p);
    if (rc == 0)
        rc = push_new(m, V_STR, &v);
    if (rc == 0)
        v->s = lg_str_of((const char *)p, n);
    return rc;
}

static int op_memo(struct machine *m, size_t bytes, bool put)
{
    const uint8_t *p = NULL;
    struct value *v;
    uint32_t i = 0;
    int rc = need(m, bytes, &p);

    if (rc < 0)
        return rc;
    memcpy(&i, p, bytes);
    if (put) {
        rc = top(m, &v);
        if (rc < 0)
            return rc;
        if (i >= m->memo_n)
            return fail(m, LG_ELIMIT, "a memo number is too large");
        m->memo[i] = v;
        return 0;
    }
    if (i >= m->memo_n || m->memo[i] == NULL)
        return fail(m, LG_ECORRUPT, "a memo number was never set");
    return push(m, m->memo[i]);
}

static int op_bool(struct machine *m, bool x)
{
    struct value *v;
    int rc = push_new(m, V_BOOL, &v);

    if (rc == 0)
        v->i = x;
    return rc;
}

static int op_refused(struct machine *m, uint8_t op)
{
    static const struct {
        uint8_t op;
        const char *name;
    } names[] = {
            {'i', "INST"},
            {'o', "OBJ"},
            {0x81, "NEWOBJ"},
            {0x92, "NEWOBJ_EX"},
            {0x93, "STACK_GLOBAL"},
            {0x82, "EXT1"},
            {0x83, "EXT2"},
            {0x84, "EXT4"},
            {'P', "PERSID"},
            {0x95, "FRAME"},
            {0x94, "MEMOIZE"},
            {0x8c, "SHORT_BINUNICODE"},
            {'I', "INT"},
            {'S', "STRING"},
            {'p', "PUT"},
            {'g', "GET"},
            {'0', "POP"},
            {'1', "POP_MARK"},
            {'2', "DUP"},
            {'d', "DICT"},
            {'l', "LIST"},
    };
    const char *name = "";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].op == op)
            name = names[i].name;
    return lg_err_set(m->err, LG_EREFUSED,
            "data.pkl byte %zu: refused: opcode 0x%02x %s is not needed by tensors and "
            "plain containers",
            m->op, op, name);
}

static int run_op(struct machine *m, uint8_t op)
{
    size_t mark;
    int rc;

    switch (op) {
    case '(':
        return push_new(m, V_MARK, NULL);
    case '}':
        return push_new(m, V_DICT, NULL);
    case ']':
        return push_new(m, V_LIST, NULL);
    case ')':
        return push_new(m, V_TUPLE, NULL);
    case 'N':
        return push_new(m, V_NONE, NULL);
    case 0x88:
    case 0x89:
        return op_bool(m, op == 0x88);
    case 'K':
        return op_int(m, 1);
    case 'M':
        return op_int(m, 2);
    case 'J':
        return op_int(m, 4);
    case 0x8a:
        return op_long(m);
    case 'G':
        return op_float(m);
    case 'X':
        return op_string(m);
    case 'q':
    case 'r':
        return op_memo(m, op == 'q' ? 1 : 4, true);
    case 'h':
    case 'j':
        return op_memo(m, op == 'h' ? 1 : 4, false);
    case 't':
        rc = find_mark(m, &mark);
        return rc < 0 ? rc : make_tuple(m, mark + 1, mark);
    case 0x85:
    case 0x86:
    case 0x87:
        return op_tuple_n(m, op - 0x84u);
    case 'e':
        return op_fill(m, V_LIST);
    case 'u':
        return op_fill(m, V_DICT);
    case 'a':
        return op_append(m);
    case 's':
        return op_setitem(m);
    case 'b':
        return op_build(m);
    case 'c':
        return op_global(m);
    case 'Q':
        return op_persistent(m);
    case 'R':
        return op_reduce(m);
    default:
        return op_refused(m, op);
    }
}

/* --- flattening ------------------------------------------------------------------------------- */

struct walk {
    struct machine *m;
    int (*found)(void *arg, struct lg_str name, const struct lg_pt_view *view);
    void *arg;
    size_t visits;
    char name[LG_TENSOR_MAX_NAME + 1];
};

static int walk_value(struct walk *w, const struct value *v, size_t len, int depth);

/* Appends "." and a key or index to the path. */
static int walk_child(struct walk *w, const struct item *it, size_t i, size_t len, int depth)
{
    char digits[24];
    struct lg_str part;

    if (it->key != NULL && it->key->kind == V_STR) {
        part = it->key->s;
    } else {
        int64_t x = it->key != NULL ? it->key->i : (int64_t)i;
        size_t at = sizeof(digits);

        if ((it->key != NULL && it->key->kind != V_INT) || x < 0)
            return fail(w->m, LG_EUNSUP, "a dict key is neither a string nor a number");
        do {
            digits[--at] = (char)('0' + x % 10);
            x /= 10;
        } while (x > 0);
        part = lg_str_of(digits + at, sizeof(digits) - at);
    }
    if (part.n > LG_TENSOR_MAX_NAME || len + 1 + part.n > LG_TENSOR_MAX_NAME)
        return fail(w->m, LG_ELIMIT, "the name of a tensor is too long");
    if (len > 0)
        w->name[len++] = '.';
    if (part.n > 0)
        memcpy(w->name + len, part.p, part.n);
    return walk_value(w, it->v, len + part.n, depth + 1);
}

static int walk_value(struct walk *w, const struct value *v, size_t len, int depth)
{
    size_t i = 0;
    int rc = 0;

    if (depth > MAX_DEPTH || ++w->visits > MAX_VISITS)
        return fail(w->m, LG_ELIMIT, "containers are nested too deeply or shared too often");
    if (v->kind == V_TENSOR)
        return w->found(w->arg, lg_str_of(w->name, len), v->view);
    if (v->kind != V_DICT && v->kind != V_LIST && v->kind != V_TUPLE)
        return 0; /* numbers, strings, None: not weights */
    for (const struct item *it = v->items.first; rc == 0 && it != NULL; it = it->next)
        rc = walk_child(w, it, i++, len, depth);
    return rc;
}

int lg_pickle_read(const void *p, size_t n, struct lg_arena *arena,
        int (*found)(void *arg, struct lg_str name, const struct lg_pt_view *view), void *arg,
        struct lg_pt_storage **ret_storages, struct lg_err *reterr)
{
    struct machine m = {.p = p, .n = n, .arena = arena, .err = reterr};
    struct walk w = {.m = &m, .found = found, .arg = arg};
    int rc = 0;

    if (n < 2 || m.p[0] != 0x80 || m.p[1] != 2)
        return fail(&m, LG_EUNSUP, "not a pickle of protocol 2");
    m.at = 2;
    /* A put or push takes at least two bytes or one. */
    m.memo_n = n < MAX_MEMO ? n : MAX_MEMO;
    m.stack = lg_arena_alloc(arena, (n < MAX_STACK ? n : MAX_STACK) * sizeof(*m.stack));
    m.memo = lg_arena_zalloc(arena, m.memo_n * sizeof(*m.memo));
    if (m.stack == NULL || m.memo == NULL)
        return no_memory(&m);
    for (;;) {
        m.op = m.at;
        if (m.at >= n)
            return fail(&m, LG_ETRUNC, "the pickle does not end");
        m.at++;
        if (m.p[m.op] == '.')
            break;
        rc = run_op(&m, m.p[m.op]);
        if (rc < 0)
            return rc;
    }
    if (m.depth != 1 || m.stack[0]->kind != V_DICT)
        return fail(&m, LG_EUNSUP, "the file does not hold a dict at its top");
    if (m.at != n)
        return fail(&m, LG_ECORRUPT, "something follows the end of the pickle");
    *ret_storages = m.storages;
    return walk_value(&w, m.stack[0], 0, 0);
}

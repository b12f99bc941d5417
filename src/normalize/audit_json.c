#include "normalize/audit_json.h"

#include <stdio.h>
#include <string.h>

static struct lg_str arena_text(struct lg_audit_event *ae, const char *text, int n)
{
    struct lg_str s = LG_STR("");

    if (lg_arena_dup(ae->call->arena, lg_str_of(text, (size_t)n), &s) < 0)
        ae->call->oom = true;
    return s;
}

struct lg_str lg_audit_json_text(struct lg_audit_event *ae, struct lg_jval v)
{
    char text[32];

    switch (lg_jval_type(v)) {
    case LG_JSON_STRING:
        return lg_jval_str(v);
    case LG_JSON_I64:
        return arena_text(
                ae, text, snprintf(text, sizeof(text), "%lld", (long long)lg_jval_i64(v)));
    case LG_JSON_U64:
        return arena_text(
                ae, text, snprintf(text, sizeof(text), "%llu", (unsigned long long)lg_jval_u64(v)));
    case LG_JSON_BOOL:
        return lg_jval_bool(v) ? LG_STR("yes") : LG_STR("no");
    default:
        return LG_STR("");
    }
}

void lg_audit_json_key(struct lg_audit_event *ae, bool own, struct lg_str key, struct lg_jval v)
{
    struct lg_audit_kv kv = {.key = key, .val = lg_audit_json_text(ae, v)};

    if (kv.val.n == 0 || lg_audit_kv_absent(&kv))
        return;
    kv.quote = '"'; /* JSON shippers have decoded it */
    lg_audit_event_key(ae, own, &kv);
}

void lg_audit_json_keys(struct lg_audit_event *ae, bool own, struct lg_jval obj)
{
    struct lg_jiter it;
    struct lg_str key;
    struct lg_jval v;

    if (lg_jval_type(obj) != LG_JSON_OBJECT)
        return;
    it = lg_jiter_of(obj);
    while (lg_jiter_member(&it, &key, &v))
        lg_audit_json_key(ae, own, key, v);
}

void lg_audit_json_args(struct lg_audit_event *ae, struct lg_jval arr)
{
    struct lg_str *args;
    struct lg_jiter it;
    struct lg_jval v;
    size_t n = 0;

    if (lg_jval_type(arr) != LG_JSON_ARRAY)
        return;
    it = lg_jiter_of(arr);
    while (n < LG_MAX_AUDIT_ARGS && lg_jiter_item(&it, &v))
        n++;
    if (lg_jiter_item(&it, &v))
        ae->args_missing = true;
    args = lg_arena_alloc(ae->call->arena, (n + 1) * sizeof(*args));
    if (args == NULL) {
        ae->call->oom = true;
        return;
    }
    it = lg_jiter_of(arr);
    for (size_t i = 0; i < n && lg_jiter_item(&it, &v); i++)
        args[i] = lg_audit_json_text(ae, v);
    lg_event_set_u64(ae->call->ev, LG_F_ARGC, n);
    lg_audit_set_args(ae, args, n);
}

static void add_path(struct lg_audit_event *ae, struct lg_jval obj)
{
    struct lg_str type = lg_jval_get_str(obj, LG_STR("nametype"));
    struct lg_jval v;
    uint64_t item = ae->path_records;

    if (type.n == 0)
        type = lg_jval_get_str(obj, LG_STR("objtype"));
    if (lg_jval_get(obj, LG_STR("item"), &v))
        (void)lg_norm_read_u64(v, &item);
    lg_audit_add_path(ae, item > UINT32_MAX ? UINT32_MAX : (uint32_t)item,
            lg_jval_get_str(obj, LG_STR("name")), type);
}

void lg_audit_json_paths(struct lg_audit_event *ae, struct lg_jval arr)
{
    struct lg_jiter it;
    struct lg_jval v;

    if (lg_jval_type(arr) == LG_JSON_OBJECT)
        add_path(ae, arr);
    if (lg_jval_type(arr) != LG_JSON_ARRAY)
        return;
    it = lg_jiter_of(arr);
    while (lg_jiter_item(&it, &v))
        if (lg_jval_type(v) == LG_JSON_OBJECT)
            add_path(ae, v);
}

struct lg_str lg_audit_percent_decode(struct lg_audit_event *ae, struct lg_str s)
{
    size_t n = 0;
    char *out;

    if (s.n == 0 || memchr(s.p, '%', s.n) == NULL)
        return s;
    out = lg_arena_alloc(ae->call->arena, s.n);
    if (out == NULL) {
        ae->call->oom = true;
        return LG_STR("");
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n &&
                lg_audit_hex_decode(lg_str_of(s.p + i + 1, 2), out + n)) {
            n++;
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return lg_str_of(out, n);
}

#include "normalize/windows.h"

#define X(n) {#n, LG_WK_##n, 0},
#define Y(n, key) {key, LG_WK_##n, 0},
static const struct lg_keyrow key_rows[] = {
#include "normalize/windows_keys.def"
};
#undef X
#undef Y
static struct lg_keymap key_map = LG_KEYMAP(key_rows);

#define X(n) #n,
#define Y(n, key)
static const char *const key_names[] = {
#include "normalize/windows_keys.def"
};
#undef X
#undef Y

int lg_win_key_of(struct lg_str name)
{
    const struct lg_keyrow *row = lg_keymap_find(&key_map, name);

    return row != NULL ? row->field : -1;
}

const char *lg_win_key_name(enum lg_win_key k)
{
    return key_names[k];
}

void lg_win_put_object(struct lg_win_record *rec, struct lg_jval obj)
{
    struct lg_jiter it;
    struct lg_str key;
    struct lg_jval val;

    if (lg_jval_type(obj) != LG_JSON_OBJECT)
        return;
    it = lg_jiter_of(obj);
    while (lg_jiter_member(&it, &key, &val)) {
        const struct lg_keyrow *row = lg_keymap_find(&key_map, key);

        if (row != NULL)
            lg_win_put_json(rec, row->field, val);
    }
}

struct lg_str lg_win_text(const struct lg_win_record *rec, enum lg_win_key k)
{
    if (!lg_win_has(rec, k))
        return lg_str_of("", 0);
    return rec->v[k].json.at == NULL ? rec->v[k].text : lg_win_str(rec->v[k].json);
}

struct lg_str lg_win_decimal(uint64_t u, char out[24])
{
    size_t at = 24;

    do {
        out[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    return lg_str_of(out + at, 24 - at);
}

void lg_win_set_record_id(struct lg_win_record *rec, struct lg_jval val)
{
    uint64_t id;

    if (lg_norm_read_u64(val, &id))
        rec->record_id = lg_win_decimal(id, rec->number);
}

void lg_win_set_code(struct lg_win_record *rec, struct lg_jval val)
{
    rec->has_code = lg_norm_read_u64(val, &rec->code);
}

void lg_win_set_time(struct lg_win_record *rec, struct lg_jval val)
{
    /* Numbers are no header times of any of these formats. */
    rec->has_time = lg_parse_time_iso(lg_win_str(val), &rec->header_time) == 0;
}

void lg_win_set_user(struct lg_win_record *rec, struct lg_jval user)
{
    if (lg_jval_type(user) != LG_JSON_OBJECT)
        return;
    rec->user_name = lg_jval_get_str(user, LG_STR("name"));
    rec->user_domain = lg_jval_get_str(user, LG_STR("domain"));
    rec->user_sid = lg_jval_get_str(user, LG_STR("identifier"));
}

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config_int.h"

/* Short names for the table only. */
#define LIVE LG_CONFIG_LIVE
#define START LG_CONFIG_START
#define SECRET LG_CONFIG_SECRET
#define MEMBER_SIZE(member) sizeof(((struct lg_config *)NULL)->member)
#define LG_OPT(t, member, k, def, lo, hi, f, vals, doc)                                            \
    {.key = (k),                                                                                   \
            .type = LG_CONFIG_##t,                                                                 \
            .flags = (f),                                                                          \
            .offset = offsetof(struct lg_config, member),                                          \
            .size = MEMBER_SIZE(member),                                                           \
            .fallback = (def),                                                                     \
            .min = (lo),                                                                           \
            .max = (hi),                                                                           \
            .values = (vals),                                                                      \
            .text = (doc)},

const struct lg_config_opt lg_config_opts[] = {
#include "config/options.def"
};
#undef LG_OPT

const size_t lg_config_opts_n = sizeof(lg_config_opts) / sizeof(*lg_config_opts);
_Static_assert(sizeof(lg_config_opts) / sizeof(*lg_config_opts) <= LG_CONFIG_MAX_OPTIONS,
        "raise LG_CONFIG_MAX_OPTIONS");

/* Each member must have the C type that its option type writes. */
#define SIZE_BOOL sizeof(bool)
#define SIZE_U16 sizeof(uint16_t)
#define SIZE_U32 sizeof(uint32_t)
#define SIZE_SIZE sizeof(uint64_t)
#define SIZE_DURATION sizeof(int64_t)
#define SIZE_DOUBLE sizeof(double)
#define SIZE_ENUM sizeof(unsigned)
#define SIZE_LIST sizeof(struct lg_config_list)
#define SIZE_TEXT 0
#define SIZE_PATH 0
#define LG_OPT(t, member, k, def, lo, hi, f, vals, doc)                                            \
    _Static_assert(SIZE_##t == 0 || SIZE_##t == MEMBER_SIZE(member), "type of " k);
#include "config/options.def"
#undef LG_OPT

static void *member_of(struct lg_config *cfg, const struct lg_config_opt *o)
{
    return (char *)cfg + o->offset;
}

static const void *member_of_const(const struct lg_config *cfg, const struct lg_config_opt *o)
{
    return (const char *)cfg + o->offset;
}

size_t lg_config_option_count(void)
{
    return lg_config_opts_n;
}

static const char *type_name(const struct lg_config_opt *o)
{
    static const char *const names[] = {[LG_CONFIG_BOOL] = "boolean",
            [LG_CONFIG_U16] = "integer",
            [LG_CONFIG_U32] = "integer",
            [LG_CONFIG_SIZE] = "size",
            [LG_CONFIG_DURATION] = "duration",
            [LG_CONFIG_DOUBLE] = "number",
            [LG_CONFIG_ENUM] = "one of",
            [LG_CONFIG_TEXT] = "text",
            [LG_CONFIG_PATH] = "path",
            [LG_CONFIG_LIST] = "list"};

    return o->type == LG_CONFIG_PATH && o->values != NULL ? "text" : names[o->type];
}

void lg_config_option(size_t i, struct lg_config_option_info *ret)
{
    const struct lg_config_opt *o = &lg_config_opts[i];

    LG_ASSERT(i < lg_config_opts_n);
    *ret = (struct lg_config_option_info){.key = o->key,
            .type = type_name(o),
            .fallback = o->fallback,
            .text = o->text,
            .reloadable = (o->flags & LG_CONFIG_LIVE) != 0,
            .secret = (o->flags & LG_CONFIG_SECRET) != 0};
}

int lg_config_option_find(struct lg_str key)
{
    for (size_t i = 0; i < lg_config_opts_n; i++)
        if (lg_str_eq(key, lg_str_z(lg_config_opts[i].key)))
            return (int)i;
    return -1;
}

void lg_config_env_name(const char *key, char out[LG_CONFIG_ENV_BYTES])
{
    static const char prefix[] = "LOGSTER_";
    size_t n = sizeof(prefix) - 1;

    memcpy(out, prefix, n);
    for (; *key != '\0' && n + 1 < LG_CONFIG_ENV_BYTES; key++)
        out[n++] = *key == '.' ? '_' : *key >= 'a' && *key <= 'z' ? (char)(*key - 'a' + 'A') : *key;
    out[n] = '\0';
}

static int bad(struct lg_buf *why, struct lg_str text, const char *right)
{
    if (text.n == 0)
        lg_buf_printf(why, "has no value; right is %s", right);
    else
        lg_buf_printf(why, "'%.*s' is not %s", (int)(text.n > 64 ? 64 : text.n), text.p, right);
    return LG_EINVAL;
}

static int out_of_bounds(const struct lg_config_opt *o, struct lg_str text, struct lg_buf *why)
{
    lg_buf_printf(
            why, "'%.*s' is out of range; right is ", (int)(text.n > 64 ? 64 : text.n), text.p);
    if (o->min != NULL && o->max != NULL)
        lg_buf_printf(why, "%s to %s", o->min, o->max);
    else
        lg_buf_printf(why, "%s %s", o->min != NULL ? "at least" : "at most",
                o->min != NULL ? o->min : o->max);
    return LG_EINVAL;
}

static int set_bool(bool *ret, struct lg_str text, struct lg_buf *why)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        if (lg_str_ieq(text, lg_str_z(yes[i])))
            return *ret = true, 0;
        if (lg_str_ieq(text, lg_str_z(no[i])))
            return *ret = false, 0;
    }
    return bad(why, text, "true or false");
}

static void must(int rc)
{
    LG_ASSERT(rc == 0); /* a bound of the table that its own type cannot read */
}

static int set_integer(struct lg_config *cfg, const struct lg_config_opt *o, struct lg_str text,
        struct lg_buf *why)
{
    uint64_t v, lo = 0, hi = o->type == LG_CONFIG_U16 ? UINT16_MAX : UINT32_MAX;
    const int rc = lg_parse_u64(text, &v);

    if (rc < 0 && rc != LG_ERANGE)
        return bad(why, text, "a whole number");
    if (o->min != NULL)
        must(lg_parse_u64(lg_str_z(o->min), &lo));
    if (o->max != NULL)
        must(lg_parse_u64(lg_str_z(o->max), &hi));
    if (rc < 0 || v < lo || v > hi)
        return out_of_bounds(o, text, why);
    if (o->type == LG_CONFIG_U16)
        *(uint16_t *)member_of(cfg, o) = (uint16_t)v;
    else
        *(uint32_t *)member_of(cfg, o) = (uint32_t)v;
    return 0;
}

static int set_size(struct lg_config *cfg, const struct lg_config_opt *o, struct lg_str text,
        struct lg_buf *why)
{
    uint64_t v, lo = 0, hi = UINT64_MAX;
    const int rc = lg_config_parse_size(text, &v);

    if (rc < 0 && rc != LG_ERANGE)
        return bad(why, text, "a size such as 512MiB, 8GiB or a number of bytes");
    if (o->min != NULL)
        must(lg_config_parse_size(lg_str_z(o->min), &lo));
    if (o->max != NULL)
        must(lg_config_parse_size(lg_str_z(o->max), &hi));
    if (rc < 0 || v < lo || v > hi)
        return out_of_bounds(o, text, why);
    *(uint64_t *)member_of(cfg, o) = v;
    return 0;
}

static int set_duration(struct lg_config *cfg, const struct lg_config_opt *o, struct lg_str text,
        struct lg_buf *why)
{
    int64_t v, lo = 0, hi = INT64_MAX;
    const int rc = lg_config_parse_duration(text, &v);

    if (rc < 0 && rc != LG_ERANGE)
        return bad(why, text, "a duration such as 500ms, 90s, 3m, 1h30m or 7d");
    if (o->min != NULL)
        must(lg_config_parse_duration(lg_str_z(o->min), &lo));
    if (o->max != NULL)
        must(lg_config_parse_duration(lg_str_z(o->max), &hi));
    if (rc < 0 || v < lo || v > hi)
        return out_of_bounds(o, text, why);
    *(int64_t *)member_of(cfg, o) = v;
    return 0;
}

static int set_double(struct lg_config *cfg, const struct lg_config_opt *o, struct lg_str text,
        struct lg_buf *why)
{
    double v, lo = 0, hi = 0;

    if (text.n == 0 && o->fallback[0] == '\0') {
        *(double *)member_of(cfg, o) = -1;
        return 0;
    }
    if (lg_parse_double(text, &v) < 0)
        return bad(why, text, "a number");
    must(lg_parse_double(lg_str_z(o->min), &lo));
    must(lg_parse_double(lg_str_z(o->max), &hi));
    if (v < lo || v > hi)
        return out_of_bounds(o, text, why);
    *(double *)member_of(cfg, o) = v;
    return 0;
}

static int set_enum(struct lg_config *cfg, const struct lg_config_opt *o, struct lg_str text,
        struct lg_buf *why)
{
    struct lg_str rest = lg_str_z(o->values), name;

    for (unsigned i = 0; lg_str_split(&rest, '|', &name); i++) {
        if (!lg_str_eq(text, name))
            continue;
        memcpy(member_of(cfg, o), &i, sizeof(i)); /* whatever enum it is */
        return 0;
    }
    lg_buf_printf(why, "'%.*s' is not one of ", (int)(text.n > 64 ? 64 : text.n), text.p);
    rest = lg_str_z(o->values);
    for (bool first = true; lg_str_split(&rest, '|', &name); first = false)
        lg_buf_printf(why, "%s%.*s", first ? "" : ", ", LG_STR_FMT(name));
    return LG_EINVAL;
}

/* Shared by texts, paths and items of lists: `cap` holds the NUL too. */
static int copy_text(
        char *to, size_t cap, const struct lg_config_opt *o, struct lg_str text, struct lg_buf *why)
{
    const char *right = "";

    if (text.n >= cap) {
        lg_buf_printf(why, "is longer than %zu bytes", cap - 1);
        return LG_EINVAL;
    }
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
            lg_buf_adds(why, LG_STR("holds a control character"));
            return LG_EINVAL;
        }
    if (text.n > 0 && !lg_config_text_ok(o->values, text, &right))
        return bad(why, text, right);
    if (text.n > 0)
        memcpy(to, text.p, text.n);
    memset(to + text.n, 0, cap - text.n);
    return 0;
}

void lg_config_list_clear(struct lg_config *cfg, size_t i)
{
    LG_ASSERT(lg_config_opts[i].type == LG_CONFIG_LIST);
    memset(member_of(cfg, &lg_config_opts[i]), 0, sizeof(struct lg_config_list));
}

int lg_config_list_add(struct lg_config *cfg, size_t i, struct lg_str item, struct lg_buf *why)
{
    struct lg_config_list *list = (struct lg_config_list *)member_of(cfg, &lg_config_opts[i]);
    int rc;

    if (list->n == LG_CONFIG_LIST_ITEMS) {
        lg_buf_printf(why, "has more than %d items", LG_CONFIG_LIST_ITEMS);
        return LG_EINVAL;
    }
    if (item.n == 0) {
        lg_buf_adds(why, LG_STR("has an empty item"));
        return LG_EINVAL;
    }
    rc = copy_text(list->v[list->n], LG_CONFIG_TEXT_BYTES, &lg_config_opts[i], item, why);
    if (rc == 0)
        list->n++;
    return rc;
}

static int set_list(struct lg_config *cfg, size_t i, struct lg_str text, struct lg_buf *why)
{
    struct lg_str rest = text, item;
    int rc = 0;

    lg_config_list_clear(cfg, i);
    while (rc == 0 && lg_str_split(&rest, ',', &item))
        rc = lg_config_list_add(cfg, i, lg_str_trim(item), why);
    return rc;
}

int lg_config_set(struct lg_config *cfg, size_t i, struct lg_str text, struct lg_buf *why)
{
    const struct lg_config_opt *o = &lg_config_opts[i];

    switch (o->type) {
    case LG_CONFIG_BOOL:
        return set_bool((bool *)member_of(cfg, o), text, why);
    case LG_CONFIG_U16:
    case LG_CONFIG_U32:
        return set_integer(cfg, o, text, why);
    case LG_CONFIG_SIZE:
        return set_size(cfg, o, text, why);
    case LG_CONFIG_DURATION:
        return set_duration(cfg, o, text, why);
    case LG_CONFIG_DOUBLE:
        return set_double(cfg, o, text, why);
    case LG_CONFIG_ENUM:
        return set_enum(cfg, o, text, why);
    case LG_CONFIG_TEXT:
    case LG_CONFIG_PATH:
        return copy_text((char *)member_of(cfg, o), o->size, o, text, why);
    case LG_CONFIG_LIST:
        return set_list(cfg, i, text, why);
    }
    return LG_EINVAL;
}

static void enum_text(const struct lg_config_opt *o, unsigned v, struct lg_buf *out)
{
    struct lg_str rest = lg_str_z(o->values), name = {0};

    for (unsigned i = 0; lg_str_split(&rest, '|', &name); i++)
        if (i == v)
            lg_buf_adds(out, name);
}

static void double_text(double v, struct lg_buf *out)
{
    char text[40];
    double back;

    if (v < 0)
        return;
    if (v < 1e15 && !(v < (double)(uint64_t)v) && !(v > (double)(uint64_t)v)) {
        lg_buf_printf(out, "%.0f", v);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (lg_parse_double(lg_str_z(text), &back) == 0 && !(back < v) && !(back > v))
            break;
    }
    lg_buf_adds(out, lg_str_z(text));
}

static void raw_value(
        const struct lg_config *cfg, const struct lg_config_opt *o, struct lg_buf *out)
{
    const void *p = member_of_const(cfg, o);
    const struct lg_config_list *list;
    unsigned e;

    switch (o->type) {
    case LG_CONFIG_BOOL:
        lg_buf_adds(out, *(const bool *)p ? LG_STR("true") : LG_STR("false"));
        break;
    case LG_CONFIG_U16:
        lg_buf_printf(out, "%u", (unsigned)*(const uint16_t *)p);
        break;
    case LG_CONFIG_U32:
        lg_buf_printf(out, "%" PRIu32, *(const uint32_t *)p);
        break;
    case LG_CONFIG_SIZE:
        lg_config_size_text(*(const uint64_t *)p, out);
        break;
    case LG_CONFIG_DURATION:
        lg_config_duration_text(*(const int64_t *)p, out);
        break;
    case LG_CONFIG_DOUBLE:
        double_text(*(const double *)p, out);
        break;
    case LG_CONFIG_ENUM:
        memcpy(&e, p, sizeof(e));
        enum_text(o, e, out);
        break;
    case LG_CONFIG_TEXT:
    case LG_CONFIG_PATH:
        lg_buf_adds(out, lg_str_z((const char *)p));
        break;
    case LG_CONFIG_LIST:
        list = (const struct lg_config_list *)p;
        for (size_t i = 0; i < list->n; i++)
            lg_buf_printf(out, "%s%s", i == 0 ? "" : ",", list->v[i]);
        break;
    }
}

void lg_config_option_value(const struct lg_config *cfg, size_t i, struct lg_buf *out)
{
    const struct lg_config_opt *o = &lg_config_opts[i];

    LG_ASSERT(i < lg_config_opts_n);
    if ((o->flags & LG_CONFIG_SECRET) != 0 && *(const char *)member_of_const(cfg, o) != '\0')
        lg_buf_adds(out, LG_STR("********"));
    else
        raw_value(cfg, o, out);
}

bool lg_config_same(const struct lg_config *a, const struct lg_config *b, size_t i)
{
    const struct lg_config_opt *o = &lg_config_opts[i];

    return memcmp(member_of_const(a, o), member_of_const(b, o), o->size) == 0;
}

/* Optimal string alignment distance, cut off at the longest key. */
static size_t distance(struct lg_str a, struct lg_str b)
{
    size_t d[3][LG_CONFIG_ENV_BYTES + 1];
    size_t *prev2 = d[0], *prev = d[1], *row = d[2], *t;

    if (a.n > LG_CONFIG_ENV_BYTES || b.n > LG_CONFIG_ENV_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        prev[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            const size_t cost = a.p[i - 1] != b.p[j - 1];
            size_t v = prev[j] + 1 < row[j - 1] + 1 ? prev[j] + 1 : row[j - 1] + 1;

            if (prev[j - 1] + cost < v)
                v = prev[j - 1] + cost;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                    prev2[j - 2] + 1 < v)
                v = prev2[j - 2] + 1;
            row[j] = v;
        }
        t = prev2, prev2 = prev, prev = row, row = t;
    }
    return prev[b.n];
}

const char *lg_config_nearest(struct lg_str key, size_t *ret_distance)
{
    const char *best = NULL;
    size_t best_d = SIZE_MAX;

    for (size_t i = 0; i < lg_config_opts_n; i++) {
        const struct lg_str k = lg_str_z(lg_config_opts[i].key);
        const struct lg_str last = lg_str_sub(k, (size_t)(lg_str_rchr(k, '.') + 1), k.n);
        size_t d = distance(key, k);

        if (lg_str_rchr(key, '.') < 0 && lg_str_eq(key, last) && d > 1)
            d = 1; /* the right name without its section */
        if (d < best_d) {
            best_d = d;
            best = lg_config_opts[i].key;
        }
    }
    if (ret_distance != NULL)
        *ret_distance = best_d;
    return best_d <= (key.n < 8 ? 2 : key.n / 3) ? best : NULL;
}

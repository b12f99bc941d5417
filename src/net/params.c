#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "net/params_int.h"

#define DEFAULT_STRING_MAX 256

static int why(char out[LG_WHY_MAX], const char *text)
{
    (void)snprintf(out, LG_WHY_MAX, "%s", text);
    return LG_EPARSE;
}

static int check_string(const struct lg_param *p, struct lg_str s, char ret_why[LG_WHY_MAX])
{
    int64_t max = p->max != 0 ? p->max : DEFAULT_STRING_MAX;

    if (!lg_utf8_valid(s))
        return why(ret_why, "must be UTF-8 text");
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return why(ret_why, "must not hold control characters");
    if ((int64_t)s.n < p->min || (int64_t)s.n > max) {
        (void)snprintf(ret_why, LG_WHY_MAX, "must have %lld to %lld bytes", (long long)p->min,
                (long long)max);
        return LG_EPARSE;
    }
    return 0;
}

static int out_of_range(const struct lg_param *p, const char *kind, char ret_why[LG_WHY_MAX])
{
    if (p->max == 0 && p->min == 0)
        (void)snprintf(ret_why, LG_WHY_MAX, "must be %s of at least 0", kind);
    else
        (void)snprintf(ret_why, LG_WHY_MAX, "must be %s from %lld to %lld", kind, (long long)p->min,
                (long long)p->max);
    return LG_EPARSE;
}

static int check_int(const struct lg_param *p, struct lg_value *v, char ret_why[LG_WHY_MAX])
{
    int64_t max = p->max == 0 && p->min == 0 ? INT64_MAX : p->max;

    if (v->text.n > 0 && v->text.p[0] == '+')
        return out_of_range(p, "a whole number", ret_why);
    if (lg_parse_i64(v->text, &v->i) < 0 || v->i < p->min || v->i > max)
        return out_of_range(p, "a whole number", ret_why);
    return 0;
}

static int check_number(const struct lg_param *p, struct lg_value *v, char ret_why[LG_WHY_MAX])
{
    if (lg_parse_double(v->text, &v->d) < 0 || v->d < (double)p->min ||
            ((p->max != 0 || p->min != 0) && v->d > (double)p->max))
        return out_of_range(p, "a number", ret_why);
    return 0;
}

static int check_enum(const struct lg_param *p, struct lg_str s, char ret_why[LG_WHY_MAX])
{
    struct lg_str rest = lg_str_z(p->values), one;

    while (lg_str_split(&rest, '|', &one))
        if (lg_str_eq(one, s))
            return 0;
    (void)snprintf(ret_why, LG_WHY_MAX, "must be one of %s", p->values);
    for (char *c = ret_why; *c != '\0'; c++)
        if (*c == '|')
            *c = ',';
    return LG_EPARSE;
}

/* "now", "now-30m": whole seconds, minutes, hours or days before the request. */
static int relative_time(struct lg_str s, lg_time now, lg_time *ret)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t n;

    if (!lg_str_starts(s, LG_STR("now")))
        return LG_EPARSE;
    s = lg_str_sub(s, 3, s.n);
    if (s.n == 0) {
        *ret = now;
        return 0;
    }
    if (s.n < 3 || s.p[0] != '-' || lg_parse_u64(lg_str_sub(s, 1, s.n - 1), &n) < 0)
        return LG_EPARSE;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (units[i].unit == s.p[s.n - 1]) {
            int64_t back;

            if (n > INT32_MAX ||
                    __builtin_mul_overflow((int64_t)n * units[i].seconds, LG_NS_PER_SEC, &back) ||
                    __builtin_sub_overflow(now, back, ret) || *ret < 0)
                return LG_ERANGE;
            return 0;
        }
    return LG_EPARSE;
}

static int check_time(struct lg_value *v, lg_time now, char ret_why[LG_WHY_MAX])
{
    if (relative_time(v->text, now, &v->t) == 0 || lg_parse_time_epoch(v->text, &v->t) == 0 ||
            lg_parse_time_iso(v->text, &v->t) == 0)
        return 0;
    return why(ret_why, "must be a time: 2024-05-01T12:00:00Z, epoch seconds, now or now-30m");
}

int lg_param_check(const struct lg_param *p, struct lg_str text, lg_time now, struct lg_value *ret,
        char ret_why[LG_WHY_MAX])
{
    struct lg_value v = {.decl = p, .text = text};
    int rc = 0;

    switch (p->type) {
    case LG_PARAM_STRING:
        rc = check_string(p, text, ret_why);
        break;
    case LG_PARAM_INT:
        rc = check_int(p, &v, ret_why);
        break;
    case LG_PARAM_NUMBER:
        rc = check_number(p, &v, ret_why);
        break;
    case LG_PARAM_BOOL:
        v.b = lg_str_eq(text, LG_STR("true"));
        if (!v.b && !lg_str_eq(text, LG_STR("false")))
            rc = why(ret_why, "must be true or false");
        break;
    case LG_PARAM_ENUM:
        rc = check_enum(p, text, ret_why);
        break;
    case LG_PARAM_TIME:
        rc = check_time(&v, now, ret_why);
        break;
    case LG_PARAM_UUID:
        if (lg_uuid_parse(text, &v.u) < 0)
            rc = why(ret_why, "must be a UUID");
        break;
    }
    if (rc < 0)
        return rc;
    *ret = v;
    return 0;
}

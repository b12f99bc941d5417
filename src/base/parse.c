#include "base/parse.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int lg_parse_u64(struct lg_str s, uint64_t *ret)
{
    uint64_t v = 0;

    if (s.n == 0)
        return LG_EPARSE;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

        if (d > 9)
            return LG_EPARSE;
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, d, &v))
            return LG_ERANGE;
    }
    *ret = v;
    return 0;
}

int lg_parse_i64(struct lg_str s, int64_t *ret)
{
    bool neg = s.n > 0 && s.p[0] == '-';
    uint64_t v;
    int rc;

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = lg_str_sub(s, 1, s.n);
    rc = lg_parse_u64(s, &v);
    if (rc < 0)
        return rc;
    if (v > (uint64_t)INT64_MAX + (neg ? 1 : 0))
        return LG_ERANGE;
    *ret = neg ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

int lg_parse_hex64(struct lg_str s, uint64_t *ret)
{
    uint64_t v = 0;

    if (lg_str_istarts(s, LG_STR("0x")))
        s = lg_str_sub(s, 2, s.n);
    if (s.n == 0)
        return LG_EPARSE;
    for (size_t i = 0; i < s.n; i++) {
        char c = lg_ascii_lower(s.p[i]);
        unsigned d;

        if (c >= '0' && c <= '9')
            d = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            d = (unsigned)(c - 'a') + 10;
        else
            return LG_EPARSE;
        if (v >> 60 != 0)
            return LG_ERANGE;
        v = v << 4 | d;
    }
    *ret = v;
    return 0;
}

int lg_parse_u64_any(struct lg_str s, uint64_t *ret)
{
    return lg_str_istarts(s, LG_STR("0x")) ? lg_parse_hex64(s, ret) : lg_parse_u64(s, ret);
}

int lg_parse_double(struct lg_str s, double *ret)
{
    static locale_t c_locale;
    char tmp[64], *end;
    double v;

    if (s.n == 0 || s.n >= sizeof(tmp))
        return LG_EPARSE;
    for (size_t i = 0; i < s.n; i++)
        if (memchr("0123456789+-.eE", s.p[i], 15) == NULL)
            return LG_EPARSE;
    memcpy(tmp, s.p, s.n);
    tmp[s.n] = '\0';
    if (__atomic_load_n(&c_locale, __ATOMIC_ACQUIRE) == NULL) {
        locale_t l = newlocale(LC_ALL_MASK, "C", NULL), none = NULL;

        if (l == NULL)
            return LG_ENOMEM;
        if (!__atomic_compare_exchange_n(
                    &c_locale, &none, l, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            freelocale(l);
    }
    errno = 0;
    v = strtod_l(tmp, &end, c_locale);
    if (end != tmp + s.n)
        return LG_EPARSE;
    if (!isfinite(v))
        return LG_ERANGE;
    *ret = v;
    return 0;
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
int64_t lg_days_from_civil(int64_t y, unsigned m, unsigned d)
{
    int64_t era;
    unsigned yoe, doy, doe;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = (unsigned)(y - era * 400);
    doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

static bool digits(struct lg_str s, size_t at, size_t n, unsigned *ret)
{
    unsigned v = 0;

    if (at + n > s.n)
        return false;
    for (size_t i = at; i < at + n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

        if (d > 9)
            return false;
        v = v * 10 + d;
    }
    *ret = v;
    return true;
}

/* Reads ".123" at *at; returns nanoseconds and moves *at past the digits, or -1. */
static int64_t fraction(struct lg_str s, size_t *at)
{
    int64_t ns = 0, scale = LG_NS_PER_SEC / 10;
    size_t i = *at + 1;

    if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
        return -1;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        ns += scale * (s.p[i] - '0');
        scale /= 10;
    }
    *at = i;
    return ns;
}

static bool zone(struct lg_str s, size_t at, int64_t *ret_offset_s)
{
    unsigned h, m;
    size_t mm;

    *ret_offset_s = 0;
    if (at == s.n || (at + 1 == s.n && (s.p[at] == 'Z' || s.p[at] == 'z')))
        return true;
    if (s.p[at] != '+' && s.p[at] != '-')
        return false;
    mm = at + 3 < s.n && s.p[at + 3] == ':' ? at + 4 : at + 3;
    if (!digits(s, at + 1, 2, &h) || !digits(s, mm, 2, &m) || mm + 2 != s.n || h > 23 || m > 59)
        return false;
    *ret_offset_s = (int64_t)(h * 3600 + m * 60) * (s.p[at] == '-' ? -1 : 1);
    return true;
}

struct civil {
    unsigned y, mo, d, h, mi, s;
};

/* "YYYY-MM-DD[T ]hh:mm:ss", the first 19 bytes of what it is given. */
static bool civil_digits(struct lg_str s, struct civil *c)
{
    if (s.n < 19 || s.n > 64)
        return false;
    if (s.p[4] != '-' || s.p[7] != '-' || s.p[13] != ':' || s.p[16] != ':' ||
            (s.p[10] != 'T' && s.p[10] != ' ' && s.p[10] != 't'))
        return false;
    return digits(s, 0, 4, &c->y) && digits(s, 5, 2, &c->mo) && digits(s, 8, 2, &c->d) &&
            digits(s, 11, 2, &c->h) && digits(s, 14, 2, &c->mi) && digits(s, 17, 2, &c->s);
}

static bool civil_exists(const struct civil *c)
{
    static const unsigned char month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (c->y % 4 == 0 && c->y % 100 != 0) || c->y % 400 == 0;

    if (c->mo < 1 || c->mo > 12)
        return false;
    if (c->d < 1 || c->d > month_days[c->mo - 1] + (c->mo == 2 && leap ? 1u : 0u))
        return false;
    return c->h <= 23 && c->mi <= 59 && c->s <= 60; /* 60: a leap second */
}

int lg_parse_time_iso(struct lg_str s, lg_time *ret)
{
    struct civil c;
    int64_t ns = 0, off, secs;
    size_t at = 19;

    if (!civil_digits(s, &c) || !civil_exists(&c))
        return LG_EPARSE;
    if (at < s.n && s.p[at] == '.') {
        ns = fraction(s, &at);
        if (ns < 0)
            return LG_EPARSE;
    }
    if (!zone(s, at, &off))
        return LG_EPARSE;
    if (c.y < 1970 || c.y > 2261)
        return LG_ERANGE;
    secs = lg_days_from_civil(c.y, c.mo, c.d) * 86400 + (int64_t)(c.h * 3600 + c.mi * 60 + c.s) -
            off;
    *ret = secs * LG_NS_PER_SEC + ns;
    return 0;
}

int lg_parse_time_epoch(struct lg_str s, lg_time *ret)
{
    ptrdiff_t dot = lg_str_chr(s, '.');
    size_t at = dot < 0 ? s.n : (size_t)dot;
    uint64_t secs;
    int64_t ns = 0;
    int rc = lg_parse_u64(lg_str_sub(s, 0, at), &secs);

    if (rc < 0)
        return rc;
    if (secs > (uint64_t)(INT64_MAX / LG_NS_PER_SEC) - 1)
        return LG_ERANGE;
    if (at < s.n) {
        ns = fraction(s, &at);
        if (ns < 0 || at != s.n)
            return LG_EPARSE;
    }
    *ret = (int64_t)secs * LG_NS_PER_SEC + ns;
    return 0;
}

size_t lg_time_iso(lg_time t, char out[LG_TIME_ISO_MAX])
{
    int64_t ms = t / 1000000 - (t % 1000000 < 0), days, rem, era;
    unsigned doe, yoe, doy, mp, d, m;
    int64_t y;
    int n;

    days = ms / 86400000 - (ms % 86400000 < 0);
    rem = ms - days * 86400000;
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = (unsigned)(days - era * 146097);
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    y = (int64_t)yoe + era * 400;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    d = doy - (153 * mp + 2) / 5 + 1;
    m = mp < 10 ? mp + 3 : mp - 9;
    y += m <= 2;
    n = snprintf(out, LG_TIME_ISO_MAX, "%04lld-%02u-%02uT%02d:%02d:%02d.%03dZ", (long long)y, m, d,
            (int)(rem / 3600000), (int)(rem / 60000 % 60), (int)(rem / 1000 % 60),
            (int)(rem % 1000));
    return n > 0 && n < LG_TIME_ISO_MAX ? (size_t)n : 0;
}

size_t lg_time_epoch(lg_time t, char out[LG_TIME_EPOCH_MAX])
{
    char *p = out + LG_TIME_EPOCH_MAX, *start;
    uint64_t a = t < 0 ? 0 - (uint64_t)t : (uint64_t)t;
    uint64_t secs = a / (uint64_t)LG_NS_PER_SEC, ns = a % (uint64_t)LG_NS_PER_SEC;
    size_t n;

    if (ns != 0) {
        unsigned places = 9;

        while (ns % 10 == 0) {
            ns /= 10;
            places--;
        }
        for (; places > 0; places--) {
            *--p = (char)('0' + ns % 10);
            ns /= 10;
        }
        *--p = '.';
    }
    do {
        *--p = (char)('0' + secs % 10);
        secs /= 10;
    } while (secs != 0);
    if (t < 0)
        *--p = '-';
    start = p;
    n = (size_t)(out + LG_TIME_EPOCH_MAX - start);
    memmove(out, start, n);
    if (n < LG_TIME_EPOCH_MAX)
        out[n] = '\0';
    return n;
}

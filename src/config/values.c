#include <inttypes.h>
#include <string.h>

#include "config/config_int.h"

static const struct {
    const char *name;
    int64_t ns;
} time_units[] = {
        {"d", INT64_C(86400) * LG_NS_PER_SEC},
        {"h", INT64_C(3600) * LG_NS_PER_SEC},
        {"m", INT64_C(60) * LG_NS_PER_SEC},
        {"s", LG_NS_PER_SEC},
        {"ms", 1000000},
        {"us", 1000},
        {"ns", 1},
};
#define N_TIME_UNITS (sizeof(time_units) / sizeof(*time_units))

static const struct {
    const char *name;
    uint64_t bytes;
} size_units[] = {
        {"TiB", UINT64_C(1) << 40},
        {"GiB", UINT64_C(1) << 30},
        {"MiB", UINT64_C(1) << 20},
        {"KiB", UINT64_C(1) << 10},
        {"TB", UINT64_C(1000000000000)},
        {"GB", UINT64_C(1000000000)},
        {"MB", UINT64_C(1000000)},
        {"kB", UINT64_C(1000)},
        {"KB", UINT64_C(1000)},
        {"B", 1},
};
#define N_SIZE_UNITS (sizeof(size_units) / sizeof(*size_units))
#define N_BINARY_UNITS 4 /* those that lg_config_size_text writes */

static size_t digits(struct lg_str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

static size_t letters(struct lg_str s)
{
    size_t n = 0;

    while (n < s.n && lg_ascii_lower(s.p[n]) >= 'a' && lg_ascii_lower(s.p[n]) <= 'z')
        n++;
    return n;
}

/* Takes "12ms" off *s. */
static int take_duration(struct lg_str *s, int64_t *ret_ns)
{
    size_t n = digits(*s), u = letters(lg_str_sub(*s, n, s->n));
    const struct lg_str unit = lg_str_sub(*s, n, n + u);
    uint64_t count;
    int rc = n == 0 ? LG_EPARSE : lg_parse_u64(lg_str_sub(*s, 0, n), &count);

    for (size_t i = 0; rc == 0 && i < N_TIME_UNITS; i++) {
        if (!lg_str_eq(unit, lg_str_z(time_units[i].name)))
            continue;
        *s = lg_str_sub(*s, n + u, s->n);
        return count > INT64_MAX || __builtin_mul_overflow((int64_t)count, time_units[i].ns, ret_ns)
                ? LG_ERANGE
                : 0;
    }
    return rc < 0 ? rc : LG_EPARSE;
}

int lg_config_parse_duration(struct lg_str s, int64_t *ret_ns)
{
    int64_t sum = 0, part = 0;
    uint64_t seconds;
    int rc;

    if (s.n == 0)
        return LG_EPARSE;
    if (digits(s) == s.n) { /* a bare number is seconds */
        rc = lg_parse_u64(s, &seconds);
        if (rc == 0 &&
                (seconds > INT64_MAX ||
                        __builtin_mul_overflow((int64_t)seconds, LG_NS_PER_SEC, &sum)))
            rc = LG_ERANGE;
    } else {
        for (rc = 0; rc == 0 && s.n > 0;) {
            rc = take_duration(&s, &part);
            if (rc == 0 && __builtin_add_overflow(sum, part, &sum))
                rc = LG_ERANGE;
        }
    }
    if (rc == 0)
        *ret_ns = sum;
    return rc;
}

int lg_config_parse_size(struct lg_str s, uint64_t *ret_bytes)
{
    const size_t n = digits(s);
    const struct lg_str unit = lg_str_sub(s, n, s.n);
    uint64_t count;
    int rc = n == 0 ? LG_EPARSE : lg_parse_u64(lg_str_sub(s, 0, n), &count);

    if (rc < 0)
        return rc;
    if (unit.n == 0) {
        *ret_bytes = count;
        return 0;
    }
    for (size_t i = 0; i < N_SIZE_UNITS; i++) {
        uint64_t v;

        if (!lg_str_eq(unit, lg_str_z(size_units[i].name)))
            continue;
        if (__builtin_mul_overflow(count, size_units[i].bytes, &v))
            return LG_ERANGE;
        *ret_bytes = v;
        return 0;
    }
    return LG_EPARSE;
}

/* The largest unit that keeps the number whole, from seconds down or up. */
void lg_config_duration_text(int64_t ns, struct lg_buf *out)
{
    if (ns == 0) {
        lg_buf_adds(out, LG_STR("0s"));
        return;
    }
    for (size_t i = 0; i < N_TIME_UNITS; i++) {
        if (ns % time_units[i].ns != 0)
            continue;
        lg_buf_printf(out, "%" PRId64 "%s", ns / time_units[i].ns, time_units[i].name);
        return;
    }
}

void lg_config_size_text(uint64_t bytes, struct lg_buf *out)
{
    for (size_t i = 0; bytes > 0 && i < N_BINARY_UNITS; i++) {
        if (bytes % size_units[i].bytes != 0)
            continue;
        lg_buf_printf(out, "%" PRIu64 "%s", bytes / size_units[i].bytes, size_units[i].name);
        return;
    }
    lg_buf_printf(out, "%" PRIu64, bytes);
}

#include <stdlib.h>
#include <string.h>

#include "net/syslog.h"

/* RFC 5424, else RFC 3164 as it is found. A cursor that a failed step leaves where it was. */
struct cur {
    const char *p, *end;
};

static struct lg_str rest_of(const struct cur *c)
{
    return lg_str_of(c->p, (size_t)(c->end - c->p));
}

static bool take_char(struct cur *c, char want)
{
    if (c->p == c->end || *c->p != want)
        return false;
    c->p++;
    return true;
}

/* What stands before the next space; the space is eaten. */
static struct lg_str take_word(struct cur *c)
{
    const char *start = c->p;
    struct lg_str word;

    while (c->p < c->end && *c->p != ' ')
        c->p++;
    word = lg_str_of(start, (size_t)(c->p - start));
    (void)take_char(c, ' ');
    return word;
}

/* "<0>" to "<191>", without leading zeros but for 0 itself. */
static bool take_pri(struct cur *c, struct lg_syslog *m)
{
    struct cur at = *c;
    int pri = 0, digits = 0;

    if (!take_char(&at, '<'))
        return false;
    while (at.p < at.end && *at.p >= '0' && *at.p <= '9' && digits < 4) {
        pri = pri * 10 + (*at.p++ - '0');
        digits++;
    }
    if (digits == 0 || digits > 3 || pri > 191 || !take_char(&at, '>'))
        return false;
    m->facility = pri / 8;
    m->severity = pri % 8;
    m->has_pri = true;
    *c = at;
    return true;
}

static struct lg_str not_nil(struct lg_str s)
{
    return lg_str_eq(s, LG_STR("-")) ? LG_STR("") : s;
}

static struct lg_str without_bom(struct lg_str s)
{
    return lg_str_starts(s, LG_STR("\xef\xbb\xbf")) ? lg_str_sub(s, 3, s.n) : s;
}

/* One "[id name=\"value\" ...]"; quotes, brackets and backslashes in values are escaped. */
static bool skip_element(struct cur *c)
{
    bool quoted = false;

    if (!take_char(c, '['))
        return false;
    while (c->p < c->end) {
        char x = *c->p++;

        if (quoted && x == '\\' && c->p < c->end)
            c->p++;
        else if (x == '"')
            quoted = !quoted;
        else if (x == ']' && !quoted)
            return true;
    }
    return false;
}

static bool take_data(struct cur *c, struct lg_str *ret)
{
    const char *start = c->p;

    if (take_char(c, '-')) {
        *ret = LG_STR("");
    } else {
        do {
            if (!skip_element(c))
                return false;
        } while (c->p < c->end && *c->p == '[');
        *ret = lg_str_of(start, (size_t)(c->p - start));
    }
    return c->p == c->end || take_char(c, ' ');
}

/* After the PRI: "1 TIME HOST APP PROCID MSGID DATA[ MSG]". */
static bool parse_5424(struct cur *c, struct lg_syslog *m)
{
    struct cur at = *c;
    struct lg_syslog got = *m;
    struct lg_str stamp;

    if (!take_char(&at, '1') || !take_char(&at, ' '))
        return false;
    stamp = take_word(&at);
    if (!lg_str_eq(stamp, LG_STR("-"))) {
        if (lg_parse_time_iso(stamp, &got.time) < 0)
            return false;
        got.has_time = true;
    }
    got.version = 1;
    got.host = not_nil(take_word(&at));
    got.app = not_nil(take_word(&at));
    got.procid = not_nil(take_word(&at));
    got.msgid = not_nil(take_word(&at));
    if (!take_data(&at, &got.data))
        return false;
    got.msg = without_bom(rest_of(&at));
    *m = got;
    return true;
}

/* ---- RFC 3164 ---- */

static int month_of(struct lg_str s)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int i = 0; i < 12; i++)
        if (lg_str_ieq(s, lg_str_of(months + (ptrdiff_t)i * 3, 3)))
            return i + 1;
    return 0;
}

static bool two_digits(const char *p, int max, int *ret)
{
    int tens = p[0] == ' ' ? 0 : p[0] - '0', ones = p[1] - '0';

    if (tens < 0 || tens > 9 || ones < 0 || ones > 9 || tens * 10 + ones > max)
        return false;
    *ret = tens * 10 + ones;
    return true;
}

/* The year that puts the date nearest to now: a log line of 31 December read on 1 January. */
static lg_time nearest(lg_time received, int month, int day, int64_t seconds_of_day, bool *ret_ok)
{
    int64_t year = 1970 + received / LG_NS_PER_SEC / 31556952;
    lg_time best = 0;

    *ret_ok = false;
    for (int64_t y = year - 2; y <= year + 2; y++) {
        int64_t days = lg_days_from_civil(y, (unsigned)month, (unsigned)day);
        lg_time t;

        /* 29 February is a day of some years only */
        if (y < 1970 ||
                (month == 2 && day == 29 &&
                        lg_days_from_civil(y, 3, 1) - lg_days_from_civil(y, 2, 1) != 29))
            continue;
        t = (days * 86400 + seconds_of_day) * LG_NS_PER_SEC;
        if (!*ret_ok || llabs(t - received) < llabs(best - received))
            best = t;
        *ret_ok = true;
    }
    return best;
}

/* "Mmm dd hh:mm:ss " in 16 bytes, the day padded with a space or (against the RFC) a zero. */
static bool take_bsd_time(struct cur *c, lg_time received, struct lg_syslog *m)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *p = c->p;
    int month, day, hh, mm, ss;
    bool ok;

    if (c->end - p < 15 || p[3] != ' ' || p[6] != ' ' || p[9] != ':' || p[12] != ':')
        return false;
    if (c->end - p > 15 && p[15] != ' ' && p[15] != ':')
        return false;
    month = month_of(lg_str_of(p, 3));
    if (month == 0 || !two_digits(p + 4, days[month - 1], &day) || day == 0 || p[7] == ' ' ||
            !two_digits(p + 7, 23, &hh) || p[10] == ' ' || !two_digits(p + 10, 59, &mm) ||
            p[13] == ' ' || !two_digits(p + 13, 60, &ss))
        return false;
    m->time = nearest(received, month, day, hh * 3600 + mm * 60 + ss, &ok);
    m->has_time = ok;
    c->p += 15;
    (void)take_char(c, ':'); /* some devices */
    (void)take_char(c, ' ');
    return true;
}

static bool take_iso_time(struct cur *c, struct lg_syslog *m)
{
    struct cur at = *c;
    struct lg_str word = take_word(&at);

    if (word.n < 19 || lg_parse_time_iso(word, &m->time) < 0)
        return false;
    m->has_time = true;
    *c = at;
    return true;
}

static bool tag_char(char x)
{
    return (x >= '0' && x <= '9') || (lg_ascii_lower(x) >= 'a' && lg_ascii_lower(x) <= 'z') ||
            strchr("-_./()+@", x) != NULL;
}

/* "app: msg" or "app[123]: msg"; nothing is taken when it looks otherwise. */
static void take_tag(struct cur *c, struct lg_syslog *m)
{
    struct cur at = *c;
    const char *start = at.p;
    struct lg_str app, pid = LG_STR("");

    while (at.p < at.end && at.p - start < 64 && *at.p != '\0' && tag_char(*at.p))
        at.p++;
    app = lg_str_of(start, (size_t)(at.p - start));
    if (app.n == 0)
        return;
    if (take_char(&at, '[')) {
        start = at.p;
        while (at.p < at.end && *at.p != ']' && *at.p != ' ' && at.p - start < 64)
            at.p++;
        pid = lg_str_of(start, (size_t)(at.p - start));
        if (!take_char(&at, ']'))
            return;
    }
    if (!take_char(&at, ':'))
        return;
    (void)take_char(&at, ' ');
    m->app = app;
    m->procid = pid;
    *c = at;
}

static void parse_3164(struct cur *c, lg_time received, struct lg_syslog *m)
{
    struct cur at = *c;
    struct lg_str host;

    if (take_bsd_time(&at, received, m) || take_iso_time(&at, m)) {
        struct cur after;

        *c = at;
        host = take_word(&at);
        after = at;
        /* a word that ends with a colon is the tag of a message without host */
        if (host.n > 0 && host.p[host.n - 1] != ':' && after.p > c->p && after.p[-1] == ' ') {
            m->host = host;
            *c = after;
        }
        take_tag(c, m);
    } else if (m->has_pri) {
        take_tag(c, m);
    }
    m->msg = without_bom(rest_of(c));
}

int lg_syslog_parse(struct lg_str text, lg_time received, struct lg_syslog *ret)
{
    struct lg_syslog m = {.facility = 1, .severity = 5};
    struct cur c;

    while (text.n > 0 &&
            (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r' ||
                    text.p[text.n - 1] == '\0'))
        text.n--;
    if (text.n == 0)
        return LG_EPARSE;
    c = (struct cur){text.p, text.p + text.n};
    if (!take_pri(&c, &m) || !parse_5424(&c, &m))
        parse_3164(&c, received, &m);
    *ret = m;
    return 0;
}

#include "capture/capture_int.h"

const char *lg_split_framing_name(enum lg_split_framing f)
{
    static const char *const names[] = {"", "lines", "json", "xml", "blocks"};

    return names[f];
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct lg_str s, size_t at)
{
    while (at < s.n && is_space(s.p[at]))
        at++;
    return at;
}

static struct lg_str tail(struct lg_str s, size_t at)
{
    return lg_str_of(s.p + at, s.n - at);
}

/* Offset of `c` at or after `at`; s.n if none. */
static size_t find_char(struct lg_str s, size_t at, char c)
{
    ptrdiff_t i = lg_str_chr(tail(s, at), c);

    return i < 0 ? s.n : at + (size_t)i;
}

/* ---- lines ---- */

static bool next_line(struct lg_splitter *sp, struct lg_str s, bool eof, struct lg_cut *ret)
{
    size_t end = find_char(s, sp->resume, '\n');

    if (end == s.n && !eof) {
        sp->resume = s.n;
        return false;
    }
    ret->skip = 0;
    ret->next = end < s.n ? end + 1 : end;
    if (end > 0 && s.p[end - 1] == '\r')
        end--;
    ret->len = end;
    return true;
}

/* ---- JSON values in a row, or the members of an array ---- */

/* Moves past the string whose inside starts at `at`; false when its end is not there yet. A
 * backslash at the end of the text is left for the next time. */
static bool string_end(struct lg_str s, size_t *at)
{
    while (*at < s.n) {
        size_t q = find_char(s, *at, '"'), b = q;

        while (b > *at && s.p[b - 1] == '\\')
            b--;
        if (q == s.n) {
            *at = (q - b) % 2 == 0 ? q : q - 1;
            return false;
        }
        *at = q + 1;
        if ((q - b) % 2 == 0)
            return true;
    }
    return false;
}

/* From sp->resume to the end of the value that has begun. */
static bool value_end(struct lg_splitter *sp, struct lg_str s)
{
    size_t at = sp->resume;

    for (;;) {
        if (sp->in_string) {
            sp->in_string = !string_end(s, &at);
            if (sp->in_string) {
                sp->resume = at;
                return false;
            }
        }
        for (; sp->depth > 0 && at < s.n && !sp->in_string; at++) {
            char c = s.p[at];

            if (c == '"')
                sp->in_string = true;
            else if (c == '{' || c == '[')
                sp->depth++;
            else if (c == '}' || c == ']')
                sp->depth--;
        }
        if (sp->in_string)
            continue;
        sp->resume = at;
        return sp->depth == 0;
    }
}

static bool is_between(char c)
{
    return is_space(c) || c == ',' || c == '[' || c == ']';
}

/* A number or a word, which no record is: given out all the same, as a dead letter in the end. */
static size_t scalar_end(struct lg_str s, size_t at)
{
    while (at < s.n && !is_between(s.p[at]) && s.p[at] != '{' && s.p[at] != '"')
        at++;
    return at;
}

static bool next_json(struct lg_splitter *sp, struct lg_str s, bool eof, struct lg_cut *ret)
{
    size_t at = 0, end;

    if (!sp->inside) {
        while (at < s.n && is_between(s.p[at]))
            at++;
        *ret = (struct lg_cut){at, 0, at};
        if (at > 0 || at == s.n) /* a cut of its own: the record then starts the text */
            return at > 0;
        sp->inside = true;
        sp->in_string = s.p[0] == '"';
        sp->depth = s.p[0] == '{' ? 1 : 0;
        sp->resume = 1;
    }
    if (!sp->in_string && sp->depth == 0) {
        end = scalar_end(s, sp->resume);
        sp->resume = end;
        if (end == s.n && !eof)
            return false;
    } else if (!value_end(sp, s)) {
        if (!eof)
            return false;
        sp->resume = s.n;
    }
    *ret = (struct lg_cut){0, sp->resume, sp->resume};
    return true;
}

/* ---- XML ---- */

/* "<Event" and what may follow a tag's name: not <EventID>, <EventData>, <Events>. */
static bool is_event_tag(struct lg_str s, size_t at)
{
    struct lg_str t = tail(s, at);

    return lg_str_starts(t, LG_STR("<Event")) && t.n > 6 &&
            (is_space(t.p[6]) || t.p[6] == '>' || t.p[6] == '/');
}

static size_t find_event_tag(struct lg_str s, size_t at)
{
    while (at < s.n) {
        ptrdiff_t i = lg_str_find(tail(s, at), LG_STR("<Event"));

        if (i < 0)
            return s.n;
        at += (size_t)i;
        if (is_event_tag(s, at))
            return at;
        at += 6;
    }
    return s.n;
}

/* Length of what may stand between events: white space, the root's tags, declaration, comment. */
static size_t xml_between(struct lg_str s)
{
    static const struct {
        struct lg_str from, to;
    } parts[] = {
            {LG_STR("<?xml"), LG_STR("?>")},
            {LG_STR("<Events"), LG_STR(">")},
            {LG_STR("</Events"), LG_STR(">")},
            {LG_STR("<!--"), LG_STR("-->")},
    };
    size_t at = skip_space(s, 0);

    if (at > 0)
        return at;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (lg_str_starts(s, parts[i].from)) {
            ptrdiff_t end = lg_str_find(s, parts[i].to);

            return end < 0 ? 0 : (size_t)end + parts[i].to.n;
        }
    return 0;
}

#define XML_OVERLAP ((size_t)7)        /* of "</Event>" and "<Event " */
#define XML_BETWEEN_MAX ((size_t)4096) /* a longer comment is taken for something else */

static bool next_xml(struct lg_splitter *sp, struct lg_str s, bool eof, struct lg_cut *ret)
{
    size_t end, other, safe = s.n > XML_OVERLAP ? s.n - XML_OVERLAP : 0;
    ptrdiff_t i;

    if (!sp->inside) {
        size_t skip = xml_between(s);

        *ret = (struct lg_cut){skip, 0, skip};
        if (skip > 0)
            return true;
        if (s.n < XML_BETWEEN_MAX && !eof && s.p[0] == '<' && !is_event_tag(s, 0))
            return false; /* too short to tell what it is */
        sp->inside = is_event_tag(s, 0);
        if (!sp->inside) { /* something else: up to the next event or line */
            end = find_event_tag(s, sp->resume);
            other = find_char(s, sp->resume, '\n');
            end = end < other ? end : other;
            if (end == s.n && !eof) {
                sp->resume = safe;
                return false;
            }
            *ret = (struct lg_cut){0, end, end};
            return true;
        }
        sp->resume = 1;
    }
    i = lg_str_find(tail(s, sp->resume), LG_STR("</Event>"));
    end = i < 0 ? s.n : sp->resume + (size_t)i + 8;
    /* an event that broke off must not swallow the next one */
    other = find_event_tag(lg_str_of(s.p, end), sp->resume);
    if (other < end)
        end = other;
    else if (i < 0 && !eof) {
        if (safe > sp->resume)
            sp->resume = safe;
        return false;
    }
    *ret = (struct lg_cut){0, end, end};
    return true;
}

/* ---- blocks ---- */

static bool matches(struct lg_str s, const char *pattern)
{
    size_t i = 0;

    for (; pattern[i] != '\0'; i++) {
        if (i >= s.n)
            return false;
        if (pattern[i] == '9' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != pattern[i])
            return false;
    }
    return true;
}

#define BLOCK_DATE_N ((size_t)22)
#define BLOCK_HEAD_N ((size_t)(22 + 2 + 8)) /* date line, line end, "LogName=" */

static bool is_block_start(struct lg_str s)
{
    size_t at = BLOCK_DATE_N;

    if (!matches(s, "99/99/9999 99:99:99 AM") && !matches(s, "99/99/9999 99:99:99 PM"))
        return false;
    if (at < s.n && s.p[at] == '\r')
        at++;
    return at < s.n && s.p[at] == '\n' && lg_str_starts(tail(s, at + 1), LG_STR("LogName="));
}

static bool next_block(struct lg_splitter *sp, struct lg_str s, bool eof, struct lg_cut *ret)
{
    for (size_t at = sp->resume;; at++) {
        at = find_char(s, at, '\n');
        if (at == s.n && eof)
            break;
        if (at + 1 + BLOCK_HEAD_N > s.n && !eof) {
            sp->resume = at;
            return false;
        }
        if (is_block_start(tail(s, at + 1))) {
            *ret = (struct lg_cut){0, at, at + 1};
            return true;
        }
    }
    *ret = (struct lg_cut){0, s.n, s.n};
    return true;
}

/* ---- all ---- */

enum lg_split_framing lg_split_detect(struct lg_str head)
{
    struct lg_str s = tail(head, skip_space(head, 0));
    struct lg_str line = s;
    size_t at;

    if (s.n == 0)
        return LG_SPLIT_LINES;
    if (s.p[0] == '<' &&
            (is_event_tag(s, 0) || lg_str_starts(s, LG_STR("<?xml")) ||
                    lg_str_starts(s, LG_STR("<Events")) || lg_str_starts(s, LG_STR("<!--"))))
        return find_event_tag(s, 0) < s.n ? LG_SPLIT_XML : LG_SPLIT_LINES;
    if (s.p[0] == '[') {
        at = skip_space(s, 1);
        return at < s.n && (s.p[at] == '{' || s.p[at] == ']') ? LG_SPLIT_JSON : LG_SPLIT_LINES;
    }
    if (s.p[0] == '{') { /* pretty-printed: the first line is the brace alone */
        line.n = find_char(s, 0, '\n');
        return line.n < s.n && lg_str_trim(line).n == 1 ? LG_SPLIT_JSON : LG_SPLIT_LINES;
    }
    return is_block_start(s) ? LG_SPLIT_BLOCKS : LG_SPLIT_LINES;
}

bool lg_split_next(struct lg_splitter *sp, struct lg_str text, bool eof, struct lg_cut *ret)
{
    bool found;

    if (text.n == 0)
        return false;
    switch (sp->framing) {
    case LG_SPLIT_JSON:
        found = next_json(sp, text, eof, ret);
        break;
    case LG_SPLIT_XML:
        found = next_xml(sp, text, eof, ret);
        break;
    case LG_SPLIT_BLOCKS:
        found = next_block(sp, text, eof, ret);
        break;
    default:
        found = next_line(sp, text, eof, ret);
        break;
    }
    if (found) {
        sp->resume = 0;
        sp->inside = false;
        sp->in_string = false;
        sp->depth = 0;
    }
    return found;
}

void lg_split_drop(struct lg_splitter *sp)
{
    sp->resume = 0;
}

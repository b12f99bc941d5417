#include "normalize/xml.h"

void lg_xml_init(struct lg_xml *x, struct lg_str in)
{
    memset(x, 0, offsetof(struct lg_xml, open));
    x->in = in;
    if (lg_str_starts(in, LG_STR("\xef\xbb\xbf")))
        x->at = 3;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
            c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static struct lg_str local_name(struct lg_str name)
{
    ptrdiff_t colon = lg_str_chr(name, ':');

    return colon < 0 ? name : lg_str_sub(name, (size_t)colon + 1, name.n);
}

static struct lg_str rest_of(const struct lg_xml *x)
{
    return lg_str_sub(x->in, x->at, x->in.n);
}

static size_t name_length(struct lg_str s)
{
    size_t n = 0;

    while (n < s.n && is_name_char(s.p[n]))
        n++;
    return n;
}

/* Moves past the next `mark`; false when there is none. */
static bool skip_past(struct lg_xml *x, struct lg_str mark)
{
    ptrdiff_t at = lg_str_find(rest_of(x), mark);

    if (at < 0)
        return false;
    x->at += (size_t)at + mark.n;
    return true;
}

static int close_element(struct lg_xml *x)
{
    x->name = local_name(x->open[--x->depth]);
    return LG_XML_CLOSE;
}

static int read_close(struct lg_xml *x)
{
    struct lg_str s;
    size_t n;

    x->at += 2;
    s = rest_of(x);
    n = name_length(s);
    if (x->depth > 0 && n == s.n)
        return LG_ETRUNC;
    if (x->depth == 0 || !lg_str_eq(lg_str_sub(s, 0, n), x->open[x->depth - 1]))
        return LG_EPARSE;
    while (n < s.n && is_blank(s.p[n]))
        n++;
    if (n >= s.n)
        return LG_ETRUNC;
    if (s.p[n] != '>')
        return LG_EPARSE;
    x->at += n + 1;
    return close_element(x);
}

/* Length up to the '>' that ends the tag, quotes respected; LG_ETRUNC when the input ends first,
 * LG_EPARSE when another tag begins. */
static ptrdiff_t tag_length(struct lg_str s)
{
    char quote = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (quote != 0)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return (ptrdiff_t)i;
        else if (c == '<')
            return LG_EPARSE;
    }
    return LG_ETRUNC;
}

static int read_open(struct lg_xml *x)
{
    struct lg_str s, full;
    ptrdiff_t end;
    size_t n;

    x->at++;
    s = rest_of(x);
    n = name_length(s);
    end = tag_length(s);
    if ((n == 0 && s.n > 0) || (x->depth == 0 && x->started))
        return LG_EPARSE;
    if (end < 0)
        return (int)end;
    if (x->depth == LG_MAX_XML_DEPTH)
        return LG_ELIMIT;
    full = lg_str_sub(s, 0, n);
    x->attrs = lg_str_sub(s, n, (size_t)end);
    x->at += (size_t)end + 1;
    x->empty = x->attrs.n > 0 && x->attrs.p[x->attrs.n - 1] == '/';
    if (x->empty)
        x->attrs.n--;
    if (x->attrs.n > 0 && !is_blank(x->attrs.p[0]))
        return LG_EPARSE;
    x->open[x->depth++] = full;
    x->started = true;
    x->name = local_name(full);
    return LG_XML_OPEN;
}

static int read_cdata(struct lg_xml *x)
{
    size_t from;

    if (x->depth == 0)
        return LG_EPARSE;
    x->at += 9;
    from = x->at;
    if (!skip_past(x, LG_STR("]]>")))
        return LG_ETRUNC;
    x->text = lg_str_sub(x->in, from, x->at - 3);
    x->cdata = true;
    return LG_XML_TEXT;
}

static int read_text(struct lg_xml *x)
{
    struct lg_str s = rest_of(x);
    ptrdiff_t end = lg_str_chr(s, '<');

    x->text = end < 0 ? s : lg_str_sub(s, 0, (size_t)end);
    x->at += x->text.n;
    x->cdata = false;
    return LG_XML_TEXT;
}

int lg_xml_next(struct lg_xml *x)
{
    if (x->empty) {
        x->empty = false;
        return close_element(x);
    }
    while (x->at < x->in.n) {
        struct lg_str s = rest_of(x);
        int token;

        if (s.p[0] != '<') {
            token = read_text(x);
            if (x->depth > 0)
                return token;
            if (lg_str_trim(x->text).n > 0)
                return LG_EPARSE;
        } else if (lg_str_starts(s, LG_STR("<!--"))) {
            x->at += 4;
            if (!skip_past(x, LG_STR("-->")))
                return LG_ETRUNC;
        } else if (lg_str_starts(s, LG_STR("<![CDATA["))) {
            token = read_cdata(x);
            if (token < 0 || x->text.n > 0)
                return token;
        } else if (lg_str_starts(s, LG_STR("<?"))) {
            if (!skip_past(x, LG_STR("?>")))
                return LG_ETRUNC;
        } else if (lg_str_starts(s, LG_STR("<!"))) {
            return LG_EPARSE;
        } else {
            return lg_str_starts(s, LG_STR("</")) ? read_close(x) : read_open(x);
        }
    }
    return x->depth == 0 && x->started ? LG_XML_EOF : LG_ETRUNC;
}

bool lg_xml_attr(const struct lg_xml *x, struct lg_str name, struct lg_str *ret)
{
    struct lg_str s = x->attrs;

    for (;;) {
        struct lg_str full;
        ptrdiff_t end;
        char quote;
        size_t n;

        s = lg_str_trim(s);
        n = name_length(s);
        if (n == 0)
            return false;
        full = lg_str_sub(s, 0, n);
        s = lg_str_trim(lg_str_sub(s, n, s.n));
        if (s.n < 2 || s.p[0] != '=')
            return false;
        s = lg_str_trim(lg_str_sub(s, 1, s.n));
        if (s.n < 2 || (s.p[0] != '"' && s.p[0] != '\''))
            return false;
        quote = s.p[0];
        s = lg_str_sub(s, 1, s.n);
        end = lg_str_chr(s, quote);
        if (end < 0)
            return false;
        if (lg_str_eq(local_name(full), name)) {
            *ret = lg_str_sub(s, 0, (size_t)end);
            return true;
        }
        s = lg_str_sub(s, (size_t)end + 1, s.n);
    }
}

/* ---- entities ---- */

/* Writes at most 4 bytes; what is no XML character becomes U+FFFD. */
static size_t put_utf8(char *out, uint32_t cp)
{
    if ((cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r') || cp > 0x10ffff ||
            (cp >= 0xd800 && cp <= 0xdfff))
        cp = 0xfffd;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

/* "#65" or "#x41"; false when it is no number. Huge ones are no characters. */
static bool read_reference(struct lg_str s, uint32_t *ret)
{
    bool hex = s.n > 1 && (s.p[1] == 'x' || s.p[1] == 'X');
    size_t from = hex ? 2 : 1;
    uint32_t cp = 0;

    if (s.n <= from)
        return false;
    for (size_t i = from; i < s.n; i++) {
        char c = lg_ascii_lower(s.p[i]);
        uint32_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else
            return false;
        cp = cp > 0x110000 ? cp : cp * (hex ? 16 : 10) + digit;
    }
    *ret = cp;
    return true;
}

static bool read_entity(struct lg_str name, uint32_t *ret)
{
    static const struct {
        struct lg_str name;
        uint32_t cp;
    } known[] = {
            {LG_STR("lt"), '<'},
            {LG_STR("gt"), '>'},
            {LG_STR("amp"), '&'},
            {LG_STR("quot"), '"'},
            {LG_STR("apos"), '\''},
    };

    if (name.n > 0 && name.p[0] == '#')
        return read_reference(name, ret);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (lg_str_eq(known[i].name, name)) {
            *ret = known[i].cp;
            return true;
        }
    return false;
}

/* A reference such as &#x0010FFFF; is never longer than this between & and ;. */
#define ENTITY_BYTES 16

/* Up to the semicolon, or to the blank that stands in its place; -1 when there is neither. */
static ptrdiff_t entity_length(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ';' || (s.p[i] == ' ' && i > 0 && s.p[0] != '#'))
            return (ptrdiff_t)i;
    return -1;
}

int lg_xml_decode(struct lg_arena *arena, struct lg_str raw, struct lg_str *ret)
{
    size_t n = 0;
    char *out;

    if (lg_str_chr(raw, '&') < 0) {
        *ret = raw;
        return 0;
    }
    out = lg_arena_alloc(arena, raw.n);
    if (out == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < raw.n;) {
        struct lg_str s = lg_str_sub(raw, i + 1, i + 2 + ENTITY_BYTES);
        ptrdiff_t end = raw.p[i] == '&' ? entity_length(s) : -1;
        uint32_t cp;

        /* The shortest reference, "&#1;", has room for the three bytes of U+FFFD. */
        if (end > 0 && read_entity(lg_str_sub(s, 0, (size_t)end), &cp)) {
            n += put_utf8(out + n, cp);
            i += (size_t)end + 2;
        } else {
            out[n++] = raw.p[i++];
        }
    }
    *ret = lg_str_of(out, n);
    return 0;
}

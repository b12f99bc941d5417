#include "normalize/windows.h"
#include "normalize/xml.h"

/* Where the reader stands; each part is a child of the event (or the root, for a bare part). */
enum part { PART_NONE, PART_SYSTEM, PART_EVENT_DATA, PART_USER_DATA, PART_RENDERING };

struct reader {
    struct lg_norm_call *call;
    struct lg_win_record *rec;
    struct lg_xml x;
    enum part part;
    int part_depth;
    unsigned params;  /* Data elements without a name so far */
    bool system_done; /* System was read to its end */
};

/* Text of the element that was just opened, its CLOSE included; what stands in elements below it
 * does not count. */
static int read_text(struct reader *r, struct lg_str *ret)
{
    struct lg_str all = lg_str_of("", 0), piece;
    int depth = r->x.depth;
    int token;

    for (;;) {
        token = lg_xml_next(&r->x);
        if (token < 0)
            return token;
        if (token == LG_XML_CLOSE && r->x.depth < depth)
            break;
        if (token != LG_XML_TEXT || r->x.depth != depth)
            continue;
        piece = r->x.text;
        if (!r->x.cdata && lg_xml_decode(r->call->arena, r->x.text, &piece) < 0)
            return LG_ENOMEM;
        all = all.n == 0 ? piece : lg_norm_join(r->call, all, lg_str_of("", 0), piece);
        if (r->call->oom)
            return LG_ENOMEM;
    }
    *ret = all;
    return 0;
}

static int attr(struct reader *r, struct lg_str name, struct lg_str *ret)
{
    struct lg_str raw;

    *ret = lg_str_of("", 0);
    if (!lg_xml_attr(&r->x, name, &raw))
        return 0;
    return lg_xml_decode(r->call->arena, raw, ret);
}

static int read_number_attr(struct reader *r, struct lg_str name, uint64_t *ret)
{
    struct lg_str s;
    int rc = attr(r, name, &s);

    if (rc == 0 && s.n > 0)
        (void)(lg_parse_u64_any(s, ret) < 0); /* unreadable: stays unknown */
    return rc;
}

static int read_system_attrs(struct reader *r)
{
    struct lg_win_record *rec = r->rec;
    struct lg_str name = r->x.name, s;
    int rc = 0;

    if (lg_str_eq(name, LG_STR("Provider"))) {
        rc = attr(r, LG_STR("Name"), &rec->provider);
    } else if (lg_str_eq(name, LG_STR("TimeCreated"))) {
        rc = attr(r, LG_STR("SystemTime"), &s);
        if (rc == 0)
            rec->has_time = lg_parse_time_iso(s, &rec->header_time) == 0;
    } else if (lg_str_eq(name, LG_STR("Execution"))) {
        rc = read_number_attr(r, LG_STR("ProcessID"), &rec->pid);
        if (rc == 0)
            rc = read_number_attr(r, LG_STR("ThreadID"), &rec->tid);
    } else if (lg_str_eq(name, LG_STR("Security"))) {
        rc = attr(r, LG_STR("UserID"), &rec->user_sid);
    }
    return rc;
}

static int read_system(struct reader *r)
{
    struct lg_win_record *rec = r->rec;
    struct lg_str name = r->x.name, text = lg_str_of("", 0);
    int rc = read_system_attrs(r);

    if (rc == 0)
        rc = read_text(r, &text);
    if (rc < 0)
        return rc;
    text = lg_str_trim(text);
    if (lg_str_eq(name, LG_STR("EventID"))) {
        rec->has_code = lg_parse_u64(text, &rec->code) == 0;
    } else if (lg_str_eq(name, LG_STR("EventRecordID"))) {
        uint64_t id;

        if (lg_parse_u64(text, &id) == 0)
            rec->record_id = lg_win_decimal(id, rec->number);
    } else if (lg_str_eq(name, LG_STR("Channel"))) {
        rec->channel = text;
    } else if (lg_str_eq(name, LG_STR("Computer"))) {
        rec->computer = text;
    }
    return 0;
}

/* <Data Name="Image">...</Data>; classic events have Data without names. */
static int read_data(struct reader *r)
{
    static const uint16_t params[] = {LG_WK_param1, LG_WK_param2, LG_WK_param3};
    struct lg_str name, text;
    int rc = attr(r, LG_STR("Name"), &name);
    int key;

    if (rc == 0)
        rc = read_text(r, &text);
    if (rc < 0)
        return rc;
    if (name.n > 0)
        key = lg_win_key_of(name);
    else if (r->params < sizeof(params) / sizeof(params[0]))
        key = params[r->params++];
    else
        key = -1;
    if (key >= 0)
        lg_win_put_text(r->rec, (enum lg_win_key)key, text);
    return 0;
}

/* <LogFileCleared><SubjectUserName>...: names are those of the elements. */
static int read_user_data(struct reader *r)
{
    int key = lg_win_key_of(r->x.name);
    struct lg_str text;
    int rc = read_text(r, &text);

    if (rc == 0 && key >= 0)
        lg_win_put_text(r->rec, (enum lg_win_key)key, text);
    return rc;
}

static enum part part_of(struct lg_str name)
{
    if (lg_str_eq(name, LG_STR("System")))
        return PART_SYSTEM;
    if (lg_str_eq(name, LG_STR("EventData")))
        return PART_EVENT_DATA;
    if (lg_str_eq(name, LG_STR("UserData")))
        return PART_USER_DATA;
    if (lg_str_eq(name, LG_STR("RenderingInfo")))
        return PART_RENDERING;
    return PART_NONE;
}

static int read_element(struct reader *r)
{
    int below = r->x.depth - r->part_depth;

    switch (r->part) {
    case PART_NONE:
        r->part = part_of(r->x.name);
        r->part_depth = r->x.depth;
        return 0;
    case PART_SYSTEM:
        return below == 1 ? read_system(r) : 0;
    case PART_EVENT_DATA:
        return below == 1 && lg_str_eq(r->x.name, LG_STR("Data")) ? read_data(r) : 0;
    case PART_USER_DATA:
        return below == 2 ? read_user_data(r) : 0;
    case PART_RENDERING:
        if (below == 1 && lg_str_eq(r->x.name, LG_STR("Message")))
            return read_text(r, &r->rec->message);
        return 0;
    }
    return 0;
}

int lg_win_parse_xml(struct lg_norm_call *call, struct lg_str xml, struct lg_win_record *rec)
{
    struct reader r = {.call = call, .rec = rec};
    int rc;

    lg_xml_init(&r.x, xml);
    for (;;) {
        rc = lg_xml_next(&r.x);
        if (rc <= LG_XML_EOF)
            break;
        if (rc == LG_XML_CLOSE && r.part != PART_NONE && r.x.depth < r.part_depth) {
            r.system_done |= r.part == PART_SYSTEM;
            r.part = PART_NONE;
        }
        if (rc != LG_XML_OPEN)
            continue;
        rc = read_element(&r);
        if (rc < 0)
            break;
    }
    return rc == LG_ETRUNC && !r.system_done ? LG_EPARSE : rc;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Length of a byte order mark, XML declaration and white space at the start. */
static size_t prolog_length(struct lg_str s)
{
    size_t at = lg_str_starts(s, LG_STR("\xef\xbb\xbf")) ? 3 : 0;
    struct lg_str rest = lg_str_sub(s, at, s.n);
    ptrdiff_t end = lg_str_starts(rest, LG_STR("<?xml")) ? lg_str_find(rest, LG_STR("?>")) : -1;

    if (end >= 0)
        at += (size_t)end + 2;
    while (at < s.n && is_blank(s.p[at]))
        at++;
    return at;
}

static bool is_event_tag(struct lg_str s)
{
    return lg_str_starts(s, LG_STR("<Event")) && s.n > 6 && (s.p[6] == '>' || is_blank(s.p[6]));
}

ptrdiff_t lg_win_event_start(struct lg_str head)
{
    ptrdiff_t at;

    if (is_event_tag(lg_str_sub(head, prolog_length(head), head.n)))
        return 0;
    at = lg_str_find(head, LG_STR("<Event"));
    return at >= 0 && is_event_tag(lg_str_sub(head, (size_t)at, head.n)) ? at : -1;
}

int lg_win_normalize_xml(struct lg_norm_call *call, struct lg_str xml, struct lg_str computer)
{
    struct lg_win_record rec;
    int rc;

    lg_win_record_clear(&rec);
    rc = lg_win_parse_xml(call, xml, &rec);
    if (rc == LG_ENOMEM)
        return rc;
    /* Syslog cuts at 2 kB, Splunk at 10: what came before the cut is known. */
    rec.incomplete = rc == LG_ETRUNC;
    if (rc < 0 && !rec.incomplete)
        return lg_norm_dead(call, LG_DEAD_BAD_XML, "%s",
                rc == LG_ELIMIT ? "nested too deep" : "not well-formed");
    if (rec.computer.n == 0)
        rec.computer = computer;
    return lg_win_emit(call, &rec);
}

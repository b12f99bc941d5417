#include "normalize/windows.h"

/*
 * Splunk's text form of a Windows event (WinEventLog with renderXml=false): a date in the
 * forwarder's local time, "Key=Value" lines, and from "Message=" on the rendered message, from
 * which all data are read.
 */

#define HEAD_BYTES 1024

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_str head = lg_str_sub(record, 0, HEAD_BYTES);

    (void)root;
    return lg_str_find(head, LG_STR("LogName=")) >= 0 &&
            lg_str_find(head, LG_STR("\nEventCode=")) >= 0 &&
            lg_str_find(head, LG_STR("\nSourceName=")) >= 0;
}

static bool read_two(struct lg_str s, size_t at, unsigned *ret)
{
    uint64_t u;

    if (lg_parse_u64(lg_str_sub(s, at, at + 2), &u) < 0)
        return false;
    *ret = (unsigned)u;
    return true;
}

/* "MM/DD/YYYY hh:mm:ss[.fff] AM" */
static bool read_date(struct lg_str s, lg_time *ret)
{
    unsigned hour;
    struct lg_str clock;
    char iso[40];
    bool pm;

    s = lg_str_trim(s);
    pm = lg_str_iends(s, LG_STR(" PM"));
    if (s.n < 22 || s.n > sizeof(iso) || !(pm || lg_str_iends(s, LG_STR(" AM"))) || s.p[2] != '/' ||
            s.p[5] != '/' || s.p[10] != ' ' || s.p[13] != ':' || !read_two(s, 11, &hour) ||
            hour < 1 || hour > 12)
        return false;
    clock = lg_str_sub(s, 13, s.n - 3); /* ":mm:ss[.fff]" */
    hour = hour % 12 + (pm ? 12 : 0);
    memcpy(iso, s.p + 6, 4);
    iso[4] = iso[7] = '-';
    memcpy(iso + 5, s.p, 2);
    memcpy(iso + 8, s.p + 3, 2);
    iso[10] = 'T';
    iso[11] = (char)('0' + hour / 10);
    iso[12] = (char)('0' + hour % 10);
    memcpy(iso + 13, clock.p, clock.n);
    return lg_parse_time_iso(lg_str_of(iso, 13 + clock.n), ret) == 0;
}

static void read_member(struct lg_win_record *rec, struct lg_str key, struct lg_str value)
{
    if (lg_str_eq(key, LG_STR("LogName"))) {
        rec->channel = value;
    } else if (lg_str_eq(key, LG_STR("SourceName"))) {
        rec->provider = value;
    } else if (lg_str_eq(key, LG_STR("EventCode"))) {
        rec->has_code = lg_parse_u64(value, &rec->code) == 0;
    } else if (lg_str_eq(key, LG_STR("ComputerName"))) {
        rec->computer = value;
    } else if (lg_str_eq(key, LG_STR("Sid"))) {
        rec->user_sid = value;
    } else if (lg_str_eq(key, LG_STR("RecordNumber"))) {
        uint64_t id;

        if (lg_parse_u64(value, &id) == 0)
            rec->record_id = lg_win_decimal(id, rec->number);
    }
}

static void read_record(const struct lg_norm_call *call, struct lg_win_record *rec)
{
    struct lg_str rest = call->record, line;

    lg_win_record_clear(rec);
    rec->clock = LG_WIN_CLOCK_FALSE_ZONE;
    while (lg_str_split(&rest, '\n', &line)) {
        ptrdiff_t eq = lg_str_chr(line, '=');
        struct lg_str key = lg_str_sub(line, 0, eq < 0 ? 0 : (size_t)eq);

        if (eq < 0) {
            if (!rec->has_time)
                rec->has_time = read_date(line, &rec->header_time);
            continue;
        }
        if (lg_str_eq(key, LG_STR("Message"))) {
            const char *from = line.p + eq + 1;

            rec->message = lg_str_of(from, (size_t)(call->record.p + call->record.n - from));
            break;
        }
        read_member(rec, key, lg_str_trim(lg_str_sub(line, (size_t)eq + 1, line.n)));
    }
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_win_record rec;

    read_record(call, &rec);
    return lg_win_emit(call, &rec);
}

static bool header_skew(struct lg_norm_call *call, int64_t *ret_ns)
{
    struct lg_win_record rec;

    read_record(call, &rec);
    return lg_win_header_skew(&rec, ret_ns);
}

const struct lg_format lg_format_splunk_text = {
        .name = "splunk-text",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_BLOCK,
        .accepts = accepts,
        .normalize = normalize,
        .header_skew = header_skew,
};

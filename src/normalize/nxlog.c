#include "normalize/windows.h"

/*
 * NXLog im_msvistalog to JSON (https://docs.nxlog.co/refman/current/im/msvistalog.html): header
 * and data side by side in one object. Header members win where names meet: ProcessID is the
 * writing service's (the data's ProcessId is in the message, at best), EventType the level's
 * (some pipelines move it to EventTypeOrignal and restore the data's), Channel, AccountName,
 * Domain and UserID the header's.
 *
 * EventTime and EventReceivedTime are local times of NXLog's host without a zone; @timestamp,
 * where there is one, is the arrival in UTC at the next hop.
 */

#define QUARTER_NS (900 * LG_NS_PER_SEC)

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return lg_jval_get(root, LG_STR("SourceModuleType"), &v) &&
            lg_jval_get(root, LG_STR("EventID"), &v);
}

static bool read_time(const struct lg_win_record *rec, enum lg_win_key k, lg_time *ret)
{
    return lg_parse_time_iso(lg_win_text(rec, k), ret) == 0;
}

/*
 * A stream's offset comes first. Where none is given the record itself may tell its zone: receipt
 * by NXLog (local) and arrival (UTC) are seconds apart, so that their difference to the quarter of
 * an hour is the zone. A record that waited longer than that between the two is moved by the wait.
 */
static void set_time(const struct lg_norm_call *call, struct lg_win_record *rec)
{
    lg_time local, arrival;
    int64_t diff;

    rec->has_time = read_time(rec, LG_WK_EventTime, &rec->header_time);
    rec->clock = LG_WIN_CLOCK_FALSE_ZONE;
    if (!read_time(rec, LG_WK_Timestamp, &arrival))
        return;
    if (!rec->has_time) {
        rec->has_time = true;
        rec->header_time = arrival;
        rec->clock = LG_WIN_CLOCK_UTC;
        return;
    }
    if (call->opt->header_offset_ns != 0)
        return;
    if (!read_time(rec, LG_WK_EventReceivedTime, &local))
        local = rec->header_time;
    diff = arrival - local; /* both are within the years 1970 to 2262 */
    diff += diff >= 0 ? QUARTER_NS / 2 : -(QUARTER_NS / 2);
    rec->clock = LG_WIN_CLOCK_UTC;
    if (__builtin_add_overflow(rec->header_time, diff / QUARTER_NS * QUARTER_NS, &rec->header_time))
        rec->has_time = false;
}

static bool is_level(struct lg_str s)
{
    static const struct lg_str levels[] = {
            LG_STR("INFO"),
            LG_STR("WARNING"),
            LG_STR("ERROR"),
            LG_STR("VERBOSE"),
            LG_STR("DEBUG"),
            LG_STR("CRITICAL"),
            LG_STR("AUDIT_SUCCESS"),
            LG_STR("AUDIT_FAILURE"),
    };

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (lg_str_eq(levels[i], s))
            return true;
    return false;
}

static bool is_number(const struct lg_win_record *rec, enum lg_win_key k)
{
    enum lg_json_type t;

    if (!lg_win_has(rec, k))
        return false;
    t = lg_jval_type(rec->v[k].json);
    return t == LG_JSON_I64 || t == LG_JSON_U64 || t == LG_JSON_DOUBLE;
}

/* Header members leave the data: what is missing there then is asked of the message. */
static void drop_header_members(struct lg_win_record *rec)
{
    lg_win_unset(rec, LG_WK_Channel);
    lg_win_unset(rec, LG_WK_AccountName);
    if (is_number(rec, LG_WK_ProcessID))
        lg_win_unset(rec, LG_WK_ProcessID);
    if (is_number(rec, LG_WK_Version))
        lg_win_unset(rec, LG_WK_Version);
    if (is_level(lg_win_text(rec, LG_WK_EventType)))
        lg_win_unset(rec, LG_WK_EventType);
}

static void read_number(const struct lg_win_record *rec, enum lg_win_key k, uint64_t *ret)
{
    if (lg_win_has(rec, k))
        (void)lg_norm_read_u64(rec->v[k].json, ret);
}

static void read_record(const struct lg_norm_call *call, struct lg_win_record *rec)
{
    lg_win_record_clear(rec);
    lg_win_put_object(rec, call->root);
    rec->provider = lg_win_text(rec, LG_WK_SourceName);
    rec->channel = lg_win_text(rec, LG_WK_Channel);
    rec->computer = lg_win_text(rec, LG_WK_Hostname);
    rec->message = lg_win_text(rec, LG_WK_Message);
    rec->user_name = lg_win_text(rec, LG_WK_AccountName);
    rec->user_domain = lg_win_text(rec, LG_WK_Domain);
    rec->user_sid = lg_win_text(rec, LG_WK_UserID);
    if (lg_win_has(rec, LG_WK_EventID))
        lg_win_set_code(rec, rec->v[LG_WK_EventID].json);
    if (lg_win_has(rec, LG_WK_RecordNumber))
        lg_win_set_record_id(rec, rec->v[LG_WK_RecordNumber].json);
    if (is_number(rec, LG_WK_ProcessID))
        read_number(rec, LG_WK_ProcessID, &rec->pid);
    read_number(rec, LG_WK_ExecutionProcessID, &rec->pid);
    read_number(rec, LG_WK_ThreadID, &rec->tid);
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_win_record rec;

    read_record(call, &rec);
    set_time(call, &rec);
    drop_header_members(&rec);
    return lg_win_emit(call, &rec);
}

static bool header_skew(struct lg_norm_call *call, int64_t *ret_ns)
{
    struct lg_win_record rec;

    read_record(call, &rec);
    rec.has_time = read_time(&rec, LG_WK_EventTime, &rec.header_time);
    return lg_win_header_skew(&rec, ret_ns);
}

const struct lg_format lg_format_nxlog = {
        .name = "nxlog",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
        .header_skew = header_skew,
};

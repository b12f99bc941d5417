#include "normalize/windows.h"

/*
 * The 2022 form of the flat export: as flat-export, with provider, record number and the event
 * data as XML text beside the single members. TimeGenerated is TimeCreated moved by a zone, so that
 * it inherits the 12-hour clock: in the published files it is UTC or twelve hours beside it.
 */

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return lg_jval_get(root, LG_STR("EventRecordID"), &v) &&
            lg_jval_get(root, LG_STR("Provider"), &v) && lg_jval_get(root, LG_STR("EventID"), &v) &&
            !lg_jval_get(root, LG_STR("TenantId"), &v);
}

static void read_record(const struct lg_norm_call *call, struct lg_win_record *rec)
{
    lg_win_record_clear(rec);
    lg_win_put_object(rec, call->root);
    rec->provider = lg_win_text(rec, LG_WK_Provider);
    rec->channel = lg_win_text(rec, LG_WK_Channel);
    rec->computer = lg_win_text(rec, LG_WK_Computer);
    rec->message = lg_win_text(rec, LG_WK_Message);
    if (lg_win_has(rec, LG_WK_EventID))
        lg_win_set_code(rec, rec->v[LG_WK_EventID].json);
    if (lg_win_has(rec, LG_WK_EventRecordID))
        lg_win_set_record_id(rec, rec->v[LG_WK_EventRecordID].json);
    lg_win_unset(rec, LG_WK_Channel);
}

static void set_created_time(struct lg_win_record *rec)
{
    rec->clock = LG_WIN_CLOCK_12H;
    if (lg_win_has(rec, LG_WK_TimeCreated))
        lg_win_set_time(rec, rec->v[LG_WK_TimeCreated].json);
    if (!rec->has_time && lg_win_has(rec, LG_WK_Timestamp))
        lg_win_set_time(rec, rec->v[LG_WK_Timestamp].json);
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_win_record rec;

    read_record(call, &rec);
    rec.clock = LG_WIN_CLOCK_12H;
    /* An offset is one to TimeCreated; where none is known TimeGenerated is the better guess. */
    if (call->opt->header_offset_ns == 0 && lg_win_has(&rec, LG_WK_TimeGenerated))
        lg_win_set_time(&rec, rec.v[LG_WK_TimeGenerated].json);
    if (!rec.has_time)
        set_created_time(&rec);
    return lg_win_emit(call, &rec);
}

static bool header_skew(struct lg_norm_call *call, int64_t *ret_ns)
{
    struct lg_win_record rec;

    read_record(call, &rec);
    set_created_time(&rec);
    return lg_win_header_skew(&rec, ret_ns);
}

const struct lg_format lg_format_flat_export_2022 = {
        .name = "flat-export-2022",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
        .header_skew = header_skew,
};

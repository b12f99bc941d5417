#include "normalize/windows.h"

/*
 * The flat exports of the Security Datasets project (https://github.com/OTRF/Security-Datasets),
 * 2020 to 2023: header and data side by side, no record number, no UserData. TimeCreated and
 * @timestamp are local times on a 12-hour clock without am or pm, with a false Z.
 * Some files lack the provider: the channel stands in for it.
 */

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return lg_jval_get(root, LG_STR("TimeCreated"), &v) &&
            lg_jval_get(root, LG_STR("EventID"), &v) && lg_jval_get(root, LG_STR("Channel"), &v) &&
            !lg_jval_get(root, LG_STR("EventRecordID"), &v) &&
            !lg_jval_get(root, LG_STR("SourceModuleType"), &v) &&
            !lg_jval_get(root, LG_STR("TenantId"), &v);
}

static void read_record(const struct lg_norm_call *call, struct lg_win_record *rec)
{
    lg_win_record_clear(rec);
    lg_win_put_object(rec, call->root);
    rec->provider = lg_win_text(rec, LG_WK_SourceName);
    rec->channel = lg_win_text(rec, LG_WK_Channel);
    rec->computer = lg_win_text(rec, LG_WK_Hostname);
    rec->message = lg_win_text(rec, LG_WK_Message);
    if (lg_win_has(rec, LG_WK_EventID))
        lg_win_set_code(rec, rec->v[LG_WK_EventID].json);
    if (lg_win_has(rec, LG_WK_TimeCreated))
        lg_win_set_time(rec, rec->v[LG_WK_TimeCreated].json);
    if (!rec->has_time && lg_win_has(rec, LG_WK_Timestamp))
        lg_win_set_time(rec, rec->v[LG_WK_Timestamp].json);
    rec->clock = LG_WIN_CLOCK_12H;
    /* Here it is the header's: event 104's own Channel is in UserData, which is not exported. */
    lg_win_unset(rec, LG_WK_Channel);
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

const struct lg_format lg_format_flat_export = {
        .name = "flat-export",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
        .header_skew = header_skew,
};

#include "normalize/windows.h"

/*
 * Sysmon's event data alone, an object an event (the EQL sample data of
 * https://github.com/endgameinc/eqllib): neither host nor channel nor record number. The host is
 * the stream's endpoint.
 */

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return lg_jval_get(root, LG_STR("EventId"), &v) && lg_jval_get(root, LG_STR("UtcTime"), &v) &&
            !lg_jval_get(root, LG_STR("Channel"), &v) &&
            !lg_jval_get(root, LG_STR("EventID"), &v) && !lg_jval_get(root, LG_STR("TenantId"), &v);
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_win_record rec;

    lg_win_record_clear(&rec);
    lg_win_put_object(&rec, call->root);
    rec.provider = LG_STR("Microsoft-Windows-Sysmon");
    if (lg_win_has(&rec, LG_WK_EventId))
        lg_win_set_code(&rec, rec.v[LG_WK_EventId].json);
    return lg_win_emit(call, &rec);
}

const struct lg_format lg_format_sysmon_eventdata = {
        .name = "sysmon-eventdata",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};

#include "normalize/windows.h"

/*
 * A Windows event as the event log renders it in XML, on one line or several: Splunk's
 * XmlWinEventLog, wevtutil, evtxexport (schema:
 * https://learn.microsoft.com/windows/win32/wes/eventschema-schema). Sysmon for Linux writes the
 * same schema and has its own format.
 */

#define HEAD_BYTES 1024

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_str head = lg_str_sub(record, 0, HEAD_BYTES);

    (void)root;
    return lg_win_event_start(head) == 0 && lg_str_find(head, LG_STR("Linux-Sysmon")) < 0;
}

static int normalize(struct lg_norm_call *call)
{
    return lg_win_normalize_xml(call, call->record, lg_str_of("", 0));
}

const struct lg_format lg_format_event_xml = {
        .name = "event-xml",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_XML,
        .accepts = accepts,
        .normalize = normalize,
};

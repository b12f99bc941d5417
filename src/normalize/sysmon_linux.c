#include "normalize/windows.h"

/*
 * Sysmon for Linux (https://github.com/microsoft/SysmonForLinux): the XML of a Windows event,
 * written to syslog, so that a line may begin with a syslog prefix.
 */

#define HEAD_BYTES 1024
#define SYSLOG_PREFIX_BYTES 512

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_str head = lg_str_sub(record, 0, HEAD_BYTES);
    ptrdiff_t start = lg_win_event_start(head);

    (void)root;
    return start >= 0 && start <= SYSLOG_PREFIX_BYTES &&
            lg_str_find(head, LG_STR("Linux-Sysmon")) > start;
}

static int normalize(struct lg_norm_call *call)
{
    ptrdiff_t start = lg_win_event_start(lg_str_sub(call->record, 0, HEAD_BYTES));

    return lg_win_normalize_xml(call,
            lg_str_sub(call->record, start > 0 ? (size_t)start : 0, call->record.n),
            lg_str_of("", 0));
}

const struct lg_format lg_format_sysmon_linux = {
        .name = "sysmon-linux",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_XML,
        .accepts = accepts,
        .normalize = normalize,
};

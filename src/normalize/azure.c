#include "normalize/auoms.h"
#include "normalize/windows.h"

/*
 * Records of Azure Log Analytics (https://learn.microsoft.com/azure/azure-monitor/reference/tables/
 * event, securityevent, windowsevent, syslog): TenantId, Computer and TimeGenerated (UTC) beside
 *  - EventData as XML text, JSON text or an object, or the data as members of their own,
 *  - or SyslogMessage: an event of Sysmon for Linux in XML, or an audit record of auoms.
 */

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    if (!lg_jval_get(root, LG_STR("TenantId"), &v) ||
            !lg_jval_get(root, LG_STR("TimeGenerated"), &v) ||
            lg_jval_get(root, LG_STR("SourceModuleType"), &v))
        return false;
    return lg_jval_get(root, LG_STR("EventID"), &v) ||
            lg_jval_get(root, LG_STR("SyslogMessage"), &v);
}

/* JSON text inside the record has a parser of its own: the record's must not be used again while
 * its values are. It lives in the stream. */
static int parse_inner(struct lg_norm_call *call, struct lg_str text, struct lg_jval *ret)
{
    void **state = lg_norm_state(call);
    struct lg_json *parser;
    bool repaired;
    int rc;

    if (state == NULL)
        return LG_ENOMEM;
    if (*state == NULL) {
        rc = lg_json_new(&parser);
        if (rc < 0)
            return rc;
        *state = parser;
    }
    parser = *state;
    rc = lg_json_parse(parser, text, false, ret, &repaired);
    if (rc == 0 && repaired)
        call->repaired = true;
    return rc;
}

static void free_parser(void *state)
{
    lg_json_free(state);
}

static int read_event_data(struct lg_norm_call *call, struct lg_win_record *rec)
{
    struct lg_str text = lg_str_trim(lg_win_text(rec, LG_WK_EventData));
    struct lg_jval inner;
    int rc = 0;

    if (!lg_win_has(rec, LG_WK_EventData))
        return 0;
    inner = rec->v[LG_WK_EventData].json;
    if (text.n > 0 && text.p[0] == '<')
        return lg_win_parse_xml(call, text, rec);
    if (text.n > 0 && text.p[0] == '{')
        rc = parse_inner(call, text, &inner);
    if (rc == 0)
        lg_win_put_object(rec, inner);
    return rc;
}

static struct lg_str first_text(
        const struct lg_win_record *rec, enum lg_win_key a, enum lg_win_key b, enum lg_win_key c)
{
    struct lg_str s = lg_win_text(rec, a);

    if (s.n == 0)
        s = lg_win_text(rec, b);
    return s.n > 0 ? s : lg_win_text(rec, c);
}

static void read_header(struct lg_win_record *rec)
{
    rec->provider = first_text(rec, LG_WK_Provider, LG_WK_EventSourceName, LG_WK_Source);
    rec->channel = first_text(rec, LG_WK_Channel, LG_WK_EventLog, LG_WK_EventLog);
    rec->computer = lg_win_text(rec, LG_WK_Computer);
    rec->message = first_text(rec, LG_WK_Message, LG_WK_RenderedDescription, LG_WK_Message);
    if (lg_win_has(rec, LG_WK_EventID))
        lg_win_set_code(rec, rec->v[LG_WK_EventID].json);
    if (lg_win_has(rec, LG_WK_EventRecordID))
        lg_win_set_record_id(rec, rec->v[LG_WK_EventRecordID].json);
    if (lg_win_has(rec, LG_WK_TimeGenerated))
        lg_win_set_time(rec, rec->v[LG_WK_TimeGenerated].json);
    lg_win_unset(rec, LG_WK_Channel);
}

static int normalize_windows(struct lg_norm_call *call, struct lg_win_record *rec)
{
    int rc;

    read_header(rec);
    rc = read_event_data(call, rec);
    if (rc == LG_ENOMEM)
        return rc;
    if (rc < 0)
        return lg_norm_dead(call, LG_DEAD_BAD_FIELD, "EventData: %s", lg_err_name(rc));
    return lg_win_emit(call, rec);
}

static int normalize_syslog(struct lg_norm_call *call, const struct lg_win_record *rec)
{
    struct lg_str line = lg_str_trim(lg_win_text(rec, LG_WK_SyslogMessage));
    ptrdiff_t start = lg_win_event_start(lg_str_sub(line, 0, 512));

    if (start < 0 && lg_audit_head_sniff(line))
        return lg_auoms_record(call, line, lg_win_text(rec, LG_WK_Computer));
    if (start < 0)
        return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "syslog message without an event");
    return lg_win_normalize_xml(
            call, lg_str_sub(line, (size_t)start, line.n), lg_win_text(rec, LG_WK_Computer));
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_win_record rec;

    lg_win_record_clear(&rec);
    lg_win_put_object(&rec, call->root);
    if (lg_win_has(&rec, LG_WK_SyslogMessage))
        return normalize_syslog(call, &rec);
    return normalize_windows(call, &rec);
}

const struct lg_format lg_format_azure = {
        .name = "azure-log-analytics",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
        .state_free = free_parser,
};

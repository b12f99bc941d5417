#include "normalize/windows.h"

/*
 * Winlogbeat 7 and 8 (https://www.elastic.co/docs/reference/beats/winlogbeat): everything of the
 * event below `winlog`; event ids and record numbers are numbers in 7 and strings in 8.
 * host.name and agent.hostname are the collector's where events were forwarded.
 */

enum member {
    M_TIMESTAMP,
    M_MESSAGE,
    M_WINLOG,
    M_CHANNEL,
    M_COMPUTER,
    M_EVENT_ID,
    M_PROVIDER,
    M_RECORD_ID,
    M_EVENT_DATA,
    M_USER_DATA,
    M_PROCESS,
    M_USER,
};
static const struct lg_keyrow root_rows[] = {
        {"@timestamp", M_TIMESTAMP, 0},
        {"message", M_MESSAGE, 0},
        {"winlog", M_WINLOG, 0},
};
static struct lg_keymap root_map = LG_KEYMAP(root_rows);
static const struct lg_keyrow winlog_rows[] = {
        {"channel", M_CHANNEL, 0},
        {"computer_name", M_COMPUTER, 0},
        {"event_id", M_EVENT_ID, 0},
        {"provider_name", M_PROVIDER, 0},
        {"record_id", M_RECORD_ID, 0},
        {"event_data", M_EVENT_DATA, 0},
        {"user_data", M_USER_DATA, 0},
        {"process", M_PROCESS, 0},
        {"user", M_USER, 0},
};
static struct lg_keymap winlog_map = LG_KEYMAP(winlog_rows);

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval winlog;

    (void)record;
    return lg_jval_get(root, LG_STR("winlog"), &winlog) && lg_jval_type(winlog) == LG_JSON_OBJECT;
}

static void read_process(struct lg_win_record *rec, struct lg_jval process)
{
    struct lg_jval v;

    if (lg_jval_get(process, LG_STR("pid"), &v))
        (void)lg_norm_read_u64(v, &rec->pid);
    if (lg_jval_path(process, "thread.id", &v))
        (void)lg_norm_read_u64(v, &rec->tid);
}

static void read_winlog(struct lg_win_record *rec, struct lg_jval winlog)
{
    struct lg_jiter it;
    struct lg_str key;
    struct lg_jval v;

    if (lg_jval_type(winlog) != LG_JSON_OBJECT)
        return;
    it = lg_jiter_of(winlog);
    while (lg_jiter_member(&it, &key, &v)) {
        const struct lg_keyrow *row = lg_keymap_find(&winlog_map, key);

        if (row == NULL)
            continue;
        switch ((enum member)row->field) {
        case M_CHANNEL:
            rec->channel = lg_win_str(v);
            break;
        case M_COMPUTER:
            rec->computer = lg_win_str(v);
            break;
        case M_EVENT_ID:
            lg_win_set_code(rec, v);
            break;
        case M_PROVIDER:
            rec->provider = lg_win_str(v);
            break;
        case M_RECORD_ID:
            lg_win_set_record_id(rec, v);
            break;
        case M_PROCESS:
            read_process(rec, v);
            break;
        case M_USER:
            lg_win_set_user(rec, v);
            break;
        default:
            lg_win_put_object(rec, v);
            break;
        }
    }
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_win_record rec;
    struct lg_jiter it = lg_jiter_of(call->root);
    struct lg_str key;
    struct lg_jval v;

    lg_win_record_clear(&rec);
    while (lg_jiter_member(&it, &key, &v)) {
        const struct lg_keyrow *row = lg_keymap_find(&root_map, key);

        if (row == NULL)
            continue;
        if (row->field == M_TIMESTAMP)
            lg_win_set_time(&rec, v);
        else if (row->field == M_MESSAGE)
            rec.message = lg_win_str(v);
        else
            read_winlog(&rec, v);
    }
    return lg_win_emit(call, &rec);
}

const struct lg_format lg_format_winlogbeat7 = {
        .name = "winlogbeat-7",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};

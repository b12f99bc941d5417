#include "normalize/windows.h"

/* Winlogbeat 6: the event's header members stand at the top, beside the beat's own. `host` and
 * `beat` are the collector's. */

enum member {
    M_TIMESTAMP,
    M_MESSAGE,
    M_CHANNEL,
    M_COMPUTER,
    M_EVENT_ID,
    M_PROVIDER,
    M_RECORD_ID,
    M_DATA,
    M_PID,
    M_TID,
    M_USER,
};
static const struct lg_keyrow rows[] = {
        {"@timestamp", M_TIMESTAMP, 0},
        {"message", M_MESSAGE, 0},
        {"log_name", M_CHANNEL, 0},
        {"computer_name", M_COMPUTER, 0},
        {"event_id", M_EVENT_ID, 0},
        {"source_name", M_PROVIDER, 0},
        {"record_number", M_RECORD_ID, 0},
        {"event_data", M_DATA, 0},
        {"user_data", M_DATA, 0},
        {"process_id", M_PID, 0},
        {"thread_id", M_TID, 0},
        {"user", M_USER, 0},
};
static struct lg_keymap map = LG_KEYMAP(rows);

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return lg_jval_get(root, LG_STR("log_name"), &v) && lg_jval_get(root, LG_STR("event_id"), &v) &&
            !lg_jval_get(root, LG_STR("winlog"), &v);
}

static void read_member(struct lg_win_record *rec, enum member m, struct lg_jval v)
{
    switch (m) {
    case M_TIMESTAMP:
        lg_win_set_time(rec, v);
        break;
    case M_MESSAGE:
        rec->message = lg_win_str(v);
        break;
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
    case M_DATA:
        lg_win_put_object(rec, v);
        break;
    case M_PID:
        (void)lg_norm_read_u64(v, &rec->pid);
        break;
    case M_TID:
        (void)lg_norm_read_u64(v, &rec->tid);
        break;
    case M_USER:
        lg_win_set_user(rec, v);
        break;
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
        const struct lg_keyrow *row = lg_keymap_find(&map, key);

        if (row != NULL)
            read_member(&rec, row->field, v);
    }
    return lg_win_emit(call, &rec);
}

const struct lg_format lg_format_winlogbeat6 = {
        .name = "winlogbeat-6",
        .platform = LG_PLATFORM_WINDOWS,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};

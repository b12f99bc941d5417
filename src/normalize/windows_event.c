#include "normalize/windows_fields.h"

#define NS_PER_MS INT64_C(1000000)
#define HALF_DAY_NS (12 * 3600 * LG_NS_PER_SEC)
#define NEAR_NS (600 * LG_NS_PER_SEC) /* UtcTime this near to the header's is its own witness */
#define TIME_MIN (INT64_C(315532800) * LG_NS_PER_SEC)  /* 1980 */
#define TIME_MAX (INT64_C(7258118400) * LG_NS_PER_SEC) /* 2200 */

/* ---- time ---- */

static bool utc_time_of(const struct lg_win_record *rec, lg_time *ret)
{
    struct lg_str s = lg_win_text(rec, LG_WK_UtcTime);

    return s.n > 0 && lg_parse_time_iso(s, ret) == 0 && *ret >= TIME_MIN && *ret < TIME_MAX;
}

static bool is_near(lg_time a, lg_time b)
{
    return a - b <= NEAR_NS && b - a <= NEAR_NS;
}

/* Header time in UTC, as far as the stream's offset goes. */
static bool header_time_of(
        const struct lg_norm_call *call, const struct lg_win_record *rec, lg_time *ret)
{
    int64_t offset = rec->clock == LG_WIN_CLOCK_UTC ? 0 : call->opt->header_offset_ns;

    if (!rec->has_time)
        return false;
    return !__builtin_add_overflow(rec->header_time, offset, ret);
}

/*
 * UtcTime near the header time. A 12-hour clock may be half a day off in either direction (the
 * twelve o'clock hour prints as 12, and the constant jumps at noon, midnight and one o'clock); a
 * UtcTime that fits one of the three readings to ten minutes is not wrong by days, so it decides.
 */
static bool utc_agrees(const struct lg_win_record *rec, lg_time utc, lg_time header)
{
    if (is_near(utc, header))
        return true;
    return rec->clock == LG_WIN_CLOCK_12H &&
            (is_near(utc, header - HALF_DAY_NS) || is_near(utc, header + HALF_DAY_NS));
}

/*
 * Sysmon's UtcTime before the header, but for network and DNS events, whose UtcTime can be days
 * off: there it must agree with the header. False when there is no time at all.
 */
static bool pick_time(const struct lg_norm_call *call, const struct lg_win_record *rec,
        const struct lg_win_event *def, struct lg_event *ev)
{
    bool sysmon = def->provider == LG_WP_SYSMON;
    lg_time utc = 0, header = 0;
    bool has_utc = sysmon && utc_time_of(rec, &utc);
    bool has_header = header_time_of(call, rec, &header);

    if (has_utc && has_header && (def->flags & LG_WE_FAR_UTC) != 0)
        has_utc = utc_agrees(rec, utc, header);
    if (has_utc) {
        ev->time_ns = ev->claimed_time_ns = utc;
        return true;
    }
    if (!has_header)
        return false;
    ev->time_ns = ev->claimed_time_ns = header;
    if (sysmon)
        ev->flags |= LG_EVF_TIME_FROM_HEADER;
    return true;
}

bool lg_win_header_skew(struct lg_win_record *rec, int64_t *ret_ns)
{
    enum lg_win_provider p = lg_win_provider_of(rec->provider, rec->channel, rec->code);
    const struct lg_win_event *def = rec->has_code ? lg_win_event_find(p, rec->code) : NULL;
    lg_time utc;

    if (def == NULL || def->provider != LG_WP_SYSMON || (def->flags & LG_WE_FAR_UTC) != 0 ||
            !rec->has_time)
        return false;
    if (!lg_win_has(rec, LG_WK_UtcTime))
        lg_win_fill_from_message(rec, def);
    if (!utc_time_of(rec, &utc))
        return false;
    return !__builtin_sub_overflow(utc, rec->header_time, ret_ns);
}

/* ---- users ---- */

static void set_account(struct lg_norm_call *call, struct lg_str domain, struct lg_str name)
{
    if (name.n == 0 || lg_str_eq(name, LG_STR("-")))
        return;
    if (domain.n == 0 || lg_str_eq(domain, LG_STR("-")))
        lg_norm_set_text(call, LG_F_USER, name);
    else
        lg_norm_set_text(call, LG_F_USER, lg_norm_join(call, domain, LG_STR("\\"), name));
}

static void set_sid(struct lg_norm_call *call, struct lg_str sid)
{
    /* S-1-0-0 is nobody; Splunk's text form prints names in place of SIDs. */
    if (lg_str_starts(sid, LG_STR("S-1-")) && !lg_str_eq(sid, LG_STR("S-1-0-0")))
        lg_norm_set_text(call, LG_F_USER_SID, sid);
}

static void set_subject(struct lg_norm_call *call)
{
    const struct lg_event *ev = call->ev;

    set_account(call, lg_event_str(ev, LG_F_SUBJECT_DOMAIN_NAME),
            lg_event_str(ev, LG_F_SUBJECT_USER_NAME));
    set_sid(call, lg_event_str(ev, LG_F_SUBJECT_USER_SID));
    if (lg_event_u64(ev, LG_F_SUBJECT_LOGON_ID) > 0) /* 0 is no session */
        lg_event_set_u64(call->ev, LG_F_LOGON_ID, lg_event_u64(ev, LG_F_SUBJECT_LOGON_ID));
}

static void set_user(
        struct lg_norm_call *call, const struct lg_win_record *rec, enum lg_win_user whose)
{
    const struct lg_event *ev = call->ev;

    switch (whose) {
    case LG_WU_FIELD:
        break;
    case LG_WU_SUBJECT:
        set_subject(call);
        break;
    case LG_WU_CREATED:
        if (lg_event_has(ev, LG_F_TARGET_USER_NAME) && lg_event_u64(ev, LG_F_TARGET_LOGON_ID) > 0) {
            set_account(call, lg_event_str(ev, LG_F_TARGET_DOMAIN_NAME),
                    lg_event_str(ev, LG_F_TARGET_USER_NAME));
            set_sid(call, lg_event_str(ev, LG_F_TARGET_USER_SID));
            lg_event_set_u64(call->ev, LG_F_LOGON_ID, lg_event_u64(ev, LG_F_TARGET_LOGON_ID));
        } else
            set_subject(call);
        break;
    case LG_WU_HEADER:
        if (!lg_event_has(ev, LG_F_USER))
            set_account(call, rec->user_domain, rec->user_name);
        set_sid(call, rec->user_sid);
        break;
    }
}

/* ---- mapping ---- */

static bool asks_message(struct lg_win_record *rec, const struct lg_win_event *def)
{
    bool asks = false, has_data = false;

    for (size_t i = 0; i < def->n_rows; i++)
        if (lg_win_has(rec, def->rows[i].key))
            has_data = true;
        else if ((def->rows[i].flags & LG_WR_ASK) != 0)
            asks = true;
    rec->message_only = !has_data;
    return asks;
}

static bool is_empty(const struct lg_win_record *rec, enum lg_win_key k)
{
    const struct lg_win_value *v = &rec->v[k];
    struct lg_str s;

    if (!lg_win_has(rec, k))
        return true;
    if (v->json.at != NULL && lg_jval_type(v->json) != LG_JSON_STRING)
        return lg_jval_type(v->json) == LG_JSON_NULL;
    s = lg_win_text(rec, k);
    return s.n == 0 || lg_str_eq(s, LG_STR("-"));
}

static bool knows(
        const struct lg_event *ev, enum lg_field guid, enum lg_field pid, enum lg_field image)
{
    return lg_event_has(ev, guid) || lg_event_has(ev, pid) || lg_event_has(ev, image);
}

/* 0 when the event has what it cannot do without; else 1, and *ret of the dead letter is set. */
static int dead_for_fields(struct lg_norm_call *call, const struct lg_win_record *rec,
        const struct lg_win_event *def, int *ret)
{
    const struct lg_event *ev = call->ev;
    const char *what = NULL;

    for (size_t i = 0; i < def->n_rows; i++) {
        const struct lg_win_row *row = &def->rows[i];

        if ((row->flags & LG_WR_NEED) == 0 || lg_event_has(ev, row->field))
            continue;
        *ret = lg_norm_dead(call,
                is_empty(rec, row->key) ? LG_DEAD_MISSING_FIELD : LG_DEAD_BAD_FIELD, "event %u: %s",
                def->code, lg_win_key_name(row->key));
        return 1;
    }
    if ((def->flags & LG_WE_ACTOR) != 0 &&
            !knows(ev, LG_F_PROCESS_GUID, LG_F_PROCESS_ID, LG_F_IMAGE))
        what = "acting process";
    if ((def->flags & LG_WE_TARGET) != 0 &&
            !knows(ev, LG_F_TARGET_PROCESS_GUID, LG_F_TARGET_PROCESS_ID, LG_F_TARGET_IMAGE))
        what = "target process";
    if (what == NULL)
        return 0;
    *ret = lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "event %u: %s", def->code, what);
    return 1;
}

static void map_rows(
        struct lg_norm_call *call, struct lg_win_record *rec, const struct lg_win_event *def)
{
    for (size_t i = 0; i < def->n_rows; i++)
        if (lg_win_has(rec, def->rows[i].key))
            lg_win_convert(call, rec, &def->rows[i]);
    set_user(call, rec, def->user);
    if ((def->flags & LG_WE_IN_PROCESS) != 0) {
        if (rec->pid > 0)
            lg_event_set_u64(call->ev, LG_F_PROCESS_ID, rec->pid);
        if (rec->tid > 0)
            lg_event_set_u64(call->ev, LG_F_THREAD_ID, rec->tid);
    }
}

/* One event is one id, however its channel's name is written and to whatever digit a shipper
 * cuts its time. */
static int emit_with_identity(
        struct lg_norm_call *call, const struct lg_win_record *rec, enum lg_win_provider provider)
{
    char code[24], time[24];
    struct lg_str parts[5];

    if (rec->record_id.n == 0)
        return lg_norm_emit(call, NULL, 0);
    if (lg_parse_u64(rec->record_id, &call->ev->sequence) == 0)
        call->ev->channel = rec->channel;
    parts[0] = lg_win_provider_name(provider);
    parts[1] = lg_norm_lower(call, rec->channel);
    parts[2] = rec->record_id;
    parts[3] = lg_win_decimal(rec->code, code);
    parts[4] = lg_win_decimal((uint64_t)(call->ev->claimed_time_ns / NS_PER_MS), time);
    return lg_norm_emit(call, parts, 5);
}

int lg_win_emit(struct lg_norm_call *call, struct lg_win_record *rec)
{
    enum lg_win_provider provider;
    const struct lg_win_event *def;
    struct lg_event *ev;
    int rc;

    if (!rec->has_code)
        return lg_norm_dead(call, LG_DEAD_BAD_FIELD, "no event id");
    provider = lg_win_provider_of(rec->provider, rec->channel, rec->code);
    def = lg_win_event_find(provider, rec->code);
    if (def == NULL)
        return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "event %llu of %.*s",
                (unsigned long long)rec->code, rec->provider.n > 80 ? 80 : (int)rec->provider.n,
                rec->provider.p);

    ev = lg_norm_begin(call, def->source, def->type);
    ev->platform = LG_PLATFORM_WINDOWS;
    if (provider == LG_WP_SYSMON_LINUX) {
        ev->source = LG_SOURCE_SYSMON_LINUX;
        ev->platform = LG_PLATFORM_LINUX;
    }
    ev->code = def->code;
    if (rec->incomplete)
        ev->flags |= LG_EVF_INCOMPLETE;
    if (lg_norm_host(call, rec->computer) < 0 && !call->oom)
        return lg_norm_dead(call, LG_DEAD_MISSING_IDENTITY, "no usable computer name");
    if (rec->message.n > 0 && asks_message(rec, def))
        lg_win_fill_from_message(rec, def);
    map_rows(call, rec, def);
    if (call->oom)
        return lg_norm_dead(call, LG_DEAD_OUT_OF_MEMORY, "event %u", def->code);
    if (dead_for_fields(call, rec, def, &rc) != 0)
        return rc;
    if (!pick_time(call, rec, def, ev))
        return lg_norm_dead(call, LG_DEAD_BAD_TIME, "event %u: no time", def->code);
    return emit_with_identity(call, rec, provider);
}

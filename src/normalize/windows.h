#ifndef LG_NORMALIZE_WINDOWS_H
#define LG_NORMALIZE_WINDOWS_H

#include "normalize/format.h"

/*
 * What all Windows formats share; private to src/normalize. A format fills a lg_win_record (header
 * and data by key, in one pass over its members) and hands it to lg_win_emit, which knows the
 * events. Values borrow from the record or the call's arena. Thread: the call's.
 */

/* Keys keep the case of the source, see windows_keys.def. */
#define X(n) LG_WK_##n,
#define Y(n, key)
enum lg_win_key {
#include "normalize/windows_keys.def"
    LG_WIN_KEY_COUNT
};
#undef X
#undef Y

/* json.at == NULL: text. */
struct lg_win_value {
    struct lg_jval json;
    struct lg_str text;
};

/* How the header time of a record may be read, see lg_win_pick_time. */
enum lg_win_clock {
    LG_WIN_CLOCK_UTC,        /* true UTC */
    LG_WIN_CLOCK_FALSE_ZONE, /* add the stream's header_offset_ns */
    LG_WIN_CLOCK_12H,        /* so too, and hours run from 1 to 12 with no am or pm */
};

struct lg_win_record {
    struct lg_str provider;
    struct lg_str channel;
    struct lg_str computer;
    struct lg_str record_id; /* EventRecordID as text; empty: the source has none */
    struct lg_str message;   /* rendered text; asked for what the data lacks */
    struct lg_str user_name; /* account that the event log noted for the event */
    struct lg_str user_domain;
    struct lg_str user_sid;
    uint64_t code; /* event id */
    uint64_t pid;  /* process and thread that wrote the event, mostly a service; 0 = unknown */
    uint64_t tid;
    lg_time header_time; /* valid with has_time */
    enum lg_win_clock clock;
    bool has_code;
    bool has_time;
    bool incomplete;   /* its end was cut off */
    bool message_only; /* no data of the event came: the message may give all of them */
    char number[24];   /* room for record_id */
    uint64_t has[(LG_WIN_KEY_COUNT + 63) / 64];
    struct lg_win_value v[LG_WIN_KEY_COUNT]; /* valid where has[] is set */
};

/* Makes it empty without touching v[]. */
static inline void lg_win_record_clear(struct lg_win_record *rec)
{
    memset(rec, 0, offsetof(struct lg_win_record, v));
}
static inline bool lg_win_has(const struct lg_win_record *rec, enum lg_win_key k)
{
    return (rec->has[k / 64] >> (k % 64) & 1) != 0;
}
static inline void lg_win_unset(struct lg_win_record *rec, enum lg_win_key k)
{
    rec->has[k / 64] &= ~(UINT64_C(1) << (k % 64));
}
/* The first value of a key stays: a duplicate member further down cannot replace it. */
static inline void lg_win_put_json(struct lg_win_record *rec, enum lg_win_key k, struct lg_jval val)
{
    if (lg_win_has(rec, k))
        return;
    rec->v[k].json = val;
    rec->has[k / 64] |= UINT64_C(1) << (k % 64);
}
static inline void lg_win_put_text(struct lg_win_record *rec, enum lg_win_key k, struct lg_str s)
{
    if (lg_win_has(rec, k))
        return;
    rec->v[k].json.at = NULL;
    rec->v[k].text = s;
    rec->has[k / 64] |= UINT64_C(1) << (k % 64);
}

/* Row number of a name, or -1. */
int lg_win_key_of(struct lg_str name);
const char *lg_win_key_name(enum lg_win_key k);
/* Puts every member that has a key; other members are left alone. */
void lg_win_put_object(struct lg_win_record *rec, struct lg_jval obj);
/* The value's text; empty when unset or neither text nor a JSON string. */
struct lg_str lg_win_text(const struct lg_win_record *rec, enum lg_win_key k);
/* JSON string, or empty. */
static inline struct lg_str lg_win_str(struct lg_jval val)
{
    return lg_jval_type(val) == LG_JSON_STRING ? lg_jval_str(val) : lg_str_of("", 0);
}
/* Sets record_id from a string or a number. */
void lg_win_set_record_id(struct lg_win_record *rec, struct lg_jval val);
/* Sets code; a value that is no number leaves it unset. */
void lg_win_set_code(struct lg_win_record *rec, struct lg_jval val);
void lg_win_set_time(struct lg_win_record *rec, struct lg_jval val);
/* Winlogbeat's {identifier, name, domain}. */
void lg_win_set_user(struct lg_win_record *rec, struct lg_jval user);

/* Maps the record to an event and emits it, or emits a dead letter that says why not. */
int lg_win_emit(struct lg_norm_call *call, struct lg_win_record *rec) LG_MUST_CHECK;

/* UtcTime minus header time, for Sysmon events whose UtcTime can be trusted. */
bool lg_win_header_skew(struct lg_win_record *rec, int64_t *ret_ns);

/*
 * Reads a Windows event, EventData, UserData or DataItem element into `rec`. 0, LG_EPARSE,
 * LG_ELIMIT (depth), LG_ENOMEM, or LG_ETRUNC when the event was cut off behind its System part: rec
 * then holds the values that are whole.
 */
int lg_win_parse_xml(
        struct lg_norm_call *call, struct lg_str xml, struct lg_win_record *rec) LG_MUST_CHECK;

/* Offset of the event's tag in the first bytes of a record; 0 also past a byte order mark and an
 * XML declaration; -1 when there is none. */
ptrdiff_t lg_win_event_start(struct lg_str head);
/* One XML event from text to emit; `computer` stands in where the event names none. */
int lg_win_normalize_xml(
        struct lg_norm_call *call, struct lg_str xml, struct lg_str computer) LG_MUST_CHECK;

struct lg_win_row;
/* Sets one field from the record's value of the row's key, which must be there. */
void lg_win_convert(
        struct lg_norm_call *call, const struct lg_win_record *rec, const struct lg_win_row *row);

struct lg_win_event;
/* Fills keys of `ev` that the record lacks from its rendered message: those with LG_WR_ASK, or all
 * where message_only is set. */
void lg_win_fill_from_message(struct lg_win_record *rec, const struct lg_win_event *ev);
/* Sets fields from the "Name=value" lines of a PowerShell context; set fields stay. */
void lg_win_set_context(struct lg_norm_call *call, struct lg_str text);
/* Decimal digits of `u`; `out` is what the result borrows from. */
struct lg_str lg_win_decimal(uint64_t u, char out[24]);

#endif

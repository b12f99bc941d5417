#ifndef LG_ALERT_ALERT_H
#define LG_ALERT_ALERT_H

#include "alert/inference.h"
#include "alert/lifecycle.h"
#include "base/buf.h"

/*
 * The alert record: what the API answers (AlertResponse) and what `logster-alerts` carries, from
 * one writer. Plain data; who made it says who owns the strings (stores: the caller's arena).
 */
struct lg_alert {
    struct lg_uuid alert_id; /* (tenant, fold key, first inference_id) */
    struct lg_str tenant_id;
    struct lg_str endpoint_id;
    struct lg_str hostname;
    struct lg_str platform;
    enum lg_severity severity;
    enum lg_alert_status status;
    struct lg_str title;
    struct lg_str description;
    double attack_prob; /* largest of its verdicts */
    lg_time first_seen; /* event time */
    lg_time last_seen;
    lg_time received_at; /* arrival of the newest event behind it */
    lg_time created_at;  /* our clock */
    lg_time updated_at;
    uint64_t occurrences;     /* rows in alert_inferences */
    struct lg_str techniques; /* JSON array of ids, ascending */
    struct lg_str evidence;   /* JSON array: the evidence of the strongest verdict */
    struct lg_str fold_key;   /* 32 hex digits */
    struct lg_str process;    /* image of the process that it is about; may be empty */
    struct lg_str process_guid;
    struct lg_str process_hash;
    struct lg_str user;
    struct lg_str assignee;      /* empty: none */
    struct lg_str resolved_by;   /* empty: none */
    struct lg_str analyst_notes; /* the latest */
    struct lg_uuid first_inference_id;
    struct lg_uuid last_inference_id;
    bool has_previous;
    struct lg_uuid previous_alert_id;
    bool recurrence_of_false_positive;
    uint64_t version; /* grows with every change; the ETag */
};

/* One step of an alert's life. `actor` comes from the authenticated principal. */
struct lg_alert_history {
    uint64_t seq; /* in the store's order */
    lg_time at;
    struct lg_str actor;
    struct lg_str action; /* created, folded, severity, status, assignee, notes */
    struct lg_str from;
    struct lg_str to;
    struct lg_str notes;
};

#define LG_ALERT_TITLE_MAX 200
#define LG_ALERT_DESCRIPTION_MAX 2000
#define LG_ALERT_NOTES_MAX 10000
#define LG_ALERT_NAME_MAX 200 /* assignee, owner, actor */

/* One JSON object without a newline; appends. */
void lg_alert_write(const struct lg_alert *al, struct lg_buf *out);
void lg_alert_history_write(const struct lg_alert_history *h, struct lg_buf *out);
/* Entity tag of a version: "\"7\"". LG_ALERT_ETAG_MAX holds it and a NUL. */
#define LG_ALERT_ETAG_MAX 24
void lg_alert_etag(uint64_t version, char out[LG_ALERT_ETAG_MAX]);
/* Reads an If-Match list: 0 when it names `version` or is "*", LG_EREFUSED when not, LG_EPARSE. */
int lg_alert_etag_match(struct lg_str if_match, uint64_t version) LG_MUST_CHECK;

/* "Credential Access on hr001: powershell.exe"; bounded, no control characters. */
void lg_alert_title(const struct lg_inference *in, struct lg_buf *out);
/* Sentences made from typed facts of the evidence and techniques. */
void lg_alert_description(const struct lg_inference *in, struct lg_buf *out);
/* ATT&CK tactic of a technique id ("Credential Access"), NULL where it is not known. */
const char *lg_alert_tactic(struct lg_str technique);
bool lg_technique_valid(struct lg_str s); /* T1234 or T1234.567 */

#endif

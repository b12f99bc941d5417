#ifndef LG_SERVICES_NOTIFY_FORMAT_H
#define LG_SERVICES_NOTIFY_FORMAT_H

#include "alert/severity.h"
#include "base/buf.h"
#include "base/parse.h"
#include "crypto/hmac.h"
#include "crypto/ids.h"
#include "json/json.h"

/*
 * What receivers of notifications get to read (docs/notifications.md). Pure. Text of the alert is
 * an outsider's: it cannot end a field, a line or a message. Thread: any.
 */
enum lg_notice_event {
    LG_NOTICE_CREATED,
    LG_NOTICE_SEVERITY, /* it rose */
    LG_NOTICE_REOPENED,
    LG_NOTICE_EVENT_COUNT
};
const char *lg_notice_event_name(enum lg_notice_event e); /* created, severity_raised, reopened */

struct lg_notice {
    enum lg_notice_event event;
    struct lg_uuid delivery_id;
    enum lg_severity severity;
    struct lg_jval alert; /* as lg_alert_write wrote it ... */
    struct lg_str json;   /* ... and its text */
    lg_time at;
    const char *version; /* of the program */
};

/* An alert's text past this goes without its evidence. */
#define LG_NOTIFY_ALERT_MAX (256u << 10)
/* {"event", "delivery_id", "text", "alert"} */
void lg_notify_webhook_body(const struct lg_notice *n, struct lg_buf *out);
/* One CEF message (ArcSight Common Event Format, version 0), without a syslog header. */
void lg_notify_cef(const struct lg_notice *n, struct lg_buf *out);
/* The webhook's body without evidence: a line of syslog is small. */
void lg_notify_json(const struct lg_notice *n, struct lg_buf *out);

/* This machine's name for syslog; "-" when it has none. */
void lg_notify_host(char *out, size_t cap);
/* RFC 5424 header of facility `facility`: "<PRI>1 TIME HOST logster - MSGID - ". */
#define LG_SYSLOG_AUTH 4
#define LG_SYSLOG_AUDIT 13
void lg_notify_syslog_header(int facility, int severity, lg_time at, const char *host,
        const char *msgid, struct lg_buf *out);
int lg_notify_syslog_severity(enum lg_severity s); /* 5 notice .. 2 critical */

/* "sha256=" and the hex HMAC-SHA256 of `timestamp` "." `body`; the timestamp in epoch seconds. */
#define LG_NOTIFY_SIGNATURE_MAX (7 + 2 * LG_HMAC_SHA256_BYTES + 1)
void lg_notify_sign(struct lg_str secret, int64_t timestamp, struct lg_str body,
        char out[LG_NOTIFY_SIGNATURE_MAX]);

/* Pause after the n-th failed attempt (from 1): doubling from a second to five minutes, and up to a
 * quarter more by the delivery's id, so that not all come at once. */
int64_t lg_notify_backoff(uint32_t attempts, const struct lg_uuid *id);

#endif

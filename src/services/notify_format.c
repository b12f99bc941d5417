#include "services/notify_format.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "json/write.h"

/* Extension values of CEF are 1,023 characters at most where its dictionary tells. */
#define CEF_VALUE_MAX 1000
#define BACKOFF_MAX_NS (300 * LG_NS_PER_SEC)

const char *lg_notice_event_name(enum lg_notice_event e)
{
    static const char *const names[LG_NOTICE_EVENT_COUNT] = {[LG_NOTICE_CREATED] = "created",
            [LG_NOTICE_SEVERITY] = "severity_raised",
            [LG_NOTICE_REOPENED] = "reopened"};

    return names[e];
}

/* At most `max` bytes, cut before a character that does not fit. */
static struct lg_str cut(struct lg_str s, size_t max)
{
    size_t n = s.n > max ? max : s.n;

    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return lg_str_sub(s, 0, n);
}

/* The alert's text without its evidence. In lg_alert_write's text a quote inside a string is
 * escaped, so that a bare `,"evidence":[` is the member itself; its end is the next member's name. */
static void put_without_evidence(struct lg_buf *out, struct lg_str json)
{
    const struct lg_str start = LG_STR(",\"evidence\":["), end = LG_STR("],\"assignee\":");
    ptrdiff_t from = lg_str_find(json, start), to = -1;

    if (from >= 0)
        to = lg_str_find(lg_str_sub(json, (size_t)from, json.n), end);
    if (to < 0) {
        lg_buf_adds(out, json);
        return;
    }
    lg_buf_adds(out, lg_str_sub(json, 0, (size_t)from + start.n));
    lg_buf_adds(out, lg_str_sub(json, (size_t)from + (size_t)to, json.n));
}

static void put_body(const struct lg_notice *n, bool evidence, struct lg_buf *out)
{
    char id[LG_UUID_TEXT + 1];
    struct lg_jw w;

    lg_uuid_text(&n->delivery_id, id);
    lg_jw_init(&w, out);
    lg_jw_object(&w);
    LG_JW_STR(&w, "event", lg_str_z(lg_notice_event_name(n->event)));
    LG_JW_STR(&w, "delivery_id", lg_str_of(id, LG_UUID_TEXT));
    lg_jw_key(&w, LG_STR("text"));
    lg_jw_raw(&w, LG_STR("\"["));
    lg_buf_adds(out, lg_str_z(lg_severity_name(n->severity)));
    lg_buf_adds(out, LG_STR("] "));
    lg_json_escape(out, lg_jval_get_str(n->alert, LG_STR("title")));
    lg_buf_addc(out, '"');
    lg_jw_key(&w, LG_STR("alert"));
    if (evidence)
        lg_jw_raw(&w, n->json);
    else {
        lg_jw_raw(&w, LG_STR(""));
        put_without_evidence(out, n->json);
    }
    lg_jw_object_end(&w);
}

void lg_notify_webhook_body(const struct lg_notice *n, struct lg_buf *out)
{
    put_body(n, n->json.n <= LG_NOTIFY_ALERT_MAX, out);
}

void lg_notify_json(const struct lg_notice *n, struct lg_buf *out)
{
    put_body(n, false, out);
}

/* ---- CEF ---- */

/* Header fields: \ and | are escaped; there is no way to write a line break. */
static void put_header(struct lg_buf *out, struct lg_str s)
{
    s = cut(s, 512);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' || s.p[i] == '|')
            lg_buf_addc(out, '\\');
        lg_buf_addc(out, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i]);
    }
    lg_buf_addc(out, '|');
}

/* Extension values: \ and = are escaped, line breaks are \n and \r; `|` is plain here. */
static void put_value(struct lg_buf *out, struct lg_str s)
{
    s = cut(s, CEF_VALUE_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '\n' || c == '\r') {
            lg_buf_adds(out, c == '\n' ? LG_STR("\\n") : LG_STR("\\r"));
            continue;
        }
        if (c == '\\' || c == '=')
            lg_buf_addc(out, '\\');
        lg_buf_addc(out, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
    }
}

static void put_text(struct lg_buf *out, const char *key, struct lg_str value)
{
    if (value.n == 0)
        return;
    lg_buf_printf(out, " %s=", key);
    put_value(out, value);
}

static void put_custom(struct lg_buf *out, int i, const char *label, struct lg_str value)
{
    if (value.n == 0)
        return;
    lg_buf_printf(out, " cs%dLabel=%s cs%d=", i, label, i);
    put_value(out, value);
}

static double number_of(struct lg_jval alert, struct lg_str key)
{
    struct lg_jval v;

    if (!lg_jval_get(alert, key, &v))
        return 0;
    switch (lg_jval_type(v)) {
    case LG_JSON_DOUBLE:
        return lg_jval_double(v);
    case LG_JSON_I64:
        return (double)lg_jval_i64(v);
    default:
        return 0;
    }
}

/* Milliseconds since the epoch, as CEF's times are. */
static void put_time(struct lg_buf *out, const char *key, double seconds)
{
    if (seconds > 0 && seconds < 1e11)
        lg_buf_printf(out, " %s=%lld", key, (long long)(seconds * 1000));
}

/* "T1003,T1059.001"; *ret_first is the first of them. */
static void join_techniques(struct lg_jval alert, struct lg_buf *out, struct lg_str *ret_first)
{
    struct lg_jval list, one;
    struct lg_jiter it;

    *ret_first = LG_STR("");
    if (!lg_jval_get(alert, LG_STR("ttp_techniques"), &list) || lg_jval_type(list) != LG_JSON_ARRAY)
        return;
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &one)) {
        if (lg_jval_type(one) != LG_JSON_STRING)
            continue;
        if (ret_first->n == 0)
            *ret_first = lg_jval_str(one);
        else
            lg_buf_addc(out, ',');
        lg_buf_adds(out, lg_jval_str(one));
    }
}

static void put_extension(const struct lg_notice *n, struct lg_str techniques, struct lg_buf *out)
{
    struct lg_jval al = n->alert;
    double count = number_of(al, LG_STR("occurrences"));

    /* the first one has no space before it: the header's bar ends there */
    lg_buf_printf(out, "rt=%lld", (long long)(n->at / 1000000));
    put_text(out, "act", lg_str_z(lg_notice_event_name(n->event)));
    put_text(out, "externalId", lg_jval_get_str(al, LG_STR("alert_id")));
    put_text(out, "dhost", lg_jval_get_str(al, LG_STR("hostname")));
    put_text(out, "duser", lg_jval_get_str(al, LG_STR("user")));
    put_text(out, "dproc", lg_jval_get_str(al, LG_STR("process")));
    put_text(out, "fileHash", lg_jval_get_str(al, LG_STR("process_hash")));
    put_time(out, "start", number_of(al, LG_STR("first_seen")));
    put_time(out, "end", number_of(al, LG_STR("last_seen")));
    if (count >= 1 && count < 1e9)
        lg_buf_printf(out, " cnt=%d", (int)count);
    put_custom(out, 1, "techniques", techniques);
    put_custom(out, 2, "tenant", lg_jval_get_str(al, LG_STR("tenant_id")));
    put_custom(out, 3, "endpoint", lg_jval_get_str(al, LG_STR("endpoint_id")));
    put_custom(out, 4, "status", lg_jval_get_str(al, LG_STR("status")));
    put_custom(out, 5, "previousAlert", lg_jval_get_str(al, LG_STR("previous_alert_id")));
    lg_buf_printf(
            out, " cfp1Label=attackProbability cfp1=%.4f", number_of(al, LG_STR("attack_prob")));
    put_text(out, "msg", lg_jval_get_str(al, LG_STR("description")));
}

void lg_notify_cef(const struct lg_notice *n, struct lg_buf *out)
{
    static const int grades[LG_SEVERITY_COUNT] = {3, 5, 8, 10};
    struct lg_str first;
    struct lg_buf techniques;

    lg_buf_init(&techniques, 64u << 10);
    join_techniques(n->alert, &techniques, &first);
    lg_buf_adds(out, LG_STR("CEF:0|Logster|Logster|"));
    put_header(out, lg_str_z(n->version));
    put_header(out, first.n > 0 ? first : LG_STR("alert"));
    put_header(out, lg_jval_get_str(n->alert, LG_STR("title")));
    lg_buf_printf(out, "%d|", grades[n->severity]);
    put_extension(n, lg_buf_str(&techniques), out);
    if (techniques.failed < 0 && out->failed == 0)
        out->failed = techniques.failed;
    lg_buf_done(&techniques);
}

/* ---- carrying ---- */

int lg_notify_syslog_severity(enum lg_severity s)
{
    static const int levels[LG_SEVERITY_COUNT] = {5, 4, 3, 2};

    return levels[s];
}

void lg_notify_host(char *out, size_t cap)
{
    if (gethostname(out, cap) < 0 || *out == '\0')
        (void)snprintf(out, cap, "-");
    out[cap - 1] = '\0';
    for (char *p = out; *p != '\0'; p++) /* RFC 5424 wants printable ASCII without spaces */
        if (*p <= ' ' || *p > '~')
            *p = '-';
}

void lg_notify_syslog_header(int facility, int severity, lg_time at, const char *host,
        const char *msgid, struct lg_buf *out)
{
    char when[LG_TIME_ISO_MAX];

    (void)lg_time_iso(at, when);
    lg_buf_printf(out, "<%d>1 %s %s logster - %s - ", facility * 8 + severity, when, host, msgid);
}

void lg_notify_sign(struct lg_str secret, int64_t timestamp, struct lg_str body,
        char out[LG_NOTIFY_SIGNATURE_MAX])
{
    char when[24];
    int n = snprintf(when, sizeof(when), "%lld.", (long long)timestamp);
    const struct lg_str parts[] = {lg_str_of(when, (size_t)n), body};
    uint8_t mac[LG_HMAC_SHA256_BYTES];

    lg_hmac_sha256(secret, parts, 2, mac);
    memcpy(out, "sha256=", 7);
    lg_hex_encode(mac, sizeof(mac), out + 7);
}

int64_t lg_notify_backoff(uint32_t attempts, const struct lg_uuid *id)
{
    uint32_t doublings = attempts > 0 ? attempts - 1 : 0;
    int64_t pause = doublings >= 9 ? BACKOFF_MAX_NS : LG_NS_PER_SEC << doublings;

    if (pause > BACKOFF_MAX_NS)
        pause = BACKOFF_MAX_NS;
    return pause + pause / 4 * id->b[0] / 255;
}

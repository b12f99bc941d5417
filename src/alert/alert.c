#include <string.h>

#include "alert/alert.h"
#include "alert/feedback.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "json/write.h"

bool lg_technique_valid(struct lg_str s)
{
    if ((s.n != 5 && s.n != 9) || s.p[0] != 'T')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (i == 5 ? s.p[i] != '.' : s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

const char *lg_alert_tactic(struct lg_str technique)
{
#define X(id, tactic) {id, tactic},
    static const struct {
        const char *id, *tactic;
    } table[] = {
#include "alert/tactics.def"
    };
#undef X
    size_t lo = 0, hi = sizeof(table) / sizeof(*table);

    if (technique.n < 5)
        return NULL;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = memcmp(technique.p, table[mid].id, 5);

        if (c == 0)
            return table[mid].tactic;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static void put_time_or_null(struct lg_jw *w, struct lg_str key, lg_time t)
{
    lg_jw_key(w, key);
    if (t != 0)
        lg_jw_time(w, t);
    else
        lg_jw_null(w);
}

static void put_str_or_null(struct lg_jw *w, struct lg_str key, struct lg_str s)
{
    lg_jw_key(w, key);
    if (s.n > 0)
        lg_jw_str(w, s);
    else
        lg_jw_null(w);
}

static void put_uuid(struct lg_jw *w, struct lg_str key, const struct lg_uuid *id)
{
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(id, text);
    lg_jw_key(w, key);
    lg_jw_str(w, lg_str_of(text, LG_UUID_TEXT));
}

static void put_json_array(struct lg_jw *w, struct lg_str key, struct lg_str json)
{
    lg_jw_key(w, key);
    lg_jw_raw(w, json.n > 0 ? json : LG_STR("[]"));
}

void lg_alert_write(const struct lg_alert *al, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;

    lg_jw_init(w, out);
    lg_jw_object(w);
    put_uuid(w, LG_STR("alert_id"), &al->alert_id);
    LG_JW_STR(w, "tenant_id", al->tenant_id);
    LG_JW_STR(w, "endpoint_id", al->endpoint_id);
    LG_JW_STR(w, "hostname", al->hostname);
    LG_JW_STR(w, "platform", al->platform);
    LG_JW_STR(w, "severity", lg_str_z(lg_severity_name(al->severity)));
    LG_JW_STR(w, "status", lg_str_z(lg_alert_status_name(al->status)));
    LG_JW_STR(w, "title", al->title);
    LG_JW_STR(w, "description", al->description);
    LG_JW_DOUBLE(w, "attack_prob", al->attack_prob);
    put_time_or_null(w, LG_STR("first_seen"), al->first_seen);
    put_time_or_null(w, LG_STR("last_seen"), al->last_seen);
    put_time_or_null(w, LG_STR("received_at"), al->received_at);
    put_time_or_null(w, LG_STR("created_at"), al->created_at);
    put_time_or_null(w, LG_STR("updated_at"), al->updated_at);
    LG_JW_U64(w, "occurrences", al->occurrences);
    put_json_array(w, LG_STR("ttp_techniques"), al->techniques);
    put_str_or_null(w, LG_STR("process"), al->process);
    put_str_or_null(w, LG_STR("process_guid"), al->process_guid);
    put_str_or_null(w, LG_STR("process_hash"), al->process_hash);
    put_str_or_null(w, LG_STR("user"), al->user);
    put_json_array(w, LG_STR("evidence"), al->evidence);
    put_str_or_null(w, LG_STR("assignee"), al->assignee);
    put_str_or_null(w, LG_STR("resolved_by"), al->resolved_by);
    put_str_or_null(w, LG_STR("analyst_notes"), al->analyst_notes);
    put_uuid(w, LG_STR("first_inference_id"), &al->first_inference_id);
    put_uuid(w, LG_STR("last_inference_id"), &al->last_inference_id);
    if (al->has_previous)
        put_uuid(w, LG_STR("previous_alert_id"), &al->previous_alert_id);
    else
        LG_JW_NULL(w, "previous_alert_id");
    LG_JW_BOOL(w, "recurrence_of_false_positive", al->recurrence_of_false_positive);
    LG_JW_U64(w, "version", al->version);
    lg_jw_object_end(w);
}

void lg_alert_history_write(const struct lg_alert_history *h, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;

    lg_jw_init(w, out);
    lg_jw_object(w);
    put_time_or_null(w, LG_STR("at"), h->at);
    LG_JW_STR(w, "actor", h->actor);
    LG_JW_STR(w, "action", h->action);
    put_str_or_null(w, LG_STR("from"), h->from);
    put_str_or_null(w, LG_STR("to"), h->to);
    put_str_or_null(w, LG_STR("notes"), h->notes);
    lg_jw_object_end(w);
}

void lg_feedback_write(const struct lg_feedback *f, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;

    lg_jw_init(w, out);
    lg_jw_object(w);
    put_uuid(w, LG_STR("feedback_id"), &f->feedback_id);
    LG_JW_STR(w, "tenant_id", f->tenant_id);
    put_uuid(w, LG_STR("alert_id"), &f->alert_id);
    put_uuid(w, LG_STR("inference_id"), &f->inference_id);
    LG_JW_BOOL(w, "is_true_positive", f->is_true_positive);
    put_str_or_null(w, LG_STR("note"), f->note);
    LG_JW_STR(w, "author", f->author);
    put_time_or_null(w, LG_STR("created_at"), f->created_at);
    lg_jw_object_end(w);
}

void lg_alert_etag(uint64_t version, char out[LG_ALERT_ETAG_MAX])
{
    struct lg_buf b;
    struct lg_jw w;
    size_t n;

    /* 20 digits at most: quotes and NUL fit */
    lg_buf_init(&b, LG_ALERT_ETAG_MAX);
    lg_buf_addc(&b, '"');
    lg_jw_init(&w, &b);
    lg_jw_u64(&w, version);
    lg_buf_addc(&b, '"');
    n = b.failed == 0 && b.n < LG_ALERT_ETAG_MAX ? b.n : 0;
    if (n > 0)
        memcpy(out, b.p, n);
    out[n] = '\0';
    lg_buf_done(&b);
}

int lg_alert_etag_match(struct lg_str if_match, uint64_t version)
{
    struct lg_str part;
    uint64_t v;

    if (lg_str_eq(lg_str_trim(if_match), LG_STR("*")))
        return 0;
    if (lg_str_trim(if_match).n == 0)
        return LG_EPARSE;
    while (lg_str_split(&if_match, ',', &part)) {
        part = lg_str_trim(part);
        if (lg_str_starts(part, LG_STR("W/"))) /* If-Match compares strongly (RFC 9110, 13.1.1) */
            continue;
        if (part.n < 2 || part.p[0] != '"' || part.p[part.n - 1] != '"')
            return LG_EPARSE;
        if (lg_parse_u64(lg_str_sub(part, 1, part.n - 1), &v) == 0 && v == version)
            return 0;
    }
    return LG_EREFUSED;
}

/* Text of an outsider inside a sentence: no control characters, cut at a character's start. */
static void put_plain(struct lg_buf *out, struct lg_str s, size_t max)
{
    size_t n = s.n > max ? max : s.n;

    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        lg_buf_addc(out, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i]);
    if (n < s.n)
        lg_buf_adds(out, LG_STR("..."));
}

void lg_alert_title(const struct lg_inference *in, struct lg_buf *out)
{
    const struct lg_inference_evidence *p = lg_inference_process(in);
    const char *tactic = NULL;

    /* The evidence with the largest share names the deed better than the first technique does. */
    for (uint32_t i = 0; tactic == NULL && i < in->n_evidence; i++)
        for (uint32_t k = 0; tactic == NULL && k < in->evidence[i].n_techniques; k++)
            tactic = lg_alert_tactic(in->evidence[i].techniques[k]);
    for (uint32_t i = 0; tactic == NULL && i < in->n_techniques; i++)
        tactic = lg_alert_tactic(in->techniques[i]);
    lg_buf_adds(out, tactic != NULL ? lg_str_z(tactic) : LG_STR("Unusual activity"));
    lg_buf_adds(out, LG_STR(" on "));
    put_plain(out, in->endpoint_id, 80);
    if (p != NULL) {
        lg_buf_adds(out, LG_STR(": "));
        put_plain(out, lg_str_basename(p->name), 80);
    }
}

static void describe_process(const struct lg_inference_evidence *p, struct lg_buf *out)
{
    put_plain(out, p->name, 200);
    if (p->pid != 0)
        lg_buf_printf(out, " (pid %u)", p->pid);
    if (p->user.n > 0) {
        lg_buf_adds(out, LG_STR(", run by "));
        put_plain(out, p->user, 80);
    }
    if (p->command_line.n > 0) {
        lg_buf_adds(out, LG_STR(", with the command line: "));
        put_plain(out, p->command_line, 300);
    }
    lg_buf_adds(out, LG_STR(". "));
}

void lg_alert_description(const struct lg_inference *in, struct lg_buf *out)
{
    const struct lg_inference_evidence *p = lg_inference_process(in);
    char from[LG_TIME_ISO_MAX], to[LG_TIME_ISO_MAX];
    uint32_t shown = 0;

    (void)lg_time_iso(in->window_start, from);
    (void)lg_time_iso(in->window_end, to);
    if (p != NULL)
        describe_process(p, out);
    lg_buf_printf(out, "The verdict rests on %llu events between %s and %s",
            (unsigned long long)in->events, from, to);
    for (uint32_t i = 0; i < in->n_evidence && shown < 4; i++) {
        const struct lg_inference_evidence *e = &in->evidence[i];

        if (e == p)
            continue;
        lg_buf_adds(out, shown == 0 ? LG_STR("; beside it weigh ") : LG_STR(", "));
        put_plain(out, e->type, 20);
        lg_buf_addc(out, ' ');
        put_plain(out, e->name, 120);
        lg_buf_printf(out, " (%.0f %%)", e->share * 100);
        shown++;
    }
    lg_buf_addc(out, '.');
    for (uint32_t i = 0; i < in->n_techniques && i < 12; i++) {
        lg_buf_adds(out, i == 0 ? LG_STR(" Techniques: ") : LG_STR(", "));
        lg_buf_adds(out, in->techniques[i]);
    }
    if (in->n_techniques > 0)
        lg_buf_addc(out, '.');
    if (in->truncated > 0)
        lg_buf_printf(out, " %llu nodes or edges lay over the window's cap.",
                (unsigned long long)in->truncated);
}

#include "alert/suppress.h"
#include "base/limits.h"
#include "json/write.h"

bool lg_glob_match(struct lg_str pattern, struct lg_str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, back = 0;

    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            back = i;
        } else if (p < pattern.n && lg_ascii_lower(pattern.p[p]) == lg_ascii_lower(s.p[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool only_stars(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '*')
            return false;
    return true;
}

int lg_suppression_check(const struct lg_suppression *s, lg_time now, struct lg_err *reterr)
{
    if (s->tenant_id.n == 0 || s->tenant_id.n > LG_MAX_TENANT_BYTES)
        return lg_err_set(reterr, LG_EINVAL, "tenant_id: wanted");
    if (s->owner.n == 0 || s->owner.n > LG_ALERT_NAME_MAX)
        return lg_err_set(reterr, LG_EINVAL, "owner: wanted, at most %d bytes", LG_ALERT_NAME_MAX);
    if (lg_str_trim(s->reason).n == 0 || s->reason.n > LG_SUPPRESSION_TEXT_MAX)
        return lg_err_set(
                reterr, LG_EINVAL, "reason: wanted, at most %d bytes", LG_SUPPRESSION_TEXT_MAX);
    if (s->endpoint_id.n > LG_SUPPRESSION_TEXT_MAX || s->process.n > LG_SUPPRESSION_TEXT_MAX ||
            s->hash.n > LG_SUPPRESSION_TEXT_MAX)
        return lg_err_set(
                reterr, LG_EINVAL, "a condition is longer than %d bytes", LG_SUPPRESSION_TEXT_MAX);
    if (only_stars(s->endpoint_id) && only_stars(s->process) && s->hash.n == 0 &&
            s->technique.n == 0)
        return lg_err_set(reterr, LG_EINVAL,
                "conditions: name an endpoint, process, hash or technique; a whole tenant cannot "
                "be silenced");
    if (s->technique.n > 0 && !lg_technique_valid(s->technique))
        return lg_err_set(reterr, LG_EINVAL, "technique: like T1059 or T1059.001");
    if (s->permanent)
        return s->expires_at == 0
                ? 0
                : lg_err_set(reterr, LG_EINVAL, "expires_at: not with \"permanent\"");
    if (s->expires_at <= now || s->expires_at - now > LG_SUPPRESSION_LIFE_MAX)
        return lg_err_set(reterr, LG_EINVAL,
                "expires_at: wanted, in the future and within 366 days, or \"permanent\": true");
    return 0;
}

static bool covers(struct lg_str rule, struct lg_str technique)
{
    return lg_str_eq(rule, technique) ||
            (rule.n == 5 && technique.n == 9 && lg_str_starts(technique, rule));
}

static bool process_holds(struct lg_str rule, struct lg_str image)
{
    if (image.n == 0)
        return false;
    return lg_glob_match(rule, image) ||
            (lg_str_eq(lg_str_basename(rule), rule) && lg_glob_match(rule, lg_str_basename(image)));
}

static bool conditions_hold(const struct lg_suppression *s, struct lg_str tenant,
        struct lg_str endpoint, struct lg_str process, struct lg_str hash)
{
    return lg_str_eq(s->tenant_id, tenant) &&
            (s->endpoint_id.n == 0 || lg_glob_match(s->endpoint_id, endpoint)) &&
            (s->process.n == 0 || process_holds(s->process, process)) &&
            (s->hash.n == 0 || (hash.n > 0 && lg_str_ieq(s->hash, hash)));
}

bool lg_suppression_hides(
        const struct lg_suppression *s, const struct lg_inference *in, lg_time now)
{
    const struct lg_inference_evidence *p = lg_inference_process(in);

    if (s->revoked || (!s->permanent && now >= s->expires_at))
        return false;
    if (!conditions_hold(s, in->tenant_id, in->endpoint_id, p != NULL ? p->name : LG_STR(""),
                p != NULL ? p->hash : LG_STR("")))
        return false;
    if (s->technique.n > 0 && in->n_techniques == 0)
        return false;
    for (uint32_t i = 0; s->technique.n > 0 && i < in->n_techniques; i++)
        if (!covers(s->technique, in->techniques[i]))
            return false;
    return true;
}

bool lg_suppression_would_hide(const struct lg_suppression *s, const struct lg_alert *al)
{
    struct lg_str rest =
            lg_str_sub(al->techniques, 1, al->techniques.n > 0 ? al->techniques.n - 1 : 0);
    struct lg_str part;
    bool any = false;

    if (!conditions_hold(s, al->tenant_id, al->endpoint_id, al->process, al->process_hash))
        return false;
    if (s->technique.n == 0)
        return true;
    while (lg_str_split(&rest, ',', &part)) {
        any = true;
        if (!covers(s->technique, lg_str_sub(part, 1, part.n > 0 ? part.n - 1 : 0)))
            return false;
    }
    return any;
}

static void put(struct lg_jw *w, struct lg_str key, struct lg_str s)
{
    lg_jw_key(w, key);
    if (s.n > 0)
        lg_jw_str(w, s);
    else
        lg_jw_null(w);
}

void lg_suppression_write(const struct lg_suppression *s, struct lg_buf *out)
{
    struct lg_jw jw, *w = &jw;
    char id[LG_UUID_TEXT + 1];

    lg_uuid_text(&s->suppression_id, id);
    lg_jw_init(w, out);
    lg_jw_object(w);
    LG_JW_STR(w, "suppression_id", lg_str_of(id, LG_UUID_TEXT));
    LG_JW_STR(w, "tenant_id", s->tenant_id);
    put(w, LG_STR("endpoint_id"), s->endpoint_id);
    put(w, LG_STR("process"), s->process);
    put(w, LG_STR("hash"), s->hash);
    put(w, LG_STR("technique"), s->technique);
    LG_JW_STR(w, "owner", s->owner);
    LG_JW_STR(w, "reason", s->reason);
    lg_jw_key(w, LG_STR("created_at"));
    lg_jw_time(w, s->created_at);
    lg_jw_key(w, LG_STR("expires_at"));
    if (s->expires_at != 0)
        lg_jw_time(w, s->expires_at);
    else
        lg_jw_null(w);
    LG_JW_BOOL(w, "permanent", s->permanent);
    LG_JW_BOOL(w, "revoked", s->revoked);
    LG_JW_U64(w, "hits", s->hits);
    lg_jw_object_end(w);
}

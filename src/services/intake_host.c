/*
 * Where a record belongs: a cheap look at the members that formats keep their host in. The
 * normalizer decides what the endpoint is; this only has to give one endpoint's records the same
 * key, so that they stay in order in one partition.
 */
#include <string.h>

#include "base/limits.h"
#include "services/intake_int.h"

struct member {
    struct lg_str key, inner; /* inner: the member is an object that holds it */
};
#define M(k)                                                                                       \
    {                                                                                              \
        {k, sizeof(k) - 1},                                                                        \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }
#define MM(k, i)                                                                                   \
    {                                                                                              \
        {k, sizeof(k) - 1},                                                                        \
        {                                                                                          \
            i, sizeof(i) - 1                                                                       \
        }                                                                                          \
    }

/* Best first: the event's own computer before the collector's host. */
static const struct member places[] = {
        MM("winlog", "computer_name"),
        M("computer_name"),
        M("Computer"),
        M("ComputerName"),
        M("MachineName"),
        M("Hostname"),
        MM("System", "Computer"),
        M("hostname"),
        M("hostName"),
        M("node_name"),
        M("NODE"),
        M("node"),
        MM("host", "hostname"),
        MM("host", "name"),
        M("host"),
        M("HOST"),
        M("_HOSTNAME"),
        M("fromhost"),
        MM("agent", "hostname"),
        MM("beat", "hostname"),
};
#define N_PLACES (sizeof(places) / sizeof(*places))

static struct lg_str string_of(struct lg_jval v)
{
    return lg_jval_type(v) == LG_JSON_STRING ? lg_jval_str(v) : (struct lg_str){0};
}

struct lg_str lg_intake_host(struct lg_jval root)
{
    struct lg_str best = {0}, key;
    size_t best_at = N_PLACES;
    struct lg_jiter it;
    struct lg_jval v, event;

    if (root.at == NULL || lg_jval_type(root) != LG_JSON_OBJECT)
        return best;
    it = lg_jiter_of(root);
    while (best_at > 0 && lg_jiter_member(&it, &key, &v)) {
        for (size_t i = 0; i < best_at; i++) {
            struct lg_str s;

            if (!lg_str_eq(key, places[i].key))
                continue;
            if (places[i].inner.n == 0)
                s = string_of(v);
            else
                s = lg_jval_type(v) == LG_JSON_OBJECT ? lg_jval_get_str(v, places[i].inner)
                                                      : (struct lg_str){0};
            if (s.n == 0 || s.n > LG_MAX_HOSTNAME_BYTES)
                continue;
            best = s;
            best_at = i;
        }
    }
    if (best.n == 0 && lg_jval_path(root, "Event.System.Computer", &event))
        best = string_of(event);
    return best.n <= LG_MAX_HOSTNAME_BYTES ? best : (struct lg_str){0};
}

/* "node=web-1 type=SYSCALL ...", "<Event ...><Computer>WS1</Computer>" */
struct lg_str lg_intake_text_host(struct lg_str text)
{
    struct lg_str rest, host;
    ptrdiff_t at;

    if (lg_str_starts(text, LG_STR("node="))) {
        rest = lg_str_sub(text, 5, text.n);
        at = lg_str_chr(rest, ' ');
        host = lg_str_sub(rest, 0, at < 0 ? rest.n : (size_t)at);
        return host.n <= LG_MAX_HOSTNAME_BYTES ? host : (struct lg_str){0};
    }
    at = text.n > 0 && text.p[0] == '<' ? lg_str_find(text, LG_STR("<Computer>")) : -1;
    if (at < 0)
        return (struct lg_str){0};
    rest = lg_str_sub(text, (size_t)at + 10, text.n);
    at = lg_str_chr(rest, '<');
    host = lg_str_sub(rest, 0, at < 0 ? 0 : (size_t)at);
    return host.n <= LG_MAX_HOSTNAME_BYTES ? host : (struct lg_str){0};
}

static bool is_log_text(struct lg_str s)
{
    if (lg_str_starts(s, LG_STR("<Event")))
        return true;
    return (lg_str_starts(s, LG_STR("type=")) || lg_str_starts(s, LG_STR("node="))) &&
            lg_str_find(lg_str_sub(s, 0, 512), LG_STR("msg=audit(")) >= 0;
}

struct lg_str lg_intake_unwrap(struct lg_jval root)
{
    static const struct lg_str members[] = {{"message", 7}, {"msg", 3}, {"log", 3}, {"MESSAGE", 7}};
    enum { N = sizeof(members) / sizeof(*members) };
    struct lg_jval v, found[N] = {0};
    struct lg_str key;
    struct lg_jiter it;

    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return (struct lg_str){0};
    for (it = lg_jiter_of(root); lg_jiter_member(&it, &key, &v);) /* one walk for all of them */
        for (size_t i = 0; key.n <= 7 && i < N; i++)
            if (found[i].at == NULL && lg_str_eq(key, members[i]))
                found[i] = v;
    for (size_t i = 0; i < N; i++) {
        struct lg_str text;

        if (found[i].at == NULL || lg_jval_type(found[i]) != LG_JSON_STRING)
            continue;
        text = lg_str_trim(lg_jval_str(found[i]));
        if (is_log_text(text) && memchr(text.p, '\0', text.n) == NULL)
            return text;
    }
    return (struct lg_str){0};
}

enum lg_topic lg_intake_topic(struct lg_str text, struct lg_jval root, enum lg_topic fallback)
{
    static const struct {
        const char *key;
        enum lg_topic topic;
    } marks[] = {
            {"winlog", LG_TOPIC_SYSMON},
            {"event_data", LG_TOPIC_SYSMON},
            {"EventID", LG_TOPIC_SYSMON},
            {"EventCode", LG_TOPIC_SYSMON},
            {"EventData", LG_TOPIC_SYSMON},
            {"SourceName", LG_TOPIC_SYSMON},
            {"auditd", LG_TOPIC_AUDITD},
            {"SYSCALL", LG_TOPIC_AUDITD},
            {"output_fields", LG_TOPIC_EBPF_PROCESS},
            {"evt.type", LG_TOPIC_EBPF_PROCESS},
            {"process_exec", LG_TOPIC_EBPF_PROCESS},
            {"process_exit", LG_TOPIC_EBPF_PROCESS},
            {"process_kprobe", LG_TOPIC_EBPF_PROCESS},
    };
    struct lg_jval v;

    if (root.at == NULL) {
        if (lg_str_starts(text, LG_STR("<Event")))
            return lg_str_find(text, LG_STR("Linux-Sysmon")) >= 0 ? LG_TOPIC_AUDITD
                                                                  : LG_TOPIC_SYSMON;
        if (lg_str_starts(text, LG_STR("type=")) || lg_str_starts(text, LG_STR("node=")))
            return LG_TOPIC_AUDITD;
        return fallback;
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (lg_jval_get(root, lg_str_z(marks[i].key), &v))
            return marks[i].topic;
    return fallback;
}

enum lg_topic lg_intake_sourcetype_topic(
        struct lg_str sourcetype, struct lg_str source, enum lg_topic fallback)
{
    static const struct {
        const char *part;
        enum lg_topic topic;
    } parts[] = {
            {"WinEventLog", LG_TOPIC_SYSMON},
            {"Windows-Sysmon", LG_TOPIC_SYSMON},
            {"winlogbeat", LG_TOPIC_SYSMON},
            {"audit", LG_TOPIC_AUDITD},
            {"sysmon:linux", LG_TOPIC_AUDITD},
            {"sysmon_linux", LG_TOPIC_AUDITD},
            {"ebpf-file", LG_TOPIC_EBPF_FILE},
            {"ebpf-network", LG_TOPIC_EBPF_NETWORK},
            {"ebpf", LG_TOPIC_EBPF_PROCESS},
            {"falco", LG_TOPIC_EBPF_PROCESS},
            {"tetragon", LG_TOPIC_EBPF_PROCESS},
            {"tracee", LG_TOPIC_EBPF_PROCESS},
            {"sysmon", LG_TOPIC_SYSMON},
    };
    enum lg_topic topic = fallback;

    if (lg_topic_of_source(sourcetype, &topic) == 0)
        return topic;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (lg_str_ifind(sourcetype, lg_str_z(parts[i].part)) >= 0 ||
                lg_str_ifind(source, lg_str_z(parts[i].part)) >= 0)
            return parts[i].topic;
    return fallback;
}

static bool is_address(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.' && s.p[i] != ':')
            return lg_str_chr(s, ':') >= 0;
    return true;
}

size_t lg_intake_key(struct lg_str tenant, struct lg_str host, bool fqdn, char *out)
{
    const struct lg_str h = lg_str_trim(host);
    const ptrdiff_t dot = fqdn || is_address(h) ? -1 : lg_str_chr(h, '.');
    const size_t label = dot > 0 ? (size_t)dot : h.n;
    const size_t n = label < LG_MAX_HOSTNAME_BYTES ? label : LG_MAX_HOSTNAME_BYTES;
    const size_t t = tenant.n < LG_MAX_TENANT_BYTES ? tenant.n : LG_MAX_TENANT_BYTES;

    memcpy(out, tenant.p, t);
    out[t] = ':';
    for (size_t i = 0; i < n; i++)
        out[t + 1 + i] = lg_ascii_lower(h.p[i]);
    return t + 1 + n;
}

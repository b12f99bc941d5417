#include "services/topics.h"

#include <stddef.h>

static const char *const names[LG_TOPIC_COUNT] = {
#define LG_TOPIC_NAME(e, s) [LG_TOPIC_##e] = (s),
        LG_TOPICS(LG_TOPIC_NAME)
#undef LG_TOPIC_NAME
};

/* What shippers call their data. eBPF collectors that put all kinds into one stream go with the
 * process topic: the normalizer recognises records by content, topics only keep them apart. */
static const struct {
    const char *alias;
    enum lg_topic topic;
} aliases[] = {
        {"sysmon", LG_TOPIC_SYSMON},
        {"winlogbeat", LG_TOPIC_SYSMON},
        {"windows", LG_TOPIC_SYSMON},
        {"nxlog", LG_TOPIC_SYSMON},
        {"auditd", LG_TOPIC_AUDITD},
        {"auditbeat", LG_TOPIC_AUDITD},
        {"laurel", LG_TOPIC_AUDITD},
        {"linux", LG_TOPIC_AUDITD},
        {"sysmon-linux", LG_TOPIC_AUDITD},
        {"ebpf", LG_TOPIC_EBPF_PROCESS},
        {"ebpf-process", LG_TOPIC_EBPF_PROCESS},
        {"ebpf-file", LG_TOPIC_EBPF_FILE},
        {"ebpf-network", LG_TOPIC_EBPF_NETWORK},
        {"falco", LG_TOPIC_EBPF_PROCESS},
        {"sysdig", LG_TOPIC_EBPF_PROCESS},
        {"sysflow", LG_TOPIC_EBPF_PROCESS},
        {"tetragon", LG_TOPIC_EBPF_PROCESS},
        {"tracee", LG_TOPIC_EBPF_PROCESS},
};

const char *lg_topic_name(enum lg_topic t)
{
    return (unsigned)t < LG_TOPIC_COUNT ? names[t] : "unknown";
}

int lg_topic_of_source(struct lg_str source, enum lg_topic *ret)
{
    for (int t = 0; t < LG_TOPIC_RAW_COUNT; t++)
        if (lg_str_eq(source, lg_str_z(names[t]))) {
            *ret = (enum lg_topic)t;
            return 0;
        }
    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
        if (lg_str_eq(source, lg_str_z(aliases[i].alias))) {
            *ret = aliases[i].topic;
            return 0;
        }
    return LG_ENOENT;
}

int lg_topics_ensure(struct lg_bus *bus, const struct lg_config *cfg, struct lg_topics *ret,
        struct lg_err *reterr)
{
    for (int t = 0; t < LG_TOPIC_COUNT; t++) {
        bool dead = t == LG_TOPIC_DEAD_LETTER;
        bool state = t == LG_TOPIC_STATE;
        struct lg_bus_topic_spec spec = {
                .name = names[t],
                .partitions = (int32_t)cfg->bus.partitions,
                .retention_bytes =
                        dead ? cfg->bus.dead_letter_retention_bytes : cfg->bus.retention_bytes,
                .retention_age = dead ? cfg->bus.dead_letter_retention_ns : cfg->bus.retention_ns,
                .compacted = state,
        };
        int n;

        if (state)
            spec.retention_bytes = 0, spec.retention_age = 0;
        n = lg_bus_topic_ensure(bus, &spec, reterr);
        if (n < 0)
            return n;
        ret->n[t] = n;
    }
    return 0;
}

#include "services/topics.h"

#include <stddef.h>
#include <stdio.h>

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

/* TOPIC=TENANT:SOURCE[:trusted]; the configuration's check has seen its form. */
static int add_raw(struct lg_str item, struct lg_raw_topic *all, size_t *n, unsigned *listed,
        struct lg_err *reterr)
{
    const ptrdiff_t eq = lg_str_chr(item, '=');
    const struct lg_str topic = lg_str_sub(item, 0, eq < 0 ? 0 : (size_t)eq);
    struct lg_str rest = lg_str_sub(item, (size_t)(eq + 1), item.n), tenant, source;
    struct lg_raw_topic *r = NULL;
    enum lg_topic of;
    int known;

    if (!lg_str_split(&rest, ':', &tenant) || !lg_str_split(&rest, ':', &source) ||
            topic.n > LG_BUS_MAX_NAME_BYTES || tenant.n > LG_MAX_TENANT_BYTES)
        return lg_err_set(reterr, LG_EINVAL, "bus.kafka.sources: '%.*s'", LG_STR_FMT(item));
    if (lg_topic_of_source(source, &of) < 0)
        return lg_err_set(reterr, LG_EINVAL,
                "bus.kafka.sources: '%.*s' is no source that Logster "
                "knows",
                LG_STR_FMT(source));
    for (known = 0; known < LG_TOPIC_COUNT; known++)
        if (lg_str_eq(topic, lg_str_z(names[known])))
            break;
    if (known >= LG_TOPIC_RAW_COUNT && known < LG_TOPIC_COUNT)
        return lg_err_set(reterr, LG_EINVAL, "bus.kafka.sources: %s is no raw topic", names[known]);
    for (size_t i = LG_TOPIC_RAW_COUNT; i < *n; i++)
        if (lg_str_eq(topic, lg_str_z(all[i].name)))
            r = &all[i];
    if (r != NULL || (known < LG_TOPIC_COUNT && (*listed & 1u << known) != 0))
        return lg_err_set(
                reterr, LG_EINVAL, "bus.kafka.sources: %.*s stands twice", LG_STR_FMT(topic));
    if (known < LG_TOPIC_COUNT)
        *listed |= 1u << known;
    r = known < LG_TOPIC_COUNT ? &all[known] : &all[(*n)++];
    (void)snprintf(r->name, sizeof(r->name), "%.*s", LG_STR_FMT(topic));
    (void)snprintf(r->tenant, sizeof(r->tenant), "%.*s", LG_STR_FMT(tenant));
    r->trusted = rest.n > 0;
    return 0;
}

int lg_raw_topics(const struct lg_config *cfg, struct lg_raw_topic ret[LG_MAX_RAW_TOPICS],
        size_t *ret_n, struct lg_err *reterr)
{
    const struct lg_config_list *list = &cfg->bus.kafka.sources;
    const bool kafka = cfg->bus.type == LG_CONFIG_BUS_KAFKA;
    unsigned listed = 0; /* of the documented ones */
    int rc = 0;

    for (int t = 0; t < LG_TOPIC_RAW_COUNT; t++) {
        ret[t] = (struct lg_raw_topic){.trusted = !kafka};
        (void)snprintf(ret[t].name, sizeof(ret[t].name), "%s", names[t]);
        (void)snprintf(ret[t].tenant, sizeof(ret[t].tenant), "%.*s", (int)LG_MAX_TENANT_BYTES,
                cfg->identity.default_tenant);
    }
    *ret_n = LG_TOPIC_RAW_COUNT;
    for (size_t i = 0; rc == 0 && kafka && i < list->n; i++)
        rc = add_raw(lg_str_z(list->v[i]), ret, ret_n, &listed, reterr);
    return rc;
}

int lg_topics_plan(const struct lg_config *cfg, struct lg_topic_plan *ret, struct lg_err *reterr)
{
    int rc = lg_raw_topics(cfg, ret->raw, &ret->n_raw, reterr);

    if (rc < 0)
        return rc;
    for (ret->n = 0; ret->n < ret->n_raw; ret->n++)
        ret->spec[ret->n] = (struct lg_bus_topic_spec){.name = ret->raw[ret->n].name,
                .partitions = (int32_t)cfg->bus.partitions,
                .retention_bytes = cfg->bus.retention_bytes,
                .retention_age = cfg->bus.retention_ns,
                .arrival_time = true};
    for (int t = LG_TOPIC_RAW_COUNT; t < LG_TOPIC_COUNT; t++) {
        const bool dead = t == LG_TOPIC_DEAD_LETTER, state = t == LG_TOPIC_STATE;

        ret->spec[ret->n++] = (struct lg_bus_topic_spec){.name = names[t],
                .partitions = (int32_t)cfg->bus.partitions,
                .retention_bytes = state ? 0
                        : dead           ? cfg->bus.dead_letter_retention_bytes
                                         : cfg->bus.retention_bytes,
                .retention_age = state ? 0
                        : dead         ? cfg->bus.dead_letter_retention_ns
                                       : cfg->bus.retention_ns,
                .compacted = state};
    }
    return 0;
}

int lg_topics_ensure(struct lg_bus *bus, const struct lg_config *cfg, struct lg_topics *ret,
        struct lg_err *reterr)
{
    struct lg_topic_plan plan;
    int rc = lg_topics_plan(cfg, &plan, reterr);

    if (rc < 0)
        return rc;
    ret->n_raw = plan.n_raw;
    for (size_t i = 0; i < plan.n; i++) {
        const int n = lg_bus_topic_ensure(bus, &plan.spec[i], reterr);

        if (n < 0)
            return n;
        if (i < plan.n_raw)
            ret->raw[i] = n;
        if (i < LG_TOPIC_RAW_COUNT)
            ret->n[i] = n;
        if (i >= plan.n_raw)
            ret->n[i - plan.n_raw + LG_TOPIC_RAW_COUNT] = n;
    }
    return 0;
}

#include "kafka/cluster.h"

#include <stdarg.h>
#include <stdio.h>

#include "kafka/topics.h"

struct init {
    struct kf *k;
    const struct lg_kafka_init_options *opt;
    int differs;
};

const char *lg_kafka_step_name(enum lg_kafka_step step)
{
    static const char *const names[] = {[LG_KAFKA_AS_WANTED] = "as_wanted",
            [LG_KAFKA_CREATED] = "created",
            [LG_KAFKA_CHANGED] = "changed",
            [LG_KAFKA_DIFFERS] = "differs"};

    return (unsigned)step < sizeof(names) / sizeof(*names) ? names[step] : "unknown";
}

static void tell(struct init *in, enum lg_kafka_step step, const char *fmt, ...) LG_PRINTF(3, 4);
static void tell(struct init *in, enum lg_kafka_step step, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    in->differs += step == LG_KAFKA_DIFFERS;
    if (in->opt->report != NULL)
        in->opt->report(in->opt->user, step, text);
}

static int fail(struct init *in, rd_kafka_resp_err_t err, struct lg_err *reterr, const char *what,
        const char *name)
{
    char text[400];

    (void)snprintf(text, sizeof(text), "%s %s", what, name);
    return kf_fail(in->k, err, reterr, text);
}

/* --- topics */

static int create_topic(
        struct init *in, const struct lg_bus_topic_spec *spec, struct lg_err *reterr)
{
    struct kf_settings settings;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    char why[200] = "";
    int32_t partitions;

    kf_settings_of(in->k, spec, spec->partitions, &settings);
    if (!in->opt->dry)
        err = kf_topic_create(in->k, spec, &settings, why, sizeof(why));
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return lg_err_set(reterr, kf_rc(err), "kafka: making topic %s: %s%s%s", spec->name,
                rd_kafka_err2str(err), why[0] != '\0' ? ": " : "", why);
    /* so that whoever starts next finds it */
    if (!in->opt->dry &&
            kf_topic_wait(in->k, spec->name, &partitions) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return lg_err_set(
                reterr, LG_EAGAIN, "kafka: topic %s was made, but has no leader yet", spec->name);
    tell(in, LG_KAFKA_CREATED, "topic %s: %d partitions%s", spec->name, (int)spec->partitions,
            spec->compacted ? ", compacted" : "");
    return 0;
}

static int compare_topic(struct init *in, const struct lg_bus_topic_spec *spec, int32_t partitions,
        int replicas, struct lg_err *reterr)
{
    struct kf_settings want;
    struct kf_differs diff;
    rd_kafka_resp_err_t err;
    int before = in->differs;

    kf_settings_of(in->k, spec, partitions, &want);
    err = kf_topic_settings(in->k, spec->name, &want, !in->opt->dry, &diff);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(in, err, reterr, "settings of topic", spec->name);
    if (diff.cleanup) /* the first setting there is */
        tell(in, LG_KAFKA_DIFFERS, "topic %s: %s is '%s'", spec->name, diff.name, diff.have);
    if (partitions != spec->partitions)
        tell(in, LG_KAFKA_DIFFERS, "topic %s: %d partitions, not %d", spec->name, (int)partitions,
                (int)spec->partitions);
    if (in->k->opt.replication > 0 && replicas != in->k->opt.replication)
        tell(in, LG_KAFKA_DIFFERS, "topic %s: %d replicas, not %d", spec->name, replicas,
                in->k->opt.replication);
    if (diff.n > 0 && !diff.cleanup)
        tell(in, LG_KAFKA_CHANGED, "topic %s: %s was '%s'%s", spec->name, diff.name, diff.have,
                diff.n > 1 ? ", and more" : "");
    else if (in->differs == before)
        tell(in, LG_KAFKA_AS_WANTED, "topic %s", spec->name);
    return 0;
}

static int init_topics(struct init *in, struct lg_err *reterr)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < in->opt->n_topics; i++) {
        const struct lg_bus_topic_spec *spec = &in->opt->topics[i];
        int32_t partitions = 0;
        int replicas = 0;
        rd_kafka_resp_err_t err = kf_topic_look(in->k, spec->name, &partitions, &replicas);

        if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            rc = create_topic(in, spec, reterr);
        else if (err == RD_KAFKA_RESP_ERR_NO_ERROR || partitions > 0)
            rc = compare_topic(in, spec, partitions, replicas, reterr);
        else
            rc = fail(in, err, reterr, "looking at topic", spec->name);
    }
    return rc;
}

/* --- ACLs */

struct acl {
    const struct lg_kafka_grant *grant;
    rd_kafka_AclOperation_t op;
};

/* What a grant comes to. */
static size_t acls_of(const struct lg_kafka_grant *g, struct acl out[3])
{
    size_t n = 0;

    if ((g->rights & LG_KAFKA_MAY_READ) != 0)
        out[n++] = (struct acl){g, RD_KAFKA_ACL_OPERATION_READ};
    if (!g->group && (g->rights & LG_KAFKA_MAY_WRITE) != 0)
        out[n++] = (struct acl){g, RD_KAFKA_ACL_OPERATION_WRITE};
    if (!g->group && g->rights != 0)
        out[n++] = (struct acl){g, RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS};
    if (g->rights == LG_KAFKA_MAY_SEE) /* the others say so too */
        out[n++] = (struct acl){g, RD_KAFKA_ACL_OPERATION_DESCRIBE};
    return n;
}

static rd_kafka_ResourceType_t type_of(const struct lg_kafka_grant *g)
{
    return g->group ? RD_KAFKA_RESOURCE_GROUP : RD_KAFKA_RESOURCE_TOPIC;
}

static rd_kafka_ResourcePatternType_t pattern_of(const struct lg_kafka_grant *g)
{
    return g->prefix ? RD_KAFKA_RESOURCE_PATTERN_PREFIXED : RD_KAFKA_RESOURCE_PATTERN_LITERAL;
}

static bool is_same(const rd_kafka_AclBinding_t *have, const struct acl *want)
{
    return rd_kafka_AclBinding_permission_type(have) == RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW &&
            rd_kafka_AclBinding_operation(have) == want->op &&
            rd_kafka_AclBinding_restype(have) == type_of(want->grant) &&
            rd_kafka_AclBinding_resource_pattern_type(have) == pattern_of(want->grant) &&
            strcmp(rd_kafka_AclBinding_name(have), want->grant->name) == 0 &&
            strcmp(rd_kafka_AclBinding_principal(have), want->grant->principal) == 0 &&
            strcmp(rd_kafka_AclBinding_host(have), "*") == 0;
}

static const char *verb(rd_kafka_AclOperation_t op)
{
    switch (op) {
    case RD_KAFKA_ACL_OPERATION_READ:
        return "read";
    case RD_KAFKA_ACL_OPERATION_WRITE:
        return "write";
    case RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS:
        return "see the settings of";
    default:
        return "see";
    }
}

static void describe(const struct acl *a, char text[300])
{
    (void)snprintf(text, 300, "%s may %s %s %s%s", a->grant->principal, verb(a->op),
            a->grant->group ? "group" : "topic", a->grant->name, a->grant->prefix ? "*" : "");
}

static int create_acl(struct init *in, const struct acl *want, struct lg_err *reterr)
{
    char text[300], why[200] = "";
    rd_kafka_AclBinding_t *binding = rd_kafka_AclBinding_new(type_of(want->grant),
            want->grant->name, pattern_of(want->grant), want->grant->principal, "*", want->op,
            RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why, sizeof(why));
    const rd_kafka_acl_result_t **results;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    struct kf_admin a;
    size_t n = 0;

    describe(want, text);
    if (binding == NULL)
        return lg_err_set(reterr, LG_EINVAL, "kafka: %s: %s", text, why);
    if (kf_admin_begin(in->k, RD_KAFKA_ADMIN_OP_CREATEACLS, &a) == 0) {
        rd_kafka_CreateAcls(in->k->admin, &binding, 1, a.options, a.queue);
        err = kf_admin_wait(in->k, &a);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        results = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(a.event), &n);
        if (n == 1 && rd_kafka_acl_result_error(results[0]) != NULL)
            err = rd_kafka_error_code(rd_kafka_acl_result_error(results[0]));
    }
    kf_admin_end(&a);
    rd_kafka_AclBinding_destroy(binding);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(in, err, reterr, "making the ACL", text);
    return 0;
}

static int want_acl(struct init *in, const struct acl *want, const rd_kafka_AclBinding_t **have,
        size_t n_have, struct lg_err *reterr)
{
    char text[300];
    int rc = 0;

    describe(want, text);
    for (size_t i = 0; i < n_have; i++)
        if (is_same(have[i], want)) {
            tell(in, LG_KAFKA_AS_WANTED, "%s", text);
            return 0;
        }
    if (!in->opt->dry)
        rc = create_acl(in, want, reterr);
    if (rc == 0)
        tell(in, LG_KAFKA_CREATED, "%s", text);
    return rc;
}

static bool covers(const rd_kafka_AclBinding_t *acl, const char *topic)
{
    const char *name = rd_kafka_AclBinding_name(acl);

    if (rd_kafka_AclBinding_resource_pattern_type(acl) == RD_KAFKA_RESOURCE_PATTERN_PREFIXED)
        return strncmp(topic, name, strlen(name)) == 0;
    return strcmp(name, "*") == 0 || strcmp(name, topic) == 0;
}

static bool may_write(const struct init *in, const char *principal, const char *topic)
{
    for (size_t i = 0; i < in->opt->n_grants; i++) {
        const struct lg_kafka_grant *g = &in->opt->grants[i];

        if (!g->group && (g->rights & LG_KAFKA_MAY_WRITE) != 0 &&
                strcmp(g->principal, principal) == 0 &&
                (g->prefix ? strncmp(topic, g->name, strlen(g->name)) == 0
                           : strcmp(g->name, topic) == 0))
            return true;
    }
    return false;
}

/* Who may write one of the topics although the table does not say so. */
static void tell_others(struct init *in, const rd_kafka_AclBinding_t **have, size_t n_have)
{
    for (size_t i = 0; i < n_have; i++) {
        rd_kafka_AclOperation_t op = rd_kafka_AclBinding_operation(have[i]);
        const char *who = rd_kafka_AclBinding_principal(have[i]);

        if (rd_kafka_AclBinding_restype(have[i]) != RD_KAFKA_RESOURCE_TOPIC ||
                rd_kafka_AclBinding_permission_type(have[i]) !=
                        RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW ||
                (op != RD_KAFKA_ACL_OPERATION_WRITE && op != RD_KAFKA_ACL_OPERATION_ALL))
            continue;
        for (size_t t = 0; t < in->opt->n_topics; t++)
            if (covers(have[i], in->opt->topics[t].name) &&
                    !may_write(in, who, in->opt->topics[t].name))
                tell(in, LG_KAFKA_DIFFERS, "%s may write topic %s, by an ACL on '%s'", who,
                        in->opt->topics[t].name, rd_kafka_AclBinding_name(have[i]));
    }
}

static int init_acls(struct init *in, struct lg_err *reterr)
{
    char why[200] = "";
    rd_kafka_AclBindingFilter_t *all = rd_kafka_AclBindingFilter_new(RD_KAFKA_RESOURCE_ANY, NULL,
            RD_KAFKA_RESOURCE_PATTERN_ANY, NULL, NULL, RD_KAFKA_ACL_OPERATION_ANY,
            RD_KAFKA_ACL_PERMISSION_TYPE_ANY, why, sizeof(why));
    const rd_kafka_AclBinding_t **have = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    struct kf_admin a = {0};
    size_t n_have = 0;
    int rc = 0;

    if (all == NULL)
        return lg_err_set(reterr, LG_EINVAL, "kafka: ACLs: %s", why);
    if (kf_admin_begin(in->k, RD_KAFKA_ADMIN_OP_DESCRIBEACLS, &a) == 0) {
        rd_kafka_DescribeAcls(in->k->admin, all, a.options, a.queue);
        err = kf_admin_wait(in->k, &a);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        have = rd_kafka_DescribeAcls_result_acls(
                rd_kafka_event_DescribeAcls_result(a.event), &n_have);
    if (err == RD_KAFKA_RESP_ERR_SECURITY_DISABLED)
        tell(in, LG_KAFKA_DIFFERS, "the brokers check no ACLs: anybody may write anything");
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = fail(in, err, reterr, "reading", "ACLs");
    else
        tell_others(in, have, n_have);
    for (size_t i = 0; rc == 0 && err == RD_KAFKA_RESP_ERR_NO_ERROR && i < in->opt->n_grants; i++) {
        struct acl want[3];
        size_t n = acls_of(&in->opt->grants[i], want);

        for (size_t w = 0; rc == 0 && w < n; w++)
            rc = want_acl(in, &want[w], have, n_have, reterr);
    }
    kf_admin_end(&a);
    rd_kafka_AclBinding_destroy(all);
    return rc;
}

/* --- the platform's table */

struct table {
    LG_VEC(struct lg_kafka_grant) v;
    bool failed;
};

static void grant(struct table *t, const char *who, const char *name, bool group, unsigned rights)
{
    if (who == NULL || name == NULL)
        return;
    for (size_t i = 0; i < t->v.n; i++) {
        struct lg_kafka_grant *g = &t->v.v[i];

        if (strcmp(g->principal, who) == 0 && strcmp(g->name, name) == 0 && g->group == group) {
            g->rights |= rights;
            return;
        }
    }
    if (t->v.n == LG_KAFKA_MAX_GRANTS ||
            lg_vec_push(&t->v, (struct lg_kafka_grant){who, name, group, false, rights}) < 0)
        t->failed = true;
}

static void grant_raw(
        struct table *t, const struct lg_kafka_parts *p, const char *who, unsigned rights)
{
    for (size_t i = 0; i < p->n_raw; i++)
        grant(t, who, p->raw[i], false, rights);
}

/* Every part finds all topics, and tells how far behind the groups are. */
static void grant_sight(struct table *t, const struct lg_kafka_parts *p, const char *who)
{
    const char *const topics[] = {
            p->normalized, p->results, p->alert_topic, p->dead_letter, p->held_back, p->state};

    grant_raw(t, p, who, LG_KAFKA_MAY_SEE);
    for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++)
        grant(t, who, topics[i], false, LG_KAFKA_MAY_SEE);
    for (size_t i = 0; i < sizeof(p->groups) / sizeof(*p->groups); i++)
        grant(t, who, p->groups[i], true, LG_KAFKA_MAY_SEE);
}

int lg_kafka_grants(const struct lg_kafka_parts *p, struct lg_kafka_grant **ret, size_t *ret_n)
{
    const unsigned r = LG_KAFKA_MAY_READ, w = LG_KAFKA_MAY_WRITE;
    const char *const stages[] = {p->normalizer, p->inference, p->indexer, p->alerts};
    const char *const all[] = {
            p->intake, p->normalizer, p->inference, p->indexer, p->alerts, p->api};
    struct table t = {0};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        grant_sight(&t, p, all[i]);
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
        grant(&t, stages[i], p->groups[i], true, r);
        grant(&t, stages[i], p->dead_letter, false, w);
    }
    for (size_t i = 0; i < p->n_shippers; i++)
        grant_raw(&t, p, p->shippers[i], w);
    grant_raw(&t, p, p->intake, w);
    grant_raw(&t, p, p->normalizer, r);
    grant(&t, p->normalizer, p->normalized, false, w);
    grant(&t, p->normalizer, p->held_back, false, r | w);
    grant(&t, p->normalizer, p->state, false, r | w); /* where it goes on, beside the endpoints' */
    grant(&t, p->inference, p->normalized, false, r);
    grant(&t, p->inference, p->results, false, w);
    grant(&t, p->inference, p->state, false, r | w);
    grant(&t, p->indexer, p->normalized, false, r);
    grant(&t, p->indexer, p->results, false, r);
    grant(&t, p->alerts, p->results, false, r);
    grant(&t, p->alerts, p->alert_topic, false, w);
    grant(&t, p->api, p->alert_topic, false, r);
    grant(&t, p->api, p->dead_letter, false, r | w);
    grant_raw(&t, p, p->api, w); /* dead letters that are sent again */
    if (t.failed) {
        lg_vec_done(&t.v);
        return LG_ENOMEM;
    }
    *ret = t.v.v;
    *ret_n = t.v.n;
    return 0;
}

int lg_kafka_init(const struct lg_kafka_options *opt, const struct lg_kafka_init_options *init,
        struct lg_err *reterr)
{
    struct init in = {.opt = init};
    int rc = kf_open(opt, false, &in.k, reterr);

    if (rc < 0)
        return rc;
    rc = init_topics(&in, reterr);
    if (rc == 0 && init->n_grants > 0)
        rc = init_acls(&in, reterr);
    lg_bus_close(&in.k->pub);
    return rc < 0 ? rc : in.differs;
}

/* Syslog messages to raw records: the message's text alone; who and when stand in it. */
#include "services/intake_int.h"

/* The tenant of the channel, never of the message. */
static int tenant_of(const struct lg_intake *in, const struct lg_syslog_peer *peer,
        char cert_tenant[LG_MAX_TENANT_BYTES], struct lg_str *ret)
{
    if (in->config.syslog.tenant[0] != '\0') {
        *ret = lg_str_z(in->config.syslog.tenant);
        return 0;
    }
    if (peer->cert_name.n > 0) {
        if (peer->cert_name.n > LG_MAX_TENANT_BYTES)
            return LG_EREFUSED;
        for (size_t i = 0; i < peer->cert_name.n; i++)
            cert_tenant[i] = lg_ascii_lower(peer->cert_name.p[i]);
        *ret = lg_str_of(cert_tenant, peer->cert_name.n);
        return lg_tenant_valid(*ret) ? 0 : LG_EREFUSED;
    }
    *ret = lg_str_z(in->config.identity.default_tenant);
    return peer->loopback ? 0 : LG_EREFUSED;
}

/* What is stored of a message: JSON bare or after a cookie, audit records and XML from where they
 * begin, else all of the text. */
static struct lg_str payload(const struct lg_syslog *m, struct lg_str text)
{
    struct lg_str msg = lg_str_trim(m->msg);
    ptrdiff_t at;

    if (lg_str_starts(msg, LG_STR("@cee:")))
        msg = lg_str_trim(lg_str_sub(msg, 5, msg.n));
    if (msg.n == 0)
        return lg_str_trim(text);
    if (msg.p[0] == '{' || msg.p[0] == '<')
        return msg;
    /* a tag that was taken for part of the message, or the other way round */
    at = lg_str_find(text, LG_STR("msg=audit("));
    if (at < 0)
        return msg;
    at = lg_str_find(text, LG_STR("node="));
    if (at < 0)
        at = lg_str_find(text, LG_STR("type="));
    return at < 0 ? msg : lg_str_trim(lg_str_sub(text, (size_t)at, text.n));
}

static int store(struct lg_intake_work *w, const struct lg_syslog_peer *peer, struct lg_str text,
        size_t n, lg_time received)
{
    struct lg_intake_item item = {.n = n, .value_stays = true};
    struct lg_syslog m;
    struct lg_str connection;
    enum lg_topic topic;

    if (lg_syslog_parse(text, received, &m) < 0)
        return 0; /* empty */
    item.value = payload(&m, text);
    if (item.value.n == 0)
        return 0;
    if (item.value.p[0] == '{') {
        const int rc = lg_json_parse(w->doc, item.value, false, &item.root, NULL);

        if (rc == LG_ENOMEM)
            return rc;
        if (rc < 0) /* cut off, or no JSON: the normalizer keeps it as a dead letter */
            item.root = (struct lg_jval){0};
    }
    topic = lg_intake_topic(item.value, item.root, w->topic);
    connection = m.host.n > 0 ? m.host : peer->address;
    return lg_intake_store(w, &item, topic, connection);
}

int lg_intake_syslog(void *intake, const struct lg_syslog_peer *peer,
        const struct lg_syslog_msg *msgs, size_t n, lg_time received)
{
    struct lg_intake *in = (struct lg_intake *)intake;
    char cert_tenant[LG_MAX_TENANT_BYTES];
    struct lg_intake_work *w;
    struct lg_str tenant;
    int rc = tenant_of(in, peer, cert_tenant, &tenant);

    if (rc < 0)
        return rc;
    w = lg_intake_work_take(in, LG_INTAKE_API_SYSLOG);
    if (w == NULL)
        return LG_ELIMIT;
    w->tenant = tenant;
    w->principal = peer->cert_name.n > 0 ? peer->cert_name : LG_STR("syslog");
    w->topic = in->syslog_topic;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = store(w, peer, msgs[i].text, i, received);
    if (rc == 0)
        rc = lg_intake_flush(w);
    lg_intake_end(w, rc == 0 ? 200 : lg_intake_status(rc));
    if (rc == 0)
        return 0;
    return lg_bus_may_retry(rc) || rc == LG_ENOMEM ? LG_ELIMIT : rc;
}

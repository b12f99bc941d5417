#ifndef LG_SERVICES_INTAKE_H
#define LG_SERVICES_INTAKE_H

#include "bus/bus.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "net/route.h"
#include "net/syslog.h"
#include "services/topics.h"

/*
 * Intake: what shippers send -> raw topics. Three ways in on the API's listener, one beside it:
 *
 *   POST /ingest/{source}     lines of JSON or text, a JSON array, or an Elasticsearch _bulk body
 *   /ingest/{source}/...      what Elasticsearch clients ask and send (intake_es.c)
 *   /services/collector/...   Splunk's HTTP event collector (intake_hec.c)
 *   syslog                    lg_intake_syslog as a listener's on_messages (intake_syslog.c)
 *
 * A request is answered with success only when every record that it accepted is on the disk. What
 * is refused is named item by item; the rest is stored nevertheless. A request may be repeated:
 * events have ids of their own, so that nothing is stored twice downstream.
 *
 * A raw record: value = the item's bytes exactly as sent (of a JSON object that only wraps an audit
 * record or event XML, as shippers of text files do: that text), key = tenant:host where a cheap look finds
 * a host, else tenant:name of the connection (the peer's address, the `endpoint` parameter, a HEC
 * event's host, a syslog message's host). Headers: lg-schema raw/1, lg-tenant, lg-principal,
 * lg-source (the topic's public name), lg-endpoint (that name of the connection), lg-time-shift.
 *
 * The tenant is the token's; a token that holds several sends `?tenant=NAME`, which counts only among
 * its own (without it: "default" where that is one of them). The header X-Logster-Time-Shift
 * (nanoseconds, signed) needs the scope `replay`.
 *
 * Thread: any; the HTTP server's and the listener's threads call it at once.
 */
struct lg_intake;

#define LG_INTAKE_TIME_SHIFT_HEADER "X-Logster-Time-Shift"

struct lg_intake_deps {
    struct lg_bus *bus;             /* used unless `publish` is given */
    const struct lg_topics *topics; /* copied */
    const struct lg_config *config; /* what is needed is copied */
    struct lg_metrics *metrics;     /* NULL: counts nowhere */
    /* Stands in for a durable lg_bus_publish (tests). NULL: the bus. */
    int (*publish)(void *user, const struct lg_bus_output *outs, size_t n, struct lg_err *reterr);
    void *user;
};

int lg_intake_new(const struct lg_intake_deps *deps, struct lg_intake **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* After the server and the listeners stopped. NULL is fine. */
void lg_intake_free(struct lg_intake *in);
/* Adds the rows and their schemas; the intake outlives the router. */
int lg_intake_attach(
        struct lg_intake *in, struct lg_router *rt, struct lg_err *reterr) LG_MUST_CHECK;
/* What SIGHUP may change (intake.retry_after). */
void lg_intake_reload(struct lg_intake *in, const struct lg_config *cfg);

/*
 * lg_syslog_opts.on_messages with the intake as ctx. Tenant: syslog.tenant, else the common name of
 * the verified client certificate, else identity.default_tenant for a loopback peer; else
 * LG_EREFUSED. JSON messages (bare or after "@cee:") go by their content, all else to
 * syslog.source. LG_ELIMIT: not now (the bus is full or away).
 */
int lg_intake_syslog(void *intake, const struct lg_syslog_peer *peer,
        const struct lg_syslog_msg *msgs, size_t n, lg_time received);

#endif

#ifndef LG_SERVICES_NORMALIZER_H
#define LG_SERVICES_NORMALIZER_H

#include "config/config.h"
#include "metrics/metrics.h"
#include "pipeline/stage.h"

/*
 * Stage: raw topics -> normalized-endpoint-events (key tenant_id:endpoint_id), one record an
 * event; what cannot be used -> logster-dead-letter.
 *
 * A normalized record: value = the event as JSON (event/codec.h), bus time = the raw record's, and
 * headers lg-schema: normalized-event/1, lg-tenant, lg-source (the raw topic, so that the next
 * stage knows its sources), lg-channel (what the record's numbers count in: Windows' channel),
 * lg-sequence (the source's own number, where it has one), lg-refused (dead letters of the
 * endpoint since its last event), lg-held: 1 (came by logster-held-back).
 * A partition of normalized-endpoint-events in which this worker's raw partition of the same
 * number has been silent gets a record `lg-schema: tick/1` with an empty value, so that what is
 * flushed for silence is part of the log.
 *
 * A dead letter has the runner's form (pipeline/stage.h): value = the original bytes, headers
 * lg-schema: dead-letter/1, lg-tenant, lg-dead-*, lg-dead-format, and the original's lg-source,
 * lg-endpoint, lg-time-shift, lg-principal, so that it can be sent through again as it was.
 *
 * Decisions:
 * - Tenant: header lg-tenant, else identity.default_tenant. A body that names another one in a
 *   member `tenant_id` is a dead letter `tenant_mismatch`.
 * - lg-time-shift moves event time and every time of the event's data; the event gets the field
 *   `time_shift` (nanoseconds) and an id of its own, so that a capture replayed twice is two logs.
 * - A time more than inference.max_future after the bus time becomes the bus time: flag
 *   time_clamped, claimed time kept, id unchanged.
 * - auditd: an assembler per (raw partition, tenant, lg-endpoint). Records of open groups hold the
 *   committed offset back; after a restart what went out already is not sent again (the place up
 *   to which it went is stored with the offset). A stream silent for 5 s is flushed.
 * - Same event id, other bytes, among the latest 65,536 events of a raw partition: dead letter
 *   `id_conflict`; same bytes: passes (delivery is at least once).
 * - Two full host names under one endpoint id in one tenant: operational alert.
 * - Over its rate an endpoint's records go to logster-held-back (pipeline/fairshare.h).
 */
/* Headers of normalized records beside those of bus/bus.h. */
#define LG_NORM_H_CHANNEL "lg-channel"
#define LG_NORM_H_SEQUENCE "lg-sequence"
#define LG_NORM_H_REFUSED "lg-refused"
#define LG_NORM_H_HELD "lg-held"

enum lg_operational {
    LG_OPERATIONAL_NAME_CLASH, /* two hosts under one endpoint id */
    LG_OPERATIONAL_HELD_BACK,  /* an endpoint is over its rate */
};

struct lg_normalizer_options {
    struct lg_bus *bus; /* topics are looked up by their names */
    const struct lg_config *config;
    struct lg_metrics *metrics; /* NULL: counts nowhere */
    /* From the worker's thread; each case at most once an hour. NULL: only logged. */
    void (*operational)(void *user, enum lg_operational what, struct lg_str tenant,
            struct lg_str endpoint, const char *text);
    void *user;
};

/* lg_runner_options: ops, user = struct lg_normalizer_options (outlives the runner), topics = the raw ones of services/topics.h, manual topic logster-held-back. */
extern const struct lg_stage_ops lg_normalizer_stage;
#endif

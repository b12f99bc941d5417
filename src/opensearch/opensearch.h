#ifndef LG_OPENSEARCH_OPENSEARCH_H
#define LG_OPENSEARCH_OPENSEARCH_H

#include <stdbool.h>

#include "store/event_store.h"

/*
 * Events and inferences in OpenSearch 2.x or Elasticsearch 7.10 and later, behind event_store.h:
 * one index an event day and kind, <prefix>-events-YYYY.MM.DD and <prefix>-inferences-YYYY.MM.DD
 * (docs/internals/opensearch.md). Reads see what was written after the next refresh (5 s), or the op `settle`.
 *
 * The answers are those of the SQLite store, but for: averages (the server adds up in another
 * order: equal to 1e-9), `first_seen` of a profile (the earliest event that showed the word; SQLite
 * has the first that was written in its hour), a day's rows of one millisecond past eight with one
 * hash, and `bytes`, `files` of stats. What verify can tell here is whether the indices are whole,
 * not that nobody rewrote them. backup is LG_EUNSUP: clusters have snapshots.
 *
 * A write sends what it has in bulks, with `create` only. What a node turns away for lack of room is
 * sent again, for `retry_ms` in all; then it is LG_EIO, and the same write again is safe. A record
 * that the server will never take (mapping, size) is LG_PUT_REFUSED.
 */
struct lg_opensearch_options {
    const char *const *urls; /* http(s)://host:port; copied, as all texts here */
    size_t n_urls;
    const char *user, *password; /* Basic; NULL or empty: none */
    const char *api_key;         /* as the server gave it, encoded */
    const char *ca_file, *cert_file, *key_file;
    bool insecure;      /* takes any certificate: for tests */
    const char *prefix; /* NULL: "logster" */
    unsigned shards;    /* of a day's index; 0: 1 */
    int replicas;       /* < 0: 1 */
    unsigned days_kept; /* by the cluster's own policy, where it has one; 0: no such policy */
    size_t bulk_bytes;  /* of one request, before compression; 0: 8 MiB */
    bool plain_bodies;  /* no gzip */
    unsigned connect_timeout_ms; /* 0: 3,000 */
    unsigned timeout_ms;         /* of one request; 0: 60,000 */
    unsigned retry_ms;           /* how long one write tries; 0: 30,000 */
    uint64_t scan_rows;          /* rows that one text search looks at; 0: 100,000 */
};

/* Does not talk to the server yet: it may be away. LG_EINVAL, LG_ENOMEM. */
int lg_opensearch_event_store_open(const struct lg_opensearch_options *opt,
        struct lg_event_store **ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif

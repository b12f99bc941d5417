#ifndef LG_KAFKA_KAFKA_H
#define LG_KAFKA_KAFKA_H

#include "base/buf.h"
#include "bus/bus.h"

/*
 * bus.h on Apache Kafka, through librdkafka. Beside what bus.h says:
 *
 * - Partitions of one number of all topics of a group go to one member, as in the embedded bus:
 *   members join with their topic of the most partitions (of those, the first by name), and who
 *   gets its partition n owns partition n of all topics. So all members of a group must read the
 *   same topics. Rebalances are cooperative: what does not move is read on. Offsets are committed
 *   again each hour, because brokers forget those of topics that no member names.
 * - Publishing is idempotent with acks=all; a call answers once every record is acknowledged or
 *   given up. LG_EAGAIN, when brokers are away or too few in sync: some records may be stored.
 *   LG_EIO: the broker refuses for good (no right, no such topic). LG_ELIMIT: the topic takes no
 *   record of that size.
 * - Offsets are committed after the outputs are acknowledged. LG_EREFUSED can therefore come
 *   after outputs were stored, when the member lost its partition meanwhile: others will make
 *   the same outputs again.
 * - A record's time is Kafka's timestamp (milliseconds), with the rest in a header `lg-bus-time`
 *   that readers do not see. A header that does not agree with the timestamp does not count. In a
 *   topic of arrival_time the timestamp is the broker's and no header counts.
 * - What other producers write: a record of more than LG_BUS_MAX_VALUE_BYTES is skipped, counted
 *   in the batch's gap and told as LG_BUS_CORRUPT_BLOCK; a key of more than LG_BUS_MAX_KEY_BYTES
 *   is left out; so are headers beyond the limits and those without a name; a null value is an
 *   empty one except in compacted topics. Aborted transactions are not read.
 * - When retention took records that were not read, the batch has a gap and the event is
 *   LG_BUS_RETENTION_FORCED: Kafka does not wait for groups. LG_BUS_CUT_TAIL: the partition ends
 *   before the group's offset (an unclean election, or the topic was made anew); it is read from
 *   its beginning.
 * - LG_BUS_FAILED and LG_BUS_REOPENED tell that no broker could be reached, and when one can.
 * - Partitions are taken as they were when the topic was ensured or found.
 */
struct lg_kafka_options {
    const char *brokers;   /* host:port,host:port */
    const char *client_id; /* NULL: "logster" */

    const char *security_protocol; /* plaintext, ssl, sasl_plaintext, sasl_ssl; NULL: plaintext */
    /* PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER. librdkafka before 2.6.1 cannot do SCRAM
     * with brokers from 4.0 on: see lg_kafka_scram_note. */
    const char *sasl_mechanism;
    const char *username;
    const char *password;
    /* OAUTHBEARER: writes the token, its principal and when it ends (milliseconds since 1970); a
     * negative answer is a failure, tried again later. From a thread of the bus. */
    int (*oauth_token)(void *user, struct lg_buf *token, struct lg_buf *principal,
            int64_t *ret_expires_ms, struct lg_err *reterr);
    const char
            *oauth_unsecured; /* or, for tests: "principal=NAME scope=..." of an unsigned token */
    const char *ca_file;      /* PEM; NULL: the system's */
    const char *cert_file;    /* the client's, PEM */
    const char *key_file;
    const char *key_password;

    int replication; /* of topics that lg_bus_topic_ensure makes; 0: the broker's default */
    int min_isr;     /* of the same; 0: the broker's default */

    size_t fetch_bytes;          /* fetched ahead by one consumer, about; 0: 64 MiB */
    size_t send_bytes;           /* waiting to be sent; 0: 64 MiB */
    uint32_t publish_timeout_ms; /* until LG_EAGAIN; 0: 15000 */
    uint32_t request_timeout_ms; /* of everything else that asks a broker; 0: 10000 */
    uint32_t session_timeout_ms; /* until a silent member's partitions go to others; 0: 20000 */
    uint32_t max_poll_ms;        /* the same for one that does not poll; 0: 300000 */
    uint32_t maintain_ms;        /* how often a lost cluster is looked for; 0: 1000 */
    int zstd_level;              /* 0: 1 */
    lg_time (*now)(void *user);  /* wall clock; NULL: the system's */
    void (*on_event)(void *user, const struct lg_bus_event *ev); /* as in the embedded bus */
    void *user;
};

/* Reaches a broker, or answers LG_EAGAIN (none there) or LG_EREFUSED (login or TLS failed) after at
 * most request_timeout_ms. Secrets are copied and never told. */
int lg_kafka_open(const struct lg_kafka_options *opt, struct lg_bus **ret,
        struct lg_err *reterr) LG_MUST_CHECK;

/* What to know about SCRAM with the librdkafka in use; NULL: nothing. */
const char *lg_kafka_scram_note(void);

#endif

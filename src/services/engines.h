#ifndef LG_SERVICES_ENGINES_H
#define LG_SERVICES_ENGINES_H

#include "bus/bus.h"
#include "config/config.h"
#include "services/oauth.h"
#include "store/alert_store.h"
#include "store/event_store.h"

/*
 * What stands behind each interface, as the configuration says: in the data folder, or a server.
 * Secrets are read from their files here and wiped when the engine has them. reterr says what to do.
 */
/* *ret_oauth: what the bus gets its tokens from, where it needs any; freed after the bus. */
int lg_engine_bus(const struct lg_config *cfg, struct lg_bus **ret, struct lg_oauth **ret_oauth,
        struct lg_err *reterr) LG_MUST_CHECK;
int lg_engine_alerts(const struct lg_config *cfg, struct lg_alert_store **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/*
 * `service kafka-init`: topics, and ACLs for bus.kafka.principals. `line` hears of each what was done;
 * `dry` only says what would be. How much differs and stays so, or an error.
 */
int lg_engine_init_bus(const struct lg_config *cfg, bool dry,
        void (*line)(void *user, const char *text), void *user,
        struct lg_err *reterr) LG_MUST_CHECK;
/*
 * `service store-init`: makes or upgrades what the stores need on their servers. `line` hears what
 * was done, a sentence each; a second run changes nothing.
 */
int lg_engine_init_stores(const struct lg_config *cfg, void (*line)(void *user, const char *text),
        void *user, struct lg_err *reterr) LG_MUST_CHECK;
int lg_engine_events(const struct lg_config *cfg, struct lg_event_store **ret,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif

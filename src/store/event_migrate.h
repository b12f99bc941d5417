#ifndef LG_STORE_EVENT_MIGRATE_H
#define LG_STORE_EVENT_MIGRATE_H

#include "store/event_store.h"

/*
 * Copies every event and inference from one store into another, day by day, and reads both sides of
 * each day again: the same number of records with the same digest (of their lines, times of arrival,
 * shifts and contexts; in any order). What the target has already is not written twice, so that a
 * run that was cut off is simply run again. Nobody may write to `from` meanwhile.
 */
struct lg_migrated_day {
    int64_t day; /* since 1970 */
    uint64_t events_from, events_to, inferences_from, inferences_to;
    uint64_t written; /* of them now */
    uint64_t digest_from[4], digest_to[4];
};
/*
 * `scope`: of all tenants. `fn` (may be NULL) gets each day when both sides were read; < 0 stops.
 * LG_ECORRUPT: a day is not the same on both sides (reterr names it; fn had it), or a line of `from`
 * cannot be read; the other errors are the stores'.
 */
int lg_event_migrate(struct lg_event_store *from, struct lg_event_store *to,
        const struct lg_scope *scope, int (*fn)(void *user, const struct lg_migrated_day *d),
        void *user, struct lg_err *reterr) LG_MUST_CHECK;

#endif

#ifndef LG_STORE_ALERT_DUMP_H
#define LG_STORE_ALERT_DUMP_H

#include "store/alert_store.h"

/*
 * Everything that an alert store holds, as tables of values: what moves from one back end to
 * another, and what is compared after it. Tenants, endpoints and rules go by their names and ids, so
 * that the same content is the same rows whatever numbers a back end gives them; rows come in the
 * order in which they were made, or by their key. Not among them: the key of the cursors, which is
 * each store's own.
 */
enum lg_dump_table {
    LG_DUMP_TENANTS,
    LG_DUMP_TOKENS,
    LG_DUMP_TENANT_REFS,
    LG_DUMP_ENDPOINTS,
    LG_DUMP_ALERTS,
    LG_DUMP_TEXTS,
    LG_DUMP_TECHNIQUES,
    LG_DUMP_COUNTS,
    LG_DUMP_INFERENCES,
    LG_DUMP_HISTORY,
    LG_DUMP_OUTBOX,
    LG_DUMP_FEEDBACK,
    LG_DUMP_SUPPRESSIONS,
    LG_DUMP_HITS,
    LG_DUMP_AUDIT,
    LG_DUMP_SEARCHES,
    LG_DUMP_DELIVERIES,
    LG_DUMP_SETTINGS,
    LG_DUMP_SESSIONS,
    LG_DUMP_TABLE_COUNT
};

#define LG_DUMP_COLUMNS_MAX 32
/* `kinds` has a letter a column: t text, b bytes, i whole number, o 0 or 1, f real; T and B may be
 * missing. */
struct lg_dump_schema {
    const char *name, *kinds;
};
extern const struct lg_dump_schema lg_dump_schemas[LG_DUMP_TABLE_COUNT];

struct lg_dump_value {
    bool missing;
    int64_t i; /* i, o */
    double f;
    struct lg_str s; /* t, b: until the callback returns */
};
/* One row; < 0 ends the dump with that. */
typedef int (*lg_dump_row)(void *user, const struct lg_dump_value *v, unsigned n);

/* SQLite's rows of one table, in one state of the file. */
int lg_sqlite_alert_dump(struct lg_alert_store *st, enum lg_dump_table table, lg_dump_row row,
        void *user) LG_MUST_CHECK;

#endif

#include "bus/rocks.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"

#define RECOVER_POINT_IN_TIME 2
#define RECOVER_SKIP_DAMAGE 3
#define LOG_HEADERS 5    /* rocksdb::InfoLogLevel */
#define NO_COMPRESSION 0 /* the blocks are compressed already */

int lg_rocks_error(struct lg_err *reterr, const char *what, char *message)
{
    struct lg_str m = lg_str_z(message);
    int code = LG_EIO;

    if (lg_str_find(m, LG_STR("No space left")) >= 0 || lg_str_find(m, LG_STR("NoSpace")) >= 0)
        code = LG_ENOSPC;
    else if (lg_str_starts(m, LG_STR("Corruption")))
        code = LG_ECORRUPT;
    else if (lg_str_find(m, LG_STR("lock hold by current process")) >= 0 ||
            lg_str_find(m, LG_STR("While lock file")) >= 0)
        code = LG_EREFUSED;
    code = lg_err_set(reterr, code, "%s: %.*s", what, LG_STR_FMT(m));
    rocksdb_free(message);
    return code;
}

/* Makes options for every column family; what differs between them is not worth a second set. */
static int make_options(
        struct lg_rocks *db, const struct lg_bus_embedded_options *opt, bool salvage)
{
    rocksdb_block_based_table_options_t *table;
    rocksdb_options_t *o = rocksdb_options_create(), *plain;
    char *message = NULL;

    db->options = o;
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_create_missing_column_families(o, 1);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_wal_recovery_mode(o, salvage ? RECOVER_SKIP_DAMAGE : RECOVER_POINT_IN_TIME);
    rocksdb_options_set_compression(o, NO_COMPRESSION);
    rocksdb_options_set_write_buffer_size(o, opt->write_buffer_bytes);
    rocksdb_options_set_db_write_buffer_size(o, opt->write_buffers_bytes);
    rocksdb_options_set_max_write_buffer_number(o, 3);
    rocksdb_options_set_max_total_wal_size(o, opt->max_wal_bytes);
    /* One writer at a time comes to RocksDB, and keys rise within a topic: files of a topic never
     * overlap, and go down the levels by being renamed. */
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, 2);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_open_files(o, 256);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    /* RocksDB's own log gets what is written at open and no more: once a full disk has refused it
     * a line, the next one is a failed assertion (Debian's package is built with them). What goes
     * wrong comes as an error anyway. */
    rocksdb_options_set_info_log_level(o, LOG_HEADERS);
    rocksdb_options_set_keep_log_file_num(o, 2);
    rocksdb_options_set_max_manifest_file_size(o, (size_t)4 << 20);
    table = rocksdb_block_based_options_create();
    db->cache = rocksdb_cache_create_lru(opt->cache_bytes);
    rocksdb_block_based_options_set_block_cache(table, db->cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_block_based_options_destroy(table);
    /* Nothing is to be rewritten for its age: old files are dropped whole. */
    plain = rocksdb_options_create();
    rocksdb_get_options_from_string(o, "ttl=0;periodic_compaction_seconds=0", plain, &message);
    if (message == NULL) {
        db->options = plain;
        rocksdb_options_destroy(o);
        return 0;
    }
    rocksdb_options_destroy(plain);
    rocksdb_free(message);
    return LG_EUNSUP;
}

static void cf_name(int cf, char out[24])
{
    if (cf == LG_ROCKS_META)
        (void)snprintf(out, 24, "default");
    else if (cf == LG_ROCKS_INDEX)
        (void)snprintf(out, 24, "index");
    else
        (void)snprintf(out, 24, "topic%d", cf - LG_ROCKS_TOPIC);
}

/* Number of a column family by its name; -1 for one that is not ours. */
static int cf_of_name(const char *name)
{
    char own[24];

    for (int cf = 0; cf < LG_ROCKS_MAX; cf++) {
        cf_name(cf, own);
        if (strcmp(own, name) == 0)
            return cf;
    }
    return -1;
}

struct families {
    int number[LG_ROCKS_MAX];
    char name[LG_ROCKS_MAX][24];
    size_t n;
};

static int list_families(
        struct lg_rocks *db, const char *path, struct families *f, struct lg_err *reterr)
{
    bool have[LG_ROCKS_MAX] = {[LG_ROCKS_META] = true, [LG_ROCKS_INDEX] = true};
    char current[4096], *message = NULL, **names;
    struct stat st;
    size_t n = 0;

    if ((size_t)snprintf(current, sizeof(current), "%s/CURRENT", path) >= sizeof(current))
        return lg_err_set(reterr, LG_EINVAL, "the path of the bus folder is too long");
    if (stat(current, &st) == 0) {
        names = rocksdb_list_column_families(db->options, path, &n, &message);
        if (message != NULL)
            return lg_rocks_error(reterr, path, message);
        for (size_t i = 0; i < n; i++) {
            int cf = cf_of_name(names[i]);

            if (cf < 0) {
                (void)lg_err_set(reterr, LG_ECORRUPT,
                        "%s holds a database that is not a bus ('%.40s')", path, names[i]);
                rocksdb_list_column_families_destroy(names, n);
                return LG_ECORRUPT;
            }
            have[cf] = true;
        }
        rocksdb_list_column_families_destroy(names, n);
    }
    for (int cf = 0; cf < LG_ROCKS_MAX; cf++)
        if (have[cf]) {
            f->number[f->n] = cf;
            cf_name(cf, f->name[f->n++]);
        }
    return 0;
}

static int open_families(
        struct lg_rocks *db, const char *path, const struct families *f, struct lg_err *reterr)
{
    const rocksdb_options_t *options[LG_ROCKS_MAX];
    rocksdb_column_family_handle_t *handles[LG_ROCKS_MAX];
    const char *names[LG_ROCKS_MAX];
    char *message = NULL;

    for (size_t i = 0; i < f->n; i++) {
        options[i] = db->options;
        names[i] = f->name[i];
    }
    db->db = rocksdb_open_column_families(
            db->options, path, (int)f->n, names, options, handles, &message);
    if (message != NULL) {
        db->db = NULL;
        return lg_rocks_error(reterr, path, message);
    }
    for (size_t i = 0; i < f->n; i++)
        db->cf[f->number[i]] = handles[i];
    return 0;
}

int lg_rocks_open(struct lg_rocks *db, const struct lg_bus_embedded_options *opt, bool salvage,
        struct lg_err *reterr)
{
    struct families f = {.n = 0};
    int rc;

    memset(db, 0, sizeof(*db));
    rc = make_options(db, opt, salvage);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "this version of RocksDB does not know an option");
    if (rc == 0)
        rc = list_families(db, opt->path, &f, reterr);
    if (rc == 0)
        rc = open_families(db, opt->path, &f, reterr);
    if (rc < 0) {
        lg_rocks_close(db);
        return rc;
    }
    db->write = rocksdb_writeoptions_create();
    db->read = rocksdb_readoptions_create();
    db->once = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(db->once, 0);
    return 0;
}

void lg_rocks_close(struct lg_rocks *db)
{
    for (int cf = 0; cf < LG_ROCKS_MAX; cf++)
        if (db->cf[cf] != NULL)
            rocksdb_column_family_handle_destroy(db->cf[cf]);
    if (db->db != NULL)
        rocksdb_close(db->db);
    if (db->write != NULL)
        rocksdb_writeoptions_destroy(db->write);
    if (db->read != NULL)
        rocksdb_readoptions_destroy(db->read);
    if (db->once != NULL)
        rocksdb_readoptions_destroy(db->once);
    if (db->options != NULL)
        rocksdb_options_destroy(db->options);
    if (db->cache != NULL)
        rocksdb_cache_destroy(db->cache);
    memset(db, 0, sizeof(*db));
}

int lg_rocks_add_topic(struct lg_rocks *db, int topic, struct lg_err *reterr)
{
    rocksdb_column_family_handle_t *h;
    char name[24], *message = NULL;
    int cf = LG_ROCKS_TOPIC + topic;

    if (db->cf[cf] != NULL)
        return 0;
    cf_name(cf, name);
    h = rocksdb_create_column_family(db->db, db->options, name, &message);
    if (message != NULL)
        return lg_rocks_error(reterr, "new topic", message);
    db->cf[cf] = h;
    return 0;
}

/* A topic is read from one end to the other: its blocks would only push the index out of the cache,
 * and who lags finds them in the system's. */
static const rocksdb_readoptions_t *read_options(const struct lg_rocks *db, int cf)
{
    return cf >= LG_ROCKS_TOPIC ? db->once : db->read;
}

int lg_rocks_get(struct lg_rocks *db, int cf, const void *key, size_t n,
        rocksdb_pinnableslice_t **ret, struct lg_err *reterr)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *v =
            rocksdb_get_pinned_cf(db->db, read_options(db, cf), db->cf[cf], key, n, &message);

    if (message != NULL) {
        if (v != NULL)
            rocksdb_pinnableslice_destroy(v);
        return lg_rocks_error(reterr, "read", message);
    }
    *ret = v;
    return 0;
}

int lg_rocks_write(struct lg_rocks *db, rocksdb_writebatch_t *batch, struct lg_err *reterr)
{
    char *message = NULL;

    rocksdb_write(db->db, db->write, batch, &message);
    return message == NULL ? 0 : lg_rocks_error(reterr, "write", message);
}

int lg_rocks_sync(struct lg_rocks *db, struct lg_err *reterr)
{
    char *message = NULL;

    rocksdb_flush_wal(db->db, 1, &message);
    return message == NULL ? 0 : lg_rocks_error(reterr, "sync", message);
}

rocksdb_iterator_t *lg_rocks_iterator(struct lg_rocks *db, int cf)
{
    return rocksdb_create_iterator_cf(db->db, read_options(db, cf), db->cf[cf]);
}

void lg_rocks_memory(struct lg_rocks *db, uint64_t *ret_cache, uint64_t *ret_buffers)
{
    *ret_cache = *ret_buffers = 0;
    if (db->db == NULL)
        return; /* closed after a failure */
    *ret_cache = rocksdb_cache_get_usage(db->cache);
    for (int cf = 0; cf < LG_ROCKS_MAX; cf++) {
        uint64_t n = 0;

        if (db->cf[cf] != NULL &&
                rocksdb_property_int_cf(db->db, db->cf[cf], "rocksdb.size-all-mem-tables", &n) == 0)
            *ret_buffers += n;
    }
}

int lg_rocks_iterator_error(rocksdb_iterator_t *it, struct lg_err *reterr)
{
    char *message = NULL;

    rocksdb_iter_get_error(it, &message);
    return message == NULL ? 0 : lg_rocks_error(reterr, "read", message);
}

void lg_rocks_drop_files(struct lg_rocks *db, int cf, struct lg_str from, struct lg_str to)
{
    char *message = NULL;

    rocksdb_delete_file_in_range_cf(db->db, db->cf[cf], from.p, from.n, to.p, to.n, &message);
    if (message != NULL) { /* the files go with a later round */
        lg_log(LG_LOG_WARN, "bus", "cannot drop old files", "error=\"%.200s\"", message);
        rocksdb_free(message);
    }
}

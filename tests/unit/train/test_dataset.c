/* Captures into labelled windows: what is read, what it is called, and what is refused. */
#include <sys/stat.h>
#include <unistd.h>

#include "lg_test.h"
#include "thread_oom.h"

#include "crypto/ids.h"
#include "detect/patterns.h"
#include "train/dataset.h"
#include "train/tsv.h"

#define DATA LG_SOURCE_DIR "/tests/data/train"
#define REG "../captures/empire_reg_dump_sam_2019-06-25133822.ndjson.zst"
#define TASK "../captures/190319-SchTasksCreation-Userland_2022-09-22.ndjson.zst"

static char split_path[512];

static const char *split_file(const char *text)
{
    FILE *f = fopen(split_path, "wb");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return split_path;
}

static struct lg_dataset_options options(const char *split)
{
    return (struct lg_dataset_options){.data_dir = DATA,
            .split_file = split,
            .platform = LG_PLATFORM_WINDOWS,
            .view = lg_view_default,
            .min_events = 5,
            .threads = 1};
}

static struct lg_dataset *built(const struct lg_dataset_options *opt)
{
    struct lg_dataset *ds = NULL;
    struct lg_err err = {0, ""};

    if (lg_dataset_build(opt, &ds, &err) < 0)
        fail_msg("%s", err.text);
    return ds;
}

static void refused(const struct lg_dataset_options *opt, int code, const char *says)
{
    struct lg_dataset *ds = NULL;
    struct lg_err err = {0, ""};
    int rc = lg_dataset_build(opt, &ds, &err);

    if (rc != code || strstr(err.text, says) == NULL || ds != NULL)
        fail_msg("wanted %d '%s', got %d '%s'", code, says, rc, err.text);
}

/* --- labels ------------------------------------------------------------------------------------------ */

static const char *host_name(const struct lg_dataset *ds, const struct lg_row *row)
{
    return row->host == UINT32_MAX ? "-" : ds->hosts.v[row->host].name;
}

static void test_labels_by_host_and_time(void **state)
{
    struct lg_dataset_options opt = options(DATA "/tiny.split.tsv");
    struct lg_dataset *ds = built(&opt);
    unsigned n[3] = {0}, extra = 0, attacked = 0, doubted = 0;
    lg_time seed;

    (void)state;
    assert_int_equal(lg_parse_time_iso(LG_STR("2019-06-25T17:38:43.801Z"), &seed), 0);
    assert_int_equal(ds->captures.n, 6); /* the Linux one is of another platform */
    assert_int_equal(ds->folds, 2);
    assert_int_equal(strlen(ds->split_sha256), LG_SHA256_HEX);
    for (size_t i = 0; i < ds->rows.n; i++) {
        const struct lg_row *row = &ds->rows.v[i];
        const struct lg_capture_info *c = &ds->captures.v[row->capture];
        const char *host = host_name(ds, row);

        n[row->label]++;
        extra += row->fold == LG_FOLD_EXTRA;
        assert_int_equal(row->fold, c->fold);
        assert_int_equal(row->end_ns - row->start_ns, 180 * LG_NS_PER_SEC);
        assert_true(row->learned_events >= 5 && row->gnn.n_nodes > 0);
        if (strcmp(c->file, REG) == 0 && strcmp(host, "HR001") == 0) {
            /* of a touched host: an attack where the window holds the seed, else nobody knows */
            bool holds = row->start_ns <= seed + 65000000 && row->end_ns > seed;

            assert_int_equal(row->label, holds ? LG_LABEL_ATTACK : LG_LABEL_UNKNOWN);
            attacked += holds;
            doubted += !holds;
        } else if (strcmp(c->file, REG) == 0) {
            assert_int_equal(row->label, LG_LABEL_BENIGN);
        } else if (strstr(c->file, "WDigest") != NULL) {
            assert_int_equal(row->label, LG_LABEL_UNKNOWN); /* a role that is neither */
        } else if (strstr(c->file, "omerbenamram") != NULL) {
            assert_int_equal(row->label, LG_LABEL_BENIGN); /* no roles: the file's */
            assert_int_equal(row->host, UINT32_MAX);
        } else if (strstr(c->file, "dumpert") != NULL) {
            assert_string_equal(host, "-"); /* stands for any host */
            assert_int_equal(row->label, LG_LABEL_ATTACK);
            assert_int_equal(row->fold, LG_FOLD_EXTRA);
        }
    }
    assert_int_equal(attacked, 3);
    assert_true(doubted >= 1);
    assert_true(n[0] > 20 && n[1] >= 6 && n[2] >= 3 && extra == 3);
    lg_dataset_free(ds);
    lg_dataset_free(NULL);
}

static void test_captures_are_told_with_origin(void **state)
{
    struct lg_dataset_options opt = options(DATA "/tiny.split.tsv");
    struct lg_dataset *ds = built(&opt);
    char sha[LG_SHA256_HEX + 1];

    (void)state;
    for (size_t i = 0; i < ds->captures.n; i++) {
        const struct lg_capture_info *c = &ds->captures.v[i];
        char path[1024];

        (void)snprintf(path, sizeof(path), "%s/%s", DATA, c->file);
        assert_int_equal(lg_sha256_file(path, sha), 0);
        assert_string_equal(c->sha256, sha);
        assert_true(c->events > 0 && strstr(c->licence, "MIT") != NULL);
        if (strcmp(c->file, TASK) == 0) {
            assert_string_equal(c->techniques, "T1053.005");
            assert_string_equal(c->group, "sentinel-2022");
            assert_string_equal(c->format, "flat-export-2022");
            assert_true(c->header_offset_ns == 4 * 3600 * LG_NS_PER_SEC);
            assert_int_equal(c->label, LG_LABEL_ATTACK);
            assert_int_equal(c->fold, 1);
            assert_int_equal(c->dead_letters, 6);
        }
    }
    lg_dataset_free(ds);
}

static void test_the_split_may_say_what_a_file_is(void **state)
{
    struct lg_dataset_options opt = options(DATA "/void.split.tsv");
    struct lg_dataset *ds = built(&opt);

    (void)state;
    for (size_t i = 0; i < ds->rows.n; i++) {
        const char *file = ds->captures.v[ds->rows.v[i].capture].file;

        if (strstr(file, "RunKeys") != NULL)
            assert_int_equal(ds->rows.v[i].label, LG_LABEL_BENIGN);
        if (strstr(file, "omerbenamram") != NULL)
            assert_int_equal(ds->rows.v[i].label, LG_LABEL_ATTACK);
    }
    lg_dataset_free(ds);
}

/* --- the same whatever the threads --------------------------------------------------------------------- */

static void same_rows(const struct lg_dataset *a, const struct lg_dataset *b)
{
    assert_int_equal(a->rows.n, b->rows.n);
    for (size_t i = 0; i < a->rows.n; i++) {
        const struct lg_row *x = &a->rows.v[i], *y = &b->rows.v[i];

        assert_int_equal(x->capture, y->capture);
        assert_int_equal(x->host, y->host);
        assert_true(x->end_ns == y->end_ns && x->start_ns == y->start_ns);
        assert_int_equal(x->label, y->label);
        assert_int_equal(x->events, y->events);
        assert_true(x->floor == y->floor);
        assert_int_equal(x->n_tok, y->n_tok);
        assert_memory_equal(x->tok, y->tok, x->n_tok * sizeof(*x->tok));
        assert_memory_equal(x->counts, y->counts, lg_features_count_n() * sizeof(float));
        assert_int_equal(x->gnn.n_nodes, y->gnn.n_nodes);
        assert_int_equal(x->gnn.n_edges, y->gnn.n_edges);
        assert_memory_equal(x->gnn.node_num, y->gnn.node_num,
                (size_t)x->gnn.n_nodes * LG_NODE_NUM * sizeof(float));
        assert_memory_equal(x->gnn.dst, y->gnn.dst, x->gnn.n_edges * sizeof(uint32_t));
    }
}

static void test_threads_do_not_matter(void **state)
{
    struct lg_dataset_options opt = options(DATA "/tiny.split.tsv");
    struct lg_dataset *one = built(&opt), *many;

    (void)state;
    for (size_t i = 1; i < one->rows.n; i++)
        assert_true(one->rows.v[i - 1].capture <= one->rows.v[i].capture);
    for (uint32_t threads = 2; threads <= 9; threads += 7) {
        opt.threads = threads;
        many = built(&opt);
        same_rows(one, many);
        lg_dataset_free(many);
    }
    lg_dataset_free(one);
}

static void test_small_windows_are_left_out(void **state)
{
    struct lg_dataset_options opt = options(DATA "/tiny.split.tsv");
    struct lg_dataset *all, *large;
    size_t over = 0;

    (void)state;
    opt.min_events = 1;
    all = built(&opt);
    opt.min_events = 40;
    large = built(&opt);
    for (size_t i = 0; i < all->rows.n; i++)
        over += all->rows.v[i].learned_events >= 40;
    assert_int_equal(large->rows.n, over);
    assert_true(over > 0 && over < all->rows.n);
    lg_dataset_free(all);
    lg_dataset_free(large);
}

/* Rows keep what the features gave: the graph that is trained on is the graph that is judged. */
static void test_rows_are_whole(void **state)
{
    struct lg_dataset_options opt = options(DATA "/tiny.split.tsv");
    struct lg_dataset *ds = built(&opt);
    struct lg_gnn_config cfg;

    (void)state;
    lg_gnn_config_default(&cfg);
    cfg.feature_version = LG_FEATURE_VERSION;
    cfg.vocab = LG_TOKEN_VOCAB;
    cfg.node_types = LG_NODE_TYPE_COUNT;
    cfg.num_dim = LG_NODE_NUM;
    cfg.edge_types = LG_EDGE_TYPE_COUNT;
    cfg.attr_bits = LG_EDGE_ATTR_COUNT;
    for (size_t i = 0; i < ds->rows.n; i++) {
        const struct lg_row *row = &ds->rows.v[i];
        struct lg_err err = {0, ""};

        if (lg_gnn_graph_check(&cfg, &row->gnn, &err) != 0)
            fail_msg("row %zu: %s", i, err.text);
        for (uint32_t t = 0; t < row->n_tok; t++)
            assert_true(row->tok[t] < LG_GRAPH_TOKEN_VOCAB &&
                    (t == 0 || row->tok[t - 1] < row->tok[t]));
    }
    lg_dataset_free(ds);
}

static void test_linux_needs_no_roles(void **state)
{
    struct lg_dataset_options opt = options(DATA "/tiny.split.tsv");
    struct lg_dataset *ds;

    (void)state;
    opt.platform = LG_PLATFORM_LINUX;
    opt.view.sources = 1u << LG_SOURCE_SYSFLOW;
    ds = built(&opt);
    assert_int_equal(ds->captures.n, 1);
    assert_int_equal(ds->hosts.n, 0);
    assert_true(ds->rows.n >= 6);
    for (size_t i = 0; i < ds->rows.n; i++)
        assert_int_equal(ds->rows.v[i].label, LG_LABEL_ATTACK);
    lg_dataset_free(ds);
}

/* --- what is refused ------------------------------------------------------------------------------------- */

static void test_splits_that_would_deceive(void **state)
{
    static const struct {
        const char *split;
        int code;
        const char *says;
    } rows[] = {
            {"file\tgroup\tfold\n" REG "\tg\t0\n" TASK "\tg\t1\n", LG_EINVAL,
                    "group 'g' stands in two folds"},
            {"file\tgroup\tfold\n" REG "\tg\t0\n" TASK "\tg\textra\n", LG_EINVAL, "two folds"},
            {"file\tgroup\tfold\n../captures/copyleft.ndjson.zst\tg\t0\n", LG_EREFUSED,
                    "licence of '../captures/copyleft.ndjson.zst' is not permissive"},
            {"file\tgroup\tfold\n../captures/unclear.ndjson.zst\tg\t0\n", LG_EREFUSED,
                    "not permissive"},
            {"file\tgroup\tfold\nno-such-file\tg\t0\n", LG_EINVAL,
                    "'no-such-file' is not in the manifest"},
            {"file\tgroup\tfold\n" REG "\tg\t16\n", LG_EINVAL, "fold '16'"},
            {"file\tgroup\tfold\n" REG "\tg\t-1\n", LG_EINVAL, "fold '-1'"},
            {"file\tgroup\tfold\n" REG "\tg\tfirst\n", LG_EINVAL, "neither 0..15 nor 'extra'"},
            {"file\tgroup\tfold\n" REG "\tg\n", LG_EINVAL, "fold ''"},
            {"file\tgroup\tfold\n" REG "\tg\t0\n" REG "\tg\t0\n", LG_EINVAL, "twice"},
            {"file\tgroup\n" REG "\tg\n", LG_EPARSE, "column 'fold' is missing"},
            {"file\tfold\n" REG "\t0\n", LG_EPARSE, "column 'group' is missing"},
            {"group\tfold\ng\t0\n", LG_EPARSE, "column 'file' is missing"},
            {"file\tgroup\tfold\n", LG_EINVAL, "no captures of platform windows"},
            {"", LG_EPARSE, "no header line"},
            {"file\tgroup\tfold\n../captures/absent.ndjson.zst\tg\t0\n", LG_EIO,
                    "absent.ndjson.zst"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct lg_dataset_options opt = options(split_file(rows[i].split));

        refused(&opt, rows[i].code, rows[i].says);
    }
}

static void test_files_that_are_not_there(void **state)
{
    struct lg_dataset_options opt = options(DATA "/no-such.tsv");

    (void)state;
    refused(&opt, LG_ENOENT, "no-such.tsv");
    opt.split_file = DATA "/tiny.split.tsv";
    opt.data_dir = DATA "/nowhere";
    refused(&opt, LG_ENOENT, "MANIFEST.tsv");
}

static void test_any_licence_where_it_is_asked_for(void **state)
{
    struct lg_dataset_options opt =
            options(split_file("file\tgroup\tfold\n../captures/copyleft.ndjson.zst\tg\t0\n"));

    (void)state;
    opt.allow_any_licence = true;
    refused(&opt, LG_EIO, "copyleft"); /* past the licence, to the file, which is not there */
}

/* --- out of memory ---------------------------------------------------------------------------------------- */

static void test_out_of_memory_in_the_caller(void **state)
{
    struct lg_dataset_options opt = options(split_file("file\tgroup\tfold\n" TASK "\tg\t0\n"));
    bool whole = false;

    (void)state;
    for (uint64_t n = 1; !whole && n < 5000; n++) {
        struct lg_dataset *ds = NULL;
        struct lg_err err = {0, ""};
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_dataset_build(&opt, &ds, &err);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        if (!whole && (rc != LG_ENOMEM || ds != NULL))
            fail_msg("allocation %llu: %d %s", (unsigned long long)n, rc, err.text);
        lg_dataset_free(ds);
    }
    assert_true(whole);
}

/* In the thread that reads: a row is copied whole or not at all. Steps grow, so that early and
 * late allocations are met in reasonable time. */
static void test_out_of_memory_in_a_reader(void **state)
{
    struct lg_dataset_options opt = options(split_file("file\tgroup\tfold\n" TASK "\tg\t0\n"));
    bool whole = false;
    unsigned failures = 0;

    (void)state;
    for (uint64_t n = 1; !whole && n < 200000; n += 1 + n / 12) {
        struct lg_dataset *ds = NULL;
        struct lg_err err = {0, ""};
        uint64_t made = 0;
        int rc;

        thread_oom.thread = 0;
        thread_oom.from = n;
        thread_oom.ret_made = &made;
        rc = lg_dataset_build(&opt, &ds, &err);
        thread_oom.from = 0;
        whole = made < n;
        /* a record that finds no memory is a dead letter and no failure: then fewer events */
        if (rc < 0 && (rc != LG_ENOMEM || ds != NULL || err.text[0] == '\0'))
            fail_msg("allocation %llu: %d %s", (unsigned long long)n, rc, err.text);
        failures += rc < 0;
        lg_dataset_free(ds);
    }
    assert_true(whole && failures > 20);
}

/* --- tables ------------------------------------------------------------------------------------------------- */

static void test_tables(void **state)
{
    struct lg_tsv *t;
    struct lg_err err = {0, ""};
    int column;

    (void)state;
    assert_int_equal(
            lg_tsv_read(split_file("# note\r\n\na\tb\tc\r\n1\t\t3\n\n#x\ty\n4\n"), &t, &err), 0);
    assert_int_equal(lg_tsv_rows(t), 2);
    assert_int_equal(lg_tsv_column(t, "c"), 2);
    assert_int_equal(lg_tsv_column(t, "d"), -1);
    assert_int_equal(lg_tsv_need(t, "b", &column, &err), 0);
    assert_int_equal(column, 1);
    assert_int_equal(lg_tsv_need(t, "d", &column, &err), LG_EPARSE);
    assert_str(lg_tsv_get(t, 0, 0), "1");
    assert_str(lg_tsv_get(t, 0, 1), "");
    assert_str(lg_tsv_get(t, 0, 2), "3");
    assert_str(lg_tsv_get(t, 1, 2), "");
    assert_str(lg_tsv_get(t, 1, -1), "");
    lg_tsv_free(t);
    lg_tsv_free(NULL);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(
            split_path, sizeof(split_path), "%s/test-dataset-%d.tsv", LG_BINARY_DIR, (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(split_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_labels_by_host_and_time),
            cmocka_unit_test(test_captures_are_told_with_origin),
            cmocka_unit_test(test_the_split_may_say_what_a_file_is),
            cmocka_unit_test(test_threads_do_not_matter),
            cmocka_unit_test(test_small_windows_are_left_out),
            cmocka_unit_test(test_rows_are_whole),
            cmocka_unit_test(test_linux_needs_no_roles),
            cmocka_unit_test(test_splits_that_would_deceive),
            cmocka_unit_test(test_files_that_are_not_there),
            cmocka_unit_test(test_any_licence_where_it_is_asked_for),
            cmocka_unit_test(test_out_of_memory_in_the_caller),
            cmocka_unit_test(test_out_of_memory_in_a_reader),
            cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

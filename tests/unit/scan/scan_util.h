#ifndef LG_TESTS_SCAN_UTIL_H
#define LG_TESTS_SCAN_UTIL_H

#include "detect/model_builder.h"

#include "base/vec.h"
#include "scan/scan.h"

/* Scans with small random models, and their verdicts as sorted text without the time. */

#define CAPTURE(name) LG_SOURCE_DIR "/tests/data/captures/" name ".ndjson.zst"
#define REG CAPTURE("empire_reg_dump_sam_2019-06-25133822")
#define DESKTOP CAPTURE("omerbenamram_sysmon")
#define FLOW CAPTURE("sysflow_shellshock")
#define DUMP CAPTURE("cmd_lsass_memory_dumpert_syscalls_2020-10-1822561997")

static struct lg_model *su_models[2];

static inline int su_setup(void **state)
{
    (void)state;
    for (int p = 0; p < 2; p++) {
        su_models[p] = mb_new((enum lg_platform)p, 2);
        su_models[p]->threshold = 0.4;
    }
    /* every source of Linux that a bundled recording has */
    su_models[1]->view.sources |= 1u << LG_SOURCE_SYSFLOW;
    return 0;
}

static inline int su_teardown(void **state)
{
    (void)state;
    lg_model_free(su_models[0]);
    lg_model_free(su_models[1]);
    return 0;
}

struct su_run {
    struct lg_scan_options opt;
    struct lg_scan_stats stats;
    struct lg_err err;
    int rc;
    LG_VEC(char *) lines; /* as they came; su_done frees */
    int fail_verdict;     /* the n-th verdict or output fails with LG_EINTR; 0: none */
    int fail_output;
    int verdicts;
    unsigned file_errors;
    uint64_t progress;
};

static inline int su_verdict(void *user, uint32_t worker, struct lg_jury *jury,
        const struct lg_graph *g, struct lg_verdict *v, struct lg_buf *out)
{
    struct su_run *r = (struct su_run *)user;

    (void)worker;
    if (r->fail_verdict > 0 &&
            __atomic_add_fetch(&r->verdicts, 1, __ATOMIC_RELAXED) >= r->fail_verdict)
        return LG_EINTR;
    v->time_ms = 0;
    lg_verdict_write(v, g, lg_jury_model(jury), out);
    return out->failed;
}

static inline int su_output(void *user, struct lg_str bytes)
{
    struct su_run *r = (struct su_run *)user;
    char *line = NULL;

    if (r->fail_output > 0 && (int)r->lines.n + 1 >= r->fail_output)
        return LG_EIO;
    line = lg_strndup(bytes.p, bytes.n);
    if (line == NULL || lg_vec_push(&r->lines, line) < 0) {
        lg_free(line);
        return LG_ENOMEM;
    }
    return 0;
}

static inline void su_progress(
        void *user, uint32_t file, uint64_t consumed, uint64_t total, uint64_t records)
{
    struct su_run *r = (struct su_run *)user;

    (void)file;
    assert_true(consumed <= total || total == 0);
    assert_true(records >= r->progress);
    r->progress = records;
}

static inline void su_file_error(void *user, const char *path, const struct lg_err *err)
{
    struct su_run *r = (struct su_run *)user;

    assert_true(path[0] != '\0' && err->text[0] != '\0');
    r->file_errors++;
}

static inline void su_init(struct su_run *r, const char *const *paths, uint32_t n)
{
    memset(r, 0, sizeof(*r));
    lg_scan_options_default(&r->opt);
    r->opt.paths = paths;
    r->opt.n_paths = n;
    r->opt.workers = 2;
    r->opt.model[0] = su_models[0];
    r->opt.model[1] = su_models[1];
}

static inline int su_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void su_scan(struct su_run *r)
{
    const struct lg_scan_sink sink = {
            .user = r, .verdict = su_verdict, .output = su_output, .progress = su_progress};

    r->rc = lg_scan_run(&r->opt, &sink, su_file_error, &r->stats, &r->err);
}

static inline void su_sort(struct su_run *r)
{
    if (r->lines.n > 0)
        qsort(r->lines.v, r->lines.n, sizeof(char *), su_by_text);
}

static inline void su_done(struct su_run *r)
{
    for (size_t i = 0; i < r->lines.n; i++)
        lg_free(r->lines.v[i]);
    lg_vec_done(&r->lines);
}

static inline void su_same(const struct su_run *a, const struct su_run *b, const char *what)
{
    if (a->lines.n != b->lines.n)
        fail_msg("%s: %zu verdicts and %zu", what, a->lines.n, b->lines.n);
    for (size_t i = 0; i < a->lines.n; i++)
        if (strcmp(a->lines.v[i], b->lines.v[i]) != 0)
            fail_msg("%s:\n%s\n%s", what, a->lines.v[i], b->lines.v[i]);
}

#endif

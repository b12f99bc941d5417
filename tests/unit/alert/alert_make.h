#ifndef LG_TESTS_ALERT_MAKE_H
#define LG_TESTS_ALERT_MAKE_H

#include "lg_test.h"

#include "alert/fold.h"
#include "base/arena.h"
#include "json/json.h"

/* A verdict from a few words, through the real reader. */
struct make_inference {
    const char *tenant, *endpoint;
    int64_t window_end_s; /* 180 s long */
    unsigned id;          /* inference_id */
    const char *prediction;
    double prob;
    const char *severity;
    const char *techniques; /* JSON array */
    const char *evidence;   /* JSON array; NULL: one powershell */
};

struct maker {
    struct lg_json *json;
    struct lg_arena a;
};

static inline void maker_init(struct maker *m)
{
    assert_int_equal(lg_json_new(&m->json), 0);
    lg_arena_init(&m->a, 256u << 20);
}

static inline void maker_done(struct maker *m)
{
    lg_json_free(m->json);
    lg_arena_done(&m->a);
}

#define ONE_POWERSHELL                                                                             \
    "[{\"node\":1,\"type\":\"process\",\"name\":\"C:\\\\Windows\\\\System32\\\\WindowsPowerShell"  \
    "\\\\v1.0\\\\powershell.exe\",\"command_line\":\"powershell -enc AAAA\",\"pid\":4242,"         \
    "\"process_guid\":\"guid-1\",\"user\":\"CORP\\\\anna\",\"hash\":\"aabb\",\"first_seen\":1000," \
    "\"share\":1,\"parent\":null,\"techniques\":[\"T1059.001\"]}]"

static inline void make_text(const struct make_inference *in, struct lg_buf *out)
{
    bool error = in->prediction != NULL && strcmp(in->prediction, "error") == 0;
    char prob[64] = "null";

    if (!error)
        (void)snprintf(prob, sizeof(prob), "%.6f", in->prob);
    lg_buf_printf(out,
            "{\"inference_id\":\"00000000-0000-8000-8000-%012x\",\"tenant_id\":\"%s\","
            "\"endpoint_id\":\"%s\",\"hostname\":\"%s.corp.example\",\"platform\":\"windows\","
            "\"window_start\":%lld,\"window_end\":%lld,\"prediction\":\"%s\",\"attack_prob\":%s,"
            "\"confidence\":%s,%s\"severity\":\"%s\",\"events\":12,\"late_events\":0,"
            "\"graph_nodes\":5,\"graph_edges\":7,\"truncated\":0,\"idle_allowlisted\":false,"
            "\"inference_time_ms\":1.5,\"scores\":{},\"evidence\":%s,\"ttp_techniques\":%s,"
            "\"model\":{\"name\":\"windows\",\"version\":\"1.0\",\"sha256\":\"00\"}}",
            in->id, in->tenant, in->endpoint, in->endpoint, (long long)in->window_end_s - 180,
            (long long)in->window_end_s, in->prediction != NULL ? in->prediction : "attack", prob,
            prob, error ? "\"error\":\"too_few_nodes\"," : "",
            in->severity != NULL ? in->severity : "high",
            in->evidence != NULL ? in->evidence : ONE_POWERSHELL,
            in->techniques != NULL ? in->techniques : "[\"T1059.001\"]");
}

/* Lives until maker_done. */
static inline struct lg_inference make(struct maker *m, const struct make_inference *in)
{
    struct lg_inference ret;
    struct lg_str line;
    struct lg_jval root;
    struct lg_err err = {0};
    struct lg_buf b;
    char *own;

    lg_buf_init(&b, 1u << 20);
    make_text(in, &b);
    assert_int_equal(b.failed, 0);
    own = (char *)lg_arena_alloc(&m->a, b.n);
    assert_non_null(own);
    memcpy(own, b.p, b.n);
    line = lg_str_of(own, b.n);
    lg_buf_done(&b);
    assert_int_equal(lg_json_parse(m->json, line, false, &root, NULL), 0);
    if (lg_inference_read(root, line, &m->a, &ret, &err) < 0)
        fail_msg("%s", err.text);
    return ret;
}

/* Texts of `in` that borrow from the JSON parser: copied, so that the next make() may come. */
static inline struct lg_inference make_own(struct maker *m, const struct make_inference *in)
{
    struct lg_inference x = make(m, in);
    struct lg_inference_evidence *e;
    struct lg_str *t;
    struct lg_str *const texts[] = {&x.tenant_id, &x.endpoint_id, &x.hostname, &x.platform,
            &x.error, &x.model_name, &x.model_version, &x.model_sha256};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i]->n > 0)
            assert_int_equal(lg_arena_dup(&m->a, *texts[i], texts[i]), 0);
    t = (struct lg_str *)lg_arena_alloc(&m->a, (x.n_techniques + 1) * sizeof(*t));
    for (uint32_t i = 0; i < x.n_techniques; i++)
        assert_int_equal(lg_arena_dup(&m->a, x.techniques[i], &t[i]), 0);
    x.techniques = t;
    e = (struct lg_inference_evidence *)lg_arena_alloc(&m->a, (x.n_evidence + 1) * sizeof(*e));
    for (uint32_t i = 0; i < x.n_evidence; i++) {
        struct lg_str *const parts[] = {&e[i].type, &e[i].name, &e[i].command_line,
                &e[i].process_guid, &e[i].user, &e[i].hash};
        struct lg_str *own;

        e[i] = x.evidence[i];
        for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
            if (parts[k]->n > 0)
                assert_int_equal(lg_arena_dup(&m->a, *parts[k], parts[k]), 0);
        own = (struct lg_str *)lg_arena_alloc(&m->a, (e[i].n_techniques + 1) * sizeof(*own));
        for (uint32_t k = 0; k < e[i].n_techniques; k++)
            assert_int_equal(lg_arena_dup(&m->a, e[i].techniques[k], &own[k]), 0);
        e[i].techniques = own;
    }
    x.evidence = e;
    return x;
}

#endif

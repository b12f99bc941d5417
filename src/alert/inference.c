#include <math.h>
#include <string.h>

#include "alert/alert.h"
#include "alert/inference.h"
#include "base/limits.h"

#define MAX_TECHNIQUES 256

struct reader {
    struct lg_arena *a;
    struct lg_err *err;
};

static int bad(struct reader *r, const char *member)
{
    return lg_err_set(
            r->err, LG_EPARSE, "inference: \"%s\" is missing or of the wrong type", member);
}

static int read_str(
        struct reader *r, struct lg_jval o, const char *key, bool must, struct lg_str *ret)
{
    struct lg_jval v;

    if (!lg_jval_get(o, lg_str_z(key), &v))
        return must ? bad(r, key) : 0;
    if (lg_jval_type(v) != LG_JSON_STRING)
        return bad(r, key);
    *ret = lg_jval_str(v);
    return must && ret->n == 0 ? bad(r, key) : 0;
}

/* Epoch seconds: our own writer's times lose nothing below 0.25 us as doubles; integers are exact. */
static int read_time(struct reader *r, struct lg_jval o, const char *key, bool must, lg_time *ret)
{
    struct lg_jval v;
    double d;

    if (!lg_jval_get(o, lg_str_z(key), &v) || lg_jval_type(v) == LG_JSON_NULL)
        return must ? bad(r, key) : 0;
    if (lg_jval_type(v) == LG_JSON_I64) {
        if (lg_jval_i64(v) < 0 || lg_jval_i64(v) > INT64_MAX / LG_NS_PER_SEC)
            return bad(r, key);
        *ret = lg_jval_i64(v) * LG_NS_PER_SEC;
        return 0;
    }
    if (lg_jval_type(v) != LG_JSON_DOUBLE)
        return bad(r, key);
    d = lg_jval_double(v);
    if (!(d >= 0 && d < 9.2e9))
        return bad(r, key);
    *ret = (lg_time)floor(d) * LG_NS_PER_SEC + (lg_time)llround((d - floor(d)) * 1e9);
    return 0;
}

static int read_count(struct reader *r, struct lg_jval o, const char *key, uint64_t *ret)
{
    struct lg_jval v;

    if (!lg_jval_get(o, lg_str_z(key), &v))
        return bad(r, key);
    if (lg_jval_type(v) != LG_JSON_I64 || lg_jval_i64(v) < 0)
        return bad(r, key);
    *ret = (uint64_t)lg_jval_i64(v);
    return 0;
}

/* A number in [0, max], or absent: *ret_has says which. */
static int read_number(
        struct reader *r, struct lg_jval o, const char *key, double max, double *ret, bool *ret_has)
{
    struct lg_jval v;
    double d;

    *ret_has = false;
    if (!lg_jval_get(o, lg_str_z(key), &v) || lg_jval_type(v) == LG_JSON_NULL)
        return 0;
    if (lg_jval_type(v) == LG_JSON_DOUBLE)
        d = lg_jval_double(v);
    else if (lg_jval_type(v) == LG_JSON_I64)
        d = (double)lg_jval_i64(v);
    else
        return bad(r, key);
    if (!(d >= 0 && d <= max))
        return bad(r, key);
    *ret = d;
    *ret_has = true;
    return 0;
}

static int read_techniques(struct reader *r, struct lg_jval o, const char *key,
        const struct lg_str **ret, uint32_t *ret_n)
{
    struct lg_jval list, v;
    struct lg_jiter it;
    struct lg_str *t;
    uint32_t n = 0, want = 0;

    if (!lg_jval_get(o, lg_str_z(key), &list))
        return 0;
    if (lg_jval_type(list) != LG_JSON_ARRAY)
        return bad(r, key);
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &v))
        want++;
    if (want == 0)
        return 0;
    if (want > MAX_TECHNIQUES)
        return bad(r, key);
    t = (struct lg_str *)lg_arena_alloc(r->a, want * sizeof(*t));
    if (t == NULL)
        return LG_ENOMEM;
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &v)) {
        if (lg_jval_type(v) != LG_JSON_STRING || !lg_technique_valid(lg_jval_str(v)))
            return bad(r, key);
        t[n] = lg_jval_str(v);
        if (n > 0 && lg_str_cmp(t[n - 1], t[n]) >= 0)
            return bad(r, key); /* ascending, each once: the fold key rests on it */
        n++;
    }
    *ret = t;
    *ret_n = n;
    return 0;
}

static int read_one_evidence(struct reader *r, struct lg_jval o, struct lg_inference_evidence *e)
{
    struct lg_jval v;
    uint64_t node;
    bool has;
    int rc;

    memset(e, 0, sizeof(*e));
    e->parent = -1;
    if (lg_jval_type(o) != LG_JSON_OBJECT)
        return bad(r, "evidence");
    rc = read_count(r, o, "node", &node);
    if (rc < 0 || node > UINT32_MAX)
        return rc < 0 ? rc : bad(r, "node");
    e->node = (uint32_t)node;
    if (lg_jval_get(o, LG_STR("parent"), &v) && lg_jval_type(v) == LG_JSON_I64)
        e->parent = lg_jval_i64(v);
    if (lg_jval_get(o, LG_STR("pid"), &v) && lg_jval_type(v) == LG_JSON_I64 && lg_jval_i64(v) > 0 &&
            lg_jval_i64(v) <= UINT32_MAX)
        e->pid = (uint32_t)lg_jval_i64(v);
    if ((rc = read_str(r, o, "type", true, &e->type)) < 0 ||
            (rc = read_str(r, o, "name", false, &e->name)) < 0 ||
            (rc = read_str(r, o, "command_line", false, &e->command_line)) < 0 ||
            (rc = read_str(r, o, "process_guid", false, &e->process_guid)) < 0 ||
            (rc = read_str(r, o, "user", false, &e->user)) < 0 ||
            (rc = read_str(r, o, "hash", false, &e->hash)) < 0 ||
            (rc = read_time(r, o, "first_seen", true, &e->first_seen)) < 0 ||
            (rc = read_number(r, o, "share", 1, &e->share, &has)) < 0)
        return rc;
    return read_techniques(r, o, "techniques", &e->techniques, &e->n_techniques);
}

static int read_evidence(struct reader *r, struct lg_jval root, struct lg_inference *in)
{
    struct lg_inference_evidence *e;
    struct lg_jval list, v;
    struct lg_jiter it;
    int rc;

    if (!lg_jval_get(root, LG_STR("evidence"), &list))
        return 0;
    if (lg_jval_type(list) != LG_JSON_ARRAY)
        return bad(r, "evidence");
    e = (struct lg_inference_evidence *)lg_arena_alloc(r->a, LG_MAX_EVIDENCE * sizeof(*e));
    if (e == NULL)
        return LG_ENOMEM;
    it = lg_jiter_of(list);
    in->evidence = e;
    while (lg_jiter_item(&it, &v)) {
        if (in->n_evidence == LG_MAX_EVIDENCE)
            return bad(r, "evidence");
        rc = read_one_evidence(r, v, &e[in->n_evidence]);
        if (rc < 0)
            return rc;
        in->n_evidence++;
    }
    return 0;
}

static int read_verdict(struct reader *r, struct lg_jval root, struct lg_inference *in)
{
    static const char *const names[] = {"benign", "attack", "error"};
    struct lg_str s = {0};
    struct lg_jval v;
    bool has;
    int rc = read_str(r, root, "prediction", true, &s);

    if (rc < 0)
        return rc;
    in->prediction = -1;
    for (int i = 0; i < 3; i++)
        if (lg_str_eq(s, lg_str_z(names[i])))
            in->prediction = i;
    if (in->prediction < 0)
        return bad(r, "prediction");
    if ((rc = read_number(r, root, "attack_prob", 1, &in->attack_prob, &in->has_prob)) < 0 ||
            (rc = read_number(r, root, "confidence", 1, &in->confidence, &has)) < 0 ||
            (rc = read_number(r, root, "inference_time_ms", 1e12, &in->inference_time_ms, &has)) <
                    0 ||
            (rc = read_str(r, root, "error", false, &in->error)) < 0)
        return rc;
    if (in->has_prob == (in->prediction == LG_INFERENCE_ERROR))
        return bad(r, "attack_prob");
    if (in->prediction == LG_INFERENCE_ATTACK) {
        rc = read_str(r, root, "severity", true, &s);
        if (rc < 0 || lg_severity_parse(s, &in->severity) < 0)
            return bad(r, "severity");
        in->has_severity = true;
    }
    in->idle_allowlisted = lg_jval_get(root, LG_STR("idle_allowlisted"), &v) &&
            lg_jval_type(v) == LG_JSON_BOOL && lg_jval_bool(v);
    return 0;
}

static int read_counts(struct reader *r, struct lg_jval root, struct lg_inference *in)
{
    int rc;

    if ((rc = read_count(r, root, "events", &in->events)) < 0 ||
            (rc = read_count(r, root, "late_events", &in->late_events)) < 0 ||
            (rc = read_count(r, root, "graph_nodes", &in->nodes)) < 0 ||
            (rc = read_count(r, root, "graph_edges", &in->edges)) < 0)
        return rc;
    return read_count(r, root, "truncated", &in->truncated);
}

static int read_model(struct reader *r, struct lg_jval root, struct lg_inference *in)
{
    struct lg_jval m;
    int rc;

    if (!lg_jval_get(root, LG_STR("model"), &m))
        return 0;
    if (lg_jval_type(m) != LG_JSON_OBJECT)
        return bad(r, "model");
    if ((rc = read_str(r, m, "name", false, &in->model_name)) < 0 ||
            (rc = read_str(r, m, "version", false, &in->model_version)) < 0)
        return rc;
    return read_str(r, m, "sha256", false, &in->model_sha256);
}

int lg_inference_read(struct lg_jval root, struct lg_str line, struct lg_arena *a,
        struct lg_inference *ret, struct lg_err *reterr)
{
    struct reader r = {a, reterr};
    struct lg_inference in = {.json = line};
    struct lg_str id = {0};
    int rc;

    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return lg_err_set(reterr, LG_EPARSE, "inference: not an object");
    if ((rc = read_str(&r, root, "inference_id", true, &id)) < 0)
        return rc;
    if (lg_uuid_parse(id, &in.inference_id) < 0)
        return bad(&r, "inference_id");
    if ((rc = read_str(&r, root, "tenant_id", true, &in.tenant_id)) < 0 ||
            (rc = read_str(&r, root, "endpoint_id", true, &in.endpoint_id)) < 0 ||
            (rc = read_str(&r, root, "hostname", false, &in.hostname)) < 0 ||
            (rc = read_str(&r, root, "platform", true, &in.platform)) < 0 ||
            (rc = read_time(&r, root, "window_start", true, &in.window_start)) < 0 ||
            (rc = read_time(&r, root, "window_end", true, &in.window_end)) < 0)
        return rc;
    if (in.window_end <= in.window_start || in.tenant_id.n > LG_MAX_TENANT_BYTES)
        return bad(&r, in.window_end <= in.window_start ? "window_end" : "tenant_id");
    in.last_event = in.window_end;
    if ((rc = read_time(&r, root, "last_event_time", false, &in.last_event)) < 0 ||
            (rc = read_time(&r, root, "received_at", false, &in.received_at)) < 0 ||
            (rc = read_verdict(&r, root, &in)) < 0 || (rc = read_counts(&r, root, &in)) < 0 ||
            (rc = read_techniques(&r, root, "ttp_techniques", &in.techniques, &in.n_techniques)) <
                    0 ||
            (rc = read_evidence(&r, root, &in)) < 0 || (rc = read_model(&r, root, &in)) < 0)
        return rc;
    *ret = in;
    return 0;
}

/* File names of what starts other processes for everybody, in lower case. */
static const char *const windows_system[] = {"system", "registry", "smss.exe", "csrss.exe",
        "wininit.exe", "winlogon.exe", "services.exe", "lsass.exe", "svchost.exe", "explorer.exe",
        "userinit.exe", "wmiprvse.exe", "taskeng.exe", "taskhost.exe", "taskhostw.exe",
        "dllhost.exe", "spoolsv.exe", "runtimebroker.exe", "sihost.exe"};
static const char *const linux_system[] = {"systemd", "init", "kthreadd", "sshd", "cron", "crond",
        "atd", "login", "dbus-daemon", "dockerd", "containerd", "containerd-shim",
        "containerd-shim-runc-v2", "runc", "sudo", "su", "upstart", "agetty", "gdm", "supervisord"};

static bool in_list(struct lg_str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lg_str_ieq(s, lg_str_z(list[i])))
            return true;
    return false;
}

bool lg_process_is_system(struct lg_str image, uint32_t pid)
{
    struct lg_str base = lg_str_basename(image);
    bool windows = lg_str_chr(image, '\\') >= 0 || lg_str_iends(image, LG_STR(".exe"));

    if (pid == 1 || pid == 4 || image.n == 0)
        return true;
    if (in_list(base, linux_system, sizeof(linux_system) / sizeof(*linux_system)))
        return !windows;
    if (!in_list(base, windows_system, sizeof(windows_system) / sizeof(*windows_system)))
        return false;
    if (base.n == image.n) /* the source knew no path */
        return true;
    return lg_str_ifind(image, LG_STR("\\windows\\system32\\")) >= 0 ||
            lg_str_ifind(image, LG_STR("\\windows\\syswow64\\")) >= 0 ||
            lg_str_ieq(lg_str_sub(image, 0, image.n - base.n), LG_STR("c:\\windows\\")) ||
            lg_str_iends(lg_str_sub(image, 0, image.n - base.n), LG_STR(":\\windows\\"));
}

static const struct lg_inference_evidence *by_node(const struct lg_inference *in, int64_t node)
{
    for (uint32_t i = 0; node >= 0 && i < in->n_evidence; i++)
        if (in->evidence[i].node == (uint64_t)node)
            return &in->evidence[i];
    return NULL;
}

const struct lg_inference_evidence *lg_inference_process(const struct lg_inference *in)
{
    for (uint32_t i = 0; i < in->n_evidence; i++) {
        const struct lg_inference_evidence *e = &in->evidence[i], *top = NULL;

        /* The step count stops a circle that only a liar can write. */
        for (uint32_t k = 0; e != NULL && k <= in->n_evidence; k++) {
            if (lg_str_eq(e->type, LG_STR("process")) && !lg_process_is_system(e->name, e->pid))
                top = e;
            e = by_node(in, e->parent);
        }
        if (top != NULL)
            return top;
    }
    return NULL;
}

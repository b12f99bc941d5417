#include <string.h>

#include "alert/inference.h"

/* A view into the line itself stays: the caller owns the line. */
static int keep(struct lg_str *s, struct lg_arena *a)
{
    return s->n > 0 ? lg_arena_dup(a, *s, s) : 0;
}

static int keep_evidence(struct lg_inference_evidence *e, struct lg_arena *a)
{
    struct lg_str *own[] = {
            &e->type, &e->name, &e->command_line, &e->process_guid, &e->user, &e->hash};
    struct lg_str *t;

    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (keep(own[i], a) < 0)
            return LG_ENOMEM;
    if (e->n_techniques == 0)
        return 0;
    t = lg_arena_alloc(a, e->n_techniques * sizeof(*t));
    if (t == NULL)
        return LG_ENOMEM;
    memcpy(t, e->techniques, e->n_techniques * sizeof(*t));
    for (uint32_t i = 0; i < e->n_techniques; i++)
        if (keep(&t[i], a) < 0)
            return LG_ENOMEM;
    e->techniques = t;
    return 0;
}

static int keep_all(struct lg_inference *in, struct lg_arena *a)
{
    struct lg_str *own[] = {&in->tenant_id, &in->endpoint_id, &in->hostname, &in->platform,
            &in->error, &in->model_name, &in->model_version, &in->model_sha256};
    struct lg_inference_evidence *e;
    struct lg_str *t;

    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (keep(own[i], a) < 0)
            return LG_ENOMEM;
    if (in->n_techniques > 0) {
        t = lg_arena_alloc(a, in->n_techniques * sizeof(*t));
        if (t == NULL)
            return LG_ENOMEM;
        memcpy(t, in->techniques, in->n_techniques * sizeof(*t));
        for (uint32_t i = 0; i < in->n_techniques; i++)
            if (keep(&t[i], a) < 0)
                return LG_ENOMEM;
        in->techniques = t;
    }
    if (in->n_evidence > 0) {
        e = lg_arena_alloc(a, in->n_evidence * sizeof(*e));
        if (e == NULL)
            return LG_ENOMEM;
        memcpy(e, in->evidence, in->n_evidence * sizeof(*e));
        for (uint32_t i = 0; i < in->n_evidence; i++)
            if (keep_evidence(&e[i], a) < 0)
                return LG_ENOMEM;
        in->evidence = e;
    }
    return 0;
}

int lg_inference_load(struct lg_json *j, struct lg_str line, lg_time arrived, struct lg_arena *a,
        struct lg_inference *ret)
{
    struct lg_jval root;
    int rc = lg_json_parse(j, line, false, &root, NULL);

    if (rc == 0)
        rc = lg_inference_read(root, line, a, ret, NULL);
    if (rc == 0)
        rc = keep_all(ret, a);
    if (rc == 0 && ret->received_at == 0)
        ret->received_at = arrived;
    return rc;
}

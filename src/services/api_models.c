#include "services/api_int.h"

/* The models that give verdicts. */

static void put_model(struct lg_jw *w, const struct lg_api_model *m, bool with_path)
{
    lg_jw_object(w);
    LG_JW_STR(w, "name", lg_str_z(m->name));
    LG_JW_STR(w, "version", lg_str_z(m->version));
    LG_JW_STR(w, "platform", lg_str_z(m->platform));
    LG_JW_STR(w, "sha256", lg_str_z(m->sha256));
    if (with_path)
        api_put_str(w, LG_STR("path"), lg_str_z(m->path));
    LG_JW_STR(w, "signature", lg_str_z(m->signature != NULL ? m->signature : "not_checked"));
    api_put_str(w, LG_STR("signer"), lg_str_z(m->signer));
    LG_JW_DOUBLE(w, "threshold", m->threshold);
    LG_JW_BOOL(w, "experimental", m->experimental);
    api_put_time(w, LG_STR("loaded_at"), m->loaded_at);
    api_put_str(w, LG_STR("loaded_by"), lg_str_z(m->loaded_by));
    lg_jw_key(w, LG_STR("training"));
    if (m->training_json != NULL)
        lg_jw_raw(w, lg_str_z(m->training_json));
    else
        lg_jw_null(w);
    lg_jw_object_end(w);
}

static int list(struct lg_http_req *req, void *ctx)
{
    const struct lg_api *api = ctx;
    bool operator=(lg_principal_platform_roles(lg_req_principal(req)) & LG_ROLE_OPERATOR) != 0;
    struct lg_jw w;

    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("models"));
    lg_jw_array(&w);
    for (size_t i = 0; i < api->d.n_models; i++)
        put_model(&w, &api->d.models[i], operator);
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/models",
                .operation = "listModels",
                .tag = "platform",
                .summary = "Models in use: digest, signature, metrics, who loaded them",
                .action = LG_ACT_MODEL_READ,
                .responses = {API_OK("ModelList", "The models")},
                .handler = list,
        },
};

struct lg_api_rows api_models_rows(void)
{
    return API_ROWS(rows);
}

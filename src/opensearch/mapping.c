#include <stdio.h>

#include "opensearch/os_int.h"

/*
 * Index templates. Members that nobody named are refused, so that no sender can grow the mapping.
 * What only our searches need is indexed but not kept in _source; `body` is kept and not indexed.
 */
struct column {
    const char *name, *type;
    bool index, values; /* found by; sorted and added up by */
};
static const struct column event_columns[] = {
        {"schema", "byte", false, false},
        {"tenant", "keyword", true, true},
        {"endpoint", "keyword", true, true},
        {"time", "long", true, true},
        {"hour", "integer", false, true},
        {"received", "long", true, true},
        {"stored_at", "long", true, true},
        {"shift", "long", false, false},
        {"tie", "long", false, true},
        {"key", "long", false, true},
        {"digest", "keyword", false, false},
        {"user", "keyword", true, false},
        {"image", "keyword", true, false},
        {"image_base", "keyword", true, false},
        {"hash", "keyword", true, false},
        {"destination", "keyword", true, false},
        {"address", "keyword", true, false},
        {"guid", "keyword", true, false},
        {"shown_user", "keyword", false, true},
        {"shown_image", "keyword", false, true},
        {"shown_hash", "keyword", false, true},
        {"shown_destination", "keyword", false, true},
        {"process", "keyword", false, true},
        {"created", "keyword", true, true},
        {"body", "keyword", false, false},
};
static const char *const event_hidden[] = {"logster.user", "logster.image", "logster.image_base",
        "logster.hash", "logster.destination", "logster.address", "logster.guid",
        "logster.shown_user", "logster.shown_image", "logster.shown_hash",
        "logster.shown_destination", "logster.process", "logster.text", "logster.hour",
        "logster.stored_at", "logster.key"};
static const struct column inference_columns[] = {
        {"schema", "byte", false, false},
        {"inference_id", "keyword", true, false},
        {"tenant", "keyword", true, true},
        {"endpoint", "keyword", true, true},
        {"hostname", "keyword", false, true},
        {"platform", "keyword", false, true},
        {"window_start", "long", true, true},
        {"window_end", "long", true, true},
        {"ms", "long", true, true},
        {"received", "long", true, true},
        {"stored_at", "long", true, true},
        {"tie", "long", false, true},
        {"digest", "keyword", false, false},
        {"prediction", "byte", true, true},
        {"attack_prob", "double", true, true},
        {"confidence", "double", false, true},
        {"severity", "byte", true, true},
        {"nodes", "long", false, true},
        {"edges", "long", false, true},
        {"time_ms", "double", false, true},
        {"techniques", "keyword", true, true},
        {"body", "keyword", false, false},
        {"context", "keyword", false, false},
};

static void put_columns(struct lg_jw *w, const struct column *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lg_jw_key(w, lg_str_z(v[i].name));
        lg_jw_object(w);
        LG_JW_STR(w, "type", lg_str_z(v[i].type));
        if (!v[i].index)
            LG_JW_BOOL(w, "index", false);
        if (!v[i].values)
            LG_JW_BOOL(w, "doc_values", false);
        lg_jw_object_end(w);
    }
}

static void put_text(struct lg_jw *w)
{
    lg_jw_key(w, LG_STR("text"));
    lg_jw_raw(w,
            LG_STR("{\"type\":\"text\",\"analyzer\":\"logster_trigram\",\"index_options\":\"docs\","
                   "\"norms\":false}"));
}

static void put_aliases_of_inferences(struct lg_jw *w)
{
    lg_jw_key(w, LG_STR("host"));
    lg_jw_raw(w,
            LG_STR("{\"properties\":{\"id\":{\"type\":\"alias\",\"path\":\"logster.endpoint\"},"
                   "\"name\":{\"type\":\"alias\",\"path\":\"logster.hostname\"}}}"));
    lg_jw_key(w, LG_STR("organization"));
    lg_jw_raw(w,
            LG_STR("{\"properties\":{\"id\":{\"type\":\"alias\",\"path\":\"logster.tenant\"}}}"));
    lg_jw_key(w, LG_STR("threat"));
    lg_jw_raw(w,
            LG_STR("{\"properties\":{\"technique\":{\"properties\":{\"id\":{\"type\":\"alias\","
                   "\"path\":\"logster.techniques\"}}}}}"));
}

static void put_mappings(struct lg_jw *w, enum lg_os_kind kind)
{
    lg_jw_object(w);
    LG_JW_STR(w, "dynamic", LG_STR("strict"));
    if (kind == LG_OS_EVENTS) {
        lg_jw_key(w, LG_STR("_source"));
        lg_jw_object(w);
        lg_jw_key(w, LG_STR("excludes"));
        lg_jw_array(w);
        for (size_t i = 0; i < sizeof(event_hidden) / sizeof(*event_hidden); i++)
            lg_jw_str(w, lg_str_z(event_hidden[i]));
        lg_jw_array_end(w);
        lg_jw_object_end(w);
    }
    lg_jw_key(w, LG_STR("properties"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("@timestamp"));
    lg_jw_raw(w, LG_STR("{\"type\":\"date\"}"));
    if (kind == LG_OS_EVENTS)
        lg_os_ecs_map(w);
    else
        put_aliases_of_inferences(w);
    lg_jw_key(w, LG_STR("logster"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("properties"));
    lg_jw_object(w);
    if (kind == LG_OS_EVENTS) {
        put_columns(w, event_columns, sizeof(event_columns) / sizeof(*event_columns));
        put_text(w);
    } else {
        put_columns(w, inference_columns, sizeof(inference_columns) / sizeof(*inference_columns));
    }
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static void put_settings(struct lg_jw *w, const struct lg_os *os, enum lg_os_kind kind, bool policy)
{
    lg_jw_object(w);
    LG_JW_U64(w, "number_of_shards", os->opt.shards);
    LG_JW_I64(w, "number_of_replicas", os->opt.replicas);
    LG_JW_STR(w, "codec", LG_STR("best_compression"));
    LG_JW_STR(w, "refresh_interval", LG_STR("5s"));
    if (policy) {
        char name[LG_OS_INDEX_MAX];

        (void)snprintf(name, sizeof(name), "%s-retention", os->prefix);
        LG_JW_STR(w, "lifecycle.name", lg_str_z(name));
    }
    if (kind == LG_OS_EVENTS) {
        lg_jw_key(w, LG_STR("analysis"));
        lg_jw_raw(w,
                LG_STR("{\"tokenizer\":{\"logster_trigram\":{\"type\":\"ngram\",\"min_gram\":3,"
                       "\"max_gram\":3}},\"analyzer\":{\"logster_trigram\":{\"type\":\"custom\","
                       "\"tokenizer\":\"logster_trigram\"}}}"));
    }
    lg_jw_object_end(w);
}

void lg_os_template(struct lg_jw *w, const struct lg_os *os, enum lg_os_kind kind, bool policy,
        struct lg_str digest)
{
    char pattern[LG_OS_INDEX_MAX];

    (void)snprintf(pattern, sizeof(pattern), "%s-%s-*", os->prefix, lg_os_kind_names[kind]);
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("index_patterns"));
    lg_jw_array(w);
    lg_jw_str(w, lg_str_z(pattern));
    lg_jw_array_end(w);
    LG_JW_U64(w, "priority", 500);
    LG_JW_U64(w, "version", LG_OS_SCHEMA);
    lg_jw_key(w, LG_STR("_meta"));
    lg_jw_object(w);
    LG_JW_STR(w, "logster_digest", digest);
    lg_jw_object_end(w);
    lg_jw_key(w, LG_STR("template"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("settings"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("index"));
    put_settings(w, os, kind, policy);
    lg_jw_object_end(w);
    lg_jw_key(w, LG_STR("mappings"));
    put_mappings(w, kind);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

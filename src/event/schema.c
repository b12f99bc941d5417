#include "base/limits.h"
#include "event/codec.h"
#include "json/write.h"

/* Both documents come from the same tables as the codec; a unit test fails when the committed
 * copies are stale. */

static void prop(struct lg_jw *w, struct lg_str name, const char *type, const char *doc)
{
    lg_jw_key(w, name);
    lg_jw_object(w);
    if (type != NULL)
        LG_JW_STR(w, "type", lg_str_z(type));
    LG_JW_STR(w, "description", lg_str_z(doc));
}

static void prop_enum(struct lg_jw *w, const char *name, const char *doc,
        const char *(*value)(unsigned i), unsigned n)
{
    prop(w, lg_str_z(name), "string", doc);
    lg_jw_key(w, LG_STR("enum"));
    lg_jw_array(w);
    for (unsigned i = 0; i < n; i++)
        lg_jw_str(w, lg_str_z(value(i)));
    lg_jw_array_end(w);
    lg_jw_object_end(w);
}

static const char *type_at(unsigned i)
{
    return lg_event_type_name((enum lg_event_type)i);
}

static const char *source_at(unsigned i)
{
    return lg_source_name((enum lg_source)i);
}

static const char *platform_at(unsigned i)
{
    return lg_platform_name((enum lg_platform)i);
}

static void prop_text(struct lg_jw *w, const char *name, const char *doc, uint64_t max)
{
    prop(w, lg_str_z(name), "string", doc);
    if (max > 0)
        LG_JW_U64(w, "maxLength", max);
    lg_jw_object_end(w);
}

static void schema_flags(struct lg_jw *w)
{
    prop(w, LG_STR("flags"), "array", "What was not as it should be; absent when all was");
    LG_JW_U64(w, "minItems", 1);
    LG_JW_BOOL(w, "uniqueItems", true);
    lg_jw_key(w, LG_STR("items"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("enum"));
    lg_jw_array(w);
    for (unsigned i = 0; i < LG_EVF_COUNT; i++)
        lg_jw_str(w, lg_str_z(lg_event_flag_name(i)));
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static void schema_field(struct lg_jw *w, const struct lg_field_info *fi)
{
    static const char *const types[] = {"string", "integer", "integer", "boolean", "number"};

    prop(w, lg_str_of(fi->name, fi->name_n), types[fi->type], fi->doc);
    if (fi->type == LG_FIELD_U64) {
        LG_JW_U64(w, "minimum", 0);
        LG_JW_U64(w, "maximum", UINT64_MAX);
    } else if (fi->type == LG_FIELD_I64) {
        LG_JW_I64(w, "minimum", INT64_MIN);
        LG_JW_I64(w, "maximum", INT64_MAX);
    }
    lg_jw_object_end(w);
}

static void schema_data(struct lg_jw *w)
{
    prop(w, LG_STR("data"), "object", "What the event says, in the names of docs/fields.md");
    LG_JW_BOOL(w, "additionalProperties", false);
    lg_jw_key(w, LG_STR("properties"));
    lg_jw_object(w);
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++)
        schema_field(w, &lg_fields[f]);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

static void schema_properties(struct lg_jw *w)
{
    prop(w, LG_STR("event_id"), "string", "UUIDv8 made from tenant, endpoint, source and identity");
    LG_JW_STR(w, "pattern",
            LG_STR("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"));
    lg_jw_object_end(w);
    prop_text(w, "tenant_id", "Tenant of the channel that the record came through",
            LG_MAX_TENANT_BYTES);
    prop_text(w, "hostname", "Full computer name, lower case", LG_MAX_HOSTNAME_BYTES);
    prop_text(w, "endpoint_id", "Endpoint that the event is judged with", LG_MAX_HOSTNAME_BYTES);
    prop_enum(w, "platform", "Platform of the endpoint", platform_at, 2);
    prop_enum(w, "source", "Instrument that recorded the event", source_at, LG_SOURCE_COUNT);
    prop_text(w, "format", "How the record was shipped; never used for detection", 0);
    prop_enum(w, "event_type", "What happened", type_at, LG_EVENT_TYPE_COUNT);
    prop(w, LG_STR("timestamp"), "number", "Event time in epoch seconds, at most nine decimals");
    lg_jw_object_end(w);
    prop(w, LG_STR("claimed_timestamp"), "number",
            "Time that the record claims; only where it differs from timestamp");
    lg_jw_object_end(w);
    prop(w, LG_STR("event_code"), "integer", "Windows event id; absent elsewhere");
    LG_JW_U64(w, "minimum", 1);
    LG_JW_U64(w, "maximum", UINT32_MAX);
    lg_jw_object_end(w);
    schema_flags(w);
    schema_data(w);
    prop(w, LG_STR("raw_event"), NULL,
            "The record as it came: itself where it is JSON, a string where it is text, an object "
            "with the one member base64 where it is neither");
    lg_jw_object_end(w);
}

/* One member a line, so that a change of the dictionary reads well in a diff. */
static void break_lines(struct lg_buf *out, struct lg_str json)
{
    static const char indent[] = "                                ";
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';

        if (in_string || c == '"') {
            if (c == '"')
                in_string = !in_string;
            lg_buf_addc(out, c);
            if (in_string && c == '\\')
                lg_buf_addc(out, json.p[++i]);
            continue;
        }
        depth -= closes ? 1 : 0;
        if (closes) {
            lg_buf_addc(out, '\n');
            lg_buf_add(out, indent, depth * 2);
        }
        lg_buf_addc(out, c);
        if (c == ':')
            lg_buf_addc(out, ' ');
        if (opens || c == ',') {
            depth += opens ? 1 : 0;
            lg_buf_addc(out, '\n');
            lg_buf_add(out, indent, depth * 2);
        }
    }
    lg_buf_addc(out, '\n');
}

void lg_event_schema(struct lg_buf *out)
{
    static const char *const required[] = {"event_id", "tenant_id", "hostname", "endpoint_id",
            "platform", "source", "format", "event_type", "timestamp", "data", "raw_event"};
    struct lg_buf flat;
    struct lg_jw w;

    lg_buf_init(&flat, 1u << 20);
    lg_jw_init(&w, &flat);
    lg_jw_object(&w);
    LG_JW_STR(&w, "$schema", LG_STR("https://json-schema.org/draft/2020-12/schema"));
    LG_JW_STR(&w, "$id", LG_STR("urn:logster:normalized-event:1"));
    LG_JW_STR(&w, "title", LG_STR("NormalizedEvent"));
    LG_JW_STR(&w, "description",
            LG_STR("One endpoint event, whatever collector recorded it. Made from "
                   "src/event/fields.def; do not edit."));
    LG_JW_STR(&w, "type", LG_STR("object"));
    LG_JW_BOOL(&w, "additionalProperties", false);
    lg_jw_key(&w, LG_STR("required"));
    lg_jw_array(&w);
    for (size_t i = 0; i < sizeof(required) / sizeof(*required); i++)
        lg_jw_str(&w, lg_str_z(required[i]));
    lg_jw_array_end(&w);
    lg_jw_key(&w, LG_STR("properties"));
    lg_jw_object(&w);
    schema_properties(&w);
    lg_jw_object_end(&w);
    lg_jw_object_end(&w);
    if (flat.failed != 0)
        out->failed = flat.failed;
    else
        break_lines(out, lg_buf_str(&flat));
    lg_buf_done(&flat);
}

static void add_z(struct lg_buf *out, const char *z)
{
    lg_buf_adds(out, lg_str_z(z));
}

static void reference_head(struct lg_buf *out)
{
    add_z(out,
            "# NormalizedEvent: members and fields\n\n"
            "Made from `src/event/fields.def` and `src/event/event.h`; do not edit. The same as "
            "JSON "
            "Schema:\n`docs/schemas/normalized-event.schema.json`. One event is one line of JSON; "
            "members stand in this order.\n\n"
            "| member | type | meaning |\n| --- | --- | --- |\n"
            "| `event_id` | string | UUIDv8 made from tenant, endpoint, source and identity: the "
            "same record has the same id whenever it is read |\n"
            "| `tenant_id` | string | tenant of the channel that the record came through |\n"
            "| `hostname` | string | full computer name, lower case |\n"
            "| `endpoint_id` | string | endpoint that the event is judged with: first label of the "
            "name, or the full name |\n"
            "| `platform` | string | `windows` or `linux` |\n"
            "| `source` | string | instrument that recorded the event, see below |\n"
            "| `format` | string | how it was shipped (`docs/formats.md`) |\n"
            "| `event_type` | string | what happened, see below |\n"
            "| `timestamp` | number | event time in epoch seconds, the fraction kept exactly |\n"
            "| `claimed_timestamp` | number | time that the record claims, only where it differs "
            "|\n"
            "| `event_code` | integer | Windows event id, only there |\n"
            "| `flags` | array | what was not as it should be, only where something was |\n"
            "| `data` | object | the fields below, only those that the record has |\n"
            "| `raw_event` | any | the record as it came: itself where it is JSON, a string where "
            "it "
            "is text, `{\"base64\": ...}` where it is neither |\n");
}

static void reference_lists(struct lg_buf *out)
{
#define DOC_ROW(e, s, d) d,
    static const char *const type_docs[] = {LG_EVENT_TYPES(DOC_ROW)};
#undef DOC_ROW
    static const char *const flag_docs[LG_EVF_COUNT] = {
            "ill-formed Unicode became U+FFFD; the original bytes are in `raw_event`",
            "the claimed time was in the future of the bus and was replaced",
            "the header's time was used: the data's own was not usable",
            "the record has no identity of its own: the id rests on its bytes",
            "parts of the record were lost (auditd)",
            "a value was cut at its cap",
    };

    add_z(out, "\n## Sources\n\n");
    for (unsigned i = 0; i < LG_SOURCE_COUNT; i++)
        lg_buf_printf(out, "%s`%s`", i > 0 ? ", " : "", source_at(i));
    add_z(out, "\n\n## Flags\n\n| flag | meaning |\n| --- | --- |\n");
    for (unsigned i = 0; i < LG_EVF_COUNT; i++)
        lg_buf_printf(out, "| `%s` | %s |\n", lg_event_flag_name(i), flag_docs[i]);
    add_z(out, "\n## Event types\n\n| event type | stands for |\n| --- | --- |\n");
    for (unsigned i = 0; i < LG_EVENT_TYPE_COUNT; i++)
        lg_buf_printf(out, "| `%s` | %s |\n", type_at(i), type_docs[i]);
}

void lg_event_reference(struct lg_buf *out)
{
    static const char *const types[] = {
            "string", "unsigned integer", "integer", "boolean", "epoch seconds"};

    reference_head(out);
    reference_lists(out);
    add_z(out,
            "\n## Fields of `data`\n\n| field | type | ECS | meaning |\n"
            "| --- | --- | --- | --- |\n");
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++) {
        const struct lg_field_info *fi = &lg_fields[f];
        const char *tick = fi->ecs[0] != '\0' ? "`" : "";

        lg_buf_printf(out, "| `%s` | %s | %s%s%s | %s |\n", fi->name, types[fi->type], tick,
                fi->ecs, tick, fi->doc);
    }
}

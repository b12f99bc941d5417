#include <stdlib.h>
#include <string.h>

#include "opensearch/os_int.h"

/*
 * The members of an event's document that other people's tools look for: Elastic Common Schema
 * (https://www.elastic.co/guide/en/ecs/current/), from the field dictionary and what every event
 * has. Sorted by path once, so that one walk opens and closes the nested objects.
 */
#define ECS_VERSION "8.11.0"

enum made { /* not a field of the dictionary alone */
    M_FIELD,
    M_ACTION,
    M_CATEGORY,
    M_CODE,
    M_ECS_VERSION,
    M_FILE_NAME,
    M_HOSTNAME,
    M_ID,
    M_INGESTED,
    M_KIND,
    M_MODULE,
    M_OS_TYPE,
    M_PARENT_NAME,
    M_PROCESS_NAME,
    M_PROVIDER,
    M_TYPE,
    M_ALIAS, /* of the mapping only */
};
struct entry {
    const char *path;
    enum made made;
    enum lg_field field;
    const char *alias; /* of M_ALIAS: the path that it stands for */
};

static const struct entry extra[] = {
        {"event.action", M_ACTION, 0, NULL},
        {"event.category", M_CATEGORY, 0, NULL},
        {"event.code", M_CODE, 0, NULL},
        {"ecs.version", M_ECS_VERSION, 0, NULL},
        {"file.name", M_FILE_NAME, 0, NULL},
        {"host.name", M_HOSTNAME, 0, NULL},
        {"host.os.type", M_OS_TYPE, 0, NULL},
        {"event.id", M_ID, 0, NULL},
        {"event.ingested", M_INGESTED, 0, NULL},
        {"event.kind", M_KIND, 0, NULL},
        {"event.module", M_MODULE, 0, NULL},
        {"event.provider", M_PROVIDER, 0, NULL},
        {"event.type", M_TYPE, 0, NULL},
        {"process.name", M_PROCESS_NAME, 0, NULL},
        {"process.parent.name", M_PARENT_NAME, 0, NULL},
        {"host.hostname", M_ALIAS, 0, "host.name"},
        {"host.id", M_ALIAS, 0, "logster.endpoint"},
        {"organization.id", M_ALIAS, 0, "logster.tenant"},
        {"process.hash.md5", M_ALIAS, 0, "file.hash.md5"},
        {"process.hash.sha1", M_ALIAS, 0, "file.hash.sha1"},
        {"process.hash.sha256", M_ALIAS, 0, "file.hash.sha256"},
        {"process.pe.imphash", M_ALIAS, 0, "file.pe.imphash"},
        {"process.pe.original_file_name", M_ALIAS, 0, "file.pe.original_file_name"},
        {"process.pe.company", M_ALIAS, 0, "file.pe.company"},
        {"process.pe.description", M_ALIAS, 0, "file.pe.description"},
        {"process.pe.product", M_ALIAS, 0, "file.pe.product"},
};

static struct entry table[LG_FIELD_COUNT + sizeof(extra) / sizeof(*extra)];
static size_t n_table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/* '.' stands before all else that names hold: what lies in one object stands together. */
static int by_path(const void *pa, const void *pb)
{
    return strcmp(((const struct entry *)pa)->path, ((const struct entry *)pb)->path);
}

static bool is_extra(const char *path)
{
    for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++)
        if (strcmp(extra[i].path, path) == 0)
            return true;
    return false;
}

static void make_table(void)
{
    for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++)
        table[n_table++] = extra[i];
    for (int f = 0; f < LG_FIELD_COUNT; f++) {
        const char *path = lg_fields[f].ecs;
        bool twice = *path == '\0' || is_extra(path);

        for (size_t i = 0; i < n_table; i++)
            twice = twice || strcmp(table[i].path, path) == 0;
        if (!twice)
            table[n_table++] = (struct entry){path, M_FIELD, (enum lg_field)f, NULL};
    }
    qsort(table, n_table, sizeof(*table), by_path);
}

static struct lg_str base_or(const struct lg_event *ev, enum lg_field name, enum lg_field path)
{
    return name != LG_FIELD_COUNT && lg_event_has(ev, name)
            ? lg_event_str(ev, name)
            : lg_str_basename(lg_event_str(ev, path));
}

static struct lg_str text_of(const struct lg_event *ev, enum made m)
{
    switch (m) {
    case M_FILE_NAME:
        return base_or(ev, LG_F_PIPE_NAME, LG_F_TARGET_FILENAME);
    case M_PROCESS_NAME:
        return base_or(ev, LG_F_COMM, LG_F_IMAGE);
    case M_PARENT_NAME:
        return base_or(ev, LG_FIELD_COUNT, LG_F_PARENT_IMAGE);
    default:
        return LG_STR("");
    }
}

static const char *category_of(enum lg_event_type t)
{
    if (t <= LG_EVENT_CREDENTIAL_CHANGE)
        return "process";
    if (t == LG_EVENT_IMAGE_LOAD)
        return "library";
    if (t == LG_EVENT_DRIVER_LOAD || t == LG_EVENT_KERNEL_MODULE_LOAD)
        return "driver";
    if (t >= LG_EVENT_FILE_OPEN && t <= LG_EVENT_RAW_ACCESS_READ)
        return "file";
    if (t >= LG_EVENT_REGISTRY_KEY && t <= LG_EVENT_REGISTRY_RENAME)
        return "registry";
    if (t >= LG_EVENT_NETWORK_CONNECT && t <= LG_EVENT_DNS_QUERY)
        return "network";
    if (t >= LG_EVENT_LOGON && t <= LG_EVENT_PRIVILEGES_ASSIGNED)
        return "authentication";
    if (t == LG_EVENT_USER_CREATE || t == LG_EVENT_GROUP_MEMBER_ADD)
        return "iam";
    return "host";
}

static const char *type_of(enum lg_event_type t)
{
    switch (t) {
    case LG_EVENT_PROCESS_CREATE:
    case LG_EVENT_PROCESS_FORK:
    case LG_EVENT_LOGON:
    case LG_EVENT_NETWORK_CONNECT:
    case LG_EVENT_NETWORK_ACCEPT:
    case LG_EVENT_IMAGE_LOAD:
        return "start";
    case LG_EVENT_PROCESS_TERMINATE:
        return "end";
    case LG_EVENT_FILE_CREATE:
    case LG_EVENT_USER_CREATE:
    case LG_EVENT_SERVICE_INSTALL:
    case LG_EVENT_TASK_CREATE:
        return "creation";
    case LG_EVENT_FILE_DELETE:
    case LG_EVENT_LOG_CLEAR:
        return "deletion";
    case LG_EVENT_FILE_OPEN:
    case LG_EVENT_PROCESS_ACCESS:
    case LG_EVENT_OBJECT_ACCESS:
        return "access";
    case LG_EVENT_FILE_WRITE:
    case LG_EVENT_FILE_RENAME:
    case LG_EVENT_REGISTRY_KEY:
    case LG_EVENT_REGISTRY_VALUE_SET:
    case LG_EVENT_REGISTRY_RENAME:
        return "change";
    default:
        return "info";
    }
}

static bool is_there(const struct entry *e, const struct lg_event_put *p)
{
    const struct lg_event *ev = p->ev;

    switch (e->made) {
    case M_FIELD:
        /* an unsigned number past the signed ones has no type there */
        return lg_event_has(ev, e->field) &&
                (lg_fields[e->field].type != LG_FIELD_U64 ||
                        lg_event_u64(ev, e->field) <= INT64_MAX);
    case M_FILE_NAME:
    case M_PROCESS_NAME:
    case M_PARENT_NAME:
        return text_of(ev, e->made).n > 0;
    case M_CODE:
        return ev->code != 0;
    case M_HOSTNAME:
        return ev->hostname.n > 0;
    case M_ALIAS:
        return false;
    default:
        return true;
    }
}

static void put_time(struct lg_jw *w, lg_time t)
{
    char text[40];

    lg_os_time_iso(t, text);
    lg_jw_str(w, lg_str_z(text));
}

static void put_field(struct lg_jw *w, const struct lg_event *ev, enum lg_field f)
{
    switch ((enum lg_field_type)lg_fields[f].type) {
    case LG_FIELD_STR:
        lg_jw_str(w, ev->v[f].s);
        break;
    case LG_FIELD_U64:
        lg_jw_u64(w, ev->v[f].u);
        break;
    case LG_FIELD_I64:
        lg_jw_i64(w, ev->v[f].i);
        break;
    case LG_FIELD_BOOL:
        lg_jw_bool(w, ev->v[f].b);
        break;
    case LG_FIELD_TIME:
        put_time(w, ev->v[f].i);
        break;
    }
}

static void put_value(struct lg_jw *w, const struct entry *e, const struct lg_event_put *p)
{
    const struct lg_event *ev = p->ev;
    char id[LG_UUID_TEXT + 1];

    switch (e->made) {
    case M_FIELD:
        put_field(w, ev, e->field);
        break;
    case M_ACTION:
        lg_jw_str(w, lg_str_z(lg_event_type_name(ev->type)));
        break;
    case M_CATEGORY:
        lg_jw_str(w, lg_str_z(category_of(ev->type)));
        break;
    case M_TYPE:
        lg_jw_str(w, lg_str_z(type_of(ev->type)));
        break;
    case M_CODE:
        lg_jw_u64(w, ev->code);
        break;
    case M_ECS_VERSION:
        lg_jw_str(w, LG_STR(ECS_VERSION));
        break;
    case M_HOSTNAME:
        lg_jw_str(w, ev->hostname);
        break;
    case M_ID:
        lg_uuid_text(&ev->event_id, id);
        lg_jw_str(w, lg_str_of(id, LG_UUID_TEXT));
        break;
    case M_INGESTED:
        put_time(w, p->received_at);
        break;
    case M_KIND:
        lg_jw_str(w, LG_STR("event"));
        break;
    case M_MODULE:
        lg_jw_str(w, LG_STR("logster"));
        break;
    case M_OS_TYPE:
        lg_jw_str(w, lg_str_z(lg_platform_name(ev->platform)));
        break;
    case M_PROVIDER:
        lg_jw_str(w, lg_str_z(lg_source_name(ev->source)));
        break;
    case M_FILE_NAME:
    case M_PARENT_NAME:
    case M_PROCESS_NAME:
        lg_jw_str(w, text_of(ev, e->made));
        break;
    case M_ALIAS:
        break;
    }
}

static void put_mapping(struct lg_jw *w, const struct entry *e)
{
    static const char *const keywords[] = {"file.mode", "file.uid", "file.gid"};
    enum lg_field_type t =
            e->made == M_FIELD ? (enum lg_field_type)lg_fields[e->field].type : LG_FIELD_STR;
    bool ip = e->made == M_FIELD && t == LG_FIELD_STR &&
            lg_str_ends(lg_str_z(e->path), LG_STR(".ip"));

    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
        if (strcmp(e->path, keywords[i]) == 0)
            t = LG_FIELD_STR;
    lg_jw_object(w);
    if (e->made == M_ALIAS) {
        LG_JW_STR(w, "type", LG_STR("alias"));
        LG_JW_STR(w, "path", lg_str_z(e->alias));
    } else if (t == LG_FIELD_BOOL) {
        LG_JW_STR(w, "type", LG_STR("boolean"));
    } else if (ip || e->made == M_INGESTED || t != LG_FIELD_STR) {
        LG_JW_STR(w, "type",
                ip                                                    ? LG_STR("ip")
                        : e->made == M_INGESTED || t == LG_FIELD_TIME ? LG_STR("date")
                                                                      : LG_STR("long"));
        LG_JW_BOOL(w, "ignore_malformed", true);
    } else {
        /* Whoever asks, asks in any case. Longer texts are found by our own search only. */
        LG_JW_STR(w, "type", LG_STR("keyword"));
        LG_JW_STR(w, "normalizer", LG_STR("lowercase"));
        LG_JW_U64(w, "ignore_above", 8191);
    }
    lg_jw_object_end(w);
}

/* Moves from the object `open` to the one that holds `path`; returns the latter's length. */
static size_t move(struct lg_jw *w, const char *open, size_t open_n, const char *path, bool mapping)
{
    const char *dot = strrchr(path, '.');
    size_t want = dot == NULL ? 0 : (size_t)(dot - path), at = open_n;

    /* up, until what is open is a part of the way */
    while (at > 0 &&
            !(at <= want && strncmp(open, path, at) == 0 && (path[at] == '.' || at == want))) {
        lg_jw_object_end(w);
        if (mapping)
            lg_jw_object_end(w);
        for (at--; at > 0 && open[at] != '.'; at--)
            ;
    }
    while (at < want) {
        size_t from = at == 0 ? 0 : at + 1, to = from;

        while (to < want && path[to] != '.')
            to++;
        lg_jw_key(w, lg_str_of(path + from, to - from));
        lg_jw_object(w);
        if (mapping) {
            lg_jw_key(w, LG_STR("properties"));
            lg_jw_object(w);
        }
        at = to;
    }
    return want;
}

static void walk(struct lg_jw *w, const struct lg_event_put *p)
{
    const char *open = "";
    size_t n = 0;

    (void)pthread_once(&table_once, make_table);
    for (size_t i = 0; i < n_table; i++) {
        const struct entry *e = &table[i];
        const char *last = strrchr(e->path, '.');

        if (p != NULL && !is_there(e, p))
            continue;
        n = move(w, open, n, e->path, p == NULL);
        open = e->path;
        lg_jw_key(w, lg_str_z(last == NULL ? e->path : last + 1));
        if (p == NULL)
            put_mapping(w, e);
        else
            put_value(w, e, p);
    }
    (void)move(w, open, n, "", p == NULL);
}

void lg_os_ecs_put(struct lg_jw *w, const struct lg_event_put *p)
{
    walk(w, p);
}

void lg_os_ecs_map(struct lg_jw *w)
{
    walk(w, NULL);
}

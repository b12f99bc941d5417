#include "event/event.h"

#include <pthread.h>

#include "base/hash.h"

const struct lg_field_info lg_fields[LG_FIELD_COUNT] = {
#define X(e, s, t, ecs, doc) [LG_F_##e] = {s, sizeof(s) - 1, LG_FIELD_##t, ecs, doc},
#include "event/fields.def"
#undef X
};

#define NAME_ROW(e, s, ...) s,
static const char *const type_names[LG_EVENT_TYPE_COUNT] = {LG_EVENT_TYPES(NAME_ROW)};
static const char *const source_names[LG_SOURCE_COUNT] = {LG_SOURCES(NAME_ROW)};
#undef NAME_ROW
static const char *const flag_names[LG_EVF_COUNT] = {
        "text_repaired",
        "time_clamped",
        "time_from_header",
        "no_identity",
        "incomplete",
        "truncated",
};
static const char *const platform_names[] = {"windows", "linux"};
#define PLATFORM_COUNT (sizeof(platform_names) / sizeof(*platform_names))

const char *lg_event_type_name(enum lg_event_type t)
{
    return (unsigned)t < LG_EVENT_TYPE_COUNT ? type_names[t] : "unknown";
}

const char *lg_source_name(enum lg_source s)
{
    return (unsigned)s < LG_SOURCE_COUNT ? source_names[s] : "unknown";
}

const char *lg_platform_name(enum lg_platform p)
{
    return (size_t)p < PLATFORM_COUNT ? platform_names[p] : "unknown";
}

const char *lg_event_flag_name(unsigned bit)
{
    return bit < LG_EVF_COUNT ? flag_names[bit] : "unknown";
}

static int name_index(const char *const *names, size_t n, struct lg_str s)
{
    for (size_t i = 0; i < n; i++)
        if (lg_str_eq(lg_str_z(names[i]), s))
            return (int)i;
    return LG_ENOENT;
}

int lg_event_type_parse(struct lg_str s, enum lg_event_type *ret)
{
    int i = name_index(type_names, LG_EVENT_TYPE_COUNT, s);

    if (i < 0)
        return i;
    *ret = (enum lg_event_type)i;
    return 0;
}

int lg_source_parse(struct lg_str s, enum lg_source *ret)
{
    int i = name_index(source_names, LG_SOURCE_COUNT, s);

    if (i < 0)
        return i;
    *ret = (enum lg_source)i;
    return 0;
}

int lg_platform_parse(struct lg_str s, enum lg_platform *ret)
{
    int i = name_index(platform_names, PLATFORM_COUNT, s);

    if (i < 0)
        return i;
    *ret = (enum lg_platform)i;
    return 0;
}

/* Open addressing over the dictionary: four slots a name, so a miss ends at once. */
#define FIELD_SLOTS 1024
_Static_assert(LG_FIELD_COUNT * 4 <= FIELD_SLOTS, "grow FIELD_SLOTS");
static uint16_t field_slots[FIELD_SLOTS];
static pthread_once_t field_once = PTHREAD_ONCE_INIT;

static size_t field_slot(struct lg_str s)
{
    return lg_hash_str(s, 0) & (FIELD_SLOTS - 1);
}

static void field_index(void)
{
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++) {
        size_t at = field_slot(lg_str_of(lg_fields[f].name, lg_fields[f].name_n));

        while (field_slots[at] != 0)
            at = (at + 1) & (FIELD_SLOTS - 1);
        field_slots[at] = (uint16_t)(f + 1);
    }
}

int lg_field_parse(struct lg_str s, enum lg_field *ret)
{
    size_t at;

    (void)pthread_once(&field_once, field_index);
    for (at = field_slot(s); field_slots[at] != 0; at = (at + 1) & (FIELD_SLOTS - 1)) {
        const struct lg_field_info *fi = &lg_fields[field_slots[at] - 1];

        if (lg_str_eq(lg_str_of(fi->name, fi->name_n), s)) {
            *ret = (enum lg_field)(field_slots[at] - 1);
            return 0;
        }
    }
    return LG_ENOENT;
}

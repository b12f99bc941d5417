/*
 * What live windows remember, over hours of event time, as JSON lines {"name", "value", "unit"}: a fleet
 * of which each host repeats one recording, with new processes at each lap, as load_http.c does.
 *
 *   state_after_3min, _10min, _1h   bytes an endpoint; beside it by what holds them, and processes
 *   state_growth                    an hour after over three minutes after
 *   state_growth_10min              ten minutes after over three minutes after; bound: 1.05
 *
 * Options: endpoints=100, rate=12 (events a second of each), minutes=60. LOGSTER_DATA as for the others.
 */
#include "event_corpus.h"

#include "graph/window_live.h"

#define BOUND 1.05
#define GUID_AT 10 /* {xxxxxxxx-XXXX-...: four digits of the time that it was made */

static struct {
    uint64_t endpoints, rate, minutes;
} opt = {100, 12, 60};

static int ignore_graph(void *user, const struct lg_graph *g)
{
    (void)user;
    (void)g;
    return 0;
}

static void new_guid(struct lg_event *ev, enum lg_field f, unsigned lap, char *buf)
{
    static const char hex[] = "0123456789abcdef";
    struct lg_str s = lg_event_str(ev, f);

    if (s.n < GUID_AT + 4 || s.n > 63)
        return;
    memcpy(buf, s.p, s.n);
    for (unsigned d = 0; d < 4; d++) {
        char c = buf[GUID_AT + d - (s.p[0] != '{')];
        unsigned v = (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);

        buf[GUID_AT + d - (s.p[0] != '{')] = hex[(v ^ (lap >> (12 - 4 * d))) & 15];
    }
    ev->v[f].s = lg_str_of(buf, s.n);
}

/* The n-th event of a host. */
static void push(
        struct lg_windows *ws, const struct corpus *c, uint64_t host, uint64_t n, uint64_t offset)
{
    const unsigned from = (unsigned)(host % c->captures);
    const size_t cut = c->first[from + 1] - c->first[from];
    const uint64_t at = n + host * 7919; /* not all at the same place */
    struct lg_event ev = c->v.v[c->first[from] + at % cut].ev;
    const uint64_t key[2] = {host, n};
    const struct lg_str id = lg_str_of((const char *)key, sizeof(key));
    char name[32], guid[3][64];
    struct lg_live_input in = {.source = (uint64_t)ev.source + 1, .offset = offset};

    ev.time_ns = ev.claimed_time_ns = DAY0 + (lg_time)(n * LG_NS_PER_SEC / opt.rate);
    in.bus_time = ev.time_ns;
    ev.tenant_id = LG_STR("a");
    ev.endpoint_id = lg_str_of(
            name, (size_t)snprintf(name, sizeof(name), "host%llu", (unsigned long long)host));
    new_guid(&ev, LG_F_PROCESS_GUID, (unsigned)(at / cut), guid[0]);
    new_guid(&ev, LG_F_PARENT_PROCESS_GUID, (unsigned)(at / cut), guid[1]);
    new_guid(&ev, LG_F_TARGET_PROCESS_GUID, (unsigned)(at / cut), guid[2]);
    lg_event_make_id(&ev, &id, 1);
    must(lg_windows_push_live(ws, &ev, &in), "push");
}

static double show(const struct lg_windows *ws, const char *when)
{
    struct lg_window_memory m;
    double sum = 0, n = (double)opt.endpoints;

    lg_windows_memory(ws, &m);
    for (unsigned i = 0; i < LG_WINDOW_MEMORY_COUNT; i++)
        sum += (double)m.bytes[i];
    printf("{\"name\":\"state_after_%s\",\"value\":%.0f,\"unit\":\"bytes/"
           "endpoint\",\"processes\":%.1f",
            when, sum / n, (double)m.processes / n);
    for (unsigned i = 0; i < LG_WINDOW_MEMORY_COUNT; i++)
        printf(",\"%s\":%.0f", lg_window_memory_name((enum lg_window_memory_part)i),
                (double)m.bytes[i] / n);
    printf("}\n");
    (void)fflush(stdout);
    return sum;
}

static void run(const struct corpus *c)
{
    const struct lg_live_options lo = {.min_silence_ns = 0};
    double at3 = 1, at10 = 1, last = 0;
    struct lg_windows *ws;
    struct lg_window_options wo = lg_window_defaults;
    uint64_t offset = 0;

    wo.max_total_bytes = (size_t)16 << 30;
    must(lg_windows_new(&wo, ignore_graph, NULL, &ws), "windows");
    must(lg_windows_live(ws, &lo), "windows");
    for (uint64_t minute = 1; minute <= opt.minutes; minute++) {
        char when[32];

        for (uint64_t n = (minute - 1) * 60 * opt.rate; n < minute * 60 * opt.rate; n++)
            for (uint64_t host = 0; host < opt.endpoints; host++)
                push(ws, c, host, n, ++offset);
        if (minute != 3 && minute != 10 && minute % 20 != 0)
            continue;
        (void)snprintf(when, sizeof(when), minute % 60 != 0 ? "%umin" : "%uh",
                (unsigned)(minute % 60 != 0 ? minute : minute / 60));
        last = show(ws, when);
        at3 = minute == 3 ? last : at3;
        at10 = minute == 10 ? last : at10;
    }
    printf("{\"name\":\"state_growth_10min\",\"value\":%.3f,\"unit\":\"10min/"
           "3min\",\"baseline\":%.2f}\n",
            at10 / at3, BOUND);
    printf("{\"name\":\"state_growth\",\"value\":%.3f,\"unit\":\"%umin/3min\"}\n", last / at3,
            (unsigned)opt.minutes);
    lg_windows_free(ws);
}

static void take(const char *arg)
{
    static const struct {
        const char *name;
        uint64_t *to;
    } rows[] = {{"endpoints=", &opt.endpoints}, {"rate=", &opt.rate}, {"minutes=", &opt.minutes}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (lg_str_starts(lg_str_z(arg), lg_str_z(rows[i].name)) &&
                lg_parse_u64(lg_str_z(arg + strlen(rows[i].name)), rows[i].to) == 0 &&
                *rows[i].to > 0)
            return;
    must(LG_EINVAL, arg);
}

int main(int argc, char **argv)
{
    const char *data = getenv("LOGSTER_DATA");
    struct corpus c = {.captures = 0};

    for (int i = 1; i < argc; i++)
        take(argv[i]);
    lg_arena_init(&c.a, (size_t)2 << 30);
    if (data != NULL && *data != '\0') {
        load_folder(&c, data);
    } else {
        load(&c,
                LG_SOURCE_DIR
                "/tests/data/captures/empire_reg_dump_sam_2019-06-25133822.ndjson.zst");
        load(&c, LG_SOURCE_DIR "/tests/data/captures/omerbenamram_sysmon.ndjson.zst");
    }
    run(&c);
    lg_vec_done(&c.v);
    lg_arena_done(&c.a);
    return 0;
}

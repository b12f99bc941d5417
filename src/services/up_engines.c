#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "services/up_int.h"

/* What stands behind each interface, as the configuration says. */

/* Topics take three copies of what comes in: larger blocks and a higher level than the bus has by
 * itself take a fifth off them, for a microsecond an event. */
#define BLOCK_BYTES ((size_t)1 << 20)
#define BLOCK_LEVEL 3

int lg_up_check(const struct lg_config *cfg, unsigned parts, struct lg_err *reterr)
{
    const bool whole = parts == 0 || parts == LG_PART_ALL;
    const bool events = (parts & (LG_PART_INDEXER | LG_PART_API)) != 0;
    const bool local = cfg->bus.type == LG_CONFIG_BUS_EMBEDDED ||
            cfg->store.alerts == LG_CONFIG_ALERTS_SQLITE ||
            ((whole || events) && cfg->store.events == LG_CONFIG_EVENTS_SQLITE);

    if (whole && cfg->data_dir[0] == '\0')
        return lg_err_set(reterr, LG_EINVAL, "name a folder with --data-dir");
    if (whole || !local)
        return 0;
    return lg_err_set(reterr, LG_EINVAL,
            "parts in processes of their own share their engines: set bus.type: kafka, "
            "store.alerts: postgresql%s",
            events ? " and store.events: opensearch" : "");
}

/* An empty alerts.db where the platform ran before is damage, not a first start. */
static int check_alerts_file(const struct lg_up *p, const char *alerts, struct lg_err *reterr)
{
    char bus[LG_CONFIG_PATH_BYTES + 16];
    struct stat st;

    (void)snprintf(bus, sizeof(bus), "%s/bus/CURRENT", p->cfg.data_dir);
    if (stat(bus, &st) < 0)
        return 0;
    if (stat(alerts, &st) < 0)
        lg_log(LG_LOG_WARN, "store", "alerts.db is gone: starting with an empty one", "path=\"%s\"",
                alerts);
    else if (st.st_size == 0)
        return lg_err_set(reterr, LG_ECORRUPT,
                "%s: the file is empty, though the platform ran here: put a backup in its place "
                "with `logster restore`, or remove it to go on without its alerts, tokens and "
                "audit log",
                alerts);
    return 0;
}

int lg_up_open_alerts(struct lg_up *p, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 16];
    int rc;

    (void)snprintf(path, sizeof(path), "%s/alerts.db", p->cfg.data_dir);
    rc = check_alerts_file(p, path, reterr);
    return rc < 0 ? rc : lg_sqlite_alert_store_open(path, &p->alerts, reterr);
}

int lg_up_open_events(struct lg_up *p, struct lg_err *reterr)
{
    char dir[LG_CONFIG_PATH_BYTES + 16];
    const struct lg_sqlite_event_options opt = {
            .dir = dir, .zstd_level = (int)p->cfg.store.zstd_level};

    (void)snprintf(dir, sizeof(dir), "%s/events", p->cfg.data_dir);
    return lg_sqlite_event_store_open(&opt, &p->events, reterr);
}

int lg_up_open_bus(struct lg_up *p, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 16];
    const struct lg_bus_embedded_options opt = {.path = path,
            .min_free_bytes = p->cfg.bus.min_free_bytes,
            .block_bytes = BLOCK_BYTES,
            .zstd_level = BLOCK_LEVEL,
            .cache_bytes = p->cfg.bus.cache_bytes};
    int rc;

    (void)snprintf(path, sizeof(path), "%s/bus", p->cfg.data_dir);
    rc = lg_bus_open_embedded(&opt, &p->bus, reterr);
    return rc < 0 ? rc : lg_topics_ensure(p->bus, &p->cfg, &p->topics, reterr);
}

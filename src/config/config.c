#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_int.h"

#define MAX_WHY_BYTES 280
#define MAX_FILE_BYTES ((size_t)256 * 1024)
#define PREFIX LG_STR("LOGSTER_")

void lg_config_defaults(struct lg_config *ret)
{
    struct lg_buf why;
    int rc = 0;

    memset(ret, 0, sizeof(*ret));
    lg_buf_init(&why, MAX_WHY_BYTES);
    for (size_t i = 0; rc == 0 && i < lg_config_opts_n; i++)
        rc = lg_config_set(ret, i, lg_str_z(lg_config_opts[i].fallback), &why);
    lg_buf_done(&why);
    LG_ASSERT(rc == 0); /* a default of the table that the table refuses */
}

static void warn(const struct lg_config_source *src, const char *fmt, ...) LG_PRINTF(2, 3);

static void warn(const struct lg_config_source *src, const char *fmt, ...)
{
    char text[320];
    va_list ap;

    if (src->warn == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    src->warn(src->warn_user, text);
}

/* Sets one option from outside the file. `name` is how the user calls it. */
static int set_from(struct lg_config *cfg, size_t i, struct lg_str value,
        enum lg_config_origin_kind kind, const char *name, struct lg_err *err)
{
    struct lg_buf why;
    int rc;

    lg_buf_init(&why, MAX_WHY_BYTES);
    rc = lg_config_set(cfg, i, value, &why);
    if (rc == 0)
        cfg->origin[i] = (struct lg_config_origin){.kind = (uint8_t)kind};
    else if ((lg_config_opts[i].flags & LG_CONFIG_SECRET) != 0)
        rc = lg_err_set(err, rc, "%s: the value cannot be used", name);
    else
        rc = lg_err_set(err, rc, "%s: %.*s", name, (int)why.n, why.n > 0 ? why.p : "");
    lg_buf_done(&why);
    return rc;
}

/* What Kubernetes sets for a service of the name, and what the command line tools read. */
static bool env_of_others(struct lg_str name)
{
    static const char *const exact[] = {
            "LOGSTER_MODELS", "LOGSTER_CONFIG", "LOGSTER_URL", "LOGSTER_TOKEN", "LOGSTER_UPDATE"};
    static const char *const ends[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_TCP", "_UDP",
            "_TCP_ADDR", "_TCP_PORT", "_TCP_PROTO", "_UDP_ADDR", "_UDP_PORT", "_UDP_PROTO"};

    for (size_t i = 0; i < sizeof(exact) / sizeof(*exact); i++)
        if (lg_str_eq(name, lg_str_z(exact[i])))
            return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (lg_str_ends(name, lg_str_z(ends[i])))
            return true;
    return lg_str_starts(name, LG_STR("LOGSTER_TEST_")) || lg_str_eq(name, LG_STR("LOGSTER_PORT"));
}

static int unknown_env(const struct lg_config_source *src, struct lg_str name, struct lg_err *err)
{
    char key[LG_CONFIG_ENV_BYTES], near_env[LG_CONFIG_ENV_BYTES];
    const struct lg_str rest = lg_str_sub(name, PREFIX.n, name.n);
    const char *near = NULL;
    size_t distance = 0;

    if (env_of_others(name))
        return 0;
    /* keys have at most one dot, and it stands after the section's name */
    for (size_t dot = 0; rest.n < sizeof(key) && dot < rest.n; dot++) {
        size_t d;
        const char *k;

        if (rest.p[dot] != '_')
            continue;
        for (size_t i = 0; i < rest.n; i++)
            key[i] = i == dot ? '.' : lg_ascii_lower(rest.p[i]);
        k = lg_config_nearest(lg_str_of(key, rest.n), &d);
        if (k != NULL && (near == NULL || d < distance)) {
            near = k;
            distance = d;
        }
    }
    if (near != NULL)
        lg_config_env_name(near, near_env);
    if (near != NULL && distance <= 2)
        return lg_err_set(err, LG_EINVAL, "%.*s: unknown variable; did you mean %s?",
                LG_STR_FMT(name), near_env);
    warn(src, "ignoring unknown variable %.*s", LG_STR_FMT(name));
    return 0;
}

static int env_option(struct lg_str name)
{
    char want[LG_CONFIG_ENV_BYTES];

    for (size_t i = 0; i < lg_config_opts_n; i++) {
        lg_config_env_name(lg_config_opts[i].key, want);
        if (lg_str_eq(name, lg_str_z(want)))
            return (int)i;
    }
    return -1;
}

static int read_env(struct lg_config *cfg, const struct lg_config_source *src, struct lg_err *err)
{
    char label[LG_CONFIG_ENV_BYTES];
    int rc = 0;

    for (char *const *e = src->env; rc == 0 && e != NULL && *e != NULL; e++) {
        struct lg_str value = lg_str_z(*e), name;
        const bool alias = lg_str_starts(value, LG_STR("DISABLE_AUTH="));
        int i;

        if (!alias && !lg_str_starts(value, PREFIX))
            continue;
        if (!lg_str_split(&value, '=', &name) || name.n >= sizeof(label))
            continue;
        i = alias ? lg_config_option_find(LG_STR("auth.disable")) : env_option(name);
        if (i < 0) {
            rc = unknown_env(src, name, err);
            continue;
        }
        if (alias && cfg->origin[i].kind == LG_CONFIG_FROM_ENVIRONMENT)
            continue; /* LOGSTER_AUTH_DISABLE says it more exactly */
        memcpy(label, name.p, name.n);
        label[name.n] = '\0';
        rc = set_from(cfg, (size_t)i, value, LG_CONFIG_FROM_ENVIRONMENT, label, err);
    }
    return rc;
}

static int read_overrides(
        struct lg_config *cfg, const struct lg_config_source *src, struct lg_err *err)
{
    int rc = 0;

    for (size_t n = 0; rc == 0 && n < src->n_overrides; n++) {
        const struct lg_config_override *o = &src->overrides[n];
        const int i = lg_config_option_find(lg_str_z(o->key));
        const char *near;

        if (i >= 0) {
            rc = set_from(
                    cfg, (size_t)i, lg_str_z(o->value), LG_CONFIG_FROM_COMMAND_LINE, o->key, err);
            continue;
        }
        near = lg_config_nearest(lg_str_z(o->key), NULL);
        rc = near != NULL ? lg_err_set(err, LG_EINVAL, "unknown key '%.80s'; did you mean '%s'?",
                                    o->key, near)
                          : lg_err_set(err, LG_EINVAL, "unknown key '%.80s'", o->key);
    }
    return rc;
}

/* How a user finds the option again: its place in the file, its variable or its key. */
static void origin_text(const struct lg_config *cfg, size_t i, struct lg_buf *out)
{
    const struct lg_config_origin *o = &cfg->origin[i];
    char env[LG_CONFIG_ENV_BYTES];

    if (o->kind == LG_CONFIG_FROM_FILE)
        lg_buf_printf(out, "%s:%" PRIu32 ":%" PRIu32 ": ", cfg->file, o->line, o->column);
    if (o->kind == LG_CONFIG_FROM_ENVIRONMENT) {
        lg_config_env_name(lg_config_opts[i].key, env);
        lg_buf_printf(out, "%s: ", env);
    }
}

static int cross_check(const struct lg_config *cfg, struct lg_err *err)
{
    struct lg_buf why, text;
    size_t i = 0;
    int rc;

    lg_buf_init(&why, MAX_WHY_BYTES);
    lg_buf_init(&text, LG_CONFIG_PATH_BYTES + MAX_WHY_BYTES);
    rc = lg_config_cross_check(cfg, &i, &why);
    if (rc < 0) {
        origin_text(cfg, i, &text);
        lg_buf_printf(&text, "%s %.*s", lg_config_opts[i].key, (int)why.n, why.n > 0 ? why.p : "");
        rc = lg_err_set(err, rc, "%.*s", (int)text.n, text.n > 0 ? text.p : "");
    }
    lg_buf_done(&why);
    lg_buf_done(&text);
    return rc;
}

int lg_config_load_text(struct lg_str yaml, const char *name, const struct lg_config_source *src,
        struct lg_config *ret, struct lg_err *reterr)
{
    int rc;

    lg_config_defaults(ret);
    if (name != NULL)
        (void)snprintf(ret->file, sizeof(ret->file), "%s", name);
    rc = lg_config_read_yaml(yaml, ret->file, ret, reterr);
    if (rc == 0)
        rc = read_env(ret, src, reterr);
    if (rc == 0)
        rc = read_overrides(ret, src, reterr);
    if (rc == 0)
        rc = cross_check(ret, reterr);
    return rc;
}

/* Appends the file; one byte more than its cap shows that it is larger. */
static int slurp(int fd, struct lg_buf *out)
{
    ssize_t n = 1;

    while (n > 0 && out->n <= MAX_FILE_BYTES) {
        if (lg_buf_reserve(out, 16384) < 0)
            return LG_ENOMEM;
        n = read(fd, out->p + out->n, 16384);
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        if (n < 0)
            return LG_EIO;
        out->n += (size_t)n;
    }
    return 0;
}

int lg_config_load(const struct lg_config_source *src, struct lg_config *ret, struct lg_err *reterr)
{
    struct lg_buf text;
    const char *name = src->path;
    int fd = -1, rc = 0;

    lg_buf_init(&text, MAX_FILE_BYTES + 65536);
    if (src->path != NULL) {
        fd = open(src->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && src->path_optional)
            name = NULL;
        else if (fd < 0)
            rc = lg_err_set(reterr, errno == ENOENT ? LG_ENOENT : LG_EIO, "%s: %s", src->path,
                    strerror(errno));
        else if (strlen(src->path) >= LG_CONFIG_PATH_BYTES)
            rc = lg_err_set(reterr, LG_ELIMIT, "%s: the path is too long", src->path);
    }
    if (rc == 0 && fd >= 0) {
        rc = slurp(fd, &text);
        if (rc < 0)
            rc = lg_err_set(reterr, rc, "%s: %s", src->path,
                    rc == LG_EIO ? strerror(errno) : lg_err_name(rc));
    }
    if (rc == 0)
        rc = lg_config_load_text(lg_buf_str(&text), name, src, ret, reterr);
    if (fd >= 0)
        (void)close(fd);
    lg_buf_done(&text);
    return rc;
}

int lg_config_reload(const struct lg_config *old, const struct lg_config_source *src,
        struct lg_config *ret_new, struct lg_config_changes *ret, struct lg_err *reterr)
{
    struct lg_config_changes changes = {0};
    struct lg_buf stuck;
    int rc;

    rc = lg_config_load(src, ret_new, reterr);
    if (rc < 0)
        return rc;
    lg_buf_init(&stuck, 200);
    for (size_t i = 0; i < lg_config_opts_n; i++) {
        if (lg_config_same(old, ret_new, i))
            continue;
        changes.option[changes.n++] = (uint16_t)i;
        if ((lg_config_opts[i].flags & LG_CONFIG_LIVE) == 0)
            lg_buf_printf(&stuck, "%s%s", stuck.n > 0 ? ", " : "", lg_config_opts[i].key);
    }
    if (stuck.n > 0)
        rc = lg_err_set(reterr, LG_EREFUSED, "only a restart can change: %.*s%s", (int)stuck.n,
                stuck.p, stuck.failed != 0 ? ", ..." : "");
    lg_buf_done(&stuck);
    if (rc == 0)
        *ret = changes;
    return rc;
}

bool lg_config_changed(const struct lg_config_changes *ch, const char *key)
{
    const int i = lg_config_option_find(lg_str_z(key));

    for (size_t n = 0; n < ch->n; n++)
        if (ch->option[n] == i)
            return true;
    return false;
}

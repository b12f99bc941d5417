#ifndef LG_CONFIG_CONFIG_INT_H
#define LG_CONFIG_CONFIG_INT_H

#include "config/config.h"

enum lg_config_type {
    LG_CONFIG_BOOL,
    LG_CONFIG_U16,
    LG_CONFIG_U32,
    LG_CONFIG_SIZE,     /* uint64_t */
    LG_CONFIG_DURATION, /* int64_t */
    LG_CONFIG_DOUBLE,
    LG_CONFIG_ENUM, /* any C enum */
    LG_CONFIG_TEXT, /* char[] */
    LG_CONFIG_PATH, /* char[] */
    LG_CONFIG_LIST, /* struct lg_config_list */
};

enum lg_config_flag {
    LG_CONFIG_START = 0,
    LG_CONFIG_LIVE = 1,
    LG_CONFIG_SECRET = 2,
};

struct lg_config_opt {
    const char *key;
    enum lg_config_type type;
    unsigned flags;
    size_t offset;
    size_t size;
    const char *fallback, *min, *max;
    const char *values; /* ENUM: its values; texts: the name of a check */
    const char *text;
};

extern const struct lg_config_opt lg_config_opts[];
extern const size_t lg_config_opts_n;

/* The option's environment name; at most LG_CONFIG_ENV_BYTES with its NUL. */
#define LG_CONFIG_ENV_BYTES 96
void lg_config_env_name(const char *key, char out[LG_CONFIG_ENV_BYTES]);

/* Reads `text` as the option's value and checks its bounds; on failure `why` says what would be
 * right. 0, LG_EINVAL. */
int lg_config_set(
        struct lg_config *cfg, size_t i, struct lg_str text, struct lg_buf *why) LG_MUST_CHECK;
int lg_config_list_add(
        struct lg_config *cfg, size_t i, struct lg_str item, struct lg_buf *why) LG_MUST_CHECK;
void lg_config_list_clear(struct lg_config *cfg, size_t i);
bool lg_config_same(const struct lg_config *a, const struct lg_config *b, size_t i);
void lg_config_duration_text(int64_t ns, struct lg_buf *out);
void lg_config_size_text(uint64_t bytes, struct lg_buf *out);

/* The check that an option's `values` names; NULL `name` passes everything. */
bool lg_config_text_ok(const char *name, struct lg_str s, const char **ret_right);
bool lg_config_is_loopback(const char *host);
/* What no option can tell alone. 0, or LG_EINVAL with `why` and the option to blame. */
int lg_config_cross_check(
        const struct lg_config *cfg, size_t *ret_option, struct lg_buf *why) LG_MUST_CHECK;

/* The known key nearest to `key`, and how many edits away it is; NULL when none is near. */
const char *lg_config_nearest(struct lg_str key, size_t *ret_distance);

/* Reads YAML into cfg. */
int lg_config_read_yaml(struct lg_str text, const char *name, struct lg_config *cfg,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif

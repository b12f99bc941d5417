#include <inttypes.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/utf8.h"
#include "config/config_int.h"

/*
 * libfyaml's events rather than its documents: nothing is built that an alias could multiply, and
 * every event has its place in the file. Anchors, aliases, tags and second documents are refused.
 */

#define MAX_FILE_BYTES ((size_t)256 * 1024)
#define MAX_DEPTH 4
#define MAX_KEY_BYTES 128
#define MAX_WHY_BYTES 240

struct reader {
    struct fy_diag *diag;
    struct fy_parser *parser;
    const char *name;
    struct lg_config *cfg;
    struct lg_err *err;
    char path[MAX_KEY_BYTES]; /* dotted key of where we are */
    size_t path_n;
    int failed;             /* of next_event */
    struct lg_map sections; /* hashes of the sections seen: a second one is a duplicate */
};

static int fail_at(struct reader *r, struct fy_token *at, int code, const char *fmt, ...)
        LG_PRINTF(4, 5);

/* "FILE:LINE:COLUMN: text" */
static int fail_at(struct reader *r, struct fy_token *at, int code, const char *fmt, ...)
{
    const struct fy_mark *mark = at != NULL ? fy_token_start_mark(at) : NULL;
    char text[MAX_WHY_BYTES + MAX_KEY_BYTES];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (mark == NULL)
        return lg_err_set(r->err, code, "%s: %s", r->name, text);
    return lg_err_set(
            r->err, code, "%s:%d:%d: %s", r->name, mark->line + 1, mark->column + 1, text);
}

/* libfyaml's own first complaint. */
static int fail_syntax(struct reader *r)
{
    void *it = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &it);

    if (e == NULL || e->msg == NULL)
        return lg_err_set(r->err, LG_EPARSE, "%s: is not YAML", r->name);
    return lg_err_set(r->err, LG_EPARSE, "%s:%d:%d: is not YAML: %s", r->name,
            e->line > 0 ? e->line : 1, e->column > 0 ? e->column : 1, e->msg);
}

static struct lg_str token_text(struct fy_token *t)
{
    size_t n = 0;
    const char *p = t != NULL ? fy_token_get_text(t, &n) : NULL;

    return lg_str_of(p != NULL ? p : "", p != NULL ? n : 0);
}

static int unknown_key(struct reader *r, struct fy_token *at)
{
    const struct lg_str key = lg_str_of(r->path, r->path_n);
    const char *near = lg_config_nearest(key, NULL);

    if (near != NULL)
        return fail_at(
                r, at, LG_EINVAL, "unknown key '%.*s'; did you mean '%s'?", LG_STR_FMT(key), near);
    return fail_at(r, at, LG_EINVAL,
            "unknown key '%.*s'; `logster config reference` lists what there is", LG_STR_FMT(key));
}

/* True when some option lies below the section. */
static bool section_known(const struct reader *r)
{
    for (size_t i = 0; i < lg_config_opts_n; i++) {
        const char *key = lg_config_opts[i].key;

        if (strncmp(key, r->path, r->path_n) == 0 && key[r->path_n] == '.')
            return true;
    }
    return false;
}

/* NULL when there is none; r->failed then says why. */
static struct fy_event *next_event(struct reader *r)
{
    struct fy_event *e = fy_parser_parse(r->parser);
    struct fy_token *odd = NULL;

    if (e == NULL) {
        r->failed = fail_syntax(r);
        return NULL;
    }
    if (e->type == FYET_ALIAS)
        odd = e->alias.anchor;
    else if (e->type == FYET_SCALAR)
        odd = e->scalar.anchor != NULL ? e->scalar.anchor : e->scalar.tag;
    else if (e->type == FYET_MAPPING_START)
        odd = e->mapping_start.anchor != NULL ? e->mapping_start.anchor : e->mapping_start.tag;
    else if (e->type == FYET_SEQUENCE_START)
        odd = e->sequence_start.anchor != NULL ? e->sequence_start.anchor : e->sequence_start.tag;
    if (odd == NULL)
        return e;
    r->failed = fail_at(
            r, odd, LG_EINVAL, "anchors, aliases and tags are not used here: write the value");
    fy_parser_event_free(r->parser, e);
    return NULL;
}

static void note_origin(struct reader *r, size_t i, struct fy_token *at)
{
    const struct fy_mark *mark = at != NULL ? fy_token_start_mark(at) : NULL;

    r->cfg->origin[i] = (struct lg_config_origin){.kind = LG_CONFIG_FROM_FILE,
            .line = mark != NULL ? (uint32_t)mark->line + 1 : 0,
            .column = mark != NULL ? (uint32_t)mark->column + 1 : 0};
}

static int read_scalar(struct reader *r, size_t i, struct fy_token *key, struct fy_token *value)
{
    char text[MAX_WHY_BYTES];
    struct lg_buf why;
    int rc;

    lg_buf_init(&why, MAX_WHY_BYTES);
    rc = lg_config_set(r->cfg, i, token_text(value), &why);
    if (rc == 0) {
        note_origin(r, i, value != NULL && token_text(value).n > 0 ? value : key);
    } else {
        (void)snprintf(text, sizeof(text), "%.*s", (int)why.n, why.n > 0 ? why.p : "");
        rc = fail_at(r, value != NULL && token_text(value).n > 0 ? value : key, rc, "%s %s",
                lg_config_opts[i].key, text);
    }
    lg_buf_done(&why);
    return rc;
}

static int add_item(struct reader *r, size_t i, struct fy_token *item)
{
    struct lg_buf why;
    int rc;

    lg_buf_init(&why, MAX_WHY_BYTES);
    rc = lg_config_list_add(r->cfg, i, token_text(item), &why);
    if (rc < 0)
        rc = fail_at(
                r, item, rc, "%s %.*s", lg_config_opts[i].key, (int)why.n, why.n > 0 ? why.p : "");
    lg_buf_done(&why);
    return rc;
}

static int read_list(struct reader *r, size_t i, struct fy_token *key)
{
    bool more = true;
    int rc = 0;

    if (lg_config_opts[i].type != LG_CONFIG_LIST)
        return fail_at(r, key, LG_EINVAL, "%s takes one value, not a list", lg_config_opts[i].key);
    lg_config_list_clear(r->cfg, i);
    note_origin(r, i, key);
    while (rc == 0 && more) {
        struct fy_event *e = next_event(r);

        if (e == NULL)
            return r->failed;
        more = e->type != FYET_SEQUENCE_END;
        if (e->type == FYET_SCALAR)
            rc = add_item(r, i, e->scalar.value);
        else if (more)
            rc = fail_at(
                    r, key, LG_EINVAL, "%s takes a list of plain values", lg_config_opts[i].key);
        fy_parser_event_free(r->parser, e);
    }
    return rc;
}

static int read_mapping(struct reader *r, struct fy_token *at, int depth);

/* A key's value: `e` is its first event. */
static int read_value(struct reader *r, struct fy_token *key, struct fy_event *e, int depth)
{
    const int i = lg_config_option_find(lg_str_of(r->path, r->path_n));
    bool fresh = false;

    if (i >= 0) {
        if (r->cfg->origin[i].kind == LG_CONFIG_FROM_FILE)
            return fail_at(r, key, LG_EINVAL, "duplicate key '%s', first in line %" PRIu32,
                    lg_config_opts[i].key, r->cfg->origin[i].line);
        if (e->type == FYET_SCALAR)
            return read_scalar(r, (size_t)i, key, e->scalar.value);
        if (e->type == FYET_SEQUENCE_START)
            return read_list(r, (size_t)i, key);
        return fail_at(r, key, LG_EINVAL, "%s takes a value, not a section", lg_config_opts[i].key);
    }
    if (!section_known(r))
        return unknown_key(r, key);
    if (lg_map_at(&r->sections, lg_hash64(r->path, r->path_n, 0), 1, &fresh) == NULL)
        return lg_err_set(r->err, LG_ENOMEM, "out of memory");
    if (!fresh)
        return fail_at(r, key, LG_EINVAL, "duplicate section '%.*s'", (int)r->path_n, r->path);
    if (e->type == FYET_SCALAR && token_text(e->scalar.value).n == 0)
        return 0; /* "inference:" with nothing below */
    if (e->type == FYET_MAPPING_START)
        return read_mapping(r, key, depth + 1);
    return fail_at(r, key, LG_EINVAL, "'%.*s' is a section: its keys go below it", (int)r->path_n,
            r->path);
}

/* Appends a key to the path; keys may be dotted themselves ("inference.window: 3m"). */
static int push_key(struct reader *r, struct fy_token *key)
{
    const struct lg_str k = token_text(key);
    const size_t dot = r->path_n > 0 ? 1 : 0;

    if (k.n == 0 || k.n + dot >= sizeof(r->path) - r->path_n)
        return fail_at(r, key, LG_EINVAL, "unknown key '%.*s'", (int)(k.n > 64 ? 64 : k.n), k.p);
    if (dot)
        r->path[r->path_n++] = '.';
    memcpy(r->path + r->path_n, k.p, k.n);
    r->path_n += k.n;
    return 0;
}

static int read_member(struct reader *r, struct fy_token *at, struct fy_event *key, int depth)
{
    struct fy_event *value;
    int rc;

    if (key->type != FYET_SCALAR)
        return fail_at(r, at, LG_EINVAL, "a key must be plain text");
    rc = push_key(r, key->scalar.value);
    if (rc < 0)
        return rc;
    value = next_event(r);
    if (value == NULL)
        return r->failed;
    rc = read_value(r, key->scalar.value, value, depth);
    fy_parser_event_free(r->parser, value);
    return rc;
}

static int read_mapping(struct reader *r, struct fy_token *at, int depth)
{
    const size_t path_n = r->path_n;
    bool more = true;
    int rc = 0;

    if (depth > MAX_DEPTH)
        return fail_at(r, at, LG_ELIMIT, "nested deeper than any key is");
    while (rc == 0 && more) {
        struct fy_event *key = next_event(r);

        if (key == NULL)
            return r->failed;
        more = key->type != FYET_MAPPING_END;
        if (more)
            rc = read_member(r, at, key, depth);
        fy_parser_event_free(r->parser, key);
        r->path_n = path_n;
    }
    return rc;
}

/* The stream: at most one document, and that a mapping. */
static int read_stream(struct reader *r)
{
    enum fy_event_type type;
    int rc = 0, documents = 0;

    do {
        struct fy_event *e = next_event(r);

        if (e == NULL)
            return r->failed;
        type = e->type;
        if (type == FYET_DOCUMENT_START && ++documents > 1)
            rc = fail_at(
                    r, e->document_start.document_start, LG_EINVAL, "holds more than one document");
        else if (type == FYET_MAPPING_START)
            rc = read_mapping(r, e->mapping_start.mapping_start, 1);
        else if (type == FYET_SEQUENCE_START)
            rc = fail_at(r, e->sequence_start.sequence_start, LG_EINVAL,
                    "must begin with a key such as 'api:'");
        else if (type == FYET_SCALAR && token_text(e->scalar.value).n > 0)
            rc = fail_at(r, e->scalar.value, LG_EINVAL, "must begin with a key such as 'api:'");
        fy_parser_event_free(r->parser, e);
    } while (rc == 0 && type != FYET_STREAM_END);
    return rc;
}

/* libfyaml stops quietly at some bytes that are no text; they are refused before it sees them. */
static int check_bytes(struct lg_str text, const char *name, struct lg_err *err)
{
    uint32_t line = 1;

    if (text.n > MAX_FILE_BYTES)
        return lg_err_set(err, LG_ELIMIT, "%s: is larger than %zu bytes", name, MAX_FILE_BYTES);
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];

        if (c == '\n')
            line++;
        else if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\r'))
            return lg_err_set(err, LG_EPARSE,
                    "%s:%" PRIu32 ": is not YAML: holds a control character", name, line);
    }
    if (!lg_utf8_valid(text))
        return lg_err_set(err, LG_EPARSE, "%s: is not YAML: is not UTF-8", name);
    return 0;
}

int lg_config_read_yaml(
        struct lg_str text, const char *name, struct lg_config *cfg, struct lg_err *reterr)
{
    struct reader r = {.name = name, .cfg = cfg, .err = reterr};
    struct fy_diag_cfg diag_cfg;
    struct fy_parse_cfg parse_cfg = {.flags = FYPCF_QUIET | FYPCF_DISABLE_MMAP_OPT};
    int rc = check_bytes(text, name, reterr);

    if (rc < 0 || text.n == 0)
        return rc;
    lg_map_init(&r.sections);
    fy_diag_cfg_default(&diag_cfg);
    r.diag = fy_diag_create(&diag_cfg);
    if (r.diag != NULL) {
        fy_diag_set_collect_errors(r.diag, true);
        parse_cfg.diag = r.diag;
        r.parser = fy_parser_create(&parse_cfg);
    }
    if (r.parser == NULL || fy_parser_set_string(r.parser, text.p, text.n) != 0)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    else
        rc = read_stream(&r);
    if (r.parser != NULL)
        fy_parser_destroy(r.parser);
    if (r.diag != NULL)
        fy_diag_destroy(r.diag);
    lg_map_done(&r.sections);
    return rc;
}

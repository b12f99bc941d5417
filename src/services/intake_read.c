/*
 * Request bodies to items. Every item is parsed once, alone: what is wrong with one says nothing
 * about the next. Lines and values are cut by looking at the bytes only, so that an item's bytes
 * are stored as they came.
 */
#include <string.h>

#include "services/intake_int.h"

const char *lg_intake_reason_name(enum lg_intake_reason r)
{
    static const char *const names[] = {
#define LG_INTAKE_REASON_NAME(e, s, st) s,
            LG_INTAKE_REASONS(LG_INTAKE_REASON_NAME)
#undef LG_INTAKE_REASON_NAME
    };

    return names[r];
}

int lg_intake_reason_status(enum lg_intake_reason r)
{
    static const short statuses[] = {
#define LG_INTAKE_REASON_STATUS(e, s, st) st,
            LG_INTAKE_REASONS(LG_INTAKE_REASON_STATUS)
#undef LG_INTAKE_REASON_STATUS
    };

    return statuses[r];
}

static const char *const op_names[] = {"index", "create", "update", "delete"};

const char *lg_intake_op_name(enum lg_intake_op op)
{
    return op_names[op];
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct lg_str s, size_t at)
{
    while (at < s.n && is_space(s.p[at]))
        at++;
    return at;
}

/* Takes a line off *s, without its end; false at the end of the text. */
static bool next_line(struct lg_str *s, struct lg_str *ret)
{
    const char *nl;
    size_t n;

    if (s->n == 0)
        return false;
    nl = (const char *)memchr(s->p, '\n', s->n);
    n = nl != NULL ? (size_t)(nl - s->p) : s->n;
    *ret = lg_str_of(s->p, n > 0 && s->p[n - 1] == '\r' ? n - 1 : n);
    *s = lg_str_sub(*s, nl != NULL ? n + 1 : n, s->n);
    return true;
}

static bool blank(struct lg_str s)
{
    return skip_space(s, 0) == s.n;
}

/* Past the closing quote of the string whose inside starts at `at`; s.n + 1 when it does not end. */
static size_t string_end(struct lg_str s, size_t at)
{
    while (at < s.n) {
        const char *q = (const char *)memchr(s.p + at, '"', s.n - at);
        size_t end, b;

        if (q == NULL)
            break;
        end = (size_t)(q - s.p);
        for (b = end; b > at && s.p[b - 1] == '\\'; b--)
            ;
        if ((end - b) % 2 == 0)
            return end + 1;
        at = end + 1;
    }
    return s.n + 1;
}

size_t lg_intake_value_length(struct lg_str s)
{
    size_t at = 0, depth = 0;

    if (s.n == 0)
        return 0;
    if (s.p[0] != '{' && s.p[0] != '[' && s.p[0] != '"') { /* a number or a word */
        while (at < s.n && !is_space(s.p[at]) && strchr(",]}{[\"", s.p[at]) == NULL)
            at++;
        return at;
    }
    do {
        const char c = s.p[at++];

        if (c == '"') {
            at = string_end(s, at);
            if (at > s.n)
                return 0;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    } while (depth > 0 && at < s.n);
    return depth > 0 ? 0 : at;
}

/* Parses the item and gives it out. `text_too`: what does not begin as JSON is a line of text. */
static int give(const struct lg_intake_reader *r, struct lg_intake_item *it, struct lg_str value,
        bool text_too)
{
    const struct lg_str trimmed = lg_str_trim(value);
    int rc;

    it->value = value;
    it->value_stays = true;
    it->root = (struct lg_jval){0};
    if (value.n > r->max_item_bytes) {
        it->reason = LG_INTAKE_OVERSIZED;
        it->value = lg_str_of(value.p, 0);
        return r->fn(r->user, it);
    }
    if (text_too && trimmed.n > 0 && trimmed.p[0] != '{' && trimmed.p[0] != '[') {
        if (memchr(value.p, '\0', value.n) != NULL)
            it->reason = LG_INTAKE_BAD_TEXT;
        return r->fn(r->user, it);
    }
    rc = lg_json_parse(r->doc, value, true, &it->root, NULL);
    if (rc == LG_ENOMEM)
        return rc;
    if (rc < 0) {
        it->reason = LG_INTAKE_BAD_JSON;
        it->root = (struct lg_jval){0};
    } else if (lg_jval_type(it->root) != LG_JSON_OBJECT) {
        it->reason = LG_INTAKE_NOT_OBJECT;
    }
    return r->fn(r->user, it);
}

int lg_intake_read_lines(const struct lg_intake_reader *r, struct lg_str body)
{
    struct lg_str line;
    size_t n = 0;
    int rc = 0;

    while (rc == 0 && next_line(&body, &line)) {
        struct lg_intake_item it = {.n = n};

        if (blank(line))
            continue;
        if (n++ >= r->max_items)
            return LG_ELIMIT;
        rc = give(r, &it, line, true);
    }
    return rc;
}

int lg_intake_read_values(const struct lg_intake_reader *r, struct lg_str body)
{
    size_t at = skip_space(body, 0), n = 0;
    const bool array = at < body.n && body.p[at] == '[';
    bool comma = false;
    int rc = 0;

    at += array;
    for (at = skip_space(body, at); rc == 0 && at < body.n; at = skip_space(body, at)) {
        struct lg_intake_item it = {.n = n};
        size_t len;

        if (array && body.p[at] == ']' && !comma && blank(lg_str_sub(body, at + 1, body.n)))
            return 0;
        if (n++ >= r->max_items)
            return LG_ELIMIT;
        len = lg_intake_value_length(lg_str_sub(body, at, body.n));
        if (len == 0) { /* nothing after it can be told apart */
            it.reason = LG_INTAKE_BAD_JSON;
            it.value = lg_str_sub(body, at, body.n);
            return r->fn(r->user, &it);
        }
        rc = give(r, &it, lg_str_sub(body, at, at + len), false);
        at = skip_space(body, at + len);
        comma = array && at < body.n && body.p[at] == ',';
        if (comma)
            at++;
    }
    if (rc == 0 && array) { /* the closing bracket is missing */
        struct lg_intake_item it = {.n = n, .reason = LG_INTAKE_BAD_JSON};

        rc = r->fn(r->user, &it);
    }
    return rc;
}

/* ------------------------------------------------------------------ _bulk */

struct action {
    enum lg_intake_op op;
    struct lg_str index, id;
};

/* {"index":{"_index":"x","_id":"1"}}; LG_EPARSE for anything else. */
static int read_action(struct lg_json *j, struct lg_str line, struct action *ret)
{
    struct lg_jval root, meta;
    struct lg_jiter it;
    struct lg_str key;
    int rc = lg_json_parse(j, line, true, &root, NULL);

    if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_EPARSE;
    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return LG_EPARSE;
    it = lg_jiter_of(root);
    if (!lg_jiter_member(&it, &key, &meta) || lg_jval_type(meta) != LG_JSON_OBJECT)
        return LG_EPARSE;
    for (size_t i = 0; i < sizeof(op_names) / sizeof(*op_names); i++) {
        if (!lg_str_eq(key, lg_str_z(op_names[i])))
            continue;
        *ret = (struct action){.op = (enum lg_intake_op)i,
                .index = lg_jval_get_str(meta, LG_STR("_index")),
                .id = lg_jval_get_str(meta, LG_STR("_id"))};
        return lg_jiter_member(&it, &key, &meta) ? LG_EPARSE : 0;
    }
    return LG_EPARSE;
}

static int give_refused(
        const struct lg_intake_reader *r, struct lg_intake_item *it, enum lg_intake_reason reason)
{
    it->reason = reason;
    return r->fn(r->user, it);
}

int lg_intake_read_bulk(const struct lg_intake_reader *r, struct lg_str body,
        struct lg_str default_index, size_t *ret_line)
{
    struct lg_str line, last = {0};
    struct action act = {0};
    size_t n = 0, line_no = 0;
    int rc = 0;

    while (rc == 0 && next_line(&body, &line)) {
        struct lg_intake_item it = {.n = n};

        line_no++;
        if (blank(line))
            continue;
        /* shippers repeat themselves: the same action is not read again */
        if (n == 0 || !lg_str_eq(line, last))
            rc = line.n > r->max_item_bytes ? LG_EPARSE : read_action(r->action, line, &act);
        if (rc < 0) {
            *ret_line = line_no;
            return rc;
        }
        last = line;
        if (n++ >= r->max_items)
            return LG_ELIMIT;
        it.op = act.op;
        it.index = act.index.n > 0 ? act.index : default_index;
        it.id = act.id;
        if (act.op == LG_INTAKE_DELETE) {
            rc = give_refused(r, &it, LG_INTAKE_UNSUPPORTED_ACTION);
            continue;
        }
        line_no++;
        if (!next_line(&body, &line))
            rc = give_refused(r, &it, LG_INTAKE_NO_SOURCE_LINE);
        else if (act.op == LG_INTAKE_UPDATE)
            rc = give_refused(r, &it, LG_INTAKE_UNSUPPORTED_ACTION);
        else
            rc = give(r, &it, line, false);
    }
    return rc;
}

/* True when the first line is an action, so that the body is one of _bulk. */
static bool looks_like_bulk(const struct lg_intake_reader *r, struct lg_str body)
{
    struct action act;
    struct lg_str line;

    while (next_line(&body, &line) && blank(line))
        ;
    if (body.n == 0 || line.n > 4096 || line.n == 0 || line.p[0] != '{')
        return false;
    return read_action(r->action, line, &act) == 0;
}

int lg_intake_read_any(
        const struct lg_intake_reader *r, struct lg_str body, bool lines, size_t *ret_line)
{
    const size_t at = skip_space(body, 0);

    if (at < body.n && body.p[at] == '[')
        return lg_intake_read_values(r, body);
    if (looks_like_bulk(r, body))
        return lg_intake_read_bulk(r, body, (struct lg_str){0}, ret_line);
    if (!lines && at < body.n && body.p[at] == '{')
        return lg_intake_read_values(r, body);
    return lg_intake_read_lines(r, body);
}

/* ------------------------------------------------------------------ HEC */

/* Bytes of the member's value in the text of a valid object. */
static struct lg_str member_text(struct lg_str object, struct lg_str key)
{
    size_t at = skip_space(object, 0) + 1; /* past { */

    for (at = skip_space(object, at); at < object.n && object.p[at] == '"';) {
        const size_t key_end = string_end(object, at + 1);
        const struct lg_str k = lg_str_sub(object, at + 1, key_end - 1);
        size_t len;

        at = skip_space(object, key_end);
        at = skip_space(object, at + 1); /* past : */
        len = lg_intake_value_length(lg_str_sub(object, at, object.n));
        if (lg_str_eq(k, key) || len == 0)
            return lg_str_sub(object, at, at + len);
        at = skip_space(object, at + len);
        at = skip_space(object, at + 1); /* past , */
    }
    return (struct lg_str){0};
}

/* A string event is stored as its text; one that holds JSON is parsed for its host. */
static int give_hec_string(
        const struct lg_intake_reader *r, struct lg_intake_item *it, struct lg_str text)
{
    const struct lg_str trimmed = lg_str_trim(text);
    int rc;

    it->value = trimmed;
    it->value_stays = false;
    it->root = (struct lg_jval){0};
    if (trimmed.n == 0)
        return give_refused(r, it, LG_INTAKE_BLANK_EVENT);
    if (trimmed.n > r->max_item_bytes)
        return give_refused(r, it, LG_INTAKE_OVERSIZED);
    if (memchr(trimmed.p, '\0', trimmed.n) != NULL)
        return give_refused(r, it, LG_INTAKE_BAD_TEXT);
    if (trimmed.p[0] == '{') {
        rc = lg_json_parse(r->action, trimmed, false, &it->root, NULL);
        if (rc == LG_ENOMEM)
            return rc;
        if (rc < 0)
            it->root = (struct lg_jval){0}; /* text that begins with a brace */
    }
    return r->fn(r->user, it);
}

static int give_hec(const struct lg_intake_reader *r, struct lg_intake_item *it, struct lg_str text)
{
    struct lg_jval root, event;
    int rc = lg_json_parse(r->doc, text, true, &root, NULL);

    if (rc == LG_ENOMEM)
        return rc;
    if (rc < 0 || lg_jval_type(root) != LG_JSON_OBJECT)
        return give_refused(r, it, LG_INTAKE_BAD_JSON);
    it->host = lg_jval_get_str(root, LG_STR("host"));
    it->sourcetype = lg_jval_get_str(root, LG_STR("sourcetype"));
    it->source = lg_jval_get_str(root, LG_STR("source"));
    if (!lg_jval_get(root, LG_STR("event"), &event))
        return give_refused(r, it, LG_INTAKE_NO_EVENT);
    if (lg_jval_type(event) == LG_JSON_STRING)
        return give_hec_string(r, it, lg_jval_str(event));
    if (lg_jval_type(event) == LG_JSON_NULL)
        return give_refused(r, it, LG_INTAKE_BLANK_EVENT);
    if (lg_jval_type(event) != LG_JSON_OBJECT)
        return give_refused(r, it, LG_INTAKE_NOT_OBJECT);
    it->value = member_text(text, LG_STR("event"));
    it->value_stays = true;
    it->root = event;
    if (it->value.n == 0) /* its key is written with escapes: no shipper does */
        return give_refused(r, it, LG_INTAKE_NO_EVENT);
    if (it->value.n > r->max_item_bytes)
        return give_refused(r, it, LG_INTAKE_OVERSIZED);
    return r->fn(r->user, it);
}

int lg_intake_read_hec(const struct lg_intake_reader *r, struct lg_str body)
{
    size_t at, n = 0;
    int rc = 0;

    for (at = skip_space(body, 0); rc == 0 && at < body.n; at = skip_space(body, at)) {
        struct lg_intake_item it = {.n = n};
        const size_t len = lg_intake_value_length(lg_str_sub(body, at, body.n));

        if (n++ >= r->max_items)
            return LG_ELIMIT;
        if (len == 0 || body.p[at] != '{')
            return give_refused(r, &it, LG_INTAKE_BAD_JSON);
        /* four times: an event that is a string may be all escapes */
        if (len > 4 * r->max_item_bytes)
            rc = give_refused(r, &it, LG_INTAKE_OVERSIZED);
        else
            rc = give_hec(r, &it, lg_str_sub(body, at, at + len));
        at += len;
    }
    return rc;
}

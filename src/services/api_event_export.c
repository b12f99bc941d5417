#include <string.h>

#include "services/api_event_int.h"

/*
 * Found events as a file: JSON lines, or CSV for spreadsheets. Rows are read page by page while the
 * client takes them, so that an export of any size takes the memory of one page.
 */
#define PAGE 500
#define PAGE_BYTES ((size_t)64 << 20)
#define KEEP_BYTES ((size_t)256 << 10) /* texts of one query */

struct export
{
    struct lg_api *api;
    struct lg_scope *sc;
    struct lg_event_query q; /* its texts lie in `keep`: the request's end with it */
    struct lg_arena keep;
    struct lg_buf out, cursor;
    size_t at;
    uint64_t left;
    bool csv, with_raw, begun, end;
};

/* ---- CSV (RFC 4180) ---- */

static const char *const columns[] = {"timestamp", "received_at", "tenant_id", "endpoint_id",
        "hostname", "platform", "source", "event_type", "event_id"};
static const char *const fields[] = {"user", "image", "command_line", "process_guid", "process_id",
        "parent_image", "parent_command_line", "target_filename", "target_object", "hashes",
        "source_ip", "source_port", "destination_ip", "destination_port", "destination_hostname",
        "query_name"};
#define COLUMNS (sizeof(columns) / sizeof(*columns))
#define FIELDS (sizeof(fields) / sizeof(*fields))

/* A spreadsheet takes a cell that begins so for a formula, and runs it: an apostrophe stops that. */
static bool is_formula(struct lg_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\0'))
        s = lg_str_sub(s, 1, s.n);
    return s.n > 0 && strchr("=+-@\t\r\n|%", s.p[0]) != NULL;
}

void api_csv_cell(struct lg_buf *out, struct lg_str s)
{
    lg_buf_addc(out, '"');
    if (is_formula(s))
        lg_buf_addc(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            lg_buf_addc(out, '"');
        if (s.p[i] != '\0')
            lg_buf_addc(out, s.p[i]);
    }
    lg_buf_addc(out, '"');
}

static void put_head(struct lg_buf *out)
{
    for (size_t i = 0; i < COLUMNS + FIELDS; i++) {
        if (i > 0)
            lg_buf_addc(out, ',');
        api_csv_cell(out, lg_str_z(i < COLUMNS ? columns[i] : fields[i - COLUMNS]));
    }
    lg_buf_adds(out, LG_STR("\r\n"));
}

/* Numbers of ours are numbers; text is a cell, lists and objects as JSON. */
static void put_cell(struct lg_buf *out, struct lg_jval obj, const char *key)
{
    struct lg_jval v;
    struct lg_buf text;
    struct lg_jw w;

    if (!lg_jval_get(obj, lg_str_z(key), &v) || lg_jval_type(v) == LG_JSON_NULL)
        return;
    if (lg_jval_type(v) == LG_JSON_STRING) {
        api_csv_cell(out, lg_jval_str(v));
        return;
    }
    lg_buf_init(&text, 1u << 20);
    lg_jw_init(&w, &text);
    lg_jw_value(&w, v);
    if (text.failed < 0)
        out->failed = text.failed;
    else if (lg_jval_type(v) == LG_JSON_ARRAY || lg_jval_type(v) == LG_JSON_OBJECT)
        api_csv_cell(out, lg_buf_str(&text));
    else
        lg_buf_adds(out, lg_buf_str(&text));
    lg_buf_done(&text);
}

static int put_row(struct lg_buf *out, const struct lg_event_row *row)
{
    struct lg_json *parser;
    struct lg_jval root, data;
    int rc = lg_json_new(&parser);

    if (rc < 0)
        return rc;
    rc = lg_json_parse(parser, row->json, false, &root, NULL);
    if (rc == 0 && !lg_jval_get(root, LG_STR("data"), &data))
        rc = LG_ECORRUPT;
    for (size_t i = 0; rc == 0 && i < COLUMNS + FIELDS; i++) {
        if (i > 0)
            lg_buf_addc(out, ',');
        if (i == 1)
            lg_buf_printf(out, "%.3f", (double)row->received_at / (double)LG_NS_PER_SEC);
        else if (i < COLUMNS)
            put_cell(out, root, columns[i]);
        else
            put_cell(out, data, fields[i - COLUMNS]);
    }
    lg_buf_adds(out, LG_STR("\r\n"));
    lg_json_free(parser);
    return rc < 0 ? rc : out->failed;
}

/* ---- pages ---- */

static int put_event(struct export *x, const struct lg_event_row *row)
{
    struct lg_jw w;

    if (x->csv)
        return put_row(&x->out, row);
    lg_jw_init(&w, &x->out);
    api_put_event(&w, row, x->with_raw);
    lg_buf_addc(&x->out, '\n');
    return x->out.failed;
}

/* One page more in x->out. A search that used up its budget just goes on. */
static int next_page(struct export *x)
{
    struct lg_arena arena;
    struct lg_event_page page;
    int rc;

    lg_arena_init(&arena, PAGE_BYTES);
    lg_buf_clear(&x->out);
    x->at = 0;
    if (x->csv && !x->begun)
        put_head(&x->out);
    x->begun = true;
    x->q.limit = x->left < PAGE ? (uint32_t)x->left : PAGE;
    x->q.cursor = lg_buf_str(&x->cursor);
    rc = x->api->d.events->ops->event_search(x->api->d.events, x->sc, &x->q, &arena, &page);
    for (uint32_t i = 0; rc == 0 && i < page.n; i++)
        rc = put_event(x, &page.rows[i]);
    if (rc == 0) {
        x->left -= page.n;
        x->end = page.next_cursor.n == 0 || x->left == 0;
        lg_buf_clear(&x->cursor);
        lg_buf_adds(&x->cursor, page.next_cursor);
        rc = x->cursor.failed;
    }
    lg_arena_done(&arena);
    return rc;
}

static ptrdiff_t export_read(void *ctx, char *out, size_t max)
{
    struct export *x = ctx;
    size_t n;

    while (x->at == x->out.n && !x->end) {
        int rc = next_page(x);

        if (rc < 0)
            return rc;
    }
    n = x->out.n - x->at;
    n = n < max ? n : max;
    if (n > 0)
        memcpy(out, x->out.p + x->at, n);
    x->at += n;
    return (ptrdiff_t)n;
}

static void export_drop(void *ctx)
{
    struct export *x = ctx;

    lg_scope_free(x->sc);
    lg_arena_done(&x->keep);
    lg_buf_done(&x->out);
    lg_buf_done(&x->cursor);
    lg_free(x);
}

/* The query's texts outlive the request's own. */
static int keep_texts(struct export *x)
{
    struct lg_str *const texts[] = {&x->q.tenant, &x->q.endpoint, &x->q.user, &x->q.image,
            &x->q.hash, &x->q.ip, &x->q.process_guid, &x->q.text};
    struct lg_event_without *const without[] = {&x->q.not_endpoint, &x->q.not_user, &x->q.not_image,
            &x->q.not_hash, &x->q.not_ip, &x->q.not_guid};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (lg_arena_dup(&x->keep, *texts[i], texts[i]) < 0)
            return LG_ENOMEM;
    for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
        struct lg_str *v = lg_arena_alloc(&x->keep, (without[i]->n + 1u) * sizeof(*v));

        if (v == NULL)
            return LG_ENOMEM;
        for (uint32_t k = 0; k < without[i]->n; k++)
            if (lg_arena_dup(&x->keep, without[i]->v[k], &v[k]) < 0)
                return LG_ENOMEM;
        without[i]->v = v;
    }
    return 0;
}

int api_export_events(struct lg_http_req *req, void *ctx)
{
    struct export *x = lg_calloc(1, sizeof(*x));
    struct api_times times;
    int rc;

    if (x == NULL)
        return LG_ENOMEM;
    x->api = ctx;
    x->csv = lg_str_eq(lg_req_str(req, "format"), LG_STR("csv"));
    x->with_raw = lg_req_bool(req, "raw", false);
    x->left = (uint64_t)lg_req_int(req, "limit", 0);
    lg_arena_init(&x->keep, KEEP_BYTES);
    lg_buf_init(&x->out, PAGE_BYTES);
    lg_buf_init(&x->cursor, 4096);
    api_times_read(req, false, &times);
    rc = api_event_query(req, &times, &x->q);
    if (rc == 0)
        rc = keep_texts(x);
    if (rc == 0)
        rc = api_scope(req, &x->sc);
    if (rc == 0) /* what is wrong with the search is said while there is a status to say it with */
        rc = next_page(x);
    if (rc < 0) {
        export_drop(x);
        return api_fail(req, rc);
    }
    lg_http_header(req, "Content-Disposition", "attachment; filename=\"events.%s\"",
            x->csv ? "csv" : "ndjson");
    return lg_http_send_stream(
            req, 200, x->csv ? API_CSV : LG_HTTP_NDJSON, export_read, export_drop, x);
}

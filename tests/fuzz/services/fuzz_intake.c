/*
 * Any bytes as a request body of intake: lines, values, _bulk, HEC; and as the path of a call that
 * the Elasticsearch façade answers. Items are numbered in order, what is accepted has bytes, what
 * stays lies inside the body, and answers are JSON. The first byte picks the way in, the second an
 * allocation to fail.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "services/intake_int.h"

#define MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
    struct lg_str body;
    size_t n;
    struct lg_jw jw;
    struct lg_buf answer;
};

static int on_item(void *user, const struct lg_intake_item *it)
{
    struct check *c = (struct check *)user;
    const struct lg_es_filter all = {true, true, true, true};
    char key[LG_INTAKE_KEY_BYTES];
    struct lg_str host;

    if (it->n != c->n++)
        abort();
    if (it->value_stays && it->value.n > 0 &&
            (it->value.p < c->body.p || it->value.p + it->value.n > c->body.p + c->body.n))
        abort();
    if (it->reason == LG_INTAKE_NONE) {
        if (it->value.n == 0)
            abort();
        host = it->root.at != NULL ? lg_intake_host(it->root) : lg_intake_text_host(it->value);
        if (lg_intake_key(LG_STR("tenant"), host, (it->n & 1) != 0, key) > sizeof(key))
            abort();
        if ((unsigned)lg_intake_topic(it->value, it->root, LG_TOPIC_SYSMON) >= LG_TOPIC_RAW_COUNT)
            abort();
    }
    lg_es_bulk_item(&c->jw, it, all, LG_STR("id"), 1000);
    return 0;
}

static void check_json(struct lg_str text)
{
    struct lg_json *j = NULL;
    struct lg_jval root;

    if (lg_json_new(&j) < 0 || lg_json_parse(j, text, false, &root, NULL) < 0)
        abort();
    lg_json_free(j);
}

static void facade(struct lg_str path)
{
    struct lg_es_request req = {.method = LG_GET, .version = LG_STR("8.19.0")};
    struct lg_buf out;
    bool text = false;

    if (path.n > 1024)
        return;
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] < 0x20) /* the router refuses them */
            return;
    for (int m = LG_GET; m <= LG_PUT; m++) {
        req.method = (enum lg_http_method)m;
        req.rest = path;
        if (lg_es_route(&req) != LG_ES_ANSWER)
            continue;
        lg_buf_init(&out, 1 << 20);
        if (lg_es_answer(&req, &out, &text) < 200 || out.failed != 0)
            abort();
        if (!text)
            check_json(lg_buf_str(&out));
        lg_buf_done(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct check c = {0};
    struct lg_intake_reader r = {
            .max_item_bytes = 4096, .max_items = 500, .fn = on_item, .user = &c};
    size_t line = 0;
    char *padded;
    int rc;

    if (size < 2 || size > MAX_BYTES)
        return 0;
    if (data[0] % 6 == 5) {
        facade(lg_str_of((const char *)data + 2, size - 2));
        return 0;
    }
    padded = (char *)calloc(1, size - 2 + LG_JSON_PADDING);
    if (padded == NULL || lg_json_new(&r.doc) < 0 || lg_json_new(&r.action) < 0)
        abort();
    memcpy(padded, data + 2, size - 2);
    c.body = lg_str_of(padded, size - 2);
    lg_buf_init(&c.answer, 1 << 22);
    lg_jw_init(&c.jw, &c.answer);
    lg_jw_array(&c.jw);
    if (data[1] != 0)
        (void)lg_mem_fail_from(data[1]);
    switch (data[0] % 6) {
    case 0:
        rc = lg_intake_read_lines(&r, c.body);
        break;
    case 1:
        rc = lg_intake_read_values(&r, c.body);
        break;
    case 2:
        rc = lg_intake_read_bulk(&r, c.body, LG_STR("x"), &line);
        break;
    case 3:
        rc = lg_intake_read_hec(&r, c.body);
        break;
    default:
        rc = lg_intake_read_any(&r, c.body, (data[0] & 0x80) != 0, &line);
    }
    (void)lg_mem_fail_from(0);
    lg_jw_array_end(&c.jw);
    if (rc != 0 && rc != LG_ELIMIT && rc != LG_EPARSE && rc != LG_ENOMEM)
        abort();
    if (rc == 0 && data[1] == 0)
        check_json(lg_buf_str(&c.answer));
    lg_buf_done(&c.answer);
    lg_json_free(r.doc);
    lg_json_free(r.action);
    free(padded);
    return 0;
}

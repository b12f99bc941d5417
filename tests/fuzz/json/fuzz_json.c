/*
 * Any bytes as one JSON record. What parses is walked, written and read again: writing what was
 * read again must give the same bytes. The first byte picks an allocation to fail (0: none).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "json/json.h"
#include "json/write.h"

#define MAX_BYTES 65536

static void write_value(struct lg_jw *w, struct lg_jval v)
{
    struct lg_jiter it;
    struct lg_jval item;
    struct lg_str key;

    if (w->depth == 62) { /* the writer's cap is under the reader's */
        lg_jw_null(w);
        return;
    }
    switch (lg_jval_type(v)) {
    case LG_JSON_NULL:
        lg_jw_null(w);
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(w, lg_jval_bool(v));
        break;
    case LG_JSON_I64:
        lg_jw_i64(w, lg_jval_i64(v));
        break;
    case LG_JSON_U64:
        lg_jw_u64(w, lg_jval_u64(v));
        break;
    case LG_JSON_DOUBLE:
        lg_jw_double(w, lg_jval_double(v));
        break;
    case LG_JSON_STRING:
        lg_jw_str(w, lg_jval_str(v));
        break;
    case LG_JSON_ARRAY:
        lg_jw_array(w);
        it = lg_jiter_of(v);
        while (lg_jiter_item(&it, &item))
            write_value(w, item);
        lg_jw_array_end(w);
        break;
    case LG_JSON_OBJECT: /* keys are trusted to the writer: they go out as strings of an array */
        lg_jw_array(w);
        it = lg_jiter_of(v);
        while (lg_jiter_member(&it, &key, &item)) {
            lg_jw_str(w, key);
            write_value(w, item);
        }
        lg_jw_array_end(w);
        break;
    }
}

static void check(struct lg_json *json, struct lg_str text)
{
    struct lg_buf one, two;
    struct lg_jval root;
    struct lg_jw w;
    bool repaired;

    lg_buf_init(&one, 16 * MAX_BYTES);
    lg_buf_init(&two, 16 * MAX_BYTES);
    if (lg_json_parse(json, text, false, &root, &repaired) == 0) {
        lg_jw_init(&w, &one);
        write_value(&w, root);
        if (one.failed != 0 || lg_json_parse(json, lg_buf_str(&one), false, &root, &repaired) < 0 ||
                repaired)
            abort();
        lg_jw_init(&w, &two);
        write_value(&w, root);
        if (!lg_str_eq(lg_buf_str(&one), lg_buf_str(&two)))
            abort();
    }
    lg_buf_done(&one);
    lg_buf_done(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_str text = {(const char *)data + 1, size - 1};
    struct lg_json *json = NULL;
    struct lg_jval root;

    if (size < 1 || size > MAX_BYTES)
        return 0;
    (void)lg_mem_fail_from(data[0]);
    if (lg_json_new(&json) == 0 && lg_json_parse(json, text, false, &root, NULL) < 0 &&
            lg_json_reason(json)[0] == '\0')
        abort(); /* every refusal has its reason */
    (void)lg_mem_fail_from(0);
    lg_json_free(json);
    if (lg_json_new(&json) == 0)
        check(json, text);
    lg_json_free(json);
    return 0;
}

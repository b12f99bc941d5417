/*
 * Any JSON as a record of `logster-inference-results`. What is read is folded, described, matched
 * against a suppression and written; the alert must be valid JSON whatever the texts were.
 */
#include <stdlib.h>

#include "alert/fold.h"
#include "alert/suppress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_str line = lg_str_of((const char *)data, size);
    struct lg_json *json = NULL, *again = NULL;
    struct lg_inference in;
    struct lg_fold_key key;
    struct lg_alert al;
    struct lg_jval root;
    struct lg_arena a;
    struct lg_buf out;
    struct lg_err err;

    if (size > 65536)
        return 0;
    lg_arena_init(&a, 8u << 20);
    lg_buf_init(&out, 8u << 20);
    if (lg_json_new(&json) == 0 && lg_json_new(&again) == 0 &&
            lg_json_parse(json, line, false, &root, NULL) == 0 &&
            lg_inference_read(root, line, &a, &in, &err) == 0) {
        struct lg_suppression s = {.tenant_id = in.tenant_id,
                .process = LG_STR("*a*b"),
                .technique = LG_STR("T1059"),
                .permanent = true};

        (void)lg_suppression_hides(&s, &in, 1);
        lg_fold_key_of(&in, &key);
        if (lg_fold_open(&in, &key, 1, &a, &al) == 0 && lg_fold_join(&al, &in, 2, &a) == 0) {
            lg_alert_write(&al, &out);
            if (out.failed == 0 && lg_json_parse(again, lg_buf_str(&out), false, &root, NULL) < 0)
                abort();
        }
    }
    lg_json_free(json);
    lg_json_free(again);
    lg_arena_done(&a);
    lg_buf_done(&out);
    return 0;
}

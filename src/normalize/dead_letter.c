#include "normalize/dead_letter.h"

#include "base/utf8.h"
#include "json/write.h"

void lg_dead_letter_write(const struct lg_dead_letter *dl, struct lg_buf *out)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    LG_JW_STR(&w, "reason", lg_str_z(lg_dead_reason_name(dl->reason)));
    LG_JW_STR(&w, "detail", lg_str_z(dl->detail));
    LG_JW_STR(&w, "input", dl->input);
    LG_JW_STR(&w, "format", dl->format);
    LG_JW_STR(&w, "tenant_id", dl->tenant_id);
    LG_JW_U64(&w, "line", dl->pos.line);
    LG_JW_U64(&w, "offset", dl->pos.offset);
    lg_jw_key(&w, LG_STR("bytes"));
    if (lg_utf8_valid(dl->bytes)) {
        lg_jw_str(&w, dl->bytes);
    } else {
        lg_jw_object(&w);
        lg_jw_key(&w, LG_STR("base64"));
        lg_jw_base64(&w, dl->bytes);
        lg_jw_object_end(&w);
    }
    lg_jw_object_end(&w);
}

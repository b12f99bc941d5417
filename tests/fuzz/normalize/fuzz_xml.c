#include <stdint.h>
#include <stdlib.h>

#include "normalize/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all tokens; decoded text is never longer than what it was, and depth never passes its cap. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_arena arena;
    struct lg_xml x;
    struct lg_str s;
    int opened = 0, token;

    if (size > (64u << 10))
        return 0;
    lg_arena_init(&arena, 16u << 20);
    lg_xml_init(&x, lg_str_of((const char *)data, size));
    for (;;) {
        token = lg_xml_next(&x);
        if (token <= LG_XML_EOF)
            break;
        if (token == LG_XML_OPEN) {
            opened++;
            if (opened > LG_MAX_XML_DEPTH || x.depth != opened)
                abort();
            if (lg_xml_attr(&x, LG_STR("Name"), &s) &&
                    (lg_xml_decode(&arena, s, &s) < 0 || s.n > size))
                abort();
        } else if (token == LG_XML_CLOSE) {
            opened--;
        } else if (x.text.n == 0 || lg_xml_decode(&arena, x.text, &s) < 0 || s.n > x.text.n) {
            abort();
        }
        lg_arena_clear(&arena);
    }
    if (token == LG_XML_EOF && opened != 0)
        abort();
    lg_arena_done(&arena);
    return 0;
}

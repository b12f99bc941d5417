/* Any bytes through every kind of normalisation: bounded, and stable where it claims to be. */
#include <stdlib.h>

#include "graph/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lg_text_names names = {
            .host = {"ws1.corp.example", 16}, .user = {"CORP\\jane.doe", 13}};
    char out[LG_MAX_NODE_TEXT];
    struct lg_str s;
    size_t n;

    if (size < 1)
        return 0;
    s = lg_str_of((const char *)data + 1, size - 1);
    for (unsigned platform = 0; platform < 2; platform++) {
        n = lg_text_normalise((enum lg_text_kind)(data[0] % (LG_TEXT_SHARE + 1)),
                (enum lg_platform)platform, &names, s, out);
        if (n > sizeof(out))
            abort();
        (void)lg_text_file_attr((enum lg_platform)platform, s);
        (void)lg_text_user_class((enum lg_platform)platform, s, s);
    }
    (void)lg_text_flags(s);
    (void)lg_text_integrity(s);
    (void)lg_text_names_program(s);
    return 0;
}

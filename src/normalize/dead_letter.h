#ifndef LG_NORMALIZE_DEAD_LETTER_H
#define LG_NORMALIZE_DEAD_LETTER_H

#include "base/buf.h"
#include "normalize/normalize.h"

/*
 * A dead letter as one line of JSON (no newline): reason, detail, input, format, tenant_id, line,
 * offset, and bytes: the record as a string, or {"base64": ...} where it is not UTF-8. Appends;
 * check out->failed. Thread: any.
 */
void lg_dead_letter_write(const struct lg_dead_letter *dl, struct lg_buf *out);

#endif

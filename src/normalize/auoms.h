#ifndef LG_NORMALIZE_AUOMS_H
#define LG_NORMALIZE_AUOMS_H

#include "normalize/audit_record.h"
#include "normalize/format.h"

/*
 * Microsoft's auoms ("type=AUOMS_EXECVE audit(...): ..."): one record holds a whole, interpreted
 * audit event. `h` is the parsed header of the record, which need not be call->record. The host is
 * node= of the record, else `computer`.
 */
int lg_auoms_emit(struct lg_norm_call *call, const struct lg_audit_head *h,
        struct lg_str computer) LG_MUST_CHECK;
/* The same for text out of a wrapper (lg_audit_head_sniff took it); any other audit record is read
 * as an event of its own. */
int lg_auoms_record(
        struct lg_norm_call *call, struct lg_str text, struct lg_str computer) LG_MUST_CHECK;

#endif

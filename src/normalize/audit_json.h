#ifndef LG_NORMALIZE_AUDIT_JSON_H
#define LG_NORMALIZE_AUDIT_JSON_H

#include "normalize/audit_event.h"

/* What the JSON shippers of audit events share. Thread: the worker that owns the call. */

/* Text of a JSON string, number or boolean; "" for anything else. */
struct lg_str lg_audit_json_text(struct lg_audit_event *ae, struct lg_jval v);
/* One member as a field of a record, see lg_audit_event_key. */
void lg_audit_json_key(struct lg_audit_event *ae, bool own, struct lg_str key, struct lg_jval v);
/* All members of an object so. */
void lg_audit_json_keys(struct lg_audit_event *ae, bool own, struct lg_jval obj);
/* Command line of an array of strings. */
void lg_audit_json_args(struct lg_audit_event *ae, struct lg_jval arr);
/* PATH records: an array of objects with name, nametype or objtype, item. */
void lg_audit_json_paths(struct lg_audit_event *ae, struct lg_jval arr);
/* Bytes of a string with %xx in it. */
struct lg_str lg_audit_percent_decode(struct lg_audit_event *ae, struct lg_str s);

#endif

#ifndef LG_EVENT_CODEC_H
#define LG_EVENT_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "event/event.h"
#include "json/json.h"

/*
 * NormalizedEvent as one line of JSON (no newline). `raw_event` is the record itself when it is
 * JSON, a string when it is text, {"base64": ...} when it is neither. Appends; check out->failed.
 */
void lg_event_write(const struct lg_event *ev, struct lg_buf *out);
/* Reads it back; strings borrow from the parsed JSON (raw_event that is JSON from `line`, which must
 * be the text that was parsed). Members and fields that are not known are passed over: a newer
 * writer's. LG_EPARSE names the member in reterr. */
int lg_event_read(struct lg_jval root, struct lg_str line, struct lg_event *ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* The parser's strings die with its next record: moves them to the arena. A raw record that is JSON
 * stays a part of the line. 0 or LG_ENOMEM. */
int lg_event_keep(struct lg_event *ev, struct lg_arena *a) LG_MUST_CHECK;
/* The id of (tenant, endpoint, source, identity); `identity` per docs/semantics.md, "Ids", at most
 * 16 parts. */
void lg_event_make_id(struct lg_event *ev, const struct lg_str *identity, size_t n);
/* JSON Schema (draft 2020-12, closed) and reference page from the dictionary. */
void lg_event_schema(struct lg_buf *out);
void lg_event_reference(struct lg_buf *out);

#endif

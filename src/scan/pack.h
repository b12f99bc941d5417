#ifndef LG_SCAN_PACK_H
#define LG_SCAN_PACK_H

#include "base/buf.h"
#include "event/event.h"

/*
 * Events on their way from a normalizing thread to the one that owns their endpoint: their fields
 * copied into one buffer, without the raw record. Thread: its owner's; handing it over is the
 * caller's business.
 */
struct lg_pack {
    struct lg_buf bytes;
    uint32_t n;
};

void lg_pack_init(struct lg_pack *p);
void lg_pack_done(struct lg_pack *p);
/* Copies the event. 0, LG_ENOMEM or LG_ELIMIT; on failure the pack is as before. */
int lg_pack_add(struct lg_pack *p, const struct lg_event *ev) LG_MUST_CHECK;
/*
 * Reads the next event; *at starts at 0 and moves on; strings borrow from the pack. raw and format
 * are empty. False at the end.
 */
bool lg_pack_next(const struct lg_pack *p, size_t *at, struct lg_event *ev);

#endif

#ifndef LG_SCAN_JUDGES_H
#define LG_SCAN_JUDGES_H

#include "scan/order.h"
#include "scan/scan.h"

/*
 * Threads that judge closed windows, one window at a time, so that one busy endpoint does not make
 * its owner the only thread at work. A window goes to the judge with its owner's number, who has
 * seen the endpoint's names and its window before; one that has nothing to do takes another's.
 * As many windows wait as there is room for: then owners wait. Thread: any, but for start and end.
 */
struct lg_judges;

/* Threads start with lg_judges_start. All of it is borrowed. LG_ENOMEM, the jury's. */
int lg_judges_new(const struct lg_scan_options *opt, const struct lg_scan_sink *sink,
        struct lg_order *order, struct lg_judges **ret) LG_MUST_CHECK;
/* LG_EIO when no thread could be had; those that run are joined by lg_judges_end. */
int lg_judges_start(struct lg_judges *js) LG_MUST_CHECK;
/*
 * Copies the graph and hands it on under number `seq`, which its owner has not reported; `nth` is
 * the owner's count of windows. Nothing after a failure of the scan. LG_ENOMEM.
 */
int lg_judges_give(struct lg_judges *js, uint32_t owner, uint64_t seq, uint64_t nth,
        const struct lg_graph *g) LG_MUST_CHECK;
/* Judges what was given, ends the threads, and adds windows and verdicts to *stats. */
void lg_judges_end(struct lg_judges *js, struct lg_scan_stats *stats);
void lg_judges_free(struct lg_judges *js);

#endif

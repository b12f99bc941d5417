#ifndef LG_BASE_PARSE_H
#define LG_BASE_PARSE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Locale-free, range-checked number and time parsing of whole strings: the string must hold
 * nothing else (no white space, no sign where none is named). 0, LG_EPARSE or LG_ERANGE; *ret is
 * written on success only. Thread: any.
 */
int lg_parse_u64(struct lg_str s, uint64_t *ret) LG_MUST_CHECK;
int lg_parse_i64(struct lg_str s, int64_t *ret) LG_MUST_CHECK;      /* optional - or + */
int lg_parse_hex64(struct lg_str s, uint64_t *ret) LG_MUST_CHECK;   /* optional 0x */
int lg_parse_u64_any(struct lg_str s, uint64_t *ret) LG_MUST_CHECK; /* decimal, or hex after 0x */
int lg_parse_double(struct lg_str s, double *ret) LG_MUST_CHECK;    /* finite decimal */

/* Event time: nanoseconds since 1970-01-01T00:00:00Z, the only time type of the tree. */
typedef int64_t lg_time;
#define LG_NS_PER_SEC INT64_C(1000000000)

/*
 * Reads "YYYY-MM-DD[T ]hh:mm:ss[.frac][Z|+hh:mm|-hh:mm]"; no zone means UTC. Fractions past
 * nanoseconds are cut. Years 1970..2261.
 */
int lg_parse_time_iso(struct lg_str s, lg_time *ret) LG_MUST_CHECK;
/* "seconds[.frac]" since the epoch, as text. */
int lg_parse_time_epoch(struct lg_str s, lg_time *ret) LG_MUST_CHECK;
/* Days since 1970-01-01 of a proleptic Gregorian date. */
int64_t lg_days_from_civil(int64_t y, unsigned m, unsigned d);
/* Writes "YYYY-MM-DDThh:mm:ss.mmmZ" and a NUL; returns the length. */
#define LG_TIME_ISO_MAX 40
size_t lg_time_iso(lg_time t, char out[LG_TIME_ISO_MAX]);
/* Writes epoch seconds as a JSON number with exactly the digits needed (at most 9 decimals). */
#define LG_TIME_EPOCH_MAX 32
size_t lg_time_epoch(lg_time t, char out[LG_TIME_EPOCH_MAX]);

#endif

#ifndef LG_SERVICES_API_DEAD_INT_H
#define LG_SERVICES_API_DEAD_INT_H

#include "base/vec.h"
#include "services/api_int.h"

/*
 * Which dead letters were dealt with: sets of offsets of one partition, as ranges in ascending
 * order, kept as settings beside the alerts (the topic itself never changes).
 */
enum api_dead_state { API_DEAD_OPEN, API_DEAD_REPLAYED, API_DEAD_DROPPED, API_DEAD_STATES };
extern const char *const api_dead_state_names[API_DEAD_STATES];

struct api_range {
    int64_t first, last;
};
struct api_marks {
    LG_VEC(struct api_range) v;
};

void api_marks_done(struct api_marks *m);
bool api_marks_has(const struct api_marks *m, int64_t offset);
/* 0, LG_ENOMEM, or LG_ELIMIT (too many scattered ranges). */
int api_marks_add(struct api_marks *m, int64_t offset) LG_MUST_CHECK;
/* Fills *m; offsets before `begin` have left the topic and are forgotten. */
int api_marks_load(struct lg_api *api, enum api_dead_state s, int32_t partition, int64_t begin,
        struct api_marks *m) LG_MUST_CHECK;
int api_marks_store(struct lg_api *api, enum api_dead_state s, int32_t partition,
        const struct api_marks *m) LG_MUST_CHECK;

#endif

#ifndef LG_PIPELINE_STAGE_INT_H
#define LG_PIPELINE_STAGE_INT_H

#include "base/arena.h"
#include "base/vec.h"
#include "pipeline/stage.h"

/* What one call of a stage emitted, until it is published. Thread: its worker's. */
struct lg_stage_out {
    struct lg_arena arena;
    LG_VEC(struct lg_bus_output) outs;
    size_t bytes;
    size_t max_bytes;
    size_t dead; /* of the outputs */
    lg_time now;
    int dead_letter_topic;
    const char *stage;
    struct lg_bus *bus; /* for names of topics */
};

void lg_stage_out_init(struct lg_stage_out *o, size_t max_bytes, int dead_letter_topic,
        const char *stage, struct lg_bus *bus);
void lg_stage_out_clear(struct lg_stage_out *o);
void lg_stage_out_done(struct lg_stage_out *o);

#endif

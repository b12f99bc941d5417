#include "normalize/format.h"

static const char *const names[LG_SKIP_REASON_COUNT] = {
#define X(e, s) s,
        LG_SKIP_REASONS(X)
#undef X
};

const char *lg_skip_reason_name(enum lg_skip_reason r)
{
    return (unsigned)r < LG_SKIP_REASON_COUNT ? names[r] : "unknown";
}

int lg_norm_skip(struct lg_norm_call *call, enum lg_skip_reason reason)
{
    int rc = call->sink->skipped == NULL ? 0 : call->sink->skipped(call->sink->user, reason);

    if (rc < 0)
        call->sink_rc = rc;
    return rc;
}

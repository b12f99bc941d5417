#ifndef LG_NET_PROBLEM_H
#define LG_NET_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * Error bodies: application/problem+json (RFC 9457) with type, title, status, detail, instance (the
 * path), request_id, and where it helps `parameter` and further members. Thread: any.
 */
#define LG_PROBLEM_TYPE "application/problem+json"

struct lg_problem {
    int status;
    const char *slug;         /* type = "/problems/<slug>"; NULL: "about:blank" */
    const char *title;        /* NULL: the status' reason phrase */
    struct lg_str detail;     /* one sentence for a person; may be empty */
    struct lg_str instance;   /* may be empty */
    struct lg_str request_id; /* may be empty */
    struct lg_str parameter;  /* the offending parameter, header or member; may be empty */
    struct lg_str extra;      /* further members as JSON text without braces; may be empty */
};

void lg_problem_write(struct lg_buf *out, const struct lg_problem *p);
/* "Not Found"; "Unknown" for a number that is none. */
const char *lg_http_reason(int status);

#endif

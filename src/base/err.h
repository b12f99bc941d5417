#ifndef LG_BASE_ERR_H
#define LG_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* Every function that can fail returns an int: >= 0 is success, negative is one of these. */
#define LG_ERRORS(X)                                                                               \
    X(LG_ENOMEM, 1, "out_of_memory")                                                               \
    X(LG_EINVAL, 2, "invalid_argument")                                                            \
    X(LG_EIO, 3, "io_error")                                                                       \
    X(LG_ENOENT, 4, "not_found")                                                                   \
    X(LG_ELIMIT, 5, "limit_exceeded")                                                              \
    X(LG_EPARSE, 6, "parse_error")                                                                 \
    X(LG_ETRUNC, 7, "truncated_input")                                                             \
    X(LG_EUNSUP, 8, "unsupported")                                                                 \
    X(LG_EEXIST, 9, "already_exists")                                                              \
    X(LG_ERANGE, 10, "out_of_range")                                                               \
    X(LG_EREFUSED, 11, "refused")                                                                  \
    X(LG_ECORRUPT, 12, "corrupt")                                                                  \
    X(LG_EINTR, 13, "interrupted")                                                                 \
    X(LG_EAGAIN, 14, "retry")                                                                      \
    X(LG_ENOSPC, 15, "no_space")

#define LG_ERR_ENUM(name, n, text) name = -(n),
enum lg_errcode { LG_OK = 0, LG_ERRORS(LG_ERR_ENUM) };
#undef LG_ERR_ENUM

#define LG_MUST_CHECK __attribute__((warn_unused_result))
#define LG_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Detail of one failure, for boundary calls (files, models, configuration). */
struct lg_err {
    int code;       /* enum lg_errcode */
    char text[320]; /* one line, bounded, for a person */
};

/* Stable snake_case name of a code; "unknown" for anything else. */
const char *lg_err_name(int code);

/* Fills `err` (may be NULL) and returns `code`, so that a caller can `return lg_err_set(...)`. */
int lg_err_set(struct lg_err *err, int code, const char *fmt, ...) LG_PRINTF(3, 4);
#ifdef __clang_analyzer__ /* sees one file at a time, and would think that it may return success */
#define lg_err_set(err, code, ...)                                                                 \
    __extension__({                                                                                \
        int lg_code_ = (code);                                                                     \
        (void)(lg_err_set)((err), lg_code_, __VA_ARGS__);                                          \
        lg_code_;                                                                                  \
    })
#endif

/* Our own bugs only, never input. Stays on in release. */
#define LG_ASSERT(cond)                                                                            \
    do {                                                                                           \
        if (!(cond))                                                                               \
            lg_assert_failed(#cond, __FILE__, __LINE__);                                           \
    } while (0)
_Noreturn void lg_assert_failed(const char *cond, const char *file, int line);

#endif

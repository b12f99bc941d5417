#ifndef LG_NET_PARAMS_INT_H
#define LG_NET_PARAMS_INT_H

#include "base/parse.h"
#include "crypto/ids.h"
#include "net/router_int.h"

/* One checked value of one declared parameter. */
struct lg_value {
    const struct lg_param *decl;
    bool sent; /* false: the default */
    struct lg_str text;
    union {
        int64_t i;
        double d;
        bool b;
        lg_time t;
        struct lg_uuid u;
    };
};

/* Checks one text against its declaration. LG_EPARSE with what would be right in `ret_why`. */
#define LG_WHY_MAX 160
int lg_param_check(const struct lg_param *p, struct lg_str text, lg_time now, struct lg_value *ret,
        char ret_why[LG_WHY_MAX]) LG_MUST_CHECK;

#endif

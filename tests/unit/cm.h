#ifndef LG_TESTS_CM_H
#define LG_TESTS_CM_H

/* cmocka wants these headers before its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* order matters */
#include <cmocka.h>

#endif

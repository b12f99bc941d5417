#include "base/math.h"

#include <math.h>

/* log(m) for m in [sqrt(1/2), sqrt(2)): 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.1716, so that
 * the 12th term of the series is below 2^-60 of the first. */
static double log_core(double s)
{
    double s2 = s * s, sum = 0;

    for (int k = 23; k >= 1; k -= 2)
        sum = sum * s2 + 1.0 / k;
    return 2.0 * s * sum;
}

double lg_math_log(double x)
{
    int e;
    double m = frexp(x, &e);

    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    /* ln 2 in two parts, so that e * high is exact */
    return e * 0x1.62e42fefa38p-1 + (log_core((m - 1) / (m + 1)) + e * 0x1.ef35793c7673p-45);
}

double lg_math_log1p(double x)
{
    if (x > -0.25 && x < 0.25)
        return log_core(x / (2 + x));
    return lg_math_log(1 + x);
}

#ifndef LG_BASE_MATH_H
#define LG_BASE_MATH_H

/*
 * Natural logarithm with the same bits on every CPU and C library (libm picks variants by CPU):
 * frexp, then the atanh series in plain double arithmetic. Relative error below 1e-15.
 * x must be finite and > 0 (lg_math_log1p: > -1).
 */
double lg_math_log(double x);
double lg_math_log1p(double x);

#endif

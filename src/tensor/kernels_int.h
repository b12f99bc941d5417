#ifndef LG_TENSOR_KERNELS_INT_H
#define LG_TENSOR_KERNELS_INT_H

#include "tensor/kernels.h"

/* Width of a packed panel of B; the last panel of a matrix may be half of it. */
#define LG_GEMM_PANEL 32u

extern const struct lg_kernels lg_kernels_portable;
#if defined(__x86_64__)
extern const struct lg_kernels lg_kernels_avx2;
extern const struct lg_kernels lg_kernels_avx512;
#endif

#endif

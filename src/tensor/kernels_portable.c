/* Plain C; fmaf is the C library's, exact with and without FMA hardware. */
#include "tensor/kernels_int.h"
#include "tensor/simd_portable.h"

#define LG_KERNELS_NAME lg_kernels_portable
#define LG_KERNELS_SIMD LG_SIMD_PORTABLE
#include "tensor/kernels_impl.h"

/* AVX2 and FMA3: 8 columns at a time. */
#include "tensor/kernels_int.h"

#if defined(__x86_64__)
#include "tensor/simd_avx2.h"

#define LG_VW 8
#define LG_MR 6
typedef v8 vf;
#define vf_load v8_load
#define vf_store v8_store
#define vf_set1 v8_set1
#define vf_add v8_add
#define vf_sub v8_sub
#define vf_mul v8_mul
#define vf_div v8_div
#define vf_sqrt v8_sqrt
#define vf_max v8_max
#define vf_min v8_min
#define vf_fma v8_fma

LG_OP vf vf_load_half(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

LG_OP vf vf_scale2(vf p, vf t)
{
    __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);

    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), n));
}

LG_OP vf vf_elu_slope(vf e)
{
    __m256 one = _mm256_set1_ps(1.0f);
    __m256 pos = _mm256_cmp_ps(e, _mm256_setzero_ps(), _CMP_GT_OQ);

    return _mm256_blendv_ps(_mm256_add_ps(e, one), one, pos);
}

#define LG_KERNELS_NAME lg_kernels_avx2
#define LG_KERNELS_SIMD LG_SIMD_AVX2
#include "tensor/kernels_impl.h"
#endif

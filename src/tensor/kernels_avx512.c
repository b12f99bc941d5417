/* AVX-512F: 16 columns at a time; sums over a vector stay in 8 lanes. */
#include "tensor/kernels_int.h"

#if defined(__x86_64__)
#define LG_TARGET __attribute__((target("avx512f,avx2,fma,f16c")))
#include "tensor/simd_avx2.h"

#define LG_VW 16
#define LG_MR 12
typedef __m512 vf;
LG_X86_OPS(vf, _mm512)

LG_OP vf vf_load_half(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

LG_OP vf vf_scale2(vf p, vf t)
{
    __m512i n = _mm512_slli_epi32(_mm512_castps_si512(t), 23);

    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), n));
}

LG_OP vf vf_elu_slope(vf e)
{
    __m512 one = _mm512_set1_ps(1.0f);
    __mmask16 pos = _mm512_cmp_ps_mask(e, _mm512_setzero_ps(), _CMP_GT_OQ);

    return _mm512_mask_blend_ps(pos, _mm512_add_ps(e, one), one);
}

#define LG_KERNELS_NAME lg_kernels_avx512
#define LG_KERNELS_SIMD LG_SIMD_AVX512
#include "tensor/kernels_impl.h"
#endif

#ifndef LG_TENSOR_HALF_H
#define LG_TENSOR_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* IEEE 754 half precision; every half is a float exactly. */
static inline float lg_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31, exp = h >> 10 & 31u, man = h & 1023u, bits;
    float f;

    if (exp == 0) { /* zero or subnormal: man * 2^-24 exactly */
        f = (float)man * 0x1p-24f;
        return sign != 0 ? -f : f;
    }
    bits = sign | (exp == 31 ? 255u : exp + 112u) << 23 | man << 13;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/* Rounds to nearest even; too large saturates. */
static inline uint16_t lg_float_to_half(float f)
{
    uint32_t bits, man;
    uint16_t sign;
    int exp;
    float a = fabsf(f);

    memcpy(&bits, &f, sizeof(bits));
    sign = (uint16_t)(bits >> 31 << 15);
    if (a >= 65504.0f)
        return (uint16_t)(sign | 0x7bffu);
    if (a < 0x1p-14f)
        return (uint16_t)(sign | (uint16_t)lrintf(a * 0x1p24f));
    exp = (int)(bits >> 23 & 255u) - 112;
    man = bits & 0x7fffffu;
    man += 0xfffu + (man >> 13 & 1u);
    if (man & 0x800000u) {
        man = 0;
        exp++;
    }
    return (uint16_t)(sign | exp << 10 | man >> 13);
}

#endif

#ifndef LG_CRYPTO_BLAKE2B_MANY_H
#define LG_CRYPTO_BLAKE2B_MANY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * lg_blake2b_256 of many messages: up to eight side by side in vector registers, which takes a
 * quarter of the time. A message on its own is no faster. Where the CPU has no AVX2, one after the
 * other. Thread: any.
 */
void lg_blake2b_256_many(const struct lg_str *in, size_t n, uint8_t (*out)[32]);

/* The same by one way: 8 lanes (AVX-512), 4 (AVX2), 1. False where the CPU cannot. For tests. */
bool lg_blake2b_256_many_by(unsigned lanes, const struct lg_str *in, size_t n, uint8_t (*out)[32]);

#endif

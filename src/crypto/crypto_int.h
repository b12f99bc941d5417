#ifndef LG_CRYPTO_CRYPTO_INT_H
#define LG_CRYPTO_CRYPTO_INT_H

/* libsodium picks this CPU's implementations once; every entry point asks for it first. */
void lg_crypto_start(void);

#endif

#include "base/hash.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

uint64_t lg_hash64(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(n > 0 ? p : "", n, seed);
}

static uint64_t secret;
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void secret_draw(void)
{
    if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        struct timespec ts = {0, 0};

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        secret = lg_hash_mix((uint64_t)ts.tv_nsec, (uint64_t)getpid());
    }
}

uint64_t lg_hash_secret(void)
{
    (void)pthread_once(&secret_once, secret_draw);
    return secret;
}

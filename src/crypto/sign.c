#include "crypto/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto_int.h"
#include "crypto/encode.h"

_Static_assert(LG_SIGN_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(LG_SIGN_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(LG_SIGN_BYTES == crypto_sign_BYTES, "Ed25519");

#define SECRET_WORD "lgk1-secret "
#define PUBLIC_WORD "lgk1-public "
#define LINE_MAX_BYTES 128

void lg_sign_make(struct lg_sign_key *ret)
{
    lg_crypto_start();
    (void)crypto_sign_keypair(ret->pub.b, ret->secret);
}

void lg_sign_wipe(struct lg_sign_key *key)
{
    sodium_memzero(key, sizeof(*key));
}

static void digest(struct lg_str domain, struct lg_str msg, unsigned char out[64])
{
    crypto_generichash_state st;
    unsigned char le[8];

    lg_crypto_start();
    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)((uint64_t)domain.n >> (8 * i));
    (void)crypto_generichash_init(&st, NULL, 0, 64);
    (void)crypto_generichash_update(&st, le, sizeof(le));
    (void)crypto_generichash_update(&st, (const unsigned char *)domain.p, domain.n);
    (void)crypto_generichash_update(&st, (const unsigned char *)msg.p, msg.n);
    (void)crypto_generichash_final(&st, out, 64);
}

void lg_sign(const struct lg_sign_key *key, struct lg_str domain, struct lg_str msg,
        struct lg_signature *ret)
{
    unsigned char h[64];

    digest(domain, msg, h);
    (void)crypto_sign_detached(ret->b, NULL, h, sizeof(h), key->secret);
}

bool lg_sign_verify(const struct lg_sign_public *pub, struct lg_str domain, struct lg_str msg,
        const struct lg_signature *sig)
{
    unsigned char h[64];

    digest(domain, msg, h);
    return crypto_sign_verify_detached(sig->b, h, sizeof(h), pub->b) == 0;
}

void lg_sign_id(const struct lg_sign_public *pub, char out[LG_SIGN_ID_TEXT + 1])
{
    unsigned char h[crypto_generichash_BYTES];

    lg_crypto_start();
    (void)crypto_generichash(h, sizeof(h), pub->b, sizeof(pub->b), NULL, 0);
    lg_hex_encode(h, LG_SIGN_ID_TEXT / 2, out);
}

/* A new name is durable only when its folder is synced too. */
static int sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash != NULL ? (size_t)(slash - path) : 0;
    int fd, rc;

    if (n >= sizeof(folder))
        return LG_EINVAL;
    if (slash == NULL)
        (void)snprintf(folder, sizeof(folder), ".");
    else
        (void)snprintf(folder, sizeof(folder), "%.*s", n == 0 ? 1 : (int)n, path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return LG_EIO;
    rc = fsync(fd) < 0 ? LG_EIO : 0;
    (void)close(fd);
    return rc;
}

static int save_line(const char *path, mode_t mode, const char *word, const uint8_t bytes[32],
        struct lg_err *reterr)
{
    struct lg_buf line;
    size_t at = 0;
    int fd = -1, rc = 0;

    lg_buf_init(&line, LINE_MAX_BYTES);
    lg_buf_adds(&line, lg_str_z(word));
    lg_base64_encode(LG_BASE64_URL, lg_str_of((const char *)bytes, 32), &line);
    lg_buf_addc(&line, '\n');
    if (line.failed < 0) {
        rc = lg_err_set(reterr, line.failed, "%s: out of memory", path);
        goto out;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        rc = lg_err_set(
                reterr, errno == EEXIST ? LG_EEXIST : LG_EIO, "%s: %s", path, strerror(errno));
        goto out;
    }
    while (at < line.n) {
        ssize_t n = write(fd, line.p + at, line.n - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    /* the mask of this process may have taken more bits than asked, never fewer */
    if (at < line.n || fchmod(fd, mode) < 0 || fsync(fd) < 0 || sync_folder(path) < 0) {
        rc = lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
        (void)unlink(path); /* half a key is worse than none */
    }
out:
    if (fd >= 0)
        (void)close(fd);
    if (line.p != NULL)
        sodium_memzero(line.p, line.n);
    lg_buf_done(&line);
    return rc;
}

static int parse_line(struct lg_str line, const char *word, uint8_t out[32])
{
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    return lg_str_starts(line, lg_str_z(word)) &&
                    lg_base64_decode(
                            LG_BASE64_URL, lg_str_sub(line, strlen(word), line.n), out, 32) == 32
            ? 0
            : LG_EPARSE;
}

static int load_line(const char *path, bool secret, uint8_t out[32], struct lg_err *reterr)
{
    const char *word = secret ? SECRET_WORD : PUBLIC_WORD;
    char line[LINE_MAX_BYTES + 1];
    struct stat st;
    ssize_t n;
    int fd, rc = 0;

    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lg_err_set(
                reterr, errno == ENOENT ? LG_ENOENT : LG_EIO, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0) {
        rc = lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (secret && (st.st_mode & 077) != 0) {
        rc = lg_err_set(reterr, LG_EREFUSED,
                "%s: others than its owner may read this secret key (want mode 0600)", path);
        goto out;
    }
    n = read(fd, line, sizeof(line));
    if (n < 0) {
        rc = lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (parse_line(lg_str_of(line, (size_t)n), word, out) < 0)
        rc = lg_err_set(reterr, LG_EPARSE, "%s: not a %s key of Logster", path,
                secret ? "secret" : "public");
out:
    sodium_memzero(line, sizeof(line));
    (void)close(fd);
    return rc;
}

int lg_sign_key_save(const struct lg_sign_key *key, const char *path, struct lg_err *reterr)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    int rc;

    (void)crypto_sign_ed25519_sk_to_seed(seed, key->secret);
    rc = save_line(path, 0600, SECRET_WORD, seed, reterr);
    sodium_memzero(seed, sizeof(seed));
    return rc;
}

int lg_sign_public_parse(struct lg_str line, struct lg_sign_public *ret)
{
    return parse_line(line, PUBLIC_WORD, ret->b);
}

int lg_sign_public_save(const struct lg_sign_public *pub, const char *path, struct lg_err *reterr)
{
    return save_line(path, 0644, PUBLIC_WORD, pub->b, reterr);
}

int lg_sign_key_load(const char *path, struct lg_sign_key *ret, struct lg_err *reterr)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    int rc = load_line(path, true, seed, reterr);

    lg_crypto_start();
    if (rc == 0)
        (void)crypto_sign_seed_keypair(ret->pub.b, ret->secret, seed);
    sodium_memzero(seed, sizeof(seed));
    return rc;
}

int lg_sign_public_load(const char *path, struct lg_sign_public *ret, struct lg_err *reterr)
{
    return load_line(path, false, ret->b, reterr);
}

#include "detect/trust.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/encode.h"

#define DOMAIN LG_STR("logster-model")
#define MAX_BYTES 65536
#define PATH_BYTES 4096

const char *lg_model_trust_name(enum lg_model_trust t)
{
    static const char *const names[] = {"not_checked", "valid", "unsigned", "invalid"};

    return names[t];
}

static int path_of(char out[PATH_BYTES], const char *dir, struct lg_err *reterr)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", dir, LG_TRUST_FILE);

    return n > 0 && n < PATH_BYTES ? 0 : lg_err_set(reterr, LG_ELIMIT, "path is too long");
}

/* One line; false for what is none of ours. */
static bool read_line(struct lg_str line, struct lg_str *ret_id, struct lg_signature *ret)
{
    struct lg_str word;

    return lg_str_split(&line, ' ', &word) && lg_str_eq(word, LG_STR("lgs1")) &&
            lg_str_split(&line, ' ', ret_id) && ret_id->n == LG_SIGN_ID_TEXT &&
            lg_base64_decode(LG_BASE64_URL, line, ret->b, sizeof(ret->b)) == LG_SIGN_BYTES;
}

static bool signed_by(
        struct lg_str lines, const struct lg_model *m, const struct lg_sign_public *pub)
{
    char id[LG_SIGN_ID_TEXT + 1];
    struct lg_signature sig;
    struct lg_str line, of;

    lg_sign_id(pub, id);
    while (lg_str_split(&lines, '\n', &line))
        if (read_line(line, &of, &sig) && lg_str_eq(of, lg_str_of(id, LG_SIGN_ID_TEXT)) &&
                lg_sign_verify(pub, DOMAIN, lg_str_z(m->sha256), &sig))
            return true;
    return false;
}

int lg_model_sign(const struct lg_model *m, const char *dir, const struct lg_sign_key *key,
        struct lg_err *reterr)
{
    struct lg_str there = LG_STR("");
    bool was_there;
    char path[PATH_BYTES], id[LG_SIGN_ID_TEXT + 1];
    struct lg_signature sig;
    struct lg_buf out;
    int rc = path_of(path, dir, reterr);

    if (rc < 0)
        return rc;
    rc = lg_file_read(path, MAX_BYTES, &there, reterr);
    if (rc < 0 && rc != LG_ENOENT)
        return rc;
    was_there = rc == 0;
    rc = 0;
    lg_buf_init(&out, MAX_BYTES);
    if (!signed_by(there, m, &key->pub)) {
        lg_sign(key, DOMAIN, lg_str_z(m->sha256), &sig);
        lg_sign_id(&key->pub, id);
        lg_buf_adds(&out, there);
        if (there.n > 0 && there.p[there.n - 1] != '\n')
            lg_buf_addc(&out, '\n');
        lg_buf_printf(&out, "lgs1 %s ", id);
        lg_base64_encode(LG_BASE64_URL, lg_str_of((const char *)sig.b, sizeof(sig.b)), &out);
        lg_buf_addc(&out, '\n');
        rc = out.failed < 0 ? lg_err_set(reterr, out.failed, "%s: too many signatures", path)
                            : lg_file_write(path, lg_buf_str(&out), reterr);
    }
    lg_buf_done(&out);
    if (was_there)
        lg_free((void *)(uintptr_t)there.p);
    return rc;
}

int lg_model_check(struct lg_model *m, const char *dir, const struct lg_sign_public *trusted,
        size_t n_trusted, struct lg_err *reterr)
{
    struct lg_str lines = LG_STR("");
    char path[PATH_BYTES];
    int rc;

    m->trust = LG_MODEL_NOT_CHECKED;
    m->signer[0] = '\0';
    if (n_trusted == 0)
        return 0;
    rc = path_of(path, dir, reterr);
    if (rc == 0)
        rc = lg_file_read(path, MAX_BYTES, &lines, reterr);
    if (rc == LG_ENOENT) {
        m->trust = LG_MODEL_UNSIGNED;
        return 0;
    }
    if (rc < 0)
        return rc;
    m->trust = lines.n == 0 ? LG_MODEL_UNSIGNED : LG_MODEL_INVALID;
    for (size_t i = 0; i < n_trusted && m->trust == LG_MODEL_INVALID; i++)
        if (signed_by(lines, m, &trusted[i])) {
            m->trust = LG_MODEL_VALID;
            lg_sign_id(&trusted[i], m->signer);
        }
    lg_free((void *)(uintptr_t)lines.p);
    return 0;
}

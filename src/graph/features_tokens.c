#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "graph/features_int.h"
#include "graph/text_int.h"

/*
 * What a node says, as hashed tokens (recipe 4). Name spaces keep kinds apart; file-like things
 * (process, file, module) share theirs, so that a tool is known by name wherever it appears.
 */
enum token_space {
    TS_BASE = 1,
    TS_WORD,
    TS_GRAM,
    TS_FOLDER,
    TS_EXT,
    TS_CMD_WORD,
    TS_CMD_PAIR,
    TS_FLAG,
    TS_NAME,
};

#define TOKEN_CACHE_ENTRIES 32768u
#define TOKEN_POOL_MAX (1u << 20)

struct emit {
    uint32_t *v;
    uint32_t n;
    uint32_t max;
    uint64_t family; /* of the node's type */
};

static void emit(struct emit *em, enum token_space ts, struct lg_str s)
{
    if (em->n < em->max)
        em->v[em->n++] = (uint32_t)lg_hash_str(s, em->family << 8 | ts);
}

static void emit_flag(struct emit *em, const char *name, uint64_t value)
{
    uint64_t h = lg_hash_str(lg_str_z(name), TS_FLAG);

    if (em->n < em->max)
        em->v[em->n++] = (uint32_t)lg_hash_mix(h, value);
}

static uint64_t family_of(uint8_t type)
{
    switch (type) {
    case LG_NODE_PROCESS:
    case LG_NODE_FILE:
    case LG_NODE_MODULE:
        return 0;
    default:
        return (uint64_t)type + 1;
    }
}

static char separator_of(const struct lg_node *nd)
{
    return lg_str_chr(nd->name, '\\') >= 0 ? '\\' : '/';
}

struct lg_str lg_node_base(const struct lg_node *nd)
{
    ptrdiff_t i;

    if (nd->type == LG_NODE_NETWORK || nd->type == LG_NODE_DNS)
        return nd->name;
    i = lg_str_rchr(nd->name, separator_of(nd));
    return i >= 0 ? lg_str_sub(nd->name, (size_t)i + 1, nd->name.n) : nd->name;
}

struct lg_str lg_node_folder(const struct lg_node *nd)
{
    ptrdiff_t i = lg_str_rchr(nd->name, separator_of(nd));

    return i > 0 ? lg_str_sub(nd->name, 0, (size_t)i) : lg_str_of("", 0);
}

static bool word_char(char c)
{
    return lg_is_word(c) || c == '<' || c == '>' || c == '$';
}

static void emit_words(struct emit *em, struct lg_str s, unsigned max)
{
    for (size_t i = 0; i < s.n && max > 0;) {
        size_t j = i;

        while (j < s.n && word_char(s.p[j]))
            j++;
        if (j - i >= 2 && j - i <= 64) {
            emit(em, TS_WORD, lg_str_sub(s, i, j));
            max--;
        }
        i = j + 1;
    }
}

static void emit_grams(struct emit *em, struct lg_str base)
{
    char t[34];
    size_t n = base.n < 32 ? base.n : 32;

    t[0] = '^';
    if (n > 0)
        memcpy(t + 1, base.p, n);
    t[n + 1] = '$';
    for (size_t i = 0; i + 4 <= n + 2 && i < 24; i++)
        emit(em, TS_GRAM, lg_str_of(t + i, 4));
}

/* The folder itself and the first levels above it. */
static void emit_folders(struct emit *em, struct lg_str folder, char sep)
{
    size_t depth = 0;

    if (folder.n == 0)
        return;
    emit(em, TS_FOLDER, folder);
    for (size_t i = 1; i < folder.n && depth < 4; i++)
        if (folder.p[i] == sep && depth++ > 0)
            emit(em, TS_FOLDER, lg_str_sub(folder, 0, i));
}

/* Words of a command line with the sign of a switch, and pairs of neighbours. */
static void emit_command(struct emit *em, struct lg_str cmd)
{
    struct lg_str prev = lg_str_of("", 0), w;
    char pair[136];
    unsigned n = 0;

    for (size_t i = 0; i < cmd.n && n < 28; i++) {
        size_t j = i;

        if (!word_char(cmd.p[i]) && cmd.p[i] != '-' && cmd.p[i] != '/')
            continue;
        if (!word_char(cmd.p[i]))
            j++;
        while (j < cmd.n && word_char(cmd.p[j]))
            j++;
        w = lg_str_sub(cmd, i, j < i + 64 ? j : i + 64);
        i = j - 1;
        if (w.n == 1 && !lg_is_word(w.p[0]))
            continue;
        emit(em, TS_CMD_WORD, w);
        if (prev.n > 0) {
            memcpy(pair, prev.p, prev.n);
            pair[prev.n] = ' ';
            memcpy(pair + prev.n + 1, w.p, w.n);
            emit(em, TS_CMD_PAIR, lg_str_of(pair, prev.n + 1 + w.n));
        }
        prev = w;
        n++;
    }
}

static unsigned log2_class(uint64_t v)
{
    return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

/* The file's own idea of its name, when it is another one. */
static bool renamed(const struct lg_node *nd)
{
    struct lg_str base = lg_node_base(nd), raw = lg_str_basename(nd->raw), o = nd->original;

    if (o.n == 0 || lg_str_eq(o, LG_STR("-")) || lg_str_eq(o, LG_STR("?")))
        return false;
    return !lg_str_ieq(o, base) && !lg_str_ieq(o, raw) &&
            !(lg_str_istarts(o, raw) && lg_str_iends(o, LG_STR(".mui")));
}

static void emit_flags(struct emit *em, const struct lg_node *nd)
{
    static const uint32_t told[] = {LG_NODEF_CREATED, LG_NODEF_STUB, LG_NODEF_EXITED,
            LG_NODEF_SIGNED, LG_NODEF_UNSIGNED, LG_NODEF_BASE64, LG_NODEF_LONG, LG_NODEF_USER_PATH};

    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        if ((nd->flags & told[i]) != 0)
            emit_flag(em, "flag", told[i]);
    if (nd->type == LG_NODE_PROCESS && ((nd->flags & LG_NODEF_CREATED) != 0 || nd->cmd.n > 0)) {
        /* of the others only some instruments tell */
        emit_flag(em, "integrity", nd->integrity);
        emit_flag(em, "user", nd->user_class);
    }
    if (nd->cmd_raw.n > 0)
        emit_flag(em, "command length", log2_class(nd->cmd_raw.n));
    emit_flag(em, "instances", log2_class(nd->instances));
    if (renamed(nd))
        emit_flag(em, "renamed", 1);
}

static void emit_node(struct emit *em, const struct lg_node *nd)
{
    struct lg_str base = lg_node_base(nd);
    ptrdiff_t dot = lg_str_rchr(base, '.');
    bool path =
            family_of(nd->type) == 0 || nd->type == LG_NODE_REGISTRY || nd->type == LG_NODE_SHARE;

    emit_flags(em, nd);
    emit(em, TS_BASE, base);
    if (!path)
        emit(em, TS_NAME, nd->name);
    emit_command(em, nd->cmd);
    if (path) {
        emit_folders(em, lg_node_folder(nd), separator_of(nd));
        if (dot > 0 && nd->type != LG_NODE_REGISTRY)
            emit(em, TS_EXT, lg_str_sub(base, (size_t)dot + 1, base.n));
    }
    emit_words(em, nd->name, 16);
    if (nd->type != LG_NODE_NETWORK && nd->type != LG_NODE_ACCOUNT)
        emit_grams(em, base);
}

static int hash_order(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

    return a < b ? -1 : a > b;
}

static uint64_t content_key(const struct lg_node *nd)
{
    uint64_t secret = lg_hash_secret(), h = lg_hash_str(nd->name, secret);

    h = lg_hash_mix(h, lg_hash_str(nd->cmd, secret + 1));
    h = lg_hash_mix(h,
            (uint64_t)nd->type << 48 | (uint64_t)nd->integrity << 40 |
                    (uint64_t)nd->user_class << 32 | nd->flags);
    h = lg_hash_mix(h, (uint64_t)log2_class(nd->cmd_raw.n) << 8 | log2_class(nd->instances));
    return lg_hash_mix(h, renamed(nd));
}

int lg_node_tokens(
        struct lg_features *fs, const struct lg_node *nd, const uint32_t **ret, uint32_t *ret_n)
{
    uint64_t key = content_key(nd), *hit = lg_map_get(&fs->cache, key);
    struct emit em = {fs->fresh, 0, LG_NODE_TOKENS_MAX, family_of(nd->type)};
    uint32_t kept = 0;

    if (hit != NULL) {
        *ret = fs->pool.v + (*hit >> 16);
        *ret_n = (uint32_t)(*hit & 0xffff);
        return 0;
    }
    emit_node(&em, nd);
    qsort(em.v, em.n, sizeof(*em.v), hash_order);
    for (uint32_t i = 0; i < em.n; i++)
        if (kept == 0 || em.v[kept - 1] != em.v[i])
            em.v[kept++] = em.v[i];
    if (fs->cache.n >= TOKEN_CACHE_ENTRIES || fs->pool.n + kept > TOKEN_POOL_MAX) {
        lg_map_clear(&fs->cache);
        fs->pool.n = 0;
    }
    if (lg_acct_reserve(&fs->acct, &fs->pool, fs->pool.n + kept) < 0 ||
            lg_map_put(&fs->cache, key, (uint64_t)fs->pool.n << 16 | kept) < 0)
        return LG_ENOMEM;
    memcpy(fs->pool.v + fs->pool.n, em.v, kept * sizeof(*em.v));
    *ret = fs->pool.v + fs->pool.n;
    *ret_n = kept;
    fs->pool.n += kept;
    return 0;
}

/* --- tokens of the whole graph (recipe 8) --- */

static void set_bits(struct lg_features *fs, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        fs->bits[b[i] / 64] |= UINT64_C(1) << (b[i] % 64);
}

static uint32_t bucket(uint64_t h)
{
    return (uint32_t)(h & (LG_GRAPH_TOKEN_VOCAB - 1));
}

static uint64_t str_hash(struct lg_str s, uint64_t seed)
{
    return lg_hash_str(s, 0x100 + seed);
}

int lg_graph_node_tokens(
        struct lg_features *fs, const struct lg_node *nd, uint32_t *out, uint32_t *ret_n)
{
    const uint32_t *h;
    uint32_t n;

    if (lg_node_tokens(fs, nd, &h, &n) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        out[i] = bucket(lg_hash_mix(h[i], nd->type));
    *ret_n = n;
    return 0;
}

uint32_t lg_graph_edge_tokens(
        const struct lg_graph *g, const struct lg_edge *ed, uint32_t out[LG_EDGE_TOKENS_MAX])
{
    const struct lg_node *src = &g->nodes[ed->src], *dst = &g->nodes[ed->dst];
    uint64_t what = lg_hash_mix((uint64_t)ed->type << 8 | dst->type, 17);
    uint64_t from = lg_hash_mix(str_hash(lg_node_base(src), src->type), what);
    struct lg_str folder = lg_node_folder(dst);
    uint32_t n = 0;

    out[n++] = bucket(lg_hash_mix(what, 1));
    for (uint32_t a = ed->attr; a != 0; a &= a - 1)
        out[n++] = bucket(lg_hash_mix(what, 100 + (uint64_t)__builtin_ctz(a)));
    if (ed->attr != 0)
        out[n++] = bucket(lg_hash_mix(from, 1000 + (uint64_t)ed->attr));
    out[n++] = bucket(lg_hash_mix(from, str_hash(lg_node_base(dst), 1)));
    if (folder.n > 0)
        out[n++] = bucket(lg_hash_mix(from, str_hash(folder, 2)));
    return n;
}

int lg_features_graph_tokens(struct lg_features *fs, const struct lg_graph *g,
        const struct lg_view *view, const uint8_t *removed, const uint32_t **ret_tok,
        uint32_t *ret_n)
{
    uint32_t say[LG_NODE_TOKENS_MAX], n;

    if (lg_view_select(fs, g, view, removed) < 0)
        return LG_ENOMEM;
    memset(fs->bits, 0, LG_GRAPH_TOKEN_VOCAB / 8);
    for (uint32_t i = 0; i < fs->sel.node.n; i++) {
        if (lg_graph_node_tokens(fs, &g->nodes[fs->sel.node.v[i]], say, &n) < 0)
            return LG_ENOMEM;
        set_bits(fs, say, n);
    }
    for (uint32_t i = 0; i < fs->sel.edge.n; i++) {
        n = lg_graph_edge_tokens(g, &g->edges[fs->sel.edge.v[i]], say);
        set_bits(fs, say, n);
    }
    fs->graph_tok.n = 0;
    for (uint32_t w = 0; w < LG_GRAPH_TOKEN_VOCAB / 64; w++) {
        for (uint64_t b = fs->bits[w]; b != 0; b &= b - 1) {
            if (lg_acct_reserve(&fs->acct, &fs->graph_tok, fs->graph_tok.n + 1) < 0)
                return LG_ENOMEM;
            fs->graph_tok.v[fs->graph_tok.n++] = w * 64 + (uint32_t)__builtin_ctzll(b);
        }
    }
    *ret_tok = fs->graph_tok.v;
    *ret_n = fs->graph_tok.n;
    return 0;
}

#include "detect/patterns_int.h"

/* Memory of all literals of a table. */
#define MAX_TABLE_BYTES (4u << 20)

struct compiler {
    struct lg_pat_program *pg;
    enum lg_platform platform;
    struct lg_err *err;
    const char *condition;
};

struct word {
    const char *name;
    uint8_t value;
};

static const struct word subjects[] = {{"base", LG_PAT_BASE}, {"path", LG_PAT_PATH},
        {"cmd", LG_PAT_CMD}, {"orig", LG_PAT_ORIG}, {"user", LG_PAT_USER}, {"text", LG_PAT_TEXT},
        {"type", LG_PAT_TYPE}, {"flags", LG_PAT_FLAGS}, {"il", LG_PAT_IL},
        {"uclass", LG_PAT_UCLASS}, {"cmdlen", LG_PAT_CMDLEN}, {"detail", LG_PAT_DETAIL},
        {"what", LG_PAT_WHAT}, {"attr", LG_PAT_ATTR}, {"count", LG_PAT_COUNT},
        {"detaillen", LG_PAT_DETAILLEN}};
/* Bit numbers of enum lg_node_flags. */
static const struct word flag_names[] = {{"created", 0}, {"context", 1}, {"stub", 2}, {"exited", 3},
        {"signed", 4}, {"unsigned", 5}, {"base64", 6}, {"long", 7}, {"user_path", 8},
        {"truncated", 9}};
static const struct word integrity_names[] = {{"unknown", LG_IL_UNKNOWN}, {"low", LG_IL_LOW},
        {"medium", LG_IL_MEDIUM}, {"high", LG_IL_HIGH}, {"system", LG_IL_SYSTEM}};
static const struct word user_names[] = {{"unknown", LG_USER_UNKNOWN}, {"system", LG_USER_SYSTEM},
        {"service", LG_USER_SERVICE}, {"person", LG_USER_PERSON}, {"root", LG_USER_ROOT},
        {"daemon", LG_USER_DAEMON}};
static const struct word node_names[] = {
#define X(e, s) {s, LG_NODE_##e},
        LG_NODE_TYPES(X)
#undef X
};
static const struct word edge_names[] = {
#define X(e, s, d) {s, LG_EDGE_##e},
        LG_EDGE_TYPES(X)
#undef X
};
static const struct word attr_names[] = {
#define X(e, s) {s, LG_ATTR_NUM_##e},
        LG_EDGE_ATTRS(X)
#undef X
};

#define LOOK_UP(table, s) look_up((table), sizeof(table) / sizeof((table)[0]), (s))
static int look_up(const struct word *table, size_t n, struct lg_str s)
{
    for (size_t i = 0; i < n; i++) {
        if (lg_str_eq(s, lg_str_z(table[i].name)))
            return table[i].value;
    }
    return LG_ENOENT;
}

static int fail(const struct compiler *c, const char *what, struct lg_str where)
{
    return lg_err_set(c->err, LG_EPARSE, "%s at \"%.*s\" in \"%.160s\"", what, LG_STR_FMT(where),
            c->condition);
}

/* Takes the text before `sep` (outside single quotes) off *s. */
static bool take(struct lg_str *s, struct lg_str sep, struct lg_str *ret)
{
    bool quoted = false;

    if (s->p == NULL)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->p[i] == '\'')
            quoted = !quoted;
        if (quoted || s->n - i < sep.n || memcmp(s->p + i, sep.p, sep.n) != 0)
            continue;
        *ret = lg_str_trim(lg_str_sub(*s, 0, i));
        *s = lg_str_sub(*s, i + sep.n, s->n);
        return true;
    }
    *ret = lg_str_trim(*s);
    *s = lg_str_of(NULL, 0);
    return true;
}

/* Spells a value as lg_pat_clean spells text: on Windows switches start with "/". */
static int spell_literal(const struct compiler *c, uint8_t subject, struct lg_str s, char *out)
{
    bool switches =
            c->platform == LG_PLATFORM_WINDOWS && subject != LG_PAT_PATH && subject != LG_PAT_BASE;
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        bool pair = s.p[i] == '-' && i + 1 < s.n && s.p[i + 1] == '-';

        if (s.p[i] != lg_ascii_lower(s.p[i]))
            return fail(c, "upper case value", s);
        if (switches && s.p[i] == '-' && (i > 0 ? s.p[i - 1] == ' ' : pair)) {
            out[n++] = '/';
            i += pair;
        } else {
            out[n++] = s.p[i];
        }
    }
    return (int)n;
}

static int add_literal(const struct compiler *c, uint8_t subject, struct lg_str s)
{
    struct lg_pat_lit lit;
    char *p;
    int n;

    if (s.n >= 2 && s.p[0] == '\'' && s.p[s.n - 1] == '\'')
        s = lg_str_sub(s, 1, s.n - 1);
    if (s.n == 0)
        return fail(c, "empty value", s);
    p = lg_arena_alloc(&c->pg->mem, s.n);
    if (p == NULL)
        return LG_ENOMEM;
    n = spell_literal(c, subject, s, p);
    if (n < 0)
        return n;
    lit.s = lg_str_of(p, (size_t)n);
    return lg_vec_push(&c->pg->lits, lit);
}

static int add_bit(const struct compiler *c, struct lg_pat_clause *cl, struct lg_str s)
{
    int bit = LG_ENOENT;

    if (cl->subject == LG_PAT_FLAGS)
        bit = LOOK_UP(flag_names, s);
    else if (cl->subject == LG_PAT_ATTR)
        bit = LOOK_UP(attr_names, s);
    else if (cl->subject == LG_PAT_TYPE)
        bit = LOOK_UP(node_names, s);
    else if (cl->subject == LG_PAT_UCLASS)
        bit = LOOK_UP(user_names, s);
    if (bit < 0)
        return fail(c, "unknown name", s);
    cl->bits |= 1u << bit;
    return 0;
}

static bool is_number(uint8_t subject)
{
    return subject == LG_PAT_IL || subject == LG_PAT_CMDLEN || subject == LG_PAT_COUNT ||
            subject == LG_PAT_DETAILLEN;
}

static bool is_set(uint8_t subject)
{
    return subject == LG_PAT_FLAGS || subject == LG_PAT_ATTR || subject == LG_PAT_TYPE ||
            subject == LG_PAT_UCLASS;
}

/* Bit set of the hashes of base names that can meet the clause. */
static uint64_t base_names(const struct lg_pat_program *pg, const struct lg_pat_clause *cl)
{
    uint64_t key = 0;

    if (cl->op != LG_PAT_EQ)
        return UINT64_MAX;
    for (uint32_t i = 0; i < cl->n_lit; i++)
        key |= lg_pat_base_bit(pg->lits.v[cl->lit + i].s);
    return key;
}

static int add_to_scanner(const struct compiler *c, struct lg_pat_clause *cl)
{
    struct lg_pat_scanner *sc = &c->pg->scanner;
    int rc = 0;

    cl->bit = sc->n_bits;
    for (uint32_t i = 0; rc >= 0 && i < cl->n_lit; i++) {
        struct lg_str s = c->pg->lits.v[cl->lit + i].s;

        if (s.n < LG_PAT_MIN_SCAN)
            cl->short_lit = true;
        else
            rc = lg_pat_scanner_add(sc, s, sc->n_bits);
        sc->n_bits++;
    }
    return rc;
}

static int add_values(const struct compiler *c, struct lg_pat_clause *cl, struct lg_str values)
{
    struct lg_str v;
    int rc = 0;

    cl->lit = (uint32_t)c->pg->lits.n;
    if (is_number(cl->subject)) {
        if (cl->op != LG_PAT_GE || cl->negated)
            return fail(c, "only >= fits", values);
        rc = cl->subject == LG_PAT_IL ? LOOK_UP(integrity_names, values) : 0;
        if (cl->subject != LG_PAT_IL)
            return lg_parse_u64(values, &cl->num) < 0 ? fail(c, "bad number", values) : 0;
        cl->num = rc < 0 ? 0 : (uint64_t)rc;
        return rc < 0 ? fail(c, "unknown level", values) : 0;
    }
    if (cl->op == LG_PAT_GE)
        return fail(c, ">= does not fit", values);
    while (rc >= 0 && take(&values, LG_STR("|"), &v))
        rc = is_set(cl->subject) ? add_bit(c, cl, v) : add_literal(c, cl->subject, v);
    cl->n_lit = (uint32_t)c->pg->lits.n - cl->lit;
    if (rc >= 0 && cl->subject == LG_PAT_BASE)
        cl->num = base_names(c->pg, cl);
    if (rc >= 0 && (cl->op == LG_PAT_HAS || cl->op == LG_PAT_HAS_ALL))
        rc = add_to_scanner(c, cl);
    return rc;
}

/* Splits "subject !op values"; the operator is the first of = ^ $ ~ & >= after the subject. */
static int split_clause(const struct compiler *c, struct lg_str s, struct lg_str *subject,
        struct lg_pat_clause *cl, struct lg_str *values)
{
    static const char ops[] = "=^$~&";
    size_t i = 0;
    const char *op;

    while (i < s.n && ((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '.'))
        i++;
    *subject = lg_str_sub(s, 0, i);
    while (i < s.n && s.p[i] == ' ')
        i++;
    cl->negated = i < s.n && s.p[i] == '!';
    i += cl->negated;
    if (i + 1 < s.n && s.p[i] == '>' && s.p[i + 1] == '=') {
        cl->op = LG_PAT_GE;
        i += 2;
    } else {
        op = i < s.n ? strchr(ops, s.p[i]) : NULL;
        if (op == NULL || *op == '\0')
            return fail(c, "no operator", s);
        cl->op = (uint8_t)(op - ops);
        i++;
    }
    if (cl->negated && cl->op == LG_PAT_HAS_ALL)
        return fail(c, "!& has no meaning", s);
    *values = lg_str_trim(lg_str_sub(s, i, s.n));
    return 0;
}

static int add_clause(
        const struct compiler *c, struct lg_pat_group *gr, bool node_anchor, struct lg_str s)
{
    struct lg_pat_clause cl = {0};
    struct lg_str subject, values;
    bool sided, src;
    int rc = split_clause(c, s, &subject, &cl, &values);

    if (rc < 0)
        return rc;
    if (lg_str_eq(subject, LG_STR("n")) || lg_str_eq(subject, LG_STR("sum"))) {
        uint64_t k;

        if (gr->scope == LG_PAT_ANCHOR || cl.op != LG_PAT_GE || lg_parse_u64(values, &k) < 0 ||
                k == 0 || k > UINT32_MAX)
            return fail(c, "bad threshold", s);
        if (subject.n == 1)
            gr->min_edges = (uint32_t)k;
        else
            gr->min_sum = k;
        return 0;
    }
    cl.dst = lg_str_starts(subject, LG_STR("dst."));
    src = lg_str_starts(subject, LG_STR("src."));
    sided = cl.dst || src;
    if (sided)
        subject = lg_str_sub(subject, 4, subject.n);
    rc = LOOK_UP(subjects, subject);
    if (rc < 0)
        return fail(c, "unknown subject", s);
    cl.subject = (uint8_t)rc;
    if (sided == (node_anchor || cl.subject >= LG_PAT_DETAIL) ||
            (node_anchor && cl.subject >= LG_PAT_DETAIL))
        return fail(c, "subject does not fit here", s);
    rc = add_values(c, &cl, values);
    if (rc < 0)
        return rc;
    gr->n_clauses++;
    return lg_vec_push(&c->pg->clauses, cl);
}

/* "access|ptrace", "process", "out write|rename": 0 or LG_EPARSE. */
static int read_head(
        const struct compiler *c, struct lg_pat_group *gr, bool first, bool *node, struct lg_str s)
{
    static const struct word scopes[] = {
            {"out", LG_PAT_OUT}, {"in", LG_PAT_IN}, {"any", LG_PAT_ANY}};
    struct lg_str part, rest = s;
    int v;

    gr->scope = LG_PAT_ANCHOR;
    if (!first) {
        if (!take(&rest, LG_STR(" "), &part))
            return fail(c, "no scope", s);
        v = LOOK_UP(scopes, part);
        if (v < 0)
            return fail(c, "unknown scope", s);
        gr->scope = (uint8_t)v;
    }
    *node = false;
    while (take(&rest, LG_STR("|"), &part)) {
        v = LOOK_UP(edge_names, part);
        if (v < 0 && first) {
            v = LOOK_UP(node_names, part);
            *node = true;
        }
        if (v < 0)
            return fail(c, "unknown type", part);
        gr->types |= UINT64_C(1) << v;
    }
    return 0;
}

/* Which base names the anchor can have at all: a cheap test before everything else. */
static uint64_t base_key(const struct lg_pat_program *pg, const struct lg_pat_group *gr, bool dst)
{
    for (uint32_t i = 0; i < gr->n_clauses; i++) {
        const struct lg_pat_clause *cl = &pg->clauses.v[gr->clause + i];

        if (cl->subject == LG_PAT_BASE && !cl->negated && cl->dst == dst)
            return cl->num;
    }
    return UINT64_MAX;
}

static int add_group(const struct compiler *c, struct lg_pat_rule *rule, struct lg_str s)
{
    struct lg_pat_group gr = {.clause = (uint32_t)c->pg->clauses.n, .min_edges = 1};
    bool first = rule->n_groups == 0, node = false;
    struct lg_str part;
    int rc;

    if (!take(&s, LG_STR(";"), &part))
        return fail(c, "empty group", s);
    rc = read_head(c, &gr, first, &node, part);
    while (rc >= 0 && take(&s, LG_STR(";"), &part)) {
        if (first && lg_str_eq(part, LG_STR("at dst")))
            rule->at_dst = true;
        else
            rc = add_clause(c, &gr, node, part);
    }
    if (rc < 0)
        return rc;
    if (first) {
        rule->node_anchor = node;
        rule->src_key = base_key(c->pg, &gr, false);
        rule->dst_key = base_key(c->pg, &gr, true);
    }
    rule->n_groups++;
    return lg_vec_push(&c->pg->groups, gr);
}

int lg_pat_program_init(struct lg_pat_program *pg)
{
    memset(pg, 0, sizeof(*pg));
    lg_arena_init(&pg->mem, MAX_TABLE_BYTES);
    return lg_pat_scanner_init(&pg->scanner);
}

void lg_pat_program_done(struct lg_pat_program *pg)
{
    lg_pat_scanner_done(&pg->scanner);
    lg_vec_done(&pg->lits);
    lg_vec_done(&pg->clauses);
    lg_vec_done(&pg->groups);
    lg_vec_done(&pg->rules);
    lg_arena_done(&pg->mem);
}

int lg_pat_compile(struct lg_pat_program *pg, enum lg_platform platform, const char *condition,
        struct lg_err *reterr)
{
    struct compiler c = {pg, platform, reterr, condition};
    struct lg_pat_rule rule = {.group = (uint32_t)pg->groups.n};
    struct lg_str s = lg_str_z(condition), part;
    int rc = 0;

    while (rc >= 0 && take(&s, LG_STR("&&"), &part))
        rc = add_group(&c, &rule, part);
    if (rc >= 0)
        rc = lg_vec_push(&pg->rules, rule);
    return rc;
}

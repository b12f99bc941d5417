#include "detect/patterns_int.h"

#include <stdlib.h>

/* Text of one graph: at most LG_MAX_GRAPH_NODES nodes of a few strings. */
#define MAX_TEXT_BYTES (96u << 20)

struct rule_list {
    LG_VEC(uint16_t) rules;
};

struct lg_patterns {
    struct lg_pat_program program;
    struct rule_list by_node[2][LG_NODE_TYPE_COUNT]; /* by platform */
    struct rule_list by_edge[2][LG_EDGE_TYPE_COUNT];
    uint16_t *triggers; /* rule by literal's bit: to be tried where the literal was found */
    uint32_t *tried;    /* by rule: last node that it was tried at, + 1 */
    struct lg_arena text;
    struct lg_pat_cache cache;
    const struct lg_graph *g;
    struct lg_pat_node *nodes;
    struct lg_str *details; /* by edge; p == NULL: not cleaned yet */
    uint32_t *out_at;       /* edges by source: out[out_at[v] .. out_at[v + 1]) */
    uint32_t *out;
    uint32_t *in_at;
    uint32_t *in;
    uint64_t edge_types; /* present */
    const uint8_t *removed;
    bool out_of_memory;
    LG_VEC(struct lg_pattern_hit) hits;
    LG_VEC(struct lg_pattern_hit) again;
};

#define NO_RULE UINT16_MAX

/* The clause without whose literals a rule about a node cannot match; NULL where none is sure. */
static const struct lg_pat_clause *trigger_clause(
        const struct lg_patterns *ps, const struct lg_pat_rule *rule)
{
    const struct lg_pat_group *gr = &ps->program.groups.v[rule->group];

    if (!rule->node_anchor || rule->src_key != UINT64_MAX)
        return NULL;
    for (uint32_t i = 0; i < gr->n_clauses; i++) {
        const struct lg_pat_clause *cl = &ps->program.clauses.v[gr->clause + i];

        if ((cl->op == LG_PAT_HAS || cl->op == LG_PAT_HAS_ALL) && !cl->negated && !cl->short_lit &&
                (cl->subject == LG_PAT_PATH || cl->subject == LG_PAT_CMD ||
                        cl->subject == LG_PAT_TEXT))
            return cl;
    }
    return NULL;
}

static int make_triggers(struct lg_patterns *ps)
{
    uint32_t n_bits = ps->program.scanner.n_bits;

    ps->triggers = lg_calloc(n_bits + 1, sizeof(*ps->triggers));
    ps->tried = lg_calloc(ps->program.rules.n + 1, sizeof(*ps->tried));
    if (ps->triggers == NULL || ps->tried == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < n_bits; i++)
        ps->triggers[i] = NO_RULE;
    for (size_t r = 0; r < ps->program.rules.n; r++) {
        const struct lg_pat_clause *cl = trigger_clause(ps, &ps->program.rules.v[r]);

        for (uint32_t i = 0; cl != NULL && i < cl->n_lit; i++)
            ps->triggers[cl->bit + i] = (uint16_t)r;
    }
    return 0;
}

static int add_rule(struct lg_patterns *ps, uint16_t r)
{
    const struct lg_pat_rule *rule = &ps->program.rules.v[r];
    uint64_t types = ps->program.groups.v[rule->group].types;
    enum lg_platform pf = lg_pattern_get(r)->platform;
    int rc = 0;

    if (trigger_clause(ps, rule) != NULL)
        return 0;
    for (unsigned t = 0; rc == 0 && t < 64; t++) {
        if ((types >> t & 1) == 0)
            continue;
        if (rule->node_anchor)
            rc = lg_vec_push(&ps->by_node[pf][t].rules, r);
        else
            rc = lg_vec_push(&ps->by_edge[pf][t].rules, r);
    }
    return rc;
}

int lg_patterns_new(struct lg_patterns **ret)
{
    struct lg_patterns *ps = lg_calloc(1, sizeof(*ps));
    struct lg_err err;
    int rc;

    if (ps == NULL)
        return LG_ENOMEM;
    lg_arena_init(&ps->text, MAX_TEXT_BYTES);
    lg_pat_cache_init(&ps->cache);
    rc = lg_pat_program_init(&ps->program);
    for (uint32_t i = 0; rc >= 0 && i < lg_pattern_count(); i++) {
        const struct lg_pattern *pat = lg_pattern_get(i);

        rc = lg_pat_compile(&ps->program, pat->platform, pat->condition, &err);
        LG_ASSERT(rc != LG_EPARSE); /* the table is ours; a test compiles every row */
        if (rc >= 0)
            rc = add_rule(ps, (uint16_t)i);
    }
    if (rc >= 0)
        rc = make_triggers(ps);
    if (rc < 0) {
        lg_patterns_free(ps);
        return rc;
    }
    *ret = ps;
    return 0;
}

void lg_patterns_free(struct lg_patterns *ps)
{
    if (ps == NULL)
        return;
    for (int p = 0; p < 2; p++) {
        for (int t = 0; t < LG_NODE_TYPE_COUNT; t++)
            lg_vec_done(&ps->by_node[p][t].rules);
        for (int t = 0; t < LG_EDGE_TYPE_COUNT; t++)
            lg_vec_done(&ps->by_edge[p][t].rules);
    }
    lg_pat_program_done(&ps->program);
    lg_free(ps->triggers);
    lg_free(ps->tried);
    lg_arena_done(&ps->text);
    lg_pat_cache_done(&ps->cache);
    lg_vec_done(&ps->hits);
    lg_vec_done(&ps->again);
    lg_free(ps);
}

/* Counting sort of edge indices by one end. */
static int adjacency(struct lg_patterns *ps, bool by_dst, uint32_t **ret_at, uint32_t **ret_edges)
{
    const struct lg_graph *g = ps->g;
    uint32_t *at = lg_arena_zalloc(&ps->text, (g->n_nodes + 2) * sizeof(*at));
    uint32_t *edges = lg_arena_alloc(&ps->text, (g->n_edges + 1) * sizeof(*edges));

    if (at == NULL || edges == NULL)
        return LG_ENOMEM;
    for (uint32_t e = 0; e < g->n_edges; e++)
        at[(by_dst ? g->edges[e].dst : g->edges[e].src) + 2]++;
    for (uint32_t v = 1; v <= g->n_nodes; v++)
        at[v + 1] += at[v];
    for (uint32_t e = 0; e < g->n_edges; e++)
        edges[at[(by_dst ? g->edges[e].dst : g->edges[e].src) + 1]++] = e;
    *ret_at = at;
    *ret_edges = edges;
    return 0;
}

static int prepare(struct lg_patterns *ps, const struct lg_graph *g)
{
    int rc = 0;

    lg_arena_clear(&ps->text);
    lg_pat_cache_next_graph(&ps->cache);
    ps->g = g;
    ps->edge_types = 0;
    ps->out_of_memory = false;
    ps->nodes = lg_arena_alloc(&ps->text, (g->n_nodes + 1) * sizeof(*ps->nodes));
    ps->details = lg_arena_zalloc(&ps->text, (g->n_edges + 1) * sizeof(*ps->details));
    if (ps->nodes == NULL || ps->details == NULL)
        return LG_ENOMEM;
    for (uint32_t v = 0; rc >= 0 && v < g->n_nodes; v++)
        rc = lg_pat_cache_get(&ps->cache, &ps->text, &ps->program.scanner, g->platform,
                &g->nodes[v], &ps->nodes[v]);
    for (uint32_t e = 0; e < g->n_edges; e++)
        ps->edge_types |= UINT64_C(1) << g->edges[e].type;
    if (rc >= 0)
        rc = adjacency(ps, false, &ps->out_at, &ps->out);
    if (rc >= 0)
        rc = adjacency(ps, true, &ps->in_at, &ps->in);
    return rc;
}

static struct lg_str edge_detail(struct lg_patterns *ps, uint32_t e)
{
    struct lg_str *d = &ps->details[e];

    if (d->p == NULL && lg_pat_clean(&ps->text, ps->g->platform, ps->g->edges[e].detail, d) < 0) {
        ps->out_of_memory = true;
        *d = LG_STR("");
    }
    return *d;
}

/* One byte decides most comparisons: look at it before calling. */
static bool compare(struct lg_str s, uint8_t op, struct lg_str lit)
{
    if (s.n < lit.n)
        return false;
    switch (op) {
    case LG_PAT_EQ:
        return s.n == lit.n && s.p[0] == lit.p[0] && memcmp(s.p, lit.p, lit.n) == 0;
    case LG_PAT_STARTS:
        return s.p[0] == lit.p[0] && memcmp(s.p, lit.p, lit.n) == 0;
    case LG_PAT_ENDS:
        return s.p[s.n - 1] == lit.p[lit.n - 1] && memcmp(s.p + s.n - lit.n, lit.p, lit.n) == 0;
    default:
        return lg_str_find(s, lit) >= 0;
    }
}

/* Command lines and details have a space at both ends; = ^ $ mean the text between. */
static struct lg_str inner(struct lg_str s)
{
    return s.n < 2 ? s : lg_str_sub(s, 1, s.n - 1);
}

static bool any_literal(
        const struct lg_patterns *ps, const struct lg_pat_clause *cl, struct lg_str s)
{
    for (uint32_t i = 0; i < cl->n_lit; i++) {
        if (compare(s, cl->op, ps->program.lits.v[cl->lit + i].s))
            return true;
    }
    return false;
}

static bool any_bit(const uint64_t *bits, uint32_t from, uint32_t n)
{
    uint32_t to = from + n;

    while (from < to) {
        uint64_t word = bits[from / 64] >> (from % 64);
        uint32_t have = 64 - from % 64;

        if (to - from < have)
            word &= (UINT64_C(1) << (to - from)) - 1;
        if (word != 0)
            return true;
        from += have;
    }
    return false;
}

/* One of the literals is in the text whose found literals are `bits`. */
static bool has_any(const struct lg_patterns *ps, const struct lg_pat_clause *cl, struct lg_str s,
        const uint64_t *bits)
{
    if (bits == NULL)
        return false;
    return any_bit(bits, cl->bit, cl->n_lit) || (cl->short_lit && any_literal(ps, cl, s));
}

static bool text_any(const struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t v,
        bool path, bool cmd)
{
    const struct lg_pat_node *pn = &ps->nodes[v];

    if (cl->op == LG_PAT_HAS)
        return (path && has_any(ps, cl, pn->path, pn->path_bits)) ||
                (cmd && has_any(ps, cl, pn->cmd, pn->cmd_bits));
    return (path && any_literal(ps, cl, pn->path)) ||
            (cmd && pn->cmd.n > 0 && any_literal(ps, cl, inner(pn->cmd)));
}

/* Each literal is in one of the texts (both, where two are asked for). */
static bool text_all(const struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t v,
        bool path, bool cmd)
{
    const struct lg_pat_node *pn = &ps->nodes[v];

    for (uint32_t i = 0; i < cl->n_lit; i++) {
        struct lg_str lit = ps->program.lits.v[cl->lit + i].s;

        if (lit.n >= LG_PAT_MIN_SCAN) {
            if (!(path && any_bit(pn->path_bits, cl->bit + i, 1)) &&
                    !(cmd && pn->cmd_bits != NULL && any_bit(pn->cmd_bits, cl->bit + i, 1)))
                return false;
        } else if (!(path && lg_str_find(pn->path, lit) >= 0) &&
                !(cmd && lg_str_find(pn->cmd, lit) >= 0))
            return false;
    }
    return true;
}

static bool other_text(
        const struct lg_patterns *ps, const struct lg_pat_clause *cl, struct lg_str s)
{
    if (cl->op != LG_PAT_HAS_ALL)
        return any_literal(ps, cl, s);
    for (uint32_t i = 0; i < cl->n_lit; i++) {
        if (lg_str_find(s, ps->program.lits.v[cl->lit + i].s) < 0)
            return false;
    }
    return true;
}

static bool node_text_holds(
        const struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t v)
{
    bool path = cl->subject != LG_PAT_CMD, cmd = cl->subject != LG_PAT_PATH;

    return cl->op == LG_PAT_HAS_ALL ? text_all(ps, cl, v, path, cmd)
                                    : text_any(ps, cl, v, path, cmd);
}

static bool detail_holds(struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t e)
{
    struct lg_str d = edge_detail(ps, e);

    return other_text(ps, cl, cl->op == LG_PAT_HAS || cl->op == LG_PAT_HAS_ALL ? d : inner(d));
}

static bool text_holds(
        struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t v, uint32_t e)
{
    const struct lg_pat_node *pn = &ps->nodes[v];

    switch (cl->subject) {
    case LG_PAT_BASE:
        return (cl->num & pn->base_bit) != 0 && other_text(ps, cl, pn->base);
    case LG_PAT_ORIG:
        return other_text(ps, cl, pn->orig);
    case LG_PAT_USER:
        return other_text(ps, cl, pn->user);
    case LG_PAT_DETAIL:
        return detail_holds(ps, cl, e);
    case LG_PAT_WHAT:
        return node_text_holds(ps, cl, v) || detail_holds(ps, cl, e);
    default: /* path, cmd, text */
        return node_text_holds(ps, cl, v);
    }
}

static bool bits_hold(const struct lg_pat_clause *cl, uint32_t have)
{
    bool yes = cl->op == LG_PAT_HAS_ALL ? (have & cl->bits) == cl->bits : (have & cl->bits) != 0;

    return yes != cl->negated;
}

static bool clause_holds(
        struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t v, uint32_t e)
{
    const struct lg_node *node = &ps->g->nodes[v];
    const struct lg_edge *edge = e != UINT32_MAX ? &ps->g->edges[e] : NULL;

    switch (cl->subject) {
    case LG_PAT_TYPE:
        return bits_hold(cl, 1u << node->type);
    case LG_PAT_FLAGS:
        return bits_hold(cl, node->flags);
    case LG_PAT_UCLASS:
        return bits_hold(cl, 1u << node->user_class);
    case LG_PAT_IL:
        return node->integrity >= cl->num;
    case LG_PAT_CMDLEN:
        return ps->nodes[v].cmd.n >= cl->num;
    case LG_PAT_ATTR:
        return edge != NULL && bits_hold(cl, edge->attr);
    case LG_PAT_COUNT:
        return edge != NULL && edge->count >= cl->num;
    case LG_PAT_DETAILLEN:
        return edge != NULL && edge->detail.n >= cl->num;
    default:
        break;
    }
    return text_holds(ps, cl, v, e) != cl->negated;
}

static bool group_holds(struct lg_patterns *ps, const struct lg_pat_group *gr, uint32_t src,
        uint32_t dst, uint32_t e)
{
    const struct lg_pat_clause *cl = &ps->program.clauses.v[gr->clause];

    for (uint32_t i = 0; i < gr->n_clauses; i++, cl++) {
        /* `what` is about the target of its edge, though it is written without a side */
        bool dst_side = cl->dst || cl->subject == LG_PAT_WHAT;

        if (!clause_holds(ps, cl, dst_side ? dst : src, e))
            return false;
    }
    return true;
}

static bool alive(const struct lg_patterns *ps, const struct lg_edge *edge)
{
    return ps->removed == NULL || (!ps->removed[edge->src] && !ps->removed[edge->dst]);
}

/* Is there the further edge that the group asks for, `min_edges` times? */
static bool exists(struct lg_patterns *ps, const struct lg_pat_group *gr, uint32_t actor)
{
    const struct lg_graph *g = ps->g;
    const uint32_t *list = gr->scope == LG_PAT_IN ? ps->in : ps->out;
    const uint32_t *at = gr->scope == LG_PAT_IN ? ps->in_at : ps->out_at;
    uint32_t from = gr->scope == LG_PAT_ANY ? 0 : at[actor];
    uint32_t to = gr->scope == LG_PAT_ANY ? g->n_edges : at[actor + 1];
    uint64_t edges = 0, sum = 0;

    if ((gr->types & ps->edge_types) == 0)
        return false;
    for (uint32_t i = from; i < to; i++) {
        uint32_t e = gr->scope == LG_PAT_ANY ? i : list[i];
        const struct lg_edge *edge = &g->edges[e];

        if ((gr->types >> edge->type & 1) == 0 || !alive(ps, edge) ||
                !group_holds(ps, gr, edge->src, edge->dst, e))
            continue;
        edges++;
        sum += edge->count;
        if (edges >= gr->min_edges && sum >= gr->min_sum)
            return true;
    }
    return false;
}

static uint32_t acting_node(
        const struct lg_patterns *ps, const struct lg_pat_rule *rule, const struct lg_edge *edge)
{
    if (rule->at_dst || edge->type == LG_EDGE_SPAWN)
        return edge->dst;
    return ps->g->nodes[edge->src].type == LG_NODE_PROCESS ? edge->src : edge->dst;
}

static bool rule_holds(struct lg_patterns *ps, const struct lg_pat_rule *rule, uint32_t actor,
        uint32_t src, uint32_t dst, uint32_t e)
{
    const struct lg_pat_group *gr = &ps->program.groups.v[rule->group];

    if (!group_holds(ps, gr, src, dst, e))
        return false;
    for (uint32_t i = 1; i < rule->n_groups; i++) {
        if (!exists(ps, gr + i, actor))
            return false;
    }
    return true;
}

static bool edge_matches(struct lg_patterns *ps, const struct lg_pat_rule *rule, uint32_t e)
{
    const struct lg_edge *edge = &ps->g->edges[e];

    return (ps->nodes[edge->src].base_bit & rule->src_key) != 0 &&
            (ps->nodes[edge->dst].base_bit & rule->dst_key) != 0 &&
            rule_holds(ps, rule, acting_node(ps, rule, edge), edge->src, edge->dst, e);
}

static bool node_matches(struct lg_patterns *ps, const struct lg_pat_rule *rule, uint32_t v)
{
    return (ps->nodes[v].base_bit & rule->src_key) != 0 &&
            rule_holds(ps, rule, v, v, v, UINT32_MAX);
}

static int by_pattern_node_edge(const void *pa, const void *pb)
{
    const struct lg_pattern_hit *a = pa, *b = pb;

    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (a->edge > b->edge) - (a->edge < b->edge);
}

static void sort_unique(struct lg_patterns *ps)
{
    size_t w = 0;

    if (ps->hits.n > 1)
        qsort(ps->hits.v, ps->hits.n, sizeof(*ps->hits.v), by_pattern_node_edge);
    for (size_t i = 0; i < ps->hits.n; i++) {
        if (w == 0 || ps->hits.v[w - 1].pattern != ps->hits.v[i].pattern ||
                ps->hits.v[w - 1].node != ps->hits.v[i].node)
            ps->hits.v[w++] = ps->hits.v[i];
    }
    ps->hits.n = w;
}

static int try_node(struct lg_patterns *ps, uint16_t r, uint32_t v)
{
    if (!node_matches(ps, &ps->program.rules.v[r], v))
        return 0;
    return lg_vec_push(&ps->hits, (struct lg_pattern_hit){r, v, UINT32_MAX});
}

static int try_triggered(struct lg_patterns *ps, const uint64_t *bits, uint32_t v)
{
    const struct lg_graph *g = ps->g;
    uint32_t words = ps->program.scanner.n_bits / 64 + 1;
    int rc = 0;

    for (uint32_t w = 0; w < words; w++) {
        for (uint64_t left = bits[w]; rc == 0 && left != 0; left &= left - 1) {
            uint16_t r = ps->triggers[w * 64 + (uint32_t)__builtin_ctzll(left)];

            if (r == NO_RULE || ps->tried[r] == v + 1)
                continue;
            ps->tried[r] = v + 1;
            if (lg_pattern_get(r)->platform == g->platform &&
                    (ps->program.groups.v[ps->program.rules.v[r].group].types >> g->nodes[v].type &
                            1) != 0)
                rc = try_node(ps, r, v);
        }
    }
    return rc;
}

static int match_nodes(struct lg_patterns *ps)
{
    const struct lg_graph *g = ps->g;
    int rc = 0;

    memset(ps->tried, 0, ps->program.rules.n * sizeof(*ps->tried));
    for (uint32_t v = 0; rc == 0 && v < g->n_nodes; v++) {
        const struct rule_list *list = &ps->by_node[g->platform][g->nodes[v].type];

        if (ps->removed != NULL && ps->removed[v])
            continue;
        for (size_t i = 0; rc == 0 && i < list->rules.n; i++)
            rc = try_node(ps, list->rules.v[i], v);
        if (rc == 0)
            rc = try_triggered(ps, ps->nodes[v].path_bits, v);
        if (rc == 0 && ps->nodes[v].cmd_bits != NULL)
            rc = try_triggered(ps, ps->nodes[v].cmd_bits, v);
    }
    return rc;
}

static int match_edges(struct lg_patterns *ps)
{
    const struct lg_graph *g = ps->g;
    int rc = 0;

    for (uint32_t e = 0; rc == 0 && e < g->n_edges; e++) {
        const struct lg_edge *edge = &g->edges[e];
        const struct rule_list *list = &ps->by_edge[g->platform][edge->type];

        if (!alive(ps, edge))
            continue;
        for (size_t i = 0; rc == 0 && i < list->rules.n; i++) {
            uint16_t r = list->rules.v[i];
            const struct lg_pat_rule *rule = &ps->program.rules.v[r];

            if (edge_matches(ps, rule, e))
                rc = lg_vec_push(
                        &ps->hits, (struct lg_pattern_hit){r, acting_node(ps, rule, edge), e});
        }
    }
    return rc;
}

int lg_patterns_match(struct lg_patterns *ps, const struct lg_graph *g, const uint8_t *removed,
        const struct lg_pattern_hit **ret_hits, uint32_t *ret_n)
{
    int rc = prepare(ps, g);

    ps->hits.n = 0;
    ps->removed = removed;
    if (rc >= 0)
        rc = match_nodes(ps);
    if (rc >= 0)
        rc = match_edges(ps);
    if (rc >= 0 && ps->out_of_memory)
        rc = LG_ENOMEM;
    ps->removed = NULL;
    if (rc < 0) {
        ps->hits.n = 0;
        ps->g = NULL;
        return rc;
    }
    sort_unique(ps);
    *ret_hits = ps->hits.v;
    *ret_n = (uint32_t)ps->hits.n;
    return 0;
}

/* First edge at the node that still makes the rule match; edges are in graph order. */
static uint32_t first_edge(struct lg_patterns *ps, const struct lg_pat_rule *rule, uint32_t v)
{
    uint64_t types = ps->program.groups.v[rule->group].types;
    uint32_t best = UINT32_MAX;

    for (int side = 0; side < 2; side++) {
        const uint32_t *at = side == 0 ? ps->out_at : ps->in_at;
        const uint32_t *list = side == 0 ? ps->out : ps->in;

        for (uint32_t i = at[v]; i < at[v + 1] && list[i] < best; i++) {
            const struct lg_edge *edge = &ps->g->edges[list[i]];

            if ((types >> edge->type & 1) != 0 && alive(ps, edge) &&
                    acting_node(ps, rule, edge) == v && edge_matches(ps, rule, list[i]))
                best = list[i];
        }
    }
    return best;
}

int lg_patterns_rematch(struct lg_patterns *ps, const uint8_t *removed,
        const struct lg_pattern_hit **ret_hits, uint32_t *ret_n)
{
    int rc = 0;

    LG_ASSERT(ps->g != NULL);
    ps->removed = removed;
    ps->again.n = 0;
    for (size_t i = 0; rc == 0 && i < ps->hits.n; i++) {
        struct lg_pattern_hit hit = ps->hits.v[i];
        const struct lg_pat_rule *rule = &ps->program.rules.v[hit.pattern];

        if (removed != NULL && removed[hit.node])
            continue;
        if (rule->node_anchor && !node_matches(ps, rule, hit.node))
            continue;
        if (!rule->node_anchor) {
            hit.edge = first_edge(ps, rule, hit.node);
            if (hit.edge == UINT32_MAX)
                continue;
        }
        rc = lg_vec_push(&ps->again, hit);
    }
    if (rc >= 0 && ps->out_of_memory)
        rc = LG_ENOMEM;
    ps->removed = NULL;
    if (rc < 0)
        return rc;
    *ret_hits = ps->again.v;
    *ret_n = (uint32_t)ps->again.n;
    return 0;
}

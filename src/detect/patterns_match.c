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
    struct lg_arena text;
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

static int add_rule(struct lg_patterns *ps, uint16_t r)
{
    const struct lg_pat_rule *rule = &ps->program.rules.v[r];
    uint64_t types = ps->program.groups.v[rule->group].types;
    enum lg_platform pf = lg_pattern_get(r)->platform;
    int rc = 0;

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
    int rc = 0;

    if (ps == NULL)
        return LG_ENOMEM;
    lg_arena_init(&ps->text, MAX_TEXT_BYTES);
    lg_pat_program_init(&ps->program);
    for (uint32_t i = 0; rc >= 0 && i < lg_pattern_count(); i++) {
        const struct lg_pattern *pat = lg_pattern_get(i);

        rc = lg_pat_compile(&ps->program, pat->platform, pat->condition, &err);
        LG_ASSERT(rc != LG_EPARSE); /* the table is ours; a test compiles every row */
        if (rc >= 0)
            rc = add_rule(ps, (uint16_t)i);
    }
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
    lg_arena_done(&ps->text);
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
    ps->g = g;
    ps->edge_types = 0;
    ps->out_of_memory = false;
    ps->nodes = lg_arena_alloc(&ps->text, (g->n_nodes + 1) * sizeof(*ps->nodes));
    ps->details = lg_arena_zalloc(&ps->text, (g->n_edges + 1) * sizeof(*ps->details));
    if (ps->nodes == NULL || ps->details == NULL)
        return LG_ENOMEM;
    for (uint32_t v = 0; rc >= 0 && v < g->n_nodes; v++)
        rc = lg_pat_node_text(&ps->text, g->platform, &g->nodes[v], &ps->nodes[v]);
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

/* False when the filter proves that the text lacks the literal. */
static bool may_hold(const uint64_t *tri, unsigned drop_bits, const struct lg_pat_lit *lit)
{
    for (uint8_t i = 0; i < lit->n_tri; i++) {
        uint32_t t = (uint32_t)lit->tri[i] >> drop_bits;

        if ((tri[t / 64] >> (t % 64) & 1) == 0)
            return false;
    }
    return true;
}

static bool has(
        struct lg_str s, const uint64_t *tri, unsigned drop_bits, const struct lg_pat_lit *lit)
{
    return (tri == NULL || may_hold(tri, drop_bits, lit)) && lg_str_find(s, lit->s) >= 0;
}

static bool compare(struct lg_str s, const uint64_t *tri, unsigned drop_bits, uint8_t op,
        const struct lg_pat_lit *lit)
{
    switch (op) {
    case LG_PAT_EQ:
        return lg_str_eq(s, lit->s);
    case LG_PAT_STARTS:
        return lg_str_starts(s, lit->s);
    case LG_PAT_ENDS:
        return lg_str_ends(s, lit->s);
    default:
        return has(s, tri, drop_bits, lit);
    }
}

/* Command lines and details have a space at both ends; = ^ $ mean the text between. */
static struct lg_str inner(struct lg_str s, uint8_t op)
{
    return op == LG_PAT_HAS || op == LG_PAT_HAS_ALL || s.n < 2 ? s : lg_str_sub(s, 1, s.n - 1);
}

static bool path_is(const struct lg_pat_node *pn, uint8_t op, const struct lg_pat_lit *lit)
{
    return compare(pn->path, pn->path_tri, 2, op, lit);
}

static bool cmd_is(const struct lg_pat_node *pn, uint8_t op, const struct lg_pat_lit *lit)
{
    return pn->cmd.n > 0 && compare(inner(pn->cmd, op), pn->cmd_tri, 0, op, lit);
}

static bool literal_holds(struct lg_patterns *ps, const struct lg_pat_clause *cl, uint32_t v,
        uint32_t e, const struct lg_pat_lit *lit)
{
    const struct lg_pat_node *pn = &ps->nodes[v];

    switch (cl->subject) {
    case LG_PAT_BASE:
        return compare(pn->base, pn->path_tri, 2, cl->op, lit);
    case LG_PAT_PATH:
        return path_is(pn, cl->op, lit);
    case LG_PAT_CMD:
        return cmd_is(pn, cl->op, lit);
    case LG_PAT_TEXT:
        return path_is(pn, cl->op, lit) || cmd_is(pn, cl->op, lit);
    case LG_PAT_ORIG:
        return compare(pn->orig, NULL, 0, cl->op, lit);
    case LG_PAT_USER:
        return compare(pn->user, NULL, 0, cl->op, lit);
    case LG_PAT_WHAT:
        if (path_is(pn, cl->op, lit) || cmd_is(pn, cl->op, lit))
            return true;
        return compare(inner(edge_detail(ps, e), cl->op), NULL, 0, cl->op, lit);
    default: /* LG_PAT_DETAIL */
        return compare(inner(edge_detail(ps, e), cl->op), NULL, 0, cl->op, lit);
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
    bool all = cl->op == LG_PAT_HAS_ALL;

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
        return bits_hold(cl, edge->attr);
    case LG_PAT_COUNT:
        return edge->count >= cl->num;
    case LG_PAT_DETAILLEN:
        return edge->detail.n >= cl->num;
    default:
        break;
    }
    for (uint32_t i = 0; i < cl->n_lit; i++) {
        if (literal_holds(ps, cl, v, e, &ps->program.lits.v[cl->lit + i]) != all)
            return !all != cl->negated;
    }
    return all != cl->negated;
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

static int match_nodes(struct lg_patterns *ps)
{
    const struct lg_graph *g = ps->g;
    int rc = 0;

    for (uint32_t v = 0; rc == 0 && v < g->n_nodes; v++) {
        const struct rule_list *list = &ps->by_node[g->platform][g->nodes[v].type];

        if (ps->removed != NULL && ps->removed[v])
            continue;
        for (size_t i = 0; rc == 0 && i < list->rules.n; i++) {
            uint16_t r = list->rules.v[i];

            if (node_matches(ps, &ps->program.rules.v[r], v))
                rc = lg_vec_push(&ps->hits, (struct lg_pattern_hit){r, v, UINT32_MAX});
        }
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

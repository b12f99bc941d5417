#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define TEXT_MAX 120 /* bytes of a name or command line in the table */

void lg_table_init(struct lg_table *t, uint32_t limit)
{
    memset(t, 0, sizeof(*t));
    t->limit = limit;
}

void lg_table_done(struct lg_table *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        lg_free(t->rows[i].text);
    lg_free(t->rows);
    memset(t, 0, sizeof(*t));
}

/* Worst first; a full order, so that the kept rows do not depend on who saw them. */
static int compare(const struct lg_table_row *a, const struct lg_table_row *b)
{
    if (a->prob != b->prob)
        return a->prob > b->prob ? -1 : 1;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    return a->text != NULL && b->text != NULL ? strcmp(a->text, b->text) : 0;
}

bool lg_table_wants(const struct lg_table *t, const struct lg_verdict *v, const struct lg_graph *g)
{
    struct lg_table_row row = {v->scores.prob, g->start_ns, NULL};

    return t->limit > 0 && (t->n < t->limit || compare(&row, &t->rows[0]) <= 0);
}

/* Bytes of the character at `s` if a terminal obeys it: controls, and marks that turn the direction
 * of text round, so that a name reads as another one. 0 for what may be printed. */
static size_t obeyed(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;

    if (p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    if (n >= 2 && ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c)))
        return 2; /* U+0080..9F, U+061C */
    if (n < 3 || p[0] != 0xe2)
        return 0;
    if (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae)))
        return 3;                                                /* U+200E, 200F, 2028..202E */
    return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0; /* U+2066..2069 */
}

/* File names and command lines are the attacker's. */
static void put_text(struct lg_buf *out, struct lg_str s)
{
    struct lg_buf clean;
    bool cut = s.n > TEXT_MAX;

    lg_buf_init(&clean, 4 * TEXT_MAX + 16);
    (void)lg_utf8_repair(&clean, lg_str_sub(s, 0, TEXT_MAX));
    for (size_t i = 0; i < clean.n; i++) {
        size_t n = obeyed(clean.p + i, clean.n - i);

        lg_buf_addc(out, n > 0 ? '?' : clean.p[i]);
        i += n > 0 ? n - 1 : 0;
    }
    if (cut)
        lg_buf_adds(out, LG_STR("..."));
    lg_buf_done(&clean);
}

/* A row of "0 %" tells nothing, unless it leads to one that does. */
static bool tells(const struct lg_verdict *v, uint32_t at, int depth)
{
    if (v->evidence[at].share >= 0.005)
        return true;
    for (uint32_t i = 0; i < v->n_evidence && depth < LG_MAX_EVIDENCE; i++)
        if (v->evidence[i].via == at && tells(v, i, depth + 1))
            return true;
    return false;
}

static void put_node(struct lg_buf *out, const struct lg_verdict *v, const struct lg_graph *g,
        uint32_t at, int depth)
{
    const struct lg_evidence *e = &v->evidence[at];
    const struct lg_node *n = &g->nodes[e->node];

    lg_buf_printf(out, "    %4.0f %%  %*s%s ", e->share * 100, depth * 2, "",
            lg_node_type_name((enum lg_node_type)n->type));
    put_text(out, n->cmd_raw.n > 0 && n->type == LG_NODE_PROCESS ? n->cmd_raw : n->raw);
    if (n->type == LG_NODE_PROCESS && n->pid != 0)
        lg_buf_printf(out, " (pid %u)", n->pid);
    lg_buf_addc(out, '\n');
    for (uint32_t i = 0; i < v->n_evidence && depth < LG_MAX_EVIDENCE; i++)
        if (v->evidence[i].via == at && tells(v, i, 0))
            put_node(out, v, g, i, depth + 1);
}

static void put_techniques(struct lg_buf *out, const struct lg_verdict *v)
{
    const char *list[64];
    uint32_t n = lg_patterns_techniques(v->hits, v->n_hits, list, 64);

    for (uint32_t i = 0; i < n && i < 64; i++)
        lg_buf_printf(out, " %s", list[i]);
    if (n > 64)
        lg_buf_printf(out, " and %u more", n - 64);
}

static void render(struct lg_buf *out, const struct lg_verdict *v, const struct lg_graph *g,
        const struct lg_model *m)
{
    char start[LG_TIME_ISO_MAX], end[LG_TIME_ISO_MAX];
    uint32_t small = 0;

    (void)lg_time_iso(g->start_ns, start);
    (void)lg_time_iso(g->end_ns, end);
    start[10] = ' ';
    put_text(out, g->endpoint_id);
    lg_buf_printf(out, "  %.19s to %.8s UTC  p %.3f  %s%s ", start, end + 11, v->scores.prob,
            lg_verdict_severity(v), m->experimental ? " (experimental model)" : "");
    put_techniques(out, v);
    lg_buf_addc(out, '\n');
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        small += !tells(v, i, 0);
        if (v->evidence[i].via == UINT32_MAX && tells(v, i, 0))
            put_node(out, v, g, i, 0);
    }
    if (small > 0)
        lg_buf_printf(
                out, "           and %u %s below 1 %%\n", small, small == 1 ? "node" : "nodes");
}

static void swap(struct lg_table_row *a, struct lg_table_row *b)
{
    struct lg_table_row t = *a;

    *a = *b;
    *b = t;
}

static void sift_down(struct lg_table *t)
{
    for (uint32_t i = 0;;) {
        uint32_t least = i;

        for (uint32_t c = 2 * i + 1; c <= 2 * i + 2 && c < t->n; c++)
            if (compare(&t->rows[c], &t->rows[least]) > 0)
                least = c;
        if (least == i)
            return;
        swap(&t->rows[i], &t->rows[least]);
        i = least;
    }
}

static int insert(struct lg_table *t, struct lg_table_row row)
{
    if (t->n == t->limit) {
        if (compare(&row, &t->rows[0]) > 0) {
            lg_free(row.text);
            return 0;
        }
        lg_free(t->rows[0].text);
        t->rows[0] = row;
        sift_down(t);
        return 0;
    }
    if (t->n == t->cap) {
        uint32_t cap = t->cap > 0 ? t->cap * 2 : 64;
        struct lg_table_row *p = lg_realloc_array(t->rows, cap, sizeof(*p));

        if (p == NULL) {
            lg_free(row.text);
            return LG_ENOMEM;
        }
        t->rows = p;
        t->cap = cap;
    }
    t->rows[t->n] = row;
    for (uint32_t i = t->n++; i > 0 && compare(&t->rows[i], &t->rows[(i - 1) / 2]) > 0;
            i = (i - 1) / 2)
        swap(&t->rows[i], &t->rows[(i - 1) / 2]);
    return 0;
}

int lg_table_add(struct lg_table *t, const struct lg_verdict *v, const struct lg_graph *g,
        const struct lg_model *m)
{
    struct lg_table_row row = {v->scores.prob, g->start_ns, NULL};
    struct lg_buf out;

    lg_buf_init(&out, (size_t)64 << 10);
    render(&out, v, g, m);
    if (out.failed == 0)
        row.text = lg_strndup(out.p, out.n);
    lg_buf_done(&out);
    return row.text != NULL ? insert(t, row) : LG_ENOMEM;
}

static int by_badness(const void *a, const void *b)
{
    return compare(a, b);
}

void lg_table_print(struct lg_table *t, uint32_t n, uint32_t limit, uint64_t attacks, FILE *to)
{
    uint32_t total = 0, at = 0;
    struct lg_table_row *all;

    for (uint32_t i = 0; i < n; i++)
        total += t[i].n;
    all = lg_malloc(total * sizeof(*all));
    if (all == NULL)
        return;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < t[i].n; k++)
            all[at++] = t[i].rows[k];
    if (total > 0)
        qsort(all, total, sizeof(*all), by_badness);
    for (uint32_t i = 0; i < total && i < limit; i++)
        (void)fprintf(to, "%4u. %s\n", i + 1, all[i].text);
    if (attacks > limit)
        (void)fprintf(to, "and %llu more attack windows (--json shows every one)\n",
                (unsigned long long)(attacks - limit));
    lg_free(all);
}

/*
 * Development check of the pattern table on labelled captures:
 *     patterns_check DIR [substring]
 * DIR holds MANIFEST.tsv (file, ..., label, technique_ids) and, where there are any,
 * windows_host_roles.tsv (file, host, ..., role). Prints one line for each capture, host and row
 * that matched (with how often and an example), then what share of the labels was found, and what
 * strong rows said about hosts with the role `background` and captures with the label `benign`.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "detect/patterns.h"
#include "scan/reader.h"

#define MAX_COLUMNS 20
#define MAX_HOSTS 64
#define MAX_ROWS 1024

struct host {
    char name[64];
    const char *role;
    uint32_t windows;
    uint32_t raised; /* windows with a floor of 0.9 or more */
    uint32_t hinted; /* a floor, but a lower one */
    uint32_t rows[MAX_ROWS];
    char example[MAX_ROWS][360];
};

struct check {
    struct lg_patterns *ps;
    const char *file;
    const char *label;
    struct host hosts[MAX_HOSTS];
    uint32_t n_hosts;
    const char *techniques[256];
    uint32_t n_techniques;
    uint32_t labels, found, found_family, captures, captures_hit, labelled;
    uint32_t quiet_windows, quiet_raised, quiet_hinted;
    uint32_t attack_captures, attack_raised;
    char *roles;
};

static char *read_all(const char *dir, const char *name)
{
    char path[1024];
    char *text = calloc(1, 4u << 20);
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (f == NULL || text == NULL) {
        free(text);
        return NULL;
    }
    if (fread(text, 1, (4u << 20) - 1, f) == 0)
        text[0] = '\0';
    fclose(f);
    return text;
}

/* "background" and the like for a host of the file; "" when the table has none. */
static const char *role_of(const struct check *ck, const char *host)
{
    static char role[32];
    char key[1200];
    const char *at, *tab;

    role[0] = '\0';
    if (ck->roles == NULL)
        return role;
    snprintf(key, sizeof(key), "\n%s\t", ck->file);
    for (at = strstr(ck->roles, key); at != NULL; at = strstr(at + 1, key)) {
        const char *h = at + strlen(key);
        size_t n = strcspn(h, "\t.");

        if (strlen(host) != n || strncasecmp(h, host, n) != 0)
            continue;
        tab = h;
        for (int i = 0; i < 4 && tab != NULL; i++)
            tab = strchr(tab + (i > 0), '\t');
        if (tab != NULL)
            snprintf(role, sizeof(role), "%.*s", (int)strcspn(tab + 1, "\t\n"), tab + 1);
        break;
    }
    return role;
}

static struct host *find_host(struct check *ck, struct lg_str name)
{
    struct host *h = ck->hosts;
    uint32_t i = 0;

    while (i < ck->n_hosts && !lg_str_eq(lg_str_z(ck->hosts[i].name), name))
        i++;
    if (i == MAX_HOSTS)
        return &ck->hosts[0];
    h = &ck->hosts[i];
    if (i == ck->n_hosts) {
        memset(h, 0, sizeof(*h));
        snprintf(h->name, sizeof(h->name), "%.*s", LG_STR_FMT(name));
        h->role = strdup(role_of(ck, h->name));
        ck->n_hosts++;
    }
    return h;
}

static void add_text(struct lg_buf *out, struct lg_str s, size_t max)
{
    s = lg_str_sub(s, s.n > max && lg_str_chr(s, ' ') < 0 ? s.n - max : 0, s.n);
    for (size_t i = 0; i < s.n && i < max; i++)
        lg_buf_addc(out, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
}

static void example(const struct lg_graph *g, const struct lg_pattern_hit *hit, char *out, size_t n)
{
    const struct lg_node *v = &g->nodes[hit->node];
    struct lg_buf text;

    lg_buf_init(&text, 4096);
    add_text(&text, v->raw, 40);
    lg_buf_adds(&text, LG_STR(" :: "));
    add_text(&text, v->cmd_raw, 90);
    if (hit->edge != UINT32_MAX) {
        const struct lg_edge *e = &g->edges[hit->edge];

        lg_buf_adds(&text, LG_STR(" ["));
        add_text(&text, g->nodes[e->src].raw, 30);
        lg_buf_printf(&text, " =%s=> ", lg_edge_type_name((enum lg_edge_type)e->type));
        add_text(&text, g->nodes[e->dst].raw, 70);
        lg_buf_adds(&text, LG_STR(" "));
        add_text(&text, g->nodes[e->dst].cmd_raw, 60);
        lg_buf_adds(&text, LG_STR(" {"));
        add_text(&text, e->detail, 40);
        lg_buf_adds(&text, LG_STR("}]"));
    }
    snprintf(out, n, "%.*s", (int)text.n, text.n > 0 ? text.p : "");
    lg_buf_done(&text);
}

static int on_window(void *user, const struct lg_graph *g)
{
    struct check *ck = user;
    const struct lg_pattern_hit *hits;
    struct host *h = find_host(ck, g->endpoint_id);
    uint32_t n;
    double floor;
    int rc = lg_patterns_match(ck->ps, g, NULL, &hits, &n);

    if (rc < 0)
        return rc;
    floor = lg_patterns_floor(hits, n);
    h->windows++;
    h->raised += floor >= 0.9;
    h->hinted += floor > 0 && floor < 0.9;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        const char *t = lg_pattern_get(hits[i].pattern)->technique;

        if (h->rows[hits[i].pattern]++ == 0)
            example(g, &hits[i], h->example[hits[i].pattern], sizeof(h->example[0]));
        while (k < ck->n_techniques && strcmp(ck->techniques[k], t) != 0)
            k++;
        if (k == ck->n_techniques && k < 256)
            ck->techniques[ck->n_techniques++] = t;
    }
    return 0;
}

static void count_labels(struct check *ck, char *labels)
{
    char *t, *rest = labels;
    uint32_t any = 0, here = 0;

    while ((t = strsep(&rest, ";")) != NULL) {
        bool exact = false, family = false;

        if (t[0] != 'T')
            continue;
        here++;
        ck->labels++;
        for (uint32_t i = 0; i < ck->n_techniques; i++) {
            exact |= strcmp(ck->techniques[i], t) == 0;
            family |= strncmp(ck->techniques[i], t, 5) == 0;
        }
        ck->found += exact;
        ck->found_family += family;
        any += family;
        if (!family)
            printf("missed\t%s\t%s\n", ck->file, t);
    }
    ck->labelled += here > 0;
    ck->captures_hit += any > 0;
}

static void report(struct check *ck, char *labels)
{
    bool raised = false;

    for (uint32_t i = 0; i < ck->n_hosts; i++) {
        struct host *h = &ck->hosts[i];
        bool quiet = strcmp(h->role, "background") == 0 || strcmp(ck->label, "benign") == 0;

        raised |= h->raised > 0;
        if (quiet) {
            ck->quiet_windows += h->windows;
            ck->quiet_raised += h->raised;
            ck->quiet_hinted += h->hinted;
        }
        printf("host\t%s\t%s\t%s\t%u\t%u\t%u\n", ck->file, h->name, quiet ? "quiet" : h->role,
                h->windows, h->raised, h->hinted);
        for (uint32_t r = 0; r < lg_pattern_count(); r++)
            if (h->rows[r] > 0)
                printf("hit\t%s\t%s\t%s\t%s\t%s\t%s\t%u\t%s\n", ck->file, h->name,
                        quiet ? "quiet" : h->role, lg_pattern_get(r)->id,
                        lg_pattern_get(r)->technique,
                        lg_pattern_strength_name(lg_pattern_get(r)->strength), h->rows[r],
                        h->example[r]);
    }
    ck->captures++;
    if (strcmp(ck->label, "benign") != 0) {
        ck->attack_captures++;
        ck->attack_raised += raised;
    }
    count_labels(ck, labels);
}

static int run_capture(struct check *ck, const char *dir, char *columns[])
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct lg_err err;
    char path[1200];
    int rc;

    ck->file = columns[0];
    ck->label = columns[5];
    ck->n_hosts = 0;
    ck->n_techniques = 0;
    snprintf(path, sizeof(path), "%s/%s", dir, columns[0]);
    lg_reader_options_default(&opt);
    opt.header_offset_ns = LG_READER_PROBE;
    rc = lg_reader_run(path, &opt, on_window, ck, &stats, &err);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", columns[0], err.text);
    if (rc == 0)
        printf("stats\t%s\tevents %llu, late and dropped %llu, windows %llu\n", columns[0],
                (unsigned long long)stats.events, (unsigned long long)stats.windows.late_dropped,
                (unsigned long long)stats.windows.windows);
    report(ck, columns[6]);
    return rc == LG_ENOMEM ? rc : 0;
}

int main(int argc, char **argv)
{
    struct check *ck = calloc(1, sizeof(*ck));
    char *manifest, *rest, *line;

    if (argc < 2 || ck == NULL || lg_patterns_new(&ck->ps) < 0)
        return 2;
    manifest = read_all(argv[1], "MANIFEST.tsv");
    ck->roles = read_all(argv[1], "windows_host_roles.tsv");
    if (manifest == NULL)
        return 2;
    rest = manifest;
    strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *columns[MAX_COLUMNS] = {NULL};
        uint32_t n = 0;

        while (n < MAX_COLUMNS && line != NULL)
            columns[n++] = strsep(&line, "\t");
        if (n < 8 || (argc > 2 && strstr(columns[0], argv[2]) == NULL))
            continue;
        if (run_capture(ck, argv[1], columns) < 0)
            return 1;
    }
    printf("summary\tcaptures %u, labels %u: found %u (%.1f %%), with their family %u (%.1f %%); "
           "captures with labels %u, with one found %u\n",
            ck->captures, ck->labels, ck->found, 100.0 * ck->found / (ck->labels ? ck->labels : 1),
            ck->found_family, 100.0 * ck->found_family / (ck->labels ? ck->labels : 1),
            ck->labelled, ck->captures_hit);
    printf("summary\tattack captures %u, raised by a strong row %u\n", ck->attack_captures,
            ck->attack_raised);
    printf("summary\tquiet windows %u: raised %u, hinted %u\n", ck->quiet_windows, ck->quiet_raised,
            ck->quiet_hinted);
    lg_patterns_free(ck->ps);
    free(manifest);
    free(ck->roles);
    free(ck);
    return 0;
}

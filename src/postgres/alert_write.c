#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/vec.h"
#include "postgres/int.h"
#include "store/alert_techniques.h"

/*
 * Changes. Several processes may apply verdicts at once: who works on an endpoint holds its lock
 * (one of LG_PG_LOCK_ENDPOINTS, taken in order), so that a fold key never gets two alerts and a
 * verdict never counts twice. An alert that changes is locked as a row, which keeps a person's patch
 * and a joining verdict apart. Counters are written last and in order: no two transactions wait for
 * each other.
 */
#define ACTOR_SERVICE LG_STR("system:alerts")
#define TRIES 3

int lg_pg_tenant_add(struct lg_pg_tx *tx, struct lg_str tenant)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx, "SELECT 1 FROM tenant_refs WHERE tenant=$1");
    lg_pg_q_str(&q, tenant);
    rc = lg_pg_q_step(&q);
    lg_pg_q_done(&q);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    lg_pg_q_open(&q, tx, "INSERT INTO tenant_refs VALUES($1,$2) ON CONFLICT DO NOTHING");
    lg_pg_q_str(&q, tenant);
    lg_pg_q_bool(&q, lg_tenant_valid(tenant));
    return lg_pg_q_run(&q) < 0 ? q.rc : 0;
}

/* hostname and platform follow the newest verdict. */
static int endpoint_put(struct lg_pg_tx *tx, const struct lg_inference *in)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx,
            "INSERT INTO endpoints(tenant, endpoint, hostname, platform) VALUES($1,$2,$3,$4)"
            " ON CONFLICT(tenant, endpoint) DO UPDATE SET hostname=excluded.hostname,"
            " platform=excluded.platform");
    lg_pg_q_str(&q, in->tenant_id);
    lg_pg_q_str(&q, in->endpoint_id);
    lg_pg_q_str(&q, in->hostname);
    lg_pg_q_str(&q, in->platform);
    return lg_pg_q_post(&q);
}

static int history_add(struct lg_pg_tx *tx, const struct lg_alert *al, lg_time at,
        struct lg_str actor, const struct lg_alert_patch_step *s)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx,
            "INSERT INTO alert_history(tenant, alert, at, actor, action, was, became, notes)"
            " VALUES($1,$2,$3,$4,$5,$6,$7,$8)");
    lg_pg_q_str(&q, al->tenant_id);
    lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
    lg_pg_q_i64(&q, at);
    lg_pg_q_str(&q, actor);
    lg_pg_q_str(&q, lg_str_z(s->action));
    lg_pg_q_str(&q, s->from);
    lg_pg_q_str(&q, s->to);
    lg_pg_q_str(&q, s->notes);
    return lg_pg_q_post(&q);
}

int lg_pg_outbox_add(struct lg_pg_tx *tx, const struct lg_alert *al, const char *change)
{
    struct lg_buf json;
    struct lg_pg_q q;
    int rc;

    lg_buf_init(&json, 4u << 20);
    lg_alert_write(al, &json);
    rc = json.failed;
    if (rc == 0) {
        lg_pg_q_open(
                &q, tx, "INSERT INTO outbox(tenant, endpoint, change, json) VALUES($1,$2,$3,$4)");
        lg_pg_q_str(&q, al->tenant_id);
        lg_pg_q_str(&q, al->endpoint_id);
        lg_pg_q_str(&q, lg_str_z(change));
        lg_pg_q_str(&q, lg_buf_str(&json));
        rc = lg_pg_q_post(&q);
    }
    lg_buf_done(&json);
    return rc;
}

static int technique_put(
        struct lg_pg_tx *tx, const struct lg_alert *al, struct lg_str technique, bool exact)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx,
            "INSERT INTO alert_techniques AS x VALUES($1,$2,$3,$4) ON CONFLICT(tenant, technique,"
            " alert) DO UPDATE SET exact=true WHERE excluded.exact AND NOT x.exact");
    lg_pg_q_str(&q, al->tenant_id);
    lg_pg_q_str(&q, technique);
    lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
    lg_pg_q_bool(&q, exact);
    return lg_pg_q_post(&q);
}

/* Techniques of `al` and their parents; those that are there stay. */
static int put_techniques(struct lg_pg_tx *tx, const struct lg_alert *al)
{
    struct lg_str rest = al->techniques, t;
    int rc = 0;

    while (rc >= 0 && lg_technique_next(&rest, &t)) {
        rc = technique_put(tx, al, t, true);
        if (rc >= 0 && t.n > LG_TECHNIQUE_PARENT)
            rc = technique_put(tx, al, lg_str_sub(t, 0, LG_TECHNIQUE_PARENT), false);
    }
    return rc;
}

static int put_text(struct lg_pg_tx *tx, const struct lg_alert *al)
{
    struct lg_buf text;
    struct lg_pg_q q;
    int rc;

    lg_buf_init(&text, 1u << 20);
    lg_alert_text(al, &text);
    rc = text.failed;
    if (rc == 0) {
        lg_pg_q_open(&q, tx,
                "INSERT INTO alert_texts VALUES($1,$2,$3) ON CONFLICT(alert) DO UPDATE SET"
                " text=excluded.text");
        lg_pg_q_str(&q, al->tenant_id);
        lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
        lg_pg_q_blob(&q, text.p, text.n);
        rc = lg_pg_q_post(&q);
    }
    lg_buf_done(&text);
    return rc;
}

static int count_add(struct lg_pg_tx *tx, struct lg_str tenant, int64_t status, int64_t n)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx,
            "INSERT INTO alert_counts AS c VALUES($1,$2,$3) ON CONFLICT(tenant, status) DO UPDATE"
            " SET n=c.n+excluded.n");
    lg_pg_q_str(&q, tenant);
    lg_pg_q_i64(&q, status);
    lg_pg_q_i64(&q, n);
    return lg_pg_q_post(&q);
}

static int insert_alert(struct lg_pg_tx *tx, const struct lg_alert *al)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx,
            "INSERT INTO alerts(id, alert_id, tenant, endpoint, status, severity, attack_prob,"
            " first_seen, last_seen, received_at, created_at, updated_at, occurrences, version,"
            " fold_key, first_inference, last_inference, previous, recurrence, assignee,"
            " resolved_by, techniques, title, process, process_guid, process_hash, \"user\","
            " analyst_notes, description, evidence) VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,"
            "$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30)");
    lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
    lg_pg_q_uuid(&q, &al->alert_id);
    lg_pg_q_str(&q, al->tenant_id);
    lg_pg_q_str(&q, al->endpoint_id);
    lg_pg_q_i64(&q, al->status);
    lg_pg_q_i64(&q, al->severity);
    lg_pg_q_f64(&q, al->attack_prob);
    lg_pg_q_i64(&q, al->first_seen);
    lg_pg_q_i64(&q, al->last_seen);
    lg_pg_q_i64(&q, al->received_at);
    lg_pg_q_i64(&q, al->created_at);
    lg_pg_q_i64(&q, al->updated_at);
    lg_pg_q_i64(&q, (int64_t)al->occurrences);
    lg_pg_q_i64(&q, (int64_t)al->version);
    lg_pg_q_str(&q, al->fold_key);
    lg_pg_q_uuid(&q, &al->first_inference_id);
    lg_pg_q_uuid(&q, &al->last_inference_id);
    if (al->has_previous)
        lg_pg_q_uuid(&q, &al->previous_alert_id);
    else
        lg_pg_q_null(&q, 17); /* bytea */
    lg_pg_q_bool(&q, al->recurrence_of_false_positive);
    lg_pg_q_str_null(&q, al->assignee);
    lg_pg_q_str_null(&q, al->resolved_by);
    lg_pg_q_str(&q, al->techniques);
    lg_pg_q_str(&q, al->title);
    lg_pg_q_str(&q, al->process);
    lg_pg_q_str(&q, al->process_guid);
    lg_pg_q_str(&q, al->process_hash);
    lg_pg_q_str(&q, al->user);
    lg_pg_q_str(&q, al->analyst_notes);
    lg_pg_q_str(&q, al->description);
    lg_pg_q_str(&q, al->evidence);
    return lg_pg_q_post(&q);
}

/* `face_changed`: what a verdict brings, and not only what a person changes. */
static int update_face(struct lg_pg_tx *tx, const struct lg_alert *al)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx,
            "UPDATE alerts SET techniques=$2, title=$3, process=$4, process_guid=$5,"
            " process_hash=$6, \"user\"=$7, description=$8, evidence=$9 WHERE id=$1");
    lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
    lg_pg_q_str(&q, al->techniques);
    lg_pg_q_str(&q, al->title);
    lg_pg_q_str(&q, al->process);
    lg_pg_q_str(&q, al->process_guid);
    lg_pg_q_str(&q, al->process_hash);
    lg_pg_q_str(&q, al->user);
    lg_pg_q_str(&q, al->description);
    lg_pg_q_str(&q, al->evidence);
    return lg_pg_q_post(&q) < 0 ? q.rc : put_techniques(tx, al);
}

static int update_alert(struct lg_pg_tx *tx, const struct lg_alert *al, bool face_changed)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx,
            "UPDATE alerts SET status=$2, severity=$3, attack_prob=$4, first_seen=$5, last_seen=$6,"
            " received_at=$7, updated_at=$8, occurrences=$9, version=$10, last_inference=$11,"
            " assignee=$12, resolved_by=$13, analyst_notes=$14 WHERE id=$1");
    lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
    lg_pg_q_i64(&q, al->status);
    lg_pg_q_i64(&q, al->severity);
    lg_pg_q_f64(&q, al->attack_prob);
    lg_pg_q_i64(&q, al->first_seen);
    lg_pg_q_i64(&q, al->last_seen);
    lg_pg_q_i64(&q, al->received_at);
    lg_pg_q_i64(&q, al->updated_at);
    lg_pg_q_i64(&q, (int64_t)al->occurrences);
    lg_pg_q_i64(&q, (int64_t)al->version);
    lg_pg_q_uuid(&q, &al->last_inference_id);
    lg_pg_q_str_null(&q, al->assignee);
    lg_pg_q_str_null(&q, al->resolved_by);
    lg_pg_q_str(&q, al->analyst_notes);
    rc = lg_pg_q_post(&q);
    if (rc >= 0 && face_changed)
        rc = update_face(tx, al);
    return rc < 0 ? rc : put_text(tx, al);
}

#define INFERENCE_PUT                                                                              \
    "INSERT INTO alert_inferences(tenant, alert, inference, window_end, attack_prob, at)"          \
    " VALUES($1,$2,$3,$4,$5,$6)"

/* occurrences: the number of rows, never a sum, so that what comes twice is counted once. A
 * statement does not see the row that it puts in; a new alert has that one only. */
static int add_inference(struct lg_pg_tx *tx, struct lg_alert *al, const struct lg_inference *in,
        lg_time now, bool is_new)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx,
            is_new ? INFERENCE_PUT
                   : "WITH put AS (" INFERENCE_PUT ") SELECT count(*)+1 FROM alert_inferences"
                     " WHERE alert=$2");
    lg_pg_q_str(&q, al->tenant_id);
    lg_pg_q_i64(&q, lg_id_key(&al->alert_id));
    lg_pg_q_uuid(&q, &in->inference_id);
    lg_pg_q_i64(&q, in->window_end);
    lg_pg_q_f64(&q, in->attack_prob);
    lg_pg_q_i64(&q, now);
    if (is_new)
        return lg_pg_q_post(&q);
    rc = lg_pg_q_step(&q);
    if (rc > 0)
        al->occurrences = (uint64_t)lg_pg_q_col_i64(&q, 0);
    lg_pg_q_done(&q);
    return rc < 0 ? rc : 0;
}

/* ---- applying verdicts ---- */

struct tenant_sum {
    struct lg_str tenant;
    int64_t created;
};

struct applying {
    struct lg_pg_tx tx;
    int64_t gap;
    lg_time now;
    struct lg_arena a;                 /* of one item */
    LG_VEC(struct tenant_sum) tenants; /* by name */
    struct lg_map doubtful;            /* hash of an inference -> whether it may be there already */
    LG_VEC(int64_t) locks;             /* ascending */
    struct lg_arena rule_arena;
    struct lg_str rules_of; /* the tenant whose rules those are */
    bool has_rules;
    struct lg_suppression *rules;
    uint32_t n_rules;
};

static uint64_t inference_key(const struct lg_uuid *id)
{
    return lg_hash64(id->b, sizeof(id->b), lg_hash_secret());
}

/* Which verdicts of the batch are stored already or come more than once in it: the others need not
 * be asked for one by one. */
static int find_doubtful(struct applying *ap, const struct lg_apply *items, size_t n)
{
    struct lg_buf list;
    struct lg_pg_q q;
    int rc = 0;

    lg_buf_init(&list, 4u << 20);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const struct lg_uuid *id = &items[i].in->inference_id;
        char text[LG_UUID_TEXT + 1];
        uint64_t *times;

        if (items[i].in->prediction != LG_INFERENCE_ATTACK)
            continue;
        times = lg_map_at(&ap->doubtful, inference_key(id), 0, &(bool){false});
        if (times == NULL)
            rc = LG_ENOMEM;
        else
            ++*times;
        lg_uuid_text(id, text);
        lg_buf_printf(&list, list.n == 0 ? "%s" : ",%s", text);
    }
    lg_pg_q_open(&q, &ap->tx,
            "WITH x AS (SELECT decode(replace(h, '-', ''), 'hex') id FROM"
            " unnest(string_to_array($1,',')) h) SELECT i.inference FROM x JOIN alert_inferences i"
            " ON i.inference=x.id UNION SELECT s.inference FROM x JOIN suppression_hits s ON"
            " s.inference=x.id");
    lg_pg_q_str(&q, lg_buf_str(&list));
    rc = rc < 0 ? rc : list.failed;
    while (rc >= 0 && (rc = lg_pg_q_step(&q)) > 0) {
        struct lg_uuid id;

        rc = lg_pg_q_col_fixed(&q, 0, id.b, sizeof(id.b));
        if (rc >= 0)
            rc = lg_map_put(&ap->doubtful, inference_key(&id), 2);
    }
    lg_pg_q_done(&q);
    lg_buf_done(&list);
    return rc;
}

static bool is_doubtful(const struct applying *ap, const struct lg_inference *in)
{
    const uint64_t *times = lg_map_get(&ap->doubtful, inference_key(&in->inference_id));

    return times == NULL || *times > 1;
}

/* 1 when this verdict was applied before; *it says how. */
static int applied_before(struct lg_pg_tx *tx, struct lg_apply *it)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx,
            "SELECT a.alert_id FROM alert_inferences i JOIN alerts a ON a.id=i.alert"
            " WHERE i.inference=$1 UNION ALL SELECT NULL FROM suppression_hits WHERE inference=$1");
    lg_pg_q_uuid(&q, &it->in->inference_id);
    rc = lg_pg_q_step(&q);
    if (rc > 0) {
        bool hidden = lg_pg_q_col_null(&q, 0);

        it->ret_result = hidden ? LG_APPLY_SUPPRESSED : LG_APPLY_DUPLICATE;
        if (!hidden && lg_pg_q_col_fixed(&q, 0, it->ret_alert_id.b, LG_UUID_BYTES) < 0)
            rc = LG_ECORRUPT;
    }
    lg_pg_q_done(&q);
    return rc;
}

static int suppressed(struct applying *ap, struct lg_apply *it)
{
    const struct lg_suppression *s = NULL;
    struct lg_buf title;
    struct lg_pg_q q;
    int rc;

    for (uint32_t i = 0; s == NULL && i < ap->n_rules; i++)
        if (lg_suppression_hides(&ap->rules[i], it->in, ap->now))
            s = &ap->rules[i];
    if (s == NULL)
        return 0;
    lg_buf_init(&title, 4096);
    lg_alert_title(it->in, &title);
    lg_pg_q_open(&q, &ap->tx,
            "INSERT INTO suppression_hits(tenant, inference, suppression, endpoint, title,"
            " attack_prob, window_end, at) SELECT tenant, $1, seq, $3, $4, $5, $6, $7 FROM"
            " suppressions WHERE suppression_id=$2");
    lg_pg_q_uuid(&q, &it->in->inference_id);
    lg_pg_q_uuid(&q, &s->suppression_id);
    lg_pg_q_str(&q, it->in->endpoint_id);
    lg_pg_q_str(&q, lg_buf_str(&title));
    lg_pg_q_f64(&q, it->in->attack_prob);
    lg_pg_q_i64(&q, it->in->window_end);
    lg_pg_q_i64(&q, ap->now);
    rc = title.failed;
    if (rc == 0)
        rc = lg_pg_q_post(&q) < 0 ? q.rc : 1;
    lg_buf_done(&title);
    it->ret_result = LG_APPLY_SUPPRESSED;
    return rc;
}

/*
 * The alert that the verdict concerns: an active one that it may join, else the latest in event
 * time. `created_at` would not do: all of a batch share it. 1 when there is any; it is locked.
 */
#define FOLD_CANDIDATES 16
static int candidate(struct applying *ap, const struct lg_fold_key *key,
        const struct lg_inference *in, struct lg_alert *ret)
{
    bool found = false, joins = false;
    struct lg_alert al;
    struct lg_pg_q q;
    int rc = 0;

    lg_pg_q_open(&q, &ap->tx,
            "SELECT " LG_PG_ALERT_COLUMNS LG_PG_ALERT_FROM
            "WHERE a.tenant=$1 AND a.fold_key=$2 ORDER BY a.last_seen DESC, a.created_at DESC,"
            " a.id LIMIT $3 FOR UPDATE OF a");
    lg_pg_q_str(&q, in->tenant_id);
    lg_pg_q_str(&q, lg_str_of(key->text, LG_FOLD_KEY_TEXT));
    lg_pg_q_i64(&q, FOLD_CANDIDATES);
    while (!joins && (rc = lg_pg_q_step(&q)) > 0) {
        rc = lg_pg_alert_read(&q, &ap->a, &al);
        if (rc < 0)
            break;
        joins = lg_fold_decide(&al, in, ap->gap).action == LG_FOLD_JOIN;
        if (!found || joins)
            *ret = al;
        found = true;
    }
    lg_pg_q_done(&q);
    return rc < 0 ? rc : found;
}

static int join_alert(struct applying *ap, struct lg_alert *al, struct lg_apply *it)
{
    enum lg_severity was = al->severity;
    int rc = lg_fold_join(al, it->in, ap->now, &ap->a);

    if (rc >= 0)
        rc = add_inference(&ap->tx, al, it->in, ap->now, false);
    if (rc >= 0)
        rc = update_alert(&ap->tx, al, true);
    if (rc >= 0 && al->severity != was) {
        struct lg_alert_patch_step s = {"severity", lg_str_z(lg_severity_name(was)),
                lg_str_z(lg_severity_name(al->severity)), LG_STR("")};

        rc = history_add(&ap->tx, al, ap->now, ACTOR_SERVICE, &s);
    }
    if (rc >= 0)
        rc = lg_pg_outbox_add(&ap->tx, al, "folded");
    it->ret_result = LG_APPLY_JOINED;
    it->ret_alert_id = al->alert_id;
    return rc;
}

static int new_alert(struct applying *ap, const struct lg_fold_key *fold,
        const struct lg_fold_decision *d, const struct lg_alert *before, struct lg_apply *it)
{
    const struct lg_alert_patch_step step = {"created", LG_STR(""), LG_STR("open"), LG_STR("")};
    struct lg_alert al;
    int rc = lg_fold_open(it->in, fold, ap->now, &ap->a, &al);

    if (rc < 0)
        return rc;
    if (d->linked) {
        al.has_previous = true;
        al.previous_alert_id = before->alert_id;
        al.recurrence_of_false_positive = d->recurrence;
    }
    rc = endpoint_put(&ap->tx, it->in);
    if (rc >= 0)
        rc = insert_alert(&ap->tx, &al);
    if (rc >= 0)
        rc = put_techniques(&ap->tx, &al);
    if (rc >= 0)
        rc = put_text(&ap->tx, &al);
    if (rc >= 0)
        rc = add_inference(&ap->tx, &al, it->in, ap->now, true);
    if (rc >= 0)
        rc = history_add(&ap->tx, &al, ap->now, ACTOR_SERVICE, &step);
    if (rc >= 0)
        rc = lg_pg_outbox_add(&ap->tx, &al, "created");
    for (size_t i = 0; i < ap->tenants.n; i++)
        ap->tenants.v[i].created += lg_str_eq(ap->tenants.v[i].tenant, it->in->tenant_id);
    it->ret_result = LG_APPLY_CREATED;
    it->ret_alert_id = al.alert_id;
    return rc;
}

static int read_rules(struct applying *ap, struct lg_str tenant)
{
    int rc;

    if (ap->has_rules && lg_str_eq(ap->rules_of, tenant))
        return 0;
    lg_arena_clear(&ap->rule_arena);
    ap->has_rules = false;
    rc = lg_pg_suppressions_active(
            &ap->tx, tenant, ap->now, &ap->rule_arena, &ap->rules, &ap->n_rules);
    ap->rules_of = tenant;
    ap->has_rules = rc >= 0;
    return rc;
}

static int apply_one(struct applying *ap, struct lg_apply *it)
{
    struct lg_fold_decision d;
    struct lg_fold_key fold;
    struct lg_alert latest = {0};
    int rc, found;

    it->ret_result = LG_APPLY_NONE;
    if (it->in->prediction != LG_INFERENCE_ATTACK)
        return 0;
    rc = is_doubtful(ap, it->in) ? applied_before(&ap->tx, it) : 0;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = read_rules(ap, it->in->tenant_id);
    if (rc >= 0)
        rc = suppressed(ap, it);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    lg_fold_key_of(it->in, &fold);
    found = candidate(ap, &fold, it->in, &latest);
    if (found < 0)
        return found;
    d = lg_fold_decide(found > 0 ? &latest : NULL, it->in, ap->gap);
    if (d.action == LG_FOLD_JOIN)
        return join_alert(ap, &latest, it);
    return new_alert(ap, &fold, &d, &latest, it);
}

static int by_number(const void *pa, const void *pb)
{
    const int64_t *a = pa, *b = pb;

    return *a < *b ? -1 : *a > *b;
}

static int by_tenant(const void *pa, const void *pb)
{
    const struct tenant_sum *a = pa, *b = pb;

    return lg_str_cmp(a->tenant, b->tenant);
}

/* Tenants and endpoints of the batch, each once, in order. */
static int look_through(struct applying *ap, const struct lg_apply *items, size_t n)
{
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const struct lg_inference *in = items[i].in;
        uint64_t h = lg_hash_str(in->endpoint_id, lg_hash_str(in->tenant_id, 3));
        bool known = false;

        if (in->prediction != LG_INFERENCE_ATTACK)
            continue;
        for (size_t k = 0; !known && k < ap->tenants.n; k++)
            known = lg_str_eq(ap->tenants.v[k].tenant, in->tenant_id);
        if (!known)
            rc = lg_vec_push(&ap->tenants, (struct tenant_sum){.tenant = in->tenant_id});
        if (rc >= 0)
            rc = lg_vec_push(&ap->locks,
                    ap->tx.pg->lock_base + LG_PG_LOCK_ENDPOINT +
                            (int64_t)(h % LG_PG_LOCK_ENDPOINTS));
    }
    if (rc < 0 || ap->locks.n == 0)
        return rc;
    qsort(ap->tenants.v, ap->tenants.n, sizeof(*ap->tenants.v), by_tenant);
    qsort(ap->locks.v, ap->locks.n, sizeof(*ap->locks.v), by_number);
    for (size_t i = 1; i < ap->locks.n; i++)
        if (ap->locks.v[i] != ap->locks.v[kept])
            ap->locks.v[++kept] = ap->locks.v[i];
    ap->locks.n = kept + 1;
    return 0;
}

static int take_locks(struct applying *ap)
{
    struct lg_buf list;
    struct lg_pg_q q;
    int rc;

    lg_buf_init(&list, 1u << 16);
    for (size_t i = 0; i < ap->locks.n; i++)
        lg_buf_printf(&list, i == 0 ? "%lld" : ",%lld", (long long)ap->locks.v[i]);
    lg_pg_q_open(&q, &ap->tx,
            "SELECT pg_advisory_xact_lock(k) FROM (SELECT k::bigint FROM"
            " unnest(string_to_array($1,',')) WITH ORDINALITY x(k, at) ORDER BY at OFFSET 0) y");
    lg_pg_q_str(&q, lg_buf_str(&list));
    rc = list.failed;
    if (rc >= 0)
        rc = lg_pg_q_run(&q) < 0 ? q.rc : 0;
    lg_buf_done(&list);
    return rc;
}

static int apply_all(struct applying *ap, struct lg_apply *items, size_t n)
{
    int rc = look_through(ap, items, n);

    for (size_t i = 0; rc >= 0 && i < ap->tenants.n; i++)
        rc = lg_pg_tenant_add(&ap->tx, ap->tenants.v[i].tenant);
    if (rc >= 0 && ap->locks.n > 0)
        rc = take_locks(ap);
    if (rc >= 0 && ap->locks.n > 0)
        rc = find_doubtful(ap, items, n);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        rc = apply_one(ap, &items[i]);
        lg_arena_clear(&ap->a);
        lg_arena_clear(&ap->tx.scratch);
    }
    for (size_t i = 0; rc >= 0 && i < ap->tenants.n; i++)
        if (ap->tenants.v[i].created > 0)
            rc = count_add(
                    &ap->tx, ap->tenants.v[i].tenant, LG_ALERT_OPEN, ap->tenants.v[i].created);
    return rc;
}

static int apply_once(struct lg_pg *pg, struct lg_apply *items, size_t n, int64_t gap, lg_time now,
        char told[200])
{
    struct applying ap = {.gap = gap, .now = now};
    int rc = lg_pg_begin_all(&ap.tx, pg, true);

    if (rc < 0)
        return rc;
    lg_arena_init(&ap.a, 64u << 20);
    lg_arena_init(&ap.rule_arena, 64u << 20);
    lg_map_init(&ap.doubtful);
    rc = apply_all(&ap, items, n);
    if (rc < 0)
        memcpy(told, ap.tx.c->told, 200);
    lg_arena_done(&ap.a);
    lg_arena_done(&ap.rule_arena);
    lg_vec_done(&ap.tenants);
    lg_vec_done(&ap.locks);
    lg_map_done(&ap.doubtful);
    return lg_pg_end(&ap.tx, rc);
}

int lg_pg_alert_apply(struct lg_alert_store *st, struct lg_apply *items, size_t n,
        int64_t fold_gap_ns, lg_time now, struct lg_err *reterr)
{
    char told[200] = "";
    int rc = LG_EAGAIN;

    for (int i = 0; rc == LG_EAGAIN && i < TRIES; i++)
        rc = apply_once(lg_pg_of(st)->pg, items, n, fold_gap_ns, now, told);
    if (rc < 0)
        return lg_err_set(reterr, rc, "PostgreSQL: %s%s%s", lg_err_name(rc),
                told[0] != '\0' ? ": " : "", told);
    return 0;
}

/* ---- patches ---- */

/* -1 where it was and +1 where it is, in the counters' order. */
static int recount(struct lg_pg_tx *tx, struct lg_str tenant, int was, int is)
{
    int rc = was == is ? 0 : count_add(tx, tenant, was < is ? was : is, was < is ? -1 : 1);

    return rc < 0 || was == is ? rc : count_add(tx, tenant, was < is ? is : was, was < is ? 1 : -1);
}

static int patch_locked(struct lg_pg_tx *tx, const struct lg_uuid *id,
        const struct lg_alert_patch *p, struct lg_arena *a, struct lg_alert *ret,
        unsigned *reterr_steps)
{
    struct lg_alert_patch_step steps[LG_ALERT_PATCH_STEPS];
    struct lg_alert al;
    unsigned n;
    int rc = lg_pg_alert_row_get(tx, id, true, a, &al), was;

    if (rc < 0)
        return rc;
    *ret = al;
    was = (int)al.status;
    rc = lg_alert_patch_allowed(p, &al, reterr_steps);
    if (rc < 0 || !lg_alert_patch_take(p, &al, steps, &n))
        return rc;
    for (unsigned i = 0; rc >= 0 && i < n; i++)
        rc = history_add(tx, &al, p->now, p->actor, &steps[i]);
    al.updated_at = p->now;
    al.version++;
    if (rc >= 0)
        rc = update_alert(tx, &al, false);
    if (rc >= 0)
        rc = lg_pg_outbox_add(tx, &al, "updated");
    if (rc >= 0)
        rc = recount(tx, al.tenant_id, was, (int)al.status);
    if (rc >= 0)
        *ret = al;
    return rc;
}

int lg_pg_alert_patch(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, const struct lg_alert_patch *p, struct lg_arena *a,
        struct lg_alert *ret, unsigned *reterr_steps)
{
    struct lg_alert_patch own;
    struct lg_pg_tx tx;
    int rc;

    *reterr_steps = 0;
    rc = lg_alert_patch_own(p, a, &own);
    if (rc < 0)
        return rc;
    rc = LG_EAGAIN;
    for (int i = 0; rc == LG_EAGAIN && i < TRIES; i++) {
        rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, true, sc, LG_STR(""));
        if (rc == 0)
            return LG_ENOENT;
        if (rc > 0)
            rc = lg_pg_end(&tx, patch_locked(&tx, id, &own, a, ret, reterr_steps));
    }
    return rc < 0 ? rc : 0;
}

#include <string.h>

#include "base/mem.h"
#include "store/alert_common.h"
#include "store/alert_techniques.h"
#include "store/sqlite_alert_int.h"

#define ACTOR_SERVICE LG_STR("system:alerts")
#define NEXT_CHANGE "(SELECT coalesce(max(change), 0)+1 FROM alerts)"

int lg_tenant_ref(struct lg_conn *c, struct lg_str tenant, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, "SELECT ref FROM tenant_refs WHERE tenant=?1");
    lg_q_str(&q, tenant);
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    lg_q_open(&q, c, "INSERT INTO tenant_refs(tenant) VALUES(?1)");
    lg_q_str(&q, tenant);
    rc = lg_q_run(&q);
    if (rc >= 0)
        *ret = sqlite3_last_insert_rowid(c->db);
    return rc;
}

/* hostname and platform follow the newest verdict. */
static int endpoint_ref(
        struct lg_conn *c, int64_t tenant, const struct lg_inference *in, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "INSERT INTO endpoints(tenant, endpoint, hostname, platform) VALUES(?1,?2,?3,?4)"
            " ON CONFLICT(tenant, endpoint) DO UPDATE SET hostname=excluded.hostname,"
            " platform=excluded.platform RETURNING ref");
    lg_q_i64(&q, tenant);
    lg_q_str(&q, in->endpoint_id);
    lg_q_str(&q, in->hostname);
    lg_q_str(&q, in->platform);
    rc = lg_q_step(&q);
    if (rc > 0) {
        *ret = lg_q_col_i64(&q, 0);
        rc = lg_q_step(&q);
    }
    lg_q_done(&q);
    return rc;
}

int lg_alert_history_add(struct lg_conn *c, int64_t key, lg_time at, struct lg_str actor,
        const char *action, struct lg_str from, struct lg_str to, struct lg_str notes)
{
    struct lg_q q;

    lg_q_open(&q, c,
            "INSERT INTO alert_history(alert, at, actor, action, was, became, notes)"
            " VALUES(?1,?2,?3,?4,?5,?6,?7)");
    lg_q_i64(&q, key);
    lg_q_i64(&q, at);
    lg_q_str(&q, actor);
    lg_q_str(&q, lg_str_z(action));
    lg_q_str(&q, from);
    lg_q_str(&q, to);
    lg_q_str(&q, notes);
    return lg_q_run(&q);
}

int lg_alert_outbox(
        struct lg_conn *c, int64_t tenant, const struct lg_alert *al, const char *change)
{
    struct lg_buf json;
    struct lg_q q;
    int rc;

    lg_buf_init(&json, 4u << 20);
    lg_alert_write(al, &json);
    rc = json.failed;
    if (rc == 0) {
        lg_q_open(&q, c, "INSERT INTO outbox(tenant, endpoint, change, json) VALUES(?1,?2,?3,?4)");
        lg_q_i64(&q, tenant);
        lg_q_str(&q, al->endpoint_id);
        lg_q_str(&q, lg_str_z(change));
        lg_q_str(&q, lg_buf_str(&json));
        rc = lg_q_run(&q);
    }
    lg_buf_done(&json);
    return rc;
}

/* Techniques of `al` and their parents; those that are there stay. */
static int put_techniques(struct lg_conn *c, int64_t key, int64_t tenant, const struct lg_alert *al)
{
    struct lg_str rest = al->techniques, t;
    struct lg_q q;
    int rc = 0;

    while (rc >= 0 && lg_technique_next(&rest, &t)) {
        lg_q_open(&q, c, "INSERT OR IGNORE INTO alert_techniques VALUES(?1,?2,?3),(?1,?4,?3)");
        lg_q_i64(&q, tenant);
        lg_q_str(&q, t);
        lg_q_i64(&q, key);
        lg_q_str(&q, lg_str_sub(t, 0, LG_TECHNIQUE_PARENT));
        rc = lg_q_run(&q);
    }
    return rc;
}

static int put_text(struct lg_conn *c, int64_t key, int64_t tenant, const struct lg_alert *al)
{
    struct lg_buf text;
    struct lg_q q;
    int rc;

    lg_buf_init(&text, 1u << 20);
    lg_alert_text(al, &text);
    rc = text.failed;
    if (rc == 0) {
        lg_q_open(&q, c, "INSERT OR REPLACE INTO alert_texts VALUES(?1,?2,?3)");
        lg_q_i64(&q, tenant);
        lg_q_i64(&q, key);
        lg_q_str(&q, lg_buf_str(&text));
        rc = lg_q_run(&q);
    }
    lg_buf_done(&text);
    return rc;
}

static int insert_alert(
        struct lg_conn *c, int64_t key, int64_t tenant, int64_t endpoint, const struct lg_alert *al)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "INSERT INTO alerts(id, alert_id, tenant, endpoint, status, severity, attack_prob,"
            " first_seen, last_seen, received_at, created_at, updated_at, occurrences, version,"
            " fold_key, first_inference, last_inference, previous, recurrence, assignee,"
            " resolved_by, techniques, title, process, process_guid, process_hash, user,"
            " analyst_notes, description, evidence, change) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,"
            "?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?"
            "30," NEXT_CHANGE ")");
    lg_q_i64(&q, key);
    lg_q_uuid(&q, &al->alert_id);
    lg_q_i64(&q, tenant);
    lg_q_i64(&q, endpoint);
    lg_q_i64(&q, al->status);
    lg_q_i64(&q, al->severity);
    lg_q_f64(&q, al->attack_prob);
    lg_q_i64(&q, al->first_seen);
    lg_q_i64(&q, al->last_seen);
    lg_q_i64(&q, al->received_at);
    lg_q_i64(&q, al->created_at);
    lg_q_i64(&q, al->updated_at);
    lg_q_i64(&q, (int64_t)al->occurrences);
    lg_q_i64(&q, (int64_t)al->version);
    lg_q_str(&q, al->fold_key);
    lg_q_uuid(&q, &al->first_inference_id);
    lg_q_uuid(&q, &al->last_inference_id);
    if (al->has_previous)
        lg_q_uuid(&q, &al->previous_alert_id);
    else
        lg_q_null(&q);
    lg_q_i64(&q, al->recurrence_of_false_positive);
    lg_q_str_null(&q, al->assignee);
    lg_q_str_null(&q, al->resolved_by);
    lg_q_str(&q, al->techniques);
    lg_q_str(&q, al->title);
    lg_q_str(&q, al->process);
    lg_q_str(&q, al->process_guid);
    lg_q_str(&q, al->process_hash);
    lg_q_str(&q, al->user);
    lg_q_str(&q, al->analyst_notes);
    lg_q_str(&q, al->description);
    lg_q_str(&q, al->evidence);
    rc = lg_q_run(&q);
    if (rc >= 0)
        rc = put_techniques(c, key, tenant, al);
    return rc < 0 ? rc : put_text(c, key, tenant, al);
}

int lg_alert_row_update(struct lg_conn *c, int64_t key, int64_t tenant, const struct lg_alert *al,
        bool face_changed)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "UPDATE alerts SET status=?2, severity=?3, attack_prob=?4, first_seen=?5, last_seen=?6,"
            " received_at=?7, updated_at=?8, occurrences=?9, version=?10, last_inference=?11,"
            " assignee=?12, resolved_by=?13, analyst_notes=?14, change=" NEXT_CHANGE
            " WHERE id=?1");
    lg_q_i64(&q, key);
    lg_q_i64(&q, al->status);
    lg_q_i64(&q, al->severity);
    lg_q_f64(&q, al->attack_prob);
    lg_q_i64(&q, al->first_seen);
    lg_q_i64(&q, al->last_seen);
    lg_q_i64(&q, al->received_at);
    lg_q_i64(&q, al->updated_at);
    lg_q_i64(&q, (int64_t)al->occurrences);
    lg_q_i64(&q, (int64_t)al->version);
    lg_q_uuid(&q, &al->last_inference_id);
    lg_q_str_null(&q, al->assignee);
    lg_q_str_null(&q, al->resolved_by);
    lg_q_str(&q, al->analyst_notes);
    rc = lg_q_run(&q);
    if (rc >= 0 && face_changed) {
        lg_q_open(&q, c,
                "UPDATE alerts SET techniques=?2, title=?3, process=?4, process_guid=?5,"
                " process_hash=?6, user=?7, description=?8, evidence=?9 WHERE id=?1");
        lg_q_i64(&q, key);
        lg_q_str(&q, al->techniques);
        lg_q_str(&q, al->title);
        lg_q_str(&q, al->process);
        lg_q_str(&q, al->process_guid);
        lg_q_str(&q, al->process_hash);
        lg_q_str(&q, al->user);
        lg_q_str(&q, al->description);
        lg_q_str(&q, al->evidence);
        rc = lg_q_run(&q);
        if (rc >= 0)
            rc = put_techniques(c, key, tenant, al);
    }
    return rc < 0 ? rc : put_text(c, key, tenant, al);
}

static int add_inference(struct lg_conn *c, int64_t key, const struct lg_inference *in, lg_time now)
{
    struct lg_q q;

    lg_q_open(&q, c,
            "INSERT INTO alert_inferences(alert, inference, window_end, attack_prob, at)"
            " VALUES(?1,?2,?3,?4,?5)");
    lg_q_i64(&q, key);
    lg_q_uuid(&q, &in->inference_id);
    lg_q_i64(&q, in->window_end);
    lg_q_f64(&q, in->attack_prob);
    lg_q_i64(&q, now);
    return lg_q_run(&q);
}

/* 1 when this verdict was applied before; *ret_result and *ret_alert say how. */
static int applied_before(struct lg_conn *c, struct lg_apply *it)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "SELECT a.alert_id FROM alert_inferences i JOIN alerts a ON a.id=i.alert"
            " WHERE i.inference=?1");
    lg_q_uuid(&q, &it->in->inference_id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        rc = lg_q_col_fixed(&q, 0, it->ret_alert_id.b, LG_UUID_BYTES);
        it->ret_result = LG_APPLY_DUPLICATE;
        lg_q_done(&q);
        return rc < 0 ? rc : 1;
    }
    lg_q_done(&q);
    if (rc < 0)
        return rc;
    lg_q_open(&q, c, "SELECT 1 FROM suppression_hits WHERE inference=?1");
    lg_q_uuid(&q, &it->in->inference_id);
    rc = lg_q_step(&q);
    lg_q_done(&q);
    if (rc > 0)
        it->ret_result = LG_APPLY_SUPPRESSED;
    return rc;
}

/* Rules of one tenant, kept over the items of a batch. */
struct rules {
    int64_t tenant;
    struct lg_suppression *v;
    uint32_t n;
};

static int suppressed(struct lg_conn *c, struct lg_apply *it, const struct rules *r, lg_time now)
{
    const struct lg_suppression *s = NULL;
    struct lg_buf title;
    struct lg_q q;
    int rc;

    for (uint32_t i = 0; s == NULL && i < r->n; i++)
        if (lg_suppression_hides(&r->v[i], it->in, now))
            s = &r->v[i];
    if (s == NULL)
        return 0;
    lg_buf_init(&title, 4096);
    lg_alert_title(it->in, &title);
    lg_q_open(&q, c,
            "INSERT INTO suppression_hits(inference, suppression, endpoint, title, attack_prob,"
            " window_end, at) SELECT ?1, seq, ?3, ?4, ?5, ?6, ?7 FROM suppressions"
            " WHERE suppression_id=?2");
    lg_q_uuid(&q, &it->in->inference_id);
    lg_q_uuid(&q, &s->suppression_id);
    lg_q_str(&q, it->in->endpoint_id);
    lg_q_str(&q, lg_buf_str(&title));
    lg_q_f64(&q, it->in->attack_prob);
    lg_q_i64(&q, it->in->window_end);
    lg_q_i64(&q, now);
    rc = title.failed != 0 ? title.failed : 0;
    if (rc == 0)
        rc = lg_q_run(&q);
    else
        lg_q_done(&q);
    lg_buf_done(&title);
    it->ret_result = LG_APPLY_SUPPRESSED;
    return rc < 0 ? rc : 1;
}

/*
 * The alert that the verdict concerns: an active one that it may join, else the latest in event
 * time. `created_at` would not do: all of a batch share it. 1 when there is any.
 */
#define FOLD_CANDIDATES 16
static int candidate(struct lg_conn *c, int64_t tenant, const struct lg_fold_key *key,
        const struct lg_inference *in, int64_t gap, struct lg_arena *a, struct lg_alert *ret,
        int64_t *ret_key)
{
    bool found = false, joins = false;
    struct lg_alert al;
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "SELECT " LG_ALERT_COLUMNS LG_ALERT_FROM
            "WHERE a.tenant=?1 AND a.fold_key=?2 ORDER BY a.last_seen DESC,"
            " a.created_at DESC, a.id LIMIT ?3");
    lg_q_i64(&q, tenant);
    lg_q_str(&q, lg_str_of(key->text, LG_FOLD_KEY_TEXT));
    lg_q_i64(&q, FOLD_CANDIDATES);
    while (!joins && (rc = lg_q_step(&q)) > 0) {
        rc = lg_alert_row_read(&q, a, &al);
        if (rc < 0)
            break;
        joins = lg_fold_decide(&al, in, gap).action == LG_FOLD_JOIN;
        if (!found || joins) {
            *ret = al;
            *ret_key = lg_q_col_i64(&q, LG_ALERT_COL_ID);
        }
        found = true;
    }
    lg_q_done(&q);
    return rc < 0 ? rc : found;
}

static int join_alert(struct lg_conn *c, int64_t tenant, int64_t key, struct lg_alert *al,
        struct lg_apply *it, lg_time now, struct lg_arena *a)
{
    enum lg_severity was = al->severity;
    struct lg_q q;
    int rc = lg_fold_join(al, it->in, now, a);

    if (rc >= 0)
        rc = add_inference(c, key, it->in, now);
    if (rc < 0)
        return rc;
    /* The number of rows, never a sum: what comes twice is counted once. */
    lg_q_open(&q, c, "SELECT count(*) FROM alert_inferences WHERE alert=?1");
    lg_q_i64(&q, key);
    rc = lg_q_step(&q);
    if (rc > 0)
        al->occurrences = (uint64_t)lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    if (rc >= 0)
        rc = lg_alert_row_update(c, key, tenant, al, true);
    if (rc >= 0 && al->severity != was)
        rc = lg_alert_history_add(c, key, now, ACTOR_SERVICE, "severity",
                lg_str_z(lg_severity_name(was)), lg_str_z(lg_severity_name(al->severity)),
                LG_STR(""));
    if (rc >= 0)
        rc = lg_alert_outbox(c, tenant, al, "folded");
    it->ret_result = LG_APPLY_JOINED;
    it->ret_alert_id = al->alert_id;
    return rc;
}

static int new_alert(struct lg_conn *c, int64_t tenant, const struct lg_fold_key *fold,
        const struct lg_fold_decision *d, const struct lg_alert *before, struct lg_apply *it,
        lg_time now, struct lg_arena *a)
{
    struct lg_alert al;
    int64_t endpoint = 0, key;
    int rc = lg_fold_open(it->in, fold, now, a, &al);

    if (rc < 0)
        return rc;
    if (d->linked) {
        al.has_previous = true;
        al.previous_alert_id = before->alert_id;
        al.recurrence_of_false_positive = d->recurrence;
    }
    key = lg_id_key(&al.alert_id);
    rc = endpoint_ref(c, tenant, it->in, &endpoint);
    if (rc >= 0)
        rc = insert_alert(c, key, tenant, endpoint, &al);
    if (rc >= 0)
        rc = add_inference(c, key, it->in, now);
    if (rc >= 0)
        rc = lg_alert_history_add(
                c, key, now, ACTOR_SERVICE, "created", LG_STR(""), LG_STR("open"), LG_STR(""));
    if (rc >= 0)
        rc = lg_alert_outbox(c, tenant, &al, "created");
    it->ret_result = LG_APPLY_CREATED;
    it->ret_alert_id = al.alert_id;
    return rc;
}

static int apply_one(struct lg_conn *c, struct lg_apply *it, struct rules *r, int64_t gap,
        lg_time now, struct lg_arena *a, struct lg_arena *rule_arena)
{
    struct lg_fold_decision d;
    struct lg_fold_key fold;
    struct lg_alert latest;
    int64_t tenant, key = 0;
    int rc, found;

    it->ret_result = LG_APPLY_NONE;
    if (it->in->prediction != LG_INFERENCE_ATTACK)
        return 0;
    rc = applied_before(c, it);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = lg_tenant_ref(c, it->in->tenant_id, &tenant);
    if (rc >= 0 && r->tenant != tenant) {
        lg_arena_clear(rule_arena);
        r->tenant = 0;
        rc = lg_suppressions_active(c, tenant, now, rule_arena, &r->v, &r->n);
        if (rc >= 0)
            r->tenant = tenant;
    }
    if (rc < 0)
        return rc;
    rc = suppressed(c, it, r, now);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    lg_fold_key_of(it->in, &fold);
    found = candidate(c, tenant, &fold, it->in, gap, a, &latest, &key);
    if (found < 0)
        return found;
    d = lg_fold_decide(found > 0 ? &latest : NULL, it->in, gap);
    if (d.action == LG_FOLD_JOIN)
        return join_alert(c, tenant, key, &latest, it, now, a);
    return new_alert(c, tenant, &fold, &d, &latest, it, now, a);
}

int lg_sqlite_alert_apply(struct lg_alert_store *st, struct lg_apply *items, size_t n,
        int64_t fold_gap_ns, lg_time now, struct lg_err *reterr)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_arena a, rule_arena;
    struct rules r = {0};
    struct lg_conn *c;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return lg_err_set(reterr, rc, "%s: %s", as->db.path, lg_err_name(rc));
    lg_arena_init(&a, 64u << 20);
    lg_arena_init(&rule_arena, 64u << 20);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        rc = apply_one(c, &items[i], &r, fold_gap_ns, now, &a, &rule_arena);
        lg_arena_clear(&a);
    }
    lg_arena_done(&a);
    lg_arena_done(&rule_arena);
    rc = lg_sdb_end(&as->db, rc);
    if (rc < 0)
        return lg_err_set(reterr, rc, "%s: %s", as->db.path, lg_err_name(rc));
    return 0;
}

/* Changes `al` by the patch and tells the history. 1: something changed. */
static int patch_fields(
        struct lg_conn *c, int64_t key, const struct lg_alert_patch *p, struct lg_alert *al)
{
    struct lg_alert_patch_step steps[LG_ALERT_PATCH_STEPS];
    unsigned n;
    bool changed = lg_alert_patch_take(p, al, steps, &n);
    int rc = 0;

    for (unsigned i = 0; rc >= 0 && i < n; i++)
        rc = lg_alert_history_add(c, key, p->now, p->actor, steps[i].action, steps[i].from,
                steps[i].to, steps[i].notes);
    return rc < 0 ? rc : changed;
}

static int patch_locked(struct lg_sqlite_alerts *as, struct lg_conn *c, const struct lg_scope *sc,
        const struct lg_uuid *id, const struct lg_alert_patch *p, struct lg_arena *a,
        struct lg_alert *ret, unsigned *reterr_steps)
{
    struct lg_alert al;
    struct lg_view v;
    int64_t key = 0, tenant = 0;
    int rc = lg_view_of_writer(&v, &as->db, c, sc, LG_STR(""));

    if (rc >= 0)
        rc = lg_alert_row_get(&v, id, a, &al, &key);
    lg_view_of_writer_done(&v);
    if (rc < 0)
        return rc;
    *ret = al;
    rc = lg_alert_patch_allowed(p, &al, reterr_steps);
    if (rc < 0)
        return rc;
    rc = patch_fields(c, key, p, &al);
    if (rc <= 0)
        return rc;
    al.updated_at = p->now;
    al.version++;
    rc = lg_tenant_ref(c, al.tenant_id, &tenant);
    if (rc >= 0)
        rc = lg_alert_row_update(c, key, tenant, &al, false);
    if (rc >= 0)
        rc = lg_alert_outbox(c, tenant, &al, "updated");
    if (rc >= 0)
        *ret = al;
    return rc;
}

int lg_sqlite_alert_patch(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, const struct lg_alert_patch *p, struct lg_arena *a,
        struct lg_alert *ret, unsigned *reterr_steps)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_alert_patch own;
    struct lg_conn *c;
    int rc;

    *reterr_steps = 0;
    rc = lg_alert_patch_own(p, a, &own);
    if (rc < 0)
        return rc;
    rc = lg_sdb_begin(&as->db, &c);
    if (rc < 0)
        return rc;
    rc = patch_locked(as, c, sc, id, &own, a, ret, reterr_steps);
    return lg_sdb_end(&as->db, rc);
}

static int outbox_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_outbox_row *o = row;
    int rc;

    o->seq = (uint64_t)lg_q_col_i64(q, 0);
    if ((rc = lg_q_col_dup(q, 1, a, &o->tenant_id)) < 0 ||
            (rc = lg_q_col_dup(q, 2, a, &o->endpoint_id)) < 0 ||
            (rc = lg_q_col_dup(q, 3, a, &o->change)) < 0)
        return rc;
    return lg_q_col_dup(q, 4, a, &o->json);
}

int lg_sqlite_outbox_read(struct lg_alert_store *st, uint64_t after, uint32_t max,
        struct lg_arena *a, struct lg_outbox_row **ret, uint32_t *ret_n)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_rows rows = {.size = sizeof(**ret), .read = outbox_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &as->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT o.seq, t.tenant, o.endpoint, o.change, o.json FROM outbox o"
            " JOIN tenant_refs t ON t.ref=o.tenant WHERE o.seq>?1 ORDER BY o.seq LIMIT ?2");
    lg_q_i64(&q, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    lg_q_i64(&q, max);
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

int lg_sqlite_outbox_ack(struct lg_alert_store *st, uint64_t up_to)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_conn *c;
    struct lg_q q;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return rc;
    lg_q_open(&q, c, "DELETE FROM outbox WHERE seq<=?1");
    lg_q_i64(&q, up_to > INT64_MAX ? INT64_MAX : (int64_t)up_to);
    return lg_sdb_end(&as->db, lg_q_run(&q));
}

/* Questions to the cluster: who is there, offsets of partitions, offsets of groups. */
#include <stdio.h>

#include "base/clock.h"
#include "kafka/kafka_int.h"

int kf_ask(struct kf *k, int timeout_ms)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(k->admin, 0, NULL, &md, timeout_ms);

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(md);
    return kf_rc(err);
}

/* --- admin requests */

int kf_admin_begin(struct kf *k, rd_kafka_admin_op_t op, struct kf_admin *ret)
{
    char text[128];

    ret->queue = rd_kafka_queue_new(k->admin);
    ret->options = rd_kafka_AdminOptions_new(k->admin, op);
    ret->event = NULL;
    if (ret->options == NULL || ret->queue == NULL)
        return LG_ENOMEM;
    (void)rd_kafka_AdminOptions_set_request_timeout(
            ret->options, (int)k->opt.request_timeout_ms, text, sizeof(text));
    return 0;
}

rd_kafka_resp_err_t kf_admin_wait(struct kf *k, struct kf_admin *a)
{
    a->event = rd_kafka_queue_poll(a->queue, (int)k->opt.request_timeout_ms + 2000);
    if (a->event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    return rd_kafka_event_error(a->event);
}

void kf_admin_end(struct kf_admin *a)
{
    if (a->event != NULL)
        rd_kafka_event_destroy(a->event);
    if (a->options != NULL)
        rd_kafka_AdminOptions_destroy(a->options);
    if (a->queue != NULL)
        rd_kafka_queue_destroy(a->queue);
}

/* --- offsets of partitions */

int kf_offsets(
        struct lg_bus *bus, int topic, int32_t partition, int64_t *ret_begin, int64_t *ret_end)
{
    struct kf *k = kf_of(bus);
    rd_kafka_resp_err_t err;

    if (!kf_has_partition(k, topic, partition))
        return LG_ENOENT;
    err = rd_kafka_query_watermark_offsets(k->admin, k->topics[topic]->name, partition, ret_begin,
            ret_end, (int)k->opt.request_timeout_ms);
    return kf_rc(err);
}

/* RD_KAFKA_OFFSET_BEGINNING or _END of all partitions at once; *ret is the caller's. */
static int all_offsets(struct kf *k, const struct kf_topic *t, int64_t which,
        rd_kafka_topic_partition_list_t **ret)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(t->partitions);
    rd_kafka_resp_err_t err;

    for (int32_t p = 0; p < t->partitions; p++)
        rd_kafka_topic_partition_list_add(list, t->name, p)->offset = which;
    err = rd_kafka_offsets_for_times(k->admin, list, (int)k->opt.request_timeout_ms);
    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        err = list->elems[i].err;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_destroy(list);
        return kf_rc(err);
    }
    *ret = list;
    return 0;
}

int kf_count_records(struct kf *k, const struct kf_topic *t, uint64_t *ret)
{
    rd_kafka_topic_partition_list_t *begin, *end;
    uint64_t n = 0;
    int rc = all_offsets(k, t, RD_KAFKA_OFFSET_BEGINNING, &begin);

    if (rc < 0)
        return rc;
    rc = all_offsets(k, t, RD_KAFKA_OFFSET_END, &end);
    if (rc == 0) {
        for (int i = 0; i < end->cnt; i++)
            if (end->elems[i].offset > begin->elems[i].offset)
                n += (uint64_t)(end->elems[i].offset - begin->elems[i].offset);
        rd_kafka_topic_partition_list_destroy(end);
        *ret = n;
    }
    rd_kafka_topic_partition_list_destroy(begin);
    return rc;
}

/* --- offsets of groups */

static void copy_name(char out[LG_BUS_MAX_NAME_BYTES + 1], struct lg_str name)
{
    size_t n = name.n < LG_BUS_MAX_NAME_BYTES ? name.n : LG_BUS_MAX_NAME_BYTES;

    memcpy(out, name.p, n);
    out[n] = '\0';
}

static void copy_offsets(
        rd_kafka_topic_partition_list_t *to, const rd_kafka_topic_partition_list_t *from)
{
    for (int i = 0; i < from->cnt; i++) {
        const rd_kafka_topic_partition_t *e = &from->elems[i];
        rd_kafka_topic_partition_t *at =
                rd_kafka_topic_partition_list_find(to, e->topic, e->partition);

        if (at != NULL) {
            at->offset = e->offset;
            at->err = e->err;
        }
    }
}

/* The group's offsets of the listed partitions (-1001: none). */
static int group_offsets(struct kf *k, struct lg_str group, rd_kafka_topic_partition_list_t *list)
{
    char name[LG_BUS_MAX_NAME_BYTES + 1];
    rd_kafka_ListConsumerGroupOffsets_t *request;
    const rd_kafka_group_result_t **groups;
    struct kf_admin a;
    size_t n = 0;
    rd_kafka_resp_err_t err;
    int rc = kf_admin_begin(k, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, &a);

    copy_name(name, group);
    if (rc == 0) {
        request = rd_kafka_ListConsumerGroupOffsets_new(name, list);
        rd_kafka_ListConsumerGroupOffsets(k->admin, &request, 1, a.options, a.queue);
        rd_kafka_ListConsumerGroupOffsets_destroy(request);
        err = kf_admin_wait(k, &a);
        rc = kf_rc(err);
    }
    if (rc == 0) {
        groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
                rd_kafka_event_ListConsumerGroupOffsets_result(a.event), &n);
        if (n == 1 && rd_kafka_group_result_error(groups[0]) != NULL)
            rc = kf_rc(rd_kafka_error_code(rd_kafka_group_result_error(groups[0])));
        else if (n == 1)
            copy_offsets(list, rd_kafka_group_result_partitions(groups[0]));
    }
    kf_admin_end(&a);
    return rc;
}

int kf_committed(
        struct lg_bus *bus, struct lg_str group, int topic, int32_t partition, int64_t *ret)
{
    struct kf *k = kf_of(bus);
    rd_kafka_topic_partition_list_t *list;
    int rc;

    if (!kf_has_partition(k, topic, partition))
        return LG_EINVAL;
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, k->topics[topic]->name, partition);
    rc = group_offsets(k, group, list);
    if (rc == 0 && list->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = kf_rc(list->elems[0].err);
    if (rc == 0 && list->elems[0].offset < 0)
        rc = LG_ENOENT;
    if (rc == 0)
        *ret = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

int kf_lag(struct lg_bus *bus, struct lg_str group, int topic, uint64_t *ret)
{
    struct kf *k = kf_of(bus);
    const struct kf_topic *t = kf_topic(k, topic);
    rd_kafka_topic_partition_list_t *begin = NULL, *end = NULL, *at;
    uint64_t lag = 0;
    int rc;

    if (t == NULL)
        return LG_ENOENT;
    at = rd_kafka_topic_partition_list_new(t->partitions);
    for (int32_t p = 0; p < t->partitions; p++)
        rd_kafka_topic_partition_list_add(at, t->name, p);
    rc = group_offsets(k, group, at);
    if (rc == 0)
        rc = all_offsets(k, t, RD_KAFKA_OFFSET_BEGINNING, &begin);
    if (rc == 0)
        rc = all_offsets(k, t, RD_KAFKA_OFFSET_END, &end);
    for (int i = 0; begin != NULL && end != NULL && i < at->cnt; i++) {
        int64_t from = at->elems[i].offset;

        if (from < begin->elems[i].offset)
            from = begin->elems[i].offset;
        lag += from < end->elems[i].offset ? (uint64_t)(end->elems[i].offset - from) : 0;
    }
    rd_kafka_topic_partition_list_destroy(at);
    if (begin != NULL)
        rd_kafka_topic_partition_list_destroy(begin);
    if (end != NULL)
        rd_kafka_topic_partition_list_destroy(end);
    if (rc == 0)
        *ret = lag;
    return rc;
}

int kf_group_set(struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset)
{
    struct kf *k = kf_of(bus);
    char name[LG_BUS_MAX_NAME_BYTES + 1];
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_AlterConsumerGroupOffsets_t *request;
    const rd_kafka_group_result_t **groups;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    struct kf_admin a;
    size_t n = 0;
    int rc;

    if (!kf_has_partition(k, offset->topic, offset->partition))
        return LG_EINVAL;
    rc = kf_admin_begin(k, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, &a);
    if (rc == 0) {
        copy_name(name, group);
        list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, k->topics[offset->topic]->name, offset->partition)
                ->offset = offset->offset;
        request = rd_kafka_AlterConsumerGroupOffsets_new(name, list);
        rd_kafka_topic_partition_list_destroy(list);
        rd_kafka_AlterConsumerGroupOffsets(k->admin, &request, 1, a.options, a.queue);
        rd_kafka_AlterConsumerGroupOffsets_destroy(request);
        err = kf_admin_wait(k, &a);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
                    rd_kafka_event_AlterConsumerGroupOffsets_result(a.event), &n);
            if (n == 1 && rd_kafka_group_result_error(groups[0]) != NULL)
                err = rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
            else if (n == 1)
                err = rd_kafka_group_result_partitions(groups[0])->elems[0].err;
        }
        /* what brokers say of a group with members */
        rc = err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ? LG_EREFUSED : kf_rc(err);
    }
    kf_admin_end(&a);
    return rc;
}

int kf_group_delete(struct lg_bus *bus, struct lg_str group)
{
    struct kf *k = kf_of(bus);
    char name[LG_BUS_MAX_NAME_BYTES + 1];
    rd_kafka_DeleteGroup_t *request;
    const rd_kafka_group_result_t **groups;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    struct kf_admin a;
    size_t n = 0;
    int rc = kf_admin_begin(k, RD_KAFKA_ADMIN_OP_DELETEGROUPS, &a);

    if (rc == 0) {
        copy_name(name, group);
        request = rd_kafka_DeleteGroup_new(name);
        rd_kafka_DeleteGroups(k->admin, &request, 1, a.options, a.queue);
        rd_kafka_DeleteGroup_destroy(request);
        err = kf_admin_wait(k, &a);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            groups = rd_kafka_DeleteGroups_result_groups(
                    rd_kafka_event_DeleteGroups_result(a.event), &n);
            if (n == 1 && rd_kafka_group_result_error(groups[0]) != NULL)
                err = rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
        }
        rc = kf_rc(err);
    }
    kf_admin_end(&a);
    return rc;
}

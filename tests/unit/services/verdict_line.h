/* A verdict as the inference stage publishes it. */
#ifndef LG_TESTS_SERVICES_VERDICT_LINE_H
#define LG_TESTS_SERVICES_VERDICT_LINE_H

#include "lg_test.h"

#include "crypto/ids.h"

/* Number `i` about the process `proc` of host hr1, about the second `at`; the text of both the
 * process and its user holds what formats must escape. */
static inline void verdict_line(
        struct lg_buf *out, int64_t at, const char *proc, unsigned i, const char *severity)
{
    const struct lg_str parts[] = {LG_STR("v"), lg_str_of((const char *)&i, sizeof(i))};
    struct lg_uuid id = lg_uuid_from_tuple(parts, 2);
    long end = (long)at / 180 * 180 + (long)i;
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(&id, text);
    lg_buf_printf(out,
            "{\"tenant_id\":\"acme\",\"endpoint_id\":\"hr1\",\"hostname\":\"hr1.example.org\","
            "\"platform\":\"windows\",\"window_start\":%ld,\"window_end\":%ld,\"prediction\":"
            "\"attack\",\"attack_prob\":0.97,\"confidence\":0.9,\"severity\":\"%s\",\"events\":12,"
            "\"late_events\":0,\"graph_nodes\":9,\"graph_edges\":14,\"truncated\":0,"
            "\"idle_allowlisted\":false,\"inference_time_ms\":1.5,\"scores\":{\"gat\":1,\"tokens\":"
            "1,\"trees\":1,\"patterns\":0,\"jury\":1},\"evidence\":[{\"node\":1,\"type\":"
            "\"process\",\"name\":\"C:\\\\a=b\\\\%s.exe\",\"command_line\":\"x | "
            "y\\nz\",\"pid\":42,"
            "\"process_guid\":\"{%s}\",\"user\":\"CORP\\\\mal|lory\",\"hash\":\"SHA256=AA\","
            "\"first_seen\":%ld,\"share\":1,\"parent\":null,\"techniques\":[\"T1059.001\"]}],"
            "\"ttp_techniques\":[\"T1003\",\"T1059.001\"],\"model\":{\"name\":\"windows\","
            "\"version\":\"1\",\"sha256\":\"%064d\"},\"inference_id\":\"%s\",\"received_at\":%ld,"
            "\"ledger\":{\"missed\":0}}",
            end - 180, end, severity, proc, proc, end - 100, 0, text, end + 5);
    assert_int_equal(out->failed, 0);
}

#endif

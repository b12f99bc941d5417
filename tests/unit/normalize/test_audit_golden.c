#include "audit_fixture.h"

/* Recordings and hand-written streams, see tests/data/audit/README.md. */
#define GOLDEN(test, file)                                                                         \
    static void test(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        audit_golden(file);                                                                        \
    }

GOLDEN(distros, "go-libaudit-distros.log")
GOLDEN(out_of_order, "go-libaudit-out-of-order.log")
GOLDEN(lost_messages, "go-libaudit-lost-messages.log")
GOLDEN(rollover, "go-libaudit-rollover.log")
GOLDEN(coalesced, "go-libaudit-coalesced.ndjson")
GOLDEN(atomic, "otrf-atomic.log")
GOLDEN(auoms, "otrf-auoms.ndjson")
GOLDEN(execve_only, "splunk-execve-only.log")
GOLDEN(enriched, "auditd-enriched.log")
GOLDEN(auditbeat6, "auditbeat6.ndjson")
GOLDEN(auditbeat7, "auditbeat7.ndjson")
GOLDEN(laurel, "laurel.ndjson")

int main(void)
{
    static const struct CMUnitTest tests[] = {
            cmocka_unit_test(distros),
            cmocka_unit_test(out_of_order),
            cmocka_unit_test(lost_messages),
            cmocka_unit_test(rollover),
            cmocka_unit_test(coalesced),
            cmocka_unit_test(atomic),
            cmocka_unit_test(auoms),
            cmocka_unit_test(execve_only),
            cmocka_unit_test(enriched),
            cmocka_unit_test(auditbeat6),
            cmocka_unit_test(auditbeat7),
            cmocka_unit_test(laurel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

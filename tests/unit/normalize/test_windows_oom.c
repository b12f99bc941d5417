/* Memory that runs out at any point: a dead letter that says so, or the same event as ever; never
 * a shortened one, never a crash. */
#include "windows_fixture.h"

struct counts {
    struct lg_uuid id;
    uint64_t has[(LG_FIELD_COUNT + 63) / 64];
    size_t events, dead;
    enum lg_dead_reason reason;
};

/* No copies here: they would be what fails. */
static int on_event(void *user, const struct lg_event *ev)
{
    struct counts *c = user;

    c->events++;
    c->id = ev->event_id;
    memcpy(c->has, ev->has, sizeof(c->has));
    return 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct counts *c = user;

    c->dead++;
    c->reason = dl->reason;
    return 0;
}

/* A normalizer that holds no memory yet, so that the first allocations are the record's. */
static int feed(struct lg_str record, uint64_t fail_from, struct counts *c)
{
    const struct lg_norm_sink sink = {c, on_event, on_dead, NULL};
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("a")};
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    int rc;

    memset(c, 0, sizeof(*c));
    assert_int_equal(lg_normalizer_new(&nz), 0);
    assert_int_equal(lg_norm_stream_new(&opt, &st), 0);
    (void)lg_mem_fail_from(fail_from);
    rc = lg_normalizer_record(nz, st, record, false, (struct lg_position){1, 0}, &sink);
    (void)lg_mem_fail_from(0);
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
    return rc;
}

static void sweep(const char *what, struct lg_str record)
{
    struct counts whole, c;
    uint64_t n;

    assert_int_equal(feed(record, 0, &whole), 0);
    assert_int_equal(whole.events + whole.dead, 1);
    for (n = 1; n < 200; n++) {
        int rc = feed(record, n, &c);

        if (rc == LG_ENOMEM) {
            assert_int_equal(c.events + c.dead, 0);
            continue;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(c.events + c.dead, 1);
        if (c.dead > 0 && c.reason == LG_DEAD_OUT_OF_MEMORY)
            continue;
        if (c.events != whole.events || memcmp(c.has, whole.has, sizeof(c.has)) != 0 ||
                memcmp(&c.id, &whole.id, sizeof(c.id)) != 0)
            fail_msg("%s: failing from allocation %llu on changed the event", what,
                    (unsigned long long)n);
        break;
    }
    assert_true(n > 1 && n < 200);
}

static void every_golden_record(void **state)
{
    static const struct {
        const char *file;
        bool whole;
    } files[] = {{"winlogbeat6.ndjson", false}, {"winlogbeat7.ndjson", false},
            {"winlogbeat8.ndjson", false}, {"nxlog.ndjson", false}, {"flat_export.ndjson", false},
            {"flat_export_2022.ndjson", false}, {"sysmon_eventdata.ndjson", false},
            {"event_xml.xml", false}, {"event_xml_pretty.xml", true}, {"sysmon_linux.xml", false},
            {"azure.ndjson", false}, {"splunk_text_4688.txt", true}};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct lg_str rest, record;
        size_t n;
        char *content = win_read_file(files[i].file, &n);

        rest = lg_str_of(content, n);
        if (files[i].whole)
            sweep(files[i].file, rest);
        else
            while (lg_str_split(&rest, '\n', &record))
                sweep(files[i].file, record);
        free(content);
    }
}

/* Values that have to be built: joined text, unescaped text, folded lists, repaired bytes. */
static void values_that_are_built(void **state)
{
    static const char *const records[] = {
            "<Event><System><Provider Name='Microsoft-Windows-Sys&#109;on'/><EventID>20</EventID>"
            "<TimeCreated SystemTime='2022-01-01T00:00:00Z'/><EventRecordID>1</EventRecordID>"
            "<Computer>A&amp;B</Computer></System><EventData><Data Name='Name'> \"a\\\\b\"</Data>"
            "<Data Name='Destination'>x<!-- -->y&lt;<![CDATA[z]]></Data></EventData></Event>",
            "<Event><System><Provider Name='Microsoft-Windows-Security-Auditing'/>"
            "<EventID>4672</EventID><TimeCreated SystemTime='2022-01-01T00:00:00Z'/>"
            "<EventRecordID>1</EventRecordID><Computer>A</Computer></System><EventData>"
            "<Data Name='SubjectUserName'>\xff</Data><Data Name='SubjectDomainName'>D</Data>"
            "<Data Name='PrivilegeList'>A\n\t\tB</Data></EventData></Event>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
        sweep(records[i], lg_str_z(records[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_golden_record),
            cmocka_unit_test(values_that_are_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

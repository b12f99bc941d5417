/* What is idle, and what is not, whoever does it. */

#include "detect/graph_builder.h"

#include "detect/allowlist.h"

static struct gb gb;

#define START(line) (gb_init(&gb, LG_PLATFORM_LINUX), gb_line(&gb, line))

static bool idle(const char *line)
{
    START(line);
    return lg_allowlist_idle(&gb.g);
}

static void test_idle_things(void **state)
{
    static const char *const lines[] = {
            "/usr/lib/systemd/systemd-journald =read=> /proc/1234/status",
            "/lib/systemd/systemd-journald =write=> /var/log/journal/abc/system.journal",
            "/lib/systemd/systemd-journald =memfd=> memfd:journal",
            "/usr/sbin/cron =read=> /etc/crontab",
            "/usr/sbin/cron =read=> /var/spool/cron/crontabs",
            "/usr/sbin/chronyd =connect_out[addr_public]=> 162.159.200.1:123",
            "/usr/sbin/chronyd =dns_query=> 2.debian.pool.ntp.org",
            "/usr/sbin/rsyslogd =write=> /var/log/syslog",
            "/usr/bin/dbus-daemon =read=> /proc/99/cmdline",
            "/usr/sbin/irqbalance =write=> /proc/irq/24/smp_affinity",
            "/usr/sbin/sshd =read=> /etc/localtime",
            "/usr/lib/systemd/systemd =connect_out=> unix:/run/systemd/notify",
            "/usr/bin/dockerd =connect_out=> unix:/run/containerd/containerd.sock",
            "/usr/sbin/NetworkManager =connect_out[addr_private]=> 10.0.0.1:67",
            "/usr/local/bin/node_exporter =connect_in[addr_private]=> 10.0.0.7:9100",
            "/usr/sbin/auditd =write=> /var/log/audit/audit.log",
            "/usr/lib/systemd/systemd =signal{0}=> /usr/lib/systemd/systemd-journald",
            "/usr/sbin/cron =exit=> /usr/sbin/cron",
            "/usr/sbin/chronyd =write=> /dev/null",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!idle(lines[i]))
            fail_msg("not idle: %s", lines[i]);
}

static void test_listed_names_doing_else(void **state)
{
    static const char *const lines[] = {
            "/usr/sbin/cron =spawn=> /bin/sh :: sh -c id",
            "/usr/sbin/cron =spawn=> /usr/sbin/rsyslogd",
            "/usr/sbin/sshd =connect_out[addr_public]=> 203.0.113.5:443",
            "/usr/sbin/sshd =connect_in[addr_private]=> 10.0.0.9:22",
            "/usr/sbin/sshd =read=> /etc/shadow",
            "/usr/sbin/sshd =read=> /etc/ssh/ssh_host_rsa_key",
            "/usr/sbin/chronyd =connect_out[addr_public]=> 203.0.113.5:443",
            "/usr/sbin/chronyd =connect_out[addr_public]*5000=> 203.0.113.5:123",
            "/usr/sbin/cron =connect_out[addr_loopback]=> 127.0.0.1:123",
            "/usr/sbin/rsyslogd =write[file_user_writable]=> /tmp/x",
            "/usr/sbin/rsyslogd =write=> /etc/crontab",
            "/usr/sbin/rsyslogd =write=> /var/log/journal/../../../etc/passwd",
            "/usr/sbin/rsyslogd =write=> /var/log/syslog/../../../etc/passwd",
            "/lib/systemd/systemd-journald =write[file_executable]=> /run/systemd/x.so",
            "/lib/systemd/systemd-journald =read=> /proc/1234/mem",
            "/lib/systemd/systemd-journald =read=> /proc/1234/environ",
            "/lib/systemd/systemd-journald =read=> /home/bob/.bash_history",
            "/usr/bin/dbus-daemon =setid=> uid:0",
            "/usr/bin/dbus-daemon =ptrace=> /usr/sbin/sshd",
            "/usr/lib/systemd/systemd =signal{9}=> /usr/sbin/auditd",
            "/usr/sbin/cron =signal{0}=> /usr/sbin/auditd",
            "/usr/sbin/atd =memfd=> memfd:x",
            "/usr/sbin/atd =bpf=> prog",
            "/usr/sbin/irqbalance =kmod=> module:rootkit",
            "/usr/bin/dockerd =mount=> /host",
            "/usr/sbin/auditd =audit_change=> audit",
            "/usr/sbin/chronyd =listen=> 0.0.0.0:4444",
            "/usr/sbin/cron =dns_query=> evil.example",
            "/usr/local/bin/node_exporter =connect_in[addr_public]=> 203.0.113.5:9100",
            "/usr/sbin/rsyslogd =rename{/tmp/x}=> /var/log/syslog",
            "/usr/bin/dockerd =connect_out=> unix:/run/other.sock",
            "/usr/sbin/cron =delete=> /var/log/auth.log",
            "/usr/lib/systemd/systemd-udevd =mode_change[setuid_bit]=> /run/udev/x",
            "account!bob =service_install=> svc",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (idle(lines[i]))
            fail_msg("idle: %s", lines[i]);
}

static void test_other_paths(void **state)
{
    static const char *const lines[] = {
            "/tmp/systemd-journald =read=> /proc/1/status",
            "/home/bob/usr/sbin/cron =read=> /etc/crontab",
            "/usr/local/sbin/sshd =read=> /etc/localtime",
            "cron =read=> /etc/crontab",
            "/usr/sbin/cron2 =read=> /etc/crontab",
            "/usr/sbin/cron (deleted) =read=> /etc/crontab",
            "<unknown process> =read=> /etc/crontab",
            "/bin/bash =read=> /proc/1/status",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (idle(lines[i]))
            fail_msg("idle: %s", lines[i]);
}

static void test_whole_windows(void **state)
{
    (void)state;
    gb_init(&gb, LG_PLATFORM_LINUX);
    assert_false(lg_allowlist_idle(&gb.g)); /* nothing at all */
    gb_line(&gb, "/usr/sbin/cron =read=> /etc/crontab");
    gb_line(&gb, "/usr/lib/systemd/systemd-journald =read=> /proc/7/status");
    assert_true(lg_allowlist_idle(&gb.g));
    gb.g.edges_dropped = 1;
    assert_false(lg_allowlist_idle(&gb.g));
    gb.g.edges_dropped = 0;
    gb.g.nodes_dropped = 1;
    assert_false(lg_allowlist_idle(&gb.g));
    gb.g.nodes_dropped = 0;
    gb_line(&gb, "/usr/bin/curl =read=> /etc/hosts");
    assert_false(lg_allowlist_idle(&gb.g));

    START("/usr/sbin/cron =read=> /etc/crontab");
    gb.g.platform = LG_PLATFORM_WINDOWS;
    assert_false(lg_allowlist_idle(&gb.g));

    /* a process without a single edge counts as well */
    START("/usr/bin/nc");
    gb_line(&gb, "/usr/sbin/cron =read=> /etc/crontab");
    assert_false(lg_allowlist_idle(&gb.g));
}

static void test_forks_and_starts(void **state)
{
    (void)state;
    START("/usr/sbin/cron =spawn=> /usr/sbin/cron#2 @@ flags=created");
    assert_true(lg_allowlist_idle(&gb.g));
    START("/usr/sbin/cron =spawn=> /usr/sbin/cron#2 :: /usr/sbin/cron -f -c /tmp/evil @@ "
          "flags=created");
    assert_false(lg_allowlist_idle(&gb.g));
    START("/usr/sbin/cron :: cron -f @@ flags=created");
    gb_line(&gb, "/usr/sbin/cron =read=> /etc/crontab");
    assert_false(lg_allowlist_idle(&gb.g));
    START("/usr/sbin/cron @@ flags=user_path");
    assert_false(lg_allowlist_idle(&gb.g));
}

static void test_page_is_current(void **state)
{
    static const char path[] = LG_SOURCE_DIR "/docs/idle-allowlist.md";
    struct lg_buf page;
    char *text = calloc(1, 1u << 18);
    size_t n = 0;
    FILE *f;

    (void)state;
    assert_non_null(text);
    lg_buf_init(&page, 1u << 18);
    lg_allowlist_write_doc(&page);
    assert_int_equal(page.failed, 0);
    if (getenv("LG_UPDATE_DOCS") != NULL) {
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(page.p, 1, page.n, f), page.n);
        fclose(f);
    }
    f = fopen(path, "rb");
    if (f != NULL) {
        n = fread(text, 1, 1u << 18, f);
        fclose(f);
    }
    if (n != page.n || memcmp(text, page.p, n) != 0)
        fail_msg("docs/idle-allowlist.md is stale: run this test with LG_UPDATE_DOCS=1");
    free(text);
    lg_buf_done(&page);
    assert_non_null(lg_allowlist_get(0));
    assert_null(lg_allowlist_get(lg_allowlist_count()));
}

static int teardown(void **state)
{
    (void)state;
    gb_done(&gb);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_idle_things),
            cmocka_unit_test(test_listed_names_doing_else),
            cmocka_unit_test(test_other_paths),
            cmocka_unit_test(test_whole_windows),
            cmocka_unit_test(test_forks_and_starts),
            cmocka_unit_test(test_page_is_current),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

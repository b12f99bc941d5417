#include "windows_fixture.h"

#include "normalize/xml.h"

/* Tokens as text: <a <b >b 'x' ; an error as its name. */
static void trace(struct lg_str in, struct lg_buf *out)
{
    struct lg_xml x;
    int token;

    lg_xml_init(&x, in);
    for (;;) {
        token = lg_xml_next(&x);
        if (token <= LG_XML_EOF)
            break;
        if (token == LG_XML_OPEN)
            lg_buf_printf(out, "<%.*s ", (int)x.name.n, x.name.p);
        else if (token == LG_XML_CLOSE)
            lg_buf_printf(out, ">%.*s ", (int)x.name.n, x.name.p);
        else
            lg_buf_printf(out, "%c%.*s' ", x.cdata ? '!' : '\'', (int)x.text.n, x.text.p);
    }
    lg_buf_printf(out, "%s", token < 0 ? lg_err_name(token) : "end");
    lg_buf_addc(out, '\0');
}

static void assert_trace(const char *in, const char *want)
{
    struct lg_buf out;
    /* An own block of exactly the input's size: a read past it is seen. */
    char *copy = lg_memdup(in, strlen(in));

    lg_buf_init(&out, 1 << 20);
    trace(lg_str_of(copy, strlen(in)), &out);
    assert_string_equal(out.p, want);
    lg_buf_done(&out);
    lg_free(copy);
}

static void reads_elements_text_and_cdata(void **state)
{
    (void)state;
    assert_trace("<a/>", "<a >a end");
    assert_trace("<a><b>x</b><c/>y</a>", "<a <b 'x' >b <c >c 'y' >a end");
    assert_trace("<a><![CDATA[<&]]>z</a>", "<a !<&' 'z' >a end");
    assert_trace("<a><![CDATA[]]></a>", "<a >a end");
    assert_trace("<a  k='>' l=\"/\" />", "<a >a end");
    assert_trace("<n:a xmlns:n='u'><n:b/></n:a>", "<a <b >b >a end");
    assert_trace("<a></a >", "<a >a end");
}

static void skips_prolog_comments_and_instructions(void **state)
{
    (void)state;
    assert_trace("\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- c --><a><!-- <b> --><?p x?></a>\n",
            "<a >a end");
}

static void refuses_what_is_not_well_formed(void **state)
{
    (void)state;
    assert_trace("<a></", "<a truncated_input");
    assert_trace("<a></a ", "<a truncated_input");
    assert_trace("<a><b", "<a truncated_input");
    assert_trace("<a></a x>", "<a parse_error");
    assert_trace("", "truncated_input");
    assert_trace("   ", "truncated_input");
    assert_trace("text", "parse_error");
    assert_trace("<", "truncated_input");
    assert_trace("<a", "truncated_input");
    assert_trace("<a k='", "truncated_input");
    assert_trace("<a>", "<a truncated_input");
    assert_trace("<a>x", "<a 'x' truncated_input");
    assert_trace("<a></b>", "<a parse_error");
    assert_trace("<a></a", "<a truncated_input");
    assert_trace("</a>", "parse_error");
    assert_trace("<a/><b/>", "<a >a parse_error");
    assert_trace("<a/>x", "<a >a parse_error");
    assert_trace("<a><b</a>", "<a parse_error");
    assert_trace("<a><!-- </a>", "<a truncated_input");
    assert_trace("<a><![CDATA[ </a>", "<a truncated_input");
    assert_trace("<![CDATA[x]]>", "parse_error");
    assert_trace("<?xml", "truncated_input");
    assert_trace("<a><></a>", "<a parse_error");
    assert_trace("<a\"x\"/>", "parse_error");
}

static void has_no_dtd_and_no_entities_of_its_own(void **state)
{
    (void)state;
    assert_trace("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "parse_error");
    assert_trace("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "parse_error");
}

static void depth_is_capped(void **state)
{
    char text[8 * (LG_MAX_XML_DEPTH + 1)];
    struct lg_xml x;

    (void)state;
    for (int depth = LG_MAX_XML_DEPTH; depth <= LG_MAX_XML_DEPTH + 1; depth++) {
        size_t n = 0;
        int token;

        for (int i = 0; i < depth; i++, n += 3)
            memcpy(text + n, "<a>", 3);
        for (int i = 0; i < depth; i++, n += 4)
            memcpy(text + n, "</a>", 4);
        lg_xml_init(&x, lg_str_of(text, n));
        do
            token = lg_xml_next(&x);
        while (token > LG_XML_EOF);
        assert_int_equal(token, depth <= LG_MAX_XML_DEPTH ? LG_XML_EOF : LG_ELIMIT);
    }
}

static void attributes_by_local_name(void **state)
{
    struct lg_xml x;
    struct lg_str s;

    (void)state;
    lg_xml_init(&x, LG_STR("<a Name='x &lt; y' n:Guid = \"{1}\"\n empty=''/>"));
    assert_int_equal(lg_xml_next(&x), LG_XML_OPEN);
    assert_true(lg_xml_attr(&x, LG_STR("Name"), &s));
    assert_true(lg_str_eq(s, LG_STR("x &lt; y")));
    assert_true(lg_xml_attr(&x, LG_STR("Guid"), &s));
    assert_true(lg_str_eq(s, LG_STR("{1}")));
    assert_true(lg_xml_attr(&x, LG_STR("empty"), &s));
    assert_int_equal(s.n, 0);
    assert_false(lg_xml_attr(&x, LG_STR("name"), &s));
    /* a broken list ends where it breaks */
    lg_xml_init(&x, LG_STR("<a one='1' two 'x' three='3'/>"));
    assert_int_equal(lg_xml_next(&x), LG_XML_OPEN);
    assert_true(lg_xml_attr(&x, LG_STR("one"), &s));
    assert_false(lg_xml_attr(&x, LG_STR("three"), &s));
}

static void assert_decoded(const char *raw, const char *want)
{
    struct lg_arena arena;
    struct lg_str s;

    lg_arena_init(&arena, 1 << 20);
    assert_int_equal(lg_xml_decode(&arena, lg_str_z(raw), &s), 0);
    if (!lg_str_eq(s, lg_str_z(want)))
        fail_msg("%s became %.*s", raw, (int)s.n, s.p);
    lg_arena_done(&arena);
}

static void entities_and_references(void **state)
{
    (void)state;
    assert_decoded("plain", "plain");
    assert_decoded("&lt;&gt;&amp;&quot;&apos;", "<>&\"'");
    assert_decoded("&#65;&#x42;&#x20AC;&#x1F600;", "AB\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_decoded("a&#10;b&#xD;", "a\nb\r");
    assert_decoded("&amp;lt;", "&lt;");
    /* no XML character */
    assert_decoded("&#0;&#1;&#xD800;&#x110000;&#99999999999;",
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    /* no entity: an ampersand stands for itself */
    assert_decoded("&", "&");
    assert_decoded("a & b", "a & b");
    /* a blank for the semicolon of a name */
    assert_decoded("&lt unknown process&gt ", "<unknown process>");
    assert_decoded("&quot a&quot  b & c &ltx &#65 ", "\"a\" b & c &ltx &#65 ");
    assert_decoded("&nbsp;&;&#;&#x;&#xg;", "&nbsp;&;&#;&#x;&#xg;");
    assert_decoded("x=1&y=2;", "x=1&y=2;");
}

static void decoding_fails_without_memory(void **state)
{
    struct lg_arena arena;
    struct lg_str s;

    (void)state;
    lg_arena_init(&arena, 1 << 20);
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_xml_decode(&arena, LG_STR("&lt;"), &s), LG_ENOMEM);
    (void)lg_mem_fail_from(0);
    lg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(reads_elements_text_and_cdata),
            cmocka_unit_test(skips_prolog_comments_and_instructions),
            cmocka_unit_test(refuses_what_is_not_well_formed),
            cmocka_unit_test(has_no_dtd_and_no_entities_of_its_own),
            cmocka_unit_test(depth_is_capped),
            cmocka_unit_test(attributes_by_local_name),
            cmocka_unit_test(entities_and_references),
            cmocka_unit_test(decoding_fails_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

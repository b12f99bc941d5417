#include "lg_test.h"

#include "crypto/chain.h"
#include "crypto/ids.h"

static void put(struct lg_buf *b, struct lg_str part)
{
    for (int i = 0; i < 8; i++)
        lg_buf_addc(b, (char)((uint64_t)part.n >> (8 * i)));
    lg_buf_adds(b, part);
}

/* The definition, by hand: BLAKE2b-256 over length-prefixed domain, previous link and columns. */
static void test_definition(void **state)
{
    struct lg_link zero = {{0}}, link, second;
    uint8_t want[32];
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 4096);
    put(&b, LG_STR("audit/1"));
    put(&b, lg_str_of((char *)zero.b, 32));
    put(&b, LG_STR("row one"));
    lg_blake2b_256(lg_buf_str(&b), want);
    link = lg_chain_next(LG_STR("audit/1"), NULL, LG_STR("row one"));
    assert_memory_equal(link.b, want, 32);

    lg_buf_clear(&b);
    put(&b, LG_STR("audit/1"));
    put(&b, lg_str_of((char *)link.b, 32));
    put(&b, LG_STR("a"));
    put(&b, LG_STR("bc"));
    lg_blake2b_256(lg_buf_str(&b), want);
    second = lg_chain_next_of(
            LG_STR("audit/1"), &link, (const struct lg_str[]){LG_STR("a"), LG_STR("bc")}, 2);
    assert_memory_equal(second.b, want, 32);
    lg_buf_done(&b);
}

static void test_what_changes_a_link(void **state)
{
    struct lg_link a = lg_chain_next(LG_STR("d"), NULL, LG_STR("row")), b;

    (void)state;
    b = lg_chain_next(LG_STR("d"), NULL, LG_STR("row"));
    assert_int_equal(lg_link_cmp(&a, &b), 0);
    b = lg_chain_next(LG_STR("d"), NULL, LG_STR("roW"));
    assert_int_not_equal(lg_link_cmp(&a, &b), 0);
    b = lg_chain_next(LG_STR("e"), NULL, LG_STR("row"));
    assert_int_not_equal(lg_link_cmp(&a, &b), 0);
    b = lg_chain_next(LG_STR("d"), &a, LG_STR("row"));
    assert_int_not_equal(lg_link_cmp(&a, &b), 0);
    a = lg_chain_next_of(LG_STR("d"), NULL, (const struct lg_str[]){LG_STR("ab"), LG_STR("c")}, 2);
    b = lg_chain_next_of(LG_STR("d"), NULL, (const struct lg_str[]){LG_STR("a"), LG_STR("bc")}, 2);
    assert_int_not_equal(lg_link_cmp(&a, &b), 0); /* columns do not run into each other */
}

/* A changed, a missing and a swapped row change the head. */
static void test_tampering(void **state)
{
    struct lg_link head, other;
    char rows[8][16];

    (void)state;
    for (int mode = 0; mode < 4; mode++) {
        for (int i = 0; i < 8; i++)
            (void)snprintf(rows[i], sizeof(rows[i]), "row %d", i);
        if (mode == 1)
            rows[3][4] = 'x';
        if (mode == 2) {
            memcpy(rows[3], "row 4", 6);
            memcpy(rows[4], "row 3", 6);
        }
        memset(&other, 0, sizeof(other));
        for (int i = 0; i < 8; i++)
            if (mode != 3 || i != 7)
                other = lg_chain_next(LG_STR("d"), &other, lg_str_z(rows[i]));
        if (mode == 0)
            head = other;
        else
            assert_int_not_equal(lg_link_cmp(&head, &other), 0);
    }
}

static void test_text(void **state)
{
    struct lg_link a = lg_chain_next(LG_STR("d"), NULL, LG_STR("")), b;
    char text[LG_CHAIN_HEX + 1];

    (void)state;
    lg_link_text(&a, text);
    assert_int_equal(strlen(text), LG_CHAIN_HEX);
    assert_int_equal(lg_link_parse(lg_str_z(text), &b), 0);
    assert_int_equal(lg_link_cmp(&a, &b), 0);
    assert_int_equal(lg_link_parse(lg_str_of(text, 62), &b), LG_EPARSE);
    text[5] = 'q';
    assert_int_equal(lg_link_parse(lg_str_z(text), &b), LG_EPARSE);
}

static void test_digest(void **state)
{
    struct lg_link prev = lg_chain_next(LG_STR("d"), NULL, LG_STR("x")), a, b;
    struct lg_str cols[] = {LG_STR("one"), LG_STR(""), LG_STR("three")};
    struct lg_digest d;

    (void)state;
    lg_digest_init(&d, LG_STR("d"), &prev);
    for (size_t i = 0; i < 3; i++)
        lg_digest_add(&d, cols[i]);
    a = lg_digest_final(&d);
    b = lg_chain_next_of(LG_STR("d"), &prev, cols, 3);
    assert_int_equal(lg_link_cmp(&a, &b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_definition),
            cmocka_unit_test(test_what_changes_a_link),
            cmocka_unit_test(test_tampering),
            cmocka_unit_test(test_text),
            cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

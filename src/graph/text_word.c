#include "graph/text_int.h"

/* Single words: GUIDs, SIDs, addresses, random-looking labels, digits. */

size_t lg_text_guid_at(struct lg_str s, size_t i)
{
    static const uint8_t part[5] = {8, 4, 4, 4, 12};
    bool brace = i < s.n && s.p[i] == '{';
    size_t j = i + (brace ? 1 : 0);

    for (unsigned k = 0; k < 5; k++) {
        for (unsigned d = 0; d < part[k]; d++, j++)
            if (j >= s.n || !lg_is_hex(s.p[j]))
                return 0;
        if (k < 4 && (j >= s.n || s.p[j++] != '-'))
            return 0;
    }
    if (brace)
        return j < s.n && s.p[j] == '}' ? j + 1 - i : 0;
    return j < s.n && lg_is_word(s.p[j]) ? 0 : j - i;
}

size_t lg_text_sid_at(struct lg_str s, size_t i)
{
    size_t j = i + 4;

    if (s.n - i < 6 || memcmp(s.p + i, "s-1-", 4) != 0 || !lg_is_digit(s.p[j]))
        return 0;
    while (j < s.n &&
            (lg_is_digit(s.p[j]) || (s.p[j] == '-' && j + 1 < s.n && lg_is_digit(s.p[j + 1]))))
        j++;
    return j < s.n && lg_is_word(s.p[j]) ? 0 : j - i;
}

bool lg_text_sid_known(struct lg_str sid)
{
    static const char *const personal[] = {"s-1-5-21-", "s-1-12-1-", "s-1-5-80-", "s-1-5-82-",
            "s-1-5-83-", "s-1-5-5-", "s-1-15-", "s-1-11-"};

    for (size_t i = 0; i < sizeof(personal) / sizeof(personal[0]); i++)
        if (lg_str_starts(sid, lg_str_z(personal[i])))
            return false;
    return sid.n <= 16;
}

size_t lg_text_ipv4_at(struct lg_str s, size_t i)
{
    size_t j = i;

    for (unsigned part = 0; part < 4; part++) {
        unsigned v = 0, n = 0;

        while (j < s.n && lg_is_digit(s.p[j]) && n < 4) {
            v = v * 10 + (unsigned)(s.p[j++] - '0');
            n++;
        }
        if (n == 0 || n > 3 || v > 255)
            return 0;
        if (part < 3 && (j >= s.n || s.p[j++] != '.'))
            return 0;
    }
    if (j < s.n &&
            (lg_is_word(s.p[j]) || (s.p[j] == '.' && j + 1 < s.n && lg_is_digit(s.p[j + 1]))))
        return 0;
    return j - i;
}

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/* Letters that no language puts like that. */
static bool letters_random(struct lg_str w)
{
    unsigned run = 0, longest = 0, vowels = 0;

    if (w.n < 7 || w.n > 64)
        return false;
    for (size_t i = 0; i < w.n; i++) {
        if (!lg_is_lower(w.p[i]))
            return false;
        if (is_vowel(w.p[i])) {
            vowels++;
            run = 0;
        } else {
            run++;
        }
        if (run > longest)
            longest = run;
    }
    return longest >= 6 || vowels * 7 < w.n;
}

/* system32, win64, x86: digits that belong to a name. */
static bool width_suffix(struct lg_str w)
{
    if (w.n < 3 || !lg_is_lower(w.p[0]))
        return false;
    if (!lg_str_ends(w, LG_STR("32")) && !lg_str_ends(w, LG_STR("64")) &&
            !lg_str_ends(w, LG_STR("86")))
        return false;
    for (size_t i = 0; i + 2 < w.n; i++)
        if (!lg_is_lower(w.p[i]))
            return false;
    return true;
}

struct word_facts {
    size_t digits;
    size_t letters;
    size_t hex;
    size_t switches; /* between letters and digits */
    bool foreign;    /* bytes past ASCII */
};

static struct word_facts facts_of(struct lg_str w)
{
    struct word_facts f = {0, 0, 0, 0, false};

    for (size_t i = 0; i < w.n; i++) {
        bool digit = lg_is_digit(w.p[i]);

        f.digits += digit;
        f.letters += lg_is_lower(w.p[i]);
        f.hex += lg_is_hex(w.p[i]);
        f.foreign |= (unsigned char)w.p[i] >= 0x80;
        if (i > 0 && digit != lg_is_digit(w.p[i - 1]))
            f.switches++;
    }
    return f;
}

static void put_digits_folded(struct lg_text_out *o, struct lg_str w)
{
    for (size_t i = 0; i < w.n; i++) {
        if (!lg_is_digit(w.p[i]))
            lg_text_addc(o, w.p[i]);
        else if (i == 0 || !lg_is_digit(w.p[i - 1]))
            lg_text_addc(o, '0');
    }
}

void lg_text_word(struct lg_text_out *o, struct lg_str w, bool ext, bool rand)
{
    struct word_facts f = facts_of(w);

    if (f.digits == w.n) {
        if (lg_text_tail(o, LG_STR("0.")))
            o->n--; /* 10.0.17763 is one number to us */
        else
            lg_text_addc(o, '0');
    } else if (f.digits == 0) {
        lg_text_adds(o, rand && letters_random(w) ? LG_STR("<rand>") : w);
    } else if (f.hex == w.n && (w.n >= 8 || (w.n >= 5 && f.switches >= 2) || (rand && w.n >= 3))) {
        lg_text_adds(o, LG_STR("<hex>"));
    } else if ((ext && w.n <= 4 && lg_is_lower(w.p[0])) || width_suffix(w) ||
            lg_str_eq(w, LG_STR("7z")) || lg_str_eq(w, LG_STR("7za")) ||
            lg_str_eq(w, LG_STR("base64"))) {
        lg_text_adds(o, w);
    } else if (!f.foreign &&
            ((w.n >= 6 && f.switches >= 3) ||
                    (rand && w.n >= 8 && f.switches >= 2 && f.digits >= 2))) {
        lg_text_adds(o, LG_STR("<rand>"));
    } else {
        put_digits_folded(o, w);
    }
}

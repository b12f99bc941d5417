// The tape walk of json.h against simdjson's own two ways of reading: DOM elements and On-Demand.
// C++ because those interfaces are. Valid records must read the same three ways; of mutated ones
// the DOM decides: where it accepts, the values agree; where it refuses, so do we, unless repair
// explains it. On-Demand that visits every value must then refuse too (it never sees more).
#define SIMDJSON_EXCEPTIONS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <simdjson.h>
#pragma GCC diagnostic pop

#include <string>
#include <vector>

#define _Noreturn __attribute__((noreturn)) // C's word, in the headers below
extern "C" {
#include "lg_test.h"

#include "json/json.h"
}

using simdjson::dom::element;
namespace od = simdjson::ondemand;

static const char *const sources[] = {
        "tests/data/windows/winlogbeat7.ndjson",
        "tests/data/windows/nxlog.ndjson",
        "tests/data/windows/flat_export.ndjson",
        "tests/data/audit/laurel.ndjson",
        "tests/data/audit/auditbeat6.ndjson",
        "tests/data/ebpf/tetragon.ndjson",
        "tests/data/ebpf/sysflow.ndjson",
        "tests/data/ebpf/tracee.ndjson",
};

static std::vector<std::string> *records;
static struct lg_json *json;

static int set_up(void **)
{
    static std::vector<std::string> all;

    for (const char *s : sources) {
        std::string path = std::string(LG_SOURCE_DIR) + "/" + s;
        struct lg_str text = read_file(path.c_str(), 0), rest = text, line;

        while (lg_str_split(&rest, '\n', &line))
            if (lg_str_trim(line).n > 0)
                all.emplace_back(line.p, line.n);
        free_file(text);
    }
    // shapes that the recordings lack
    for (const char *s : {"[]", "{}", "[[],{}]", "{\"a\":[1,[2,[3]]],\"b\":null,\"\":\"\"}",
                 "[1.5,-0.0,1e300,18446744073709551615,-9223372036854775808,true]",
                 "\"\\u20ac\\ud83d\\ude00\\u0000\"", "[\"\\\\\\\"\",\"a\\/b\"]", "0"})
        all.emplace_back(s);
    records = &all;
    return lg_json_new(&json);
}

static int tear_down(void **)
{
    lg_json_free(json);
    return 0;
}

static void put(std::string &out, char type, const void *p, size_t n)
{
    uint64_t len = n;

    out += type;
    out.append(reinterpret_cast<const char *>(&len), sizeof(len));
    out.append(static_cast<const char *>(p), n);
}

static void walk_tape(struct lg_jval v, std::string &out)
{
    struct lg_jiter it;
    struct lg_jval item;
    struct lg_str key;
    int64_t i;
    uint64_t u;
    double d;

    switch (lg_jval_type(v)) {
    case LG_JSON_NULL:
        out += 'n';
        break;
    case LG_JSON_BOOL:
        out += lg_jval_bool(v) ? 't' : 'f';
        break;
    case LG_JSON_I64:
        i = lg_jval_i64(v);
        put(out, 'i', &i, sizeof(i));
        break;
    case LG_JSON_U64:
        u = lg_jval_u64(v);
        put(out, 'u', &u, sizeof(u));
        break;
    case LG_JSON_DOUBLE:
        d = lg_jval_double(v);
        put(out, 'd', &d, sizeof(d));
        break;
    case LG_JSON_STRING:
        put(out, 's', lg_jval_str(v).p, lg_jval_str(v).n);
        break;
    case LG_JSON_ARRAY:
        out += '[';
        it = lg_jiter_of(v);
        while (lg_jiter_item(&it, &item))
            walk_tape(item, out);
        out += ']';
        break;
    case LG_JSON_OBJECT:
        out += '{';
        it = lg_jiter_of(v);
        while (lg_jiter_member(&it, &key, &item)) {
            put(out, 'k', key.p, key.n);
            walk_tape(item, out);
        }
        out += '}';
        break;
    }
}

static void walk_dom(element e, std::string &out)
{
    simdjson::dom::object o;
    simdjson::dom::array a;
    std::string_view s;
    int64_t i;
    uint64_t u;
    double d;

    switch (e.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
        out += 'n';
        break;
    case simdjson::dom::element_type::BOOL:
        out += bool(e.get_bool().value_unsafe()) ? 't' : 'f';
        break;
    case simdjson::dom::element_type::INT64:
        i = e.get_int64().value_unsafe();
        put(out, 'i', &i, sizeof(i));
        break;
    case simdjson::dom::element_type::UINT64:
        u = e.get_uint64().value_unsafe();
        put(out, 'u', &u, sizeof(u));
        break;
    case simdjson::dom::element_type::DOUBLE:
        d = e.get_double().value_unsafe();
        put(out, 'd', &d, sizeof(d));
        break;
    case simdjson::dom::element_type::STRING:
        s = e.get_string().value_unsafe();
        put(out, 's', s.data(), s.size());
        break;
    case simdjson::dom::element_type::ARRAY:
        out += '[';
        a = e.get_array().value_unsafe();
        for (element item : a)
            walk_dom(item, out);
        out += ']';
        break;
    case simdjson::dom::element_type::OBJECT:
        out += '{';
        o = e.get_object().value_unsafe();
        for (auto m : o) {
            put(out, 'k', m.key.data(), m.key.size());
            walk_dom(m.value, out);
        }
        out += '}';
        break;
    }
}

// Visits every value. False at the first error.
template <typename T> static bool walk_ondemand(T &v, std::string &out);

template <typename T> static bool walk_number(T &v, std::string &out)
{
    od::number n;
    double d;
    int64_t i;
    uint64_t u;

    if (v.get_number().get(n) != simdjson::SUCCESS)
        return false;
    switch (n.get_number_type()) {
    case od::number_type::signed_integer:
        i = n.get_int64();
        put(out, 'i', &i, sizeof(i));
        return true;
    case od::number_type::unsigned_integer:
        u = n.get_uint64();
        put(out, 'u', &u, sizeof(u));
        return true;
    default:
        d = n.get_double();
        put(out, 'd', &d, sizeof(d));
        return true;
    }
}

static bool walk_array(od::array a, std::string &out)
{
    out += '[';
    for (auto item : a) {
        od::value v;

        if (item.get(v) != simdjson::SUCCESS || !walk_ondemand(v, out))
            return false;
    }
    out += ']';
    return true;
}

static bool walk_object(od::object o, std::string &out)
{
    out += '{';
    for (auto member : o) {
        od::field f;
        std::string_view key;

        if (std::move(member).get(f) != simdjson::SUCCESS ||
                f.unescaped_key().get(key) != simdjson::SUCCESS)
            return false;
        put(out, 'k', key.data(), key.size());
        if (!walk_ondemand(f.value(), out))
            return false;
    }
    out += '}';
    return true;
}

template <typename T> static bool walk_ondemand(T &v, std::string &out)
{
    od::json_type type;
    std::string_view s;
    od::object o;
    od::array a;
    bool b;

    if (v.type().get(type) != simdjson::SUCCESS)
        return false;
    switch (type) {
    case od::json_type::object:
        return v.get_object().get(o) == simdjson::SUCCESS && walk_object(o, out);
    case od::json_type::array:
        return v.get_array().get(a) == simdjson::SUCCESS && walk_array(a, out);
    case od::json_type::string:
        if (v.get_string().get(s) != simdjson::SUCCESS)
            return false;
        put(out, 's', s.data(), s.size());
        return true;
    case od::json_type::boolean:
        if (v.get_bool().get(b) != simdjson::SUCCESS)
            return false;
        out += b ? 't' : 'f';
        return true;
    case od::json_type::null:
        out += 'n';
        return v.is_null().get(b) == simdjson::SUCCESS && b;
    default:
        return walk_number(v, out);
    }
}

static bool dom_reads(const std::string &text, std::string &out, simdjson::error_code &ret)
{
    simdjson::dom::parser parser;
    element root;

    ret = parser.parse(text).get(root);
    if (ret == simdjson::SUCCESS)
        walk_dom(root, out);
    return ret == simdjson::SUCCESS;
}

static bool ondemand_reads(const std::string &text, std::string &out)
{
    od::parser parser;
    simdjson::padded_string padded(text);
    od::document doc;

    return parser.iterate(padded).get(doc) == simdjson::SUCCESS && walk_ondemand(doc, out) &&
            doc.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

static int tape_reads(const std::string &text, std::string &out, bool &ret_repaired)
{
    struct lg_str copy = exact(text.data(), text.size());
    struct lg_jval root;
    int rc = lg_json_parse(json, copy, false, &root, &ret_repaired);

    free_exact(copy);
    if (rc == 0)
        walk_tape(root, out);
    return rc;
}

static void reads_recordings_the_same_three_ways(void **)
{
    assert_true(records->size() > 100);
    for (const std::string &r : *records) {
        std::string tape, dom, ondemand;
        simdjson::error_code e;
        bool repaired = true;

        assert_int_equal(tape_reads(r, tape, repaired), 0);
        assert_false(repaired);
        assert_true(dom_reads(r, dom, e));
        assert_true(tape == dom);
        if (r[0] == '{' || r[0] == '[') { // On-Demand has no scalar documents in this walk
            assert_true(ondemand_reads(r, ondemand));
            assert_true(tape == ondemand);
        }
    }
}

static std::string mutate(const std::string &r, uint64_t *seed)
{
    static const char chars[] = "\"\\{}[]:,0-.eu \n\x80\xff\xed"
                                "atn";
    std::string m = r;

    for (uint64_t k = 1 + next_random(seed) % 2; k > 0 && !m.empty(); k--) {
        size_t at = next_random(seed) % m.size();
        char c = chars[next_random(seed) % (sizeof(chars) - 1)];

        switch (next_random(seed) % 4) {
        case 0:
            m[at] = c;
            break;
        case 1:
            m.insert(at, 1, c);
            break;
        case 2:
            m.erase(at, 1 + next_random(seed) % 3);
            break;
        default:
            m.resize(at);
            break;
        }
    }
    return m;
}

static void agrees_on_mutated_records(void **)
{
    uint64_t seed = 2026;
    size_t accepted = 0, refused = 0, repaired_n = 0;

    for (int round = 0; round < 30000; round++) {
        const std::string &r = (*records)[next_random(&seed) % records->size()];
        std::string m = mutate(r, &seed), tape, dom, ondemand;
        simdjson::error_code e;
        bool repaired = false, dom_ok = dom_reads(m, dom, e);
        int rc = tape_reads(m, tape, repaired);

        if (dom_ok) {
            accepted++;
            assert_int_equal(rc, 0);
            assert_false(repaired);
            assert_true(tape == dom);
            continue;
        }
        refused++;
        // On-Demand checks UTF-8 and every value that it visits: all of them here
        if (!m.empty() && (m[0] == '{' || m[0] == '['))
            assert_false(ondemand_reads(m, ondemand));
        if (rc == 0) {
            assert_true(repaired);
            assert_true(e == simdjson::UTF8_ERROR || e == simdjson::STRING_ERROR ||
                    e == simdjson::NUMBER_ERROR);
            repaired_n++;
        }
    }
    // the mutations reach all three outcomes, else this test would prove little
    assert_true(accepted > 3000 && refused > 10000 && repaired_n > 300);
}

// An error in any member is found, wherever a reader would have stopped looking.
static void finds_an_error_in_every_value(void **)
{
    static const char *const bad[] = {"tru", "01", "\"\\x\"", "\"a\nb\"", "{\"a\"}", "[1,]", "+1"};

    for (const char *b : bad)
        for (int at = 0; at < 20; at++) {
            std::string text = "{", tape;
            bool repaired;

            for (int i = 0; i < 20; i++)
                text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) +
                        "\":" + (i == at ? b : "{\"v\":[1,\"x\",null]}");
            text += "}";
            assert_int_equal(tape_reads(text, tape, repaired), LG_EPARSE);
        }
}

int main()
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(reads_recordings_the_same_three_ways),
            cmocka_unit_test(agrees_on_mutated_records),
            cmocka_unit_test(finds_an_error_in_every_value),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

// Ways to read every value of a record with simdjson, as JSON lines {"name", "value", "unit"}:
// what docs/decisions/001-json-tape.md compares. Records: the Winlogbeat files of tests/data,
// or the NDJSON files named as arguments, 32 MiB of them; best of nine runs.
#define SIMDJSON_EXCEPTIONS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <simdjson.h>
#pragma GCC diagnostic pop

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#define _Noreturn __attribute__((noreturn)) // C's word, in the headers below
extern "C" {
#include "json/json.h"
}

namespace od = simdjson::ondemand;

static std::string text;
static std::vector<struct lg_str> records;
static size_t bytes;

static void load(const std::string &path)
{
    std::ifstream in(path);
    std::string line;

    while (std::getline(in, line))
        if (!line.empty() && line[0] == '{')
            text += line + "\n";
}

static void split()
{
    const std::string once = text;

    while (text.size() < 32u << 20 && !once.empty())
        text += once;
    text.append(simdjson::SIMDJSON_PADDING, '\0');
    for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        records.push_back({text.data() + at, end - at});
        bytes += end - at;
    }
}

static size_t seen; // so that nothing is optimised away

static void walk_tape(struct lg_jval v)
{
    struct lg_jiter it;
    struct lg_jval item;
    struct lg_str key;

    switch (lg_jval_type(v)) {
    case LG_JSON_STRING:
        seen += lg_jval_str(v).n;
        break;
    case LG_JSON_OBJECT:
        it = lg_jiter_of(v);
        while (lg_jiter_member(&it, &key, &item)) {
            seen += key.n;
            walk_tape(item);
        }
        break;
    case LG_JSON_ARRAY:
        it = lg_jiter_of(v);
        while (lg_jiter_item(&it, &item))
            walk_tape(item);
        break;
    default:
        seen++;
        break;
    }
}

static void walk_dom(simdjson::dom::element e)
{
    simdjson::dom::object o;
    simdjson::dom::array a;
    std::string_view s;

    if (e.get_string().get(s) == simdjson::SUCCESS) {
        seen += s.size();
    } else if (e.get_object().get(o) == simdjson::SUCCESS) {
        for (auto m : o) {
            seen += m.key.size();
            walk_dom(m.value);
        }
    } else if (e.get_array().get(a) == simdjson::SUCCESS) {
        for (auto item : a)
            walk_dom(item);
    } else {
        seen++;
    }
}

template <typename T> static bool walk_ondemand(T &v)
{
    od::json_type type;
    std::string_view s;
    od::number n;
    od::object o;
    od::array a;
    bool b;

    if (v.type().get(type) != simdjson::SUCCESS)
        return false;
    switch (type) {
    case od::json_type::object:
        if (v.get_object().get(o) != simdjson::SUCCESS)
            return false;
        for (auto member : o) {
            od::field f;

            if (std::move(member).get(f) != simdjson::SUCCESS ||
                    f.unescaped_key().get(s) != simdjson::SUCCESS)
                return false;
            seen += s.size();
            if (!walk_ondemand(f.value()))
                return false;
        }
        return true;
    case od::json_type::array:
        if (v.get_array().get(a) != simdjson::SUCCESS)
            return false;
        for (auto item : a) {
            od::value value;

            if (item.get(value) != simdjson::SUCCESS || !walk_ondemand(value))
                return false;
        }
        return true;
    case od::json_type::string:
        seen += v.get_string().get(s) == simdjson::SUCCESS ? s.size() : 0;
        return true;
    case od::json_type::number:
        seen++;
        return v.get_number().get(n) == simdjson::SUCCESS;
    case od::json_type::boolean:
        seen++;
        return v.get_bool().get(b) == simdjson::SUCCESS;
    default:
        seen++;
        return v.is_null().get(b) == simdjson::SUCCESS;
    }
}

struct way {
    const char *name;
    std::function<bool(const struct lg_str &)> each;
    double best;
};

// The ways take turns, so that a busy machine is unfair to all of them alike.
static void measure(std::vector<way> &ways)
{
    for (int run = 0; run < 9; run++)
        for (way &w : ways) {
            auto t0 = std::chrono::steady_clock::now();

            for (const struct lg_str &r : records)
                if (!w.each(r)) {
                    std::fprintf(stderr, "bench_json: %s refused a record\n", w.name);
                    std::exit(1);
                }
            std::chrono::duration<double> t = std::chrono::steady_clock::now() - t0;
            w.best = t.count() < w.best ? t.count() : w.best;
        }
    for (const way &w : ways)
        std::printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"MB/s\"}\n", w.name,
                static_cast<double>(bytes) / w.best / 1e6);
}

int main(int argc, char **argv)
{
    simdjson::dom::parser dom;
    od::parser ondemand;
    struct lg_json *json;

    for (int i = 1; i < argc; i++)
        load(argv[i]);
    for (const char *f : {"winlogbeat6", "winlogbeat7", "winlogbeat8"})
        if (argc < 2)
            load(std::string(LG_SOURCE_DIR "/tests/data/windows/") + f + ".ndjson");
    split();
    if (records.empty() || lg_json_new(&json) < 0)
        return 1;
    std::fprintf(stderr, "%zu records of %zu bytes; run-time kernels: %s; On-Demand's: %s\n",
            records.size(), bytes / records.size(),
            simdjson::get_active_implementation()->name().c_str(),
            simdjson::builtin_implementation()->name().c_str());

    std::vector<way> ways;

    ways.push_back({"json_dom_parse",
            [&](const struct lg_str &r) {
                return dom.parse(r.p, r.n, false).error() == simdjson::SUCCESS;
            },
            1e9});
    ways.push_back({"json_tape_walk",
            [&](const struct lg_str &r) {
                struct lg_jval root;

                if (lg_json_parse(json, r, true, &root, nullptr) < 0)
                    return false;
                walk_tape(root);
                return true;
            },
            1e9});
    ways.push_back({"json_dom_walk",
            [&](const struct lg_str &r) {
                simdjson::dom::element root;

                if (dom.parse(r.p, r.n, false).get(root) != simdjson::SUCCESS)
                    return false;
                walk_dom(root);
                return true;
            },
            1e9});
    ways.push_back({"json_ondemand_walk",
            [&](const struct lg_str &r) {
                od::document doc;

                return ondemand.iterate(r.p, r.n, r.n + simdjson::SIMDJSON_PADDING).get(doc) ==
                        simdjson::SUCCESS &&
                        walk_ondemand(doc);
            },
            1e9});
    measure(ways);
    lg_json_free(json);
    return seen == 0;
}

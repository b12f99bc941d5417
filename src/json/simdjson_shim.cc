// The only C++ file of the tree. simdjson is used through its error codes; the standard library
// calls that remain do not throw, and every entry point is noexcept, so that nothing can unwind
// into C.
#define SIMDJSON_EXCEPTIONS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <simdjson.h>
#pragma GCC diagnostic pop

#include <charconv>
#include <cstring>
#include <new>

#include "json/json_int.h"

using simdjson::error_code;

struct lg_simdjson {
    simdjson::dom::parser parser;
    simdjson::dom::document doc;
    size_t capacity = 0;
};

extern "C" lg_simdjson *lg_simdjson_new(void)
{
    return new (std::nothrow) lg_simdjson;
}

extern "C" void lg_simdjson_free(lg_simdjson *sj)
{
    delete sj;
}

extern "C" size_t lg_simdjson_capacity(const lg_simdjson *sj)
{
    return sj->capacity;
}

extern "C" lg_simdjson_status lg_simdjson_reserve(lg_simdjson *sj, size_t capacity, size_t depth)
{
    sj->capacity = 0;
    if (sj->parser.allocate(capacity, depth) != simdjson::SUCCESS ||
            sj->doc.allocate(capacity) != simdjson::SUCCESS)
        return LG_SIMDJSON_NOMEM;
    sj->capacity = capacity;
    return LG_SIMDJSON_OK;
}

static const char *reason_text(error_code e)
{
    switch (e) {
    case simdjson::DEPTH_ERROR:
        return "nested too deeply";
    case simdjson::STRING_ERROR:
        return "bad escape in a string";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
        return "bad literal (want true, false or null)";
    case simdjson::NUMBER_ERROR:
        return "bad number";
    case simdjson::UTF8_ERROR:
        return "ill-formed UTF-8";
    case simdjson::EMPTY:
        return "empty";
    case simdjson::UNESCAPED_CHARS:
        return "control character in a string";
    case simdjson::UNCLOSED_STRING:
        return "string without end";
    default:
        return "bad structure";
    }
}

extern "C" lg_simdjson_status lg_simdjson_parse(lg_simdjson *sj, const char *text, size_t n,
        const uint64_t **ret_tape, const char **ret_strings, const char **ret_reason)
{
    error_code e =
            sj->parser
                    .parse_into_document(sj->doc, reinterpret_cast<const uint8_t *>(text), n, false)
                    .error();

    if (e == simdjson::SUCCESS) {
        *ret_tape = sj->doc.tape.get();
        *ret_strings = reinterpret_cast<const char *>(sj->doc.string_buf.get());
        return LG_SIMDJSON_OK;
    }
    if (e == simdjson::MEMALLOC || e == simdjson::CAPACITY)
        return LG_SIMDJSON_NOMEM;
    *ret_reason = reason_text(e);
    if (e == simdjson::DEPTH_ERROR)
        return LG_SIMDJSON_DEPTH;
    if (e == simdjson::UTF8_ERROR || e == simdjson::STRING_ERROR || e == simdjson::NUMBER_ERROR)
        return LG_SIMDJSON_REPAIRABLE;
    return LG_SIMDJSON_BAD;
}

extern "C" size_t lg_double_shortest(double v, char out[32])
{
    return static_cast<size_t>(std::to_chars(out, out + 32, v).ptr - out);
}

extern "C" int lg_double_fits(const char *text, size_t n)
{
    double v;
    auto r = std::from_chars(text, text + n, v);

    return r.ec == std::errc() && r.ptr == text + n;
}

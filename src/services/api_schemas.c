#include "services/api_int.h"

/* The preprocessor makes the text: a JSON value is a sequence of its tokens. */
#define API_SCHEMA(n, ...) {.name = #n, .json = #__VA_ARGS__},
static const struct lg_schema schemas[] = {
#include "services/api_schemas.def"
};
#undef API_SCHEMA

const struct lg_schema *api_schemas(size_t *n)
{
    *n = sizeof(schemas) / sizeof(*schemas);
    return schemas;
}

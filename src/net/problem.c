#include "net/problem.h"

#include "json/write.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
        {304, "Not Modified"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
        {404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"},
        {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
        {412, "Precondition Failed"}, {413, "Content Too Large"}, {414, "URI Too Long"},
        {415, "Unsupported Media Type"}, {422, "Unprocessable Content"},
        {428, "Precondition Required"}, {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
        {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
        {504, "Gateway Timeout"}, {507, "Insufficient Storage"}};

const char *lg_http_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

void lg_problem_write(struct lg_buf *out, const struct lg_problem *p)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("type"));
    if (p->slug == NULL) {
        lg_jw_str(&w, LG_STR("about:blank"));
    } else {
        lg_jw_raw(&w, LG_STR("\"/problems/"));
        lg_json_escape(out, lg_str_z(p->slug));
        lg_buf_addc(out, '"');
    }
    LG_JW_STR(&w, "title", lg_str_z(p->title != NULL ? p->title : lg_http_reason(p->status)));
    LG_JW_I64(&w, "status", p->status);
    if (p->detail.n > 0)
        LG_JW_STR(&w, "detail", p->detail);
    if (p->instance.n > 0)
        LG_JW_STR(&w, "instance", p->instance);
    if (p->request_id.n > 0)
        LG_JW_STR(&w, "request_id", p->request_id);
    if (p->parameter.n > 0)
        LG_JW_STR(&w, "parameter", p->parameter);
    if (p->extra.n > 0) {
        lg_buf_addc(out, ',');
        lg_buf_adds(out, p->extra);
    }
    lg_jw_object_end(&w);
}

#include "detect/patterns.h"

/* docs/techniques.md. A test compares the committed page with this. */

static void escape(struct lg_buf *out, const char *z)
{
    for (; *z != '\0'; z++) {
        if (*z == '|')
            lg_buf_addc(out, '\\');
        if (*z < 0) /* a control character must not reorder the page */
            lg_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*z);
        else
            lg_buf_addc(out, *z);
    }
}

static void technique_link(struct lg_buf *out, const char *id)
{
    const char *dot = strchr(id, '.');
    int n = dot != NULL ? (int)(dot - id) : (int)strlen(id);

    lg_buf_printf(out, "[%s](https://attack.mitre.org/techniques/%.*s%s%s/)", id, n, id,
            dot != NULL ? "/" : "", dot != NULL ? dot + 1 : "");
}

static void row(struct lg_buf *out, const struct lg_pattern *pat)
{
    lg_buf_printf(out, "| `%s` | ", pat->id);
    technique_link(out, pat->technique);
    lg_buf_printf(out, " %s | %s | ", lg_technique_name(pat->technique),
            lg_pattern_strength_name(pat->strength));
    escape(out, pat->name);
    lg_buf_adds(out, LG_STR(" | "));
    escape(out, pat->reference);
    lg_buf_adds(out, LG_STR(" | `"));
    escape(out, pat->condition);
    lg_buf_adds(out, LG_STR("` |\n"));
}

static uint32_t count_techniques(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < lg_pattern_count(); i++) {
        uint32_t k = 0;

        while (k < i && strcmp(lg_pattern_get(k)->technique, lg_pattern_get(i)->technique) != 0)
            k++;
        n += k == i;
    }
    return n;
}

static void platform(struct lg_buf *out, enum lg_platform pf, const char *title)
{
    lg_buf_printf(out,
            "\n## %s\n\n| Pattern | Technique | Strength | What it finds | Reference | Condition "
            "|\n"
            "|---|---|---|---|---|---|\n",
            title);
    for (uint32_t i = 0; i < lg_pattern_count(); i++) {
        if (lg_pattern_get(i)->platform == pf)
            row(out, lg_pattern_get(i));
    }
}

void lg_patterns_write_doc(struct lg_buf *out)
{
    lg_buf_adds(out,
            LG_STR("# Techniques\n\n<!-- Generated from src/detect/patterns_*.def; do not edit. "
                   "LG_UPDATE_DOCS=1 with the unit test `detect.patterns` rewrites it. -->\n\n"));
    lg_buf_printf(out,
            "`ttp_techniques` of a verdict comes from this table of %u patterns for %u ATT&CK "
            "techniques.\nA technique is named only where the facts of a node or edge in the "
            "window meet a row's condition,\nand it stands on that node; nothing is guessed from "
            "the score.\n\n",
            lg_pattern_count(), count_techniques());
    lg_buf_adds(out,
            LG_STR("Strength says what a match means for the verdict:\n\n"
                   "* **weak**: names the technique on evidence, says nothing about malice;\n"
                   "* **medium**: unusual; patterns of two different techniques set a floor of "
                   "0.44 under the\n  attack probability, three 0.58, four 0.68, five 0.76, six "
                   "0.82, more 0.85;\n"
                   "* **strong**: raises the verdict by itself, to at least 0.90 (0.95 for two "
                   "different techniques);\n"
                   "* **decisive**: the same, to at least 0.97.\n\n"
                   "Conditions read `anchor; clause; ...`, joined by `&&` with further edges that "
                   "must exist (`out`: leaving\nthe acting node, `in`: entering it, `any`: in the "
                   "window). Operators: `=` one of, `^` starts with,\n`$` ends with, `~` contains "
                   "one of, `&` contains all of, `!` before them: none of. Text is compared in\n"
                   "lower case, without the quoting that shells ignore; on Windows ` -x` is "
                   "written ` /x`; text hidden in base64\nis compared as well.\n"));
    platform(out, LG_PLATFORM_WINDOWS, "Windows");
    platform(out, LG_PLATFORM_LINUX, "Linux");
}

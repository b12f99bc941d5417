#ifndef LG_NORMALIZE_XML_H
#define LG_NORMALIZE_XML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

/*
 * Pull reader for small XML records. Names come without their name-space prefix; there is no DTD
 * (a DOCTYPE is LG_EPARSE), no external entity, and no expansion but the five predefined entities
 * and character references, so that output is never longer than input. Depth is capped by
 * LG_MAX_XML_DEPTH (LG_ELIMIT). Tags must match. Strings borrow from the input.
 *
 * Two liberties, for what real shippers send: an ampersand that begins no known entity stands for
 * itself, and a blank may stand for the semicolon of a named entity (Azure's agent for syslog sends
 * "&lt unknown process&gt "). Thread: its owner's.
 */
enum lg_xml_token {
    LG_XML_EOF,   /* all elements are closed and only white space is left */
    LG_XML_OPEN,  /* name, attrs; an empty element is followed by its CLOSE */
    LG_XML_CLOSE, /* name */
    LG_XML_TEXT,  /* text; cdata: taken as it is, else decode it */
};

struct lg_xml {
    struct lg_str in;
    size_t at;
    struct lg_str name;  /* of OPEN and CLOSE, without prefix */
    struct lg_str attrs; /* of OPEN, undecoded; see lg_xml_attr */
    struct lg_str text;  /* of TEXT, undecoded, never empty */
    bool cdata;
    bool empty;                           /* the open element closes itself */
    bool started;                         /* the root element was opened */
    int depth;                            /* elements open, this one included */
    struct lg_str open[LG_MAX_XML_DEPTH]; /* full names */
};

void lg_xml_init(struct lg_xml *x, struct lg_str in);
/* enum lg_xml_token, LG_EPARSE, LG_ETRUNC (the input ended too early, and was right so far) or
 * LG_ELIMIT. After an error the reader must not be used again. */
int lg_xml_next(struct lg_xml *x) LG_MUST_CHECK;
/* Value of the attribute with this local name, undecoded; false when there is none. */
bool lg_xml_attr(const struct lg_xml *x, struct lg_str name, struct lg_str *ret) LG_MUST_CHECK;
/* Text with its entities replaced: `raw` itself when it has none, else a copy in the arena. What
 * no XML text may hold (&#0;, surrogates) becomes U+FFFD. 0 or LG_ENOMEM. */
int lg_xml_decode(struct lg_arena *arena, struct lg_str raw, struct lg_str *ret) LG_MUST_CHECK;

#endif

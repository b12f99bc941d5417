#ifndef LG_NET_DOCS_PAGE_H
#define LG_NET_DOCS_PAGE_H

/* The files of the /docs page as lines, each list ended by NULL. */
extern const char *const lg_docs_html[];
extern const char *const lg_docs_style[];
extern const char *const lg_docs_script[];

#endif

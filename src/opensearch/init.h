#ifndef LG_OPENSEARCH_INIT_H
#define LG_OPENSEARCH_INIT_H

#include "opensearch/opensearch.h"

/*
 * What the indices need before the first write: index templates with their mappings, and where the
 * cluster has the interface and `days_kept` is set, a policy that deletes old days (ISM of
 * OpenSearch, ILM of Elasticsearch). A second run changes nothing. Without such an interface old
 * days go by the store's own `retain`.
 */
enum lg_init_step { LG_INIT_MADE, LG_INIT_CHANGED, LG_INIT_KEPT, LG_INIT_NOT_THERE };
/* One thing that was looked at: what it is, its name, what became of it. Texts die on return. */
typedef void (*lg_init_fn)(void *user, const char *what, const char *name, enum lg_init_step step);

/* LG_EIO (reterr says why), LG_EINVAL, LG_ENOMEM, LG_EREFUSED (the server turned it down). */
int lg_opensearch_init(const struct lg_opensearch_options *opt, lg_init_fn fn, void *user,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif

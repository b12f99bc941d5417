#ifndef LG_BASE_LIMITS_H
#define LG_BASE_LIMITS_H

/* Every size that an outsider controls has its cap here. */

#define LG_MAX_RECORD_BYTES (1u << 20) /* one raw record; larger: dead letter `oversized` */
#define LG_MAX_JSON_DEPTH 64           /* nesting of one record */
#define LG_MAX_HOSTNAME_BYTES 255      /* RFC 1035 */
#define LG_MAX_TENANT_BYTES 64
#define LG_MAX_AUDIT_OPEN 1024              /* open serials in one auditd assembler */
#define LG_MAX_AUDIT_OPEN_BYTES (16u << 20) /* records of all open serials of one assembler */
#define LG_MAX_AUDIT_EVENT_BYTES (1u << 20) /* all records of one serial */
#define LG_MAX_AUDIT_ARGS 4096              /* EXECVE arguments joined */
#define LG_MAX_XML_DEPTH 32
#define LG_MAX_GRAPH_NODES 4096 /* of one window before the cap of the model */
#define LG_MAX_GRAPH_EDGES 16384
#define LG_MAX_ENDPOINT_BYTES (8u << 20) /* live window state of one endpoint */
#define LG_MAX_PROCESS_TABLE 4096        /* processes remembered per endpoint (LRU) */
#define LG_MAX_NODE_TEXT 2048            /* bytes of one string kept on a node */
#define LG_MAX_EVIDENCE 15
#define LG_MAX_MODEL_FILE_BYTES (256u << 20)

#endif

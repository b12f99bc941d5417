#include "graph/op_int.h"

/* Registry, pipes, WMI, network, DNS. */

static uint32_t value_attr(struct lg_str data)
{
    uint32_t attr = 0;

    if (lg_str_istarts(data, LG_STR("Binary Data")))
        attr |= LG_ATTR_VALUE_BINARY;
    else if (lg_str_istarts(data, LG_STR("DWORD (")) || lg_str_istarts(data, LG_STR("QWORD (")))
        attr |= LG_ATTR_VALUE_DWORD;
    else if (lg_text_names_program(lg_text_cut(data, LG_MAX_NODE_TEXT)))
        attr |= LG_ATTR_VALUE_PATH;
    if (data.n >= 256)
        attr |= LG_ATTR_VALUE_LONG;
    return attr;
}

static void map_wmi(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str what = lg_op_map_str(ev, LG_F_WMI_NAME);
    const char *prefix = "binding:";

    op->detail = lg_op_map_str(ev, LG_F_WMI_CONSUMER);
    if (ev->type == LG_EVENT_WMI_FILTER) {
        prefix = "filter:";
        op->detail = lg_op_map_str(ev, LG_F_WMI_QUERY);
    } else if (ev->type == LG_EVENT_WMI_CONSUMER) {
        prefix = "consumer:";
        lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_WMI_CONSUMER_TYPE));
        lg_op_map_put(op, 1, LG_STR(" "));
        lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_WMI_DESTINATION));
        op->detail = lg_op_map_buf(op, 1);
    } else if (what.n == 0) {
        what = lg_op_map_str(ev, LG_F_WMI_FILTER);
        if (op->detail.n == 0)
            op->detail = lg_op_map_str(ev, LG_F_WMI_POSSIBLE_CAUSE);
    }
    lg_op_map_put(op, 0, lg_str_z(prefix));
    lg_op_map_put(op, 0, what);
    lg_op_map_node(op, LG_EDGE_WMI_SUBSCRIBE, LG_NODE_WMI, LG_TEXT_NAME, lg_op_map_buf(op, 0));
    lg_op_map_account_source(ev, op);
}

static void map_pipe(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str name = lg_op_map_str(ev, LG_F_PIPE_NAME);

    lg_op_map_node(op,
            ev->type == LG_EVENT_PIPE_CREATE ? LG_EDGE_PIPE_CREATE : LG_EDGE_PIPE_CONNECT,
            LG_NODE_PIPE, LG_TEXT_PIPE, name.n > 0 ? name : LG_STR("<anonymous pipe>"));
}

static void map_key(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str kind = lg_event_str(ev, LG_F_REGISTRY_EVENT_TYPE);
    struct lg_str name = lg_op_map_str(ev, LG_F_TARGET_OBJECT);
    enum lg_edge_type edge = LG_EDGE_KEY_CREATE;

    if (ev->type == LG_EVENT_REGISTRY_VALUE_SET) {
        edge = LG_EDGE_VALUE_SET;
        op->detail = lg_op_map_str(ev, LG_F_DETAILS);
        op->attr = value_attr(op->detail);
    } else if (ev->type == LG_EVENT_REGISTRY_RENAME) {
        edge = LG_EDGE_KEY_RENAME;
        op->detail = name;
        if (lg_op_map_str(ev, LG_F_NEW_NAME).n > 0)
            name = lg_op_map_str(ev, LG_F_NEW_NAME);
    } else if (lg_str_ifind(kind, LG_STR("delete")) >= 0) {
        edge = LG_EDGE_KEY_DELETE;
    }
    lg_op_map_node(op, edge, LG_NODE_REGISTRY, LG_TEXT_REGISTRY, name);
}

void lg_op_map_registry_event(const struct lg_event *ev, struct lg_op *op)
{
    switch (ev->type) {
    case LG_EVENT_REGISTRY_KEY:
    case LG_EVENT_REGISTRY_VALUE_SET:
    case LG_EVENT_REGISTRY_RENAME:
        map_key(ev, op);
        break;
    case LG_EVENT_PIPE_CREATE:
    case LG_EVENT_PIPE_CONNECT:
        map_pipe(ev, op);
        break;
    default:
        map_wmi(ev, op);
        break;
    }
}

static void put_address(struct lg_op *op, struct lg_str addr, uint64_t port)
{
    bool v6 = lg_str_chr(addr, ':') >= 0;

    lg_op_map_put(op, 0, v6 ? LG_STR("[") : LG_STR(""));
    lg_op_map_put(op, 0, lg_text_cut(addr, 256));
    lg_op_map_put(op, 0, v6 ? LG_STR("]:") : LG_STR(":"));
    lg_op_map_put_u64(op, 0, port, 10);
}

static uint32_t address_attr(struct lg_str addr, uint64_t port)
{
    bool v6;
    uint32_t attr = port >= 49152 ? LG_ATTR_PORT_HIGH : 0;

    switch (lg_text_addr_class(addr, &v6)) {
    case LG_ADDR_PUBLIC:
        return attr | LG_ATTR_ADDR_PUBLIC;
    case LG_ADDR_PRIVATE:
    case LG_ADDR_LINK_LOCAL:
        return attr | LG_ATTR_ADDR_PRIVATE;
    case LG_ADDR_LOOPBACK:
        return attr | LG_ATTR_ADDR_LOOPBACK;
    default:
        return attr;
    }
}

/* A socket with a path or a family without addresses. */
static bool map_local_socket(const struct lg_event *ev, struct lg_op *op, enum lg_edge_type edge)
{
    struct lg_str path = lg_op_map_str(ev, LG_F_SOCKET_PATH);
    struct lg_str family = lg_op_map_str(ev, LG_F_SOCKET_FAMILY);

    if (path.n == 0 &&
            (family.n == 0 || lg_str_istarts(family, LG_STR("ip")) ||
                    lg_str_istarts(family, LG_STR("inet"))))
        return false;
    lg_op_map_put(op, 0, LG_STR("unix:"));
    lg_op_map_put(op, 0, path.n > 0 ? path : family);
    lg_op_map_node(op, edge, LG_NODE_NETWORK, LG_TEXT_NET_OUT, lg_op_map_buf(op, 0));
    return true;
}

static void map_connection(const struct lg_event *ev, struct lg_op *op)
{
    bool in = ev->type == LG_EVENT_NETWORK_ACCEPT ||
            (lg_event_has(ev, LG_F_INITIATED) && !ev->v[LG_F_INITIATED].b);
    enum lg_edge_type edge = in ? LG_EDGE_CONNECT_IN : LG_EDGE_CONNECT_OUT;
    struct lg_str addr = lg_op_map_str(ev, in ? LG_F_SOURCE_IP : LG_F_DESTINATION_IP);
    uint64_t port = lg_event_u64(ev, LG_F_DESTINATION_PORT);
    bool local = map_local_socket(ev, op, edge);

    if (!local) {
        if (in && addr.n == 0) /* accept(2) tells the peer as the destination in some sources */
            addr = lg_op_map_str(ev, LG_F_DESTINATION_IP);
        put_address(op, addr, port);
        lg_op_map_node(op, edge, LG_NODE_NETWORK, in ? LG_TEXT_NET_IN : LG_TEXT_NET_OUT,
                lg_op_map_buf(op, 0));
        op->attr = address_attr(addr, port);
    }
    if (lg_event_has(ev, LG_F_SUCCESS) && !ev->v[LG_F_SUCCESS].b)
        op->attr |= LG_ATTR_FAILED;
    lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_PROTOCOL));
    if (lg_op_map_str(ev, LG_F_DESTINATION_HOSTNAME).n > 0) {
        lg_op_map_put(op, 1, LG_STR(" "));
        lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_DESTINATION_HOSTNAME));
    }
    op->detail = lg_op_map_buf(op, 1);
}

static void map_listen(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str addr = lg_op_map_str(ev, LG_F_SOURCE_IP);
    uint64_t port = lg_event_u64(ev, LG_F_SOURCE_PORT);

    if (map_local_socket(ev, op, LG_EDGE_LISTEN))
        return;
    if (addr.n == 0 && port == 0) {
        addr = lg_op_map_str(ev, LG_F_DESTINATION_IP);
        port = lg_event_u64(ev, LG_F_DESTINATION_PORT);
    }
    put_address(op, addr, port);
    lg_op_map_node(op, LG_EDGE_LISTEN, LG_NODE_NETWORK, LG_TEXT_NET_LISTEN, lg_op_map_buf(op, 0));
    op->attr = address_attr(addr, port);
}

void lg_op_map_network_event(const struct lg_event *ev, struct lg_op *op)
{
    switch (ev->type) {
    case LG_EVENT_NETWORK_CONNECT:
    case LG_EVENT_NETWORK_ACCEPT:
        map_connection(ev, op);
        break;
    case LG_EVENT_NETWORK_BIND:
    case LG_EVENT_NETWORK_LISTEN:
        map_listen(ev, op);
        break;
    default:
        lg_op_map_node(op, LG_EDGE_DNS_QUERY, LG_NODE_DNS, LG_TEXT_DNS,
                lg_op_map_str(ev, LG_F_QUERY_NAME));
        op->detail = lg_op_map_str(ev, LG_F_QUERY_RESULTS);
        break;
    }
}

// WasmEdge's socket calls, declared by hand: version 1 where the two differ and nothing else is said.
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))

enum { IPV4 = 1, IPV6, UNIX };
enum { DATAGRAM = 1, STREAM };
enum { SHUT_READ = 1, SHUT_WRITE };
enum { EINPROGRESS_ = 26, EAGAIN_ = 6 };
enum { SO_ERROR_ = 2 };

struct address { const void *bytes; uint32_t length; };
struct piece { const void *bytes; uint32_t length; };

struct info {
  uint16_t flags;
  uint8_t family, type;
  uint32_t protocol, address_length;
  struct { uint8_t family; uint32_t length; uint8_t *data; } *address;
  char *name;
  uint32_t name_length;
  struct info *next;
};

IMPORT("sock_open") uint32_t sock_open(uint32_t family, uint32_t type, uint32_t *fd);
IMPORT("sock_bind") uint32_t sock_bind(uint32_t fd, const struct address *at, uint32_t port);
IMPORT("sock_listen") uint32_t sock_listen(uint32_t fd, uint32_t backlog);
IMPORT("sock_connect") uint32_t sock_connect(uint32_t fd, const struct address *to, uint32_t port);
IMPORT("sock_accept") uint32_t sock_accept_1(uint32_t fd, uint32_t *accepted);
IMPORT("sock_recv") uint32_t sock_receive(uint32_t fd, const struct piece *into, uint32_t count, uint32_t flags,
                                          uint32_t *length, uint16_t *out_flags);
IMPORT("sock_recv_from") uint32_t sock_receive_from_2(uint32_t fd, const struct piece *into, uint32_t count,
                                                      struct address *from, uint32_t flags, uint16_t *port,
                                                      uint32_t *length, uint16_t *out_flags);
IMPORT("sock_send_to") uint32_t sock_send_to(uint32_t fd, const struct piece *from, uint32_t count,
                                             const struct address *to, uint32_t port, uint32_t flags, uint32_t *length);
IMPORT("sock_shutdown") uint32_t sock_shutdown(uint32_t fd, uint32_t how);
IMPORT("sock_getlocaladdr") uint32_t sock_local_address_1(uint32_t fd, struct address *at, uint32_t *type, uint32_t *port);
IMPORT("sock_getsockopt") uint32_t sock_get_option(uint32_t fd, uint32_t level, uint32_t name, void *value, uint32_t *length);
IMPORT("sock_getaddrinfo") uint32_t sock_address_info(const char *node, uint32_t node_length, const char *service,
                                                      uint32_t service_length, const struct info *hints,
                                                      struct info **list, uint32_t most, uint32_t *count);

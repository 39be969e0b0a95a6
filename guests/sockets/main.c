// Programs that listen, connect and wait, with WasmEdge's calls beside those of the C library:
//
//   sockets echo COUNT             listens, says on which port, and echoes COUNT connections to their ends
//   sockets client PORT COUNT SIZE opens COUNT connections at once, sends SIZE bytes on each and checks what comes back
//   sockets udp COUNT              says on which port it receives, and sends COUNT datagrams back
//   sockets lookup NAME SERVICE    prints the addresses of a name
//   sockets idle COUNT             listens and accepts COUNT connections, and sends back each byte that comes from any
//   sockets ready COUNT            the same, but says how many ns a poll of all takes once one of them has a byte
//
// The C library's poll has 80 bytes for each descriptor on its stack.
//
// flags: -O2 -Wl,-z,stack-size=1048576
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include "calls.h"

#define MOST 8192
#define ROOM 65536

static const uint8_t loopback[4] = {127, 0, 0, 1};
static const struct address home = {loopback, 4};

// What a connection has received and not yet sent back, or the rest that a client has to send and to get.
struct connection { uint8_t *bytes; uint32_t from, to, sent, got; int ended; };
static struct connection connections[MOST];
static struct pollfd polled[MOST];
static int count;

static void check(const char *what, uint32_t number) {
  if (number == 0) return;
  printf("%s failed: errno %u\n", what, number);
  exit(1);
}

static void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) check("fcntl", (uint32_t)errno);
}

static uint32_t port_of(uint32_t fd) {
  uint8_t bytes[16];
  struct address at = {bytes, sizeof bytes};
  uint32_t type, port;
  check("sock_getlocaladdr", sock_local_address_1(fd, &at, &type, &port));
  if (type != 4) check("the family of an address", type);
  return port;
}

static int open_at_home(uint32_t type) {
  uint32_t fd;
  check("sock_open", sock_open(IPV4, type, &fd));
  check("sock_bind", sock_bind(fd, &home, 0));
  if (type == STREAM) check("sock_listen", sock_listen(fd, 1024));
  printf("port %u\n", port_of(fd));
  fflush(stdout);
  return (int)fd;
}

static void add(int fd, int events) {
  if (count == MOST) check("one more connection", EMFILE);
  polled[count].fd = fd;
  polled[count].events = (short)events;
  memset(&connections[count++], 0, sizeof *connections);
}

static void drop(int index) {
  close(polled[index].fd);
  free(connections[index].bytes);
  polled[index] = polled[--count];
  connections[index] = connections[count];
}

// Takes every other connection by the C library's accept, which is version 2, and the rest by version 1's.
static int accept_one(int listener, int which) {
  if (which % 2 == 0) return accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  uint32_t fd;
  errno = (int)sock_accept_1((uint32_t)listener, &fd);
  if (errno != 0) return -1;
  set_nonblocking((int)fd);
  return (int)fd;
}

static int accept_all(int listener, int accepted, int most) {
  while (accepted < most) {
    int fd = accept_one(listener, accepted);
    if (fd < 0 && errno == EAGAIN) break;
    if (fd < 0) check("accept", (uint32_t)errno);
    add(fd, POLLIN);
    connections[count - 1].bytes = malloc(ROOM);
    accepted++;
  }
  return accepted;
}

// Moves what can be moved; false once the connection is over.
static int echo(int index) {
  struct connection *c = &connections[index];
  int fd = polled[index].fd;
  if (c->from == c->to && !c->ended) {
    ssize_t got = read(fd, c->bytes, ROOM);
    if (got < 0 && errno != EAGAIN) return 0;
    c->ended = got == 0;
    c->from = 0;
    c->to = got > 0 ? (uint32_t)got : 0;
  }
  while (c->from < c->to) {
    ssize_t sent = write(fd, c->bytes + c->from, c->to - c->from);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return 0;
    c->from += (uint32_t)sent;
  }
  polled[index].events = c->from < c->to ? POLLOUT : POLLIN;
  return c->from < c->to || !c->ended;
}

static int echo_server(int most) {
  int listener = open_at_home(STREAM), accepted = 0, over = 0;
  set_nonblocking(listener);
  add(listener, POLLIN);
  while (over < most) {
    if (poll(polled, (nfds_t)count, -1) < 0) check("poll", (uint32_t)errno);
    for (int i = count - 1; i > 0; i--) {
      if (polled[i].revents == 0 || echo(i)) continue;
      drop(i);
      over++;
    }
    if (polled[0].revents != 0) accepted = accept_all(listener, accepted, most);
  }
  printf("%d connections\n", over);
  return 0;
}

static uint8_t pattern(int index, uint32_t at) { return (uint8_t)(index * 31 + at * 7 + (at >> 8)); }

static void send_some(int index, uint32_t size) {
  struct connection *c = &connections[index];
  while (c->sent < size) {
    ssize_t sent = send(polled[index].fd, c->bytes + c->sent, size - c->sent, 0);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) check("send", (uint32_t)errno);
    c->sent += (uint32_t)sent;
  }
  if (polled[index].events == POLLIN) return;
  // Half closed: the other direction goes on.
  check("sock_shutdown", sock_shutdown((uint32_t)polled[index].fd, SHUT_WRITE));
  polled[index].events = POLLIN;
}

static int receive_some(int index, uint32_t size) {
  struct connection *c = &connections[index];
  uint8_t bytes[4096];
  struct piece into = {bytes, sizeof bytes};
  for (;;) {
    uint32_t got;
    uint16_t flags;
    uint32_t error = sock_receive((uint32_t)polled[index].fd, &into, 1, 0, &got, &flags);
    if (error == EAGAIN_) return 1;
    check("sock_recv", error);
    if (got == 0) {
      if (c->got != size) check("all that was sent", c->got);
      return 0;
    }
    if (memcmp(bytes, c->bytes + c->got, got) != 0) check("the bytes that came back", 1);
    c->got += got;
  }
}

static void connected(int index) {
  uint32_t error, length = sizeof error;
  check("sock_getsockopt", sock_get_option((uint32_t)polled[index].fd, 0, SO_ERROR_, &error, &length));
  check("connecting", error);
}

static int client(uint32_t port, int most, uint32_t size) {
  for (int i = 0; i < most; i++) {
    uint32_t fd;
    check("sock_open", sock_open(IPV4, STREAM, &fd));
    set_nonblocking((int)fd);
    uint32_t error = sock_connect(fd, &home, port);
    if (error != EINPROGRESS_) check("sock_connect", error);
    add((int)fd, POLLIN | POLLOUT);
    connections[i].bytes = malloc(size);
    for (uint32_t at = 0; at < size; at++) connections[i].bytes[at] = pattern(i, at);
  }
  while (count > 0) {
    if (poll(polled, (nfds_t)count, -1) < 0) check("poll", (uint32_t)errno);
    for (int i = count - 1; i >= 0; i--) {
      if (polled[i].revents == 0) continue;
      if (connections[i].sent == 0) connected(i);
      send_some(i, size);
      if (!receive_some(i, size)) drop(i);
    }
  }
  printf("%d connections of %u bytes\n", most, size);
  return 0;
}

static int datagrams(int most) {
  int fd = open_at_home(DATAGRAM);
  for (int i = 0; i < most; i++) {
    uint8_t bytes[2048], sender[128];
    struct piece into = {bytes, sizeof bytes};
    struct address from = {sender, sizeof sender};
    uint16_t port, flags;
    uint32_t length, sent;
    check("sock_recv_from", sock_receive_from_2((uint32_t)fd, &into, 1, &from, 0, &port, &length, &flags));
    if (sender[0] != IPV4 || sender[1] != 0) check("the family of a sender", sender[0]);
    struct address to = {sender + 2, 4};
    into.length = length;
    check("sock_send_to", sock_send_to((uint32_t)fd, &into, 1, &to, port, 0, &sent));
  }
  printf("%d datagrams\n", most);
  return 0;
}

static int lookup(const char *name, const char *service) {
  static struct info list[4];
  static uint8_t data[4][26], addresses[4][12];
  for (int i = 0; i < 4; i++) {
    list[i].address = (void *)addresses[i];
    list[i].address->length = sizeof *data;
    list[i].address->data = data[i];
    list[i].next = i < 3 ? &list[i + 1] : NULL;
  }
  struct info hints = {.family = 0, .type = STREAM, .protocol = 1}, *first = list;
  uint32_t found;
  uint32_t error = sock_address_info(name, (uint32_t)strlen(name) + 1, service, (uint32_t)strlen(service) + 1, &hints, &first, 4, &found);
  check("sock_getaddrinfo", error);
  for (uint32_t i = 0; i < found; i++) {
    const uint8_t *at = list[i].address->data;
    printf("family %u port %d", list[i].address->family, at[0] << 8 | at[1]);
    for (uint32_t b = 2; b < list[i].address->length; b++) printf("%c%u", b == 2 ? ' ' : '.', at[b]);
    printf("\n");
  }
  return 0;
}

static void accept_idle(int most) {
  int listener = open_at_home(STREAM), accepted = 0;
  set_nonblocking(listener);
  add(listener, POLLIN);
  while (accepted < most) {
    if (poll(polled, 1, -1) < 0) check("poll", (uint32_t)errno);
    while (accepted < most) {
      int fd = accept_one(listener, accepted);
      if (fd < 0 && errno == EAGAIN) break;
      if (fd < 0) check("accept", (uint32_t)errno);
      add(fd, POLLIN);
      accepted++;
    }
  }
  printf("%d connections\n", accepted);
  fflush(stdout);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int ready(int most) {
  const int rounds = 4000;
  accept_idle(most);
  // As programs with a loop of events have it: the list stays, each call is handed all of it.
  __wasi_subscription_t *list = calloc((size_t)count, sizeof *list);
  __wasi_event_t *events = calloc((size_t)count, sizeof *events);
  for (int i = 0; i < count; i++) {
    list[i].userdata = (uint64_t)i;
    list[i].u.tag = __WASI_EVENTTYPE_FD_READ;
    list[i].u.u.fd_read.file_descriptor = polled[i].fd;
  }
  uint64_t best = UINT64_MAX;
  for (int times = 0; times < 5; times++) {
    uint64_t start = now();
    for (int i = 0; i < rounds; i++) {
      __wasi_size_t found;
      check("a poll with one ready", __wasi_poll_oneoff(list, events, (__wasi_size_t)count, &found));
      if (found != 1) check("one that is ready", found);
    }
    uint64_t took = now() - start;
    if (took < best) best = took;
  }
  printf("%llu ns\n", (unsigned long long)(best / (uint64_t)rounds));
  return 0;
}

static int idle(int most) {
  accept_idle(most);
  for (char byte = 0;;) {
    if (poll(polled, (nfds_t)count, -1) < 0) check("poll", (uint32_t)errno);
    for (int i = count - 1; i > 0; i--) {
      if (polled[i].revents == 0) continue;
      if (read(polled[i].fd, &byte, 1) != 1 || byte == 'q') return 0;
      if (write(polled[i].fd, &byte, 1) != 1) check("write", (uint32_t)errno);
    }
  }
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[1] : "";
  if (strcmp(what, "echo") == 0) return echo_server(atoi(argv[2]));
  if (strcmp(what, "client") == 0 && argc > 4) return client((uint32_t)atoi(argv[2]), atoi(argv[3]), (uint32_t)atoi(argv[4]));
  if (strcmp(what, "udp") == 0) return datagrams(atoi(argv[2]));
  if (strcmp(what, "lookup") == 0 && argc > 3) return lookup(argv[2], argv[3]);
  if (strcmp(what, "idle") == 0) return idle(atoi(argv[2]));
  if (strcmp(what, "ready") == 0) return ready(atoi(argv[2]));
  puts("wanted: echo, client, udp, lookup, idle or ready");
  return 2;
}

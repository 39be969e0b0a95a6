// The services of projects in tests, with WasmEdge's calls beside those of the C library:
//
//   small-service serve PORT TEXT   answers each HTTP request on PORT with TEXT, but for the paths
//       /crash       traps
//       /exit/N      exits with N
//       /file/PATH   answers what is in the file
//       /log/TEXT    writes a line first
//   small-service count PATH        writes numbered lines, and after each of them its number to the file
//   small-service exit N            writes a line and exits with N
//   small-service sleep MS          waits and exits with 0
//   small-service flood N           writes N lines
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sockets/calls.h"

static const uint8_t any[4] = {0, 0, 0, 0};
static const struct address everywhere = {any, 4};

static void check(const char *what, uint32_t number) {
  if (number == 0) return;
  printf("%s failed: errno %u\n", what, number);
  exit(1);
}

static void say(const char *text) {
  puts(text);
  fflush(stdout);
}

static void answer(int fd, const char *status, const char *body, size_t length) {
  char head[256];
  int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, length);
  if (write(fd, head, (size_t)size) < 0 || write(fd, body, length) < 0) say("nobody reads the answer");
}

static void answer_file(int fd, const char *path) {
  static char bytes[65536];
  int file = open(path, O_RDONLY);
  ssize_t size = file < 0 ? -1 : read(file, bytes, sizeof bytes);
  if (size < 0) answer(fd, "404 Not Found", "no such file\n", 13);
  else answer(fd, "200 OK", bytes, (size_t)size);
  if (file >= 0) close(file);
}

static void serve_one(int fd, const char *text) {
  static char request[8192];
  size_t length = 0;
  while (length < sizeof request - 1) {
    ssize_t got = read(fd, request + length, sizeof request - 1 - length);
    if (got <= 0) return;
    length += (size_t)got;
    request[length] = 0;
    if (strstr(request, "\r\n\r\n") != NULL) break;
  }
  char *path = strchr(request, ' ');
  char *end = path == NULL ? NULL : strchr(path + 1, ' ');
  if (end == NULL) return;
  path++;
  *end = 0;
  if (strcmp(path, "/crash") == 0) __builtin_trap();
  if (strncmp(path, "/exit/", 6) == 0) exit(atoi(path + 6));
  if (strncmp(path, "/log/", 5) == 0) say(path + 5);
  if (strncmp(path, "/file/", 6) == 0) answer_file(fd, path + 5);
  else answer(fd, "200 OK", text, strlen(text));
}

static int serve(uint32_t port, const char *text) {
  uint32_t listener;
  check("sock_open", sock_open(IPV4, STREAM, &listener));
  check("sock_bind", sock_bind(listener, &everywhere, port));
  check("sock_listen", sock_listen(listener, 128));
  printf("listening on %u\n", port);
  fflush(stdout);
  for (;;) {
    int fd = accept((int)listener, NULL, NULL);
    if (fd < 0) continue;
    serve_one(fd, text);
    close(fd);
  }
}

static int count_lines(const char *path) {
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  if (file < 0) check("open", 1);
  for (uint32_t number = 1;; number++) {
    char text[16];
    printf("number %u\n", number);
    fflush(stdout);
    snprintf(text, sizeof text, "%015u", number);
    if (pwrite(file, text, 15, 0) != 15) check("pwrite", 1);
    usleep(2000);
  }
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[1] : "";
  if (strcmp(what, "serve") == 0) return serve((uint32_t)atoi(argv[2]), argc > 3 ? argv[3] : "hello\n");
  if (strcmp(what, "count") == 0) return count_lines(argv[2]);
  if (strcmp(what, "exit") == 0) {
    printf("exits with %s\n", argv[2]);
    return atoi(argv[2]);
  }
  if (strcmp(what, "sleep") == 0) return usleep((useconds_t)atoi(argv[2]) * 1000);
  if (strcmp(what, "flood") == 0) {
    for (int at = 0; at < atoi(argv[2]); at++) printf("line %06d %0100d\n", at, 0);
    return 0;
  }
  puts("wanted: serve, count, exit, sleep or flood");
  return 2;
}

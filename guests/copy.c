// Copies one file to another by their names: `copy FROM TO`. Each failure is told with the errno's own text.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buffer[64 * 1024];

static int fail(const char *what, const char *name) {
  fprintf(stderr, "copy: cannot %s %s: %s\n", what, name, strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: copy FROM TO\n");
    return 2;
  }
  int from = open(argv[1], O_RDONLY);
  if (from < 0) return fail("open", argv[1]);
  int to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (to < 0) return fail("create", argv[2]);
  long long total = 0;
  ssize_t length;
  while ((length = read(from, buffer, sizeof buffer)) > 0) {
    if (write(to, buffer, (size_t)length) != length) return fail("write", argv[2]);
    total += length;
  }
  if (length < 0) return fail("read", argv[1]);
  if (close(to) != 0) return fail("close", argv[2]);
  printf("%lld bytes\n", total);
  return 0;
}

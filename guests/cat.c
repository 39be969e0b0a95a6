// Copies stdin to stdout in calls of 64 KiB, or the files named as arguments: a pipe of any length with flat memory.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buffer[64 * 1024];

static int fail(const char *what, const char *name) {
  fprintf(stderr, "cat: cannot %s %s: %s\n", what, name, strerror(errno));
  return 1;
}

static int copy(int from, const char *name) {
  for (;;) {
    ssize_t length = read(from, buffer, sizeof buffer);
    if (length < 0) return fail("read", name);
    if (length == 0) return 0;
    for (ssize_t done = 0; done < length;) {
      ssize_t written = write(1, buffer + done, (size_t)(length - done));
      if (written < 0) return fail("write", "stdout");
      done += written;
    }
  }
}

int main(int argc, char **argv) {
  if (argc == 1) return copy(0, "stdin");
  int status = 0;
  for (int i = 1; i < argc; i++) {
    int file = open(argv[i], O_RDONLY);
    if (file < 0) {
      status = fail("open", argv[i]);
      continue;
    }
    status |= copy(file, argv[i]);
    close(file);
  }
  return status;
}

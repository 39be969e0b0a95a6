// Asks the host for one thing and fails with what errno says: `ask clock`, `ask random`, `ask mkdir PATH`, … So that a
// refusal of each kind ends a guest with 1.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int ask(const char *what, const char *a, const char *b) {
  struct timespec now;
  struct stat status;
  char bytes[64];
  if (strcmp(what, "clock") == 0) return clock_gettime(CLOCK_REALTIME, &now);
  if (strcmp(what, "resolution") == 0) return clock_getres(CLOCK_MONOTONIC, &now);
  if (strcmp(what, "random") == 0) return getentropy(bytes, sizeof bytes);
  if (strcmp(what, "stat") == 0) return stat(a, &status);
  if (strcmp(what, "readlink") == 0) return readlink(a, bytes, sizeof bytes) < 0 ? -1 : 0;
  if (strcmp(what, "list") == 0) return opendir(a) == NULL ? -1 : 0;
  if (strcmp(what, "append") == 0) return open(a, O_WRONLY | O_APPEND) < 0 ? -1 : 0;
  if (strcmp(what, "mkdir") == 0) return mkdir(a, 0777);
  if (strcmp(what, "rmdir") == 0) return rmdir(a);
  if (strcmp(what, "unlink") == 0) return unlink(a);
  if (strcmp(what, "times") == 0) return utimensat(AT_FDCWD, a, NULL, 0);
  if (strcmp(what, "rename") == 0) return rename(a, b);
  if (strcmp(what, "link") == 0) return link(a, b);
  if (strcmp(what, "symlink") == 0) return symlink(a, b);
  errno = EINVAL;
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (ask(argv[1], argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "") == 0) {
    puts("done");
    return 0;
  }
  fprintf(stderr, "ask: %s\n", strerror(errno));
  return 1;
}

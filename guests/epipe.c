// Writes to stdout for ever. On the first failure it tells the errno on stderr and ends with 3; `epipe on` goes on
// writing, which a native program would not survive (SIGPIPE); `epipe N` stops on its own after N KiB.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char block[1024];

int main(int argc, char **argv) {
  memset(block, 'x', sizeof block);
  block[sizeof block - 1] = '\n';
  int goes_on = argc > 1 && strcmp(argv[1], "on") == 0;
  long most = argc > 1 && !goes_on ? atol(argv[1]) : -1;
  int failures = 0;
  for (long written = 0; written != most; written++) {
    if (write(1, block, sizeof block) >= 0) continue;
    if (failures++ == 0) fprintf(stderr, "write failed: errno %d, %s\n", errno, strerror(errno));
    if (!goes_on) return 3;
    if (failures == 1000) {
      fprintf(stderr, "still alive after %d failures\n", failures);
      return 4;
    }
  }
  return 0;
}

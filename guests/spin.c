// Never ends and calls nothing, so that only a watcher can end it. `spin call` asks for the time in its loop.
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv) {
  (void)argv;
  puts("spinning");
  fflush(stdout);
  struct timespec now;
  for (volatile unsigned turns = 0;; turns++)
    if (argc > 1) clock_gettime(CLOCK_MONOTONIC, &now);
}

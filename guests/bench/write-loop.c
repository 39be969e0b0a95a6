// Writes one byte N times (default 1 million) to stdout, a call each, and prints the nanoseconds that one call took to
// stderr.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// A function of its own that is entered often: an engine may replace its code only when it is entered again.
__attribute__((noinline)) static int put(int times) {
  for (int i = 0; i < times; i++)
    if (write(1, "x", 1) != 1) return 1;
  return 0;
}

int main(int argc, char **argv) {
  long rounds = (argc > 1 ? atol(argv[1]) : 1000000) / 100;
  if (rounds < 1) rounds = 1;
  long long start = now();
  for (long i = 0; i < rounds; i++) {
    if (put(100) != 0) {
      perror("write");
      return 1;
    }
  }
  fprintf(stderr, "%.2f\n", (double)(now() - start) / (double)(rounds * 100));
  return 0;
}

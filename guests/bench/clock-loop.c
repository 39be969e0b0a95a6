// Asks for the time N times (default 10 million) and prints the nanoseconds that one call took, by that clock itself.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// A function of its own that is entered often: an engine may replace its code only when it is entered again.
__attribute__((noinline)) static long long ask(int times) {
  long long last = 0;
  for (int i = 0; i < times; i++) last = now();
  return last;
}

int main(int argc, char **argv) {
  long rounds = (argc > 1 ? atol(argv[1]) : 10000000) / 1000;
  if (rounds < 1) rounds = 1;
  long long start = now();
  for (long i = 0; i < rounds; i++) ask(1000);
  printf("%.2f\n", (double)(now() - start) / (double)(rounds * 1000));
  return 0;
}

// Prints whatever could differ between two runs: random bytes, both clocks, a sleep's length, the environment.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  unsigned char bytes[64];
  if (getentropy(bytes, sizeof bytes) != 0) return 1;
  for (size_t i = 0; i < sizeof bytes; i++) printf("%02x", bytes[i]);
  struct timespec real, monotonic;
  clock_gettime(CLOCK_REALTIME, &real);
  usleep(1000);
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  printf("\n%lld.%09ld %lld.%09ld\n", (long long)real.tv_sec, real.tv_nsec, (long long)monotonic.tv_sec, monotonic.tv_nsec);
  printf("%p %s\n", (void *)bytes, getenv("HOME") == NULL ? "no home" : "a home");
  return 0;
}

#include "deep.h"

static volatile int seen;

static inline __attribute__((always_inline)) int divide(int divisor) {
  seen = divisor;
  return 100 / divisor;
}

__attribute__((noinline)) int inner(int divisor) {
  seen = 1;
  int got = divide(divisor);
  seen = 2;
  return got;
}

__attribute__((noinline)) int outer(int divisor) {
  int got = inner(divisor);
  seen = 3;
  return got;
}

// A service that answers one request after the other: it writes the same pages in each and two that it names, and starts with a
// heap that is filled already. Its sizes are given with -D.
// reactor
// flags: -O2 -Wl,--strip-all
#include <stdint.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define PAGE 4096

// Pages of all it has beside its stack, and of these how many are filled before the first request.
#ifndef PAGES
#define PAGES 56
#endif
#ifndef FILLED
#define FILLED 16
#endif
// Runs of pages that each request writes, and how many pages each has.
#ifndef RUNS
#define RUNS 2
#endif
#ifndef RUN
#define RUN 4
#endif

static unsigned char heap[PAGES * PAGE];

// Runs in _initialize.
__attribute__((constructor)) static void fill(void) {
  for (uint32_t at = 0; at < FILLED * PAGE; at += 16) heap[at] = (unsigned char)(at >> 4 | 1);
}

// Answers a sum of what the usual pages began with, so that a state that is not as new shows. With -DREADS the two other
// pages are read before they are written, as a count is.
EXPORT("handle") uint32_t handle(uint32_t first, uint32_t second) {
  uint32_t sum = 0;
  for (uint32_t run = 0; run < RUNS; run++) {
    unsigned char *start = heap + (run * (PAGES / RUNS)) * PAGE;
    for (uint32_t page = 0; page < RUN; page++) sum = sum * 31 + start[page * PAGE];
    memset(start, (int)(first + run) | 1, RUN * PAGE);
  }
  volatile unsigned char *one = heap + first % PAGES * PAGE;
  volatile unsigned char *other = heap + second % PAGES * PAGE;
#ifdef READS
  one[8] += 1;
  other[8] += 1;
#else
  one[8] = 1;
  other[8] = 1;
#endif
  return sum;
}

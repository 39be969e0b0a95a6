// Counts to N in a loop with nothing in it, the worst case for a check in each round: `empty-loop [N]`.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4000000000;
  uint32_t i = 0;
  // An empty line of assembly keeps the compiler from counting ahead and costs nothing itself.
  do __asm__ volatile("" : "+r"(i));
  while (++i < count);
  printf("%u\n", i);
  return 0;
}

// Grows its memory page by page (or by as many as the argument says) until that is refused, then prints how far it came
// and shows that the last byte can be used.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  size_t step = argc > 1 ? (size_t)atoi(argv[1]) : 1;
  size_t start = __builtin_wasm_memory_size(0);
  while (__builtin_wasm_memory_grow(0, step) != SIZE_MAX) continue;
  size_t end = __builtin_wasm_memory_size(0);
  volatile uint8_t *last = (uint8_t *)(uintptr_t)((uint64_t)end * 65536 - 1);
  *last = 7;
  printf("from %zu to %zu pages, last byte %d\n", start, end, *last);
  return 0;
}

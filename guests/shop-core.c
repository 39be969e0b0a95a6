// The core module of the component that docs/COMPONENTS.md calls (guests/shop.ts): a record, an option, a variant and a result.
// reactor
// flags: -O2 -nostdlib -Wl,--no-entry -Wl,-z,stack-size=16384
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

static char heap[65536];
static uint32_t used;

EXPORT("realloc") void *reallocate(void *old, uint32_t old_size, uint32_t alignment, uint32_t size) {
  used = (used + alignment - 1) & -alignment;
  if (used + size > sizeof heap) __builtin_trap();
  char *made = heap + used;
  used += size;
  for (uint32_t i = 0; i < old_size && i < size; i++) made[i] = ((char *)old)[i];
  return made;
}
EXPORT("free-all") void free_all(void *result) { used = 0; }

struct text { const char *at; uint32_t length; };
struct line { struct text name; uint32_t count; struct { uint8_t is; double value; } price; };
struct total { uint8_t is_error; union { double sum; struct text problem; } value; };

// The sum of the lines; a line without a price is an error that names it.
EXPORT("total") struct total *total(const struct line *lines, uint32_t length) {
  static struct total result;
  result = (struct total){.is_error = 0, .value.sum = 0};
  for (uint32_t i = 0; i < length; i++) {
    if (!lines[i].price.is) {
      result = (struct total){.is_error = 1, .value.problem = lines[i].name};
      break;
    }
    result.value.sum += lines[i].count * lines[i].price.value;
  }
  return &result;
}

enum { OPEN, PAID, REFUSED };
struct state { uint8_t tag; union { uint64_t cents; struct text why; } value; };

// What an order's state is once so many cents have come; one that was refused cannot be paid.
EXPORT("pay") struct state *pay(uint32_t tag, uint64_t first, uint32_t second, uint64_t cents) {
  static struct state result;
  if (tag == REFUSED) __builtin_trap();
  result = (struct state){.tag = PAID, .value.cents = cents + (tag == PAID ? first : 0)};
  return &result;
}

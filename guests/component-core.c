// The core module of a test component (src/engine/component/greeter-fixture.ts): scalars, strings and resources both ways. Its memory
// comes from outside, so that functions that use it can be lowered before it is there.
// reactor
// flags: -O2 -nostdlib -Wl,--no-entry -Wl,--import-memory -Wl,--initial-memory=262144 -Wl,-z,stack-size=16384
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("host", "add") uint32_t host_add(uint32_t a, uint32_t b);
IMPORT("host", "log") void host_log(const char *text, uint32_t length);
IMPORT("host", "[constructor]thing") uint32_t thing_new(uint32_t value);
IMPORT("host", "[method]thing.get") uint32_t thing_get(uint32_t self);
IMPORT("host", "drop-thing") void thing_drop(uint32_t handle);
IMPORT("host", "new-counter") uint32_t counter_new(uint32_t rep);
IMPORT("host", "drop-counter") void counter_drop(uint32_t handle);

static char heap[8192];
static uint32_t used;

// Nothing is ever freed: what is given out begins anew where a call ends (post-return).
EXPORT("realloc") void *reallocate(void *old, uint32_t old_size, uint32_t alignment, uint32_t size) {
  used = (used + alignment - 1) & -alignment;
  if (used + size > sizeof heap) __builtin_trap();
  char *made = heap + used;
  used += size;
  for (uint32_t i = 0; i < old_size && i < size; i++) made[i] = ((char *)old)[i];
  return made;
}
EXPORT("free-all") void free_all(uint32_t result) { used = 0; }

EXPORT("add-one") uint32_t add_one(uint32_t value) { return host_add(value, 1); }

EXPORT("call-often") uint32_t call_often(uint32_t times) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < times; i++) sum = host_add(sum, 1);
  return sum;
}

static uint32_t result[2];

// Answers its argument behind a greeting, and tells the host of it.
EXPORT("greet") uint32_t *greet(const char *name, uint32_t length) {
  static const char hello[] = "Hello ";
  char *text = reallocate(0, 0, 1, sizeof hello - 1 + length);
  for (uint32_t i = 0; i < sizeof hello - 1; i++) text[i] = hello[i];
  for (uint32_t i = 0; i < length; i++) text[sizeof hello - 1 + i] = name[i];
  host_log(text, sizeof hello - 1 + length);
  result[0] = (uint32_t)text;
  result[1] = sizeof hello - 1 + length;
  return result;
}

// A resource of the host's: made, used and dropped.
EXPORT("use-thing") uint32_t use_thing(uint32_t value) {
  uint32_t thing = thing_new(value);
  uint32_t got = thing_get(thing);
  thing_drop(thing);
  return got;
}

// Resources of its own, by their values.
EXPORT("make-counter") uint32_t make_counter(uint32_t start) { return counter_new(start); }
EXPORT("read-counter") uint32_t read_counter(uint32_t rep) { return rep; }
EXPORT("eat-counter") void eat_counter(uint32_t handle) { counter_drop(handle); }
// What the destructor, in a module of its own, has counted.
EXPORT("dropped") uint32_t dropped(void) { return *(volatile uint32_t *)16; }

__attribute__((noinline)) static uint32_t fault(uint32_t deep) {
  if (deep == 0) __builtin_trap();
  return fault(deep - 1) + 1;
}
EXPORT("boom") uint32_t boom(void) { return fault(*(volatile uint32_t *)20); }
EXPORT("forge") void forge(void) { thing_drop(77); }
EXPORT("spin") void spin(void) {
  for (;;) *(volatile uint32_t *)24 += 1;
}

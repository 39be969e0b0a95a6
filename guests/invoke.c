// A reactor: it has no main, only functions to call by name.
// reactor
// flags: -O2 -Wl,--strip-debug
#include <stdint.h>
#include <stdio.h>

#define EXPORT(name) __attribute__((export_name(name)))

static int started;

// Runs in _initialize, before any of the exports.
__attribute__((constructor)) static void start(void) { started = 1; }

EXPORT("add") int32_t add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
EXPORT("add64") int64_t add64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
EXPORT("addf") double addf(double a, double b) { return a + b; }
EXPORT("halff") float halff(float a) { return a / 2; }
EXPORT("was_started") int32_t was_started(void) { return started; }
EXPORT("fail") void fail(void) { __builtin_trap(); }

EXPORT("greet") void greet(void) {
  puts("Hello from a reactor");
  fflush(stdout);
}

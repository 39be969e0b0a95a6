// Catches whatever can be caught around a call that ends the guest. A trap and an exit pass a catch_all; a host that
// ended a guest by throwing a JavaScript value would be caught here, and the guest would live on.
// The argument says what happens inside: exit (the default; code 9), trap, raise, throw, spin or sleep (for a deadline).
// flags: -O2 -mexception-handling
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int call_catching(void (*inside)(void));
void throw_one(void);

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int proc_raise(int signal);

static void do_exit(void) { _Exit(9); }
static void do_trap(void) { __builtin_trap(); }
static void do_raise(void) { proc_raise(15); }
static void do_spin(void) {
  for (volatile unsigned turns = 0;; turns++) continue;
}
static void do_sleep(void) { sleep(1000); }
/** Starts again whatever happened inside: a guest that does not want to end. */
static void forever(void (*inside)(void)) {
  for (;;) call_catching(inside);
}

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "exit";
  void (*inside)(void) = do_exit;
  if (strcmp(kind, "trap") == 0) inside = do_trap;
  if (strcmp(kind, "raise") == 0) inside = do_raise;
  if (strcmp(kind, "throw") == 0) inside = throw_one;
  if (strcmp(kind, "spin") == 0) inside = do_spin;
  if (strcmp(kind, "sleep") == 0) inside = do_sleep;
  if (argc > 2) forever(inside);
  int caught = call_catching(inside);
  printf("still here: %s\n", caught ? "caught" : "returned");
  return caught;
}

// Traps three calls deep, so that a backtrace has frames to show: a calls b calls c. The argument names the trap:
// unreachable (the default), divide, overflow, memory, table, stack (C's own, in memory) or
// recursion (the engine's stack). What it printed before has to arrive.
// flags: -O1 -fno-inline
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static volatile int zero = 0, smallest = INT_MIN, minus_one = -1;
static volatile uintptr_t far_away = 0xfffffff0u;

__attribute__((noinline)) static int stack(volatile int *before) {
  volatile int here[64];
  here[0] = *before + 1;
  return stack(here) + here[0];
}

__attribute__((noinline)) static int recursion(int depth) { return recursion(depth + zero + 1) * 3 + depth; }

__attribute__((noinline)) int c(const char *kind) {
  if (strcmp(kind, "divide") == 0) return smallest / zero;
  if (strcmp(kind, "overflow") == 0) return smallest / minus_one;
  if (strcmp(kind, "stack") == 0) return stack(&zero);
  if (strcmp(kind, "recursion") == 0) return recursion(zero);
  if (strcmp(kind, "memory") == 0) return *(volatile int *)far_away;
  if (strcmp(kind, "table") == 0) return ((int (*)(void))(far_away))();
  __builtin_trap();
}

__attribute__((noinline)) int b(const char *kind) { return c(kind) + 1; }
__attribute__((noinline)) int a(const char *kind) { return b(kind) + 1; }

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "unreachable";
  printf("about to trap: %s\n", kind);
  return a(kind);
}

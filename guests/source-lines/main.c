// Traps in another file than main's, in a function that the compiler inlines (`divide`), behind a call, or here
// (`unreachable`), so that a backtrace has files and lines to show.
// flags: -O1 -g -gdwarf-5 -fdebug-compilation-dir=/src
#include <stdio.h>
#include <string.h>
#include "deep.h"

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "divide";
  printf("about to trap: %s\n", kind);
  if (strcmp(kind, "unreachable") == 0) __builtin_trap();
  int got = outer(argc > 9 ? argc : 0); // the call: a frame's line is this one, not the next
  printf("%d\n", got);
  return 0;
}

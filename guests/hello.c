// Prints one line. The start-up benchmark runs it, so that it is as small as a release build would be:
// stripped, and with the printf that knows no floating point.
// flags: -O2 -Wl,--strip-all -lc-printscan-no-floating-point
#include <stdio.h>

int main(int argc, char **argv) {
  printf("Hello from %s\n", argc > 1 ? argv[1] : "Sampan");
  return 0;
}

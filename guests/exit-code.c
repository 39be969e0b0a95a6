// Ends with the code given as its first argument; `exit-code 3 return` returns it from main instead of calling exit.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int code = argc > 1 ? atoi(argv[1]) : 0;
  printf("ending with %d\n", code);
  if (argc > 2) return code;
  exit(code);
}

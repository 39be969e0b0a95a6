#include <stdio.h>

int main(int argc, char **argv) {
  printf("Hello,");
  for (int at = 1; at < argc; at++) printf(" %s", argv[at]);
  puts(argc > 1 ? "!" : " world!");
  return 0;
}

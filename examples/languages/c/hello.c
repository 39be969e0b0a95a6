// Greets whom its arguments name, counts what comes on stdin and reads a file that it may have been granted.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  const char *greeting = getenv("GREETING");
  printf("%s,", greeting == NULL ? "Hello" : greeting);
  for (int at = 1; at < argc; at++) printf(" %s", argv[at]);
  puts(argc > 1 ? "!" : " world!");

  char chunk[4096];
  size_t bytes = 0;
  for (size_t got; (got = fread(chunk, 1, sizeof chunk, stdin)) > 0;) bytes += got;
  printf("stdin: %zu bytes\n", bytes);

  FILE *note = fopen("/data/note.txt", "r");
  if (note == NULL || fgets(chunk, sizeof chunk, note) == NULL) {
    puts("note: none");
    return 0;
  }
  chunk[strcspn(chunk, "\n")] = 0;
  printf("note: %s\n", chunk);
  fclose(note);
  return 0;
}

// Ends by a signal: `raise 15` through proc_raise, `raise libc 15` through libc's raise, `raise abort` through abort.
// flags: -O2 -D_WASI_EMULATED_SIGNAL -lwasi-emulated-signal
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libc does not declare it any more.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int proc_raise(int signal);

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "15";
  printf("raising %s\n", argc > 1 ? argv[argc - 1] : kind);
  fflush(stdout);
  if (strcmp(kind, "abort") == 0) abort();
  if (strcmp(kind, "libc") == 0) {
    raise(argc > 2 ? atoi(argv[2]) : SIGTERM);
    puts("still here");
    return 0;
  }
  // Preview 1 numbers its signals as Linux does up to 15 (TERM).
  int error = proc_raise(atoi(kind));
  printf("still here: errno %d\n", error);
  return 0;
}

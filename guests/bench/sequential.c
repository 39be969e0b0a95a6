// Writes a file of 256 MiB in calls of 64 KiB and reads it again: `sequential FOLDER [MiB]`. Prints the seconds of each
// as JSON and removes the file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char block[64 * 1024];

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int fail(const char *what) {
  fprintf(stderr, "sequential: cannot %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  const char *name = "sequential.bin";
  if (argc > 1 && chdir(argv[1]) != 0) return fail("enter the folder");
  int blocks = (argc > 2 ? atoi(argv[2]) : 256) * 16;
  for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(i * 31);

  double start = seconds();
  int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return fail("create the file");
  for (int i = 0; i < blocks; i++)
    if (write(file, block, sizeof block) != (ssize_t)sizeof block) return fail("write");
  close(file);
  double written = seconds();

  file = open(name, O_RDONLY);
  if (file < 0) return fail("open the file");
  long long total = 0;
  ssize_t length;
  while ((length = read(file, block, sizeof block)) > 0) total += length;
  close(file);
  double end = seconds();

  if (length < 0 || total != (long long)blocks * (long long)sizeof block) return fail("read it all");
  unlink(name);
  printf("{\"write\":%.6f,\"read\":%.6f}\n", written - start, end - written);
  return 0;
}

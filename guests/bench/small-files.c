// Writes, reads, stats, lists (10 times over) and unlinks 1,000 small files in a folder: `small-files FOLDER [ROUNDS]`.
// Prints the nanoseconds of each phase as JSON, a line a round. As a guest it works in the folder granted as ".", so that
// each path has one component, as natively after its chdir; libc's own chdir would make longer ones.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char content[] = "{\"id\":1,\"name\":\"a small file\",\"tags\":[\"one\",\"two\"],\"more\":\"0123456789\"}\n";
static int count = 1000;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what, const char *name) {
  fprintf(stderr, "small-files: cannot %s %s: %s\n", what, name, strerror(errno));
  exit(1);
}

static char (*names)[16];

static void make_names(void) {
  names = malloc((size_t)count * sizeof *names);
  for (int i = 0; i < count; i++) snprintf(names[i], sizeof *names, "file-%04d", i);
}

static void write_one(const char *name) {
  int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) fail("create", name);
  if (write(file, content, sizeof content - 1) != (ssize_t)sizeof content - 1) fail("write", name);
  close(file);
}

static void read_one(const char *name) {
  char buffer[4096];
  int file = open(name, O_RDONLY);
  if (file < 0) fail("open", name);
  if (read(file, buffer, sizeof buffer) != (ssize_t)sizeof content - 1) fail("read", name);
  close(file);
}

static void stat_one(const char *name) {
  struct stat status;
  if (stat(name, &status) != 0 || status.st_size != (off_t)sizeof content - 1) fail("stat", name);
}

static void unlink_one(const char *name) {
  if (unlink(name) != 0) fail("unlink", name);
}

static long long each(void (*act)(const char *)) {
  long long start = now();
  for (int i = 0; i < count; i++) act(names[i]);
  return now() - start;
}

static long long list(void) {
  long long start = now();
  for (int round = 0; round < 10; round++) {
    DIR *folder = opendir(".");
    if (folder == NULL) fail("list", "the folder");
    int seen = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) seen += strncmp(entry->d_name, "file-", 5) == 0;
    closedir(folder);
    if (seen != count) fail("find every file in", "the folder");
  }
  return now() - start;
}

int main(int argc, char **argv) {
#ifndef __wasi__
  if (argc > 1 && chdir(argv[1]) != 0) fail("enter", argv[1]);
#endif
  int rounds = argc > 2 ? atoi(argv[2]) : 1;
  make_names();
  for (int round = 0; round < rounds; round++) {
    long long written = each(write_one), read = each(read_one), told = each(stat_one), listed = list();
    long long removed = each(unlink_one);
    printf("{\"write\":%lld,\"read\":%lld,\"stat\":%lld,\"list\":%lld,\"unlink\":%lld}\n", written, read, told,
           listed, removed);
  }
  return 0;
}

// Tells for each of stdin, stdout and stderr whether it is a terminal, what kind of file it is and whether it can seek.
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of(mode_t mode) {
  if (S_ISCHR(mode)) return "character device";
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "folder";
  if (S_ISSOCK(mode)) return "socket";
  return "other";
}

int main(void) {
  const char *names[] = {"stdin", "stdout", "stderr"};
  for (int i = 0; i < 3; i++) {
    struct stat status;
    if (fstat(i, &status) != 0) {
      printf("%s: closed\n", names[i]);
      continue;
    }
    const char *seeks = lseek(i, 0, SEEK_CUR) >= 0 ? "seeks" : "no seek";
    printf("%s: %s, %s, %s\n", names[i], isatty(i) ? "terminal" : "no terminal", kind_of(status.st_mode), seeks);
  }
  return 0;
}

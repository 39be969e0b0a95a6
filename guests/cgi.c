// A CGI program: what it does is said by PATH_INFO.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;
static char buffer[64 * 1024];

static void echo(void) {
  for (;;) {
    ssize_t length = read(0, buffer, sizeof buffer);
    if (length <= 0) return;
    for (ssize_t done = 0; done < length;) {
      ssize_t written = write(1, buffer + done, (size_t)(length - done));
      if (written < 0) exit(1);
      done += written;
    }
  }
}

int main(void) {
  const char *info = getenv("PATH_INFO");
  const char *what = info == NULL ? "" : info;
  if (strcmp(what, "/env") == 0) {
    printf("Content-Type: text/plain\r\nX-Own: 1\r\n\r\n");
    for (char **each = environ; *each != NULL; each++) printf("%s\n", *each);
  } else if (strcmp(what, "/echo") == 0) {
    printf("Content-Type: application/octet-stream\n\n");
    fflush(stdout);
    echo();
  } else if (strcmp(what, "/missing") == 0) {
    printf("Status: 404 Not Found\nContent-Type: text/plain\n\nNothing here\n");
    fprintf(stderr, "it is missing\n");
    return 3;
  } else if (strcmp(what, "/moved") == 0) {
    printf("Location: http://elsewhere.test/\n\n");
  } else if (strcmp(what, "/long") == 0) {
    printf("Content-Type: text/plain\nContent-Length: 10\n\nshort");
  } else if (strcmp(what, "/half") == 0) {
    printf("Content-Type: text/plain\n\nhalf");
    fflush(stdout);
    __builtin_trap();
  } else if (strcmp(what, "/write") == 0) {
    printf("Status: %s\n\n", fopen("/www/new", "w") == NULL ? "403 Forbidden" : "200 OK");
  } else if (strcmp(what, "/nonsense") == 0) {
    printf("no field\n\n");
  } else if (strcmp(what, "/trap") == 0) {
    __builtin_trap();
  }
  return 0;
}

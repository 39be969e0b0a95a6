#include <stdio.h>
#include <stdlib.h>

// The server starts the program for each request: what was asked is in the environment (CGI, RFC 3875).
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "" : value;
}

int main(void) {
  printf("Content-Type: text/plain\r\n\r\n");
  printf("Hello from %s\n", variable("PATH_INFO"));
  return 0;
}

// Waits in poll for input and gives each piece back, until there is no more.
#include <poll.h>
#include <unistd.h>

int main(void) {
  char buffer[256];
  for (;;) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, -1) < 0) return 1;
    ssize_t count = read(0, buffer, sizeof buffer);
    if (count <= 0) return count < 0;
    if (write(1, buffer, (size_t)count) != count) return 2;
  }
}

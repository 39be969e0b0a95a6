// What the probes print of a call's results, and the layouts that they are read by.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef OLD_LAYOUT
enum { subscription_size = 56, clock_at = 24, timeout_at = 32, filestat_size = 56 };
#else
enum { subscription_size = 48, clock_at = 16, timeout_at = 24, filestat_size = 64 };
#endif
enum { event_size = 32 };

struct block {
  uint8_t *bytes;
  u32 size;
  char kind;      // the letter of the parameter that it belongs to
  bool is_result; // filled before the call, so that a write shows
};

static u64 get(const uint8_t *at, int size) {
  u64 value = 0;
  memcpy(&value, at, (size_t)size);
  return value;
}

static void print_bytes(const uint8_t *bytes, u32 length) {
  putchar('"');
  for (u32 i = 0; i < length; i++) {
    uint8_t c = bytes[i];
    if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c == '\n') printf("\\n");
    else if (c < 32 || c > 126) printf("\\x%02x", c);
    else putchar(c);
  }
  putchar('"');
}

static void print_filestat(const uint8_t *at) {
#ifdef OLD_LAYOUT
  u64 links = get(at + 20, 4);
  const uint8_t *size = at + 24;
#else
  u64 links = get(at + 24, 8);
  const uint8_t *size = at + 32;
#endif
  printf(" dev=%llu ino=%llu type=%u nlink=%llu size=%llu atim=%llu mtim=%llu ctim=%llu", get(at, 8), get(at + 8, 8),
         at[16], links, get(size, 8), get(size + 8, 8), get(size + 16, 8), get(size + 24, 8));
}

static void print_entries(const uint8_t *at, u32 used) {
  u32 done = 0;
  while (used - done >= 24) {
    u32 length = (u32)get(at + done + 16, 4);
    if (used - done - 24 < length) break;
    printf(" entry(next=%llu ino=%llu type=%u name=", get(at + done, 8), get(at + done + 8, 8), at[done + 20]);
    print_bytes(at + done + 24, length);
    putchar(')');
    done += 24 + length;
  }
  if (done < used) printf(" cut=%u", used - done);
}

static void print_events(const uint8_t *at, u32 count) {
  for (u32 i = 0; i < count; i++, at += event_size) {
    printf(" event(userdata=%llu error=%llu type=%u", get(at, 8), get(at + 8, 2), at[10]);
    if (at[10] != 0) printf(" nbytes=%llu flags=%llu", get(at + 16, 8), get(at + 24, 2));
    putchar(')');
  }
}

static void print_strings(const struct block *vector) {
  for (u32 i = 0; i < vector->size / 4; i++) {
    const char *text = (const char *)(uintptr_t)get(vector->bytes + 4 * i, 4);
    putchar(' ');
    print_bytes((const uint8_t *)text, (u32)strlen(text));
  }
}

// Bytes that were read, with a bar between the buffers that they fell into.
static void print_read(const struct block *blocks, int count, u32 left) {
  printf(" data=");
  bool first = true;
  for (int i = 0; i < count; i++) {
    if (blocks[i].kind != 'r') continue;
    u32 part = blocks[i].size < left ? blocks[i].size : left;
    if (!first) putchar('|');
    print_bytes(blocks[i].bytes, part);
    left -= part;
    first = false;
  }
}

static void print_result(const struct call *call, const struct block *block, u64 count) {
  const uint8_t *at = block->bytes;
  switch (block->kind) {
    case 'F':
      printf(" type=%u flags=%llu base=0x%llx inheriting=0x%llx", at[0], get(at + 2, 2), get(at + 8, 8), get(at + 16, 8));
      break;
    case 'S': print_filestat(at); break;
    case 'P': printf(" tag=%u len=%llu", at[0], get(at + 4, 4)); break;
    case 'v': print_strings(block); break;
    case 't': break;
    case 'e': print_events(at, (u32)count); break;
    case 'b':
      if (strcmp(call->name, "fd_readdir") == 0) print_entries(at, (u32)count);
      else {
        printf(" data=");
        print_bytes(at, strchr(call->spec, '4') == NULL ? block->size : (u32)count);
      }
      break;
    default: printf(" result=%llu", get(at, block->kind - '0'));
  }
}

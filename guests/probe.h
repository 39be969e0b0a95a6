// An interpreter for single WASI calls: each line names one call with its arguments, and one line comes back with the
// errno and what the call wrote. p1-probe.c binds it to preview 1, unstable.c to the older wasi_unstable.
//
//   path_open 3 1 "a/b" 0 -1 -1 0        strings in quotes, with \n \0 \\ \" \xNN; numbers as decimal, 0x…, -1
//   fd=path_open 3 0 "c" 0 2 0 0         keeps the first result; $fd stands for it later
//   fd_write $fd "one","","two"          buffers to write: a list of strings
//   fd_read $fd 5,0,10                   buffers to fill: a list of sizes
//   poll_oneoff read:0 clock:1:5000:0    subscriptions: read:FD, write:FD, clock:ID:TIMEOUT:FLAGS
//   fd_filestat_get 3 out=end-8          out=, out2=: the address of a result; ptr=, len=: of the (first) input
//   echo anything                        prints the line
//
// An address or number may be `end` or `end-N`, counted from the end of memory. Results lie between guard bytes: a line
// that ends in `guards=broken` tells of a write beside them, `touched` of a result written by a call that failed.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe-calls.h"
#include "probe-print.h"

#define GUARD 16
#define FILL 0xAA
#define GUARD_FILL 0xA5
#define MAX_TOKENS 64
#define MAX_BLOCKS 64

static struct {
  struct block blocks[MAX_BLOCKS];
  int count;
  u64 args[16];
  int arg_count;
  u64 out_address[2], in_address, in_length;
  bool has_out[2], has_in_address, has_in_length;
  int outs, ins;
} now;

static struct { char name[16]; u64 value; } variables[32];
static int variable_count;

static void fail(const char *what, const char *text) {
  printf("error %s: %s\n", what, text);
  exit(2);
}

static struct block *allocate(u32 size, char kind, bool is_result) {
  if (now.count == MAX_BLOCKS) fail("too many buffers", "");
  uint8_t *start = malloc((size_t)size + 2 * GUARD);
  if (start == NULL) fail("no memory", "");
  memset(start, GUARD_FILL, (size_t)size + 2 * GUARD);
  memset(start + GUARD, FILL, size);
  now.blocks[now.count] = (struct block){start + GUARD, size, kind, is_result};
  return &now.blocks[now.count++];
}

static void push(u64 value) { now.args[now.arg_count++] = value; }
static u32 address(const void *pointer) { return (u32)(uintptr_t)pointer; }

// Each result takes its address from out= or out2= where the line says so.
static void push_result(struct block *block) {
  int index = now.outs++;
  push(index < 2 && now.has_out[index] ? now.out_address[index] : address(block->bytes));
}

static void push_input(u32 pointer, u32 length) {
  bool first = now.ins++ == 0;
  push(first && now.has_in_address ? now.in_address : pointer);
  push(first && now.has_in_length ? now.in_length : length);
}

static u64 number(const char *text) {
  if (text[0] == '$') {
    for (int i = 0; i < variable_count; i++)
      if (strcmp(variables[i].name, text + 1) == 0) return variables[i].value;
    fail("unknown variable", text);
  }
  u64 base = 0;
  if (strncmp(text, "end", 3) == 0) {
    base = (u64)__builtin_wasm_memory_size(0) << 16;
    text += 3;
    if (*text == '\0') return base;
  }
  char *rest;
  u64 value = text[0] == '-' ? (u64)strtoll(text, &rest, 0) : strtoull(text, &rest, 0);
  if (*text == '\0' || *rest != '\0') fail("not a number", text);
  return base + value;
}

static int hex_digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

// Reads one string, quoted or up to a comma, and moves the text past it.
static struct block *string_block(const char **text) {
  const char *from = *text;
  char *bytes = malloc(strlen(from) + 1);
  u32 length = 0;
  bool quoted = *from == '"';
  if (quoted) from++;
  while (*from != '\0' && *from != (quoted ? '"' : ',')) {
    char c = *from++;
    if (c == '\\' && *from != '\0') {
      c = *from++;
      if (c == 'n') c = '\n';
      else if (c == '0') c = '\0';
      else if (c == 'x' && from[0] != '\0' && from[1] != '\0') {
        c = (char)(hex_digit(from[0]) << 4 | hex_digit(from[1]));
        from += 2;
      }
    }
    bytes[length++] = c;
  }
  if (quoted && *from == '"') from++;
  *text = from;
  struct block *block = allocate(length, 's', false);
  memcpy(block->bytes, bytes, length);
  free(bytes);
  return block;
}

static void push_buffers(char kind, const char *text) {
  u32 list[2 * MAX_TOKENS];
  u32 count = 0;
  while (*text != '\0' && count < MAX_TOKENS) {
    struct block *block;
    if (kind == 'w') {
      block = string_block(&text);
    } else {
      char *rest;
      block = allocate((u32)strtoul(text, &rest, 0), 'r', false);
      if (rest == text) fail("not a list of sizes", text);
      text = rest;
    }
    list[2 * count] = address(block->bytes);
    list[2 * count++ + 1] = block->size;
    if (*text == ',') text++;
    else if (*text != '\0') fail("not a list", text);
  }
  struct block *vector = allocate(count * 8, 'l', false);
  memcpy(vector->bytes, list, count * 8);
  push_input(address(vector->bytes), count);
}

static void put(uint8_t *at, u64 value, int size) { memcpy(at, &value, (size_t)size); }
// The user data of a subscription is 100 and its place in the list.
static void put_subscription(uint8_t *at, int index, char *text) {
  memset(at, 0, subscription_size);
  put(at, 100 + (u64)index, 8);
  char *field = strchr(text, ':');
  if (field == NULL) fail("not a subscription", text);
  *field++ = '\0';
  if (strcmp(text, "clock") == 0) {
    char *timeout = strchr(field, ':'), *flags = timeout == NULL ? NULL : strchr(timeout + 1, ':');
    if (timeout != NULL) *timeout++ = '\0';
    if (flags != NULL) *flags++ = '\0';
    put(at + clock_at, number(field), 4);
    put(at + timeout_at, timeout == NULL ? 0 : number(timeout), 8);
    put(at + timeout_at + 16, flags == NULL ? 0 : number(flags), 2);
    return;
  }
  if (strcmp(text, "tag") == 0) put(at + 8, number(field), 1);
  else {
    put(at + 8, strcmp(text, "read") == 0 ? 1 : 2, 1);
    put(at + 16, number(field), 4);
  }
}

static void push_poll(char **tokens, int count) {
  struct block *list = allocate((u32)count * subscription_size, 'l', false);
  struct block *events = allocate((u32)count * event_size, 'e', true);
  for (int i = 0; i < count; i++) put_subscription(list->bytes + i * subscription_size, i, tokens[i]);
  push(now.has_in_address ? now.in_address : address(list->bytes));
  push_result(events);
  push(now.has_in_length ? now.in_length : (u32)count);
}

static void push_strings_of(const char *name) {
  u32 count = 0, size = 0;
  if (name[0] == 'a') raw_args_sizes_get(address(&count), address(&size));
  else raw_environ_sizes_get(address(&count), address(&size));
  push_result(allocate(count * 4, 'v', true));
  push_result(allocate(size, 't', true));
}

static void push_parameter(const struct call *call, char kind, const char *text) {
  switch (kind) {
    case 'i': push((u32)number(text)); break;
    case 'I': push(number(text)); break;
    case 's': {
      struct block *block = string_block(&text);
      push_input(address(block->bytes), block->size);
      break;
    }
    case 'w': case 'r': push_buffers(kind, text); break;
    case 'b': {
      u32 size = (u32)number(text);
      struct block *block = allocate(size, 'b', true);
      push_result(block);
      push(now.has_in_length ? now.in_length : size);
      break;
    }
    default: fail("not a parameter of", call->name);
  }
}

static u32 result_size(char kind) {
  switch (kind) {
    case 'F': return 24;
    case 'S': return filestat_size;
    case 'P': return 8;
    default: return (u32)(kind - '0');
  }
}

static bool is_filled(const uint8_t *bytes, u32 size, uint8_t with) {
  for (u32 i = 0; i < size; i++)
    if (bytes[i] != with) return false;
  return true;
}

static bool is_number(const struct block *block) { return block->is_result && strchr("248", block->kind) != NULL; }

// Numbers come first: they say how much of the other results there is.
static void print_results(const struct call *call, const char *variable) {
  u64 count = 0;
  for (int i = now.count - 1; i >= 0; i--)
    if (is_number(&now.blocks[i])) count = get(now.blocks[i].bytes, now.blocks[i].kind - '0');
  for (int i = 0; i < now.count; i++)
    if (is_number(&now.blocks[i])) print_result(call, &now.blocks[i], count);
  for (int i = 0; i < now.count; i++)
    if (now.blocks[i].is_result && !is_number(&now.blocks[i])) print_result(call, &now.blocks[i], count);
  if (strchr(call->spec, 'r') != NULL) print_read(now.blocks, now.count, (u32)count);
  if (variable == NULL) return;
  if (variable_count == 32) fail("too many variables", variable);
  snprintf(variables[variable_count].name, sizeof variables[0].name, "%s", variable);
  variables[variable_count++].value = count;
}

static void print_answer(const struct call *call, u32 errno_value, const char *variable) {
  printf("%s errno=%u", call->name, errno_value);
  bool is_whole = true, is_touched = false;
  for (int i = 0; i < now.count; i++) {
    struct block *block = &now.blocks[i];
    is_whole &= is_filled(block->bytes - GUARD, GUARD, GUARD_FILL) && is_filled(block->bytes + block->size, GUARD, GUARD_FILL);
    is_touched |= block->is_result && !is_filled(block->bytes, block->size, FILL);
  }
  if (errno_value == 0 && !now.has_out[0]) print_results(call, variable);
  if (errno_value != 0 && is_touched) printf(" touched");
  if (!is_whole) printf(" guards=broken");
  putchar('\n');
}

// Takes out=, out2=, ptr= and len= from the tokens and answers how many are left.
static int take_options(char **tokens, int count) {
  int left = 0;
  for (int i = 0; i < count; i++) {
    char *token = tokens[i];
    if (strncmp(token, "out=", 4) == 0) now.out_address[0] = number(token + 4), now.has_out[0] = true;
    else if (strncmp(token, "out2=", 5) == 0) now.out_address[1] = number(token + 5), now.has_out[1] = true;
    else if (strncmp(token, "ptr=", 4) == 0) now.in_address = number(token + 4), now.has_in_address = true;
    else if (strncmp(token, "len=", 4) == 0) now.in_length = number(token + 4), now.has_in_length = true;
    else tokens[left++] = token;
  }
  return left;
}

static void run_call(const struct call *call, char **tokens, int count, const char *variable) {
  memset(&now, 0, sizeof now);
  count = take_options(tokens, count);
  int used = 0;
  for (const char *kind = call->spec; *kind != '\0'; kind++) {
    if (*kind == 'e') {
      push_poll(tokens, count);
      used = count;
    } else if (*kind == 'v') {
      push_strings_of(call->name);
    } else if (strchr("248FSP", *kind) != NULL) {
      push_result(allocate(result_size(*kind), *kind, true));
    } else {
      if (used == count) fail("too few arguments for", call->name);
      push_parameter(call, *kind, tokens[used++]);
    }
  }
  if (used != count) fail("too many arguments for", call->name);
  fflush(stdout);
  u32 errno_value = call->run(now.args);
  print_answer(call, errno_value, variable);
  for (int i = 0; i < now.count; i++) free(now.blocks[i].bytes - GUARD);
}

// Cuts a line at its blanks; quotes hold a token together.
static int split(char *line, char **tokens) {
  int count = 0;
  while (*line != '\0') {
    while (*line == ' ' || *line == '\n') *line++ = '\0';
    if (*line == '\0') break;
    if (count == MAX_TOKENS) fail("too many words", line);
    tokens[count++] = line;
    bool quoted = false;
    for (; *line != '\0' && (quoted || (*line != ' ' && *line != '\n')); line++) {
      if (*line == '\\' && line[1] != '\0') line++;
      else if (*line == '"') quoted = !quoted;
    }
  }
  return count;
}

static void run_line(const char *text) {
  char *line = strdup(text), *tokens[MAX_TOKENS];
  int count = split(line, tokens);
  if (count > 0 && strcmp(tokens[0], "echo") == 0) {
    for (int i = 1; i < count; i++) printf("%s%s", tokens[i], i + 1 < count ? " " : "");
    putchar('\n');
  } else if (count > 0 && tokens[0][0] != '#') {
    char *name = strchr(tokens[0], '='), *variable = name == NULL ? NULL : tokens[0];
    if (name == NULL) name = tokens[0];
    else *name++ = '\0';
    const struct call *call = NULL;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
      if (strcmp(calls[i].name, name) == 0) call = &calls[i];
    if (call == NULL) fail("unknown call", name);
    run_call(call, tokens + 1, count - 1, variable);
  }
  fflush(stdout);
  free(line);
}

// Lines come from the arguments, or, without any, from stdin.
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) run_line(argv[i]);
  char *line = NULL;
  size_t room = 0;
  while (argc == 1 && getline(&line, &room, stdin) >= 0) run_line(line);
  return 0;
}

// jsonq: asks JSON files, or stdin, a question.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

// The same as jq's: with -e, the last result was null or false; usage, files and syntax; the query failed on the input.
enum status { S_DONE = 0, S_NOTHING = 1, S_INPUT = 2, S_QUERY = 5 };

static const char usage[] =
  "usage: jsonq [-c] [-r] [-e] QUERY [FILE…]\n"
  "  -c  one line for each result\n"
  "  -r  strings as they are, without quotes\n"
  "  -e  exit code 1 where the last result is null or false\n"
  "paths      .a.b  .[0]  .[-1]  .[2:4]  .[]  .a?\n"
  "operators  |  ,  //  or  and  ==  !=  <  <=  >  >=  +  -  *  /  %\n"
  "builders   [.a, .b]  {a, b: .c}\n"
  "functions  length keys map(q) select(q) sort_by(q) sort group_by(q) unique add\n"
  "           reverse not type has(q) join(q) tostring round\n"
  "for example: jsonq -r '.[] | select(.total > 100) | .id' orders.json\n";

static struct {
  bool is_compact, is_raw, is_exit_code;
  struct node *query;
  enum status last;
} options;

static enum status tell(enum status status, const char *place, const char *reason) {
  fflush(stdout);
  fprintf(stderr, "jsonq: %s: %s\n", place, reason);
  return status;
}

// Reads to the end; a file's size may not be known.
static char *read_all(FILE *file, size_t *length) {
  size_t room = 65536;
  char *bytes = malloc(room);
  *length = 0;
  while (bytes != NULL) {
    *length += fread(bytes + *length, 1, room - *length, file);
    if (ferror(file)) break;
    if (*length < room) return bytes;
    char *more = realloc(bytes, room *= 2);
    if (more == NULL) break;
    bytes = more;
  }
  free(bytes);
  return NULL;
}

static void print_result(const struct value *value) {
  if (options.is_raw && value->type == T_STRING) fwrite(value->string.bytes, 1, value->string.length, stdout);
  else print_json(stdout, value, options.is_compact);
  putchar('\n');
  options.last = is_truthy(value) ? S_DONE : S_NOTHING;
}

// A file may hold several values, one after the other.
static enum status answer(struct text *text, const char *name) {
  enum status status = S_DONE;
  for (struct value *input; (input = parse_json(text)) != NULL; release_all()) {
    struct list results = {0};
    bool is_done = evaluate(options.query, input, &results);
    for (size_t i = 0; i < results.count; i++) print_result(results.items[i]);
    if (!is_done) status = tell(S_QUERY, name, problem);
  }
  // The parser forgets what the query complained of: what is left is its own.
  if (problem[0] != '\0') {
    char place[512];
    int line, column;
    position(text, &line, &column);
    snprintf(place, sizeof place, "%s:%d:%d", name, line, column);
    if (tell(S_INPUT, place, problem) > status) status = S_INPUT;
  }
  release_all();
  return status;
}

static enum status answer_file(FILE *file, const char *name) {
  size_t length;
  if (file == NULL) return tell(S_INPUT, name, strerror(errno));
  char *bytes = read_all(file, &length);
  if (bytes == NULL) return tell(S_INPUT, name, strerror(errno));
  struct text text = {bytes, bytes, bytes + length};
  enum status status = answer(&text, name);
  free(bytes);
  return status;
}

static bool take_flags(const char *letters) {
  for (; *letters != '\0'; letters++) {
    if (*letters == 'c') options.is_compact = true;
    else if (*letters == 'r') options.is_raw = true;
    else if (*letters == 'e') options.is_exit_code = true;
    else return false;
  }
  return true;
}

int main(int argc, char **argv) {
  int at = 1;
  for (; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
    if (strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "--help") == 0) {
      fputs(usage, stdout);
      return S_DONE;
    }
    if (!take_flags(argv[at] + 1)) return tell(S_INPUT, argv[at], "unknown option; see jsonq --help");
  }
  if (at == argc) {
    fputs(usage, stderr);
    return S_INPUT;
  }
  options.query = parse_query(argv[at++]);
  if (options.query == NULL) return tell(S_INPUT, "query", problem);
  keep_all();
  enum status worst = S_DONE;
  if (at == argc) worst = answer_file(stdin, "stdin");
  for (; at < argc; at++) {
    FILE *file = fopen(argv[at], "r");
    enum status status = answer_file(file, argv[at]);
    if (file != NULL) fclose(file);
    if (status > worst) worst = status;
  }
  if (fflush(stdout) != 0) return tell(S_INPUT, "stdout", strerror(errno));
  return worst == S_DONE && options.is_exit_code ? (int)options.last : (int)worst;
}

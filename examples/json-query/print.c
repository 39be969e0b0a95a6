// Prints values as JSON: indented by two blanks, or on one line.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

// The shortest decimal text that reads back as the same number; what JSON cannot write becomes null or the largest.
char *number_text(double number, char buffer[32]) {
  if (isnan(number)) return strcpy(buffer, "null");
  if (isinf(number)) number = number > 0 ? 1.7976931348623157e308 : -1.7976931348623157e308;
  if (number == floor(number) && fabs(number) < 1e17) {
    snprintf(buffer, 32, "%.0f", number == 0 ? 0.0 : number);
    return buffer;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(buffer, 32, "%.*g", digits, number);
    if (strtod(buffer, NULL) == number) break;
  }
  return buffer;
}

static void print_string(FILE *file, struct string string) {
  putc('"', file);
  for (size_t i = 0; i < string.length; i++) {
    unsigned char c = (unsigned char)string.bytes[i];
    const char *escape = c == 0 ? NULL : strchr("\"\\\bb\ff\nn\rr\tt", c);
    if (c == '"' || c == '\\') fprintf(file, "\\%c", c);
    else if (c < 32 && escape != NULL) fprintf(file, "\\%c", escape[1]);
    else if (c < 32 || c == 127) fprintf(file, "\\u%04x", c);
    else putc(c, file);
  }
  putc('"', file);
}

static void new_line(FILE *file, int depth) {
  if (depth >= 0) fprintf(file, "\n%*s", depth * 2, "");
}

// A depth below 0 stands for one line.
static void print_value(FILE *file, const struct value *value, int depth) {
  static const char *words[] = {"null", "false", "true"};
  char buffer[32];
  int inner = depth < 0 ? depth : depth + 1;
  switch (value->type) {
    case T_NUMBER: fputs(number_text(value->number, buffer), file); return;
    case T_STRING: print_string(file, value->string); return;
    case T_ARRAY:
      putc('[', file);
      for (size_t i = 0; i < value->array.count; i++) {
        if (i > 0) putc(',', file);
        new_line(file, inner);
        print_value(file, value->array.items[i], inner);
      }
      if (value->array.count > 0) new_line(file, depth);
      putc(']', file);
      return;
    case T_OBJECT:
      putc('{', file);
      for (size_t i = 0; i < value->object.count; i++) {
        if (i > 0) putc(',', file);
        new_line(file, inner);
        print_string(file, value->object.fields[i].key);
        fputs(depth < 0 ? ":" : ": ", file);
        print_value(file, value->object.fields[i].value, inner);
      }
      if (value->object.count > 0) new_line(file, depth);
      putc('}', file);
      return;
    default: fputs(words[value->type], file);
  }
}

void print_json(FILE *file, const struct value *value, bool is_compact) {
  print_value(file, value, is_compact ? -1 : 0);
}

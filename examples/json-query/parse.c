// The JSON parser (RFC 8259): strict, with the line and column of the first mistake.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { deepest = 512 };

static struct value *parse_value(struct text *text, int depth);

static void skip_blanks(struct text *text) {
  while (text->at < text->end && memchr(" \t\r\n", *text->at, 4) != NULL) text->at++;
}

void position(const struct text *text, int *line, int *column) {
  *line = *column = 1;
  for (const char *at = text->from; at < text->at; at++) {
    if (*at == '\n') {
      ++*line;
      *column = 1;
    } else if ((*at & 0xC0) != 0x80) {
      ++*column; // columns count characters, not bytes
    }
  }
}

static void *expected(const struct text *text, const char *what) {
  if (text->at == text->end) return fail("expected %s, found the end", what);
  unsigned char found = (unsigned char)*text->at;
  if (found < 32 || found > 126) return fail("expected %s, found the byte 0x%02x", what, found);
  return fail("expected %s, found '%c'", what, found);
}

static bool take(struct text *text, char wanted) {
  if (text->at == text->end || *text->at != wanted) return false;
  text->at++;
  return true;
}

static bool is_digit(const char *at, const char *end) { return at < end && *at >= '0' && *at <= '9'; }

const char *parse_number(const char *at, const char *end, double *number) {
  const char *from = at;
  if (at < end && *at == '-') at++;
  if (!is_digit(at, end)) return NULL;
  if (*at == '0') at++;
  else
    while (is_digit(at, end)) at++;
  if (at + 1 < end && *at == '.' && is_digit(at + 1, end))
    for (at++; is_digit(at, end);) at++;
  if (at < end && (*at == 'e' || *at == 'E')) {
    const char *digits = at + 1;
    if (digits < end && (*digits == '+' || *digits == '-')) digits++;
    if (is_digit(digits, end))
      for (at = digits; is_digit(at, end);) at++;
  }
  char copy[64], *whole = copy;
  size_t length = (size_t)(at - from);
  if (length >= sizeof copy) whole = allocate(length + 1);
  memcpy(whole, from, length);
  whole[length] = '\0';
  *number = strtod(whole, NULL);
  return at;
}

static bool parse_hex(struct text *text, uint32_t *code) {
  *code = 0;
  for (int i = 0; i < 4; i++) {
    char c = text->at < text->end ? *text->at : '\0';
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0) return expected(text, "four hexadecimal digits") != NULL;
    *code = *code << 4 | (uint32_t)digit;
    text->at++;
  }
  return true;
}

static char *put_utf8(char *to, uint32_t code) {
  if (code < 0x80) *to++ = (char)code;
  else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6);
    *to++ = (char)(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 63));
    *to++ = (char)(0x80 | (code & 63));
  } else {
    *to++ = (char)(0xF0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 63));
    *to++ = (char)(0x80 | (code >> 6 & 63));
    *to++ = (char)(0x80 | (code & 63));
  }
  return to;
}

// A pair of \u escapes stands for one character; half a pair becomes the replacement character.
static char *parse_unicode(struct text *text, char *to) {
  uint32_t code, low;
  if (!parse_hex(text, &code)) return NULL;
  if (code >= 0xD800 && code < 0xDC00 && text->end - text->at >= 2 && memcmp(text->at, "\\u", 2) == 0) {
    text->at += 2;
    if (!parse_hex(text, &low)) return NULL;
    if (low >= 0xDC00 && low < 0xE000) return put_utf8(to, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
    to = put_utf8(to, 0xFFFD);
    code = low;
  }
  return put_utf8(to, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
}

static char *parse_escape(struct text *text, char *to) {
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (text->at < text->end && *text->at == 'u') {
    text->at++;
    return parse_unicode(text, to);
  }
  const char *letter = text->at < text->end ? memchr(letters, *text->at, sizeof letters - 1) : NULL;
  if (letter == NULL) return expected(text, "an escape such as \\n");
  text->at++;
  *to++ = meanings[letter - letters];
  return to;
}

struct value *parse_string(struct text *text) {
  if (!take(text, '"')) return expected(text, "a string");
  const char *close = text->at;
  while (close < text->end && *close != '"') close += *close == '\\' ? 2 : 1;
  // An escape is never shorter than what it stands for.
  char *bytes = allocate((size_t)((close < text->end ? close : text->end) - text->at) + 1), *to = bytes;
  while (!take(text, '"')) {
    if (text->at == text->end) return fail("the string has no end");
    if ((unsigned char)*text->at < 32) return expected(text, "an escape in place of a control character");
    if (!take(text, '\\')) *to++ = *text->at++;
    else if ((to = parse_escape(text, to)) == NULL) return NULL;
  }
  return make_string(bytes, (size_t)(to - bytes));
}

static struct value *parse_array(struct text *text, int depth) {
  struct value *array = make(T_ARRAY);
  skip_blanks(text);
  if (take(text, ']')) return array;
  for (;;) {
    struct value *item = parse_value(text, depth);
    if (item == NULL) return NULL;
    push(&array->array, item);
    skip_blanks(text);
    if (take(text, ']')) return array;
    if (!take(text, ',')) return expected(text, "',' or ']'");
  }
}

static struct value *parse_object(struct text *text, int depth) {
  struct value *object = make(T_OBJECT);
  skip_blanks(text);
  if (take(text, '}')) return object;
  for (;;) {
    skip_blanks(text);
    struct value *key = text->at < text->end && *text->at == '"' ? parse_string(text) : expected(text, "a key in quotes");
    if (key == NULL) return NULL;
    skip_blanks(text);
    if (!take(text, ':')) return expected(text, "':'");
    struct value *value = parse_value(text, depth);
    if (value == NULL) return NULL;
    set_field(&object->object, key->string, value);
    skip_blanks(text);
    if (take(text, '}')) return object;
    if (!take(text, ',')) return expected(text, "',' or '}'");
  }
}

static struct value *parse_word(struct text *text, const char *word, enum type type) {
  size_t length = strlen(word);
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) return expected(text, "a value");
  text->at += length;
  return make(type);
}

static struct value *parse_value(struct text *text, int depth) {
  skip_blanks(text);
  if (depth == deepest) return fail("nested deeper than %d levels", deepest);
  if (text->at == text->end) return expected(text, "a value");
  switch (*text->at) {
    case '{': text->at++; return parse_object(text, depth + 1);
    case '[': text->at++; return parse_array(text, depth + 1);
    case '"': return parse_string(text);
    case 't': return parse_word(text, "true", T_TRUE);
    case 'f': return parse_word(text, "false", T_FALSE);
    case 'n': return parse_word(text, "null", T_NULL);
  }
  double number;
  const char *end = parse_number(text->at, text->end, &number);
  if (end == NULL) return expected(text, "a value");
  text->at = end;
  return make_number(number);
}

struct value *parse_json(struct text *text) {
  problem[0] = '\0';
  skip_blanks(text);
  return text->at == text->end ? NULL : parse_value(text, 0);
}

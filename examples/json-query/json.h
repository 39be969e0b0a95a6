// A JSON query tool in the manner of jq: values, the parser, the query and its evaluation, the printer.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// In the order in which values of different types are sorted.
enum type { T_NULL, T_FALSE, T_TRUE, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT };

struct string {
  const char *bytes; // may contain NUL
  size_t length;
};

struct list {
  struct value **items;
  size_t count, room;
};

struct field {
  struct string key;
  struct value *value;
};

struct object {
  struct field *fields; // in the order of their first mention
  size_t count, room;
};

struct value {
  enum type type;
  union {
    double number;
    struct string string;
    struct list array;
    struct object object;
  };
};

// Everything lives until the input that it belongs to has been answered: freed all at once, never one by one.
void *allocate(size_t size);
void release_all(void);
// What has been allocated so far (the query) stays for good.
void keep_all(void);

struct value *make(enum type type);
struct value *make_number(double number);
struct value *make_string(const char *bytes, size_t length);
struct value *make_bool(bool is_true);
void push(struct list *list, struct value *item);
struct value *get_field(const struct object *object, struct string key);
void set_field(struct object *object, struct string key, struct value *value);
bool is_truthy(const struct value *value);
int compare(const struct value *a, const struct value *b);
int compare_strings(struct string a, struct string b);
const char *type_name(const struct value *value);

// What went wrong last, as a sentence; the functions below answer NULL or false after they have called this.
extern char problem[256];
void *fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Reads one value and moves the text past it. After the last one it answers NULL with *at at the end and no problem.
struct text {
  const char *from, *at, *end;
};
struct value *parse_json(struct text *text);
// Reads a number and answers where it ends, or NULL where there is none.
const char *parse_number(const char *at, const char *end, double *number);
struct value *parse_string(struct text *text);
// Line and column, from 1, of the place where a parser stopped.
void position(const struct text *text, int *line, int *column);

struct node;
struct node *parse_query(const char *query);
// Appends each result of the query for one value.
bool evaluate(const struct node *node, struct value *input, struct list *results);

void print_json(FILE *file, const struct value *value, bool is_compact);
char *number_text(double number, char buffer[32]);

#endif

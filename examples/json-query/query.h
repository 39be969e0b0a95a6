// The query's tree, which query.c builds and evaluate.c walks.
#ifndef QUERY_H
#define QUERY_H

#include "json.h"

enum kind {
  Q_SELF,     // .
  Q_LITERAL,  // 1, "a", null
  Q_INDEX,    // left[right], left.name
  Q_SLICE,    // left[right:third]
  Q_EACH,     // left[]
  Q_OPTIONAL, // left?
  Q_PIPE,     // left | right
  Q_BOTH,     // left, right
  Q_ELSE,     // left // right
  Q_OR,
  Q_AND,
  Q_COMPARE,   // left == right, and the others: op says which
  Q_ARITHMETIC, // left + right, and the others
  Q_ARRAY,     // [left]
  Q_OBJECT,    // {fields}
  Q_CALL,      // name(left)
};

enum op { O_EQUAL, O_NOT_EQUAL, O_LESS, O_AT_MOST, O_MORE, O_AT_LEAST, O_ADD, O_SUBTRACT, O_MULTIPLY, O_DIVIDE, O_REST };

struct query_field {
  struct node *key, *value;
};

struct node {
  enum kind kind;
  enum op op;
  struct node *left, *right, *third;
  struct value *literal;
  struct query_field *fields;
  size_t field_count;
  const struct function *function;
};

struct function {
  const char *name;
  bool takes_query;
  // The argument is the query in parentheses, or NULL; false where it failed.
  bool (*run)(const struct node *argument, struct value *input, struct list *results);
};

const struct function *find_function(const char *name, size_t length);

// Shared by the evaluation and its functions; those that answer false have said why with fail().
bool put(struct list *results, struct value *value);
bool refuse(const char *what, const struct value *value);
bool each_of(struct value *value, struct list *results);
bool calculate(enum op op, struct value *a, struct value *b, struct list *results);
struct value *join_values(struct value *a, struct value *b);

#endif

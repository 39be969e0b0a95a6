// Evaluates a query: each node turns one value into a list of results.
#include <math.h>
#include <string.h>

#include "query.h"

bool put(struct list *results, struct value *value) {
  push(results, value);
  return true;
}

bool refuse(const char *what, const struct value *value) {
  fail("cannot %s %s", what, type_name(value));
  return false;
}

static bool index_into(struct value *left, const struct value *key, struct list *results) {
  struct value *found = NULL;
  if (left->type == T_OBJECT && key->type == T_STRING) found = get_field(&left->object, key->string);
  else if (left->type == T_ARRAY && key->type == T_NUMBER) {
    double place = floor(key->number);
    if (place < 0) place += (double)left->array.count;
    if (place >= 0 && place < (double)left->array.count) found = left->array.items[(size_t)place];
  } else if (left->type != T_NULL) {
    if (key->type == T_STRING) fail("cannot take \"%.*s\" of %s", (int)key->string.length, key->string.bytes, type_name(left));
    else fail("cannot take a %s as an index of %s", type_name(key), type_name(left));
    return false;
  }
  return put(results, found == NULL ? make(T_NULL) : found);
}

static bool slice(struct value *left, const struct value *from, const struct value *to, struct list *results) {
  if (left->type == T_NULL) return put(results, left);
  if (left->type != T_ARRAY && left->type != T_STRING) return refuse("slice", left);
  if ((from->type != T_NUMBER && from->type != T_NULL) || (to->type != T_NUMBER && to->type != T_NULL)) {
    fail("cannot slice from %s to %s: wanted numbers", type_name(from), type_name(to));
    return false;
  }
  double count = left->type == T_ARRAY ? (double)left->array.count : (double)left->string.length;
  double start = from->type == T_NUMBER ? floor(from->number) : 0, end = to->type == T_NUMBER ? ceil(to->number) : count;
  start = fmin(fmax(start < 0 ? start + count : start, 0), count);
  end = fmin(fmax(end < 0 ? end + count : end, start), count);
  size_t first = (size_t)start, length = (size_t)(end - start);
  if (left->type == T_STRING) return put(results, make_string(left->string.bytes + first, length));
  struct value *part = make(T_ARRAY);
  for (size_t i = 0; i < length; i++) push(&part->array, left->array.items[first + i]);
  return put(results, part);
}

bool each_of(struct value *left, struct list *results) {
  if (left->type == T_ARRAY)
    for (size_t i = 0; i < left->array.count; i++) push(results, left->array.items[i]);
  else if (left->type == T_OBJECT)
    for (size_t i = 0; i < left->object.count; i++) push(results, left->object.fields[i].value);
  else return refuse("take the items of", left);
  return true;
}

struct value *join_values(struct value *a, struct value *b) {
  if (a->type == T_STRING) {
    char *bytes = allocate(a->string.length + b->string.length + 1);
    memcpy(bytes, a->string.bytes, a->string.length);
    memcpy(bytes + a->string.length, b->string.bytes, b->string.length);
    return make_string(bytes, a->string.length + b->string.length);
  }
  struct value *whole = make(a->type);
  if (a->type == T_ARRAY) {
    for (size_t i = 0; i < a->array.count; i++) push(&whole->array, a->array.items[i]);
    for (size_t i = 0; i < b->array.count; i++) push(&whole->array, b->array.items[i]);
  } else {
    for (size_t i = 0; i < a->object.count; i++)
      set_field(&whole->object, a->object.fields[i].key, a->object.fields[i].value);
    for (size_t i = 0; i < b->object.count; i++)
      set_field(&whole->object, b->object.fields[i].key, b->object.fields[i].value);
  }
  return whole;
}

bool calculate(enum op op, struct value *a, struct value *b, struct list *results) {
  static const char *names[] = {"add", "subtract", "multiply", "divide", "divide"};
  if (op == O_ADD && a->type == T_NULL) return put(results, b);
  if (op == O_ADD && b->type == T_NULL) return put(results, a);
  if (op == O_ADD && a->type == b->type && a->type >= T_STRING) return put(results, join_values(a, b));
  if (a->type != T_NUMBER || b->type != T_NUMBER) {
    fail("cannot %s %s and %s", names[op - O_ADD], type_name(a), type_name(b));
    return false;
  }
  double x = a->number, y = b->number;
  if ((op == O_DIVIDE && y == 0) || (op == O_REST && trunc(y) == 0)) {
    fail("cannot divide by zero");
    return false;
  }
  switch (op) {
    case O_ADD: return put(results, make_number(x + y));
    case O_SUBTRACT: return put(results, make_number(x - y));
    case O_MULTIPLY: return put(results, make_number(x * y));
    case O_DIVIDE: return put(results, make_number(x / y));
    default: return put(results, make_number(fmod(trunc(x), trunc(y))));
  }
}

static bool is_so(enum op op, int order) {
  switch (op) {
    case O_EQUAL: return order == 0;
    case O_NOT_EQUAL: return order != 0;
    case O_LESS: return order < 0;
    case O_AT_MOST: return order <= 0;
    case O_MORE: return order > 0;
    default: return order >= 0;
  }
}

// Combines two results by the node; and, or have been decided where the left was enough.
static bool combine(const struct node *node, struct value *left, struct value *right, struct list *results) {
  switch (node->kind) {
    case Q_INDEX: return index_into(left, right, results);
    case Q_COMPARE: return put(results, make_bool(is_so(node->op, compare(left, right))));
    case Q_ARITHMETIC: return calculate(node->op, left, right, results);
    default: return put(results, make_bool(is_truthy(right)));
  }
}

static bool evaluate_two(const struct node *node, struct value *input, struct list *results) {
  struct list lefts = {0};
  if (!evaluate(node->left, input, &lefts)) return false;
  for (size_t i = 0; i < lefts.count; i++) {
    bool is_true = is_truthy(lefts.items[i]);
    if ((node->kind == Q_AND && !is_true) || (node->kind == Q_OR && is_true)) {
      push(results, make_bool(is_true));
      continue;
    }
    struct list rights = {0};
    if (!evaluate(node->right, input, &rights)) return false;
    for (size_t j = 0; j < rights.count; j++)
      if (!combine(node, lefts.items[i], rights.items[j], results)) return false;
  }
  return true;
}

// An end of a slice that is left out is null.
static bool evaluate_end(const struct node *node, struct value *input, struct list *results) {
  return node == NULL ? put(results, make(T_NULL)) : evaluate(node, input, results);
}

static bool evaluate_slice(const struct node *node, struct value *input, struct list *results) {
  struct list lefts = {0}, from = {0}, to = {0};
  if (!evaluate(node->left, input, &lefts) || !evaluate_end(node->right, input, &from)) return false;
  if (!evaluate_end(node->third, input, &to)) return false;
  for (size_t i = 0; i < lefts.count; i++)
    for (size_t j = 0; j < from.count; j++)
      for (size_t k = 0; k < to.count; k++)
        if (!slice(lefts.items[i], from.items[j], to.items[k], results)) return false;
  return true;
}

// Each key with several values gives several objects.
static bool build_object(const struct node *node, size_t at, struct value *input, struct value *so_far, struct list *results) {
  if (at == node->field_count) return put(results, so_far);
  struct list keys = {0}, values = {0};
  if (!evaluate(node->fields[at].key, input, &keys) || !evaluate(node->fields[at].value, input, &values)) return false;
  for (size_t i = 0; i < keys.count; i++) {
    if (keys.items[i]->type != T_STRING) return refuse("use as a key: a", keys.items[i]);
    for (size_t j = 0; j < values.count; j++) {
      struct value *one = join_values(so_far, make(T_OBJECT));
      set_field(&one->object, keys.items[i]->string, values.items[j]);
      if (!build_object(node, at + 1, input, one, results)) return false;
    }
  }
  return true;
}

static bool evaluate_else(const struct node *node, struct value *input, struct list *results) {
  struct list lefts = {0};
  size_t before = results->count;
  if (evaluate(node->left, input, &lefts))
    for (size_t i = 0; i < lefts.count; i++)
      if (is_truthy(lefts.items[i])) push(results, lefts.items[i]);
  return results->count > before || evaluate(node->right, input, results);
}

bool evaluate(const struct node *node, struct value *input, struct list *results) {
  struct list lefts = {0};
  switch (node->kind) {
    case Q_SELF: return put(results, input);
    case Q_LITERAL: return put(results, node->literal);
    case Q_SLICE: return evaluate_slice(node, input, results);
    case Q_BOTH: return evaluate(node->left, input, results) && evaluate(node->right, input, results);
    case Q_ELSE: return evaluate_else(node, input, results);
    case Q_OBJECT: return build_object(node, 0, input, make(T_OBJECT), results);
    case Q_CALL: return node->function->run(node->left, input, results);
    case Q_OPTIONAL:
      if (!evaluate(node->left, input, results)) problem[0] = '\0';
      return true;
    case Q_ARRAY: {
      struct value *array = make(T_ARRAY);
      return evaluate(node->left, input, &array->array) && put(results, array);
    }
    case Q_EACH:
    case Q_PIPE:
      if (!evaluate(node->left, input, &lefts)) return false;
      for (size_t i = 0; i < lefts.count; i++)
        if (!(node->kind == Q_EACH ? each_of(lefts.items[i], results) : evaluate(node->right, lefts.items[i], results)))
          return false;
      return true;
    default: return evaluate_two(node, input, results);
  }
}

// The functions that a query can call by name.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

static struct value *length_of(struct value *input) {
  switch (input->type) {
    case T_NULL: return make_number(0);
    case T_NUMBER: return make_number(fabs(input->number));
    case T_ARRAY: return make_number((double)input->array.count);
    case T_OBJECT: return make_number((double)input->object.count);
    case T_STRING: {
      size_t count = 0; // characters: the bytes that do not go on with one
      for (size_t i = 0; i < input->string.length; i++) count += (input->string.bytes[i] & 0xC0) != 0x80;
      return make_number((double)count);
    }
    default: return NULL;
  }
}

static bool run_length(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  struct value *length = length_of(input);
  return length == NULL ? refuse("measure", input) : put(results, length);
}

static int by_name(const void *a, const void *b) {
  return compare_strings(((const struct field *)a)->key, ((const struct field *)b)->key);
}

static bool run_keys(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  struct value *keys = make(T_ARRAY);
  if (input->type == T_OBJECT) {
    struct value *copy = join_values(input, make(T_OBJECT));
    if (copy->object.count > 0) qsort(copy->object.fields, copy->object.count, sizeof(struct field), by_name);
    for (size_t i = 0; i < copy->object.count; i++) {
      struct string key = copy->object.fields[i].key;
      push(&keys->array, make_string(key.bytes, key.length));
    }
  } else if (input->type == T_ARRAY) {
    for (size_t i = 0; i < input->array.count; i++) push(&keys->array, make_number((double)i));
  } else {
    return refuse("take the keys of", input);
  }
  return put(results, keys);
}

static bool run_map(const struct node *query, struct value *input, struct list *results) {
  struct value *mapped = make(T_ARRAY);
  struct list items = {0};
  if (!each_of(input, &items)) return false;
  for (size_t i = 0; i < items.count; i++)
    if (!evaluate(query, items.items[i], &mapped->array)) return false;
  return put(results, mapped);
}

static bool run_select(const struct node *query, struct value *input, struct list *results) {
  struct list answers = {0};
  if (!evaluate(query, input, &answers)) return false;
  for (size_t i = 0; i < answers.count; i++)
    if (is_truthy(answers.items[i])) push(results, input);
  return true;
}

struct ranked {
  struct value *rank, *item;
  size_t place; // keeps equal ones in their order: qsort does not
};

static int by_rank(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  int order = compare(x->rank, y->rank);
  return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static struct ranked *sorted(const struct node *query, struct value *input) {
  if (input->type != T_ARRAY) return fail("cannot sort %s", type_name(input));
  size_t count = input->array.count;
  struct ranked *all = allocate(count * sizeof *all + 1);
  for (size_t i = 0; i < count; i++) {
    struct value *rank = make(T_ARRAY);
    if (query == NULL) push(&rank->array, input->array.items[i]);
    else if (!evaluate(query, input->array.items[i], &rank->array)) return NULL;
    all[i] = (struct ranked){rank, input->array.items[i], i};
  }
  if (count > 1) qsort(all, count, sizeof *all, by_rank);
  return all;
}

static bool run_sort_by(const struct node *query, struct value *input, struct list *results) {
  struct ranked *all = sorted(query, input);
  if (all == NULL) return false;
  struct value *array = make(T_ARRAY);
  for (size_t i = 0; i < input->array.count; i++) push(&array->array, all[i].item);
  return put(results, array);
}

static bool run_group_by(const struct node *query, struct value *input, struct list *results) {
  struct ranked *all = sorted(query, input);
  if (all == NULL) return false;
  struct value *groups = make(T_ARRAY), *group = NULL;
  for (size_t i = 0; i < input->array.count; i++) {
    if (i == 0 || compare(all[i - 1].rank, all[i].rank) != 0) push(&groups->array, group = make(T_ARRAY));
    push(&group->array, all[i].item);
  }
  return put(results, groups);
}

static bool run_unique(const struct node *none, struct value *input, struct list *results) {
  struct ranked *all = sorted(none, input);
  if (all == NULL) return false;
  struct value *array = make(T_ARRAY);
  for (size_t i = 0; i < input->array.count; i++)
    if (i == 0 || compare(all[i - 1].rank, all[i].rank) != 0) push(&array->array, all[i].item);
  return put(results, array);
}

static bool run_add(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  struct list items = {0};
  struct value *sum = make(T_NULL);
  if (!each_of(input, &items)) return false;
  for (size_t i = 0; i < items.count; i++) {
    struct list one = {0};
    if (!calculate(O_ADD, sum, items.items[i], &one)) return false;
    sum = one.items[0];
  }
  return put(results, sum);
}

static bool run_reverse(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  if (input->type != T_ARRAY) return refuse("reverse", input);
  struct value *array = make(T_ARRAY);
  for (size_t i = input->array.count; i > 0; i--) push(&array->array, input->array.items[i - 1]);
  return put(results, array);
}

static bool run_not(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  return put(results, make_bool(!is_truthy(input)));
}

static bool run_type(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  const char *name = type_name(input);
  return put(results, make_string(name, strlen(name)));
}

static bool run_has(const struct node *query, struct value *input, struct list *results) {
  struct list keys = {0};
  if (!evaluate(query, input, &keys)) return false;
  for (size_t i = 0; i < keys.count; i++) {
    const struct value *key = keys.items[i];
    if (input->type == T_OBJECT && key->type == T_STRING)
      push(results, make_bool(get_field(&input->object, key->string) != NULL));
    else if (input->type == T_ARRAY && key->type == T_NUMBER)
      push(results, make_bool(key->number >= 0 && key->number < (double)input->array.count));
    else return refuse("look for such a key in", input);
  }
  return true;
}

static struct value *as_text(struct value *value) {
  char buffer[32];
  if (value->type == T_STRING) return value;
  if (value->type == T_NUMBER) {
    size_t length = strlen(number_text(value->number, buffer));
    return make_string(memcpy(allocate(length + 1), buffer, length), length);
  }
  if (value->type == T_NULL) return make_string("", 0);
  if (value->type <= T_TRUE) return value->type == T_TRUE ? make_string("true", 4) : make_string("false", 5);
  return NULL;
}

static bool run_join(const struct node *query, struct value *input, struct list *results) {
  struct list between = {0};
  if (input->type != T_ARRAY) return refuse("join", input);
  if (!evaluate(query, input, &between)) return false;
  for (size_t i = 0; i < between.count; i++) {
    if (between.items[i]->type != T_STRING) return refuse("join with", between.items[i]);
    struct value *text = make_string("", 0);
    for (size_t j = 0; j < input->array.count; j++) {
      struct value *part = as_text(input->array.items[j]);
      if (part == NULL) return refuse("join", input->array.items[j]);
      text = join_values(j == 0 ? text : join_values(text, between.items[i]), part);
    }
    push(results, text);
  }
  return true;
}

static bool run_tostring(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  struct value *text = input->type == T_NULL ? make_string("null", 4) : as_text(input);
  return text == NULL ? refuse("make a string of", input) : put(results, text);
}

static bool run_round(const struct node *none, struct value *input, struct list *results) {
  (void)none;
  return input->type == T_NUMBER ? put(results, make_number(round(input->number))) : refuse("round", input);
}

static const struct function functions[] = {
  {"length", false, run_length}, {"keys", false, run_keys},       {"map", true, run_map},
  {"select", true, run_select},  {"sort_by", true, run_sort_by},  {"sort", false, run_sort_by},
  {"group_by", true, run_group_by}, {"unique", false, run_unique}, {"add", false, run_add},
  {"reverse", false, run_reverse}, {"not", false, run_not},       {"type", false, run_type},
  {"has", true, run_has},        {"join", true, run_join},        {"tostring", false, run_tostring},
  {"round", false, run_round},
};

const struct function *find_function(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strlen(functions[i].name) == length && memcmp(functions[i].name, name, length) == 0) return &functions[i];
  return NULL;
}

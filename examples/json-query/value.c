// Values: making, finding, comparing and giving them back.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct chunk {
  struct chunk *next;
  size_t used, size;
  _Alignas(16) char bytes[];
};

static struct chunk *chunks;
char problem[256];

void *allocate(size_t size) {
  size = (size + 15) & ~(size_t)15;
  if (chunks == NULL || chunks->size - chunks->used < size) {
    size_t room = size > 65536 ? size : 65536;
    struct chunk *chunk = malloc(sizeof *chunk + room);
    if (chunk == NULL) {
      fputs("jsonq: out of memory\n", stderr);
      exit(2);
    }
    *chunk = (struct chunk){.next = chunks, .size = room};
    chunks = chunk;
  }
  void *start = chunks->bytes + chunks->used;
  chunks->used += size;
  return start;
}

void release_all(void) {
  while (chunks != NULL) {
    struct chunk *next = chunks->next;
    free(chunks);
    chunks = next;
  }
}

void keep_all(void) { chunks = NULL; }

void *fail(const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  vsnprintf(problem, sizeof problem, format, rest);
  va_end(rest);
  return NULL;
}

struct value *make(enum type type) {
  struct value *value = allocate(sizeof *value);
  memset(value, 0, sizeof *value);
  value->type = type;
  return value;
}

struct value *make_number(double number) {
  struct value *value = make(T_NUMBER);
  value->number = number;
  return value;
}

struct value *make_string(const char *bytes, size_t length) {
  struct value *value = make(T_STRING);
  value->string = (struct string){bytes, length};
  return value;
}

struct value *make_bool(bool is_true) { return make(is_true ? T_TRUE : T_FALSE); }

static void *grown(const void *old, size_t count, size_t *room, size_t size) {
  *room = *room == 0 ? 8 : *room * 2;
  void *fresh = allocate(*room * size);
  if (count > 0) memcpy(fresh, old, count * size);
  return fresh;
}

void push(struct list *list, struct value *item) {
  if (list->count == list->room) list->items = grown(list->items, list->count, &list->room, sizeof item);
  list->items[list->count++] = item;
}

int compare_strings(struct string a, struct string b) {
  size_t shorter = a.length < b.length ? a.length : b.length;
  int order = shorter == 0 ? 0 : memcmp(a.bytes, b.bytes, shorter);
  return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static struct field *find(const struct object *object, struct string key) {
  for (size_t i = 0; i < object->count; i++)
    if (compare_strings(object->fields[i].key, key) == 0) return &object->fields[i];
  return NULL;
}

struct value *get_field(const struct object *object, struct string key) {
  struct field *field = find(object, key);
  return field == NULL ? NULL : field->value;
}

void set_field(struct object *object, struct string key, struct value *value) {
  struct field *field = find(object, key);
  if (field == NULL) {
    if (object->count == object->room)
      object->fields = grown(object->fields, object->count, &object->room, sizeof *field);
    field = &object->fields[object->count++];
    field->key = key;
  }
  field->value = value;
}

bool is_truthy(const struct value *value) { return value->type != T_NULL && value->type != T_FALSE; }

static int compare_lists(const struct list *a, const struct list *b) {
  for (size_t i = 0; i < a->count && i < b->count; i++) {
    int order = compare(a->items[i], b->items[i]);
    if (order != 0) return order;
  }
  return (a->count > b->count) - (a->count < b->count);
}

// Equal only with the same fields; else the one with fewer fields, or the first differing field of the left, decides.
static int compare_objects(const struct object *a, const struct object *b) {
  if (a->count != b->count) return a->count < b->count ? -1 : 1;
  for (size_t i = 0; i < a->count; i++) {
    struct value *other = get_field(b, a->fields[i].key);
    int order = other == NULL ? -1 : compare(a->fields[i].value, other);
    if (order != 0) return order;
  }
  return 0;
}

int compare(const struct value *a, const struct value *b) {
  if (a->type != b->type) return a->type < b->type ? -1 : 1;
  switch (a->type) {
    case T_NUMBER: return (a->number > b->number) - (a->number < b->number);
    case T_STRING: return compare_strings(a->string, b->string);
    case T_ARRAY: return compare_lists(&a->array, &b->array);
    case T_OBJECT: return compare_objects(&a->object, &b->object);
    default: return 0;
  }
}

const char *type_name(const struct value *value) {
  static const char *names[] = {"null", "boolean", "boolean", "number", "string", "array", "object"};
  return names[value->type];
}

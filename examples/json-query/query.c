// Reads a query into its tree, by recursive descent. Weakest first: | , // or and == + * and then paths.
#include <ctype.h>
#include <string.h>

#include "query.h"

static struct text query;
static int depth;

static struct node *parse_pipe(void);
static struct node *parse_level(int level);

static struct node *node_of(enum kind kind, struct node *left, struct node *right) {
  struct node *node = allocate(sizeof *node);
  *node = (struct node){.kind = kind, .left = left, .right = right};
  return node;
}

static struct node *literal(struct value *value) {
  struct node *node = node_of(Q_LITERAL, NULL, NULL);
  node->literal = value;
  return node;
}

static void skip_blanks(void) {
  while (query.at < query.end && isspace((unsigned char)*query.at)) query.at++;
}

static bool starts_with(const char *word) {
  skip_blanks();
  size_t length = strlen(word);
  return (size_t)(query.end - query.at) >= length && memcmp(query.at, word, length) == 0;
}

static bool is_name_letter(const char *at) { return at < query.end && (isalnum((unsigned char)*at) || *at == '_'); }

static bool take(const char *word) {
  if (!starts_with(word)) return false;
  size_t length = strlen(word);
  if (is_name_letter(query.at) && is_name_letter(query.at + length)) return false;
  query.at += length;
  return true;
}

static struct node *expected(const char *what) {
  skip_blanks();
  if (query.at == query.end) return fail("expected %s, found the end", what);
  return fail("expected %s, found '%c'", what, *query.at);
}

static struct value *parse_name(void) {
  const char *from = query.at;
  if (isdigit((unsigned char)*from)) return NULL;
  while (is_name_letter(query.at)) query.at++;
  return query.at == from ? NULL : make_string(from, (size_t)(query.at - from));
}

// What follows '[': an index, a slice, or nothing for each item.
static struct node *parse_brackets(struct node *left) {
  if (take("]")) return node_of(Q_EACH, left, NULL);
  struct node *from = NULL, *to = NULL;
  if (!starts_with(":") && (from = parse_pipe()) == NULL) return NULL;
  if (take("]")) return node_of(Q_INDEX, left, from);
  if (!take(":")) return expected("']' or ':'");
  if (!starts_with("]") && (to = parse_pipe()) == NULL) return NULL;
  if (!take("]")) return expected("']'");
  struct node *slice = node_of(Q_SLICE, left, from);
  slice->third = to;
  return slice;
}

static struct node *parse_key(struct node *left) {
  struct value *key = starts_with("\"") ? parse_string(&query) : parse_name();
  return key == NULL ? expected("a name") : node_of(Q_INDEX, left, literal(key));
}

static struct node *parse_suffixes(struct node *node) {
  while (node != NULL) {
    if (take("?")) node = node_of(Q_OPTIONAL, node, NULL);
    else if (take("[")) node = parse_brackets(node);
    else if (take(".")) node = take("[") ? parse_brackets(node) : parse_key(node);
    else break;
  }
  return node;
}

// {name, "other name", name: query, (query): query}
static struct node *parse_object(void) {
  enum { most_fields = 64 };
  struct node *object = node_of(Q_OBJECT, NULL, NULL);
  object->fields = allocate(most_fields * sizeof *object->fields);
  while (!take("}")) {
    if (object->field_count > 0 && !take(",")) return expected("',' or '}'");
    skip_blanks();
    struct node *key, *value = NULL;
    struct value *name = NULL;
    if (take("(")) {
      key = parse_pipe();
      if (key == NULL) return NULL;
      if (!take(")")) return expected("')'");
    } else {
      name = starts_with("\"") ? parse_string(&query) : parse_name();
      if (name == NULL) return expected("a key");
      key = literal(name);
    }
    if (take(":")) {
      value = parse_level(0);
    } else if (name != NULL) {
      value = node_of(Q_INDEX, node_of(Q_SELF, NULL, NULL), key);
    } else {
      return expected("':'");
    }
    if (value == NULL) return NULL;
    if (object->field_count == most_fields) return fail("more than %d keys", most_fields);
    object->fields[object->field_count++] = (struct query_field){key, value};
  }
  return object;
}

static struct node *parse_call(void) {
  const char *from = query.at;
  struct value *name = parse_name();
  if (name == NULL) return expected("a query");
  const struct function *function = find_function(name->string.bytes, name->string.length);
  if (function == NULL) {
    query.at = from;
    return fail("unknown function '%.*s'", (int)name->string.length, name->string.bytes);
  }
  struct node *call = node_of(Q_CALL, NULL, NULL);
  call->function = function;
  if (!function->takes_query) return call;
  if (!take("(")) return expected("'('");
  call->left = parse_pipe();
  if (call->left == NULL) return NULL;
  return take(")") ? call : expected("')'");
}

static struct node *parse_term(void) {
  skip_blanks();
  double number;
  const char *end = parse_number(query.at, query.end, &number);
  if (end != NULL) {
    query.at = end;
    return literal(make_number(number));
  }
  if (starts_with("\"")) {
    struct value *string = parse_string(&query);
    return string == NULL ? NULL : parse_suffixes(literal(string));
  }
  if (take("-")) {
    struct node *inner = parse_term();
    if (inner == NULL) return NULL;
    struct node *negative = node_of(Q_ARITHMETIC, literal(make_number(0)), inner);
    negative->op = O_SUBTRACT;
    return negative;
  }
  if (take("null")) return literal(make(T_NULL));
  if (take("true")) return literal(make(T_TRUE));
  if (take("false")) return literal(make(T_FALSE));
  if (take("(")) {
    struct node *inner = parse_pipe();
    if (inner == NULL) return NULL;
    return take(")") ? parse_suffixes(inner) : expected("')'");
  }
  if (take("[")) {
    if (take("]")) return parse_suffixes(literal(make(T_ARRAY)));
    struct node *inner = parse_pipe();
    if (inner == NULL) return NULL;
    return take("]") ? parse_suffixes(node_of(Q_ARRAY, inner, NULL)) : expected("']'");
  }
  if (take("{")) return parse_suffixes(parse_object());
  if (!take(".")) return parse_suffixes(parse_call());
  struct node *self = node_of(Q_SELF, NULL, NULL);
  if (query.at < query.end && (is_name_letter(query.at) || *query.at == '"')) self = parse_key(self);
  return parse_suffixes(self);
}

// The operators of one strength; a longer word stands before a shorter one that it begins with.
struct operator {
  const char *word;
  enum kind kind;
  enum op op;
};

static const struct operator levels[][7] = {
  {{"//", Q_ELSE, 0}},
  {{"or", Q_OR, 0}},
  {{"and", Q_AND, 0}},
  {{"==", Q_COMPARE, O_EQUAL}, {"!=", Q_COMPARE, O_NOT_EQUAL}, {"<=", Q_COMPARE, O_AT_MOST},
   {">=", Q_COMPARE, O_AT_LEAST}, {"<", Q_COMPARE, O_LESS}, {">", Q_COMPARE, O_MORE}},
  {{"+", Q_ARITHMETIC, O_ADD}, {"-", Q_ARITHMETIC, O_SUBTRACT}},
  {{"*", Q_ARITHMETIC, O_MULTIPLY}, {"/", Q_ARITHMETIC, O_DIVIDE}, {"%", Q_ARITHMETIC, O_REST}},
};
enum { level_count = sizeof levels / sizeof *levels };

static const struct operator *take_operator(int level) {
  for (const struct operator *each = levels[level]; each->word != NULL; each++) {
    bool is_alternative = each->op == O_DIVIDE && starts_with("//");
    if (!is_alternative && take(each->word)) return each;
  }
  return NULL;
}

static struct node *parse_level(int level) {
  if (level == level_count) return parse_term();
  struct node *left = parse_level(level + 1);
  while (left != NULL) {
    const struct operator *found = take_operator(level);
    if (found == NULL) break;
    struct node *right = parse_level(level + 1);
    if (right == NULL) return NULL;
    left = node_of(found->kind, left, right);
    left->op = found->op;
  }
  return left;
}

static struct node *parse_both(void) {
  struct node *left = parse_level(0);
  while (left != NULL && take(",")) {
    struct node *right = parse_level(0);
    left = right == NULL ? NULL : node_of(Q_BOTH, left, right);
  }
  return left;
}

static struct node *parse_pipe(void) {
  if (++depth > 100) return fail("nested deeper than 100 levels");
  struct node *left = parse_both();
  if (left != NULL && take("|")) {
    struct node *right = parse_pipe();
    left = right == NULL ? NULL : node_of(Q_PIPE, left, right);
  }
  depth--;
  return left;
}

struct node *parse_query(const char *text) {
  query = (struct text){text, text, text + strlen(text)};
  depth = 0;
  struct node *node = parse_pipe();
  skip_blanks();
  if (node != NULL && query.at < query.end) node = expected("an operator");
  if (node != NULL) return node;
  char reason[sizeof problem];
  strcpy(reason, problem);
  return fail("column %d: %.200s", (int)(query.at - query.from) + 1, reason);
}

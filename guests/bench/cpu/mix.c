// What embedded programs do, a little of each in every round: a linked list is searched, reversed and sorted, a matrix
// multiplied, a text scanned by a state machine; results go into a CRC-16, which is printed: `mix [ROUNDS]`.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "forms.h"

enum { nodes = 128, side = 16, text_size = 512 };

struct node {
  struct node *next;
  int16_t key, value;
};

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS, INVALID, states };

static struct node pool[nodes];
static int16_t left[side * side], right[side * side];
static int32_t product[side * side];
static char text[text_size];

// CRC-16/ARC: the polynomial 0x8005, bits reversed.
PART uint16_t crc_of(uint16_t crc, uint32_t value) {
  for (int i = 0; i < 32; i++) {
    uint32_t bit = (crc ^ value) & 1;
    value >>= 1;
    crc >>= 1;
    if (bit) crc ^= 0xa001;
  }
  return crc;
}

PART struct node *find(struct node *list, int16_t key) {
  while (list != NULL && list->key != key) list = list->next;
  return list;
}

PART struct node *reverse(struct node *list) {
  struct node *reversed = NULL;
  while (list != NULL) {
    struct node *next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

PART struct node *merge(struct node *one, struct node *other) {
  struct node *head = NULL, **tail = &head;
  while (one != NULL && other != NULL) {
    struct node **least = one->key <= other->key ? &one : &other;
    *tail = *least;
    tail = &(*tail)->next;
    *least = (*least)->next;
  }
  *tail = one != NULL ? one : other;
  return head;
}

// Merge sort from the bottom: runs[i] is empty or holds 2 to the power of i nodes.
PART struct node *sort(struct node *list) {
  struct node *runs[16] = {0};
  while (list != NULL) {
    struct node *run = list;
    list = list->next;
    run->next = NULL;
    int i = 0;
    for (; runs[i] != NULL; i++) {
      run = merge(runs[i], run);
      runs[i] = NULL;
    }
    runs[i] = run;
  }
  struct node *sorted = NULL;
  for (int i = 0; i < 16; i++)
    if (runs[i] != NULL) sorted = sorted == NULL ? runs[i] : merge(runs[i], sorted);
  return sorted;
}

PART uint16_t list_round(uint16_t crc, uint32_t seed) {
  struct node *list = NULL;
  for (int i = 0; i < nodes; i++) {
    seed = seed * 1103515245 + 12345;
    pool[i].key = (int16_t)(seed >> 16 & 0x3ff);
    pool[i].value = (int16_t)i;
    pool[i].next = list;
    list = &pool[i];
  }
  int found = 0;
  for (int16_t key = 0; key < 64; key++) {
    struct node *node = find(list, key);
    if (node != NULL) found += node->value;
    list = reverse(list);
  }
  list = sort(list);
  uint32_t sum = (uint32_t)found;
  for (struct node *node = list; node != NULL; node = node->next) sum = sum * 17 + (uint16_t)node->key;
  return crc_of(crc, sum);
}

PART void multiply(void) {
  for (int row = 0; row < side; row++)
    for (int column = 0; column < side; column++) {
      int32_t sum = 0;
      for (int i = 0; i < side; i++) sum += left[row * side + i] * right[i * side + column];
      product[row * side + column] = sum;
    }
}

PART uint16_t matrix_round(uint16_t crc, uint32_t seed) {
  for (int i = 0; i < side * side; i++) {
    left[i] = (int16_t)((seed + (uint32_t)i) & 0xff);
    right[i] = (int16_t)(((seed >> 8) + (uint32_t)i * 7) & 0xff);
  }
  multiply();
  uint32_t sum = 0;
  for (int i = 0; i < side * side; i++) sum = sum * 5 + (uint32_t)product[i];
  return crc_of(crc, sum);
}

PART enum state advance(enum state state, char letter) {
  int digit = letter >= '0' && letter <= '9';
  switch (state) {
    case START:
      if (letter == '+' || letter == '-') return SIGN;
      return digit ? INTEGER : letter == '.' ? FRACTION : INVALID;
    case SIGN:
      return digit ? INTEGER : letter == '.' ? FRACTION : INVALID;
    case INTEGER:
      return digit ? INTEGER : letter == '.' ? FRACTION : letter == 'e' ? EXPONENT : INVALID;
    case FRACTION:
      return digit ? FRACTION : letter == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
      if (letter == '+' || letter == '-') return EXPONENT_SIGN;
      return digit ? EXPONENT_DIGITS : INVALID;
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS:
      return digit ? EXPONENT_DIGITS : INVALID;
    default:
      return INVALID;
  }
}

PART uint16_t text_round(uint16_t crc, uint32_t seed) {
  static const char letters[] = "0123456789,1.,2e,3-,4+,5,678,9.1";
  uint32_t ends[states] = {0};
  for (int i = 0; i < text_size; i++) {
    seed = seed * 1664525 + 1013904223;
    text[i] = letters[seed >> 27];
  }
  enum state state = START;
  for (int i = 0; i < text_size; i++) {
    if (text[i] == ',') {
      ends[state]++;
      state = START;
    } else {
      state = advance(state, text[i]);
    }
  }
  uint32_t sum = 0;
  for (int i = 0; i < states; i++) sum = sum * 64 + ends[i];
  return crc_of(crc, sum);
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 56000;
  uint16_t crc = 0;
  for (long round = 0; round < rounds; round++) {
    uint32_t seed = (uint32_t)round * 2654435761u ^ crc;
    crc = list_round(crc, seed);
    crc = matrix_round(crc, seed);
    crc = text_round(crc, seed);
  }
  printf("%04x\n", crc);
  return 0;
}

// Sorts 200,000 numbers of 32 bits N times by quicksort and N times by heapsort, and prints a checksum: `sort [N]`. They
// fit into a processor's cache: what is measured is the code, and not how well it hides the latency of memory.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"

PART void swap(uint32_t *one, uint32_t *other) {
  uint32_t kept = *one;
  *one = *other;
  *other = kept;
}

// Hoare's partition around the median of three; answers the last index of the lower part.
PART size_t partition(uint32_t *numbers, size_t low, size_t high) {
  size_t middle = low + (high - low) / 2;
  if (numbers[middle] < numbers[low]) swap(&numbers[middle], &numbers[low]);
  if (numbers[high] < numbers[low]) swap(&numbers[high], &numbers[low]);
  if (numbers[high] < numbers[middle]) swap(&numbers[high], &numbers[middle]);
  uint32_t pivot = numbers[middle];
  size_t i = low - 1, j = high + 1;
  for (;;) {
    do i++;
    while (numbers[i] < pivot);
    do j--;
    while (numbers[j] > pivot);
    if (i >= j) return j;
    swap(&numbers[i], &numbers[j]);
  }
}

PART void insert_all(uint32_t *numbers, size_t low, size_t high) {
  for (size_t i = low + 1; i <= high; i++) {
    uint32_t number = numbers[i];
    size_t j = i;
    for (; j > low && numbers[j - 1] > number; j--) numbers[j] = numbers[j - 1];
    numbers[j] = number;
  }
}

// The greater part waits on a stack of its own, so that 64 pairs are enough and main can hold it all.
PART void quicksort(uint32_t *numbers, size_t count) {
  size_t waiting[128];
  int top = 0;
  size_t low = 1, high = count;
  for (;;) {
    while (high - low >= 16) {
      size_t cut = partition(numbers, low, high);
      if (cut - low > high - cut - 1) {
        waiting[top++] = low, waiting[top++] = cut;
        low = cut + 1;
      } else {
        waiting[top++] = cut + 1, waiting[top++] = high;
        high = cut;
      }
    }
    insert_all(numbers, low, high);
    if (top == 0) return;
    high = waiting[--top], low = waiting[--top];
  }
}

PART void sift_down(uint32_t *numbers, size_t from, size_t count) {
  uint32_t number = numbers[from];
  for (size_t child; (child = 2 * from) <= count; from = child) {
    if (child < count && numbers[child] < numbers[child + 1]) child++;
    if (numbers[child] <= number) break;
    numbers[from] = numbers[child];
  }
  numbers[from] = number;
}

PART void heapsort_all(uint32_t *numbers, size_t count) {
  for (size_t i = count / 2; i >= 1; i--) sift_down(numbers, i, count);
  for (size_t last = count; last > 1; last--) {
    swap(&numbers[1], &numbers[last]);
    sift_down(numbers, 1, last - 1);
  }
}

// Numbers stand at 1 to count: the parent of a heap's node i is i / 2.
PART uint32_t fill(uint32_t *numbers, size_t count, uint32_t state) {
  for (size_t i = 1; i <= count; i++) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    numbers[i] = state;
  }
  return state;
}

PART uint32_t check(const uint32_t *numbers, size_t count) {
  uint32_t sum = 1;
  for (size_t i = 1; i <= count; i++) {
    if (i > 1 && numbers[i - 1] > numbers[i]) abort();
    sum = sum * 31 + numbers[i];
  }
  return sum;
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 56;
  static uint32_t numbers[200001];
  size_t count = sizeof numbers / sizeof *numbers - 1;
  uint32_t state = 2463534242, sum = 0;
  for (long round = 0; round < rounds; round++) {
    state = fill(numbers, count, state);
    quicksort(numbers, count);
    sum += check(numbers, count);
    state = fill(numbers, count, state);
    heapsort_all(numbers, count);
    sum += check(numbers, count);
  }
  printf("%08x\n", sum);
  return 0;
}

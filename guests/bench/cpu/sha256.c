// Hashes a buffer of 64 KiB N times with SHA-256 (FIPS 180-4), each digest going into the next round's buffer, and
// prints the last digest: `sha256 [N]`.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"

enum { size = 65536, block = 64 };

// 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes; and 5.3.3 of the square
// roots of the first 8. Both are computed, exactly, by make_constants.
static uint32_t constants[64];
static uint32_t initial[8];
static uint8_t buffer[size + block];

// The integer part of the root of `value` times 2 to the power of 32, its integer bits cut off.
static uint32_t root_fraction(uint32_t value, int degree) {
  uint64_t root = 0;
  for (int bit = 36; bit >= 0; bit--) {
    uint64_t next = root | (1ULL << bit);
    // next is below 2^37: its powers fit three words of 64 bits, here as a 128-bit product and a shifted rest.
    __uint128_t square = (__uint128_t)next * next;
    int fits = degree == 2 ? square <= (__uint128_t)value << 64
                           : square <= ((__uint128_t)value << 96) / next;
    if (fits) root = next;
  }
  return (uint32_t)root;
}

static void make_constants(void) {
  int found = 0;
  for (uint32_t number = 2; found < 64; number++) {
    int prime = 1;
    for (uint32_t factor = 2; factor * factor <= number; factor++)
      if (number % factor == 0) prime = 0;
    if (!prime) continue;
    constants[found] = root_fraction(number, 3);
    if (found < 8) initial[found] = root_fraction(number, 2);
    found++;
  }
}

#define ROTATED(value, by) ((value) >> (by) | (value) << (32 - (by)))

// 6.2.2: one block of 64 bytes.
PART void compress(uint32_t state[8], const uint8_t *bytes) {
  uint32_t schedule[64];
  for (int t = 0; t < 16; t++) {
    const uint8_t *word = bytes + 4 * t;
    schedule[t] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
  }
  for (int t = 16; t < 64; t++) {
    uint32_t early = schedule[t - 15], late = schedule[t - 2];
    uint32_t sigma0 = ROTATED(early, 7) ^ ROTATED(early, 18) ^ early >> 3;
    uint32_t sigma1 = ROTATED(late, 17) ^ ROTATED(late, 19) ^ late >> 10;
    schedule[t] = sigma1 + schedule[t - 7] + sigma0 + schedule[t - 16];
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int t = 0; t < 64; t++) {
    uint32_t sum1 = ROTATED(e, 6) ^ ROTATED(e, 11) ^ ROTATED(e, 25);
    uint32_t first = h + sum1 + ((e & f) ^ (~e & g)) + constants[t] + schedule[t];
    uint32_t sum0 = ROTATED(a, 2) ^ ROTATED(a, 13) ^ ROTATED(a, 22);
    uint32_t second = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 7000;
  uint32_t state[8] = {0};
  make_constants();
  for (int i = 0; i < size; i++) buffer[i] = (uint8_t)(i * 31 + (i >> 8));
  // 5.1.1: the padding is a block of its own, since the message fills whole blocks.
  buffer[size] = 0x80;
  for (int i = 0; i < 8; i++) buffer[size + block - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));
  for (long round = 0; round < rounds; round++) {
    memcpy(buffer, state, sizeof state);
    memcpy(state, initial, sizeof state);
    for (int at = 0; at < size + block; at += block) compress(state, buffer + at);
  }
  for (int i = 0; i < 8; i++) printf("%08x", state[i]);
  printf("\n");
  return 0;
}

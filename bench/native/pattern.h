// What messages hold: random bytes, each message beginning at another of the first PATTERNS of them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { PATTERNS = 256 };

static uint8_t* pattern;

// Enough for messages of so many bytes; false if there is no memory.
static inline bool pattern_make(size_t size) {
  pattern = malloc(size + PATTERNS);
  if (pattern == NULL) return false;
  uint64_t state = 88172645463325252ULL;  // xorshift64
  for (size_t i = 0; i < size + PATTERNS; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pattern[i] = (uint8_t)(state >> 32);
  }
  return true;
}

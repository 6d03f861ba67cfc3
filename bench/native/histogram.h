// A log-linear histogram of nanoseconds: 128 steps per power of two, so a value is known to better than 0.8 %.
#pragma once

#include <stdint.h>
#include <string.h>

enum { HISTOGRAM_BITS = 7, HISTOGRAM_STEPS = 1 << HISTOGRAM_BITS, HISTOGRAM_SIZE = 64 * HISTOGRAM_STEPS };

struct histogram {
  uint64_t total, sum, max;
  uint64_t count[HISTOGRAM_SIZE];
};

static inline void histogram_record(struct histogram* h, uint64_t value) {
  const uint64_t top = 63 - (uint64_t)__builtin_clzll(value | 1);
  const uint64_t shift = top > HISTOGRAM_BITS ? top - HISTOGRAM_BITS : 0;
  h->count[shift * HISTOGRAM_STEPS + (value >> shift)]++;
  h->total++;
  h->sum += value;
  if (value > h->max) h->max = value;
}

// Adds all of one to another, and empties it.
static inline void histogram_move(struct histogram* from, struct histogram* to) {
  for (uint64_t i = 0; i < HISTOGRAM_SIZE; i++) to->count[i] += from->count[i];
  to->total += from->total;
  to->sum += from->sum;
  if (from->max > to->max) to->max = from->max;
  memset(from, 0, sizeof *from);
}

// The middle of the step that holds the given fraction of all values, never above the greatest value seen.
static inline uint64_t histogram_percentile(const struct histogram* h, double fraction) {
  uint64_t left = (uint64_t)(fraction * (double)h->total + 0.5);
  if (left == 0) left = 1;
  for (uint64_t i = 0; i < HISTOGRAM_SIZE; i++) {
    if (h->count[i] < left) {
      left -= h->count[i];
      continue;
    }
    const uint64_t shift = i < 2 * HISTOGRAM_STEPS ? 0 : i / HISTOGRAM_STEPS - 1;
    const uint64_t low = (i - shift * HISTOGRAM_STEPS) << shift;
    const uint64_t middle = low + ((1ULL << shift) >> 1);
    return middle < h->max ? middle : h->max;
  }
  return h->max;
}

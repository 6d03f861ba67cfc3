// The clocks of the load generators. Each program has its own fail(), which says what it was about.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000ULL

static void fail(const char* format, ...);

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) fail("the server ended: %s", strerror(errno));
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t now(void) { return clock_ns(CLOCK_MONOTONIC); }

// How long this process was runnable while another one had its core (second field of schedstat); 0 if unknown.
static uint64_t waited(void) {
  unsigned long long ran = 0, waiting = 0;
  FILE* file = fopen("/proc/self/schedstat", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%llu %llu", &ran, &waiting) != 2) waiting = 0;
  fclose(file);
  return waiting;
}

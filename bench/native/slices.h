// The window that is measured, cut into slices. With a server to compare with (the reference), each slice lies between
// two of that one: a machine whose speed changes every few seconds changes it for both, and their ratio stays.
//
// A slice begins with a ramp, in which nothing counts, and ends when everything has come back. The load generator says
// what it does meanwhile: start(), turn(), in_flight(), starving().
#pragma once

#include "window.h"

enum { MEASURED, REFERENCE, SERVERS };
enum { RAMP_PART = 5, REFERENCE_PART = 2 };  // of a slice
#define PATIENCE (20 * SECOND)               // for opening, and for draining
#define REFERENCE_WARMUP (50 * 1000000ULL)

static enum { OPEN, WARMUP, WINDOW, DRAIN } phase = OPEN;
static const char* const during[] = {"while opening", "in the warm-up", "in the window", "while draining"};
static int current = MEASURED;  // which server has the load
static uint64_t begun, ended;   // the last slice; `ended` is UINT64_MAX until it has
static struct sample samples[SERVERS];

static void start(void);
static void turn(void);
// What must still come back, after `ended` what is still to be sent too.
static size_t in_flight(void);
// How many have waited for an answer since then, at least.
static size_t starving(uint64_t since);

static void drain(void) {
  phase = DRAIN;
  const uint64_t until = now() + PATIENCE;
  while (in_flight() > 0) {
    turn();
    if (now() > until) fail("%zu messages never came back", in_flight());
  }
}

static void run_until(uint64_t until) {
  while (now() < until) turn();
}

static void warm_up(int server, uint64_t length) {
  current = server;
  phase = WARMUP;
  begun = ended = UINT64_MAX;
  start();
  run_until(now() + length);
  ended = 0;  // what was due in it is not sent any more
  drain();
}

static void take_slice(int server, uint64_t length) {
  struct sample* sample = &samples[server];
  current = server;
  phase = WARMUP;
  begun = ended = UINT64_MAX;
  start();
  run_until(now() + length / RAMP_PART);
  phase = WINDOW;
  window_begin(&sample->window);
  begun = now();
  run_until(begun + length);
  window_end(&sample->window);
  ended = now();
  const size_t starved = starving(begun);
  if (starved > sample->starved) sample->starved = starved;
  drain();
  sample_end_slice(sample);
}

// `longest`: a slice of the window.
static void measure(bool compares, uint64_t warmup, uint64_t window, uint64_t longest) {
  const uint64_t slices = window == 0 ? 1 : (window - 1) / longest + 1;
  const uint64_t length = window / slices;
  warm_up(MEASURED, warmup);
  if (compares) {
    warm_up(REFERENCE, REFERENCE_WARMUP);
    take_slice(REFERENCE, length / REFERENCE_PART);
  }
  for (uint64_t i = 0; i < slices; i++) {
    take_slice(MEASURED, length);
    if (compares) take_slice(REFERENCE, length / REFERENCE_PART);
  }
  phase = WINDOW;
  for (current = MEASURED; current <= (compares ? REFERENCE : MEASURED); current++)
    if (samples[current].requests == 0 || samples[current].latency.total == 0)
      fail("no answer at all: it is too short, or the server too slow,");
}

static void print_samples(bool compares) {
  putchar('{');
  sample_print(&samples[MEASURED]);
  if (compares) {
    fputs(",\"reference\":{", stdout);
    sample_print(&samples[REFERENCE]);
    putchar('}');
  }
  puts("}");
}

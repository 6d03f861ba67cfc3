// What is measured of one server: what the clocks said at the ends of its slices of time, and the JSON members of a
// load generator.
#pragma once

#include "clocks.h"
#include "histogram.h"

struct window {
  clockid_t server;
  uint64_t length, server_cpu, own_cpu, waited;  // of all slices together
};

enum { MOST_SLICES = 4096 };

// `requests` were answered within a slice, and `latency` has a value for each of them, or for those that were due
// within one (see load.c); `slice` is that of the present slice; `starved` connections had no answer in a whole one.
struct sample {
  struct window window;
  uint64_t requests;
  struct histogram latency, slice;
  uint64_t p99[MOST_SLICES];
  size_t slices, starved;
};

static void window_of(struct window* window, int pid) {
  if (clock_getcpuclockid(pid, &window->server) != 0) fail("no process %d", pid);
}

static void window_begin(struct window* window) {
  window->own_cpu -= clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  window->waited -= waited();
  window->server_cpu -= clock_ns(window->server);
  window->length -= now();
}

static void window_end(struct window* window) {
  window->length += now();
  window->server_cpu += clock_ns(window->server);
  window->own_cpu += clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  window->waited += waited();
}

static void sample_record(struct sample* sample, uint64_t latency) { histogram_record(&sample->slice, latency); }

static void sample_end_slice(struct sample* sample) {
  if (sample->slice.total > 0 && sample->slices < MOST_SLICES)
    sample->p99[sample->slices++] = histogram_percentile(&sample->slice, 0.99);
  histogram_move(&sample->slice, &sample->latency);
}

static int by_value(const void* a, const void* b) {
  const uint64_t left = *(const uint64_t*)a, right = *(const uint64_t*)b;
  return left < right ? -1 : left > right;
}

// The 99th percentile of the slice in the middle: what it is while the machine makes no pause. Of two in the middle it
// is the lower one: what half of the slices have is no more in it than with one slice more, as the yardstick has, and a
// mean of a slice with a pause and one without is what no slice was.
static uint64_t sample_p99_of_slice(struct sample* sample) {
  qsort(sample->p99, sample->slices, sizeof sample->p99[0], by_value);
  return sample->p99[(sample->slices - 1) / 2];
}

static void sample_print(struct sample* sample) {
  const struct window* window = &sample->window;
  const struct histogram* latency = &sample->latency;
  printf(
      "\"requests\":%llu,\"windowNs\":%llu,\"serverCpuNs\":%llu,\"loadCpuNs\":%llu,\"loadWaitNs\":%llu,"
      "\"meanNs\":%llu,\"p50Ns\":%llu,\"p90Ns\":%llu,\"p99Ns\":%llu,\"p999Ns\":%llu,\"maxNs\":%llu,"
      "\"p99OfSliceNs\":%llu,\"starved\":%zu",
      (unsigned long long)sample->requests, (unsigned long long)window->length, (unsigned long long)window->server_cpu,
      (unsigned long long)window->own_cpu, (unsigned long long)window->waited,
      (unsigned long long)(latency->sum / latency->total), (unsigned long long)histogram_percentile(latency, 0.5),
      (unsigned long long)histogram_percentile(latency, 0.9), (unsigned long long)histogram_percentile(latency, 0.99),
      (unsigned long long)histogram_percentile(latency, 0.999), (unsigned long long)latency->max,
      (unsigned long long)sample_p99_of_slice(sample), sample->starved);
}

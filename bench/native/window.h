// What is measured of one server: what the clocks said at the ends of its slices of time, and the JSON members of a
// load generator.
#pragma once

#include "clocks.h"
#include "histogram.h"

struct window {
  clockid_t server;
  uint64_t length, server_cpu, own_cpu, waited;  // of all slices together
};

// `requests` were answered within a slice, and `latency` has a value for each of them, or for those that were due
// within one (see load.c); `starved` connections had no answer in a whole one.
struct sample {
  struct window window;
  uint64_t requests;
  struct histogram latency;
  size_t starved;
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

static void sample_print(const struct sample* sample) {
  const struct window* window = &sample->window;
  const struct histogram* latency = &sample->latency;
  printf(
      "\"requests\":%llu,\"windowNs\":%llu,\"serverCpuNs\":%llu,\"loadCpuNs\":%llu,\"loadWaitNs\":%llu,"
      "\"meanNs\":%llu,\"p50Ns\":%llu,\"p90Ns\":%llu,\"p99Ns\":%llu,\"p999Ns\":%llu,\"maxNs\":%llu,"
      "\"starved\":%zu",
      (unsigned long long)sample->requests, (unsigned long long)window->length, (unsigned long long)window->server_cpu,
      (unsigned long long)window->own_cpu, (unsigned long long)window->waited,
      (unsigned long long)(latency->sum / latency->total), (unsigned long long)histogram_percentile(latency, 0.5),
      (unsigned long long)histogram_percentile(latency, 0.9), (unsigned long long)histogram_percentile(latency, 0.99),
      (unsigned long long)histogram_percentile(latency, 0.999), (unsigned long long)latency->max, sample->starved);
}

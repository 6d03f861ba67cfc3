// The window that is measured: what the clocks said at its ends, and the JSON line of a load generator.
#pragma once

#include "clocks.h"
#include "histogram.h"

struct window {
  clockid_t server;
  uint64_t length, server_cpu, own_cpu, waited;
};

static void window_of(struct window* window, int pid) {
  if (clock_getcpuclockid(pid, &window->server) != 0) fail("no process %d", pid);
}

static void window_begin(struct window* window) {
  window->own_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  window->waited = waited();
  window->server_cpu = clock_ns(window->server);
  window->length = now();
}

static void window_end(struct window* window) {
  window->length = now() - window->length;
  window->server_cpu = clock_ns(window->server) - window->server_cpu;
  window->own_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - window->own_cpu;
  window->waited = waited() - window->waited;
}

// `latency` has one value for each request that was answered within the window; `starved` connections had no answer in
// it.
static void window_print(const struct window* window, const struct histogram* latency, size_t starved) {
  printf(
      "{\"requests\":%llu,\"windowNs\":%llu,\"serverCpuNs\":%llu,\"loadCpuNs\":%llu,\"loadWaitNs\":%llu,"
      "\"meanNs\":%llu,\"p50Ns\":%llu,\"p90Ns\":%llu,\"p99Ns\":%llu,\"p999Ns\":%llu,\"maxNs\":%llu,"
      "\"starved\":%zu}\n",
      (unsigned long long)latency->total, (unsigned long long)window->length, (unsigned long long)window->server_cpu,
      (unsigned long long)window->own_cpu, (unsigned long long)window->waited,
      (unsigned long long)(latency->sum / latency->total), (unsigned long long)histogram_percentile(latency, 0.5),
      (unsigned long long)histogram_percentile(latency, 0.9), (unsigned long long)histogram_percentile(latency, 0.99),
      (unsigned long long)histogram_percentile(latency, 0.999), (unsigned long long)latency->max, starved);
}

// Nanoseconds in the units of the mechanisms; see timeout.h.
#include "timeout.h"

#include <algorithm>
#include <limits>

namespace coreactor {
namespace {

constexpr int64_t kPerSecond = 1'000'000'000;
constexpr int64_t kPerMillisecond = 1'000'000;
constexpr int64_t kPerMicrosecond = 1'000;

// The BSDs and macOS refuse more than 10^8 seconds (three years) with EINVAL.
constexpr int64_t kLongest = 100'000'000 * kPerSecond;

// Not (ns + unit - 1) / unit, which overflows at the far end.
int64_t roundedUp(int64_t ns, int64_t unit) { return ns / unit + (ns % unit > 0 ? 1 : 0); }

int64_t withinReach(int64_t ns) { return std::clamp<int64_t>(ns, 0, kLongest); }

}  // namespace

int toMilliseconds(int64_t ns) {
  if (ns < 0) return -1;
  return static_cast<int>(std::min<int64_t>(roundedUp(ns, kPerMillisecond), std::numeric_limits<int>::max()));
}

timespec toTimespec(int64_t ns) {
  ns = withinReach(ns);
  timespec time{};
  time.tv_sec = static_cast<time_t>(ns / kPerSecond);
  time.tv_nsec = static_cast<long>(ns % kPerSecond);
  return time;
}

timeval toTimeval(int64_t ns) {
  const int64_t us = roundedUp(withinReach(ns), kPerMicrosecond);
  timeval time{};
  time.tv_sec = static_cast<time_t>(us / 1'000'000);
  time.tv_usec = static_cast<suseconds_t>(us % 1'000'000);
  return time;
}

}  // namespace coreactor

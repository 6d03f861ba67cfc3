// The units of time.
#include "timeout.h"

#include <doctest/doctest.h>

#include <climits>
#include <cstdint>

using namespace coreactor;

TEST_CASE("H19: milliseconds are rounded up and clamped; 0 and for ever stay what they are") {
  CHECK(toMilliseconds(INT64_MIN) == -1);
  CHECK(toMilliseconds(-1) == -1);
  CHECK(toMilliseconds(0) == 0);
  CHECK(toMilliseconds(1) == 1);
  CHECK(toMilliseconds(999'999) == 1);
  CHECK(toMilliseconds(1'000'000) == 1);
  CHECK(toMilliseconds(1'000'001) == 2);
  CHECK(toMilliseconds(int64_t{INT_MAX} * 1'000'000) == INT_MAX);
  CHECK(toMilliseconds(int64_t{INT_MAX} * 1'000'000 + 1) == INT_MAX);
  CHECK(toMilliseconds(INT64_MAX) == INT_MAX);
}

TEST_CASE("H19: timespec is exact, timeval rounded up, both are clamped") {
  CHECK(toTimespec(-5).tv_sec == 0);
  CHECK(toTimespec(-5).tv_nsec == 0);
  CHECK(toTimespec(1).tv_nsec == 1);
  CHECK(toTimespec(2'000'000'003).tv_sec == 2);
  CHECK(toTimespec(2'000'000'003).tv_nsec == 3);
  CHECK(toTimespec(INT64_MAX).tv_sec == 100'000'000);

  CHECK(toTimeval(-5).tv_sec == 0);
  CHECK(toTimeval(0).tv_usec == 0);
  CHECK(toTimeval(1).tv_usec == 1);
  CHECK(toTimeval(1'000).tv_usec == 1);
  CHECK(toTimeval(1'001).tv_usec == 2);
  CHECK(toTimeval(999'999'001).tv_sec == 1);
  CHECK(toTimeval(999'999'001).tv_usec == 0);
  CHECK(toTimeval(INT64_MAX).tv_sec == 100'000'000);
  CHECK(toTimeval(INT64_MAX).tv_usec == 0);
}

// A wait's nanoseconds in the units that the mechanisms take. Always rounded up, so that nobody returns before the
// time and spins until it; cut at what the mechanism can hold, so that the caller may have to wait again.
// Pure functions.
#pragma once

#include <sys/time.h>

#include <cstdint>
#include <ctime>

namespace coreactor {

// -1 for ns < 0 (for ever), as poll(2) and epoll_wait(2) want it.
int toMilliseconds(int64_t ns);

// For ns < 0 the mechanism wants a null pointer instead; these two then give 0.
timespec toTimespec(int64_t ns);
timeval toTimeval(int64_t ns);

}  // namespace coreactor

// The bell that ends a wait(); see wake_channel.h.
#include "wake_channel.h"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace coreactor {

int WakeChannel::open([[maybe_unused]] bool pipe) {
#ifdef __linux__
  if (!pipe) {
    reader_.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    return reader_ ? 0 : -errno;
  }
#endif
  int ends[2];
  if (::pipe(ends) < 0) return -errno;
  reader_.reset(ends[0]);
  writer_.reset(ends[1]);
  for (const int end : ends) {
    if (::fcntl(end, F_SETFD, FD_CLOEXEC) < 0 || ::fcntl(end, F_SETFL, O_NONBLOCK) < 0) return -errno;
  }
  return 0;
}

int WakeChannel::signal() {
  if (rung_.exchange(true)) return 0;
  const int saved = errno;  // a signal handler must leave it as it was
  const uint64_t one = 1;   // the size that an eventfd insists on; a pipe takes any
  int result = 0;
  while (::write(writer(), &one, sizeof one) < 0) {
    if (errno == EAGAIN) break;  // full: then it is readable, which is all we want
    if (errno == EINTR) continue;
    result = -errno;
    rung_.store(false);
    break;
  }
  errno = saved;
  return result;
}

void WakeChannel::drain() {
  uint64_t sink[8];
  // Until nothing is left; an eventfd is empty after one read.
  while (::read(fd(), sink, sizeof sink) == static_cast<ssize_t>(sizeof sink)) {
  }
  // Only now: cleared before the read, a signal() in between would be swallowed by the read and leave rung_ true
  // over an empty channel, deaf for ever. In this order it is swallowed too, but by a wait() that is about to return.
  rung_.exchange(false);
}

}  // namespace coreactor

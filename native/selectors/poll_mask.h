// Our events as those of poll(2), which select and io_uring speak too. Pure functions.
#pragma once

#include <poll.h>

#include "../selector.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0  // Linux and FreeBSD only; elsewhere the end of the stream shows as POLLIN and recv() = 0
#endif

namespace coreactor {

constexpr short kPollRead = POLLIN | POLLRDHUP;

inline short toPoll(uint32_t interest) {
  int asked = 0;
  if ((interest & kRead) != 0) asked |= kPollRead;
  if ((interest & kWrite) != 0) asked |= POLLOUT;
  if ((interest & kPriority) != 0) asked |= POLLPRI;
  return static_cast<short>(asked);
}

inline uint32_t fromPoll(int told) {
  uint32_t events = 0;
  if ((told & POLLIN) != 0) events |= kRead;
  if ((told & POLLOUT) != 0) events |= kWrite;
  if ((told & POLLPRI) != 0) events |= kPriority;
  if ((told & (POLLERR | POLLNVAL)) != 0) events |= kError;
  if ((told & POLLHUP) != 0) events |= kHangup;
  if ((told & POLLRDHUP) != 0) events |= kReadHangup;
  return events;
}

}  // namespace coreactor

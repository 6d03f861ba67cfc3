// The bell that ends a wait(): a descriptor that becomes readable when any thread or signal handler rings.
// Owned by one Selector, whose thread alone drains it; signal() may be called from everywhere while the Selector lives.
#pragma once

#include <atomic>

#include "unique_fd.h"

namespace coreactor {

class WakeChannel {
 public:
  // 0 or -errno. `pipe` is for where an eventfd, the cheaper one, will not do.
  int open(bool pipe = false);

  // Readable from the first signal() until drain().
  int fd() const { return reader_.get(); }

  // Async-signal-safe. 0 or -errno.
  int signal();
  void drain();

 private:
  // An eventfd is both ends at once.
  int writer() const { return writer_ ? writer_.get() : reader_.get(); }

  UniqueFd reader_;
  UniqueFd writer_;
  // True from the moment somebody is about to write until that was read: of many signals only the first costs a
  // system call, and the channel never holds more than one.
  std::atomic<bool> rung_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not meet a lock");
};

}  // namespace coreactor

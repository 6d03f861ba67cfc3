// Signals as bytes in a pipe: whoever subscribes to some finds the number of each that comes as a byte in the
// descriptor that it gave. A signal belongs to the process and brings its handler no argument, so the table of
// subscriptions is shared by all threads (as the slot in interrupt.h, the exception to "no statics"): a fixed array of
// atomics, which the handler only reads. While somebody is subscribed our handler is in place; with the last one, what
// was there before comes back.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace coreactor {

// Of one owner, on its thread; ends with it.
class SignalSubscription {
 public:
  SignalSubscription() = default;
  ~SignalSubscription() { stop(); }
  SignalSubscription(const SignalSubscription&) = delete;
  SignalSubscription& operator=(const SignalSubscription&) = delete;

  // `fd` is the non-blocking write end of a pipe, which must stay open until stop(). 0; -EINVAL for what cannot be
  // caught, -EAGAIN when the table is full.
  int add(int signal, int fd);
  void stop();

 private:
  std::vector<size_t> slots_;
};

}  // namespace coreactor

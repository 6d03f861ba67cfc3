// Signals for a loop that owns its thread, where Node's own handlers cannot run: counts them where the loop looks, and
// wakes its selector.
// A signal belongs to the process and brings its handler no argument, so this is the one place with process-wide state:
// a single slot, taken by one loop at a time.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

namespace coreactor {

class Selector;

// What can be watched; each has a counter, in this order.
enum Watched : unsigned {
  kInterrupts = 1,  // SIGINT: Ctrl-C
  kInquiries = 2,   // SIGUSR2: "what are you doing?"
};
constexpr size_t kWatchable = 2;

class SignalWatch {
 public:
  SignalWatch() = default;
  ~SignalWatch() { stop(); }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // `watched` is a set of Watched bits, `counters` has room for kWatchable. False if the set is empty, if another loop
  // has the slot, and on a worker thread: signals are for the main one. A second SIGINT while its counter is not 0 yet
  // (the loop is stuck in a step) ends the process as if nobody had handled the first; an inquiry just waits.
  bool start(Selector* selector, int32_t* counters, unsigned watched);
  // Gives back the handlers that were there before.
  void stop();

 private:
  unsigned active_ = 0;  // what is watched now
  std::array<struct sigaction, kWatchable> previous_ = {};
};

}  // namespace coreactor

// Ctrl-C for a loop that owns its thread: counts SIGINTs where the loop looks, and wakes its selector.
// A signal belongs to the process and brings its handler no argument, so this is the one place with process-wide state:
// a single slot, taken by one loop at a time.
#pragma once

#include <csignal>
#include <cstdint>

namespace coreactor {

class Selector;

class InterruptWatch {
 public:
  InterruptWatch() = default;
  ~InterruptWatch() { stop(); }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  // False if another loop has the slot, and on a worker thread: Ctrl-C is for the main one. A second SIGINT while
  // *counter is not 0 yet (the loop is stuck in a step) ends the process as if nobody had handled the first.
  bool start(Selector* selector, int32_t* counter);
  void stop();

 private:
  bool active_ = false;
  struct sigaction previous_ = {};
};

}  // namespace coreactor

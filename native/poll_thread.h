// A thread that waits in poll(2) so that another one need not: for a host whose own loop cannot wait for descriptors of
// ours. Owned by one host object and used on its thread; only `told` is called on the new one.
#pragma once

#include <poll.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "unique_fd.h"

namespace coreactor {

class PollThread {
 public:
  PollThread() = default;
  PollThread(const PollThread&) = delete;
  PollThread& operator=(const PollThread&) = delete;
  // Ends the thread, whatever it waits for.
  ~PollThread();

  // `told` is called once after each arm(), when one of its descriptors is ready. 0 or -errno.
  int start(std::function<void()> told);

  // Waits for these from now on, instead of those of the call before, if that has not told yet.
  void arm(std::vector<pollfd> list);

 private:
  void work();

  std::function<void()> told_;
  UniqueFd bell_;    // readable: look at what was asked
  UniqueFd ringer_;  // its other end
  std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<pollfd> list_;
  bool armed_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace coreactor

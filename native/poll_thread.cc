// A thread that waits in poll(2); see poll_thread.h.
#include "poll_thread.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "descriptor.h"

namespace coreactor {

int PollThread::start(std::function<void()> told) {
  int reader = -1;
  int writer = -1;
  if (const int error = makePipe(&reader, &writer); error < 0) return error;
  bell_.reset(reader);
  ringer_.reset(writer);
  told_ = std::move(told);
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    return -EAGAIN;
  }
  return 0;
}

PollThread::~PollThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  arm({});
  thread_.join();
}

void PollThread::arm(std::vector<pollfd> list) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    list_ = std::move(list);
    armed_ = true;
  }
  asked_.notify_one();
  const ssize_t ignored = write(ringer_.get(), "", 1);  // a full pipe rings already
  static_cast<void>(ignored);
}

void PollThread::work() {
  std::vector<pollfd> waiting;
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (waiting.empty()) asked_.wait(lock, [this] { return armed_; });
      if (ending_) return;
      if (armed_) {
        armed_ = false;
        waiting = list_;
        waiting.push_back({bell_.get(), POLLIN, 0});
      }
    }
    char rings[64];
    while (read(bell_.get(), rings, sizeof rings) > 0) continue;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (armed_) continue;  // whoever asked has rung before we were silent
    }
    if (::poll(waiting.data(), static_cast<nfds_t>(waiting.size()), -1) <= 0) continue;
    if (waiting.back().revents != 0) continue;
    waiting.clear();
    told_();
  }
}

}  // namespace coreactor

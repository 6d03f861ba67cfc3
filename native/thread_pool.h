// Threads for what can only block, such as getaddrinfo(3): made when there is work, and gone when there was none for a
// while. Owned by one Environment and used on its thread. The threads are detached, since what they block in may last
// longer than anybody can wait: they share the state with the pool, and whoever goes last frees it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace coreactor {

class ThreadPool {
 public:
  // At most `most` threads; one that has been idle for `patience` ends.
  ThreadPool(int most, std::chrono::milliseconds patience);
  // Waits for nobody: what has begun ends by itself, what has not is dropped.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The job runs on one of the threads, as soon as one is free. It must not throw.
  // 0, or -EAGAIN if there is no thread and the system gives none.
  int submit(std::function<void()> job);

  // How many there are.
  int threads() const;

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace coreactor

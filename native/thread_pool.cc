// Threads for what can only block; see thread_pool.h.
#include "thread_pool.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace coreactor {

struct ThreadPool::State {
  State(int most, std::chrono::milliseconds limit) : capacity(most), patience(limit) {}

  const int capacity;
  const std::chrono::milliseconds patience;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  int threads = 0;
  int idle = 0;
  bool closed = false;
};

namespace {

// A library that ends with its last worker is unmapped, and a thread that still runs its code would crash. So from the
// first thread on it stays.
void stayLoaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&stayLoaded), &self) == 0) return;
  dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

// No signal of the process goes to a thread of the pool: they are for the loop, whose wait they are to end.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

ThreadPool::ThreadPool(int most, std::chrono::milliseconds patience)
    : state_(std::make_shared<State>(most, patience)) {}

ThreadPool::~ThreadPool() {
  std::deque<std::function<void()>> dropped;  // freed without the lock
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->closed = true;
    dropped.swap(state_->jobs);
  }
  state_->changed.notify_all();
}

int ThreadPool::submit(std::function<void()> job) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  State& state = *state_;
  // Of the idle ones each may already be on its way to a job of the queue.
  const bool isShort = state.idle <= static_cast<int>(state.jobs.size());
  if (isShort && state.threads < state.capacity) {
    stayLoaded();
    const SignalsBlocked blocked;
    try {
      std::thread([shared = state_] { work(shared); }).detach();
      ++state.threads;
    } catch (const std::system_error&) {
      if (state.threads == 0) return -EAGAIN;
    }
  }
  state.jobs.push_back(std::move(job));
  state.changed.notify_one();
  return 0;
}

int ThreadPool::threads() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->threads;
}

void ThreadPool::work(const std::shared_ptr<State>& state) {
#ifdef __linux__
  pthread_setname_np(pthread_self(), "coreactor-pool");
#endif
  std::unique_lock<std::mutex> lock(state->mutex);
  for (;;) {
    if (state->jobs.empty() && !state->closed) {
      ++state->idle;
      state->changed.wait_for(lock, state->patience, [&] { return !state->jobs.empty() || state->closed; });
      --state->idle;
    }
    if (state->jobs.empty()) break;
    std::function<void()> job = std::move(state->jobs.front());
    state->jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is freed without the lock
    lock.lock();
  }
  --state->threads;
}

}  // namespace coreactor

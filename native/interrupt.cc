// Ctrl-C for a loop that owns its thread; see interrupt.h.
#include "interrupt.h"

#ifdef __linux__
#include <sys/syscall.h>
#else
#include <pthread.h>
#endif
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "selector.h"

namespace coreactor {
namespace {

std::atomic<Selector*> watcher{nullptr};
std::atomic<int32_t*> pending{nullptr};
std::atomic<int> handling{0};  // handlers at work, on whatever thread

void onInterrupt(int signal) {
  const int saved = errno;
  handling.fetch_add(1);
  Selector* const selector = watcher.load();
  int32_t* const counter = pending.load();
  if (selector != nullptr && counter != nullptr) {
    if (__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST) > 0) {
      struct sigaction fallback = {};
      fallback.sa_handler = SIG_DFL;
      sigaction(signal, &fallback, nullptr);
      raise(signal);
    }
    selector->wake();
  }
  handling.fetch_sub(1);
  errno = saved;
}

bool onMainThread() {
#ifdef __linux__
  return getpid() == static_cast<pid_t>(syscall(SYS_gettid));
#else
  return pthread_main_np() != 0;
#endif
}

}  // namespace

bool InterruptWatch::start(Selector* selector, int32_t* counter) {
  Selector* nobody = nullptr;
  if (active_ || !onMainThread() || !watcher.compare_exchange_strong(nobody, selector)) return false;
  pending.store(counter);
  struct sigaction action = {};
  action.sa_handler = onInterrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_);
  active_ = true;
  return true;
}

void InterruptWatch::stop() {
  if (!active_) return;
  struct sigaction now = {};
  sigaction(SIGINT, nullptr, &now);
  // Whoever has put a handler of their own over ours meanwhile keeps it.
  if (now.sa_handler == onInterrupt) sigaction(SIGINT, &previous_, nullptr);
  pending.store(nullptr);
  watcher.store(nullptr);
  while (handling.load() > 0) std::this_thread::yield();  // one on another thread may still hold the selector
  active_ = false;
}

}  // namespace coreactor

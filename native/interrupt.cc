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

#include "selector.h"

namespace coreactor {
namespace {

std::atomic<Selector*> watcher{nullptr};
std::atomic<int32_t*> pending{nullptr};

void onInterrupt(int signal) {
  const int saved = errno;
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
  sigaction(SIGINT, &previous_, nullptr);
  pending.store(nullptr);
  watcher.store(nullptr);
  active_ = false;
}

}  // namespace coreactor

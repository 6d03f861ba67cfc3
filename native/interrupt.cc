// Signals for a loop that owns its thread; see interrupt.h.
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

constexpr std::array<int, kWatchable> kSignals = {SIGINT, SIGUSR2};

std::atomic<Selector*> watcher{nullptr};
std::atomic<int32_t*> pending{nullptr};
std::atomic<int> handling{0};  // handlers at work, on whatever thread

void onSignal(int signal) {
  const int saved = errno;
  handling.fetch_add(1);
  Selector* const selector = watcher.load();
  int32_t* const counters = pending.load();
  if (selector != nullptr && counters != nullptr) {
    const size_t which = signal == SIGINT ? 0 : 1;
    if (__atomic_fetch_add(&counters[which], 1, __ATOMIC_SEQ_CST) > 0 && signal == SIGINT) {
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

// Whether the i-th signal is in the set.
bool contains(unsigned watched, size_t i) { return (watched & (1U << i)) != 0; }

}  // namespace

bool SignalWatch::start(Selector* selector, int32_t* counters, unsigned watched) {
  Selector* nobody = nullptr;
  if (watched == 0 || active_ != 0 || !onMainThread() || !watcher.compare_exchange_strong(nobody, selector)) {
    return false;
  }
  pending.store(counters);
  struct sigaction action = {};
  action.sa_handler = onSignal;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kWatchable; ++i) {
    if (contains(watched, i)) sigaction(kSignals[i], &action, &previous_[i]);
  }
  active_ = watched;
  return true;
}

void SignalWatch::stop() {
  if (active_ == 0) return;
  for (size_t i = 0; i < kWatchable; ++i) {
    if (!contains(active_, i)) continue;
    struct sigaction now = {};
    sigaction(kSignals[i], nullptr, &now);
    // Whoever has put a handler of their own over ours meanwhile keeps it.
    if (now.sa_handler == onSignal) sigaction(kSignals[i], &previous_[i], nullptr);
  }
  pending.store(nullptr);
  watcher.store(nullptr);
  while (handling.load() > 0) std::this_thread::yield();  // one on another thread may still hold the selector
  active_ = 0;
}

}  // namespace coreactor

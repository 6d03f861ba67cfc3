// Signals as bytes in a pipe; see signals.h.
#include "signals.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <thread>

namespace coreactor {
namespace {

constexpr int kSignals = 65;  // numbers from 1 to 64
constexpr size_t kSlots = 256;

// The signal in the high half, the descriptor in the low one, so that both change at once; 0 is free.
std::array<std::atomic<int64_t>, kSlots> slots{};
std::atomic<int> handling{0};  // handlers at work, on whatever thread
static_assert(std::atomic<int64_t>::is_always_lock_free, "a signal handler must not meet a lock");

// Not for the handler: who subscribes to what, and what was there before.
std::mutex mutex;
std::array<int, kSignals> subscribers{};
std::array<struct sigaction, kSignals> previous{};
// What the handler of SIGCHLD calls as well: libuv's, which must not miss the end of a child of Node's own.
std::atomic<void (*)(int)> childHandler{nullptr};

int64_t entry(int signal, int fd) { return (static_cast<int64_t>(signal) << 32) | static_cast<uint32_t>(fd); }

void onSignal(int signal) {
  const int saved = errno;
  handling.fetch_add(1);
  const auto byte = static_cast<uint8_t>(signal);
  for (const std::atomic<int64_t>& slot : slots) {
    const int64_t value = slot.load();
    if (static_cast<int>(value >> 32) != signal) continue;
    // A full pipe has enough of them: signals of one kind count as one while nobody looks.
    const ssize_t ignored = write(static_cast<int>(value & 0xffffffff), &byte, 1);
    static_cast<void>(ignored);
  }
  void (*const chained)(int) = childHandler.load();
  if (signal == SIGCHLD && chained != nullptr) chained(signal);
  handling.fetch_sub(1);
  errno = saved;
}

int install(int signal) {
  struct sigaction action = {};
  action.sa_handler = onSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  struct sigaction* const before = &previous[static_cast<size_t>(signal)];
  if (sigaction(signal, &action, before) < 0) return -errno;
  const bool isPlain = (before->sa_flags & SA_SIGINFO) == 0;
  if (signal == SIGCHLD && isPlain && before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
    childHandler.store(before->sa_handler);
  }
  return 0;
}

void restore(int signal) {
  struct sigaction now = {};
  sigaction(signal, nullptr, &now);
  // Whoever has put a handler of their own over ours meanwhile keeps it.
  if (now.sa_handler == onSignal) sigaction(signal, &previous[static_cast<size_t>(signal)], nullptr);
  if (signal == SIGCHLD) childHandler.store(nullptr);
}

}  // namespace

int SignalSubscription::add(int signal, int fd) {
  if (signal < 1 || signal >= kSignals) return -EINVAL;
  const std::lock_guard<std::mutex> lock(mutex);
  size_t at = 0;
  while (at < kSlots && slots[at].load() != 0) ++at;
  if (at == kSlots) return -EAGAIN;
  slots[at].store(entry(signal, fd));
  if (subscribers[static_cast<size_t>(signal)] == 0) {
    if (const int error = install(signal); error < 0) {
      slots[at].store(0);
      return error;
    }
  }
  ++subscribers[static_cast<size_t>(signal)];
  slots_.push_back(at);
  return 0;
}

void SignalSubscription::stop() {
  if (slots_.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex);
  for (const size_t at : slots_) {
    const auto signal = static_cast<size_t>(slots[at].exchange(0) >> 32);
    if (--subscribers[signal] == 0) restore(static_cast<int>(signal));
  }
  slots_.clear();
  while (handling.load() > 0) std::this_thread::yield();  // one on another thread may still write
}

}  // namespace coreactor

// epoll(7): the kernel keeps the interest list and hands out what is ready. Linux.
#include "mechanisms.h"

#ifdef COREACTOR_HAVE_EPOLL

#include <fcntl.h>
#include <linux/time_types.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <cerrno>

#include "../pollable.h"
#include "../timeout.h"
#include "../unique_fd.h"

// For C libraries that are older than the call.
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

namespace coreactor {
namespace {

// What the kernel is asked for; 0 means that the fd is not in its set at all, because it would tell hangups even then.
uint32_t toEpoll(const Registration* registration) {
  if (registration == nullptr) return 0;
  const uint32_t interest = registration->interest;
  uint32_t asked = 0;
  if ((interest & kRead) != 0) asked |= EPOLLIN | EPOLLRDHUP;
  if ((interest & kWrite) != 0) asked |= EPOLLOUT;
  if ((interest & kPriority) != 0) asked |= EPOLLPRI;
  if (asked != 0 && (interest & kEdge) != 0) asked |= EPOLLET;
  return asked;
}

uint32_t fromEpoll(uint32_t told) {
  uint32_t events = 0;
  if ((told & EPOLLIN) != 0) events |= kRead;
  if ((told & EPOLLOUT) != 0) events |= kWrite;
  if ((told & EPOLLPRI) != 0) events |= kPriority;
  if ((told & EPOLLERR) != 0) events |= kError;
  if ((told & EPOLLHUP) != 0) events |= kHangup;
  if ((told & EPOLLRDHUP) != 0) events |= kReadHangup;
  return events;
}

class EpollSelector final : public Selector {
 public:
  EpollSelector(Ready* rows, int capacity) : Selector(rows, capacity), events_(static_cast<size_t>(capacity)) {}

  int open() {
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    return epoll_ ? start() : -errno;
  }

  const char* name() const override { return "epoll"; }
  bool edges() const override { return true; }
  int fd() override { return epoll_.get(); }

 private:
  int change(int fd, const Registration* before, const Registration* after) override;
  int poll(int64_t ns) override;
  int waitForEvents(int64_t ns);
  void rebuild();

  UniqueFd epoll_;
  std::vector<epoll_event> events_;
  bool precise_ = true;  // until the kernel turns out to have no epoll_pwait2
};

// An event carries fd and token: the fd to find the registration, the token to see whether it is still the same one.
int control(int epoll, int operation, int fd, const Registration* after) {
  epoll_event event{};
  event.events = toEpoll(after);
  if (after != nullptr) {
    event.data.u64 = static_cast<uint64_t>(static_cast<uint32_t>(fd)) << 32 | static_cast<uint32_t>(after->token);
  }
  return epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

int EpollSelector::change(int fd, const Registration* before, const Registration* after) {
  const bool was = toEpoll(before) != 0;
  const bool will = toEpoll(after) != 0;
  if (!was && !will) return checkChange(fd, before, after);
  if (was && will && before->token == after->token) {
    const uint32_t changed = before->interest ^ after->interest;
    // Those two are between us and whoever asked.
    if (changed != 0 && (changed & ~(kReceive | kBulk)) == 0) return checkOpen(fd);
  }

  const int operation = !was ? EPOLL_CTL_ADD : will ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
  const int result = control(epoll_.get(), operation, fd, after);
  // The kernel knows files, we know numbers. They part when a number was closed without remove(): its file lives on
  // in a dup and came back under the same number (EEXIST), or the number has a new file by now (ENOENT).
  if (result == -EEXIST) return control(epoll_.get(), EPOLL_CTL_MOD, fd, after);
  if (result == -ENOENT) return will ? control(epoll_.get(), EPOLL_CTL_ADD, fd, after) : 0;
  return result;
}

int EpollSelector::poll(int64_t ns) {
  const int before = room();
  const int count = waitForEvents(ns);
  if (count < 0) return -errno;
  bool ghosts = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    const Registration* const found = registry_.find(static_cast<int>(event.data.u64 >> 32));
    if (toEpoll(found) == 0 || static_cast<uint32_t>(found->token) != static_cast<uint32_t>(event.data.u64)) {
      ghosts = true;
    } else {
      emit(static_cast<int>(event.data.u64 >> 32), *found, fromEpoll(event.events));
    }
  }
  if (!ghosts) return 0;
  rebuild();
  return room() == before ? -EINTR : 0;
}

int EpollSelector::waitForEvents(int64_t ns) {
  if (ns > 0 && precise_) {
    const timespec time = toTimespec(ns);
    const __kernel_timespec wide{time.tv_sec, time.tv_nsec};  // 64 bits on every machine
    const long count = syscall(SYS_epoll_pwait2, epoll_.get(), events_.data(), batch(), &wide, nullptr, size_t{0});
    // EPERM: so old container runtimes refuse system calls that they have never heard of.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(count);
    precise_ = false;
  }
  return epoll_wait(epoll_.get(), events_.data(), batch(), toMilliseconds(ns));
}

// A ghost is a file that was closed without remove() while a dup of it lives: the kernel goes on to report it, and it
// cannot be taken out, because the number by which it was put in is gone. So everything else moves to a new instance,
// under the old number. Edges are told once more by that, which is harmless.
void EpollSelector::rebuild() {
  const UniqueFd fresh(epoll_create1(EPOLL_CLOEXEC));
  if (!fresh) return;  // out of descriptors: the ghost will be back at the next wait, and so shall we
  registry_.each([&](int fd, const Registration& registration) {
    // It fails for what was closed, and there is nothing to watch then.
    if (toEpoll(&registration) != 0) control(fresh.get(), EPOLL_CTL_ADD, fd, &registration);
  });
  dup3(fresh.get(), epoll_.get(), O_CLOEXEC);
}

}  // namespace

std::unique_ptr<Selector> openEpoll(Ready* rows, int capacity, int* error) {
  return openAs<EpollSelector>(rows, capacity, error);
}

}  // namespace coreactor

#endif

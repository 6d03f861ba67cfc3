// kqueue(2): the kernel keeps a filter for each direction of an fd and hands out what is ready. macOS and the BSDs;
// on Linux through libkqueue.
#include "mechanisms.h"

#ifdef COREACTOR_HAVE_KQUEUE

#include <fcntl.h>
#include <sys/types.h>
// after sys/types.h
#include <sys/event.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../pollable.h"
#include "../timeout.h"
#include "../unique_fd.h"

namespace coreactor {
namespace {

struct Filter {
  uint32_t interest;
  decltype(kevent::filter) filter;  // the BSDs do not agree on the types
  decltype(kevent::fflags) fflags;
};

constexpr Filter kFilters[] = {
    {kRead, EVFILT_READ, 0},
    {kWrite, EVFILT_WRITE, 0},
#if defined(EVFILT_EXCEPT) && defined(NOTE_OOB)
    {kPriority, EVFILT_EXCEPT, NOTE_OOB},
#endif
};

constexpr size_t kMostChanges = 2 * (sizeof kFilters / sizeof kFilters[0]);

// EOF on the read filter is the peer's end of stream, with data perhaps still queued. EOF on the write filter is a
// dead send side, which send() tells by itself. Either carries the socket's error in fflags.
uint32_t toEvents(const struct kevent& event) {
  uint32_t events = 0;
  for (const Filter& filter : kFilters) {
    if (event.filter == filter.filter) events |= filter.interest;
  }
  if ((event.flags & EV_EOF) != 0) {
    if (event.filter == EVFILT_READ) events |= kReadHangup;
    if (event.fflags != 0) events |= kError;
  }
  return events;
}

class KqueueSelector final : public Selector {
 public:
  KqueueSelector(Ready* rows, int capacity) : Selector(rows, capacity), events_(static_cast<size_t>(capacity)) {}

  int open() {
    queue_.reset(kqueue());
    if (!queue_ || fcntl(queue_.get(), F_SETFD, FD_CLOEXEC) < 0) return -errno;
    return start();
  }

  const char* name() const override { return "kqueue"; }
  bool edges() const override { return true; }
  int fd() override { return queue_.get(); }

 private:
  int change(int fd, const Registration* before, const Registration* after) override;
  int replace(int fd, const Registration* before, const Registration* after);
  int poll(int64_t ns) override;
  void tell(int fd);

  UniqueFd queue_;
  std::vector<struct kevent> events_;
  std::vector<uint32_t> gathered_;  // by fd: what this batch has for it from its filters; all 0 between two batches
  std::vector<int> broken_;         // pipes that the kernel refuses to watch because their reader is gone
};

int KqueueSelector::change(int fd, const Registration* before, const Registration* after) {
  if (const int error = checkChange(fd, before, after); error < 0) return error;
  if (static_cast<size_t>(fd) >= gathered_.size()) gathered_.resize(static_cast<size_t>(fd) + 1);
  const int error = replace(fd, before, after);
  if (error < 0 && after != nullptr) replace(fd, after, before);
  return error;
}

// Old filters out, new ones in, in one call: a filter that stays would neither change between level and edge nor be
// sure to tell its edge again.
int KqueueSelector::replace(int fd, const Registration* before, const Registration* after) {
  broken_.erase(std::remove(broken_.begin(), broken_.end(), fd), broken_.end());
  struct kevent changes[kMostChanges];
  int count = 0;
  const auto append = [&](const Registration* registration, int action) {
    if (registration == nullptr) return;
    const auto flags = static_cast<decltype(kevent::flags)>(action | EV_RECEIPT);
    for (const Filter& filter : kFilters) {
      if ((registration->interest & filter.interest) == 0) continue;
      EV_SET(&changes[count++], static_cast<uintptr_t>(fd), filter.filter, flags, filter.fflags, 0, 0);
    }
  };
  append(before, EV_DELETE);
  append(after, after != nullptr && (after->interest & kEdge) != 0 ? EV_ADD | EV_CLEAR : EV_ADD);
  if (count == 0) return 0;

  const timespec atOnce{};
  const int answers = kevent(queue_.get(), changes, count, changes, count, &atOnce);
  if (answers < 0) return errno == EINTR ? 0 : -errno;  // interrupted, it has applied the changes all the same
  for (int i = 0; i < answers; ++i) {
    const auto error = static_cast<int>(changes[i].data);
    if (error == 0 || error == ENOENT) continue;  // ENOENT: close() has deleted the filter before us
    if (error != EPIPE) return -error;
    broken_.push_back(fd);
  }
  return 0;
}

int KqueueSelector::poll(int64_t ns) {
  if (!broken_.empty()) ns = 0;
  const timespec time = toTimespec(ns);
  const int count = kevent(queue_.get(), nullptr, 0, events_.data(), batch(), ns < 0 ? nullptr : &time);
  if (count < 0) return -errno;

  // First gather, then tell: two filters of one fd are one row, and they need not come one after the other.
  const auto begin = events_.begin();
  const auto end = begin + count;
  for (const int fd : broken_) gathered_[static_cast<size_t>(fd)] |= kWrite | kError;
  std::for_each(begin, end, [&](const struct kevent& event) { gathered_[event.ident] |= toEvents(event); });
  std::for_each(begin, end, [&](const struct kevent& event) { tell(static_cast<int>(event.ident)); });
  for (const int fd : broken_) tell(fd);
  if (room() == 0) return 0;  // perhaps one of them was not told
  const auto toldForGood = [&](int fd) { return (registry_.find(fd)->interest & kEdge) != 0; };
  broken_.erase(std::remove_if(broken_.begin(), broken_.end(), toldForGood), broken_.end());
  return 0;
}

void KqueueSelector::tell(int fd) {
  const uint32_t events = std::exchange(gathered_[static_cast<size_t>(fd)], 0);
  const Registration* const found = registry_.find(fd);
  if (events != 0 && found != nullptr && room() > 0) emit(fd, *found, events);
}

}  // namespace

std::unique_ptr<Selector> openKqueue(Ready* rows, int capacity, int* error) {
  return openAs<KqueueSelector>(rows, capacity, error);
}

}  // namespace coreactor

#endif

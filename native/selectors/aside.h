// Descriptors that io_uring's own poll requests would not serve well: a private epoll for them, whose descriptor the
// ring polls in their stead. They are sockets that are read by their owner, and of which urgent data is to be told: a
// poll request takes over what TCP says when anything comes, that it may be urgent, and only poll(2) would know, with
// each message. epoll looks for itself.
// Owned by one UringSelector. It opens at the first descriptor; most rings never need it.
#pragma once

#include "mechanisms.h"

#ifdef COREACTOR_HAVE_IO_URING

namespace coreactor {

class Aside {
 public:
  // Whether an interest is for it.
  static bool takes(uint32_t interest) {
    constexpr uint32_t kAll = kRead | kPriority | kEdge;
    return (interest & kAll) == kAll;
  }

  // What the ring is to poll; -1 before the first add().
  int fd() const { return selector_ == nullptr ? -1 : selector_->fd(); }

  // 0 or -errno: there are no descriptors left for an epoll, as a rule.
  int add(int fd, uint32_t interest, int32_t token);
  void remove(int fd);

  // To be called when the ring has told of fd() and there is no more: what is ready can be taken. What has no room
  // stays ready, and the file behind fd() may be another one after this: it is to be polled anew, as a level.
  void look();
  // The next row, or null.
  const Ready* take();
  // Whether some were not taken.
  bool hasMore() const { return next_ < count_; }

 private:
  static constexpr int kRows = 64;

  Ready rows_[kRows];
  std::unique_ptr<Selector> selector_;
  int count_ = 0;
  int next_ = 0;
};

}  // namespace coreactor

#endif

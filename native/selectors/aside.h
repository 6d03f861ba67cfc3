// Descriptors that io_uring's own requests would not serve well: a private epoll for them, whose descriptor the ring
// polls in their stead. They are sockets of which urgent data is to be told, and which are read by their owner or
// received in bulk. A poll request takes over what TCP says when anything comes, that it may be urgent, and only
// poll(2) would know, with each message. epoll looks for itself. Owned by one UringSelector. It opens at the first
// descriptor; most rings never need it.
#pragma once

#include "mechanisms.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <algorithm>

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

  // Where to receive what comes in bulk. 0 or -errno.
  int attach(uint8_t* inbox, size_t size);

  // 0 or -errno: there are no descriptors left for an epoll, as a rule.
  int add(int fd, uint32_t interest, int32_t token);
  void remove(int fd) { selector_->remove(fd); }

  // To be called when the ring has told of fd(): gives each row to `tell`, `most` of them. What has no room stays
  // ready, and the file behind fd() may be another one after this: it is to be polled anew, as a level.
  template <class Tell>
  void look(int most, bool mayReceive, Tell tell) {
    selector_->prepare(std::min(most, kRows), mayReceive);
    const int count = selector_->wait(0);
    for (int row = 0; row < count; ++row) tell(rows_[row]);
  }

 private:
  static constexpr int kRows = 64;

  Ready rows_[kRows];
  Mailbox mailbox_;
  std::unique_ptr<Selector> selector_;
};

}  // namespace coreactor

#endif

// What the tests of io_uring share. Everything here lives as long as one test.
#pragma once

#include "ring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <cstdint>
#include <memory>
#include <vector>

#include "office.h"

namespace coreactor::test {

// Null where the system has no io_uring for us.
inline std::unique_ptr<Selector> openUring(std::vector<Ready>& rows) {
  int error = 0;
  auto selector = makeSelector("io_uring", rows.data(), static_cast<int>(rows.size()), &error);
  if (selector == nullptr) MESSAGE("left out: io_uring cannot be opened here: ", error);
  return selector;
}

// A selector with a mailbox, whose memory is as old, and an order for each row.
class UringOffice {
 public:
  explicit UringOffice(size_t capacity, size_t inboxSize = kInbox, size_t outboxSize = 0)
      : memory(inboxSize, outboxSize, capacity), rows(capacity), selector_(openUring(rows)) {
    if (selector_ != nullptr) REQUIRE(selector_->attach(memory.mailbox()) == 0);
  }

  explicit operator bool() const { return selector_ != nullptr; }
  Selector* operator->() { return selector_.get(); }
  Selector& operator*() { return *selector_; }

  MailboxMemory memory;
  std::vector<Ready> rows;

 private:
  std::unique_ptr<Selector> selector_;
};

// Watchers who are all told of each byte, so that what is complete and not told fills the ring, and more waits outside.
class Crowd {
 public:
  explicit Crowd(Selector& selector) : selector_(selector) {
    for (int32_t i = 0; i < 700; ++i) {
      fds_.push_back(duplicate(pair_.near));
      REQUIRE(selector_.add(fds_.back().get(), kRead | kEdge, 1000 + i) == 0);
    }
    REQUIRE(selector_.wait(0) == 0);
    put(pair_.far, "x");
    // Newer kernels complete only a score of them in a call; each call tells one.
    for (int i = 0; i < 300; ++i) {
      put(pair_.far, "x");
      take(pair_.near, 1);
      REQUIRE(selector_.wait(0) == 1);
    }
  }
  void leave() {
    for (const UniqueFd& fd : fds_) REQUIRE(selector_.remove(fd.get()) == 0);
  }

 private:
  Selector& selector_;
  const Pair pair_ = makeUnixPair();
  std::vector<UniqueFd> fds_;
};

}  // namespace coreactor::test

#endif

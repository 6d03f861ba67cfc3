// Memory that a Selector shares with its user, so that bytes cross in batches: one call brings what many sockets have
// received and takes what is to be sent on many others.
//
//   inbox    wait() receives into it for whoever registered with kReceive; a row says where the bytes lie. They stay
//            until the next wait().
//   outbox   bytes to be sent; `orders` says which of them go where. The next wait() or flush() sends them. It may
//            comprise the inbox, so that what has arrived is sent on from where it lies: that wait() receives over it
//            only after that, and over nothing if a row tells of what could not be sent.
//
// Owned by whoever attaches it, and as old as the Selector at least.
#pragma once

#include <cstddef>
#include <cstdint>

namespace coreactor {

struct Order {
  int32_t token;   // of the registration, for the row that tells of a failure
  int32_t fd;      // open: of one that was closed without remove(), io_uring may still have the file
  int32_t offset;  // in the outbox
  int32_t length;
};

struct Mailbox {
  uint8_t* inbox = nullptr;
  size_t inboxSize = 0;
  const uint8_t* outbox = nullptr;
  size_t outboxSize = 0;
  Order* orders = nullptr;
  int32_t* orderCount = nullptr;  // how many are filled in; set to 0 when they were taken
  int orderCapacity = 0;
};

inline bool isInside(const Order& order, const Mailbox& mailbox) {
  return order.offset >= 0 && order.length >= 0 &&
         static_cast<size_t>(order.offset) + static_cast<size_t>(order.length) <= mailbox.outboxSize;
}

// The most that is received for one registration at once; who gets that much at a time had better receive by itself,
constexpr size_t kParcel = 4096;
// or in bulk, up to this.
constexpr size_t kMostBulk = 64 * 1024;
// So much of an inbox is used by one wait(): more would not stay in the cache until it was looked at.
constexpr size_t kBatchBytes = 256 * 1024;

}  // namespace coreactor

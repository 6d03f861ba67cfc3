// A selector with a mailbox, for the tests of bytes that cross with the wait. Lives as long as one test.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mailbox.h"
#include "support.h"

namespace coreactor::test {

constexpr size_t kInbox = 256 * 1024;
constexpr size_t kOutbox = 64 * 1024;
constexpr int kOrders = 64;
constexpr uint32_t kArrivals = kRead | kReceive | kEdge;
constexpr uint32_t kBulkArrivals = kArrivals | kPriority | kBulk;  // as a socket asks

// The inbox lies behind the outbox, and orders may lie in both.
struct MailboxMemory {
  MailboxMemory(size_t inboxSize, size_t outboxSize, size_t orderCapacity)
      : outbox(outboxSize + inboxSize), inboxBegin(outboxSize), orders(orderCapacity) {}

  Mailbox mailbox() {
    return {outbox.data() + inboxBegin,
            outbox.size() - inboxBegin,
            outbox.data(),
            outbox.size(),
            orders.data(),
            &orderCount,
            static_cast<int>(orders.size())};
  }

  void append(const Order& order) { orders[static_cast<size_t>(orderCount++)] = order; }

  // What a row of kReceive tells of.
  std::string received(const Ready& row) const {
    REQUIRE((row.events & static_cast<int32_t>(kReceive)) != 0);
    REQUIRE(row.result > 0);
    const auto offset = static_cast<size_t>(row.offset);
    const auto length = static_cast<size_t>(row.result);
    return text(inboxBegin + offset, length);
  }

  std::string text(size_t at, size_t length) const {
    REQUIRE(at + length <= outbox.size());
    return {reinterpret_cast<const char*>(outbox.data()) + at, length};
  }

  std::vector<uint8_t> outbox;
  size_t inboxBegin;
  std::vector<Order> orders;
  int32_t orderCount = 0;
};

// The selector under test with a mailbox, and what it has told so far.
class Office {
 public:
  explicit Office(int capacity = 256) : rows_(static_cast<size_t>(capacity)) {
    int error = 0;
    selector_ = makeSelector(currentSelector, rows_.data(), capacity, &error);
    REQUIRE_MESSAGE(selector_ != nullptr, currentSelector, " cannot be opened: ", error);
    REQUIRE(selector_->attach(memory_.mailbox()) == 0);
  }

  Selector* operator->() { return selector_.get(); }

  void watch(const UniqueFd& fd, int32_t token, uint32_t interest = kArrivals) {
    watched_[token] = {fd.get(), interest};
    REQUIRE(selector_->add(fd.get(), interest, token) == 0);
  }

  void ask(int32_t token, uint32_t interest) {
    watched_[token].interest = interest;
    REQUIRE(selector_->modify(watched_[token].fd, interest, token) == 0);
  }

  // Appends `text` to the outbox as one order.
  void order(const UniqueFd& fd, int32_t token, const std::string& text) {
    REQUIRE(used_ + text.size() <= kOutbox);
    std::copy(text.begin(), text.end(), memory_.outbox.begin() + static_cast<std::ptrdiff_t>(used_));
    append(Order{token, fd.get(), static_cast<int32_t>(used_), static_cast<int32_t>(text.size())});
    used_ += text.size();
  }

  void append(const Order& order) { memory_.append(order); }

  // Orders what this token has received last, from where it lies.
  void orderArrived(const UniqueFd& fd, int32_t token) {
    const Ready& row = arrived_[token];
    append(Order{token, fd.get(), static_cast<int32_t>(memory_.inboxBegin) + row.offset, row.result});
  }

  // That piece as it is now.
  std::string arrived(int32_t token) const { return memory_.received(arrived_.at(token)); }

  void wait(int64_t ns = kLimit) { read(selector_->wait(ns)); }
  void flush() { read(selector_->flush()); }

  // Waits until `done` or there is nothing more for a while.
  template <class Done>
  void waitUntil(Done done) {
    const int64_t end = now() + kLimit;
    while (!done() && now() < end) wait(end - now());
    CHECK(done());
  }

  std::map<int32_t, std::string> received;
  std::map<int32_t, uint32_t> told;  // all events of a token
  std::map<int32_t, int> failure;    // -errno of a receive
  std::map<int32_t, int> unsent;     // by order number
  int unsentToken = -1;
  bool ordersLeft() const { return memory_.orderCount != 0; }

 private:
  void read(int count) {
    REQUIRE((count >= 0 || count == -EINTR));
    used_ = 0;
    for (int i = 0; i < count; ++i) {
      const Ready& row = selector_->rows()[i];
      const auto events = static_cast<uint32_t>(row.events);
      if ((events & kSent) != 0) {
        unsent[row.offset] = row.result;
        unsentToken = row.token;
        continue;
      }
      told[row.token] |= events;
      if ((events & kReceive) != 0 && row.result > 0) {
        received[row.token] += memory_.received(row);
        arrived_[row.token] = row;
      } else if ((events & kReceive) != 0) {
        failure[row.token] = row.result;
      }
      // Where there are no edges, what was told is muted: see Selector::edges().
      if (!selector_->edges() && watched_.count(row.token) != 0) ask(row.token, watched_[row.token].interest);
    }
  }

  MailboxMemory memory_{kInbox, kOutbox, kOrders};
  size_t used_ = 0;
  struct Watched {
    int fd;
    uint32_t interest;
  };
  std::map<int32_t, Watched> watched_;
  std::map<int32_t, Ready> arrived_;
  std::vector<Ready> rows_;
  std::unique_ptr<Selector> selector_;
};

// Bytes that tell where they belong.
inline std::string pattern(size_t length, size_t seed = 0) {
  std::string text(length, ' ');
  for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>((i * 31 + (i >> 8) + seed) & 255);
  return text;
}

}  // namespace coreactor::test

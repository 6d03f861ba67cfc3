// Bytes that cross with the wait: received into the inbox, sent from the outbox.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "socket.h"
#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

namespace {

constexpr size_t kInbox = 64 * 1024;
constexpr size_t kOutbox = 64 * 1024;
constexpr int kOrders = 64;
constexpr uint32_t kArrivals = kRead | kReceive | kEdge;

// A selector with a mailbox, and what it has told so far.
class Office {
 public:
  explicit Office(int capacity = 256) : inbox_(kInbox), outbox_(kOutbox), orders_(kOrders), rows_(capacity) {
    int error = 0;
    selector_ = makeSelector(currentSelector, rows_.data(), capacity, &error);
    REQUIRE_MESSAGE(selector_ != nullptr, currentSelector, " cannot be opened: ", error);
    Mailbox mailbox;
    mailbox.inbox = inbox_.data();
    mailbox.inboxSize = inbox_.size();
    mailbox.outbox = outbox_.data();
    mailbox.outboxSize = outbox_.size();
    mailbox.orders = orders_.data();
    mailbox.orderCount = &orderCount_;
    mailbox.orderCapacity = kOrders;
    REQUIRE(selector_->attach(mailbox) == 0);
  }

  Selector* operator->() { return selector_.get(); }

  void watch(const UniqueFd& fd, int32_t token) {
    fds_[token] = fd.get();
    REQUIRE(selector_->add(fd.get(), kArrivals, token) == 0);
  }

  // Appends `text` to the outbox as one order.
  void order(const UniqueFd& fd, int32_t token, const std::string& text) {
    REQUIRE(used_ + text.size() <= outbox_.size());
    std::copy(text.begin(), text.end(), outbox_.begin() + static_cast<std::ptrdiff_t>(used_));
    orders_[static_cast<size_t>(orderCount_++)] =
        Order{token, fd.get(), static_cast<int32_t>(used_), static_cast<int32_t>(text.size())};
    used_ += text.size();
  }

  void append(const Order& order) { orders_[static_cast<size_t>(orderCount_++)] = order; }

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
  bool ordersLeft() const { return orderCount_ != 0; }

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
        REQUIRE(static_cast<size_t>(row.offset) + static_cast<size_t>(row.result) <= kInbox);
        received[row.token].append(reinterpret_cast<const char*>(&inbox_[static_cast<size_t>(row.offset)]),
                                   static_cast<size_t>(row.result));
      } else if ((events & kReceive) != 0) {
        failure[row.token] = row.result;
      }
      // Where there are no edges, what was told is muted: see Selector::edges().
      if (!selector_->edges() && fds_.count(row.token) != 0) {
        REQUIRE(selector_->modify(fds_[row.token], kArrivals, row.token) == 0);
      }
    }
  }

  std::vector<uint8_t> inbox_;
  std::vector<uint8_t> outbox_;
  std::vector<Order> orders_;
  int32_t orderCount_ = 0;
  size_t used_ = 0;
  std::map<int32_t, int> fds_;
  std::vector<Ready> rows_;
  std::unique_ptr<Selector> selector_;
};

int countOpen() {
  int open = 0;
  for (int fd = 0; fd < 512; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return open;
}

std::string pattern(size_t length, size_t seed = 0) {
  std::string text(length, ' ');
  for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>((i * 31 + (i >> 8) + seed) & 255);
  return text;
}

}  // namespace

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H27: who sends to a peer that is gone is told EPIPE or the reset, and no SIGPIPE comes") {
  // main.cc ignores it; here it would end the program.
  const auto before = std::signal(SIGPIPE, SIG_DFL);
  Pair unixPair = makeUnixPair();
  unixPair.far.reset();
  CHECK(transmit(unixPair.near.get(), "x", 1) == -EPIPE);
  Pair tcp = makeTcpPair();
  resetConnection(tcp.far);
  CHECK(transmit(tcp.near.get(), "x", 1) == -ECONNRESET);
  CHECK(transmit(tcp.near.get(), "x", 1) == -EPIPE);
  for (const bool atOnce : {true, false}) {
    Office office;
    office.order(tcp.near, 1, "text");
    office.order(unixPair.near, 2, "text");
    if (atOnce) office.flush();
    for (int i = 0; i < 3 && office.unsent.size() < 2; ++i) office.wait(0);
    CHECK(office.unsent == std::map<int, int>{{0, -EPIPE}, {1, -EPIPE}});
  }
  std::signal(SIGPIPE, before);
}

TEST_CASE("H30: an order outside the outbox is told as EFAULT, and the others are sent") {
  const Pair a = makeUnixPair();
  const Order wrong[] = {{1, a.near.get(), -1, 4},
                         {1, a.near.get(), 0, -1},
                         {1, a.near.get(), kOutbox, 1},
                         {1, a.near.get(), 1, kOutbox},
                         {1, a.near.get(), INT32_MAX, INT32_MAX}};
  for (const Order& order : wrong) {
    Office office;
    office.order(a.near, 1, "good");
    office.append(order);
    office.wait(0);
    CHECK(office.unsent == std::map<int, int>{{1, -EFAULT}});
    CHECK(take(a.far) == "good");
  }
}

TEST_CASE("mailbox: what arrives lies in the inbox, once") {
  const Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  put(a.far, "hello");
  office.waitUntil([&] { return office.received[1] == "hello"; });
  office.wait(30 * kMillisecond);
  CHECK(office.received[1] == "hello");
  CHECK((office.told[1] & (kHangup | kError)) == 0);
  put(a.far, "again");
  office.waitUntil([&] { return office.received[1] == "helloagain"; });
}

TEST_CASE("mailbox: of many at once each has its own") {
  std::vector<Pair> pairs;
  Office office;
  for (int32_t i = 0; i < 40; ++i) {
    pairs.push_back(makeTcpPair());
    office.watch(pairs.back().near, i);
    put(pairs.back().far, pattern(static_cast<size_t>(i) * 37 + 1, static_cast<size_t>(i)));
  }
  office.waitUntil([&] { return office.received.size() == 40 && office.received[39].size() == 39 * 37 + 1; });
  for (int32_t i = 0; i < 40; ++i) {
    CHECK(office.received[i] == pattern(static_cast<size_t>(i) * 37 + 1, static_cast<size_t>(i)));
  }
}

TEST_CASE("mailbox: more than the inbox holds comes later, whole and in order") {
  std::vector<Pair> pairs;
  Office office;
  constexpr size_t each = 20'000;
  for (int32_t i = 0; i < 30; ++i) {
    pairs.push_back(makeTcpPair());
    put(pairs.back().far, pattern(each, static_cast<size_t>(i)));
    office.watch(pairs.back().near, i);
  }
  // Where a row says that there may be more, or there was no place in the inbox, whoever reads goes on by itself.
  const int64_t end = now() + kLimit;
  size_t missing = 30;
  while (missing > 0 && now() < end) {
    office.wait(20 * kMillisecond);
    missing = 0;
    for (int32_t i = 0; i < 30; ++i) {
      std::string& text = office.received[i];
      if (text.size() < each && (office.told[i] & kRead) != 0) {
        char piece[4096];
        const ssize_t count = recv(pairs[static_cast<size_t>(i)].near.get(), piece, sizeof piece, 0);
        if (count > 0) text.append(piece, static_cast<size_t>(count));
      }
      if (text.size() < each) ++missing;
    }
  }
  for (int32_t i = 0; i < 30; ++i) CHECK(office.received[i] == pattern(each, static_cast<size_t>(i)));
}

TEST_CASE("mailbox: the end comes after the last bytes, and is there to be read") {
  Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  put(a.far, "bye");
  a.far.reset();
  // With the end in sight some mechanisms leave the bytes to the reader.
  office.waitUntil([&] { return (office.told[1] & kRead) != 0; });
  std::string text = office.received[1];
  if (text.empty()) text = take(a.near);
  CHECK(text == "bye");
  CHECK(take(a.near) == "");
}

TEST_CASE("mailbox: a reset is told, as a failed receive or an error to be read") {
  Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  resetConnection(a.far);
  office.waitUntil([&] { return office.told.count(1) == 1; });
  if (office.failure.count(1) == 1) {
    CHECK(office.failure[1] == -ECONNRESET);
  } else {
    char byte;
    CHECK((office.told[1] & kRead) != 0);
    if (isShim()) return;  // libkqueue takes the error for itself
    CHECK(recv(a.near.get(), &byte, 1, 0) < 0);
    CHECK(errno == ECONNRESET);
  }
}

TEST_CASE("mailbox: without kReceive the bytes stay where they are") {
  const Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  put(a.far, "one");
  office.waitUntil([&] { return office.received[1] == "one"; });
  REQUIRE(office->modify(a.near.get(), kRead | kEdge, 1) == 0);
  office.wait(10 * kMillisecond);
  office.told.clear();
  put(a.far, "two");
  // A receive that was under way may still have taken them: in any case they come once, and in order.
  office.waitUntil([&] { return office.told.count(1) == 1; });
  if (office.received[1] == "one") office.received[1] += take(a.near);
  CHECK(office.received[1] == "onetwo");
  put(a.far, "three");
  office.told.clear();
  if (!office->edges()) REQUIRE(office->modify(a.near.get(), kRead | kEdge, 1) == 0);
  office.waitUntil([&] { return (office.told[1] & kRead) != 0; });
  CHECK(take(a.near) == "three");
}

TEST_CASE("mailbox: without kReceive kRead is told to one who waits to write, too") {
  const uint32_t both = kRead | kWrite | kEdge;
  const Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  put(a.far, "one");
  office.waitUntil([&] { return office.received[1] == "one"; });
  REQUIRE(office->modify(a.near.get(), both, 1) == 0);
  office.waitUntil([&] { return (office.told[1] & kWrite) != 0; });
  for (int i = 0; i < 3; ++i) office.wait(10 * kMillisecond);
  office.told.clear();
  put(a.far, "two");
  if (!office->edges()) REQUIRE(office->modify(a.near.get(), both, 1) == 0);
  office.waitUntil([&] { return (office.told[1] & kRead) != 0; });
  CHECK(take(a.near) == "two");
}

TEST_CASE("mailbox: after remove() nothing is told, and close() ends the connection") {
  Pair a = makeTcpPair();
  const Pair other = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  office.watch(other.near, 2);
  office.wait(10 * kMillisecond);
  REQUIRE(office->remove(a.near.get()) == 0);
  put(a.far, "late");
  put(other.far, "x");
  office.waitUntil([&] { return office.received[2] == "x"; });
  CHECK(office.told.count(1) == 0);
  CHECK(take(a.near) == "late");
  a.near.reset();
  Subject subject;
  REQUIRE(subject->add(a.far.get(), kRead, 1) == 0);
  CHECK((subject.waitFor(1) & kRead) != 0);
  CHECK(take(a.far) == "");
}

TEST_CASE("mailbox: a number that was closed and used again receives for its new owner only") {
  Pair a = makeTcpPair();
  const Pair b = makeTcpPair();
  Office office;
  office.watch(a.near, 1);
  office.wait(10 * kMillisecond);
  put(a.far, "old");
  REQUIRE(office->remove(a.near.get()) == 0);
  reuse(a.near, b.near);
  office.watch(a.near, 2);
  put(b.far, "new");
  office.waitUntil([&] { return office.received[2] == "new"; });
  office.wait(10 * kMillisecond);
  CHECK(office.received[1] == "");
  CHECK(office.received[2] == "new");
}

TEST_CASE("mailbox: kReceive needs a mailbox, kRead and kEdge") {
  const Pair a = makeTcpPair();
  Subject subject;
  CHECK(subject->add(a.near.get(), kArrivals, 1) == -EINVAL);
  Office office;
  CHECK(office->add(a.near.get(), kReceive | kEdge, 1) == -EINVAL);
  CHECK(office->add(a.near.get(), kReceive | kRead, 1) == -EINVAL);
  CHECK(office->add(a.near.get(), kArrivals, 1) == 0);
}

TEST_CASE("mailbox: there are no more orders than rows") {
  Subject subject(8);
  std::vector<Order> orders(9);
  int32_t count = 0;
  uint8_t byte = 0;
  Mailbox mailbox{&byte, 1, &byte, 1, orders.data(), &count, 9};
  CHECK(subject->attach(mailbox) == -EINVAL);
}

TEST_CASE("mailbox: orders leave with the wait, or with flush()") {
  std::vector<Pair> pairs;
  Office office;
  for (int32_t i = 0; i < 5; ++i) {
    pairs.push_back(makeTcpPair());
    office.watch(pairs.back().near, i);
    office.order(pairs.back().near, i, "order " + std::to_string(i));
  }
  office.wait(10 * kMillisecond);
  CHECK(!office.ordersLeft());
  for (size_t i = 0; i < 5; ++i) CHECK(take(pairs[i].far) == "order " + std::to_string(i));
  office.order(pairs[3].near, 3, "now");
  office.flush();
  CHECK(!office.ordersLeft());
  CHECK(take(pairs[3].far) == "now");
  CHECK(office.unsent.empty());
}

TEST_CASE("mailbox: an order that does not fit is told, with how much of it went") {
  const Pair a = makeTcpPair();
  const Pair b = makeTcpPair();
  for (const bool byFlush : {false, true}) {
    Office office;
    office.watch(a.near, 7);
    office.watch(b.near, 8);
    fillUp(a.near);
    const std::string big = pattern(20'000);
    office.order(b.near, 8, "fits");
    office.order(a.near, 7, big);
    if (byFlush) {
      office.flush();
    } else {
      office.wait(10 * kMillisecond);
    }
    REQUIRE(office.unsent.size() == 1);
    CHECK(office.unsent.count(1) == 1);
    CHECK(office.unsent[1] >= 0);
    CHECK(office.unsent[1] < 20'000);
    CHECK(office.unsentToken == 7);
    CHECK(take(b.far) == "fits");
    REQUIRE(office->remove(a.near.get()) == 0);
    REQUIRE(office->remove(b.near.get()) == 0);
  }
}

TEST_CASE("mailbox: what a socket that is nearly full does not take is told to the byte, and nothing is lost") {
  for (const bool tcp : {true, false}) {
    CAPTURE(tcp);
    const Pair a = tcp ? makeTcpPair() : makeUnixPair();
    const int small = 32 * 1024;
    REQUIRE(setsockopt(a.near.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    REQUIRE(setsockopt(a.far.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    Office office;
    office.watch(a.near, 7);
    const std::string text = pattern(2'000'000);
    std::string got;
    const auto read = [&](size_t most) {
      std::string piece(most, '\0');
      const ssize_t count = recv(a.far.get(), piece.data(), most, 0);
      REQUIRE((count > 0 || errno == EAGAIN));
      if (count > 0) got.append(piece, 0, static_cast<size_t>(count));
    };
    size_t sent = 0;
    int cuts = 0;
    const int64_t end = now() + kLimit;
    while (sent < text.size() && now() < end) {
      const size_t length = std::min<size_t>(50'000, text.size() - sent);
      office.unsent.clear();
      office.order(a.near, 7, text.substr(sent, length));
      office.wait(0);
      if (office.unsent.empty()) {
        sent += length;
        continue;
      }
      REQUIRE(office.unsent.count(0) == 1);
      REQUIRE(office.unsent[0] >= 0);
      REQUIRE(office.unsent[0] < static_cast<int>(length));
      if (office.unsent[0] > 0) ++cuts;
      sent += static_cast<size_t>(office.unsent[0]);
      read(20'000);  // slowly: less than an order
    }
    CHECK(sent == text.size());
    CHECK(cuts > 0);
    // What is on its way arrives; what was lost would be waited for in vain.
    while (got.size() < sent && now() < end) {
      pollfd far{a.far.get(), POLLIN, 0};
      if (::poll(&far, 1, 2000) != 1) break;
      read(100'000);
    }
    CHECK(got.size() == text.size());
    CHECK((got == text));
  }
}

TEST_CASE("mailbox: an order that fails is told with its error") {
  Pair a = makeUnixPair();
  const Pair b = makeTcpPair();
  Office office;
  office.watch(b.near, 1);
  office.watch(a.near, 2);
  a.far.reset();
  office.order(a.near, 2, "lost");
  office.order(b.near, 1, "found");
  office.wait(10 * kMillisecond);
  CHECK(office.unsent == std::map<int32_t, int>{{0, -EPIPE}});
  CHECK(take(b.far) == "found");
}

TEST_CASE("mailbox: an echo of many, ten thousand messages") {
  std::vector<Pair> pairs;
  Office office;
  for (int32_t i = 0; i < 20; ++i) {
    pairs.push_back(makeTcpPair());
    office.watch(pairs.back().near, i);
  }
  for (size_t round = 0; round < 500; ++round) {
    for (size_t i = 0; i < 20; ++i) put(pairs[i].far, pattern(1 + (round * 7 + i * 13) % 900, round + i));
    office.received.clear();
    for (int32_t i = 0; i < 20; ++i) {
      const auto index = static_cast<size_t>(i);
      const size_t length = 1 + (round * 7 + index * 13) % 900;
      office.waitUntil([&] { return office.received[i].size() == length; });
      REQUIRE(office.received[i] == pattern(length, round + index));
      office.order(pairs[index].near, i, office.received[i]);
    }
    office.flush();
    for (size_t i = 0; i < 20; ++i) REQUIRE(take(pairs[i].far) == pattern(1 + (round * 7 + i * 13) % 900, round + i));
  }
  CHECK(office.unsent.empty());
}

TEST_CASE("accept: of a listener with kAccept, a row is a connection or says that there is one") {
  Office office;
  const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
  REQUIRE(listener.get() >= 0);
  Address address;
  REQUIRE(localAddress(listener.get(), &address) == 0);
  REQUIRE(office->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 5; ++i) {
    bool pending = false;
    clients.emplace_back(connectTcp(address, &pending));
    REQUIRE(clients.back().get() >= 0);
  }
  std::vector<UniqueFd> accepted;
  const int64_t end = now() + kLimit;
  while (accepted.size() < 5 && now() < end) {
    const int count = office->wait(kLimit);
    REQUIRE(count > 0);
    for (int i = 0; i < count; ++i) {
      const Ready& row = office->rows()[i];
      REQUIRE(row.token == 1);
      if ((row.events & kAccept) != 0) {
        REQUIRE(row.result >= 0);
        accepted.emplace_back(row.result);
        continue;
      }
      CHECK((row.events & kRead) != 0);
      for (int fd = acceptSocket(listener.get()); fd >= 0; fd = acceptSocket(listener.get())) accepted.emplace_back(fd);
    }
  }
  CHECK(accepted.size() == 5);
  for (const UniqueFd& fd : accepted) {
    CHECK((fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(office->add(clients[0].get(), kRead | kAccept, 2) == -EINVAL);
}

TEST_CASE("accept: nothing that was accepted and not told stays open, after remove() and when the selector ends") {
  for (const bool removed : {true, false}) {
    const int before = countOpen();
    {
      const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
      Address address;
      REQUIRE(localAddress(listener.get(), &address) == 0);
      std::vector<UniqueFd> clients;
      Subject subject(1);  // so that of several connections all but one wait to be told
      REQUIRE(subject->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
      REQUIRE(subject->wait(0) == 0);
      for (int i = 0; i < 5; ++i) {
        bool pending = false;
        clients.emplace_back(connectTcp(address, &pending));
      }
      REQUIRE(subject->wait(kLimit) == 1);
      const Ready& row = subject->rows()[0];
      const UniqueFd told((row.events & kAccept) != 0 ? row.result : -1);
      if (removed) {
        REQUIRE(subject->remove(listener.get()) == 0);
        REQUIRE(subject->wait(0) == 0);
      }
    }
    if (!isShim()) CHECK(countOpen() == before);  // libkqueue closes what it opened in its own time
  }
}

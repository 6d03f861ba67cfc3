// What a selector sends from the outbox.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>

#include "office.h"
#include "socket.h"

using namespace coreactor;
using namespace coreactor::test;

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
                         {1, a.near.get(), kOutbox + kInbox, 1},
                         {1, a.near.get(), 1, kOutbox + kInbox},
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

// A selector may hold open what sends again and again.
static void sendOften(Office& office, const Pair& pair, int32_t token) {
  for (int i = 0; i < 40; ++i) {
    office.order(pair.near, token, "x");
    office.wait(0);
    REQUIRE(take(pair.far) == "x");
  }
}

TEST_CASE("H34: what has sent often, was removed and closed has ended at once") {
  Office office;
  Pair a = makeTcpPair();
  office.watch(a.near, 1);
  sendOften(office, a, 1);
  CHECK(!hasEnded(a.far));
  REQUIRE(office->remove(a.near.get()) == 0);
  a.near.reset();
  CHECK(hasEnded(a.far));
}

TEST_CASE("H34: what has sent often has ended when it is closed after the selector") {
  Pair a = makeTcpPair();
  {
    Office office;
    office.watch(a.near, 1);
    sendOften(office, a, 1);
  }
  a.near.reset();
  CHECK(hasEnded(a.far));
}

TEST_CASE("H34: an order for what is not watched leaves nothing behind") {
  Office office;
  Pair a = makeTcpPair();
  sendOften(office, a, 1);
  a.near.reset();
  CHECK(hasEnded(a.far));
}

TEST_CASE("H34: an order goes to the file that its number has now, and not to the one that has sent often") {
  for (const bool anew : {true, false}) {
    CAPTURE(anew);
    Office office;
    Pair a = makeTcpPair();
    const Pair b = makeTcpPair();
    office.watch(a.near, 1);
    sendOften(office, a, 1);
    if (anew) REQUIRE(office->remove(a.near.get()) == 0);
    reuse(a.near, b.near);  // closed and opened anew
    if (anew) {
      office.watch(a.near, 2);
    } else {
      REQUIRE(office->modify(a.near.get(), kArrivals, 2) == 0);
    }
    office.order(a.near, 2, "for b");
    office.wait(0);
    CHECK(take(b.far) == "for b");
  }
}

TEST_SUITE_END();

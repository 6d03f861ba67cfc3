// What a selector receives into the inbox.
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "office.h"
#include "socket.h"

using namespace coreactor;
using namespace coreactor::test;

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

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

TEST_CASE("mailbox: who waits to write learns that the peer is gone") {
  Pair a = makeUnixPair();
  fillUp(a.near);
  Office office;
  REQUIRE(office->add(a.near.get(), kArrivals | kWrite, 1) == 0);
  office.wait(10 * kMillisecond);
  CHECK(office.told.count(1) == 0);
  a.far.reset();
  office.waitUntil([&] { return (office.told[1] & kWrite) != 0; });
  CHECK(transmit(a.near.get(), "x", 1) == -EPIPE);
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

TEST_SUITE_END();

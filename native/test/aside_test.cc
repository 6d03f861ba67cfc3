// What io_uring leaves to a private epoll: edge-triggered sockets of which urgent data is to be told.
#include "office.h"
#include "uring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>

using namespace coreactor;
using namespace coreactor::test;

namespace {

constexpr uint32_t kUrgent = kRead | kPriority | kEdge;
constexpr int32_t kPairs = 150;  // more than are taken from it at once

std::vector<Pair> watchPairs(Selector& selector) {
  std::vector<Pair> pairs;
  for (int32_t i = 0; i < kPairs; ++i) {
    pairs.push_back(makeTcpPair());
    REQUIRE(selector.add(pairs.back().near.get(), kUrgent, i) == 0);
  }
  REQUIRE(selector.wait(0) == 0);
  return pairs;
}

}  // namespace

TEST_CASE("H35: of many sockets with urgent data to be told, each is told once, however few rows there are") {
  for (const bool asGuest : {false, true}) {
    CAPTURE(asGuest);
    std::vector<Ready> rows(7);
    const auto selector = openUring(rows);
    if (selector == nullptr) return;
    pollfd bell{asGuest ? selector->fd() : -1, POLLIN, 0};
    const std::vector<Pair> pairs = watchPairs(*selector);
    for (int round = 0; round < 3; ++round) {
      for (const Pair& pair : pairs) put(pair.far, "x");
      std::map<int32_t, int> told;
      for (const int64_t end = now() + kLimit; told.size() < pairs.size() && now() < end;) {
        if (asGuest) REQUIRE(::poll(&bell, 1, static_cast<int>(kLimit / kMillisecond)) == 1);
        const int count = selector->wait(asGuest ? 0 : end - now());
        for (int row = 0; row < count; ++row) {
          CHECK(rows[static_cast<size_t>(row)].events == kRead);
          told[rows[static_cast<size_t>(row)].token]++;
        }
      }
      CHECK(told.size() == pairs.size());
      for (const auto& [token, times] : told) CHECK_MESSAGE(times == 1, token);
      CHECK(selector->wait(0) <= 0);
      if (asGuest) CHECK(::poll(&bell, 1, 0) == 0);
    }
  }
}

TEST_CASE("H34: what was ready and not told yet is not told once it was removed, asked for anew or closed") {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  std::vector<Pair> pairs = watchPairs(*selector);
  for (const Pair& pair : pairs) put(pair.far, "x");
  REQUIRE(selector->wait(kLimit) == 1);
  const int32_t first = rows[0].token;
  for (int32_t i = 0; i < kPairs; ++i) {
    if (i == first) continue;
    Pair& pair = pairs[static_cast<size_t>(i)];
    if (i % 2 == 0) {
      REQUIRE(selector->remove(pair.near.get()) == 0);
      pair.near.reset();
    } else {
      REQUIRE(selector->modify(pair.near.get(), kUrgent, 1000 + i) == 0);
    }
  }
  std::map<int32_t, int> told;
  for (int quiet = 0; quiet < 3;) {
    if (selector->wait(0) == 1) {
      told[rows[0].token]++;
    } else {
      ++quiet;
    }
  }
  for (const auto& [token, times] : told) CHECK_MESSAGE((token > 1000 && times == 1), token);
  CHECK(told.size() == kPairs / 2 - static_cast<size_t>(first % 2));
}

TEST_CASE("H35: sockets with urgent data to be told do not take the rows from others") {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const std::vector<Pair> pairs = watchPairs(*selector);
  const Pair other = makeTcpPair();
  REQUIRE(selector->add(other.near.get(), kRead | kEdge, 1000) == 0);
  put(other.far, "x");
  // Each byte comes before the row of the last one is taken, so there is always more.
  bool found = false;
  for (int i = 0; i < 2000 && !found; ++i) {
    put(pairs[static_cast<size_t>(i) % pairs.size()].far, "x");
    REQUIRE(selector->wait(kLimit) == 1);
    found = rows[0].token == 1000;
  }
  CHECK(found);
}

TEST_CASE(
    "H35: a level is told, though as many sockets with urgent data to be told as there are rows are always ready") {
  for (const bool asGuest : {false, true}) {
    CAPTURE(asGuest);
    std::vector<Ready> rows(8);
    const auto selector = openUring(rows);
    if (selector == nullptr) return;
    if (asGuest) REQUIRE(selector->fd() >= 0);
    std::vector<Pair> busy;
    for (int32_t i = 0; i < 8; ++i) {
      busy.push_back(makeTcpPair());
      REQUIRE(selector->add(busy.back().near.get(), kUrgent, i) == 0);
    }
    const Pair level = makeTcpPair();
    REQUIRE(selector->add(level.near.get(), kRead, 100) == 0);
    put(level.far, "x");
    bool found = false;
    for (int i = 0; i < 100 && !found; ++i) {
      for (const Pair& pair : busy) put(pair.far, "x");
      const int count = selector->wait(kLimit);
      for (int row = 0; row < count; ++row) found = found || rows[static_cast<size_t>(row)].token == 100;
      for (const Pair& pair : busy) take(pair.near, 1);
    }
    CHECK(found);
  }
}

TEST_CASE("one row per token and batch, though more comes for what was left over") {
  std::vector<Ready> rows(2);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const Pair pairs[] = {makeTcpPair(), makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 3; ++i) REQUIRE(selector->add(pairs[i].near.get(), kUrgent, i) == 0);
  REQUIRE(selector->wait(0) == 0);
  for (const Pair& pair : pairs) put(pair.far, "x");
  REQUIRE(selector->wait(kLimit) == 2);
  const int32_t left = 3 - rows[0].token - rows[1].token;
  put(pairs[left].far, "y");
  REQUIRE(selector->wait(kLimit) == 1);
  CHECK(rows[0].token == left);
}

TEST_CASE("H34: a wait that was ended for one who is no more does not look like one whose time is up") {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const Pair pairs[] = {makeTcpPair(), makeTcpPair()};
  REQUIRE(selector->add(pairs[0].near.get(), kUrgent, 0) == 0);
  REQUIRE(selector->add(pairs[1].near.get(), kRead | kEdge, 1) == 0);
  REQUIRE(selector->wait(0) == 0);
  for (const Pair& pair : pairs) put(pair.far, "x");
  REQUIRE(selector->wait(kLimit) == 1);
  REQUIRE(selector->remove(pairs[1 - rows[0].token].near.get()) == 0);
  CHECK(selector->wait(kLimit) == -EINTR);
  CHECK(selector->wait(0) == 0);
}

TEST_CASE(
    "H17: without a descriptor for the private epoll, the ring polls by itself, and nothing is received in bulk") {
  MailboxMemory memory(kInbox, 0, 8);
  std::vector<Ready> rows(8);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  REQUIRE(selector->attach(memory.mailbox()) == 0);
  const Pair a = makeTcpPair();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  for (const size_t spare : {0, 1, 2}) {  // an epoll and its wake channel
    CAPTURE(spare);
    std::vector<UniqueFd> all;
    rlimit few = before;
    few.rlim_cur = 200;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (UniqueFd one(::dup(0)); one; one.reset(::dup(0))) all.push_back(std::move(one));
    all.resize(all.size() - spare);
    const int added = selector->add(a.near.get(), kBulkArrivals, 1);
    all.clear();
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(added == 0);
    for (int round = 0; round < 2; ++round) {
      put(a.far, "x");
      while (selector->wait(kLimit) == -EINTR) continue;
      if (spare == 2) {
        CHECK(memory.received(rows[0]) == "x");
      } else {
        CHECK(rows[0].events == kRead);
        CHECK(take(a.near) == "x");
      }
    }
    REQUIRE(selector->remove(a.near.get()) == 0);
  }
}

#endif

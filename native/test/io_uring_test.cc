// What is io_uring's own, beyond the conformance suite.
#include "uring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <linux/capability.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <thread>

#include "address.h"
#include "refusal.h"
#include "socket.h"

using namespace coreactor;
using namespace coreactor::test;

TEST_CASE("H36: who refuses a part of it refuses all of it, with an error and without a trace") {
  std::vector<Ready> rows(8);
  if (openUring(rows) == nullptr) return;
  const Refusal parts[] = {{SYS_io_uring_setup, ENOSYS},
                           {SYS_io_uring_register, EPERM},
                           {SYS_io_uring_enter, EPERM},
                           {SYS_mmap, ENOMEM, 3, MAP_POPULATE}};  // the queues
  for (const Refusal& part : parts) {
    CAPTURE(part.systemCall);
    where(part, [&] {
      const int unused = ::dup(0);
      ::close(unused);
      int error = 0;
      CHECK(makeSelector("io_uring", rows.data(), 8, &error) == nullptr);
      CHECK(error == -part.error);
      const UniqueFd next(::dup(0));
      CHECK(next.get() == unused);
    });
  }
}

// A user who may lock no more than so much. Privileges are a thread's, and root's would be above any limit.
static void whereLocked(rlim_t bytes, const std::function<void()>& body) {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_MEMLOCK, &before) == 0);
  rlimit little = before;
  little.rlim_cur = std::min(bytes, before.rlim_max);
  REQUIRE(setrlimit(RLIMIT_MEMLOCK, &little) == 0);
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    if (syscall(SYS_capset, &header, none) == 0) {
      body();
    } else {
      MESSAGE("skipped: this machine does not let us drop privileges");
    }
  }).join();
  REQUIRE(setrlimit(RLIMIT_MEMLOCK, &before) == 0);
}

TEST_CASE("H36: rings opened one after the other do not exhaust what the user may lock") {
  std::vector<Ready> rows(8);
  if (openUring(rows) == nullptr) return;
  constexpr rlim_t kThree = 700 * 1024;  // some three rings
  whereLocked(kThree, [&] {
    int opened = 0;
    int error = 0;
    while (opened < 20 && makeSelector("io_uring", rows.data(), 8, &error) != nullptr) ++opened;
    CHECK(opened == 20);
    CHECK(error == 0);
  });
}

TEST_CASE("H35: a ring belongs to its thread") {
  std::vector<Ready> rows(8);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  CHECK(selector->wait(0) == 0);
  int error = 0;
  std::thread([&] { error = selector->wait(0); }).join();
  CHECK(error == -EEXIST);
  CHECK(selector->wait(0) == 0);
}

TEST_CASE("H35: the selector's fd stays readable while there is something left to tell") {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  pollfd bell{selector->fd(), POLLIN, 0};
  REQUIRE(bell.fd >= 0);
  const Pair pairs[] = {makeTcpPair(), makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 3; ++i) REQUIRE(selector->add(pairs[i].near.get(), kRead | kEdge, i) == 0);
  REQUIRE(selector->wait(0) == 0);
  CHECK(::poll(&bell, 1, 0) == 0);
  for (const Pair& pair : pairs) put(pair.far, "a");
  for (int told = 0; told < 3; ++told) {
    CHECK(::poll(&bell, 1, 1000) == 1);
    CHECK(selector->wait(0) == 1);
  }
  CHECK(selector->wait(0) == 0);
  CHECK(::poll(&bell, 1, 0) == 0);
}

static UniqueFd listenAnywhere() { return UniqueFd(listenTcp({"127.0.0.1", 0}, 16, false, false)); }

static UniqueFd connectTo(const UniqueFd& listener) {
  Address address;
  REQUIRE(localAddress(listener.get(), &address) == 0);
  bool pending = false;
  return UniqueFd(connectTcp(address, &pending));
}

static void acceptInACrowd(bool asGuest) {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const UniqueFd listener = listenAnywhere();
  REQUIRE(selector->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  Crowd crowd(*selector);
  pollfd bell{asGuest ? selector->fd() : -1, POLLIN, 0};
  std::vector<UniqueFd> clients;
  std::vector<UniqueFd> accepted;
  for (size_t i = 1; i <= 3; ++i) {
    clients.push_back(connectTo(listener));
    // The first one meets a ring that is full.
    if (i == 1) {
      for (int k = 0; k < 100; ++k) REQUIRE(selector->wait(0) == 1);
      crowd.leave();
    }
    for (const int64_t end = now() + kLimit; accepted.size() < i && now() < end;) {
      if (asGuest) REQUIRE(::poll(&bell, 1, static_cast<int>(kLimit / kMillisecond)) == 1);
      if (selector->wait(asGuest ? 0 : end - now()) != 1) continue;
      REQUIRE(rows[0].token == 1);
      REQUIRE(rows[0].events == kAccept);
      REQUIRE(rows[0].result >= 0);
      accepted.emplace_back(rows[0].result);
    }
    REQUIRE(accepted.size() == i);
  }
}

TEST_CASE("H33: an accept that has ended for want of room goes on") { acceptInACrowd(false); }

TEST_CASE("H35: the bell rings for what had no room in the ring") { acceptInACrowd(true); }

TEST_CASE("H35: the bell rings for all of several hundred, which the kernel completes a few at a time") {
  for (const size_t capacity : {size_t{4}, size_t{512}}) {
    std::vector<Ready> rows(capacity);
    const auto selector = openUring(rows);
    if (selector == nullptr) return;
    pollfd bell{selector->fd(), POLLIN, 0};
    REQUIRE(bell.fd >= 0);
    constexpr int32_t kCount = 300;
    std::vector<Pair> pairs;
    for (int32_t i = 0; i < kCount; ++i) {
      pairs.push_back(makeUnixPair());
      REQUIRE(selector->add(pairs.back().near.get(), kRead | kEdge, i) == 0);
    }
    REQUIRE(selector->wait(0) == 0);
    CHECK(::poll(&bell, 1, 0) == 0);
    for (const Pair& pair : pairs) put(pair.far, "a");
    std::vector<bool> told(kCount);
    for (int left = kCount; left > 0;) {
      REQUIRE(::poll(&bell, 1, static_cast<int>(kLimit / kMillisecond)) == 1);
      const int count = selector->wait(0);
      REQUIRE(count >= 0);
      for (int i = 0; i < count; ++i) {
        const auto token = static_cast<size_t>(rows[static_cast<size_t>(i)].token);
        CHECK(!told[token]);
        told[token] = true;
      }
      left -= count;
    }
    CHECK(selector->wait(0) == 0);
    CHECK(::poll(&bell, 1, 0) == 0);
  }
}

TEST_CASE("requests that the kernel does not take stay in their places, and who makes one too many is told") {
  std::vector<Ready> rows(8);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const Pair a = makePipe();
  const Pair b = makePipe();
  REQUIRE(selector->add(a.near.get(), kRead | kEdge, 1) == 0);
  REQUIRE(selector->add(b.near.get(), kRead | kEdge, 2) == 0);
  int error = 0;
  // From here the kernel takes none.
  std::thread([&] {
    for (int i = 0; i < 10'000 && error == 0; ++i) error = selector->modify(b.near.get(), kRead | kEdge, 2);
  }).join();
  CHECK(error == -EEXIST);
  put(a.far, "a");
  put(b.far, "b");
  std::vector<int> told(3);
  for (int i = 0; i < 10; ++i) {
    const int count = selector->wait(0);
    REQUIRE((count >= 0 || count == -EINTR));
    for (int row = 0; row < count; ++row) ++told[static_cast<size_t>(rows[static_cast<size_t>(row)].token)];
  }
  CHECK(told == std::vector<int>{0, 1, 1});
  // And everything goes on.
  CHECK(selector->modify(b.near.get(), kRead | kEdge, 2) == 0);
  CHECK(selector->wait(kLimit) == 1);
  CHECK(rows[0].token == 2);
}

// Work for the kernel, more than it does in one call: so many of its requests wait to be completed.
static std::vector<Pair> makeBusy(Selector& selector) {
  std::vector<Pair> pairs;
  for (int32_t i = 0; i < 200; ++i) {
    pairs.push_back(makeUnixPair());
    REQUIRE(selector.add(pairs.back().near.get(), kRead | kEdge, 1000 + i) == 0);
  }
  REQUIRE(selector.wait(0) == 0);
  for (const Pair& pair : pairs) put(pair.far, "x");
  return pairs;
}

TEST_CASE("H34: what was removed and closed has ended at once, however much the kernel has put off") {
  for (const bool asked : {true, false}) {
    CAPTURE(asked);
    std::vector<Ready> rows(8);
    const auto selector = openUring(rows);
    if (selector == nullptr) return;
    Pair a = makeTcpPair();
    REQUIRE(selector->add(a.near.get(), kRead | kEdge, 1) == 0);
    const std::vector<Pair> busy = makeBusy(*selector);
    if (!asked) {
      REQUIRE(selector->modify(a.near.get(), 0, 1) == 0);
      REQUIRE(selector->wait(0) > 0);  // hands over the end of the request, which waits its turn behind the others
    }
    REQUIRE(selector->remove(a.near.get()) == 0);
    a.near.reset();
    CHECK(hasEnded(a.far));
  }
}

TEST_CASE("H34: what was asked for anew, removed and closed has ended at once, though the kernel has not heard yet") {
  std::vector<Ready> rows(8);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  Pair a = makeTcpPair();
  REQUIRE(selector->add(a.near.get(), kRead | kEdge, 1) == 0);
  REQUIRE(selector->wait(0) == 0);
  REQUIRE(selector->modify(a.near.get(), kRead | kEdge, 2) == 0);
  REQUIRE(selector->remove(a.near.get()) == 0);
  a.near.reset();
  CHECK(hasEnded(a.far));
}

TEST_CASE("H34: a selector that ends lets go of everything before it returns") {
  std::vector<Ready> rows(8);
  std::vector<Pair> pairs;
  {
    const auto selector = openUring(rows);
    if (selector == nullptr) return;
    for (int32_t i = 0; i < 200; ++i) {
      pairs.push_back(makeTcpPair());
      REQUIRE(selector->add(pairs.back().near.get(), kRead | kEdge, i) == 0);
    }
    REQUIRE(selector->wait(0) == 0);
  }
  for (Pair& pair : pairs) pair.near.reset();
  CHECK(std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return hasEnded(pair.far); }));
}

TEST_CASE("accept: what had no room in the ring is closed when the selector ends") {
  std::vector<Ready> rows(1);
  auto selector = openUring(rows);
  if (selector == nullptr) return;
  const UniqueFd listener = listenAnywhere();
  REQUIRE(selector->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  const Crowd crowd(*selector);
  const UniqueFd client = connectTo(listener);
  for (int i = 0; i < 100; ++i) REQUIRE(selector->wait(0) == 1);
  CHECK(!hasEnded(client));
  selector.reset();
  CHECK(hasEnded(client));
}

TEST_CASE("H34: what was accepted for a number and not told yet is closed, and not told to its next owner") {
  std::vector<Ready> rows(1);  // so that of two one waits to be told
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const UniqueFd listener = listenAnywhere();
  REQUIRE(selector->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  REQUIRE(selector->wait(0) == 0);
  const UniqueFd clients[] = {connectTo(listener), connectTo(listener)};
  REQUIRE(selector->wait(kLimit) == 1);
  const UniqueFd accepted(rows[0].result);
  REQUIRE(selector->remove(listener.get()) == 0);
  reuse(listener, listenAnywhere());
  REQUIRE(selector->add(listener.get(), kRead | kEdge | kAccept, 2) == 0);
  CHECK(selector->wait(10 * kMillisecond) <= 0);  // -EINTR: what came was for nobody
  CHECK(!hasEnded(clients[0]));
  CHECK(hasEnded(clients[1]));
  const UniqueFd next = connectTo(listener);
  REQUIRE(selector->wait(kLimit) == 1);
  CHECK(rows[0].token == 2);
  CHECK(UniqueFd(rows[0].result));
}

TEST_CASE("H34: a level that is asked for anew while it waits to be told is asked for once, and over with remove()") {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  Pair pairs[] = {makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 2; ++i) {
    put(pairs[i].far, "x");
    REQUIRE(selector->add(pairs[i].near.get(), kRead, i) == 0);
  }
  REQUIRE(selector->wait(kLimit) == 1);
  Pair& untold = pairs[1 - rows[0].token];
  CHECK(take(untold.near) == "x");
  REQUIRE(selector->modify(untold.near.get(), kRead, 2) == 0);
  CHECK(selector->wait(0) <= 1);
  REQUIRE(selector->remove(untold.near.get()) == 0);
  untold.near.reset();
  CHECK(hasEnded(untold.far));
}

#endif

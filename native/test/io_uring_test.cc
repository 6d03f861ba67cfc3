// What is io_uring's own, beyond the conformance suite.
#include "ring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "address.h"
#include "office.h"
#include "refusal.h"
#include "socket.h"
#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

namespace {

// Null where the system has no io_uring for us.
std::unique_ptr<Selector> openUring(std::vector<Ready>& rows) {
  int error = 0;
  auto selector = makeSelector("io_uring", rows.data(), static_cast<int>(rows.size()), &error);
  if (selector == nullptr) MESSAGE("left out: io_uring cannot be opened here: ", error);
  return selector;
}

// The same with a mailbox, whose memory is as old, and an order for each row.
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

}  // namespace

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

TEST_CASE("H34: a descriptor closed behind our back, with a receive under way, steals nothing from its successor") {
  UringOffice office(64);
  if (!office) return;

  Pair a = makeTcpPair();
  const Pair b = makeTcpPair();
  const int number = a.near.get();
  REQUIRE(office->add(number, kArrivals, 1) == 0);
  REQUIRE(office->wait(0) >= 0);
  reuse(a.near, b.near);  // closed and opened anew, without a word to the selector
  CHECK(office->remove(number) == 0);
  // The first connection is over now, not some time later: nobody holds its file any more.
  char byte;
  CHECK(recv(a.far.get(), &byte, 1, 0) == 0);
  put(b.far, "for b alone");
  for (int i = 0; i < 3; ++i) CHECK(office->wait(10 * kMillisecond) <= 0);  // -EINTR: what came was for nobody
  CHECK(take(b.near) == "for b alone");
}

TEST_CASE("H34: what was received for a number and not told yet is not told to its next owner") {
  UringOffice office(1);  // so that of two one waits to be told
  if (!office) return;
  Pair pairs[] = {makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 2; ++i) REQUIRE(office->add(pairs[i].near.get(), kArrivals, i) == 0);
  REQUIRE(office->wait(0) == 0);
  for (const Pair& pair : pairs) put(pair.far, "old");
  REQUIRE(office->wait(kLimit) == 1);
  Pair& untold = pairs[1 - office.rows[0].token];
  REQUIRE(office->remove(untold.near.get()) == 0);
  const Pair next = makeTcpPair();
  reuse(untold.near, next.near);
  REQUIRE(office->add(untold.near.get(), kArrivals, 2) == 0);
  CHECK(office->wait(10 * kMillisecond) <= 0);  // -EINTR: what came was for nobody
  put(next.far, "brand new");
  REQUIRE(office->wait(kLimit) == 1);
  CHECK(office.rows[0].token == 2);
  CHECK(office.rows[0].result == 9);
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

TEST_CASE("H33: a receive that has ended for want of buffers goes on when they are back") {
  UringOffice office(256, 16 * 1024);  // 16 buffers of 1 KiB
  if (!office) return;
  const Pair a = makeTcpPair();
  REQUIRE(office->add(a.near.get(), kArrivals, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  std::string sent;
  for (int i = 0; sent.size() < 100'000; ++i) sent.append(std::to_string(i));
  put(a.far, sent);
  std::string received;
  const int64_t end = now() + kLimit;
  int batches = 0;
  for (; received.size() < sent.size() && now() < end; ++batches) {
    const int found = office->wait(kLimit);
    REQUIRE(found >= 0);
    for (size_t i = 0; i < static_cast<size_t>(found); ++i) received += office.memory.received(office.rows[i]);
  }
  CHECK(received == sent);
  CHECK(batches > 100'000 / (16 * 1024));  // more than one inbox cannot come at once
}

static void acceptInACrowd(bool asGuest) {
  std::vector<Ready> rows(1);
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
  Address address;
  REQUIRE(localAddress(listener.get(), &address) == 0);
  REQUIRE(selector->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  Crowd crowd(*selector);
  pollfd bell{asGuest ? selector->fd() : -1, POLLIN, 0};
  std::vector<UniqueFd> clients;
  std::vector<UniqueFd> accepted;
  for (size_t i = 1; i <= 3; ++i) {
    bool pending = false;
    clients.emplace_back(connectTcp(address, &pending));
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

TEST_CASE("more requests at once than the ring has places") {
  constexpr int32_t kCount = 3000;
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, kCount + 100);
  if (limit.rlim_cur > limit.rlim_max || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    MESSAGE("skipped: not enough descriptors on this machine");
    return;
  }
  std::string bytes(kCount, ' ');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>('a' + i % 23);
  UringOffice office(kCount, kInbox, bytes.size());
  if (!office) return;
  std::copy(bytes.begin(), bytes.end(), office.memory.outbox.begin());
  const Pair a = makeTcpPair();
  for (int32_t i = 0; i < kCount; ++i) office.memory.append({7, a.near.get(), i, 1});
  CHECK(office->wait(0) == 0);
  std::string got;
  for (pollfd far{a.far.get(), POLLIN, 0}; got.size() < bytes.size() && ::poll(&far, 1, 2000) == 1;) got += take(a.far);
  CHECK((got == bytes));

  // Levels: each that was told is asked for anew.
  const Pair b = makePipe();
  put(b.far, "x");
  std::vector<UniqueFd> fds;
  for (int32_t i = 0; i < kCount; ++i) {
    fds.push_back(duplicate(b.near));
    REQUIRE(office->add(fds.back().get(), kRead, i) == 0);
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<bool> told(kCount);
    for (int wait = 0; wait < 10; ++wait) {
      const int found = office->wait(0);
      REQUIRE(found >= 0);
      for (int i = 0; i < found; ++i) told[static_cast<size_t>(office.rows[static_cast<size_t>(i)].token)] = true;
    }
    CHECK(std::count(told.begin(), told.end(), true) == kCount);
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

TEST_CASE("H30: an order that the kernel does not take is told, and not sent when its bytes are another's") {
  UringOffice office(8, kInbox, 16);
  if (!office) return;
  const Pair a = makeUnixPair();
  office.memory.append({7, a.near.get(), 0, 16});
  int found = 0;
  std::thread([&] { found = office->wait(0); }).join();  // from here the kernel takes none
  REQUIRE(found == 1);
  CHECK(office.rows[0].token == 7);
  CHECK(office.rows[0].events == kSent);
  CHECK(office.rows[0].result == 0);
  std::fill(office.memory.outbox.begin(), office.memory.outbox.end(), 'b');
  CHECK(office->wait(0) <= 0);
  office.memory.append({7, a.near.get(), 0, 4});
  CHECK(office->wait(0) <= 0);
  CHECK(take(a.far) == "bbbb");
}

TEST_CASE("H30: what was not sent is told at once, however much waits to be told before it") {
  UringOffice office(1, kInbox, 16);
  if (!office) return;
  const Pair full = makeUnixPair();
  fillUp(full.near);
  const Crowd crowd(*office);
  for (int i = 0; i < 3; ++i) {
    office.memory.append({7, full.near.get(), 0, 16});
    REQUIRE(office->wait(0) == 1);
    CHECK(office.rows[0].token == 7);
    CHECK(office.rows[0].events == kSent);
    CHECK(office.rows[0].result == 0);
  }
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

// Whether the peer of a socket that is closed has learnt of it.
static bool hasEnded(const UniqueFd& peer) {
  char byte;
  return recv(peer.get(), &byte, 1, 0) == 0;
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
  const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
  Address address;
  REQUIRE(localAddress(listener.get(), &address) == 0);
  REQUIRE(selector->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  const Crowd crowd(*selector);
  bool pending = false;
  const UniqueFd client(connectTcp(address, &pending));
  for (int i = 0; i < 100; ++i) REQUIRE(selector->wait(0) == 1);
  CHECK(!hasEnded(client));
  selector.reset();
  CHECK(hasEnded(client));
}

TEST_CASE("mailbox: a hangup does not overtake the bytes before it") {
  UringOffice office(1, 16 * 1024);  // so that pieces wait to be told
  if (!office) return;
  Pair a = makeUnixPair();
  std::string sent;
  for (int i = 0; sent.size() < 100'000; ++i) sent.append(std::to_string(i));
  REQUIRE(office->add(a.near.get(), kArrivals | kWrite, 1) == 0);
  put(a.far, sent);
  a.far.reset();
  std::string got;
  bool readable = false;
  bool ended = false;
  for (const int64_t end = now() + kLimit; !ended && now() < end;) {
    const int found = office->wait(readable ? 0 : kLimit);
    const auto events = found == 1 ? static_cast<uint32_t>(office.rows[0].events) : 0;
    if ((events & kReceive) != 0) {
      got += office.memory.received(office.rows[0]);
    } else if ((events & (kRead | kError | kHangup)) != 0) {
      readable = true;
    }
    // Who was told that it is readable reads by himself, when he has what was received for him.
    if (!readable) continue;
    const std::string piece = take(a.near, 1000);
    got += piece;
    ended = piece.empty();
  }
  CHECK(got.size() == sent.size());
  CHECK((got == sent));
}

TEST_CASE("mailbox: a reset is told by a receive that was to stop, and does not look like the end") {
  UringOffice office(1);  // so that the reset waits to be told
  if (!office) return;
  Pair a = makeTcpPair();
  REQUIRE(office->add(a.near.get(), kArrivals, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  put(a.far, "last words");
  resetConnection(a.far);
  REQUIRE(office->wait(kLimit) == 1);
  CHECK(office.memory.received(office.rows[0]) == "last words");
  REQUIRE(office->modify(a.near.get(), kRead | kEdge, 1) == 0);
  int found = office->wait(kLimit);
  while (found == -EINTR) found = office->wait(kLimit);
  REQUIRE(found == 1);
  CHECK(office.rows[0].events == kReceive);
  CHECK(office.rows[0].result == -ECONNRESET);
}

#endif

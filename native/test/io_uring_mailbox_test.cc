// Bytes that cross with the wait, where io_uring receives and sends them itself.
#include "uring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "refusal.h"

using namespace coreactor;
using namespace coreactor::test;

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
  CHECK(hasEnded(a.far));
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
  CHECK(office.memory.received(office.rows[0]) == "brand new");
}

TEST_CASE("H34: what was received for nobody any more has its place before what others receive") {
  UringOffice office(1);  // so that of two one waits to be told
  if (!office) return;
  const Pair pairs[] = {makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 2; ++i) REQUIRE(office->add(pairs[i].near.get(), kArrivals, i) == 0);
  REQUIRE(office->wait(0) == 0);
  for (const Pair& pair : pairs) put(pair.far, "old");
  REQUIRE(office->wait(kLimit) == 1);
  const int told = office.rows[0].token;
  REQUIRE(office->remove(pairs[1 - told].near.get()) == 0);
  put(pairs[told].far, "more");
  int found = office->wait(kLimit);
  while (found == -EINTR) found = office->wait(kLimit);  // what came was for nobody
  REQUIRE(found == 1);
  CHECK(office.rows[0].token == told);
  CHECK(office.memory.received(office.rows[0]) == "more");
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

TEST_CASE("H30: an order that the ring does not take is sent without it, and not again when its bytes are another's") {
  UringOffice office(8, kInbox, 16);
  if (!office) return;
  const Pair a = makeUnixPair();
  std::fill(office.memory.outbox.begin(), office.memory.outbox.end(), 'a');
  office.memory.append({7, a.near.get(), 0, 4});
  office.memory.append({7, a.near.get(), 4, 2});
  int found = 0;
  std::thread([&] { found = office->wait(0); }).join();  // from here the kernel takes none
  CHECK(found <= 0);
  CHECK(take(a.far) == "aaaaaa");
  std::fill(office.memory.outbox.begin(), office.memory.outbox.end(), 'b');
  CHECK(office->wait(0) <= 0);
  office.memory.append({7, a.near.get(), 0, 4});
  CHECK(office->wait(0) <= 0);
  CHECK(take(a.far) == "bbbb");
}

TEST_CASE("H30: what neither the ring nor the socket takes is told") {
  UringOffice office(8, kInbox, 16);
  if (!office) return;
  const Pair full = makeUnixPair();
  fillUp(full.near);
  office.memory.append({7, full.near.get(), 0, 16});
  int found = 0;
  std::thread([&] { found = office->wait(0); }).join();
  REQUIRE(found == 1);
  CHECK(office.rows[0].token == 7);
  CHECK(office.rows[0].events == kSent);
  CHECK(office.rows[0].result == 0);
}

TEST_CASE("H30, H36: a kernel that is short of memory for a moment loses no order, and is asked again") {
  constexpr unsigned kWaits = 2;  // the argument that is not 0 in a call that waits
  for (const int error : {EAGAIN, EBUSY}) {
    where({SYS_io_uring_enter, error, kWaits, 1}, [] {
      UringOffice office(8, kInbox, 16);
      if (!office) return;
      const Pair a = makeUnixPair();
      office.memory.append({7, a.near.get(), 0, 4});
      CHECK(office->wait(kLimit) == -EINTR);
      CHECK(take(a.far).size() == 4);
      REQUIRE(office->add(a.near.get(), kRead | kEdge, 7) == 0);
      put(a.far, "x");
      CHECK(office->wait(0) == 1);
    });
  }
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

TEST_CASE("H30: what was not sent is told once, though others wait to be told before it") {
  UringOffice office(1, kInbox, 16);
  if (!office) return;
  const Pair full = makeUnixPair();
  fillUp(full.near);
  const Pair busy = makePipe();
  std::vector<UniqueFd> fds;
  for (int32_t i = 0; i < 10; ++i) {
    fds.push_back(duplicate(busy.near));
    REQUIRE(office->add(fds.back().get(), kRead | kEdge, 1000 + i) == 0);
  }
  put(busy.far, "x");
  REQUIRE(office->wait(kLimit) == 1);
  office.memory.append({7, full.near.get(), 0, 16});
  REQUIRE(office->wait(0) == 1);
  CHECK(office.rows[0].events == kSent);
  for (int i = 1; i < 10; ++i) {
    REQUIRE(office->wait(0) == 1);
    CHECK(office.rows[0].events == kRead);
  }
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

// A socket of the office's that has been sent something, which nobody has received yet.
static Pair makeLastWords(UringOffice& office) {
  Pair a = makeTcpPair();
  REQUIRE(office->add(a.near.get(), kArrivals, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  put(a.far, "last words");
  return a;
}

// Stops to receive while bytes and what comes after them have been received, and the latter waits to be told.
static void stopAfter(UringOffice& office, const Pair& a) {
  REQUIRE(office->wait(kLimit) == 1);
  CHECK(office.memory.received(office.rows[0]) == "last words");
  REQUIRE(office->modify(a.near.get(), kRead | kEdge, 1) == 0);
}

static uint32_t nextOf(UringOffice& office) {
  int found = office->wait(kLimit);
  while (found == -EINTR) found = office->wait(kLimit);  // what came was for nobody
  REQUIRE(found == 1);
  return static_cast<uint32_t>(office.rows[0].events);
}

TEST_CASE("mailbox: a reset is told by a receive that was to stop, and does not look like the end") {
  UringOffice office(1);  // so that the reset waits to be told
  if (!office) return;
  Pair a = makeLastWords(office);
  resetConnection(a.far);
  stopAfter(office, a);
  CHECK(nextOf(office) == kReceive);
  CHECK(office.rows[0].result == -ECONNRESET);
}

TEST_CASE("mailbox: the end that met a receive which was to stop is there to be read") {
  UringOffice office(1);  // so that the end waits to be told
  if (!office) return;
  Pair a = makeLastWords(office);
  a.far.reset();
  stopAfter(office, a);
  const uint32_t events = nextOf(office);
  CHECK((events & kRead) != 0);
  CHECK((events & kReceive) == 0);
  CHECK(take(a.near).empty());
}

TEST_CASE("mailbox: who stops to receive and wants it again at once goes on, and is told of no error") {
  UringOffice office(8);
  if (!office) return;
  const Pair a = makeTcpPair();
  REQUIRE(office->add(a.near.get(), kArrivals, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  REQUIRE(office->modify(a.near.get(), kRead | kEdge, 1) == 0);
  REQUIRE(office->modify(a.near.get(), kArrivals, 1) == 0);
  CHECK(office->wait(0) <= 0);
  put(a.far, "more");
  CHECK(nextOf(office) == kReceive);
  CHECK(office.memory.received(office.rows[0]) == "more");
}

TEST_CASE("mailbox: one that is refused is none, and can be attached later") {
  std::vector<Ready> rows(8);
  MailboxMemory memory(kInbox, 0, rows.size());
  const auto selector = openUring(rows);
  if (selector == nullptr) return;
  int error = 0;
  std::thread([&] { error = selector->attach(memory.mailbox()); }).join();  // the ring is another's
  CHECK(error == -EEXIST);
  const Pair a = makeTcpPair();
  CHECK(selector->add(a.near.get(), kArrivals, 1) == -EINVAL);
  REQUIRE(selector->attach(memory.mailbox()) == 0);
  REQUIRE(selector->add(a.near.get(), kArrivals, 1) == 0);
  put(a.far, "x");
  REQUIRE(selector->wait(kLimit) == 1);
  CHECK(memory.received(rows[0]) == "x");
}

TEST_CASE("mailbox: the end is told once, and nobody is woken for it again") {
  UringOffice office(8);
  if (!office) return;
  Pair a = makeTcpPair();
  REQUIRE(office->add(a.near.get(), kArrivals, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  a.far.reset();
  CHECK(nextOf(office) == (kRead | kReadHangup));
  for (int i = 0; i < 3; ++i) CHECK(office->wait(kMillisecond) == 0);  // a wait that was cut short gives -EINTR
}

TEST_CASE("mailbox: a reset does not overtake the bytes before it") {
  UringOffice office(1, 16 * 1024);  // so that pieces wait to be told
  if (!office) return;
  Pair a = makeTcpPair();
  const std::string sent = pattern(40'000);
  REQUIRE(office->add(a.near.get(), kArrivals | kWrite, 1) == 0);
  put(a.far, sent);
  resetConnection(a.far);
  std::string got;
  for (;;) {
    const uint32_t events = nextOf(office);
    if (events == kWrite) continue;
    REQUIRE(events == kReceive);
    if (office.rows[0].result < 0) break;
    got += office.memory.received(office.rows[0]);
  }
  CHECK(office.rows[0].result == -ECONNRESET);
  CHECK((got == sent));
}

TEST_CASE("mailbox: the end stands behind the bytes before it, though there was room to write before these") {
  UringOffice office(8);
  if (!office) return;
  Pair a = makeUnixPair();
  fillUp(a.near);
  REQUIRE(office->add(a.near.get(), kArrivals | kWrite, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  for (char piece[65536]; recv(a.far.get(), piece, sizeof piece, 0) > 0;) continue;
  put(a.far, "last words");
  a.far.reset();
  const int found = office->wait(kLimit);
  REQUIRE(found > 1);
  int bytes = -1;
  int end = -1;
  for (int i = 0; i < found; ++i) {
    const auto events = static_cast<uint32_t>(office.rows[static_cast<size_t>(i)].events);
    if ((events & kReceive) != 0) bytes = i;
    if ((events & kReadHangup) != 0) end = i;
  }
  CHECK(bytes >= 0);
  CHECK(end > bytes);
}

#endif

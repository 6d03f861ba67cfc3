// Which events a row tells when streams end, break, or carry urgent data. Error and hangup bits are hints, so only
// read and write are demanded of all; what epoll and poll know of the hints is demanded of those two.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

#ifdef __linux__
static bool knowsHints(Subject& subject) { return subject.is("epoll") || subject.is("poll"); }
#else
static bool knowsHints(Subject&) { return false; }
#endif

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H10: the peer's FIN is readable, again and again until it is read and removed") {
  Subject subject;
  Pair tcp = makeTcpPair();
  REQUIRE(subject->add(tcp.near.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  REQUIRE(shutdown(tcp.far.get(), SHUT_WR) == 0);
  for (int i = 0; i < 2; ++i) {
    const uint32_t events = subject.waitFor(1);
    CHECK((events & kRead) != 0);
    CHECK((events & (kWrite | kError | kHangup)) == 0);
    if (knowsHints(subject) || subject.is("kqueue")) CHECK((events & kReadHangup) != 0);
    CHECK(take(tcp.near) == "");
  }
  // The other half goes on.
  REQUIRE(subject->modify(tcp.near.get(), kWrite, 1) == 0);
  CHECK((subject.waitFor(1) & ~uint32_t{kReadHangup}) == kWrite);
}

TEST_CASE("H10: with interest 0, or none in a direction, the end of both halves is not heard of") {
  Subject subject;
  for (const uint32_t quiet : {uint32_t{0}, uint32_t{kEdge}}) {
    Pair tcp = makeTcpPair();
    REQUIRE(subject->add(tcp.near.get(), quiet, 1) == 0);
    tcp.far.reset();
    REQUIRE(shutdown(tcp.near.get(), SHUT_RDWR) == 0);
    CHECK(subject.silent());
    REQUIRE(subject->modify(tcp.near.get(), kRead, 1) == 0);
    const uint32_t events = subject.waitFor(1);
    CHECK((events & kRead) != 0);
    CHECK((events & kWrite) == 0);
    if (knowsHints(subject)) CHECK((events & kHangup) != 0);
    REQUIRE(subject->modify(tcp.near.get(), quiet, 1) == 0);
    CHECK(subject.silent());
    REQUIRE(subject->remove(tcp.near.get()) == 0);
  }
}

TEST_CASE("H11: an RST is readable and writable, and the next recv says ECONNRESET") {
  Subject subject;
  for (const uint32_t interest : {uint32_t{kRead}, uint32_t{kWrite}, uint32_t{kRead | kWrite}}) {
    Pair tcp = makeTcpPair();
    fillUp(tcp.near);
    REQUIRE(subject->add(tcp.near.get(), interest, 1) == 0);
    CHECK(subject.silent());
    resetConnection(tcp.far);
    const uint32_t events = subject.waitFor(1);
    CHECK((events & (kRead | kWrite)) == interest);
    if (knowsHints(subject)) CHECK((events & (kError | kHangup)) == (kError | kHangup));
    char byte;
    const ssize_t got = recv(tcp.near.get(), &byte, 1, 0);
    if (!isShim()) {
      CHECK(got == -1);
      CHECK(errno == ECONNRESET);
    }
    REQUIRE(subject->remove(tcp.near.get()) == 0);
  }
}

TEST_CASE("H12: the reader of a pipe whose writer has gone is told readable, and reads the end") {
  Subject subject;
  Pair a = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  a.far.reset();
  CHECK((subject.waitFor(1) & kRead) != 0);
  CHECK(take(a.near) == "");
}

TEST_CASE("H12: the writer of a full pipe whose reader has gone is told writable, and meets EPIPE") {
  Subject subject;
  for (const bool registeredBefore : {true, false}) {
    Pair a = makePipe();
    fillUp(a.far);
    if (registeredBefore) {
      REQUIRE(subject->add(a.far.get(), kWrite, 1) == 0);
      CHECK(subject.silent());
    }
    a.near.reset();
    if (!registeredBefore) REQUIRE(subject->add(a.far.get(), kWrite, 1) == 0);
    CHECK((subject.waitFor(1) & (kRead | kWrite)) == kWrite);
    CHECK(write(a.far.get(), "x", 1) == -1);
    CHECK(errno == EPIPE);
    REQUIRE(subject->remove(a.far.get()) == 0);
  }
}

TEST_CASE("H13: out-of-band data is priority, and nothing but priority") {
  Subject subject;
  // Neither libkqueue nor FreeBSD's kqueue knows of it.
  if (subject.is("kqueue")) return;
  const Pair tcp = makeTcpPair();
  REQUIRE(subject->add(tcp.near.get(), kRead | kPriority, 1) == 0);
  REQUIRE(send(tcp.far.get(), "!", 1, MSG_OOB) == 1);
  CHECK(subject.waitFor(1) == kPriority);
  REQUIRE(subject->modify(tcp.near.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  REQUIRE(subject->modify(tcp.near.get(), kPriority, 1) == 0);
  CHECK(subject.waitFor(1) == kPriority);
  char byte = 0;
  REQUIRE(recv(tcp.near.get(), &byte, 1, MSG_OOB) == 1);
  CHECK(byte == '!');
}

TEST_CASE("H13: urgent data wakes who waits for nothing else, with levels and edges; other data does not") {
  for (const uint32_t how : {0U, static_cast<uint32_t>(kEdge)}) {
    for (const uint32_t interest : {uint32_t{kPriority}, uint32_t{kPriority | kWrite}}) {
      Subject subject;
      if (subject.is("kqueue")) return;
      const Pair a = makeTcpPair();
      fillUp(a.near);
      subject->fd();  // so that requests go to the kernel at once
      REQUIRE(subject->add(a.near.get(), interest | how, 1) == 0);
      CHECK(subject.silent());
      put(a.far, "a");
      CHECK(subject.silent());
      REQUIRE(send(a.far.get(), "!", 1, MSG_OOB) == 1);
      CHECK(subject.waitFor(1) == kPriority);
    }
  }
}

TEST_CASE("H13: who asks for both is told of urgent data alone, although both have been woken") {
  Subject subject;
  if (subject.is("kqueue")) return;
  const Pair a = makeTcpPair();
  subject->fd();
  REQUIRE(subject->add(a.near.get(), kRead | kPriority, 1) == 0);
  CHECK(subject.silent());
  REQUIRE(send(a.far.get(), "!", 1, MSG_OOB) == 1);
  CHECK(subject.waitFor(1) == kPriority);
}

TEST_CASE("H13: data that is not urgent is no priority, with levels and edges, told at once and later") {
  for (const uint32_t how : {0U, static_cast<uint32_t>(kEdge)}) {
    Subject subject;
    const Pair a = makeTcpPair();
    REQUIRE(subject->add(a.near.get(), kRead | kPriority | how, 1) == 0);
    CHECK(subject.silent());
    for (int i = 0; i < 3; ++i) {
      put(a.far, "a");
      CHECK(subject.waitFor(1) == kRead);
      CHECK(take(a.near) == "a");
      if (!subject->edges()) REQUIRE(subject->modify(a.near.get(), kRead | kPriority | how, 1) == 0);
      CHECK(subject.silent());
    }
  }
}

TEST_CASE("H14: what has been told and is muted is silent in the set, too, that another thread polls for a host") {
  for (const uint32_t interest : {uint32_t{kRead | kWrite | kPriority}, uint32_t{kRead | kPriority}}) {
    Subject subject;
    if (isShim()) return;
    Pair a = makeUnixPair();
    subject->fd();
    REQUIRE(subject->add(a.near.get(), interest | kEdge, 1) == 0);
    put(a.far, "a");
    CHECK((subject.waitFor(1) & kRead) != 0);
    a.far.reset();
    while (!subject.wait(10 * kMillisecond).empty()) continue;
    std::vector<pollfd> set = subject->pollSet();
    CHECK(::poll(set.data(), static_cast<nfds_t>(set.size()), 10) == 0);
  }
}

TEST_CASE("H14: a Unix socket whose peer has closed is readable and writable, and does not spin when muted") {
  Subject subject;
  Pair a = makeUnixPair();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  a.far.reset();
  CHECK((subject.waitFor(1) & (kRead | kWrite)) == kRead);
  CHECK(take(a.near) == "");
  REQUIRE(subject->modify(a.near.get(), kWrite, 1) == 0);
  CHECK((subject.waitFor(1) & (kRead | kWrite)) == kWrite);
  REQUIRE(subject->modify(a.near.get(), 0, 1) == 0);
  CHECK(subject.silent());
}

TEST_CASE("H14: likewise with edges, for each interest") {
  Subject subject;
  for (const uint32_t interest : {uint32_t{kRead}, uint32_t{kWrite}, kRead | kWrite, kRead | kWrite | kPriority}) {
    Pair a = makeUnixPair();
    REQUIRE(subject->add(a.near.get(), interest | kEdge, 1) == 0);
    subject.wait(0);  // writable
    a.far.reset();
    if (!subject->edges()) REQUIRE(subject->modify(a.near.get(), interest | kEdge, 1) == 0);
    CHECK((subject.waitFor(1) & interest) != 0);
    CHECK(subject.silent());
    REQUIRE(subject->remove(a.near.get()) == 0);
  }
}

TEST_CASE("H15: data before the end of the stream is told until the end itself is read") {
  Subject subject;
  for (const bool tcp : {true, false}) {
    Pair a = tcp ? makeTcpPair() : makePipe();
    REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
    put(a.far, "12345");
    a.far.reset();
    CHECK((subject.waitFor(1) & kRead) != 0);
    CHECK(take(a.near, 3) == "123");
    CHECK((subject.waitFor(1) & kRead) != 0);
    CHECK(take(a.near, 3) == "45");
    CHECK((subject.waitFor(1) & kRead) != 0);
    CHECK(take(a.near, 3) == "");
    REQUIRE(subject->remove(a.near.get()) == 0);
  }
}

TEST_CASE("H15: readable and writable at once are one row") {
  Subject subject;
  Pair pairs[] = {makeUnixPair(), makeTcpPair(), makeUnixPair()};
  int32_t token = 0;
  for (const Pair& pair : pairs) {
    put(pair.far, "x");
    REQUIRE(subject->add(pair.near.get(), kRead | kWrite, token++) == 0);
  }
  const auto told = subject.wait();  // fails on two rows of one token
  CHECK(told.size() == 3);
  for (const auto& row : told) CHECK(row.second == (kRead | kWrite));
}

TEST_CASE("H15: one's own shutdown of the send side is not the end of the stream") {
  Subject subject;
  const Pair tcp = makeTcpPair();
  REQUIRE(shutdown(tcp.near.get(), SHUT_WR) == 0);
  REQUIRE(subject->add(tcp.near.get(), kRead | kWrite, 1) == 0);
  CHECK((subject.waitFor(1) & ~uint32_t{kError}) == kWrite);
  put(tcp.far, "answer");
  REQUIRE(subject->modify(tcp.near.get(), kRead, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  CHECK(take(tcp.near) == "answer");
  CHECK(subject.silent());
}

TEST_SUITE_END();

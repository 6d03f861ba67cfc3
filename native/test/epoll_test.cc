// What only epoll has to do: chase ghosts away, and manage without epoll_pwait2.
#ifdef __linux__

#include <fcntl.h>
#include <sys/syscall.h>

#include <cerrno>
#include "refusal.h"
#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

namespace {

struct EpollSubject : Subject {
  explicit EpollSubject(int capacity = 64) : Subject((currentSelector = "epoll", capacity)) {}
};

// Leaves a readable ghost behind: registered as 100, closed, removed, and living on in the duplicate returned.
UniqueFd haunt(Subject& subject) {
  Pair a = makePipe();
  UniqueFd dup = duplicate(a.near);
  put(a.far, "boo");
  const int number = a.near.get();
  REQUIRE(subject->add(number, kRead, 100) == 0);
  a.near.reset();
  REQUIRE(subject->remove(number) == 0);
  return dup;
}

}  // namespace

TEST_CASE("H3: epoll: a ghost is gone after one wait, and everything else is as it was") {
  EpollSubject subject;
  const Pair level = makePipe();
  const Pair edge = makeUnixPair();
  const Pair muted = makePipe();
  REQUIRE(subject->add(level.near.get(), kRead, 1) == 0);
  REQUIRE(subject->add(edge.near.get(), kRead | kWrite | kEdge, 2) == 0);
  REQUIRE(subject->add(muted.near.get(), 0, 3) == 0);
  put(muted.far, "x");
  CHECK(subject.waitFor(2) == kWrite);
  const int number = subject->fd();

  const UniqueFd ghost = haunt(subject);
  CHECK(subject->wait(kLimit) == -EINTR);
  CHECK(subject->fd() == number);
  CHECK((fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);

  CHECK(subject.waitFor(2) == kWrite);  // an edge may be told once more
  CHECK(subject.silent());
  put(level.far, "x");
  CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
  CHECK(take(level.near) == "x");
  put(edge.far, "x");
  CHECK((subject.waitFor(2) & kRead) != 0);
  CHECK(subject.silent());
  REQUIRE(subject->modify(muted.near.get(), kRead, 3) == 0);
  CHECK(subject.waitFor(3) == kRead);
  for (const int fd : {level.near.get(), edge.near.get(), muted.near.get()}) CHECK(subject->remove(fd) == 0);
  subject->wake();
  CHECK(subject.woken());
  CHECK(subject.silent());
}

TEST_CASE("H3: epoll: a ghost beside a real row does not delay the row") {
  EpollSubject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  const UniqueFd ghost = haunt(subject);
  CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
  CHECK(take(a.near) == "a");
  CHECK(subject.silent());
}

TEST_CASE("H3: epoll: with one row, a ghost takes the place of a real event once at most") {
  EpollSubject subject(1);
  const Pair a = makePipe();
  put(a.far, "a");
  const UniqueFd ghost = haunt(subject);
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  CHECK(subject.waitFor(1) == kRead);
}

TEST_CASE("H3: epoll: a ghost under a number that is registered with interest 0 is one, too") {
  EpollSubject subject;
  const Pair a = makePipe();
  const Pair b = makePipe();
  const UniqueFd dup = duplicate(a.near);
  put(a.far, "boo");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  reuse(a.near, b.near);
  REQUIRE(subject->modify(a.near.get(), 0, 1) == 0);
  CHECK(subject.silent());
}

TEST_CASE("H3: epoll: a ghost that went by itself costs nothing") {
  EpollSubject subject;
  { const UniqueFd ghost = haunt(subject); }
  CHECK(subject.silent());
}

TEST_CASE("H19: epoll: without epoll_pwait2 times are rounded up to milliseconds") {
  where({SYS_epoll_pwait2, ENOSYS}, [] {
    EpollSubject subject;
    for (int round = 0; round < 2; ++round) {
      const int64_t begin = now();
      CHECK(subject->wait(1'000'001) == 0);
      CHECK(now() - begin >= 2 * kMillisecond);
    }
    const Pair a = makePipe();
    REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
    put(a.far, "a");
    CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
  });
}

TEST_CASE("H19: epoll: where epoll_pwait2 exists, it is used") {
  if (syscall(SYS_epoll_pwait2, -1, nullptr, 0, nullptr, nullptr, size_t{0}) < 0 && errno == ENOSYS) return;
#ifdef SYS_epoll_wait
  constexpr unsigned int kCoarse = SYS_epoll_wait;
#else
  constexpr unsigned int kCoarse = SYS_epoll_pwait;
#endif
  where({kCoarse, ENOSYS}, [] {
    EpollSubject subject;
    CHECK(subject->wait(100'000) == 0);
    CHECK(subject->wait(0) == -ENOSYS);  // so the filter is in force
  });
}

#endif

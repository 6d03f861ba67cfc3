// Many descriptors: high numbers, closed ones among them, gaps in the list, and fewer rows than what is ready.
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

// Makes numbers up to `most` possible, or tells that the machine does not allow it.
static bool reach(rlim_t most) {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur > most) return true;
  if (limit.rlim_max <= most) return false;
  limit.rlim_cur = most + 1;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H16: numbers beyond FD_SETSIZE work, and so do their neighbours") {
  if (!reach(3100)) {
    MESSAGE("skipped: no descriptors beyond FD_SETSIZE on this machine");
    return;
  }
  Subject subject;
  const Pair a = makePipe();
  const Pair b = makeUnixPair();
  // On both sides of word and FD_SETSIZE borders, and far out.
  for (const int least : {1022, 1023, 1024, 1087, 1088, 3000}) {
    const UniqueFd high = duplicate(a.near, least);
    const UniqueFd other = duplicate(b.near, least);
    CHECK(high.get() >= least);
    REQUIRE(subject->add(high.get(), kRead, 1) == 0);
    REQUIRE(subject->add(other.get(), kRead | kPriority, 2) == 0);
    CHECK(subject.silent());
    put(a.far, "a");
    CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
    REQUIRE(subject->modify(other.get(), kRead | kWrite, 2) == 0);
    CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}, {2, kWrite}});
    CHECK(take(a.near) == "a");
    REQUIRE(subject->remove(high.get()) == 0);
    REQUIRE(subject->remove(other.get()) == 0);
  }
}

TEST_CASE("H17: closed fds among the registered ones fail nobody, are told once at most, and do not spin") {
  Subject subject;
  for (const uint32_t edge : {uint32_t{0}, uint32_t{kEdge}}) {
    const Pair a = makePipe();
    Pair dead[2] = {makePipe(), makePipe()};
    const Pair b = makePipe();
    const int numbers[] = {dead[0].near.get(), dead[1].near.get()};
    REQUIRE(subject->add(a.near.get(), kRead | edge, 1) == 0);
    REQUIRE(subject->add(numbers[0], kRead | edge, 2) == 0);
    REQUIRE(subject->add(numbers[1], kRead | kWrite | edge, 3) == 0);
    REQUIRE(subject->add(b.near.get(), kRead | edge, 4) == 0);
    put(a.far, "a");
    put(b.far, "b");
    dead[0].near.reset();
    dead[1].near.reset();

    const auto told = subject.wait();
    CHECK(told.count(1) == 1);
    CHECK(told.count(4) == 1);
    if (!subject->edges()) {
      REQUIRE(told.size() == 4);
      CHECK(told.at(2) == (kRead | kError));
      CHECK(told.at(3) == (kRead | kWrite | kError));
    }
    CHECK(take(a.near) == "a");
    CHECK(take(b.near) == "b");
    CHECK(subject.silent());
    REQUIRE(subject->modify(b.near.get(), kRead | edge, 4) == 0);
    put(b.far, "c");
    CHECK(subject.wait() == std::map<int32_t, uint32_t>{{4, kRead}});

    // The number, used and named again, is heard of again.
    REQUIRE(dup2(a.near.get(), numbers[0]) == numbers[0]);
    const UniqueFd reused(numbers[0]);
    put(a.far, "d");
    CHECK(subject->modify(numbers[0], kRead | edge, 2) == 0);
    CHECK(subject.waitFor(2) == kRead);
    for (const int fd : {a.near.get(), numbers[0], numbers[1], b.near.get()}) CHECK(subject->remove(fd) == 0);
    CHECK(subject.silent());
  }
}

TEST_CASE("H17: a closed fd alone ends a wait, limited or not, where it is told at all") {
  Subject subject;
  if (subject->edges()) return;
  for (const int64_t limit : {int64_t{-1}, kLimit}) {
    Pair a = makePipe();
    const int number = a.near.get();
    REQUIRE(subject->add(number, kRead, 1) == 0);
    a.near.reset();
    const int64_t begin = now();
    CHECK(subject.wait(limit) == std::map<int32_t, uint32_t>{{1, kRead | kError}});
    CHECK(now() - begin < kLimit);
    CHECK(subject.silent());
    REQUIRE(subject->remove(number) == 0);
  }
}

TEST_CASE("H18: removing from the middle, the end and the beginning leaves the others right") {
  Subject subject;
  constexpr int32_t kCount = 12;
  Pair pipes[kCount];
  std::set<int32_t> alive;
  for (int32_t i = 0; i < kCount; ++i) {
    pipes[i] = makePipe();
    REQUIRE(subject->add(pipes[i].near.get(), kRead, i) == 0);
    alive.insert(i);
  }
  const auto remove = [&](int32_t i) {
    REQUIRE(subject->remove(pipes[i].near.get()) == 0);
    alive.erase(i);
  };
  const auto checkAll = [&] {
    for (int32_t i = 0; i < kCount; ++i) {
      put(pipes[i].far, "x");
      const auto told = subject.wait(0);
      CHECK(told.size() == alive.count(i));
      CHECK(told.count(i) == alive.count(i));
      take(pipes[i].near);
    }
  };
  for (const int32_t i : {5, kCount - 1, 0, 6, kCount - 2}) {
    remove(i);
    checkAll();
  }
  // One that was moved by a removal can be modified, muted and removed itself.
  for (const int32_t i : alive) REQUIRE(subject->modify(pipes[i].near.get(), 0, i) == 0);
  CHECK(subject.silent());
  for (const int32_t i : alive) REQUIRE(subject->modify(pipes[i].near.get(), kRead, i) == 0);
  checkAll();
  for (const int32_t i : {5, 0, 6}) {
    REQUIRE(subject->add(pipes[i].near.get(), kRead, i) == 0);
    alive.insert(i);
  }
  checkAll();
  while (!alive.empty()) remove(*alive.begin());
  CHECK(subject.silent());
}

TEST_CASE("H18: a wait leaves the question as it was") {
  Subject subject;
  const Pair a = makePipe();
  const Pair b = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  REQUIRE(subject->add(b.near.get(), kRead, 2) == 0);
  put(a.far, "a");
  CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
  CHECK(take(a.near) == "a");
  put(b.far, "b");
  CHECK(subject.wait() == std::map<int32_t, uint32_t>{{2, kRead}});
  put(a.far, "a");
  CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}, {2, kRead}});
}

TEST_CASE("fairness: with one row and many ready, each has its turn") {
  for (const int capacity : {1, 3}) {
    Subject subject(capacity);
    constexpr int kCount = 10;
    Pair pipes[kCount];
    for (int i = 0; i < kCount; ++i) {
      pipes[i] = makePipe();
      put(pipes[i].far, "x");
      REQUIRE(subject->add(pipes[i].near.get(), kRead, i) == 0);
    }
    std::map<int32_t, int> turns;
    for (int told = 0; told < 3 * kCount;) {
      const auto rows = subject.wait();
      REQUIRE(!rows.empty());
      REQUIRE(rows.size() <= static_cast<size_t>(capacity));
      for (const auto& row : rows) ++turns[row.first];
      told += static_cast<int>(rows.size());
    }
    for (int i = 0; i < kCount; ++i) CHECK(turns[i] >= 2);
  }
}

TEST_CASE("fairness: whose turn it is survives removals") {
  Subject subject(1);
  constexpr int kCount = 10;
  Pair pipes[kCount];
  for (int i = 0; i < kCount; ++i) {
    pipes[i] = makePipe();
    put(pipes[i].far, "x");
    REQUIRE(subject->add(pipes[i].near.get(), kRead, i) == 0);
  }
  for (int i = 0; i < kCount - 1; ++i) CHECK(subject.wait().size() == 1);
  for (int i = kCount - 1; i > 0; --i) REQUIRE(subject->remove(pipes[i].near.get()) == 0);
  for (int i = 0; i < 3; ++i) CHECK(subject.wait() == std::map<int32_t, uint32_t>{{0, kRead}});
}

TEST_CASE("fairness: a wake gets through although more is ready than there are rows") {
  Subject subject(1);
  const Pair a = makePipe();
  const Pair b = makePipe();
  put(a.far, "a");
  put(b.far, "b");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  REQUIRE(subject->add(b.near.get(), kRead, 2) == 0);
  subject->wake();
  std::set<int32_t> told;
  for (int i = 0; i < 6; ++i) {
    for (const auto& row : subject.wait()) told.insert(row.first);
  }
  CHECK(told == std::set<int32_t>{1, 2});
  take(a.near);
  take(b.near);
  CHECK(subject.silent());
}

TEST_CASE("many: two thousand registrations, all ready and all told") {
  constexpr int kCount = 2000;
  if (!reach(2 * kCount + 100)) {
    MESSAGE("skipped: not enough descriptors on this machine");
    return;
  }
  Subject subject(kCount);
  std::vector<UniqueFd> fds;
  const Pair a = makePipe();
  put(a.far, "x");
  for (int i = 0; i < kCount; ++i) {
    fds.push_back(duplicate(a.near));
    REQUIRE(subject->add(fds.back().get(), kRead, i) == 0);
  }
  std::set<int32_t> told;
  for (int batch = 0; batch < 10; ++batch) {
    for (const auto& row : subject.wait()) told.insert(row.first);
  }
  CHECK(told.size() == kCount);
  for (const UniqueFd& fd : fds) subject->remove(fd.get());
  CHECK(subject.silent());
}

TEST_SUITE_END();

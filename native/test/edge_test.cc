// Levels, edges, and what modify() does to them.
#include <sys/socket.h>

#include <cerrno>
#include <set>

#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("level: told at every wait until it is taken") {
  Subject subject;
  const Pair a = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  put(a.far, "a");
  for (int i = 0; i < 5; ++i) CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
  CHECK(take(a.near) == "a");
  CHECK(subject.silent());
}

TEST_CASE("edge: told once, and again after modify") {
  Subject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead | kEdge, 1) == 0);
  for (int i = 0; i < 3; ++i) {
    CHECK(subject.waitFor(1) == kRead);
    CHECK(subject.silent());
    REQUIRE(subject->modify(a.near.get(), kRead | kEdge, 1) == 0);
  }
  CHECK(subject.waitFor(1) == kRead);
  CHECK(take(a.near) == "a");
  REQUIRE(subject->modify(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.silent());
  put(a.far, "b");
  CHECK(subject.waitFor(1) == kRead);
}

TEST_CASE("edge: news is told without modify where the mechanism knows edges, and muted where it does not") {
  Subject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  CHECK(take(a.near) == "a");
  put(a.far, "b");
  if (subject->edges()) CHECK(subject.waitFor(1) == kRead);
  CHECK(subject.silent());
}

TEST_CASE("edge: likewise the end of the stream") {
  Subject subject;
  const Pair a = makeTcpPair();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  CHECK(take(a.near) == "a");
  REQUIRE(shutdown(a.far.get(), SHUT_WR) == 0);
  if (subject->edges()) CHECK((subject.waitFor(1) & kRead) != 0);
  CHECK(subject.silent());
  REQUIRE(subject->modify(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK((subject.waitFor(1) & kRead) != 0);
  CHECK(take(a.near) == "");
}

TEST_CASE("edge: one direction told leaves the other armed") {
  Subject subject;
  const Pair a = makeUnixPair();
  REQUIRE(subject->add(a.near.get(), kRead | kWrite | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kWrite);
  CHECK(subject.silent());
  put(a.far, "a");
  CHECK((subject.waitFor(1) & kRead) != 0);
  CHECK(subject.silent());
}

TEST_CASE("edge: modify names what is armed, and nothing else is") {
  Subject subject;
  const Pair a = makeUnixPair();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead | kWrite | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == (kRead | kWrite));
  REQUIRE(subject->modify(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->modify(a.near.get(), kEdge, 1) == 0);
  CHECK(subject.silent());
  REQUIRE(subject->modify(a.near.get(), kWrite | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kWrite);
}

TEST_CASE("edge: the end of a stream is told once, after the data's edge too") {
  Subject subject;
  Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  CHECK(take(a.near) == "a");
  a.far.reset();
  if (!subject->edges()) REQUIRE(subject->modify(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK((subject.waitFor(1) & kRead) != 0);
  CHECK(subject.silent());
}

TEST_CASE("edge and level: modify goes from one to the other") {
  Subject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->modify(a.near.get(), kRead, 1) == 0);
  for (int i = 0; i < 3; ++i) CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->modify(a.near.get(), kRead | kEdge, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  CHECK(subject.silent());
}

TEST_CASE("edge: no edge is lost when the rows are fewer than what is ready") {
  Subject subject(3);
  Pair pipes[20];
  int32_t token = 0;
  for (Pair& pipe : pipes) {
    pipe = makePipe();
    put(pipe.far, "x");
    REQUIRE(subject->add(pipe.near.get(), kRead | kEdge, token++) == 0);
  }
  std::multiset<int32_t> told;
  while (told.size() < 20) {
    const auto rows = subject.wait();
    REQUIRE(!rows.empty());
    for (const auto& row : rows) told.insert(row.first);
  }
  for (int32_t i = 0; i < token; ++i) CHECK(told.count(i) == 1);
  CHECK(subject.silent());
}

TEST_CASE("interest 0: registered and mute, and modify brings it back") {
  Subject subject;
  for (const uint32_t quiet : {uint32_t{0}, uint32_t{kEdge}}) {
    const Pair a = makeUnixPair();
    put(a.far, "a");
    REQUIRE(subject->add(a.near.get(), quiet, 1) == 0);
    CHECK(subject->add(a.near.get(), kRead, 1) == -EEXIST);
    CHECK(subject.silent());
    REQUIRE(subject->modify(a.near.get(), kRead, 1) == 0);
    CHECK(subject.waitFor(1) == kRead);
    REQUIRE(subject->modify(a.near.get(), quiet, 1) == 0);
    REQUIRE(subject->modify(a.near.get(), quiet, 2) == 0);
    CHECK(subject.silent());
    REQUIRE(subject->modify(a.near.get(), kWrite, 2) == 0);
    CHECK(subject.waitFor(2) == kWrite);
    REQUIRE(subject->modify(a.near.get(), quiet, 2) == 0);
    REQUIRE(subject->remove(a.near.get()) == 0);
    CHECK(subject->modify(a.near.get(), kRead, 2) == -ENOENT);
    CHECK(subject.silent());
  }
}

TEST_CASE("interest 0: for number 0 too") {
  Subject subject;
  const UniqueFd saved(dup(0));
  REQUIRE(saved);
  Pair a = makePipe();
  REQUIRE(dup2(a.near.get(), 0) == 0);
  put(a.far, "a");
  a.far.reset();
  REQUIRE(subject->add(0, 0, 1) == 0);
  CHECK(subject.silent());
  REQUIRE(subject->modify(0, kRead, 1) == 0);
  CHECK((subject.waitFor(1) & kRead) != 0);
  REQUIRE(subject->remove(0) == 0);
  CHECK(subject.silent());
  REQUIRE(dup2(saved.get(), 0) == 0);
}

TEST_SUITE_END();

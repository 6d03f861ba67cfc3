// Whose row is it? Numbers are used again, files outlive their numbers.
#include <fcntl.h>

#include <cerrno>
#include <climits>

#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H1: the row of a removed fd does not reach the next owner of its number") {
  Subject subject;
  const Pair a = makePipe();
  const Pair b = makePipe();
  const Pair c = makePipe();
  put(a.far, "a");
  put(b.far, "b");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  REQUIRE(subject->add(b.near.get(), kRead, 2) == 0);
  REQUIRE(subject.wait(0).size() == 2);

  // What the callback of 1 does:
  REQUIRE(subject->remove(b.near.get()) == 0);
  reuse(b.near, c.near);
  REQUIRE(subject->add(b.near.get(), kRead, 3) == 0);

  for (int i = 0; i < 2; ++i) {
    const Ready& row = subject->rows()[i];
    CHECK(row.events == (row.token == 1 ? int{kRead} : 0));
    CHECK(row.token != 3);
  }
  const auto told = subject.wait(0);
  CHECK(told.count(1) == 1);
  CHECK(told.count(2) == 0);
  CHECK(told.count(3) == 0);
  put(c.far, "c");
  CHECK(subject.waitFor(3) == kRead);
}

TEST_CASE("H2: after remove there is no row of that token, in the same batch and later") {
  Subject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead, 5) == 0);
  REQUIRE(subject.wait().count(5) == 1);
  REQUIRE(subject->remove(a.near.get()) == 0);
  CHECK(subject->rows()[0].token == 5);
  CHECK(subject->rows()[0].events == 0);
  CHECK(subject.silent());
}

TEST_CASE("H3: removed before close, a file that lives on in a dup is not heard of again") {
  Subject subject;
  Pair a = makePipe();
  const UniqueFd dup = duplicate(a.near);
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->remove(a.near.get()) == 0);
  a.near.reset();
  CHECK(subject.silent());
}

TEST_CASE("H3: closed before remove, a file that lives on in a dup does not spin, and the others are served") {
  Subject subject;
  if (isShim()) return;
  Pair a = makePipe();
  const Pair b = makePipe();
  const UniqueFd dup = duplicate(a.near);
  put(a.far, "a");
  const int number = a.near.get();
  REQUIRE(subject->add(number, kRead, 1) == 0);
  REQUIRE(subject->add(b.near.get(), kRead, 2) == 0);
  a.near.reset();
  CHECK(subject->remove(number) == 0);
  CHECK(subject.silent());
  put(b.far, "b");
  CHECK(subject.waitFor(2) == kRead);
  CHECK(take(b.near) == "b");
  subject->wake();
  CHECK(subject.woken());
  CHECK(subject.silent());
}

TEST_CASE("H3: the number of such a file, registered again, tells its new file only") {
  Subject subject;
  if (isShim()) return;
  const Pair a = makePipe();
  const Pair b = makePipe();
  const UniqueFd dup = duplicate(a.near);
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  reuse(a.near, b.near);
  REQUIRE(subject->remove(a.near.get()) == 0);
  REQUIRE(subject->add(a.near.get(), kRead, 2) == 0);
  CHECK(subject.silent());
  put(b.far, "b");
  CHECK(subject.waitFor(2) == kRead);
}

TEST_CASE("H3: a file that comes back under its old number can be registered again") {
  Subject subject;
  if (isShim()) return;
  const Pair a = makePipe();
  const Pair b = makePipe();
  const UniqueFd dup = duplicate(a.near);
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  reuse(a.near, b.near);
  REQUIRE(subject->remove(a.near.get()) == 0);
  reuse(a.near, dup);
  CHECK(subject->add(a.near.get(), kRead, 2) == 0);
  put(a.far, "a");
  CHECK(subject.waitFor(2) == kRead);
}

TEST_CASE("H4: the same errors everywhere") {
  Subject subject;
  Pair a = makePipe();
  const int number = a.near.get();
  CHECK(subject->add(-1, kRead, 1) == -EBADF);
  CHECK(subject->modify(-1, kRead, 1) == -EBADF);
  CHECK(subject->remove(-1) == -EBADF);
  CHECK(subject->add(number, kError, 1) == -EINVAL);
  CHECK(subject->add(number, kRead | 128, 1) == -EINVAL);
  CHECK(subject->add(number, kRead, -1) == -EINVAL);
  CHECK(subject->modify(number, kRead, 1) == -ENOENT);
  CHECK(subject->add(1'000'000, kRead, 1) == -EBADF);
  CHECK(subject->add(INT_MAX, kRead, 1) == -EBADF);
  CHECK(subject->add(INT_MAX, 0, 1) == -EBADF);
  CHECK(subject->remove(INT_MAX) == 0);

  CHECK(subject->add(number, kRead, 1) == 0);
  CHECK(subject->add(number, kRead, 1) == -EEXIST);
  CHECK(subject->add(number, kWrite, 2) == -EEXIST);
  CHECK(subject->modify(number, kHangup, 1) == -EINVAL);
  CHECK(subject->modify(number, kRead, -1) == -EINVAL);
  a.near.reset();
  CHECK(subject->modify(number, kRead, 1) == -EBADF);
  CHECK(subject->modify(number, kRead | kEdge, 1) == -EBADF);
  CHECK(subject->modify(number, 0, 1) == -EBADF);
  CHECK(subject->remove(number) == 0);
  CHECK(subject->add(number, kRead, 1) == -EBADF);
  CHECK(subject->add(number, 0, 1) == -EBADF);
}

TEST_CASE("H4: an error in modify leaves the registration as it was") {
  Subject subject;
  const Pair a = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject->modify(a.near.get(), 1 << 20, 2) == -EINVAL);
  put(a.far, "a");
  CHECK(subject.waitFor(1) == kRead);
}

TEST_CASE("H4: the selector's own descriptors cannot be taken from it") {
  const int lowest = makePipe().near.get();
  Subject subject;
  for (int fd = lowest; fd < lowest + 8; ++fd) {
    subject->modify(fd, 0, 1);
    subject->remove(fd);
  }
  subject->wake();
  CHECK(subject.woken());
}

TEST_CASE("H5: remove works after close, after reuse, and twice") {
  Subject subject;
  Pair a = makePipe();
  const Pair b = makePipe();
  const Pair c = makePipe();
  const int number = a.near.get();
  REQUIRE(subject->add(number, kRead, 1) == 0);
  a.near.reset();
  CHECK(subject->remove(number) == 0);
  CHECK(subject->remove(number) == 0);

  REQUIRE(subject->add(b.near.get(), kRead, 2) == 0);
  reuse(b.near, c.near);
  CHECK(subject->remove(b.near.get()) == 0);
  put(c.far, "c");
  CHECK(subject.silent());
  CHECK(subject->add(b.near.get(), kRead, 3) == 0);
  CHECK(subject.waitFor(3) == kRead);
}

TEST_CASE("H5: a number that was reused without remove is armed for its new file by modify") {
  Subject subject;
  const Pair a = makePipe();
  const Pair b = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  reuse(a.near, b.near);
  CHECK(subject->modify(a.near.get(), kRead, 2) == 0);
  put(b.far, "b");
  CHECK(subject.waitFor(2) == kRead);
}

TEST_CASE("H6: a second interest is a modify, and the row is one") {
  Subject subject;
  const Pair a = makeUnixPair();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  CHECK(subject->modify(a.near.get(), kRead | kWrite, 1) == 0);
  CHECK(subject.waitFor(1) == kWrite);
  put(a.far, "a");
  CHECK(subject.waitFor(1) == (kRead | kWrite));
  CHECK(subject->modify(a.near.get(), kRead, 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
}

TEST_CASE("modify changes the token") {
  Subject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  REQUIRE(subject->modify(a.near.get(), kRead, 2) == 0);
  const auto told = subject.wait();
  CHECK(told.count(1) == 0);
  CHECK(told.count(2) == 1);
}

TEST_SUITE_END();

TEST_CASE("makeSelector: the list holds what can be opened, and nothing else") {
  Ready row{};
  int error = 0;
  for (const std::string_view name : availableSelectors()) {
    const auto selector = makeSelector(name, &row, 1, &error);
    REQUIRE(selector != nullptr);
    CHECK(error == 0);
    CHECK(name == selector->name());
  }
  CHECK(makeSelector("", &row, 1, &error) == nullptr);
  CHECK(error == -ENOSYS);
  CHECK(makeSelector("poll", &row, 0, &error) == nullptr);
  CHECK(error == -EINVAL);
}

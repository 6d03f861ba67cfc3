// What threads share: a port that is held for them, and descriptors that go from one to another.
#include <fcntl.h>

#include <cerrno>

#include "descriptor.h"
#include "socket.h"
#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

static int portOf(const UniqueFd& socket) {
  Address at;
  REQUIRE(localAddress(socket.get(), &at) == 0);
  return at.port;
}

TEST_CASE("H29: a held port is for its holder's listeners only; it is refused if anybody has it, sharing or not") {
  const Address any{"127.0.0.1", 0};
  for (const bool shares : {false, true}) {
    const UniqueFd other(listenTcp(any, 1, shares, false));
    REQUIRE(other);
    CHECK(holdTcp(Address{"127.0.0.1", portOf(other)}, false) == -EADDRINUSE);
  }
  const UniqueFd holder(holdTcp(any, false));
  REQUIRE(holder);
  const Address held{"127.0.0.1", portOf(holder)};
  const UniqueFd one(listenTcp(held, 1, true, false));
  const UniqueFd another(listenTcp(held, 1, true, false));
  CHECK(one);
  CHECK(another);
  CHECK(listenTcp(held, 1, false, false) == -EADDRINUSE);
  CHECK(holdTcp(held, false) == -EADDRINUSE);
}

TEST_CASE("descriptors go through a pipe, each once and in order, and none at its end") {
  int ends[2];
  REQUIRE(makePipe(&ends[0], &ends[1]) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  CHECK(takeOver(reader.get()) == -EAGAIN);
  int sent = 0;
  while (handOver(writer.get(), 1000 + sent) == 0) ++sent;
  CHECK(handOver(writer.get(), 7) == -EAGAIN);
  for (int i = 0; i < sent; ++i) REQUIRE(takeOver(reader.get()) == 1000 + i);
  CHECK(takeOver(reader.get()) == -EAGAIN);
  REQUIRE(handOver(writer.get(), 8) == 0);
  writer = UniqueFd();
  CHECK(takeOver(reader.get()) == 8);
  CHECK(takeOver(reader.get()) == -EPIPE);
}

TEST_CASE("what is told is heard; a duplicate is the same file, and closed on exec") {
  int ends[2];
  REQUIRE(makePipe(&ends[0], &ends[1]) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  UniqueFd other(duplicate(writer.get()));
  REQUIRE(other);
  CHECK(other.get() != writer.get());
  CHECK(identify(other.get()) == identify(writer.get()));
  CHECK((fcntl(other.get(), F_GETFD) & FD_CLOEXEC) != 0);
  char heard[8];
  CHECK(hear(reader.get(), heard, sizeof heard) == -EAGAIN);
  writer = UniqueFd();
  REQUIRE(tell(other.get(), 200) == 0);
  REQUIRE(tell(other.get(), 'b') == 0);
  CHECK(hear(reader.get(), heard, sizeof heard) == 2);
  CHECK(static_cast<unsigned char>(heard[0]) == 200);
  CHECK(heard[1] == 'b');
  other = UniqueFd();
  CHECK(hear(reader.get(), heard, sizeof heard) == -EPIPE);
  CHECK(duplicate(-1) == -EBADF);
  CHECK(identify(-1) == -EBADF);
}

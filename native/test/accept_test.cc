// What a selector accepts.
#include <fcntl.h>

#include <cerrno>

#include "address.h"
#include "office.h"
#include "socket.h"

using namespace coreactor;
using namespace coreactor::test;

static int countOpen() {
  int open = 0;
  for (int fd = 0; fd < 512; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return open;
}

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("accept: of a listener with kAccept, a row is a connection or says that there is one") {
  Office office;
  const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
  REQUIRE(listener.get() >= 0);
  Address address;
  REQUIRE(localAddress(listener.get(), &address) == 0);
  REQUIRE(office->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 5; ++i) {
    bool pending = false;
    clients.emplace_back(connectTcp(address, &pending));
    REQUIRE(clients.back().get() >= 0);
  }
  std::vector<UniqueFd> accepted;
  const int64_t end = now() + kLimit;
  while (accepted.size() < 5 && now() < end) {
    const int count = office->wait(kLimit);
    REQUIRE(count > 0);
    for (int i = 0; i < count; ++i) {
      const Ready& row = office->rows()[i];
      REQUIRE(row.token == 1);
      if ((row.events & kAccept) != 0) {
        REQUIRE(row.result >= 0);
        accepted.emplace_back(row.result);
        continue;
      }
      CHECK((row.events & kRead) != 0);
      for (int fd = acceptSocket(listener.get()); fd >= 0; fd = acceptSocket(listener.get())) accepted.emplace_back(fd);
    }
  }
  CHECK(accepted.size() == 5);
  for (const UniqueFd& fd : accepted) {
    CHECK((fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(office->add(clients[0].get(), kRead | kAccept, 2) == -EINVAL);
}

TEST_CASE("accept: without kAccept any more, connections stay in the queue") {
  Subject subject;
  const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
  Address address;
  REQUIRE(localAddress(listener.get(), &address) == 0);
  REQUIRE(subject->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
  REQUIRE(subject.wait(0).empty());
  REQUIRE(subject->modify(listener.get(), kRead | kEdge, 1) == 0);
  subject.wait(0);  // hands over that
  bool pending = false;
  const UniqueFd client(connectTcp(address, &pending));
  CHECK(subject.waitFor(1) == kRead);
  CHECK(UniqueFd(acceptSocket(listener.get())));
}

TEST_CASE("accept: nothing that was accepted and not told stays open, after remove() and when the selector ends") {
  for (const bool removed : {true, false}) {
    const int before = countOpen();
    {
      const UniqueFd listener(listenTcp({"127.0.0.1", 0}, 16, false, false));
      Address address;
      REQUIRE(localAddress(listener.get(), &address) == 0);
      std::vector<UniqueFd> clients;
      Subject subject(1);  // so that of several connections all but one wait to be told
      REQUIRE(subject->add(listener.get(), kRead | kEdge | kAccept, 1) == 0);
      REQUIRE(subject->wait(0) == 0);
      for (int i = 0; i < 5; ++i) {
        bool pending = false;
        clients.emplace_back(connectTcp(address, &pending));
      }
      REQUIRE(subject->wait(kLimit) == 1);
      const Ready& row = subject->rows()[0];
      const UniqueFd told((row.events & kAccept) != 0 ? row.result : -1);
      if (removed) {
        REQUIRE(subject->remove(listener.get()) == 0);
        REQUIRE(subject->wait(0) == 0);
      }
    }
    if (!isShim()) CHECK(countOpen() == before);  // libkqueue closes what it opened in its own time
  }
}

TEST_SUITE_END();

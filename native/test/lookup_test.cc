// A look-up: the answer, the end of the interest before, during and after it, and what the system says of names.
#include "lookup.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using coreactor::Answer;
using coreactor::Lookup;
using coreactor::ThreadPool;
using namespace std::chrono_literals;

namespace {

bool becomesReadable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 20'000) == 1;
}

Answer answerOf(const char* host) {
  Answer answer;
  answer.hosts = {host};
  return answer;
}

}  // namespace

TEST_CASE("a look-up becomes readable with its answer, which is there once") {
  ThreadPool pool(1, 10s);
  Lookup lookup;
  CHECK(lookup.fd() == -1);
  std::promise<void> gate;
  REQUIRE(lookup.start(&pool, [&] {
    gate.get_future().wait();
    return answerOf("192.0.2.1");
  }) == 0);
  Answer answer;
  CHECK_FALSE(lookup.take(&answer));
  pollfd entry{lookup.fd(), POLLIN, 0};
  CHECK(poll(&entry, 1, 0) == 0);
  CHECK((fcntl(lookup.fd(), F_GETFD) & FD_CLOEXEC) != 0);
  gate.set_value();
  REQUIRE(becomesReadable(lookup.fd()));
  REQUIRE(lookup.take(&answer));
  CHECK(answer.hosts == std::vector<std::string>{"192.0.2.1"});
  CHECK_FALSE(lookup.take(&answer));
}

TEST_CASE("a look-up that is closed leaves no descriptor while its thread still blocks, and the answer is dropped") {
  ThreadPool pool(1, 10s);
  const auto gate = std::make_shared<std::promise<void>>();
  const auto held = std::make_shared<int>(0);
  int fd = -1;
  {
    Lookup lookup;
    std::promise<void> begun;
    REQUIRE(lookup.start(&pool, [gate, held, &begun] {
      begun.set_value();
      gate->get_future().wait();
      return answerOf("192.0.2.1");
    }) == 0);
    begun.get_future().wait();
    fd = lookup.fd();
    lookup.close();
    CHECK(lookup.fd() == -1);
    CHECK(fcntl(fd, F_GETFD) == -1);
    lookup.close();  // once more does nothing
  }
  gate->set_value();
  for (int i = 0; i < 20'000 && held.use_count() != 1; ++i) std::this_thread::sleep_for(1ms);
  CHECK(held.use_count() == 1);
}

TEST_CASE("a look-up that is closed before its turn comes is not asked at all") {
  ThreadPool pool(1, 10s);
  std::promise<void> gate;
  Lookup first;
  REQUIRE(first.start(&pool, [&] {
    gate.get_future().wait();
    return Answer();
  }) == 0);
  bool asked = false;
  {
    Lookup second;
    REQUIRE(second.start(&pool, [&] {
      asked = true;
      return Answer();
    }) == 0);
  }
  Lookup third;
  REQUIRE(third.start(&pool, [] { return Answer(); }) == 0);
  gate.set_value();
  REQUIRE(becomesReadable(third.fd()));
  CHECK_FALSE(asked);
}

TEST_CASE("closing races with answers: nothing is lost, nothing is closed twice") {
  ThreadPool pool(4, 10s);
  int answered = 0;
  for (int round = 0; round < 2000; ++round) {
    Lookup lookup;
    REQUIRE(lookup.start(&pool, [] { return answerOf("192.0.2.1"); }) == 0);
    for (volatile int i = 0; i < round % 64 * 50; i = i + 1) {
    }
    Answer answer;
    if (round % 16 == 0) REQUIRE(becomesReadable(lookup.fd()));
    if (lookup.take(&answer)) ++answered;
    lookup.close();
  }
  CHECK(answered >= 125);
}

TEST_CASE("addresses of literals and of this machine, and what is no name") {
  CHECK(coreactor::addressesOf("192.0.2.7", 0).hosts == std::vector<std::string>{"192.0.2.7"});
  CHECK(coreactor::addressesOf("2001:db8::7", 6).hosts == std::vector<std::string>{"2001:db8::7"});
  const Answer loopback = coreactor::addressesOf("localhost", 4);
  CHECK(loopback.error == 0);
  CHECK(loopback.hosts == std::vector<std::string>{"127.0.0.1"});
  CHECK(coreactor::addressesOf("192.0.2.7", 6).error < 0);
  CHECK(coreactor::addressesOf(std::string("localhost\0.example", 18), 0).error == -EINVAL);
  const int error = coreactor::addressesOf("nowhere.invalid", 0).error;
  CHECK((error == -3008 || error == -3001));  // no such name; or nobody to ask
}

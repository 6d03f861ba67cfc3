// How long a wait lasts, what a signal does to it, and what wake() does. No upper bounds on time but kLimit, which
// only a lost wake reaches.
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

namespace {

std::atomic<int> alarms{0};
std::atomic<Selector*> toWake{nullptr};

void onAlarm(int) {
  alarms.fetch_add(1);
  if (Selector* const selector = toWake.load()) selector->wake();
}

// SIGALRM every `ms` for as long as it lives, since a first one may come before the wait has begun, where the machine
// is busy; but once if it wakes a selector: a wake is not lost.
class Alarm {
 public:
  explicit Alarm(int ms, Selector* selector = nullptr) {
    alarms = 0;
    toWake = selector;
    struct sigaction action = {};
    action.sa_handler = onAlarm;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, &previous_);
    const timeval first{0, ms * 1000};
    const itimerval timer{selector == nullptr ? first : timeval{}, first};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
  ~Alarm() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &previous_, nullptr);
    toWake = nullptr;
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  struct sigaction previous_ = {};
};

}  // namespace

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H19: a wait never ends before its time, whatever the fraction") {
  Subject subject;
  for (const int64_t ns : {int64_t{1}, int64_t{900}, int64_t{1'001}, int64_t{300'000}, int64_t{1'000'001},
                           int64_t{2'999'999}, 20 * kMillisecond}) {
    const int64_t begin = now();
    CHECK(subject->wait(ns) == 0);
    CHECK(now() - begin >= ns);
  }
}

TEST_CASE("H19: 0 looks and returns; the time is honoured with nothing registered, and when something is ready") {
  Subject subject;
  CHECK(subject->wait(0) == 0);
  const Pair a = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK(subject->wait(0) == 0);
  put(a.far, "a");
  CHECK(subject->wait(0) == 1);
  CHECK(subject->wait(-1) == 1);
  CHECK(subject->wait(INT64_MAX) == 1);
  CHECK(subject->wait(INT64_MIN) == 1);
}

TEST_CASE("H19: the longest times are accepted, and sleep") {
  Subject subject;
  if (subject.isDeaf()) return;
  for (const int64_t ns : {INT64_MAX, int64_t{200'000'000} * 1'000'000'000, int64_t{2'147'483'648} * kMillisecond}) {
    const Alarm alarm(10);
    CHECK(subject->wait(ns) == -EINTR);
    CHECK(alarms >= 1);
  }
}

TEST_CASE("H20: a signal ends the wait with EINTR, and the rest of the time can be waited for") {
  Subject subject;
  if (subject.isDeaf()) return;
  const Pair a = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  {
    const Alarm alarm(10);
    CHECK(subject->wait(kLimit) == -EINTR);
    CHECK(alarms >= 1);
  }
  const int64_t end = now() + 30 * kMillisecond;
  CHECK(subject->wait(30 * kMillisecond) == 0);
  CHECK(now() >= end);
  // Nothing is lost by it.
  put(a.far, "a");
  CHECK(subject.waitFor(1) == kRead);
}

#ifdef __linux__
TEST_CASE("H20: what a ring of the same thread has to do takes nothing from a wait") {
  Subject subject;
  if (subject.isDeaf()) return;
  std::vector<Ready> rows(4);
  int error = 0;
  const auto other = makeSelector("io_uring", rows.data(), 4, &error);
  if (other == nullptr) {
    MESSAGE("left out: there is no io_uring here: ", error);
    return;
  }
  const Pair a = makePipe();
  REQUIRE(other->add(a.near.get(), kRead | kEdge, 7) == 0);
  REQUIRE(other->wait(0) == 0);
  std::thread writer([&a] {
    for (int i = 0; i < 5; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      put(a.far, "x");
    }
  });
  const int64_t end = now() + 30 * kMillisecond;
  int returns = 0;
  for (int64_t left = end - now(); left > 0; left = end - now(), ++returns) CHECK(subject.wait(left).empty());
  writer.join();
  CHECK(returns <= 10);
  CHECK(other->wait(kLimit) == 1);
  CHECK(rows[0].token == 7);
}

TEST_CASE("H19, H20: a wait goes on when what comes is for somebody who has left") {
  Subject subject;
  Pair a = makePipe();
  const Pair b = makePipe();
  subject->fd();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  REQUIRE(subject->add(b.near.get(), kRead, 2) == 0);
  put(a.far, "a");
  CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->remove(a.near.get()) == 0);
  const int64_t begin = now();
  const int result = subject->wait(10 * kMillisecond);
  CHECK((result == -EINTR || (result == 0 && now() - begin >= 10 * kMillisecond)));
  CHECK(subject.silent());
}
#endif

TEST_CASE("H20: a wait for ever is interrupted too") {
  Subject subject;
  if (subject.isDeaf()) return;
  const Alarm alarm(10);
  CHECK(subject->wait(-1) == -EINTR);
}

TEST_CASE("H21: a wake before the wait is not lost, and it does not last") {
  Subject subject;
  CHECK(subject->wake() == 0);
  CHECK(subject.woken());
  CHECK(subject.silent());
  subject->wake();
  CHECK(subject->wait(0) == 0);
  CHECK(subject.silent());
}

TEST_CASE("H21: a thousand wakes count as one, and the next one counts again") {
  Subject subject;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1000; ++i) REQUIRE(subject->wake() == 0);
    CHECK(subject.woken());
    CHECK(subject.silent());
  }
}

TEST_CASE("H21: another thread ends a wait that has no limit") {
  Subject subject;
  if (subject.isDeaf()) return;
  for (int round = 0; round < 20; ++round) {
    std::thread other([&] {
      const timespec aLittle{0, (round % 3) * 500'000};
      nanosleep(&aLittle, nullptr);
      subject->wake();
    });
    CHECK(subject->wait(-1) == 0);
    other.join();
  }
  CHECK(subject.silent());
}

TEST_CASE("H21: with many threads at it, whoever wakes is seen") {
  Subject subject;
  if (subject.isDeaf()) return;
  constexpr int kEach = 2000;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        done.fetch_add(1);
        subject->wake();
      }
    });
  }
  bool lost = false;
  while (done < 3 * kEach && !lost) lost = !subject.woken() && done < 3 * kEach;
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(lost);
}

TEST_CASE("H21: a signal handler may wake, and it is seen in this wait or the next") {
  Subject subject;
  if (subject.isDeaf()) return;
  const Alarm alarm(10, subject.operator->());
  const int first = subject->wait(kLimit);
  CHECK((first == 0 || first == -EINTR));
  CHECK(alarms == 1);
  if (first == -EINTR) CHECK(subject.woken());
  CHECK(subject.silent());
}

TEST_CASE("H21: a wake together with rows takes nothing from them") {
  Subject subject;
  const Pair a = makePipe();
  put(a.far, "a");
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  subject->wake();
  CHECK(subject.wait() == std::map<int32_t, uint32_t>{{1, kRead}});
  CHECK(take(a.near) == "a");
  CHECK(subject.silent());
}

TEST_CASE("H21: the selector's own fd is readable exactly when a wait would not sleep") {
  Subject subject;
  if (subject->fd() < 0 || isShim()) return;
  const auto readable = [&] {
    // Asked of poll, as a host's loop would.
    Ready row{};
    int error = 0;
    const auto host = makeSelector("poll", &row, 1, &error);
    REQUIRE(host->add(subject->fd(), kRead, 1) == 0);
    return host->wait(10 * kMillisecond) == 1;
  };
  CHECK_FALSE(readable());
  subject->wake();
  CHECK(readable());
  subject.wait();
  CHECK_FALSE(readable());
  const Pair a = makePipe();
  REQUIRE(subject->add(a.near.get(), kRead, 1) == 0);
  CHECK_FALSE(readable());
  put(a.far, "a");
  CHECK(readable());
  take(a.near);
  // An io_uring has been told once; what became of it, it learns at the next wait.
  if (subject->lazy()) subject.wait();
  CHECK_FALSE(readable());
}

TEST_SUITE_END();

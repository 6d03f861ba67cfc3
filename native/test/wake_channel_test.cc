// The bell.
#include "wake_channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

using coreactor::WakeChannel;

static bool readable(const WakeChannel& channel) {
  pollfd entry{channel.fd(), POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

TEST_CASE("H21: a channel is readable from the first signal to the drain, however many there were") {
  WakeChannel channel;
  REQUIRE(channel.open() == 0);
  CHECK_FALSE(readable(channel));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1000; ++i) REQUIRE(channel.signal() == 0);
    CHECK(readable(channel));
    channel.drain();
    CHECK_FALSE(readable(channel));
  }
  channel.drain();
  CHECK(channel.signal() == 0);
  CHECK(readable(channel));
}

TEST_CASE("H21: many signals cost one write") {
  WakeChannel channel;
  REQUIRE(channel.open() == 0);
  for (int i = 0; i < 5; ++i) channel.signal();
  uint64_t rings = 0;
  REQUIRE(read(channel.fd(), &rings, sizeof rings) == sizeof rings);
  CHECK(rings == 1);
}

TEST_CASE("H21: a full channel counts as success and stays readable; errno is left alone") {
  WakeChannel channel;
  REQUIRE(channel.open() == 0);
#ifdef __linux__
  const uint64_t most = UINT64_MAX - 1;
  REQUIRE(write(channel.fd(), &most, sizeof most) == sizeof most);
#endif
  errno = 4711;
  CHECK(channel.signal() == 0);
  CHECK(errno == 4711);
  CHECK(readable(channel));
}

TEST_CASE("H21: a drain that races with a signal does not leave the channel deaf") {
  WakeChannel channel;
  REQUIRE(channel.open() == 0);
  constexpr int kRounds = 100'000;
  std::atomic<int> started{0};
  std::atomic<int> finished{0};
  const auto await = [](const std::atomic<int>& counter, int round) {
    for (int spins = 0; counter.load() < round; ++spins) {
      if (spins > 1000) std::this_thread::yield();
    }
  };
  const auto pause = [](int steps) {
    for (volatile int i = 0; i < steps; i = i + 1) {
    }
  };
  std::thread ringer([&] {
    for (int round = 1; round <= kRounds; ++round) {
      await(started, round);
      pause(round % 128);
      channel.signal();
      finished.store(round);
    }
  });
  int deaf = 0;
  for (int round = 1; round <= kRounds; ++round) {
    started.store(round);
    pause(round / 128 % 128);
    channel.drain();
    await(finished, round);
    channel.signal();
    if (!readable(channel)) ++deaf;
    channel.drain();
  }
  ringer.join();
  CHECK(deaf == 0);
}

TEST_CASE("H22: the channel is closed on exec and does not block") {
  WakeChannel channel;
  REQUIRE(channel.open() == 0);
  CHECK((fcntl(channel.fd(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(channel.fd(), F_GETFL) & O_NONBLOCK) != 0);
}

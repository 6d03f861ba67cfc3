// What the tests share: a selector of the kind under test, and pairs of descriptors to try it on.
// main.cc runs the conformance suite once per selector. Everything here lives as long as one test.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "selector.h"
#include "unique_fd.h"

namespace coreactor::test {

// The selector that the conformance suite runs on at the moment; set by main.cc.
extern std::string_view currentSelector;

constexpr int64_t kMillisecond = 1'000'000;
// Long enough for the slowest machine: reached only by a test that fails.
constexpr int64_t kLimit = 20'000 * kMillisecond;

int64_t now();  // CLOCK_MONOTONIC, ns

// libkqueue is no kernel: it reads SO_ERROR before we can, does not notice close(), and its fd cannot be polled.
bool isShim();

class Subject {
 public:
  explicit Subject(int capacity = 64);

  Selector* operator->() { return selector_.get(); }
  bool is(std::string_view name) { return selector_->name() == name; }

  // Valgrind lets nobody else run, no thread and no signal handler, while it is in io_uring_enter().
  bool isDeaf();

  // One wait; the rows by token. Fails on any error but -EINTR, and on two rows of one token.
  std::map<int32_t, uint32_t> wait(int64_t ns = kLimit);

  // Waits until this token is told, and gives its events.
  uint32_t waitFor(int32_t token);

  // Whether the selector has nothing to say for a while, and sleeps meanwhile.
  bool silent();

  // Whether a wait ends without rows and before kLimit.
  bool woken();

 private:
  std::vector<Ready> rows_;
  std::unique_ptr<Selector> selector_;
};

struct Pair {
  UniqueFd near;
  UniqueFd far;
};

// All ends are non-blocking.
Pair makePipe();  // near reads, far writes
Pair makeUnixPair();
Pair makeTcpPair();

void put(const UniqueFd& fd, std::string_view text);
std::string take(const UniqueFd& fd, size_t most = 4096);  // "" at the end; fails the test if nothing is there
void fillUp(const UniqueFd& fd);                           // writes until it would block
void resetConnection(UniqueFd& fd);                        // closes it so that the peer gets an RST

// Whether the peer of a socket that is closed has learnt of it.
bool hasEnded(const UniqueFd& peer);

// Closes what has this number and gives the number to another file, in one step.
void reuse(const UniqueFd& number, const UniqueFd& file);

// A duplicate with a number of at least `least`.
UniqueFd duplicate(const UniqueFd& fd, int least = 0);

}  // namespace coreactor::test

#define CONFORMANCE_SUITE "conformance"

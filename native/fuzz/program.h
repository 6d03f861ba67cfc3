// A random program for the selector's fuzzer: a list of operations on a few slots that hold descriptors. Any part of a
// program is a program too (an operation on an empty slot does nothing), so that a failing one can be shrunk.
// Values without state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace coreactor::fuzz {

constexpr unsigned kSlots = 16;

enum class Kind : uint8_t {
  // What fills slots. The first five make two connected ends.
  kPipe,
  kUnixPair,
  kDatagramPair,
  kTcpPair,
  kUdpPair,
  kEvent,
  kListener,  // and a client of it that is waiting to be accepted
  kRefused,   // a connect() that nobody answers
  kAccept,
  kDup,      // to a new number, low or beyond FD_SETSIZE
  kReplace,  // dup2() over a number, without a word to the selector
  // What happens to a descriptor.
  kWrite,
  kFill,
  kUrgent,
  kRead,
  kDrain,
  kShutdown,
  kSocketError,
  // What it may end with.
  kRemoveAndClose,
  kRemoveAndReset,
  kCloseBare,  // without remove()
  // What the selector is asked.
  kAdd,
  kModify,
  kRemove,
  kWake,
  kWait,
  kSettle,  // waits until everything must have been told
  kKinds
};

struct Operation {
  Kind kind;
  uint8_t slot;
  uint8_t other;
  uint32_t value;
};

struct Program {
  int capacity;  // of a batch
  bool host;     // whether fd() is polled before each wait, as a host loop does
  std::vector<Operation> operations;
};

// The same seed gives the same program on every machine.
Program generate(uint64_t seed, size_t count);

std::string describe(const Operation& operation);

// A shorter program that still fails, by leaving out one stretch after the other.
Program shrink(Program program, const std::function<bool(const Program&)>& fails);

}  // namespace coreactor::fuzz

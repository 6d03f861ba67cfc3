// Random programs; see program.h.
#include "program.h"

#include <algorithm>

#include "../selector.h"

namespace coreactor::fuzz {
namespace {

struct Weight {
  Kind kind;
  unsigned weight;
  const char* name;
};

constexpr Weight kWeights[] = {
    {Kind::kPipe, 3, "pipe"},
    {Kind::kUnixPair, 3, "unixPair"},
    {Kind::kDatagramPair, 2, "datagramPair"},
    {Kind::kTcpPair, 4, "tcpPair"},
    {Kind::kUdpPair, 2, "udpPair"},
    {Kind::kEvent, 2, "event"},
    {Kind::kListener, 1, "listener"},
    {Kind::kRefused, 1, "refused"},
    {Kind::kAccept, 2, "accept"},
    {Kind::kDup, 5, "dup"},
    {Kind::kReplace, 2, "replace"},
    {Kind::kWrite, 18, "write"},
    {Kind::kFill, 4, "fill"},
    {Kind::kUrgent, 2, "urgent"},
    {Kind::kRead, 9, "read"},
    {Kind::kDrain, 8, "drain"},
    {Kind::kShutdown, 4, "shutdown"},
    {Kind::kSocketError, 1, "socketError"},
    {Kind::kRemoveAndClose, 5, "removeAndClose"},
    {Kind::kRemoveAndReset, 2, "removeAndReset"},
    {Kind::kCloseBare, 2, "closeBare"},
    {Kind::kAdd, 24, "add"},
    {Kind::kModify, 18, "modify"},
    {Kind::kRemove, 6, "remove"},
    {Kind::kWake, 2, "wake"},
    {Kind::kWait, 28, "wait"},
    {Kind::kSettle, 4, "settle"},
};
static_assert(sizeof kWeights / sizeof *kWeights == static_cast<size_t>(Kind::kKinds));

// splitmix64
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  unsigned below(unsigned limit) { return static_cast<unsigned>(next() % limit); }

 private:
  uint64_t state_;
};

}  // namespace

Program generate(uint64_t seed, size_t count) {
  Random random(seed);
  constexpr int kCapacities[] = {64, 64, 64, 64, 1, 2, 3, 5};
  Program program{kCapacities[random.below(8)], random.below(4) == 0, {}};
  // Few slots make for more reuse.
  const unsigned slots = 4 + random.below(kSlots - 3);
  unsigned total = 0;
  for (const Weight& each : kWeights) total += each.weight;
  const auto slot = [&] { return static_cast<uint8_t>(random.below(slots)); };
  const auto push = [&](Kind kind, uint8_t to, uint8_t from) {
    program.operations.push_back({kind, to, from, static_cast<uint32_t>(random.next())});
  };
  while (program.operations.size() < count) {
    if (random.below(40) == 0) {
      // What chance alone would hardly bring: a file that lives on in a dup, and its number registered again, for
      // another file or for the same.
      const uint8_t near = slot();
      const uint8_t far = slot();
      push(Kind::kAdd, near, far);
      push(Kind::kDup, far, near);
      push(Kind::kCloseBare, near, far);
      push(Kind::kRemove, near, far);
      push(random.below(2) == 0 ? Kind::kEvent : Kind::kDup, near, far);
      push(Kind::kAdd, near, far);
      continue;
    }
    unsigned left = random.below(total);
    const Weight* chosen = kWeights;
    while (left >= chosen->weight) left -= chosen++->weight;
    const uint8_t to = slot();
    push(chosen->kind, to, slot());
  }
  program.operations.resize(count);
  return program;
}

std::string describe(const Operation& operation) {
  const auto kind = static_cast<size_t>(operation.kind);
  return std::string(kWeights[kind].name) + " " + std::to_string(operation.slot) + " " +
         std::to_string(operation.other) + " " + std::to_string(operation.value);
}

Program shrink(Program program, const std::function<bool(const Program&)>& fails) {
  for (size_t stretch = program.operations.size() / 2; stretch > 0;) {
    bool shorter = false;
    for (size_t at = 0; at < program.operations.size();) {
      Program candidate = program;
      auto& list = candidate.operations;
      const auto first = list.begin() + static_cast<std::ptrdiff_t>(at);
      list.erase(first, first + static_cast<std::ptrdiff_t>(std::min(stretch, list.size() - at)));
      if (fails(candidate)) {
        program = std::move(candidate);
        shorter = true;
      } else {
        at += stretch;
      }
    }
    if (stretch > 1) {
      stretch /= 2;
    } else if (!shorter) {
      break;
    }
  }
  return program;
}

}  // namespace coreactor::fuzz

// The descriptors that a random program plays with. Owned by one trial and closed with it.
#pragma once

#include <array>
#include <cstdint>

#include "../unique_fd.h"
#include "program.h"

namespace coreactor::fuzz {

class Files {
 public:
  // Carries out an operation that makes or uses descriptors. Those that close or replace are the trial's, which knows
  // the selector.
  void make(const Operation& operation);
  void use(const Operation& operation);

  // The number that the slot has or had last; -1 before it had one. Only an open slot is read, written and closed.
  int number(unsigned slot) const { return numbers_[slot]; }
  bool isOpen(unsigned slot) const { return static_cast<bool>(fds_[slot]); }
  void close(unsigned slot) { fds_[slot].reset(); }
  void reset(unsigned slot);  // so that a peer gets an RST

  // How many slots make() fills: `slot`, or `slot` and `other`.
  static bool makesTwo(Kind kind);

 private:
  void hold(unsigned slot, int fd);
  void connectPair(const Operation& operation);
  void listenFor(const Operation& operation);
  void refuse(const Operation& operation);

  std::array<UniqueFd, kSlots> fds_;
  std::array<int, kSlots> numbers_ = [] {
    std::array<int, kSlots> none{};
    none.fill(-1);
    return none;
  }();
};

}  // namespace coreactor::fuzz

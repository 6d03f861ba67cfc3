// The descriptors that a random program plays with. Owned by one trial and closed with it.
#pragma once

#include <array>
#include <cstdint>
#include <set>

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

  // The selector may keep the slot's file open from now on, which was closed without remove().
  void haunt(unsigned slot) { haunted_.insert(ids_[slot]); }
  // Puts the file of `other` under the slot's number.
  void replace(unsigned slot, unsigned other);
  // Whether the slot was the last to hold an end of a pipe or stream, and the other end is not told that it is gone.
  bool isHeldByStranger(unsigned slot) const;

  // How many slots make() fills: `slot`, or `slot` and `other`.
  static bool makesTwo(Kind kind);

 private:
  static constexpr int kNoPeer = -1;

  void hold(unsigned slot, int fd, int id = kNoPeer);
  void connectPair(const Operation& operation);
  void listenFor(const Operation& operation);
  void refuse(const Operation& operation);

  std::array<UniqueFd, kSlots> fds_;
  std::array<int, kSlots> ids_{};  // of the files; that of the other end is id ^ 1
  int nextId_ = 0;
  std::set<int> haunted_;
  std::array<int, kSlots> numbers_ = [] {
    std::array<int, kSlots> none{};
    none.fill(-1);
    return none;
  }();
};

}  // namespace coreactor::fuzz

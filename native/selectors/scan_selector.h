// What poll and select have in common: they keep nothing between two waits, are handed the whole list each time, and
// their answer is walked through. So edges are emulated and fairness is made here.
// Each child adds scan(). Belongs to its owner's thread.
#pragma once

#include <poll.h>

#include <vector>

#include "../selector.h"

namespace coreactor {

class ScanSelector : public Selector {
 public:
  ScanSelector(Ready* rows, int capacity) : Selector(rows, capacity) {}

  bool edges() const final { return false; }
  int open() { return start(); }
  std::vector<pollfd> pollSet() override { return list_; }

 protected:
  // What poll(2) does, with the list as it is there: an entry with a negative fd is skipped, revents are filled in,
  // POLLNVAL stands for a closed fd. Returns how many entries have revents, or -errno.
  virtual int scan(std::vector<pollfd>& list, int64_t ns) = 0;

 private:
  int change(int fd, const Registration* before, const Registration* after) final;
  int poll(int64_t ns) final;
  void tell(pollfd& entry);

  std::vector<pollfd> list_;    // in no order; entry.events is what is still to be told
  std::vector<size_t> places_;  // from an fd to its place in the list
  size_t first_ = 0;            // where the next walk begins
};

}  // namespace coreactor

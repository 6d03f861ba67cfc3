// The table of what is registered, indexed by fd: the reason why every mechanism gives the same errors.
// Owned by one Selector and as old as it; used on its thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace coreactor {

struct Registration {
  int32_t token;
  uint32_t interest;
};

class Registry {
 public:
  // Null if fd is not registered. The pointer holds until the next set().
  const Registration* find(int fd) const {
    const auto slot = static_cast<size_t>(fd);  // a negative fd becomes a slot beyond every table
    return slot < slots_.size() && slots_[slot].token != kVacant ? &slots_[slot] : nullptr;
  }

  // Enters or replaces; the table grows as needed. fd >= 0.
  void set(int fd, Registration registration);
  void erase(int fd);

  // Calls visit(fd, registration) for all of them.
  template <class Visit>
  void each(Visit visit) const {
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].token != kVacant) visit(static_cast<int>(slot), slots_[slot]);
    }
  }

 private:
  static constexpr int32_t kVacant = std::numeric_limits<int32_t>::min();

  std::vector<Registration> slots_;
};

}  // namespace coreactor

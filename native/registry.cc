// The table of registrations; see registry.h.
#include "registry.h"

namespace coreactor {

void Registry::set(int fd, Registration registration) {
  const auto slot = static_cast<size_t>(fd);
  if (slot >= slots_.size()) slots_.resize(slot + 1, Registration{kVacant, 0});
  slots_[slot] = registration;
}

void Registry::erase(int fd) {
  if (find(fd) != nullptr) slots_[static_cast<size_t>(fd)].token = kVacant;
}

}  // namespace coreactor

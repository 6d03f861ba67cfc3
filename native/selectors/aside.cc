// What a ring leaves to an epoll; see aside.h.
#include "aside.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <algorithm>

namespace coreactor {

int Aside::add(int fd, uint32_t interest, int32_t token) {
  int error = 0;
  if (selector_ == nullptr) selector_ = openEpoll(rows_, kRows, &error);
  return selector_ == nullptr ? error : selector_->add(fd, interest, token);
}

// Its rows that were not taken are void with that.
void Aside::remove(int fd) { selector_->remove(fd); }

void Aside::look() {
  next_ = 0;
  count_ = std::max(0, selector_->wait(0));
}

const Ready* Aside::take() {
  while (hasMore()) {
    const Ready& row = rows_[next_++];
    if (row.events != 0) return &row;
  }
  return nullptr;
}

}  // namespace coreactor

#endif

// What a ring leaves to an epoll; see aside.h.
#include "aside.h"

#ifdef COREACTOR_HAVE_IO_URING

namespace coreactor {

int Aside::attach(uint8_t* inbox, size_t size) {
  mailbox_.inbox = inbox;
  mailbox_.inboxSize = size;
  return selector_ == nullptr ? 0 : selector_->attach(mailbox_);
}

int Aside::add(int fd, uint32_t interest, int32_t token) {
  int error = 0;
  if (selector_ == nullptr) {
    selector_ = openEpoll(rows_, kRows, &error);
    if (selector_ != nullptr && mailbox_.inbox != nullptr) error = selector_->attach(mailbox_);
  }
  return selector_ == nullptr ? error : selector_->add(fd, interest, token);
}

}  // namespace coreactor

#endif

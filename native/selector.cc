// What all mechanisms share: errors, the table, the rows; see selector.h.
#include "selector.h"

#include <cerrno>

namespace coreactor {
namespace {

constexpr uint32_t kAskable = kRead | kWrite | kPriority | kEdge;
constexpr uint32_t kUnasked = kError | kHangup | kReadHangup;

int checkArguments(int fd, uint32_t interest, int32_t token) {
  if (fd < 0) return -EBADF;
  return (interest & ~kAskable) != 0 || token < 0 ? -EINVAL : 0;
}

}  // namespace

int Selector::start() {
  if (const int error = wake_.open(); error < 0) return error;
  return enter(wake_.fd(), nullptr, {kWakeToken, kRead});
}

int Selector::add(int fd, uint32_t interest, int32_t token) {
  if (const int error = checkArguments(fd, interest, token); error < 0) return error;
  if (registry_.find(fd) != nullptr) return -EEXIST;
  return enter(fd, nullptr, {token, interest});
}

int Selector::modify(int fd, uint32_t interest, int32_t token) {
  if (const int error = checkArguments(fd, interest, token); error < 0) return error;
  const Registration* const before = registry_.find(fd);
  if (before == nullptr || before->token == kWakeToken) return -ENOENT;
  return enter(fd, before, {token, interest});
}

int Selector::remove(int fd) {
  if (fd < 0) return -EBADF;
  const Registration* const found = registry_.find(fd);
  if (found == nullptr || found->token == kWakeToken) return 0;
  const Registration before = *found;
  registry_.erase(fd);
  // Whatever the kernel says now is about a closed descriptor or about the number's next owner: no concern of ours.
  change(fd, &before, nullptr);
  for (int row = 0; row < count_; ++row) {
    if (rows_[row].token == before.token) rows_[row].events = 0;
  }
  return 0;
}

int Selector::wait(int64_t ns) {
  count_ = 0;
  const int error = poll(ns);
  return error < 0 ? error : count_;
}

int Selector::enter(int fd, const Registration* before, Registration after) {
  const int error = change(fd, before, &after);
  // Not before: a number that is not open must not make the table grow.
  if (error == 0) registry_.set(fd, after);
  return error;
}

void Selector::emit(const Registration& to, uint32_t events) {
  if (to.token == kWakeToken) return wake_.drain();
  uint32_t told = events & (to.interest | kUnasked);
  if ((told & (kError | kHangup)) != 0) told |= to.interest & (kRead | kWrite);
  rows_[count_++] = Ready{to.token, static_cast<int32_t>(told)};
}

}  // namespace coreactor

// What all mechanisms share: errors, the table, the rows; see selector.h.
#include "selector.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "socket.h"

namespace coreactor {
namespace {

constexpr uint32_t kAskable = kRead | kWrite | kPriority | kEdge | kReceive | kBulk | kAccept;
constexpr uint32_t kUnasked = kError | kHangup | kReadHangup;

int checkArguments(int fd, uint32_t interest, int32_t token, bool hasInbox) {
  if (fd < 0) return -EBADF;
  if ((interest & ~kAskable) != 0 || token < 0) return -EINVAL;
  if ((interest & (kReceive | kAccept)) == 0) return 0;
  if ((interest & kReceive) != 0 && !hasInbox) return -EINVAL;
  return (interest & kRead) != 0 && (interest & kEdge) != 0 ? 0 : -EINVAL;
}

// What of the events was asked for, or is always told.
uint32_t visible(const Registration& to, uint32_t events) {
  const uint32_t told = events & (to.interest | kUnasked);
  return (told & (kError | kHangup)) != 0 ? told | (to.interest & (kRead | kWrite)) : told;
}

}  // namespace

int Selector::start(bool pipe) {
  if (const int error = wake_.open(pipe); error < 0) return error;
  return enter(wake_.fd(), nullptr, {kWakeToken, kRead});
}

int Selector::add(int fd, uint32_t interest, int32_t token) {
  if (const int error = checkArguments(fd, interest, token, mailbox_.inbox != nullptr); error < 0) return error;
  if (registry_.find(fd) != nullptr) return -EEXIST;
  return enter(fd, nullptr, {token, interest});
}

int Selector::modify(int fd, uint32_t interest, int32_t token) {
  if (const int error = checkArguments(fd, interest, token, mailbox_.inbox != nullptr); error < 0) return error;
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
  accepted_.clear();
  sendOrders();
  if (room() == 0) return count_;
  const bool unsent = count_ > 0;
  // It may lie in the inbox, and is told with this batch: nothing is received over it.
  const bool receives = mayReceive_ && !unsent;
  received_ = receives ? 0 : mailbox_.inboxSize;
  arrivals_ = 0;
  crowded_ = false;
  const int error = poll(unsent ? 0 : ns);
  if (receives) learnShare();
  return error < 0 && count_ == 0 ? error : count_;
}

// Of the inbox, less a piece that is larger than it seemed.
size_t Selector::mostAtOnce() const {
  return std::min(kBatchBytes, mailbox_.inboxSize - std::min(mailbox_.inboxSize, kMostBulk));
}

void Selector::learnShare() {
  if (crowded_ && arrivals_ > 0) {
    share_ = arrivals_;
  } else if (count_ >= share_ && received_ < mostAtOnce() / 2) {
    share_ = std::min(share_ * 2, capacity_);
  }
}

int Selector::flush() {
  count_ = 0;
  Selector::sendOrders();
  return count_;
}

void Selector::sendOrders() {
  const int count = takeOrders();
  for (int i = 0; i < count; ++i) sendOrder(i);
}

void Selector::sendOrder(int index) {
  const Order& order = mailbox_.orders[index];
  const auto length = static_cast<size_t>(order.length);
  const int result = isInside(order, mailbox_) ? transmit(order.fd, mailbox_.outbox + order.offset, length) : -EFAULT;
  if (result != order.length) emitUnsent(index, result);
}

int Selector::takeOrders() {
  if (mailbox_.orderCount == nullptr) return 0;
  return std::min({std::exchange(*mailbox_.orderCount, 0), mailbox_.orderCapacity, room()});
}

void Selector::emitUnsent(int index, int result) {
  rows_[count_++] = Ready{mailbox_.orders[index].token, kSent, result == -EAGAIN ? 0 : result, index};
}

void Selector::emitReceived(int32_t token, uint32_t events, int result, size_t offset) {
  rows_[count_++] = Ready{token, static_cast<int32_t>(events), result, static_cast<int32_t>(offset)};
}

int Selector::enter(int fd, const Registration* before, Registration after) {
  const int error = change(fd, before, &after);
  // Not before: a number that is not open must not make the table grow.
  if (error == 0) registry_.set(fd, after);
  return error;
}

int Selector::emit(int fd, const Registration& to, uint32_t events) {
  if (to.token == kWakeToken) {
    wake_.drain();
    return -1;
  }
  const uint32_t told = visible(to, events);
  // Anything unusual is told as it is, and whoever reads meets it there.
  const bool plain = (told & ~kWrite) == kRead;
  if (!plain || (to.interest & kReceive) == 0 || !receiveFor(fd, to, told)) {
    rows_[count_++] = Ready{to.token, static_cast<int32_t>(told)};
  }
  return count_ - 1;
}

void Selector::amend(int row, const Registration& to, uint32_t events) {
  if (row >= 0) rows_[row].events |= static_cast<int32_t>(visible(to, events));
}

// False if there is nothing more to be told: the end of the stream, nothing after all, or no place left.
bool Selector::receiveFor(int fd, const Registration& to, uint32_t told) {
  const size_t most = (to.interest & kBulk) != 0 ? kMostBulk : kParcel;
  if (received_ >= mostAtOnce() || received_ + most > mailbox_.inboxSize) {
    crowded_ = true;
    return false;
  }
  const int result = receive(fd, mailbox_.inbox + received_, most);
  if (result == 0 || result == -EAGAIN) return false;
  const bool full = result == static_cast<int>(most);
  emitReceived(to.token, kReceive | (full ? told : told & ~kRead), result, received_);
  if (result < 0) return true;
  ++arrivals_;
  // Whole words, so that they can be copied by the word.
  received_ += (static_cast<size_t>(result) + 7) & ~size_t{7};
  return true;
}

}  // namespace coreactor

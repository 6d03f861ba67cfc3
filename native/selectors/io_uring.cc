// io_uring(7): readiness as poll requests, and for kReceive and the orders the work itself. A turn is one system call:
// it takes along every new request, sends and all, and brings what is complete. Linux 6.12.
//
//   level-triggered   a poll request for each telling, made anew at the next wait
//   edge-triggered    one that goes on telling (multishot), or what aside.h says
//   kReceive          one receive that goes on (multishot), into the inbox: see buffer_ring.h; in bulk, aside.h again
//   kAccept           one accept that goes on (multishot)
//   orders            sends that never wait, so that their bytes are free when the call returns
//
// How a request is known, and what becomes of those that were replaced: requests.h.
#include "mechanisms.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "../buffer_ring.h"
#include "../file_table.h"
#include "../pollable.h"
#include "../ring.h"
#include "../unique_fd.h"
#include "aside.h"
#include "poll_mask.h"
#include "requests.h"

namespace coreactor {
namespace {

constexpr unsigned kRequests = 2048;
constexpr unsigned kCompletions = 4096;
constexpr unsigned kMostAtOnce = 8;  // requests that one change of a registration may need
// Completions that those of kRequests which go on may add to one each.
constexpr unsigned kGoingOn = 512;

struct Watch {
  Request poll;
  Request receive;
  Request accept;
  uint32_t asked = 0;  // by the poll request
  bool aside = false;  // no poll request: it is left to aside_
  uint32_t batch = 0;  // in which it has been told readiness, and in which row
  int row = 0;
  uint32_t stopped = ~0U;  // the batch after which a request was asked to end
};

// Whether the ring is to receive. What comes in bulk had better be a few pieces at a time that stay in the cache, and
// the ring would bring what all have.
bool ringReceives(uint32_t interest) { return (interest & (kReceive | kBulk)) == kReceive; }

// The part of the interest that a poll request looks after beside a receive or accept.
uint32_t besides(uint32_t interest) { return interest & ~(kRead | kPriority | kReceive | kBulk | kAccept); }

void ring(int bell) {
  const uint64_t once = 1;
  if (::write(bell, &once, sizeof once) < 0) return;  // it rings already
}

void silence(int bell) {
  uint64_t rings;
  if (::read(bell, &rings, sizeof rings) < 0) return;  // it was silent
}

class UringSelector final : public Selector {
 public:
  UringSelector(Ready* rows, int capacity) : Selector(rows, capacity) {}
  ~UringSelector() override;

  int open() {
    if (const int error = ring_.open(kRequests, kCompletions); error < 0) return error;
    if (const int error = BufferRing::check(ring_); error < 0) return error;
    // A sandbox may refuse this call and not the others.
    if (const int error = ring_.settle(); error < 0) return error;
    files_.open();
    // An eventfd that is rung by another is rung late.
    return start(true);
  }

  const char* name() const override { return "io_uring"; }
  bool edges() const override { return true; }
  bool lazy() const override { return true; }
  int fd() override;
  int attach(const Mailbox& mailbox) override;
  void detach() override;

 private:
  int change(int fd, const Registration* before, const Registration* after) override;
  int poll(int64_t ns) override;
  void sendOrders() override;

  void startPoll(int fd, uint32_t interest, int32_t token);
  void startAside();
  void stop(Kind kind, const Request& request, int fd);
  void stopPoll(int fd);
  int renewAll();
  void askLateOnesAgain();
  void announce();
  void sendWithoutRing();
  void renew(int fd, const Registration& to);

  void complete(const io_uring_cqe& completion);
  void pollComplete(int fd, const io_uring_cqe& completion);
  void receiveComplete(int fd, const io_uring_cqe& completion);
  void acceptComplete(int fd, const io_uring_cqe& completion);
  static uint32_t besideReceive(const Registration& to, const Watch& watch, uint32_t events);
  static int withoutRumour(int fd, int told);
  void tell(int fd, const Registration& to, uint32_t events);
  void tellAside();
  bool isInRing(const Order& order) const;

  BufferRing buffers_;
  Ring ring_;
  Requests requests_{ring_};
  FileTable files_{ring_};
  Aside aside_;
  Request asidePoll_;
  UniqueFd bell_;               // rings when something is complete, for fd()
  std::vector<Watch> watches_;  // by fd
  std::vector<int> stale_;      // fds that need a new request before the next wait
  uint32_t batch_ = 0;
  bool woken_ = false;   // in this batch
  size_t ringSize_ = 0;  // the part of the inbox that the ring receives into; the rest is for aside_
  bool lent_ = false;    // an order lies in there
  bool unsent_ = false;  // some order has failed in this batch
};

UringSelector::~UringSelector() {
  if (ring_.fd() < 0) return;
  // What was accepted and not told is nobody's, and what had no room in the ring comes when there is some.
  for (size_t fd = 0; fd < watches_.size(); ++fd)
    requests_.withdraw(Kind::kAccept, watches_[fd].accept, static_cast<int>(fd));
  for (bool more = true; more;) {
    more = ring_.settle() == 0;
    unsigned head = ring_.head();
    for (; head != ring_.ready(); ++head) {
      const io_uring_cqe& completion = ring_.completion(head);
      if (kindOf(completion.user_data) == Kind::kAccept && completion.res >= 0) ::close(completion.res);
    }
    ring_.consume(head);
    more = more && ring_.hasMore();
  }
}

int UringSelector::fd() {
  // The ring's own descriptor would not do: it shows what is complete, and here that needs somebody to come and ask.
  if (bell_) return bell_.get();
  UniqueFd bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  int number = bell.get();
  if (!bell || ring_.registerWith(IORING_REGISTER_EVENTFD, &number, 1) < 0) return -1;
  bell_ = std::move(bell);
  announce();
  return bell_.get();
}

int UringSelector::attach(const Mailbox& mailbox) {
  if (const int error = Selector::attach(mailbox); error < 0) return error;
  const size_t half = mailbox.inboxSize / 2;
  int error = buffers_.open(ring_, mailbox.inbox, half);
  if (error == 0) error = aside_.attach(mailbox.inbox + half, mailbox.inboxSize - half);
  if (error < 0) mailbox_ = Mailbox();  // or it would be taken for one into which the kernel receives
  ringSize_ = half;
  mailbox_.inboxSize = 0;  // what is told here is not received here
  return error;
}

void UringSelector::detach() {
  BufferRing::close(ring_);
  aside_.attach(nullptr, 0);
  Selector::detach();
}

bool UringSelector::isInRing(const Order& order) const {
  const uint8_t* const bytes = mailbox_.outbox + order.offset;
  return bytes >= mailbox_.inbox && bytes < mailbox_.inbox + ringSize_;
}

void UringSelector::startPoll(int fd, uint32_t interest, int32_t token) {
  Watch& watch = watches_[static_cast<size_t>(fd)];
  watch.asked = interest;
  if (Aside::takes(interest) && aside_.add(fd, interest, token) == 0) {
    watch.aside = true;
    return startAside();
  }
  int asked = toPoll(interest);
  // Woken for urgent data, a request compares everything but POLLPRI: alone it would sleep on. TCP wakes with this,
  // too.
  if ((asked & (POLLIN | POLLPRI)) == POLLPRI) asked |= POLLRDBAND;
  requests_.poll(Kind::kPoll, watch.poll, fd, asked, (interest & kEdge) != 0);
}

void UringSelector::startAside() {
  if (asidePoll_ || aside_.fd() < 0) return;
  requests_.poll(Kind::kAside, asidePoll_, aside_.fd(), POLLIN, false);
}

void UringSelector::stop(Kind kind, const Request& request, int fd) {
  requests_.stop(kind, request, fd);
  watches_[static_cast<size_t>(fd)].stopped = batch_;
}

// What it still completes is for nobody.
void UringSelector::stopPoll(int fd) {
  Watch& watch = watches_[static_cast<size_t>(fd)];
  if (watch.aside) aside_.remove(fd);
  watch.aside = false;
  const Request poll = std::exchange(watch.poll, Request());
  if (poll && !requests_.takeBack(poll)) stop(Kind::kPoll, poll, fd);
}

int UringSelector::change(int fd, const Registration* before, const Registration* after) {
  if (const int error = checkChange(fd, before, after); error < 0) return error;
  if (static_cast<size_t>(fd) >= watches_.size()) watches_.resize(static_cast<size_t>(fd) + 1);
  files_.leave(fd);
  Watch& watch = watches_[static_cast<size_t>(fd)];
  if (after == nullptr) {
    if (watch.aside) aside_.remove(fd);
    const bool polling = requests_.withdraw(Kind::kPoll, watch.poll, fd);
    const bool receiving = requests_.withdraw(Kind::kReceive, watch.receive, fd);
    const bool accepting = requests_.withdraw(Kind::kAccept, watch.accept, fd);
    // Or the kernel would hold the file beyond close(): the peer would not learn of it, the port not be free.
    const bool stopping = watch.stopped == batch_;
    if (stopping) ring_.submit();
    // An earlier end may have been put off, too.
    if (stopping || polling || receiving || accepting || ring_.hasMore()) ring_.settle();
    watch = Watch();
    return 0;
  }
  if (const int error = ring_.reserve(kMostAtOnce); error < 0) return error;
  stopPoll(fd);  // one that comes anew tells anew, which modify() is to do
  if (!ringReceives(after->interest) && watch.receive) {
    // What it has received until it ends comes before what anybody reads by himself: only then is kRead looked for.
    stop(Kind::kReceive, watch.receive, fd);
  }
  if ((after->interest & kAccept) == 0 && watch.accept) stop(Kind::kAccept, watch.accept, fd);
  renew(fd, *after);
  if (bell_) {
    ring_.submit();  // or it could not ring
    if (ring_.hasQueued()) ring(bell_.get());
  }
  return 0;
}

// What is over, or has been told and is a level, begins again. After an error the rest of them stay stale.
int UringSelector::renewAll() {
  int error = 0;
  size_t done = 0;
  for (; done < stale_.size(); ++done) {
    const Registration* const found = registry_.find(stale_[done]);
    if (found == nullptr) continue;
    if (error = ring_.reserve(kMostAtOnce); error < 0) break;
    renew(stale_[done], *found);
  }
  stale_.erase(stale_.begin(), stale_.begin() + static_cast<std::ptrdiff_t>(done));
  if (error == 0) error = ring_.reserve(1);
  if (error == 0) startAside();
  return error;
}

// Makes the requests that the registration needs and has not.
void UringSelector::renew(int fd, const Registration& to) {
  Watch& watch = watches_[static_cast<size_t>(fd)];
  const bool receives = ringReceives(to.interest) || watch.receive;
  const bool accepts = (to.interest & kAccept) != 0 || watch.accept;
  const uint32_t interest = receives || accepts ? besides(to.interest) : to.interest;
  // A receive that was under way kept kRead for itself, and now it is over.
  if ((interest & ~watch.asked) != 0) stopPoll(fd);
  if (!watch.poll && !watch.aside && toPoll(interest) != 0) startPoll(fd, interest, to.token);
  if (!watch.receive && ringReceives(to.interest)) requests_.receive(watch.receive, fd);
  if (!watch.accept && (to.interest & kAccept) != 0) requests_.accept(watch.accept, fd);
}

void UringSelector::sendOrders() {
  // Who failed must be told while the bytes are there, and not when what is complete has been read some day.
  if (!ring_.hasPlaces(static_cast<unsigned>(mailbox_.orderCapacity) + kGoingOn)) return Selector::sendOrders();
  const int count = takeOrders();
  for (int i = 0; i < count; ++i) {
    const Order& order = mailbox_.orders[i];
    if (!isInside(order, mailbox_)) {
      emitUnsent(i, -EFAULT);
      continue;
    }
    lent_ = lent_ || isInRing(order);
    if (ring_.reserve(1) < 0) {
      sendWithoutRing();
      sendOrder(i);
      continue;
    }
    io_uring_sqe& entry = ring_.request(IORING_OP_SEND, order.fd, tag(Kind::kSend, 0, i));
    entry.addr = reinterpret_cast<uintptr_t>(mailbox_.outbox + order.offset);
    entry.len = static_cast<uint32_t>(order.length);
    entry.msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL;  // all or an error, at once
    entry.flags = IOSQE_CQE_SKIP_SUCCESS;
    if (files_.has(order.fd)) {
      entry.flags |= IOSQE_FIXED_FILE;
    } else if (registry_.find(order.fd) != nullptr) {  // or nobody would say that it leaves
      files_.use(order.fd);
    }
  }
}

int UringSelector::poll(int64_t ns) {
  // What was ordered from a buffer is sent with this call, or told with it: the buffer goes back with the next.
  if (!std::exchange(lent_, false) && !hasRows()) buffers_.giveBack();
  unsigned head = ring_.head();
  const bool late = head != ring_.ready();
  if (late) askLateOnesAgain();
  const int unasked = renewAll();
  ++batch_;
  const int entered = ring_.enter(late || unasked < 0 ? 0 : ns);
  const int error = unasked < 0 ? unasked : entered;
  // It was rung by what is complete now. For what comes later, announce() looks.
  if (bell_) silence(bell_.get());

  const int before = room();
  const unsigned first = head;
  const unsigned tail = ring_.ready();
  woken_ = false;
  // The orders' bytes are there until this call returns, so those who failed must be told now.
  for (unsigned position = head; position != tail; ++position) {
    io_uring_cqe& completion = ring_.completion(position);
    if (kindOf(completion.user_data) != Kind::kSend) continue;
    emitUnsent(fdOf(completion.user_data), completion.res);
    completion.user_data = tag(Kind::kNobody, 0, 0);
  }
  if (ring_.hasQueued()) sendWithoutRing();
  unsent_ = hasRows();
  for (; head != tail && room() > 0; ++head) complete(ring_.completion(head));
  ring_.consume(head);
  if (bell_) announce();
  if (room() < before) return 0;
  // The kernel is short of memory, or of places for what is complete, which are free now: it is asked again.
  if (error == -EAGAIN || error == -EBUSY) {
    ::poll(nullptr, 0, 1);
    return ns == 0 ? 0 : -EINTR;
  }
  // What came may have been for nobody: a request that was replaced or withdrawn.
  const bool early = ns != 0 && (late || head != first) && !woken_;
  return error == 0 && early ? -EINTR : error;
}

// Completions for which the last batch had no room. A level may be over by now, so it is looked at anew, and before
// those that were told already: or these would take the room again and again.
void UringSelector::askLateOnesAgain() {
  std::vector<int> late;
  for (unsigned position = ring_.head(); position != ring_.ready(); ++position) {
    const io_uring_cqe& completion = ring_.completion(position);
    const int fd = fdOf(completion.user_data);
    const Registration* const found = kindOf(completion.user_data) == Kind::kPoll ? registry_.find(fd) : nullptr;
    if (found == nullptr || (found->interest & kEdge) != 0) continue;
    Request& poll = watches_[static_cast<size_t>(fd)].poll;
    if (!poll.isOf(completion.user_data)) continue;
    poll = Request();
    late.push_back(fd);
  }
  stale_.insert(stale_.begin(), late.begin(), late.end());
}

// Orders that the kernel did not take, for want of memory as a rule. They may not go later, when their bytes may be
// another's.
void UringSelector::sendWithoutRing() {
  for (unsigned position = ring_.firstQueued(); position != ring_.position() + 1; ++position) {
    const uint64_t order = ring_.userData(position);
    if (kindOf(order) != Kind::kSend) continue;
    ring_.takeBack(position);
    sendOrder(fdOf(order));
  }
}

// For a host that polls fd(): what is asked must be with the kernel, and the bell must ring for what is left.
void UringSelector::announce() {
  renewAll();
  ring_.submit();
  const bool owes = ring_.hasQueued() || !stale_.empty();
  if (owes || ring_.head() != ring_.ready() || ring_.hasMore()) ring(bell_.get());
}

void UringSelector::complete(const io_uring_cqe& completion) {
  const int fd = fdOf(completion.user_data);
  switch (kindOf(completion.user_data)) {
    case Kind::kPoll:
      return pollComplete(fd, completion);
    case Kind::kReceive:
      return receiveComplete(fd, completion);
    case Kind::kAccept:
      return acceptComplete(fd, completion);
    case Kind::kAside:
      return tellAside();
    case Kind::kSend:
    case Kind::kNobody:
      return;
  }
}

void UringSelector::pollComplete(int fd, const io_uring_cqe& completion) {
  Watch& watch = watches_[static_cast<size_t>(fd)];
  const Registration* const found = registry_.find(fd);
  if (found == nullptr || !watch.poll.isOf(completion.user_data)) return;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    watch.poll = Request();
    // An edge was asked for once, and a file that is no more would be told for ever.
    if (completion.res >= 0) stale_.push_back(fd);
  }
  if (fd == wake_.fd()) woken_ = true;
  const int told = completion.res < 0 ? POLLERR : withoutRumour(fd, completion.res);
  const uint32_t events = besideReceive(*found, watch, fromPoll(told));
  if (events != 0) tell(fd, *found, events);
}

// Where we receive, the end and errors are told by the receive, after the bytes before them: who learnt of them by a
// poll would go and read, and overtake what lies in the ring.
uint32_t UringSelector::besideReceive(const Registration& to, const Watch& watch, uint32_t events) {
  if (!ringReceives(to.interest) && !watch.receive) return events;
  return (events & (kWrite | kError | kHangup)) != 0 ? to.interest & kWrite : 0;
}

// A poll request tells what its waker has said, and TCP's says of whatever comes that it is readable and may be urgent:
// there only poll() knows.
int UringSelector::withoutRumour(int fd, int told) {
  if ((told & (POLLPRI | POLLRDBAND)) == 0) return told;
  pollfd entry{fd, POLLIN | POLLPRI, 0};
  ::poll(&entry, 1, 0);
  return (told & ~(POLLIN | POLLPRI | POLLRDBAND)) | (told & entry.revents);
}

// One row per registration and batch.
void UringSelector::tell(int fd, const Registration& to, uint32_t events) {
  Watch& watch = watches_[static_cast<size_t>(fd)];
  if (watch.batch == batch_) return amend(watch.row, to, events);
  watch.batch = batch_;
  watch.row = emit(fd, to, events);
}

// What has no room stays ready, and is told of when its descriptor is polled anew: it is a level. If something could
// not be sent, it may lie where aside_ receives.
void UringSelector::tellAside() {
  asidePoll_ = Request();
  aside_.look(room(), !unsent_, [this](const Ready& row) {
    emitReceived(row.token, static_cast<uint32_t>(row.events), row.result, ringSize_ + static_cast<size_t>(row.offset));
  });
}

void UringSelector::receiveComplete(int fd, const io_uring_cqe& completion) {
  const size_t offset =
      completion.res > 0 ? buffers_.take(completion) : 0;  // whoever it is for, it has used the buffer
  Watch& watch = watches_[static_cast<size_t>(fd)];
  const Registration* const found = registry_.find(fd);
  if (found == nullptr || !watch.receive.isOf(completion.user_data)) return;
  if (completion.res > 0) emitReceived(found->token, kReceive, completion.res, offset);
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  watch.receive = Request();
  const bool stopped = !ringReceives(found->interest);
  const bool failed = completion.res < 0 && completion.res != -ENOBUFS && completion.res != -ECANCELED;
  const bool ended = completion.res == 0;
  // An error has been taken from the socket: nobody else will find it there, while the end can be read again.
  if (failed) emitReceived(found->token, kReceive, completion.res, 0);
  // In a row of its own: one that told of room to write stands before the bytes.
  if (ended && !stopped) emit(fd, *found, kRead | kReadHangup);
  // Stopped, it leaves kRead to a poll; without buffers (or stopped and wanted again meanwhile), it goes on.
  if (stopped || (!failed && !ended)) stale_.push_back(fd);
}

void UringSelector::acceptComplete(int fd, const io_uring_cqe& completion) {
  Watch& watch = watches_[static_cast<size_t>(fd)];
  const Registration* const found = registry_.find(fd);
  if (found == nullptr || !watch.accept.isOf(completion.user_data)) {
    if (completion.res >= 0) ::close(completion.res);  // for a listener that is no more
    return;
  }
  if (completion.res >= 0) emitAccepted(found->token, completion.res);
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  watch.accept = Request();
  const bool stopped = (found->interest & kAccept) == 0;
  if (stopped || completion.res >= 0 || completion.res == -ECANCELED) {
    stale_.push_back(fd);
  } else {
    emitAccepted(found->token, completion.res);
  }
}

}  // namespace

std::unique_ptr<Selector> openIoUring(Ready* rows, int capacity, int* error) {
  return openAs<UringSelector>(rows, capacity, error);
}

}  // namespace coreactor

#endif

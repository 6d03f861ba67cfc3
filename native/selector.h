// The one interface in front of every multiplexing mechanism (epoll, io_uring, kqueue, poll, select).
// This class owns what they share: the registration table, the wake channel, the rows of a batch.
// A mechanism adds two functions, change() and poll(); io_uring, which can do more than tell, others besides.
// Lives on the thread that waits on it; only wake() may be called from elsewhere.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "mailbox.h"
#include "registry.h"
#include "wake_channel.h"

namespace coreactor {

// What a caller asks for and what a row tells. A row has kRead/kWrite/kPriority only if they were asked for;
// kError and kHangup come with the asked-for kRead/kWrite set too, so that whoever looks at those two alone
// meets the error in the recv or send that follows.
enum Events : uint32_t {
  kRead = 1,
  kWrite = 2,
  kPriority = 4,     // out-of-band data
  kError = 8,        // an error is pending (a hint: select cannot tell it apart)
  kHangup = 16,      // both directions are finished (a hint, likewise)
  kReadHangup = 32,  // the peer sends no more; data may still be queued (a hint, likewise)
  kEdge = 64,        // ask only: tell each readiness once. See Selector::edges().
  // Ask, together with kRead and kEdge: do not tell that a socket is readable, receive (see mailbox.h).
  // Told: `result` bytes lie in the inbox at `offset`, or result is -errno. With kRead: there may be more.
  kReceive = 128,
  // Told only: the order number `offset` was not sent as a whole, just `result` >= 0 bytes of it, or it failed: -errno.
  kSent = 256,
  // Ask, together with kRead and kEdge: of a listening socket, do not tell that it is readable but accept, if the
  // mechanism can. Told: `result` is the new descriptor (non-blocking, close-on-exec), which is yours, or -errno; after
  // that, modify() makes it go on.
  kAccept = 512,
  // Ask, together with kReceive: in pieces of up to kMostBulk. For whoever reads them where they lie, in the inbox.
  kBulk = 1024,
};

// One row per ready token and batch, after one for each order that failed. The rows lie in memory that JavaScript sees
// as an Int32Array.
struct Ready {
  int32_t token;
  int32_t events;
  int32_t result = 0;
  int32_t offset = 0;
};

class Selector {
 public:
  virtual ~Selector() = default;
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;

  virtual const char* name() const = 0;

  // For one whose rows and inbox another hands on: the next wait fills so many of the rows at most, and receives only
  // if nobody needs any more what lies in the inbox.
  void prepare(int rows, bool mayReceive) {
    capacity_ = rows;
    mayReceive_ = mayReceive;
  }

  // Whether the mechanism tells edges by itself. Where it does not (poll, select), kEdge means: what has been told
  // is muted until modify() names it again. Code that calls modify() before it waits again is right on both.
  virtual bool edges() const = 0;

  // Whether add() and modify() cost next to nothing, so that it pays to ask only when somebody waits.
  virtual bool lazy() const { return false; }

  // A descriptor that a host loop may poll for "wait(0) would return rows or was woken", or -1.
  // Its number never changes, but after a file was closed without remove() while a dup of it lives, epoll may have to
  // put a new file under the number: a host that itself uses epoll must then start polling it anew.
  virtual int fd() { return -1; }

  // What another thread may hand to poll(2) until the next call here: if that returns, so would wait(0), or was woken.
  virtual std::vector<pollfd> pollSet() { return {{fd(), POLLIN, 0}}; }

  // All three return 0 or -errno, the same errno on every mechanism:
  //   -EBADF  fd is negative or not open          -EEXIST add() of a registered fd
  //   -ENOENT modify() of an unregistered fd      -EPERM  fd cannot be polled (regular file, directory, /dev/null)
  //   -EINVAL interest has a bit that cannot be asked for, token is negative, kReceive or kAccept comes without kRead
  //           and kEdge, or kReceive without a mailbox
  // Interest 0 (with or without kEdge) keeps the registration and reports nothing, not even a hangup.
  int add(int fd, uint32_t interest, int32_t token);
  int modify(int fd, uint32_t interest, int32_t token);
  // Idempotent, and right before close(), after close(), and after the number was reused. The rows of the current
  // batch that carry this registration's token get events = 0.
  int remove(int fd);

  // To be called before the first kReceive and the first order. 0 or -errno: -EINVAL for more orders than rows, since
  // each of them may fail.
  virtual int attach(const Mailbox& mailbox) {
    if (mailbox.orderCapacity > capacity_) return -EINVAL;
    mailbox_ = mailbox;
    return 0;
  }
  // The memory is no more, and nothing is written to it or sent from it when this returns.
  virtual void detach() { mailbox_ = Mailbox(); }

  // Sends the orders, fills the rows and returns how many, 0 when the time is up or wake() was called, or -errno
  // (-EINTR: call again with what remains of the time). ns < 0 waits forever, 0 polls; a mechanism with a coarser clock
  // rounds up, one with a shorter reach (INT_MAX milliseconds at least) returns 0 there.
  int wait(int64_t ns);

  // Sends the orders now. Fills the rows for those that failed and returns how many.
  int flush();

  // Ends the current or the next wait(). Any thread, and inside a signal handler. Any number of calls before a
  // wait() count as one.
  int wake() { return wake_.signal(); }

  const Ready* rows() const { return rows_; }

  // The connections of the last wait()'s rows: descriptors that are the caller's now.
  const std::vector<int>& accepted() const { return accepted_; }

 protected:
  // rows must outlive the selector and hold `capacity` >= 1 rows.
  Selector(Ready* rows, int capacity) : rows_(rows), capacity_(capacity), share_(capacity) {}

  // To be called once by the mechanism when it is ready: opens the wake channel and watches it.
  // `pipe`: see WakeChannel::open().
  int start(bool pipe = false);

  // Brings the mechanism from one registration to another. `before` is null on add, `after` on remove.
  // Returns 0 or -errno; on an error the table keeps `before`.
  virtual int change(int fd, const Registration* before, const Registration* after) = 0;

  // Waits and reports through emit(), room() rows at most (there is at least one); returns 0 or -errno (-EINTR too when
  // it has nothing to tell before the time).
  virtual int poll(int64_t ns) = 0;

  // Adds a row (masked by interest, ERROR and HUP widened) and receives what was asked for; there must be room() for
  // it. The wake channel is a registration like any other to a mechanism; here it is drained and gets no row.
  // Returns the number of the row, -1 if there is none.
  int emit(int fd, const Registration& to, uint32_t events);
  // Adds events to a row of this batch.
  void amend(int row, const Registration& to, uint32_t events);

  // Likewise for bytes that the mechanism has received by itself. `events` may have kReceive and kRead.
  void emitReceived(int32_t token, uint32_t events, int result, size_t offset);
  // And for a connection that it has accepted.
  void emitAccepted(int32_t token, int result) {
    emitReceived(token, kAccept, result, 0);
    if (result >= 0) accepted_.push_back(result);
  }

  // Sends the orders, or sees to it that poll() does, and tells of those that failed through emitUnsent().
  virtual void sendOrders();
  // Sends that of this number now.
  void sendOrder(int index);
  void emitUnsent(int index, int result);

  // How many more rows this batch can take.
  int room() const { return capacity_ - count_; }
  // How many events to ask the system for: as many as there are rows for, and as the inbox has had room for of late.
  // With the others it would be full, and their bytes need a call each.
  int batch() const { return std::min(room(), share_); }
  // Whether the batch has rows: in a mechanism's poll(), of orders that failed.
  bool hasRows() const { return count_ > 0; }

  // The orders that are to be sent now, at most as many as there are rows; they count as taken.
  int takeOrders();

  Registry registry_;
  WakeChannel wake_;
  Mailbox mailbox_;

 private:
  static constexpr int32_t kWakeToken = -1;

  int enter(int fd, const Registration* before, Registration after);
  bool receiveFor(int fd, const Registration& to, uint32_t told);
  void learnShare();
  size_t mostAtOnce() const;

  std::vector<int> accepted_;
  Ready* const rows_;
  int capacity_;
  bool mayReceive_ = true;
  int count_ = 0;
  size_t received_ = 0;   // how much of the inbox this batch has filled
  int arrivals_ = 0;      // with how many pieces
  bool crowded_ = false;  // and whether there was no room for another
  int share_;
};

// The names this build has, best first.
std::vector<std::string_view> availableSelectors();

// Null on failure, with *error set to -errno (-ENOSYS: this build has no selector of that name).
std::unique_ptr<Selector> makeSelector(std::string_view name, Ready* rows, int capacity, int* error);

}  // namespace coreactor

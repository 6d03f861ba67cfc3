// The one interface in front of every multiplexing mechanism (epoll, poll, select, kqueue).
// This class owns what they share: the registration table, the wake channel, the rows of a batch.
// A mechanism adds two functions, change() and poll(), and nothing else.
// Lives on the thread that waits on it; only wake() may be called from elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

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
};

// One row per ready token and batch. The rows lie in memory that JavaScript sees as an Int32Array.
struct Ready {
  int32_t token;
  int32_t events;
};

class Selector {
 public:
  virtual ~Selector() = default;
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;

  virtual const char* name() const = 0;

  // Whether the mechanism tells edges by itself. Where it does not (poll, select), kEdge means: what has been told
  // is muted until modify() names it again. Code that calls modify() before it waits again is right on both.
  virtual bool edges() const = 0;

  // A descriptor that a host loop may poll for "wait(0) would return rows or was woken", or -1.
  // Its number never changes, but after a file was closed without remove() while a dup of it lives, epoll may have to
  // put a new file under the number: a host that itself uses epoll must then start polling it anew.
  virtual int fd() const { return -1; }

  // All three return 0 or -errno, the same errno on every mechanism:
  //   -EBADF  fd is negative or not open          -EEXIST add() of a registered fd
  //   -ENOENT modify() of an unregistered fd      -EPERM  fd cannot be polled (regular file, directory, /dev/null)
  //   -EINVAL interest has other bits than kRead, kWrite, kPriority, kEdge, or token is negative
  // Interest 0 (with or without kEdge) keeps the registration and reports nothing, not even a hangup.
  int add(int fd, uint32_t interest, int32_t token);
  int modify(int fd, uint32_t interest, int32_t token);
  // Idempotent, and right before close(), after close(), and after the number was reused. The rows of the current
  // batch that carry this registration's token get events = 0.
  int remove(int fd);

  // Fills the rows and returns how many, 0 when the time is up or wake() was called, or -errno (-EINTR: call again
  // with what remains of the time). ns < 0 waits forever, 0 polls; a mechanism with a coarser clock rounds up, one
  // with a shorter reach (INT_MAX milliseconds at least) returns 0 there.
  int wait(int64_t ns);

  // Ends the current or the next wait(). Any thread, and inside a signal handler. Any number of calls before a
  // wait() count as one.
  int wake() { return wake_.signal(); }

  const Ready* rows() const { return rows_; }

 protected:
  // rows must outlive the selector and hold `capacity` >= 1 rows.
  Selector(Ready* rows, int capacity) : rows_(rows), capacity_(capacity) {}

  // To be called once by the mechanism when it is ready: opens the wake channel and watches it.
  int start();

  // Brings the mechanism from one registration to another. `before` is null on add, `after` on remove.
  // Returns 0 or -errno; on an error the table keeps `before`.
  virtual int change(int fd, const Registration* before, const Registration* after) = 0;

  // Waits and reports through emit(); returns 0 or -errno (-EINTR too when it has nothing to tell before the time).
  virtual int poll(int64_t ns) = 0;

  // Adds a row (masked by interest, ERROR and HUP widened); there must be room() for it. The wake channel is a
  // registration like any other to a mechanism; here it is drained and gets no row.
  void emit(const Registration& to, uint32_t events);

  // How many more rows this batch can take.
  int room() const { return capacity_ - count_; }

  Registry registry_;
  WakeChannel wake_;

 private:
  static constexpr int32_t kWakeToken = -1;

  int enter(int fd, const Registration* before, Registration after);

  Ready* const rows_;
  const int capacity_;
  int count_ = 0;
};

// The names this build has, best first.
std::vector<std::string_view> availableSelectors();

// Null on failure, with *error set to -errno (-ENOSYS: this build has no selector of that name).
std::unique_ptr<Selector> makeSelector(std::string_view name, Ready* rows, int capacity, int* error);

}  // namespace coreactor

// What a UringSelector asks of its ring, sends apart. Every request carries its kind, its fd and a serial number, which
// its completions bring back: what comes for one that was replaced or withdrawn is dropped. Owned by that selector, and
// younger than its Ring.
#pragma once

#include "../ring.h"

#ifdef COREACTOR_HAVE_IO_URING

namespace coreactor {

enum class Kind : uint32_t { kNobody, kPoll, kReceive, kAccept, kSend, kAside };

// What a completion brings back: the kind, the serial number and the fd, or the number of an order.
inline uint64_t tag(Kind kind, uint32_t serial, int fd) {
  return static_cast<uint64_t>(kind) << 60 | static_cast<uint64_t>(serial) << 32 | static_cast<uint32_t>(fd);
}
inline Kind kindOf(uint64_t tag) { return static_cast<Kind>(tag >> 60); }
inline uint32_t serialOf(uint64_t tag) { return static_cast<uint32_t>(tag >> 32) & 0xfffffff; }
inline int fdOf(uint64_t tag) { return static_cast<int>(static_cast<uint32_t>(tag)); }

// A request that is under way, or none.
struct Request {
  uint32_t serial = 0;  // 0: none
  unsigned position = 0;
  explicit operator bool() const { return serial != 0; }
  // Of a tag of its kind.
  bool isOf(uint64_t tag) const { return serial == serialOf(tag); }
};

class Requests {
 public:
  explicit Requests(Ring& ring) : ring_(ring) {}

  // Each takes one place of the ring, which must be reserved, and goes with its next enter().
  // Of poll(2)'s events; once, or on and on (multishot).
  void poll(Kind kind, Request& request, int fd, int events, bool goesOn);
  // Into the buffers of BufferRing, on and on.
  void receive(Request& request, int fd);
  void accept(Request& request, int fd);
  // Asks the kernel to end a request, of which the last completion will come.
  void stop(Kind kind, const Request& request, int fd);

  // Takes a request back that the kernel has not seen yet. False if it has.
  bool takeBack(const Request& request);
  // Ends a request here and now. True if the kernel had it.
  bool withdraw(Kind kind, Request& request, int fd);

 private:
  io_uring_sqe& begin(Request& request, Kind kind, uint8_t operation, int fd);

  Ring& ring_;
  uint32_t serial_ = 0;
};

}  // namespace coreactor

#endif

// The inbox as a ring of buffers, from which the kernel takes for a receive what it needs (a "provided buffer ring",
// incremental: one after the other is filled piece by piece, so that small messages lie densely and stay in the cache).
// The kernel owns the free rest of each buffer; what a piece has told is the reader's until giveBack().
// Owned by one UringSelector and older than its Ring, which may use the memory until it has gone.
#pragma once

#include "ring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <cstddef>
#include <cstdint>
#include <vector>

namespace coreactor {

class BufferRing {
 public:
  static constexpr uint16_t kGroup = 0;  // its name in a request

  BufferRing() = default;
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  ~BufferRing();

  // Whether this kernel has such rings: 0 or -errno (-EINVAL: it is older than Linux 6.12).
  static int check(const Ring& ring);

  // Once. `memory` must outlive the Ring. 0 or -errno, and then it is as before.
  int open(const Ring& ring, uint8_t* memory, size_t size);

  // The kernel forgets the memory.
  static int close(const Ring& ring);

  // Where in the memory the bytes of this completion begin; of each that has some, in the order of the completions.
  size_t take(const io_uring_cqe& completion);

  // The kernel may have again what was taken: nobody reads in it any more. The buffers that are full, and the one that
  // is being filled if all of it was taken: so what comes bit by bit has the same place every time.
  void giveBack();

 private:
  static constexpr unsigned kBuffers = 16;  // a power of two

  int enroll(const Ring& ring);
  void giveBack(unsigned buffer);
  void rewind();
  io_uring_buf& entry(unsigned position) { return reinterpret_cast<io_uring_buf*>(shared_)[position & (kBuffers - 1)]; }
  void write(io_uring_buf& entry, unsigned buffer);
  uint64_t address(size_t buffer) const { return reinterpret_cast<uintptr_t>(memory_ + buffer * bufferSize_); }

  io_uring_buf_ring* shared_ = nullptr;
  uint8_t* memory_ = nullptr;
  size_t bufferSize_ = 0;
  size_t used_[kBuffers] = {};   // how much of each
  std::vector<unsigned> spent_;  // those that are full
  unsigned filled_ = 0;          // how many were taken to the end ever: the position of the next one
};

}  // namespace coreactor

#endif

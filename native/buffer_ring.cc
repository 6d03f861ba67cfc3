// The inbox as a ring of buffers; see buffer_ring.h.
#include "buffer_ring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <sys/mman.h>

#include <cerrno>

namespace coreactor {

BufferRing::~BufferRing() {
  if (shared_ != nullptr) munmap(shared_, kBuffers * sizeof(io_uring_buf));
}

int BufferRing::check(const Ring& ring) {
  BufferRing empty;
  if (const int error = empty.enroll(ring); error < 0) return error;
  return close(ring);
}

int BufferRing::close(const Ring& ring) {
  io_uring_buf_reg gone{};
  gone.bgid = kGroup;
  return ring.registerWith(IORING_UNREGISTER_PBUF_RING, &gone, 1);
}

int BufferRing::open(const Ring& ring, uint8_t* memory, size_t size) {
  if (const int error = enroll(ring); error < 0) return error;
  memory_ = memory;
  bufferSize_ = size / kBuffers;
  for (unsigned buffer = 0; buffer < kBuffers; ++buffer) giveBack(buffer);
  return 0;
}

int BufferRing::enroll(const Ring& ring) {
  void* const shared =
      mmap(nullptr, kBuffers * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return -errno;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(shared);
  registration.ring_entries = kBuffers;
  registration.bgid = kGroup;
  registration.flags = IOU_PBUF_RING_INC;
  if (const int error = ring.registerWith(IORING_REGISTER_PBUF_RING, &registration, 1); error < 0) {
    munmap(shared, kBuffers * sizeof(io_uring_buf));
    return error;
  }
  shared_ = static_cast<io_uring_buf_ring*>(shared);
  return 0;
}

size_t BufferRing::take(const io_uring_cqe& completion) {
  const unsigned buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  const size_t offset = buffer * bufferSize_ + used_[buffer];
  used_[buffer] += static_cast<size_t>(completion.res);
  if ((completion.flags & IORING_CQE_F_BUF_MORE) == 0) {
    spent_.push_back(buffer);
    ++filled_;
  }
  return offset;
}

void BufferRing::giveBack() {
  for (const unsigned buffer : spent_) giveBack(buffer);
  spent_.clear();
  if (shared_ != nullptr) rewind();
}

void BufferRing::giveBack(unsigned buffer) {
  const uint16_t tail = shared_->tail;
  write(entry(tail), buffer);
  __atomic_store_n(&shared_->tail, static_cast<uint16_t>(tail + 1), __ATOMIC_RELEASE);
}

// The kernel notes in the entry itself what is left of the buffer (0 in the end), and only while it is entered. If that
// is less than what was taken leaves, some pieces are yet to come.
void BufferRing::rewind() {
  io_uring_buf& filling = entry(filled_);
  const unsigned buffer = filling.bid;
  if (filling.len == bufferSize_ - used_[buffer]) write(filling, buffer);
}

void BufferRing::write(io_uring_buf& entry, unsigned buffer) {
  entry.addr = address(buffer);
  entry.len = static_cast<uint32_t>(bufferSize_);
  entry.bid = static_cast<uint16_t>(buffer);
  used_[buffer] = 0;
}

}  // namespace coreactor

#endif

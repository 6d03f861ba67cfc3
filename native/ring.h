// An io_uring(7) by hand: the two queues that are shared with the kernel, and the three system calls. No liburing, so
// that a machine without it is none the poorer. Owned by one UringSelector; used on its thread only (the kernel refuses
// requests from any other).
#pragma once

#ifdef __linux__
#define COREACTOR_HAVE_IO_URING 1

#include <cstddef>
#include <cstdint>

#include "io_uring_abi.h"
#include "unique_fd.h"

namespace coreactor {

class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  // Cancels what is under way and lets go of its files before it returns.
  ~Ring();

  // 0 or -errno: -ENOSYS, -EPERM (a sandbox, io_uring_disabled), -EINVAL (an old kernel), -ENOMEM (more than the user
  // may lock, too).
  int open(unsigned entries, unsigned completions);
  // Whether the kernel has said that it can do this (IORING_FEAT_...).
  bool has(uint32_t feature) const { return (features_ & feature) != 0; }
  // -1 while it is not open.
  int fd() const { return fd_.get(); }

  // Makes places for so many requests. 0 or -errno: the kernel does not take those that are there (-EAGAIN: it has no
  // memory; -EEXIST: the ring is another thread's).
  int reserve(unsigned count);
  // A cleared request to be filled in, in a reserved place. It goes with the next enter().
  io_uring_sqe& request(uint8_t operation, int fd, uint64_t userData);
  // The position of the last request(), for isQueued().
  unsigned position() const { return tail_ - 1; }
  // Whether the kernel has not seen that request yet; then takeBack() makes it one that does nothing.
  bool isQueued(unsigned position) const { return static_cast<int>(position - submitted_) >= 0; }
  void takeBack(unsigned position);
  // The requests that the kernel has not seen lie from firstQueued() to position(), if there are any.
  bool hasQueued() const { return tail_ != submitted_; }
  unsigned firstQueued() const { return submitted_; }
  uint64_t userData(unsigned position) const { return requests_[position & requestMask_].user_data; }

  // Hands over the requests and waits for one completion at least, `ns` long at most (< 0: for ever; 0: not at all).
  // 0 or -errno (-EINTR).
  int enter(int64_t ns);
  // Hands over the requests.
  int submit() { return submit(0, 0, nullptr, 0); }
  // Whether something is complete but for the kernel's last hand, which comes with the next enter().
  bool hasMore() const { return (flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0; }
  // Whether the completions of what is queued, and so many more, will be there to be read as soon as they are made.
  bool hasPlaces(unsigned more) const {
    const unsigned places = completionMask_ + 1 - (ready() - head());
    return (flags() & IORING_SQ_CQ_OVERFLOW) == 0 && places >= tail_ - submitted_ + more;
  }
  // Lets the kernel finish all that it has put off; hands over nothing, waits for nothing.
  int settle();
  // Cancels a request now. 0 or -errno (-ENOENT: it is over).
  int cancel(uint64_t userData);
  int registerWith(unsigned operation, void* argument, unsigned count) const;

  // The completions between head() and ready() are to be read, then consumed.
  unsigned head() const { return *completionHead_; }
  unsigned ready() const { return __atomic_load_n(completionTail_, __ATOMIC_ACQUIRE); }
  io_uring_cqe& completion(unsigned position) { return completions_[position & completionMask_]; }
  void consume(unsigned head) { __atomic_store_n(completionHead_, head, __ATOMIC_RELEASE); }

 private:
  // A piece of memory that is shared with the kernel.
  class Mapping {
   public:
    Mapping() = default;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();
    int map(int fd, size_t size, uint64_t what);
    template <class T>
    T* at(size_t offset) const {
      return reinterpret_cast<T*>(static_cast<char*>(memory_) + offset);
    }

   private:
    void* memory_ = nullptr;
    size_t size_ = 0;
  };

  int map(const io_uring_params& parameters);
  int submit(unsigned wait, unsigned flags, const void* argument, size_t size);
  uint32_t flags() const { return __atomic_load_n(requestFlags_, __ATOMIC_ACQUIRE); }

  UniqueFd fd_;
  Mapping queues_;
  Mapping requestMemory_;
  io_uring_sqe* requests_ = nullptr;
  io_uring_cqe* completions_ = nullptr;
  unsigned* requestTail_ = nullptr;
  unsigned* requestHead_ = nullptr;
  unsigned* requestFlags_ = nullptr;
  unsigned* completionHead_ = nullptr;
  unsigned* completionTail_ = nullptr;
  uint32_t features_ = 0;
  unsigned requestMask_ = 0;
  unsigned completionMask_ = 0;
  unsigned tail_ = 0;       // of the requests; the kernel is told at the next enter()
  unsigned submitted_ = 0;  // so far the kernel has taken them
};

}  // namespace coreactor

#endif

// An io_uring by hand; see ring.h.
#include "ring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "timeout.h"

namespace coreactor {
namespace {

int64_t monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The kernel clears a closed ring away some milliseconds later, and until then its memory counts against what the user
// may lock (RLIMIT_MEMLOCK; since Linux 6.14 a ring's queues do). So who opens one after the other waits so long.
constexpr int64_t kClearance = 250'000'000;

// The ring's descriptor or -errno.
int setUp(unsigned entries, io_uring_params* parameters) {
  const io_uring_params asked = *parameters;
  const int64_t start = monotonic();
  for (;;) {
    const long fd = syscall(SYS_io_uring_setup, entries, parameters);
    if (fd >= 0) return static_cast<int>(fd);
    const int error = -errno;
    if (error != -ENOMEM || monotonic() - start >= kClearance) return error;
    ::poll(nullptr, 0, 1);
    *parameters = asked;
  }
}

}  // namespace

Ring::Mapping::~Mapping() {
  if (memory_ != nullptr) munmap(memory_, size_);
}

int Ring::Mapping::map(int fd, size_t size, uint64_t what) {
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, static_cast<off_t>(what));
  if (memory == MAP_FAILED) return -errno;
  memory_ = memory;
  size_ = size;
  return 0;
}

Ring::~Ring() {
  if (!fd_) return;
  // close() alone would let go of the files some time later, from another thread.
  io_uring_sync_cancel_reg all{};
  all.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  all.timeout = {-1, -1};
  registerWith(IORING_REGISTER_SYNC_CANCEL, &all, 1);
  settle();
}

int Ring::open(unsigned entries, unsigned completions) {
  io_uring_params parameters{};
  // Requests come from one thread, which is not interrupted: the kernel's work is done when it enters, and a flag tells
  // that there is some.
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                     IORING_SETUP_CQSIZE | IORING_SETUP_NO_SQARRAY;
  parameters.cq_entries = completions;
  const int fd = setUp(entries, &parameters);
  if (fd < 0) return fd;
  fd_.reset(fd);
  features_ = parameters.features;
  const int error = map(parameters);
  if (error < 0) fd_.reset();  // a ring without its queues is none
  return error;
}

int Ring::map(const io_uring_params& parameters) {
  const size_t end = parameters.cq_off.cqes + parameters.cq_entries * sizeof(io_uring_cqe);
  if (const int error = queues_.map(fd_.get(), end, IORING_OFF_SQ_RING); error < 0) return error;
  if (const int error = requestMemory_.map(fd_.get(), parameters.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
      error < 0) {
    return error;
  }
  requests_ = requestMemory_.at<io_uring_sqe>(0);
  requestHead_ = queues_.at<unsigned>(parameters.sq_off.head);
  requestFlags_ = queues_.at<unsigned>(parameters.sq_off.flags);
  requestTail_ = queues_.at<unsigned>(parameters.sq_off.tail);
  completionHead_ = queues_.at<unsigned>(parameters.cq_off.head);
  completionTail_ = queues_.at<unsigned>(parameters.cq_off.tail);
  completions_ = queues_.at<io_uring_cqe>(parameters.cq_off.cqes);
  requestMask_ = parameters.sq_entries - 1;
  completionMask_ = parameters.cq_entries - 1;
  return 0;
}

int Ring::reserve(unsigned count) {
  while (requestMask_ + 1 - (tail_ - submitted_) < count) {
    const unsigned before = submitted_;
    if (const int error = submit(); error < 0) return error;
    if (submitted_ == before) return -EAGAIN;
  }
  return 0;
}

io_uring_sqe& Ring::request(uint8_t operation, int fd, uint64_t userData) {
  io_uring_sqe& request = requests_[tail_++ & requestMask_];
  std::memset(&request, 0, sizeof request);
  request.opcode = operation;
  request.fd = fd;
  request.user_data = userData;
  return request;
}

void Ring::takeBack(unsigned position) {
  io_uring_sqe& request = requests_[position & requestMask_];
  std::memset(&request, 0, sizeof request);
  request.opcode = IORING_OP_NOP;
  request.flags = IOSQE_CQE_SKIP_SUCCESS;
}

int Ring::submit(unsigned wait, unsigned flags, const void* argument, size_t size) {
  __atomic_store_n(requestTail_, tail_, __ATOMIC_RELEASE);
  const long result =
      syscall(SYS_io_uring_enter, fd_.get(), tail_ - submitted_, wait, flags, argument, static_cast<size_t>(size));
  const int error = result < 0 ? -errno : 0;
  submitted_ = __atomic_load_n(requestHead_, __ATOMIC_ACQUIRE);
  return error;
}

int Ring::enter(int64_t ns) {
  // A call that has handed over requests does not say any more how its wait has ended.
  const bool mute = tail_ != submitted_;
  if (ns <= 0) {
    const int error = submit(ns < 0 ? 1 : 0, IORING_ENTER_GETEVENTS, nullptr, 0);
    return mute && ns < 0 && error == 0 && head() == ready() ? -EINTR : error;
  }
  const int64_t start = mute ? monotonic() : 0;
  const timespec time = toTimespec(ns);
  const __kernel_timespec wide{time.tv_sec, time.tv_nsec};
  io_uring_getevents_arg argument{};
  argument.ts = reinterpret_cast<uintptr_t>(&wide);
  const int error = submit(1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
  if (mute && error == 0 && head() == ready()) return monotonic() - start < ns ? -EINTR : 0;
  return error == -ETIME ? 0 : error;
}

int Ring::settle() {
  // A call does a score of it and no more. This ends: nothing goes on when the ring is full, and nobody empties it
  // here.
  do {
    if (syscall(SYS_io_uring_enter, fd_.get(), 0, 0, IORING_ENTER_GETEVENTS, nullptr, size_t{0}) < 0) return -errno;
  } while ((flags() & IORING_SQ_TASKRUN) != 0);
  return 0;
}

int Ring::cancel(uint64_t userData) {
  io_uring_sync_cancel_reg which{};
  which.addr = userData;
  which.timeout = {-1, -1};
  return registerWith(IORING_REGISTER_SYNC_CANCEL, &which, 1);
}

int Ring::registerWith(unsigned operation, void* argument, unsigned count) const {
  return syscall(SYS_io_uring_register, fd_.get(), operation, argument, count) < 0 ? -errno : 0;
}

}  // namespace coreactor

#endif

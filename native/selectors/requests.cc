#include "requests.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <sys/socket.h>

#include <utility>

#include "../buffer_ring.h"

namespace coreactor {
namespace {

// The events of a poll request, in the order that the kernel reads them in.
uint32_t polledEvents(int events) {
  const auto low = static_cast<uint16_t>(events);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return uint32_t{low} << 16;
#else
  return low;
#endif
}

}  // namespace

io_uring_sqe& Requests::begin(Request& request, Kind kind, uint8_t operation, int fd) {
  serial_ = serial_ % 0xfffffff + 1;
  request.serial = serial_;
  io_uring_sqe& entry = ring_.request(operation, fd, tag(kind, serial_, fd));
  request.position = ring_.position();
  return entry;
}

void Requests::poll(Kind kind, Request& request, int fd, int events, bool goesOn) {
  io_uring_sqe& entry = begin(request, kind, IORING_OP_POLL_ADD, fd);
  entry.poll32_events = polledEvents(events);
  if (goesOn) entry.len = IORING_POLL_ADD_MULTI;
}

void Requests::receive(Request& request, int fd) {
  io_uring_sqe& entry = begin(request, Kind::kReceive, IORING_OP_RECV, fd);
  entry.ioprio = IORING_RECV_MULTISHOT;
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = BufferRing::kGroup;
}

void Requests::accept(Request& request, int fd) {
  io_uring_sqe& entry = begin(request, Kind::kAccept, IORING_OP_ACCEPT, fd);
  entry.ioprio = IORING_ACCEPT_MULTISHOT;
  entry.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
}

void Requests::stop(Kind kind, const Request& request, int fd) {
  io_uring_sqe& entry = ring_.request(IORING_OP_ASYNC_CANCEL, -1, tag(Kind::kNobody, 0, 0));
  entry.addr = tag(kind, request.serial, fd);
  entry.flags = IOSQE_CQE_SKIP_SUCCESS;
}

bool Requests::takeBack(const Request& request) {
  if (!ring_.isQueued(request.position)) return false;
  ring_.takeBack(request.position);
  return true;
}

bool Requests::withdraw(Kind kind, Request& request, int fd) {
  const Request old = std::exchange(request, Request());
  if (!old || takeBack(old)) return false;
  ring_.cancel(tag(kind, old.serial, fd));
  return true;
}

}  // namespace coreactor

#endif

// Descriptors of all kinds; see files.h.
#include "files.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace coreactor::fuzz {
namespace {

// Small, so that filling and draining them is quick.
constexpr int kRoom = 4096;

void prepare(int fd) {
  if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) std::abort();
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kRoom, sizeof kRoom);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kRoom, sizeof kRoom);
  fcntl(fd, F_SETPIPE_SZ, kRoom);
}

int makeSocket(int domain, int type) {
  const int fd = socket(domain, type, 0);
  if (fd < 0) std::abort();
  prepare(fd);
  return fd;
}

// A random loopback address, so that ports in TIME_WAIT do not run out.
sockaddr_in randomAddress(uint32_t value) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7f000001 | (value & 0xfffff0));
  return address;
}

sockaddr* generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

bool bindTo(int fd, sockaddr_in& address) {
  socklen_t length = sizeof address;
  return bind(fd, generic(address), length) == 0 && getsockname(fd, generic(address), &length) == 0;
}

}  // namespace

bool Files::makesTwo(Kind kind) { return kind <= Kind::kUdpPair || kind == Kind::kListener; }

void Files::hold(unsigned slot, int fd, int id) {
  fds_[slot].reset(fd);
  ids_[slot] = id;
  numbers_[slot] = fd;
}

void Files::reset(unsigned slot) {
  const linger atOnce{1, 0};
  setsockopt(fds_[slot].get(), SOL_SOCKET, SO_LINGER, &atOnce, sizeof atOnce);
  fds_[slot].reset();
}

void Files::replace(unsigned slot, unsigned other) {
  dup3(number(other), number(slot), O_CLOEXEC);
  ids_[slot] = ids_[other];
}

bool Files::isHeldByStranger(unsigned slot) const {
  const int id = ids_[slot];
  if (id == kNoPeer || haunted_.count(id) > 0) return false;
  for (unsigned each = 0; each < kSlots; ++each) {
    if (isOpen(each) && ids_[each] == id) return false;
  }
  for (unsigned each = 0; each < kSlots; ++each) {
    pollfd peer{number(each), 0, 0};  // HUP and ERR come unasked
    if (isOpen(each) && ids_[each] == (id ^ 1) && ::poll(&peer, 1, 0) == 0) return true;
  }
  return false;
}

void Files::make(const Operation& operation) {
  int ends[2] = {-1, -1};
  switch (operation.kind) {
    case Kind::kPipe:
      if (pipe(ends) < 0) std::abort();
      break;
    case Kind::kUnixPair:
    case Kind::kDatagramPair: {
      const int type = operation.kind == Kind::kUnixPair ? SOCK_STREAM : SOCK_DGRAM;
      if (socketpair(AF_UNIX, type, 0, ends) < 0) std::abort();
      break;
    }
    case Kind::kTcpPair:
    case Kind::kUdpPair:
      return connectPair(operation);
    case Kind::kEvent:
      return hold(operation.slot, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    case Kind::kListener:
      return listenFor(operation);
    case Kind::kRefused:
      return refuse(operation);
    case Kind::kAccept:
      if (!isOpen(operation.other)) return;
      if (const int fd = accept(number(operation.other), nullptr, nullptr); fd >= 0) {
        prepare(fd);
        hold(operation.slot, fd);
      }
      return;
    default: {  // kDup
      if (!isOpen(operation.other)) return;
      const int least = operation.value % 4 == 0 ? 1100 + static_cast<int>(operation.value >> 8) % 64 : 0;
      return hold(operation.slot, fcntl(number(operation.other), F_DUPFD_CLOEXEC, least), ids_[operation.other]);
    }
  }
  for (const int end : ends) prepare(end);
  const bool tellsEnd = operation.kind != Kind::kDatagramPair;
  hold(operation.slot, ends[0], tellsEnd ? nextId_++ : kNoPeer);
  hold(operation.other, ends[1], tellsEnd ? nextId_++ : kNoPeer);
}

void Files::connectPair(const Operation& operation) {
  const bool tcp = operation.kind == Kind::kTcpPair;
  sockaddr_in here = randomAddress(operation.value);
  sockaddr_in there = here;
  UniqueFd near(makeSocket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM));
  UniqueFd far(makeSocket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM));
  if (!bindTo(far.get(), there)) return;
  if (tcp) {
    if (listen(far.get(), 1) < 0) return;
    connect(near.get(), generic(there), sizeof there);
    const int accepted = accept(far.get(), nullptr, nullptr);
    if (accepted < 0) return;
    prepare(accepted);
    far.reset(accepted);
  } else {
    if (!bindTo(near.get(), here)) return;
    connect(near.get(), generic(there), sizeof there);
    connect(far.get(), generic(here), sizeof here);
  }
  hold(operation.slot, near.release());
  hold(operation.other, far.release());
}

void Files::listenFor(const Operation& operation) {
  sockaddr_in address = randomAddress(operation.value);
  UniqueFd listener(makeSocket(AF_INET, SOCK_STREAM));
  UniqueFd client(makeSocket(AF_INET, SOCK_STREAM));
  if (!bindTo(listener.get(), address) || listen(listener.get(), 4) < 0) return;
  connect(client.get(), generic(address), sizeof address);
  hold(operation.slot, listener.release());
  hold(operation.other, client.release());
}

void Files::refuse(const Operation& operation) {
  sockaddr_in address = randomAddress(operation.value);
  UniqueFd client(makeSocket(AF_INET, SOCK_STREAM));
  {
    const UniqueFd nobody(makeSocket(AF_INET, SOCK_STREAM));
    if (!bindTo(nobody.get(), address)) return;
  }
  connect(client.get(), generic(address), sizeof address);
  hold(operation.slot, client.release());
}

void Files::use(const Operation& operation) {
  if (!isOpen(operation.slot)) return;
  const int fd = number(operation.slot);
  char block[kRoom];
  std::memset(block, 0, sizeof block);
  block[0] = static_cast<char>(operation.value >> 24);  // eventfd's number, in part
  const size_t size = 8 + operation.value % (operation.value % 3 == 0 ? sizeof block - 8 : 64);
  switch (operation.kind) {
    case Kind::kWrite:
      if (write(fd, block, size) < 0) return;
      return;
    case Kind::kFill:
      block[7] = 0x7f;
      for (size_t part = sizeof block, times = 0; part >= 8; part /= 2) {
        while (write(fd, block, part) > 0 && ++times < 200) {
        }
      }
      return;
    case Kind::kUrgent:
      send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL);
      return;
    case Kind::kRead:
      if (read(fd, block, size) < 0) return;
      return;
    case Kind::kDrain:
      for (int times = 0; times < 200 && read(fd, block, sizeof block) > 0; ++times) {
      }
      return;
    case Kind::kShutdown:
      shutdown(fd, static_cast<int>(operation.value % 3));
      return;
    default: {  // kSocketError
      int error = 0;
      socklen_t length = sizeof error;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    }
  }
}

}  // namespace coreactor::fuzz

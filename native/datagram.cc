// UDP sockets as plain functions; see datagram.h.
#include "datagram.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#ifndef __linux__
#include <fcntl.h>
#endif

#include "unique_fd.h"

namespace coreactor {
namespace {

constexpr int kBatch = 32;

int setOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

int openSocket(int family, UniqueFd* to) {
#ifdef __linux__
  UniqueFd fd(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return -errno;
#else
  UniqueFd fd(socket(family, SOCK_DGRAM, 0));
  if (!fd) return -errno;
  if (fcntl(fd.get(), F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0) return -errno;
#endif
  *to = std::move(fd);
  return 0;
}

void fill(int32_t* row, size_t size, bool truncated, const sockaddr_storage& from) {
  row[kSize] = static_cast<int32_t>(size);
  row[kTruncated] = truncated ? 1 : 0;
  row[kFamily] = from.ss_family == AF_INET ? 4 : 6;
  row[kScope] = 0;
  std::fill(row + kHost, row + kDatagramFields, 0);
  if (from.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(from);
    row[kPort] = ntohs(in.sin_port);
    std::memcpy(row + kHost, &in.sin_addr, sizeof in.sin_addr);
  } else if (from.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(from);
    row[kPort] = ntohs(in.sin6_port);
    row[kScope] = static_cast<int32_t>(in.sin6_scope_id);
    std::memcpy(row + kHost, &in.sin6_addr, sizeof in.sin6_addr);
  }
}

// The number of an interface by its name or as it is; 0 for "".
int interfaceNumber(const char* name, unsigned* to) {
  *to = 0;
  if (*name == '\0') return 0;
  *to = if_nametoindex(name);
  if (*to != 0) return 0;
  char* end = nullptr;
  *to = static_cast<unsigned>(std::strtoul(name, &end, 10));
  return *end == '\0' ? 0 : -ENODEV;
}

int familyOf(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  return getsockname(fd, address.get(), &address.length) < 0 ? -errno : address.family();
}

}  // namespace

int openDatagram(const Address& address, const DatagramOptions& options) {
  SocketAddress to;
  if (const int error = parse(address, &to); error < 0) return error;
  UniqueFd fd;
  if (const int error = openSocket(to.family(), &fd); error < 0) return error;
  if (options.reuseAddress) {
    if (const int error = setOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1); error < 0) return error;
  }
  if (options.reusePort) {
    if (const int error = setOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1); error < 0) return error;
  }
  if (to.family() == AF_INET6) {
    const int only = options.dualStack ? 0 : 1;
    if (const int error = setOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, only); error < 0) return error;
  }
  if (bind(fd.get(), to.get(), to.length) < 0) return -errno;
  return fd.release();
}

int connectDatagram(int fd, const Address& peer) {
  SocketAddress to;
  if (const int error = parse(peer, &to); error < 0) return error;
  return connect(fd, to.get(), to.length) == 0 ? 0 : -errno;
}

#ifdef __linux__

int receiveDatagrams(int fd, uint8_t* slots, size_t slot, int most, int32_t* rows) {
  mmsghdr headers[kBatch]{};
  iovec vectors[kBatch];
  sockaddr_storage from[kBatch];
  const int count = std::min(most, kBatch);
  for (int i = 0; i < count; i++) {
    vectors[i] = {slots + static_cast<size_t>(i) * slot, slot};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &from[i];
    header.msg_namelen = sizeof from[i];
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
  }
  int got;
  do {
    got = recvmmsg(fd, headers, static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  for (int i = 0; i < got; i++) {
    const bool truncated = (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    fill(rows + i * kDatagramFields, headers[i].msg_len, truncated, from[i]);
  }
  return got;
}

int sendDatagrams(int fd, const Datagram* datagrams, int count) {
  mmsghdr headers[kBatch]{};
  iovec vectors[kBatch];
  const int all = std::min(count, kBatch);
  for (int i = 0; i < all; i++) {
    vectors[i] = {const_cast<uint8_t*>(datagrams[i].bytes), datagrams[i].length};
    msghdr& header = headers[i].msg_hdr;
    if (datagrams[i].to != nullptr) {
      header.msg_name = datagrams[i].to->get();
      header.msg_namelen = datagrams[i].to->length;
    }
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
  }
  int sent;
  do {
    sent = sendmmsg(fd, headers, static_cast<unsigned>(all), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

#else

int receiveDatagrams(int fd, uint8_t* slots, size_t slot, int most, int32_t* rows) {
  int got = 0;
  while (got < most) {
    sockaddr_storage from{};
    iovec vector{slots + static_cast<size_t>(got) * slot, slot};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof from;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    const ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return got > 0 ? got : -errno;
    fill(rows + got * kDatagramFields, static_cast<size_t>(size), (header.msg_flags & MSG_TRUNC) != 0, from);
    got++;
  }
  return got;
}

int sendDatagrams(int fd, const Datagram* datagrams, int count) {
  for (int i = 0; i < count; i++) {
    const Datagram& one = datagrams[i];
    if (const int result = sendDatagram(fd, one.bytes, one.length, one.to); result < 0) return i > 0 ? i : result;
  }
  return count;
}

#endif

int sendDatagram(int fd, const void* bytes, size_t length, SocketAddress* to) {
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
  for (;;) {
    const ssize_t sent = to == nullptr ? send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT)
                                       : sendto(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT, to->get(), to->length);
    if (sent >= 0) return static_cast<int>(sent);
    if (errno != EINTR) return -errno;
  }
}

int setMembership(int fd, const Address& group, const char* interface, bool joins) {
  SocketAddress to;
  if (const int error = parse(group, &to); error < 0) return error;
  group_req request{};
  if (const int error = interfaceNumber(interface, &request.gr_interface); error < 0) return error;
  std::memcpy(&request.gr_group, &to.storage, sizeof request.gr_group);
  const int level = to.family() == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  const int name = joins ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
  return setsockopt(fd, level, name, &request, sizeof request) == 0 ? 0 : -errno;
}

int setMulticastInterface(int fd, const char* interface) {
  unsigned number = 0;
  if (const int error = interfaceNumber(interface, &number); error < 0) return error;
  const int family = familyOf(fd);
  if (family < 0) return family;
  if (family == AF_INET6) return setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(number));
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(number);
  return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0 ? 0 : -errno;
}

}  // namespace coreactor

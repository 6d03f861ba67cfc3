// Addresses of sockets in words, and as the system has them. No state; any thread.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <string>

namespace coreactor {

// One end of a connection: host and port, or for a Unix socket its path.
struct Address {
  std::string host{};  // an IPv4 or IPv6 literal; a link-local one has its interface: fe80::1%eth0
  int port = 0;
  std::string path{};  // "" is a Unix socket without a name; one that begins with NUL is abstract (Linux)
  bool isUnix = false;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const { return storage.ss_family; }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// The bytes that a path may have, with the NUL at its end, which an abstract one does without.
size_t mostPathBytes();

bool isAddress(const std::string& host);

// 0; -EINVAL: host is no IP literal, or a path has a NUL within; -ENODEV: no such interface; -ENAMETOOLONG.
int parse(const Address& address, SocketAddress* to);
int format(const SocketAddress& from, Address* to);

}  // namespace coreactor

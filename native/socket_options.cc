// The options of a socket by their names; see socket_options.h.
#include "socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace coreactor {
namespace {

struct Option {
  std::string_view name;
  int level;
  int number;
};

constexpr Option kOptions[] = {
    {"noDelay", IPPROTO_TCP, TCP_NODELAY},
    {"keepAlive", SOL_SOCKET, SO_KEEPALIVE},
#ifdef TCP_KEEPIDLE
    {"keepAliveIdle", IPPROTO_TCP, TCP_KEEPIDLE},
#elif defined(TCP_KEEPALIVE)
    {"keepAliveIdle", IPPROTO_TCP, TCP_KEEPALIVE},  // Darwin's name of it
#endif
#ifdef TCP_KEEPINTVL
    {"keepAliveInterval", IPPROTO_TCP, TCP_KEEPINTVL},
    {"keepAliveCount", IPPROTO_TCP, TCP_KEEPCNT},
#endif
    {"sendBuffer", SOL_SOCKET, SO_SNDBUF},
    {"receiveBuffer", SOL_SOCKET, SO_RCVBUF},
#ifdef TCP_USER_TIMEOUT
    {"userTimeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
#endif
    {"broadcast", SOL_SOCKET, SO_BROADCAST},
    // Those of IPv4 count on a socket of both families too.
    {"ttl", IPPROTO_IP, IP_TTL},
    {"ttl", IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {"multicastTtl", IPPROTO_IP, IP_MULTICAST_TTL},
    {"multicastTtl", IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {"multicastLoop", IPPROTO_IP, IP_MULTICAST_LOOP},
    {"multicastLoop", IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
};

}  // namespace

int setSocketOption(int fd, std::string_view name, int value) {
  int result = -ENOPROTOOPT;
  for (const Option& option : kOptions) {
    if (option.name != name) continue;
    if (setsockopt(fd, option.level, option.number, &value, sizeof value) == 0) {
      result = 0;
    } else if (result != 0) {
      result = -errno;
    }
  }
  return result;
}

int getSocketOption(int fd, std::string_view name, int* value) {
  int result = -ENOPROTOOPT;
  for (const Option& option : kOptions) {
    if (option.name != name || result == 0) continue;
    socklen_t length = sizeof *value;
    result = getsockopt(fd, option.level, option.number, value, &length) == 0 ? 0 : -errno;
  }
  return result;
}

}  // namespace coreactor

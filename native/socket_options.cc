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
};

const Option* find(std::string_view name) {
  for (const Option& option : kOptions) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

}  // namespace

int setSocketOption(int fd, std::string_view name, int value) {
  const Option* const option = find(name);
  if (option == nullptr) return -ENOPROTOOPT;
  return setsockopt(fd, option->level, option->number, &value, sizeof value) == 0 ? 0 : -errno;
}

int getSocketOption(int fd, std::string_view name, int* value) {
  const Option* const option = find(name);
  if (option == nullptr) return -ENOPROTOOPT;
  socklen_t length = sizeof *value;
  return getsockopt(fd, option->level, option->number, value, &length) == 0 ? 0 : -errno;
}

}  // namespace coreactor

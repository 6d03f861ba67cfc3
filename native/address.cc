// Addresses of sockets in words, and as the system has them; see address.h.
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace coreactor {
namespace {

constexpr size_t kPathBegins = offsetof(sockaddr_un, sun_path);

int parsePath(const std::string& path, SocketAddress* to) {
  const bool isAbstract = path[0] == '\0';
  if (!isAbstract && path.find('\0') != std::string::npos) return -EINVAL;
  if (path.size() + (isAbstract ? 0 : 1) > mostPathBytes()) return -ENAMETOOLONG;
  auto* const out = reinterpret_cast<sockaddr_un*>(&to->storage);
  out->sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), out->sun_path);
  to->length = static_cast<socklen_t>(kPathBegins + path.size() + (isAbstract ? 0 : 1));
  return 0;
}

void formatPath(const SocketAddress& from, Address* to) {
  const auto* const in = reinterpret_cast<const sockaddr_un*>(&from.storage);
  const size_t size = from.length > kPathBegins ? from.length - kPathBegins : 0;
  const bool isAbstract = size > 0 && in->sun_path[0] == '\0';
  to->path.assign(in->sun_path, isAbstract ? size : strnlen(in->sun_path, size));
  to->isUnix = true;
}

// The number of the interface after '%', by its name or as it is.
int parseScope(const std::string& scope, uint32_t* to) {
  *to = if_nametoindex(scope.c_str());
  if (*to != 0) return 0;
  if (scope.find_first_not_of("0123456789") != std::string::npos) return -ENODEV;
  *to = static_cast<uint32_t>(std::strtoul(scope.c_str(), nullptr, 10));
  return 0;
}

std::string formatScope(uint32_t scope) {
  char name[IF_NAMESIZE];
  return '%' + (if_indextoname(scope, name) != nullptr ? name : std::to_string(scope));
}

bool parseV6(const std::string& host, in6_addr* to, std::string* scope) {
  const size_t percent = host.find('%');
  if (percent != std::string::npos) *scope = host.substr(percent + 1);
  const bool hasEmptyScope = percent != std::string::npos && scope->empty();
  return !hasEmptyScope && inet_pton(AF_INET6, host.substr(0, percent).c_str(), to) == 1;
}

}  // namespace

size_t mostPathBytes() { return sizeof(sockaddr_un::sun_path); }

bool isAddress(const std::string& host) {
  in6_addr unused;
  std::string scope;
  return host.find('\0') == std::string::npos &&
         (inet_pton(AF_INET, host.c_str(), &unused) == 1 || parseV6(host, &unused, &scope));
}

int parse(const Address& address, SocketAddress* to) {
  if (address.isUnix) return address.path.empty() ? -EINVAL : parsePath(address.path, to);
  if (address.port < 0 || address.port > 65535 || !isAddress(address.host)) return -EINVAL;
  const auto port = htons(static_cast<uint16_t>(address.port));
  in_addr v4{};
  if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    auto* const out = reinterpret_cast<sockaddr_in*>(&to->storage);
    out->sin_family = AF_INET;
    out->sin_addr = v4;
    out->sin_port = port;
    to->length = sizeof(sockaddr_in);
    return 0;
  }
  auto* const out = reinterpret_cast<sockaddr_in6*>(&to->storage);
  std::string scope;
  if (!parseV6(address.host, &out->sin6_addr, &scope)) return -EINVAL;
  out->sin6_family = AF_INET6;
  out->sin6_port = port;
  to->length = sizeof(sockaddr_in6);
  return scope.empty() ? 0 : parseScope(scope, &out->sin6_scope_id);
}

int format(const SocketAddress& from, Address* to) {
  char text[INET6_ADDRSTRLEN] = "";
  if (from.family() == AF_INET) {
    const auto* const in = reinterpret_cast<const sockaddr_in*>(&from.storage);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    to->host = text;
    to->port = ntohs(in->sin_port);
  } else if (from.family() == AF_INET6) {
    const auto* const in = reinterpret_cast<const sockaddr_in6*>(&from.storage);
    inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
    to->host = text + (in->sin6_scope_id == 0 ? "" : formatScope(in->sin6_scope_id));
    to->port = ntohs(in->sin6_port);
  } else if (from.family() == AF_UNIX) {
    formatPath(from, to);
  } else {
    return -EAFNOSUPPORT;
  }
  return 0;
}

}  // namespace coreactor

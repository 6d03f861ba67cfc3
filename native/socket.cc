// TCP and Unix sockets as plain functions; see socket.h.
#include "socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "unique_fd.h"

namespace coreactor {
namespace {

template <class Value>
int setOption(int fd, int level, int name, const Value& value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

#ifndef __linux__
// Where a descriptor cannot be born right, it is made right at once.
int harden(int fd) {
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return -errno;
  if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return -errno;
#ifdef SO_NOSIGPIPE
  return setOption(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#else
  return 0;
#endif
}
#endif

int openStream(int family, UniqueFd* to) {
#ifdef __linux__
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return -errno;
#else
  UniqueFd fd(socket(family, SOCK_STREAM, 0));
  if (!fd) return -errno;
  if (const int error = harden(fd.get()); error < 0) return error;
#endif
  *to = std::move(fd);
  return 0;
}

// A socket that is to be bound to `address`, which it gives as the system has it.
int openServer(const Address& address, bool dualStack, SocketAddress* to, UniqueFd* fd) {
  if (const int error = parse(address, to); error < 0) return error;
  if (const int error = openStream(to->family(), fd); error < 0) return error;
  if (const int error = setOption(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1); error < 0) return error;
  if (to->family() != AF_INET6) return 0;
  return setOption(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, dualStack ? 0 : 1);
}

int listenOn(UniqueFd fd, SocketAddress& to, int backlog) {
  if (bind(fd.get(), to.get(), to.length) < 0) return -errno;
  if (listen(fd.get(), backlog) < 0) return -errno;
  return fd.release();
}

// The local end of a connection that is to be made. Its port may be one that waits for the end of an old connection.
int bindTo(int fd, const Address& local) {
  SocketAddress from;
  if (const int error = parse(local, &from); error < 0) return error;
  if (const int error = setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1); error < 0) return error;
  return bind(fd, from.get(), from.length) == 0 ? 0 : -errno;
}

Address unixAddress(const std::string& path) { return Address{"", 0, path, true}; }

template <int (*Ask)(int, sockaddr*, socklen_t*)>
int ask(int fd, Address* to) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (Ask(fd, address.get(), &address.length) < 0) return -errno;
  return format(address, to);
}

}  // namespace

int holdTcp(const Address& address, bool dualStack) {
  SocketAddress to;
  UniqueFd fd;
  if (const int error = openServer(address, dualStack, &to, &fd); error < 0) return error;
  // Bound without the option, which those must have who share the port: so it is refused if anybody has it already.
  if (bind(fd.get(), to.get(), to.length) < 0) return -errno;
  if (const int error = setOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1); error < 0) return error;
  // Or whoever has it too could listen beside us, who do not.
  if (const int error = setOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 0); error < 0) return error;
  return fd.release();
}

int listenTcp(const Address& address, int backlog, bool reusePort, bool dualStack) {
  SocketAddress to;
  UniqueFd fd;
  if (const int error = openServer(address, dualStack, &to, &fd); error < 0) return error;
  if (reusePort) {
    if (const int error = setOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1); error < 0) return error;
  }
  // Accepted sockets inherit it, which saves a call for each of them.
  if (const int error = setNoDelay(fd.get(), true); error < 0) return error;
  return listenOn(std::move(fd), to, backlog);
}

int listenUnix(const std::string& path, int backlog) {
  SocketAddress to;
  if (const int error = parse(unixAddress(path), &to); error < 0) return error;
  UniqueFd fd;
  if (const int error = openStream(AF_UNIX, &fd); error < 0) return error;
  return listenOn(std::move(fd), to, backlog);
}

int acceptSocket(int listener) {
#ifdef __linux__
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd >= 0 ? fd : -errno;
#else
  UniqueFd fd(accept(listener, nullptr, nullptr));
  if (!fd) return -errno;
  if (const int error = harden(fd.get()); error < 0) return error;
  return fd.release();
#endif
}

int connectTcp(const Address& address, bool* pending, const Address* local) {
  SocketAddress to;
  if (const int error = parse(address, &to); error < 0) return error;
  UniqueFd fd;
  if (const int error = openStream(to.family(), &fd); error < 0) return error;
  if (const int error = setNoDelay(fd.get(), true); error < 0) return error;
  if (local != nullptr) {
    if (const int error = bindTo(fd.get(), *local); error < 0) return error;
  }
  *pending = false;
  if (connect(fd.get(), to.get(), to.length) < 0) {
    // An interrupted connect goes on in the background, just as one in progress.
    if (errno != EINPROGRESS && errno != EINTR) return -errno;
    *pending = true;
  }
  return fd.release();
}

int openUnix() {
  UniqueFd fd;
  if (const int error = openStream(AF_UNIX, &fd); error < 0) return error;
  return fd.release();
}

int connectUnix(int fd, const std::string& path) {
  SocketAddress to;
  if (const int error = parse(unixAddress(path), &to); error < 0) return error;
  return connect(fd, to.get(), to.length) == 0 ? 0 : -errno;
}

int socketError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
  return -error;
}

// With threads in the process libc's recv() and send() are cancellation points, whose bookkeeping is 2% of an echo
// server's work; the bare system calls are not.
#ifdef __linux__
static ssize_t bareReceive(int fd, void* to, size_t length) {
  return syscall(SYS_recvfrom, fd, to, length, 0, nullptr, nullptr);
}
static ssize_t bareSend(int fd, const void* from, size_t length) {
  return syscall(SYS_sendto, fd, from, length, MSG_NOSIGNAL, nullptr, 0);
}
#else
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0  // SO_NOSIGPIPE was set when the socket was made
#endif
static ssize_t bareReceive(int fd, void* to, size_t length) { return recv(fd, to, length, 0); }
static ssize_t bareSend(int fd, const void* from, size_t length) { return send(fd, from, length, MSG_NOSIGNAL); }
#endif

int receive(int fd, void* to, size_t length) {
  for (;;) {
    ssize_t got = bareReceive(fd, to, std::min<size_t>(length, INT_MAX));
    if (got < 0 && errno == ENOTSOCK) got = read(fd, to, std::min<size_t>(length, INT_MAX));
    if (got >= 0) return static_cast<int>(got);
    if (errno != EINTR) return -errno;
  }
}

int transmit(int fd, const void* from, size_t length) {
  for (;;) {
    ssize_t sent = bareSend(fd, from, std::min<size_t>(length, INT_MAX));
    if (sent < 0 && errno == ENOTSOCK) sent = write(fd, from, std::min<size_t>(length, INT_MAX));
    if (sent >= 0) return static_cast<int>(sent);
    if (errno != EINTR) return -errno;
  }
}

int shutdownSocket(int fd, int how) { return shutdown(fd, how) == 0 ? 0 : -errno; }

int closeDescriptor(int fd) {
  // After EINTR the descriptor is gone all the same; a second close() could hit somebody else's.
  return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

int setResetOnClose(int fd) { return setOption(fd, SOL_SOCKET, SO_LINGER, linger{1, 0}); }

int setNoDelay(int fd, bool on) { return setOption(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

int localAddress(int fd, Address* to) { return ask<getsockname>(fd, to); }

int remoteAddress(int fd, Address* to) { return ask<getpeername>(fd, to); }

}  // namespace coreactor

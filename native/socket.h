// TCP and Unix sockets as plain functions: each returns a result >= 0 or -errno, and every descriptor it makes is
// non-blocking and close-on-exec from the first moment. No state; any thread.
#pragma once

#include <cstddef>
#include <string>

#include "address.h"

namespace coreactor {

// -EINVAL: host is no IP literal.
int listenTcp(const Address& address, int backlog, bool reusePort, bool dualStack);
// Has a port for itself and for the listeners with `reusePort` that this user opens; it does not listen. -EADDRINUSE
// also if somebody has the port who would share it.
int holdTcp(const Address& address, bool dualStack);
// Makes a socket file, unless the path is an abstract name.
int listenUnix(const std::string& path, int backlog);
int acceptSocket(int listener);

// The fd, with *pending telling whether the handshake still runs: wait for kWrite, then ask socketError().
// `local`, if not null, is where it comes from.
int connectTcp(const Address& address, bool* pending, const Address* local = nullptr);
int openUnix();
// At once, or never: -EAGAIN if the listener's queue is full. The same fd may try again.
int connectUnix(int fd, const std::string& path);
// 0, or -errno of the pending error, which reading clears.
int socketError(int fd);

// Of a pipe and what else is no socket too, at the price of a call that the system refuses: so sockets need not ask
// which they are. Sending to a socket never raises SIGPIPE; for the others Node has it ignored.
int receive(int fd, void* to, size_t length);
int transmit(int fd, const void* from, size_t length);

int shutdownSocket(int fd, int how);
int closeDescriptor(int fd);
int setNoDelay(int fd, bool on);
// The next close() resets the connection, as it does by itself when bytes were not read.
int setResetOnClose(int fd);

int localAddress(int fd, Address* to);
int remoteAddress(int fd, Address* to);

}  // namespace coreactor

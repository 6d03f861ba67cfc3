// UDP sockets as plain functions: each returns a result >= 0 or -errno, and every descriptor it makes is non-blocking
// and close-on-exec from the first moment. No state; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "address.h"

namespace coreactor {

struct DatagramOptions {
  bool reuseAddress = false;
  bool reusePort = false;
  bool dualStack = false;
};

int openDatagram(const Address& address, const DatagramOptions& options);
// From now on the one peer: others are not heard.
int connectDatagram(int fd, const Address& peer);

// What was received: so many bytes in its slot (more were cut off if `truncated`), and who sent it, as rows of 32-bit
// fields that JavaScript reads. The address is in the form of sockaddr_in6, an IPv4 one mapped.
enum DatagramField : int { kSize, kTruncated, kFamily, kPort, kScope, kHost, kDatagramFields = kHost + 4 };

// Receives at most `most` datagrams into slots of `slot` bytes, in one call where the system can (recvmmsg); how many.
int receiveDatagrams(int fd, uint8_t* slots, size_t slot, int most, int32_t* rows);

// `to` is null for a connected socket.
int sendDatagram(int fd, const void* bytes, size_t length, SocketAddress* to);

// The bytes of one, and where to.
struct Datagram {
  const uint8_t* bytes;
  size_t length;
  SocketAddress* to;
};
// How many of them were sent, at least one, or -errno of the first.
int sendDatagrams(int fd, const Datagram* datagrams, int count);

// Joins or leaves a group, on the interface with this name or number; "" is the one that the system chooses.
int setMembership(int fd, const Address& group, const char* interface, bool joins);
// Where to multicasts go.
int setMulticastInterface(int fd, const char* interface);

}  // namespace coreactor

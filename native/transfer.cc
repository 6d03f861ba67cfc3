// Sending much with one call; see transfer.h.
#include "transfer.h"

#include <sys/socket.h>
#ifdef __linux__
#include <sys/sendfile.h>
#endif

#include <algorithm>
#include <cerrno>
#include <climits>

namespace coreactor {

int transmitMany(int fd, iovec* buffers, size_t count) {
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
  msghdr header{};
  header.msg_iov = buffers;
  header.msg_iovlen = std::min<size_t>(count, IOV_MAX);
  for (;;) {
    ssize_t sent = sendmsg(fd, &header, MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) sent = writev(fd, buffers, static_cast<int>(header.msg_iovlen));
    if (sent >= 0) return static_cast<int>(std::min<ssize_t>(sent, INT_MAX));
    if (errno != EINTR) return -errno;
  }
}

#if defined(__linux__)

int64_t sendFile(int to, int file, int64_t offset, size_t length) {
  for (;;) {
    off_t at = offset;
    const ssize_t sent = sendfile(to, file, &at, length);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

#elif defined(__APPLE__)

int64_t sendFile(int to, int file, int64_t offset, size_t length) {
  for (;;) {
    auto count = static_cast<off_t>(length);
    if (sendfile(file, to, offset, &count, nullptr, 0) == 0 || count > 0) return count;
    if (errno != EINTR) return -errno;
  }
}

#else

int64_t sendFile(int, int, int64_t, size_t) { return -ENOSYS; }

#endif

}  // namespace coreactor

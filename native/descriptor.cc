// Any descriptor as plain functions; see descriptor.h.
#include "descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "selector.h"
#include "unique_fd.h"

namespace coreactor {

int accessMode(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -errno : flags & O_ACCMODE;
}

int setNonBlocking(int fd, bool on) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  const bool was = (flags & O_NONBLOCK) != 0;
  if (was != on && fcntl(fd, F_SETFL, flags ^ O_NONBLOCK) < 0) return -errno;
  return was ? 1 : 0;
}

int makePipe(int* reader, int* writer) {
  int ends[2];
#ifdef __linux__
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
#else
  if (pipe(ends) < 0) return -errno;
  UniqueFd first(ends[0]);
  UniqueFd second(ends[1]);
  for (const int end : ends) {
    if (fcntl(end, F_SETFD, FD_CLOEXEC) < 0 || fcntl(end, F_SETFL, O_NONBLOCK) < 0) return -errno;
  }
  first.release();
  second.release();
#endif
  *reader = ends[0];
  *writer = ends[1];
  return 0;
}

int readyNow(int fd) {
  pollfd one{fd, POLLIN | POLLOUT, 0};
  if (poll(&one, 1, 0) < 0) return errno == EINTR ? 0 : -errno;
  if ((one.revents & POLLNVAL) != 0) return -EBADF;
  int ready = 0;
  if ((one.revents & (POLLIN | POLLERR | POLLHUP)) != 0) ready |= kRead;
  if ((one.revents & (POLLOUT | POLLERR | POLLHUP)) != 0) ready |= kWrite;
  return ready;
}

}  // namespace coreactor

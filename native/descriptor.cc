// Any descriptor as plain functions; see descriptor.h.
#include "descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
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

int duplicate(int fd) {
  const int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return other < 0 ? -errno : other;
}

int64_t identify(int fd) {
  struct stat status {};
  if (fstat(fd, &status) < 0) return -errno;
  return static_cast<int64_t>(status.st_ino) * 16 + ((status.st_mode & S_IFMT) >> 12);
}

int tell(int fd, uint8_t byte) { return write(fd, &byte, 1) < 0 ? -errno : 0; }

int hear(int fd, char* to, size_t size) {
  const ssize_t length = read(fd, to, size);
  if (length < 0) return -errno;
  return length == 0 ? -EPIPE : static_cast<int>(length);
}

// A pipe keeps pieces of up to PIPE_BUF bytes whole; all are of this size, so that the ends meet.
int handOver(int pipe, int fd) { return write(pipe, &fd, sizeof fd) < 0 ? -errno : 0; }

int takeOver(int pipe) {
  int fd = -1;
  const ssize_t length = read(pipe, &fd, sizeof fd);
  if (length < 0) return -errno;
  return length == 0 ? -EPIPE : fd;
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

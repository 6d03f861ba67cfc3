// Which descriptors may be registered; see pollable.h.
#include "pollable.h"

#include <fcntl.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/epoll.h>
#else
#include <sys/types.h>
// after sys/types.h
#include <sys/event.h>
#include <sys/time.h>
#endif

#include <cerrno>

#include "unique_fd.h"

namespace coreactor {
namespace {

// Asks the platform's own mechanism on a throw-away instance: only a driver knows whether its device can be polled.
#ifdef __linux__

int askKernel(int fd) {
  const UniqueFd instance(epoll_create1(EPOLL_CLOEXEC));
  if (!instance) return -errno;
  epoll_event nothing{};
  return epoll_ctl(instance.get(), EPOLL_CTL_ADD, fd, &nothing) == 0 ? 0 : -errno;
}

#else

int askKernel(int fd) {
  const UniqueFd instance(kqueue());
  if (!instance) return -errno;
  struct kevent addition;
  EV_SET(&addition, static_cast<uintptr_t>(fd), EVFILT_READ, EV_ADD, 0, 0, 0);
  return kevent(instance.get(), &addition, 1, nullptr, 0, nullptr) == 0 ? 0 : -EPERM;
}

#endif

}  // namespace

int checkOpen(int fd) { return fcntl(fd, F_GETFD) < 0 ? -errno : 0; }

int checkPollable(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  if (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode)) return 0;
#ifndef __linux__
  // kqueue knows them, but means something else by "readable": not at the end of the file.
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) return -EPERM;
#endif
  return askKernel(fd);
}

int checkChange(int fd, const Registration* before, const Registration* after) {
  if (after == nullptr) return 0;
  return before == nullptr ? checkPollable(fd) : checkOpen(fd);
}

}  // namespace coreactor

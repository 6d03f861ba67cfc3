// inotify(7) as plain functions; see inotify.h.
#include "inotify.h"

#include <cerrno>

#ifdef __linux__

#include <sys/inotify.h>

namespace coreactor {

int openInotify() {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

int addWatch(int fd, const char* path, uint32_t events) {
  const int watch = inotify_add_watch(fd, path, events);
  return watch >= 0 ? watch : -errno;
}

int removeWatch(int fd, int watch) { return inotify_rm_watch(fd, watch) == 0 ? 0 : -errno; }

}  // namespace coreactor

#else

namespace coreactor {

int openInotify() { return -ENOSYS; }
int addWatch(int, const char*, uint32_t) { return -ENOSYS; }
int removeWatch(int, int) { return -ENOSYS; }

}  // namespace coreactor

#endif

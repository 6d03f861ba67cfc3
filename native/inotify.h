// inotify(7), which tells of changes to files, as plain functions that return a result or -errno. Linux only: elsewhere
// they give -ENOSYS. The descriptor is an ordinary one: to be waited on, read and closed as any other.
#pragma once

#include <cstdint>

namespace coreactor {

int openInotify();
// The number of the watch, which the events carry.
int addWatch(int fd, const char* path, uint32_t events);
int removeWatch(int fd, int watch);

}  // namespace coreactor

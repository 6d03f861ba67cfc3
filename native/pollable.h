// Which descriptors may be registered: one policy for all mechanisms, since poll, select and kqueue would accept
// regular files and call them ready for ever while epoll refuses them. Pure functions.
#pragma once

#include "registry.h"

namespace coreactor {

// 0 or -EBADF.
int checkOpen(int fd);

// 0, -EBADF, or -EPERM for what has no readiness: regular files, directories, block devices, /dev/null and its like.
int checkPollable(int fd);

// For mechanisms that would not find out by themselves: what Selector::change() has to refuse.
int checkChange(int fd, const Registration* before, const Registration* after);

}  // namespace coreactor

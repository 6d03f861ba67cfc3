// Which mechanisms this build has, and how each is opened. Pure functions.
#pragma once

#include <memory>

#include "../ring.h"
#include "../selector.h"

#ifdef __linux__
#define COREACTOR_HAVE_EPOLL 1
#endif

// On Linux the build defines it when it has found libkqueue.
#if !defined(COREACTOR_HAVE_KQUEUE) && (defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
                                        defined(__OpenBSD__) || defined(__DragonFly__))
#define COREACTOR_HAVE_KQUEUE 1
#endif

namespace coreactor {

// Null on failure, with *error set to -errno.
using OpenSelector = std::unique_ptr<Selector>(Ready* rows, int capacity, int* error);

OpenSelector openEpoll;
OpenSelector openIoUring;
OpenSelector openKqueue;
OpenSelector openPoll;
OpenSelector openSelect;

template <class Mechanism>
std::unique_ptr<Selector> openAs(Ready* rows, int capacity, int* error) {
  auto selector = std::make_unique<Mechanism>(rows, capacity);
  *error = selector->open();
  if (*error < 0) selector.reset();
  return selector;
}

}  // namespace coreactor

// The list of mechanisms, best first; see mechanisms.h and the end of selector.h.
#include "mechanisms.h"

#include <cerrno>

namespace coreactor {
namespace {

struct Mechanism {
  std::string_view name;
  OpenSelector* open;
};

constexpr Mechanism kMechanisms[] = {
#ifdef COREACTOR_HAVE_EPOLL
    {"epoll", openEpoll},
#elif defined(COREACTOR_HAVE_KQUEUE)
    {"kqueue", openKqueue},
#endif
#ifdef COREACTOR_HAVE_IO_URING
    {"io_uring", openIoUring},
#endif
    {"poll", openPoll},        {"select", openSelect},
// A kqueue on top of epoll is there to be tried out, not to be preferred.
#if defined(COREACTOR_HAVE_EPOLL) && defined(COREACTOR_HAVE_KQUEUE)
    {"kqueue", openKqueue},
#endif
};

}  // namespace

std::vector<std::string_view> availableSelectors() {
  std::vector<std::string_view> names;
  for (const Mechanism& mechanism : kMechanisms) names.push_back(mechanism.name);
  return names;
}

std::unique_ptr<Selector> makeSelector(std::string_view name, Ready* rows, int capacity, int* error) {
  *error = capacity < 1 ? -EINVAL : -ENOSYS;
  if (capacity < 1) return nullptr;
  for (const Mechanism& mechanism : kMechanisms) {
    if (mechanism.name == name) return mechanism.open(rows, capacity, error);
  }
  return nullptr;
}

}  // namespace coreactor

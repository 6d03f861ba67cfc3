// poll(2): the list goes to the kernel as it is. Any Unix.
#include <cerrno>

#include "../timeout.h"
#include "mechanisms.h"
#include "scan_selector.h"

namespace coreactor {
namespace {

class PollSelector final : public ScanSelector {
 public:
  using ScanSelector::ScanSelector;
  const char* name() const override { return "poll"; }

 private:
  int scan(std::vector<pollfd>& list, int64_t ns) override {
    const auto count = static_cast<nfds_t>(list.size());
#ifdef __APPLE__
    const int ready = ::poll(list.data(), count, toMilliseconds(ns));
#else
    const timespec time = toTimespec(ns);
    const int ready = ::ppoll(list.data(), count, ns < 0 ? nullptr : &time, nullptr);
#endif
    return ready < 0 ? -errno : ready;
  }
};

}  // namespace

std::unique_ptr<Selector> openPoll(Ready* rows, int capacity, int* error) {
  return openAs<PollSelector>(rows, capacity, error);
}

}  // namespace coreactor

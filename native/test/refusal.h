// A system that refuses a call, as a sandbox does or an older kernel.
#pragma once

#ifdef __linux__

#include <cstdint>
#include <functional>

namespace coreactor::test {

struct Refusal {
  unsigned int systemCall;
  int error;
  // Only where one of these bits is set in the argument of this number; all calls if there are none.
  unsigned int argument = 0;
  uint32_t bits = 0;
};

// Runs `body` where this is so. The filter holds for one thread and for ever, so it is a thread that ends here.
void where(const Refusal& refusal, const std::function<void()>& body);

}  // namespace coreactor::test

#endif

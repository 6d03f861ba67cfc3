// A system that refuses a call; see refusal.h.
#ifdef __linux__

#include "refusal.h"

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <thread>

namespace coreactor::test {
namespace {

bool refuse(const Refusal& refusal) {
  uint32_t argument = offsetof(seccomp_data, args) + 8 * refusal.argument;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  argument += 4;
#endif
  const auto anyBits = static_cast<uint8_t>(refusal.bits == 0 ? 2 : 0);
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal.systemCall, anyBits, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, refusal.bits, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(refusal.error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof code / sizeof code[0], code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

void where(const Refusal& refusal, const std::function<void()>& body) {
  std::thread([&] {
    if (!refuse(refusal)) {
      MESSAGE("skipped: this machine does not let us filter system calls");
      return;
    }
    body();
  }).join();
}

}  // namespace coreactor::test

#endif

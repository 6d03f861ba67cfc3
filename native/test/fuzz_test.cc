// A short run of the fuzzer, always the same one; `npm run fuzz` runs others.
#include <cstdlib>

#include "fuzz/trial.h"
#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H41: random programs are told what poll(2) says") {
  Subject subject;
  if (isShim() || subject.isDeaf()) return;
  const bool slow = std::getenv("COREACTOR_VALGRIND") != nullptr;
  fuzz::Counts counts;
  for (uint64_t seed = 1; seed <= (slow ? 5 : 50); ++seed) {
    const fuzz::Program program = fuzz::generate(seed, 200);
    const auto failure = fuzz::Trial(currentSelector, program, &counts).run();
    const std::string what = failure ? failure->what : "";
    CHECK_MESSAGE(what == "", "npm run fuzz -- --operations 200 --selector ", currentSelector, " --seed ", seed);
  }
  CHECK(counts.rows > 100);
}

TEST_SUITE_END();

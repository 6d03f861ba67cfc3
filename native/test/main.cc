// Runs the tests: those of single parts once, the conformance suite once per selector of this build.
// The environment's COREACTOR_SELECTOR restricts it to one; the command line is doctest's (try --help).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "support.h"

static int run(int argc, char** argv, const char* filter, bool* stop) {
  doctest::Context context(argc, argv);
  context.setOption("no-version", true);
  context.addFilter(filter, CONFORMANCE_SUITE);
  const int failed = context.run();
  *stop = context.shouldExit();
  return failed;
}

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  bool stop = false;
  std::cout << "== parts" << std::endl;
  int failed = run(argc, argv, "test-suite-exclude", &stop);
  const char* const only = std::getenv("COREACTOR_SELECTOR");
  for (const std::string_view name : coreactor::availableSelectors()) {
    if (stop || (only != nullptr && name != only)) continue;
    std::cout << "== " << name << std::endl;
    coreactor::test::currentSelector = name;
    failed |= run(argc, argv, "test-suite", &stop);
  }
  return failed;
}

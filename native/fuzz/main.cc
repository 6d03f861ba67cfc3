// The selectors' fuzzer: random programs, with poll(2) as the judge. What fails is printed with its seed, and shrunk.
//   coreactor_fuzz [--seed S] [--operations N] [--selector NAME]
// N operations per selector, in programs of 200 at most, the first of which has seed S, the next S + 1.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "trial.h"

using namespace coreactor;
using namespace coreactor::fuzz;

namespace {

constexpr size_t kLongest = 200;

// What a crash or a hang has to say of itself; static, because a signal handler has nothing else.
char lastWords[200];

void onCrash(int number) {
  if (write(STDERR_FILENO, lastWords, std::strlen(lastWords)) < 0) _exit(3);
  if (number == SIGALRM) _exit(2);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

std::string replay(uint64_t seed, size_t count, std::string_view selector) {
  return "npm run fuzz -- --seed " + std::to_string(seed) + " --operations " + std::to_string(count) + " --selector " +
         std::string(selector);
}

int countOpen() {
  int open = 0;
  for (int fd = 0; fd < 64; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return open;
}

std::optional<Failure> tryOut(const Program& program, std::string_view selector, Counts* counts) {
  alarm(60);
  const int before = countOpen();
  std::optional<Failure> failure;
  {
    Trial trial(selector, program, counts);
    failure = trial.run();
  }
  if (!failure && countOpen() != before) failure = Failure{program.operations.size(), "a descriptor was left open"};
  alarm(0);
  return failure;
}

void report(const Program& program, const Failure& failure, std::string_view selector, uint64_t seed) {
  std::cout << selector << ": FAILED, " << failure.what << "\n"
            << replay(seed, program.operations.size(), selector) << std::endl;
  Counts ignored;
  const Program least =
      shrink(program, [&](const Program& candidate) { return tryOut(candidate, selector, &ignored).has_value(); });
  std::cout << "shrunk to " << least.operations.size() << " operations, rows " << least.capacity
            << (least.host ? ", fd() polled" : "") << ":\n";
  for (const Operation& operation : least.operations) std::cout << "  " << describe(operation) << "\n";
  if (const auto again = tryOut(least, selector, &ignored)) std::cout << "  -> " << again->what << std::endl;
}

bool compare(std::string_view selector, uint64_t seed, size_t total) {
  Counts counts;
  for (size_t done = 0; done < total; ++seed) {
    const size_t length = std::min(kLongest, total - done);
    const Program program = generate(seed, length);
    std::snprintf(lastWords, sizeof lastWords, "crashed or hung: %s\n", replay(seed, length, selector).c_str());
    if (const auto failure = tryOut(program, selector, &counts)) {
      report(program, *failure, selector, seed);
      return false;
    }
    done += length;
  }
  std::cout << selector << ": " << total << " operations, " << counts.waits << " waits, " << counts.rows << " rows, "
            << counts.late << " late: no difference from poll(2)" << std::endl;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1;
  size_t operations = 20'000;
  std::string only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--seed")
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    else if (option == "--operations")
      operations = std::strtoull(argv[i + 1], nullptr, 10);
    else if (option == "--selector")
      only = argv[i + 1];
    else
      return std::cerr << "unknown option " << option << "\n", 2;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // for numbers beyond FD_SETSIZE
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGALRM}) std::signal(number, onCrash);
  bool found = false;
  int failures = 0;
  for (const std::string_view name : availableSelectors()) {
    if (!only.empty() && name != only) continue;
    found = true;
    if (!compare(name, seed, operations)) ++failures;
  }
  if (!found) std::cerr << "there is no selector " << only << "\n";
  return found && failures == 0 ? 0 : 1;
}

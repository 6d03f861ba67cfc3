// What a child process gets to see of a selector: nothing.
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <set>

#include "support.h"

using namespace coreactor;
using namespace coreactor::test;

extern char** environ;

static std::set<int> openNumbers() {
  std::set<int> numbers;
  for (int fd = 0; fd < 256; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) numbers.insert(fd);
  }
  return numbers;
}

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H22: every descriptor that a selector opens is closed on exec, and closed with it") {
  const std::set<int> before = openNumbers();
  bool late = false;  // libkqueue closes what it opened in its own time
  {
    Subject subject;
    late = isShim();
    for (const int fd : openNumbers()) {
      if (before.count(fd) == 0) CHECK_MESSAGE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "fd ", fd);
    }
  }
  if (!late) CHECK(openNumbers() == before);
}

#ifdef __linux__
TEST_CASE("H22: a spawned child has none of them") {
  Subject subject;
  Pair output = makePipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.far.get(), 1);
  char list[] = "ls", option[] = "-l", folder[] = "/proc/self/fd/";
  char* arguments[] = {list, option, folder, nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawnp(&child, list, &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  const std::string seen = take(output.near, 65536);
  CHECK(seen.find("pipe:") != std::string::npos);
  CHECK(seen.find("anon_inode") == std::string::npos);
}
#endif

TEST_SUITE_END();

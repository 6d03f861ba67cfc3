// Child processes as plain functions; see process.h.
#include "process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#endif

#include <cerrno>

#include "unique_fd.h"

namespace coreactor {
namespace {

// Frees what posix_spawn's two structures hold.
struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { posix_spawn_file_actions_init(&value); }
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

struct Attributes {
  posix_spawnattr_t value;
  Attributes() { posix_spawnattr_init(&value); }
  ~Attributes() { posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

// glibc 2.34 has it, musl has not; looked up here, since who compiles us may have an older one than who runs us.
using CloseFrom = int (*)(posix_spawn_file_actions_t*, int);
CloseFrom findCloseFrom() {
  return reinterpret_cast<CloseFrom>(dlsym(RTLD_DEFAULT, "posix_spawn_file_actions_addclosefrom_np"));
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

int spawnProcess(const Command& command) {
  Actions actions;
  std::array<UniqueFd, 3> copies;
  for (size_t i = 0; i < 3; ++i) {
    // Copied out of the way first: the child's 0 may be our 1, and the other way round.
    copies[i].reset(fcntl(command.descriptors[i], F_DUPFD_CLOEXEC, 3));
    if (!copies[i]) return -errno;
    posix_spawn_file_actions_adddup2(&actions.value, copies[i].get(), static_cast<int>(i));
  }
  // Ours are close-on-exec; this is for those that we have inherited ourselves, or that other addons have opened.
  if (const CloseFrom closeFrom = findCloseFrom()) closeFrom(&actions.value, 3);
  if (!command.directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions.value, command.directory.c_str());
  }

  Attributes attributes;
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.value, &none);
  posix_spawnattr_setsigdefault(&attributes.value, &all);  // SIGPIPE above all, which Node ignores
  posix_spawnattr_setpgroup(&attributes.value, 0);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (command.ownGroup) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes.value, static_cast<short>(flags));

  const std::vector<char*> arguments = pointers(command.arguments);
  const std::vector<char*> environment = pointers(command.environment);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, command.file.c_str(), &actions.value, &attributes.value, arguments.data(), environment.data());
  return error == 0 ? static_cast<int>(pid) : -error;
}

int openPidfd(int pid) {
#ifdef __linux__
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid, O_NONBLOCK));  // it is close-on-exec by itself
  return fd >= 0 ? fd : -errno;
#else
  static_cast<void>(pid);
  return -ENOSYS;
#endif
}

int reapProcess(int pid, int* code, int* signal) {
  int status = 0;
  pid_t got;
  do {
    got = waitpid(pid, &status, WNOHANG);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  if (got == 0) return 0;
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return 1;
}

int killProcess(int pid, int signal) { return kill(pid, signal) == 0 ? 0 : -errno; }

}  // namespace coreactor

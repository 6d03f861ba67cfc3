// Child processes as plain functions: each returns a result >= 0 or -errno. No state; any thread.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace coreactor {

struct Command {
  std::string file;                      // without a slash it is looked for in PATH
  std::vector<std::string> arguments;    // the first is the name that the program sees
  std::vector<std::string> environment;  // NAME=value
  std::string directory;                 // "" is ours
  std::array<int, 3> descriptors;        // what it has as 0, 1 and 2
  bool ownGroup = false;                 // the leader of a process group of its own, out of the terminal's reach
};

// Starts it, with the default of every signal, and nothing open but the three. Its pid; -ENOENT, -EACCES ... of the
// program.
int spawnProcess(const Command& command);

// Readable once the process has ended; -ENOSYS where there is none.
int openPidfd(int pid);

// 1 and how it has ended, which is told once: then the pid may be somebody else's. 0: it runs.
int reapProcess(int pid, int* code, int* signal);

int killProcess(int pid, int signal);

}  // namespace coreactor

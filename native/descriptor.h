// Any descriptor as plain functions: each returns a result >= 0 or -errno. No state; any thread.
#pragma once

#include <cstdint>

namespace coreactor {

// O_RDONLY, O_WRONLY or O_RDWR.
int accessMode(int fd);
// Whether it was non-blocking before. The flag belongs to the open file, which other processes may share.
int setNonBlocking(int fd, bool on);
// Both ends non-blocking and close-on-exec.
int makePipe(int* reader, int* writer);
// What it is ready for at this moment, of kRead and kWrite (an error or a hang-up is both).
int readyNow(int fd);

}  // namespace coreactor

// Any descriptor as plain functions: each returns a result >= 0 or -errno. No state; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace coreactor {

// O_RDONLY, O_WRONLY or O_RDWR.
int accessMode(int fd);
// Whether it was non-blocking before. The flag belongs to the open file, which other processes may share.
int setNonBlocking(int fd, bool on);
// Both ends non-blocking and close-on-exec.
int makePipe(int* reader, int* writer);
// Another number for the same open file, close-on-exec.
int duplicate(int fd);
// Which pipe or socket it is, for comparison: its inode and its kind, since each kind counts for itself.
int64_t identify(int fd);
// A byte into a pipe: -EAGAIN if it is full, -EPIPE if nobody reads it.
int tell(int fd, uint8_t byte);
// What is in a pipe, up to `size` bytes: how many, -EAGAIN if it is empty, -EPIPE at its end.
int hear(int fd, char* to, size_t size);
// The number of a descriptor goes to another thread of this process through a pipe, and with it the duty to close it.
// Whole or not at all: -EAGAIN if the pipe is full, or empty; -EPIPE at its end.
int handOver(int pipe, int fd);
int takeOver(int pipe);
// What it is ready for at this moment, of kRead and kWrite (an error or a hang-up is both).
int readyNow(int fd);

}  // namespace coreactor

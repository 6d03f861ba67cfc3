// Sending much with one call: several buffers, or a file. Each returns a result >= 0 or -errno. No state; any thread.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace coreactor {

// Sends the buffers one after the other, as many as one call takes; how many bytes went.
int transmitMany(int fd, iovec* buffers, size_t count);

// Sends at most `length` bytes of a file from `offset` on; 0 at its end. -EINVAL, -ENOSYS: not between these two.
int64_t sendFile(int to, int file, int64_t offset, size_t length);

}  // namespace coreactor

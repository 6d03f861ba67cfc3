// A file descriptor that is closed when its owner goes. Belongs to whoever holds it, on any thread, one at a time.
#pragma once

#include <unistd.h>

#include <utility>

namespace coreactor {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // The caller closes it from now on.
  int release() { return std::exchange(fd_, -1); }

  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    // No retry on EINTR: the number is free by then and may already be somebody else's.
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace coreactor

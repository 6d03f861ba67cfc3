// A table of files that the ring holds open: a request that names its file by the place there spares the kernel to look
// the descriptor up and to count who uses it, a hundredth of what a small message costs. To enter a file is a system
// call, so it is for those that send again and again. The place is the descriptor's number.
// Owned by one UringSelector and younger than its Ring.
#pragma once

#include "ring.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <vector>

namespace coreactor {

class FileTable {
 public:
  explicit FileTable(const Ring& ring) : ring_(ring) {}
  FileTable(const FileTable&) = delete;
  FileTable& operator=(const FileTable&) = delete;
  // Lets go of all files.
  ~FileTable();

  // After the ring's. It is left out where the kernel has none, and then nothing can be entered.
  void open();
  // Counts one more use of a descriptor, and enters the file that it has now once these are many.
  void use(int fd);
  bool has(int fd) const { return hasPlace(fd) && uses_[static_cast<size_t>(fd)] == kHeld; }
  // Before the descriptor is closed: or its file would live on.
  void leave(int fd);

 private:
  static constexpr uint8_t kMany = 16;
  static constexpr uint8_t kHeld = 254;
  static constexpr uint8_t kRefused = 255;  // by the kernel, which is not asked again

  bool hasPlace(int fd) const { return static_cast<size_t>(fd) < uses_.size(); }
  bool put(int place, int fd) const;

  const Ring& ring_;
  std::vector<uint8_t> uses_;  // by fd
};

}  // namespace coreactor

#endif

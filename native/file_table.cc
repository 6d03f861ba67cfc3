// The files that a ring holds open; see file_table.h.
#include "file_table.h"

#ifdef COREACTOR_HAVE_IO_URING

#include <sys/resource.h>

#include <algorithm>

namespace coreactor {
namespace {

// The kernel keeps eight bytes for each.
constexpr rlim_t kPlaces = 16384;

}  // namespace

FileTable::~FileTable() {
  if (!uses_.empty()) ring_.registerWith(IORING_UNREGISTER_FILES, nullptr, 0);
}

void FileTable::open() {
  // Before Linux 6.14 a file that has left is held as long as a request goes on that was there before it.
  if (!ring_.has(IORING_FEAT_RW_ATTR)) return;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const auto places = static_cast<unsigned>(std::min(files.rlim_cur, kPlaces));
  io_uring_rsrc_register table{};
  table.nr = places;
  table.flags = IORING_RSRC_REGISTER_SPARSE;
  if (ring_.registerWith(IORING_REGISTER_FILES2, &table, sizeof table) == 0) uses_.resize(places);
}

void FileTable::use(int fd) {
  if (!hasPlace(fd)) return;
  uint8_t& uses = uses_[static_cast<size_t>(fd)];
  if (uses < kMany) {
    ++uses;
  } else if (uses == kMany) {
    uses = put(fd, fd) ? kHeld : kRefused;
  }
}

void FileTable::leave(int fd) {
  if (!hasPlace(fd)) return;
  if (has(fd)) put(fd, -1);
  uses_[static_cast<size_t>(fd)] = 0;
}

bool FileTable::put(int place, int fd) const {
  io_uring_files_update update{};
  update.offset = static_cast<uint32_t>(place);
  update.fds = reinterpret_cast<uintptr_t>(&fd);
  return ring_.registerWith(IORING_REGISTER_FILES_UPDATE, &update, 1) == 0;
}

}  // namespace coreactor

#endif

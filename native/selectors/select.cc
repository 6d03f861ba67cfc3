// select(2): poll(2)'s work done with bitmaps. Any Unix.
#define _DARWIN_UNLIMITED_SELECT  // macOS: let descriptors beyond FD_SETSIZE pass; before any header

#include <sys/select.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>

#include "../pollable.h"
#include "../timeout.h"
#include "mechanisms.h"
#include "scan_selector.h"

namespace coreactor {
namespace {

// An fd_set of any length. FD_SET itself stops at FD_SETSIZE, or aborts there under _FORTIFY_SOURCE.
class Bitmap {
 public:
  void clear() { std::fill(words_.begin(), words_.end(), Word{0}); }

  void insert(int fd) {
    reach(fd);
    words_[index(fd)] |= bit(fd);
  }

  bool contains(int fd) const { return (words_[index(fd)] & bit(fd)) != 0; }

  // select() reads and writes all words up to the highest fd, in all three sets.
  void reach(int fd) {
    if (index(fd) >= words_.size()) words_.resize(index(fd) + 1);
  }

  fd_set* get() { return reinterpret_cast<fd_set*>(words_.data()); }

 private:
  using Word = std::make_unsigned_t<fd_mask>;
  static constexpr size_t kBits = 8 * sizeof(Word);

  static size_t index(int fd) { return static_cast<size_t>(fd) / kBits; }
  static Word bit(int fd) { return static_cast<Word>(Word{1} << (static_cast<size_t>(fd) % kBits)); }

  std::vector<Word> words_;
};

class SelectSelector final : public ScanSelector {
 public:
  using ScanSelector::ScanSelector;
  const char* name() const override { return "select"; }
  std::vector<pollfd> pollSet() override;

 private:
  int scan(std::vector<pollfd>& list, int64_t ns) override;
  int fill(const std::vector<pollfd>& list);

  // Made anew from the list at every wait, since select() writes its answer over the question.
  Bitmap read_;
  Bitmap write_;
  Bitmap except_;
};

// A closed fd fails the whole call with EBADF, and select() does not say which it was. Returns how many there are.
int markClosed(std::vector<pollfd>& list) {
  int found = 0;
  for (pollfd& entry : list) {
    if (entry.fd >= 0 && entry.revents == 0 && checkOpen(entry.fd) < 0) {
      entry.revents = POLLNVAL;
      ++found;
    }
  }
  return found;
}

// What poll(2) may say of an entry that select(2) would tell of, too.
int heard(int asked) {
  int result = POLLNVAL;
  if ((asked & POLLIN) != 0) result |= POLLIN | POLLHUP | POLLERR;
  if ((asked & POLLOUT) != 0) result |= POLLOUT | POLLERR;
  if ((asked & POLLPRI) != 0) result |= POLLPRI;
  return result;
}

// poll(2) tells of a hangup whatever is asked, for ever: who would not hear of it here is left out.
std::vector<pollfd> SelectSelector::pollSet() {
  std::vector<pollfd> set = ScanSelector::pollSet();
  if (::poll(set.data(), static_cast<nfds_t>(set.size()), 0) <= 0) return set;
  for (pollfd& entry : set) {
    if (entry.revents != 0 && (entry.revents & heard(entry.events)) == 0) entry.fd = ~entry.fd;
  }
  return set;
}

int SelectSelector::scan(std::vector<pollfd>& list, int64_t ns) {
  for (pollfd& entry : list) entry.revents = 0;
  int found = 0;
  for (;;) {
    const int highest = fill(list);
    // Once there is a closed fd to tell of, the others are only looked at.
    timeval time = toTimeval(found > 0 ? 0 : ns);
    const bool forever = ns < 0 && found == 0;
    if (::select(highest + 1, read_.get(), write_.get(), except_.get(), forever ? nullptr : &time) >= 0) break;
    if (errno != EBADF) return -errno;
    found += markClosed(list);
  }
  for (pollfd& entry : list) {
    if (entry.fd < 0 || entry.revents != 0) continue;
    int told = 0;
    if (read_.contains(entry.fd)) told |= POLLIN;
    if (write_.contains(entry.fd)) told |= POLLOUT;
    if (except_.contains(entry.fd)) told |= POLLPRI;
    entry.revents = static_cast<short>(told);
    if (told != 0) ++found;
  }
  return found;
}

// Returns the highest fd.
int SelectSelector::fill(const std::vector<pollfd>& list) {
  int highest = -1;
  for (const pollfd& entry : list) highest = std::max(highest, entry.fd);
  for (Bitmap* set : {&read_, &write_, &except_}) {
    set->clear();
    set->reach(highest);
  }
  for (const pollfd& entry : list) {
    if (entry.fd < 0 || entry.revents != 0) continue;
    if ((entry.events & POLLIN) != 0) read_.insert(entry.fd);
    if ((entry.events & POLLOUT) != 0) write_.insert(entry.fd);
    if ((entry.events & POLLPRI) != 0) except_.insert(entry.fd);
  }
  return highest;
}

}  // namespace

std::unique_ptr<Selector> openSelect(Ready* rows, int capacity, int* error) {
  return openAs<SelectSelector>(rows, capacity, error);
}

}  // namespace coreactor

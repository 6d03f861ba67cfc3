// The common half of poll and select; see scan_selector.h.
#include "scan_selector.h"

#include "../pollable.h"
#include "poll_mask.h"

namespace coreactor {
namespace {

// An entry that asks for nothing would still be told hangups, so its fd is hidden. The complement works for 0 too.
void ask(pollfd& entry, int fd, short asked) {
  entry.fd = asked == 0 ? ~fd : fd;
  entry.events = asked;
}

int fdOf(const pollfd& entry) { return entry.fd < 0 ? ~entry.fd : entry.fd; }

}  // namespace

int ScanSelector::change(int fd, const Registration* before, const Registration* after) {
  if (const int error = checkChange(fd, before, after); error < 0) return error;
  const auto slot = static_cast<size_t>(fd);
  if (before == nullptr) {
    if (slot >= places_.size()) places_.resize(slot + 1);
    places_[slot] = list_.size();
    list_.emplace_back();
  }
  if (after != nullptr) {
    ask(list_[places_[slot]], fd, toPoll(after->interest));
    return 0;
  }
  // The last entry moves into the gap.
  const size_t gap = places_[slot];
  list_[gap] = list_.back();
  places_[static_cast<size_t>(fdOf(list_[gap]))] = gap;
  list_.pop_back();
  return 0;
}

int ScanSelector::poll(int64_t ns) {
  int left = scan(list_, ns);
  if (left < 0) return left;
  size_t at = first_ < list_.size() ? first_ : 0;
  while (left > 0) {
    pollfd& entry = list_[at];
    if (entry.revents != 0) {
      // Whoever found no room is the first next time; so a full batch starves nobody.
      if (room() == 0) break;
      tell(entry);
      --left;
    }
    at = at + 1 < list_.size() ? at + 1 : 0;
  }
  first_ = at;
  return 0;
}

void ScanSelector::tell(pollfd& entry) {
  const Registration& to = *registry_.find(entry.fd);
  emit(entry.fd, to, fromPoll(entry.revents));
  // After an error or a hangup there is nothing to be expected, so all of an edge is muted: the two cannot be muted
  // alone. A closed fd would be told for ever, edge or not.
  short muted = 0;
  if ((to.interest & kEdge) != 0) {
    muted = entry.revents;
    if ((muted & kPollRead) != 0) muted |= kPollRead;
    if ((muted & (POLLERR | POLLHUP)) != 0) muted = ~short{0};
  }
  if ((entry.revents & POLLNVAL) != 0) muted = ~short{0};
  ask(entry, entry.fd, static_cast<short>(entry.events & ~muted));
}

}  // namespace coreactor

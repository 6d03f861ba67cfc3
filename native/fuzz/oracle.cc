// poll(2)'s answer as an expectation; see oracle.h.
#include "oracle.h"

#include <poll.h>

namespace coreactor::fuzz {
namespace {

constexpr uint32_t kAsked = kRead | kWrite | kPriority;

uint32_t hintsOf(int revents) {
  uint32_t hints = 0;
  if ((revents & POLLERR) != 0) hints |= kError;
  if ((revents & POLLHUP) != 0) hints |= kHangup;
  if ((revents & POLLRDHUP) != 0) hints |= kReadHangup;
  return hints;
}

}  // namespace

std::string namesOf(uint32_t events) {
  constexpr const char* kNames[] = {"READ", "WRITE", "PRIORITY", "ERROR", "HANGUP", "READ_HANGUP", "EDGE"};
  std::string text;
  for (unsigned bit = 0; bit < sizeof kNames / sizeof *kNames; ++bit) {
    if ((events >> bit & 1) != 0) text += (text.empty() ? "" : "|") + std::string(kNames[bit]);
  }
  return text.empty() ? "nothing" : text;
}

void Expectation::arm(int32_t token, uint32_t interest) {
  token_ = token;
  interest_ = interest;
  lost_ = false;
  armed_ = interest & kAsked;
  before_ = 0;  // so that the next sample makes news of all that is ready
  news_ = 0;
  recent_ = 0;
  recentRaw_ = 0;
  missing_ = 0;
}

// Read, write and priority as this mechanism should tell them of a registration with nothing muted, or less.
uint32_t Expectation::ready(const Rules& rules, short revents) const {
  const uint32_t mask = isMuting(rules) ? armed_ : interest_ & kAsked;
  if (mask == 0) return 0;
  uint32_t events = 0;
  if ((revents & POLLIN) != 0) events |= kRead;
  if ((revents & POLLOUT) != 0) events |= kWrite;
  if ((revents & POLLPRI) != 0) events |= kPriority;
  if (rules.classes) {
    if ((revents & (POLLHUP | POLLERR)) != 0) events |= kRead;
    if ((revents & POLLERR) != 0) events |= kWrite;
    return events & mask;
  }
  events &= mask;
  return (revents & (POLLERR | POLLHUP)) != 0 ? events | (interest_ & (kRead | kWrite)) : events;
}

uint32_t Expectation::due(const Rules& rules, short revents) const {
  const uint32_t events = ready(rules, revents);
  return isEdge() && rules.edges ? events & news_ : events;
}

void Expectation::sample(const Rules& rules, short revents) {
  const uint32_t events = ready(rules, revents);
  news_ = (news_ | (events & ~before_)) & events;
  before_ = events;
  recent_ |= events;
  recentRaw_ = static_cast<short>(recentRaw_ | revents);
  now_ = revents;
}

void Expectation::begin(const Rules& rules, short revents) {
  if (rules.promptly && !isEdge()) {
    recent_ = 0;
    recentRaw_ = 0;
  }
  sample(rules, revents);
  missing_ = due(rules, revents);
}

std::string Expectation::check(const Rules& rules, short revents, uint32_t told) {
  sample(rules, revents);
  missing_ &= due(rules, revents) & ~told;
  std::string wrong;
  if (told != 0) {
    if ((interest_ & kAsked) == 0 || (isMuting(rules) && armed_ == 0)) wrong = "told although it is mute: ";
    // TCP wakes those who wait to read when urgent data comes, too; and an error may have come and gone within a write.
    uint32_t rumour = 0;
    if (!rules.promptly && (recentRaw_ & POLLPRI) != 0) rumour |= kRead;
    if (!rules.promptly && (told & kError) != 0) rumour |= interest_;
    if ((told & kAsked & ~(recent_ | rumour)) != 0) wrong = "told what is not so: ";
    const uint32_t hints = hintsOf(recentRaw_);
    if (rules.promptly && (told & ~kAsked & ~hints) != 0) wrong = "a hint that poll(2) does not give: ";
    if (rules.hangups && !isEdge() && (hintsOf(revents & now_) & (kError | kHangup) & ~told) != 0) {
      wrong = "a hangup or an error was kept back: ";
    }
    if (!wrong.empty()) {
      wrong += namesOf(told) + " for " + namesOf(interest_) + ", poll(2) says " + namesOf(recent_ | hints);
    }
    news_ &= ~told;
    armed_ &= (told & (kError | kHangup)) != 0 ? 0 : ~told;
  }
  // An edge for which a full batch had no room may be told later, as it was.
  if (told != 0 || !isEdge()) {
    recent_ = 0;
    recentRaw_ = 0;
    sample(rules, revents);
    news_ &= ~told;
  }
  return wrong;
}

std::string Expectation::missing() const {
  return namesOf(missing_) + " was not told, for " + namesOf(interest_) + ", poll(2) says " +
         namesOf(before_ | hintsOf(now_));
}

}  // namespace coreactor::fuzz

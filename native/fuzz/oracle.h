// What a selector has to tell of one registration, derived from what poll(2) says of its descriptor, and from nothing
// that our code says. Owned by one trial.
#pragma once

#include <cstdint>
#include <string>

#include "../selector.h"

namespace coreactor::fuzz {

// Which rules a mechanism follows.
struct Rules {
  bool edges;    // edges by itself; else what was told is muted until modify()
  bool hangups;  // must tell hangups and errors as such (epoll, poll)
  bool classes;  // knows but readable, writable, urgent (select)
  bool
      promptly;  // a row is about now, not about the time since the last wait, in which an error may have come and gone
};

class Expectation {
 public:
  Expectation(int32_t token, uint32_t interest) : token_(token), interest_(interest) { arm(token, interest); }

  int32_t token() const { return token_; }
  uint32_t interest() const { return interest_; }
  // Its number was closed or given to another file without remove(): what is told of it until modify() is undefined.
  bool isLost() const { return lost_; }
  void lose() { lost_ = true; }

  // After add() or modify(): all that is ready is news.
  void arm(int32_t token, uint32_t interest);

  // What poll(2) says at the moment; to be called after every operation.
  void sample(const Rules& rules, short revents);

  // Before a wait, and after it with what was told (0: no row). The latter returns what is wrong, "" if nothing is.
  void begin(const Rules& rules, short revents);
  std::string check(const Rules& rules, short revents, uint32_t told);

  // Whether something was to be told since begin(), and is still to be told.
  bool isMissing() const { return missing_ != 0; }
  std::string missing() const;
  // Whether it is to be told now.
  bool isDue(const Rules& rules) const { return due(rules, now_) != 0; }

 private:
  bool isEdge() const { return (interest_ & kEdge) != 0; }
  bool isMuting(const Rules& rules) const { return isEdge() && !rules.edges; }
  uint32_t ready(const Rules& rules, short revents) const;
  uint32_t due(const Rules& rules, short revents) const;

  int32_t token_;
  uint32_t interest_;
  bool lost_ = false;
  uint32_t armed_ = 0;   // of an edge that is muted when told
  uint32_t news_ = 0;    // of an edge: became ready and was not told yet
  uint32_t before_ = 0;  // ready at the last sample
  uint32_t recent_ = 0;  // ready at any sample since the last wait
  short recentRaw_ = 0;
  short now_ = 0;
  uint32_t missing_ = 0;
};

std::string namesOf(uint32_t events);

}  // namespace coreactor::fuzz

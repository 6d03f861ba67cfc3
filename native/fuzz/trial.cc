// A program, carried out and judged; see trial.h.
#include "trial.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace coreactor::fuzz {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kLimit = 5'000 * kMillisecond;  // reached only by what fails
constexpr short kEverything = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;

int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool isOpenNumber(int fd) { return fcntl(fd, F_GETFD) >= 0; }

}  // namespace

Trial::Trial(std::string_view selector, const Program& program, Counts* counts)
    : program_(program), counts_(counts), rows_(static_cast<size_t>(program.capacity)) {
  int error = 0;
  selector_ = makeSelector(selector, rows_.data(), program.capacity, &error);
  if (selector_ == nullptr) {
    fail("cannot be opened: " + std::string(std::strerror(-error)));
    return;
  }
  rules_.edges = selector_->edges();
  rules_.hangups = selector == "epoll" || selector == "poll";
  rules_.classes = selector == "select";
  rules_.promptly = selector != "io_uring";
  if (program.host) selector_->fd();
}

std::optional<Failure> Trial::run() {
  const size_t count = program_.operations.size();
  for (size_t step = 0; step < count && failure_.empty(); ++step) {
    carryOut(program_.operations[step]);
    if (!failure_.empty()) return Failure{step, failure_};
  }
  if (failure_.empty()) settle();
  if (failure_.empty()) return std::nullopt;
  return Failure{count, failure_};
}

void Trial::fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

void Trial::expect(int result, int expected, const std::string& what) {
  if (result == expected) return;
  fail(what + " gave " + std::to_string(result) + " instead of " + std::to_string(expected));
}

void Trial::carryOut(const Operation& operation) {
  switch (operation.kind) {
    case Kind::kRemoveAndClose:
    case Kind::kRemoveAndReset:
      remove(files_.number(operation.slot));
      if (!files_.isOpen(operation.slot)) break;
      operation.kind == Kind::kRemoveAndReset ? files_.reset(operation.slot) : files_.close(operation.slot);
      if (files_.isHeldByStranger(operation.slot)) fail("removed and closed, and the selector still holds the file");
      break;
    case Kind::kCloseBare:
      if (files_.isOpen(operation.slot)) lose(operation.slot);
      files_.close(operation.slot);
      break;
    case Kind::kReplace:
      replace(operation);
      break;
    case Kind::kAdd:
      add(operation);
      break;
    case Kind::kModify:
      modify(operation);
      break;
    case Kind::kRemove:
      return remove(files_.number(operation.slot));
    case Kind::kWake:
      rung_ = true;
      mayEndEarly_ = true;
      return expect(selector_->wake(), 0, "wake()");
    case Kind::kWait:
      return wait(operation.value % 8 == 0 ? kMillisecond / 4 : 0);
    case Kind::kSettle:
      return settle();
    default:
      operation.kind < Kind::kReplace ? make(operation) : files_.use(operation);
  }
  lookAtAll([&](Expectation& each, short revents) { each.sample(rules_, revents); });
}

void Trial::make(const Operation& operation) {
  // Linux (6.18, seen) rings io_uring's bell for what an eventfd's write has completed only once, and never again: so
  // fd() of io_uring cannot be trusted with eventfds.
  if (program_.host && !rules_.promptly && operation.kind == Kind::kEvent) return;
  if (Files::makesTwo(operation.kind)) {
    if (operation.slot == operation.other) return;
    drop(operation.other);
  } else if (operation.slot == operation.other && operation.kind != Kind::kEvent && operation.kind != Kind::kRefused) {
    return;
  }
  drop(operation.slot);
  files_.make(operation);
}

void Trial::replace(const Operation& operation) {
  if (operation.slot == operation.other || !files_.isOpen(operation.slot) || !files_.isOpen(operation.other)) return;
  lose(operation.slot);
  files_.replace(operation.slot, operation.other);
}

// Another slot may have got the number meanwhile, so this goes by slot.
void Trial::drop(unsigned slot) {
  if (!files_.isOpen(slot)) return;
  remove(files_.number(slot));
  files_.close(slot);
}

void Trial::lose(unsigned slot) {
  const auto found = watched_.find(files_.number(slot));
  if (found == watched_.end()) return;
  found->second.lose();
  files_.haunt(slot);
}

namespace {

uint32_t interestOf(uint32_t value) {
  constexpr uint32_t kInterests[] = {
      kRead, kRead | kWrite, kWrite, kRead, kRead | kWrite | kPriority, kRead | kPriority, 0, kPriority};
  return kInterests[value % 8] | ((value >> 3) % 2 == 0 ? uint32_t{kEdge} : 0U);
}

}  // namespace

void Trial::add(const Operation& operation) {
  const int number = files_.number(operation.slot);
  const uint32_t interest = interestOf(operation.value);
  const int result = selector_->add(number, interest, token_);
  int expected = 0;
  if (number < 0) {
    expected = -EBADF;
  } else if (watched_.count(number) > 0) {
    expected = -EEXIST;
  } else if (!isOpenNumber(number)) {
    expected = -EBADF;
  }
  expect(result, expected, "add()");
  if (expected == 0) watched_.emplace(number, Expectation(token_++, interest));
}

void Trial::modify(const Operation& operation) {
  const int number = files_.number(operation.slot);
  const auto found = watched_.find(number);
  const uint32_t interest = interestOf(operation.value);
  // What was lost gets a new token, for there may be two files of it now.
  const bool anew = found != watched_.end() && (operation.value % 16 / 4 == 0 || found->second.isLost());
  const int32_t token = found == watched_.end() || anew ? token_++ : found->second.token();
  const int result = selector_->modify(number, interest, token);
  int expected = 0;
  if (number < 0) {
    expected = -EBADF;
  } else if (found == watched_.end()) {
    expected = -ENOENT;
  } else if (!isOpenNumber(number)) {
    expected = -EBADF;
  }
  expect(result, expected, "modify()");
  if (expected == 0) found->second.arm(token, interest);
}

void Trial::remove(int number) {
  expect(selector_->remove(number), number < 0 ? -EBADF : 0, "remove()");
  const auto found = watched_.find(number);
  if (found == watched_.end()) return;
  for (int row = 0; row < batch_; ++row) {
    if (rows_[static_cast<size_t>(row)].token == found->second.token() && rows_[static_cast<size_t>(row)].events != 0) {
      fail("after remove() the batch still has its row");
    }
  }
  watched_.erase(found);
}

// Asks poll(2) about all registrations of which something can be said.
template <class Visit>
void Trial::lookAtAll(Visit visit) {
  std::vector<pollfd> list;
  for (const auto& [number, each] : watched_) {
    if (!each.isLost()) list.push_back({number, kEverything, 0});
  }
  ::poll(list.data(), list.size(), 0);
  for (const pollfd& entry : list) {
    Expectation& each = watched_.at(entry.fd);
    if ((entry.revents & POLLNVAL) == 0) visit(each, entry.revents);
  }
}

void Trial::take(const Ready& row, std::map<int, uint32_t>* told) {
  const auto found = std::find_if(watched_.begin(), watched_.end(),
                                  [&](const auto& each) { return each.second.token() == row.token; });
  if (found == watched_.end()) return fail("a row for nobody: token " + std::to_string(row.token));
  if (row.events == 0) return fail("a row that tells nothing");
  if (!told->emplace(found->first, static_cast<uint32_t>(row.events)).second) fail("two rows of one registration");
}

// What fd() promises: where there is something to tell, its descriptor is readable.
void Trial::checkHost() {
  const bool due = rung_ || std::any_of(watched_.begin(), watched_.end(), [&](const auto& each) {
                     return !each.second.isLost() && each.second.isDue(rules_);
                   });
  pollfd host{selector_->fd(), POLLIN, 0};
  if (!due || host.fd < 0 || ::poll(&host, 1, 0) == 1) return;
  if (::poll(&host, 1, 100) == 0) return fail("fd() is silent although there is something to tell");
  ++counts_->late;
}

// Returns whose rows came.
std::set<int32_t> Trial::waitOnce(int64_t ns) {
  if (program_.host) checkHost();
  ++counts_->waits;
  const int64_t begin = now();
  batch_ = selector_->wait(rung_ ? kLimit : ns);
  if (rung_ && now() - begin >= kLimit) fail("a wake was lost");
  if (!mayEndEarly_ && batch_ == 0 && now() - begin < ns) fail("a wait that told nothing ended before its time");
  rung_ = false;
  if (batch_ == 0) mayEndEarly_ = false;
  std::map<int, uint32_t> told;
  if (batch_ < 0 && batch_ != -EINTR) fail("wait() gave " + std::to_string(batch_));
  if (batch_ < 0) ++interrupted_;
  batch_ = std::max(batch_, 0);
  counts_->rows += static_cast<size_t>(batch_);
  if (batch_ > program_.capacity) fail("more rows than there is room for");
  for (int row = 0; row < batch_ && failure_.empty(); ++row) take(rows_[static_cast<size_t>(row)], &told);
  std::set<int32_t> tokens;
  for (const auto& [number, events] : told) tokens.insert(watched_.at(number).token());
  lookAtAll([&](Expectation& each, short revents) {
    const auto found =
        std::find_if(watched_.begin(), watched_.end(), [&](const auto& it) { return &it.second == &each; });
    const auto row = told.find(found->first);
    const std::string wrong = each.check(rules_, revents, row == told.end() ? 0 : row->second);
    if (!wrong.empty()) fail("fd " + std::to_string(found->first) + ": " + wrong);
  });
  return tokens;
}

void Trial::wait(int64_t ns) {
  lookAtAll([&](Expectation& each, short revents) { each.begin(rules_, revents); });
  waitOnce(ns);
  // A full batch may leave something for the next, but it must be that one then: settle() sees to it.
  for (int again = 0; batch_ < program_.capacity && failure_.empty(); ++again) {
    const auto missed = std::find_if(watched_.begin(), watched_.end(),
                                     [](const auto& each) { return !each.second.isLost() && each.second.isMissing(); });
    if (missed == watched_.end()) return;
    if (again == 3) return fail("fd " + std::to_string(missed->first) + ": " + missed->second.missing());
    ++counts_->late;
    waitOnce(again * kMillisecond);
  }
}

// Everybody's turn comes, and then edges are silent.
void Trial::settle() {
  lookAtAll([&](Expectation& each, short revents) { each.begin(rules_, revents); });
  const int rounds = 8 + 4 * static_cast<int>(watched_.size());
  std::map<int32_t, int> times;
  interrupted_ = 0;
  for (int round = 0; round < rounds && failure_.empty(); ++round) {
    for (const int32_t token : waitOnce(0)) ++times[token];
  }
  if (interrupted_ > 4) fail("wait() comes back for nobody again and again");
  for (const auto& [number, each] : watched_) {
    if (each.isLost()) {
      // epoll cannot help it while the file lives on in a dup.
      const bool gone = !rules_.edges && !isOpenNumber(number);
      if (gone && times[each.token()] > 3) fail("fd " + std::to_string(number) + ": closed, and told for ever");
      continue;
    }
    if (each.isMissing()) fail("fd " + std::to_string(number) + ", after many waits: " + each.missing());
    // Once for what is new, once for each direction, once for a ghost elsewhere.
    if ((each.interest() & kEdge) != 0 && times[each.token()] > 5) {
      fail("fd " + std::to_string(number) + ": an edge that spins");
    }
  }
}

}  // namespace coreactor::fuzz

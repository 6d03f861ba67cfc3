// What the tests share; see support.h.
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace coreactor::test {

std::string_view currentSelector;

int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Subject::Subject(int capacity) : rows_(static_cast<size_t>(capacity)) {
  int error = 0;
  selector_ = makeSelector(currentSelector, rows_.data(), capacity, &error);
  REQUIRE_MESSAGE(selector_ != nullptr, currentSelector, " cannot be opened: ", error);
}

bool isShim() {
#ifdef __linux__
  return currentSelector == "kqueue";
#else
  return false;
#endif
}

bool Subject::isDeaf() {
  const bool deaf = is("io_uring") && std::getenv("COREACTOR_VALGRIND") != nullptr;
  if (deaf) MESSAGE("left out: valgrind runs no other thread and no signal handler during io_uring_enter()");
  return deaf;
}

std::map<int32_t, uint32_t> Subject::wait(int64_t ns) {
  const int count = selector_->wait(ns);
  REQUIRE((count >= 0 || count == -EINTR));
  std::map<int32_t, uint32_t> told;
  for (int i = 0; i < count; ++i) {
    const Ready& row = selector_->rows()[i];
    CHECK_MESSAGE(told.count(row.token) == 0, "two rows of token ", row.token);
    told[row.token] = static_cast<uint32_t>(row.events);
  }
  return told;
}

uint32_t Subject::waitFor(int32_t token) {
  const int64_t end = now() + kLimit;
  while (now() < end) {
    const auto told = wait(end - now());
    if (const auto row = told.find(token); row != told.end()) return row->second;
  }
  FAIL("token ", token, " was never told");
  return 0;
}

bool Subject::silent() {
  const int64_t end = now() + 30 * kMillisecond;
  int returns = 0;
  for (int64_t left = end - now(); left > 0; left = end - now()) {
    if (!wait(left).empty()) return false;
    ++returns;
  }
  // One sleep for all of it, and a few more for signals, ghosts and the rings of earlier tests: when the kernel clears
  // one away, some milliseconds after its end, it interrupts whoever had it. Who spins returns a thousand times.
  return returns <= 15;
}

bool Subject::woken() {
  const int64_t begin = now();
  return wait(kLimit).empty() && now() - begin < kLimit;
}

static void unblock(const UniqueFd& fd) { REQUIRE(fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0); }

static Pair pairOf(int near, int far) {
  Pair pair{UniqueFd(near), UniqueFd(far)};
  unblock(pair.near);
  unblock(pair.far);
  return pair;
}

Pair makePipe() {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  return pairOf(ends[0], ends[1]);
}

Pair makeUnixPair() {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  return pairOf(ends[0], ends[1]);
}

Pair makeTcpPair() {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  REQUIRE(bind(listener.get(), generic, length) == 0);
  REQUIRE(listen(listener.get(), 1) == 0);
  REQUIRE(getsockname(listener.get(), generic, &length) == 0);
  UniqueFd near(socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(connect(near.get(), generic, length) == 0);
  const int far = accept(listener.get(), nullptr, nullptr);
  REQUIRE(far >= 0);
  return pairOf(near.release(), far);
}

void put(const UniqueFd& fd, std::string_view text) {
  REQUIRE(write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string take(const UniqueFd& fd, size_t most) {
  std::string text(most, '\0');
  const ssize_t got = read(fd.get(), text.data(), most);
  REQUIRE(got >= 0);
  text.resize(static_cast<size_t>(got));
  return text;
}

void fillUp(const UniqueFd& fd) {
  const std::string block(65536, 'x');
  // Byte by byte at the end: a socket that has little room left is not writable, but takes them.
  for (size_t size = block.size(); size > 0; size /= 2) {
    while (write(fd.get(), block.data(), size) > 0) {
    }
  }
  REQUIRE(errno == EAGAIN);
}

void resetConnection(UniqueFd& fd) {
  const linger atOnce{1, 0};
  REQUIRE(setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &atOnce, sizeof atOnce) == 0);
  fd.reset();
}

bool hasEnded(const UniqueFd& peer) {
  char byte;
  return recv(peer.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

void reuse(const UniqueFd& number, const UniqueFd& file) { REQUIRE(dup2(file.get(), number.get()) == number.get()); }

UniqueFd duplicate(const UniqueFd& fd, int least) {
  UniqueFd copy(fcntl(fd.get(), F_DUPFD_CLOEXEC, least));
  REQUIRE(copy);
  return copy;
}

}  // namespace coreactor::test

// A question that only blocking calls answer; see lookup.h.
#include "lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "address.h"
#include "wake_channel.h"

namespace coreactor {

// Shared with the thread that asks. Whoever comes late, the answer or the end of the interest, finds it in order.
struct Lookup::State {
  std::mutex mutex;
  std::optional<WakeChannel> bell;  // none: closed
  std::optional<Answer> answer;
};

namespace {

constexpr int kNoName = -3008;
constexpr int kNoMemory = -3006;

// The numbers are libuv's.
int numberOf(int error) {
  switch (error) {
    case EAI_SYSTEM:
      return -errno;
    case EAI_AGAIN:
      return -3001;
    case EAI_BADFLAGS:
      return -3002;
    case EAI_FAIL:
      return -3004;
    case EAI_FAMILY:
      return -3005;
    case EAI_MEMORY:
      return kNoMemory;
    case EAI_SERVICE:
      return -3010;
    case EAI_SOCKTYPE:
      return -3011;
#ifdef EAI_OVERFLOW
    case EAI_OVERFLOW:
      return -3009;
#endif
    default:
      return kNoName;  // EAI_NONAME, and what says the same of one family: EAI_NODATA, EAI_ADDRFAMILY
  }
}

Answer gather(const addrinfo* found) {
  Answer answer;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress address;
    if (each->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
    Address text;
    if (format(address, &text) < 0 || text.isUnix) continue;
    // A name that a file has in several lines is found several times.
    if (std::find(answer.hosts.begin(), answer.hosts.end(), text.host) == answer.hosts.end()) {
      answer.hosts.push_back(std::move(text.host));
    }
  }
  if (answer.hosts.empty()) answer.error = kNoName;
  return answer;
}

}  // namespace

Answer addressesOf(const std::string& host, int family) {
  Answer answer;
  if (host.find('\0') != std::string::npos) {
    answer.error = -EINVAL;
    return answer;
  }
  addrinfo hints{};
  hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // or each address would come once for each kind
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    answer.error = numberOf(error);
    return answer;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  return gather(found);
}

Lookup::Lookup() : state_(std::make_shared<State>()) {}

Lookup::~Lookup() { close(); }

int Lookup::start(ThreadPool* pool, std::function<Answer()> ask) {
  // Not an eventfd: io_uring, when it polls one that another thread rings, cannot ring an eventfd of its own for a
  // host.
  if (const int error = state_->bell.emplace().open(true); error < 0) {
    state_->bell.reset();
    return error;
  }
  const int error = pool->submit([state = state_, ask = std::move(ask)] {
    {
      const std::lock_guard<std::mutex> lock(state->mutex);
      if (!state->bell) return;  // nobody waits any more
    }
    Answer answer;
    try {
      answer = ask();
    } catch (const std::bad_alloc&) {
      answer.error = kNoMemory;
    }
    const std::lock_guard<std::mutex> lock(state->mutex);
    if (!state->bell) return;
    state->answer = std::move(answer);
    state->bell->signal();
  });
  if (error < 0) close();
  return error;
}

int Lookup::fd() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->bell ? state_->bell->fd() : -1;
}

bool Lookup::take(Answer* to) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (!state_->answer) return false;
  *to = std::move(*state_->answer);
  state_->answer.reset();
  return true;
}

void Lookup::close() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->bell.reset();
  state_->answer.reset();
}

}  // namespace coreactor

// A question to the system that only blocking calls answer, such as the addresses of a name: asked on a thread of the
// pool, and a descriptor becomes readable when the answer is there. Owned by whoever asks, on one thread; it may go at
// any time, and the answer is then dropped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "thread_pool.h"

namespace coreactor {

struct Answer {
  int error = 0;  // -errno, or one of getaddrinfo's by the (negative) number that libuv, and so Node, has given it
  std::vector<std::string> hosts;
};

// getaddrinfo(3): the addresses in the system's order (RFC 6724). `family` is 4, 6 or 0 for both. Blocks.
Answer addressesOf(const std::string& host, int family);

class Lookup {
 public:
  Lookup();
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Once. 0 or -errno. `ask` blocks, on a thread of the pool.
  int start(ThreadPool* pool, std::function<Answer()> ask);

  // Readable when take() will succeed; -1 before start() and after close().
  int fd() const;
  // False if there is no answer yet.
  bool take(Answer* to);
  // Nobody wants to know any more.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace coreactor

// What a selector receives in bulk, and what is sent from where it lies in the inbox.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "office.h"
#include "socket.h"

using namespace coreactor;
using namespace coreactor::test;

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

namespace {

// What is there to be read now.
std::string readOn(const UniqueFd& fd, size_t most) {
  std::string text(most, '\0');
  const ssize_t count = recv(fd.get(), text.data(), most, 0);
  REQUIRE((count > 0 || errno == EAGAIN));
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

// Takes what has come, and where a row says that there may be more, or there was no place in the inbox, reads on.
void receiveAll(Office& office, const std::vector<Pair>& pairs, size_t each) {
  const int64_t end = now() + kLimit;
  for (size_t missing = pairs.size(); missing > 0 && now() < end;) {
    office.wait(20 * kMillisecond);
    missing = 0;
    for (size_t i = 0; i < pairs.size(); ++i) {
      std::string& text = office.received[static_cast<int32_t>(i)];
      if (text.size() < each && (office.told[static_cast<int32_t>(i)] & kRead) != 0) {
        text += readOn(pairs[i].near, each - text.size());
      }
      if (text.size() < each) ++missing;
    }
  }
  for (size_t i = 0; i < pairs.size(); ++i) CHECK((office.received[static_cast<int32_t>(i)] == pattern(each, i)));
}

// So many rounds of a message of 16 KiB from each.
void receiveRounds(Office& office, const std::vector<Pair>& pairs, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    office.received.clear();
    office.told.clear();
    for (size_t i = 0; i < pairs.size(); ++i) put(pairs[i].far, pattern(16'384, i));
    receiveAll(office, pairs, 16'384);
  }
}

// Forty sockets that the office watches: more than its inbox has room for at once, with 16 KiB each.
std::vector<Pair> watchMany(Office& office) {
  std::vector<Pair> pairs;
  for (int32_t i = 0; i < 40; ++i) {
    pairs.push_back(makeTcpPair());
    office.watch(pairs.back().near, i, kBulkArrivals);
  }
  return pairs;
}

// Waits until so much has come, without a look at it.
void awaitBytes(const UniqueFd& fd, size_t length) {
  std::string space(length, '\0');
  const int64_t end = now() + kLimit;
  while (recv(fd.get(), space.data(), length, MSG_PEEK) != static_cast<ssize_t>(length) && now() < end) usleep(1000);
}

}  // namespace

TEST_CASE("bulk: what has come lies in the inbox as one piece, and then there is no more to read") {
  const Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1, kBulkArrivals);
  const std::string text = pattern(20'000);
  put(a.far, text);
  awaitBytes(a.near, text.size());
  office.waitUntil([&] { return office.received[1].size() == text.size(); });
  CHECK((office.received[1] == text));
  CHECK((office.arrived(1) == text));  // the last piece is all of it
  CHECK((office.told[1] & kRead) == 0);
  put(a.far, "again");
  office.waitUntil([&] { return office.arrived(1) == "again"; });
}

TEST_CASE("bulk: of more than 64 KiB the rest is there to be read") {
  std::vector<Pair> pairs;
  pairs.push_back(makeUnixPair());
  const int roomy = 1 << 20;
  REQUIRE(setsockopt(pairs[0].far.get(), SOL_SOCKET, SO_SNDBUF, &roomy, sizeof roomy) == 0);
  Office office;
  put(pairs[0].far, pattern(100'000));
  office.watch(pairs[0].near, 0, kBulkArrivals);
  receiveAll(office, pairs, 100'000);
  CHECK((office.told[0] & kRead) != 0);
}

TEST_CASE("bulk: more than the inbox holds at once comes later, whole and in order, again and again") {
  Office office;
  receiveRounds(office, watchMany(office), 20);
}

TEST_CASE("bulk: after a while so many are told at once as the inbox has room for") {
  Office office;
  if (!office->edges()) return;  // those tell of all that they find
  const std::vector<Pair> pairs = watchMany(office);
  receiveRounds(office, pairs, 12);
  for (const auto& [token, told] : office.told) CHECK_MESSAGE((told & kRead) == 0, token);
  // And of small ones many again.
  for (int round = 0; round < 6; ++round) {
    for (const Pair& pair : pairs) put(pair.far, "x");
    office.told.clear();
    for (int i = 0; i < 100 && office.told.size() < pairs.size(); ++i) office.wait(kLimit);
  }
  for (const Pair& pair : pairs) put(pair.far, "x");
  for (const Pair& pair : pairs) awaitBytes(pair.near, 1);
  office.told.clear();
  office.wait(kLimit);
  CHECK(office.told.size() == pairs.size());
}

TEST_CASE("bulk: however large the inbox is, one wait uses a part of it that stays in the cache") {
  MailboxMemory memory(2 << 20, 0, 0);
  Subject subject(64);
  REQUIRE(subject->attach(memory.mailbox()) == 0);
  std::vector<Pair> pairs;
  for (int32_t i = 0; i < 40; ++i) {
    pairs.push_back(makeTcpPair());
    REQUIRE(subject->add(pairs.back().near.get(), kBulkArrivals, i) == 0);
  }
  subject->wait(0);
  for (const Pair& pair : pairs) put(pair.far, pattern(16'384));
  for (const Pair& pair : pairs) awaitBytes(pair.near, 16'384);
  const int count = subject->wait(kLimit);
  REQUIRE(count > 0);
  int64_t received = 0;
  for (int row = 0; row < count; ++row) received += subject->rows()[row].result;
  CHECK(received >= 16'384);
  CHECK(received <= static_cast<int64_t>(kBatchBytes + kMostBulk));
}

TEST_CASE("bulk: who changes over while bytes come loses none, and has them in order") {
  const Pair a = makeTcpPair();
  Office office;
  office.watch(a.near, 1, kArrivals | kPriority);
  std::string sent;
  std::string got;
  for (size_t round = 0; round < 60; ++round) {
    const std::string text = pattern(1 + round * 97 % 9000, round);
    sent += text;
    put(a.far, text);
    if (round % 3 == 0) office.ask(1, kBulkArrivals);
    if (round % 3 == 1) office.wait(0);
    if (round % 3 == 2) office.ask(1, kArrivals | kPriority);
    const auto readAll = [&] {
      got += office.received[1];
      office.received[1].clear();
      if ((office.told[1] & kRead) != 0) got += readOn(a.near, 10'000);
      office.told.clear();
      return got.size() == sent.size();
    };
    office.waitUntil(readAll);
    REQUIRE((got == sent));
  }
}

TEST_CASE("bulk: an echo of many from where it lies, in order and to the byte") {
  std::vector<Pair> pairs;
  Office office;
  for (int32_t i = 0; i < 4; ++i) {  // so many that nobody has to read on
    pairs.push_back(makeTcpPair());
    office.watch(pairs.back().near, i, kBulkArrivals);
  }
  for (size_t round = 0; round < 100; ++round) {
    office.received.clear();
    std::vector<size_t> lengths;
    for (size_t i = 0; i < pairs.size(); ++i) {
      lengths.push_back(1 + (round * 1009 + i * 613) % 15'000);
      put(pairs[i].far, pattern(lengths[i], round + i));
    }
    std::vector<size_t> echoed(pairs.size());
    size_t left = pairs.size();
    for (const int64_t end = now() + kLimit; left > 0 && now() < end;) {
      office.wait(end - now());
      for (size_t i = 0; i < pairs.size(); ++i) {
        const auto token = static_cast<int32_t>(i);
        const size_t got = office.received[token].size();
        if (got == echoed[i]) continue;
        office.orderArrived(pairs[i].near, token);
        echoed[i] = got;
        if (got == lengths[i]) --left;
      }
    }
    office.wait(0);
    for (size_t i = 0; i < pairs.size(); ++i) {
      awaitBytes(pairs[i].far, lengths[i]);
      CHECK((take(pairs[i].far, lengths[i]) == pattern(lengths[i], round + i)));
    }
  }
  CHECK(office.unsent.empty());
}

TEST_CASE("bulk: of an order that is told as unsent the bytes still lie in the inbox, whatever others receive") {
  for (const uint32_t interest : {kBulkArrivals, kArrivals | kPriority}) {
    CAPTURE(interest);
    const Pair full = makeTcpPair();
    std::vector<Pair> others;
    Office office;
    office.watch(full.near, 100, interest);
    for (int32_t i = 0; i < 40; ++i) {
      others.push_back(makeTcpPair());
      office.watch(others.back().near, i, interest);
    }
    office.wait(0);
    const std::string text = pattern(4000);
    put(full.far, text);
    office.waitUntil([&] { return office.received[100] == text; });
    for (const Pair& other : others) put(other.far, pattern(15'000, 77));
    for (const Pair& other : others) awaitBytes(other.near, 15'000);
    fillUp(full.near);
    office.orderArrived(full.near, 100);
    office.wait(kLimit);
    REQUIRE(office.unsent.size() == 1);
    CHECK(office.unsent[0] >= 0);
    CHECK((office.arrived(100) == text));
  }
}

TEST_CASE("H23: in bulk, too, everybody is told, though in each turn something cannot be sent") {
  const Pair full = makeTcpPair();
  fillUp(full.near);
  const Pair other = makeTcpPair();
  Office office;
  office.watch(full.near, 100, kBulkArrivals);
  office.watch(other.near, 1, kBulkArrivals);
  office.wait(0);
  put(other.far, "x");
  awaitBytes(other.near, 1);
  for (int turn = 0; turn < 20 && office.told.count(1) == 0; ++turn) {
    fillUp(full.near);
    office.order(full.near, 100, "never");
    office.wait(kLimit);
  }
  CHECK(office.told.count(1) == 1);
}

TEST_SUITE_END();

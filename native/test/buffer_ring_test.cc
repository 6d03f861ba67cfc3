// The buffers that io_uring receives into: when the kernel has them, and when their reader.
#include "uring.h"

#ifdef COREACTOR_HAVE_IO_URING

using namespace coreactor;
using namespace coreactor::test;

constexpr size_t kBuffer = kInbox / 2 / 16;

// Sends something to a socket of the office's, and gives the row of it.
static Ready tellOf(UringOffice& office, const Pair& pair, const std::string& text) {
  put(pair.far, text);
  REQUIRE(office->wait(kLimit) == 1);
  CHECK(office.memory.received(office.rows[0]) == text);
  return office.rows[0];
}

TEST_CASE("what comes bit by bit has the same place every time, and much at once lies densely") {
  UringOffice office(64);
  if (!office) return;
  std::vector<Pair> pairs;
  for (int32_t i = 0; i < 3; ++i) {
    pairs.push_back(makeTcpPair());
    REQUIRE(office->add(pairs.back().near.get(), kArrivals, i) == 0);
  }
  REQUIRE(office->wait(0) == 0);
  int place = tellOf(office, pairs[0], "one").offset;
  for (const Pair& pair : pairs) CHECK(tellOf(office, pair, "another").offset == place);
  tellOf(office, pairs[0], std::string(kBuffer, 'x'));  // so that the next one is being filled
  place = tellOf(office, pairs[0], "one").offset;
  for (const Pair& pair : pairs) CHECK(tellOf(office, pair, "another").offset == place);
  for (const Pair& pair : pairs) put(pair.far, "at once");
  REQUIRE(office->wait(kLimit) == 3);
  for (int i = 0; i < 3; ++i) CHECK(office.rows[static_cast<size_t>(i)].offset == place + 7 * i);
}

TEST_CASE("H34: what has been received and not told yet is not received over") {
  size_t length = 0;
  SUBCASE("little") { length = 3; }
  SUBCASE("what fills the buffer up") { length = kBuffer / 2; }
  const std::string texts[] = {std::string(length, 'a'), std::string(length, 'b')};
  UringOffice office(1);  // so that of two one waits to be told
  if (!office) return;
  const Pair pairs[] = {makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 2; ++i) REQUIRE(office->add(pairs[i].near.get(), kArrivals, i) == 0);
  REQUIRE(office->wait(0) == 0);
  for (size_t i = 0; i < 2; ++i) put(pairs[i].far, texts[i]);
  REQUIRE(office->wait(kLimit) == 1);
  const int32_t told = office.rows[0].token;
  put(pairs[told].far, std::string(100, 'n'));
  REQUIRE(office->wait(kLimit) == 1);
  CHECK(office.rows[0].token == 1 - told);
  CHECK(office.memory.received(office.rows[0]) == texts[1 - told]);
  REQUIRE(office->wait(kLimit) == 1);
  CHECK(office.memory.received(office.rows[0]) == std::string(100, 'n'));
}

TEST_CASE("H34: what has been received and has no place among the completions yet is not received over") {
  UringOffice office(8192);
  if (!office) return;
  const Pair pairs[] = {makeTcpPair(), makeTcpPair()};
  for (int32_t i = 0; i < 2; ++i) REQUIRE(office->add(pairs[i].near.get(), kArrivals, i) == 0);
  office->prepare(1, true);
  REQUIRE(office->wait(0) == 0);
  Crowd crowd(*office);
  put(pairs[0].far, "old");
  for (int i = 0; i < 100; ++i) REQUIRE(office->wait(0) == 1);  // received meanwhile, and behind the crowd
  office->prepare(8192, true);
  std::string got;
  put(pairs[1].far, std::string(100, 'n'));
  for (const int64_t end = now() + kLimit; got.size() < 103 && now() < end;) {
    const int found = office->wait(kMillisecond);
    for (int i = 0; i < found; ++i) {
      const Ready& row = office.rows[static_cast<size_t>(i)];
      if (row.token < 2) got += office.memory.received(row);
    }
  }
  CHECK(got == "old" + std::string(100, 'n'));
  crowd.leave();
}

TEST_CASE("H33: a receive that has ended for want of buffers goes on when they are back") {
  UringOffice office(256, 32 * 1024);  // 16 buffers of 1 KiB, and as much that it does not use
  if (!office) return;
  const Pair a = makeTcpPair();
  REQUIRE(office->add(a.near.get(), kArrivals, 1) == 0);
  REQUIRE(office->wait(0) == 0);
  std::string sent;
  for (int i = 0; sent.size() < 100'000; ++i) sent.append(std::to_string(i));
  put(a.far, sent);
  std::string received;
  const int64_t end = now() + kLimit;
  int batches = 0;
  for (; received.size() < sent.size() && now() < end; ++batches) {
    const int found = office->wait(kLimit);
    REQUIRE(found >= 0);
    for (size_t i = 0; i < static_cast<size_t>(found); ++i) received += office.memory.received(office.rows[i]);
  }
  CHECK(received == sent);
  CHECK(batches > 100'000 / (16 * 1024));  // more than one inbox cannot come at once
}

TEST_CASE("H33: a buffer from which something was ordered goes back only when it is known to be sent") {
  UringOffice office(64, 32 * 1024, 0);  // 16 buffers of 1 KiB
  if (!office) return;
  const Pair full = makeTcpPair();
  std::vector<Pair> others;
  REQUIRE(office->add(full.near.get(), kArrivals, 100) == 0);
  for (int32_t i = 0; i < 20; ++i) {
    others.push_back(makeTcpPair());
    REQUIRE(office->add(others.back().near.get(), kArrivals, i) == 0);
  }
  REQUIRE(office->wait(0) == 0);
  std::string text;
  SUBCASE("the whole of it") { text = pattern(1024); }
  SUBCASE("a part") { text = pattern(100); }
  put(full.far, text);
  REQUIRE(office->wait(kLimit) == 1);
  REQUIRE(office.memory.received(office.rows[0]) == text);
  const auto place = static_cast<size_t>(office.rows[0].offset);
  fillUp(full.near);
  for (const Pair& other : others) put(other.far, std::string(1024, 'x'));
  office.memory.append(Order{100, full.near.get(), static_cast<int32_t>(place), static_cast<int32_t>(text.size())});
  int found = office->wait(kLimit);
  REQUIRE(found > 15);  // more than there are buffers without that one
  CHECK(office.rows[0].token == 100);
  CHECK(office.rows[0].events == kSent);
  CHECK((office.memory.text(place, text.size()) == text));
  // Then it does.
  size_t received = 0;
  for (const int64_t end = now() + kLimit; now() < end; found = office->wait(kLimit)) {
    for (int row = 0; row < found; ++row) {
      const Ready& told = office.rows[static_cast<size_t>(row)];
      if (told.token < 20 && (told.events & kReceive) != 0) received += static_cast<size_t>(told.result);
    }
    if (received == 20 * 1024) break;
  }
  CHECK(received == 20 * 1024);
}

#endif

// The table of registrations.
#include "registry.h"

#include <doctest/doctest.h>

#include <climits>
#include <map>

using coreactor::Registration;
using coreactor::Registry;

TEST_CASE("registry: finds what was set, and nothing else") {
  Registry registry;
  CHECK(registry.find(0) == nullptr);
  CHECK(registry.find(-1) == nullptr);
  CHECK(registry.find(INT_MAX) == nullptr);
  CHECK(registry.find(INT_MIN) == nullptr);
  registry.set(3, {7, 1});
  REQUIRE(registry.find(3) != nullptr);
  CHECK(registry.find(3)->token == 7);
  CHECK(registry.find(3)->interest == 1);
  CHECK(registry.find(2) == nullptr);
  CHECK(registry.find(4) == nullptr);
  registry.set(3, {8, 0});
  CHECK(registry.find(3)->token == 8);
  registry.erase(3);
  CHECK(registry.find(3) == nullptr);
  registry.erase(3);
  registry.erase(-1);
  registry.erase(INT_MAX);
}

TEST_CASE("registry: grows on demand and keeps what it has") {
  Registry registry;
  for (int fd = 0; fd < 5000; fd += 7) registry.set(fd, {fd * 2, 5});
  registry.set(200'000, {1, 1});
  int wrong = 0;
  for (int fd = 0; fd < 5000; ++fd) {
    const Registration* const found = registry.find(fd);
    if ((found != nullptr) != (fd % 7 == 0) || (found != nullptr && found->token != fd * 2)) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(registry.find(200'000)->token == 1);
}

TEST_CASE("registry: each() visits exactly what is there") {
  Registry registry;
  registry.set(9, {1, 0});
  registry.set(0, {2, 0});
  registry.set(4, {3, 0});
  registry.erase(4);
  std::map<int, int32_t> seen;
  registry.each([&](int fd, const Registration& registration) { seen[fd] = registration.token; });
  CHECK(seen == std::map<int, int32_t>{{0, 2}, {9, 1}});
}

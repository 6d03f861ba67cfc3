// Addresses in words and as the system has them.
#include "address.h"

#include <doctest/doctest.h>
#include <net/if.h>

#include <cerrno>
#include <string>

using coreactor::Address;
using coreactor::SocketAddress;

static std::string roundTrip(const std::string& host) {
  SocketAddress address;
  Address back;
  if (parse(Address{host, 80}, &address) < 0 || format(address, &back) < 0 || back.port != 80) return "?";
  return back.host;
}

static int errorOf(const Address& address) {
  SocketAddress unused;
  return parse(address, &unused);
}

TEST_CASE("IP literals come back as they were, or shorter") {
  for (const char* host : {"127.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1"}) {
    CHECK(roundTrip(host) == host);
  }
  CHECK(roundTrip("2001:0db8:0:0::1") == "2001:db8::1");
  for (const char* host : {"", "localhost", "1.2.3", "1.2.3.4.5", "::1%", "%lo", "1.2.3.4%lo", "[::1]"}) {
    CAPTURE(host);
    CHECK_FALSE(coreactor::isAddress(host));
    CHECK(errorOf(Address{host, 0}) == -EINVAL);
  }
  CHECK_FALSE(coreactor::isAddress(std::string("127.0.0.1\0x", 11)));
  CHECK_FALSE(coreactor::isAddress(std::string("::1\0x", 5)));
  CHECK(errorOf(Address{"127.0.0.1", 65536}) == -EINVAL);
  CHECK(errorOf(Address{"127.0.0.1", -1}) == -EINVAL);
}

TEST_CASE("a link-local address has its interface, by name or number") {
  char name[IF_NAMESIZE];
  REQUIRE(if_indextoname(1, name) != nullptr);
  const std::string host = std::string("fe80::1%") + name;
  CHECK(coreactor::isAddress(host));
  CHECK(roundTrip(host) == host);
  CHECK(roundTrip("fe80::1%1") == host);
  CHECK(roundTrip("fe80::1%999999") == "fe80::1%999999");
  CHECK(coreactor::isAddress("fe80::1%nosuch0"));
  CHECK(errorOf(Address{"fe80::1%nosuch0", 0}) == -ENODEV);
}

TEST_CASE("paths: of files, abstract, too long, without a name") {
  const auto back = [](const std::string& path) {
    SocketAddress address;
    Address result;
    if (parse(Address{"", 0, path, true}, &address) < 0 || format(address, &result) < 0) return std::string("?");
    return result.isUnix ? result.path : "no path";
  };
  const size_t most = coreactor::mostPathBytes();
  const std::string withNul("\0a\0b", 4);
  CHECK(back("/tmp/x") == "/tmp/x");
  CHECK(back(withNul) == withNul);
  CHECK(back(std::string(most - 1, 'x')) == std::string(most - 1, 'x'));
  CHECK(back('\0' + std::string(most - 1, 'x')) == '\0' + std::string(most - 1, 'x'));
  CHECK(errorOf(Address{"", 0, std::string(most, 'x'), true}) == -ENAMETOOLONG);
  CHECK(errorOf(Address{"", 0, '\0' + std::string(most, 'x'), true}) == -ENAMETOOLONG);
  CHECK(errorOf(Address{"", 0, std::string("a\0b", 3), true}) == -EINVAL);
  CHECK(errorOf(Address{"", 0, "", true}) == -EINVAL);

  SocketAddress unnamed;
  unnamed.storage.ss_family = AF_UNIX;
  unnamed.length = sizeof(sa_family_t);
  Address nobody;
  REQUIRE(format(unnamed, &nobody) == 0);
  CHECK(nobody.isUnix);
  CHECK(nobody.path.empty());
}

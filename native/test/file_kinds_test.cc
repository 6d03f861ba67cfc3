// What can be registered, and that it works.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "pollable.h"
#include "socket.h"
#include "support.h"
#ifdef __linux__
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#endif

using namespace coreactor;
using namespace coreactor::test;

static UniqueFd openFile(const char* path, int flags) { return UniqueFd(open(path, flags | O_CLOEXEC)); }

static UniqueFd openRegularFile() {
  char path[] = "/tmp/coreactor-test-XXXXXX";
  UniqueFd file(mkstemp(path));
  REQUIRE(file);
  unlink(path);
  return file;
}

TEST_CASE("pollable: open and closed numbers") {
  CHECK(checkOpen(-1) == -EBADF);
  CHECK(checkOpen(1'000'000) == -EBADF);
  CHECK(checkPollable(-1) == -EBADF);
  CHECK(checkPollable(1'000'000) == -EBADF);
  const Pair a = makePipe();
  CHECK(checkOpen(a.near.get()) == 0);
  CHECK(checkPollable(a.near.get()) == 0);
}

TEST_SUITE_BEGIN(CONFORMANCE_SUITE);

TEST_CASE("H7: regular files, directories, /dev/null and the like are refused by all") {
  Subject subject;
  UniqueFd unfit[] = {openRegularFile(), openFile("/", O_RDONLY | O_DIRECTORY), openFile("/dev/null", O_RDWR),
                      openFile("/dev/zero", O_RDONLY)};
  for (const UniqueFd& fd : unfit) {
    REQUIRE(fd);
    CHECK(subject->add(fd.get(), kRead, 1) == -EPERM);
    CHECK(subject->add(fd.get(), kRead | kEdge, 1) == -EPERM);
    CHECK(subject->add(fd.get(), 0, 1) == -EPERM);
    CHECK(subject->modify(fd.get(), kRead, 1) == -ENOENT);
  }
  CHECK(subject.silent());
}

TEST_CASE("H7, H9: terminals are accepted by all") {
  Subject subject;
  UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY));
  REQUIRE(master);
  REQUIRE(grantpt(master.get()) == 0);
  REQUIRE(unlockpt(master.get()) == 0);
  const UniqueFd terminal = openFile(ptsname(master.get()), O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(terminal);
  REQUIRE(subject->add(terminal.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  put(master, "line\n");
  CHECK(subject.waitFor(1) == kRead);
}

#ifdef __linux__
TEST_CASE("H7: a file that looks regular but has readiness is accepted by all") {
  Subject subject;
  const UniqueFd mounts = openFile("/proc/self/mounts", O_RDONLY);
  REQUIRE(mounts);
  CHECK(subject->add(mounts.get(), kRead, 1) == 0);
}

TEST_CASE("H9: eventfd, timerfd and inotify work by their plain fd") {
  Subject subject;
  const UniqueFd event(eventfd(0, EFD_NONBLOCK));
  const UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  const UniqueFd watch(inotify_init1(IN_NONBLOCK));
  REQUIRE(subject->add(event.get(), kRead, 1) == 0);
  REQUIRE(subject->add(timer.get(), kRead, 2) == 0);
  REQUIRE(subject->add(watch.get(), kRead, 3) == 0);
  CHECK(subject.silent());

  REQUIRE(eventfd_write(event.get(), 1) == 0);
  CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->remove(event.get()) == 0);

  const itimerspec soon{{0, 0}, {0, 1}};
  REQUIRE(timerfd_settime(timer.get(), 0, &soon, nullptr) == 0);
  CHECK(subject.waitFor(2) == kRead);
  REQUIRE(subject->remove(timer.get()) == 0);

  REQUIRE(inotify_add_watch(watch.get(), "/tmp", IN_CREATE | IN_DELETE) >= 0);
  openRegularFile();
  CHECK(subject.waitFor(3) == kRead);
}
#endif

TEST_CASE("H9: FIFOs and UDP sockets work by their plain fd") {
  Subject subject;
  char folder[] = "/tmp/coreactor-test-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const UniqueFd reader = openFile(path.c_str(), O_RDONLY | O_NONBLOCK);
  const UniqueFd writer = openFile(path.c_str(), O_WRONLY | O_NONBLOCK);
  unlink(path.c_str());
  rmdir(folder);
  REQUIRE(subject->add(reader.get(), kRead, 1) == 0);
  REQUIRE(subject->add(writer.get(), kWrite, 2) == 0);
  CHECK(subject.waitFor(2) == kWrite);
  REQUIRE(subject->remove(writer.get()) == 0);
  CHECK(subject.silent());
  put(writer, "x");
  CHECK(subject.waitFor(1) == kRead);
  REQUIRE(subject->remove(reader.get()) == 0);

  const UniqueFd receiver(socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(receiver.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  REQUIRE(subject->add(receiver.get(), kRead, 3) == 0);
  CHECK(subject.silent());
  const UniqueFd sender(socket(AF_INET, SOCK_DGRAM, 0));
  REQUIRE(sendto(sender.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&address), length) == 1);
  CHECK(subject.waitFor(3) == kRead);
}

TEST_CASE("H9: Unix sockets that keep messages apart, and a character that a terminal takes") {
  Subject subject;
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) == 0);
  const UniqueFd near(ends[0]);
  UniqueFd far(ends[1]);
  REQUIRE(subject->add(near.get(), kRead, 1) == 0);
  CHECK(subject.silent());
  put(far, "one");
  put(far, "two");
  for (const char* const message : {"one", "two"}) {
    CHECK(subject.waitFor(1) == kRead);
    CHECK(take(near) == message);
  }
  CHECK(subject.silent());
  far.reset();  // a datagram socket has no end
  CHECK(subject.silent());

  UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY));
  REQUIRE(grantpt(master.get()) == 0);
  REQUIRE(unlockpt(master.get()) == 0);
  UniqueFd terminal = openFile(ptsname(master.get()), O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(subject->add(terminal.get(), kWrite, 2) == 0);
  CHECK(subject.waitFor(2) == kWrite);
  REQUIRE(subject->remove(terminal.get()) == 0);
  REQUIRE(subject->add(master.get(), kRead, 3) == 0);
  CHECK(subject.silent());
  terminal.reset();  // a hangup, which is told as readable
  CHECK((subject.waitFor(3) & kRead) != 0);
}

TEST_CASE("H26: a refused connect is told in every direction, and SO_ERROR has the reason once") {
  Subject subject;
  if (isShim()) return;
  for (const uint32_t interest : {uint32_t{kRead}, uint32_t{kWrite}, uint32_t{kRead | kWrite}}) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const UniqueFd nobody(socket(AF_INET, SOCK_STREAM, 0));  // has the port, and does not listen
    REQUIRE(bind(nobody.get(), generic, length) == 0);
    REQUIRE(getsockname(nobody.get(), generic, &length) == 0);
    bool pending = false;
    const int fd = connectTcp(Address{"127.0.0.1", ntohs(address.sin_port)}, &pending);
    if (fd == -ECONNREFUSED) continue;  // some systems know at once
    REQUIRE(fd >= 0);
    const UniqueFd client(fd);
    REQUIRE(pending);
    REQUIRE(subject->add(fd, interest, 1) == 0);
    CHECK((subject.waitFor(1) & (kRead | kWrite)) == interest);
    CHECK(socketError(fd) == -ECONNREFUSED);
    CHECK(socketError(fd) == 0);
    REQUIRE(subject->remove(fd) == 0);
  }
}

TEST_CASE("H8: a socket without a connection is over before it began, so connect() comes first") {
  Subject subject;
  if (isShim()) return;
  const UniqueFd fresh(socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(subject->add(fresh.get(), kWrite, 1) == 0);
#ifdef __linux__
  CHECK((subject.waitFor(1) & kWrite) != 0);
#endif
  REQUIRE(subject->remove(fresh.get()) == 0);
  // connectTcp() has connected, or tries to, before anybody can register what it gives.
  const UniqueFd listener(listenTcp(Address{"127.0.0.1", 0}, 1, false, false));
  REQUIRE(listener);
  Address at;
  REQUIRE(localAddress(listener.get(), &at) == 0);
  bool pending = false;
  const UniqueFd client(connectTcp(at, &pending));
  REQUIRE(client);
  REQUIRE(subject->add(client.get(), kRead | kWrite, 2) == 0);
  CHECK(subject.waitFor(2) == kWrite);
}

TEST_CASE("H8: registered after connect(), a connecting socket is told writable once it is connected") {
  Subject subject;
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(listener.get(), generic, length) == 0);
  REQUIRE(getsockname(listener.get(), generic, &length) == 0);

  // Nobody listens yet: refused.
  const UniqueFd early(socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(fcntl(early.get(), F_SETFL, O_NONBLOCK) == 0);
  const int refused = connect(early.get(), generic, length);
  REQUIRE((refused < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED)));
  if (errno == EINPROGRESS) {
    REQUIRE(subject->add(early.get(), kRead | kWrite, 1) == 0);
    CHECK((subject.waitFor(1) & kWrite) != 0);
    int error = 0;
    socklen_t size = sizeof error;
    REQUIRE(getsockopt(early.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0);
    if (!isShim()) CHECK(error == ECONNREFUSED);
    REQUIRE(subject->remove(early.get()) == 0);
  }

  REQUIRE(listen(listener.get(), 1) == 0);
  REQUIRE(subject->add(listener.get(), kRead, 2) == 0);
  const UniqueFd client(socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(fcntl(client.get(), F_SETFL, O_NONBLOCK) == 0);
  const int connected = connect(client.get(), generic, length);
  REQUIRE((connected == 0 || errno == EINPROGRESS));
  REQUIRE(subject->add(client.get(), kRead | kWrite, 3) == 0);
  CHECK(subject.waitFor(3) == kWrite);
  REQUIRE(subject->remove(client.get()) == 0);
  CHECK(subject.waitFor(2) == kRead);
}

TEST_SUITE_END();

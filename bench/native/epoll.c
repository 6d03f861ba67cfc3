// The yardstick: an echo server on epoll, as good as we can write it. Single-threaded; one recv and one send per
// message.
//
// A connection has no memory of its own while things go well: what its descriptor waits for *is* its state.
//   EPOLLIN  -> recv into one shared buffer, send it back
//   EPOLLOUT -> a send was short: the rest lies in backlog[fd], and nothing is read until it has gone (backpressure)
// Edge-triggered: the kernel need not ask each socket again at the next wait, and a short read means "drained", so no
// recv is spent on EAGAIN. EPOLL_CTL_MOD looks at the socket anew, so no edge is lost when the state changes.
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "listen.h"

#ifndef EDGE
#define EDGE EPOLLET
#endif

enum { EVENTS = 1024, BUFFER = 256 * 1024, READS_PER_TURN = 16 };

struct rest {
  size_t from, to;
  char data[];
};

static int epoll;
static struct rest** backlog;  // indexed by fd
static char buffer[BUFFER];

static void watch(int operation, int fd, uint32_t events) {
  struct epoll_event event = {.events = events | EPOLLRDHUP | EDGE, .data.fd = fd};
  if (epoll_ctl(epoll, operation, fd, &event) != 0) die("epoll_ctl");
}

static void drop(int fd) {
  free(backlog[fd]);
  backlog[fd] = NULL;
  close(fd);
}

static void keep_rest(int fd, const char* from, size_t length) {
  struct rest* rest = malloc(sizeof *rest + length);
  if (rest == NULL) die("malloc");
  rest->from = 0;
  rest->to = length;
  memcpy(rest->data, from, length);
  backlog[fd] = rest;
  watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

static void echo(int fd, bool ended) {
  for (int turn = 0; turn < READS_PER_TURN; turn++) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(fd);
    const ssize_t sent = send(fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(fd);
    if (sent != got) return keep_rest(fd, buffer + (sent < 0 ? 0 : sent), (size_t)(got - (sent < 0 ? 0 : sent)));
    if (got < BUFFER && !ended) return;
  }
  watch(EPOLL_CTL_MOD, fd, EPOLLIN);  // more is there, but it is the turn of others
}

static void flush(int fd) {
  struct rest* rest = backlog[fd];
  if (rest == NULL) return;
  const ssize_t sent = send(fd, rest->data + rest->from, rest->to - rest->from, MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return;
  if (sent < 0) return drop(fd);
  rest->from += (size_t)sent;
  if (rest->from < rest->to) return watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  free(rest);
  backlog[fd] = NULL;
  watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

static void accept_all(int listener) {
  for (int i = 0; i < 64; i++) {
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == ECONNABORTED) return;
      die("accept4");
    }
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

int main(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) die("getrlimit");
  backlog = calloc(files.rlim_cur, sizeof *backlog);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  // Connections inherit it, which saves a call for each of them.
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr*)&address, length) != 0 || listen(listener, BACKLOG) != 0 ||
      getsockname(listener, (struct sockaddr*)&address, &length) != 0)
    die("listen");
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || backlog == NULL) die("epoll_create1");
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};  // level-triggered: accept_all stops early
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll_ctl");
  announce(ntohs(address.sin_port), "C epoll");

  static struct epoll_event events[EVENTS];
  for (;;) {
    const int count = epoll_wait(epoll, events, EVENTS, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      const uint32_t ready = events[i].events;
      if (fd == listener) {
        accept_all(listener);
      } else if (ready & EPOLLOUT || (backlog[fd] != NULL)) {
        flush(fd);
      } else {
        echo(fd, (ready & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
      }
    }
  }
}

// connect PORT PID IN_FLIGHT BYTES WARMUP_MS WINDOW_MS END [PORT PID]: makes connections to an echo server on
// 127.0.0.1, and to one to compare it with (see slices.h).
//
// IN_FLIGHT connections exist at a time. Each sends one message, reads its echo, compares every byte, and ends. Then
// the next one takes its place. After WARMUP_MS of that comes the window of WINDOW_MS, in which finished connections
// are counted and timed, and the CPU time of process PID is taken at both ends of each slice; then nothing new is
// opened, and all must still end well. One JSON line says it all; a failure is {"error": ...} and status 1. END is
//   reset  RST: neither side keeps a TIME_WAIT
//   fin    as peers part politely: FIN, and the server's FIN is waited for. The TIME_WAIT remains on our side, and the
//          kernel has to reuse those ports (net.ipv4.tcp_tw_reuse)
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clocks.h"
#include "histogram.h"
#include "pattern.h"
#include "slices.h"

enum { EVENTS = 512, BUFFER = 64 * 1024 };
#define SLICE (125 * 1000000ULL)

struct connection {
  int fd;
  bool connected;
  const uint8_t* message;
  size_t sent, received;
  uint64_t started;
};

static bool polite;
static struct connection* connections;
static size_t count, size, made, done, open_now;
static struct sockaddr_in servers[SERVERS];
static uint8_t buffer[BUFFER];
static int epoll;

static void fail(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  printf("{\"error\":\"%s%s %s (after %zu connections)\"}\n", current == REFERENCE ? "the reference: " : "", text,
         during[phase], done);
  fflush(stdout);
  _exit(1);
}

static void send_rest(struct connection* c) {
  const ssize_t sent = send(c->fd, c->message + c->sent, size - c->sent, MSG_NOSIGNAL);
  if (sent > 0) c->sent += (size_t)sent;
  if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
}

static void open_one(struct connection* c) {
  *c = (struct connection){.message = pattern + made++ * 17 % PATTERNS, .started = now()};
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket: %s", strerror(errno));
  open_now++;
  if (!polite)
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
  if (connect(c->fd, (struct sockaddr*)&servers[current], sizeof servers[current]) == 0) {
    c->connected = true;  // on loopback the handshake may be over already
    send_rest(c);
  } else if (errno != EINPROGRESS) {
    fail("connect: %s", strerror(errno));
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

static void finish(struct connection* c) {
  close(c->fd);
  open_now--;
  done++;
  if (phase == WINDOW) {
    samples[current].requests++;
    sample_record(&samples[current], now() - c->started);
  }
  if (phase != DRAIN) open_one(c);
}

static void part(struct connection* c) {
  if (!polite) return finish(c);
  if (shutdown(c->fd, SHUT_WR) != 0) fail("shutdown: %s", strerror(errno));  // the next read is the end
}

// Edge-triggered: a read that is shorter than the buffer has emptied the socket.
static void receive(struct connection* c) {
  for (;;) {
    const ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) fail("recv: %s", strerror(errno));
    if (got == 0 && c->received == size) return finish(c);
    if (got == 0) fail("the server closed a connection");
    if (c->received + (size_t)got > c->sent) fail("the server sent more than it was given");
    if (memcmp(buffer, c->message + c->received, (size_t)got) != 0) fail("the server sent back other bytes");
    c->received += (size_t)got;
    if (c->received == size) return part(c);
    if (got < BUFFER) return;
  }
}

static void handle(struct connection* c, uint32_t events) {
  if (!c->connected) {
    int error = 0;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error != 0) fail("connect: %s", strerror(error));
    if (!(events & EPOLLOUT)) return;
    c->connected = true;
  }
  if (c->sent < size && events & EPOLLOUT) send_rest(c);
  if (events & ~(uint32_t)EPOLLOUT) receive(c);
}

static void turn(void) {
  static struct epoll_event events[EVENTS];
  const int ready = epoll_wait(epoll, events, EVENTS, 50);
  if (ready < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < ready; i++) handle(events[i].data.ptr, events[i].events);
}

static void start(void) {
  for (size_t i = 0; i < count; i++) {
    open_one(&connections[i]);
    turn();
  }
}

static size_t in_flight(void) { return open_now; }

static size_t starving(uint64_t since) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += connections[i].started < since;
  return found;
}

static void aim(int which, const char* port, const char* pid) {
  servers[which] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  servers[which].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  window_of(&samples[which].window, atoi(pid));
}

int main(int argc, char** argv) {
  if (argc != 8 && argc != 10) {
    fprintf(stderr, "usage: connect PORT PID IN_FLIGHT BYTES WARMUP_MS WINDOW_MS reset|fin [PORT PID]\n");
    return 2;
  }
  const bool compares = argc == 10;
  aim(MEASURED, argv[1], argv[2]);
  if (compares) aim(REFERENCE, argv[8], argv[9]);
  count = strtoul(argv[3], NULL, 10);
  size = strtoul(argv[4], NULL, 10);
  const uint64_t warmup = strtoull(argv[5], NULL, 10) * 1000000, window = strtoull(argv[6], NULL, 10) * 1000000;
  polite = strcmp(argv[7], "fin") == 0;
  connections = calloc(count, sizeof *connections);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (connections == NULL || epoll < 0 || !pattern_make(size)) fail("no memory");
  measure(compares, warmup, window, SLICE);
  print_samples(compares);
  return 0;
}

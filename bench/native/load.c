// load PORT PID CONNECTIONS BYTES WARMUP_MS WINDOW_MS [RATE]: a client for an echo server on 127.0.0.1.
//
// Every connection has one message in flight (a closed loop), and every byte that comes back is compared. With RATE so
// many messages a second are sent in all, whatever the server does: each has its time, the connections take turns, and
// latency is from that time on, so that who is slow does not get less to do. (The thread does not sleep meanwhile.)
// The phases:
//   open    connections are made gradually: at most OPENING have not yet had an answer to a first message, so that no
//           server's backlog runs over, whatever it is and however slowly it accepts
//   warm-up WARMUP_MS of full load
//   window  WINDOW_MS in which answers are counted and timed, and the CPU time of process PID is taken at both ends;
//           a connection whose message from before has no answer at its end is starved
//   drain   nothing new is sent; every message in flight must still come back
// Connections end with RST, so no TIME_WAIT is left. One JSON line says it all; a failure is {"error": ...} and
// status 1.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
#include "window.h"

enum { EVENTS = 512, OPENING = 64, BUFFER = 64 * 1024 };
#define PATIENCE (20 * SECOND)  // for opening, and for draining

struct connection {
  int fd;
  bool connected, busy;
  uint32_t sequence;
  size_t sent, received;
  uint64_t started;
};

static enum { OPEN, WARMUP, WINDOW, DRAIN } phase = OPEN;
static struct connection* connections;
static size_t count, opened, answered, busy, size;
static uint8_t buffer[BUFFER];
static struct histogram latency;
static int epoll;

// With a rate: the n-th message is due at schedule + n * interval, and goes by the first of those that are free.
static uint64_t interval, schedule, scheduled;
static struct connection** resting;  // a ring
static size_t rested, roused;

static void fail(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  static const char* const during[] = {"while opening", "in the warm-up", "in the window", "while draining"};
  printf("{\"error\":\"%s %s (%zu of %zu connections were open)\"}\n", text, during[phase], answered, count);
  fflush(stdout);
  _exit(1);
}

// What message `sequence` of connection `c` looks like: neighbours in time and in number all differ.
static const uint8_t* message(const struct connection* c) {
  return pattern + ((size_t)(c - connections) * 31 + c->sequence * 17) % PATTERNS;
}

static void send_rest(struct connection* c) {
  const ssize_t sent = send(c->fd, message(c) + c->sent, size - c->sent, MSG_NOSIGNAL);
  if (sent > 0) c->sent += (size_t)sent;
  if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
}

static void start_message(struct connection* c, uint64_t at) {
  c->sequence++;
  c->sent = c->received = 0;
  c->started = at;
  c->busy = true;
  busy++;
  send_rest(c);
}

static void finish_message(struct connection* c) {
  const uint64_t at = now();
  c->busy = false;
  busy--;
  if (phase == OPEN) answered++;
  if (phase == WINDOW) histogram_record(&latency, at - c->started);
  if (interval != 0) {
    resting[rested++ % count] = c;
  } else if (phase == WARMUP || phase == WINDOW) {
    start_message(c, at);
  }
}

static void start_due(void) {
  while (rested != roused) {
    const uint64_t due = schedule + scheduled * interval;
    if (due > now()) return;
    scheduled++;
    start_message(resting[roused++ % count], due);
  }
}

// Edge-triggered: a read that is shorter than the buffer has emptied the socket.
static void receive(struct connection* c) {
  for (;;) {
    const ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) fail("recv: %s", strerror(errno));
    if (got == 0) fail("the server closed a connection");
    if (!c->busy || c->received + (size_t)got > c->sent) fail("the server sent more than it was given");
    if (memcmp(buffer, message(c) + c->received, (size_t)got) != 0) fail("the server sent back other bytes");
    c->received += (size_t)got;
    if (c->received == size) return finish_message(c);
    if (got < BUFFER) return;
  }
}

static void open_one(int port) {
  struct connection* c = &connections[opened++];
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket: %s", strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(c->fd, (struct sockaddr*)&to, sizeof to) != 0 && errno != EINPROGRESS)
    fail("connect: %s", strerror(errno));
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

static void handle(struct connection* c, uint32_t events) {
  if (!c->connected) {
    int error = 0;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error != 0) fail("connect: %s", strerror(error));
    if (!(events & EPOLLOUT)) return;
    c->connected = true;
    return start_message(c, now());
  }
  if (c->busy && c->sent < size && events & EPOLLOUT) send_rest(c);
  if (events & ~(uint32_t)EPOLLOUT) receive(c);
}

static void turn(void) {
  static struct epoll_event events[EVENTS];
  const bool paced = interval != 0 && (phase == WARMUP || phase == WINDOW);
  if (paced) start_due();
  const int ready = epoll_wait(epoll, events, EVENTS, paced ? 0 : 50);
  if (ready < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < ready; i++) handle(events[i].data.ptr, events[i].events);
}

int main(int argc, char** argv) {
  if (argc != 7 && argc != 8) {
    fprintf(stderr, "usage: load PORT PID CONNECTIONS BYTES WARMUP_MS WINDOW_MS [RATE]\n");
    return 2;
  }
  const int port = atoi(argv[1]);
  count = strtoul(argv[3], NULL, 10);
  size = strtoul(argv[4], NULL, 10);
  const uint64_t warmup = strtoull(argv[5], NULL, 10) * 1000000, window = strtoull(argv[6], NULL, 10) * 1000000;
  struct window measured;
  window_of(&measured, atoi(argv[2]));
  if (argc == 8) interval = SECOND / strtoull(argv[7], NULL, 10);
  connections = calloc(count, sizeof *connections);
  resting = calloc(count, sizeof(struct connection*));
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (connections == NULL || resting == NULL || epoll < 0 || !pattern_make(size)) fail("no memory");

  uint64_t until = now() + PATIENCE;
  while (answered < count) {
    while (opened < count && opened - answered < OPENING) open_one(port);
    turn();
    if (now() > until) fail("patience ended");
  }

  phase = WARMUP;
  until = now() + warmup;
  schedule = now();
  for (size_t i = 0; i < count && interval == 0; i++) start_message(&connections[i], now());
  while (now() < until) turn();

  phase = WINDOW;
  window_begin(&measured);
  const uint64_t begun = now();
  until = begun + window;
  while (now() < until) turn();
  window_end(&measured);
  if (latency.total == 0) fail("no answer at all");
  size_t starved = 0;
  for (size_t i = 0; i < count; i++) starved += connections[i].busy && connections[i].started < begun;

  phase = DRAIN;
  until = now() + PATIENCE;
  while (busy > 0) {
    turn();
    if (now() > until) fail("%zu messages never came back", busy);
  }

  window_print(&measured, &latency, starved);
  return 0;
}

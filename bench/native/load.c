// load PORT PID CONNECTIONS BYTES WARMUP_MS WINDOW_MS RATE [PORT PID]: a client for an echo server on 127.0.0.1, and
// for one to compare it with (see slices.h).
//
// Every connection has one message in flight (a closed loop), and every byte that comes back is compared. With a RATE
// other than 0 so many messages a second are sent in all, whatever the server does: each has its time, the connections
// take turns, and latency is from that time on, so that who is slow does not get less to do. (The thread does not sleep
// meanwhile.) The phases:
//   open    connections are made gradually: at most OPENING have not yet had an answer to a first message, so that no
//           server's backlog runs over, whatever it is and however slowly it accepts
//   warm-up WARMUP_MS of full load
//   window  WINDOW_MS in slices, in which answers are counted and timed, and the CPU time of process PID is taken at
//           both ends; a connection whose message from before a slice has no answer at its end is starved
//   drain   nothing new is sent, but with a RATE what was due before the slice's end; every message must still come
//           back. With a RATE latency is of those that were due within a slice, whenever they come: or what a server
//           holds up at its end, and most of what one does that cannot bear the rate, would be in no figure
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
#include "slices.h"

enum { EVENTS = 512, OPENING = 64, BUFFER = 64 * 1024 };
// In a slice each connection is to have several answers. With a rate it stays short, whatever their number, so that few
// of the slices have a pause of the machine in them.
#define SLICE (100 * 1000000ULL)
#define SLICE_PER_CONNECTION (50 * 1000ULL)

struct connection {
  int fd;
  bool connected, busy;
  uint32_t sequence;
  size_t sent, received;
  uint64_t started;
};

struct server {
  int port;
  struct connection* connections;
  size_t opened, answered, busy;
  struct connection** resting;  // a ring
  size_t rested, roused;
};

static struct server servers[SERVERS];
static size_t count, size;
static uint8_t buffer[BUFFER];
static int epoll;

// With a rate: the n-th message is due at schedule + n * interval, and goes by the first of those that are free.
static uint64_t interval, schedule, scheduled;

static void fail(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  printf("{\"error\":\"%s%s %s (%zu of %zu connections were open)\"}\n", current == REFERENCE ? "the reference: " : "",
         text, during[phase], servers[current].answered, count);
  fflush(stdout);
  _exit(1);
}

// What message `sequence` of connection `c` looks like: neighbours in time and in number all differ.
static const uint8_t* message(const struct connection* c) {
  return pattern + ((size_t)(c - servers[current].connections) * 31 + c->sequence * 17) % PATTERNS;
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
  servers[current].busy++;
  send_rest(c);
}

static void finish_message(struct connection* c) {
  struct server* server = &servers[current];
  const uint64_t at = now();
  c->busy = false;
  server->busy--;
  if (phase == OPEN) server->answered++;
  if (phase == WINDOW) samples[current].requests++;
  const bool was_due = phase != OPEN && c->started >= begun && c->started < ended;
  if (interval == 0 ? phase == WINDOW : was_due) sample_record(&samples[current], at - c->started);
  if (interval != 0) {
    server->resting[server->rested++ % count] = c;
  } else if (phase == WARMUP || phase == WINDOW) {
    start_message(c, at);
  }
}

static uint64_t next_due(void) { return schedule + scheduled * interval; }

static void start_due(void) {
  struct server* server = &servers[current];
  while (server->rested != server->roused) {
    const uint64_t due = next_due();
    if (due > now() || due >= ended) return;
    scheduled++;
    start_message(server->resting[server->roused++ % count], due);
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

static void open_one(struct server* server) {
  struct connection* c = &server->connections[server->opened++];
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket: %s", strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
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
  const bool paced = interval != 0 && phase != OPEN;
  if (paced) start_due();
  const int ready = epoll_wait(epoll, events, EVENTS, paced ? 0 : 50);
  if (ready < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < ready; i++) handle(events[i].data.ptr, events[i].events);
}

static void start(void) {
  schedule = now();
  scheduled = 0;
  for (size_t i = 0; i < count && interval == 0; i++) start_message(&servers[current].connections[i], now());
}

static size_t in_flight(void) {
  const uint64_t due = interval == 0 ? ended : next_due();
  return servers[current].busy + (due < ended ? 1 + (ended - 1 - due) / interval : 0);
}

static size_t starving(uint64_t since) {
  const struct connection* c = servers[current].connections;
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += c[i].busy && c[i].started < since;
  return found;
}

static void open_all(int which, const char* port, const char* pid) {
  struct server* server = &servers[which];
  current = which;
  phase = OPEN;
  server->port = atoi(port);
  window_of(&samples[which].window, atoi(pid));
  server->connections = calloc(count, sizeof *server->connections);
  server->resting = calloc(count, sizeof *server->resting);
  if (server->connections == NULL || server->resting == NULL) fail("no memory");
  const uint64_t until = now() + PATIENCE;
  while (server->answered < count) {
    while (server->opened < count && server->opened - server->answered < OPENING) open_one(server);
    turn();
    if (now() > until) fail("patience ended");
  }
}

int main(int argc, char** argv) {
  if (argc != 8 && argc != 10) {
    fprintf(stderr, "usage: load PORT PID CONNECTIONS BYTES WARMUP_MS WINDOW_MS RATE [PORT PID]\n");
    return 2;
  }
  const bool compares = argc == 10;
  count = strtoul(argv[3], NULL, 10);
  size = strtoul(argv[4], NULL, 10);
  const uint64_t warmup = strtoull(argv[5], NULL, 10) * 1000000, window = strtoull(argv[6], NULL, 10) * 1000000;
  const uint64_t rate = strtoull(argv[7], NULL, 10);
  if (rate != 0) interval = SECOND / rate;
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || !pattern_make(size)) fail("no memory");
  open_all(MEASURED, argv[1], argv[2]);
  if (compares) open_all(REFERENCE, argv[8], argv[9]);
  measure(compares, warmup, window, SLICE + (interval == 0 ? count * SLICE_PER_CONNECTION : 0));
  print_samples(compares);
  return 0;
}

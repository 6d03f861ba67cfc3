// hold PORT PID CONNECTIONS BYTES BEFORE_MS AFTER_MS: what connections cost an echo server on 127.0.0.1 that only hold.
//
// A few connections come and go first, so that code and buffers which the first one needs are there. BEFORE_MS later
// the memory of process PID is read, CONNECTIONS are made, each sends one message and compares its echo, and after
// AFTER_MS in which nothing happens the memory is read again. At most OPENING wait for an answer at a time, so no
// backlog runs over. Connections end with RST, so no TIME_WAIT is left. One JSON line says it all; a failure is
// {"error": ...} and status 1.
//
// Memory is what /proc/PID/smaps_rollup says. "own" is anonymous and shared memory, with what was swapped out: nothing
// that other processes do changes it. "rss" has the pages of files too, and "pss" counts a page that n processes map as
// 1/n, so that it grows and shrinks when others that run the same program come and go. Memory of the kernel (sockets,
// descriptors, what a selector keeps) is in none of them.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pattern.h"

enum { OPENING = 64, FIRST = 10 };

struct memory {
  long long own, rss, pss;
};

static size_t size, answered;
static uint8_t* echo;
static struct sockaddr_in server;

static void fail(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  printf("{\"error\":\"%s (%zu messages were answered)\"}\n", text, answered);
  fflush(stdout);
  _exit(1);
}

static struct memory memory_of(int pid) {
  char line[256];
  snprintf(line, sizeof line, "/proc/%d/smaps_rollup", pid);
  FILE* file = fopen(line, "r");
  if (file == NULL) fail("%s: %s", line, strerror(errno));
  struct memory memory = {0, 0, 0};
  while (fgets(line, sizeof line, file) != NULL) {
    char name[32];
    long long kb = 0;
    if (sscanf(line, "%31[^:]: %lld kB", name, &kb) != 2) continue;
    if (strcmp(name, "Anonymous") == 0 || strcmp(name, "Pss_Shmem") == 0 || strcmp(name, "SwapPss") == 0)
      memory.own += kb * 1024;
    if (strcmp(name, "Rss") == 0) memory.rss = kb * 1024;
    if (strcmp(name, "Pss") == 0) memory.pss = kb * 1024;
  }
  fclose(file);
  if (memory.rss == 0) fail("no memory of process %d to be seen", pid);
  return memory;
}

static void print(const struct memory* memory) {
  printf("{\"own\":%lld,\"rss\":%lld,\"pss\":%lld}", memory->own, memory->rss, memory->pss);
}

static int open_one(size_t number) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket: %s", strerror(errno));
  const struct timeval patience = {.tv_sec = 20};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
  if (connect(fd, (struct sockaddr*)&server, sizeof server) != 0) fail("connect: %s", strerror(errno));
  if (send(fd, pattern + number * 17 % PATTERNS, size, MSG_NOSIGNAL) != (ssize_t)size)
    fail("send: %s", strerror(errno));
  return fd;
}

static void expect(int fd, size_t number) {
  const ssize_t got = recv(fd, echo, size, MSG_WAITALL);
  if (got < 0) fail("recv: %s", strerror(errno));
  if (got != (ssize_t)size) fail("the server closed a connection");
  if (memcmp(echo, pattern + number * 17 % PATTERNS, size) != 0) fail("the server sent back other bytes");
  answered++;
}

static void open_all(int* fds, size_t count) {
  for (size_t from = 0; from < count; from += OPENING) {
    const size_t to = from + OPENING < count ? from + OPENING : count;
    for (size_t i = from; i < to; i++) fds[i] = open_one(i);
    for (size_t i = from; i < to; i++) expect(fds[i], i);
  }
}

int main(int argc, char** argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: hold PORT PID CONNECTIONS BYTES BEFORE_MS AFTER_MS\n");
    return 2;
  }
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int pid = atoi(argv[2]);
  const size_t count = strtoul(argv[3], NULL, 10);
  size = strtoul(argv[4], NULL, 10);
  const useconds_t settling = (useconds_t)atoi(argv[5]) * 1000, silence = (useconds_t)atoi(argv[6]) * 1000;
  int* fds = calloc(count + FIRST, sizeof *fds);
  echo = malloc(size);
  if (fds == NULL || echo == NULL || !pattern_make(size)) fail("no memory");

  open_all(fds, FIRST);
  for (size_t i = 0; i < FIRST; i++) close(fds[i]);
  usleep(settling);
  const struct memory before = memory_of(pid);
  open_all(fds, count);
  usleep(silence);
  const struct memory after = memory_of(pid);
  for (size_t i = 0; i < count; i++) {  // a server that has dropped one does not hold it
    const ssize_t got = recv(fds[i], echo, size, MSG_DONTWAIT);
    if (got >= 0 || errno != EAGAIN) fail("connection %zu did not stay open and silent", i);
  }
  printf("{\"before\":");
  print(&before);
  printf(",\"after\":");
  print(&after);
  printf("}\n");
  return 0;
}

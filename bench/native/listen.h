// What the C echo servers share: a loopback listener on a free port, and the line that tells the harness where it is.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };  // the same for every server whose API lets us choose

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void announce(int port, const char* kind) {
  printf("listening on 127.0.0.1:%d (%s, pid %d)\n", port, kind, (int)getpid());
  fflush(stdout);
}

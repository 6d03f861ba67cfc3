// launch PARENT CPU COMMAND...: pins itself to one CPU ("-" for none), asks to die with the harness (pid PARENT) that
// started it, and becomes COMMAND. So the pid that the harness sees is the pid of the program, and nothing outlives a
// killed harness.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: launch PARENT CPU|- COMMAND [ARGUMENT...]\n");
    return 2;
  }
  if (strcmp(argv[2], "-") != 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(atoi(argv[2]), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
      perror("launch: sched_setaffinity");
      return 126;
    }
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != atoi(argv[1])) return 125;  // the harness was gone before the line above
  execvp(argv[3], argv + 3);
  fprintf(stderr, "launch: %s: ", argv[3]);
  perror(NULL);
  return 127;
}

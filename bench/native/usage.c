// usage COMMAND...: runs COMMAND with its output thrown away and prints, as one JSON line, what the kernel charged for
// it and for the children it waited for: CPU time (user + system) and the greatest resident size.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long nanoseconds(struct timeval t) { return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL; }

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: usage COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const pid_t child = fork();
  if (child < 0) {
    perror("usage: fork");
    return 1;
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, STDOUT_FILENO);  // stderr stays: it says why a run failed
    execvp(argv[1], argv + 1);
    fprintf(stderr, "usage: %s: %s\n", argv[1], strerror(errno));
    _exit(127);
  }
  int status = 0;
  struct rusage used;
  while (wait4(child, &status, 0, &used) < 0) {
    if (errno != EINTR) {
      perror("usage: wait4");
      return 1;
    }
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  printf("{\"cpuNs\":%lld,\"maxRssKb\":%ld,\"code\":%d}\n", nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime),
         used.ru_maxrss, code);
  return code == 0 ? 0 : 1;
}

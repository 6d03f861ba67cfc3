// units thread|process create|yield|switch|memory [COUNT]: what the system's own units of execution cost: to create
// one, wait for its end and free it; to give way to another (sched_yield); to hand over to another and wait (a futex);
// and to have COUNT of them that wait. Prints one JSON line: CPU time, user and system, of all that took part, or
// bytes. Whoever starts it pins it to one core, which all of its threads and children inherit.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 1000, MOST_PROCESSES = 200 };

static const long long WARMUP_NS = 200 * 1000000LL;
static const long long WINDOW_NS = 500 * 1000000LL;

static void fail(const char* what, int error) {
  printf("{\"error\":\"units: %s%s%s\"}\n", what, error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
  exit(1);  // children that still wait see the end of their pipe, or are killed with us
}

static void* shared(size_t size) {
  void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap", errno);
  return memory;
}

// ---- time

static long long clockNs(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) fail("clock_gettime", errno);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static clockid_t partnerClock;  // of the child, when it is a process that takes part
static int hasPartner;

// This process, its children that have ended, and its partner.
static long long cpuNs(void) {
  struct rusage children;
  getrusage(RUSAGE_CHILDREN, &children);
  const long long seconds = children.ru_utime.tv_sec + children.ru_stime.tv_sec;
  const long long microseconds = children.ru_utime.tv_usec + children.ru_stime.tv_usec;
  return clockNs(CLOCK_PROCESS_CPUTIME_ID) + seconds * 1000000000LL + microseconds * 1000 +
         (hasPartner ? clockNs(partnerClock) : 0);
}

// Calls `step` until the time is used up, once as warm-up and once measured; it returns how much it has done.
static void measure(long (*step)(void)) {
  long long begin = cpuNs();
  while (cpuNs() < begin + WARMUP_NS) step();
  begin = cpuNs();
  long long now;
  long count = 0;
  do {
    count += step();
    now = cpuNs();
  } while (now < begin + WINDOW_NS);
  printf("{\"count\":%ld,\"cpuNs\":%lld}\n", count, now - begin);
}

// ---- create

static void* nothing(void* argument) { return argument; }

static long createThreads(void) {
  for (int i = 0; i < 100; i++) {
    pthread_t thread;
    const int error = pthread_create(&thread, NULL, nothing, NULL);
    if (error != 0) fail("pthread_create", error);
    pthread_join(thread, NULL);
  }
  return 100;
}

static long createProcesses(void) {
  for (int i = 0; i < 20; i++) {
    const pid_t child = fork();
    if (child < 0) fail("fork", errno);
    if (child == 0) _exit(0);
    if (waitpid(child, NULL, 0) != child) fail("waitpid", errno);
  }
  return 20;
}

// ---- two that take turns: we are MINE, the partner is THEIRS

enum { MINE, THEIRS, OVER };

struct Turns {
  atomic_int turn;
  atomic_int last;       // who ran last, for those that yield
  atomic_long switches;  // how often it was the other one
};
static struct Turns* turns;
static int private;  // FUTEX_PRIVATE_FLAG between threads

static void futex(int operation, int value) {
  syscall(SYS_futex, &turns->turn, operation | private, value, NULL, NULL, 0);
}

// Gives the turn away and waits until it has come back, or all is over.
static int handOver(int me, int to) {
  atomic_store(&turns->turn, to);
  futex(FUTEX_WAKE, 1);
  int turn;
  while ((turn = atomic_load(&turns->turn)) == to) futex(FUTEX_WAIT, to);
  return turn == me;
}

static long handOverAndBack(void) {
  for (int i = 0; i < 500; i++) handOver(MINE, THEIRS);
  return 1000;
}

static void* partnerOfHandOver(void* argument) {
  while (atomic_load(&turns->turn) == MINE) futex(FUTEX_WAIT, MINE);
  while (atomic_load(&turns->turn) == THEIRS && handOver(THEIRS, MINE)) continue;
  return argument;
}

static void giveWay(int me) {
  if (atomic_exchange(&turns->last, me) != me) atomic_fetch_add(&turns->switches, 1);
  sched_yield();
}

static long yields;

static long giveWayOften(void) {
  const long before = atomic_load(&turns->switches);
  for (int i = 0; i < 500; i++) giveWay(MINE);
  yields += 500;
  return atomic_load(&turns->switches) - before;
}

static void* partnerOfYield(void* argument) {
  while (atomic_load(&turns->turn) != OVER) giveWay(THEIRS);
  return argument;
}

static void end(void) {
  atomic_store(&turns->turn, OVER);
  futex(FUTEX_WAKE, INT_MAX);
}

// Two yields make two switches, if the system's scheduler switches on a yield.
static void mustHaveSwitched(void) {
  if (atomic_load(&turns->switches) < yields * 2 * 0.9) fail("sched_yield did not give way each time", 0);
}

static void takeTurns(long (*step)(void), void* (*partner)(void*), int process) {
  turns = shared(sizeof *turns);
  private = process ? 0 : FUTEX_PRIVATE_FLAG;
  pthread_t thread;
  pid_t child = 0;
  if (process) {
    const pid_t parent = getpid();
    child = fork();
    if (child < 0) fail("fork", errno);
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() == parent) partner(NULL);
      _exit(0);
    }
    if (clock_getcpuclockid(child, &partnerClock) != 0) fail("clock_getcpuclockid", errno);
    hasPartner = 1;
  } else {
    const int error = pthread_create(&thread, NULL, partner, NULL);
    if (error != 0) fail("pthread_create", error);
  }
  measure(step);
  hasPartner = 0;
  end();
  if (process)
    waitpid(child, NULL, 0);
  else
    pthread_join(thread, NULL);
  mustHaveSwitched();
}

// ---- memory

// The sum of the lines NAME: N kB of a file in /proc, in bytes.
static long long kilobytes(const char* path, const char* const* names) {
  FILE* file = fopen(path, "r");
  if (file == NULL) fail(path, errno);
  long long sum = 0;
  char line[256];
  while (fgets(line, sizeof line, file) != NULL) {
    for (const char* const* name = names; *name != NULL; name++) {
      const size_t length = strlen(*name);
      if (strncmp(line, *name, length) == 0 && line[length] == ':') sum += atoll(line + length + 1) * 1024;
    }
  }
  fclose(file);
  return sum;
}

struct Memory {
  long long user;        // proportional set size of all processes
  long long stacks;      // in the kernel
  long long pageTables;  // of all processes, without the top level
  long long slab;        // what the kernel allocates for structures, of the whole machine
};

// Looks at the processes given and at ourselves. The kernel adds up its counters once a second only.
static struct Memory look(const pid_t* children, int count) {
  const char* const pss[] = {"Pss", NULL};
  const char* const tables[] = {"VmPTE", NULL};
  const char* const stacks[] = {"KernelStack", NULL};
  const char* const slab[] = {"Slab", NULL};
  const struct timespec foldTime = {1, 200 * 1000000};
  nanosleep(&foldTime, NULL);
  struct Memory memory = {0, kilobytes("/proc/meminfo", stacks), 0, kilobytes("/proc/meminfo", slab)};
  for (int i = -1; i < count; i++) {
    char path[64];
    const int pid = i < 0 ? getpid() : children[i];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    memory.user += kilobytes(path, pss);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    memory.pageTables += kilobytes(path, tables);
  }
  return memory;
}

static void printGrowth(struct Memory before, struct Memory after, double count) {
  const double stacks = (after.stacks - before.stacks) / count;
  const double tables = (after.pageTables - before.pageTables) / count;
  const double slab = (after.slab - before.slab) / count;
  printf("{\"userBytes\":%.1f,\"kernelBytes\":%.1f,\"stackBytes\":%.1f,\"tableBytes\":%.1f,\"slabBytes\":%.1f}\n",
         (after.user - before.user) / count, stacks + tables + slab, stacks, tables, slab);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrival = PTHREAD_COND_INITIALIZER;
static pthread_cond_t departure = PTHREAD_COND_INITIALIZER;
static int parked;
static int over;

static void* parking(void* argument) {
  pthread_mutex_lock(&lock);
  parked++;
  pthread_cond_signal(&arrival);
  while (!over) pthread_cond_wait(&departure, &lock);
  pthread_mutex_unlock(&lock);
  return argument;
}

static void parkThreads(int count) {
  static pthread_t threads[MOST_THREADS];
  const struct Memory before = look(NULL, 0);
  for (int i = 0; i < count; i++) {
    const int error = pthread_create(&threads[i], NULL, parking, NULL);
    if (error != 0) fail("pthread_create", error);
    pthread_mutex_lock(&lock);
    while (parked <= i) pthread_cond_wait(&arrival, &lock);
    pthread_mutex_unlock(&lock);
  }
  const struct Memory after = look(NULL, 0);
  pthread_mutex_lock(&lock);
  over = 1;
  pthread_cond_broadcast(&departure);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  printGrowth(before, after, count);
}

static void parkProcesses(int count) {
  static pid_t children[MOST_PROCESSES];
  int gate[2];
  int ready[2];
  char byte = 0;
  if (pipe(gate) != 0 || pipe(ready) != 0) fail("pipe", errno);
  const pid_t parent = getpid();
  const struct Memory before = look(NULL, 0);
  for (int i = 0; i < count; i++) {
    children[i] = fork();
    if (children[i] < 0) fail("fork", errno);
    if (children[i] == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      close(gate[1]);
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);  // the end of the pipe is the end of waiting
    }
    if (read(ready[0], &byte, 1) != 1) fail("read", errno);
  }
  const struct Memory after = look(children, count);
  close(gate[1]);
  for (int i = 0; i < count; i++) {
    int status = 0;
    if (waitpid(children[i], &status, 0) != children[i] || status != 0) fail("a child did not end well", 0);
  }
  printGrowth(before, after, count);
}

// ----

int main(int argc, char** argv) {
  const char* unit = argc > 1 ? argv[1] : "";
  const char* verb = argc > 2 ? argv[2] : "";
  const int process = strcmp(unit, "process") == 0;
  const int most = process ? MOST_PROCESSES : MOST_THREADS;
  const int wanted = argc > 3 ? atoi(argv[3]) : most;
  const int count = wanted < 1 || wanted > most ? most : wanted;
  if (!process && strcmp(unit, "thread") != 0) {
    fprintf(stderr, "usage: units thread|process create|yield|switch|memory [COUNT]\n");
    return 2;
  }
  if (strcmp(verb, "create") == 0)
    measure(process ? createProcesses : createThreads);
  else if (strcmp(verb, "switch") == 0)
    takeTurns(handOverAndBack, partnerOfHandOver, process);
  else if (strcmp(verb, "yield") == 0)
    takeTurns(giveWayOften, partnerOfYield, process);
  else if (process)
    parkProcesses(count);
  else
    parkThreads(count);
  return 0;
}

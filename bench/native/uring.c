// The yardstick's cousin on io_uring, as good as we can write it. Single-threaded; one system call for a whole batch,
// which submits what the last one led to and waits for the next.
//
//   accept   one multishot request; every connection is a completion, and a slot in a table of the ring (no descriptor)
//   recv     one multishot request per connection into a ring of provided buffers. They are used incrementally
//            (Linux 6.12): small messages lie densely, and a buffer goes back when its last piece was sent
//   send     straight from where it was received, one at a time per connection; what comes meanwhile waits in a list.
//            It does not wait for room: a connection whose peer does not read must not keep buffers from the others.
//            What was not taken is copied, and nothing is received until it has gone (backpressure)
//   close    a request too
//
// The kernel finishes requests inside the one call only (DEFER_TASKRUN), so nothing interrupts the loop.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "listen.h"

// Newer than the headers of some machines that run them.
#define SETUP_NO_SQARRAY (1U << 16)
#define PBUF_RING_INC 2
#define CQE_F_BUF_MORE (1U << 4)

enum { ENTRIES = 1024, COMPLETIONS = 8192, MOST_CONNECTIONS = 1 << 20 };
enum { BUFFERS = 8, BUFFER = 64 * 1024 };  // few, so that they stay in the cache; who finds none is fed in turn
enum { GROUP = 0, COPIED = -1, NOBODY = -1 };
enum { ACCEPT, RECEIVE, SEND, OTHER };  // what a completion is of: the low bits of its user_data; above them the slot

struct piece {
  struct piece* next;
  char* data;
  uint32_t length;
  int buffer;  // COPIED: behind the piece itself
};

static struct {
  int fd;
  unsigned *sq_head, *sq_tail, *cq_head, *cq_tail;
  unsigned sq_mask, cq_mask;
  unsigned tail;  // ours, published before each enter
  struct io_uring_sqe* sqes;
  struct io_uring_cqe* cqes;
} ring;

static struct {
  struct io_uring_buf_ring* ring;
  char* memory;
  int free;  // buffers that the kernel can still fill
  struct {
    uint32_t used;    // how much of it the kernel has filled
    uint32_t pieces;  // how many pieces of it still wait to be sent
    bool done;        // the kernel goes on with the next one
  } state[BUFFERS];
} pool;

struct connection {
  struct piece *first, *last;  // the first one is being sent
  bool receiving;              // the kernel has a recv of it
  bool paused;                 // the first piece is copied, and nothing is received until it has gone
  bool ended;
  bool hungry;  // there was no buffer
  int next;     // the one that was hungry after it
};

static struct connection* connections;  // by slot
static struct piece* spare;
static struct { int first, last; } hungry = {NOBODY, NOBODY};

static void enter(unsigned wait) {
  __atomic_store_n(ring.sq_tail, ring.tail, __ATOMIC_RELEASE);
  const unsigned submit = ring.tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE);
  const long taken = syscall(SYS_io_uring_enter, ring.fd, submit, wait, IORING_ENTER_GETEVENTS, NULL, 0);
  if (taken < 0 && errno != EINTR && errno != EAGAIN && errno != EBUSY) die("io_uring_enter");
}

static uint64_t name_of(int slot, int kind) { return (uint64_t)(uint32_t)slot << 2 | (uint64_t)kind; }

static struct io_uring_sqe* request(int operation, int slot, int kind) {
  while (ring.tail - __atomic_load_n(ring.sq_head, __ATOMIC_ACQUIRE) > ring.sq_mask) enter(0);
  struct io_uring_sqe* sqe = &ring.sqes[ring.tail++ & ring.sq_mask];
  memset(sqe, 0, sizeof *sqe);
  sqe->opcode = (uint8_t)operation;
  sqe->fd = slot;
  sqe->flags = IOSQE_FIXED_FILE;
  sqe->user_data = name_of(slot, kind);
  return sqe;
}

static void give_back(int buffer) {
  const uint16_t tail = pool.ring->tail;
  struct io_uring_buf* entry = &pool.ring->bufs[tail & (BUFFERS - 1)];
  entry->addr = (uint64_t)(uintptr_t)(pool.memory + (size_t)buffer * BUFFER);
  entry->len = BUFFER;
  entry->bid = (uint16_t)buffer;
  memset(&pool.state[buffer], 0, sizeof pool.state[buffer]);
  pool.free++;
  __atomic_store_n(&pool.ring->tail, (uint16_t)(tail + 1), __ATOMIC_RELEASE);
}

static void accept_more(int listener) {
  struct io_uring_sqe* sqe = request(IORING_OP_ACCEPT, listener, ACCEPT);
  sqe->flags = 0;
  sqe->ioprio = IORING_ACCEPT_MULTISHOT;
  sqe->file_index = IORING_FILE_INDEX_ALLOC;
}

static void receive_more(int slot) {
  struct io_uring_sqe* sqe = request(IORING_OP_RECV, slot, RECEIVE);
  sqe->ioprio = IORING_RECV_MULTISHOT;
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = GROUP;
  connections[slot].receiving = true;
}

static void stop_receiving(int slot) {
  if (!connections[slot].receiving) return;
  struct io_uring_sqe* sqe = request(IORING_OP_ASYNC_CANCEL, 0, OTHER);
  sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe->addr = name_of(slot, RECEIVE);
}

static void send_first(int slot) {
  const struct piece* piece = connections[slot].first;
  struct io_uring_sqe* sqe = request(IORING_OP_SEND, slot, SEND);
  sqe->addr = (uint64_t)(uintptr_t)piece->data;
  sqe->len = piece->length;
  sqe->msg_flags = MSG_NOSIGNAL | (piece->buffer == COPIED ? MSG_WAITALL : MSG_DONTWAIT);
}

static struct piece* received_piece(int buffer, uint32_t length) {
  struct piece* piece = spare;
  if (piece != NULL)
    spare = piece->next;
  else if ((piece = malloc(sizeof *piece)) == NULL)
    die("malloc");
  char* data = pool.memory + (size_t)buffer * BUFFER + pool.state[buffer].used;
  *piece = (struct piece){.data = data, .length = length, .buffer = buffer};
  pool.state[buffer].used += length;
  pool.state[buffer].pieces++;
  return piece;
}

static void release(struct piece* piece) {
  const int buffer = piece->buffer;
  if (buffer == COPIED) return free(piece);
  if (--pool.state[buffer].pieces == 0 && pool.state[buffer].done) give_back(buffer);
  piece->next = spare;
  spare = piece;
}

static struct piece* copied_piece(struct piece* from, uint32_t skip) {
  const uint32_t length = from->length - skip;
  struct piece* piece = malloc(sizeof *piece + length);
  if (piece == NULL) die("malloc");
  *piece = (struct piece){.data = (char*)(piece + 1), .length = length, .buffer = COPIED};
  memcpy(piece->data, from->data + skip, length);
  release(from);
  return piece;
}

static void append(struct connection* connection, struct piece* piece) {
  if (connection->last == NULL)
    connection->first = piece;
  else
    connection->last->next = piece;
  connection->last = piece;
}

static struct piece* take_first(struct connection* connection) {
  struct piece* piece = connection->first;
  connection->first = piece->next;
  if (connection->first == NULL) connection->last = NULL;
  return piece;
}

// What comes next for a connection that something has happened to.
static void go_on(int slot) {
  struct connection* connection = &connections[slot];
  if (connection->paused && connection->first == NULL) connection->paused = false;
  if (connection->receiving || connection->hungry) return;
  if (connection->ended) {
    if (connection->first != NULL) return;
    connection->ended = false;
    struct io_uring_sqe* sqe = request(IORING_OP_CLOSE, 0, OTHER);
    sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    sqe->file_index = (uint32_t)slot + 1;
  } else if (!connection->paused) {
    receive_more(slot);
  }
}

// The peer does not read: the rest is copied, so that the buffers are free for others, and sent when there is room.
static void pause_receiving(int slot, uint32_t sent) {
  struct connection* connection = &connections[slot];
  struct piece* piece = take_first(connection);
  struct piece* later = connection->first;
  connection->first = connection->last = NULL;
  append(connection, copied_piece(piece, sent));
  while (later != NULL) {
    piece = later;
    later = piece->next;
    append(connection, copied_piece(piece, 0));
  }
  connection->paused = true;
  stop_receiving(slot);
}

static void starve(int slot) {
  connections[slot].hungry = true;
  connections[slot].next = NOBODY;
  if (hungry.first == NOBODY)
    hungry.first = slot;
  else
    connections[hungry.last].next = slot;
  hungry.last = slot;
}

static void received(int slot, int result, unsigned flags) {
  struct connection* connection = &connections[slot];
  if ((flags & IORING_CQE_F_MORE) == 0) connection->receiving = false;
  if (result > 0) {
    const int buffer = (int)(flags >> IORING_CQE_BUFFER_SHIFT);
    struct piece* piece = received_piece(buffer, (uint32_t)result);
    if ((flags & CQE_F_BUF_MORE) == 0) {
      pool.state[buffer].done = true;
      pool.free--;
    }
    const bool idle = connection->first == NULL;
    append(connection, connection->paused ? copied_piece(piece, 0) : piece);
    if (idle) send_first(slot);
  } else if (result == -ENOBUFS) {
    starve(slot);
  } else if (result != -ECANCELED) {
    connection->ended = true;
  }
  go_on(slot);
}

static void sent(int slot, int result) {
  struct connection* connection = &connections[slot];
  struct piece* piece = connection->first;
  if (result == (int)piece->length) {
    release(take_first(connection));
    if (connection->first != NULL) send_first(slot);
  } else if (piece->buffer != COPIED && (result >= 0 || result == -EAGAIN)) {
    pause_receiving(slot, result < 0 ? 0 : (uint32_t)result);
    send_first(slot);
  } else {  // a copied one comes back short only if the connection is broken
    connection->ended = true;
    while (connection->first != NULL) release(take_first(connection));
    stop_receiving(slot);
  }
  go_on(slot);
}

static void accepted(int listener, int result, unsigned flags) {
  if (result >= 0) {
    receive_more(result);
  } else if (result != -ECONNABORTED) {
    errno = -result;
    die("accept");
  }
  if ((flags & IORING_CQE_F_MORE) == 0) accept_more(listener);
}

// As many as there are buffers, or the others would only be told again that there is none.
static void feed(void) {
  for (int buffers = pool.free; buffers > 0 && hungry.first != NOBODY; buffers--) {
    const int slot = hungry.first;
    hungry.first = connections[slot].next;
    connections[slot].hungry = false;
    go_on(slot);
  }
}

static _Noreturn void missing(const char* what) {
  fprintf(stderr, "io_uring is not available (cannot %s: %s): Linux 6.12 with io_uring allowed is needed\n", what,
          strerror(errno));
  exit(1);
}

static void* map(size_t length, off_t offset) {
  void* memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, offset);
  if (memory == MAP_FAILED) die("mmap");
  return memory;
}

static void open_ring(void) {
  struct io_uring_params params = {.cq_entries = COMPLETIONS};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE | SETUP_NO_SQARRAY;
  ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
  if (ring.fd < 0) missing("set up a ring");
  const size_t length = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  char* rings = map(length, IORING_OFF_SQ_RING);
  ring.sqes = map(params.sq_entries * sizeof *ring.sqes, IORING_OFF_SQES);
  ring.sq_head = (unsigned*)(rings + params.sq_off.head);
  ring.sq_tail = (unsigned*)(rings + params.sq_off.tail);
  ring.cq_head = (unsigned*)(rings + params.cq_off.head);
  ring.cq_tail = (unsigned*)(rings + params.cq_off.tail);
  ring.cqes = (struct io_uring_cqe*)(rings + params.cq_off.cqes);
  ring.sq_mask = params.sq_entries - 1;
  ring.cq_mask = params.cq_entries - 1;
}

static void open_pool(void) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  pool.memory = mmap(NULL, (size_t)BUFFERS * BUFFER, PROT_READ | PROT_WRITE, flags, -1, 0);
  pool.ring = mmap(NULL, BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE, flags, -1, 0);
  if (pool.memory == MAP_FAILED || pool.ring == MAP_FAILED) die("mmap");
  struct io_uring_buf_reg registration = {
      .ring_addr = (uint64_t)(uintptr_t)pool.ring, .ring_entries = BUFFERS, .bgid = GROUP};
  registration.pad = PBUF_RING_INC;  // "flags" in newer headers
  if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &registration, 1) != 0)
    missing("provide buffers that are used incrementally");
  for (int buffer = 0; buffer < BUFFERS; buffer++) give_back(buffer);
}

static void open_slots(size_t count) {
  connections = calloc(count, sizeof *connections);
  if (connections == NULL) die("calloc");
  struct io_uring_rsrc_register slots = {.nr = (uint32_t)count, .flags = IORING_RSRC_REGISTER_SPARSE};
  if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES2, &slots, sizeof slots) != 0)
    missing("register slots for connections");
}

int main(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) die("getrlimit");
  // Connections have TCP_NODELAY from the listener: slots are none that setsockopt knows.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) != 0 ||
      bind(listener, (struct sockaddr*)&address, length) != 0 || listen(listener, BACKLOG) != 0 ||
      getsockname(listener, (struct sockaddr*)&address, &length) != 0)
    die("listen");
  open_ring();
  open_pool();
  open_slots(files.rlim_cur < MOST_CONNECTIONS ? files.rlim_cur : MOST_CONNECTIONS);
  accept_more(listener);
  announce(ntohs(address.sin_port), "C io_uring");

  for (;;) {
    feed();
    enter(hungry.first != NOBODY && pool.free > 0 ? 0 : 1);  // not to wait while somebody was left for the next turn
    unsigned head = *ring.cq_head;
    const unsigned tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) {
      const struct io_uring_cqe cqe = ring.cqes[head & ring.cq_mask];
      const int slot = (int)(cqe.user_data >> 2);
      switch (cqe.user_data & 3) {
        case ACCEPT:
          accepted(slot, cqe.res, cqe.flags);
          break;
        case RECEIVE:
          received(slot, cqe.res, cqe.flags);
          break;
        case SEND:
          sent(slot, cqe.res);
          break;
      }
    }
    __atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
  }
}

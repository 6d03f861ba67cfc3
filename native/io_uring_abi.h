// What the kernel and we say to each other about an io_uring(7): the part of <linux/io_uring.h> that we use, under its
// names. It is ours because headers differ: a release is built with those of an old system, which lack the half of it,
// and newer ones have renamed some. For ring.h; nothing may include the kernel's besides.
#pragma once

#include <linux/time_types.h>
#include <sys/syscall.h>

#include <cstdint>

// The same numbers on all machines, for C libraries that are older than the calls.
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_io_uring_register 427
#endif

namespace coreactor {

// A request.
struct io_uring_sqe {
  uint8_t opcode;
  uint8_t flags;
  uint16_t ioprio;
  int32_t fd;
  uint64_t off;
  uint64_t addr;
  uint32_t len;
  union {
    uint32_t poll32_events;
    uint32_t msg_flags;
    uint32_t accept_flags;
  };
  uint64_t user_data;
  uint16_t buf_group;
  uint16_t personality;
  int32_t splice_fd_in;
  uint64_t unused[2];
};
static_assert(sizeof(io_uring_sqe) == 64);

enum : uint8_t {
  IORING_OP_NOP = 0,
  IORING_OP_POLL_ADD = 6,
  IORING_OP_ACCEPT = 13,
  IORING_OP_ASYNC_CANCEL = 14,
  IORING_OP_SEND = 26,
  IORING_OP_RECV = 27,
};

// In its flags.
constexpr uint8_t IOSQE_FIXED_FILE = 1U << 0;
constexpr uint8_t IOSQE_BUFFER_SELECT = 1U << 5;
constexpr uint8_t IOSQE_CQE_SKIP_SUCCESS = 1U << 6;  // Linux 5.17

// In len of a poll, and in ioprio of the others: go on (multishot).
constexpr uint32_t IORING_POLL_ADD_MULTI = 1U << 0;    // Linux 5.13
constexpr uint16_t IORING_ACCEPT_MULTISHOT = 1U << 0;  // Linux 5.19
constexpr uint16_t IORING_RECV_MULTISHOT = 1U << 1;    // Linux 6.0

// A completion.
struct io_uring_cqe {
  uint64_t user_data;
  int32_t res;
  uint32_t flags;
};
static_assert(sizeof(io_uring_cqe) == 16);

// In its flags; above them the buffer's number.
constexpr uint32_t IORING_CQE_F_MORE = 1U << 1;
constexpr uint32_t IORING_CQE_F_BUF_MORE = 1U << 4;  // Linux 6.12
constexpr unsigned IORING_CQE_BUFFER_SHIFT = 16;

// io_uring_setup(2): what is asked for, and where in the mappings the queues lie.
struct io_uring_params {
  uint32_t sq_entries;
  uint32_t cq_entries;
  uint32_t flags;
  uint32_t sq_thread_cpu;
  uint32_t sq_thread_idle;
  uint32_t features;
  uint32_t wq_fd;
  uint32_t resv[3];
  struct {
    uint32_t head;
    uint32_t tail;
    uint32_t ring_mask;
    uint32_t ring_entries;
    uint32_t flags;
    uint32_t dropped;
    uint32_t array;
    uint32_t resv1;
    uint64_t user_addr;
  } sq_off;
  struct {
    uint32_t head;
    uint32_t tail;
    uint32_t ring_mask;
    uint32_t ring_entries;
    uint32_t overflow;
    uint32_t cqes;
    uint32_t flags;
    uint32_t resv1;
    uint64_t user_addr;
  } cq_off;
};
static_assert(sizeof(io_uring_params) == 120);

constexpr uint32_t IORING_SETUP_CQSIZE = 1U << 3;
constexpr uint32_t IORING_SETUP_TASKRUN_FLAG = 1U << 9;    // Linux 5.19
constexpr uint32_t IORING_SETUP_SINGLE_ISSUER = 1U << 12;  // Linux 6.0
constexpr uint32_t IORING_SETUP_DEFER_TASKRUN = 1U << 13;  // Linux 6.1
constexpr uint32_t IORING_SETUP_NO_SQARRAY = 1U << 16;     // Linux 6.6: requests are handed over in their order

constexpr uint32_t IORING_FEAT_RW_ATTR = 1U << 16;  // Linux 6.14

constexpr uint64_t IORING_OFF_SQ_RING = 0;
constexpr uint64_t IORING_OFF_SQES = 0x10000000;

// In the flags of the queue of requests.
constexpr uint32_t IORING_SQ_CQ_OVERFLOW = 1U << 1;  // completions that had no place wait outside
constexpr uint32_t IORING_SQ_TASKRUN = 1U << 2;      // Linux 5.19

// io_uring_enter(2).
constexpr uint32_t IORING_ENTER_GETEVENTS = 1U << 0;
constexpr uint32_t IORING_ENTER_EXT_ARG = 1U << 3;  // Linux 5.11

struct io_uring_getevents_arg {
  uint64_t sigmask;
  uint32_t sigmask_sz;
  uint32_t pad;
  uint64_t ts;
};
static_assert(sizeof(io_uring_getevents_arg) == 24);

// io_uring_register(2).
enum : unsigned {
  IORING_UNREGISTER_FILES = 3,
  IORING_REGISTER_EVENTFD = 4,
  IORING_REGISTER_FILES_UPDATE = 6,
  IORING_REGISTER_FILES2 = 13,       // Linux 5.13
  IORING_REGISTER_PBUF_RING = 22,    // Linux 5.19
  IORING_UNREGISTER_PBUF_RING = 23,  // Linux 5.19
  IORING_REGISTER_SYNC_CANCEL = 24,  // Linux 6.0
};

// A ring of buffers: its tail lies in what its first buffer leaves free.
struct io_uring_buf {
  uint64_t addr;
  uint32_t len;
  uint16_t bid;
  uint16_t resv;
};
struct io_uring_buf_ring {
  uint64_t resv1;
  uint32_t resv2;
  uint16_t resv3;
  uint16_t tail;
};
static_assert(sizeof(io_uring_buf) == 16 && sizeof(io_uring_buf_ring) == 16);

struct io_uring_buf_reg {
  uint64_t ring_addr;
  uint32_t ring_entries;
  uint16_t bgid;
  uint16_t flags;
  uint64_t resv[3];
};
static_assert(sizeof(io_uring_buf_reg) == 40);

constexpr uint16_t IOU_PBUF_RING_INC = 2;  // Linux 6.12

// A table of files.
struct io_uring_rsrc_register {
  uint32_t nr;
  uint32_t flags;
  uint64_t resv2;
  uint64_t data;
  uint64_t tags;
};
static_assert(sizeof(io_uring_rsrc_register) == 32);

constexpr uint32_t IORING_RSRC_REGISTER_SPARSE = 1U << 0;  // Linux 5.19: every place is empty

struct io_uring_files_update {
  uint32_t offset;
  uint32_t resv;
  uint64_t fds;
};
static_assert(sizeof(io_uring_files_update) == 16);

struct io_uring_sync_cancel_reg {
  uint64_t addr;
  int32_t fd;
  uint32_t flags;
  __kernel_timespec timeout;
  uint64_t pad[4];
};
static_assert(sizeof(io_uring_sync_cancel_reg) == 64);

constexpr uint32_t IORING_ASYNC_CANCEL_ALL = 1U << 0;
constexpr uint32_t IORING_ASYNC_CANCEL_ANY = 1U << 2;

}  // namespace coreactor

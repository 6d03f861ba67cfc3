// An echo server on libuv, as its users write it: one shared read buffer, uv_try_write first (a send, no request
// object), and a copied uv_write for what did not fit, with reading paused until it has gone.
#include <string.h>
#include <uv.h>

#include "listen.h"

static char buffer[256 * 1024];

struct rest {
  uv_write_t request;
  char data[];
};

static void check(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void on_allocate(uv_handle_t* handle, size_t suggested, uv_buf_t* to) {
  (void)handle;
  (void)suggested;
  *to = uv_buf_init(buffer, sizeof buffer);
}

static void on_closed(uv_handle_t* handle) { free(handle); }

static void drop(uv_stream_t* stream) {
  if (!uv_is_closing((uv_handle_t*)stream)) uv_close((uv_handle_t*)stream, on_closed);
}

static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* from);

static void on_written(uv_write_t* request, int status) {
  uv_stream_t* stream = request->handle;
  free(request);
  if (status < 0 || uv_read_start(stream, on_allocate, on_read) < 0) drop(stream);
}

static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* from) {
  if (got == 0) return;
  if (got < 0) return drop(stream);
  uv_buf_t out = uv_buf_init(from->base, (unsigned)got);
  int sent = uv_try_write(stream, &out, 1);
  if (sent == got) return;
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) return drop(stream);
  const size_t left = (size_t)(got - sent);
  struct rest* rest = malloc(sizeof *rest + left);
  if (rest == NULL) die("malloc");
  memcpy(rest->data, from->base + sent, left);
  out = uv_buf_init(rest->data, (unsigned)left);
  uv_read_stop(stream);
  if (uv_write(&rest->request, stream, &out, 1, on_written) < 0) {
    free(rest);
    drop(stream);
  }
}

static void on_connection(uv_stream_t* listener, int status) {
  check(status, "connection");
  uv_tcp_t* client = malloc(sizeof *client);
  if (client == NULL) die("malloc");
  check(uv_tcp_init(listener->loop, client), "uv_tcp_init");
  check(uv_accept(listener, (uv_stream_t*)client), "uv_accept");
  check(uv_tcp_nodelay(client, 1), "uv_tcp_nodelay");
  check(uv_read_start((uv_stream_t*)client, on_allocate, on_read), "uv_read_start");
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  struct sockaddr_in address;
  check(uv_tcp_init(loop, &listener), "uv_tcp_init");
  check(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  check(uv_tcp_bind(&listener, (struct sockaddr*)&address, 0), "uv_tcp_bind");
  check(uv_listen((uv_stream_t*)&listener, BACKLOG, on_connection), "uv_listen");
  int length = sizeof address;
  check(uv_tcp_getsockname(&listener, (struct sockaddr*)&address, &length), "uv_tcp_getsockname");
  char kind[64];
  snprintf(kind, sizeof kind, "C libuv %s", uv_version_string());
  announce(ntohs(address.sin_port), kind);
  return uv_run(loop, UV_RUN_DEFAULT);
}

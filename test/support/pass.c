// An addon with one function: pass(waits) makes one pass of the loop of libuv that it is called from, and waits in it
// for something to happen, or does not. libuv does not promise that this can be done within another pass; all that
// happens here is that the outer one finds less to do.
#include <stdbool.h>
#include <stddef.h>

// Node's, whose headers are not on every machine.
typedef void* Opaque;
int napi_get_cb_info(Opaque env, Opaque info, size_t* count, Opaque* values, Opaque* self, void** data);
int napi_get_value_bool(Opaque env, Opaque value, bool* result);
int napi_get_uv_event_loop(Opaque env, Opaque* loop);
int napi_create_function(Opaque env, const char* name, size_t length, Opaque (*call)(Opaque, Opaque), void* data,
                         Opaque* made);
int uv_run(Opaque loop, int mode);
enum { ONCE = 1, NOWAIT = 2 };

static Opaque pass(Opaque env, Opaque info) {
  size_t count = 1;
  Opaque waits = NULL;
  Opaque loop = NULL;
  bool on = false;
  napi_get_cb_info(env, info, &count, &waits, NULL, NULL);
  napi_get_value_bool(env, waits, &on);
  napi_get_uv_event_loop(env, &loop);
  uv_run(loop, on ? ONCE : NOWAIT);
  return NULL;
}

Opaque napi_register_module_v1(Opaque env, Opaque exports) {
  Opaque made = exports;
  napi_create_function(env, "pass", 4, pass, NULL, &made);
  return made;
}
